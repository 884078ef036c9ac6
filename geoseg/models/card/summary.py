"""A model card as text for people: what ``geoseg model show`` prints."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from geoseg.errors.printable import printable
from geoseg.system.text import rounded

_WIDTH = 100


def describe(card: Mapping[str, Any]) -> str:
    """Return a card, given as its fields by name, as labelled lines."""
    lines = [printable(f"{card['name']}: {card['title']}")]
    previous = None
    for label, text in entries(card):
        for line in textwrap.wrap(printable(" ".join(text.split()), None), _WIDTH):
            # A label stands once, before the first of its lines.
            lines.append(f"  {label if label != previous else '':<14}{line}")
            previous = label
    return "\n".join(lines)


def entries(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield labels and texts; a label may repeat, and empty texts are not shown."""
    yield "", card["description"]
    yield "version", card["version"]
    yield "license", card["license"]
    for spec in card["inputs"]:
        yield "inputs", spec.text()
    if not card["inputs"]:
        yield "bands", ", ".join(band.name for band in card["bands"])
    if card["value_range"]:
        low, high = card["value_range"]
        yield "values", f"{low:g}…{high:g}"
    if known := card["value_percentiles"]:
        middle = 50.0 if 50.0 in known.percentiles else known.percentiles[len(known.percentiles) // 2]
        each = zip(card["bands"], known.typical(middle), strict=True)
        medians = ", ".join(f"{band.name} {rounded(value)}" for band, value in each)
        yield "typical", f"{medians} (percentile {middle:g} of {known.scenes} scene{'s' * (known.scenes != 1)})"
    if card["resolution"]:
        finest, coarsest = card["resolution"]
        yield "pixel size", f"{finest:g}–{coarsest:g} m"
    yield "classes", ", ".join(c.name for c in card["classes"])
    if card["objects"] is not None:
        for kind in card["objects"].kinds:
            yield "objects", f"{kind.name}{_sizes(kind.area_m2)}"
    if card["boxes"] is not None:
        shape = "boxes and outlines" if card["boxes"].masks else "boxes"
        for kind in card["classes"][1:]:
            yield "objects", f"{shape} of {kind.name}{_sizes(card['boxes'].area_m2.get(kind.name, {}))}"
    encoder = card["hyperparameters"].get("encoder")
    yield "network", f"{card['architecture']} {encoder}" if encoder else card["architecture"]
    yield "windows", f"multiples of {card['stride']} px, margin {card['margin']} px"
    for text in _metrics(card["metrics"]):
        yield "metrics", text
    for field, label in (
        ("training_data", "training data"),
        ("known_failures", "known failure"),
        ("attribution", "attribution"),
    ):
        for text in card[field]:
            yield label, text


def _sizes(areas: Mapping[str, float]) -> str:
    """Return the areas of objects that a model was trained on as text."""
    if not {"5", "50", "95"} <= set(areas):
        return ""
    low, middle, high = (areas[key] for key in ("5", "50", "95"))
    sizes = f"{rounded(low)}…{rounded(high)} m², median {rounded(middle)}"
    return f" of {sizes} (of the objects it was trained on, 90 in 100)"


def _metrics(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield nested scores as lines: notes, then ``miou 0.52, overall_accuracy 0.71``, then inner mappings.

    Of tables only the first column is shown, and of matrices the shape; ``geoseg model show --json`` prints them all.
    """
    scores: list[str] = []
    for key, value in values.items():
        if isinstance(value, str):
            yield f"{prefix}{key}: {value}"
        elif isinstance(value, list) and value and isinstance(value[0], list):
            scores.append(f"{key} {len(value)} × {len(value[0])} (see --json)")
        elif value is not None and not isinstance(value, Mapping):
            scores.append(f"{key} {_number(value)}")
    if scores:
        yield prefix + ", ".join(scores)
    for key, value in values.items():
        if not isinstance(value, Mapping):
            continue
        if column := _first_column(value):
            rows = "; ".join(f"{name} {_number(row[column])}" for name, row in value.items())
            yield f"{prefix}{key}, {column}: {rows}"
        else:
            yield from _metrics(value, f"{prefix}{key} ")


def _first_column(table: Mapping[str, Any]) -> str | None:
    """Return the key with which all rows begin, if the rows are mappings and it holds a number in each."""
    keys = {next(iter(row), None) if isinstance(row, Mapping) else None for row in table.values()}
    key = keys.pop() if len(keys) == 1 else None
    return key if key is not None and all(isinstance(row[key], float) for row in table.values()) else None


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
