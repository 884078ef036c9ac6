"""The split of labelled images by blocks or groups, with the largest window that it leaves room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import InputError
from geoseg.tiling import round_up
from geoseg.train.data.class_mapping import ClassMapping
from geoseg.train.data.label_counts import count_labels
from geoseg.train.data.label_images import Labelled
from geoseg.train.data.labels import Labels
from geoseg.train.data.windows import WindowSampler, are_few
from geoseg.train.options import TrainOptions
from geoseg.train.validation import groups
from geoseg.train.validation.split import Demand, ImageCounts, Parts, Split, buffers, by_blocks, cut, no_validation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.tiling import Box


@dataclass(frozen=True)
class WindowGeometry:
    """What windows a split must leave room for, in pixels.

    Attributes
    ----------
    cell
        Side of the cells that labels are counted in.
    windows
        Sides of windows to try, largest first.
    margin
        Context around what a window keeps; by the window if None.
    stride
        Sides of windows are multiples of it.
    """

    cell: int
    windows: tuple[int, ...]
    margin: int | None
    stride: int


@dataclass(frozen=True, eq=False)
class ChosenSplit:
    """A split and what follows from it.

    Attributes
    ----------
    split
        Training and validation cells.
    training, validation
        Labels of each image for either part; the same unless polygons have groups.
    counts
        (rows, cols, K) labelled pixels per cell and class of each image.
    cell, window
        Sides in pixels.
    few
        Whether only few pixels are labelled: :func:`geoseg.train.data.windows.are_few`.
    trained
        (K,) bool: classes that training windows are drawn of.
    """

    split: Split
    training: Sequence[Labels]
    validation: Sequence[Labels]
    counts: Sequence[NDArray[np.int64]]
    cell: int
    window: int
    few: bool
    trained: NDArray[np.bool_]


def choose_split(
    labelled: Labelled, mapping: ClassMapping, options: TrainOptions, geometry: WindowGeometry
) -> ChosenSplit:
    """Split labelled images, with the largest window for which both parts have labels; the smallest for few labels.

    If no place can be held out, all labels are for training; not so if blocks of one size or groups are asked for.

    Raises
    ------
    InputError
        If no window leaves labels in both parts that are asked for, or groups cannot be used.
    """
    counts = [c.by_class(mapping.values, mapping.indices, len(mapping.classes)) for c in labelled.counts]
    few = are_few(counts, geometry.cell, geometry.windows[0])
    # Few labels want local features, and a window costs by its pixels, labelled or not.
    windows = sorted(geometry.windows) if few else geometry.windows
    case = _Case(labelled, mapping, counts, few)
    chosen = bool(options.block_size or options.groups or options.group_field)
    demands: list[Demand] = ["insist"] if few else ["every", "insist"]
    if chosen or geometry.margin is not None:
        # Blocks that are asked for are kept to, and a model that is fine-tuned knows its classes.
        demands.append("any")
    tries = [(window, demand) for demand in demands for window in windows]
    for window, demand in tries:
        try:
            return _split(case, options, geometry, window, demand)
        except InputError:
            if (window, demand) == tries[-1] and chosen:
                raise
    return _split(case, replace(options, validation=0.0), geometry, windows[0])


@dataclass(frozen=True, eq=False)
class _Case:
    """What is split: labelled images, their classes, and the labelled pixels per cell and class of each image."""

    labelled: Labelled
    mapping: ClassMapping
    counts: Sequence[NDArray[np.int64]]
    few: bool


def usual_margin(window: int, stride: int) -> int:
    """Return the context in pixels on each side of what a model trained on such windows keeps."""
    return round_up(64 if window >= 256 else 32, stride)


def _split(
    case: _Case, options: TrainOptions, geometry: WindowGeometry, window: int, demand: Demand = "every"
) -> ChosenSplit:
    labelled, mapping, counts = case.labelled, case.mapping, case.counts
    labels = [Labels(source, mapping.values, mapping.indices) for source in labelled.sources]
    images = [ImageCounts(raster, count) for raster, count in zip(labelled.rasters, counts, strict=True)]
    margin = geometry.margin if geometry.margin is not None else usual_margin(window, geometry.stride)
    reaches = buffers(labelled.rasters, margin, geometry.cell)

    def trainable(parts: Sequence[Parts]) -> NDArray[np.bool_]:
        try:
            sampler = WindowSampler([raster.shape for raster in labelled.rasters], parts, geometry.cell, window)
        except InputError:
            return np.zeros(len(mapping.classes), np.bool_)
        return np.asarray(sampler.class_chances > 0)

    def chosen(split: Split, training: Sequence[Labels] = labels, validation: Sequence[Labels] = labels) -> ChosenSplit:
        return ChosenSplit(split, training, validation, counts, geometry.cell, window, case.few, trainable(split.parts))

    if not options.validation:
        return chosen(no_validation(images))
    if options.group_field:
        training, validation, split = _by_polygons(labelled, mapping, options, reaches)
        _check_parts(split, window, usable=bool(trainable(split.parts).any()))
        return chosen(split, training, validation)
    if options.groups:
        names = groups.read_groups(options.groups, labelled.rasters)
        split = groups.by_images(images, names, reaches=reaches, share=options.validation, seed=options.seed)
        _check_parts(split, window, usable=bool(trainable(split.parts).any()))
        return chosen(split)
    split = by_blocks(
        images,
        side=geometry.cell,
        window=window,
        margin=margin,
        share=options.validation,
        seed=options.seed,
        size=options.block_size,
        trainable=trainable,
        demand=demand,
    )
    return chosen(split)


def _check_parts(split: Split, window: int, *, usable: bool) -> None:
    if not split.held().any() or not usable:
        part = "training" if split.held().any() else "validation"
        raise InputError(
            f"the split would leave the {part} part empty: no labels where windows of {window} px fit; use a smaller "
            "--window, other groups, or --validation 0"
        )


def _by_polygons(
    labelled: Labelled, mapping: ClassMapping, options: TrainOptions, reaches: Sequence[int]
) -> tuple[list[Labels], list[Labels], Split]:
    """Split by a field of the polygons: each part has its own polygons and counts."""
    polygons = labelled.polygons
    assert polygons is not None
    held, summary = groups.split_polygons(
        polygons.codes,
        polygons.groups,
        polygons.areas,
        names=polygons.group_names,
        share=options.validation,
        seed=options.seed,
    )

    def part(mask: NDArray[np.bool_]) -> tuple[list[Labels], list[NDArray[np.int64]]]:
        cell = labelled.counts[0].side
        sources = [polygons.on(r.grid, r.sources[0], mask) or _Unlabelled() for r in labelled.rasters]
        counts = [count_labels(s, r.shape, cell) for r, s in zip(labelled.rasters, sources, strict=True)]
        by_class = [c.by_class(mapping.values, mapping.indices, len(mapping.classes)) for c in counts]
        return [Labels(s, mapping.values, mapping.indices) for s in sources], by_class

    (training, training_counts), (validation, held_counts) = part(~held), part(held)
    parts = cut([counts.sum(-1) > 0 for counts in held_counts], training_counts, reaches)
    own = zip(parts, held_counts, strict=True)
    parts = tuple(Parts(p.validation, p.forbidden, p.training, counts) for p, counts in own)
    return training, validation, Split(parts, summary)


@dataclass(frozen=True)
class _Unlabelled:
    """Labels of an image that no polygon of a part touches."""

    label: str = "none"

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        shape = (box.height, box.width)
        return np.zeros(shape, np.int64), np.zeros(shape, np.bool_)

    def check_unchanged(self) -> None:
        """Do nothing: there is no file."""
