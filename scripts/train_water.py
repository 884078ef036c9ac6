"""Train the bundled ``water`` model: water, snow, cloud, shadow and land, as a larger network and its makers see them.

    python scripts/train_water.py DATA -o geoseg/models/bundled/water --folds

DATA contains ``landcover-hls`` (tiles as for ``scripts/train_landcover.py``, and ``teacher.npz``),
``cloud_water_chips`` (``NAME.npz``: img, msk) and, to check maps without labels, ``scenes``. ``--folds`` trains five
networks and tests each on the places it has not seen, and one for each chip without it; ``--measured FILE`` reuses the
scores that an earlier run printed. The network that is written is trained on everything. Equal seeds give equal results
on the same machine with the same versions and threads; the bundled weights were trained with ``--threads 1``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import torch
from landcover.data import FOLDS, Tiles, make_folds
from landcover.disturb import DISTURBANCES
from landcover.network import Pixels, classify, describe, magnify, train
from landcover.percentiles import value_percentiles
from landcover.scenes import probabilities, read_scenes
from water.card import RECIPE, make_card
from water.data import CLASSES, NAMES, WATER, read_chips, read_tiles, with_chips
from water.scores import WaterScores, broken, shares
from water.simulate import ground, simulate, weather

from geoseg.evaluate.comparison import ComparisonCounts
from geoseg.evaluate.figure import draw
from geoseg.evaluate.metrics import scores as scores_of
from geoseg.models import save_model
from geoseg.models.networks.landcover import BANDS

if TYPE_CHECKING:
    from landcover.network import Recipe
    from numpy.typing import NDArray
    from water.data import Chip

    from geoseg.models.networks.landcover import LandcoverNet

_PIXELS = 1024  # of each tile magnified or drawn over
_SKIES = 2
_STARTED = time.monotonic()


def say(line: str) -> None:
    """Print a line with the seconds since the start to stderr."""
    sys.stderr.write(f"{time.monotonic() - _STARTED:7.0f} s  {line}\n")


def pools(tiles: Tiles, seed: int) -> list[Pixels]:
    """Return the pixels to train on: of the tiles, of magnified tiles, of tiles with weather and rare surfaces."""
    drawn = [simulate(tiles, weather, seed + number) for number in range(_SKIES)]
    drawn.append(simulate(tiles, ground, seed + _SKIES))
    magnified = [describe(tiles, 2, seed=seed, count=_PIXELS), describe(drawn[0], 3, seed=seed, count=_PIXELS)]
    return [describe(tiles), *magnified, *(sample(describe(each), seed) for each in drawn)]


def sample(pixels: Pixels, seed: int) -> Pixels:
    """Return random pixels of every tile."""
    count = pixels.labels.shape[1]
    generator = np.random.default_rng(seed)
    chosen = torch.from_numpy(np.stack([generator.permutation(count)[:_PIXELS] for _ in pixels.labels]))
    rows = torch.arange(len(chosen))[:, None]
    return Pixels(pixels.features[rows, chosen], pixels.labels[rows, chosen], pixels.trust[rows, chosen])


def fit(zooms: list[Pixels], tiles: NDArray[np.int64], recipe: Recipe, seed: int) -> LandcoverNet:
    """Train on the given tiles."""
    return train(zooms, tiles, recipe, seed, NAMES).export()


def cross_validate(
    tiles: Tiles, land_cover: NDArray[np.uint8], zooms: list[Pixels], recipe: Recipe, seed: int
) -> dict[str, Any]:
    """Return the scores of the recipe on places not seen, all chips being among the training data.

    Disturbances are scored on every third tile, magnified tiles on every fourth.
    """
    count = len(land_cover)
    fold = make_folds(land_cover, tiles.places[:count])
    scores, magnified, drawn, threshold = WaterScores(), WaterScores(), WaterScores(), WaterScores()
    disturbed = {name: WaterScores() for name in DISTURBANCES}
    classes = np.zeros_like(land_cover)
    for part in range(FOLDS):
        chosen = np.concatenate([np.flatnonzero(fold != part), np.arange(count, len(tiles.labels))])
        net = fit(zooms, chosen, recipe, seed)
        test = np.flatnonzero(fold == part)
        images, labels = tiles.images[test], tiles.labels[test]
        classes[test] = classify(net, images)
        scores.add(classes[test], labels, land_cover[test])
        green, swir = (images[:, BANDS.index(name)] for name in ("green", "swir16"))
        threshold.add(np.where(green > swir, WATER, len(NAMES) - 1), labels, land_cover[test])
        sky = simulate(replace(tiles, images=images, labels=labels), weather, seed + 1000)
        drawn.add(classify(net, sky.images), sky.labels)
        for name, disturb in DISTURBANCES.items():
            disturbed[name].add(classify(net, disturb(images[::3])), labels[::3])
        large = magnify(images[::4], 3)
        magnified.add(classify(net, large), labels[::4].repeat(3, 1).repeat(3, 2))
        say(f"fold {part + 1} of {FOLDS}: water IoU {scores.summary()['water_iou_by_fold'][-1]}")

    def short(of: WaterScores) -> dict[str, float]:
        return {name: value["iou"] for name, value in of.summary()["per_class"].items()}

    return scores.summary() | {
        "contradicted_by_indices": shares(np.moveaxis(tiles.images[:count], 1, 0), classes),
        "drawn_weather": short(drawn),
        "magnified_3_times": short(magnified),
        "disturbed": {name: short(of)["water"] for name, of in disturbed.items()},
        "mndwi_above_0": {key: threshold.summary()[key] for key in ("water_iou_by_fold", "land_cover_labels")}
        | {"water_iou": short(threshold)["water"]},
    }


def leave_chips_out(tiles: Tiles, chips: list[Chip], zooms: list[Pixels], recipe: Recipe, seed: int) -> dict[str, Any]:
    """Return the scores on each chip of a network that was trained without it."""
    found = {}
    places = np.unique(tiles.places)[-len(chips) :]
    for chip, place in zip(chips, places, strict=True):
        net = fit(zooms, np.flatnonzero(tiles.places != place), recipe, seed)
        scores = WaterScores()
        scores.add(classify(net, chip.image[None])[0], chip.labels)
        summary = scores.summary()
        found[chip.name] = {key: summary[key] for key in ("per_class", "confusion")}
        say(f"{chip.name}: {summary['per_class']}")
    return found


def contradicted(net: torch.nn.Module, folder: Path) -> dict[str, dict[str, float]]:
    """Return how often the maps of scenes without labels contradict the indices of single pixels."""
    found = {}
    for scene in read_scenes(folder):
        for size in scene.sizes:
            image = scene.at(size)
            name = f"{scene.name}, {size:.0f} m"
            found[name] = shares(image, probabilities(net, image).argmax(0).numpy())
            say(f"{name}: {found[name]} {', '.join(broken(found[name])) or 'ok'}")
    return found


def draw_confusion(metrics: dict[str, Any], path: Path) -> None:
    """Draw the confusion matrix of the folds."""
    matrix = np.array(metrics["confusion"], np.int64)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw("water on places not seen against its teacher", CLASSES, ComparisonCounts(matrix), scores_of(matrix)).save(
        path
    )


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with landcover-hls, cloud_water_chips and scenes")
    parser.add_argument("-o", "--output", type=Path, help="model folder to write; nothing is written by default")
    parser.add_argument("--folds", action="store_true", help="cross-validate the recipe by place and by chip")
    parser.add_argument("--picture", type=Path, help="PNG to write with the confusion matrix of the folds")
    parser.add_argument("--measured", type=Path, help="JSON that an earlier run printed, whose scores go into the card")
    parser.add_argument("--steps", type=int, default=RECIPE.steps, help="training steps, %(default)s by default")
    parser.add_argument("--seed", type=int, default=0, help="random seed, %(default)s by default")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads, all by default")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = replace(RECIPE, steps=options.steps)
    own, land_cover = read_tiles(options.data / "landcover-hls")
    chips = read_chips(options.data / "cloud_water_chips")
    tiles = with_chips(own, chips)
    metrics: dict[str, Any] = json.loads(options.measured.read_text(encoding="utf-8")) if options.measured else {}
    zooms = pools(tiles, options.seed)
    say("features of the pixels are ready")
    if options.folds:
        metrics |= cross_validate(tiles, land_cover, zooms, recipe, options.seed)
        metrics["chips_left_out"] = leave_chips_out(tiles, chips, zooms, recipe, options.seed)
    sys.stdout.write(json.dumps(metrics, indent=2) + "\n")
    if options.picture:
        draw_confusion(metrics, options.picture)
    if options.output:
        net = fit(zooms, np.arange(len(tiles.labels)), recipe, options.seed)
        contradicted(net, options.data / "scenes")
        card = make_card(metrics, recipe, value_percentiles(own.images))
        say(f"written to {save_model(options.output, card, net).folder}")


if __name__ == "__main__":
    main()
