"""Describe one file: its bands, grid and masks, and what is unusual about it.

No pixels are read, except to recognize a data mask that the file does not declare.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.transform import from_gcps
from rasterio.windows import Window

from geoseg.errors import InputError
from geoseg.raster import names
from geoseg.raster.gdal import untrusted
from geoseg.raster.gdal.environment import environment, gdal_path, is_remote, is_virtual, open_dataset
from geoseg.raster.sampling import sample_boxes
from geoseg.raster.sensors import code_of
from geoseg.raster.sources import Masks, reason
from geoseg.raster.types import Band

# Pixels of one band that may be decoded when a file is opened: exports of the Copernicus browser have up to 2500².
_CHEAP = 2**23

# Tags that state what a scene is, not how it was processed or what it was compared with.
NAMING_TAG = re.compile(
    r"sensor|satellite|platform|mission|spacecraft|instrument|product|scene|source|collection|system.index|title|"
    r"imagedescription",
    re.IGNORECASE,
)

_COLORS = {"red": "red", "green": "green", "blue": "blue"}


@dataclass(frozen=True)
class Grid:
    """Size and georeference: ``crs`` may be None, ``transform`` maps pixel corners to coordinates."""

    height: int
    width: int
    transform: Affine
    crs: CRS | None

    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east, north of the corners in the grid's CRS."""
        corners = [self.transform * (c, r) for c in (0, self.width) for r in (0, self.height)]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


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
    evidence: tuple[tuple[str, ...], ...] = ()

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
    label = str(path)
    untrusted.check_source(label, remote=remote)
    if not is_virtual(label):
        _check_file(label)
    target = gdal_path(label) if is_virtual(label) else os.path.abspath(label)  # noqa: PTH100  keeps symbolic links
    try:
        with environment(target), open_dataset(target) as data:
            untrusted.check_dataset(data, label, remote=remote)
            return _inspect(data, target, label, data_bands)
    except (RasterioError, rasterio._err.CPLE_BaseError) as error:  # noqa: SLF001
        raise InputError(_not_a_raster(label, error)) from error


def _check_file(label: str) -> None:
    path = Path(label)
    if not path.exists():
        raise InputError(f"{label}: no such file; check the path")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{label}: the file is empty (0 bytes); copy or download it again")
    if path.is_file():
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
    text = reason(error)
    if is_remote(label):
        return f"{label}: cannot be opened ({text}); check the address and the connection"
    if "not recognized" in text:
        return (
            f"{label}: not a raster that geoseg reads (GeoTIFF, VRT, JPEG 2000, PNG, JPEG, …); "
            f"convert it with: gdal_translate {_quoted(label)} scene.tif"
        )
    return (
        f"{label}: cannot be opened as a raster ({text}); the file is truncated or corrupt: copy or download it again"
    )


def _quoted(text: str) -> str:
    return f'"{text}"' if any(c in text for c in " ,()&;'") else text


def _inspect(data: Any, target: str, label: str, data_bands: frozenset[int]) -> FileInfo:
    if data.count == 0:
        what = "holds sub-datasets, name one of them: " + ", ".join(data.subdatasets[:3]) if data.subdatasets else ""
        raise InputError(f"{label}: has no bands; {what or 'nothing can be read from it'}")
    if any(dtype.startswith("complex") for dtype in data.dtypes):
        raise InputError(
            f"{label}: holds complex numbers ({data.dtypes[0]}); take amplitude or intensity first, with: "
            f"gdal_translate -ot Float32 'DERIVED_SUBDATASET:AMPLITUDE:{label}' amplitude.tif"
        )
    grid, own, notes = _grids(data, label)
    alpha = next((i for i, c in zip(data.indexes, data.colorinterp, strict=True) if c == ColorInterp.alpha), 0)
    if alpha in data_bands or data.count == 1:
        if alpha:
            notes.append(f"{label}: band {alpha} is marked as transparency (alpha) and used as data nevertheless")
        alpha = 0
    alpha_max = _highest(data.dtypes[alpha - 1]) if alpha else 0
    if not alpha and (alpha_max := _mask_value(data, label, data_bands)):
        alpha = 2
        notes.append(f"{label}: its second band holds only 0 and {alpha_max} and is used as mask of valid pixels")
    indexes = tuple(i for i in data.indexes if i != alpha)
    bands = _bands(data, label, indexes)
    if any(data.colorinterp[i - 1] == ColorInterp.palette for i in indexes):
        notes.append(
            f"{label}: a picture with a palette, whose values are colour numbers; "
            f"for colours use: gdal_translate -expand rgb {_quoted(label)} rgb.tif"
        )
    return FileInfo(
        path=target,
        label=label,
        stamp=_stamp(target),
        grid=grid,
        own=own,
        block_shape=tuple(data.block_shapes[indexes[0] - 1]),
        dtypes=tuple(data.dtypes),
        bands=bands,
        indexes=indexes,
        masks=_masks(data, indexes, (alpha, alpha_max)),
        categorical=_categorical(data, label, bands, indexes),
        notes=tuple(notes),
        evidence=_evidence(data, target),
    )


def _evidence(data: Any, path: str) -> tuple[tuple[str, ...], ...]:
    tags = tuple(text[:500] for key, text in data.tags().items() if NAMING_TAG.search(key))[:50]
    folders = path.partition("?")[0].replace("\\", "/").rstrip("/").split("/")[:-1]
    return (stem_of(path), *tags), *((folder,) for folder in folders[:-3:-1])


def _stamp(path: str) -> str:
    try:
        status = Path(path).stat()
    except OSError:
        return ""  # a URL, or inside an archive
    return f"{status.st_size}:{status.st_mtime_ns}"


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


def _masks(data: Any, indexes: tuple[int, ...], alpha: tuple[int, int]) -> Masks:
    flags = [data.mask_flag_enums[index - 1] for index in indexes]
    per_dataset = any(MaskFlags.per_dataset in f and MaskFlags.alpha not in f for f in flags)
    # For GDAL, no flag means that each band has a mask band of its own.
    per_band = any(not f for f in flags)
    return Masks(alpha=alpha[0], alpha_max=alpha[1] or 255, dataset=per_dataset, bands=per_band)


def _mask_value(data: Any, label: str, data_bands: frozenset[int]) -> int:
    """Return the value of valid pixels if the second band of a file of one band is its data mask, else 0.

    Exports of the Copernicus browser ("B02_(Raw).tiff") contain such an undeclared mask. It is recognized by a file
    name that names one band, and by holding only 0 and either 1, 255 or the type's largest value.
    """
    unnamed = data.count == 2 and not any(data.descriptions) and data.colorinterp[1] == ColorInterp.undefined
    if not unnamed or 2 in data_bands or names.band_token(stem_of(label)) is None:
        return 0
    marks = _some_values(data, 2) - {0}
    if len(marks) != 1 or not marks <= {1, 255, _highest(data.dtypes[1])}:
        return 0
    return int(marks.pop())


def _some_values(data: Any, band: int) -> set[float]:
    """Return values that occur in a band: of nearest pixels if it is cheap to decode, else of sampled blocks."""
    if data.height * data.width <= _CHEAP:
        return set(np.unique(data.read(band, out_shape=(min(data.height, 512), min(data.width, 512)))).tolist())
    boxes = sample_boxes((data.height, data.width), data.block_shapes[band - 1], 10**6)
    windows = [Window(box.col, box.row, box.width, box.height) for box in boxes]
    return {value for window in windows for value in np.unique(data.read(band, window=window)).tolist()}


def _highest(dtype: str) -> int:
    kind = np.dtype(dtype)
    return int(np.iinfo(kind).max) if np.issubdtype(kind, np.integer) else 1


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


def _grids(data: Any, label: str) -> tuple[Grid, Grid, list[str]]:
    """Return the upright grid, the grid of the stored pixels, and notes about the difference."""
    transform, crs = data.transform, data.crs
    notes: list[str] = []
    if transform == Affine.identity() and data.gcps[0]:
        transform, crs = _from_control_points(data, label)
        notes.append(
            f"{label}: placed by {len(data.gcps[0])} ground control points, fitted by an affine transformation"
        )
    elif transform == Affine.identity() and crs is None and data.rpcs is not None:
        raise InputError(
            f"{label}: georeferenced by RPCs only, which need a height model; make it upright first, with: "
            f"gdalwarp -rpc -to RPC_DEM=dem.tif {_quoted(label)} upright.tif"
        )
    elif crs is None and transform == Affine.identity():
        notes.append(f"{label}: no georeference; results are in pixel coordinates and areas in pixels")
    elif crs is None:
        notes.append(
            f"{label}: no coordinate reference system; areas are in the units of its coordinates "
            "(give it one with: gdal_edit.py -a_srs EPSG:… FILE)"
        )
    if not transform.determinant or not all(math.isfinite(v) for v in transform[:6]):
        raise InputError(
            f"{label}: its transform {tuple(transform[:6])} has no extent; repair it with gdal_edit.py -a_ullr"
        )
    own = Grid(data.height, data.width, transform, crs)
    grid = upright(own)
    if grid != own:
        notes.append(
            f"{label}: rotated or mirrored pixels, resampled (bilinear; nearest for classes) to an upright grid of "
            f"{grid.width} x {grid.height} pixels"
        )
    elif transform.e > 0 and (crs is not None or transform != Affine.identity()):
        notes.append(f"{label}: rows run from south to north, and so they do in the results")
    return grid, own, notes


def _from_control_points(data: Any, label: str) -> tuple[Affine, CRS | None]:
    """Return the affine transformation through the ground control points, if they fit one."""
    points, crs = data.gcps
    remedy = f"gdalwarp -tps {_quoted(label)} upright.tif"
    if len(points) < 3:
        raise InputError(
            f"{label}: has only {len(points)} ground control points; add points, or place it with: gdal_edit.py -a_ullr"
        )
    fitted = from_gcps(points)
    back = ~fitted if fitted.determinant else None
    worst = math.inf
    if back is not None:
        worst = max(math.dist(back * (p.x, p.y), (p.col, p.row)) for p in points)
    if worst > 1.0:
        raise InputError(
            f"{label}: its ground control points do not lie on a plane grid (up to {worst:.1f} pixels off); "
            f"make it upright first, with: {remedy}"
        )
    return fitted, crs


def upright(grid: Grid) -> Grid:
    """Return the smallest upright grid of the same pixel area that covers ``grid``, or ``grid`` if it is upright."""
    t = grid.transform
    drift = max(abs(t.b) * grid.height, abs(t.d) * grid.width)
    # A millionth of a pixel is rounding, not rotation. The columns of a mirrored grid run west.
    if t.a > 0 and drift <= 1e-6 * min(abs(t.a), abs(t.e)):
        return grid
    size = math.sqrt(abs(t.determinant))
    west, south, east, north = grid.bounds()
    width = max(math.ceil((east - west) / size - 1e-6), 1)
    height = max(math.ceil((north - south) / size - 1e-6), 1)
    if t.b == t.d == 0:  # mirrored: pixels keep their sides
        return replace(grid, transform=Affine(abs(t.a), 0, west, 0, t.e, north if t.e < 0 else south))
    return Grid(height, width, Affine(size, 0, west, 0, -size, north), grid.crs)
