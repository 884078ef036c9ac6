"""Make the bundled ``landcover`` model from its labelled tiles, and measure it against simpler methods.

    python scripts/train_landcover.py DATA -o geoseg/models/bundled/landcover --folds --baselines

DATA holds ``images/N.tif``, ``labels/N.tif`` and ``clusters.csv``. Needs scikit-learn and scipy beside geoseg. With
``--folds`` five networks are trained, each tested on the places it did not see; ``--baselines`` measures simpler
methods on the same folds, which takes longest: ``--measured FILE`` takes up what an earlier run printed. The one that
is written learned from everything. The same seed gives the same numbers on the same machine and versions.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import torch
from landcover import baselines
from landcover.card import make_card
from landcover.data import FOLDS, Tiles, make_folds
from landcover.disturb import DISTURBANCES
from landcover.network import Pixels, Recipe, classify, describe, train
from landcover.scores import FoldScores

from geoseg.classes import LAND_COVER
from geoseg.evaluate.comparison import Tally
from geoseg.evaluate.evaluation import Evaluation
from geoseg.evaluate.figure import draw
from geoseg.models import save_model

_ZOOMS = (1, 2, 3)
_STARTED = time.monotonic()


def say(line: str) -> None:
    """Print a line with the seconds since the start."""
    sys.stderr.write(f"{time.monotonic() - _STARTED:7.0f} s  {line}\n")


def cross_validate(
    tiles: Tiles, fold: np.ndarray[Any, np.dtype[np.int64]], zooms: list[Pixels], recipe: Recipe, seed: int
) -> dict[str, Any]:
    """Return the recipe's scores: every fold by a network that learned from the others.

    Disturbances are measured on every third tile.
    """
    scores = FoldScores("landcover")
    disturbed = {name: FoldScores(name) for name in DISTURBANCES}
    for part in range(FOLDS):
        net = train(zooms, np.flatnonzero(fold != part), recipe, seed).export()
        test = np.flatnonzero(fold == part)
        scores.add(classify(net, tiles.images[test]), tiles.labels[test], tiles.images[test])
        some = test[::3]
        for name, disturb in DISTURBANCES.items():
            predicted = classify(net, disturb(tiles.images[some]))
            disturbed[name].add(predicted, tiles.labels[some], tiles.images[some])
        say(f"network: fold {part + 1} of {FOLDS}")
    keep = ("miou", "overall_accuracy")
    return scores.summary() | {"disturbed": {n: {key: s.summary()[key] for key in keep} for n, s in disturbed.items()}}


def draw_confusion(metrics: dict[str, Any], path: Path) -> None:
    """Draw what was confused with what on places that the networks had not seen."""
    matrix = np.array(metrics["confusion"], np.int64)
    draw(
        Evaluation("landcover on places not seen", "WorldCover with water masks", LAND_COVER, Tally(matrix), None)
    ).save(path)


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the labelled tiles")
    parser.add_argument("-o", "--output", type=Path, help="model folder to write; without it nothing is written")
    parser.add_argument("--folds", action="store_true", help="measure the recipe on places it did not see")
    parser.add_argument("--baselines", action="store_true", help="measure simpler methods on the same folds")
    parser.add_argument("--picture", type=Path, help="PNG to draw the confusion matrix of the folds into")
    parser.add_argument("--measured", type=Path, help="JSON that an earlier run printed: its numbers go into the card")
    parser.add_argument("--boosting-pixels", type=int, default=120_000, help="pixels that the boosting learns from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=None, help="processor threads; all by default")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = Recipe()
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
        metrics |= cross_validate(tiles, fold, zooms, recipe, options.seed)
        say(f"landcover: mIoU {metrics['miou']}, overall accuracy {metrics['overall_accuracy']}")
    sys.stdout.write(json.dumps(metrics, indent=2) + "\n")
    if options.picture:
        draw_confusion(metrics, options.picture)
    if options.output:
        net = train(zooms, np.arange(len(fold)), recipe, options.seed).export()
        say(f"written to {save_model(options.output, make_card(metrics, recipe), net).folder}")


if __name__ == "__main__":
    main()
