"""What mapping a view of 1000² pixels again costs while a sketch is drawn: answers kept against computed, by turns.

    geoseg demo demo && python tests/benchmarks/bench_sketch_view.py demo

In each round a drawing is added, the sketch is learned as QGIS asks for it, and the view is mapped twice: with what the
pretrained network said of it kept from the round before, and with that computed. Prints processor seconds and wall
seconds of each round (medians, without the first, which loads and measures) and compares the maps byte by byte.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from shapely.geometry import box

from geoseg.cli.worker import run_job
from geoseg.models.inference import answers

SIDE, FIRST = 1000, 500
CELL = 10


def drawings(truth: np.ndarray, transform: rasterio.Affine, crs: object, count: int) -> gpd.GeoDataFrame:
    """Squares of one class each, ``count`` of each of four classes."""
    rng, rows = np.random.default_rng(0), []
    for value in range(4):
        found = 0
        while found < count:
            row, col = rng.integers(0, min(truth.shape) - CELL, 2)
            if (truth[row : row + CELL, col : col + CELL] == value).all():
                (west, north), (east, south) = transform * (col, row), transform * (col + CELL, row + CELL)
                rows.append((f"class {value}", box(west, south, east, north)))
                found += 1
    return gpd.GeoDataFrame({"class_name": [row[0] for row in rows]}, geometry=[row[1] for row in rows], crs=crs)


def mapped(scene: str, model: str, bbox: str, folder: Path) -> tuple[float, float, bytes]:
    """Wall and processor seconds of a map of the view, and its pixels."""
    wall, own = time.perf_counter(), time.process_time()
    code = run_job(["segment", scene, "-o", str(folder), "-m", model, f"--bbox={bbox}", "--no-polygons", "--no-preview",
                    "--overwrite", "--progress", "none"])  # fmt: skip
    seconds = time.perf_counter() - wall, time.process_time() - own
    assert code == 0
    with rasterio.open(next(folder.glob("*_classes.tif"))) as file:
        return *seconds, file.read().tobytes()


def main() -> None:
    """Read the command line, go through the rounds, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="folder that `geoseg demo` wrote")
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    scene = str(options.demo / "demo.tif")
    with rasterio.open(options.demo / "demo_truth.tif") as file:
        every = drawings(file.read(1), file.transform, file.crs, 4 + options.rounds)
        west, north = file.transform * (FIRST, FIRST)
        east, south = file.transform * (FIRST + SIDE, FIRST + SIDE)
    bbox = f"{west},{south},{east},{north}"
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder, store = Path(name), None
        for number in range(options.rounds + 1):
            labels = folder / "labels.gpkg"
            labels.unlink(missing_ok=True)
            every.groupby("class_name").head(4 + number).to_file(labels)
            words = ["sketch", scene, "--labels", str(labels), "-o", str(folder / "model"), "--quick", "--overwrite"]
            again = ["--from", str(folder / "model")] if number else []
            assert run_job([*words, *again, "--progress", "none"]) == 0
            answers._Process.kept = store or answers.KeptAnswers()
            kept = mapped(scene, str(folder / "model"), bbox, folder / "kept")
            store = answers._Process.kept
            answers.keep_answers(0)
            computed = mapped(scene, str(folder / "model"), bbox, folder / "computed")
            assert kept[2] == computed[2], "the maps differ"
            rows.append((*kept[:2], *computed[:2]))
            print(f"round {number}: kept {kept[0]:.2f} s ({kept[1]:.2f} of a processor), computed {computed[0]:.2f} s "
                  f"({computed[1]:.2f})", flush=True)  # fmt: skip
    wall, own, full_wall, full_own = (statistics.median(column[1:]) for column in zip(*rows, strict=True))
    print(f"kept {wall:.2f} s ({own:.2f}), computed {full_wall:.2f} s ({full_own:.2f}): {own / full_own:.2f} of the "
          "processor time, and the same maps")  # fmt: skip


if __name__ == "__main__":
    main()
