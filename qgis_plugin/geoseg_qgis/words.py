"""Messages of geoseg in the words of the panel: options of its command line become names of fields. No qgis import."""

from __future__ import annotations

import re
from typing import Any, Mapping

_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
_MODEL = re.compile(r"(?<![\w-])-m(?![\w-])")
_KEYWORD = re.compile(r" \(\w+=\w*\)")  # "(overwrite=True)", for callers of the Python functions


def without_options(message: str, labels: Mapping[str, str]) -> str:
    """Return a message with the names of fields in place of options.

    Parameters
    ----------
    message
        ``"expect a worse map, or resample with --resolution 10"``.
    labels
        What fields are called, by option: ``{"resolution": "Pixel size"}``. Others get their own name in words.

    Examples
    --------
    >>> without_options("add --nodata 0, or it is mapped", {"nodata": "No data"})
    'add “No data” 0, or it is mapped'
    """

    def named(match: Any) -> str:
        option = match.group(1)
        return f"“{labels.get(option, option.replace('-', ' '))}”"

    return _MODEL.sub(f"“{labels.get('model', 'model')}”", _OPTION.sub(named, _KEYWORD.sub("", message)))


def missing_bands(needs: list[str], have: list[str]) -> list[str]:
    """Return the bands of a model that a raster does not name."""
    return [name for name in needs if name not in have]


def fitting_models(cards: list[dict[str, Any]], have: list[str]) -> list[dict[str, Any]]:
    """Return the models whose bands a raster has by name, those that use most of them first."""
    fits = [card for card in cards if card.get("bands") and set(card["bands"]) <= set(have)]
    return sorted(fits, key=lambda card: (-len(card["bands"]), not card.get("default"), card["name"]))
