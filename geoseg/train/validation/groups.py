"""The split by the user's groups: of images, from a CSV file, or of polygons, from a field."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import InputError
from geoseg.system.files import check_regular_file
from geoseg.train.validation.split import ImageCounts, Split, choose, cut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster import Raster

_MOST_BYTES = 2**26


def read_groups(path: str, rasters: Sequence[Raster]) -> list[str]:
    """Return the group of each image from a CSV file with a header and the columns image, group.

    The file names images by path, file name or stem.

    Raises
    ------
    InputError
        If the file cannot be read or lacks an image.
    """
    try:
        check_regular_file(path, limit=_MOST_BYTES)
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: the groups cannot be read ({error})") from None
    if len(rows) < 2 or min(len(row) for row in rows) < 2:
        raise InputError(f"{path}: not a CSV file of groups; it needs a header and the columns image, group")
    groups: dict[str, str] = {}
    for image, group, *_ in rows[1:]:
        for name in (image.strip(), Path(image.strip()).name, Path(image.strip()).stem):
            groups.setdefault(name, group.strip())
    result = []
    for raster in rasters:
        source = raster.sources[0]
        names = (source, Path(source).name, Path(source).stem, raster.name)
        known = next((name for name in names if name in groups), None)
        if known is None:
            raise InputError(f"{path}: has no group for image {source}; add a line {Path(source).name},GROUP")
        result.append(groups[known])
    return result


def by_images(
    images: Sequence[ImageCounts], groups: Sequence[str], *, reaches: Sequence[int], share: float, seed: int
) -> Split:
    """Split whole images by their groups.

    Raises
    ------
    InputError
        If there are fewer than two groups with labels.
    """
    counts = [image.counts for image in images]
    names = sorted({g for g, c in zip(groups, counts, strict=True) if c.any()})
    sums = np.array([sum(c.sum((0, 1)) for g, c in zip(groups, counts, strict=True) if g == name) for name in names])
    held = _choose(sums, names, share, seed)
    kept = {name for name, h in zip(names, held, strict=True) if h}
    validation = [np.full(c.shape[:2], g in kept) for g, c in zip(groups, counts, strict=True)]
    return Split(cut(validation, counts, reaches), _summary(kept, names, seed))


def overlaps(images: Sequence[ImageCounts], split: Split) -> list[tuple[str, str]]:
    """Return the pairs of a training and a validation image that overlap: leaks."""
    from geoseg.raster.grids import bounds_in

    pairs = []
    sides = [(g.raster, bool(p.validation.all())) for g, p in zip(images, split.parts, strict=True)]
    sides = [(raster, held) for raster, held in sides if raster.georeferenced]
    if not sides:
        return []
    crs = sides[0][0].grid.crs
    boxes = np.array([bounds_in(raster.grid, crs, raster.name) for raster, _ in sides])
    for i, (raster, held) in enumerate(sides):
        if held:
            w, s, e, n = boxes[i]
            shared = (boxes[:, 0] < e) & (boxes[:, 2] > w) & (boxes[:, 1] < n) & (boxes[:, 3] > s)
            pairs += [(sides[j][0].name, raster.name) for j in np.flatnonzero(shared) if not sides[j][1]]
    return pairs


def split_polygons(
    codes: NDArray[np.int64],
    groups: NDArray[np.int64],
    areas: NDArray[np.float64],
    *,
    names: Sequence[str],
    share: float,
    seed: int,
) -> tuple[NDArray[np.bool_], str]:
    """Choose the polygons that are held out for validation.

    Parameters
    ----------
    codes, groups, areas
        (n,): class, group and area of each polygon.
    names
        Names of the groups.
    share, seed
        See :func:`geoseg.train.validation.split.choose`.

    Returns
    -------
    (n,) bool: which are held out; and one line that describes the split.

    Raises
    ------
    InputError
        If there are fewer than two groups.
    """
    sums = np.zeros((len(names), int(codes.max()) + 1))
    # Areas as shares of the total, so that the choice does not depend on their unit.
    np.add.at(sums, (groups, codes), areas / max(float(areas.sum()), 1e-300) * 1e9)
    held = _choose(np.ceil(sums).astype(np.int64), names, share, seed)
    kept = {name for name, h in zip(names, held, strict=True) if h}
    return held[groups], _summary(kept, names, seed)


def _choose(sums: NDArray[np.int64], names: Sequence[str], share: float, seed: int) -> NDArray[np.bool_]:
    if len(names) < 2:
        raise InputError(
            f"the split would leave a part empty: all labels are of one group ({', '.join(names) or 'none'}); name "
            "more groups, split by blocks, or train without validation with --validation 0"
        )
    # A group that alone has a class stays in training: what is never seen is never predicted.
    alone = (sums > 0).sum(0) == 1
    kept: NDArray[np.bool_] = np.any(sums[:, alone] > 0, axis=1)
    return choose(sums, share, seed, None if kept.all() else kept)


def _summary(kept: set[str], names: Sequence[str], seed: int) -> str:
    listing = ", ".join(sorted(kept)[:12]) + (", …" if len(kept) > 12 else "")
    return f"{len(kept)} of {len(names)} groups held out for validation ({listing}; seed {seed})"
