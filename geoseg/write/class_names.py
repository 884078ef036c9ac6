"""Read the names and colours of classes that a raster stores."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from geoseg.classes import MapClass, default_color, unnamed


def tidy(name: str) -> str:
    """Return a class name without surrounding blanks and in Unicode's composed form (NFC), for names to compare equal.

    Examples
    --------
    >>> tidy(" forest")
    'forest'
    """
    return unicodedata.normalize("NFC", name).strip()


def classes_of(dataset: Any, band: int) -> tuple[MapClass, ...]:
    """Return the classes that an open rasterio dataset names, from the first source that it has.

    geoseg's own metadata; or category names or attribute table, and colour table. rasterio has no access to category
    names and attribute tables; GDAL writes both into the VRT of a dataset.
    """
    from geoseg.write.sidecar import read_classes

    if band == 1 and (own := read_classes(dataset.name)):
        return own
    colors = _color_table(dataset, band)
    names = _names_in_vrt(dataset, band)
    return tuple(
        MapClass(value, names.get(value) or unnamed(value).name, colors.get(value, default_color(value)))
        for value in sorted({*names, *colors})
    )


def classes_of_attributes(attributes: Mapping[str, Any]) -> tuple[MapClass, ...]:
    """Return the classes of an array: geoseg's own attributes, or ``flag_values`` and ``flag_meanings`` of CF."""
    names = list(attributes.get("class_names", ()))
    if names:
        colors = [*attributes.get("class_colors", ()), *(default_color(k) for k in range(len(names)))]
        return tuple(MapClass(k, name, color) for k, (name, color) in enumerate(zip(names, colors, strict=False)))
    values, meanings = attributes.get("flag_values"), attributes.get("flag_meanings")
    if values is None or meanings is None:
        return ()
    names = meanings.split() if isinstance(meanings, str) else list(meanings)
    return tuple(
        MapClass(int(value), str(name).replace("_", " "), default_color(int(value)))
        for value, name in zip(values, names, strict=False)
    )


def complete(values: Iterable[int], known: Sequence[MapClass]) -> dict[int, MapClass]:
    """Return a class for each value; those that are not known get a name and colour."""
    by_id = {item.id: item for item in known}
    return {value: by_id.get(value, unnamed(value)) for value in values}


def _color_table(dataset: Any, band: int) -> dict[int, str]:
    try:
        table = dataset.colormap(band)
    except ValueError:
        return {}
    return {int(value): "#{:02x}{:02x}{:02x}".format(*rgba[:3]) for value, rgba in table.items()}


def _names_in_vrt(dataset: Any, band: int) -> dict[int, str]:
    import rasterio.shutil
    from rasterio.errors import RasterioError
    from rasterio.io import MemoryFile

    try:
        with MemoryFile(ext=".vrt") as memory:
            rasterio.shutil.copy(dataset, memory.name, driver="VRT")
            text = memory.read()
        root = ET.fromstring(text)  # noqa: S314  (GDAL has just written it)
    except (RasterioError, ET.ParseError, OSError):
        return {}
    element = next((item for item in root.findall("VRTRasterBand") if item.get("band") == str(band)), None)
    if element is None:
        return {}
    names = {k: item.text.strip() for k, item in enumerate(element.findall("CategoryNames/Category")) if item.text}
    return names or _attribute_table(element.find("GDALRasterAttributeTable"))


def _attribute_table(table: ET.Element | None) -> dict[int, str]:
    """Return values and names of a raster attribute table: GDAL's usages 5 (GFU_MinMax) and 2 (GFU_Name)."""
    if table is None:
        return {}
    usage = {int(item.get("index", -1)): item.findtext("Usage") for item in table.findall("FieldDefn")}
    by_usage = {use: index for index, use in usage.items()}
    if "5" not in by_usage or "2" not in by_usage:
        return {}
    names = {}
    for row in table.findall("Row"):
        cells = [item.text or "" for item in row.findall("F")]
        try:
            names[int(float(cells[by_usage["5"]]))] = cells[by_usage["2"]]
        except (ValueError, IndexError):
            continue
    return names
