"""Train the bundled ``landcover`` model on its labelled tiles, and compare it with simpler methods.

    python scripts/train_landcover.py DATA -o geoseg/models/bundled/landcover --folds --baselines

DATA contains ``images/N.tif``, ``labels/N.tif`` and ``clusters.csv``. Needs scikit-learn and scipy beside geoseg.
``--folds`` trains five networks and tests each on the places it has not seen; ``--baselines`` scores simpler methods on
the same folds, which takes longest; ``--measured FILE`` reuses the scores that an earlier run printed. The network that
is written is trained on all tiles. Equal seeds give equal results on the same machine with the same versions and
threads; the bundled weights were trained with ``--threads 1``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import torch
from landcover import baselines
from landcover.calibration import HeldOut, calibration
from landcover.card import make_card
from landcover.data import FOLDS, Tiles, make_folds
from landcover.disturb import DISTURBANCES
from landcover.network import Pixels, Recipe, describe, logits, magnify, train
from landcover.percentiles import value_percentiles
from landcover.sanity import shares
from landcover.scores import FoldScores, per_class_iou

from geoseg.classes import LAND_COVER
from geoseg.evaluate.comparison import ComparisonCounts
from geoseg.evaluate.figure import draw
from geoseg.evaluate.metrics import scores as scores_of
from geoseg.models import save_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ZOOMS = (1, 2, 3)
_MAGNIFIED = "magnified 3 times"
_STARTED = time.monotonic()


def say(line: str) -> None:
    """Print a line with the seconds since the start to stderr."""
    sys.stderr.write(f"{time.monotonic() - _STARTED:7.0f} s  {line}\n")


def cross_validate(
    tiles: Tiles, fold: NDArray[np.int64], zooms: list[Pixels], recipe: Recipe, seed: int, path: Path | None = None
) -> dict[str, Any]:
    """Return the scores of the recipe: each fold is classified by a network trained on the others.

    Disturbances are scored on every third tile, magnified tiles on every fourth. The logits of the tiles as they are
    are written to ``path``, if given, as :mod:`landcover.calibration` reads them.
    """
    scores, magnified = FoldScores("landcover"), FoldScores("magnified")
    disturbed = {name: FoldScores(name) for name in DISTURBANCES}
    seen, others = HeldOut(), {name: HeldOut() for name in (*DISTURBANCES, _MAGNIFIED)}
    classes = np.zeros_like(tiles.labels)
    for part in range(FOLDS):
        net = train(zooms, np.flatnonzero(fold != part), recipe, seed).export()
        test = np.flatnonzero(fold == part)
        classes[test] = seen.add(logits(net, tiles.images[test]), tiles.labels[test])
        scores.add(classes[test], tiles.labels[test], tiles.images[test])
        some = test[::3]
        for name, disturb in DISTURBANCES.items():
            predicted = others[name].add(logits(net, disturb(tiles.images[some])), tiles.labels[some])
            disturbed[name].add(predicted, tiles.labels[some], tiles.images[some])
        few = test[::4]
        large = magnify(tiles.images[few], 3)
        labels = tiles.labels[few].repeat(3, 1).repeat(3, 2)
        magnified.add(others[_MAGNIFIED].add(logits(net, large), labels), labels, large)
        say(f"network: fold {part + 1} of {FOLDS}: mIoU {np.nanmean(per_class_iou(scores.matrices[-1])):.4f}")

    if path:
        order = np.argsort(fold, kind="stable")
        np.savez(path, logits=np.concatenate(seen.logits), labels=np.concatenate(seen.labels), fold=fold[order])

    def short(of: FoldScores) -> dict[str, Any]:
        return {key: of.summary()[key] for key in ("miou", "overall_accuracy")}

    return scores.summary() | {
        "contradicted_by_indices": contradicted(tiles.images, classes),
        "magnified_3_times": short(magnified),
        "disturbed": {name: short(of) for name, of in disturbed.items()},
        "calibration": calibration(seen, others),
    }


def contradicted(images: NDArray[np.float32], classes: NDArray[np.uint8]) -> dict[str, float]:
    """Return how often maps (tiles, h, w) of images (tiles, 6, h, w) contradict the indices of single pixels."""
    rows = np.moveaxis(images, 1, 0).reshape(images.shape[1], -1, images.shape[-1])
    return {name: round(share, 4) for name, share in shares(rows, classes.reshape(rows.shape[1:])).items()}


def draw_confusion(metrics: dict[str, Any], path: Path) -> None:
    """Draw the confusion matrix of the folds."""
    matrix = np.array(metrics["confusion"], np.int64)
    path.parent.mkdir(parents=True, exist_ok=True)
    title = "landcover on places not seen against corrected WorldCover"
    draw(title, LAND_COVER, ComparisonCounts(matrix), scores_of(matrix)).save(path)


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with the labelled tiles")
    parser.add_argument("-o", "--output", type=Path, help="model folder to write; nothing is written by default")
    parser.add_argument("--folds", action="store_true", help="cross-validate the recipe by place")
    parser.add_argument("--baselines", action="store_true", help="score simpler methods on the same folds")
    parser.add_argument("--logits", type=Path, help="NPZ to write with the logits of the folds")
    parser.add_argument("--picture", type=Path, help="PNG to write with the confusion matrix of the folds")
    parser.add_argument("--measured", type=Path, help="JSON that an earlier run printed, whose scores go into the card")
    parser.add_argument(
        "--boosting-pixels", type=int, default=40_000, help="pixels that gradient boosting is trained on"
    )
    parser.add_argument("--steps", type=int, default=Recipe().steps, help="training steps, %(default)s by default")
    parser.add_argument("--seed", type=int, default=0, help="random seed, %(default)s by default")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads, all by default")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = Recipe(steps=options.steps)
    tiles = Tiles.read(options.data)
    fold = make_folds(tiles.labels, tiles.places)
    metrics: dict[str, Any] = json.loads(options.measured.read_text(encoding="utf-8")) if options.measured else {}
    if options.baselines:
        for scores in (
            baselines.rules(tiles, fold),
            baselines.gaussian(tiles, fold),
            baselines.boosting(tiles, fold, say, options.seed, options.boosting_pixels),
        ):
            summary = scores.summary()
            say(f"{scores.name}: mIoU {summary['miou']}, overall accuracy {summary['overall_accuracy']}")
            keep = ("miou", "miou_sd", "overall_accuracy", "miou_by_fold", "overall_accuracy_by_fold", "per_class")
            keep += ("without_contradicted_water",)
            metrics.setdefault("baselines", {})[scores.name] = {key: summary[key] for key in keep}
    zooms = [describe(tiles, zoom, seed=options.seed) for zoom in _ZOOMS]
    say("features of the pixels are ready")
    if options.folds:
        metrics |= cross_validate(tiles, fold, zooms, recipe, options.seed, options.logits)
        say(f"landcover: mIoU {metrics['miou']}, overall accuracy {metrics['overall_accuracy']}")
    sys.stdout.write(json.dumps(metrics, indent=2) + "\n")
    if options.picture:
        draw_confusion(metrics, options.picture)
    if options.output:
        net = train(zooms, np.arange(len(fold)), recipe, options.seed).export()
        card = make_card(metrics, recipe, value_percentiles(tiles.images))
        say(f"written to {save_model(options.output, card, net).folder}")


if __name__ == "__main__":
    main()
