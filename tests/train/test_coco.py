"""COCO JSON as labels: polygons and masks land on the images that they name; defects are one line."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import geoseg
from geoseg.classes import NODATA
from geoseg.errors import InputError
from geoseg.tiling import Box
from geoseg.train.data.class_mapping import map_classes
from geoseg.train.data.coco import is_coco, read_coco
from geoseg.train.data.images import match_names
from geoseg.train.data.labels import Labels, WithBackground

SQUARE, TRIANGLE = [80, 60, 90, 60, 90, 70, 80, 70], [50, 60, 70, 60, 70, 64]


def content(**changes) -> dict:
    return {
        "images": [{"id": 7, "file_name": "photos/scene.tif", "height": 256, "width": 192}],
        "categories": [{"id": 3, "name": "pond"}, {"id": 1, "name": "house"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "segmentation": [[10, 20, 30, 20, 30, 40, 10, 40]]},
            {"image_id": 7, "category_id": 3, "segmentation": [TRIANGLE, SQUARE]},
        ],
        **changes,
    }  # fmt: skip


def written(path, value):
    path.write_text(json.dumps(value))
    return str(path)


def test_outlines_land_on_their_image(tmp_path, place):
    path = written(tmp_path / "coco.json", content())
    assert is_coco(path)
    raster = geoseg.open_raster(place.image)
    labels = read_coco(path)
    assert [one.name for one in labels.vocabulary.classes] == ["house", "pond"]
    values, labelled = labels.on([raster])[0][0].read(Box(0, 0, 256, 192))
    expected = np.zeros((256, 192), bool)
    expected[20:40, 10:30] = True
    assert np.array_equal(labelled & (values == 0), expected)
    assert labelled[65, 85]
    assert values[65, 85] == 1
    wider = content(images=[{"id": 7, "file_name": "scene.png", "height": 256, "width": 200}])
    with pytest.raises(InputError, match="annotates scene as 200 × 256 pixels, but it has 192 × 256"):
        read_coco(written(tmp_path / "other.json", wider)).on([raster])
    elsewhere = content(images=[{"id": 7, "file_name": "other.tif", "height": 256, "width": 192}])
    with pytest.raises(InputError, match=r"annotates other\.tif, of which none is given"):
        read_coco(written(tmp_path / "other.json", elsewhere)).on([raster])


def encoded(runs: list[int]) -> str:
    """Write run lengths as COCO's text: the inverse of what is read."""
    text = ""
    for number, run in enumerate(runs):
        value = run - (runs[number - 2] if number > 2 else 0)
        more = True
        while more:
            bits, value = value & 31, value >> 5
            more = value != -1 if bits & 16 else value != 0
            text += chr((bits | 32 if more else bits) + 48)
    return text


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 1)), st.booleans())
def test_masks_are_read_to_the_pixel(tmp_path_factory, mask, as_text):
    flat = np.r_[0, mask.T.ravel(), 2]
    changes = np.flatnonzero(np.diff(flat[:-1])).tolist()
    runs = np.diff([0, *changes, mask.size]).tolist()
    counts = encoded(runs) if as_text else runs
    height, width = mask.shape
    value = content(
        images=[{"id": 7, "file_name": "a.tif", "height": height, "width": width}],
        annotations=[{"image_id": 7, "category_id": 1, "segmentation": {"size": [height, width], "counts": counts}}],
    )
    path = written(tmp_path_factory.mktemp("coco") / "coco.json", value)
    if not mask.any():
        with pytest.raises(InputError, match="no annotation has an outline"):
            read_coco(path)
        return
    (shape,) = read_coco(path).pictures["a.tif"].shapes
    rows, cols = np.nonzero(mask)
    assert shape.area == mask.sum()
    assert shapely.contains_xy(shape, cols + 0.5, rows + 0.5).all()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"annotations": [{"image_id": 8, "category_id": 1, "segmentation": [SQUARE]}]},
         "annotation 1 is of image 8, which is not among the images"),
        ({"annotations": [{"category_id": 1}]}, "annotation 1 lacks 'image_id'"),
        ({"annotations": [3]}, "is no sound COCO file"),
        ({"annotations": None}, "is no sound COCO file"),
        ({"images": content()["images"] + [{"id": 7, "file_name": "b.tif", "height": 9, "width": 9}]},
         "image 2 (id 7) has the id of another image"),
        ({"categories": [*content()["categories"], {"id": 1, "name": "tree"}]},
         "category 3 (id 1) has the id of 'house'"),
        ({"annotations": [{"image_id": 7, "category_id": 2, "id": 5, "segmentation": [SQUARE]}]},
         "annotation 1 (id 5) is of category 2, which is not among the categories"),
        ({"categories": None}, "its 'categories' are no list"),
        ({"images": [{"id": 7, "file_name": "a.tif", "height": 0, "width": 9}]}, "has 9 × 0 pixels"),
        ({"images": [{"id": 7}]}, "image 1 (id 7) lacks 'file_name'"),
        ({"annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]}]}, "no annotation has an outline"),
        ({"annotations": [{"image_id": 7, "category_id": 1, "segmentation": {"size": [9, 9], "counts": [81]}}]},
         "a mask of 9 × 9 pixels in an image of 192 × 256"),
        ({"annotations": [{"image_id": 7, "category_id": 1, "segmentation": {"size": [256, 192], "counts": [5]}}]},
         "runs cover 5 of 49152"),
        ({"annotations": [{"image_id": 7, "category_id": 1, "segmentation": [[0, 0, 1]]}]}, "is no sound COCO file"),
    ],
)  # fmt: skip
def test_defects_are_one_line(tmp_path, changes, text):
    with pytest.raises(InputError, match=r"coco\.json") as caught:
        read_coco(written(tmp_path / "coco.json", content(**changes)))
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_left_out_is_told(tmp_path):
    more = [
        {"image_id": 7, "category_id": 1, "iscrowd": 1, "segmentation": [[0, 0, 5, 0, 5, 5]]},
        {"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"image_id": 7, "category_id": 1, "segmentation": [[0, 0, 5, 5]]},
        {"image_id": 7, "category_id": 1, "segmentation": [[0, 0, 5, 5, 9, 9]]},
        {"image_id": 7, "category_id": 1, "segmentation": [[0, 0, 9, 9, 9, 0, 0, 9]]},  # a bow tie is mended
    ]
    labels = read_coco(written(tmp_path / "coco.json", content(annotations=content()["annotations"] + more)))
    assert len(labels.pictures["photos/scene.tif"].shapes) == 4
    assert len(labels.notes) == 4
    assert any("have a box only" in note for note in labels.notes)


def test_geojson_is_no_coco(tmp_path):
    assert not is_coco(written(tmp_path / "a.json", {"type": "FeatureCollection", "features": []}))
    assert not is_coco(tmp_path / "missing.json")
    (tmp_path / "broken.json").write_text("{")
    assert not is_coco(tmp_path / "broken.json")


def test_crowds_are_neither_objects_nor_background(tmp_path, place):
    """Objects in them stay; pixels of a crowd that no object has are left open."""
    crowd = {"image_id": 7, "category_id": 1, "iscrowd": 1, "segmentation": [[0, 0, 60, 0, 60, 100, 0, 100]]}
    path = written(tmp_path / "coco.json", content(annotations=[*content()["annotations"], crowd]))
    labels = read_coco(path)
    assert any("1 annotations of crowds are ignored" in note for note in labels.notes)
    (own,), _ = labels.on([geoseg.open_raster(place.image)])
    values, labelled = own.read(Box(0, 0, 256, 192))
    counts = {int(value): int((values[labelled] == value).sum()) for value in np.unique(values[labelled])}
    (house, pond, crowded) = (item.id for item in labels.vocabulary.classes)
    assert labels.vocabulary.ignored == {crowded}
    assert counts[house] == 400
    mapping = map_classes(counts, labels.vocabulary, None, (), "coco.json", background="ground")
    assert [item.name for item in mapping.classes] == ["ground", "house", "pond"]
    read = Labels(WithBackground(own), mapping.values, mapping.indices).read(Box(0, 0, 256, 192))
    expected = np.zeros((256, 192), np.uint8)
    expected[:100, :60] = NODATA
    expected[20:40, 10:30] = 1
    outside = np.ones((256, 192), bool)
    outside[55:75, 45:95] = False  # around the ponds
    assert np.array_equal(read[outside], expected[outside])
    assert read[65, 85] == 2
    assert pond == 1


def test_annotations_of_other_images_and_outside_are_told(tmp_path, place):
    images = [*content()["images"], {"id": 8, "file_name": "gone.tif", "height": 9, "width": 9}]
    more = [
        {"image_id": 8, "category_id": 1, "segmentation": [SQUARE]},
        {"image_id": "7", "category_id": 1.0, "segmentation": [900, 900, 990, 900, 990, 990]},
        {"image_id": 7, "category_id": 1, "segmentation": {"size": [256, 192], "counts": [256 * 192]}},
        {"image_id": 7, "category_id": 1, "segmentation": [SQUARE, [1, 1]]},
    ]
    path = written(tmp_path / "coco.json", content(images=images, annotations=content()["annotations"] + more))
    (labels,), notes = read_coco(path).on([geoseg.open_raster(place.image)])
    assert len(labels.codes) == 3
    for text in ("1 annotations of images that are not given (gone.tif)", "1 annotations outside of photos/scene.tif",
                 "1 annotations have no area", "1 annotations have parts of less than three points"):  # fmt: skip
        assert sum(text in note for note in notes) == 1


def test_categories_of_one_name_are_one_class(tmp_path):
    categories = [{"id": 3, "name": "house"}, {"id": 1, "name": "house "}]
    labels = read_coco(written(tmp_path / "coco.json", content(categories=categories)))
    assert [item.name for item in labels.vocabulary.classes] == ["house"]
    assert labels.pictures["photos/scene.tif"].codes == [0, 0]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from([".tif", ".png", ""])),
                unique_by=lambda one: one[:2]), st.randoms())  # fmt: skip
def test_names_are_those_of_their_images(given_names, random):
    """Names with all their folders find their own image, in whatever order."""
    images = [f"/data/{folder}/{stem}.tif" for folder, stem, _ in given_names]
    order = random.sample(range(len(images)), len(images))
    names = [f"{given_names[k][0]}/{given_names[k][1]}{given_names[k][2]}" for k in order]
    assert match_names(names, images, "labels") == [order.index(k) for k in range(len(images))]


def test_points_in_names_are_no_suffixes():
    assert match_names(["scene_0.5", "scene_0.7"], ["scene_0.7.tif", "scene_0.5.tif"], "labels") == [1, 0]
    assert match_names(["IMG_1.JPG"], ["img_1.tif", "other.tif"], "labels") == [0, None]
    assert match_names(["a.v2.png", "a.png"], ["a.tif", "a.v2.tif"], "labels") == [1, 0]
