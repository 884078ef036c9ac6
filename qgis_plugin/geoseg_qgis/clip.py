"""A raster cut to a polygon: a small VRT over the user's file, with a mask of what lies outside. No qgis import."""

from __future__ import annotations

import math
import os
import threading
from typing import Sequence

from osgeo import gdal, ogr

from .runner import RunError


def clip(parts: Sequence[tuple[str, str]], folder: str) -> list[str]:
    """Write VRTs of the part of each file that holds a polygon; pixels outside of it are masked.

    Parameters
    ----------
    parts
        Raster files, each with the polygon as WKT in the file's CRS. Names, scales, offsets and nodata of bands stay.
    folder
        Where the VRTs and masks are written; the same input gives the same files, so that a run can be continued.

    Raises
    ------
    RunError
        If a file cannot be read or written, or the polygon lies outside of it.
    """
    os.makedirs(folder, exist_ok=True)
    return [_clip(source, polygon, folder, place) for place, (source, polygon) in enumerate(parts)]


def _clip(source: str, polygon: str, folder: str, place: int) -> str:
    stem = os.path.splitext(os.path.basename(source))[0]
    target = os.path.join(folder, f"{stem}.vrt" if place == 0 else f"{stem}_{place}.vrt")
    mask = os.path.splitext(target)[0] + "_area.tif"
    data = gdal.Open(source)
    if data is None:
        raise RunError(f"{source} cannot be read")
    west, pixel, skew, north, other_skew, height = data.GetGeoTransform()
    if skew or other_skew or height >= 0 or pixel <= 0:
        raise RunError(f"{source} is not upright, so no polygon can be cut out of it: compute its rectangle")
    left, right, bottom, top = ogr.CreateGeometryFromWkt(polygon).GetEnvelope()
    first, last = max(math.floor((left - west) / pixel), 0), min(math.ceil((right - west) / pixel), data.RasterXSize)
    upper, lower = (
        max(math.floor((top - north) / height), 0),
        min(math.ceil((bottom - north) / height), data.RasterYSize),
    )
    if last <= first or lower <= upper:
        raise RunError(f"the polygon lies outside of {source}")
    window = [first, upper, last - first, lower - upper]
    corner = (west + first * pixel, pixel, 0.0, north + upper * height, 0.0, height)
    _write_mask(mask, corner, window[2:], data.GetProjection(), polygon)
    if gdal.Translate(target, data, format="VRT", srcWin=window) is None:
        raise RunError(f"{target} cannot be written")
    _add_mask(target, os.path.basename(mask))
    return target


def _write_mask(path: str, corner: Sequence[float], size: Sequence[int], projection: str, polygon: str) -> None:
    options = ["COMPRESS=DEFLATE", "TILED=YES", "SPARSE_OK=TRUE"]
    mask = gdal.GetDriverByName("GTiff").Create(path, size[0], size[1], 1, gdal.GDT_Byte, options)
    if mask is None:
        raise RunError(f"{path} cannot be written")
    mask.SetGeoTransform(corner)
    mask.SetProjection(projection)
    driver = ogr.GetDriverByName("Memory") or ogr.GetDriverByName("MEM")  # its name from GDAL 3.11 on
    shapes = driver.CreateDataSource("area")
    layer = shapes.CreateLayer("area", mask.GetSpatialRef(), ogr.wkbUnknown)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(ogr.CreateGeometryFromWkt(polygon))
    layer.CreateFeature(feature)
    gdal.RasterizeLayer(mask, [1], layer, burn_values=[255])
    mask.FlushCache()


def _add_mask(path: str, name: str) -> None:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    band = (
        '<MaskBand><VRTRasterBand dataType="Byte"><SimpleSource>'
        f'<SourceFilename relativeToVRT="1">{name}</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></MaskBand>"
    )
    start = text.find("<MaskBand>")
    if start >= 0:  # the file has a mask of its own
        raise RunError("the raster has a mask of its own, so no polygon can be cut out of it: compute its rectangle")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("</VRTDataset>", f"{band}</VRTDataset>"))


class Clip:
    """The same in a thread of its own: a mask of a large raster takes seconds, for which QGIS must not wait."""

    def __init__(self, parts: Sequence[tuple[str, str]], folder: str) -> None:
        self.made: list[str] | None = None
        self.error = ""
        self._thread = threading.Thread(target=self._run, args=(parts, folder), daemon=True, name="geoseg-clip")
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.made is not None or bool(self.error)

    def _run(self, parts: Sequence[tuple[str, str]], folder: str) -> None:
        try:
            self.made = clip(parts, folder)
        except (RunError, OSError, RuntimeError) as error:
            self.error = str(error)
