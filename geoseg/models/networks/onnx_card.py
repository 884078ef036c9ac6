"""Cards of ONNX graphs: adapted to what the graph states, or made from its metadata where there is none."""

from __future__ import annotations

import ast
import json
import math
import re
import shlex
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geoseg.classes import MAX_CLASSES, MapClass, default_color
from geoseg.errors import ModelError
from geoseg.models.card.card import ModelCard, card_with
from geoseg.models.card.scaling import ValueScaling
from geoseg.models.card.stac import ENCODER_GEOMETRY
from geoseg.models.networks.onnx_adapt import Form, form_of, input_form, output_axes
from geoseg.models.networks.onnx_contract import GraphContract
from geoseg.tiling import round_up

BANDS_KEY = "geoseg:bands"
"""Metadata key of the names of the bands, separated by commas, in the order of the graph's input."""

# Keys under which class names are stored: by Deepness, by Ultralytics, and by hand.
_CLASS_KEYS = ("class_names", "names", "classes", "labels")

# Deepness shows three bands as red, green and blue unless the user maps others.
_USUAL_BANDS = {3: ("red", "green", "blue")}

# Pixel sizes that are near enough to the one that the metadata state.
_NEAR = (0.8, 1.25)

# Longest metadata value that is read.
_MAX_TEXT = 1_000_000


def fitted_card(card: ModelCard, contract: GraphContract) -> tuple[ModelCard, Form]:
    """Return the card with the windows and values that a graph demands, and how the graph serves it.

    Raises
    ------
    ModelError
        If the graph's input or outputs do not fit the card.
    """
    form = form_of(contract, card)
    changes: dict[str, Any] = {}
    sides = [side for side in form.source.sides if side]
    if sides:
        changes |= fixed_windows(card, min(sides))
    elif card.stride == 1 and contract.reduction > 1:
        stride = contract.reduction
        changes |= {
            "stride": stride,
            "margin": round_up(card.margin, stride),
            "min_window": round_up(card.min_window, stride),
        }
    if form.whole_numbers:
        changes |= _whole_numbers(card, form)
    changes = {name: value for name, value in changes.items() if getattr(card, name) != value}
    return (card_with(card, **changes) if changes else card), form


def fixed_windows(card: ModelCard, window: int) -> dict[str, Any]:
    """Return the fields of a card whose network takes windows of one side only."""
    stride = card.stride if window % card.stride == 0 and 2 * card.stride <= window else 1
    margin = card.margin
    if 2 * margin + stride > window:
        margin = window // 4 // stride * stride
    elif margin % stride:
        margin = round_up(margin, stride)
    return {"window": window, "min_window": window, "stride": stride, "margin": margin}


def _whole_numbers(card: ModelCard, form: Form) -> dict[str, Any]:
    fractions = [step.type for step in card.value_scaling if step and step.type in ("min-max", "z-score")]
    if fractions:
        raise ModelError(
            f"model {card.name!r}: its graph takes whole numbers ({form.source.dtype}), but the card's value_scaling "
            f"{fractions[0]!r} makes fractions of them; remove value_scaling, or use 'scale' to reach 0…255"
        )
    if form.source.dtype == "uint8" and card.value_range is None and not any(card.value_scaling):
        return {"value_range": (0.0, 255.0)}
    return {}


def notes_of(card: ModelCard, form: Form) -> tuple[str, ...]:
    """Return what users should know about the maps of a graph, one line each."""
    notes = []
    if form.whole_numbers and not any(card.value_scaling):
        notes.append(f"model {card.name!r} takes whole numbers ({form.source.dtype}): stored values as they are")
    if form.result.kind == "classes":
        notes.append(f"model {card.name!r} returns classes without scores: confidence is 100 in every pixel")
    return tuple(notes)


# Cards from metadata ------------------------------------------------------------------------------------------------


def made_card(contract: GraphContract, path: Path) -> ModelCard:
    """Return the card of a graph that has none, from what Deepness or others wrote into its metadata.

    Parameters
    ----------
    contract
        The graph's contract, with its metadata.
    path
        Its file, which gives the model its name.

    Raises
    ------
    ModelError
        If the metadata do not say what the model takes and returns; the message is a command that adds what lacks.
    """
    values = {key: metadata_value(text) for key, text in contract.metadata.items()}
    kind = values.get("model_type")
    deepness = kind is not None
    if deepness and str(kind).strip().lower() != "segmentor":
        raise ModelError(f"{path} is a {str(kind)[:40]!r} by its metadata; geoseg runs segmentation models only")
    names = class_names(values, path)
    count = bands_of(contract, str(path))
    bands = band_names(values, count)
    whole = "float" not in contract.inputs[0].dtype
    scaling = None if whole else scaling_in(values, count, path, deepness=deepness)
    classes = _classes(contract, names, count)
    lacks = {
        BANDS_KEY: None if bands else ",".join(_example_bands(count or 3)),
        "class_names": None if classes else '{"0": "background", "1": "class"}',
        # Said in the terms of Deepness: of stored values divided by 255.
        "standardization_mean": None if whole or scaling is not None else json.dumps([0.0] * (count or 3)),
        "standardization_std": None if whole or scaling is not None else json.dumps([1.0] * (count or 3)),
    }
    if any(lacks.values()) or bands is None or classes is None:
        raise ModelError(_request(path, {key: value for key, value in lacks.items() if value}))
    fields: dict[str, Any] = {
        "name": name_of(path),
        "title": "Made from the metadata of an ONNX file",
        "architecture": "onnx",
        "bands": [{"name": name} for name in bands],
        "classes": classes,
        "value_scaling": scaling or (),
        "value_range": (0.0, 255.0) if scaling or whole else None,
        "resolution": resolution_in(values, path),
    }
    return ModelCard(**fields, **_geometry(contract, values, count, path))


def _request(path: Path, lacks: Mapping[str, str]) -> str:
    """Return the error message: what the metadata lack, and a command that adds it."""
    entries = "".join(f"m.metadata_props.add(key={key!r}, value={value!r}); " for key, value in lacks.items())
    code = f"import onnx; m = onnx.load({str(path)!r}); {entries}onnx.save(m, {str(path)!r})"
    what = {BANDS_KEY: "bands", "class_names": "classes"}
    unknown = list(dict.fromkeys(what.get(key, "scaling of values") for key in lacks))
    return (
        f"{path} has no model card, and its metadata do not tell its {', '.join(unknown)}; put it into a folder with a "
        f"model.json that names it, or correct and run: python -c {shlex.quote(code)}"
    )


def metadata_value(text: str) -> Any:
    """Return a metadata value: JSON, or as Python prints it, or plain text."""
    if len(text) > _MAX_TEXT:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns of numbers that run into words
                return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return text


def name_of(path: Path) -> str:
    """Return the file's name in the characters that names of models have."""
    text = re.sub(r"[^a-zA-Z0-9_.-]+", "-", path.stem).strip("-_. ")
    return text if text[:1].isalpha() and len(text) > 1 else f"onnx-{text}".rstrip("-")


def bands_of(contract: GraphContract, label: str) -> int | None:
    """Return the number of bands that a graph takes; None if it is free."""
    source = input_form(contract, None, label)
    shape = contract.inputs[0].shape
    return dict(zip(source.axes, shape, strict=True)).get("C", 1) if shape is not None else None


def band_names(values: Mapping[str, Any], count: int | None) -> tuple[str, ...] | None:
    """Return the names of the bands, stated or usual; None if neither."""
    stated = values.get(BANDS_KEY)
    if stated is None:
        return _USUAL_BANDS.get(count or 0)
    names = stated.split(",") if isinstance(stated, str) else stated
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(name.strip() for name in names)


def _example_bands(count: int) -> list[str]:
    return [*("red", "green", "blue", "nir")[:count], *(f"band{number}" for number in range(5, min(count, 64) + 1))]


def class_names(values: Mapping[str, Any], path: Path) -> list[str] | None:
    """Return the names of the classes in metadata; None if there are none.

    Raises
    ------
    ModelError
        If they are not names by number.
    """
    key = next((key for key in _CLASS_KEYS if values.get(key) is not None), None)
    if key is None:
        return None
    found = values[key]
    if isinstance(found, str):
        found = [name.strip() for name in found.split(",")]
    if isinstance(found, Mapping):
        try:
            numbered = sorted((int(number), name) for number, name in found.items())
        except (ValueError, TypeError, OverflowError):
            raise ModelError(
                f"{path}: {key} in its metadata must map numbers to names, got {short_text(found)}"
            ) from None
        if [number for number, _ in numbered] != list(range(len(numbered))):
            raise ModelError(
                f"{path}: {key} in its metadata must number the classes 0, 1, 2, …, got {short_text(found)}"
            )
        found = [name for _, name in numbered]
    if not isinstance(found, list | tuple) or not found or not all(isinstance(name, str) for name in found):
        raise ModelError(f"{path}: {key} in its metadata must be names by number, got {short_text(found)}")
    return list(found)


def _classes(contract: GraphContract, names: list[str] | None, bands: int | None) -> tuple[MapClass, ...] | None:
    """Return the classes: the names; else numbers, where exactly one output tells how many there are."""
    if names is None:
        source = input_form(contract, bands, "")
        counts = set()
        for port in contract.outputs:
            shape = port.probe
            axes = None if shape is None else output_axes(shape, source, 0, port)
            if shape is not None and len(shape) == 4 and axes is None and "float" in port.dtype:
                counts.add(shape[-1] if source.axes.endswith("C") else shape[1])
            elif axes is not None and "float" in port.dtype:
                counts.add(2)
        number = counts.pop() if len(counts) == 1 else None
        if number is None or not 2 <= number <= MAX_CLASSES:
            return None
        names = [f"class {i}" for i in range(number)]
    elif len(names) == 1:
        names = ["background", *names]
    return tuple(MapClass(number, name, default_color(number)) for number, name in enumerate(names))


def scaling_in(
    values: Mapping[str, Any], count: int | None, path: Path, *, deepness: bool
) -> tuple[ValueScaling, ...] | None:
    """Return Deepness's scaling: values divided by 255, less a mean, divided by a standard deviation."""
    keys = ("standardization_mean", "standardization_std")
    if not deepness and not all(key in values for key in keys):
        return None
    numbers = []
    for key, usual in zip(keys, (0.0, 1.0), strict=True):
        entry = values.get(key, usual)
        entries = list(entry) if isinstance(entry, list | tuple) else [entry] * (count or 1)
        if not all(isinstance(n, int | float) and not isinstance(n, bool) and _finite(n) for n in entries):
            raise ModelError(f"{path}: {key} in its metadata must be a number for each band, got {short_text(entry)}")
        if len(entries) == 1:
            entries *= count or 1
        if count is not None and len(entries) != count:
            raise ModelError(f"{path}: {key} in its metadata has {len(entries)} numbers for {count} bands")
        numbers.append([float(n) for n in entries])
    if any(std <= 0 for std in numbers[1]):
        raise ModelError(f"{path}: standardization_std in its metadata must be positive, got {short_text(numbers[1])}")
    return tuple(
        ValueScaling(type="z-score", mean=255 * mean, stddev=255 * std)
        for mean, std in zip(numbers[0], numbers[1], strict=True)
    )


def resolution_in(values: Mapping[str, Any], path: Path) -> tuple[float, float] | None:
    """Return the smallest and largest pixel size in metres near to that in metadata; None if there is none."""
    centimetres = number_in(values, ("resolution",), path)
    return None if centimetres is None else (centimetres / 100 * _NEAR[0], centimetres / 100 * _NEAR[1])


def _geometry(contract: GraphContract, values: Mapping[str, Any], count: int | None, path: Path) -> dict[str, Any]:
    """Return stride, margin and least window: of the tile size and overlap in the metadata, else the usual ones."""
    tile = number_in(values, ("tile_size", "tiles_size"), path)
    overlap = number_in(values, ("tiles_overlap",), path, least=0)
    sides = [side for side in input_form(contract, count, str(path)).sides if side]
    side = min(sides) if sides else int(tile or 512)
    # Tiles share the overlap: half of it is the margin of each.
    margin = int(side * min(25 if overlap is None else overlap, 80) / 200)
    if sides:
        return {"stride": 1, "margin": min(margin, (side - 1) // 2), "min_window": 1}
    stride = max(ENCODER_GEOMETRY["stride"], contract.reduction)
    return {"stride": stride, "margin": round_up(margin, stride), "min_window": stride}


def number_in(values: Mapping[str, Any], keys: Sequence[str], path: Path, least: float = 1e-6) -> float | None:
    """Return the first number that metadata have under some keys; None if there is none.

    Raises
    ------
    ModelError
        If it is not finite, or too small.
    """
    for key in keys:
        value = values.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value) or value < least:
            raise ModelError(f"{path}: {key} in its metadata must be a positive number, got {short_text(value)}")
        return float(value)
    return None


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value) and abs(value) < 1e9
    except OverflowError:
        return False


def short_text(value: Any) -> str:
    """Return a value as messages show it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
