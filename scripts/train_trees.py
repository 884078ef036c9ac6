"""Train the model ``trees`` (RGB) or ``trees-rgbn`` (with near infrared) on tiles with tree points.

    python scripts/train_trees.py DATA -o trees --folds --work work
    python scripts/train_trees.py DATA -o trees-rgbn --folds --nir --work work

DATA contains ``images/CITY_YEAR_N.tif`` (red, green, blue, nir) and ``csv/CITY_YEAR_N.csv`` (x, y of trees in pixels).
Needs scikit-learn and scipy beside geoseg. ``--folds`` holds out two cities at a time and finds the trees of what a
network has not seen; ``--measured FILE`` reuses the scores that an earlier run printed. The network that is written is
trained on all tiles. ``--work`` keeps labels and networks, so that an interrupted run goes on where it was. Equal seeds
give equal results on the same machine with the same versions and threads.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import torch
from green.card import value_percentiles
from green.data import FOLDS, Tiles
from green.kept import kept_network, network_name
from green.options import parser_of
from trees.card import make_card
from trees.folds import Fold, summary
from trees.labels import layers_of
from trees.network import Recipe, calibrated, train

from geoseg.models import save_model
from geoseg.models.networks.green import TreeNet

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STARTED = time.monotonic()


def say(line: str) -> None:
    """Print a line with the seconds since the start to stderr."""
    sys.stderr.write(f"{time.monotonic() - _STARTED:7.0f} s  {line}\n")
    sys.stderr.flush()


def kept_layers(tiles: Tiles, work: Path | None) -> NDArray[np.float32]:
    """Return the labels of all tiles, from the folder of an earlier run if they are there."""
    path = None if work is None else work / "layers.npy"
    if path is not None and path.is_file():
        layers: NDArray[np.float32] = np.load(path)
        if len(layers) == len(tiles.images):
            return layers
    layers = layers_of(tiles)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, layers)
    return layers


def main() -> None:
    """Run the recipe."""
    parser = parser_of(__doc__, Recipe().steps)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = Recipe(steps=options.steps)
    tiles = Tiles.read(options.data)
    images = tiles.images if options.nir else tiles.images[:, :3]
    bands = images.shape[1]
    layers = kept_layers(tiles, options.work)
    say("labels are ready")

    def network(held: tuple[str, ...]) -> TreeNet:
        seen = np.flatnonzero(~np.isin(tiles.cities, held))
        return kept_network(
            network_name(bands, options.steps, held), TreeNet(bands), options.work,
            lambda: train(images, layers, seen, recipe, options.seed, say=say),
        )  # fmt: skip

    metrics: dict[str, Any] = json.loads(options.measured.read_text(encoding="utf-8")) if options.measured else {}
    if options.folds:
        folds = []
        for pair in FOLDS:
            held = np.flatnonzero(np.isin(tiles.cities, pair))
            if len(held) and len(held) < len(images):
                folds.append(Fold.of(network(pair), images, tiles, held))
                say(f"{', '.join(pair)}: found")
        metrics |= summary(folds, say)
    sys.stdout.write(json.dumps(metrics, indent=2) + "\n")
    sys.stdout.flush()
    if options.output:
        net = network(())
        if "threshold" in metrics:
            net = calibrated(net, metrics["threshold"], metrics["slope"])
        card = make_card(metrics, recipe, bands, value_percentiles(images))
        say(f"written to {save_model(options.output, card, net.half().state_dict()).folder}")


if __name__ == "__main__":
    main()
