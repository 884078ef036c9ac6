"""Training images, and which labels belong to which image."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError
from geoseg.models import ModelCard, check_bands
from geoseg.models.clouds import mapped
from geoseg.raster import Raster, open_raster
from geoseg.raster.scenes.suffixes import RASTER_SUFFIXES, VECTOR_SUFFIXES
from geoseg.raster.stacks.places import expanded, natural
from geoseg.segment.cloud_model import masked_by, split_clouds
from geoseg.train.data.labels import place_rasters
from geoseg.train.data.stacks import InputOptions, check_kind, open_stacks

if TYPE_CHECKING:
    from geoseg.raster.probe import FileInfo
    from geoseg.train.data.labels import LabelSource

_GENERIC = re.compile(r"band\d+(_\d+)?")


def open_images(
    images: Sequence[Any], reading: Mapping[str, Any], base: ModelCard | None, *, first: Raster | None = None
) -> list[Raster]:
    """Open images, each with the bands of the first (or of the model to fine-tune) in its order.

    Parameters
    ----------
    images
        Paths, folders of images, arrays or rasters; for a model of several inputs one mapping, see
        :func:`geoseg.train.data.stacks.open_stacks`.
    reading
        Keyword arguments of :func:`geoseg.open_raster`.
    base
        Card of the model to fine-tune, or whose images they are.
    first
        The image whose bands all must have; the first of these if None.

    Raises
    ------
    InputError
        If there are none, one lacks bands, or they are of another kind than those of the model.
    OptionError, ContractError
        If names or options of several inputs are impossible, or their files lack bands.
    """
    check_kind(images, base)
    if base is not None and base.inputs:
        return open_stacks(images[0], reading, InputOptions(), base.inputs).rasters
    if reading.get("stack"):
        rasters = [_opened(list(images), reading)]
    else:
        sources = [source for image in images for source in expanded(image)]
        if not sources:
            raise InputError("no image given: name rasters or a folder of them with --images")
        rasters = [s if isinstance(s, Raster) else _opened(s, reading) for s in sources]
    if base is not None:
        for raster in rasters:
            check_bands(base, raster)
        return [raster.select([band.name for band in base.bands]).unmasked(mapped(base)) for raster in rasters]
    return [_alike(raster, first or rasters[0]) for raster in rasters]


def _opened(source: Any, reading: Mapping[str, Any]) -> Raster:
    options, clouds = split_clouds(reading)
    raster = open_raster(source, **options)
    return raster if clouds is None else masked_by(raster, clouds)


def _alike(raster: Raster, first: Raster) -> Raster:
    wanted, have = [b.name for b in first.bands], [b.name for b in raster.bands]
    if have == wanted:
        return raster
    generic = any(_GENERIC.fullmatch(name) for name in wanted)
    if set(wanted) - set(have) or (generic and len(wanted) != len(have)):
        raise InputError(
            f"{raster.name}: has bands {', '.join(have)}, the first image ({first.name}) has {', '.join(wanted)}; "
            "all images need the same bands: choose them with --bands, or leave this image out"
        )
    return raster.select(wanted)


def label_files(labels: Sequence[Any]) -> list[Any]:
    """Return label files and tables; folders are replaced by their files.

    Raises
    ------
    InputError
        If there are none, or one is missing.
    """
    found: list[Any] = []
    for label in labels:
        if not isinstance(label, str | Path):
            found.append(label)
            continue
        path = Path(label)
        if not path.exists() and "://" not in str(label) and not str(label).startswith("/vsi"):
            raise InputError(f"{label}: no such file or folder; check the path")
        if not path.is_dir():
            found.append(str(label))
            continue
        inside = [p for p in path.iterdir() if p.suffix.lower() in (*RASTER_SUFFIXES, *VECTOR_SUFFIXES)]
        if not inside:
            raise InputError(f"{path}: this folder has neither class rasters nor polygons")
        found += [str(p) for p in sorted(inside, key=natural)]
    if not found:
        raise InputError("no labels given: name class rasters or polygons with --labels")
    return found


def match_rasters(
    rasters: Sequence[Raster], labels: Sequence[str], named: Collection[int] = ()
) -> list[LabelSource | None]:
    """Return for each image its labels from class rasters, or None if it has none.

    A single file labels every image that it overlaps. Several files belong to the image of their name (``A.tif`` and
    ``A_labels.tif``), or, if no names match, to every image that they overlap. ``named`` are values that are classes
    even if a file declares them nodata.

    Raises
    ------
    InputError
        If neither names nor extents tell which labels belong to which image.
    """
    related = [related_files(raster, labels) for raster in rasters]
    by_name = len(labels) > 1 and any(related)
    if len(labels) > 1 and not by_name and not all(raster.georeferenced for raster in rasters):
        if len(labels) != len(rasters):
            raise InputError(
                f"{len(labels)} label files for {len(rasters)} images without CRS: name each label file after its "
                "image, or give as many files as images in the same order"
            )
        related, by_name = [[label] for label in labels], True
    found: list[LabelSource | None] = []
    known: dict[str, FileInfo] = {}
    for raster, own in zip(rasters, related, strict=True):
        files = own if by_name else list(labels)
        found.append(place_rasters(files, raster.grid, raster.sources[0], known, named) if files else None)
    return found


def related_files(raster: Raster, labels: Sequence[str]) -> list[str]:
    """Return the files that belong to an image by their names: ``A.tif``, else ``A_….tif``, to ``A.tif``."""
    stem = Path(raster.sources[0]).stem
    exact = [label for label in labels if Path(label).stem == stem]
    if exact:
        return exact
    related = re.compile(re.escape(stem) + r"[^A-Za-z0-9].*")
    found = [label for label in labels if related.fullmatch(Path(label).stem)]
    return found or [label for label in labels if re.fullmatch(re.escape(Path(label).stem) + r"[^A-Za-z0-9].*", stem)]
