"""A QGIS form for interpreters: offers the map's classes as a list, and colours points by their class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from geoseg.classes import MapClass
from geoseg.write.geopackage_styles import add_layer_style

DATE = "1970-01-01T00:00:00.000Z"
"""Date of styles: fixed, so that the same points give the same bytes."""


def add_form(path: Path, layer: str, field: str, classes: Sequence[MapClass]) -> None:
    """Add to a GeoPackage the default style of a layer of points, with a list of classes for one field."""
    add_layer_style(path, layer, point_qml(field, classes), description="Points to interpret", date=DATE)


def point_qml(field: str, classes: Sequence[MapClass]) -> str:
    """Return the QGIS style: points are white, then have the colour of their class, which is chosen from a list."""
    root = ET.Element("qgis", version="3.22", styleCategories="Symbology|Fields|Forms")
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr=field, forceraster="0")
    categories, symbols = ET.SubElement(renderer, "categories"), ET.SubElement(renderer, "symbols")
    entries = [(item.name, item.name, item.rgb) for item in classes] + [("", "to interpret", (255, 255, 255))]
    for number, (value, label, color) in enumerate(entries):
        ET.SubElement(categories, "category", value=value, symbol=str(number), label=label, render="true")
        symbol = ET.SubElement(symbols, "symbol", name=str(number), type="marker", alpha="1")
        marker = {
            "name": "circle",
            "size": "2.6",
            "color": ",".join(map(str, (*color, 255))),
            "outline_color": "0,0,0,255",
        }
        layer = ET.SubElement(symbol, "layer", {"class": "SimpleMarker", "enabled": "1"})
        options = ET.SubElement(layer, "Option", type="Map")
        for key, text in marker.items():
            # Properties for QGIS before 3.20, options since.
            ET.SubElement(layer, "prop", k=key, v=text)
            ET.SubElement(options, "Option", name=key, value=text, type="QString")
    _add_list(root, field, classes)
    return _text(root)


def form_qml(field: str, classes: Sequence[MapClass]) -> str:
    """Return a QGIS style that only says that a field has its value chosen from a list of classes."""
    root = ET.Element("qgis", version="3.22", styleCategories="Fields|Forms")
    _add_list(root, field, classes)
    return _text(root)


def _add_list(root: ET.Element, field: str, classes: Sequence[MapClass]) -> None:
    widgets = ET.SubElement(root, "fieldConfiguration")
    widget = ET.SubElement(ET.SubElement(widgets, "field", name=field), "editWidget", type="ValueMap")
    config = ET.SubElement(ET.SubElement(widget, "config"), "Option", type="Map")
    listing = ET.SubElement(config, "Option", name="map", type="List")
    for item in classes:
        entry = ET.SubElement(listing, "Option", type="Map")
        ET.SubElement(entry, "Option", name=item.name, value=item.name, type="QString")


def _text(root: ET.Element) -> str:
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, "unicode")
