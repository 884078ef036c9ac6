"""Boxes from Pascal VOC, CSV and COCO: found on their image, in pixels or map units; what is wrong is told."""

from __future__ import annotations

import json

import geopandas
import numpy as np
import pytest
import rasterio
import shapely

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
    back = ~raster.grid.transform
    moved = shapely.transform(labels.geometries, lambda xy: np.stack(back * (xy[:, 0], xy[:, 1]), 1))
    return shapely.bounds(moved)


@pytest.mark.parametrize("crs", ["EPSG:32633", None])
def test_voc_boxes_lie_on_their_image(tmp_path, crs):
    raster = image(tmp_path / "scene.tif", crs=crs)
    (labels,), notes = read_boxes([voc(tmp_path / "scene.xml")]).on([raster])
    np.testing.assert_allclose(in_pixels(labels, raster), BOXES)
    assert not notes
    other = image(tmp_path / "other.tif", crs=crs)
    with pytest.raises(InputError, match=r"boxes are for scene\.tif, of which none is given .*other\.tif"):
        read_boxes([voc(tmp_path / "scene.xml")]).on([other])


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
    (labels,), _ = read_boxes([path]).on([raster])
    np.testing.assert_allclose(in_pixels(labels, raster), BOXES)
    assert [item.name for item in read_boxes([path]).vocabulary.classes] == ["oak"]


def test_tables_without_images_and_labels_are_of_any_image_and_one_class(tmp_path):
    raster = image(tmp_path / "scene.tif")
    path = table(tmp_path / "boxes.csv", [";".join(map(str, box)) for box in BOXES.tolist()], "left;top;right;bottom")
    path = tmp_path / "boxes.csv"
    path.write_text("left;top;right;bottom\n10;20;30;45\n3;4;9;12.5", "utf-8")
    found = read_boxes([str(path)])
    np.testing.assert_allclose(in_pixels(found.on([raster])[0][0], raster), BOXES)
    assert [item.name for item in found.vocabulary.classes] == ["object"]


def test_boxes_of_another_place_are_told(tmp_path):
    raster = image(tmp_path / "scene.tif")
    path = table(tmp_path / "boxes.csv", [("scene.tif", 7e5, 6e6, 7.1e5, 6.1e6, "oak")])
    with pytest.raises(InputError, match=r"neither in the 80 × 60 pixels of scene, nor in its map units"):
        read_boxes([path]).on([raster])


def test_boxes_without_an_area_are_left_out_and_counted(tmp_path):
    raster = image(tmp_path / "scene.tif")
    (labels,), (note,) = read_boxes([voc(tmp_path / "scene.xml", [*BOXES, (5, 5, 5, 9)])]).on([raster])
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
        read_boxes([voc(tmp_path / "scene.xml", size=(90, 60))]).on([raster])


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
    (labels,), _ = read_coco(str(path), boxes=True).on([raster])
    np.testing.assert_allclose(in_pixels(labels, raster), [[10, 20, 30, 45], [4, 4, 5, 12]])
    assert "1 annotations have no area" in read_coco(str(path), boxes=True).notes[0]
    assert len(read_coco(str(path)).on([raster])[0][0].codes) == 1


def test_what_a_file_says_of_its_image_comes_after_its_own_name(tmp_path):
    """Every file may name the same picture, copied with the rest of it."""
    rasters = [image(tmp_path / f"{name}.tif") for name in "ab"]
    files = [voc(tmp_path / "a.xml", BOXES[:1], name="b.jpg", label="oak"), voc(tmp_path / "b.xml", name="b.jpg")]
    placed, notes = read_boxes(files).on(rasters)
    np.testing.assert_allclose(in_pixels(placed[0], rasters[0]), BOXES[:1])
    np.testing.assert_allclose(in_pixels(placed[1], rasters[1]), BOXES)
    assert not notes
    with pytest.raises(InputError, match=r"both b\.jpg and b\.jpg could be .*b\.tif; give images names of their own"):
        read_boxes([voc(tmp_path / f"{name}.xml", name="b.jpg") for name in "cd"]).on(rasters[1:])


def test_images_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
    rasters = [image(tmp_path / folder / "1.tif") for folder in ("x", "y")]
    rows = [("x/1.tif", *BOXES[0], "oak"), ("y\\1.tif", *BOXES[1], "fir")]
    placed, notes = read_boxes([table(tmp_path / "boxes.csv", rows)]).on(rasters)
    for labels, raster, box in zip(placed, rasters, BOXES, strict=True):
        np.testing.assert_allclose(in_pixels(labels, raster), [box])
    assert not notes
    with pytest.raises(InputError, match=r"1\.tif could be both .*x.*1\.tif and .*y.*1\.tif"):
        read_boxes([table(tmp_path / "boxes.csv", [("1.tif", *BOXES[0], "oak")])]).on(rasters)
    (tmp_path / "more").mkdir()
    files = [voc(tmp_path / "x" / "1.xml", name=""), voc(tmp_path / "more" / "1.xml", name="")]
    placed, (note,) = read_boxes(files).on(rasters[:1])
    np.testing.assert_allclose(in_pixels(placed[0], rasters[0]), BOXES)
    assert "2 boxes of images that are not given" in note
    with pytest.raises(InputError, match="could be"):
        read_boxes(files).on([image(tmp_path / "1.tif")])


def test_boxes_of_no_image_and_outside_of_it_are_told(tmp_path):
    raster = image(tmp_path / "scene.tif")
    rows = [("scene.tif", *BOXES[0], "oak"), ("scene.tif", 1, 1, 5, 5, "oak"), ("scene.tif", 300, 5, 310, 9, "oak"),
            ("gone.tif", 1, 1, 5, 5, "oak"), ("", 1, 1, 5, 5, "oak")]  # fmt: skip
    (labels,), notes = read_boxes([table(tmp_path / "boxes.csv", rows)]).on([raster])
    assert len(labels.codes) == 2
    for text in (
        "1 rows without an image",
        "1 boxes outside of scene",
        r"1 boxes of images that are not given (gone.tif)",
    ):
        assert any(text in note for note in notes)


def test_boxes_without_an_image_are_of_several_in_map_units_only(tmp_path):
    rasters = [image(tmp_path / "scene.tif"), image(tmp_path / "other.tif")]
    header = "xmin,ymin,xmax,ymax"
    with pytest.raises(InputError, match="does not say of which image its boxes are"):
        read_boxes([table(tmp_path / "pixels.csv", [(10, 20, 30, 45)], header)]).on(rasters)
    rows = [(500005, 4999980, 500010, 4999990), (1, 1, 5, 5)]
    placed, (note,) = read_boxes([table(tmp_path / "map.csv", rows, header)]).on(rasters)
    for labels, raster in zip(placed, rasters, strict=True):
        np.testing.assert_allclose(in_pixels(labels, raster), [[10, 20, 20, 40]])
    assert "1 boxes on none of the images" in note


@pytest.mark.parametrize("rows", [[(0.1, 0.2, 0.3, 0.5)], [(15.00001, 45.15, 15.00002, 45.1501)]])
def test_boxes_smaller_than_pixels_are_not_in_pixels(tmp_path, rows):
    path = table(tmp_path / "boxes.csv", rows, "xmin,ymin,xmax,ymax")
    with pytest.raises(InputError, match="all boxes are smaller than a pixel of scene"):
        read_boxes([path]).on([image(tmp_path / "scene.tif")])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_of_other_programs(tmp_path, delimiter, encoding):
    """Columns are separated as the header says; where not by commas, numbers may have decimal commas."""
    raster, comma = image(tmp_path / "scene.tif"), "," if delimiter != "," else "."
    lines = [["File", "X_min", "Y_min", "X_max", "Y_max", "Class"], ["scene.png", "", "", "", "", ""]]
    lines += [["scene.png", *(f"{value + 0.25}".replace(".", comma) for value in box), "2.0"] for box in BOXES]
    path = tmp_path / "boxes.csv"
    path.write_bytes("\r\n".join(delimiter.join(line) for line in lines).encode(encoding))
    found = read_boxes([str(path)])
    (labels,), notes = found.on([raster])
    np.testing.assert_allclose(in_pixels(labels, raster), BOXES + 0.25)
    assert [item.name for item in found.vocabulary.classes] == ["2"]
    assert not notes


def test_boxes_without_a_class_beside_others_are_told(tmp_path):
    rows = [("scene.tif", *BOXES[0], "oak"), ("scene.tif", *BOXES[1], "")]
    found = read_boxes([table(tmp_path / "boxes.csv", rows)])
    assert [item.name for item in found.vocabulary.classes] == ["oak", "object"]
    assert "1 boxes without a class are of class 'object'" in found.notes[0]


def test_notes_on_images_are_no_labels(tmp_path):
    first = voc(tmp_path / "a.xml")
    (tmp_path / "a.tif.aux.xml").write_text("<PAMDataset/>", "utf-8")
    assert box_files([tmp_path]) == [first]


@pytest.mark.parametrize("options", [{}, {"bbox": (500004, 4999975, 500020, 4999998)}, {"resolution": 1.0}])
@pytest.mark.parametrize("angle", [0, 30])
@pytest.mark.parametrize("kind", ["voc", "csv", "coco"])
def test_pixels_are_those_of_the_file(tmp_path, options, angle, kind):
    """Whatever is read of it, and though rotated pixels are made upright."""
    from shapely.affinity import affine_transform

    path = tmp_path / "scene.tif"
    image(path)
    with rasterio.open(path, "r+") as file:
        file.transform = rasterio.Affine.translation(500000, 5000000) @ (
            rasterio.Affine.rotation(angle) @ rasterio.Affine.scale(0.5, -0.5)
        )
        a, b, c, d, e, f = file.transform[:6]
    raster = geoseg.open_raster(path, **options)
    if kind == "voc":
        labels = read_boxes([voc(tmp_path / "scene.xml")])
    elif kind == "csv":
        labels = read_boxes([table(tmp_path / "boxes.csv", [("scene.tif", *box, "oak") for box in BOXES])])
    else:
        content = {"images": [{"id": 1, "file_name": "scene.tif", "width": 80, "height": 60}],
                   "categories": [{"id": 1, "name": "oak"}],
                   "annotations": [{"image_id": 1, "category_id": 1, "bbox": [x, y, r - x, t - y]}
                                   for x, y, r, t in BOXES.tolist()]}  # fmt: skip
        (tmp_path / "coco.json").write_text(json.dumps(content), "utf-8")
        labels = read_coco(str(tmp_path / "coco.json"), boxes=True)
    (placed,), notes = labels.on([raster])
    expected = [affine_transform(shapely.box(*box), (a, b, d, e, c, f)) for box in BOXES]
    frame = shapely.box(*raster.grid.bounds())
    expected = [shape for shape in expected if shape.intersects(frame)]
    assert len(placed.geometries) == len(expected)
    assert all(one.equals_exact(other.normalize(), 1e-6) for one, other in
               zip(shapely.normalize(placed.geometries), expected, strict=True))  # fmt: skip
    assert placed.transform == raster.grid.transform
    assert len(notes) == (len(expected) < len(BOXES))


@pytest.mark.parametrize("above", ["\n\n", "sep=;\n", "# boxes of a place\r\n;;;\r\n"])
def test_lines_above_the_header(tmp_path, above):
    raster, path = image(tmp_path / "scene.tif"), tmp_path / "boxes.csv"
    lines = ["filename;kind;xmin;ymin;xmax;ymax", *(";".join(["scene.tif", "oak", *map(str, box)]) for box in BOXES)]
    path.write_text(above + "\n".join(lines), "utf-8", newline="")
    found = read_boxes([str(path)], class_field="kind")
    np.testing.assert_allclose(in_pixels(found.on([raster])[0][0], raster), BOXES)
    assert [item.name for item in found.vocabulary.classes] == ["oak"]
    with pytest.raises(InputError, match="has no column sort"):
        read_boxes([str(path)], class_field="sort")
    path.write_text(above + "\n".join([*lines, "scene.tif;oak;1;2"]), "utf-8", newline="")
    with pytest.raises(InputError, match=f"line {above.count(chr(10)) + 4} has a box of 1, 2, nothing, nothing"):
        read_boxes([str(path)])


def test_tables_may_say_the_size_of_their_image(tmp_path):
    raster = image(tmp_path / "scene.tif")
    header = "filename,width,height,class,xmin,ymin,xmax,ymax"

    def found(width, height, boxes=BOXES):
        rows = [("scene.tif", width, height, "oak", *box) for box in boxes]
        return read_boxes([table(tmp_path / "boxes.csv", rows, header)]).on([raster])[0][0]

    np.testing.assert_allclose(in_pixels(found(80, 60), raster), BOXES)
    with pytest.raises(InputError, match="is for an image of 800 × 600 pixels, but scene has 80 × 60"):
        found(800, 600)
    np.testing.assert_allclose(in_pixels(found(20, 25, BOXES[:1]), raster), BOXES[:1])  # sides of the box


def test_folders_of_two_kinds_of_labels_are_not_chosen_from(tmp_path):
    voc(tmp_path / "a.xml")
    (tmp_path / "coco.json").write_text("{}", "utf-8")
    with pytest.raises(InputError, match=r"has a\.xml as well as coco\.json: name the files"):
        box_files([tmp_path])


@pytest.mark.parametrize("task", ["boxes", "instances"])
def test_objects_that_are_called_background_are_refused(tmp_path, task):
    scene = image(tmp_path / "scene.tif")
    if task == "boxes":
        labels = voc(tmp_path / "scene.xml", label="background")
    else:
        labels = str(tmp_path / "labels.geojson")
        frame = geopandas.GeoDataFrame(
            {"class": ["background"]}, geometry=[shapely.box(500_005, 4_999_980, 500_015, 4_999_990)], crs="EPSG:32633"
        )
        frame.to_file(labels)
    with pytest.raises(InputError, match=r"objects of class 'background' .* give that another with --background"):
        geoseg.train([scene.sources[0]], labels, str(tmp_path / "model"), task=task, epochs=1)


def test_a_column_that_is_there_twice_is_an_error_if_it_is_read(tmp_path):
    rows = [("scene.tif", *box, "oak", 5, 6) for box in BOXES]
    with pytest.raises(InputError, match=r"has two columns '(?i:xmax)'; remove one"):
        read_boxes([table(tmp_path / "a.csv", rows, "image_path,xmin,ymin,xmax,ymax,label,n, XMAX ")])
    found = read_boxes([table(tmp_path / "b.csv", rows, "image_path,xmin,ymin,xmax,ymax,label,n,n")])
    ((labels,), _) = found.on([image(tmp_path / "scene.tif")])
    np.testing.assert_allclose(in_pixels(labels, image(tmp_path / "scene.tif")), BOXES)
