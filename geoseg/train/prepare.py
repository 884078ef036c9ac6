"""Images and labels -> everything that a training needs: classes, split, statistics, an untrained card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import InputError, OptionError
from geoseg.models import BandSpec, Model, ModelCard, check_contract
from geoseg.models.card.stac import ENCODER_GEOMETRY
from geoseg.progress.reporters import Reporter
from geoseg.raster import Raster
from geoseg.raster.fill import find_fill
from geoseg.raster.open import merged_notes
from geoseg.tiling import round_up
from geoseg.train.data import class_mapping
from geoseg.train.data.augment import Augment
from geoseg.train.data.images import open_images
from geoseg.train.data.label_counts import cell_side
from geoseg.train.data.label_images import Labelled, Sources, read_labels
from geoseg.train.data.samples import LabelledScene
from geoseg.train.data.statistics import measure
from geoseg.train.data.windows import WindowSampler
from geoseg.train.options import TrainOptions
from geoseg.train.validation import groups, split
from geoseg.train.validation.split_choice import choose_split, usual_margin

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Sides of windows that are tried where the user gives none: the largest that fits images and split.
_WINDOWS = (256, 128, 64)

# Warnings about single images that are shown; of hundreds of tiles all may be alike.
_MOST_WARNINGS = 5

_SMP_STRIDE = ENCODER_GEOMETRY["stride"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything that a training needs.

    Attributes
    ----------
    card
        Bands, value scaling, classes and geometry; no weights yet.
    scenes, held
        Images with the labels to learn from, and with those to validate with; the same unless polygons have groups.
    split
        Which cells are which.
    cell, window
        In pixels.
    polygons
        The field of the polygons that holds the class, or None.
    """

    card: ModelCard
    scenes: tuple[LabelledScene, ...]
    held: tuple[LabelledScene, ...]
    split: split.Split
    cell: int
    window: int
    polygons: str | None

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each image."""
        return [scene.raster.shape for scene in self.scenes]

    @property
    def validation_window(self) -> int:
        """Side of validation windows: as in training, but never mostly margin."""
        return max(self.window, 4 * self.card.margin)

    def sampler(self, window: int, augment: Augment) -> WindowSampler:
        """Return a sampler of windows of the training part."""
        return WindowSampler(self.shapes, self.split.parts, self.cell, window, augment.zoom)


def prepare(sources: Sources, options: TrainOptions, base: Model | None, report: Reporter) -> Prepared:
    """Read what has to be known before the first step.

    Raises
    ------
    InputError, ContractError, OptionError
        With what is wrong with images, labels, classes or split.
    """
    card = base.card if base else None
    stride = card.stride if card else _SMP_STRIDE
    rasters = open_images(sources.images, sources.reading, card)
    for note in merged_notes([note for raster in rasters for note in raster.notes], "images"):
        report.info(note)
    least = card.min_window if card else stride
    windows = _windows(options, [raster.shape for raster in rasters], stride, least, report)
    cell = cell_side([raster.shape for raster in rasters], min(windows))
    labelled = read_labels(rasters, sources, options, cell, report)
    found = _class_mapping(labelled, sources, card, report)
    counts = [c.by_class(found.values, found.indices, len(found.classes)) for c in labelled.counts]
    margin = card.margin if card else None
    scenes, held, divided, window = choose_split(labelled, found, counts, options, cell, windows, margin, stride)
    _check_leak(labelled.rasters, counts, divided, options, report)
    _check_classes(divided, found.classes, options, fine_tuning=base is not None, report=report)
    whole = card or _fresh_card(labelled.rasters, found.classes, divided, cell, options, window, report)
    if card is not None and card.classes != found.classes:
        whole = _with_classes(card, found.classes)
    _check_units(whole, labelled.rasters, report)
    finish = [whole.affine(raster.bands) for raster in labelled.rasters]
    return Prepared(
        card=whole,
        scenes=tuple(LabelledScene(r, s, a) for r, s, a in zip(labelled.rasters, scenes, finish, strict=True)),
        held=tuple(LabelledScene(r, s, a) for r, s, a in zip(labelled.rasters, held, finish, strict=True)),
        split=divided,
        cell=cell,
        window=window,
        polygons=labelled.polygons.field if labelled.polygons else None,
    )


def _windows(
    options: TrainOptions, shapes: Sequence[tuple[int, int]], stride: int, least: int, report: Reporter
) -> list[int]:
    """Return the sides of windows to try, largest first: the one asked for, or usual ones that fit the images."""
    largest = round_up(max(max(shape) for shape in shapes), stride)
    if options.window is None:
        return sorted({max(min(round_up(window, stride), largest), least) for window in _WINDOWS}, reverse=True)
    window = max(round_up(options.window, stride), least)
    if window != options.window:
        report.info(f"window {options.window} is made {window}: the network needs multiples of {stride}")
    return [window]


def _class_mapping(
    labelled: Labelled, sources: Sources, card: ModelCard | None, report: Reporter
) -> class_mapping.ClassMapping:
    totals: dict[int, int] = {}
    for counts in labelled.counts:
        for value, number in counts.totals().items():
            totals[value] = totals.get(value, 0) + number
    if not totals:
        raise InputError(
            f"{labelled.where}: not one pixel of the images is labelled; do labels and images lie on the same place?"
        )
    wanted = class_mapping.parse_classes(sources.classes)
    if wanted is None and card is not None:
        wanted = tuple(class_mapping.Entry(None, c.name, c.color) for c in card.classes)
    found = class_mapping.decide(totals, labelled.words, wanted, sources.ignore, labelled.where)
    if found.left_out and not labelled.words.closed and len(found.left_out) < 20:
        report.info(f"classes without a labelled pixel are left out: {', '.join(found.left_out)}")
    if card is not None:
        known = {c.name: c.color for c in card.classes}
        classes = tuple(MapClass(c.id, c.name, known.get(c.name, c.color)) for c in found.classes)
        found = class_mapping.ClassMapping(classes, found.values, found.indices)
    return found


def _check_leak(
    rasters: Sequence[Raster],
    counts: Sequence[NDArray[np.int64]],
    divided: split.Split,
    options: TrainOptions,
    report: Reporter,
) -> None:
    if not options.groups or not options.validation:
        return
    grounds = [split.ImageCounts(raster, count) for raster, count in zip(rasters, counts, strict=True)]
    shared = groups.overlaps(grounds, divided)
    if shared:
        learned, held = shared[0]
        report.warning(
            f"images {learned} (to learn from) and {held} (to validate with) share ground"
            + (f", and {len(shared) - 1} more pairs" if len(shared) > 1 else "")
            + ": the scores will be too good; put both into one group"
        )


def _check_classes(
    divided: split.Split, classes: Sequence[MapClass], options: TrainOptions, *, fine_tuning: bool, report: Reporter
) -> None:
    training, held = divided.training(), divided.held()
    missing = [c.name for c in classes if not training[c.id]]
    if missing and not fine_tuning:
        raise InputError(
            f"class {missing[0]!r} is absent from the training part"
            + (f" (and {', '.join(missing[1:])})" if len(missing) > 1 else "")
            + ": label more of it in other places, leave it out of --classes, or try another --seed or --block-size"
        )
    if missing:
        report.warning(
            f"no training labels of {', '.join(missing)}: the model may forget what it knew of "
            f"{'them' if len(missing) > 1 else 'it'}; label some, or train for few epochs"
        )
    if options.validation and (unseen := [c.name for c in classes if training[c.id] and not held[c.id]]):
        report.warning(f"no validation labels of {', '.join(unseen)}: the scores say nothing of it")


def _fresh_card(
    rasters: Sequence[Raster],
    classes: tuple[MapClass, ...],
    divided: split.Split,
    cell: int,
    options: TrainOptions,
    window: int,
    report: Reporter,
) -> ModelCard:
    first = rasters[0]
    if any(band.scaled != first.bands[0].scaled for raster in rasters for band in raster.bands):
        report.warning(
            "some images say what their numbers mean (scale and offset) and others do not: the latter are taken to be "
            "in the units of the first image; say it for all with --scale and --offset"
        )
    bands = tuple(BandSpec(name=b.name, scale=b.scale, offset=b.offset) for b in first.bands)
    statistics = measure(rasters, bands, divided.parts, cell, options.seed)
    for band, deviation in zip(bands, statistics.deviation, strict=True):
        if deviation <= 0:
            report.warning(f"band {band.name} has one value all over the training part: it teaches nothing")
    from geoseg.models.networks.smp import smp_class
    from geoseg.train.data.statistics import resolution_of

    return ModelCard(
        name="untrained",
        architecture=smp_class(options.arch).__name__,
        hyperparameters={"encoder": options.encoder},
        bands=bands,
        value_scaling=statistics.scaling(),
        value_range=statistics.value_range(first.dtype),
        value_percentiles=statistics.percentiles,
        classes=classes,
        stride=_SMP_STRIDE,
        margin=usual_margin(window, _SMP_STRIDE),
        min_window=_SMP_STRIDE,
        resolution=resolution_of(rasters, Augment(options.augment).zoom),
    )


def _with_classes(card: ModelCard, classes: tuple[MapClass, ...]) -> ModelCard:
    from geoseg.models.card.card import card_with

    if card.architecture.startswith("geoseg:") and len(classes) != len(card.classes):
        raise OptionError(
            f"model {card.name!r} has {len(card.classes)} classes by construction, {len(classes)} are asked for; "
            "fine-tune it on its own classes, or train a network with --arch"
        )
    return card_with(card, classes=classes)


def _check_units(card: ModelCard, rasters: Sequence[Raster], report: Reporter) -> None:
    warnings: list[str] = []
    for raster in rasters:
        sample = raster.sample()
        warnings += check_contract(card, raster, sample, find_fill(raster, sample))
    for warning in warnings[:_MOST_WARNINGS]:
        report.warning(warning)
    if len(warnings) > _MOST_WARNINGS:
        report.warning(f"{len(warnings) - _MOST_WARNINGS} more warnings of this kind for other images")
