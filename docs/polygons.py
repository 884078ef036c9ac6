"""Draw docs/polygons.png: one class map as stair steps, simplified and smoothed, across a corner of its blocks.

    geoseg demo DEMO
    python docs/polygons.py DEMO/RESULTS/…_classes.tif docs/polygons.png

Polygons are made of the whole class map, in strips that end where the dashed line lies; what is drawn around the corner
of four blocks is a cut-out of them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import rasterio
import shapely
from PIL import Image, ImageDraw, ImageFont

from geoseg import polygonize
from geoseg.write import read_classes

BLOCK, WIDE, HIGH = 512, 44, 52
PIXEL, FINE, GAP, TITLE = 11, 4, 16, 34
"""Screen pixels of a raster pixel, what they are divided into while drawing, space between panels and above them."""

INK, SEAM, PAPER = "#1c1c1c", "#d6006c", "#ffffff"
PANELS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("pixels as they are", {}),
    ("--min-area 500 --simplify 15", {"min_area": 500, "simplify": 15}),
    ("--min-area 500 --simplify 15 --smooth", {"min_area": 500, "simplify": 15, "smooth": True}),
)


def corner_of(values: np.ndarray) -> tuple[int, int]:
    """Return the block corner with the most boundaries around it."""

    def boundaries(corner: tuple[int, int]) -> int:
        i, j = corner
        part = values[i - HIGH // 2 : i + HIGH // 2, j - WIDE // 2 : j + WIDE // 2]
        return int((part[1:] != part[:-1]).sum() + (part[:, 1:] != part[:, :-1]).sum())

    height, width = values.shape
    corners = [(i, j) for i in range(BLOCK, height - HIGH, BLOCK) for j in range(BLOCK, width - WIDE, BLOCK)]
    return max(corners, key=boundaries)


def draw(frame: geopandas.GeoDataFrame, colors: dict[int, str], corner: tuple[int, int]) -> Image.Image:
    """Draw the polygons around a corner; ``frame`` is in pixels of the raster."""
    side = PIXEL * FINE
    picture = Image.new("RGB", (WIDE * side, HIGH * side), PAPER)
    pen = ImageDraw.Draw(picture)
    top, left = corner[0] - HIGH // 2, corner[1] - WIDE // 2
    order = np.argsort(-shapely.area(shapely.envelope(np.asarray(frame.geometry))))
    frame = frame.iloc[order].clip(
        shapely.box(left - 9, top - 9, left + WIDE + 9, top + HIGH + 9), keep_geom_type=True, sort=True
    )
    frame = frame.explode(ignore_index=True)

    def place(ring: Any) -> list[tuple[float, float]]:
        return [((x - left) * side, (y - top) * side) for x, y in ring.coords]

    # From large to small, shells only: what lies in a hole is a polygon of its own, drawn later.
    for value, geometry in zip(frame.class_id, frame.geometry, strict=True):
        pen.polygon(place(geometry.exterior), fill=colors[value])
    for geometry in frame.geometry:
        for ring in (geometry.exterior, *geometry.interiors):
            pen.line(place(ring), fill=INK, width=FINE + 2, joint="curve")
    for k in range(0, max(WIDE, HIGH) * 2, 2):
        begin, end = k * side / 2, (k + 1) * side / 2
        pen.line([(begin, HIGH // 2 * side), (end, HIGH // 2 * side)], fill=SEAM, width=2 * FINE)
        pen.line([(WIDE // 2 * side, begin), (WIDE // 2 * side, end)], fill=SEAM, width=2 * FINE)
    return picture.resize((WIDE * PIXEL, HIGH * PIXEL), Image.Resampling.LANCZOS)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classes", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    with rasterio.open(options.classes) as file:
        values, to_pixels = file.read(1), ~file.transform
    colors = {item.id: item.color for item in read_classes(str(options.classes))}
    corner = corner_of(values)
    whole = Image.new("RGB", (len(PANELS) * (WIDE * PIXEL + GAP) + GAP, HIGH * PIXEL + TITLE + GAP), PAPER)
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(18)
    matrix = [to_pixels.a, to_pixels.b, to_pixels.d, to_pixels.e, to_pixels.c, to_pixels.f]
    with tempfile.TemporaryDirectory() as folder:
        for k, (title, reshaped) in enumerate(PANELS):
            path = Path(folder) / f"{k}.parquet"
            polygonize(options.classes, path, workers=1, memory=f"{2 * 3 * 192 * BLOCK * values.shape[1]}B", **reshaped)
            frame = geopandas.read_parquet(path)
            at = GAP + k * (WIDE * PIXEL + GAP)
            pen.text((at, 6), title, fill=INK, font=font)
            frame = frame.set_geometry(frame.geometry.set_crs(None, allow_override=True).affine_transform(matrix))
            whole.paste(draw(frame, colors, corner), (at, TITLE))
    whole.quantize(128, dither=Image.Dither.NONE).save(options.output, optimize=True)


if __name__ == "__main__":
    main()
