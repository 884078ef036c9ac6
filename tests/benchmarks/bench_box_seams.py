"""Boxes at the borders of tiles beside boxes elsewhere, with the same weights: geoseg, slicing, and no tiles at all.

    python tests/benchmarks/bench_box_seams.py train DIR [--epochs 12]
    python tests/benchmarks/bench_box_seams.py seams DIR [--size 1024] [--window 256] [--near 50]
    python tests/benchmarks/bench_box_seams.py seams DIR --image PICTURE --labels BOXES.xml

``train`` trains a small detector (FCOS, MobileNet v3) on 1024² pixels of made-up crowns that touch; ``seams`` finds the
crowns of another place, or the objects of a picture that is given, and prints AP50 and the best F1 of the objects whose
centre is within ``near`` pixels of a border of the contestant's own tiles, and of all others; behind each AP50 that of
the whole scene in one window for the same objects, since objects differ from place to place. Contestants:

- geoseg: ``detect`` with windows of that side, and the model's margin;
- slicing, NMS: slices of that side that overlap by a fifth, all boxes, IoU above 0.5 suppressed (torchvision.ops.nms);
- slicing, IoS: the same, suppressed by intersection over the smaller box, as SAHI does by default (Akyon et al. 2022,
  arXiv 2202.06934);
- tiles: tiles of that side side by side, nothing merged;
- whole: the whole scene as one window, where it fits into memory. Its borders are those of geoseg's windows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bench_boxes import ios, nms, suppressed
from bench_detect import write_image
from crowns import crowns, frame_of

from geoseg.models.boxes.detections import Detections

SHARE = 0.2
"""Share of a slice by which it overlaps the next."""


class Found(NamedTuple):
    """Boxes (top, left, bottom, right) in pixels, and their scores."""

    boxes: np.ndarray
    scores: np.ndarray


def train(folder: Path, epochs: int) -> None:
    """Train on one place."""
    import geoseg

    ids = crowns(1024, 1, 28.0)
    with tempfile.TemporaryDirectory() as name:
        image = write_image(Path(name) / "crowns.tif", ids, 2)
        geoseg.train(
            image, frame_of(ids), folder, task="boxes", epochs=epochs, arch="fcos", encoder="mobilenet_v3_small",
            window=192, windows=96, batch=4, lr=2e-3, workers=1, resume=True,
        )  # fmt: skip


def starts(size: int, window: int, step: int) -> list[int]:
    """First pixels of slices along one side; the last one ends where the scene does."""
    return sorted({min(start, max(size - window, 0)) for start in range(0, max(size - window, 0) + step, step)})


def sliced(predictor: Any, raster: Any, window: int, step: int) -> tuple[Detections, list[np.ndarray]]:
    """All boxes of all slices in pixels of the scene, and the borders of the slices, rows and columns."""
    from geoseg.tiling import Box

    height, width = raster.shape
    tops, lefts = (starts(size, window, step) for size in (height, width))
    boxes, scores = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
    for top in tops:
        for left in lefts:
            pixels = raster.read(Box(top, left, min(window, height), min(window, width)))
            found = predictor.find(*padded(pixels.data, pixels.valid))
            boxes.append(found.boxes + np.float32([top, left, top, left]))
            scores.append(found.scores)
    joined, number = np.concatenate(boxes), sum(map(len, scores))
    detections = Detections(
        joined, np.concatenate(scores), np.ones(number, np.uint8), np.zeros((number, 2), np.int64),
        np.zeros(number, bool),
    )  # fmt: skip
    borders = [
        np.array(sorted({edge for start in one for edge in (start, start + window)} - {0, size}))
        for one, size in ((tops, height), (lefts, width))
    ]
    return detections, borders


def padded(data: np.ndarray, valid: np.ndarray, stride: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Fill a window up to multiples of the network's stride."""
    more = [(0, -side % stride) for side in valid.shape]
    return np.pad(data, [(0, 0), *more]), np.pad(valid, more)


def by_geoseg(folder: Path, image: Path, window: int) -> tuple[Found, list[np.ndarray]]:
    """What ``detect`` finds, and the borders of its windows' kept parts."""
    import geoseg
    from geoseg.job import Options
    from geoseg.segment.plan import make_plan

    options = Options(device="cpu", window=window)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "found.gpkg"
        geoseg.detect(image, folder, path=path, score=0.0, options=options)
        import geopandas as gpd

        frame = gpd.read_file(path, layer="objects")
    raster = geoseg.open_raster(image)
    keep = make_plan(image, geoseg.load_model(folder), options).tiling.keep
    borders = [np.arange(keep, size, keep) for size in raster.shape]
    return Found(in_pixels(frame.geometry.to_numpy(), raster), frame.score.to_numpy()), borders


def in_pixels(geometries: Any, raster: Any) -> np.ndarray:
    """Boxes around geometries in pixels of a raster: top, left, bottom, right."""
    import shapely

    back = ~raster.grid.transform
    moved = shapely.transform(geometries, lambda xy: np.stack(back * (xy[:, 0], xy[:, 1]), 1))
    return shapely.bounds(moved)[:, [1, 0, 3, 2]]


def near_of(boxes: np.ndarray, borders: list[np.ndarray], near: float) -> np.ndarray:
    """Whether the centre of each box is near a border."""
    found = np.zeros(len(boxes), bool)
    for axis, lines in enumerate(borders):
        middle = (boxes[:, axis] + boxes[:, axis + 2]) / 2
        if len(lines):
            found |= np.abs(middle[:, None] - lines).min(1) < near
    return found


def scored(found: Found, truth: np.ndarray, borders: list[np.ndarray], near: float, *, at: bool) -> dict[str, Any]:
    """Scores of the objects at borders, or of the others."""
    from geoseg.train.boxes.precision import Matches

    counted, home = (near_of(one, borders, near) == at for one in (truth, found.boxes))
    matches, ones = Matches(), np.ones(len(truth), np.int64)
    matches.add((found.boxes, found.scores, np.ones(len(found.boxes), np.int64)), home, (truth, ones, counted))
    return matches.result({1: "object"})


def told(label: str, contestants: tuple[Found, Found], truth: np.ndarray, borders: list[np.ndarray], near: float,
         seconds: float) -> None:  # fmt: skip
    """Print the scores of one contestant, beside those of the whole scene in one window."""
    parts = []
    for where, at in (("at borders", True), ("elsewhere", False)):
        own, whole = (scored(one, truth, borders, near, at=at) for one in contestants)
        if not own["objects"]:
            parts.append(f"{where} none")
            continue
        parts.append(
            f"{where} ({own['objects']}) AP50 {own['ap50']:.3f} (whole {whole['ap50']:.3f}), F1 {own['f1']:.3f}"
        )
    print(f"{label:14} {'; '.join(parts)}; {len(contestants[0].boxes):,} boxes, {seconds:.1f} s", flush=True)


def seams(folder: Path, image: Path, geometries: Any, window: int, near: float) -> None:
    """Run all contestants on one image."""
    import geoseg
    from geoseg.models.boxes.execution import box_execution
    from geoseg.models.boxes.predictor import BoxPredictor

    model, raster = geoseg.load_model(folder), geoseg.open_raster(image)
    card = model.card
    assert card.boxes is not None
    truth = in_pixels(geometries, raster)
    names = [band.name for band in raster.bands]
    print(f"{len(truth):,} objects in {raster.shape} pixels, windows of {window} px, bands {', '.join(names)}")

    def predictor(side: int) -> BoxPredictor:
        execution = box_execution(card, "cpu", "auto")
        return BoxPredictor(model, card.affine(raster.bands), execution, card.boxes.limit_of(side, side))

    clock, side = time.perf_counter(), max(raster.shape)
    in_one, _ = sliced(predictor(side), raster, side, side)
    whole, whole_seconds = Found(in_one.boxes, in_one.scores), time.perf_counter() - clock
    clock = time.perf_counter()
    ours, seams_of_ours = by_geoseg(folder, image, window)
    told("geoseg", (ours, whole), truth, seams_of_ours, near, time.perf_counter() - clock)
    clock = time.perf_counter()
    every, borders = sliced(predictor(window), raster, window, round(window * (1 - SHARE)))
    forward = time.perf_counter() - clock
    rules: dict[str, Callable[[Detections], np.ndarray]] = {
        "slicing, NMS": nms,
        "slicing, IoS": lambda found: suppressed(found, ios),
    }
    for label, rule in rules.items():
        clock = time.perf_counter()
        left = rule(every)
        spent = forward + time.perf_counter() - clock
        told(label, (Found(every.boxes[left], every.scores[left]), whole), truth, borders, near, spent)
    clock = time.perf_counter()
    tiles, borders = sliced(predictor(window), raster, window, window)
    told("tiles", (Found(tiles.boxes, tiles.scores), whole), truth, borders, near, time.perf_counter() - clock)
    told("whole", (whole, whole), truth, seams_of_ours, near, whole_seconds)


def main() -> None:
    """Run one of the two parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("train", "seams"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--near", type=float, default=50)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--labels", type=Path)
    options = parser.parse_args()
    if options.part == "train":
        train(options.folder, options.epochs)
        return
    if options.image is not None:
        import geoseg
        from geoseg.train.boxes.box_files import read_boxes

        (found,), _ = read_boxes([str(options.labels)]).on([geoseg.open_raster(options.image)])
        assert found is not None
        seams(options.folder, options.image, found.geometries, options.window, options.near)
        return
    ids = crowns(options.size, 11, 28.0)
    with tempfile.TemporaryDirectory() as name:
        image = write_image(Path(name) / "crowns.tif", ids, 12)
        seams(options.folder, image, frame_of(ids).geometry.to_numpy(), options.window, options.near)


if __name__ == "__main__":
    main()
