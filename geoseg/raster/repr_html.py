"""A raster as HTML, for notebooks: a picture, the grid, and a table of the bands."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any

from geoseg.geodesy.crs import crs_name
from geoseg.raster.quicklook import choose_bands, data_url, stretch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from geoseg.raster.types import Band

_CELL = "text-align:left;padding:1px 10px 1px 0;vertical-align:top"


_PICTURE_DECODES = 2**24
"""Most pixels that are decoded for the picture; larger scenes need overviews to have one."""


def raster_html(raster: Any) -> str:
    """Return the HTML of a :class:`geoseg.Raster`."""
    facts = {
        "size": f"{raster.shape[0]} x {raster.shape[1]} px, {len(raster.bands)} x {raster.dtype}",
        "pixel": f"{abs(raster.transform.a):.6g} x {abs(raster.transform.e):.6g}",
        "bounds": ", ".join(f"{value:.8g}" for value in raster.grid.bounds()),
        "CRS": "none" if raster.grid.crs is None else crs_name(raster.grid.crs),
        "sources": ", ".join(raster.sources[:3]) + (f", … ({len(raster.sources)})" if len(raster.sources) > 3 else ""),
    }
    facts |= {"notes": " | ".join(raster.notes)} if raster.notes else {}
    return facts_html(raster.name, facts, raster.bands, picture_of(raster))


def picture_of(raster: Any, max_side: int = 256) -> str | None:
    """Return a quicklook as ``data:`` URL; None if that would decode too much or fails."""
    shown = raster.select([position + 1 for position in choose_bands([band.name for band in raster.bands])])
    factor = max(max(raster.shape) / max_side, 1.0)
    # A repr must neither fail nor keep a notebook waiting, whatever is wrong with a file.
    with suppress(Exception):
        overviews = [raster.inputs[index].overview(factor) for index in {part.source for part in shown.parts}]
        reductions = [known for known in overviews if known is not None]
        if len(reductions) == len(overviews) and raster.box.area / min(reductions) ** 2 <= _PICTURE_DECODES:
            pixels = shown.quicklook(max_side)
            return data_url(stretch(pixels.data, pixels.valid))
    return None


def facts_html(name: str, facts: Mapping[str, Any], bands: Iterable[Band], picture: str | None) -> str:
    """Return the HTML of a raster; all text is escaped.

    Parameters
    ----------
    name
        Heading.
    facts
        Lines of the first table: label and value.
    bands
        Rows of the second table.
    picture
        ``data:`` URL of an image, or None.
    """
    image = (
        "" if picture is None else f'<img src="{escape(picture)}" alt="quicklook" style="image-rendering:pixelated">'
    )
    rows = [
        (number, band.name, band.description, band.dtype, _number(band.nodata), *_scaling(band), band.units)
        for number, band in enumerate(bands, start=1)
    ]
    heads = ("", "band", "description", "dtype", "nodata", "scale", "offset", "units")
    return (
        f"<div><p><strong>Raster</strong> {escape(name)}</p>"
        f'<div style="display:flex;gap:1.5em;align-items:flex-start;flex-wrap:wrap">{image}<div>'
        f"<table>{''.join(_row((label, value)) for label, value in facts.items())}</table>"
        f"<table>{_row(heads, 'th')}{''.join(map(_row, rows))}</table></div></div></div>"
    )


def _row(cells: Iterable[Any], tag: str = "td") -> str:
    return "<tr>" + "".join(f'<{tag} style="{_CELL}">{escape(str(cell))}</{tag}>' for cell in cells) + "</tr>"


def _scaling(band: Band) -> tuple[str, str]:
    return (_number(band.scale), _number(band.offset)) if band.scaled else ("", "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
