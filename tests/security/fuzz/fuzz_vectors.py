"""Vector files: GeoJSON, KML, GeoPackage, FlatGeobuf, GeoParquet, zipped Shapefiles; read as polygons with classes."""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from affine import Affine
from rasterio.crs import CRS

from geoseg.evaluate.reference import PolygonLayer
from geoseg.raster.files.georeference import Grid
from geoseg.raster.vectors import open_vector
from geoseg.tiling import Box
from tests.security.fuzz.runner import mutated
from tests.security.fuzz.sandbox import Sandbox
from tests.security.fuzz.structures import json_mutation, xml_mutation

_BOX = Sandbox()
_GRID = Grid(20, 20, Affine(10, 0, 5e5, 0, -10, 5e6), CRS.from_epsg(32631))
_JSON = json_mutation((
    f"{_BOX.url}/x", "link", "name", "EPSG:4326", "EPSG:32631", "Polygon", "MultiPolygon", "Point",
    "GeometryCollection",
    "FeatureCollection", "crs", {"type": "link", "properties": {"href": f"{_BOX.url}/x"}}, [1e308, 1e308], [0, 0, 0, 0],
))  # fmt: skip
_XML = xml_mutation((f"{_BOX.url}/x", "#s", "NetworkLink", "0,0 1,0 1,1 0,0", "nan,nan", "1e400,0", "<OGRVRTLayer/>"))


def target(data: bytes) -> None:
    path = _BOX.write("labels.gpkg", data)
    with _BOX.watched():
        file = open_vector(path)
        for layer, _ in file.layers():
            file.info(layer)
        layer = PolygonLayer(path, _GRID, "class")
        layer.read(Box(0, 0, 20, 20))
        assert all(isinstance(value, int) for value in layer.values)


def mutate(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    if data.startswith(b"{"):
        return _JSON(data, rng, [seed for seed in pool if seed.startswith(b"{")])
    if data.startswith(b"<"):
        return _XML(data, rng, [seed for seed in pool if seed.startswith(b"<")])
    if data.startswith(b"PK") and rng.random() < 0.9:
        return _zip_changed(data, rng)
    if data.startswith(b"SQLite") and rng.random() < 0.5:
        return _words_changed(data, rng)
    return mutated(data, rng, pool)


def _zip_changed(data: bytes, rng: random.Random) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001 - damaged already, in one of many ways
        return data
    if not members:
        return data
    name = rng.choice(list(members))
    members[name] = mutated(members[name], rng, [members[name]])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _words_changed(data: bytes, rng: random.Random) -> bytes:
    """Change a word of a database's schema or content and keep its length, so that its pages stay whole."""
    words = (b"polygon", b"POLYGON", b"class", b"geom", b"labels", b"gpkg_", b"INTEGER", b"TEXT", b"features", b"TABLE")
    found = [(word, at) for word in words if (at := data.find(word, rng.randrange(len(data)))) >= 0]
    if not found:
        return data
    word, at = rng.choice(found)
    new = rng.choice((*words, b"a", b"';--", b"view", b"\xff\xfe", b"VIRTUAL", b"link"))[: len(word)].ljust(len(word))
    return data[:at] + new + data[at + len(word) :]


def seeds() -> list[bytes]:
    import geopandas as gpd
    from shapely.geometry import box

    shapes = [box(5e5, 5e6 - 100, 5e5 + 100, 5e6), box(5e5 + 100, 5e6 - 200, 5e5 + 150, 5e6 - 100)]
    frame = gpd.GeoDataFrame({"class": ["tree", "crop"], "n": [1, 2]}, geometry=shapes, crs="EPSG:32631")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = []
        for suffix in (".gpkg", ".fgb", ".geojson"):
            frame.to_file(folder / f"labels{suffix}", layer="labels", engine="pyogrio")
            found.append((folder / f"labels{suffix}").read_bytes())
        frame.to_parquet(folder / "labels.parquet")
        found.append((folder / "labels.parquet").read_bytes())
        frame.to_file(folder / "labels.shp", engine="pyogrio")
        with zipfile.ZipFile(folder / "labels.zip", "w") as archive:
            for path in sorted(folder.glob("labels.[sdpc]*")):
                if path.suffix != ".parquet":
                    archive.write(path, path.name)
        found.append((folder / "labels.zip").read_bytes())
    ring = "3,45.1535,0 3.002,45.1535,0 3.002,45.152,0 3,45.1535,0"
    kml = (
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document id="root">'
        '<Style id="s"/>'
        '<Schema name="a" id="a"><SimpleField name="class" type="string"/></Schema><Folder><name>a</name><Placemark>'
        '<name>x</name><styleUrl>#s</styleUrl><ExtendedData><SchemaData schemaUrl="#a"><SimpleData name="class">tree'
        "</SimpleData></SchemaData></ExtendedData><Polygon><outerBoundaryIs><LinearRing><coordinates>"
        f"{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder></Document></kml>"
    )
    geojson = {
        "type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "EPSG:32631"}},
        "features": [
            {"type": "Feature", "id": 1, "properties": {"class": kind, "n": None}, "geometry": shape.__geo_interface__}
            for kind, shape in zip(("tree", 5), shapes, strict=True)
        ],
    }  # fmt: skip
    return [*found, kml.encode(), json.dumps(geojson).encode()]
