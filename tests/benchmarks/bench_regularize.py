"""Regular outlines of a made-up town, beside simplified ones and those of buildingregulariser, where it is installed.

    python tests/benchmarks/bench_regularize.py compare
    python tests/benchmarks/bench_regularize.py scale [--size 12000]

The town has rectangles, Ls, houses with courtyards and terraces of five, turned by any angle and burned into pixels.
``compare`` prints, per method, the mean IoU with the true outlines, the share with the true number of corners, the area
that neighbours share, the pairs of neighbours with one common wall, and the CPU seconds per thousand polygons, tracing
left out. ``scale`` prints seconds and peak memory of ``polygonize`` with and without ``--regularize``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from process_memory import peak_bytes
from shapely import affinity

CORNERS = {"rectangle": 4, "L": 6, "courtyard": 8, "terrace": 4}
TOLERANCE = 2.0
"""In pixels, which are metres here."""


def town(size: int, seed: int = 5) -> tuple[list[Any], list[str], np.ndarray]:
    """Return outlines, their kinds, and their numbers from 1 as int32 (size, size)."""
    import rasterio.features

    rng = np.random.default_rng(seed)
    outlines: list[Any] = []
    kinds: list[str] = []
    for row in range(75, size - 74, 150):
        for col in range(75, size - 74, 150):
            kind = str(rng.choice(list(CORNERS)))
            side = rng.uniform(30, 60)
            if kind == "rectangle":
                parts = [shapely.box(0, 0, *rng.uniform(12, 60, 2))]
            elif kind == "L":
                parts = [shapely.box(0, 0, side, side).difference(shapely.box(0.4 * side, 0.4 * side, side, side))]
            elif kind == "courtyard":
                parts = [shapely.box(0, 0, 60, 44).difference(shapely.box(16, 13, 46, 30))]
            else:
                wide, deep = rng.uniform(12, 20), rng.uniform(18, 28)
                parts = [shapely.box(k * wide, 0, (k + 1) * wide, deep) for k in range(5)]
            centre = shapely.MultiPolygon(parts).centroid
            angle, (dx, dy) = rng.uniform(0, 90), rng.uniform(-0.5, 0.5, 2)
            for part in parts:
                turned = affinity.rotate(part, angle, origin=centre)
                outlines.append(affinity.translate(turned, col + dx - centre.x, row + dy - centre.y))
                kinds.append(kind)
    numbered = [(outline, number) for number, outline in enumerate(outlines, 1)]
    return outlines, kinds, rasterio.features.rasterize(numbered, out_shape=(size, size), dtype="int32")


def outlines_by(values: np.ndarray, **options: Any) -> Any:
    """Return geoseg's polygons, one for each number."""
    import xarray as xr

    import geoseg

    source = xr.DataArray(values, dims=("y", "x"), attrs={"nodata": 0})
    return geoseg.polygonize(source, workers=1, **options)


def measured(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result and the least CPU seconds of three runs."""
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        found = work()
        seconds.append(time.process_time() - begin)
    return found, min(seconds)


def compare() -> None:
    """Print the methods' scores."""
    truth, kinds, values = town(3000)
    outlines_by(values[:300, :300], regularize="square")  # compiles
    traced, before = measured(lambda: outlines_by(values))
    methods: dict[str, Callable[[], Any]] = {
        "simplified": lambda: outlines_by(values, simplify=TOLERANCE),
        "geoseg --regularize": lambda: outlines_by(values, simplify=TOLERANCE, regularize="square"),
    }
    try:
        from buildingregulariser import regularize_geodataframe
    except ImportError:
        print("buildingregulariser is not installed")
    else:
        plain = traced.set_crs("EPSG:32633", allow_override=True)
        for share in (1.0, 0.5):
            tolerance = share * TOLERANCE
            methods[f"buildingregulariser, {tolerance:g} m"] = lambda tolerance=tolerance: regularize_geodataframe(
                plain, simplify_tolerance=tolerance, parallel_threshold=tolerance, allow_45_degree=False, num_cores=1
            )
    print_scores("traced", traced, truth, kinds, 0.0)
    for name, work in methods.items():
        found, seconds = measured(work)
        own = seconds if name.startswith("building") else seconds - before
        print_scores(name, found, truth, kinds, 1000 * own / len(truth))


def print_scores(name: str, found: Any, truth: list[Any], kinds: list[str], seconds: float) -> None:
    """Print one line for each method."""
    shapes = found.set_index("class_id").geometry.reindex(range(1, len(truth) + 1)).to_numpy()
    iou = shapely.area(shapely.intersection(shapes, truth)) / shapely.area(shapely.union(shapes, truth))
    # Vertices within straight lines are no corners.
    parts = [shapely.get_parts(shape) for shape in shapely.simplify(shapes, 0.05)]
    corners = [sum(len(ring.coords) - 1 for one in some for ring in (one.exterior, *one.interiors)) for some in parts]
    right = np.array(corners) == [CORNERS[kind] for kind in kinds]
    left, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    left, other = left[left < other], other[left < other]
    common = shapely.intersection(shapes[left], shapes[other])
    walls = ((shapely.length(common) > 5) & (shapely.area(common) < 1e-6)).sum()
    print(f"{name}: {len(shapes)} polygons, {seconds:.3f} s CPU per 1,000")
    for kind in CORNERS:
        own = np.array(kinds) == kind
        print(f"  {kind}: IoU {iou[own].mean():.4f}, corners right {right[own].mean():.0%}")
    print(f"  neighbours overlap by {shapely.area(common).sum():.1f} px², {walls} pairs have one common wall")


def scale(size: int, *, regular: bool) -> None:
    """Print seconds and memory for a large town."""
    import rasterio
    from rasterio.windows import Window

    import geoseg

    _, _, values = town(3000)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        path = Path(name) / "town.tif"
        profile = {"driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "int32", "nodata": 0}
        with rasterio.open(path, "w", **profile, tiled=True, compress="DEFLATE", zlevel=1) as file:
            for row in range(0, size, 512):
                rows = np.arange(row, min(row + 512, size)) % 3000
                data = np.tile(values[rows], (1, -(-size // 3000)))[None, :, :size]
                file.write(data, window=Window(0, row, size, len(rows)))
        before = peak_bytes()
        options: dict[str, Any] = {"regularize": "square", "simplify": TOLERANCE} if regular else {}
        wall, cpu = time.perf_counter(), time.process_time()
        summary = geoseg.polygonize(path, Path(name) / "town.gpkg", **options)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{size}², {'regular' if regular else 'traced'}: {summary.polygons:,} polygons in {wall:.1f} s, "
        f"CPU {cpu:.1f} s; peak {peak_bytes() / 1e6:.0f} MB, {before / 1e6:.0f} MB before"
    )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("compare", "scale"))
    parser.add_argument("--size", type=int, default=12_000)
    given = parser.parse_args()
    if given.what == "compare":
        compare()
        return
    for regular in (False, True):
        scale(given.size, regular=regular)


if __name__ == "__main__":
    main()
