"""Speed and memory of ``geoseg.change`` over two class maps, and the share of each step.

    python tests/benchmarks/bench_change.py [--size 16384] [--repeats 3] [--tolerance 1]
    python tests/benchmarks/bench_change.py --misregistration

Maps: the demo's truth of 2048², repeated to the size asked for; AFTER is BEFORE moved by one pixel with new blocks of
20 x 60 pixels on a lattice. Both lie in DEFLATE tiles of 512. Printed: the median of the repeats in Mpx/s, of the whole
run with its files and of the comparison alone (read, compare, write raster and overviews), with the CPU time of all
threads, which other programs disturb less; peak memory, load. As the command does, the process keeps freed memory.

``--misregistration`` measures what a shift costs instead: the truth of 2048² gets 625 new objects of 2 … 20 by 2 … 40
pixels, and every second pixel of both is taken, of AFTER from a start 0, 1 or 2 pixels further down and right: a shift
by 0, 0.5 or 1 pixel of the maps. Printed for the plain difference and a tolerance of 1: share of changed pixels with
a detected one at most a pixel away, and the detected pixels that are more than a pixel away from any changed one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_cog import make_map, read_patch
from process_memory import peak_bytes


def name_classes(path: Path) -> None:
    """Add the names of the demo's classes to a map, as geoseg's own maps have them."""
    import rasterio

    from geoseg.classes import LAND_COVER

    with rasterio.open(path, "r+") as file:
        file.update_tags(GEOSEG_CLASSES=json.dumps([[one.id, one.name, one.color] for one in LAND_COVER]))


def near(mask: np.ndarray) -> np.ndarray:
    """Return the pixels that are at most one pixel away from a mask."""
    padded = np.pad(mask, 1)
    height, width = mask.shape
    return np.any([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)], axis=0)


def misregistration() -> None:
    """Print what is found and what is false at each shift, with and without a tolerance."""
    import rasterio

    import geoseg

    truth = read_patch(None)
    later = truth.copy()
    rng = np.random.default_rng(0)
    for row in range(40, 2000, 80):
        for col in range(40, 2000, 80):
            high, wide = rng.choice([2, 4, 6, 10, 20, 40]), rng.choice([2, 4, 6, 10, 20])
            later[row : row + high, col : col + wide] = (int(truth[row, col]) + rng.integers(1, 5)) % 6
    before, sides = truth[2:2042:2, 2:2042:2], {0.0: 2, 0.5: 3, 1.0: 4}
    known = (before != 255) & (later[2:2042:2, 2:2042:2] != 255)
    changed = known & (before != later[2:2042:2, 2:2042:2])
    print(f"{changed.sum()} pixels of {changed.size} have changed")
    print("shift  tolerance  found  false pixels")
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / "before.tif", Path(name) / "after.tif"]
        make_map(paths[0], 1020, np.ascontiguousarray(before))
        for shift, start in sides.items():
            make_map(paths[1], 1020, np.ascontiguousarray(later[start : start + 2040 : 2, start : start + 2040 : 2]))
            for tolerance in (0, 1):
                done = geoseg.change(*paths, Path(name) / "out", tolerance=tolerance, overwrite=True)
                with rasterio.open(done.outputs["change"]) as file:
                    codes = file.read(1)
                found = (codes >= 2) & (codes < 255)
                share = (changed & near(found)).sum() / changed.sum()
                print(f"{shift:<5}  {tolerance:<9}  {share:.3f}  {(found & ~near(changed)).sum():>12,}")


def main() -> None:
    """Measure, and print a line per step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=16384)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tolerance", type=int, default=1)
    parser.add_argument("--misregistration", action="store_true")
    options = parser.parse_args()
    if options.misregistration:
        misregistration()
        return
    import geoseg
    from geoseg.models import keep_memory

    keep_memory()

    patch = read_patch(None)
    moved = np.roll(patch, (1, 1), (0, 1))
    for row in range(100, patch.shape[0] - 20, 200):
        for col in range(100, patch.shape[1] - 60, 300):
            moved[row : row + 20, col : col + 60] = 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        maps = [folder / "before_classes.tif", folder / "after_classes.tif"]
        for path, pixels in zip(maps, (patch, moved), strict=True):
            make_map(path, options.size, pixels)
            name_classes(path)  # without names, another pass finds the numbers that occur
        small = [folder / "small_before.tif", folder / "small_after.tif"]
        for path, pixels in zip(small, (patch, moved), strict=True):
            make_map(path, 512, pixels)
        geoseg.change(*small, folder / "small")  # imports and compilation do not count
        base = peak_bytes()
        whole, alone = [], []
        for _ in range(options.repeats):
            begin: list[tuple[float, float]] = []

            def watch(_done: int, _total: int, stage: str, at: list[tuple[float, float]] = begin) -> None:
                if stage.startswith("polygonize") and not at:  # a little late: after the first strip
                    at.append((time.perf_counter(), time.process_time()))

            start, cpu = time.perf_counter(), time.process_time()
            summary = geoseg.change(*maps, folder / "out", tolerance=options.tolerance, overwrite=True, progress=watch)
            whole.append((time.perf_counter() - start, time.process_time() - cpu))
            alone.append((begin[0][0] - start, begin[0][1] - cpu))
        pixels = options.size**2 / 1e6
        changed = sum(item.pixels for item in summary.transitions) / options.size**2
        print(f"{options.size} x {options.size}, tolerance {options.tolerance}, {100 * changed:.2f} % changed")
        print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
        for label, seconds in (("whole run", whole), ("read and compare", alone)):
            wall, cpu = (statistics.median(values) for values in zip(*seconds, strict=True))
            print(f"{label:<18}{wall:8.2f} s {pixels / wall:8.1f} Mpx/s {cpu:8.2f} s CPU ({pixels / cpu:.1f} Mpx/s)")
        print(f"memory above base {(peak_bytes() - base) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
