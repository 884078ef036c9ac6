"""geoseg's turn in bench_peers.py: one run from file to class map, with imports, weights and calibration done."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path

from process_memory import peak_bytes


def main() -> None:
    from geoseg.job.batch import run
    from geoseg.job.outputs import Products
    from geoseg.job.request import Job
    from geoseg.models import keep_memory
    from geoseg.segment.block import make_recipe, predictor_of
    from geoseg.segment.plan import Options, make_plan

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
    print(json.dumps({"seconds": seconds, "peak": peak_bytes(), "execution": result.report["execution"]}))


if __name__ == "__main__":
    main()
