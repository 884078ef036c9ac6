"""Reflectance of Sentinel-2 in STAC items, whose catalogues state its offset in three ways, one of them wrong.

Since processing baseline 04.00 (January 2022) ESA's pixels hold 1000 more than reflectance x 10,000. Earth Search
subtracts that in its collection sentinel-2-l2a, says so in a property, and states the offset of ESA's pixels beside it
(https://github.com/Element84/earth-search/issues/66, /71); its sentinel-2-c1-l2a has ESA's pixels. The Planetary
Computer has ESA's pixels and states no scale (https://github.com/microsoft/PlanetaryComputer/issues/134).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from geoseg.raster.bands.sensors import SENTINEL2, code_of
from geoseg.raster.scenes.scene import BandMetadata

Correction = Callable[[BandMetadata], BandMetadata]
"""From what an item says about a band to what holds for its pixels."""

_SCALE, _OFFSET, _SINCE = 1e-4, -0.1, 4.0
_SUBTRACTED = ("earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")


def reflectance_of(item: dict[str, Any]) -> tuple[Correction, tuple[str, ...]]:
    """Return how the bands' metadata of an item are corrected, and notes about it; other items stay as they are."""
    properties = item.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    name = str(item.get("id"))[:200]
    subtracted = next((properties[key] for key in _SUBTRACTED if isinstance(properties.get(key), bool)), None)
    if subtracted:
        note = f"{name}: states that the offset of Sentinel-2 has been subtracted; it is not applied"
        return _without_offset, (note,)
    if subtracted is False and item.get("collection") == "sentinel-2-l2a":
        note = f"{name}: Earth Search states the offset of Sentinel-2 wrongly for some scenes of sentinel-2-l2a; "
        return _unchanged, (note + "its collection sentinel-2-c1-l2a is right",)
    baseline = _number(properties.get("s2:processing_baseline"))
    assets = [asset for asset in item["assets"].values() if isinstance(asset, dict)]
    if baseline is None or any(_states_scale(asset) for asset in assets):
        return _unchanged, ()
    offset = _OFFSET if baseline >= _SINCE else 0.0

    def stated(band: BandMetadata) -> BandMetadata:
        code = code_of(band.code)
        if code not in SENTINEL2.codes:
            return band
        return replace(band, scale=_SCALE, offset=offset, nodata=0.0 if band.nodata is None else band.nodata)

    note = f"{name}: states no scale; taken as Sentinel-2 of processing baseline {baseline:05.2f}: reflectance is "
    return stated, (note + f"{_SCALE:g} × value{f' - {-offset:g}' if offset else ''}",)


def _without_offset(band: BandMetadata) -> BandMetadata:
    return band if band.offset is None else replace(band, offset=0.0)


def _unchanged(band: BandMetadata) -> BandMetadata:
    return band


def _states_scale(asset: dict[str, Any]) -> bool:
    entries = [asset, *(one for key in ("raster:bands", "bands") for one in _list(asset.get(key)))]
    return any(isinstance(one, dict) and ("scale" in one or "raster:scale" in one) for one in entries)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
