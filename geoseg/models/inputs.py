"""The inputs of a model of several -> one raster that it can be run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from geoseg.errors import ContractError, OptionError
from geoseg.models.card.inputs import InputSpec, how_to_run, is_change
from geoseg.models.model import load_model
from geoseg.raster.bands.names import shared_name
from geoseg.raster.composite.dates import out_of_order
from geoseg.raster.raster import Raster
from geoseg.raster.stacks.api import SlotFiles, stack_slots
from geoseg.raster.stacks.series import dated

# Options of open_raster that mean one file; each input has its own.
_OF_ONE = ("bands", "scale", "offset", "nodata", "stack")

# Bands of days are of 16 bits.
_MOST_DAYS = 65_535


def open_inputs(
    model: Any, given: Mapping[str, Any], reading: Mapping[str, Any] | None = None, *, name: str | None = None
) -> Raster:
    """Open the inputs of a model of several: sensors, dates, before and after.

    All are brought to the pixels of the first that is there, in the model's order.

    Parameters
    ----------
    model
        Name, folder or loaded model.
    given
        A scene, as :func:`geoseg.open_raster` takes it, for each input by its name. For an input of dates a list of
        scenes whose names tell their dates, ``["2024-06-01=a.tif", …]``, or ``{"2024-06-01": "a.tif", …}``.
    reading
        Keyword arguments of :func:`geoseg.open_raster`; bands, scale, offset and nodata only for a single input.
    name
        Name of the scene; that of the first raster by default.

    Returns
    -------
    Raster
        With the bands of the model, to be segmented as any other; its notes say what is missing.

    Raises
    ------
    ContractError
        If the model takes one scene, has no such input, or one is missing that it needs; if a raster lacks bands.
    InputError
        If a raster cannot be opened, has no date, or they show different places.
    OptionError
        If an option of ``reading`` cannot hold for several inputs.

    Examples
    --------
    >>> import geoseg
    >>> from geoseg.models import open_inputs
    >>> open_inputs("spectral", {"optical": "scene.tif"})
    Traceback (most recent call last):
    geoseg.errors.ContractError: model 'spectral' takes one scene: give it without --source, --dates or before and after
    """
    card = load_model(model).card
    if not card.inputs:
        raise ContractError(
            f"model {card.name!r} takes one scene: give it without --source, --dates or before and after"
        )
    known = [spec.name for spec in card.inputs]
    if unknown := [key for key in given if key not in known]:
        raise ContractError(
            f"model {card.name!r} has no input {unknown[0]!r}: it has {', '.join(known)}; "
            f"run it by: {how_to_run(card.inputs)}"
        )
    label = f"model {card.name!r}"
    return stack_inputs(card.inputs, given, reading, name=name, label=label)


def stack_inputs(
    inputs: Sequence[InputSpec],
    given: Mapping[str, Any],
    reading: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    label: str,
) -> Raster:
    """Open scenes as the inputs that are described; ``label`` says in messages whose they are. See :func:`open_inputs`.

    Raises
    ------
    ContractError, InputError, OptionError
        As there.
    """
    options = dict(reading or {})
    if len(inputs) > 1 and not is_change(inputs) and (several := [key for key in _OF_ONE if key in options]):
        raise OptionError(
            f"{several[0]} is given, but {label} has several inputs and it cannot hold for all: state it in the files "
            "(gdal_edit.py, gdal_translate)"
        )
    slots: list[SlotFiles] = []
    notes: list[str] = []
    for spec in inputs:
        own, missing = _slots(spec, given.get(spec.name), inputs, label)
        slots += own
        notes += missing
    if is_change(inputs):
        names = [slot.source.name if isinstance(slot.source, Raster) else Path(str(slot.source)).name for slot in slots]
        if out_of_order(names) is not None:
            notes.append(f"{names[0]} is later than {names[1]} by its name, and given as the scene before")
    if name is None and any(spec.dates is not None for spec in inputs):
        stems = [Path(str(slot.source)).stem for slot in slots if isinstance(slot.source, str | Path)]
        name = shared_name(stems) or None
    raster = stack_slots(slots, options, name=name)
    return replace(raster, notes=(*raster.notes, *notes))


def _slots(spec: InputSpec, source: Any, inputs: Sequence[InputSpec], label: str) -> tuple[list[SlotFiles], list[str]]:
    """Return the slots of one input, and remarks on what is missing."""
    if source is None and not spec.optional:
        raise ContractError(
            f"{label} needs the input {spec.name} ({', '.join(spec.bands)}); run it by: {how_to_run(inputs)}"
        )
    if spec.dates is None:
        missing = [f"input {spec.name} is missing and masked"] if source is None else []
        return [SlotFiles(spec.name, source, spec.bands, required=not spec.optional)], missing
    series = [] if source is None else dated(source)
    if len(series) > spec.steps:
        raise ContractError(
            f"{len(series)} dates are given, {label} takes at most {spec.steps}: leave out those that are "
            "cloudiest or outside of the season"
        )
    if len(series) < spec.steps and not spec.optional:
        raise ContractError(f"{len(series)} dates are given, {label} needs {spec.steps}: it allows no gap")
    days = spec.encode([day for day, _ in series])
    if days and max(days) > _MOST_DAYS:
        raise ContractError(
            f"the dates reach from {series[0][0]} to {series[-1][0]}, {max(days):,} days; {label} is told at most "
            f"{_MOST_DAYS:,}: check the dates"
        )
    slots = [
        SlotFiles(slot, one, spec.bands, required=not spec.optional, day=code, when=day)
        for slot, (day, one), code in zip(spec.slots, series, days, strict=False)
    ]
    slots += [SlotFiles(slot, None, spec.bands, day=0) for slot in spec.slots[len(series) :]]
    note = f"{len(series)} of up to {spec.steps} dates are given, the others are masked"
    return slots, [note] if len(series) < spec.steps else []
