"""Sentinel-2 products in SAFE folders (Level 1C and 2A), described by their metadata.

Product format: https://sentiwiki.copernicus.eu/web/s2-products. Reflectance is (DN + offset) / quantification value;
the offset came with processing baseline 04.00 and is -1000 since.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from geoseg.errors import InputError
from geoseg.raster import names
from geoseg.raster.gdal.xml import read_xml
from geoseg.raster.scenes.scene import BandMetadata, File, SceneFiles

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# By band_id, the number of a band in the metadata's lists of offsets.
_ORDER = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
_IMAGE = re.compile(r"_(B(?:0\d|1[0-2]|8A))(?:_(10|20|60)m)?$")


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
    quantification = _number(tree, ("BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE"), metadata[0])
    if not quantification:
        raise InputError(
            f"{metadata[0]}: states no quantification value, so reflectance is unknown; unpack the product again"
        )
    offsets = _offsets(tree)
    files = []
    for code in sorted(images, key=_ORDER.index):
        path = images[code]
        if not path.is_file():
            raise InputError(f"{path}: band {code} of the product is missing; unpack the whole product again")
        band = BandMetadata(
            name=names.from_text(code),
            scale=1.0 / quantification,
            offset=offsets.get(_ORDER.index(code), 0.0) / quantification,
            nodata=0.0,
        )
        files.append(File(str(path), remote=False, bands=(band,)))
    return SceneFiles(tuple(files), name=folder.name.removesuffix(".SAFE"))


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


def _number(tree: Element, tags: tuple[str, ...], path: Path) -> float | None:
    for tag in tags:
        for element in tree.iter(tag):
            try:
                return float(element.text or "")
            except ValueError:
                raise InputError(f"{path}: {tag} is {element.text!r}, not a number; unpack the product again") from None
    return None


def _offsets(tree: Element) -> dict[int, float]:
    found = {}
    for tag in ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET"):
        for element in tree.iter(tag):
            band = element.get("band_id")
            if band is not None and band.isdigit():
                found[int(band)] = float(element.text or 0)
    return found
