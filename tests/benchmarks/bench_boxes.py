"""Boxes of overlapping windows merged: what is doubled, lost or fused, and how long it takes, beside what others do.

    python tests/benchmarks/bench_boxes.py [--objects 100000] [--density 5000] [--jitter 1]

Objects of 15 to 60 pixels are scattered so that no two have an IoU of 0.5 or more; each window (512 pixels, of which it
keeps 384) sees those of which it shows 30 %, each edge off by up to ``jitter`` pixels, with a score that falls with the
part that it does not show. Contestants get the same boxes:

- geoseg: mutual best matches of different windows, the most central copy is kept;
- NMS: of all boxes of all windows, IoU above 0.5 (torchvision.ops.nms);
- IoS: the same by intersection over the smaller box, as SAHI does by default (Akyon et al. 2022, arXiv 2202.06934).

An object is lost if no box is left of it, doubled if several are, a part if the one left is not the whole object.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import shapely

from geoseg.models.boxes.detections import Detections
from geoseg.polygonize.boxes.merge import Lattice, merge
from geoseg.tiling import Tiling

WINDOW, MARGIN = 512, 64


def scattered(count: int, density: float, seed: int = 0) -> tuple[np.ndarray, int]:
    """Boxes of which no two have an IoU of 0.5 or more, and the side of the scene in pixels."""
    rng = np.random.default_rng(seed)
    side = int((count / density * 1e6) ** 0.5)
    size = rng.uniform(15, 60, (count, 2))
    corner = rng.random((count, 2)) * (side - size)
    boxes = np.hstack([corner, corner + size])
    keep = np.ones(len(boxes), bool)
    one, other = shapely.STRtree(shapely.box(*boxes.T)).query(shapely.box(*boxes.T))
    order = one < other
    one, other = one[order], other[order]
    for first, second in zip(*(pairs[iou(boxes[one], boxes[other]) >= 0.5] for pairs in (one, other)), strict=True):
        keep[second] &= not keep[first]
    return boxes[keep], side


def overlap(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Areas of the intersections, of the first and of the second boxes."""
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    first, second = ((boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (one, other))
    return np.maximum(sides, 0).prod(1), first, second


def iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union."""
    shared, first, second = overlap(one, other)
    return shared / (first + second - shared)


def ios(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over the smaller box."""
    shared, first, second = overlap(one, other)
    return shared / np.minimum(first, second)


def seen(boxes: np.ndarray, tiling: Tiling, jitter: float) -> tuple[Detections, np.ndarray]:
    """What all windows say, and of which object each box is."""
    rng, lattice = np.random.default_rng(1), Lattice(tiling)
    tree = shapely.STRtree(shapely.box(*boxes.T))
    parts, names = [], []
    for row in range(len(lattice.rows)):
        for col in range(len(lattice.cols)):
            read = lattice.reads(np.array([[row, col]]))[0]
            near = np.sort(tree.query(shapely.box(*read)))
            whole = boxes[near]
            part = np.hstack([np.maximum(whole[:, :2], read[:2]), np.minimum(whole[:, 2:], read[2:])])
            share = (part[:, 2:] - part[:, :2]).prod(1) / (whole[:, 2:] - whole[:, :2]).prod(1)
            part = (part + rng.uniform(-jitter, jitter, part.shape))[share >= 0.3]
            part = np.clip(part, [*read[:2], *read[:2]], [*read[2:], *read[2:]])
            score = (rng.uniform(0.5, 1, len(near)) * share)[share >= 0.3]
            windows = np.tile([[row, col]], (len(part), 1))
            none = np.zeros(len(part), bool)
            parts.append(
                Detections(
                    part.astype(np.float32), score.astype(np.float32), np.ones(len(part), np.uint8), windows, none
                )
            )
            names.append(near[share >= 0.3])
    return Detections.joined(parts), np.concatenate(names)


def suppressed(found: Detections, measure: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """The boxes that are left if each one, from the highest score on, removes those that overlap it."""
    order = np.argsort(-found.scores, kind="stable")
    boxes = found.boxes[order].astype(np.float64)
    one, other = shapely.STRtree(shapely.box(*boxes.T)).query(shapely.box(*boxes.T))
    later = one < other
    one, other = one[later], other[later]
    near = measure(boxes[one], boxes[other]) > 0.5
    one, other = one[near], other[near]
    by_first = np.argsort(one, kind="stable")
    one, other = one[by_first], other[by_first]
    starts = np.searchsorted(one, np.arange(len(boxes) + 1))
    left = np.ones(len(boxes), bool)
    for number in range(len(boxes)):
        if left[number]:
            left[other[starts[number] : starts[number + 1]]] = False
    return order[left]


def nms(found: Detections) -> np.ndarray:
    """The boxes that torchvision leaves."""
    import torch
    from torchvision.ops import nms as remaining

    return remaining(torch.from_numpy(found.boxes), torch.from_numpy(found.scores), 0.5).numpy()


def main() -> None:
    """Print a line for each contestant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument(
        "--density", type=float, default=5000, help="objects per megapixel before the closest are left out"
    )
    parser.add_argument("--jitter", type=float, default=1.0)
    options = parser.parse_args()
    boxes, side = scattered(options.objects, options.density)
    tiling = Tiling(side, side, WINDOW - 2 * MARGIN, MARGIN, 2048, 32)
    found, names = seen(boxes, tiling, options.jitter)
    print(f"{len(boxes):,} objects in {side}² pixels, {len(found):,} boxes of all windows")
    contestants: dict[str, Callable[[], np.ndarray]] = {
        "geoseg": lambda: merge(found, tiling).kept,
        "NMS": lambda: nms(found),
        "IoS": lambda: suppressed(found, ios),
    }
    for label, contestant in contestants.items():
        wall, cpu = time.perf_counter(), time.process_time()
        left = contestant()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        count = np.bincount(names[left], minlength=len(boxes))
        whole = np.abs(found.boxes[left] - boxes[names[left]]).max(1) <= options.jitter + 0.1
        parts = int((~whole & (count[names[left]] == 1)).sum())
        print(
            f"{label:7} {wall:6.1f} s, CPU {cpu:5.1f} s: {(count == 0).sum():6,} lost, {(count > 1).sum():6,} doubled, "
            f"{parts:6,} parts"
        )


if __name__ == "__main__":
    main()
