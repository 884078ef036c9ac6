"""Units, names and transformations of CRSs, and areas of maps in local ones."""

from __future__ import annotations

import re

import geopandas
import numpy as np
import odc.geo
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS

from geoseg.errors import InputError
from geoseg.geodesy import PixelGeodesy, pixel_sides
from geoseg.geodesy.crs import (
    crs_name,
    is_local,
    is_measurable,
    metres_per_unit,
    same_crs,
    to_crs,
    transform_bounds,
    transformer,
    unit_name,
)
from geoseg.job import Job, run
from geoseg.polygonize import polygonize
from geoseg.raster import open_raster
from geoseg.segment.inspection import inspect_scene
from geoseg.segment.plan import Options

FOOT, US_FOOT = 0.3048, 1200 / 3937
METRE_GRID = 'LOCAL_CS["site grid",UNIT["metre",1]]'
FOOT_GRID = 'LOCAL_CS["site grid",UNIT["foot",0.3048]]'
US_FOOT_GRID = 'LOCAL_CS["site grid",UNIT["US survey foot",0.304800609601219]]'
ENGINEERING = (
    'ENGCRS["grid",EDATUM["x"],CS[Cartesian,2],AXIS["(E)",east,ORDER[1]],AXIS["(N)",north,ORDER[2]],'
    'LENGTHUNIT["foot",0.3048]]'
)
UNKNOWN_UNIT = 'LOCAL_CS["x",UNIT["unknown",1]]'
COMPOUND = (
    'COMPD_CS["site + height",LOCAL_CS["site",UNIT["foot",0.3048]],VERT_CS["h",VERT_DATUM["d",2005],UNIT["metre",1]]]'
)


@pytest.mark.parametrize(
    ("text", "metres", "unit", "local", "measurable"),
    [
        ("EPSG:32633", 1, "metre", False, True), ("EPSG:2263", US_FOOT, "US survey foot", False, True),
        ("EPSG:2222", FOOT, "foot", False, True), ("EPSG:4326", None, "degree", False, True),
        ("EPSG:7405", 1, "metre", False, True), ("EPSG:8767", US_FOOT, "US survey foot", False, True),
        ("EPSG:4978", None, "metre", False, False), (METRE_GRID, 1, "metre", True, True),
        (FOOT_GRID, FOOT, "foot", True, True), (US_FOOT_GRID, US_FOOT, "US survey foot", True, True),
        (ENGINEERING, FOOT, "foot", True, True), (COMPOUND, FOOT, "foot", True, True),
        (UNKNOWN_UNIT, None, "unknown", True, False),
    ],
)  # fmt: skip
def test_units(text, metres, unit, local, measurable):
    for crs in (CRS.from_user_input(text), pyproj.CRS.from_user_input(text), text):
        assert metres_per_unit(crs) == (None if metres is None else pytest.approx(metres, rel=1e-9))
        assert (unit_name(crs), is_local(crs), is_measurable(crs)) == (unit, local, measurable)


def test_names():
    assert crs_name(CRS.from_epsg(32633)) == crs_name(odc.geo.CRS("EPSG:32633")) == "EPSG:32633"
    assert crs_name(CRS.from_wkt(CRS.from_epsg(7405).to_wkt())) == "EPSG:7405"
    assert crs_name(CRS.from_wkt(COMPOUND)) == "site + height"
    assert crs_name("+proj=laea +lat_0=10 +lon_0=20") == "custom CRS"
    assert not is_measurable(None)
    with pytest.raises(InputError, match="PROJ does not understand the CRS 'nonsense'"):
        is_local("nonsense")


def test_which_are_the_same():
    nameless = CRS.from_wkt('LOCAL_CS["unnamed",UNIT["metre",1]]')
    assert same_crs(None, None)
    assert same_crs(CRS.from_epsg(4326), pyproj.CRS(4326))
    assert same_crs(CRS.from_wkt(METRE_GRID), nameless)
    assert not same_crs(CRS.from_wkt(METRE_GRID), CRS.from_wkt(FOOT_GRID))
    assert same_crs(CRS.from_wkt(METRE_GRID), pyproj.CRS(METRE_GRID.replace("site", "other")))
    assert not same_crs(CRS.from_wkt(METRE_GRID), CRS.from_epsg(32633))
    assert not same_crs(None, nameless)


def test_transformations_are_checked():
    utm, local = CRS.from_epsg(32633), CRS.from_wkt(METRE_GRID)
    frame = geopandas.GeoSeries([shapely.Point(1, 2)], crs=local)
    with pytest.raises(InputError, match=r"a.tif: has a local CRS \(site grid\).*gdal_edit.py -a_srs EPSG:32633 a.tif"):
        transform_bounds((0, 0, 1, 1), local, utm, "a.tif")
    with pytest.raises(InputError, match=r"a.tif: its CRS EPSG:32633 cannot be transformed to the local CRS"):
        transform_bounds((0, 0, 1, 1), utm, local, "a.tif")
    with pytest.raises(InputError, match="local CRS"):
        transformer(utm, local, "a.tif")
    with pytest.raises(InputError, match="local CRS"):
        to_crs(frame, utm, "a.gpkg")
    assert to_crs(frame, 'LOCAL_CS["unnamed",UNIT["metre",1]]', "a.gpkg").crs.name == "unnamed"
    moon = CRS.from_user_input("+proj=longlat +R=1737400 +no_defs")
    with pytest.raises(InputError, match=r"a.tif: cannot be transformed from EPSG:32633"):
        transform_bounds((4e5, 5e6, 4.1e5, 5.1e6), utm, moon, "a.tif")
    assert transformer(utm, CRS.from_epsg(4326), "").transform(5e5, 0) == pytest.approx((15, 0))


@pytest.mark.parametrize(("crs", "metres"), [(METRE_GRID, 1), (FOOT_GRID, FOOT), (US_FOOT_GRID, US_FOOT), (None, 1)])
def test_local_areas_are_planar(crs, metres):
    transform = Affine(2, 0, 1000, 0, -3, 5000)
    ground = PixelGeodesy(transform, crs, 40, 30)
    areas = ground.areas(0, 40)
    assert np.diff(areas.prefix[0])[0] * areas.scale[0] * ground.unit == pytest.approx(6 * metres**2, rel=1e-9)
    assert np.diff(ground.edges.columns)[0] == pytest.approx(2 * metres)
    assert np.diff(ground.edges.rows)[0] == pytest.approx(3 * metres)
    assert pixel_sides(crs, transform, (40, 30)) == (None if crs is None else pytest.approx((2 * metres, 3 * metres)))


def classes(path, crs, side=10.0):
    values = np.zeros((20, 30), "uint8")
    values[5:15, 10:20] = 1
    with rasterio.open(path, "w", driver="GTiff", width=30, height=20, count=1, dtype="uint8", crs=crs,
                       transform=Affine(side, 0, 6e5, 0, -side, 2e5)) as file:  # fmt: skip
        file.write(values[None])
    return path


@pytest.mark.parametrize(("crs", "metres"), [(METRE_GRID, 1), (FOOT_GRID, FOOT), (US_FOOT_GRID, US_FOOT)])
def test_polygons_of_a_local_map(tmp_path, crs, metres):
    frame = polygonize(classes(tmp_path / "c.tif", crs))
    area = dict(zip(frame.class_id, frame.area_m2, strict=True))
    assert area[1] == pytest.approx(100 * 100 * metres**2, rel=1e-6)
    # A minimum mapping unit just above and below the square's true area.
    for factor, count in ((0.99, 2), (1.01, 1)):
        assert len(polygonize(classes(tmp_path / "c.tif", crs), min_area=100 * 100 * metres**2 * factor)) == count


def test_a_unit_that_is_not_known(tmp_path):
    path = classes(tmp_path / "c.tif", None)
    with rasterio.open(tmp_path / "c.vrt", "w", driver="VRT", width=30, height=20, count=1, dtype="uint8",
                       crs=UNKNOWN_UNIT, transform=Affine(10, 0, 6e5, 0, -10, 2e5)) as _:  # fmt: skip
        pass
    text = (tmp_path / "c.vrt").read_text()
    source = f"<SimpleSource><SourceFilename>{path}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
    text = re.sub(
        r"<VRTRasterBand([^>]*?)/?>(?:\s*</VRTRasterBand>)?", rf"<VRTRasterBand\1>{source}</VRTRasterBand>", text
    )
    (tmp_path / "c.vrt").write_text(text)
    assert "has no known unit of length" in open_raster(tmp_path / "c.vrt").notes[0]
    summary = polygonize(tmp_path / "c.vrt", tmp_path / "c.gpkg")
    assert "unknown unit" in summary.notes[0]
    assert sum(item.area_m2 for item in summary.classes.values()) == 30 * 20 * 100


def test_polygons_in_projected_feet(tmp_path):
    frame = polygonize(classes(tmp_path / "c.tif", "EPSG:2263"))
    square = frame[frame.class_id == 1]
    degrees = square.geometry.segmentize(1).to_crs(4269).iloc[0]
    true = abs(pyproj.CRS(4269).get_geod().geometry_area_perimeter(degrees)[0])
    assert float(square.area_m2.iloc[0]) == pytest.approx(true, rel=1e-5)


def scene(path, crs, side=10.0, origin=(4e5, 5e6), value=1500):
    with rasterio.open(path, "w", driver="GTiff", width=48, height=32, count=6, dtype="uint16", crs=crs,
                       transform=Affine(side, 0, origin[0], 0, -side, origin[1])) as file:  # fmt: skip
        file.write(np.full((6, 32, 48), value, "uint16"))
        file.descriptions = ("blue", "green", "red", "nir", "swir16", "swir22")
    return path


@pytest.mark.parametrize(
    "crs", [METRE_GRID, US_FOOT_GRID, ENGINEERING, COMPOUND, UNKNOWN_UNIT, "EPSG:7405", "EPSG:4978"]
)
def test_commands_in_any_crs(tmp_path, crs):
    path = scene(tmp_path / "site.tif", crs)
    found = inspect_scene(path, "spectral", {}, Options())
    assert found.fits, found.as_text()
    grid = next(line for line in found.as_text().splitlines() if line.startswith("  grid"))
    assert len(grid) < 100
    assert "[" not in grid
    (result,) = run(Job([path], tmp_path / "out", "spectral", options=Options(device="cpu")))
    assert result.status == "done", result.error
    with rasterio.open(tmp_path / "out/site_classes.tif") as file, rasterio.open(path) as source:
        assert file.crs == source.crs
        assert file.transform == source.transform


def test_resampling_in_a_local_crs(tmp_path):
    stack = open_raster(
        [scene(tmp_path / "a.tif", METRE_GRID), scene(tmp_path / "b.tif", METRE_GRID, side=20, value=7)]
    )
    got = stack.read(stack.box)
    assert got.valid.all()
    assert (got.data[6:] == 7).all()
    with pytest.raises(InputError, match=r"has a local CRS \(site grid\)"):
        open_raster([scene(tmp_path / "a.tif", "EPSG:32633"), scene(tmp_path / "b.tif", METRE_GRID, side=20)])
    raster = open_raster(tmp_path / "b.tif")
    assert "its CRS (site grid) is local" in raster.notes[0]
    with pytest.raises(InputError, match="a bbox in EPSG:4326 cannot be placed on it"):
        raster.crop((0, 0, 1, 1), "EPSG:4326")


@pytest.mark.parametrize(
    "transform",
    [Affine(1e308, 0, 0, 0, -1e308, 0), Affine(1e200, 0, 0, 0, -1, 0), Affine(10, 0, 1e300, 0, -10, 0),
     Affine(1e-200, 0, 0, 0, -1e-200, 0)],
)  # fmt: skip
def test_pixels_without_a_size(tmp_path, transform):
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", driver="GTiff", width=4, height=4, count=1, dtype="uint8", crs="EPSG:32633",
                       transform=transform) as file:  # fmt: skip
        file.write(np.ones((1, 4, 4), "uint8"))
    with pytest.raises(InputError, match="has no usable extent"):
        open_raster(path)
