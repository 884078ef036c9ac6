"""Labels by the advice of ``geoseg next`` against labels at random places: python tests/benchmarks/bench_next.py.

``--picture CURVES.svg`` draws mean IoU and overall accuracy after each round.

A scene is put together from tiles of the land-cover set, and a person is simulated who labels 20 polygons a round, for
ten rounds: a polygon gets the class that most of its pixels have in truth, on those pixels. A random forest on the
bands is fitted after each round, maps the scene for the next advice, and is scored on tiles of other places. Both arms
begin with the same 20 random polygons. Needs scikit-learn and ../shared/data/landcover-hls.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio

SIDE, CLASSES, TILES = 128, 6, 10
NAMES = ("tree", "grass/shrub", "crop", "built", "bare", "water")
DATA = Path(__file__).resolve().parents[2].parent / "shared/data/landcover-hls"


@dataclass
class Scene:
    """Bands (B, h, w) and truth (h, w), and the file of the bands."""

    bands: np.ndarray
    truth: np.ndarray
    path: Path


def tiles_of(data: Path, seed: int) -> tuple[list[str], list[str]]:
    """Return tiles to label and tiles to score, of different places."""
    with (data / "clusters.csv").open() as file:
        rows = [(row["tile"], row["location_cluster"]) for row in csv.DictReader(file)]
    rng = np.random.default_rng(seed)
    clusters = rng.permutation(sorted({cluster for _, cluster in rows}))
    half = set(clusters[: len(clusters) // 2])
    chosen: tuple[list[str], list[str]] = ([], [])
    for cluster in clusters:  # one tile of each place: tiles of a place overlap
        own = sorted(tile for tile, of in rows if of == cluster)
        chosen[cluster not in half].append(own[int(rng.integers(len(own)))])
    return chosen[0][:TILES], chosen[1][:TILES]


def mosaic(data: Path, tiles: list[str], path: Path) -> Scene:
    """Put tiles beside one another."""
    across = 5
    down = -(-len(tiles) // across)
    truth = np.full((down * SIDE, across * SIDE), 255, np.uint8)
    bands = None
    for number, tile in enumerate(tiles):
        name = Path(str(tile)).stem
        with rasterio.open(data / f"images/{name}.tif") as file:
            image, names = file.read(), file.descriptions
        if bands is None:
            bands = np.zeros((len(image), *truth.shape), image.dtype)
        place = np.s_[number // across * SIDE :, number % across * SIDE :]
        bands[:, *place][:, :SIDE, :SIDE] = image
        with rasterio.open(data / f"labels/{name}.tif") as file:
            truth[place][:SIDE, :SIDE] = file.read(1)
    write(path, bands, names)
    return Scene(bands, truth, path)


def write(path: Path, data: np.ndarray, names=(), nodata=None) -> None:
    """Write bands without georeference, as the tiles have none."""
    data = data if data.ndim == 3 else data[None]
    profile = {"driver": "GTiff", "count": len(data), "height": data.shape[1], "width": data.shape[2]}
    with rasterio.open(path, "w", dtype=data.dtype, nodata=nodata, **profile) as file:
        file.write(data)
        for number, name in enumerate(names, 1):
            file.set_band_description(number, name)


def map_scene(model, scene: Scene, folder: Path) -> np.ndarray:
    """Write class map, confidence and report as ``geoseg segment`` does; return the class map."""
    found = np.concatenate([model.predict_proba(part) for part in np.array_split(pixels(scene), 8)])
    shape = scene.truth.shape
    classes = model.classes_[found.argmax(1)].astype(np.uint8).reshape(shape)
    write(folder / "scene_classes.tif", classes, nodata=255)
    write(folder / "scene_confidence.tif", np.round(100 * found.max(1)).astype(np.uint8).reshape(shape), nodata=255)
    report = {"scene": {"sources": [str(scene.path)]}, "options": {"reading": {}}}
    (folder / "scene_report.json").write_text(json.dumps(report))
    return classes


def pixels(scene: Scene) -> np.ndarray:
    """Return (n, B) float32."""
    return scene.bands.reshape(len(scene.bands), -1).T.astype(np.float32)


def at_random(classes: np.ndarray, rng: np.random.Generator, count: int, side: int) -> list:
    """Return regions of one class on the map around random pixels, cut to the size of advised ones."""
    from rasterio.features import shapes
    from shapely.geometry import Point, shape

    found = []
    for _ in range(count):
        row, col = (int(rng.integers(n)) for n in classes.shape)
        top, left = max(row - side // 2, 0), max(col - side // 2, 0)
        part = classes[top : top + side, left : left + side]
        mask = part == classes[row, col]
        place = rasterio.Affine.translation(left, top)
        outlines = [shape(one) for one, _ in shapes(part, mask=mask, transform=place)]
        found.append(next(one for one in outlines if one.contains(Point(col + 0.5, row + 0.5))))
    return found


def label(polygons: list, scene: Scene, labelled: np.ndarray) -> None:
    """Label as a person would who sees which class most of a polygon is."""
    from geoseg.raster.burn import burn

    for polygon in polygons:
        inside = burn(np.array([polygon], object), rasterio.Affine.identity(), scene.truth.shape) >= 0
        truth = scene.truth[inside]
        known = truth[truth != 255]
        if known.size:
            most = np.bincount(known).argmax()
            labelled[inside & (scene.truth == most)] = most


def score(model, scene: Scene, rng: np.random.Generator) -> tuple[float, float]:
    """Return mean IoU and overall accuracy on 40,000 pixels of other places."""
    known = np.flatnonzero(scene.truth.ravel() != 255)
    known = rng.choice(known, min(40_000, len(known)), replace=False)
    truth, found = scene.truth.ravel()[known], model.predict(pixels(scene)[known])
    matrix = np.bincount(truth.astype(int) * CLASSES + found, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    union = matrix.sum(0) + matrix.sum(1) - matrix.diagonal()
    return float((matrix.diagonal() / np.maximum(union, 1))[matrix.sum(1) > 0].mean()), float(
        matrix.trace() / matrix.sum()
    )


def run(arm: str, scene: Scene, held: Scene, seed: int, rounds: int, count: int, side: int, folder: Path):
    """Return mean IoU, overall accuracy and labelled pixels after each round."""
    import geopandas as gpd
    from sklearn.ensemble import RandomForestClassifier

    from geoseg.evaluate.advice import next_labels

    rng = np.random.default_rng(seed)
    labelled = np.full(scene.truth.shape, 255, np.uint8)
    # The first polygons: squares at random, before there is any map.
    new = drawn = at_random(np.zeros(scene.truth.shape, np.uint8), rng, count, side // 2)
    curve = []
    for number in range(rounds):
        label(new, scene, labelled)
        known = labelled.ravel() != 255
        model = RandomForestClassifier(20, max_depth=12, min_samples_leaf=2, random_state=seed, n_jobs=1)
        model.fit(pixels(scene)[known], labelled.ravel()[known])
        curve.append((*score(model, held, np.random.default_rng(seed)), int(known.sum())))
        if number == rounds - 1:
            break
        classes = map_scene(model, scene, folder)
        if arm == "random":
            new = at_random(classes, rng, count, side)
        else:
            frame = gpd.GeoDataFrame(geometry=drawn)
            new = list(next_labels(folder, labels=frame, scenes=[scene.path], count=count, side=side).frame.geometry)
        drawn = drawn + new
    return np.array(curve)


COLOURS = {"advice": "#d6006c", "random": "#5a6b7b"}
WIDE, HIGH, EDGE = 360, 260, 44
"""Width and height of a panel of the picture, and the room for its scales."""


def picture(runs: list[dict[str, np.ndarray]], count: int) -> str:
    """Return an SVG: mean IoU and overall accuracy by polygons; thin lines are scenes, thick ones means of them."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDE} {HIGH + EDGE}" font-family="sans-serif"'
    parts = [f'{head} font-size="12"><rect width="100%" height="100%" fill="#ffffff"/>']
    for number, title in enumerate(("mean IoU", "overall accuracy")):
        lines = {arm: np.array([curves[arm][:, number] for curves in runs]) for arm in COLOURS}
        parts += panel(title, lines, number * WIDE + EDGE, count)
    for number, (arm, colour) in enumerate(COLOURS.items()):
        parts.append(f'<text x="{WIDE + 196 + 60 * number}" y="24" fill="{colour}">{arm}</text>')
    return "".join([*parts, "</svg>\n"])


def panel(title: str, lines: dict[str, np.ndarray], left: int, count: int) -> list[str]:
    """Return the elements of one panel; lines are (scenes, rounds)."""
    every = np.concatenate([*lines.values()])
    low, top = np.floor(10 * every.min()) / 10, np.ceil(10 * every.max()) / 10
    across = WIDE - EDGE - 16
    columns = left + np.arange(every.shape[1]) / max(every.shape[1] - 1, 1) * across

    def height(value: float) -> float:
        return HIGH - (value - low) / (top - low) * (HIGH - EDGE)

    parts = [f'<text x="{left}" y="24" font-size="14">{title}</text>']
    for tick in np.arange(low, top + 0.01, 0.05 if top - low < 0.35 else 0.1):
        parts.append(f'<path d="M{left} {height(tick):.1f}h{across}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 6}" y="{height(tick) + 4:.1f}" text-anchor="end">{tick:.2f}</text>')
    for number, x in enumerate(columns):
        if number % 3 == 0:
            parts.append(f'<text x="{x:.1f}" y="{HIGH + 18}" text-anchor="middle">{(number + 1) * count}</text>')
    for arm, curves in lines.items():
        for line, width in [*((curve, 0.8) for curve in curves), (curves.mean(0), 3)]:
            points = " ".join(f"{x:.1f},{height(value):.1f}" for x, value in zip(columns, line, strict=True))
            parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[arm]}" stroke-width="{width}"/>')
    parts.append(f'<text x="{left}" y="{HIGH + 38}">labelled polygons</text>')
    return parts


def main() -> None:
    """Print both curves and the area between them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--side", type=int, default=24)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: not here; name the land-cover set with --data")
    gains, all_curves = [], []
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            own, others = tiles_of(options.data, seed)
            scene, held = (
                mosaic(options.data, own, folder / "scene.tif"),
                mosaic(options.data, others, folder / "h.tif"),
            )
            curves = {}
            for arm in ("advice", "random"):
                start = time.perf_counter()
                results = folder / arm
                results.mkdir()
                curves[arm] = run(arm, scene, held, seed, options.rounds, options.count, options.side, results)
                seconds = time.perf_counter() - start
                text = " ".join(f"{value:.3f}" for value in curves[arm][:, 0])
                accuracy = " ".join(f"{value:.3f}" for value in curves[arm][:, 1])
                print(f"seed {seed} {arm:<7} mIoU {text}  OA {accuracy}  {curves[arm][-1, 2]:.0f} px  {seconds:.0f} s")
        all_curves.append(curves)
        gains.append((curves["advice"] - curves["random"])[:, :2].mean(0))
        print(
            f"seed {seed} area between the curves: mIoU {gains[-1][0]:+.4f}, accuracy {gains[-1][1]:+.4f}", flush=True
        )
    if options.picture:
        options.picture.write_text(picture(all_curves, options.count), encoding="utf-8")
    mean, deviation = np.mean(gains, 0), np.std(gains, 0)
    print(
        f"mean of {len(gains)}: mIoU {mean[0]:+.4f} ± {deviation[0]:.4f}, accuracy {mean[1]:+.4f} ± {deviation[1]:.4f}"
    )


if __name__ == "__main__":
    main()
