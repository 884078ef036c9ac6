"""The inputs of a card as STAC MLM has them, ``mlm:input``, and what it has no field for, ``geoseg:inputs``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from geoseg.errors import ModelError
from geoseg.models.card.inputs import InputSpec, spread_fields
from geoseg.models.card.values import first_defect, short

_FACTS = ("name", "steps", "dates", "optional", "days", "resolution", "value_range", "value_percentiles")


def facts_of(inputs: Sequence[InputSpec]) -> list[dict[str, Any]]:
    """Return ``geoseg:inputs``."""
    facts = []
    for spec in inputs:
        known = {key: getattr(spec, key) for key in _FACTS if getattr(spec, key) is not None}
        if spec.value_percentiles is not None:
            known["value_percentiles"] = spec.value_percentiles.to_json()
        facts.append({key: list(value) if isinstance(value, tuple) else value for key, value in known.items()})
    return facts


def input_items(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return ``mlm:input``, given the card as its fields by name; a series is one input with a dimension of time."""
    items = []
    for spec in card["inputs"]:
        scaling = [step and step.to_json() for step in card["value_scaling"][_places(card, spec)]]
        series = spec.dates is not None
        items.append(
            {
                "name": spec.name,
                "bands": [f"{spec.name}:{band}" for band in spec.bands],
                "input": {
                    "shape": [-1, *([spec.steps] if series else []), len(spec.bands), -1, -1],
                    "dim_order": ["batch", *(["time"] if series else []), "bands", "height", "width"],
                    "data_type": "float32",
                },
                "value_scaling": scaling if any(scaling) else None,
                "resize_type": None,
                "pre_processing_function": None,
            }
        )
    return items


def described_bands(card: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Return name in the item, name without its input, and band, of each band; of a series once for all dates."""
    if not card["inputs"]:
        return [(band.name, band.name, band) for band in card["bands"]]
    return [
        (f"{spec.name}:{plain}", plain, band)
        for spec in card["inputs"]
        for plain, band in zip(spec.bands, card["bands"][_places(card, spec)], strict=True)
    ]


def _places(card: Mapping[str, Any], spec: InputSpec) -> slice:
    """Return where the bands of an input's first slot stand among those of the card."""
    start = [band.name for band in card["bands"]].index(f"{spec.slots[0]}:{spec.bands[0]}")
    return slice(start, start + len(spec.bands))


def parse_inputs(
    facts: Sequence[Mapping[str, Any]],
    bands: Sequence[Sequence[Mapping[str, Any]]],
    scalings: Sequence[Sequence[Any]],
    name: str,
) -> dict[str, Any]:
    """Return the fields ``inputs``, ``bands`` and ``value_scaling`` of a card.

    Parameters
    ----------
    facts
        Entries of ``geoseg:inputs``.
    bands, scalings
        Bands and value scaling of the entries of ``mlm:input``.
    name
        The card's name, for messages.

    Raises
    ------
    ModelError
        If they do not fit together.
    """
    if len(facts) != len(bands):
        raise ModelError(f"model card {name!r}: mlm:input has {len(bands)} entries, geoseg:inputs {len(facts)}")
    inputs, units, steps = [], {}, {}
    for known, own, scaling in zip(facts, bands, scalings, strict=True):
        label = str(known.get("name"))
        if unknown := sorted(set(known) - set(_FACTS)):
            raise ModelError(f"model card {name!r}: geoseg:inputs has the unknown field {short(unknown[0])}")
        if scaling and len(scaling) != len(own):
            raise ModelError(
                f"model card {name!r}: value_scaling of input {short(label)} has {len(scaling)} entries for "
                f"{len(own)} bands: give one per band"
            )
        plain = tuple(str(band["name"]).removeprefix(f"{label}:") for band in own)
        try:
            inputs.append(InputSpec(**known, bands=plain))
        except ValidationError as error:
            raise ModelError(f"model card {name!r}: input {short(label)}: {first_defect(error)}") from None
        units[label] = [(band["scale"], band["offset"]) for band in own]
        steps[label] = scaling
    return {"inputs": inputs, **spread_fields(inputs, units, steps)}
