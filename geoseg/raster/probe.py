"""Describe one file: its bands, grid and masks, and what is unusual about it.

No pixels are read, except to recognize a data mask that the file does not declare.
"""

from __future__ import annotations

import math
import os
import re
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError

from geoseg.errors import InputError, one_line
from geoseg.raster.bands import names
from geoseg.raster.bands.sensors import code_of
from geoseg.raster.files.georeference import Grid, place, quoted
from geoseg.raster.files.masks import find_masks
from geoseg.raster.files.members import members_of, with_members
from geoseg.raster.gdal.addresses import shown_address
from geoseg.raster.gdal.datasets import open_dataset
from geoseg.raster.gdal.environment import environment, gdal_path, is_remote, is_virtual
from geoseg.raster.gdal.messages import losses_of_opening
from geoseg.raster.gdal.retry_cache import exclude_from_cache
from geoseg.raster.gdal.untrusted import check_name
from geoseg.raster.sources import Masks
from geoseg.raster.types import Band
from geoseg.system.stamps import stamp_of

# Files that hold nothing but vectors; a GeoPackage may hold pixels, too.
_VECTORS = (".shp", ".fgb", ".kml", ".gml")

# Tags that state what a scene is, not how it was processed or what it was compared with.
NAMING_TAG = re.compile(
    r"sensor|satellite|platform|mission|spacecraft|instrument|product|scene|source|collection|system.index|title|"
    r"imagedescription",
    re.IGNORECASE,
)

CONTAINERS = (".nc", ".nc4", ".cdf", ".hdf", ".h4", ".h5", ".hdf5", ".he5")
"""Suffixes of NetCDF and HDF."""

_COLORS = {"red": "red", "green": "green", "blue": "blue"}


@dataclass(frozen=True)
class FileInfo:
    """Description of a raster file.

    Attributes
    ----------
    grid
        Its grid, upright.
    own
        Grid of the pixels as stored: differs from ``grid`` if they are rotated or mirrored.
    dtypes
        Type of each band of the file.
    indexes
        1-based number in the file of each entry of ``bands``.
    remote
        Whether it may refer to the network.
    members
        Other files that its pixels come from, and their stamps: tiles of a VRT, masks, overviews, its archive.
    evidence
        What may name the sensor: file name and tags, then the two folders above, the nearer first.
    """

    path: str
    label: str
    stamp: str
    grid: Grid
    own: Grid
    block_shape: tuple[int, int]
    dtypes: tuple[str, ...]
    bands: tuple[Band, ...]
    indexes: tuple[int, ...]
    masks: Masks
    categorical: bool = False
    notes: tuple[str, ...] = field(default=())
    remote: bool = False
    evidence: tuple[tuple[str, ...], ...] = ()
    members: tuple[tuple[str, str], ...] = ()

    @property
    def upright(self) -> bool:
        """Whether the pixels are stored upright."""
        return self.grid == self.own


def probe(path: str | Path, *, remote: bool, data_bands: frozenset[int] = frozenset()) -> FileInfo:
    """Open a raster file and describe it.

    Parameters
    ----------
    path
        Path, URL or GDAL virtual path.
    remote
        Whether the network may be used.
    data_bands
        Numbers of bands that are data even if the file marks them as alpha.

    Raises
    ------
    InputError
        If it is missing, not a raster, or cannot be used; the message says what to do.
    """
    given = str(path)
    if not given:
        raise InputError("the path of a raster is empty; name a file")
    label = shown_address(given) if is_remote(given) else given
    check_name(given, label, remote=remote)
    if not is_virtual(given):
        _check_file(given)
    target = gdal_path(given) if is_virtual(given) else os.path.abspath(given)  # noqa: PTH100  keeps symbolic links
    try:
        stamp = stamp_of(target)  # before it is opened: what is written from now on counts as a change
        with (
            environment(target, remote=remote),
            losses_of_opening(),
            open_dataset(target, remote=remote, label=label) as data,
        ):
            members = members_of(data, target, label, remote=remote)
            info = _inspect(data, target, label, data_bands)
        return replace(info, remote=remote, members=members, stamp=with_members(stamp, members))
    except (RasterioError, rasterio._err.CPLE_BaseError) as error:  # noqa: SLF001
        exclude_from_cache([target])
        raise InputError(_not_a_raster(label, error)) from error


def _check_file(label: str) -> None:
    path = Path(label)
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise InputError(f"{label}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{label[:300]}: cannot be read: {reason}; check the path and its permissions") from error
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_size == 0:
        raise InputError(f"{label}: the file is empty (0 bytes); copy or download it again")
    _check_png(path)


def _check_png(path: Path) -> None:
    """Reject a truncated PNG: GDAL fills the missing rows with garbage, without an error."""
    try:
        with path.open("rb") as file:
            if file.read(8) != b"\x89PNG\r\n\x1a\n":
                return
            file.seek(max(path.stat().st_size - 65536, 0))
            complete = b"IEND" in file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not complete:
        raise InputError(f"{path}: the PNG file is truncated (it has no IEND chunk); copy or download it again")


def _not_a_raster(label: str, error: BaseException) -> str:
    text = one_line(error)
    if is_remote(label):
        refused = re.search(r"\b(?:401|403)\b", text) is not None
        remedy = "its signature has expired, or needs your credentials" if refused else "check the connection"
        return f"{label}: cannot be opened ({text}); check the address: {remedy}"
    if label.lower().endswith(CONTAINERS):
        return (
            f"{label}: is no NetCDF file, nor HDF5 (HDF4 is not read); write its arrays that are bands of the scene as "
            f"GeoTIFFs: gdalinfo {quoted(label)} lists them, gdal_translate SUBDATASET band.tif"
        )
    if "not recognized" in text:
        if label.lower().endswith(_VECTORS):
            return f"{label}: holds vectors, not pixels; name the image that they lie on"
        doubt = "if it holds pixels, not vectors, " if label.lower().endswith(".gpkg") else ""
        return (
            f"{label}: not a raster that geoseg reads (GeoTIFF, VRT, JPEG 2000, PNG, JPEG, …); "
            f"{doubt}convert it with: gdal_translate {quoted(label)} scene.tif"
        )
    return (
        f"{label}: cannot be opened as a raster ({text}); the file is truncated or corrupt: copy or download it again"
    )


def _inspect(data: Any, target: str, label: str, data_bands: frozenset[int]) -> FileInfo:
    if data.count == 0:
        what = "holds sub-datasets, name one of them: " + ", ".join(data.subdatasets[:3]) if data.subdatasets else ""
        raise InputError(f"{label}: has no bands; {what or 'nothing can be read from it'}")
    if any(dtype.startswith("complex") for dtype in data.dtypes):
        raise InputError(
            f"{label}: holds complex numbers ({data.dtypes[0]}); take amplitude or intensity first, with: "
            f"gdal_translate -ot Float32 'DERIVED_SUBDATASET:AMPLITUDE:{label}' amplitude.tif"
        )
    grid, own, notes = place(data, label)
    stem = stem_of(label)
    masks, indexes, more = find_masks(data, label, stem, data_bands)
    notes += more
    bands = _bands(data, label, indexes)
    if any(data.colorinterp[i - 1] == ColorInterp.palette for i in indexes):
        notes.append(
            f"{label}: a picture with a palette, whose values are colour numbers; "
            f"for colours use: gdal_translate -expand rgb {quoted(label)} rgb.tif"
        )
    return FileInfo(
        path=target,
        label=label,
        stamp="",
        grid=grid,
        own=own,
        block_shape=tuple(data.block_shapes[indexes[0] - 1]),
        dtypes=tuple(data.dtypes),
        bands=bands,
        indexes=indexes,
        masks=masks,
        categorical=_categorical(data, label, bands, indexes),
        notes=tuple(notes),
        evidence=_evidence(data, target),
    )


def _evidence(data: Any, path: str) -> tuple[tuple[str, ...], ...]:
    tags = tuple(text[:500] for key, text in data.tags().items() if NAMING_TAG.search(key))[:50]
    folders = path.partition("?")[0].replace("\\", "/").rstrip("/").split("/")[:-1]
    return (stem_of(path), *tags), *((folder,) for folder in folders[:-3:-1])


def _bands(data: Any, label: str, indexes: tuple[int, ...]) -> tuple[Band, ...]:
    """Describe the bands; names come from descriptions, then colour interpretation, then the file name.

    Codes remain as they are until the sensor of the whole scene is known.
    """
    stem = stem_of(label)
    found: list[str] = []
    described = [data.descriptions[index - 1] or "" for index in indexes]
    for position, index in enumerate(indexes):
        name = names.from_text(described[position]) or _own_name(described[position])
        name = name or _COLORS.get(data.colorinterp[index - 1].name)
        if name is None and len(indexes) == 1:
            name = names.from_filename(stem)
            described[position] = described[position] or (name if name and code_of(name) else "")
        found.append(name or f"band{index}")
    return tuple(
        Band(
            name=name,
            dtype=data.dtypes[index - 1],
            nodata=usable_nodata(data.nodatavals[index - 1], data.dtypes[index - 1]),
            scale=float(data.scales[index - 1]),
            offset=float(data.offsets[index - 1]),
            scaled=(data.scales[index - 1], data.offsets[index - 1]) != (1.0, 0.0),
            description=description,
            units=data.units[index - 1] or "",
        )
        for name, description, index in zip(names.unique(found), described, indexes, strict=True)
    )


def _own_name(description: str) -> str | None:
    """Return a description as a band name if it is a name rather than a sentence: ``"Gamma0_VV"``."""
    name = "_".join(description.split())
    plain = name.lower().replace("_", "").replace("-", "")
    if not name or len(name) > 40 or (plain.startswith("band") and plain[4:].isdigit()):
        return None
    return name if all(c not in name for c in ",=:") else None


def usable_nodata(value: float | None, dtype: str) -> float | None:
    """Return a nodata value, or None if it cannot occur in this type (-9999 in a uint8 file)."""
    if value is None:
        return None
    kind = np.dtype(dtype)
    if np.issubdtype(kind, np.floating):
        return float(value)
    limits = np.iinfo(kind)
    whole = math.isfinite(value) and float(value).is_integer()
    return float(value) if whole and limits.min <= value <= limits.max else None


def _categorical(data: Any, label: str, bands: tuple[Band, ...], indexes: tuple[int, ...]) -> bool:
    if any(data.colorinterp[index - 1] == ColorInterp.palette for index in indexes):
        return True
    return any(names.is_categorical(f"{band.name} {band.description}") for band in bands) or (
        len(bands) == 1 and names.is_categorical(stem_of(label))
    )


def stem_of(label: str) -> str:
    """Return the file name without folder, query and extension."""
    name = label.partition("?")[0].replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    stem, dot, extension = name.rpartition(".")
    return stem if dot and stem and len(extension) <= 5 and extension.isalnum() else name
