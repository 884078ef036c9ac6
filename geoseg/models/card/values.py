"""What the values of a card may be: checks before anything reads them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from geoseg.errors import ModelError

# Deeper nesting than any card has; recursive code is safe below it.
_MAX_DEPTH = 50

_MAX_WHOLE = 2**63


def check_values(item: Mapping[str, Any]) -> None:
    """Refuse what JSON can hold and no program can use: endless nesting, numbers too large, half characters."""
    waiting: list[tuple[Any, int]] = [(item, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise ModelError(f"model card: nested more than {_MAX_DEPTH} levels deep; no STAC item is")
        if isinstance(value, Mapping):
            waiting += ((part, depth + 1) for pair in value.items() for part in pair)
        elif isinstance(value, list | tuple):
            waiting += ((part, depth + 1) for part in value)
        elif isinstance(value, str):
            if any("\ud800" <= mark <= "\udfff" for mark in value):
                raise ModelError(f"model card: the text {value[:60]!a} contains half a character (a lone surrogate)")
        elif isinstance(value, int) and abs(value) > _MAX_WHOLE:
            raise ModelError("model card: contains a whole number of more than 64 bits")


def check_kinds(item: Mapping[str, Any], properties: Mapping[str, Any], name: str) -> None:
    """Refuse fields whose type is not the one that STAC states."""
    for key in ("mlm:name", "mlm:architecture", "title", "description", "license"):
        if not isinstance(properties.get(key, ""), str | None):
            raise ModelError(f"model card {name!r}: {key} must be text, got {short(properties[key])}")
    if not isinstance(properties.get("version", ""), str | int | float):
        raise ModelError(f"model card {name!r}: version must be text, got {short(properties['version'])}")
    for key, asset in assets_of(item).items():
        if not isinstance(asset, Mapping):
            raise ModelError(f"model card {name!r}: asset {short(key)} must be an object, got {short(asset)}")
        roles = asset.get("roles") or []
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise ModelError(f"model card {name!r}: roles of asset {short(key)} must be names, got {short(roles)}")


def assets_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the assets of an item by key; empty if it has none."""
    assets = item.get("assets")
    return assets if isinstance(assets, Mapping) else {}


def without_controls(text: str, what: str) -> str:
    """Return a text that has no control characters and can be encoded.

    Raises
    ------
    ValueError
        If it has some.
    """
    odd = next((mark for mark in text if unicodedata.category(mark) in ("Cc", "Cs", "Zl", "Zp")), None)
    if odd is not None:
        raise ValueError(f"{what} {text[:60]!a} contains the control character U+{ord(odd):04X}")
    return text


def first_defect(error: ValidationError) -> str:
    """Condense pydantic's report to one line: the first defect and the number of others."""
    first, *others = error.errors()
    where = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    more = f" (and {len(others)} more)" if others else ""
    return " ".join(f"{where}: {what}{more}".removeprefix(": ").split())


def short(value: Any) -> str:
    """Return a value as Python writes it, cut to the length of a line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
