"""Writers of Cloud Optimized GeoTIFFs side by side: time, memory, size, and whether the bytes repeat.

    python tests/benchmarks/bench_cog.py [--map CLASSES.tif] [--sizes 8192 16384] [--repeats 3] [--only geoseg odc]

Each writes a class map (uint8, one band) that is read from a file in chunks of 2048, as DEFLATE in tiles of 512 with
overviews of halves. The map is a patch repeated to the size asked for: of ``--map``, else of the demo's truth. Every
measurement runs in a process of its own, the contestants in turns; medians are compared, as ratios to geoseg's.

- ``geoseg``: ``geoseg.write_cog`` of a dask array; overviews by mode; colour table, names and attribute table included;
- ``odc``: odc-geo's ``save_cog_with_dask`` of the same array, overviews by nearest pixel (needs tifffile, imagecodecs);
- ``odc mode``: the same with overviews by mode;
- ``gdal``: chunks written to an uncompressed GeoTIFF, which GDAL's COG driver copies, overviews by nearest pixel;
- ``gdal mode``: the same with overviews by mode.

With ``--overviews``: what the overviews of a class map and of confidence cost beside the maps, as a run makes them
(:func:`geoseg.write.packed.pack` and :class:`geoseg.write.CogSink`), in processor time, from pixels in memory.

``repeats`` says whether the file has the same bytes after computing it in other chunks (1536).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from process_memory import peak_bytes

METHODS = ("geoseg", "odc", "odc mode", "gdal", "gdal mode")
CHUNK, OTHER_CHUNK = 2048, 1536
TILE = 512


def make_map(path: Path, size: int, patch: np.ndarray) -> None:
    """Write a patch, repeated to ``size`` x ``size``; every second time flipped, so that tiles differ."""
    import rasterio
    from affine import Affine
    from rasterio.windows import Window

    profile = {
        "driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "uint8", "crs": "EPSG:32633",
        "transform": Affine(10, 0, 500000, 0, -10, 5400000), "tiled": True, "blockxsize": TILE, "blockysize": TILE,
        "compress": "deflate", "nodata": 255,
    }  # fmt: skip
    high, wide = patch.shape
    with rasterio.open(path, "w", **profile) as file:
        for i, row in enumerate(range(0, size, high)):
            for j, col in enumerate(range(0, size, wide)):
                part = (patch[::-1] if (i + j) % 2 else patch)[: size - row, : size - col]
                file.write(part, 1, window=Window(col, row, part.shape[1], part.shape[0]))


def read_patch(path: str | None) -> np.ndarray:
    """Return the pixels to repeat."""
    import rasterio

    if path is not None:
        with rasterio.open(path) as file:
            return file.read(1)
    from geoseg.demo import make_scene

    with tempfile.TemporaryDirectory() as folder, rasterio.open(make_scene(Path(folder), 2048, seed=5).truth) as file:
        return file.read(1)


def lazy_map(source: str, chunk: int) -> Any:
    """Return the map as a dask array on its grid."""
    import geoseg

    array = geoseg.open_raster(source).to_xarray(chunks={"y": chunk, "x": chunk}, masked=False, scaled=False)
    return array[0].drop_vars(["band", "description", "scaled"])


def write(method: str, source: str, out: str, chunk: int) -> None:
    """Write the map by one of the methods."""
    resampling = "mode" if method.endswith("mode") else "nearest"
    if method == "geoseg":
        import geoseg
        from geoseg.classes import LAND_COVER

        geoseg.write_cog(lazy_map(source, chunk), out, classes=LAND_COVER)
    elif method.startswith("odc"):
        from odc.geo.cog import save_cog_with_dask

        save_cog_with_dask(
            lazy_map(source, chunk), out, compression="DEFLATE", blocksize=TILE, overview_resampling=resampling,
            stats=False, bigtiff=False,
        ).compute()  # fmt: skip
    else:
        gdal(source, out, chunk, resampling)


def gdal(source: str, out: str, chunk: int, resampling: str) -> None:
    """Write chunks to a GeoTIFF and copy it with GDAL's COG driver."""
    import rasterio
    import rasterio.shutil
    from rasterio.windows import Window

    draft = f"{out}.draft.tif"
    with rasterio.open(source) as file:
        profile = file.profile | {"compress": None, "driver": "GTiff"}
        with rasterio.open(draft, "w", **profile) as target:
            for row in range(0, file.height, chunk):
                for col in range(0, file.width, chunk):
                    window = Window(col, row, min(chunk, file.width - col), min(chunk, file.height - row))
                    target.write(file.read(1, window=window), 1, window=window)
    rasterio.shutil.copy(
        draft, out, driver="COG", compress="DEFLATE", blocksize=TILE, overview_resampling=resampling,
        num_threads=os.cpu_count(),
    )  # fmt: skip
    Path(draft).unlink()


def child(method: str, source: Path, chunk: int = CHUNK) -> dict[str, Any]:
    """Measure a method in a process of its own."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        command = [sys.executable, __file__, "--child", method, str(source), str(Path(folder) / "out.tif"), str(chunk)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{method}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(method: str, source: str, out: str, chunk: int) -> None:
    """Write a small map first, so that imports and compilation do not count; then print what the large one took."""
    small = Path(out).with_name("small.tif")
    make_map(small, 1024, np.zeros((1024, 1024), np.uint8))
    write(method, str(small), str(small.with_name("first.tif")), chunk)
    base, start, cpu = peak_bytes(), time.perf_counter(), time.process_time()
    write(method, source, out, chunk)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    data = Path(out).read_bytes()
    found = {"seconds": seconds, "cpu": cpu, "peak": peak_bytes() - base, "size": len(data)}
    print(json.dumps(found | {"hash": hashlib.sha256(data).hexdigest()}))


def compare(source: Path, methods: list[str], repeats: int) -> None:
    """Print the table of one size."""
    runs: dict[str, list[dict[str, Any]]] = {method: [] for method in methods}
    for _ in range(repeats):
        for method in methods:
            runs[method].append(child(method, source))
    middle = {
        method: {key: statistics.median(run[key] for run in found) for key in ("seconds", "cpu", "peak", "size")}
        for method, found in runs.items()
    }
    own = middle[methods[0]]
    print(f"{'method':<12}{'seconds':>9}{'ratio':>8}{'CPU':>8}{'peak MB':>9}{'ratio':>8}{'MB':>8}{'ratio':>8}  repeats")
    for method in methods:
        found = middle[method]
        hashes = {run["hash"] for run in runs[method]} | {child(method, source, OTHER_CHUNK)["hash"]}
        print(
            f"{method:<12}{found['seconds']:>9.2f}{found['seconds'] / own['seconds']:>8.2f}{found['cpu']:>8.2f}"
            f"{found['peak'] / 1e6:>9.0f}{found['peak'] / max(own['peak'], 1):>8.2f}"
            f"{found['size'] / 1e6:>8.1f}{found['size'] / own['size']:>8.2f}  {'yes' if len(hashes) == 1 else 'no'}",
            flush=True,
        )


def overviews(size: int, patch: np.ndarray, repeats: int) -> None:
    """Print what overviews cost: whole files with and without them, by turns."""
    from unittest import mock

    from geoseg.write import tiff

    high, wide = patch.shape
    classes = np.tile(patch, (-(-size // high), -(-size // wide)))[:size, :size]
    # Confidence as of a network: high within regions, low at their borders, with some noise.
    border = (classes != np.roll(classes, 3, 0)) | (classes != np.roll(classes, 3, 1))
    noise = np.random.default_rng(0).integers(0, 6, classes.shape, np.uint8)
    maps = {"classes": classes, "confidence": np.where(border, 60, 94).astype(np.uint8) + noise}
    print("| map | without overviews | with | overviews / map (≤ 1) |\n|---|---|---|---|")
    for kind, values in maps.items():
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(repeats):
            for full, measured in seconds.items():
                alone = mock.patch("geoseg.write.packed.level_sizes", lambda *shape: [shape])
                alone_too = mock.patch("geoseg.write.sink.level_sizes", lambda *shape: [shape])
                with ExitStack() as stack:
                    for patched in () if full else (alone, alone_too):
                        stack.enter_context(patched)
                    assert len(tiff.level_sizes(size, size)) > 1
                    measured.append(write_from_memory(kind, values))
        flat, both = statistics.median(seconds[False]), statistics.median(seconds[True])
        print(f"| {kind} | {flat:.2f} s | {both:.2f} s | {(both - flat) / flat:.2f} |")


def write_from_memory(kind: str, values: np.ndarray) -> float:
    """Write one map by blocks of 1024, as a run does; return the processor time."""
    from affine import Affine
    from odc.geo.geobox import GeoBox

    from geoseg.tiling import Box
    from geoseg.write import CogSink
    from geoseg.write.packed import pack, unpack

    side, geobox = 1024, GeoBox(values.shape, Affine(10, 0, 500000, 0, -10, 5400000), "EPSG:32633")
    # A block holds both maps: the other one is constant, and costs next to nothing with or without overviews.
    other = np.zeros((side, side), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        with CogSink(Path(folder) / "map.tif", geobox, kind=kind) as sink:
            for row in range(0, values.shape[0], side):
                for col in range(0, values.shape[1], side):
                    part = np.ascontiguousarray(values[row : row + side, col : col + side])
                    blank = other[: part.shape[0], : part.shape[1]]
                    pair = (part, blank) if kind == "classes" else (blank, part)
                    sink.put(Box(row, col, *part.shape), getattr(unpack(pack(*pair, side=side)), kind))
        return time.process_time() - start


def main() -> None:
    """Read the command line."""
    if sys.argv[1:2] == ["--child"]:
        method, source, out, chunk = sys.argv[2:]
        measure(method, source, out, int(chunk))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", help="class map to repeat; the demo's truth by default")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8192, 16384])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--overviews", action="store_true", help="what overviews cost beside the maps")
    options = parser.parse_args()
    patch = read_patch(options.map)
    if options.overviews:
        overviews(options.sizes[0], patch, options.repeats)
        return
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            source = Path(folder) / f"{size}.tif"
            make_map(source, size, patch)
            print(f"\n{size} x {size}, {os.cpu_count()} cores")
            compare(source, options.only, options.repeats)
            source.unlink()


if __name__ == "__main__":
    main()
