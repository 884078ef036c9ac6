"""Products of Pléiades, Pléiades Neo, SPOT 6 and SPOT 7: DIMAP version 2, described by ``DIM_….XML``.

Formats: Pléiades and SPOT 6/7 imagery user guides of Airbus, chapters on DIMAP and on spectral values. Where pixels are
counts (radiometric processing BASIC), radiance is DN / GAIN + BIAS and reflectance at the top of the atmosphere
pi x radiance x d² / (irradiance x sine of the sun's elevation), d being the distance of the sun in astronomical units;
of REFLECTANCE products reflectance is DN / GAIN + BIAS. Other values are pictures, without units.
"""

from __future__ import annotations

import math
import re
from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from geoseg.errors import InputError
from geoseg.raster.gdal.xml import parse_xml
from geoseg.raster.scenes.product import finite_number
from geoseg.raster.scenes.scene import BandMetadata, File, SceneFiles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from geoseg.raster.scenes.product import Product

METADATA = "DIM_*.XML"

_NAMES = {
    "B0": "blue", "B1": "green", "B2": "red", "B3": "nir", "P": "pan", "PAN": "pan",
    "DB": "coastal", "B": "blue", "G": "green", "R": "red", "RE": "rededge", "NIR": "nir",
}  # fmt: skip
# Bands of a file by the product's spectral processing, where its metadata do not list them. For MS-X (three bands with
# near infrared) the order that is displayed and the one that is stored are told differently: these stay without names.
_USUAL = {
    "P": ["P"], "MS": ["B2", "B1", "B0", "B3"], "PMS": ["B2", "B1", "B0", "B3"], "MS-N": ["B2", "B1", "B0"],
    "PMS-N": ["B2", "B1", "B0"],
}  # fmt: skip

# What metadata write for an irradiance that is unknown.
_UNKNOWN = 999.0


def open_dimap(product: Product, metadata: str) -> SceneFiles:
    """Return the bands of a product, joined from its tiles.

    Raises
    ------
    InputError
        If the metadata is damaged or of an older version, or names files that are missing.
    """
    label = product.label(metadata)
    tree = parse_xml(product.read(metadata), label)
    groups = tree.findall(".//Raster_Data/Data_Access/Data_Files")
    if not groups:
        raise InputError(f"{label}: is no DIMAP of version 2, of Pléiades or SPOT 6/7; name the image file itself")
    units, notes = _units(tree, label)
    nodata = _nodata(tree, label)
    tiles: dict[tuple[str, str], list[File]] = {}
    for group in groups:
        ids = _band_ids(group, tree)
        if not ids:
            notes.append("its metadata do not tell which band is which: name them with bands (--bands)")
        bands = tuple(
            BandMetadata(name=_NAMES.get(name), scale=scale, offset=offset, nodata=nodata)
            for name in ids
            for scale, offset in [units.get(name, (None, None))]
        )
        for one in group.findall("Data_File"):
            place = one.get("tile_R", "1"), one.get("tile_C", "1")
            tiles.setdefault(place, []).append(File(_path(product, one, label), False, bands, exact=True))
    if not tiles:
        raise InputError(f"{label}: names no image files; unpack the whole product again")
    name = re.sub(r"^DIM_", "", PurePosixPath(metadata).stem)
    parts = tuple(tuple(files) for _, files in sorted(tiles.items(), key=lambda tile: tuple(map(_number_in, tile[0]))))
    told = tuple(f"{name}: {note}" for note in dict.fromkeys(notes))
    if len(parts) == 1:
        return SceneFiles(parts[0], name=name, notes=told)
    return SceneFiles(tuple(file for part in parts for file in part), name=name, notes=told, tiles=parts)


def _number_in(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _band_ids(group: Element, tree: Element) -> list[str]:
    """Return the bands of a group of files in their order: its own list, else the product's, else the usual one.

    Empty if they are not known.
    """
    for place in (group, tree):
        found = place.findall(".//Raster_Index_List/Raster_Index")
        listed = {_number_in(_text(one, "BAND_INDEX")): _text(one, "BAND_ID").upper() for one in found}
        if listed:
            return [listed[number] for number in sorted(listed)]
    return _USUAL.get(_text(tree, ".//SPECTRAL_PROCESSING").upper(), [])


def _path(product: Product, one: Element, label: str) -> str:
    element = one.find("DATA_FILE_PATH")
    name = "" if element is None else element.get("href") or ""
    if not name or not product.contains(name):
        raise InputError(f"{label}: names {name[:200]!r} as an image, which is not in the product; rejected")
    if not product.has(name):
        raise InputError(f"{product.label(name)}: this image of the product is missing; unpack the whole product again")
    return product.address(name)


def _units(tree: Element, label: str) -> tuple[Mapping[str, tuple[float, float]], list[str]]:
    """Return scale and offset of each band that has any, and what is said about them."""
    kind = _text(tree, ".//Radiometric_Settings/RADIOMETRIC_PROCESSING").upper()
    if kind == "REFLECTANCE":
        return _linear(tree, "Band_Reflectance", label), []
    if kind != "BASIC":
        said = f"its values are {kind.lower() or 'of an unknown kind'}, made to be looked at, and have no units"
        return {}, [said] if kind else []
    radiance = _linear(tree, "Band_Radiance", label)
    irradiance = {
        _text(one, "BAND_ID").upper(): finite_number(_text(one, "VALUE"), "Band_Solar_Irradiance", label)
        for one in tree.iter("Band_Solar_Irradiance")
    }
    factor = _sun(tree, label)
    if factor is None or any(not irradiance.get(name) or irradiance[name] == _UNKNOWN for name in radiance):
        return radiance, ["values are radiance in W/(m² sr µm): the sun's elevation or irradiance is not stated"]
    units = {name: (gain * factor / irradiance[name], bias * factor / irradiance[name])
             for name, (gain, bias) in radiance.items()}  # fmt: skip
    return units, ["values are reflectance at the top of the atmosphere, computed from the product's calibration"]


def _linear(tree: Element, tag: str, label: str) -> dict[str, tuple[float, float]]:
    found = {}
    for one in tree.iter(tag):
        gain = finite_number(_text(one, "GAIN"), f"GAIN of {tag}", label)
        if gain <= 0:
            raise InputError(f"{label}: GAIN of {tag} is {gain:g}, not a positive number; download the product again")
        bias = finite_number(_text(one, "BIAS") or "0", f"BIAS of {tag}", label)
        found[_text(one, "BAND_ID").upper()] = 1 / gain, bias
    return found


def _sun(tree: Element, label: str) -> float | None:
    """Return pi d² / sine of the sun's elevation in the centre of the scene; None if it is not stated."""
    places = tree.findall(".//Located_Geometric_Values")
    central = [one for one in places if _text(one, "LOCATION_TYPE").lower() == "center"] or places
    if not central:
        return None
    text = _text(central[0], ".//SUN_ELEVATION")
    day = re.match(r"(\d{4})-(\d\d)-(\d\d)", _text(central[0], "TIME") or _text(tree, ".//IMAGING_DATE"))
    if not text or day is None:
        return None
    height = math.sin(math.radians(finite_number(text, "SUN_ELEVATION", label)))
    if height <= 0:
        raise InputError(f"{label}: the sun is below the horizon, so the scene has no reflectance")
    return math.pi * sun_distance(date(*map(int, day.groups()))) ** 2 / height


def sun_distance(day: date) -> float:
    """Return the distance of the sun in astronomical units, to 0.0002.

    Source: Astronomical Almanac, low-precision formulas for the sun (mean anomaly g, distance R).

    Examples
    --------
    >>> from datetime import date
    >>> from geoseg.raster.scenes.dimap import sun_distance
    >>> round(sun_distance(date(2020, 1, 5)), 4), round(sun_distance(date(2020, 7, 4)), 4)
    (0.9832, 1.0167)
    """
    days = (day - date(2000, 1, 1)).days  # from noon on 1 January 2000 to noon
    anomaly = math.radians(357.528 + 0.9856003 * days)
    return 1.00014 - 0.01671 * math.cos(anomaly) - 0.00014 * math.cos(2 * anomaly)


def _nodata(tree: Element, label: str) -> float | None:
    for one in tree.iter("Special_Value"):
        if _text(one, "SPECIAL_VALUE_TEXT").upper() == "NODATA":
            return finite_number(_text(one, "SPECIAL_VALUE_COUNT"), "SPECIAL_VALUE_COUNT", label)
    return None


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
