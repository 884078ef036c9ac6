"""Hostile labels, references and points: refused in one line by content, and nothing is fetched, written or run."""

# ruff: noqa: E501  a line per case
from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import pyogrio
import pytest
from affine import Affine
from rasterio.crs import CRS
from shapely.geometry import Point, box

from geoseg.errors import GeosegError, InputError
from geoseg.evaluate.points import _read_points
from geoseg.evaluate.reference import PolygonLayer
from geoseg.raster.gdal.library import NETWORK_DRIVERS, ORDER_DRIVERS
from geoseg.raster.probe import Grid
from geoseg.raster.vectors import open_vector
from geoseg.train.data.polygons import read_polygons

GRID = Grid(10, 20, Affine(10, 0, 5e5, 0, -10, 5e6), CRS.from_epsg(32631))
FRAME = gpd.GeoDataFrame(
    {"class": ["a", "b"]},
    geometry=[box(5e5, 4999900, 5e5 + 90, 5e6), box(5e5 + 90, 4999900, 5e5 + 200, 5e6)],
    crs="EPSG:32631",
)
GEOJSON = json.loads(FRAME.to_crs(4326).to_json())


_Map = SimpleNamespace(raster=SimpleNamespace(grid=GRID))


OPENERS = {
    "labels": lambda path: read_polygons([path], "class", None),
    "reference": lambda path: PolygonLayer(path, GRID, "class"),
    "points": lambda path: _read_points(path, _Map, "class"),
}


def refuse(canary, path, text: str = "", opener: str = "labels") -> None:
    before = {p for p in canary.folder.iterdir() if p.is_file()}
    with pytest.raises(InputError) as caught:
        OPENERS[opener](path)
    line = str(caught.value)
    assert isinstance(caught.value, GeosegError)
    assert "\n" not in line
    assert 20 < len(line) < 700
    assert text in line, line
    assert {p for p in canary.folder.iterdir() if p.is_file()} == before
    canary.silent()


def crs(value: str, key: str = '"crs"') -> str:
    return json.dumps(GEOJSON).replace("{", f"{{{key}: {value}, ", 1)


def orders(url: str, egg: Path) -> dict[str, tuple[str, str]]:
    """Content and part of the line that refuses it."""
    geojson = json.dumps(GEOJSON)
    link = f'{{"type": "link", "properties": {{"href": "{url}/crs"}}}}'
    gml = f'<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x {url}/x.xsd"><gml:featureMember/></wfs:FeatureCollection>'
    kml = '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{0}<Placemark><name>a</name><Polygon><outerBoundaryIs><LinearRing><coordinates>3,45 3.1,45 3.1,45.1 3,45</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>'
    none = "cannot be read as polygons or points"
    return {
        "vacuum": (
            f"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>seed.gpkg</SrcDataSource><SrcSQL dialect='SQLITE'>VACUUM INTO '{egg}'</SrcSQL></OGRVRTLayer></OGRVRTDataSource>",
            none,
        ),
        "vacuum by gpkg": (
            f"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource relativeToVRT='1'>seed.gpkg</SrcDataSource><SrcSQL>VACUUM INTO '{egg}'</SrcSQL></OGRVRTLayer></OGRVRTDataSource>",
            none,
        ),
        "attach": (
            f"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>seed.gpkg</SrcDataSource><SrcSQL>ATTACH '{egg}' AS b</SrcSQL></OGRVRTLayer></OGRVRTDataSource>",
            none,
        ),
        "vrt to a server": (
            f"<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>/vsicurl/{url}/a.gpkg</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
            none,
        ),
        "vrt after text": (
            f"hello <OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>{url}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
            none,
        ),
        "vrt in a comment of kml": (
            "<!-- <OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>x</SrcDataSource></OGRVRTLayer></OGRVRTDataSource> -->"
            + kml.format(""),
            "mixed with other formats",
        ),
        "wfs": (f"<OGRWFSDataSource><URL>{url}/wfs?</URL></OGRWFSDataSource>", none),
        "wms": (f"<GDAL_WMS><Service name='WMS'><ServerUrl>{url}</ServerUrl></Service></GDAL_WMS>", none),
        "algorithm": (
            f'{{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {url}/a.json ! write {egg}"}}',
            "FeatureCollection",
        ),
        "algorithm in geojson": (
            geojson.replace(
                "{",
                f'{{"x": {{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {url}/a.json"}}, ',
                1,
            ),
            "FeatureCollection",
        ),
        "gml": (gml, none),
        "gml after a declaration": ('<?xml version="1.0"?>' + gml, none),
        "link": (crs(link), "links are not followed"),
        "link with letters by number": (crs(link, '"\\u0063rs"'), "links are not followed"),
        "link with all letters by number": (crs(link, '"\\u0043\\u0052\\u0073"'), "links are not followed"),
        "link in capitals": (crs(link, '"CRS"'), "links are not followed"),
        "link in single quotes": (crs(link.replace('"', "'"), "'crs'"), "links are not followed"),
        "link after a comment": (crs(link, '"crs"/* x */'), "links are not followed"),
        "link after blanks": (crs(link, '"crs"' + " " * 70_000), "links are not followed"),
        "link at the end": (geojson[:-1] + f', "crs": {link}}}', "links are not followed"),
        "link in a feature": (geojson.replace('"geometry"', f'"crs": {link}, "geometry"', 1), "links are not followed"),
        "link in a geometry": (
            geojson.replace('"coordinates"', f'"crs": {link}, "coordinates"', 1),
            "links are not followed",
        ),
        "link second": (crs('null, "crs": ' + link), "links are not followed"),
        "link by url": (crs(f'{{"type": "url", "properties": {{"url": "{url}/crs"}}}}'), "links are not followed"),
        "name that is an address": (
            crs(f'{{"type": "name", "properties": {{"name": "{url}/crs"}}}}'),
            "links are not followed",
        ),
        "name that is a file": (
            crs('{"type": "name", "properties": {"name": "/etc/passwd"}}'),
            "links are not followed",
        ),
        "type twice": (
            crs(
                f'{{"type": "name", "properties": {{"name": "EPSG:4326"}}, "type": "link", "properties": {{"href": "{url}"}}}}'
            ),
            "links are not followed",
        ),
        "esri": (
            f'{{"geometryType": "esriGeometryPolygon", "features": [], "spatialReference": {{"wkid": 4326}}, "x": "{url}"}}',
            "FeatureCollection",
        ),
        "topojson": ('{"type": "Topology", "objects": {}, "arcs": []}', "FeatureCollection"),
        "features of a service": (f'{{"type": "FeatureService", "url": "{url}"}}', "FeatureCollection"),
        "json array": (f'[{{"href": "{url}"}}]', none),
        "jsonp": ("loadGeoJSON(" + geojson + ")", none),
        "prefix": ("GeoJSON:" + url, none),
        "network link": (
            kml.format(f"<NetworkLink><Link><href>{url}/a.kml</href></Link></NetworkLink>"),
            "not followed",
        ),
        "icon": (
            kml.format(f"<Style><IconStyle><Icon><href>{url}/a.png</href></Icon></IconStyle></Style>"),
            "not followed",
        ),
        "style elsewhere": (kml.format(f"<Placemark><styleUrl>{url}/a.kml#b</styleUrl></Placemark>"), "not followed"),
        "kml with entities": ('<!DOCTYPE kml [<!ENTITY a SYSTEM "' + url + '">]>' + kml.format("&a;"), "document type"),
        "svg": ("<svg><kml></kml></svg>", "not KML"),
        "csv": ("class,wkt\na,POINT(0 0)\n", none),
        "text": ("hello", none),
        "csv with dollar signs": (f"DATASOURCE={url}", none),
        "postgres dump": ("SET standard_conforming_strings = ON;", none),
        "program": ("#!/bin/sh\ntouch egg\n", none),
    }


NAMES = tuple(orders("http://x", Path("x")))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".geojson", ".gpkg"])
def test_orders_and_links(canary, name, suffix):
    FRAME.to_file(canary.folder / "seed.gpkg")
    content, text = orders(canary.url, canary.egg)[name]
    path = canary.write(f"a{suffix}", content)
    for opener in OPENERS:
        refuse(canary, path, text, opener)


@pytest.mark.parametrize("suffix", [".shp", ".json", ".fgb", ".parquet", ".gml", ".kml", ".sqlite", ".zip", ".vrt"])
@pytest.mark.parametrize("name", ["vacuum by gpkg", "wfs", "algorithm", "gml", "link"])
def test_suffixes_decide_nothing(canary, name, suffix):
    FRAME.to_file(canary.folder / "seed.gpkg")
    content, text = orders(canary.url, canary.egg)[name]
    refuse(canary, canary.write(f"a{suffix}", content), text)


@pytest.mark.parametrize("name", ["vacuum by gpkg", "wfs", "algorithm", "gml", "link", "network link", "text"])
@pytest.mark.parametrize("inner", ["a.gpkg", "a.shp", "deep/a.json", "../a.geojson"])
def test_in_zip_files(canary, name, inner):
    content, _ = orders(canary.url, canary.egg)[name]
    with zipfile.ZipFile(canary.folder / "a.zip", "w") as archive:
        archive.writestr(inner, content)
    for opener in OPENERS:
        refuse(canary, canary.folder / "a.zip", opener=opener)


def schemas(url: str) -> dict[str, tuple[str, str]]:
    return {
        "view": ("CREATE VIEW v AS SELECT * FROM seed", "computed by SQL"),
        "view that fetches": (f"CREATE VIEW v AS SELECT ogr_geocode('{url}') FROM seed", "computed by SQL"),
        "view without end": (
            "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
            "computed by SQL",
        ),
        "generated column": ("CREATE TABLE g (a INT, b TEXT AS (hex(zeroblob(999999999))))", "computed by SQL"),
        "full text": ("CREATE VIRTUAL TABLE f USING fts4(a)", "virtual table (fts4)"),
        "full text in odd writing": ("create virtual table IF NOT EXISTS f\nUSING\tfts4(a)", "virtual table (fts4)"),
    }


@pytest.mark.parametrize("name", tuple(schemas("http://x")))
def test_databases_that_compute(canary, name):
    sql, text = schemas(canary.url)[name]
    path = canary.folder / "seed.gpkg"
    FRAME.to_file(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute(sql)
        database.commit()
    for opener in OPENERS:
        refuse(canary, path, text, opener)


@pytest.mark.parametrize("module", ["VirtualOGR", "VirtualShape", "VirtualText", "dbstat"])
def test_virtual_tables_that_this_sqlite_does_not_know(canary, module):
    path = canary.folder / "seed.gpkg"
    FRAME.to_file(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA writable_schema = ON")
        sql = f"CREATE VIRTUAL TABLE w USING {module}('/vsicurl/{canary.url}/a.gpkg')"
        database.execute("INSERT INTO sqlite_master VALUES ('table', 'w', 'w', 0, ?)", [sql])
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('w', 'attributes', 'w')"
        )
        database.commit()
    refuse(canary, path, f"virtual table ({module})")


def test_databases_that_are_no_geopackages(canary):
    with closing(sqlite3.connect(canary.folder / "a.sqlite")) as database:
        database.execute("CREATE TABLE a (b)")
        database.commit()
    refuse(canary, canary.folder / "a.sqlite", "none of GeoPackage")
    refuse(
        canary,
        canary.write("b.gpkg", b"SQLite format 3\0".ljust(68, b"\1") + b"GPKG" + bytes(4000)),
        "cannot be read as GeoPackage",
    )


@pytest.mark.parametrize(
    "name",
    ["http://x/a.gpkg", "https://x/a.gpkg", "/vsicurl/http://x/a.gpkg", "/vsizip/a.zip/a.gpkg", "s3://b/a.gpkg", "PG:dbname=x",
     "WFS:http://x", "GeoJSON:http://x", "zip://a.zip", "<OGRVRTDataSource/>", '{"type": "Feature"}', "a\0b.gpkg", ""],
)  # fmt: skip
def test_names_that_are_no_files(canary, name, monkeypatch):
    monkeypatch.chdir(canary.folder)
    for opener in OPENERS:
        refuse(canary, name, opener=opener)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("part", [".shp", ".dbf", ".shx", ".prj", ".cpg", ".qix"])
def test_pipes(canary, part):
    FRAME.to_file(canary.folder / "a.shp")
    (canary.folder / f"a{part}").unlink(missing_ok=True)
    os.mkfifo(canary.folder / f"a{part}")
    for opener in OPENERS:
        refuse(canary, canary.folder / "a.shp", "is a named pipe", opener)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such devices")
def test_devices(canary):
    (canary.folder / "a.gpkg").symlink_to("/dev/zero")
    refuse(canary, canary.folder / "a.gpkg", "is a device")


def test_zip_files(canary):
    def pack(name: str, **members: bytes | str):
        with zipfile.ZipFile(canary.folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member.replace("_", "."), content)
        return canary.folder / name

    geojson = json.dumps(GEOJSON)
    refuse(canary, pack("none.zip"), "cannot be")
    refuse(canary, pack("two.zip", a_json=geojson, b_json=geojson), "it holds a.json, b.json")
    refuse(canary, pack("many.zip", **{f"a{i}": "" for i in range(10_001)}), "10001 files")
    refuse(canary, canary.write("cut.zip", b"PK\3\4" + bytes(100)), "cannot be unpacked")
    lying = pack("lying.zip", a_json=geojson)
    data = bytearray(lying.read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = (2**32 - 2).to_bytes(4, "little")
    refuse(canary, canary.write("big.zip", bytes(data)), "more than 2 GB")


def test_big_text_is_not_read(canary):
    path = canary.write("a.geojson", '{"type": "FeatureCollection"')
    os.truncate(path, 3 * 2**30)
    refuse(canary, path, "more than the 2048 MB")


@pytest.mark.parametrize("first", ["pyogrio", "geoseg"])
def test_drivers_of_orders_are_gone(canary, first):
    FRAME.to_file(canary.folder / "a.gpkg")
    code = (
        f"import {first}, sys\nfrom geoseg.raster.vectors import open_vector\n"
        "open_vector(sys.argv[1]).layers()\nimport pyogrio\nprint(*pyogrio.list_drivers(), sep='|')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, canary.folder / "a.gpkg"], capture_output=True, text=True, check=True
    )
    drivers = set(answer.stdout.strip().split("|"))
    assert not drivers & {*NETWORK_DRIVERS, *ORDER_DRIVERS}
    assert {"GPKG", "ESRI Shapefile", "GeoJSON", "FlatGeobuf", "CSV", "GML"} <= drivers


def test_options_of_pyogrio_return(canary):
    FRAME.to_file(canary.folder / "a.gpkg")
    pyogrio.set_gdal_config_options({"CPL_VSIL_CURL_ALLOWED_FILENAME": "mine"})
    try:
        open_vector(canary.folder / "a.gpkg").read()
        assert pyogrio.get_gdal_config_option("CPL_VSIL_CURL_ALLOWED_FILENAME") == "mine"
    finally:
        pyogrio.set_gdal_config_options({"CPL_VSIL_CURL_ALLOWED_FILENAME": None})


# --- what must still work


def test_what_is_read(canary):
    folder = canary.folder
    FRAME.to_file(folder / "a.gpkg", layer="fields")
    FRAME.to_file(folder / "a.shp")
    FRAME.to_file(folder / "a.fgb", driver="FlatGeobuf")
    FRAME.to_parquet(folder / "a.parquet")
    FRAME.to_crs(4326).to_file(folder / "b.geojson", driver="GeoJSON")
    FRAME.to_file(folder / "c.geojson", driver="GeoJSON")  # with a crs by name
    canary.write("d.geojson", crs('{"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}'))
    canary.write("e.geojson", crs("null"))
    canary.write("f.geojson", json.dumps(GEOJSON).replace('"class"', '"crs": "as text, http://x", "class"'))
    canary.write("g.json", "\ufeff" + json.dumps(GEOJSON, sort_keys=True, indent=2))
    canary.write("h.gpkg", (folder / "b.geojson").read_bytes())
    FRAME.to_crs(4326).to_file(folder / "k.kml", driver="KML")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for part in folder.glob("a.*"):
            if part.suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                archive.write(part, f"deep/{part.name}")
        archive.writestr("readme.txt", "hello")
    for name in ("b.geojson", "a.gpkg", "a.parquet"):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.write(folder / name, name)
    for path in sorted(folder.iterdir()):
        if path.suffix in (".shx", ".dbf", ".prj", ".cpg"):
            continue
        field = "Name" if path.suffix == ".kml" else "class"
        if path.suffix == ".kml":
            assert len(open_vector(path).read()) == 2
            continue
        table = read_polygons([path], field, None)
        assert [item.name for item in table.vocabulary.classes] == ["a", "b"], path
        layer = PolygonLayer(path, GRID, field)
        values, valid = layer.read(_box())
        assert valid.all(), path
        assert sorted(set(values.ravel().tolist())) == sorted(layer.values), path


def _box():
    from geoseg.tiling import Box

    return Box(0, 0, 10, 20)


def test_points_are_read(canary):
    frame = gpd.GeoDataFrame({"class": ["a"]}, geometry=[Point(500_010, 4_999_950)], crs="EPSG:32631")
    for name in ("p.gpkg", "p.shp", "p.fgb"):
        frame.to_file(canary.folder / name)
        assert len(_read_points(canary.folder / name, _Map, "class")[1]) == 1


def test_a_layer_that_qgis_has_open_is_read_with_its_log(canary):
    path = canary.folder / "a.gpkg"
    FRAME.to_file(path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE layer_styles (a)")
        database.execute("INSERT INTO layer_styles VALUES (1)")
        database.commit()
        assert Path(f"{path}-wal").stat().st_size
        assert len(open_vector(path).read("a")) == 2


def test_shared_labels_are_read(shared_data):
    found = [p for p in (shared_data / "scenes").rglob("*") if p.suffix in (".shp", ".gpkg", ".geojson")]
    assert found
    for path in found:
        file = open_vector(path)
        assert len(file.read(file.layers()[0][0]))
