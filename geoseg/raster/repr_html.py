"""A raster as HTML, for notebooks: a picture, the grid, and a table of the bands."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from geoseg.raster.types import Band

_CELL = "text-align:left;padding:1px 10px 1px 0;vertical-align:top"


def raster_html(name: str, facts: Mapping[str, Any], bands: Iterable[Band], picture: str | None) -> str:
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
