"""Landsat products of Collection 2, Level 1 and 2, described by their metadata: MTL as JSON, XML or text.

Format: Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619) and Level 1 Data Format Control Book
(LSDS-1822), https://www.usgs.gov/landsat-missions. Surface reflectance and temperature are DN x mult + add. Reflectance
at the top of the atmosphere, of Level 1, is that divided by the sine of the sun's elevation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError
from geoseg.raster.gdal.xml import parse_xml
from geoseg.raster.scenes.product import finite_number
from geoseg.raster.scenes.scene import BandMetadata, File, QualityFile, SceneFiles
from geoseg.system.json_text import parse_json

if TYPE_CHECKING:
    from geoseg.raster.scenes.product import Product

    Groups = Mapping[str, Mapping[str, str]]

METADATA = ("*_MTL.json", "*_MTL.xml", "*_MTL.txt")
"""Names of the metadata file, the easiest to read first."""

# Level 2 repeats the numbers of the Level 1 that it was made from: these groups are those of its own files.
_REFLECTANCE = {"1": "LEVEL1_RADIOMETRIC_RESCALING", "2": "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"}
_TEMPERATURE = "LEVEL2_SURFACE_TEMPERATURE_PARAMETERS"
_BAND = re.compile(r"FILE_NAME_BAND_((?:ST_B)?\d{1,2}(?:_VCID_[12])?)", re.ASCII)
_QUALITY = ("FILE_NAME_QUALITY_L1_PIXEL", "FILE_NAME_QUALITY_PIXEL")


def open_landsat(product: Product, metadata: str) -> SceneFiles:
    """Return the bands of a product, in the order of their numbers, without the panchromatic one.

    Parameters
    ----------
    product
        Its files.
    metadata
        Name of its metadata file.

    Raises
    ------
    InputError
        If the metadata is damaged, of another kind, or names files that are missing.
    """
    label = product.label(metadata)
    groups = _groups(product.read(metadata), metadata, label)
    contents = groups.get("PRODUCT_CONTENTS", {})
    level = contents.get("PROCESSING_LEVEL", "")[1:2]
    if level not in _REFLECTANCE:
        raise InputError(
            f"{label}: is no metadata of Landsat Collection 2, Level 1 or 2 (its PROCESSING_LEVEL is "
            f"{contents.get('PROCESSING_LEVEL', 'missing')[:40]!r}); name the band files themselves"
        )
    names = {match[1]: name for key, name in contents.items() if (match := _BAND.fullmatch(key)) is not None}
    image = groups.get("IMAGE_ATTRIBUTES", {})
    pan = names.pop("8", None) if image.get("SENSOR_ID", "").startswith(("OLI", "ETM")) else None
    files, notes = [], []
    for band in sorted(names, key=_order):
        path = _file(product, names[band], label)
        scale, offset = _rescaling(groups, band, level, label)
        files.append(File(path, remote=False, bands=(BandMetadata(scale=scale, offset=offset, nodata=0.0),)))
    if not files:
        raise InputError(f"{label}: names no band files; unpack the whole product again")
    title = contents.get("LANDSAT_PRODUCT_ID") or product.name
    if pan is not None:
        notes.append(f"{title}: {pan} (panchromatic, half the pixel size) is left out; name the file to read it")
    if level == "1" and any(_is_thermal(groups, band) for band in names):
        notes.append(f"{title}: thermal bands of Level 1 are radiance in W/(m² sr µm), not temperature")
    evidence = tuple(text for key in ("SPACECRAFT_ID", "SENSOR_ID") if (text := image.get(key)))
    quality = [file for key in _QUALITY if (file := contents.get(key)) and product.has(file)]
    described = tuple(QualityFile("qa", File(product.address(name), remote=False)) for name in quality[:1])
    return SceneFiles(tuple(files), name=title, notes=tuple(notes), evidence=(title, *evidence), quality=described)


def _order(band: str) -> tuple[int, str]:
    return int(re.sub(r"\D", "", band.partition("_VCID")[0])), band


def _file(product: Product, name: str, label: str) -> str:
    if not product.contains(name):
        raise InputError(f"{label}: names {name[:200]}, outside the product; rejected")
    if not product.has(name):
        raise InputError(f"{product.label(name)}: this file of the product is missing; unpack the whole product again")
    return product.address(name)


def _is_thermal(groups: Groups, band: str) -> bool:
    return f"REFLECTANCE_MULT_BAND_{band}" not in groups.get(_REFLECTANCE["1"], {})


def _rescaling(groups: Groups, band: str, level: str, label: str) -> tuple[float, float]:
    """Return scale and offset of a band."""
    if band.startswith("ST_"):
        group, kind = _TEMPERATURE, "TEMPERATURE"
    else:
        group = _REFLECTANCE[level]
        kind = "RADIANCE" if level == "1" and _is_thermal(groups, band) else "REFLECTANCE"
    scale, offset = (_number(groups, group, f"{kind}_{what}_BAND_{band}", label) for what in ("MULT", "ADD"))
    if level == "1" and kind == "REFLECTANCE":
        height = math.sin(math.radians(_number(groups, "IMAGE_ATTRIBUTES", "SUN_ELEVATION", label)))
        if height <= 0:
            raise InputError(f"{label}: the sun is below the horizon, so the scene has no reflectance; take Level 2")
        scale, offset = scale / height, offset / height
    if scale == 0:
        raise InputError(f"{label}: {kind}_MULT_BAND_{band} is 0; download the product again")
    return scale, offset


def _number(groups: Groups, group: str, key: str, label: str) -> float:
    return finite_number(groups.get(group, {}).get(key), f"{key} of {group}", label)


def _groups(data: bytes, name: str, label: str) -> Groups:
    """Return the groups of a metadata file, each with its entries; numbers stay text."""
    if name.lower().endswith(".json"):
        content = parse_json(data, label, "the metadata of a Landsat product")
        root = content.get("LANDSAT_METADATA_FILE") if isinstance(content, dict) else None
        found = root if isinstance(root, dict) else {}
        groups: Any = {group: entries for group, entries in found.items() if isinstance(entries, dict)}
    elif name.lower().endswith(".xml"):
        tree = parse_xml(data, label)
        groups = {group.tag: {entry.tag: (entry.text or "").strip() for entry in group} for group in tree}
    else:
        groups = _groups_of_text(data.decode("utf-8", "replace"))
    return {group: {key: str(value) for key, value in entries.items()} for group, entries in groups.items()}


def _groups_of_text(text: str) -> dict[str, dict[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    group = ""
    for line in text.splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        if key == "GROUP":
            group = value
        elif equals and key != "END_GROUP":
            groups.setdefault(group, {})[key] = value.strip('"')
    return groups
