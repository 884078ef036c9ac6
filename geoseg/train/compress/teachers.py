"""The maps of the models that are learned from, written once: training then costs no pass through large networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.models import Model
from geoseg.progress.reporters import Reporter
from geoseg.raster import Raster, open_raster
from geoseg.segment.block import make_recipe, segment_block
from geoseg.segment.plan import Options, make_plan
from geoseg.system.threads import ordered_map
from geoseg.train.data.images import open_images
from geoseg.train.data.soft_labels import SoftLabels
from geoseg.write import CogSink

if TYPE_CHECKING:
    from geoseg.train.options import TrainOptions


def teach(
    teachers: Sequence[Model],
    orders: Sequence[tuple[int, ...]],
    images: Sequence[Any],
    reading: Mapping[str, Any],
    folder: Path,
    training: TrainOptions,
    reporter: Reporter,
) -> list[SoftLabels]:
    """Segment images by each teacher and return what they say together, for each image in order.

    Parameters
    ----------
    teachers, orders
        The models, and the positions of the student's classes in each; see :func:`~.distillation.class_orders`.
    images, reading
        As of :func:`geoseg.train`.
    folder
        For the maps: about a byte per pixel, class and teacher.
    training
        Device and memory.

    Raises
    ------
    InputError, ContractError
        If an image cannot be read, or does not fit a teacher.
    """
    options = Options(device=training.device, memory=training.memory, probabilities="all")
    maps: list[list[tuple[Raster, Raster]]] = []
    for number, teacher in enumerate(teachers):
        rasters = open_images(images, reading, teacher.card)
        own = []
        for place, raster in enumerate(rasters):
            reporter.progress(place, len(rasters), f"segment by {teacher.card.name}: {raster.name}")
            own.append(_segment(raster, teacher, options, folder / f"{number}_{place}", reporter, first=not place))
        reporter.progress(len(rasters), len(rasters), f"segment by {teacher.card.name}")
        maps.append(own)
    label = f"the map{'s' * (len(teachers) > 1)} of {', '.join(teacher.card.name for teacher in teachers)}"
    return [
        SoftLabels(label, each[0][0] if len(each) == 1 else None, tuple(p for _, p in each), tuple(orders))
        for each in zip(*maps, strict=True)
    ]


def _segment(
    raster: Raster, teacher: Model, options: Options, path: Path, reporter: Reporter, *, first: bool
) -> tuple[Raster, Raster]:
    """Write class map and probabilities of an image, and open them."""
    plan = make_plan(raster, teacher, options)
    if first:  # the images of a set are alike, and so are their warnings
        for line in plan.warnings_of(raster.name):
            reporter.warning(line)
    recipe = make_recipe(plan)
    names = [c.name for c in teacher.card.classes]
    files = path.with_suffix(".classes.tif"), path.with_suffix(".percents.tif")
    box = plan.raster.geobox
    with CogSink(files[0], box) as classes, CogSink(files[1], box, kind="probabilities", bands=names) as percents:
        indices = range(plan.tiling.block_count)
        for block in ordered_map(lambda index: segment_block(recipe, index), indices, plan.workers):
            classes.write(block.box, block.classes)
            for band, values in enumerate(block.probabilities):
                percents.write(block.box, values, band)
    return open_raster(files[0]), open_raster(files[1])
