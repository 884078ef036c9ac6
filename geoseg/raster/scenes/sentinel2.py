"""Sentinel-2 products in the SAFE format (Level 1C and 2A), described by their metadata.

Product format: https://sentiwiki.copernicus.eu/web/s2-products. Reflectance is (DN + offset) / quantification value;
the offset came with processing baseline 04.00 and is -1000 since.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from geoseg.errors import InputError
from geoseg.raster.bands.sensors import SENTINEL2, code_of
from geoseg.raster.gdal.xml import parse_xml
from geoseg.raster.scenes.product import finite_number
from geoseg.raster.scenes.scene import BandMetadata, File, QualityFile, SceneFiles

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from geoseg.raster.scenes.product import Product

METADATA = "MTD_MSIL*.xml"

# By band_id, the number of a band in the metadata's lists of offsets.
_ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
_CLASSIFICATION = re.compile(r"_SCL_(\d+)m$", re.ASCII)
_IMAGE = re.compile(r"_(B(?:0[1-9]|1[0-2]|8A))(?:_(10|20|60)m)?$", re.ASCII)


def open_safe(product: Product) -> SceneFiles:
    """Return the spectral bands of a product, each at its finest resolution, in the order of their numbers.

    Parameters
    ----------
    product
        Its files, MTD_MSIL1C.xml or MTD_MSIL2A.xml at the top.

    Raises
    ------
    InputError
        If the metadata or a band file it names is missing or damaged.
    """
    metadata = product.named(METADATA)
    if not metadata:
        raise InputError(f"{product.path}: no MTD_MSIL1C.xml or MTD_MSIL2A.xml; unpack the whole product again")
    label = product.label(metadata[0])
    tree = parse_xml(product.read(metadata[0]), label)
    images = _images(tree, product)
    if not images:
        raise InputError(f"{label}: names no band files; unpack the whole product again")
    quantification = _quantification(tree, label)
    offsets = _offsets(tree, label)
    files = []
    for code in sorted(images, key=_ORDER.index):
        name = images[code]
        if not product.has(name):
            remedy = "unpack the whole product again"
            raise InputError(f"{product.label(name)}: band {code} of the product is missing; {remedy}")
        band = BandMetadata(
            name=SENTINEL2.codes[code_of(code) or ""],
            scale=1.0 / quantification,
            offset=offsets.get(_ORDER.index(code), 0.0) / quantification,
            nodata=0.0,
            code=code,
        )
        files.append(File(product.address(name), remote=False, bands=(band,)))
    return SceneFiles(tuple(files), name=product.name.removesuffix(".SAFE"), quality=_quality(tree, product))


def _quality(tree: Element, product: Product) -> tuple[QualityFile, ...]:
    """Return the scene classification of Level-2A, or the masks of Level-1C since baseline 04.00, if they are there."""
    found = []
    for element in tree.iter("IMAGE_FILE"):
        stem = (element.text or "").strip()
        if (match := _CLASSIFICATION.search(stem)) is not None:
            found.append((int(match[1]), f"{stem}.jp2", "scl"))
    found += [(0, name, "classi") for name in product.named("GRANULE/*/QI_DATA/MSK_CLASSI_B00.jp2")]
    inside = [one for one in sorted(found) if product.has(one[1])]
    # Level-2A has the masks of Level-1C, too.
    inside.sort(key=lambda one: one[2] != "scl")
    return tuple(QualityFile(kind, File(product.address(name), remote=False)) for _, name, kind in inside)


def _images(tree: Element, product: Product) -> dict[str, str]:
    """Return the file of each band, the finest where there are several."""
    found: dict[str, tuple[int, str]] = {}
    for element in tree.iter("IMAGE_FILE"):
        stem = (element.text or "").strip()
        match = _IMAGE.search(stem)
        if match is None:
            continue
        name = f"{stem}.jp2"
        if not product.contains(name):
            raise InputError(f"{product.path}: its metadata names {stem}, outside the product; rejected")
        code, metres = match.group(1), int(match.group(2) or 0)
        if code not in found or metres < found[code][0]:
            found[code] = metres, name
    return {code: name for code, (_, name) in found.items()}


def _quantification(tree: Element, label: str) -> float:
    for tag in ("BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE"):
        for element in tree.iter(tag):
            value = _number(element, label)
            if value <= 0:
                raise InputError(f"{label}: {tag} is {element.text!r}, not a positive number; unpack the product again")
            return value
    raise InputError(f"{label}: states no quantification value, so reflectance is unknown; unpack the product again")


def _offsets(tree: Element, label: str) -> dict[int, float]:
    """Return the offset of each band by its position in the product's list of bands."""
    found = {}
    for tag in ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET"):
        for element in tree.iter(tag):
            band = element.get("band_id") or ""
            if not re.fullmatch(r"\d{1,2}", band, re.ASCII):
                raise InputError(f"{label}: {tag} has band_id {band!r}, not a number; unpack the product again")
            found[int(band)] = _number(element, label)
    return found


def _number(element: Element, label: str) -> float:
    return finite_number(element.text or "", element.tag, label, "unpack the product again")
