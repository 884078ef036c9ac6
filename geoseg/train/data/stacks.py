"""Scenes of several inputs for training: which files belong together, and what the card says of each input."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
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
from geoseg.raster import Raster, open_raster
from geoseg.raster.grids import bounds_in
from geoseg.raster.stacks.series import dates_of, in_order
from geoseg.raster.stacks.source import stack_of
from geoseg.train.data.images import expanded
from geoseg.train.data.statistics import measure
from geoseg.train.options import BOXES, CHANGE, INSTANCES, TrainOptions

if TYPE_CHECKING:
    from geoseg.models import ModelCard
    from geoseg.train.data.label_images import Sources
    from geoseg.train.validation.split import Parts

DATE = "date"
"""Name of the input of a series."""

# Share of a scene that a file must cover to be taken for its, and of the smaller of two scenes for one place.
_COVERS, _SAME_PLACE = 0.99, 0.5


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
    scenes = _series(given[DATE], reading) if list(given) == [DATE] else _paired(given, reading)
    inputs = tuple(base) or _described(scenes, reading, options)
    label = "the model to fine-tune" if base else "the model"
    rasters = [
        scene if isinstance(scene, Raster) else stack_inputs(inputs, scene, reading, label=label) for scene in scenes
    ]
    return Stacks(rasters, inputs)


def open_given(sources: Sources, options: TrainOptions, card: ModelCard | None) -> Stacks | None:
    """Open the images of a training if they are scenes of several inputs; None if they are single scenes.

    Raises
    ------
    InputError, OptionError, ContractError
        If they do not suit the task, the options or the model to fine-tune; see :func:`open_stacks`.
    """
    given = sources.images[0] if len(sources.images) == 1 else None
    if not isinstance(given, Mapping):
        if card is not None and card.inputs:
            raise InputError(
                f"model {card.name!r} takes several inputs, not single images: geoseg train --from takes them with "
                "--source, --dates, or --before and --after"
            )
        if options.task == CHANGE or options.fusion is not None:
            what = "task change" if options.task == CHANGE else f"fusion {options.fusion}"
            raise OptionError(f"{what} needs scenes of several inputs: give them with --before and --after, --dates or "
                              "--source NAME=FILE")  # fmt: skip
        return None
    if sources.unlabelled or options.also is not None or options.task in (INSTANCES, BOXES):
        what = "unlabelled images" if sources.unlabelled else "--also" if options.also else f"task {options.task}"
        raise OptionError(f"{what} and several inputs are both given: use one of them")
    if (list(given) == [BEFORE, AFTER]) != (options.task == CHANGE):
        raise OptionError("task change takes --before and --after, and these go with no other task")
    if card is not None and not card.inputs:
        raise InputError(f"model {card.name!r} takes one scene: give its images with --images")
    return open_stacks(
        given, sources.reading, InputOptions(options.input_dropout, options.date_encoding), card.inputs if card else ()
    )


def _described(
    scenes: Sequence[Mapping[str, Any]], reading: Mapping[str, Any], options: InputOptions
) -> tuple[InputSpec, ...]:
    """Return the inputs of scenes, with the bands of the first scene that has each."""
    found = []
    names = list(dict.fromkeys(name for scene in scenes for name in scene))
    for name in names:
        first = next(scene[name] for scene in scenes if scene.get(name) is not None)
        source = next(iter(first.values())) if name == DATE else first
        raster = _opened(source, reading)
        bands = tuple(band.name for band in raster.bands)
        if name == DATE:
            steps = max(len(scene[name]) for scene in scenes)
            gaps = options.dropout > 0 or any(len(scene[name]) < steps for scene in scenes)
            if steps > MOST_STEPS:
                raise OptionError(f"{steps} dates of one place are given: a model takes at most {MOST_STEPS}")
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


# --- which files belong together


def _files(name: str, given: Any, *, stack: bool) -> list[Any]:
    """Return the scenes of one input; patterns and, unless they are stacks, folders are replaced by their files."""
    found: list[Any] = []
    for one in given if isinstance(given, list | tuple) else [given]:
        if isinstance(one, str) and any(mark in one for mark in "*?[") and not Path(one).exists():
            matched = sorted(glob.glob(one, recursive=True))  # noqa: PTH207  patterns may be absolute
            if not matched:
                raise InputError(f"{name}: no file matches {one}")
            found += matched
        else:
            found += [one] if stack else expanded(one)
    if not found:
        raise InputError(f"{name}: no file is given")
    return found


def _paired(given: Mapping[str, Any], reading: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each scene of the first input those of the others that show it."""
    files = {name: _files(name, each, stack=bool(reading.get("stack"))) for name, each in given.items()}
    (first, scenes), *others = files.items()
    opened = {name: [_opened(one, reading) for one in each] for name, each in files.items()}
    result = []
    for number, scene in enumerate(scenes):
        entry = {first: scene}
        for name, each in others:
            place = _partner(opened[first][number], opened[name], name, len(scenes))
            if place is not None:
                entry[name] = each[place]
            elif {first, name} == {BEFORE, AFTER}:
                raise InputError(f"{_name(scene)}: no scene {name} shows the same place")
        result.append(entry)
    for name, _ in others:
        if not any(name in entry for entry in result):
            raise InputError(f"{name}: {_name(files[name][0])} and the others show none of the scenes of {first}")
    return result


def _opened(source: Any, reading: Mapping[str, Any]) -> Raster:
    return source if isinstance(source, Raster) else open_raster(source, **reading)


def _name(source: Any) -> str:
    return source.name if isinstance(source, Raster) else Path(str(source)).name


def _partner(scene: Raster, others: Sequence[Raster], name: str, scenes: int) -> int | None:
    """Return the place of the raster that shows a scene; None if none does."""
    stem = Path(scene.sources[0]).stem
    alike = [place for place, other in enumerate(others) if Path(other.sources[0]).stem == stem]
    if len(alike) == 1 and len(others) > 1:
        return alike[0]
    if not scene.georeferenced:
        if len(others) == 1 and scenes == 1:
            return 0
        raise InputError(f"{scene.name}: has no CRS, so its {name} is found by name only: call it {stem}, too")
    shares = [_share(other, scene) for other in others]
    near = [place for place, share in enumerate(shares) if share > 0]
    whole = [place for place in near if shares[place] >= _COVERS]
    if len(near) > 1 and len(whole) != 1:
        listing = ", ".join(others[place].name for place in near[:4])
        remedy = "call the right one as the scene" if whole else "join them: gdalbuildvrt MOSAIC.vrt FILE…"
        raise InputError(f"{scene.name}: several rasters of {name} show it ({listing}); {remedy}")
    return next(iter(whole or near), None)


def _share(one: Raster, scene: Raster) -> float:
    """Return which share of a scene's extent another raster covers."""
    if one.grid.crs is None:
        return 0.0
    west, south, east, north = bounds_in(one.grid, scene.grid.crs, one.name)
    left, bottom, right, top = scene.grid.bounds()
    across, down = min(east, right) - max(west, left), min(north, top) - max(south, bottom)
    return max(across, 0) * max(down, 0) / ((right - left) * (top - bottom))


def _series(given: Any, reading: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the series of each place: its scenes by date, in the order of time."""
    dated = dates_of(given if isinstance(given, Mapping) else _files(DATE, given, stack=bool(reading.get("stack"))))
    places: list[tuple[Raster, list[tuple[date, Any]]]] = []
    for day, source in dated:
        raster = _opened(source, reading)
        for reference, series in places:
            if _together(raster, reference):
                series.append((day, source))
                break
        else:
            places.append((raster, [(day, source)]))
    return [{DATE: dict(in_order(series))} for _, series in places]


def _together(one: Raster, other: Raster) -> bool:
    """Whether two rasters show the same place."""
    if one.grid.crs is None and other.grid.crs is None:
        return one.shape == other.shape
    return max(_share(one, other), _share(other, one)) >= _SAME_PLACE


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
            raise InputError(f"input {spec.name} has no data where the training labels are") from None
        constant += [f"{spec.name}:{b.name}" for b, width in zip(bands, found.deviation, strict=True) if width <= 0]
        update = {
            "value_range": found.value_range(views[0].dtype),
            "value_percentiles": found.percentiles,
            "resolution": (float(f"{min(sizes):.4g}"), float(f"{max(sizes):.4g}")) if sizes else None,
            "days": (min(days), max(days)) if days else None,
        }
        inputs.append(spec.model_copy(update=update))
        units[spec.name] = [(band.scale, band.offset) for band in bands]
        scalings[spec.name] = found.scaling()
    return {"inputs": tuple(inputs), **spread_fields(inputs, units, scalings)}, tuple(constant)
