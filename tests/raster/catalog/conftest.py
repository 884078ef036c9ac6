"""A catalogue with real item shapes over small rasters: two UTM zones, several dates, clouds."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Transformer

_spec = importlib.util.spec_from_file_location("stac_server", Path(__file__).with_name("stac_server.py"))
stac_server = importlib.util.module_from_spec(_spec)
sys.modules["stac_server"] = stac_server
_spec.loader.exec_module(stac_server)

SIDE, PIXEL = 64, 10.0
BANDS = {"blue": "B02", "green": "B03", "red": "B04", "nir": "B08"}
ALL_BANDS = {**BANDS, "swir16": "B11", "swir22": "B12"}
TIFF = "image/tiff; application=geotiff; profile=cloud-optimized"
FORMS = ("earth-search", "planetary-computer", "cdse", "bare")


def write_tile(folder, name, *, west, north, epsg=32633, seed=0, bands=tuple(BANDS), data=None):
    """Write one file for each band of a tile; return its footprint in degrees and its transform."""
    rng = np.random.default_rng(seed)
    transform = Affine(PIXEL, 0, west, 0, -PIXEL, north)
    for number, band in enumerate(bands):
        pixels = rng.integers(1, 5000, (1, SIDE, SIDE)).astype("uint16") if data is None else data[number : number + 1]
        pixels[0, :3, :5] = 0
        profile = {"driver": "GTiff", "crs": f"EPSG:{epsg}", "transform": transform, "count": 1, "height": SIDE,
                   "width": SIDE, "dtype": "uint16", "nodata": 0, "tiled": True, "blockxsize": 32,
                   "blockysize": 32}  # fmt: skip
        with rasterio.open(folder / f"{name}_{band}.tif", "w", **profile) as file:
            file.write(pixels)
    box = shapely.box(west, north - SIDE * PIXEL, west + SIDE * PIXEL, north)
    to_degrees = Transformer.from_crs(epsg, 4326, always_xy=True)
    return shapely.transform(shapely.segmentize(box, 100), to_degrees.transform, interleaved=False), transform


def item_of(server, name, footprint, transform, *, form="earth-search", cloud=5.0, when="2026-06-10T10:20:30Z",
            epsg=32633, bands=tuple(BANDS), collection="sentinel-2-c1-l2a"):  # fmt: skip
    """Return an item in the shape of a known catalogue."""
    properties = {"datetime": when, "platform": "sentinel-2b", "constellation": "sentinel-2", "instruments": ["msi"]}
    if cloud is not None:
        properties["eo:cloud_cover"] = cloud
    assets = {
        "thumbnail": {"href": f"{server.url}/files/{name}.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        "granule_metadata": {"href": f"{server.url}/files/{name}.xml", "type": "application/xml"},
    }
    version, extensions = "1.0.0", []
    for band in bands:
        href = f"{server.url}/files/{name}_{band}.tif"
        if form == "earth-search":  # eo 1.1, raster 1.1, projection 1.1 (proj:epsg)
            properties["proj:epsg"] = epsg
            assets[band] = {
                "href": href, "type": TIFF, "roles": ["data", "reflectance"], "file:size": 2 * SIDE * SIDE,
                "eo:bands": [{"name": ALL_BANDS[band], "common_name": band}],
                "raster:bands": [{"nodata": 0, "data_type": "uint16", "scale": 0.0001, "offset": -0.1}],
                "proj:shape": [SIDE, SIDE], "proj:transform": list(transform)[:6],
            }  # fmt: skip
            extensions = ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"]
        elif form == "planetary-computer":  # no scale; the offset by the processing baseline
            properties |= {"proj:epsg": epsg, "s2:processing_baseline": "05.11"}
            assets[ALL_BANDS[band]] = {
                "href": href, "type": TIFF, "roles": ["data"], "gsd": 10.0,
                "eo:bands": [{"name": ALL_BANDS[band], "common_name": band}],
            }  # fmt: skip
        elif form == "cdse":  # STAC 1.1: bands, projection 2 (proj:code)
            version = "1.1.0"
            assets[f"{ALL_BANDS[band]}_10m"] = {
                "href": href, "type": "image/jp2", "roles": ["data"], "gsd": 10, "nodata": 0, "data_type": "uint16",
                "proj:code": f"EPSG:{epsg}", "raster:scale": 0.0001, "raster:offset": -0.1,
                "bands": [{"name": ALL_BANDS[band], "eo:common_name": band}],
            }  # fmt: skip
            assets[f"{ALL_BANDS[band]}_60m"] = {**assets[f"{ALL_BANDS[band]}_10m"], "href": "60m.jp2", "gsd": 60}
        else:  # relative addresses, no projection
            assets[band] = {"href": f"../../../../files/{name}_{band}.tif", "type": TIFF, "nodata": 0, "scale": 0.0001,
                            "offset": -0.1, "bands": [{"name": band}]}  # fmt: skip
    return {
        "type": "Feature", "stac_version": version, "stac_extensions": extensions, "id": name,
        "collection": collection, "geometry": json.loads(shapely.to_geojson(footprint)), "bbox": list(footprint.bounds),
        "properties": properties, "assets": assets,
        "links": [{"rel": "self", "href": f"{server.url}/api/collections/{collection}/items/{name}"}],
    }  # fmt: skip


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.delenv("GEOSEG_STAC_TOKEN", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setattr("geoseg.raster.catalog.client._PAUSE", 0.0)
    folder = tmp_path / "files"
    folder.mkdir()
    with stac_server.running(folder) as running:
        yield running


@pytest.fixture
def add(server):
    """Add a tile to the catalogue: files and item; the tile's bounds in degrees are returned."""

    def _add(name, *, west=500_000.0, north=5_800_000.0, epsg=32633, seed=0, bands=tuple(BANDS), data=None, **more):
        footprint, transform = write_tile(
            server.folder, name, west=west, north=north, epsg=epsg, seed=seed, bands=bands, data=data
        )
        item = item_of(server, name, footprint, transform, epsg=epsg, bands=bands, **more)
        server.items.append(item)
        return item

    return _add


def degrees(west, south, east, north, epsg=32633):
    """Return a box in UTM as ``w,s,e,n`` in degrees, well inside."""
    x, y = Transformer.from_crs(epsg, 4326, always_xy=True).transform([west, east], [south, north])
    return f"{x[0]},{y[0]},{x[1]},{y[1]}"
