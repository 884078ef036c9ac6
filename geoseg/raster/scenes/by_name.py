"""Files whose bands and units are known by their names: PlanetScope and NAIP.

PlanetScope: https://docs.planet.com/data/imagery/planetscope. Surface reflectance (``…_SR…``) is stored
x 10,000; of the other analytic files the XML beside them states for each band the factor that makes reflectance at the
top of the atmosphere. NAIP: four bands, red, green, blue and near infrared, https://naip-usdaonline.hub.arcgis.com.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from geoseg.errors import InputError
from geoseg.raster.gdal.xml import read_xml
from geoseg.raster.scenes.scene import BandMetadata, File, QualityFile, SceneFiles

# 20240601_101031_12_24a1_3B_AnalyticMS_SR_8b_harmonized_clip.tif
_PLANET = re.compile(r"(\d{8}_\w+?_3B)_AnalyticMS(_SR)?(_8b)?(_SR)?(?:_harmonized)?(_clip)?\.tiff?$", re.IGNORECASE)
_FOUR = ("blue", "green", "red", "nir")
_EIGHT = ("coastal", "blue", "green_i", "green", "yellow", "red", "rededge", "nir")
_SCALE = 1e-4

# m_3812118_ne_10_060_20200521_20201208.tif
_NAIP = re.compile(r"m_\d{7}_(?:ne|nw|se|sw)_\d{1,2}_\w{1,4}_\d{8}(?:_\d{8})?\.tiff?$", re.IGNORECASE)
_NAIP_BANDS = ("red", "green", "blue", "nir")


def known_by_name(path: Path, *, remote: bool) -> SceneFiles | None:
    """Return a file with what its name says about its bands; None if that is nothing.

    Raises
    ------
    InputError
        If the metadata beside it is damaged.
    """
    if _NAIP.match(path.name):
        named = tuple(BandMetadata(name=name) for name in _NAIP_BANDS)
        return SceneFiles((File(str(path), remote, named, exact=True),))
    match = _PLANET.match(path.name)
    return None if match is None else _planet(path, match, remote=remote)


def _planet(path: Path, match: re.Match[str], *, remote: bool) -> SceneFiles:
    surface, eight = bool(match[2] or match[4]), match[3]
    names = _EIGHT if eight else _FOUR
    notes: tuple[str, ...] = ()
    scales: tuple[float | None, ...] = (_SCALE,) * len(names)
    if not surface:
        scales = _coefficients(path, match, len(names)) or (None,) * len(names)
        if scales[0] is None:
            notes = (f"{path}: no metadata XML beside it states how its values become reflectance; they are counts",)
    bands = tuple(
        BandMetadata(name=name, scale=scale, offset=None if scale is None else 0.0, nodata=0.0)
        for name, scale in zip(names, scales, strict=True)
    )
    masks = (path.with_name(f"{match[1]}_udm2{match[5] or ''}{ending}") for ending in (".tif", ".TIF"))
    quality = tuple(QualityFile("udm", File(str(mask), remote)) for mask in masks if mask.is_file())[:1]
    return SceneFiles((File(str(path), remote, bands, exact=True),), notes=notes, quality=quality)


def _coefficients(path: Path, match: re.Match[str], count: int) -> tuple[float, ...] | None:
    """Return the reflectance coefficient of each band, from the XML beside the file; None if there is no such XML."""
    stem = f"{match[1]}_AnalyticMS{match[3] or ''}_metadata"
    found = [beside for ending in ("", "_clip") if (beside := path.with_name(f"{stem}{ending}.xml")).is_file()]
    if not found:
        return None
    coefficients: dict[int, float] = {}
    for element in read_xml(found[0]).iter():
        if element.tag.rpartition("}")[2] == "bandSpecificMetadata":
            entries = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
            number, value = entries.get("bandNumber", ""), _number(entries.get("reflectanceCoefficient", ""))
            if not number.isdecimal() or value is None:
                raise InputError(f"{found[0]}: states no reflectance coefficient of band {number or '?'}; get it again")
            coefficients[int(number)] = value
    if sorted(coefficients) != list(range(1, count + 1)):
        raise InputError(f"{found[0]}: states coefficients of {len(coefficients)} bands, not of {count}; get it again")
    return tuple(coefficients[number] for number in range(1, count + 1))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None
