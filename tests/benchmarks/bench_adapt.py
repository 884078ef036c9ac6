"""What `geoseg adapt` gains at other places, with and without a shift of gain and offset: mIoU before and after.

    python tests/benchmarks/bench_adapt.py --data ../shared/data/landcover-hls --folds 2 --seeds 1

A small network learns 5 % of the tiles of four folds of places, as ``plain`` in ``bench_unlabelled.py``, and is adapted
to the tiles of the fifth fold, each method by its defaults. Half of these tiles' ground is held out from the
adaptation; there their labels are compared with the maps before and after. ``shifted`` reads the fifth fold with a gain
of 0.8 and an offset of +0.03 reflectance, as an uncorrected haze might. One line per adaptation is appended to
``--log``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parent))

from bench_unlabelled import COMMON, drawn, files
from landcover.data import Tiles, make_folds

import geoseg
from geoseg.train.adapt import METHODS, adapt

SHIFTS: dict[str, dict[str, float]] = {"same sensor": {}, "shifted": {"scale": 0.00008, "offset": 0.03}}


def main() -> None:
    """Read the command line; train, adapt, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    for name, value in (("folds", 2), ("seeds", 1), ("epochs", 15)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--log", type=Path, default=Path("bench_adapt.jsonl"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    tiles = Tiles.read(options.data)
    fold = make_folds(tiles.labels, tiles.places)
    numbers = np.array(sorted(int(path.stem) for path in (options.data / "images").glob("*.tif")))
    rows: list[dict[str, Any]] = []
    for seed, part in itertools.product(range(options.seeds), range(options.folds)):
        chosen = numbers[drawn(tiles, np.flatnonzero(fold != part), 100 * part + seed)].tolist()
        held = numbers[fold == part].tolist()
        images, labels = (files(options.data / kind, chosen) for kind in ("images", "labels"))
        model = geoseg.train(images, labels, **COMMON | {"epochs": options.epochs, "seed": seed})
        with tempfile.TemporaryDirectory() as folder:
            for (shift, reading), method in itertools.product(SHIFTS.items(), options.methods):
                start = time.perf_counter()
                made = adapt(
                    model, files(options.data / "images", held), Path(folder) / f"{shift} {method}", method=method,
                    labels=files(options.data / "labels", held), keep=True, validation=0.5, window=64, device="cpu",
                    workers=0, seed=seed, reading=COMMON["reading"] | reading,
                )  # fmt: skip
                row = {
                    "shift": shift, "method": method, "fold": part, "seed": seed, "before": made.before.mean_iou,
                    "after": made.after.mean_iou, "seconds": round(time.perf_counter() - start, 1),
                    "stability": [made.before.stability, made.after.stability], "agreement": made.agreement,
                }  # fmt: skip
                rows.append(row)
                with options.log.open("a", encoding="utf-8") as log:
                    log.write(json.dumps(row) + "\n")
                print(row, flush=True)
    print("\n| scenes | method | mIoU before | after | gain, each |\n|---|---|---|---|---|")
    for shift, method in itertools.product(SHIFTS, options.methods):
        own = [r for r in rows if (r["shift"], r["method"]) == (shift, method)]
        before, after = (np.mean([r[name] for r in own]) for name in ("before", "after"))
        each = " ".join(f"{r['after'] - r['before']:+.3f}" for r in own)
        print(f"| {shift} | {method} | {before:.3f} | {after:.3f} | {each} |")


if __name__ == "__main__":
    main()
