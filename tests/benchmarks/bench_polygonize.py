"""Polygonizers side by side: time, ratio and memory, to a finished GeoPackage, in one run.

    python tests/benchmarks/bench_polygonize.py [--size 6000] [--repeat 3] [--simplify 1.0] [--maps smooth,fragmented]

Each measurement runs in a process of its own, so that memory is its own; the methods take turns, so that what else the
machine does hits all alike. The best of the repeats counts. Methods:

- ``geoseg``: ``geoseg.polygonize(map, file)``, after one call on a 16 × 16 map (compiled code is loaded, not compiled);
- ``geoseg cold``: the same as the first call of a process, imports included;
- ``rasterio``: the documented route, ``rasterio.features.shapes`` → ``GeoDataFrame.from_features`` → ``to_file``;
- ``gdal C``: ``GDALPolygonize`` of rasterio's own libgdal into a GeoPackage, by ctypes, in one transaction;
- ``gdal_polygonize``: the script, where it is installed;
- ``xrspatial``: ``xrspatial.polygonize``, where it is installed;
- with ``--simplify``: ``geoseg`` with that tolerance beside ``shapely.coverage_simplify`` of finished polygons.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest


def make_map(path: Path, size: int, kind: str, seed: int = 7) -> None:
    """Write six correlated classes; ``fragmented`` has 1.25 % of its pixels replaced at random."""
    import rasterio

    generator = np.random.default_rng(seed)
    cells, weights = (1024, 400, 150, 60, 24, 10, 5), (1, 0.7, 0.5, 0.3, 0.18, 0.1, 0.06)
    fields = [
        [generator.standard_normal((size // cell + 3, size // cell + 3)).astype(np.float32) for cell in cells]
        for _ in range(2)
    ]

    def axis(start: int, stop: int, cell: int):
        place = np.arange(start, stop, dtype=np.float32) / cell
        index = place.astype(np.int64)
        part = place - index
        return index, part * part * (3 - 2 * part)

    def rows(grids, start: int, stop: int):
        out = np.zeros((stop - start, size), np.float32)
        for grid, cell, weight in zip(grids, cells, weights, strict=True):
            i, f = axis(start, stop, cell)
            j, g = axis(0, size, cell)
            lines = grid[i] * (1 - f)[:, None] + grid[i + 1] * f[:, None]
            out += weight * (lines[:, j] * (1 - g) + lines[:, j + 1] * g)
        return out / (0.74 * sum(w * w for w in weights) ** 0.5)

    profile = {
        "driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "uint8", "crs": "EPSG:32633",
        "transform": rasterio.transform.from_origin(500000, 5400000, 0.5, 0.5), "tiled": True,
        "blockxsize": 512, "blockysize": 512, "compress": "deflate", "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        for start in range(0, size, 512):
            stop = min(start + 512, size)
            one, two = rows(fields[0], start, stop), rows(fields[1], start, stop)
            values = (np.digitize(one, [-0.43, 0.43]) * 2 + (two > 0)).astype(np.uint8)
            if kind == "fragmented":
                chosen = generator.random(values.shape, dtype=np.float32) < 0.0125
                values[chosen] = generator.integers(0, 6, int(chosen.sum()), dtype=np.uint8)
            file.write(values, 1, window=((start, stop), (0, size)))


def run_geoseg(source: str, out: str, **options) -> int:
    """Polygonize with this package."""
    import geoseg

    return geoseg.polygonize(source, out, **options).polygons


def run_rasterio(source: str, out: str) -> int:
    """Polygonize as the documentation of rasterio and geopandas shows it."""
    import geopandas
    import rasterio.features

    with rasterio.open(source) as file:
        values, transform, crs = file.read(1), file.transform, file.crs
    records = [
        {"properties": {"class_id": int(value)}, "geometry": geometry}
        for geometry, value in rasterio.features.shapes(values, transform=transform)
    ]
    frame = geopandas.GeoDataFrame.from_features(records, crs=crs)
    frame.to_file(out, driver="GPKG")
    return len(frame)


def run_gdal_c(source: str, out: str) -> int:
    """GDAL's C polygonizer, no Python object per polygon."""
    import rasterio

    found = sorted((Path(rasterio.__file__).parents[1] / "rasterio.libs").glob("libgdal-*"))
    lib = ctypes.CDLL(str(found[0]))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
        ("GDALAllRegister", None, []), ("GDALOpen", pointer, [text, number]),
        ("GDALGetRasterBand", pointer, [pointer, number]), ("GDALGetDriverByName", pointer, [text]),
        ("GDALCreate", pointer, [pointer, text, number, number, number, number, pointer]),
        ("GDALDatasetCreateLayer", pointer, [pointer, text, pointer, number, pointer]),
        ("OGR_Fld_Create", pointer, [text, number]), ("OGR_L_CreateField", number, [pointer, pointer, number]),
        ("GDALPolygonize", number, [pointer, pointer, pointer, number, pointer, pointer, pointer]),
        ("GDALClose", number, [pointer]), ("GDALGetSpatialRef", pointer, [pointer]),
        ("OGR_L_GetFeatureCount", ctypes.c_int64, [pointer, number]),
        ("GDALDatasetStartTransaction", number, [pointer, number]),
        ("GDALDatasetCommitTransaction", number, [pointer]),
    ):  # fmt: skip
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    lib.GDALAllRegister()
    raster = lib.GDALOpen(source.encode(), 0)
    file = lib.GDALCreate(lib.GDALGetDriverByName(b"GPKG"), out.encode(), 0, 0, 0, 0, None)
    layer = lib.GDALDatasetCreateLayer(file, b"polygons", lib.GDALGetSpatialRef(raster), 3, None)
    lib.OGR_L_CreateField(layer, lib.OGR_Fld_Create(b"class_id", 0), 1)
    lib.GDALDatasetStartTransaction(file, 0)
    lib.GDALPolygonize(lib.GDALGetRasterBand(raster, 1), None, layer, 0, None, None, None)
    count = lib.OGR_L_GetFeatureCount(layer, 1)
    lib.GDALDatasetCommitTransaction(file)
    lib.GDALClose(file)
    return int(count)


def run_xrspatial(source: str, out: str) -> int:
    """xarray-spatial, compiled beforehand."""
    import rasterio
    import xarray
    from xrspatial.polygonize import polygonize

    with rasterio.open(source) as file:
        values, transform, crs = file.read(1), file.transform, file.crs
    frame = polygonize(xarray.DataArray(values), return_type="geopandas", transform=np.array(transform[:6]))
    frame.set_crs(crs, allow_override=True).to_file(out, driver="GPKG")
    return len(frame)


def run_coverage_simplify(source: str, out: str, tolerance: float) -> int:
    """shapely's coverage simplification of polygons that are already there (their making is not counted)."""
    import geopandas
    import shapely

    frame = geopandas.read_parquet(source)
    geometries = np.asarray(frame.geometry)
    start = time.perf_counter()
    shapely.coverage_simplify(geometries, tolerance)
    print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
    return len(frame)


def status(key: str) -> float:
    """MB of a line in Linux's process status; NaN elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith(key)), float("nan"))


def measure(method: str, source: str, out: str, tolerance: float) -> None:
    """Run one method in this process and print what it took."""
    options = {"simplify": tolerance} if method.endswith("simplify") else {}
    if method.startswith("geoseg") and "cold" not in method:
        import xarray

        small = xarray.DataArray(np.zeros((16, 16), np.uint8), dims=("y", "x"))
        run_geoseg(small, out, overwrite=True, **options)
        Path(out).unlink()
    elif method == "rasterio":
        import geopandas  # noqa: F401
        import pyogrio  # noqa: F401
        import rasterio.features
    elif method == "gdal C":
        import rasterio  # noqa: F401
    elif method == "xrspatial":
        import xarray
        from xrspatial.polygonize import polygonize

        polygonize(xarray.DataArray(np.eye(3, dtype=np.uint8)), return_type="geopandas", transform=np.arange(6.0))
    base, start, cpu = status("VmRSS"), time.perf_counter(), time.process_time()
    if method == "coverage_simplify":
        count = run_coverage_simplify(source, out, tolerance)
    elif method == "gdal_polygonize":
        subprocess.run(["gdal_polygonize.py", "-q", source, "-f", "GPKG", out], check=True)
        count = -1
    else:
        function = {"rasterio": run_rasterio, "gdal C": run_gdal_c, "xrspatial": run_xrspatial}.get(method)
        count = function(source, out) if function else run_geoseg(source, out, **options)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu,
                "extra_mb": status("VmHWM") - base, "polygons": count,
            }
        )
    )  # fmt: skip


def child(method: str, source: Path, tolerance: float, folder: Path) -> dict[str, float]:
    """Run ``measure`` in a process of its own."""
    out = folder / "out.gpkg"
    out.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--measure", method, str(source), str(out), str(tolerance)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{method}: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, float] = {}
    for line in reversed(done.stdout.splitlines()):
        found.update(json.loads(line))
    return found


def compare(size: int, repeat: int, kinds: list[str], methods: list[str], tolerance: float) -> dict:
    """Print a table per map; return the best of each method."""
    best: dict[tuple[str, str], dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in kinds:
            source = folder / f"{kind}.tif"
            make_map(source, size, kind)
            polygons = folder / f"{kind}.parquet"
            if "coverage_simplify" in methods:
                run_geoseg(
                    str(source), str(polygons), simplify=1e-6
                )  # nodes kept: a coverage that matches edge by edge
            for _ in range(repeat):
                for method in methods:
                    found = child(method, polygons if method == "coverage_simplify" else source, tolerance, folder)
                    if found["seconds"] < best.get((kind, method), {"seconds": np.inf})["seconds"]:
                        best[kind, method] = found
            show(kind, size, methods, best)
    return best


def show(kind: str, size: int, methods: list[str], best: dict) -> None:
    """Print one map's table."""
    own = best[kind, "geoseg"]
    print(f"\n{kind}, {size} × {size}, {own['polygons']:,.0f} polygons")
    print(f"{'method':<20}{'seconds':>9}{'CPU':>9}{'× geoseg':>10}{'MB above base':>15}")
    for method in methods:
        found = best[kind, method]
        print(
            f"{method:<20}{found['seconds']:>9.2f}{found.get('cpu', np.nan):>9.2f}"
            f"{found['seconds'] / own['seconds']:>10.1f}{found['extra_mb']:>15.0f}"
        )


def available(simplify: float) -> list[str]:
    """Methods that can run here."""
    methods = ["geoseg", "geoseg cold", "gdal C", "rasterio"]
    if shutil.which("gdal_polygonize.py"):
        methods.append("gdal_polygonize")
    if importlib.util.find_spec("xrspatial"):
        methods.append("xrspatial")
    return [*methods, "geoseg simplify", "coverage_simplify"] if simplify else methods


@pytest.mark.benchmark
def test_faster_than_the_others():
    """The ratios that the package promises, on a size that a continuous-integration machine does in a minute."""
    best = compare(4000, 2, ["smooth", "fragmented"], ["geoseg", "gdal C", "rasterio"], 0)
    for kind, factor in (("smooth", 5), ("fragmented", 8)):
        own = best[kind, "geoseg"]["seconds"]
        assert best[kind, "rasterio"]["seconds"] > factor * own
        assert best[kind, "gdal C"]["seconds"] > own


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=6000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--simplify", type=float, default=0, help="tolerance in metres; 0 leaves it out")
    parser.add_argument("--maps", default="smooth,fragmented")
    parser.add_argument("--methods", default="", help="comma-separated; all that can run if left out")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        method, source, out, tolerance = options.measure
        measure(method, source, out, float(tolerance))
        return
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    methods = options.methods.split(",") if options.methods else available(options.simplify)
    compare(options.size, options.repeat, options.maps.split(","), methods, options.simplify)


if __name__ == "__main__":
    main()
