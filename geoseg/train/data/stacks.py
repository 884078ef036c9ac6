"""Scenes of several inputs for training: which files belong together, and what the card says of each input."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError, OptionError
from geoseg.models import BandSpec
from geoseg.models.card.inputs import (
    AFTER,
    BEFORE,
    MOST_STEPS,
    InputSpec,
    is_change,
    kind_of,
    slots_of,
    spread_fields,
)
from geoseg.models.inputs import stack_inputs
from geoseg.raster import Raster
from geoseg.raster.stacks.places import DATE, opened, scenes_of
from geoseg.raster.stacks.source import stack_of
from geoseg.train.data.statistics import measure
from geoseg.train.options import BOXES, CHANGE, INSTANCES, SEMANTIC, TrainOptions

if TYPE_CHECKING:
    from geoseg.models import ModelCard
    from geoseg.train.validation.split import Parts


@dataclass(frozen=True, eq=False)
class Stacks:
    """Scenes of several inputs, and the inputs as far as files tell; their values are not known yet."""

    rasters: list[Raster]
    inputs: tuple[InputSpec, ...]


@dataclass(frozen=True)
class InputOptions:
    """How several inputs are learned from: see :func:`geoseg.train`."""

    dropout: float = 0.0
    encoding: str = "day-of-year"


def open_stacks(
    given: Mapping[str, Any], reading: Mapping[str, Any], options: InputOptions, base: Sequence[InputSpec] = ()
) -> Stacks:
    """Open scenes of several inputs.

    Parameters
    ----------
    given
        Files of each input by its name, folders of them, or patterns. ``date`` alone is a series, ``before`` and
        ``after`` are scenes of change.
    reading
        Keyword arguments of :func:`geoseg.open_raster`.
    options
        How they are learned from.
    base
        Inputs of the model to fine-tune; empty for a new one.

    Raises
    ------
    InputError
        If files are missing, or it is unclear which belong together.
    OptionError, ContractError
        If names or options are impossible, or files lack bands.
    """
    for name in given:
        if len(given) > 1 and name == DATE:
            raise OptionError(f"an input of several cannot be called {DATE}, which is a series: call it otherwise")
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_\-]{0,63}", name) is None:
            raise OptionError(f"input {name!r}: a name begins with a letter and has letters, digits, _ and - only")
    scenes = scenes_of(given, reading, (BEFORE, AFTER))
    inputs = tuple(base) or _described(scenes, reading, options)
    label = "the model to fine-tune" if base else "the model"
    rasters = [
        scene if isinstance(scene, Raster) else stack_inputs(inputs, scene, reading, label=label) for scene in scenes
    ]
    if rasters and not base and (left := _left_out(scenes, inputs, reading)):
        rasters[0] = replace(rasters[0], notes=(*rasters[0].notes, *left))
    return Stacks(rasters, inputs)


def _left_out(
    scenes: Sequence[Mapping[str, Any]], inputs: Sequence[InputSpec], reading: Mapping[str, Any]
) -> list[str]:
    """Return notes on bands of some files that the first one of their input does not have."""
    notes = []
    for spec in inputs:
        for scene in scenes:
            given = scene.get(spec.name)
            for source in given.values() if isinstance(given, Mapping) else [given]:
                raster = None if source is None else opened(source, reading)
                more = [] if raster is None else [b.name for b in raster.bands if b.name not in spec.bands]
                if raster is not None and more:
                    notes.append(
                        f"{raster.name}: has bands that the first {spec.name} has not, left out: {', '.join(more)}"
                    )
    return notes


def open_given(
    images: Sequence[Any],
    reading: Mapping[str, Any],
    options: TrainOptions,
    card: ModelCard | None,
    *,
    unlabelled: bool = False,
) -> Stacks | None:
    """Open the images of a training if they are scenes of several inputs; None if they are single scenes.

    Parameters
    ----------
    images, reading, options
        As of the training.
    card
        Of the model to fine-tune.
    unlabelled
        Whether further images without labels are given.

    Raises
    ------
    InputError, OptionError, ContractError
        If they do not suit the task, the options or the model to fine-tune; see :func:`open_stacks`.
    """
    check_kind(images, card)
    given = _several(images)
    if given is None:
        if options.task == CHANGE or options.fusion is not None:
            what = "task change" if options.task == CHANGE else f"fusion {options.fusion}"
            raise OptionError(f"{what} needs scenes of several inputs: give them with --before and --after, --dates or "
                              "--source NAME=FILE")  # fmt: skip
        return None
    if unlabelled or options.also is not None or options.task in (INSTANCES, BOXES):
        what = "unlabelled images" if unlabelled else "--also" if options.also else f"task {options.task}"
        raise OptionError(f"{what} and several inputs are both given: use one of them")
    if (list(given) == [BEFORE, AFTER]) != (options.task == CHANGE):
        raise OptionError("task change takes --before and --after, and these go with no other task")
    return open_stacks(
        given, reading, InputOptions(options.input_dropout, options.date_encoding), card.inputs if card else ()
    )


def task_of(card: ModelCard) -> str:
    """Return the task of the training that a model comes from, as far as its images depend on it."""
    return CHANGE if is_change(card.inputs) else SEMANTIC


def check_kind(images: Sequence[Any], card: ModelCard | None) -> None:
    """Check that images are single scenes, or scenes of several inputs, as a model takes them.

    Raises
    ------
    InputError
        If they are of the other kind.
    """
    if card is None or (_several(images) is not None) == bool(card.inputs):
        return
    if card.inputs:
        raise InputError(
            f"model {card.name!r} takes several inputs, not single images: give them with --source, --dates, or "
            "--before and --after"
        )
    raise InputError(f"model {card.name!r} takes one scene: give its images with --images")


def _several(images: Sequence[Any]) -> Mapping[str, Any] | None:
    return images[0] if len(images) == 1 and isinstance(images[0], Mapping) else None


def _described(
    scenes: Sequence[Mapping[str, Any]], reading: Mapping[str, Any], options: InputOptions
) -> tuple[InputSpec, ...]:
    """Return the inputs of scenes, with the bands of the first scene that has each."""
    found = []
    names = list(dict.fromkeys(name for scene in scenes for name in scene))
    for name in names:
        first = next(scene[name] for scene in scenes if scene.get(name) is not None)
        source = next(iter(first.values())) if name == DATE else first
        raster = opened(source, reading)
        bands = tuple(band.name for band in raster.bands)
        if name == DATE:
            steps = max(len(scene[name]) for scene in scenes)
            gaps = options.dropout > 0 or any(len(scene[name]) < steps for scene in scenes)
            if steps > MOST_STEPS:
                raise OptionError(
                    f"{steps} dates of one place are given: a model takes at most {MOST_STEPS}; leave some out, or "
                    "join those of a week or month with geoseg composite"
                )
            found.append(InputSpec(name=name, bands=bands, steps=steps, dates=options.encoding, optional=gaps))
        else:
            gaps = options.dropout > 0 or any(scene.get(name) is None for scene in scenes)
            needed = name in (BEFORE, AFTER)
            found.append(InputSpec(name=name, bands=bands, optional=gaps and not needed))
    if kind_of(found) == "change" and found[0].bands != found[1].bands:
        raise InputError(
            f"the scenes before have bands {', '.join(found[0].bands)}, those after {', '.join(found[1].bands)}: both "
            "need the same bands; choose them with --bands"
        )
    return tuple(found)


# --- what the card says


def measured_inputs(
    stacks: Stacks, parts: Sequence[Parts], cell: int, seed: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the fields ``inputs``, ``bands`` and ``value_scaling`` of a card, and the names of constant bands.

    All dates of a series share their scaling, and so do before and after: one encoder sees them.

    Parameters
    ----------
    stacks
        The scenes that have labels.
    parts, cell, seed
        As of :func:`geoseg.train.data.statistics.measure`.

    Raises
    ------
    InputError
        If an input has no data where labels are.
    """
    inputs, units, scalings, constant = [], {}, {}, []
    together = is_change(stacks.inputs)
    for spec in stacks.inputs:
        views, own, sizes, days = [], [], [], []
        for raster, part in zip(stacks.rasters, parts, strict=True):
            stack = stack_of(raster)
            assert stack is not None
            for (known, _, name), slot in zip(slots_of(stacks.inputs), stack.slots, strict=True):
                if slot.raster is not None and (known is spec or together):
                    views.append(raster.select(known.channels(name)[: len(spec.bands)]))
                    own.append(part)
                    sizes += [] if slot.pixel is None else [slot.pixel]
                    days += [] if slot.day is None else [slot.day]
        first = views[0].bands
        bands = [
            BandSpec(name=name, scale=band.scale, offset=band.offset)
            for name, band in zip(spec.bands, first, strict=True)
        ]
        try:
            found = measure(views, bands, own, cell, seed)
        except InputError:
            raise InputError(
                f"input {spec.name} has no data where the training labels are: leave it out, or check its nodata value"
            ) from None
        constant += [f"{spec.name}:{b.name}" for b, width in zip(bands, found.deviation, strict=True) if width <= 0]
        update = {
            # Of what does not vary, nothing is known: a height model of flat land.
            "value_range": found.value_range(views[0].dtype) if (found.deviation > 0).any() else None,
            "value_percentiles": found.percentiles,
            "resolution": (float(f"{min(sizes):.4g}"), float(f"{max(sizes):.4g}")) if sizes else None,
            "days": (min(days), max(days)) if days else None,
        }
        inputs.append(spec.model_copy(update=update))
        units[spec.name] = [(band.scale, band.offset) for band in bands]
        scalings[spec.name] = found.scaling()
    return {"inputs": tuple(inputs), **spread_fields(inputs, units, scalings)}, tuple(constant)
