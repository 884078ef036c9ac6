"""Class tables beside a raster: ``.aux.xml`` with category names, colours, attribute tables and georeference."""

from __future__ import annotations

import geoseg
from geoseg.evaluate.reference import open_map
from geoseg.tiling import Box
from geoseg.write import read_classes
from tests.security.fuzz.sandbox import Sandbox
from tests.security.fuzz.scenes import tif
from tests.security.fuzz.structures import xml_mutation

_BOX = Sandbox()
_MAP = tif(_BOX.folder / "map.tif", dtype="uint8")
mutate = xml_mutation((
    f"{_BOX.url}/x.tif", f"/vsicurl/{_BOX.url}/x", str(_BOX.egg), "OVERVIEWS", "OVERVIEW_FILE", "GEOLOCATION",
    "X_DATASET",
    "GEOSEG_CLASSES", '[[1, "a", "#ff0000"]]', "[[1, 2, 3]]", "[5]", "null", "300", "-1", "2", "#ff0000", "LOCAL_CS",
    "map.tif",
    ":::BASE:::map.ovr", "EPSG:4326", "Name", "Red", "Integer", "nan", "NODATA_VALUES", "IMAGE_STRUCTURE", "xml:VRT",
))  # fmt: skip


def target(data: bytes) -> None:
    _BOX.write("map.tif.aux.xml", data)
    with _BOX.watched():
        for item in (*read_classes(_MAP), *open_map(_MAP).classes):
            assert isinstance(item.id, int)
            item.name.encode("utf-8", "strict")
        raster = geoseg.open_raster(_MAP)
        repr(raster).encode()
        raster.read(Box(0, 0, 8, 8))


def seeds() -> list[bytes]:
    table = (
        '<GDALRasterAttributeTable tableType="thematic"><FieldDefn index="0"><Name>Value</Name><Type>0</Type>'
        "<Usage>5</Usage>"
        '</FieldDefn><FieldDefn index="1"><Name>Class</Name><Type>2</Type><Usage>2</Usage></FieldDefn>'
        '<Row index="0"><F>1</F><F>tree</F></Row></GDALRasterAttributeTable>'
    )
    names = "<CategoryNames><Category></Category><Category>tree</Category><Category>crop</Category></CategoryNames>"
    colours = '<ColorInterp>Palette</ColorInterp><ColorTable><Entry c1="1" c2="2" c3="3" c4="255"/></ColorTable>'
    head = (
        "<PAMDataset><SRS>EPSG:32631</SRS><GeoTransform>500000, 10, 0, 5000000, 0, -10</GeoTransform>"
        '<Metadata><MDI key="a">b</MDI></Metadata><Metadata domain="OVERVIEWS"><MDI key="x">y</MDI></Metadata>'
    )
    gcps = '<GCPList Projection="EPSG:32631"><GCP Id="1" Pixel="0" Line="0" X="5e5" Y="5e6"/></GCPList>'
    band = '<PAMRasterBand band="1"><Description>class</Description><NoDataValue>0</NoDataValue><Scale>1</Scale>'
    statistics = '<Metadata><MDI key="STATISTICS_MEAN">1</MDI></Metadata>'
    return [
        f"{head}{band}{names}{table}</PAMRasterBand></PAMDataset>".encode(),
        f"{head}{gcps}{band}{colours}{names}{statistics}</PAMRasterBand></PAMDataset>".encode(),
    ]
