"""Make the bundled ``landcover`` model from its labelled tiles, and measure it against simpler methods.

    python scripts/train_landcover.py DATA -o geoseg/models/bundled/landcover

DATA holds ``images/N.tif``, ``labels/N.tif`` and ``clusters.csv``. Needs scikit-learn and scipy beside geoseg. Five
networks are trained, each tested on the places it did not see, then one on everything, which is written with its
card. The same seed gives the same numbers on the same machine and versions.
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
from landcover.network import Pixels, Recipe, classify, describe, train
from landcover.scores import FoldScores, confusion

from geoseg.models import save_model

_ZOOMS = (1, 2, 3)
_STARTED = time.monotonic()


def say(line: str) -> None:
    """Print a line with the seconds since the start."""
    sys.stderr.write(f"{time.monotonic() - _STARTED:7.0f} s  {line}\n")


def cross_validate(
    tiles: Tiles, fold: np.ndarray[Any, np.dtype[np.int64]], zooms: list[Pixels], recipe: Recipe, seed: int
) -> FoldScores:
    """Score the recipe: every fold by a network that learned from the others."""
    scores = FoldScores("landcover")
    for part in range(FOLDS):
        net = train(zooms, np.flatnonzero(fold != part), recipe, seed).export()
        test = fold == part
        scores.matrices.append(confusion(classify(net, tiles.images[test]), tiles.labels[test]))
        say(f"network: fold {part + 1} of {FOLDS}")
    return scores


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the labelled tiles")
    parser.add_argument("-o", "--output", type=Path, required=True, help="model folder to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=None, help="processor threads; all by default")
    parser.add_argument("--no-baselines", action="store_true", help="leave the simpler methods out of the card")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = Recipe()
    tiles = Tiles.read(options.data)
    fold = make_folds(tiles.labels, tiles.places)
    metrics: dict[str, Any] = {"protocol": "5 folds by place; means over folds; IoU by class with deviation over folds"}
    if not options.no_baselines:
        for scores in (
            baselines.rules(tiles, fold),
            baselines.gaussian(tiles, fold),
            baselines.boosting(tiles, fold, say, options.seed),
        ):
            summary = scores.summary()
            say(f"{scores.name}: mIoU {summary['miou']}, overall accuracy {summary['overall_accuracy']}")
            keep = ("miou", "miou_sd", "overall_accuracy", "miou_by_fold", "overall_accuracy_by_fold")
            metrics.setdefault("baselines", {})[scores.name] = {key: summary[key] for key in keep}
    zooms = [describe(tiles, zoom, seed=options.seed) for zoom in _ZOOMS]
    say("features of the pixels are ready")
    metrics |= cross_validate(tiles, fold, zooms, recipe, options.seed).summary()
    say(f"landcover: mIoU {metrics['miou']}, overall accuracy {metrics['overall_accuracy']}")
    sys.stdout.write(json.dumps(metrics, indent=2) + "\n")
    final = train(zooms, np.arange(len(fold)), recipe, options.seed).export()
    model = save_model(options.output, make_card(metrics, recipe), final)
    say(f"written to {model.folder}")


if __name__ == "__main__":
    main()
