"""Boxes from Pascal VOC, CSV and COCO: found on their image, in pixels or map units; what is wrong is told."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio

import geoseg
from geoseg.errors import InputError
from geoseg.train.boxes.box_files import box_files, read_boxes
from geoseg.train.data.coco import read_coco

BOXES = np.array([[10, 20, 30, 45], [3, 4, 9, 12.5]])


def image(path, *, crs="EPSG:32633", height=60, width=80):
    grid = {"crs": crs, "transform": rasterio.Affine(0.5, 0, 500000, 0, -0.5, 5000000)} if crs else {}
    with rasterio.open(path, "w", driver="GTiff", height=height, width=width, count=1, dtype="uint8", **grid) as file:
        file.write(np.ones((1, height, width), np.uint8))
    return geoseg.open_raster(path)


def voc(path, boxes=BOXES, size=(80, 60), name="scene.tif", label="Tree"):
    objects = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{b[0]:g}</xmin><ymin>{b[1]:g}</ymin><xmax>{b[2]:g}</xmax>"
        f"<ymax>{b[3]:g}</ymax></bndbox></object>"
        for b in boxes
    )
    shape = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    path.write_text(f"<annotation><filename>{name}</filename>{shape}{objects}</annotation>", "utf-8")
    return str(path)


def table(path, rows, header="image_path,xmin,ymin,xmax,ymax,label"):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]), "utf-8")
    return str(path)


def in_pixels(labels, raster):
    """Bounds in pixels: left, top, right, bottom."""
    import shapely

    back = ~raster.grid.transform
    moved = shapely.transform(labels.geometries, lambda xy: np.stack(back * (xy[:, 0], xy[:, 1]), 1))
    return shapely.bounds(moved)


@pytest.mark.parametrize("crs", ["EPSG:32633", None])
def test_voc_boxes_lie_on_their_image(tmp_path, crs):
    raster = image(tmp_path / "scene.tif", crs=crs)
    labels, note = read_boxes([voc(tmp_path / "scene.xml")]).on(raster)
    np.testing.assert_allclose(in_pixels(labels, raster), BOXES)
    assert not note
    other = image(tmp_path / "other.tif", crs=crs)
    assert read_boxes([voc(tmp_path / "scene.xml")]).on(other) == (None, "")


@pytest.mark.parametrize("units", ["pixels", "map"])
def test_tables_are_in_pixels_or_in_map_units(tmp_path, units):
    raster = image(tmp_path / "scene.tif")
    boxes = BOXES
    if units == "map":
        boxes = np.stack(
            [
                500000 + BOXES[:, 0] / 2,
                5000000 - BOXES[:, 3] / 2,
                500000 + BOXES[:, 2] / 2,
                5000000 - BOXES[:, 1] / 2,
            ],
            1,
        )
    path = table(tmp_path / "boxes.csv", [("scene.tif", *box, "oak") for box in boxes])
    labels, _ = read_boxes([path]).on(raster)
    np.testing.assert_allclose(in_pixels(labels, raster), BOXES)
    assert [item.name for item in read_boxes([path]).vocabulary.classes] == ["oak"]


def test_tables_without_images_and_labels_are_of_any_image_and_one_class(tmp_path):
    raster = image(tmp_path / "scene.tif")
    path = table(tmp_path / "boxes.csv", [";".join(map(str, box)) for box in BOXES.tolist()], "left;top;right;bottom")
    path = tmp_path / "boxes.csv"
    path.write_text("left;top;right;bottom\n10;20;30;45\n3;4;9;12.5", "utf-8")
    found = read_boxes([str(path)])
    np.testing.assert_allclose(in_pixels(found.on(raster)[0], raster), BOXES)
    assert [item.name for item in found.vocabulary.classes] == ["object"]


def test_boxes_of_another_place_are_told(tmp_path):
    raster = image(tmp_path / "scene.tif")
    path = table(tmp_path / "boxes.csv", [("scene.tif", 7e5, 6e6, 7.1e5, 6.1e6, "oak")])
    with pytest.raises(InputError, match=r"neither in the 80 × 60 pixels of scene, nor in its map units"):
        read_boxes([path]).on(raster)


def test_boxes_without_an_area_are_left_out_and_counted(tmp_path):
    raster = image(tmp_path / "scene.tif")
    labels, note = read_boxes([voc(tmp_path / "scene.xml", [*BOXES, (5, 5, 5, 9)])]).on(raster)
    assert len(labels.codes) == 2
    assert "1 boxes without width or height are left out" in note


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("<annotation><object><name>a</name></object></annotation>", "has no bndbox"),
        ("<annotation><object><bndbox><xmin>x</xmin></bndbox></object></annotation>", "four numbers are wanted"),
        ("<kml/>", "no Pascal VOC file"),
        ("<annotation><obj", "damaged"),
        ("<annotation/>", "no boxes in it"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "rejected"),
    ],
)
def test_voc_files_that_are_none(tmp_path, content, match):
    path = tmp_path / "scene.xml"
    path.write_text(content, "utf-8")
    with pytest.raises(InputError, match=match):
        read_boxes([str(path)])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a,b\n1,2", "has no column xmin"),
        ("xmin,ymin,xmax,ymax\n1,2,x,4", "line 2 has a box of 1, 2, x, 4"),
        ("xmin,ymin,xmax,ymax\n1,2,nan,4", "not finite"),
        ("xmin,ymin,xmax,ymax\n", "no boxes"),
    ],
)
def test_tables_that_are_none(tmp_path, text, match):
    path = tmp_path / "boxes.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=match):
        read_boxes([str(path)])


def test_the_size_that_was_annotated_must_be_that_of_the_image(tmp_path):
    raster = image(tmp_path / "scene.tif")
    with pytest.raises(InputError, match=r"is for an image of 90 × 60 pixels, but scene has 80 × 60"):
        read_boxes([voc(tmp_path / "scene.xml", size=(90, 60))]).on(raster)


def test_folders_of_voc_files_are_their_files(tmp_path):
    first, second = voc(tmp_path / "a.xml"), voc(tmp_path / "b.xml")
    table(tmp_path / "about.csv", [])
    assert box_files([tmp_path]) == [first, second]


def test_coco_boxes_without_outlines(tmp_path):
    raster = image(tmp_path / "scene.tif")
    content = {
        "images": [{"id": 1, "file_name": "scene.tif", "width": 80, "height": 60}],
        "categories": [{"id": 7, "name": "tree"}],
        "annotations": [
            {"image_id": 1, "category_id": 7, "bbox": [10, 20, 20, 25]},
            {"image_id": 1, "category_id": 7, "bbox": [1, 1, 0, 5]},
            {"image_id": 1, "category_id": 7, "segmentation": {"size": [60, 80], "counts": [244, 8, 4548]}},
        ],
    }
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(content), "utf-8")
    labels = read_coco(str(path), boxes=True).on(raster)
    np.testing.assert_allclose(in_pixels(labels, raster), [[10, 20, 30, 45], [4, 4, 5, 12]])
    assert "1 annotations have no area" in read_coco(str(path), boxes=True).notes[0]
    assert len(read_coco(str(path)).on(raster).codes) == 1
