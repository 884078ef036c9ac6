"""Styles that QGIS 3.22 and later apply automatically: ``.qml`` beside rasters, QML and SLD for polygons.

QML is QGIS's own format, SLD 1.1 the OGC's (https://www.ogc.org/standards/se/); the ``layer_styles`` table of a
GeoPackage holds both.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from geoseg.system.outputs import local_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoseg.classes import MapClass

# Confidence in per cent, in colours of Matplotlib's "viridis" (CC0), whose order survives printing in grey and
# colour blindness.
_RAMP = ((0, "#440154"), (25, "#3b528b"), (50, "#21918c"), (75, "#5ec962"), (100, "#fde725"))

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_QGIS = '<qgis version="3.22.0" styleCategories="Symbology">\n'
_FILL_ALPHA = 150
"""Of 255: an image below the polygons stays visible."""


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot represent; one of them in a class name would make the file unreadable."""


def content(text: str) -> str:
    """Return text as the content of an XML element."""
    return escape(_NOT_XML.sub("", text))


def attribute(text: str) -> str:
    """Return text as the quoted value of an XML attribute."""
    return quoteattr(_NOT_XML.sub("", text))


def write_qml(path: str | Path, classes: Sequence[MapClass], kind: str = "classes") -> None:
    """Write the QGIS style of a raster, which QGIS applies if it has the raster's name with the suffix ``.qml``.

    Parameters
    ----------
    path
        The ``.qml`` file.
    classes
        Names and colours; unused for confidence.
    kind
        ``"classes"`` or ``"confidence"``.

    Examples
    --------
    >>> from geoseg.classes import LAND_COVER
    >>> from geoseg.write import write_qml
    >>> write_qml("map.qml", LAND_COVER)
    """
    local_path(path).write_text(style_text(classes, kind), encoding="utf-8", newline="\n")


def style_text(classes: Sequence[MapClass], kind: str) -> str:
    """Return the QML of a raster: a palette for classes, a colour ramp for confidence and for unnamed classes."""
    renderer = _palette(classes) if kind == "classes" and classes else _ramp(kind)
    return (
        f"{_DOCTYPE}{_QGIS}  <pipe>\n{renderer}"
        '    <brightnesscontrast brightness="0" contrast="0" gamma="1"/>\n'
        '    <huesaturation saturation="0" grayscaleMode="0" colorizeOn="0"/>\n'
        '    <rasterresampler maxOversampling="2"/>\n  </pipe>\n  <blendMode>0</blendMode>\n</qgis>\n'
    )


def _palette(classes: Sequence[MapClass]) -> str:
    entries = "".join(
        f'        <paletteEntry value="{item.id}" color="{item.color}" label={attribute(item.name)} alpha="255"/>\n'
        for item in classes
    )
    return (
        '    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1" nodataColor="">\n'
        f"      <rasterTransparency/>\n      <colorPalette>\n{entries}      </colorPalette>\n    </rasterrenderer>\n"
    )


def _ramp(kind: str) -> str:
    top = 254 if kind == "classes" else 100
    unit = "" if kind == "classes" else " %"
    items = "".join(
        f'          <item value="{value}" color="{color}" label="{value}{unit}" alpha="255"/>\n'
        for value, color in ((percent * top // 100, color) for percent, color in _RAMP)
    )
    return (
        '    <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1" nodataColor=""'
        f' classificationMin="0" classificationMax="{top}">\n      <rasterTransparency/>\n      <rastershader>\n'
        f'        <colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0"'
        f' minimumValue="0" maximumValue="{top}">\n{items}'
        "        </colorrampshader>\n      </rastershader>\n    </rasterrenderer>\n"
    )


def polygon_qml(classes: Sequence[MapClass], field: str = "class_id") -> str:
    """Return the QGIS style of land-cover polygons: categories of ``class_id``, labelled with class names.

    Parameters
    ----------
    classes
        Names and colours, in the order of the legend.
    field
        Field of whole numbers that holds the classes' ids.

    Examples
    --------
    >>> from geoseg.classes import LAND_COVER
    >>> from geoseg.write import polygon_qml
    >>> polygon_qml(LAND_COVER)[:14]
    '<!DOCTYPE qgis'
    """
    categories = "".join(
        f'      <category value="{item.id}" type="long" symbol="{index}" label={attribute(item.name)} render="true"/>\n'
        for index, item in enumerate(classes)
    )
    symbols = "".join(_symbol(index, item) for index, item in enumerate(classes))
    return (
        f"{_DOCTYPE}{_QGIS}"
        f'  <renderer-v2 type="categorizedSymbol" attr="{field}" enableorderby="0" forceraster="0" symbollevels="0">\n'
        f"    <categories>\n{categories}    </categories>\n    <symbols>\n{symbols}    </symbols>\n"
        "  </renderer-v2>\n  <blendMode>0</blendMode>\n  <featureBlendMode>0</featureBlendMode>\n"
        "  <layerGeometryType>2</layerGeometryType>\n</qgis>\n"
    )


def _symbol(index: int, item: MapClass) -> str:
    properties = {
        "color": ",".join(map(str, (*item.rgb, _FILL_ALPHA))),
        "style": "solid",
        "outline_color": ",".join(map(str, (*_darker(item), 255))),
        "outline_style": "solid",
        "outline_width": "0.2",
        "outline_width_unit": "MM",
        "joinstyle": "round",
    }
    options = "".join(
        f'            <Option name="{name}" type="QString" value="{value}"/>\n' for name, value in properties.items()
    )
    # QGIS before 3.18 reads <prop>, later versions <Option>; a file may have both.
    old = "".join(f'          <prop k="{name}" v="{value}"/>\n' for name, value in properties.items())
    return (
        f'      <symbol type="fill" name="{index}" alpha="1" clip_to_extent="1" force_rhr="0">\n'
        '        <layer class="SimpleFill" enabled="1" locked="0" pass="0">\n'
        f'          <Option type="Map">\n{options}          </Option>\n{old}        </layer>\n      </symbol>\n'
    )


def polygon_sld(classes: Sequence[MapClass], layer: str = "polygons") -> str:
    """Return the style of :func:`polygon_qml` as an OGC Styled Layer Descriptor 1.1, for other software.

    Parameters
    ----------
    classes
        Names and colours, in the order of the legend.
    layer
        Name of the layer.

    Examples
    --------
    >>> from geoseg.classes import LAND_COVER
    >>> from geoseg.write import polygon_sld
    >>> "tree" in polygon_sld(LAND_COVER)
    True
    """
    rules = "".join(_rule(item) for item in classes)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<StyledLayerDescriptor version="1.1.0" xmlns="http://www.opengis.net/sld" xmlns:se="http://www.opengis.net/se"'
        ' xmlns:ogc="http://www.opengis.net/ogc">\n'
        f"  <NamedLayer>\n    <se:Name>{content(layer)}</se:Name>\n    <UserStyle>\n"
        f"      <se:Name>{content(layer)}</se:Name>\n      <se:FeatureTypeStyle>\n{rules}"
        "      </se:FeatureTypeStyle>\n    </UserStyle>\n  </NamedLayer>\n</StyledLayerDescriptor>\n"
    )


def _rule(item: MapClass) -> str:
    name = content(item.name)
    outline = "#{:02x}{:02x}{:02x}".format(*_darker(item))
    return (
        f"        <se:Rule>\n          <se:Name>{name}</se:Name>\n"
        f"          <se:Description><se:Title>{name}</se:Title></se:Description>\n"
        "          <ogc:Filter><ogc:PropertyIsEqualTo><ogc:PropertyName>class_id</ogc:PropertyName>"
        f"<ogc:Literal>{item.id}</ogc:Literal></ogc:PropertyIsEqualTo></ogc:Filter>\n"
        "          <se:PolygonSymbolizer>\n"
        f'            <se:Fill><se:SvgParameter name="fill">{item.color}</se:SvgParameter>'
        f'<se:SvgParameter name="fill-opacity">{_FILL_ALPHA / 255:.2f}</se:SvgParameter></se:Fill>\n'
        f'            <se:Stroke><se:SvgParameter name="stroke">{outline}</se:SvgParameter>'
        '<se:SvgParameter name="stroke-width">1</se:SvgParameter></se:Stroke>\n'
        "          </se:PolygonSymbolizer>\n        </se:Rule>\n"
    )


def _darker(item: MapClass) -> tuple[int, ...]:
    return tuple(value * 6 // 10 for value in item.rgb)
