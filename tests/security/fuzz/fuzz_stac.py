"""STAC items and ItemCollections, opened as scenes."""

from __future__ import annotations

import json

import geoseg
from geoseg.raster.scenes.stac import open_item
from tests.security.fuzz.sandbox import Sandbox
from tests.security.fuzz.scenes import tif
from tests.security.fuzz.structures import json_mutation

_BOX = Sandbox()
_CODES = ("B02", "B03", "B04", "B08")
for _code in _CODES:
    tif(_BOX.folder / f"S2_{_code}.tif")
mutate = json_mutation((
    f"{_BOX.url}/x.tif", f"/vsicurl/{_BOX.url}/x.tif", "/vsis3/b/x.tif", "S2_B04.tif", "item.json", "item.json#a",
    "B05",
    "image/tiff", "application/vnd.gdal", "sentinel-2a", "landsat-8", "FeatureCollection", "nir", "rededge", ".",
))  # fmt: skip


def target(data: bytes) -> None:
    path = str(_BOX.write("item.json", data))
    with _BOX.watched():
        if b'"FeatureCollection"' in data:
            open_item(path, remote=False, item="a")
        raster = geoseg.open_raster(path)
        repr(raster).encode()
        assert all("\n" not in note for note in raster.notes)


def seeds() -> list[bytes]:
    common = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir"}
    old = {
        "type": "Feature", "stac_version": "1.0.0", "id": "a", "collection": "sentinel-2-l2a", "geometry": None,
        "properties": {"platform": "sentinel-2a", "constellation": "sentinel-2", "instruments": ["msi"]},
        "links": [], "bbox": [0, 0, 1, 1],
        "assets": {
            code: {
                "href": f"./S2_{code}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"], "title": code,
                "eo:bands": [{"name": code, "common_name": common[code], "center_wavelength": 0.5}],
                "raster:bands": [{"nodata": 0, "data_type": "uint16", "scale": 1e-4, "offset": -0.1}],
            }
            for code in _CODES
        },
    }  # fmt: skip
    new = {
        **old, "stac_version": "1.1.0",
        "assets": {
            "data": {
                "href": "S2_B04.tif", "type": "image/tiff", "roles": ["data", "reflectance"], "nodata": "nan",
                "bands": [{"name": "B04", "eo:common_name": "red", "raster:scale": 0.0001, "raster:offset": 0}],
            },
            "thumbnail": {"href": "t.png", "type": "image/png", "roles": ["thumbnail"]},
        },
    }  # fmt: skip
    items = [old, new, {"type": "FeatureCollection", "features": [new, {**old, "id": "b"}]}]
    return [json.dumps(item).encode() for item in items]
