"""The ``bands`` option: which bands, in which order, under which names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geoseg.errors import OptionError
from geoseg.raster.bands import names
from geoseg.raster.bands.sensors import code_of

if TYPE_CHECKING:
    from geoseg.raster.types import Band


@dataclass(frozen=True)
class Choice:
    """A chosen band, by number or name, and its new name (None: unchanged)."""

    band: int | str
    name: str | None = None


def parse_bands(bands: Any) -> tuple[Choice, ...] | None:
    """Parse the option in any of its forms.

    Raises
    ------
    OptionError
        If it has none of these forms.
    """
    if bands is None:
        return None
    if isinstance(bands, str):
        chosen = tuple(_from_text(item) for item in bands.split(",") if item.strip())
    elif isinstance(bands, Mapping):
        chosen = tuple(Choice(_band(band), _name(name)) for name, band in bands.items())
    elif isinstance(bands, Sequence):
        chosen = tuple(_from_text(item) if isinstance(item, str) else Choice(_band(item)) for item in bands)
    else:
        chosen = ()
    if not chosen:
        raise OptionError(
            f"bands {bands!r} chooses no band; write it as blue=1,green=2 or as a list of names or numbers"
        )
    return chosen


def _from_text(item: str) -> Choice:
    name, equals, band = item.partition("=")
    return Choice(_band(band), _name(name)) if equals else Choice(_band(item))


def _name(name: Any) -> str:
    text = str(name).strip()
    if not text:
        raise OptionError("bands has an empty name; write it as blue=1,green=2")
    return text


def _band(band: Any) -> int | str:
    text = str(band).strip()
    if isinstance(band, bool) or not text:
        raise OptionError(f"bands names band {band!r}; give a number from 1 or a name")
    try:
        number = int(text)
    except ValueError:
        return text
    if number < 1:
        raise OptionError(f"bands are counted from 1, got {number}")
    return number


def resolve(text: str, bands: tuple[Band, ...]) -> str:
    """Return the name of the band that ``text`` denotes by name, description or alias (B08, NIR)."""
    known = [band.name for band in bands]
    if text in known:
        return text
    described = [band.name for band in bands if band.description and band.description.lower() == text.lower()]
    if len(described) == 1:
        return described[0]
    code = code_of(text)
    coded = [band.name for band in bands if code and code in (code_of(band.name), code_of(band.description))]
    if len(coded) == 1:
        return coded[0]
    common = names.from_text(text)
    return common if common in known else text
