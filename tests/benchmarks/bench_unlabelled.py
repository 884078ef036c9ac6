"""What unlabelled scenes, pretraining, discriminators and second heads gain with 5 % of the labels: mIoU elsewhere.

    python tests/benchmarks/bench_unlabelled.py --data ../shared/data/landcover-hls --folds 2 --seeds 3

Folds are whole places (``scripts/landcover``). Of the tiles of four folds 5 % are labelled, drawn anew for each seed so
that all classes occur; the others are unlabelled. A small LinkNet learns as by ``geoseg train``, without validation,
for a fixed number of steps; every pixel of the fifth fold is scored. Methods:

* ``plain``: the labelled tiles alone;
* ``mean-teacher``: with ``--unlabelled``, the defaults; ``pseudo``: with ``--ema 0``; others as named;
* ``pretrained``: ``geoseg pretrain`` on all tiles of the four folds, half as many steps, then as ``plain`` from there.

* ``adversarial``: ``--adversarial`` on the labelled tiles alone; ``adversarial-scenes``: with ``--unlabelled``, whose
  pseudo-labels hardly weigh; ``edges``: ``--also edges`` on the labelled tiles alone.

One line per training (JSON) is appended to ``--log``, and what is there already is not trained again; ``--limit``
begins no further one after so many seconds.
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

from landcover.data import CLASS_NAMES, Tiles, make_folds

import geoseg
from geoseg.evaluate.metrics import confusion, scores
from geoseg.models import Model
from geoseg.models.networks.landcover import BANDS
from geoseg.train.options import ADVERSARIAL, EDGES
from geoseg.train.pretrain import pretrain

SHARE = 0.05

COMMON: dict[str, Any] = {
    "arch": "linknet", "encoder": "tu-mobilenetv4_conv_small_035", "window": 64, "batch": 8, "windows": 160,
    "validation": 0.0, "device": "cpu", "workers": 0, "classes": ",".join(CLASS_NAMES),
    "reading": {"bands": ",".join(BANDS)},
}  # fmt: skip

UNLABELLED: dict[str, dict[str, Any]] = {
    "plain": {},
    "mean-teacher": {},
    "pseudo": {"ema": 0.0},
    "pretrained": {"lr": 1e-3},
    "adversarial": {"adversarial": ADVERSARIAL},
    "adversarial-scenes": {"adversarial": ADVERSARIAL, "unlabelled_weight": 1e-6},
    "edges": {"also": EDGES},
    "ema 0.99, threshold 0.9": {"ema": 0.99, "threshold": 0.9},
    "ema 0.95, threshold 0.9": {"ema": 0.95, "threshold": 0.9},
    "ema 0.95, threshold 0.7": {"ema": 0.95, "threshold": 0.7},
}


def files(folder: Path, numbers: list[int]) -> list[str]:
    """Paths of tiles."""
    return [str(folder / f"{number}.tif") for number in numbers]


def drawn(tiles: Tiles, rest: np.ndarray, seed: int) -> np.ndarray:
    """5 % of the tiles, such that each class has 200 pixels or more."""
    rng = np.random.default_rng(seed)
    for _ in range(1000):
        chosen = rng.choice(rest, max(round(SHARE * len(rest)), 1), replace=False)
        counts = np.bincount(tiles.labels[chosen].ravel(), minlength=256)[: len(CLASS_NAMES)]
        if (counts >= 200).all():
            return np.sort(chosen)
    raise SystemExit("no draw has all classes")


def score(model: Model, data: Path, numbers: list[int], labels: np.ndarray) -> tuple[float, float]:
    """MIoU and overall accuracy over whole tiles."""
    matrix = np.zeros((len(CLASS_NAMES),) * 2, np.int64)
    network = model.module()
    for path, wanted in zip(files(data / "images", numbers), labels, strict=True):
        raster = geoseg.open_raster(path, bands=",".join(BANDS))
        affine = model.card.affine(raster.bands)
        pixels = raster.read(raster.box)
        x = np.stack([pixels.data[i].astype(np.float32) * step.a + step.b for i, step in enumerate(affine)])
        with torch.inference_mode():
            found = network(torch.from_numpy(np.where(pixels.valid, x, 0).astype(np.float32))[None])[0].argmax(0)
        matrix += confusion(found.numpy(), wanted, len(CLASS_NAMES))
    result = scores(matrix)
    return float(result.mean_iou), float(result.overall_accuracy)


def trained(method: str, data: Path, labelled: list[int], others: list[int], epochs: int, seed: int) -> Model:
    """The model that a method makes."""
    chosen = {**COMMON, "epochs": epochs, "seed": seed, **UNLABELLED[method]}
    images, labels = files(data / "images", labelled), files(data / "labels", labelled)
    more = files(data / "images", others)
    if method == "pretrained":
        names = ("arch", "encoder", "window", "batch", "windows", "device", "workers", "reading")
        own = {name: COMMON[name] for name in names} | {"epochs": epochs // 2, "seed": seed}
        with tempfile.TemporaryDirectory() as folder:
            weights = pretrain([*images, *more], Path(folder) / "encoder", **own)
            return geoseg.train(images, labels, weights=str(weights), **chosen)
    more = [] if method in ("plain", "adversarial", "edges") else more
    return geoseg.train(images, labels, unlabelled=more, **chosen)


def main() -> None:
    """Read the command line; train what is missing; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--methods", nargs="+", default=["plain", "mean-teacher", "pseudo"], choices=list(UNLABELLED))
    for name, value in (("folds", 2), ("seeds", 3), ("epochs", 30)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--log", type=Path, default=Path("bench_unlabelled.jsonl"))
    parser.add_argument("--limit", type=float, default=float("inf"))
    options = parser.parse_args()
    began = time.perf_counter()
    torch.set_num_threads(1)
    tiles = Tiles.read(options.data)
    fold = make_folds(tiles.labels, tiles.places)
    numbers = np.array(sorted(int(path.stem) for path in (options.data / "images").glob("*.tif")))
    lines = options.log.read_text("utf-8").splitlines() if options.log.exists() else []
    known = {(row["method"], row["fold"], row["seed"], row["epochs"]): row for row in map(json.loads, lines)}
    for seed, part in itertools.product(range(options.seeds), range(options.folds)):
        rest = np.flatnonzero(fold != part)
        chosen = drawn(tiles, rest, 100 * part + seed)
        others = [int(n) for n in numbers[np.setdiff1d(rest, chosen)]]
        held = np.flatnonzero(fold == part)
        for method in options.methods:
            key = (method, part, seed, options.epochs)
            if key in known or time.perf_counter() - began > options.limit:
                continue
            start = time.perf_counter()
            model = trained(method, options.data, numbers[chosen].tolist(), others, options.epochs, seed)
            seconds = round(time.perf_counter() - start, 1)
            miou, accuracy = score(model, options.data, numbers[held].tolist(), tiles.labels[held])
            known[key] = dict(zip(("method", "fold", "seed", "epochs"), key, strict=True), miou=round(miou, 4),
                              accuracy=round(accuracy, 4), seconds=seconds)  # fmt: skip
            pseudo = model.card.hyperparameters["training"].get("pseudo_labelled")
            known[key]["pseudo_labelled"] = pseudo
            with options.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(known[key]) + "\n")
            print(known[key], flush=True)
    table(list(known.values()), options.methods, options.epochs)


def table(rows: list[dict[str, Any]], methods: list[str], epochs: int) -> None:
    """Print means and deviations, and the gain over plain training of the same fold and seed."""
    plain = {(r["fold"], r["seed"]): r["miou"] for r in rows if (r["method"], r["epochs"]) == ("plain", epochs)}
    print("\n| method | mIoU | accuracy | gain over plain, each | mean ± deviation | s |\n|---|---|---|---|---|---|")
    for method in methods:
        own = [r for r in rows if (r["method"], r["epochs"]) == (method, epochs)]
        if not own:
            continue
        gains = [r["miou"] - plain[r["fold"], r["seed"]] for r in own if (r["fold"], r["seed"]) in plain]
        each = " ".join(f"{gain:+.3f}" for gain in gains)
        miou, accuracy, seconds = (np.mean([r[name] for r in own]) for name in ("miou", "accuracy", "seconds"))
        spread = np.std(gains, ddof=1) if len(gains) > 1 else float("nan")
        gain = np.mean(gains)
        print(f"| {method} | {miou:.3f} | {accuracy:.3f} | {each} | {gain:+.3f} ± {spread:.3f} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
