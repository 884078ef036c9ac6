"""Images with their labels, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError, OptionError
from geoseg.progress.reporters import Reporter
from geoseg.raster import Raster
from geoseg.train.boxes.box_files import box_files, is_box_file, read_boxes
from geoseg.train.data.class_mapping import named_values, parse_classes
from geoseg.train.data.coco import is_coco, read_coco
from geoseg.train.data.images import label_files, match_rasters
from geoseg.train.data.instances import InstanceLabels, instance_vocabulary, object_sizes
from geoseg.train.data.label_counts import LabelCounts, chunk_count, count_labels
from geoseg.train.data.labels import LabelSource, PolygonLabels, Vocabulary, WithBackground
from geoseg.train.data.polygons import Polygons, is_polygons, read_polygons
from geoseg.train.options import BOXES, INSTANCES, TrainOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geoseg.classes import MapClass
    from geoseg.tiling import Box
    from geoseg.train.data.soft_labels import SoftLabels


@dataclass(frozen=True, eq=False)
class Sources:
    """Images and labels as the user gave them; see :func:`geoseg.train`."""

    images: Sequence[Any]
    labels: Sequence[Any]
    class_field: str | None = None
    classes: str | Sequence[str] | Mapping[str, str] | None = None
    ignore: Sequence[str] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)
    unlabelled: Sequence[Any] = ()


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images that have labels, the labels, their counts, the classes they name, and what messages call them.

    With objects, ``sizes`` are percentiles of their areas in m², per class.
    """

    rasters: list[Raster]
    sources: list[LabelSource]
    counts: list[LabelCounts]
    vocabulary: Vocabulary
    name: str
    polygons: Polygons | None
    sizes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def totals(self) -> dict[int, int]:
        """Return the labelled pixels of each label value on all images."""
        return _sums(counts.totals() for counts in self.counts)

    def nodata(self) -> dict[int, int]:
        """Return the unlabelled pixels of each value that the files declare nodata, on all images."""
        return _sums(counts.nodata for counts in self.counts)


def _sums(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    total: Counter[int] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def read_labels(
    rasters: list[Raster], sources: Sources, options: TrainOptions, cell: int, reporter: Reporter
) -> Labelled:
    """Place labels on images and count them; images without labels are left out.

    Raises
    ------
    InputError, OptionError
        If labels cannot be read, are both rasters and polygons, or overlap none of the images.
    """
    files = label_files(box_files(sources.labels) if options.task == BOXES else sources.labels)
    found = _find(rasters, files, sources, options, reporter)
    own = {item.name for item in found.vocabulary.classes} - set(sources.ignore)
    if options.task in (INSTANCES, BOXES) and options.background in own:
        raise InputError(
            f"{found.name}: objects of class {options.background!r} have the name of what is no object: give that "
            "another with --background"
        )
    sizes: dict[str, dict[str, float]] = {}
    if options.task == INSTANCES:
        found, sizes = _as_objects(found, rasters)
    placed, vocabulary, name, polygons = found.sources, found.vocabulary, found.name, found.polygons
    pairs: list[tuple[Raster, LabelSource]] = [(r, s) for r, s in zip(rasters, placed, strict=True) if s is not None]
    if not pairs:
        if polygons is not None and (why := polygons.in_pixels(rasters[0].grid)):
            raise InputError(f"{name}: the labels do not overlap {rasters[0].name}{why}")
        raise InputError(
            f"{name}: the labels do not overlap {'the image' if len(rasters) == 1 else 'any of the images'} "
            f"({rasters[0].name}, …); do they cover the same place, and is the CRS of each right?"
        )
    for raster, source in zip(rasters, placed, strict=True):
        if source is None:
            reporter.warning(f"{raster.name}: has no labels and is left out")
    if options.background:
        pairs = [(raster, WithBackground(source)) for raster, source in pairs]
    counts = _count(pairs, cell, reporter, on_valid=bool(options.background))
    return Labelled([r for r, _ in pairs], [s for _, s in pairs], counts, vocabulary, name, polygons, sizes)


@dataclass(frozen=True, eq=False)
class _Found:
    """Labels of each image, None for an image without, and what is known of all."""

    sources: list[LabelSource | None]
    vocabulary: Vocabulary
    name: str
    polygons: Polygons | None = None


def _find(
    rasters: list[Raster], files: list[Any], sources: Sources, options: TrainOptions, reporter: Reporter
) -> _Found:
    """Place labels of whatever kind on images."""
    if any(is_coco(file) for file in files):
        if sources.class_field:
            raise OptionError("class-field names a field of polygons, but COCO has categories; leave it out")
        return _from_coco(rasters, files, reporter, boxes=options.task == BOXES)
    if options.task == BOXES and any(is_box_file(file) for file in files):
        if options.arch == "mask-rcnn":
            reporter.warning(f"{files[0]}: outlines are learned from boxes, and so will be rectangles")
        return _from_box_files(rasters, files, sources.class_field, reporter)
    _check_suffixes(files, options.task)
    kinds = {is_polygons(file) for file in files}
    if len(kinds) > 1:
        raise InputError("labels are both rasters and polygons: use one kind")
    if kinds == {True}:
        return _from_polygons(rasters, files, sources, options, reporter)
    if options.task in (INSTANCES, BOXES):
        more = ", or boxes (Pascal VOC, CSV, COCO)" if options.task == BOXES else ""
        raise OptionError(f"task {options.task} learns from polygons, one per object{more}, but the labels are rasters")
    if options.group_field or sources.class_field:
        given = "--group-field" if options.group_field else "--class-field"
        raise OptionError(f"{given} names a field of polygons, but the labels are rasters")
    if options.buffer:
        raise OptionError("buffer is for points and lines, but the labels are rasters; leave it out")
    vocabulary, name = _raster_vocabulary(files[0]), str(files[0]) if len(files) == 1 else "labels"
    wanted = parse_classes(sources.classes, options.background)
    return _Found(match_rasters(rasters, files, named_values(wanted, vocabulary)), vocabulary, name)


def _check_suffixes(files: Sequence[Any], task: str) -> None:
    """Check that files are not labels of a kind that is not read, or not for this task."""
    for file in files:
        if is_box_file(file):
            raise InputError(f"{file}: holds boxes, or a table of them, which are for --task boxes; give polygons")
        if isinstance(file, str | Path) and Path(file).suffix.lower() == ".txt":
            kinds = ", Pascal VOC, CSV" if task == BOXES else ""
            raise InputError(
                f"{file}: text files, such as YOLO's, are no labels; convert them to COCO JSON{kinds} or polygons"
            )


def _from_polygons(
    rasters: list[Raster], files: list[Any], sources: Sources, options: TrainOptions, reporter: Reporter
) -> _Found:
    only = "object" if options.task in (INSTANCES, BOXES) else None
    polygons = read_polygons(files, sources.class_field, options.group_field, options.buffer, only)
    vocabulary, name = polygons.vocabulary, polygons.label
    for note in polygons.notes:
        reporter.warning(note)
    if polygons.skipped:
        reporter.warning(
            f"{name}: {polygons.skipped} polygons without a class are treated as unlabelled; to use them, fill in "
            f"their field {polygons.field!r}"
        )
    _tell_alike(name, vocabulary, f"in field {polygons.field!r}", reporter)
    placed: list[LabelSource | None] = [polygons.on(raster.grid, raster.sources[0]) for raster in rasters]
    return _Found(placed, vocabulary, name, polygons)


def _from_box_files(rasters: list[Raster], files: list[Any], class_field: str | None, reporter: Reporter) -> _Found:
    if other := [str(file) for file in files if not is_box_file(file)]:
        raise InputError(f"{other[0]}: labels are boxes in XML or CSV, and others: use one kind")
    boxes = read_boxes([str(file) for file in files], class_field=class_field)
    placed, notes = boxes.on(rasters)
    for note in notes:
        reporter.warning(note)
    _tell_alike(boxes.label, boxes.vocabulary, "in the labels", reporter)
    return _Found([*placed], boxes.vocabulary, boxes.label)


def _from_coco(rasters: list[Raster], files: list[Any], reporter: Reporter, *, boxes: bool) -> _Found:
    if len(files) > 1:
        raise InputError(f"{files[0]}: is a COCO file and stands for all labels: give it alone")
    labels = read_coco(str(files[0]), boxes=boxes)
    placed, notes = labels.on(rasters)
    for note in notes:
        reporter.warning(note)
    _tell_alike(labels.label, labels.vocabulary, "in the categories", reporter)
    return _Found([*placed], labels.vocabulary, labels.label)


def _as_objects(found: _Found, rasters: list[Raster]) -> tuple[_Found, dict[str, dict[str, float]]]:
    """Return the labels as cores and rims of objects, and the sizes of these."""
    shapes = [one if isinstance(one, PolygonLabels) else None for one in found.sources]
    placed = [(one, raster.grid.crs) for one, raster in zip(shapes, rasters, strict=True) if one is not None]
    sizes = object_sizes(placed, [item.name for item in found.vocabulary.classes])
    objects: list[LabelSource | None] = [None if one is None else InstanceLabels(one) for one in shapes]
    return _Found(objects, instance_vocabulary(found.vocabulary), found.name, found.polygons), sizes


def model_labels(
    rasters: list[Raster], maps: Sequence[SoftLabels], classes: tuple[MapClass, ...], cell: int, reporter: Reporter
) -> Labelled:
    """Return images labelled by other models' maps, and count them."""
    pairs: list[tuple[Raster, LabelSource]] = list(zip(rasters, maps, strict=True))
    counts = _count(pairs, cell, reporter, on_valid=False)
    return Labelled(rasters, list(maps), counts, Vocabulary(classes, closed=True), maps[0].label, None)


def _tell_alike(name: str, vocabulary: Vocabulary, where: str, reporter: Reporter) -> None:
    if alike := _alike([item.name for item in vocabulary.classes]):
        reporter.warning(
            f"{name}: classes {' and '.join(map(repr, alike))} differ in case only; if they are one, write them alike "
            f"{where}"
        )


def _alike(names: Sequence[str]) -> list[str]:
    """Return the first names that differ in case only."""
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.casefold(), []).append(name)
    return next((group for group in folded.values() if len(group) > 1), [])


def _raster_vocabulary(path: str) -> Vocabulary:
    from geoseg.raster.gdal.datasets import open_dataset
    from geoseg.raster.gdal.environment import environment, gdal_path
    from geoseg.write.class_names import classes_of

    target = gdal_path(path)
    with environment(target), open_dataset(target) as data:
        return Vocabulary(classes_of(data, 1), closed=False)


def _count(
    pairs: Sequence[tuple[Raster, LabelSource]], cell: int, reporter: Reporter, *, on_valid: bool
) -> list[LabelCounts]:
    """Count the labels of each image, with ``on_valid`` only on its valid pixels."""
    total, done = sum(chunk_count(raster.shape, cell) for raster, _ in pairs), [0]

    def tick() -> None:
        done[0] += 1
        reporter.progress(done[0], total, "read labels")

    return [
        count_labels(source, raster.shape, cell, tick, _validity(raster) if on_valid else None)
        for raster, source in pairs
    ]


def _validity(raster: Raster) -> Callable[[Box], NDArray[np.bool_]]:
    return lambda box: raster.read(box).valid
