"""Class names and colours of a class map: in the TIFF and in GDAL's ``.aux.xml`` beside it.

The colour table is in the TIFF. GDAL before 3.11 keeps category names and the raster attribute table only in the
sidecar file (https://gdal.org/en/stable/user/raster_data_model.html, PAM). The names are also in the TIFF's metadata,
in case the sidecar gets lost.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass, default_color
from geoseg.errors import InputError, OptionError
from geoseg.write.styles import attribute, content
from geoseg.write.tiff import Description, Tag, read_geo_tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

_METADATA_KEY = "GEOSEG_CLASSES"

# Name, type (0 whole number, 2 text) and usage (GDALRATFieldUsage) of the columns of the attribute table.
_COLUMNS = (("Value", 0, 5), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))


def describe(
    geobox: GeoBox, classes: Sequence[MapClass], kind: str, bands: Sequence[str] = ()
) -> tuple[Description, str]:
    """Return the metadata of the TIFF, and the text of its ``.aux.xml``, empty if none is needed.

    ``bands`` are the names of a file of percents, one band each; other files have one band, named after ``kind``.
    """
    geo_tags, lost_crs = geo_tags_of(geobox)
    metadata = [("BAND_KIND", kind)]
    if classes:
        metadata.append((_METADATA_KEY, json.dumps([[c.id, c.name, c.color] for c in classes], ensure_ascii=False)))
    description = Description(
        geo_tags=geo_tags,
        # Grey if there are no classes: an empty colour table would show everything black.
        color_map=_color_map(classes) if kind == "classes" and classes else None,
        metadata=_metadata(metadata, bands or [kind], unit="percent" if bands else ""),
        bands=max(len(bands), 1),
    )
    band = _band(classes) if kind == "classes" and classes else ""
    if not band and not lost_crs:
        return description, ""
    srs = f"  <SRS>{content(lost_crs)}</SRS>\n" if lost_crs else ""
    return description, f"<PAMDataset>\n{srs}{band}</PAMDataset>\n"


def read_classes(path: str | Path) -> tuple[MapClass, ...]:
    """Return the classes named in a class map, in order of their numbers; empty if there are none.

    Reads geoseg's own metadata or, failing that, category names and colour table of any GDAL raster.

    Parameters
    ----------
    path
        A raster that GDAL opens.

    Raises
    ------
    InputError
        If it cannot be opened.

    Examples
    --------
    >>> import geoseg
    >>> from geoseg.write import read_classes
    >>> result = geoseg.segment("scene.tif", model="spectral")
    >>> path = geoseg.write_cog(result.classes, "named.tif")
    >>> read_classes(path)[0].name
    'tree'
    """
    from rasterio.errors import RasterioError

    from geoseg.raster.gdal.datasets import open_dataset
    from geoseg.raster.gdal.environment import environment, gdal_path

    name = gdal_path(str(path))
    try:
        with environment(name), open_dataset(name) as source:
            own = source.tags().get(_METADATA_KEY)
            if own:
                return _own_classes(own)
            colors = _colors(source)
    except (RasterioError, OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: class names could not be read: {error}") from error
    names = _category_names(Path(f"{path}.aux.xml"))
    return tuple(
        MapClass(number, name, colors.get(number, default_color(number))) for number, name in sorted(names.items())
    )


def _own_classes(text: str) -> tuple[MapClass, ...]:
    """Return the classes in geoseg's metadata.

    Raises
    ------
    ValueError
        If another program has changed them.
    """
    with suppress(ValueError, TypeError, RecursionError, OptionError):
        classes = tuple(MapClass(number, name, color) for number, name, color in json.loads(text))
        if all(type(item.id) is int and isinstance(item.name, str) and item.name.encode() for item in classes):
            return classes
    raise ValueError(f"its tag {_METADATA_KEY} is {text[:60]!a}, not a list of number, name and colour; remove the tag")


def _colors(source: Any) -> dict[int, str]:
    try:
        table = source.colormap(1)
    except ValueError:  # no colour table
        return {}
    return {value: "#{:02x}{:02x}{:02x}".format(*color[:3]) for value, color in table.items()}


def _category_names(aux: Path) -> dict[int, str]:
    from geoseg.raster.gdal.xml import read_xml

    if not aux.is_file():
        return {}
    try:
        root = read_xml(aux)
    except InputError:
        return {}
    names = root.findall("PAMRasterBand[@band='1']/CategoryNames/Category")
    return {number: item.text for number, item in enumerate(names) if item.text and item.text.strip()}


def geo_tags_of(geobox: GeoBox) -> tuple[dict[int, Tag], str]:
    """Return the grid's GeoTIFF tags, as GDAL writes them, and the WKT of a CRS that they do not express exactly."""
    import rasterio
    from rasterio.io import MemoryFile

    from geoseg.raster.gdal.environment import environment

    crs, transform = geobox.crs, geobox.affine
    if crs is None and transform.is_identity:
        return {}, ""  # without tags GDAL reports no georeference
    profile = {"driver": "GTiff", "width": 1, "height": 1, "count": 1, "dtype": "uint8"}
    wkt = None if crs is None else crs.to_wkt()
    with environment(), rasterio.Env(GDAL_PAM_ENABLED=False), MemoryFile() as memory:
        with memory.open(**profile, crs=wkt, transform=transform):
            pass
        with memory.open() as template:
            kept = wkt is None or template.crs == rasterio.crs.CRS.from_wkt(wkt)
        tags = read_geo_tags(bytes(memory.getbuffer()))
    return tags, "" if kept or wkt is None else wkt


def _color_map(classes: Sequence[MapClass]) -> NDArray[np.uint16]:
    table = np.zeros((3, 256), np.uint16)
    for item in classes:
        table[:, item.id] = np.array(item.rgb, np.uint16) * 257  # 255 becomes 65535
    return table


def _metadata(items: Sequence[tuple[str, str]], bands: Sequence[str], unit: str) -> str:
    # GDAL escapes the values of this tag twice when writing, and unescapes them twice when reading.
    lines = [f"  <Item name={attribute(name)}>{content(content(value))}</Item>\n" for name, value in items]
    for sample, band in enumerate(bands):
        text = content(content(band))
        lines.append(f'  <Item name="DESCRIPTION" sample="{sample}" role="description">{text}</Item>\n')
        if unit:
            lines.append(f'  <Item name="UNITTYPE" sample="{sample}" role="unittype">{unit}</Item>\n')
    return "<GDALMetadata>\n" + "".join(lines) + "</GDALMetadata>\n"


def _band(classes: Sequence[MapClass]) -> str:
    names = {item.id: item.name for item in classes}
    categories = "".join(
        f"      <Category>{content(names.get(value, ''))}</Category>\n" for value in range(max(names) + 1)
    )
    fields = "".join(
        f'      <FieldDefn index="{index}">\n        <Name>{name}</Name>\n        <Type>{kind}</Type>\n'
        f"        <Usage>{usage}</Usage>\n      </FieldDefn>\n"
        for index, (name, kind, usage) in enumerate(_COLUMNS)
    )
    rows = "".join(
        f'      <Row index="{index}">\n'
        + "".join(f"        <F>{content(str(value))}</F>\n" for value in (item.id, item.name, *item.rgb))
        + "      </Row>\n"
        for index, item in enumerate(classes)
    )
    return (
        '  <PAMRasterBand band="1">\n'
        f"    <CategoryNames>\n{categories}    </CategoryNames>\n"
        f'    <GDALRasterAttributeTable tableType="thematic">\n{fields}{rows}    </GDALRasterAttributeTable>\n'
        "  </PAMRasterBand>\n"
    )
