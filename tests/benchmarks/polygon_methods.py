"""Ways from a class map to polygons in a file, each to be measured in a process of its own.

python polygon_methods.py METHOD MAP OUTPUT OPTIONS
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


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


def run_gdal_script(source: str, out: str) -> int:
    """The script that comes with GDAL, a process of its own."""
    subprocess.run(["gdal_polygonize.py", "-q", source, "-f", "GPKG", out], check=True, stdout=subprocess.DEVNULL)
    return -1


def xrspatial_polygonize() -> Callable[..., Any]:
    """Return its polygonizer, which was among the experimental ones up to version 0.5."""
    try:
        return importlib.import_module("xrspatial.polygonize").polygonize
    except ModuleNotFoundError:
        return importlib.import_module("xrspatial.experimental.polygonize").polygonize


def run_xrspatial(source: str, out: str) -> int:
    """xarray-spatial, compiled beforehand."""
    import rasterio
    import xarray

    with rasterio.open(source) as file:
        values, transform, crs = file.read(1), file.transform, file.crs
    frame = xrspatial_polygonize()(xarray.DataArray(values), return_type="geopandas", transform=np.array(transform[:6]))
    frame.set_crs(crs, allow_override=True).to_file(out, driver="GPKG")
    return len(frame)


def run_coverage_simplify(source: str, _: str, simplify: float) -> int:
    """shapely's coverage simplification of polygons that are in memory already: nothing else is counted."""
    import shapely

    geometries = _ready[source]
    shapely.coverage_simplify(geometries, simplify)
    return len(geometries)


_ready: dict[str, np.ndarray] = {}
METHODS = {
    "geoseg": run_geoseg, "geoseg cold": run_geoseg, "rasterio": run_rasterio, "gdal C": run_gdal_c,
    "gdal_polygonize": run_gdal_script, "xrspatial": run_xrspatial, "coverage_simplify": run_coverage_simplify,
}  # fmt: skip


def available() -> list[str]:
    """Methods that can run here, from a class map to a file."""
    methods = ["geoseg", "geoseg cold", "gdal C", "rasterio"]
    if shutil.which("gdal_polygonize.py"):
        methods.append("gdal_polygonize")
    if importlib.util.find_spec("xrspatial"):
        methods.append("xrspatial")
    return methods


def prepare(method: str, source: str, out: str, options: dict[str, Any]) -> None:
    """Do what is not measured: imports, compilation, and reading where the method starts from polygons."""
    if method == "geoseg":
        import xarray

        # Several strips: what joins them is compiled too.
        small = (np.add.outer(np.arange(9000) // 3, np.arange(16) // 3) % 3).astype(np.uint8)
        run_geoseg(xarray.DataArray(small, dims=("y", "x")), out, overwrite=True, **options)
        Path(out).unlink()
    elif method == "rasterio":
        import geopandas
        import pyogrio  # noqa: F401
        import rasterio.features
    elif method == "gdal C":
        import rasterio  # noqa: F401
    elif method == "xrspatial":
        import xarray

        small = xarray.DataArray(np.eye(3, dtype=np.uint8))
        xrspatial_polygonize()(small, return_type="geopandas", transform=np.arange(6.0))
    elif method == "coverage_simplify":
        import geopandas

        _ready[source] = np.asarray(geopandas.read_parquet(source, columns=["geometry"]).geometry)


def status(key: str) -> float:
    """MB of a line in Linux's process status; NaN elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith(key)), float("nan"))


def measure(method: str, source: str, out: str, options: dict[str, Any]) -> dict[str, float]:
    """Run one method in this process and return what it took."""
    prepare(method, source, out, options)
    base, start, cpu = status("VmRSS"), time.perf_counter(), time.process_time()
    count = METHODS[method](source, out, **options)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = status("VmHWM")
    if method == "gdal_polygonize":
        import resource

        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        base, peak, cpu = 0.0, used.ru_maxrss / 1000, used.ru_utime + used.ru_stime
    return {"seconds": seconds, "cpu": cpu, "peak_mb": peak, "extra_mb": peak - base, "polygons": count}


def main() -> None:
    """Measure what the command line asks for and print it as JSON."""
    method, source, out, options = sys.argv[1:]
    print(json.dumps(measure(method, source, out, json.loads(options))))


if __name__ == "__main__":
    main()
