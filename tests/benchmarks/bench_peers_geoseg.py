"""geoseg's turn in bench_peers.py: one run from file to class map, with imports, weights and calibration done."""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import time
from pathlib import Path


def main() -> None:
    from geoseg.job import Job, run
    from geoseg.models import keep_memory
    from geoseg.plan import Options, make_plan
    from geoseg.products import Products
    from geoseg.segment import make_recipe, predictor_of

    parser = argparse.ArgumentParser()
    parser.add_argument("scene")
    parser.add_argument("model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tile", type=int)
    parser.add_argument("--margin", type=int)
    given = parser.parse_args()
    keep_memory()
    precision = "fp32" if given.tile else "auto"
    options = Options(device="cpu", window=given.tile, margin=given.margin, precision=precision)
    predictor_of(make_recipe(make_plan(given.scene, given.model, options)))
    shutil.rmtree(given.out, ignore_errors=True)
    products = Products(polygons=False, preview=False)
    start = time.perf_counter()
    (result,) = run(Job([given.scene], given.out, given.model, options=options, products=products))
    seconds = time.perf_counter() - start
    if result.error:
        raise SystemExit(str(result.error))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seconds": seconds, "peak": peak, "execution": result.report["execution"]}))


if __name__ == "__main__":
    main()
