"""Polygonizers side by side: time, ratio and memory, to a finished GeoPackage, in one run.

    python tests/benchmarks/bench_polygonize.py --all                       all that follows, as in docs/benchmarks.md
    python tests/benchmarks/bench_polygonize.py compare [--size 6000]       against the others
    python tests/benchmarks/bench_polygonize.py linear | memory | simplify [--size …]

Each measurement runs in a process of its own, so that memory is its own; the methods take turns, so that what else the
machine does hits all alike. The best of the repeats counts. Methods:

- ``geoseg``: ``geoseg.polygonize(map, file)``, after one call on a small map of several strips (code is compiled);
- ``geoseg cold``: the same as the first call of a process, imports and compilation included;
- ``rasterio``: the documented route, ``rasterio.features.shapes`` → ``GeoDataFrame.from_features`` → ``to_file``;
- ``gdal C``: ``GDALPolygonize`` of rasterio's own libgdal into a GeoPackage, by ctypes, in one transaction;
- ``gdal_polygonize``: the script, where it is installed;
- ``xrspatial``: ``xrspatial.polygonize``, where it is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from polygon_maps import boundary_of, make_map  # noqa: E402
from polygon_methods import available, run_geoseg  # noqa: E402

Found = dict[str, float]
SIMPLIFY = 1.0
"""Tolerance in metres: two pixels."""


def child(method: str, source: Path, **options: Any) -> Found:
    """Measure a method in a process of its own."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        out = str(Path(folder) / "out.gpkg")
        command = [sys.executable, str(HERE / "polygon_methods.py"), method, str(source), out, json.dumps(options)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{method}: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.splitlines()[-1])


def best(runs: Iterable[Found]) -> Found:
    """Return the fastest."""
    return min(runs, key=lambda found: found["seconds"])


def compare(folder: Path, size: int, repeat: int, methods: list[str]) -> dict[tuple[str, str], Found]:
    """Print a table per map: all methods, seconds, ratio, memory."""
    table: dict[tuple[str, str], Found] = {}
    for kind in ("smooth", "fragmented"):
        source = folder / f"{kind}.tif"
        make_map(source, size, kind)
        runs = [{method: child(method, source) for method in methods} for _ in range(repeat)]
        own = best(run["geoseg"] for run in runs)
        print(f"\n{kind}, {size} × {size}, {own['polygons']:,.0f} polygons")
        print(f"{'method':<18}{'seconds':>9}{'CPU':>9}{'× geoseg':>10}{'peak MB':>10}{'above base':>12}")
        for method in methods:
            found = table[kind, method] = best(run[method] for run in runs)
            ratio = found["seconds"] / own["seconds"]
            print(
                f"{method:<18}{found['seconds']:>9.2f}{found['cpu']:>9.2f}{ratio:>10.1f}"
                f"{found['peak_mb']:>10.0f}{found['extra_mb']:>12.0f}",
                flush=True,
            )
        source.unlink()
    return table


def linear(folder: Path, sizes: list[int], repeat: int) -> float:
    """Print time against pixels, length of boundaries and polygons; return the largest deviation from a linear law."""
    from scipy.optimize import nnls

    rows, seconds = [], []
    for size in sizes:
        for kind in ("smooth", "fragmented"):
            source = folder / f"{kind}.tif"
            make_map(source, size, kind)
            found = best(child("geoseg", source) for _ in range(repeat))
            rows.append((size * size / 1e6, boundary_of(source) / 1e6, found["polygons"] / 1e6))
            seconds.append(found["seconds"])
            source.unlink()
    counts, taken = np.array(rows), np.array(seconds)
    # Relative errors count: small maps as much as large ones.
    counts = np.column_stack([counts, np.ones(len(taken))])
    law, _ = nnls(counts / taken[:, None], np.ones(len(taken)))
    ratio = taken / (counts @ law)
    print(
        f"\nseconds = {law[3]:.2f} + {law[0]:.4f} × megapixels + {law[1]:.4f} × million pixel sides of boundary "
        f"+ {law[2]:.4f} × million polygons"
    )
    print(f"{'megapixels':>12}{'boundary':>12}{'polygons':>12}{'seconds':>10}{'of the law':>12}")
    for (pixels, sides, polygons), time, part in zip(rows, seconds, ratio, strict=True):
        print(f"{pixels:>12.1f}{sides:>12.1f}{polygons:>12.2f}{time:>10.2f}{part:>12.2f}", flush=True)
    return float(max(ratio.max(), 1 / ratio.min()))


def memory(folder: Path, size: int) -> float:
    """Print the memory of a large map, plain and reshaped; return the most, in MB."""
    source = folder / "large.tif"
    make_map(source, size, "large")
    print(f"\nmemory, {size} × {size}")
    print(f"{'options':<34}{'polygons':>12}{'seconds':>9}{'CPU':>9}{'peak MB':>10}")
    most = 0.0
    for options in (
        {}, {"simplify": SIMPLIFY}, {"min_area": 10}, {"min_area": 10, "simplify": SIMPLIFY, "smooth": True},
    ):  # fmt: skip
        found = child("geoseg", source, **options)
        text = ", ".join(f"{name} {value:g}" for name, value in options.items()) or "none"
        print(
            f"{text:<34}{found['polygons']:>12,.0f}{found['seconds']:>9.1f}{found['cpu']:>9.1f}"
            f"{found['peak_mb']:>10.0f}",
            flush=True,
        )
        most = max(most, found["peak_mb"])
    source.unlink()
    return most


def simplify(folder: Path, size: int, repeat: int) -> tuple[float, float]:
    """Print geoseg's simplification beside shapely's of the same polygons; return two ratios.

    The first compares shapely, from polygons in memory to polygons in memory, with what ``simplify`` adds to geoseg's
    time; the second with geoseg's whole way from pixels to a finished file.
    """
    source, polygons = folder / "fragmented.tif", folder / "fragmented.parquet"
    make_map(source, size, "fragmented")
    run_geoseg(str(source), str(polygons), simplify=1e-6)  # keeps the points where three meet, as shapely wants
    plain = best(child("geoseg", source) for _ in range(repeat))
    whole = best(child("geoseg", source, simplify=SIMPLIFY) for _ in range(repeat))
    shapely = best(child("coverage_simplify", polygons, simplify=SIMPLIFY) for _ in range(repeat))
    step = max(whole["seconds"] - plain["seconds"], 0.1 * whole["seconds"])  # less would be noise
    ratios = shapely["seconds"] / step, shapely["seconds"] / whole["seconds"]
    print(f"\nsimplification, {size} × {size}, {whole['polygons']:,.0f} polygons, tolerance {SIMPLIFY:g} m")
    print(f"{'':<34}{'seconds':>9}{'CPU':>9}{'peak MB':>10}")
    for name, found in (
        ("geoseg, map to file", plain), ("geoseg, map to file, simplified", whole),
        ("shapely.coverage_simplify alone", shapely),
    ):  # fmt: skip
        print(f"{name:<34}{found['seconds']:>9.2f}{found['cpu']:>9.2f}{found['peak_mb']:>10.0f}")
    print(
        f"shapely takes at least {ratios[0]:.1f} × what simplifying adds, {ratios[1]:.1f} × geoseg's whole way",
        flush=True,
    )
    source.unlink()
    return ratios


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_faster_than_the_others(tmp_path):
    """The ratios that the package promises, at the smaller of the two sizes."""
    table = compare(tmp_path, 6000, 2, ["geoseg", "gdal C", "rasterio"])
    for kind, factor in (("smooth", 5), ("fragmented", 8)):
        own = table[kind, "geoseg"]["seconds"]
        assert table[kind, "rasterio"]["seconds"] > factor * own
        assert table[kind, "gdal C"]["seconds"] > own


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_time_is_linear(tmp_path):
    assert linear(tmp_path, [1500, 3000, 4500], 2) < 1.5


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_memory_is_bounded(tmp_path):
    assert not memory(tmp_path, 8000) > 3000  # NaN where the system does not tell


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_simplification_is_faster_than_shapely(tmp_path):
    assert simplify(tmp_path, 3000, 2)[0] > 3


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["compare", "linear", "memory", "simplify"], default="compare")
    parser.add_argument("--all", action="store_true", help="everything, at full size")
    parser.add_argument("--size", type=int)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--methods", help="comma-separated; all that can run if left out")
    parser.add_argument("--folder", help="for maps and results: some 5 GB with --all; a temporary one if left out")
    options = parser.parse_args()
    methods = options.methods.split(",") if options.methods else available()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        if options.all or options.part == "compare":
            for size in (6000, 10_000) if options.all else (options.size or 6000,):
                compare(folder, size, options.repeat, methods)
        if options.all or options.part == "linear":
            top = 10_000 if options.all else options.size or 10_000
            linear(folder, [top // 4, top // 2, 3 * top // 4, top], options.repeat)
        if options.all or options.part == "simplify":
            simplify(folder, 10_000 if options.all else options.size or 10_000, options.repeat)
        if options.all or options.part == "memory":
            memory(folder, 40_000 if options.all else options.size or 40_000)


if __name__ == "__main__":
    main()
