"""CRS, transform and shape come back exactly, also those that GeoTIFF's keys cannot hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from geoseg.raster import open_raster
from geoseg.tiling import Box
from geoseg.write import CogSink

ROTATED_POLE = (
    'GEOGCRS["rotated",BASEGEOGCRS["WGS 84",DATUM["World Geodetic System 1984",'
    'ELLIPSOID["WGS 84",6378137,298.257223563]]],DERIVINGCONVERSION["pole",METHOD["PROJ ob_tran o_proj=longlat"],'
    'PARAMETER["o_lon_p",-162,ANGLEUNIT["degree",0.0174532925199433]],'
    'PARAMETER["o_lat_p",39.25,ANGLEUNIT["degree",0.0174532925199433]],'
    'PARAMETER["lon_0",180,ANGLEUNIT["degree",0.0174532925199433]]],CS[ellipsoidal,2],'
    'AXIS["longitude",east,ORDER[1],ANGLEUNIT["degree",0.0174532925199433]],'
    'AXIS["latitude",north,ORDER[2],ANGLEUNIT["degree",0.0174532925199433]]]'
)

SYSTEMS = {
    "utm": "EPSG:32633",
    "geographic": "EPSG:4326",
    "web mercator": "EPSG:3857",
    "feet": "EPSG:2263",
    "oblique": "EPSG:2056",
    "south-west axes": "EPSG:5514",
    "compound": "EPSG:7405",
    "three-dimensional": "EPSG:4979",
    "esri": "ESRI:54009",
    "custom": "+proj=laea +lat_0=12.3 +lon_0=45.6 +ellps=GRS80 +units=m",
    "datum shift": "+proj=tmerc +lon_0=9 +x_0=3500000 +ellps=bessel +towgs84=598.1,73.7,418.2,0.202,0.045,-2.455,6.7",
    "mars": "+proj=longlat +a=3396190 +b=3376200",
    "geostationary": "+proj=geos +h=35785831 +lon_0=140.7 +sweep=y",
    "not in GeoTIFF": "+proj=eqearth +lon_0=11",
    "derived": ROTATED_POLE,
    "local": 'LOCAL_CS["site",UNIT["metre",1]]',
}

NORTH_UP = Affine(10, 0, 500000, 0, -10, 5400000)
TRANSFORMS = {
    "north-up": NORTH_UP,
    "south-up": Affine(10, 0, 500000, 0, 10, 5400000),
    "mirrored": Affine(-10, 0, 500000, 0, -10, 5400000),
    "rotated": Affine(8.660254037844387, -5, 500000, -5, -8.660254037844386, 5400000),
    "fractions": Affine(1 / 3, 0, -179.999999999, 0, -0.1, 1e-9),
    "oblong": Affine(0.3, 0, 12.1, 0, -0.7, 50.3),
}


def write(path: Path, geobox: GeoBox) -> Path:
    with CogSink(path, geobox) as sink:
        sink.write(Box(0, 0, *geobox.shape), np.zeros(tuple(geobox.shape), np.uint8))
    return path


@pytest.mark.parametrize("system", SYSTEMS)
def test_crs(grid, tmp_path, system):
    geobox = grid(3, 4, crs=SYSTEMS[system])
    path = write(tmp_path / "map.tif", geobox)
    with rasterio.open(path) as source:
        assert source.crs == rasterio.crs.CRS.from_wkt(geobox.crs.to_wkt())
        assert source.transform == geobox.affine
        assert source.shape == (3, 4)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("crs", ["EPSG:32633", None])
def test_transform(grid, tmp_path, name, crs):
    geobox = grid(5, 7, TRANSFORMS[name], crs)
    with rasterio.open(write(tmp_path / "map.tif", geobox)) as source:
        assert source.transform == geobox.affine
        assert (source.crs is None) == (crs is None)


def test_no_georeference(grid, tmp_path):
    path = write(tmp_path / "map.tif", grid(5, 7, Affine.identity(), None))
    with rasterio.open(path) as source:
        assert source.crs is None
        assert source.transform == Affine.identity()
    assert not open_raster(path).georeferenced


@pytest.mark.parametrize("system", ["utm", "geographic", "custom", "derived"])
def test_geoseg_reads_the_grid_that_it_wrote(grid, tmp_path, system):
    geobox = grid(5, 7, crs=SYSTEMS[system])
    assert open_raster(write(tmp_path / "map.tif", geobox)).geobox == geobox


def test_side_file_only_where_it_is_needed(grid, tmp_path):
    write(tmp_path / "plain.tif", grid(3, 4))
    write(tmp_path / "odd.tif", grid(3, 4, crs=SYSTEMS["derived"]))
    assert {path.name for path in tmp_path.iterdir()} == {
        "plain.tif", "plain.qml", "odd.tif", "odd.qml", "odd.tif.aux.xml",
    }  # fmt: skip
