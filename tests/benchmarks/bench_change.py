"""Speed and memory of ``geoseg.change`` over two class maps, and the share of each step.

    python tests/benchmarks/bench_change.py [--size 16384] [--repeats 3] [--tolerance 1]

Maps: the demo's truth of 2048², repeated to the size asked for; AFTER is BEFORE moved by one pixel with new blocks of
20 x 60 pixels on a lattice. Both lie in DEFLATE tiles of 512. Printed: the median of the repeats in Mpx/s, of the whole
run with its files and of the comparison alone (read, compare, write both of raster and overviews), peak memory, load.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_cog import make_map, read_patch
from process_memory import peak_bytes


def main() -> None:
    """Measure, and print a line per step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=16384)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tolerance", type=int, default=1)
    options = parser.parse_args()
    import geoseg

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
        small = [folder / "small_before.tif", folder / "small_after.tif"]
        for path, pixels in zip(small, (patch, moved), strict=True):
            make_map(path, 512, pixels)
        geoseg.change(*small, folder / "small")  # imports and compilation do not count
        base = peak_bytes()
        whole, alone = [], []
        for _ in range(options.repeats):
            compared = [0.0]
            start = time.perf_counter()

            def watch(done: int, total: int, stage: str, since: float = start, at: list[float] = compared) -> None:
                if stage == "compare" and done == total:
                    at[0] = time.perf_counter() - since

            summary = geoseg.change(*maps, folder / "out", tolerance=options.tolerance, overwrite=True, progress=watch)
            whole.append(time.perf_counter() - start)
            alone.append(compared[0])
        pixels = options.size**2 / 1e6
        changed = sum(item.pixels for item in summary.transitions) / options.size**2
        print(f"{options.size} x {options.size}, tolerance {options.tolerance}, {100 * changed:.2f} % changed")
        print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
        for label, seconds in (("whole run", whole), ("read and compare", alone)):
            middle = statistics.median(seconds)
            print(f"{label:<18}{middle:8.2f} s {pixels / middle:8.1f} Mpx/s")
        print(f"memory above base {(peak_bytes() - base) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
