"""Made-up crowns: round objects of many sizes that touch, as polygons, as an image, and as a class map."""

from __future__ import annotations

from typing import Any

import numpy as np

PIXEL = 0.5
"""Side of a pixel in metres."""

ORIGIN = 500_000.0, 5_400_000.0
"""Upper left corner, in EPSG:32633."""


def crowns(size: int, seed: int, spacing: float = 14.0) -> np.ndarray:
    """Return the crown of each pixel, int32 (size, size), -1 for none: discs cut where they meet, and gaps."""
    rng = np.random.default_rng(seed)
    count = int(size / spacing)
    rows, cols = (np.indices((count, count)) + 0.5) * spacing + rng.uniform(-0.35, 0.35, (2, count, count)) * spacing
    radius = rng.uniform(0.28, 0.72, (count, count)) * spacing
    keep = rng.random((count, count)) < 0.85
    best = np.full((size, size), np.inf, np.float32)
    ids = np.full((size, size), -1, np.int32)
    for number in np.flatnonzero(keep.ravel()):
        y, x, r = rows.ravel()[number], cols.ravel()[number], radius.ravel()[number]
        top, left = max(int(y - r), 0), max(int(x - r), 0)
        part = slice(top, min(int(y + r) + 2, size)), slice(left, min(int(x + r) + 2, size))
        yy, xx = np.ogrid[part[0], part[1]]
        # Power distance: of two discs, each pixel goes to the one in which it lies deeper.
        depth = (yy - y) ** 2 + (xx - x) ** 2 - r**2
        take = (depth < 0) & (depth < best[part])
        best[part][take] = depth[take]
        ids[part][take] = number
    return ids


def image_of(ids: np.ndarray, seed: int) -> np.ndarray:
    """Return three bands, uint8 (3, size, size): crowns lit from one side, on ground of nearly the same colour."""
    rng = np.random.default_rng(seed)
    inside = ids >= 0
    count = int(ids.max()) + 2
    area = np.bincount(ids[inside], minlength=count)
    rows, cols = np.indices(ids.shape)
    cy = np.bincount(ids[inside], rows[inside], count) / np.maximum(area, 1)
    cx = np.bincount(ids[inside], cols[inside], count) / np.maximum(area, 1)
    radius = np.sqrt(np.maximum(area, 1) / np.pi)
    lit = np.where(inside, ((cy[ids] - rows) + (cx[ids] - cols)) / radius[ids], 0)
    tone = rng.normal(0, 8, (count, 3))[ids]
    ground = np.repeat(np.repeat(rng.normal(0, 14, (ids.shape[0] // 16 + 1,) * 2), 16, 0), 16, 1)
    ground = ground[: ids.shape[0], : ids.shape[1], None]
    base = np.where(
        inside[..., None], np.array([70, 105, 60]) + tone + 22 * lit[..., None], ground + np.array([112, 108, 88])
    )
    noisy = base + rng.normal(0, 11, (*ids.shape, 3))
    return np.moveaxis(noisy.clip(0, 255).astype(np.uint8), -1, 0)


def frame_of(ids: np.ndarray) -> Any:
    """Return the crowns as a GeoDataFrame; of a crown in several parts the largest."""
    import geopandas as gpd
    import rasterio.features
    import shapely
    from affine import Affine

    transform = Affine(PIXEL, 0, ORIGIN[0], 0, -PIXEL, ORIGIN[1])
    found: dict[int, Any] = {}
    for shape, value in rasterio.features.shapes(ids, mask=ids >= 0, transform=transform):
        polygon = shapely.geometry.shape(shape)
        if int(value) not in found or polygon.area > found[int(value)].area:
            found[int(value)] = polygon
    return gpd.GeoDataFrame({"class": ["tree"] * len(found)}, geometry=list(found.values()), crs="EPSG:32633")


def profile(size: int, count: int) -> dict[str, Any]:
    """Return the profile of a GeoTIFF of crowns."""
    from affine import Affine

    return {
        "driver": "GTiff", "width": size, "height": size, "count": count, "dtype": "uint8", "crs": "EPSG:32633",
        "transform": Affine(PIXEL, 0, ORIGIN[0], 0, -PIXEL, ORIGIN[1]), "tiled": True, "blockxsize": 512,
        "blockysize": 512, "compress": "DEFLATE", "zlevel": 1, "BIGTIFF": "YES",
    }  # fmt: skip
