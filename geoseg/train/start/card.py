"""The card of a network that is to be trained: what images, split and options say before there are weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geoseg.classes import MapClass
from geoseg.errors import OptionError
from geoseg.models import BandSpec, ModelCard
from geoseg.models.card.boxes import ARCHITECTURE
from geoseg.models.card.inputs import fusions_of
from geoseg.models.card.stac import ENCODER_GEOMETRY
from geoseg.models.networks.smp import FUSION, PIXEL_NET
from geoseg.progress.reporters import Reporter
from geoseg.raster import Raster
from geoseg.train.data.augment import Augment
from geoseg.train.data.stacks import Stacks, measured_inputs
from geoseg.train.data.statistics import measure, resolution_of
from geoseg.train.options import BOXES, CHANGE, PIXEL, TrainOptions
from geoseg.train.validation.split_choice import ChosenSplit, usual_margin

SMP_STRIDE = ENCODER_GEOMETRY["stride"]
"""What sides of windows of segmentation-models-pytorch's networks are multiples of, in pixels."""


def fresh_card(
    rasters: Sequence[Raster],
    classes: tuple[MapClass, ...],
    chosen: ChosenSplit,
    options: TrainOptions,
    reporter: Reporter,
) -> ModelCard:
    """Return the card of a new model of one scene at a time."""
    first = rasters[0]
    if any(band.scaled != first.bands[0].scaled for raster in rasters for band in raster.bands):
        reporter.warning(
            "some images have scale and offset and others have not: the latter are assumed to be in the units of the "
            "first image; set them for all images with --scale and --offset"
        )
    bands = tuple(BandSpec(name=b.name, scale=b.scale, offset=b.offset) for b in first.bands)
    statistics = measure(rasters, bands, chosen.split.parts, chosen.cell, options.seed)
    for band, deviation in zip(bands, statistics.deviation, strict=True):
        if deviation <= 0:
            reporter.warning(f"band {band.name} is constant over the training part: the model learns nothing from it")
    fields = _network_fields(options, chosen, rasters)
    return ModelCard(
        bands=bands,
        value_scaling=statistics.scaling(),
        value_range=statistics.value_range(first.dtype),
        value_percentiles=statistics.percentiles,
        classes=classes,
        **fields,
    )


def inputs_card(
    stacks: Stacks,
    classes: tuple[MapClass, ...],
    chosen: ChosenSplit,
    options: TrainOptions,
    reporter: Reporter,
) -> ModelCard:
    """Return the card of a new model of several inputs."""
    known = fusions_of(stacks.inputs)
    if options.fusion is not None and options.fusion not in known:
        names = ", ".join(spec.name for spec in stacks.inputs)
        raise OptionError(f"fusion {options.fusion} does not join {names}: use {', '.join(known)}")
    if options.task == CHANGE and options.background not in (None, classes[0].name):
        raise OptionError(
            f"the first class is {classes[0].name!r}, and for task change it must be what has not changed: put "
            f"{options.background} first in --classes"
        )
    measured, constant = measured_inputs(stacks, chosen.split.parts, chosen.cell, options.seed)
    for name in constant:
        reporter.warning(f"band {name} is constant over the training part: the model learns nothing from it")
    fields = _network_fields(options, chosen, stacks.rasters)
    fields["hyperparameters"] |= {FUSION: options.fusion or known[0]}
    for spec in measured["inputs"]:
        reporter.info(f"input {spec.text()}")
    return ModelCard(classes=classes, **measured, **fields)


def _network_fields(options: TrainOptions, chosen: ChosenSplit, rasters: Sequence[Raster]) -> dict[str, Any]:
    """Return the fields of a new card that say which network it is, and which windows and pixels it takes."""
    resolution = resolution_of(rasters, Augment(options.augment).zoom)
    if options.arch == PIXEL:
        return {"name": "untrained", "architecture": PIXEL_NET, "hyperparameters": {}, "resolution": resolution}
    return {
        "name": "untrained",
        "architecture": _architecture(options),
        "hyperparameters": {"encoder": options.encoder},
        "stride": SMP_STRIDE,
        "margin": usual_margin(chosen.window, SMP_STRIDE),
        "min_window": SMP_STRIDE,
        "resolution": resolution,
    }


def _architecture(options: TrainOptions) -> str:
    if options.task == BOXES:
        return ARCHITECTURE + options.arch
    from geoseg.models.networks.smp import smp_class

    return smp_class(options.arch).__name__
