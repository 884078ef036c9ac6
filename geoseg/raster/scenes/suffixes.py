"""File names of rasters, stores and vector files, for listing folders and telling labels apart."""

from __future__ import annotations

from pathlib import Path

RASTER_SUFFIXES = (
    ".tif", ".tiff", ".gtiff", ".vrt", ".jp2", ".j2k", ".png", ".jpg", ".jpeg", ".webp", ".img", ".bil", ".bsq", ".asc",
    ".hgt", ".dt2", ".ntf", ".ecw", ".sid", ".nc", ".nc4",
)  # fmt: skip
"""Raster files that are opened when a folder is named. A file named itself is opened whatever its suffix."""

VECTOR_SUFFIXES = (".gpkg", ".shp", ".geojson", ".json", ".fgb", ".parquet", ".gml", ".kml", ".sqlite", ".zip")
"""Files that are read as polygons with pyogrio or, Parquet, with geopandas."""

ZARR_FILES = ("zarr.json", ".zarray", ".zmetadata", ".zgroup", ".zattrs")
"""Metadata of a Zarr store, of which one is in its folder."""


def is_zarr(folder: Path) -> bool:
    """Return whether a folder is a Zarr store."""
    return any((folder / name).is_file() for name in ZARR_FILES)
