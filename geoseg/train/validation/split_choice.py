"""The split of labelled images, by whatever the options say, with the largest window that it leaves room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError
from geoseg.tiling import round_up
from geoseg.train.data import class_mapping
from geoseg.train.data.label_counts import count_labels
from geoseg.train.data.label_images import Labelled
from geoseg.train.data.labels import Labels
from geoseg.train.data.windows import WindowSampler
from geoseg.train.options import TrainOptions
from geoseg.train.validation import groups, split

if TYPE_CHECKING:
    from numpy.typing import NDArray


def choose_split(
    labelled: Labelled,
    found: class_mapping.ClassMapping,
    counts: list[NDArray[np.int64]],
    options: TrainOptions,
    cell: int,
    windows: Sequence[int],
    margin: int | None,
    stride: int,
) -> tuple[list[Labels], list[Labels], split.Split, int]:
    """Split, with the largest window that leaves something in both parts."""
    labels = [Labels(source, found.values, found.indices) for source in labelled.sources]
    grounds = [split.ImageCounts(raster, count) for raster, count in zip(labelled.rasters, counts, strict=True)]
    shapes = [raster.shape for raster in labelled.rasters]
    for window in windows:
        around = margin if margin is not None else usual_margin(window, stride)

        def usable(parts: Sequence[split.Parts], window: int = window) -> bool:
            try:
                WindowSampler(shapes, parts, cell, window)
            except InputError:
                return False
            return True

        try:
            if not options.validation:
                return labels, labels, split.keep_nothing(grounds), window
            if options.group_field:
                assert labelled.polygons is not None
                held, divided = _by_polygons(labelled, found, options, split.buffers(labelled.rasters, around, cell))
                return *held, divided, _fitting(divided, usable, window)
            if options.groups:
                divided = _by_images(grounds, options, split.buffers(labelled.rasters, around, cell))
                return labels, labels, divided, _fitting(divided, usable, window)
            divided = split.by_blocks(
                grounds,
                side=cell,
                window=window,
                margin=around,
                share=options.validation,
                seed=options.seed,
                size=options.block_size,
                usable=usable,
            )
        except InputError:
            if window == windows[-1]:
                raise
        else:
            return labels, labels, divided, window
    raise AssertionError("unreachable: the last window raises")


def usual_margin(window: int, stride: int) -> int:
    """Return the context that a model trained on windows of this side is given on each side of what it keeps."""
    return round_up(64 if window >= 256 else 32, stride)


def _fitting(divided: split.Split, usable: Any, window: int) -> int:
    if not divided.held().any() or not usable(divided.parts):
        part = "training" if divided.held().any() else "validation"
        raise InputError(
            f"the split would leave the {part} part empty: no labels where windows of {window} px fit; give a smaller "
            "--window, other groups, or --validation 0"
        )
    return window


def _by_images(grounds: Sequence[split.ImageCounts], options: TrainOptions, reaches: Sequence[int]) -> split.Split:
    assert options.groups is not None
    named = groups.read_groups(options.groups, [ground.raster for ground in grounds])
    return groups.by_images(grounds, named, reaches=reaches, share=options.validation, seed=options.seed)


def _by_polygons(
    labelled: Labelled, found: class_mapping.ClassMapping, options: TrainOptions, reaches: Sequence[int]
) -> tuple[tuple[list[Labels], list[Labels]], split.Split]:
    """Split by a field of the polygons: each part gets its own polygons and counts."""
    import shapely

    polygons = labelled.polygons
    assert polygons is not None
    kept, said = groups.hold_polygons(
        polygons.codes,
        polygons.groups,
        shapely.area(polygons.geometries),
        names=polygons.group_names,
        share=options.validation,
        seed=options.seed,
    )
    cell, sides = labelled.counts[0].side, []
    for mask in (~kept, kept):
        placed = [polygons.on(r.grid, r.sources[0], mask) or _Unlabelled() for r in labelled.rasters]
        counted = [count_labels(s, r.shape, cell) for r, s in zip(labelled.rasters, placed, strict=True)]
        by_class = [c.by_class(found.values, found.indices, len(found.classes)) for c in counted]
        sides.append(([Labels(s, found.values, found.indices) for s in placed], by_class))
    (own, learned), (other, validated) = sides
    parts = split.cut([counts.sum(-1) > 0 for counts in validated], learned, reaches)
    parts = tuple(split.Parts(p.validation, p.forbidden, p.training, v) for p, v in zip(parts, validated, strict=True))
    return (own, other), split.Split(parts, said)


@dataclass(frozen=True)
class _Unlabelled:
    """An image that none of a part's polygons touches."""

    label: str = "none"

    def read(self, box: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        shape = (box.height, box.width)
        return np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
