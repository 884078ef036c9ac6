"""The conventions of GeoZarr: attributes that place an array without coordinates of its pixels.

``spatial:dimensions``, ``spatial:transform`` and ``spatial:registration`` of https://github.com/zarr-conventions/spatial;
``proj:code``, ``proj:wkt2`` and ``proj:projjson`` of https://github.com/zarr-conventions/geo-proj. They stand at a
group or an array.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from geoseg.errors import InputError
from geoseg.raster.cf.selection import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

DIMENSIONS = "spatial:dimensions"


def dimensions_of(attributes: Mapping[Any, Any]) -> tuple[str, str] | None:
    """Return the dimensions of rows and columns that are stated."""
    stated = attributes.get(DIMENSIONS)
    if isinstance(stated, list | tuple) and len(stated) == 2 and all(isinstance(name, str) for name in stated):
        return stated[0], stated[1]
    return None


def transform_of(attributes: Mapping[Any, Any], label: str) -> Affine | None:
    """Return the transform of pixel corners; None if none is stated.

    Raises
    ------
    InputError
        If it is no affine transform.
    """
    stated = attributes.get("spatial:transform")
    if stated is None:
        return None
    with suppress(TypeError, ValueError):
        transform = Affine(*(float(number) for number in stated))
        if transform.determinant and text_of(attributes, "spatial:transform_type") in ("", "affine"):
            node = text_of(attributes, "spatial:registration") == "node"
            return transform * Affine.translation(-0.5, -0.5) if node else transform
    raise InputError(f"{label}: its spatial:transform {str(stated)[:60]} is no affine transform; correct it")


def projection_of(attributes: Mapping[Any, Any], label: str) -> CRS | None:
    """Return the CRS; None if none is stated.

    Raises
    ------
    InputError
        If it is not understood.
    """
    stated: Any = text_of(attributes, "proj:code") or text_of(attributes, "proj:wkt2")
    if not stated and isinstance(attributes.get("proj:projjson"), dict):
        stated = json.dumps(attributes["proj:projjson"])
    if not stated:
        return None
    try:
        return CRS.from_user_input(stated)
    except CRSError as error:
        raise InputError(f"{label}: its CRS {stated[:60]!r} is not understood; correct it") from error
