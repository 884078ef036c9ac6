"""STAC items: assets that are raster bands, with their metadata.

Supports STAC 1.0 (``eo:bands``, ``raster:bands``) and 1.1 (``bands``): https://github.com/radiantearth/stac-spec
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from geoseg.errors import InputError
from geoseg.raster.bands import names
from geoseg.raster.bands.sensors import code_of, name_bands
from geoseg.raster.clouds.kinds import kind_named
from geoseg.raster.gdal.environment import is_remote, is_virtual
from geoseg.raster.scenes.scene import BandMetadata, File, QualityFile, SceneFiles
from geoseg.raster.scenes.stac_sentinel2 import reflectance_of
from geoseg.system.files import check_regular_file
from geoseg.system.json_text import parse_json

_MAX_BYTES = 16 * 2**20
_SECONDS = 30
_PICTURES = {"thumbnail", "overview", "visual", "metadata", "tilejson"}
_TYPES = ("image/tiff", "image/jp2", "image/vnd.stac.geotiff", "application/vnd.gdal", "image/png", "image/jpeg")
_ENDINGS = (".tif", ".tiff", ".jp2", ".vrt")


def open_item(path: str, *, remote: bool, item: str | None = None) -> SceneFiles:
    """Return the bands of a STAC item; of several assets with the same band, the finest GeoTIFF.

    Parameters
    ----------
    path
        The item, or an ItemCollection.
    remote
        Whether the network may be used.
    item
        Id of the item in an ItemCollection.

    Raises
    ------
    InputError
        If it is not a STAC item, has no raster, or is a local file that refers to the network.
    """
    content = _load(path, remote=remote)
    if item is not None:
        content = _item_of(content, path, item)
    if not isinstance(content, dict) or content.get("type") != "Feature" or not isinstance(content.get("assets"), dict):
        kind = content.get("type") if isinstance(content, dict) else type(content).__name__
        hint = ""
        if isinstance(content, dict) and kind == "FeatureCollection":
            found = content.get("features")
            items = isinstance(found, list) and any(isinstance(one, dict) and "assets" in one for one in found)
            what = "to segment all its items use --scenes" if items else "it holds vectors: name the image they lie on"
            hint = f"; {what}"
        raise InputError(
            f"{path}: not a STAC item (its type is {kind!r}); a scene's item has type Feature and assets{hint}"
        )
    return item_files(content, path, remote=remote)


def item_files(content: dict[str, Any], path: str, *, remote: bool) -> SceneFiles:
    """Return the bands of a STAC item that has been read; of several assets with the same band, the finest GeoTIFF.

    Parameters
    ----------
    content
        The item, with its assets.
    path
        Where it comes from: relative addresses begin there.
    remote
        Whether the network may be used.

    Raises
    ------
    InputError
        If it has no raster, states impossible values, or is a local file that refers to the network.
    """
    found: dict[str, tuple[tuple[bool, float], File]] = {}
    assets = {key: asset for key, asset in content["assets"].items() if _is_raster(key, asset)}
    codes = [text for key, asset in assets.items() for text in (*_own_names(asset), key) if code_of(text)]
    evidence = _evidence(content)
    correct, notes = reflectance_of(content)
    for key, asset in assets.items():
        try:
            metadata = _bands_of(key, asset)
        except ValueError as error:
            raise InputError(f"{path}: asset {key!r} {error}; repair the item") from error
        metadata = tuple(correct(_precise(band, codes, evidence)) for band in metadata)
        size = asset.get("file:size")
        file = File(_address(path, str(asset["href"])), remote, metadata, size if isinstance(size, int) else None)
        identity = "|".join(one.name or key for one in metadata)
        rank = not _is_tiff(asset), _pixel_size(asset)
        if identity not in found or rank < found[identity][0]:
            found[identity] = rank, file
    files = _with_nir_of_landsat(tuple(file for _, file in found.values()), evidence)
    if not files:
        raise InputError(
            f"{path}: the STAC item has no raster asset; its assets are {', '.join(content['assets']) or 'none'}"
        )
    refused = next((file.path for file in files if is_remote(file.path) and not remote), None)
    if refused is not None:
        raise InputError(
            f"{path}: refers to {refused} on the network; pass allow_remote=True, or open the item by its URL"
        )
    name = str(content.get("id") or Path(path).stem)
    quality = _quality_files(assets, path, evidence, remote=remote)
    return SceneFiles(files, name=name, notes=notes, evidence=evidence, quality=quality)


def _quality_files(
    assets: dict[str, dict[str, Any]], path: str, evidence: tuple[str, ...], *, remote: bool
) -> tuple[QualityFile, ...]:
    """Return the assets that say where clouds are, the finest GeoTIFF first."""
    found = []
    for key, asset in assets.items():
        kind = kind_named(key, evidence)
        if kind is not None:
            size = asset.get("file:size")
            address = _address(path, str(asset["href"]))
            file = File(address, remote, size=size if isinstance(size, int) else None)
            found.append((not _is_tiff(asset), _pixel_size(asset), key, QualityFile(kind, file)))
    return tuple(one for *_, one in sorted(found, key=lambda entry: entry[:3]))


def _is_tiff(asset: dict[str, Any]) -> bool:
    return "tif" in str(asset.get("type", "")) or str(asset["href"]).lower().endswith((".tif", ".tiff"))


def _with_nir_of_landsat(files: tuple[File, ...], evidence: tuple[str, ...]) -> tuple[File, ...]:
    """Call Landsat's near infrared ``nir``, as its code is read; STAC's eo extension has it as ``nir08``."""
    names = [band.name for file in files for band in file.bands]
    if "nir" in names or "nir08" not in names or not any(text.lower().startswith("landsat") for text in evidence):
        return files
    return tuple(
        replace(file, bands=tuple(replace(b, name="nir") if b.name == "nir08" else b for b in file.bands))
        for file in files
    )


def _item_of(collection: Any, path: str, item: str) -> Any:
    features = collection.get("features") if isinstance(collection, dict) else None
    for feature in features if isinstance(features, list) else ():
        if isinstance(feature, dict) and str(feature.get("id")) == item:
            return feature
    raise InputError(f"{path}: has no item {item!r}; it must be a STAC ItemCollection with an item of this id")


def _load(path: str, *, remote: bool) -> Any:
    try:
        if is_virtual(path):
            if not remote:
                raise InputError(
                    f"{path}: is on the network, which is not allowed here; pass allow_remote=True or download it"
                )
            # discover.find() passes only http and https here.
            with urlopen(Request(path, headers={"User-Agent": "geoseg"}), timeout=_SECONDS) as answer:  # noqa: S310
                text = answer.read(_MAX_BYTES + 1)
        else:
            check_regular_file(path)
            with Path(path).open("rb") as file:
                text = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}; check the address") from error
    if len(text) > _MAX_BYTES:
        raise InputError(f"{path}: JSON of more than {_MAX_BYTES >> 20} MB is no STAC item")
    return parse_json(text, path, "a STAC item")


def _is_raster(key: str, asset: Any) -> bool:
    if not isinstance(asset, dict) or not isinstance(asset.get("href"), str):
        return False
    roles = asset.get("roles")
    roles = {str(role).lower() for role in roles} if isinstance(roles, list) else set()
    if roles & _PICTURES or key.lower() in _PICTURES | {"tci", "preview", "rendered_preview"}:
        return False
    kind = str(asset.get("type", "")).lower()
    return kind.startswith(_TYPES) or (not kind and asset["href"].split("?")[0].lower().endswith(_ENDINGS))


def _address(item: str, href: str) -> str:
    if is_remote(href) or is_virtual(href):
        return href
    if is_remote(item):
        return urljoin(item, href)
    if href.lower().startswith("file://"):
        from urllib.request import url2pathname

        return url2pathname(href[len("file://") :])
    return href if os.path.isabs(href) else str(Path(item).parent / href)  # noqa: PTH117  hrefs are text


def _evidence(item: dict[str, Any]) -> tuple[str, ...]:
    """Return what an item says about its sensor."""
    properties = item.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    stated = [properties.get(key) for key in ("platform", "constellation", "mission", "instruments", "eo:instrument")]
    texts = [text for value in stated for text in (value if isinstance(value, list) else [value])]
    texts += [item.get("id"), item.get("collection")]
    return tuple(text[:500] for text in texts if isinstance(text, str))


def _pixel_size(asset: dict[str, Any]) -> float:
    """Return the ground sampling distance of an asset, as far as it is stated: CDSE lists a band three times."""
    entries = asset, *_dicts(asset.get("raster:bands"))
    sizes = [entry.get("gsd") or entry.get("spatial_resolution") for entry in entries]
    return min((float(size) for size in sizes if isinstance(size, int | float)), default=math.inf)


def _spectral(asset: dict[str, Any]) -> list[dict[str, Any]]:
    return _dicts(asset.get("bands")) or _dicts(asset.get("eo:bands"))


def _own_names(asset: dict[str, Any]) -> list[str]:
    return [name for band in _spectral(asset) if isinstance(name := band.get("name"), str)]


def _precise(band: BandMetadata, codes: list[str], evidence: tuple[str, ...]) -> BandMetadata:
    """Tell apart the three bands that older items all call ``rededge``, by the sensor's codes."""
    if band.name != "rededge" or not band.code:
        return band
    name = name_bands([band.code, *codes], [evidence]).names[0]
    return replace(band, name=name) if name.startswith("rededge") else band


def _bands_of(key: str, asset: dict[str, Any]) -> tuple[BandMetadata, ...]:
    spectral = _spectral(asset)
    raster = _dicts(asset.get("raster:bands"))
    count = max(len(spectral), len(raster), 1)
    metadata = []
    for number in range(count):
        eo = spectral[number] if number < len(spectral) else {}
        values = {**asset, **eo, **(raster[number] if number < len(raster) else {})}
        metadata.append(
            BandMetadata(
                name=_band_name(eo, own := key if count == 1 else f"band{number + 1}"),
                scale=_value(values, "raster:scale", "scale"),
                offset=_value(values, "raster:offset", "offset"),
                nodata=_value(values, "nodata"),
                code=next((text for text in (eo.get("name"), own) if isinstance(text, str) and code_of(text)), None),
            )
        )
    return tuple(metadata)


def _band_name(eo: dict[str, Any], key: str) -> str:
    """Return the common name that is stated, else the one in the band's own name or key, else these."""
    stated = eo.get("eo:common_name") or eo.get("common_name")
    if isinstance(stated, str):
        return stated
    own = str(eo.get("name") or "")
    code = next((text for text in (own, key) if code_of(text)), "")
    return names.from_text(own) or names.from_text(key) or code or own or key


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _value(values: dict[str, Any], *keys: str) -> float | None:
    """Return the first of the values that is stated.

    Raises
    ------
    ValueError
        If it is no number, or, for other keys than nodata, not finite or a scale of 0.
    """
    for key in keys:
        value = values.get(key)
        if isinstance(value, bool) or value is None:
            continue
        try:
            number = float(value)  # "nan" is how JSON says NaN
        except (TypeError, ValueError, OverflowError):
            number = None
        if number is None or (key != "nodata" and not math.isfinite(number)) or (number == 0 and "scale" in key):
            raise ValueError(f"states {key} {str(value)[:40]!r}, which is no usable number")
        return number
    return None
