"""Images and labels -> classes, split, statistics and an untrained card: all that a training needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import InputError, OptionError
from geoseg.models import Model, ModelCard, check_contract
from geoseg.models.networks.smp import PIXEL_NET
from geoseg.progress.reporters import Reporter
from geoseg.raster import Raster
from geoseg.raster.files.members import check_unchanged
from geoseg.raster.fill import find_fill
from geoseg.raster.open import merged_notes
from geoseg.tiling import round_up
from geoseg.train.data import class_mapping
from geoseg.train.data.augment import Augment
from geoseg.train.data.images import open_images
from geoseg.train.data.instances import CORE, RIM, check_base, instance_entries, object_heads, with_sizes
from geoseg.train.data.label_counts import cell_side
from geoseg.train.data.label_images import Labelled, Sources, model_labels, read_labels
from geoseg.train.data.labels import BACKGROUND
from geoseg.train.data.quantity import open_quantities
from geoseg.train.data.samples import LabelledScene, ValidationWindows
from geoseg.train.data.stacks import open_given
from geoseg.train.data.windows import WindowSampler, places_of
from geoseg.train.options import EDGES, INSTANCES, PIXEL, TrainOptions, parse_also
from geoseg.train.semi.scenes import Held, Unlabelled, open_unlabelled
from geoseg.train.start.card import SMP_STRIDE, fresh_card, inputs_card
from geoseg.train.validation import groups, split
from geoseg.train.validation.split_choice import ChosenSplit, WindowGeometry, choose_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.train.data.labels import Labels
    from geoseg.train.data.quantity import Quantity
    from geoseg.train.data.soft_labels import SoftLabels

# Default sides of windows: the largest that fits images and split is used.
_WINDOWS = (256, 128, 64)

# Warnings about single images that are shown; of hundreds of tiles all may be alike.
_MOST_WARNINGS = 5


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that a training needs.

    Attributes
    ----------
    card
        Card with bands, value scaling, classes and geometry; no weights yet.
    scenes, held
        Images with their training labels, and with their validation labels; the same unless polygons have groups.
    split
        Training and validation cells.
    cell, window
        Sides in pixels.
    few
        Whether only few pixels are labelled: :func:`geoseg.train.data.windows.are_few`.
    unlabelled
        Further scenes without labels, if there are any.
    """

    card: ModelCard
    scenes: tuple[LabelledScene, ...]
    held: tuple[LabelledScene, ...]
    split: split.Split
    cell: int
    window: int
    few: bool = False
    unlabelled: Unlabelled | None = None

    @property
    def validated(self) -> bool:
        """Whether labels are held out."""
        return bool(self.split.held().any())

    @property
    def places(self) -> int:
        """Windows that see all training labels about once."""
        return places_of([part.training for part in self.split.parts], self.cell, self.window)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of each image."""
        return [scene.raster.shape for scene in self.scenes]

    @property
    def validation_window(self) -> int:
        """Side of validation windows in pixels: as in training, but at least four margins."""
        return max(self.window, 4 * self.card.margin)

    def check_unchanged(self) -> None:
        """Check that the files of images and labels are still those that were opened.

        Raises
        ------
        ChangedError
            If one was changed, replaced or deleted.
        """
        for scene in {id(scene.raster): scene for scene in (*self.scenes, *self.held)}.values():
            check_unchanged(scene.raster)
            scene.labels.source.check_unchanged()
            if scene.quantity is not None:
                check_unchanged(scene.quantity.raster)
        if self.unlabelled is not None:
            self.unlabelled.check_unchanged()

    def validation_windows(self) -> ValidationWindows:
        """Return windows over the validation part, in which each of its labelled pixels counts once."""
        return ValidationWindows(
            self.held,
            self.split.parts,
            cell=self.cell,
            window=self.validation_window,
            margin=self.card.margin,
            stride=self.card.stride,
        )

    def sampler(self, window: int, augment: Augment) -> WindowSampler:
        """Return a sampler of training windows."""
        return WindowSampler(self.shapes, self.split.parts, self.cell, window, augment.zoom)


def prepare(
    sources: Sources,
    options: TrainOptions,
    base: Model | None,
    reporter: Reporter,
    soft: Sequence[SoftLabels] = (),
    *,
    learns: bool = True,
) -> Prepared:
    """Open images and labels, choose classes, split and window, and measure the training part.

    Parameters
    ----------
    sources, options, base, reporter
        As of the training.
    soft
        What other models say about each image, in the classes of ``base``: soft targets, and labels if ``sources`` has
        none.
    learns
        Whether anything is trained, for which classes without training labels matter.

    Raises
    ------
    InputError, ContractError, OptionError
        If images, labels, classes or split cannot be used.
    """
    card = base.card if base else None
    if card is not None and not soft:
        check_base(card, options.task)
    stride = card.stride if card else _stride(options)
    more = bool(sources.unlabelled) and sources.unlabelled is not sources.images
    stacks = open_given(sources.images, sources.reading, options, card, unlabelled=more)
    rasters = open_images(sources.images, sources.reading, card) if stacks is None else stacks.rasters
    for note in merged_notes([note for raster in rasters for note in raster.notes], "images"):
        reporter.info(note)
    least = card.min_window if card else stride
    windows = _windows(options, [raster.shape for raster in rasters], stride, least, reporter)
    cell = cell_side([raster.shape for raster in rasters], min(windows))
    if base is not None and soft and not sources.labels:
        labelled = model_labels(rasters, soft, base.card.classes, cell, reporter)
    else:
        labelled = read_labels(rasters, sources, options, cell, reporter)
    mapping = _class_mapping(labelled, sources, options, card, reporter)
    geometry = WindowGeometry(cell, tuple(windows), card.margin if card else None, stride)
    chosen = choose_split(labelled, mapping, options, geometry)
    _check_leak(labelled.rasters, chosen.counts, chosen.split, options, reporter)
    if options.validation and not chosen.split.held().any():
        reporter.warning(
            "no place can be held out without losing a class: all labels are used for training, and nothing tells how "
            "good the model is; label each class in several places"
        )
    if learns:
        _check_classes(chosen, mapping.classes, fine_tuning=base is not None, reporter=reporter)
    _tell_unseen(chosen, mapping.classes, reporter)
    if card is None and stacks is not None:
        card = inputs_card(replace(stacks, rasters=labelled.rasters), mapping.classes, chosen, options, reporter)
    elif card is None:
        card = fresh_card(labelled.rasters, mapping.classes, chosen, options, reporter)
    elif card.classes != mapping.classes:
        card = _with_classes(card, mapping.classes)
    if options.task == INSTANCES:
        card = _with_objects(card, labelled, options)
    _check_units(card, labelled.rasters, reporter)

    quantities: list[Quantity | None] = [None] * len(labelled.rasters)
    if options.also is not None and options.also.strip() != EDGES:
        quantities = open_quantities(*parse_also(options.also), labelled.rasters, reporter)
    targets = dict(zip(map(id, rasters), soft, strict=True)) if soft else {}

    def scenes(labels: Sequence[Labels]) -> tuple[LabelledScene, ...]:
        pairs = zip(labelled.rasters, labels, strict=True)
        affine = [card.affine(raster.bands) for raster in labelled.rasters]
        parts = zip(pairs, affine, quantities, strict=True)
        return tuple(LabelledScene(r, own, step, targets.get(id(r)), also) for (r, own), step, also in parts)

    unlabelled = None
    if sources.unlabelled:
        parts = zip(labelled.rasters, chosen.split.parts, strict=True)
        held = [Held(raster, part.forbidden, cell) for raster, part in parts]
        reference = None if base else labelled.rasters[0]
        unlabelled, warnings = open_unlabelled(sources, card, held, min(windows), reference=reference)
        _warn(warnings, reporter)

    return Prepared(
        card=card,
        scenes=scenes(chosen.training),
        held=scenes(chosen.validation),
        split=chosen.split,
        cell=cell,
        window=chosen.window,
        few=chosen.few,
        unlabelled=unlabelled,
    )


def _stride(options: TrainOptions) -> int:
    return 1 if options.arch == PIXEL else SMP_STRIDE


def _windows(
    options: TrainOptions, shapes: Sequence[tuple[int, int]], stride: int, least: int, reporter: Reporter
) -> list[int]:
    """Return the sides of windows to try, largest first: the one asked for, or the defaults that fit the images."""
    largest = round_up(max(max(shape) for shape in shapes), stride)
    if options.window is None:
        return sorted({max(min(round_up(window, stride), largest), least) for window in _WINDOWS}, reverse=True)
    window = max(round_up(options.window, stride), least)
    if window != options.window:
        reporter.info(f"window {options.window} is rounded up to {window}: the network needs multiples of {stride}")
    return [window]


def _class_mapping(
    labelled: Labelled, sources: Sources, options: TrainOptions, card: ModelCard | None, reporter: Reporter
) -> class_mapping.ClassMapping:
    background = options.background
    wanted = class_mapping.parse_classes(sources.classes, background)
    ignore = sources.ignore
    if options.task == INSTANCES and background is not None:
        wanted = None if wanted is None else instance_entries(wanted, background)
        ignore = [f"{name} {part}" for name in ignore for part in (RIM, CORE)]
    if wanted is None and card is not None:
        entries = [class_mapping.Entry(None, c.name, c.color) for c in card.classes]
        if background is not None and all(entry.name != background for entry in entries):
            entries.append(class_mapping.Entry(None, background, None))
        wanted = tuple(entries)
    vocabulary, totals, nodata = labelled.vocabulary, labelled.totals(), labelled.nodata()
    if not totals:
        why = class_mapping.why_none(nodata)
        raise InputError(f"{labelled.name}: no pixel of the images is labelled{why}")
    mapping = class_mapping.map_classes(
        totals, vocabulary, wanted, ignore, labelled.name, nodata=nodata, background=background
    )
    if background is None:
        warnings, notes = class_mapping.unlabelled_notes(labelled.name, mapping, nodata, vocabulary)
    else:
        pixels = totals.get(BACKGROUND, 0) + sum(mapping.fills.values())
        warnings, notes = [], [f"{labelled.name}: {pixels:,} unlabelled pixels are class {background!r}"]
    for line in warnings:
        reporter.warning(line)
    for line in notes:
        reporter.info(line)
    if mapping.left_out and not labelled.vocabulary.closed and len(mapping.left_out) < 20:
        reporter.info(f"classes without a labelled pixel are left out: {', '.join(mapping.left_out)}")
    if card is not None:
        known = {c.name: c.color for c in card.classes}
        classes = tuple(MapClass(c.id, c.name, known.get(c.name, c.color)) for c in mapping.classes)
        mapping = replace(mapping, classes=classes)
    return mapping


def _check_leak(
    rasters: Sequence[Raster],
    counts: Sequence[NDArray[np.int64]],
    chosen: split.Split,
    options: TrainOptions,
    reporter: Reporter,
) -> None:
    if not options.groups or not options.validation:
        return
    images = [split.ImageCounts(raster, count) for raster, count in zip(rasters, counts, strict=True)]
    shared = groups.overlaps(images, chosen)
    if shared:
        training, held = shared[0]
        reporter.warning(
            f"images {training} (training) and {held} (validation) overlap"
            + (f", and {len(shared) - 1} more pairs" if len(shared) > 1 else "")
            + ": the scores will be too high; put both into one group"
        )


def _check_classes(chosen: ChosenSplit, classes: Sequence[MapClass], *, fine_tuning: bool, reporter: Reporter) -> None:
    training = chosen.split.training()
    labelled = np.asarray(sum(count.sum((0, 1)) for count in chosen.counts))
    unlabelled = [c.name for c in classes if not labelled[c.id]]
    if unlabelled and not fine_tuning:
        raise InputError(
            f"class {unlabelled[0]!r} has no labels"
            + (f" (nor have {', '.join(unlabelled[1:])})" if len(unlabelled) > 1 else "")
            + ": label some of it, or leave it out of --classes"
        )
    missing = [c.name for c in classes if not training[c.id]]
    if missing and not fine_tuning:
        raise InputError(
            f"class {missing[0]!r} is absent from the training part"
            + (f" (and {', '.join(missing[1:])})" if len(missing) > 1 else "")
            + ": label more of it in other places, or choose another --seed, --block-size or other groups"
        )
    if missing:
        reporter.warning(
            f"no training labels of {', '.join(missing)}: the model may unlearn "
            f"{'them' if len(missing) > 1 else 'it'}; label some, or train for few epochs"
        )
    if rare := [c.name for c in classes if training[c.id] and not chosen.trained[c.id]]:
        reporter.warning(
            f"no training window of {chosen.window} px fits around the labels of {', '.join(rare)}, beside what is "
            "held out: the model hardly learns them; label more places, or use a smaller --window"
        )


def _tell_unseen(chosen: ChosenSplit, classes: Sequence[MapClass], reporter: Reporter) -> None:
    training, held = chosen.split.training(), chosen.split.held()
    if held.any() and (unseen := [c.name for c in classes if training[c.id] and not held[c.id]]):
        them = "them" if len(unseen) > 1 else "it"
        reporter.warning(
            f"no validation labels of {', '.join(unseen)}: the scores do not cover {them}; all labels of {them} are "
            f"needed for training, so label {them} in other places"
        )


def _with_objects(card: ModelCard, labelled: Labelled, options: TrainOptions) -> ModelCard:
    from geoseg.models.card.card import card_with

    assert options.background is not None
    heads = object_heads(card.classes, options.background, labelled.sizes, labelled.name)
    if card.objects is not None:
        heads = with_sizes(heads.model_copy(update={"reach": card.objects.reach}), labelled.sizes)
    return card_with(card, objects=heads)


def _with_classes(card: ModelCard, classes: tuple[MapClass, ...]) -> ModelCard:
    from geoseg.models.card.card import card_with

    if card.architecture.startswith("geoseg:") and card.architecture != PIXEL_NET and len(classes) != len(card.classes):
        raise OptionError(
            f"model {card.name!r} has {len(card.classes)} classes by construction, but {len(classes)} are asked for; "
            "fine-tune it on its own classes, or train a new network with --arch"
        )
    return card_with(card, classes=classes)


def _check_units(card: ModelCard, rasters: Sequence[Raster], reporter: Reporter) -> None:
    warnings: list[str] = []
    for raster in rasters:
        sample = raster.sample()
        warnings += check_contract(card, raster, sample, find_fill(raster, sample))
    _warn(warnings, reporter)


def _warn(warnings: Sequence[str], reporter: Reporter) -> None:
    for warning in warnings[:_MOST_WARNINGS]:
        reporter.warning(warning)
    if len(warnings) > _MOST_WARNINGS:
        reporter.warning(f"{len(warnings) - _MOST_WARNINGS} more warnings of this kind for other images")
