"""What is masked as clouds, shadows and snow, and how much of the scene that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.raster.clouds.kinds import MASKED
from geoseg.raster.sampling import sample_boxes
from geoseg.raster.sources import read_all
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geoseg.raster.clouds.quality import Quality
    from geoseg.raster.raster import Raster

# Pixels that are read at a time; and from a server in all, as windows from all over the scene.
_STRIP, _MOST_REMOTE = 2**23, 2**22


def masked_clouds(raster: Raster) -> list[dict[str, Any]]:
    """Return what quality bands mask in a raster, and in the dates or sensors that it is made of.

    Returns
    -------
    One entry for each quality band: ``name`` of the scene that it belongs to, the band ``by`` which pixels are missing
    and its ``source``, what is ``masked``, the ``share`` of the raster's pixels that are missing because of it, 0…1,
    and whether that is ``sampled``: counted in windows from all over the scene.
    """
    found = []
    for one, part in _with_quality(raster, Box(*raster.origin, *raster.shape)):
        quality = one.quality
        assert quality is not None
        share, sampled = _share(one, part, quality)
        found.append(
            {
                "name": one.name,
                "by": quality.title,
                "source": quality.source.label,
                "masked": [name for name in MASKED if name in quality.masked],
                "share": round(share, 4),
                "sampled": sampled,
            }
        )
    return found


def clouds_text(found: Sequence[dict[str, Any]]) -> str:
    """Return what :func:`masked_clouds` returns as one line."""
    return "; ".join(
        f"{100 * one['share']:.3g} % {'of a sample ' if one['sampled'] else ''}is masked as "
        f"{', '.join(one['masked'])} by {one['by']}" + (f" ({one['name']})" if len(found) > 1 else "")
        for one in found
    )


def _with_quality(raster: Raster, part: Box) -> Iterator[tuple[Raster, Box]]:
    """Yield the rasters that have a quality band, with the part of the grid of their sources that is read of them."""
    if raster.quality is not None:
        yield raster, part
    for source in dict.fromkeys(raster.inputs[one.source] for one in raster.parts):
        for inner, box in source.rasters_in(part) if hasattr(source, "rasters_in") else ():
            moved = Box(box.row + inner.origin[0], box.col + inner.origin[1], box.height, box.width)
            yield from _with_quality(inner, moved)


def _share(raster: Raster, part: Box, quality: Quality) -> tuple[float, bool]:
    boxes = list(_strips(part))
    sampled = raster.remote and part.area > _MOST_REMOTE
    if sampled:
        inside = sample_boxes((part.height, part.width), raster.block_shape, _MOST_REMOTE)
        boxes = [Box(part.row + box.row, part.col + box.col, box.height, box.width) for box in inside]
    missing, total = 0, 0
    for masked, outside in _counts(quality, boxes):
        missing += masked
        total += outside
    return missing / max(total, 1), sampled


def _counts(quality: Quality, boxes: Sequence[Box]) -> Iterator[tuple[int, int]]:
    """Yield masked pixels, without those that the product has nothing for, and all pixels of each box."""
    for box in boxes:
        request = quality.request(box, (box.height, box.width))
        read_all([(quality.source, request)])
        there = quality.kept(request, frozenset())
        yield int(np.count_nonzero(there)) - int(np.count_nonzero(quality.kept(request))), box.area


def _strips(part: Box) -> Iterator[Box]:
    rows = max(_STRIP // max(part.width, 1), 1)
    for row in range(part.row, part.bottom, rows):
        yield Box(row, part.col, min(rows, part.bottom - row), part.width)
