"""Maps from few drawings, against a random forest on bands and boosting on context: on tiles with known land cover.

    python tests/benchmarks/bench_sketch.py within --data ../shared/data/landcover-hls --networks FOLDER
    python tests/benchmarks/bench_sketch.py places --data ../shared/data/landcover-hls --networks FOLDER

``within``: three squares of 6 × 6 pixels are drawn for each class of one tile, and the rest of the tile is scored; 28
tiles. ``places``: 20, 50 and 200 drawings of a few hundred pixels on the tiles of four folds of places; the fifth is
scored. The pretrained ``landcover`` must not have seen what is scored: FOLDER gets networks trained on four folds each
by the recipe in ``scripts/landcover`` (five minutes, once). ``--classes`` makes others of its six classes: ``split``
(crop in two by NDVI), ``merged`` (tree and grass/shrub are one), ``rgb`` (red, green and blue only, no pretrained
network). Needs scikit-learn and scipy.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import torch
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from scipy.ndimage import label as components
from shapely.geometry import box, shape
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from landcover.baselines import box_features
from landcover.data import FOLDS, Tiles, make_folds
from landcover.network import Recipe, describe, train

import geoseg
from geoseg.models import Model, load_model
from geoseg.models.card.card import card_with
from geoseg.models.networks.landcover import BANDS, LandcoverNet

SIDE, CLASSES = 6, 6
NAMES = ("tree", "grass/shrub", "crop", "built", "bare", "water", "growing crop")
TILE, PIXEL = 128, 30


def networks(tiles: Tiles, fold: np.ndarray, folder: Path) -> list[Model]:
    """Return ``landcover`` trained without each fold; trained and kept in the folder if it is not there."""
    card = card_with(load_model("landcover").card, weights=None, test_vector={})
    found, zooms = [], None
    for part in range(FOLDS):
        path = folder / f"fold{part}.pt"
        if not path.exists():
            zooms = zooms or [describe(tiles, zoom) for zoom in (1, 2, 3)]
            net = train(zooms, np.flatnonzero(fold != part), Recipe(steps=1200), 0).export()
            folder.mkdir(parents=True, exist_ok=True)
            torch.save(net.state_dict(), path)
        state = torch.load(path, weights_only=True)
        net = LandcoverNet(len(state["near.weight"]), len(state["decide.weight"]), len(state["around.0.weight"]), 6)
        net.load_state_dict(state)
        found.append(Model(card, module=net.eval().requires_grad_(requires_grad=False)))
    return found


def other_classes(labels: np.ndarray, images: np.ndarray, kind: str) -> np.ndarray:
    """Return labels with classes that the pretrained network does not know."""
    labels = labels.copy()
    if kind == "merged":
        labels[labels == 0] = 1
    if kind == "split":
        red, nir = images[:, 2], images[:, 3]
        labels[(labels == 2) & (nir - red > 0.4 * (nir + red))] = 6
    return labels


def scene(image: np.ndarray, number: int, kind: str) -> geoseg.Raster:
    """Return a tile as a raster of its own place on the ground."""
    positions = (2, 1, 0) if kind == "rgb" else range(len(BANDS))
    names = ",".join(f"{BANDS[band]}={at}" for at, band in enumerate(positions, 1))
    geobox = GeoBox((TILE, TILE), Affine(PIXEL, 0, number * 10_000, 0, -PIXEL, 0), "EPSG:3857")
    values = (image[list(positions)] * 10_000).round().astype(np.int16)
    array = xr.DataArray(values, dims=("band", "y", "x"), coords=xr_coords(geobox))
    return geoseg.open_raster(array, bands=names, scale=0.0001)


def squares(labels: np.ndarray, rng: np.random.Generator) -> dict[int, list[tuple[int, int]]]:
    """Return three squares, apart from one another, of each class that a tile has room for."""
    found = {}
    for k in range(len(NAMES)):
        if (labels == k).sum() < 300:
            continue
        sums = np.pad(labels == k, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
        full = sums[SIDE:, SIDE:] - sums[:-SIDE, SIDE:] - sums[SIDE:, :-SIDE] + sums[:-SIDE, :-SIDE] == SIDE**2
        places, chosen = np.argwhere(full), []
        rng.shuffle(places)
        for place in places:
            if all(np.abs(place - other).max() >= 2 * SIDE for other in chosen):
                chosen.append(place)
            if len(chosen) == 3:
                found[k] = [tuple(map(int, one)) for one in chosen]
                break
    return found


def drawing(rows: list[tuple[int, object, int]]) -> gpd.GeoDataFrame:
    """Return a table of (class, geometry in pixels, tile)."""
    moved = [
        shape({"type": "Polygon", "coordinates": [
            [(n * 10_000 + PIXEL * x, -PIXEL * y) for x, y in geometry.exterior.coords],
            *[[(n * 10_000 + PIXEL * x, -PIXEL * y) for x, y in ring.coords] for ring in geometry.interiors],
        ]})
        for _, geometry, n in rows
    ]  # fmt: skip
    return gpd.GeoDataFrame({"class": [NAMES[k] for k, *_ in rows]}, geometry=moved, crs="EPSG:3857")


def predict(model: Model, raster: geoseg.Raster) -> np.ndarray:
    """Return the map of a tile as class numbers of :data:`NAMES`."""
    pixels = raster.read(raster.box)
    x = np.stack([
        band.astype(np.float32) * np.float32(step.a) + np.float32(step.b)
        for band, step in zip(pixels.data, model.card.affine(raster.bands), strict=True)
    ])  # fmt: skip
    with torch.inference_mode():
        classes = model.module()(torch.from_numpy(x)[None])[0].argmax(0).numpy()
    return np.array([NAMES.index(c.name) for c in model.card.classes])[classes]


def within(tiles: Tiles, labels: np.ndarray, fold: np.ndarray, nets: list[Model], kind: str) -> None:
    """Score maps of tiles from a few squares on them."""
    rng = np.random.default_rng(0)
    rows = []
    for tile in rng.permutation(len(labels)):
        drawn = squares(labels[tile], rng)
        if len(drawn) < 3:
            continue
        truth, labelled = labels[tile], np.zeros((TILE, TILE), bool)
        for row, col in (place for places in drawn.values() for place in places):
            labelled[row : row + SIDE, col : col + SIDE] = True
        shapes = [(k, box(c, r, c + SIDE, r + SIDE), tile) for k, places in drawn.items() for r, c in places]
        scored = ~labelled & np.isin(truth, list(drawn))
        raster = scene(tiles.images[tile], tile, kind)
        started = time.perf_counter()
        base = None if kind == "rgb" else nets[fold[tile]]
        model = geoseg.sketch(raster, drawing(shapes), pretrained=base)
        seconds = time.perf_counter() - started
        bands = raster.read(raster.box).data.reshape(len(raster.bands), -1).T.astype(np.float32)
        forest = RandomForestClassifier(200, random_state=0, n_jobs=1)
        forest.fit(bands[labelled.ravel()], truth[labelled])
        right = [
            float((predict(model, raster)[scored] == truth[scored]).mean()),
            float((forest.predict(bands[scored.ravel()]) == truth[scored]).mean()),
        ]
        alone = plain = np.nan
        if base is not None:
            alone = geoseg.sketch(raster, drawing(shapes), pretrained=None)
            alone = float((predict(alone, raster)[scored] == truth[scored]).mean())
        held = model.card.metrics.get("held_out", {}).get("balanced_accuracy", plain)
        rows.append([*right, alone, held, seconds])
        if len(rows) == 28:
            break
    means, errors = np.mean(rows, 0), np.std(rows, 0, ddof=1) / len(rows) ** 0.5
    gain = np.array(rows)[:, 0] - np.array(rows)[:, 1]
    print(f"within, {kind}: {len(rows)} drawings, overall accuracy")
    for name, mean, error in zip(
        ("sketch", "random forest on bands", "sketch without pretrained", "held-out score in the card", "seconds"),
        means, errors, strict=True,
    ):  # fmt: skip
        print(f"  {name:28} {mean:.3f} ± {error:.3f}")
    print(f"  gain {gain.mean():+.3f} ± {gain.std(ddof=1) / len(gain) ** 0.5:.3f}, better on {(gain > 0).sum()}")


def drawings(labels: np.ndarray, chosen: np.ndarray, count: int, rng: np.random.Generator) -> list[tuple]:
    """Return drawings on some tiles, as a person makes them: connected, of one class, a few hundred pixels, in turn."""
    from rasterio.features import shapes

    kinds = [k for k in range(len(NAMES)) if (labels[chosen] == k).sum() > 1000]
    found: list[tuple] = []
    while len(found) < count:
        k = kinds[len(found) % len(kinds)]
        having = [tile for tile in chosen if (labels[tile] == k).sum() >= 60]
        tile = int(rng.choice(having))
        rows, cols = np.nonzero(labels[tile] == k)
        at = rng.integers(len(rows))
        reach = int(rng.integers(7, 12))
        window = np.zeros((TILE, TILE), bool)
        window[max(rows[at] - reach, 0) : rows[at] + reach + 1, max(cols[at] - reach, 0) : cols[at] + reach + 1] = True
        parts, _ = components((labels[tile] == k) & window)
        own = parts == parts[rows[at], cols[at]]
        if own.sum() < 50:
            continue
        for geometry, value in shapes(own.astype(np.uint8), mask=own):
            assert value == 1
            found.append((k, shape(geometry), tile))
    return found


def places(tiles: Tiles, labels: np.ndarray, fold: np.ndarray, nets: list[Model], kind: str, counts: list[int]) -> None:
    """Score maps of places where nothing was drawn."""
    from rasterio.features import rasterize

    thin = (slice(None), slice(None, None, 4), slice(None, None, 4))
    context: dict[int, np.ndarray] = {}
    positions = [2, 1, 0] if kind == "rgb" else list(range(len(BANDS)))

    def around(tile: int) -> np.ndarray:
        if tile not in context:
            context[tile] = box_features(tiles.images[tile])
        return context[tile]

    for count in counts:
        rows = []
        for part in range(FOLDS):
            rng = np.random.default_rng(part)
            drawn = drawings(labels, np.flatnonzero(fold != part), count, rng)
            used = sorted({tile for *_, tile in drawn})
            rasters = [scene(tiles.images[tile], tile, kind) for tile in used]
            started = time.perf_counter()
            model = geoseg.sketch(rasters, drawing(drawn), pretrained=None if kind == "rgb" else nets[part])
            seconds = time.perf_counter() - started
            x, wide, y = [], [], []
            for tile in used:
                burned = rasterize([(g, k + 1) for k, g, n in drawn if n == tile], (TILE, TILE))
                x.append(tiles.images[tile][positions][:, burned > 0].T)
                wide.append(around(tile)[:, burned > 0].T.astype(np.float32))
                y.append(burned[burned > 0] - 1)
            x, wide, y = np.concatenate(x), np.concatenate(wide), np.concatenate(y)
            forest = RandomForestClassifier(200, random_state=0, n_jobs=1, min_samples_leaf=1).fit(x, y)
            boosting = HistGradientBoostingClassifier(
                max_iter=100, learning_rate=0.12, max_leaf_nodes=31, l2_regularization=1.0, early_stopping=False,
                random_state=0,
            ).fit(wide, y)  # fmt: skip
            matrices = np.zeros((4, len(NAMES), len(NAMES)), np.int64)
            for tile in np.flatnonzero(fold == part)[::2]:
                truth = labels[tile][::4, ::4].ravel()
                maps = [predict(model, scene(tiles.images[tile], tile, kind))[::4, ::4].ravel()]
                maps.append(forest.predict(tiles.images[tile][positions][thin].reshape(len(positions), -1).T))
                maps.append(boosting.predict(around(tile)[thin].reshape(147, -1).T.astype(np.float32)))
                context.pop(tile, None)
                with torch.inference_mode():
                    plain = nets[part].module()(torch.from_numpy(tiles.images[tile])[None])[0].argmax(0).numpy()
                maps.append(plain[::4, ::4].ravel())
                known = truth != 255
                for matrix, found in zip(matrices, maps, strict=True):
                    np.add.at(matrix, (truth[known], found[known]), 1)
            rows.append([*(scores(matrix) for matrix in matrices)])
            chosen = model.card.hyperparameters["training"]
            print(f"    fold {part}: {seconds:.1f} s, {len(y)} px, {chosen}", flush=True)
        rows = np.array(rows)
        print(f"places, {kind}, {count} drawings: mean IoU and overall accuracy, mean ± deviation over {FOLDS} folds")
        for name, of in zip(
            ("sketch", "random forest on bands", "boosting on context", "landcover as it is"),
            rows.transpose(1, 0, 2), strict=True,
        ):  # fmt: skip
            m, s = of.mean(0), of.std(0, ddof=1)
            print(f"  {name:24} {m[0]:.3f} ± {s[0]:.3f}   {m[1]:.3f} ± {s[1]:.3f}", flush=True)


def scores(matrix: np.ndarray) -> tuple[float, float]:
    """Return mean IoU over the classes that occur, and overall accuracy."""
    true = matrix.sum(1)
    union = true + matrix.sum(0) - matrix.diagonal()
    return float((matrix.diagonal() / np.maximum(union, 1))[true > 0].mean()), float(matrix.trace() / matrix.sum())


def main() -> None:
    """Run a part of the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["within", "places"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--classes", choices=["same", "split", "merged", "rgb"], default="same")
    parser.add_argument("--counts", type=int, nargs="+", default=[20, 50, 200])
    options = parser.parse_args()
    tiles = Tiles.read(options.data)
    fold = make_folds(tiles.labels, tiles.places)
    nets = networks(tiles, fold, options.networks)
    labels = other_classes(tiles.labels, tiles.images, options.classes)
    if options.part == "within":
        within(tiles, labels, fold, nets, options.classes)
    else:
        places(tiles, labels, fold, nets, options.classes, options.counts)


if __name__ == "__main__":
    main()
