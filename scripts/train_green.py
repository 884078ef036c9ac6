"""Train the bundled models ``green`` (RGB) and ``green-rgbn`` (with near infrared) on tiles with tree points.

    python scripts/train_green.py DATA -o geoseg/models/bundled/green --folds
    python scripts/train_green.py DATA -o geoseg/models/bundled/green-rgbn --folds --nir

DATA contains ``images/CITY_YEAR_N.tif`` (red, green, blue, nir) and ``csv/CITY_YEAR_N.csv`` (x, y of trees in pixels).
Needs scikit-learn and scipy beside geoseg. ``--folds`` holds out two cities at a time and tests a network on what it
has not seen; ``--measured FILE`` reuses the scores that an earlier run printed. The network that is written is trained
on all tiles. Equal seeds give equal results on the same machine with the same versions and threads; the bundled weights
were trained with ``--threads 1``.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import torch
from green.card import make_card, value_percentiles
from green.conditions import CONDITIONS, changed, coarser, finer
from green.crowns import Labels, make_labels
from green.data import FOLDS, Tiles
from green.kept import kept_network, network_name
from green.network import Recipe, folded, predict, sharpened, train
from green.options import parser_of
from green.scores import CityScores, agreement

from geoseg.models import save_model
from geoseg.models.networks.green import GreenNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_STARTED = time.monotonic()


def say(line: str) -> None:
    """Print a line with the seconds since the start to stderr."""
    sys.stderr.write(f"{time.monotonic() - _STARTED:7.0f} s  {line}\n")


def cross_validate(
    images: NDArray[np.uint8], cities: NDArray[np.str_], labels: Labels, network: Callable[[tuple[str, ...]], GreenNet]
) -> dict[str, Any]:
    """Return the scores of the recipe: each city is classified by a network that has not seen it.

    ``network`` returns that of all cities but the given ones.
    """
    scores = CityScores()
    conditions: dict[str, list[dict[str, Any]]] = {}
    for pair in FOLDS:
        net = network(pair)
        for city in pair:
            held = np.flatnonzero(cities == city)
            scores.add(city, predict(net, images[held]), labels, held)
            for name, found in under_conditions(net, images, labels, held[::3]).items():
                conditions.setdefault(name, []).append(found)
            say(f"{city}: {json.dumps(scores.by_city[city])} {json.dumps(scores.by_radius[city])}")
    means = {
        name: {
            key: round(float(np.mean([scores[key] for scores in found])), 4) for key in ("vegetation", "tree canopy")
        }
        for name, found in conditions.items()
    }
    return scores.summary() | {"conditions": means}


def under_conditions(
    net: GreenNet, images: NDArray[np.uint8], labels: Labels, tiles: NDArray[np.integer]
) -> dict[str, dict[str, Any]]:
    """Return the scores of tiles in other colours and pixel sizes."""
    pictures, truth = images[tiles], labels.classes[tiles]
    found = {"as they are": agreement(predict(net, pictures).argmax(1), truth)}
    for name, change in CONDITIONS.items():
        found[name] = agreement(predict(net, changed(pictures, change)).argmax(1), truth)
    found["pixels of 1.2 m"] = agreement(predict(net, coarser(pictures)).argmax(1).repeat(2, 1).repeat(2, 2), truth)
    found["pixels of 0.3 m"] = agreement(predict(net, finer(pictures)).argmax(1)[:, ::2, ::2], truth)
    return found


def main() -> None:
    """Run the recipe."""
    parser = parser_of(__doc__, Recipe().steps)
    parser.add_argument("--fold-steps", type=int, help="training steps of each fold, as many by default")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = Recipe(steps=options.steps)
    fold_recipe = replace(recipe, steps=options.fold_steps or recipe.steps)
    tiles = Tiles.read(options.data)
    images = tiles.images if options.nir else tiles.images[:, :3]
    labels = make_labels(tiles)
    say("labels are ready")

    def network(held: tuple[str, ...], recipe: Recipe = fold_recipe) -> GreenNet:
        seen = np.flatnonzero(~np.isin(tiles.cities, held))
        return kept_network(
            network_name(images.shape[1], recipe.steps, held), GreenNet(images.shape[1]), options.work,
            lambda: folded(train(images, labels, seen, recipe, options.seed, say=say)),
        )  # fmt: skip

    metrics: dict[str, Any] = json.loads(options.measured.read_text(encoding="utf-8")) if options.measured else {}
    if options.folds:
        metrics |= cross_validate(images, tiles.cities, labels, network)
    sys.stdout.write(json.dumps(metrics, indent=2) + "\n")
    sys.stdout.flush()
    if options.output:
        net = network((), recipe)
        state = sharpened(net, metrics.get("temperature", 1.0)).half().state_dict()
        card = make_card(metrics, recipe, images.shape[1], value_percentiles(images))
        say(f"written to {save_model(options.output, card, state).folder}")


if __name__ == "__main__":
    main()
