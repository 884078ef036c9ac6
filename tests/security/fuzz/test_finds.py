"""What the fuzzers found, shrunk: each is one line now."""

from __future__ import annotations

import json
import sqlite3
import sys
import warnings
import zipfile

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import xarray as xr
from shapely.geometry import box

import geoseg
from geoseg.errors import GeosegError, InputError
from geoseg.evaluate.reference import PolygonLayer, open_map
from geoseg.job.scene_list import read_scenes
from geoseg.raster.vectors import open_vector
from geoseg.tiling import Box
from geoseg.train.data.polygons import read_polygons


def refused(call, *arguments) -> str:
    with pytest.raises(GeosegError) as caught:
        call(*arguments)
    text = str(caught.value)
    assert text.isprintable()
    return text


@pytest.mark.parametrize("kind", GeosegError.__subclasses__())
def test_errors_are_one_printable_line(kind):
    error = kind("scene\x1b[2J\nerror: forged\u202e\ud800")
    assert str(error) == "scene\\x1b[2J\\nerror: forged\\u202e\\ud800"
    assert str(kind(str(error))) == str(error)


@pytest.mark.parametrize("line", ["x" * 300, "x" * 5000, "a.tif;" + "y" * 5000, "x" * 5000 + ".json#a"])
def test_lists_of_names_too_long_for_the_file_system(canary, line):
    entry = read_scenes(canary.write("list.txt", line))[0]
    source = entry.source if isinstance(entry.source, list) else [entry.source]
    refused(geoseg.open_raster, source[-1])


def test_lists_with_a_line_twice(canary):
    assert "listed twice" in refused(read_scenes, canary.write("list.txt", "\x1b[2J\n\x1b[2J\n"))


@pytest.mark.parametrize("place", ["id", "band", "key", "href"])
def test_half_characters_in_stac_items(canary, place):
    canary.tif("a.tif")
    asset = {"href": "a.tif", "type": "image/tiff", "eo:bands": [{"name": "B02"}]}
    item = {"type": "Feature", "id": "a", "assets": {"a": asset}}
    match place:
        case "id":
            item["id"] = "\ud800"
        case "band":
            asset["eo:bands"][0]["name"] = "\udfff"
        case "key":
            item["assets"]["\ud800"] = asset
        case _:
            asset["href"] = "\ud800.tif"
    assert "half a character" in refused(geoseg.open_raster, canary.write("item.json", json.dumps(item)))
    collection = {"type": "FeatureCollection", "features": [item]}
    assert "half a character" in refused(read_scenes, canary.write("list.json", json.dumps(collection)))


def test_other_characters_in_stac_items(canary):
    canary.tif("a.tif")
    item = {"type": "Feature", "id": "水", "assets": {"a": {"href": "a.tif", "type": "image/tiff"}}}
    assert geoseg.open_raster(canary.write("item.json", json.dumps(item))).name == "水"


@pytest.mark.parametrize("value", [[1, "a"], {"a": 1}, []])
def test_lists_and_objects_as_classes(canary, value):
    raster = geoseg.open_raster(canary.tif())
    ring = [[5e5, 5e6], [5e5 + 200, 5e6], [5e5 + 200, 5e6 - 100], [5e5, 5e6]]
    features = [
        {"type": "Feature", "properties": {"class": entry}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for entry in (value, {"b": [2]})
    ]
    crs = {"type": "name", "properties": {"name": "EPSG:32631"}}
    path = canary.write("l.geojson", json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    assert len(PolygonLayer(path, raster.grid, "class").classes) == 2
    assert len(read_polygons([path], "class", None).vocabulary.classes) == 2


@pytest.mark.parametrize("value", ["9" * 5000, 2**31, 1e300, "²", "٣"])
def test_class_numbers_without_bound(canary, value):
    ring = [[5e5, 5e6], [5e5 + 200, 5e6], [5e5 + 200, 5e6 - 100], [5e5, 5e6]]
    crs = {"type": "name", "properties": {"name": "EPSG:32631"}}
    shape = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"class": value}, "geometry": shape}
    text = json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]})
    path, raster = canary.write("l.geojson", text), geoseg.open_raster(canary.tif())
    try:
        layer = PolygonLayer(path, raster.grid, "class")
    except InputError as error:
        assert "class number" in str(error)  # noqa: PT017 - either is right
    else:
        assert layer.classes or layer.values == (3,)
        layer.read(Box(0, 0, 10, 20))
    assert len(read_polygons([path], "class", None).vocabulary.classes) == 1


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 0.5])
def test_class_numbers_that_are_none(canary, value):
    frame = gpd.GeoDataFrame({"class": [1.0, value]}, geometry=[box(5e5, 5e6 - 9, 5e5 + 9, 5e6)] * 2, crs="EPSG:32631")
    grid = geoseg.open_raster(canary.tif()).grid
    assert "is not a class number" in refused(PolygonLayer, frame, grid, "class")


def test_zip_files_with_members_without_a_name(canary):
    path = canary.folder / "l.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.geojson", "{}")
    path.write_bytes(path.read_bytes().replace(b"a.geojson", bytes(9)))
    assert "zip file cannot be unpacked" in refused(open_vector, path)


def test_databases_with_schemas_that_are_no_text(canary):
    path = canary.folder / "l.gpkg"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE labels (name TEXT)")
        database.execute("PRAGMA application_id = 1196444487")
    path.write_bytes(path.read_bytes().replace(b"labels (name", b"labels (\xff\xfeme"))
    assert "cannot be read as GeoPackage" in refused(open_vector, path)


@pytest.mark.parametrize(
    "place",
    ["<NumThreads>{}</NumThreads>", '<Option name="NUM_THREADS">{}</Option>', '<OOI key="Num_Threads">{}</OOI>'],
)
@pytest.mark.parametrize("number", ["65535", "100", "-1", "1e9", "٣"])
def test_vrts_that_start_thousands_of_threads(canary, place, number):
    canary.tif()
    source = f'<SimpleSource><SourceFilename relativeToVRT="1">tile.tif</SourceFilename>{place}</SimpleSource>'
    band = f'<VRTRasterBand dataType="Byte" band="1">{source}</VRTRasterBand>'
    text = f'<VRTDataset rasterXSize="20" rasterYSize="10">{band}</VRTDataset>'
    assert "threads; write ALL_CPUS" in refused(geoseg.open_raster, canary.write("a.vrt", text.format(number)))
    for usual in ("ALL_CPUS", "4"):
        geoseg.open_raster(canary.write("b.vrt", text.format(usual)))


def test_metadata_of_several_lines(canary):
    folder = canary.folder / "a.SAFE"
    canary.write(
        "a.SAFE/MTD_MSIL2A.xml", "<a><IMAGE_FILE>T_B02_10m</IMAGE_FILE><IMAGE_FILE>..\nx_B03_10m</IMAGE_FILE></a>"
    )
    refused(geoseg.open_raster, folder)
    with pytest.raises(InputError):
        geoseg.open_raster(folder)


# --- found by hand, through the command line

CLASSES = {
    "not json": "tree", "a number": "5", "an object": '{"a": 1}', "numbers": "[[1, 2, 3]]", "short": '[[1, "a"]]',
    "number as text": '[["1", "a", "#ff0000"]]', "colour": '[[1, "a", "red"]]',
    "half a character": '[[1, "\\ud800", "#ff0000"]]',
    "deep": "[" * 5000,
}  # fmt: skip


@pytest.mark.parametrize("name", CLASSES)
def test_class_tags_of_wrong_types(canary, name):
    path = canary.tif("map.tif")
    with rasterio.open(path, "r+") as file:
        file.update_tags(GEOSEG_CLASSES=CLASSES[name])
    assert "not a list of number, name and colour" in refused(open_map, path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("scale_factor", {"a": [1]}), ("scale_factor", 0), ("scales", ["x"]), ("add_offset", "x"),
     ("offset", float("nan")), ("nodata", "none"), ("_FillValue", [[1], [1, 2]]), ("scale", 10**400)],
)  # fmt: skip
def test_attributes_of_arrays_that_are_no_numbers(key, value):
    array = xr.DataArray(np.ones((2, 4, 4), "uint16"), dims=("band", "y", "x"), attrs={key: value})
    assert f"its attribute {key} is" in refused(geoseg.open_raster, array)


def test_warnings_of_libraries_are_one_line(canary, geoseg, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(sys, "warnoptions", [])
    path, ring = canary.tif("map.tif"), [[5e5, 5e6], [5e5 + 200, 5e6], [5e5 + 200, 5e6 - 100], [5e5, 5e6]]
    features = [
        {"type": "Feature", "properties": {"class": 7}, "geometry": {"type": kind, "coordinates": rings}}
        for kind, rings in (("Polygon", [ring]), ("Polygon", []), ("Blob", [ring]))
    ]
    crs = {"type": "name", "properties": {"name": "EPSG:32631"}}
    labels = canary.write("l.geojson", json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    code, _, err = geoseg("evaluate", path, labels, "--class-field", "class")
    assert code == 0, err
    assert all(line.startswith(("warning: ", "note: ")) for line in err.splitlines()), err
    assert "vectors.py" not in err
    warnings.showwarning(DeprecationWarning("for programmers"), DeprecationWarning, "x.py", 1)


def test_vrts_of_60000_bands(canary):
    band = '<VRTRasterBand dataType="Byte" band="1"/>'
    path = canary.write("a.vrt", f'<VRTDataset rasterXSize="9" rasterYSize="9">{band * 60_000}</VRTDataset>')
    for read in (geoseg.open_raster, open_map):
        assert "has 60000 bands, more than the 16384 that are read" in refused(read, path)


def test_compound_crs_is_named_in_few_words(canary, geoseg):
    code, out, _ = geoseg("inspect", canary.tif("a.tif", crs="EPSG:32631+5773"))
    assert code in (0, 1)
    assert "WGS 84 / UTM zone 31N + EGM96 height" in out
    assert max(map(len, out.splitlines())) < 200


def test_rings_that_are_open_after_a_transformation(canary):
    line = "<LinearRing><coordinates>3,45.1535,1e999,NaN,0 3.002,45.152,0 3,45.1535,0</coordinates></LinearRing>"
    place = f"<Placemark><name>x</name><Polygon><outerBoundaryIs>{line}</outerBoundaryIs></Polygon></Placemark>"
    kml = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{place}</Document></kml>'
    path, grid = canary.write("l.kml", kml), geoseg.open_raster(canary.tif()).grid
    assert "geometries are damaged" in refused(PolygonLayer, path, grid, "Name")
