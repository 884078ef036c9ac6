"""The files of a scene, and what its metadata states about their bands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from geoseg.raster.probe import FileInfo, usable_nodata


@dataclass(frozen=True)
class BandMetadata:
    """Band metadata that the scene states and its file does not.

    Attributes
    ----------
    code
        The sensor's code of the band (``"B08"``), where it has one beside its name.
    """

    name: str | None = None
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    code: str | None = None


@dataclass(frozen=True)
class File:
    """One raster file of a scene.

    Attributes
    ----------
    path
        Path or URL.
    remote
        Whether the network may be used for it.
    bands
        Metadata of its bands, in their order; empty if there is none.
    size
        Bytes of the file, if its metadata states them.
    exact
        Whether the metadata counts only if the file has as many bands.
    """

    path: str
    remote: bool
    bands: tuple[BandMetadata, ...] = ()
    size: int | None = None
    exact: bool = False


@dataclass(frozen=True)
class QualityFile:
    """A file that says where clouds are: of a kind of :data:`geoseg.raster.clouds.kinds.KINDS`."""

    kind: str
    file: File


@dataclass(frozen=True)
class SceneFiles:
    """A scene: its files, or an array opened by xarray.

    Attributes
    ----------
    evidence
        What its metadata says about the sensor: platform, instruments, collection.
    quality
        Files of quality bands, the best first.
    tiles
        The files of each tile, where the scene is stored as several side by side.
    coarser
        Arrays of bands with larger pixels than those of ``array``.
    classification
        Array of the classes of Sentinel-2's scene classification.
    """

    files: tuple[File, ...] = ()
    name: str | None = None
    notes: tuple[str, ...] = field(default=())
    array: Any = None
    evidence: tuple[str, ...] = ()
    quality: tuple[QualityFile, ...] = ()
    tiles: tuple[tuple[File, ...], ...] = ()
    coarser: tuple[Any, ...] = ()
    classification: Any = None


def describe(file: File, info: FileInfo) -> FileInfo:
    """Return ``info`` with the band metadata of the scene."""
    if not file.bands or (file.exact and info.indexes != tuple(range(1, len(file.bands) + 1))):
        return info
    metadata = (
        {index: file.bands[min(index, len(file.bands)) - 1] for index in info.indexes}
        if len(file.bands) > 1
        else dict.fromkeys(info.indexes, file.bands[0])
    )
    bands = []
    for index, band in zip(info.indexes, info.bands, strict=True):
        known = metadata[index]
        changed = band if known.name is None else replace(band, name=known.name)
        changed = changed if known.code is None else replace(changed, description=known.code)
        if known.scale is not None or known.offset is not None:
            scale = 1.0 if known.scale is None else known.scale
            offset = 0.0 if known.offset is None else known.offset
            changed = replace(changed, scale=scale, offset=offset, scaled=(scale, offset) != (1.0, 0.0))
        if known.nodata is not None:
            changed = replace(changed, nodata=usable_nodata(known.nodata, band.dtype))
        bands.append(changed)
    return replace(info, bands=tuple(bands))
