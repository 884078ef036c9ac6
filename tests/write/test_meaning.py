"""Names and colours: colour table, category names, attribute table, styles; and reading them back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import rasterio

from geoseg.classes import LAND_COVER, MapClass, default_color
from geoseg.errors import InputError, OptionError
from geoseg.tiling import Box
from geoseg.write import CogSink, polygon_qml, polygon_sld, read_classes, write_qml

ODD = (
    MapClass(3, 'a <b> & "c"', "#010203"),
    MapClass(7, "wald – 森林", "#fefdfc"),
    MapClass(254, "bell\x07", "#808080"),
)


def write(path: Path, geobox, classes=LAND_COVER, kind="classes") -> Path:
    with CogSink(path, geobox, classes=classes, kind=kind) as sink:
        sink.write(Box(0, 0, *geobox.shape), np.full(tuple(geobox.shape), 3, np.uint8))
    return path


def test_colour_table(grid, tmp_path):
    with rasterio.open(write(tmp_path / "map.tif", grid(600, 4))) as source:
        assert source.colorinterp[0].name == "palette"
        table = source.colormap(1)
    assert all(table[item.id][:3] == item.rgb for item in LAND_COVER)


@pytest.mark.parametrize(("classes", "kind"), [((), "classes"), ((), "confidence"), (LAND_COVER, "confidence")])
def test_grey_where_there_are_no_colours(grid, tmp_path, classes, kind):
    with rasterio.open(write(tmp_path / "map.tif", grid(3, 4), classes, kind)) as source:
        assert source.colorinterp[0].name == "gray"
        assert source.descriptions == (kind,)


def test_category_names_and_attribute_table(grid, tmp_path):
    path = write(tmp_path / "map.tif", grid(3, 4), ODD)
    band = ET.parse(f"{path}.aux.xml").getroot().find("PAMRasterBand")
    names = [item.text or "" for item in band.findall("CategoryNames/Category")]
    assert len(names) == 255
    assert {number: name for number, name in enumerate(names) if name} == {3: ODD[0].name, 7: ODD[1].name, 254: "bell"}
    rows = [[cell.text for cell in row] for row in band.findall("GDALRasterAttributeTable/Row")]
    assert rows[0] == ["3", ODD[0].name, "1", "2", "3"]
    assert [row[0] for row in rows] == ["3", "7", "254"]


@pytest.mark.skipif(not shutil.which("gdalinfo"), reason="gdalinfo is not installed")
def test_gdal_shows_names(grid, tmp_path):
    path = write(tmp_path / "map.tif", grid(3, 4))
    found = subprocess.run(["gdalinfo", path], capture_output=True, text=True, check=True).stdout
    assert "LAYOUT=COG" in found
    for item in LAND_COVER:
        assert f"{item.id}: {item.name}\n" in found
        assert f"{item.id}: {','.join(map(str, item.rgb))},255" in found
    assert "<Name>Class</Name>" in found


def test_style_of_a_class_map(grid, tmp_path):
    path = write(tmp_path / "map.tif", grid(3, 4), ODD)
    entries = ET.parse(path.with_suffix(".qml")).getroot().findall(".//paletteEntry")
    assert [(item.get("value"), item.get("label"), item.get("color")) for item in entries] == [
        ("3", ODD[0].name, "#010203"), ("7", ODD[1].name, "#fefdfc"), ("254", "bell", "#808080"),
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "top"), [("classes", "254"), ("confidence", "100")])
def test_style_without_classes_is_a_ramp(tmp_path, kind, top):
    write_qml(tmp_path / "a.qml", (), kind)
    items = ET.parse(tmp_path / "a.qml").getroot().findall(".//colorrampshader/item")
    assert items[0].get("value") == "0"
    assert items[-1].get("value") == top


def test_polygon_styles():
    categories = ET.fromstring(polygon_qml(ODD)).findall(".//category")
    assert [(item.get("value"), item.get("label")) for item in categories] == [
        ("3", ODD[0].name), ("7", ODD[1].name), ("254", "bell"),
    ]  # fmt: skip
    symbols = ET.fromstring(polygon_qml(ODD)).findall(".//symbol")
    assert [item.get("name") for item in symbols] == [item.get("symbol") for item in categories]
    space = {"se": "http://www.opengis.net/se", "ogc": "http://www.opengis.net/ogc"}
    rules = ET.fromstring(polygon_sld(ODD)).findall(".//se:Rule", space)
    assert [rule.find(".//ogc:Literal", space).text for rule in rules] == ["3", "7", "254"]
    assert [rule.find("se:Name", space).text for rule in rules] == [ODD[0].name, ODD[1].name, "bell"]


@pytest.mark.parametrize("classes", [LAND_COVER, ODD, ()])
def test_read_classes_gives_back_what_was_written(grid, tmp_path, classes):
    path = write(tmp_path / "map.tif", grid(3, 4), classes)
    assert read_classes(path) == classes
    Path(f"{path}.aux.xml").unlink(missing_ok=True)
    assert read_classes(path) == classes  # the names are in the file as well


def test_read_classes_of_other_software(grid, tmp_path):
    path = tmp_path / "other.tif"
    with rasterio.open(path, "w", driver="GTiff", width=4, height=3, count=1, dtype="uint8") as target:
        target.write_colormap(1, {1: (10, 20, 30, 255)})
    assert read_classes(path) == ()
    aux = "<PAMDataset><PAMRasterBand band='1'><CategoryNames>{}</CategoryNames></PAMRasterBand></PAMDataset>"
    Path(f"{path}.aux.xml").write_text(aux.format("<Category/><Category>road</Category><Category> </Category>"))
    assert read_classes(path) == (MapClass(1, "road", "#0a141e"),)
    with rasterio.open(tmp_path / "grey.tif", "w", driver="GTiff", width=4, height=3, count=1, dtype="uint8"):
        pass
    Path(f"{tmp_path / 'grey.tif'}.aux.xml").write_text(aux.format("<Category>zero</Category>"))
    assert read_classes(tmp_path / "grey.tif") == (MapClass(0, "zero", default_color(0)),)
    Path(f"{tmp_path / 'grey.tif'}.aux.xml").write_text("<PAMDataset>")
    assert read_classes(tmp_path / "grey.tif") == ()


def test_read_classes_of_what_is_no_raster(tmp_path):
    (tmp_path / "a.tif").write_text("no raster")
    for name in ("a.tif", "missing.tif"):
        with pytest.raises(InputError, match=name):
            read_classes(tmp_path / name)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([MapClass(255, "a", "#000000")], "number 255"),
        ([MapClass(-1, "a", "#000000")], "number -1"),
        ([MapClass(1, "a", "#000000"), MapClass(1, "b", "#000000")], "'a' and 'b' both have number 1"),
    ],
)
def test_impossible_classes(grid, tmp_path, classes, message):
    with pytest.raises(OptionError, match=message):
        CogSink(tmp_path / "map.tif", grid(3, 4), classes=classes)
