"""Images and labels -> everything that a training needs: classes, split, statistics, an untrained card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import InputError, OptionError
from geoseg.models import BandSpec, Model, ModelCard, check_contract
from geoseg.progress import Reporter
from geoseg.raster import Raster
from geoseg.tiling import round_up
from geoseg.train import groups, legend, split
from geoseg.train.augment import Augment
from geoseg.train.cells import CellCounts, cell_side, chunk_count, count_cells
from geoseg.train.images import label_files, match_rasters, open_images
from geoseg.train.labels import Labels, LabelSource, Vocabulary
from geoseg.train.options import TrainOptions
from geoseg.train.polygons import Polygons, is_polygons, read_polygons
from geoseg.train.samples import Scene
from geoseg.train.statistics import measure
from geoseg.train.windows import WindowSampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Sides of windows that are tried where the user gives none: the largest that fits images and split.
_WINDOWS = (256, 128, 64)

_SMP_STRIDE = 32

# Scenes are held against the card by about this many pixels each.
_SAMPLE = 20_000


@dataclass(frozen=True, eq=False)
class Sources:
    """What is learned from, as the user gave it; see :func:`geoseg.train`."""

    images: Sequence[Any]
    labels: Sequence[Any]
    class_field: str | None = None
    classes: str | Sequence[str] | Mapping[str, str] | None = None
    ignore: Sequence[str] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)


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
    scenes: tuple[Scene, ...]
    held: tuple[Scene, ...]
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


@dataclass(frozen=True, eq=False)
class _Labelled:
    """Images that have labels, and the counts of them."""

    rasters: list[Raster]
    sources: list[LabelSource]
    counts: list[CellCounts]
    words: Vocabulary
    where: str
    polygons: Polygons | None


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
    for note in _merged([note for raster in rasters for note in raster.notes]):
        report.info(note)
    windows = _windows(options, [raster.shape for raster in rasters], stride, report)
    cell = cell_side([raster.shape for raster in rasters], min(windows))
    labelled = _read_labels(rasters, sources, options, cell, report)
    found = _legend(labelled, sources, card, report)
    counts = [c.by_class(found.values, found.indices, len(found.classes)) for c in labelled.counts]
    margin = card.margin if card else None
    scenes, held, divided, window = _divide(labelled, found, counts, options, cell, windows, margin, stride)
    _check_classes(divided, found.classes, options, fine_tuning=base is not None, report=report)
    whole = card or _fresh_card(labelled.rasters, found.classes, divided, cell, options, window, report)
    if card is not None and card.classes != found.classes:
        whole = _with_classes(card, found.classes)
    _check_units(whole, labelled.rasters, report)
    finish = [whole.affine(raster.bands) for raster in labelled.rasters]
    return Prepared(
        card=whole,
        scenes=tuple(Scene(r, s, a) for r, s, a in zip(labelled.rasters, scenes, finish, strict=True)),
        held=tuple(Scene(r, s, a) for r, s, a in zip(labelled.rasters, held, finish, strict=True)),
        split=divided,
        cell=cell,
        window=window,
        polygons=labelled.polygons.field if labelled.polygons else None,
    )


def _merged(notes: Sequence[str]) -> list[str]:
    """Say once what holds for many images."""
    told: dict[str, list[str]] = {}
    for note in notes:
        file, _, said = note.partition(": ")
        told.setdefault(said, []).append(file)
    return [
        f"{files[0]}: {said}" if len(files) == 1 else f"{len(files)} images ({files[0]}, …): {said}"
        for said, files in told.items()
    ]


def _windows(options: TrainOptions, shapes: Sequence[tuple[int, int]], stride: int, report: Reporter) -> list[int]:
    largest = round_up(max(max(shape) for shape in shapes), stride)
    if options.window is None:
        return sorted({min(round_up(window, stride), largest) for window in _WINDOWS}, reverse=True)
    window = round_up(options.window, stride)
    if window != options.window:
        report.info(f"window {options.window} is made {window}: a multiple of the network's stride {stride}")
    return [window]


def _read_labels(
    rasters: list[Raster], sources: Sources, options: TrainOptions, cell: int, report: Reporter
) -> _Labelled:
    files = label_files(sources.labels)
    kinds = {is_polygons(file) for file in files}
    if len(kinds) > 1:
        raise InputError("labels are both rasters and polygons: give one kind")
    polygons: Polygons | None = None
    if kinds == {True}:
        polygons = read_polygons(files, sources.class_field, options.group_field)
        placed: list[LabelSource | None] = [polygons.on(raster.grid, raster.sources[0]) for raster in rasters]
        words, where = polygons.vocabulary, polygons.label
        if polygons.skipped:
            report.warning(f"{where}: {polygons.skipped} polygons without a class count as unlabelled")
    else:
        if options.group_field or sources.class_field:
            given = "--group-field" if options.group_field else "--class-field"
            raise OptionError(f"{given} names a field of polygons, but the labels are rasters")
        placed = match_rasters(rasters, files)
        words, where = _raster_words(files[0]), str(files[0]) if len(files) == 1 else "labels"
    pairs = [(r, s) for r, s in zip(rasters, placed, strict=True) if s is not None]
    if not pairs:
        raise InputError(
            f"{where}: the labels do not overlap {'the image' if len(rasters) == 1 else 'any of the images'} "
            f"({rasters[0].name}, …); are both of one place, and is the CRS of each right?"
        )
    for raster, source in zip(rasters, placed, strict=True):
        if source is None:
            report.warning(f"{raster.name}: has no labels and is left out")
    counts = _count(pairs, cell, report)
    return _Labelled([r for r, _ in pairs], [s for _, s in pairs], counts, words, where, polygons)


def _raster_words(path: str) -> Vocabulary:
    from geoseg.polygonize.names import classes_of
    from geoseg.raster.environment import environment, gdal_path, open_dataset

    target = gdal_path(path)
    with environment(target), open_dataset(target) as data:
        return Vocabulary(classes_of(data, 1), closed=False)


def _count(pairs: Sequence[tuple[Raster, LabelSource]], cell: int, report: Reporter) -> list[CellCounts]:
    total, done = sum(chunk_count(raster.shape, cell) for raster, _ in pairs), [0]

    def tick() -> None:
        done[0] += 1
        report.progress(done[0], total, "read labels")

    return [count_cells(source, raster.shape, cell, tick) for raster, source in pairs]


def _legend(labelled: _Labelled, sources: Sources, card: ModelCard | None, report: Reporter) -> legend.Legend:
    totals: dict[int, int] = {}
    for counts in labelled.counts:
        for value, number in counts.totals().items():
            totals[value] = totals.get(value, 0) + number
    if not totals:
        raise InputError(
            f"{labelled.where}: not one pixel of the images is labelled; do labels and images lie on the same place?"
        )
    wanted = legend.parse_classes(sources.classes)
    if wanted is None and card is not None:
        wanted = tuple(legend.Entry(None, c.name, c.color) for c in card.classes)
    found = legend.decide(totals, labelled.words, wanted, sources.ignore, labelled.where)
    if found.left_out and not labelled.words.closed and len(found.left_out) < 20:
        report.info(f"classes without a labelled pixel are left out: {', '.join(found.left_out)}")
    if card is not None:
        known = {c.name: c.color for c in card.classes}
        classes = tuple(MapClass(c.id, c.name, known.get(c.name, c.color)) for c in found.classes)
        found = legend.Legend(classes, found.values, found.indices)
    return found


def _divide(
    labelled: _Labelled,
    found: legend.Legend,
    counts: list[NDArray[np.int64]],
    options: TrainOptions,
    cell: int,
    windows: Sequence[int],
    margin: int | None,
    stride: int,
) -> tuple[list[Labels], list[Labels], split.Split, int]:
    """Split, with the largest window that leaves something in both parts."""
    labels = [Labels(source, found.values, found.indices) for source in labelled.sources]
    grounds = [split.Ground(raster, count) for raster, count in zip(labelled.rasters, counts, strict=True)]
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


def _by_images(grounds: Sequence[split.Ground], options: TrainOptions, reaches: Sequence[int]) -> split.Split:
    assert options.groups is not None
    named = groups.read_groups(options.groups, [ground.raster for ground in grounds])
    return groups.by_images(grounds, named, reaches=reaches, share=options.validation, seed=options.seed)


def _by_polygons(
    labelled: _Labelled, found: legend.Legend, options: TrainOptions, reaches: Sequence[int]
) -> tuple[tuple[list[Labels], list[Labels]], split.Split]:
    """Split by a field of the polygons: each part gets its own polygons and counts."""
    import shapely

    polygons = labelled.polygons
    assert polygons is not None
    kept, said, number, held_number = groups.hold_polygons(
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
        counted = [count_cells(s, r.shape, cell) for r, s in zip(labelled.rasters, placed, strict=True)]
        by_class = [c.by_class(found.values, found.indices, len(found.classes)) for c in counted]
        sides.append(([Labels(s, found.values, found.indices) for s in placed], by_class))
    (own, learned), (other, validated) = sides
    parts = split.cut([counts.sum(-1) > 0 for counts in validated], learned, reaches)
    parts = tuple(split.Parts(p.validation, p.forbidden, p.training, v) for p, v in zip(parts, validated, strict=True))
    return (own, other), split.Split(parts, said, number, held_number)


@dataclass(frozen=True)
class _Unlabelled:
    """An image that none of a part's polygons touches."""

    label: str = "none"

    def read(self, box: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        shape = (box.height, box.width)
        return np.zeros(shape, np.int64), np.zeros(shape, np.bool_)


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
    from geoseg.train.package import architecture_name, resolution_of

    return ModelCard(
        name="untrained",
        architecture=architecture_name(options.arch),
        hyperparameters={"encoder": options.encoder},
        bands=bands,
        value_scaling=statistics.scaling(),
        value_range=statistics.value_range(first.dtype),
        classes=classes,
        stride=_SMP_STRIDE,
        margin=usual_margin(window, _SMP_STRIDE),
        min_window=_SMP_STRIDE,
        resolution=resolution_of(rasters, Augment(options.augment).zoom),
    )


def _with_classes(card: ModelCard, classes: tuple[MapClass, ...]) -> ModelCard:
    from geoseg.models.folder import card_with

    if card.architecture.startswith("geoseg:") and len(classes) != len(card.classes):
        raise OptionError(
            f"model {card.name!r} has {len(card.classes)} classes by construction, {len(classes)} are asked for; "
            "fine-tune it on its own classes, or train a network with --arch"
        )
    return card_with(card, classes=classes)


def _check_units(card: ModelCard, rasters: Sequence[Raster], report: Reporter) -> None:
    for raster in rasters:
        for warning in check_contract(card, raster, raster.sample(_SAMPLE)):
            report.warning(warning)
