"""Sentinel-2 products in SAFE folders (Level 1C and 2A), described by their metadata.

Product format: https://sentiwiki.copernicus.eu/web/s2-products. Reflectance is (DN + offset) / quantification value;
the offset came with processing baseline 04.00 and is -1000 since.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from geoseg.errors import InputError
from geoseg.raster.bands.sensors import SENTINEL2, code_of
from geoseg.raster.gdal.xml import read_xml
from geoseg.raster.scenes.scene import BandMetadata, File, QualityFile, SceneFiles

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# By band_id, the number of a band in the metadata's lists of offsets.
_ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
_CLASSIFICATION = re.compile(r"_SCL_(\d+)m$", re.ASCII)
_IMAGE = re.compile(r"_(B(?:0[1-9]|1[0-2]|8A))(?:_(10|20|60)m)?$", re.ASCII)


def open_safe(folder: Path) -> SceneFiles:
    """Return the spectral bands of a product, each at its finest resolution, in the order of their numbers.

    Raises
    ------
    InputError
        If the metadata or a band file it names is missing or damaged.
    """
    metadata = sorted(folder.glob("MTD_MSIL*.xml"))
    if not metadata:
        raise InputError(f"{folder}: no MTD_MSIL1C.xml or MTD_MSIL2A.xml; unpack the whole product again")
    tree = read_xml(metadata[0])
    images = _images(tree, folder)
    if not images:
        raise InputError(f"{metadata[0]}: names no band files; unpack the whole product again")
    quantification = _quantification(tree, metadata[0])
    offsets = _offsets(tree, metadata[0])
    files = []
    for code in sorted(images, key=_ORDER.index):
        path = images[code]
        if not path.is_file():
            raise InputError(f"{path}: band {code} of the product is missing; unpack the whole product again")
        band = BandMetadata(
            name=SENTINEL2.codes[code_of(code) or ""],
            scale=1.0 / quantification,
            offset=offsets.get(_ORDER.index(code), 0.0) / quantification,
            nodata=0.0,
            code=code,
        )
        files.append(File(str(path), remote=False, bands=(band,)))
    return SceneFiles(tuple(files), name=folder.name.removesuffix(".SAFE"), quality=_quality(tree, folder))


def _quality(tree: Element, folder: Path) -> tuple[QualityFile, ...]:
    """Return the scene classification of Level-2A, or the masks of Level-1C since baseline 04.00, if they are there."""
    found = []
    for element in tree.iter("IMAGE_FILE"):
        stem = (element.text or "").strip()
        if (match := _CLASSIFICATION.search(stem)) is not None:
            found.append((int(match[1]), folder / f"{stem}.jp2", "scl"))
    found += [(0, path, "classi") for path in sorted(folder.glob("GRANULE/*/QI_DATA/MSK_CLASSI_B00.jp2"))]
    root = folder.resolve()
    inside = [one for one in sorted(found) if one[1].is_file() and one[1].resolve().is_relative_to(root)]
    # Level-2A has the masks of Level-1C, too.
    inside.sort(key=lambda one: one[2] != "scl")
    return tuple(QualityFile(kind, File(str(path), remote=False)) for _, path, kind in inside)


def _images(tree: Element, folder: Path) -> dict[str, Path]:
    """Return the file of each band, the finest where there are several."""
    found: dict[str, tuple[int, Path]] = {}
    root = folder.resolve()
    for element in tree.iter("IMAGE_FILE"):
        stem = (element.text or "").strip()
        match = _IMAGE.search(stem)
        if match is None:
            continue
        path = folder / f"{stem}.jp2"
        if not path.resolve().is_relative_to(root):
            raise InputError(f"{folder}: its metadata names {stem}, outside the product; rejected")
        code, metres = match.group(1), int(match.group(2) or 0)
        if code not in found or metres < found[code][0]:
            found[code] = metres, path
    return {code: path for code, (_, path) in found.items()}


def _quantification(tree: Element, path: Path) -> float:
    for tag in ("BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE"):
        for element in tree.iter(tag):
            value = _number(element, path)
            if value <= 0:
                raise InputError(f"{path}: {tag} is {element.text!r}, not a positive number; unpack the product again")
            return value
    raise InputError(f"{path}: states no quantification value, so reflectance is unknown; unpack the product again")


def _offsets(tree: Element, path: Path) -> dict[int, float]:
    """Return the offset of each band by its position in the product's list of bands."""
    found = {}
    for tag in ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET"):
        for element in tree.iter(tag):
            band = element.get("band_id") or ""
            if not re.fullmatch(r"\d{1,2}", band, re.ASCII):
                raise InputError(f"{path}: {tag} has band_id {band!r}, not a number; unpack the product again")
            found[int(band)] = _number(element, path)
    return found


def _number(element: Element, path: Path) -> float:
    try:
        value = float(element.text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{path}: {element.tag} is {(element.text or '')[:40]!r}, not a finite number; unpack the product again"
        )
    return value
