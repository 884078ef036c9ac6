"""Training images, and which labels belong to which image."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError
from geoseg.models import ModelCard, check_bands
from geoseg.models.clouds import mapped
from geoseg.raster import Raster, open_raster
from geoseg.raster.probe import probe
from geoseg.raster.scenes.suffixes import RASTER_SUFFIXES, VECTOR_SUFFIXES
from geoseg.raster.sources import FileSource
from geoseg.raster.stacks.places import expanded, natural
from geoseg.segment.cloud_model import masked_by, split_clouds
from geoseg.train.data.labels import place_rasters
from geoseg.train.data.stacks import InputOptions, check_kind, open_stacks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster.files.georeference import Grid
    from geoseg.raster.probe import FileInfo
    from geoseg.train.data.labels import LabelSource

_GENERIC = re.compile(r"band\d+(_\d+)?")
_PICTURES = (".gif", ".bmp", ".xml")  # suffixes of names in labels, beside those of rasters


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


def annotated_grid(raster: Raster) -> Grid:
    """Return the grid whose pixels people annotate: those of the (first) file as they are stored.

    That of the raster differs from it where stored pixels are rotated, or a part of them is read.
    """
    source = raster.leaves[0]
    if not isinstance(source, FileSource):
        return raster.grid
    own = source.warp is None and source.shift == raster.origin == (0, 0)
    if own and (source.height, source.width) == raster.shape:
        return raster.grid
    return probe(source.path, remote=source.remote).own


def on_ground(shapes: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Return geometries in pixels of a grid, column and row, in its map units."""
    import shapely

    return np.asarray(shapely.transform(shapes, lambda xy: np.stack(grid.transform * (xy[:, 0], xy[:, 1]), 1)))


def touching(shapes: NDArray[Any], grid: Grid) -> NDArray[np.bool_]:
    """Return which geometries touch the pixels of a grid."""
    import shapely

    sides = ((0, 0), (grid.width, 0), (grid.width, grid.height), (0, grid.height))
    return np.asarray(shapely.intersects(shapes, shapely.Polygon([grid.transform * side for side in sides])), np.bool_)


def not_given(label: str, counts: Mapping[str, int], what: str) -> list[str]:
    """Return a note on how many labels, as ``what`` calls them, are of images that are not given, by their names."""
    if not counts:
        return []
    listed = ", ".join(list(counts)[:3]) + (", …" if len(counts) > 3 else "")
    return [f"{label}: {sum(counts.values())} {what} of images that are not given ({listed}) are left out"]


def match_names(names: Sequence[str], images: Sequence[str], label: str) -> list[int | None]:
    """Return for each image the position of the name that labels have for it; None where there is none.

    Suffixes do not count, as pictures are converted to GeoTIFF. Of several names that fit, that is taken which has the
    most folders in common with the image's path, then the one of the same suffix.

    Parameters
    ----------
    names
        Names of images in the labels, with or without folders; also of files that are called as their images.
    images
        Paths of the images.
    label
        The labels, for messages.

    Raises
    ------
    InputError
        If two names fit an image equally well, or two images a name.

    Examples
    --------
    >>> match_names(["a/1.png", "b/1.png", "2.png"], ["town/b/1.tif", "town/3.tif"], "boxes.csv")
    [1, None]
    """
    paths = [PurePosixPath(name.replace("\\", "/")) for name in names]
    by_stem: dict[str, list[int]] = {}
    for number, path in enumerate(paths):
        for stem in dict.fromkeys((path.name, path.stem)):
            by_stem.setdefault(stem.casefold(), []).append(number)
    found: list[int | None] = []
    fits: list[tuple[int, ...]] = []
    for image in images:
        own = PurePath(image)
        ranked = sorted(((_fit(paths[k], own), k) for k in by_stem.get(own.stem.casefold(), ())), reverse=True)
        if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
            first, second = sorted(names[k] for _, k in ranked[:2])
            raise InputError(
                f"{label}: both {first} and {second} could be {image}; give images names of their own, or name them in "
                "the labels with their folders"
            )
        found.append(ranked[0][1] if ranked else None)
        fits.append(ranked[0][0] if ranked else ())
    return _each_once(found, fits, names, images, label)


def _each_once(
    found: list[int | None], fits: list[tuple[int, ...]], names: Sequence[str], images: Sequence[str], label: str
) -> list[int | None]:
    """Leave each name to the image that it fits best."""
    best: dict[int, int] = {}
    for image, number in enumerate(found):
        if number is None:
            continue
        other = best.setdefault(number, image)
        if other != image and fits[other] == fits[image]:
            raise InputError(
                f"{label}: {names[number]} could be both {images[other]} and {images[image]}; give images names of "
                "their own, or name them in the labels with their folders"
            )
        if fits[image] > fits[other]:
            best[number] = image
    return [number if number is not None and best[number] == image else None for image, number in enumerate(found)]


def _fit(name: PurePosixPath, image: PurePath) -> tuple[int, ...]:
    """Return how well a name fits an image whose stem, but for case, it has: the higher, the better."""
    folders = 0
    for one, other in zip(reversed(name.parent.parts), reversed(image.parent.parts), strict=False):
        if one != other:
            break
        folders += 1
    # In "scene_0.5" the last part is no suffix.
    whole = name.stem if name.suffix.lower() in (*RASTER_SUFFIXES, *_PICTURES) else name.name
    return (
        folders,
        int(image.stem == whole),
        int(image.stem.casefold() == whole.casefold()),
        int(name.suffix == image.suffix),
    )
