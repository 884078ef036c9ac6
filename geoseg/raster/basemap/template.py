"""Addresses of tiles: templates of XYZ, TMS, WMTS and WMS servers, and GDAL's description of a tile server."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from geoseg.errors import InputError
from geoseg.errors.secrets import without_secrets
from geoseg.raster.gdal.xml import read_xml
from geoseg.system.files import is_file

HALF = math.pi * 6_378_137.0
"""Half of the width of Web Mercator (EPSG:3857) in its metres."""

MOST_ZOOM = 24

_FIELD = re.compile(r"\{([^{}]*)\}")
_FIELDS = ("z", "x", "y", "-y", "q", "bbox-epsg-3857")
_LONGEST = 4000


@dataclass(frozen=True)
class Template:
    """Where the tiles of a map are.

    Attributes
    ----------
    text
        Address with ``{z}``, ``{x}`` and ``{y}`` (from the top) or ``{-y}`` (from the bottom); ``{q}``, a quadkey; or
        ``{bbox-epsg-3857}`` for requests of a WMS.
    """

    text: str

    @property
    def host(self) -> str:
        """Name of the server."""
        return urlsplit(self.text).hostname or ""

    @property
    def label(self) -> str:
        """The address as messages have it."""
        return without_secrets(self.text)[:200]

    def address(self, zoom: int, col: int, row: int) -> str:
        """Return the address of one tile; rows are counted from the north.

        Examples
        --------
        >>> from geoseg.raster.basemap.template import Template
        >>> Template("https://tiles.example/{z}/{x}/{-y}.png").address(3, 5, 1)
        'https://tiles.example/3/5/6.png'
        """
        span = 2 * HALF / 2**zoom
        west, north = -HALF + col * span, HALF - row * span
        values = {
            "z": str(zoom), "x": str(col), "y": str(row), "-y": str(2**zoom - 1 - row),
            "q": "".join(str((col >> bit & 1) + 2 * (row >> bit & 1)) for bit in reversed(range(zoom))),
            "bbox-epsg-3857": ",".join(repr(value) for value in (west, north - span, west + span, north)),
        }  # fmt: skip
        return _FIELD.sub(lambda match: values[match[1]], self.text)


def template_of(text: str) -> Template:
    """Return the template that a user writes, or that the file of this name describes.

    Raises
    ------
    InputError
        If it is no address of tiles, or a description of something else.
    """
    text = text.strip()
    if not text.lower().startswith(("http://", "https://")) and is_file(text):
        text = _described(text)
    shown = without_secrets(text)[:200]
    if not text.lower().startswith(("http://", "https://")) or len(text) > _LONGEST or not urlsplit(text).hostname:
        raise InputError(
            f"basemap {shown!r} is no address of tiles: write https://HOST/{{z}}/{{x}}/{{y}}.png, or name a file with "
            "GDAL's description of a tile server"
        )
    found = _FIELD.findall(text)
    if unknown := [name for name in found if name not in _FIELDS]:
        raise InputError(
            f"basemap {shown}: {{{unknown[0]}}} is unknown; use {{z}}, {{x}}, {{y}}, {{-y}}, {{q}} or "
            "{bbox-epsg-3857} (of several servers name one)"
        )
    if not ("q" in found or "bbox-epsg-3857" in found or ({"z", "x"} <= set(found) and {"y", "-y"} & set(found))):
        raise InputError(f"basemap {shown}: names no tile: it needs {{z}}, {{x}} and {{y}}, or {{bbox-epsg-3857}}")
    if set(_FIELD.findall(urlsplit(text).netloc)):
        raise InputError(f"basemap {shown}: the name of the server holds a placeholder; name one server")
    return Template(text)


def _described(path: str) -> str:
    """Return the template in GDAL's description of a tile server: https://gdal.org/en/stable/drivers/raster/wms.html."""
    tree = read_xml(Path(path))
    service = tree.find("Service")
    kind = "" if service is None else service.get("name", "")
    address = "" if service is None else (service.findtext("ServerUrl") or "").strip()
    if tree.tag != "GDAL_WMS" or kind.upper() != "TMS" or not address:
        raise InputError(
            f"{path}: describes {kind or tree.tag}, of GDAL's descriptions those of the service TMS are read; write "
            "the address of a WMS with {bbox-epsg-3857}, of a WMTS with {z}, {x} and {y}"
        )
    window = tree.find("DataWindow")
    stated = {} if window is None else {one.tag: (one.text or "").strip() for one in window}
    projection = (tree.findtext("Projection") or "EPSG:3857").strip().upper()
    world = all(abs(float(stated.get(tag, HALF)) + sign * HALF) < 1 for tag, sign in (("UpperLeftX", 1),))
    if projection not in ("EPSG:3857", "EPSG:900913") or not world:
        raise InputError(f"{path}: its tiles are not those of Web Mercator (EPSG:3857) over the world")
    row = "{y}" if stated.get("YOrigin", "bottom").lower() == "top" else "{-y}"
    return address.replace("${z}", "{z}").replace("${x}", "{x}").replace("${y}", row)
