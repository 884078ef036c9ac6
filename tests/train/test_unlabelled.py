"""What is unlabelled and what is a class: numpy says which pixels, and every value left out is told with its pixels."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import box as rectangle

from geoseg.errors import InputError, OptionError
from geoseg.tiling import Box
from geoseg.train.data.class_mapping import map_classes, parse_classes
from geoseg.train.data.label_images import Sources
from geoseg.train.data.labels import Vocabulary
from geoseg.train.options import TrainOptions
from geoseg.train.prepare import prepare

SIDE = 96
OPTIONS = {"window": 32, "validation": 0, "encoder": "tu-mobilenetv3_small_050"}
GRIDS = {
    "same grid": {},
    "coarser grid": {"crs": "EPSG:32633", "transform": rasterio.Affine(20, 0, 500000, 0, -20, 5400000)},
}


@pytest.fixture
def scene(tmp_path, write):
    """An image whose first rows are nodata."""
    pixels = np.random.default_rng(0).integers(1, 200, (3, SIDE, SIDE)).astype(np.uint8)
    pixels[:, :8] = 0
    return write(tmp_path / "scene.tif", pixels, ("red", "green", "blue"), nodata=0)


def patches(values, dtype="uint8"):
    rng = np.random.default_rng(1)
    return np.kron(rng.choice(values, (6, 6)), np.ones((16, 16), int)).astype(dtype)


def prepared(scene, labels, heard, *, reading=None, ignore=(), classes=None, class_field=None, **options):
    sources = Sources([scene], [labels], class_field, classes, tuple(ignore), reading or {})
    return prepare(sources, TrainOptions(**OPTIONS, **options), None, heard)


def learned(result):
    return result.scenes[0].labels.read(Box(0, 0, SIDE, SIDE))


def names(result):
    return [c.name for c in result.card.classes]


def as_stored(truth, grid):
    return truth[::2, ::2] if grid else truth


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("nodata", [None, 0, 255])
def test_named_values_win_over_nodata_and_255(scene, tmp_path, write, heard, grid, nodata):
    truth = patches([0, 255])
    path = write(tmp_path / "l.tif", as_stored(truth, grid), nodata=nodata, **grid)
    result = prepared(scene, path, heard, classes="0=background,255=building")
    assert names(result) == ["background", "building"]
    assert np.array_equal(learned(result), np.where(truth == 255, 1, 0))
    assert not [line for line in heard.all("warning") + heard.all("info") if "unlabelled" in line]


@pytest.mark.parametrize(
    ("fill", "dtype"),
    [(255, "uint8"), (-1, "int16"), (-9999, "int32"), (-32768, "int16"), (32767, "int16"), (65535, "uint16"),
     (2**31 - 1, "int32"), (-(2**31), "int32"), (2**32 - 1, "uint32"), (-9999, "float32"), (2**31 - 1, "float32")],
)  # fmt: skip
def test_undeclared_fills_are_unlabelled_and_told(scene, tmp_path, write, heard, fill, dtype):
    truth = patches([1, 2, fill], "int64")
    path = write(tmp_path / "l.tif", truth.astype(dtype))
    stored = int(np.array(fill, dtype))
    result = prepared(scene, path, heard)
    assert names(result) == ["class 1", "class 2"]
    assert np.array_equal(learned(result), np.select([truth == 1, truth == 2], [0, 1], 255))
    (line,) = [line for line in heard.all("warning") if "unlabelled" in line]
    assert f"value {stored} ({(truth == fill).sum():,} px) is unlabelled; name it in --classes" in line
    named = prepared(scene, path, heard, classes=f"1=a,2=b,{stored}=c")
    assert np.array_equal(learned(named) == 2, truth == fill)


def test_declared_nodata_is_told_as_a_note(scene, tmp_path, write, heard):
    truth = patches([0, 1, 2])
    path = write(tmp_path / "l.tif", truth, nodata=0)
    assert names(prepared(scene, path, heard)) == ["class 1", "class 2"]
    assert any(f"value 0 ({(truth == 0).sum():,} px) unlabelled: nodata" in line for line in heard.all("info"))
    assert not [line for line in heard.all("warning") if "unlabelled" in line]


def test_ignored_values_are_told(scene, tmp_path, write, heard):
    truth = patches([1, 2, 3])
    prepared(scene, write(tmp_path / "l.tif", truth), heard, ignore=("3",))
    assert any(f"ignored: label value 3 ({(truth == 3).sum():,} px)" in line for line in heard.all("info"))


@pytest.mark.parametrize(("values", "nodata", "hidden"), [((0, 255), None, 255), ((0, 1), 0, 0), ((1, -1), None, -1)])
def test_one_class_names_what_was_discarded_and_what_to_type(scene, tmp_path, write, heard, values, nodata, hidden):
    truth = patches(values, "int16")
    path = write(tmp_path / "l.tif", truth, nodata=nodata)
    with pytest.raises(InputError) as caught:
        prepared(scene, path, heard)
    text = str(caught.value)
    assert "all that is labelled" in text
    assert f"value {hidden} ({(truth == hidden).sum():,} px)" in text
    low, high = sorted(values)
    assert f"--classes {low}=NAME1,{high}=NAME2" in text
    assert "--background NAME" in text


def test_nothing_but_fill_is_told(scene, tmp_path, write, heard):
    for nodata in (None, 255):
        path = write(tmp_path / "l.tif", np.full((SIDE, SIDE), 255, np.uint8), nodata=nodata)
        with pytest.raises(InputError, match=r"value 255 \(9,216 px\) is taken as unlabelled"):
            prepared(scene, path, heard)


def test_nodata_of_one_file_hides_no_class_of_another(scene, tmp_path, write, heard):
    truth = patches([0, 1, 2])
    left, right = truth.copy(), truth.copy()
    left[:, 48:] = 9
    folder = tmp_path / "labels"
    write(folder / "a.tif", left, nodata=9)
    write(folder / "b.tif", right)
    assert np.array_equal(learned(prepared(scene, folder, heard)), truth)


def footprints(tmp_path, column, kinds):
    shapes = [
        rectangle(500000 + x, 5400000 - y - 160, 500000 + x + 160, 5400000 - y) for x, y in ((160, 320), (480, 640))
    ]
    path = tmp_path / "footprints.gpkg"
    gpd.GeoDataFrame({column: kinds}, geometry=shapes, crs="EPSG:32633").to_file(path)
    inside = np.zeros((2, SIDE, SIDE), bool)
    for number, (x, y) in enumerate(((16, 32), (48, 64))):
        inside[number, y : y + 16, x : x + 16] = True
    return path, inside


def test_footprints_get_a_background_inside_the_image_alone(scene, tmp_path, heard):
    path, inside = footprints(tmp_path, "class", ["building", "building"])
    with pytest.raises(InputError, match=r"'building' is all that is labelled.*--background NAME"):
        prepared(scene, path, heard)
    result = prepared(scene, path, heard, background="other")
    assert names(result) == ["other", "building"]
    assert np.array_equal(learned(result), inside.any(0))
    # Rows without image data are not counted.
    buildings = int(inside.sum())
    assert result.split.training().tolist() == [SIDE * (SIDE - 8) - buildings, buildings]
    assert any(f"{SIDE * (SIDE - 8) - buildings:,} unlabelled pixels are class 'other'" in s for s in heard.all("info"))


def test_background_of_class_rasters(scene, tmp_path, write, heard):
    truth = patches([0, 1, 2, 255])
    path = write(tmp_path / "l.tif", truth, nodata=0)
    result = prepared(scene, path, heard, background="other", ignore=("2",))
    # 0 is nodata and 255 unlabelled by convention; what is ignored stays unlabelled.
    assert names(result) == ["other", "class 1"]
    assert np.array_equal(learned(result), np.select([truth == 1, truth == 2], [1, 255], 0))
    named = prepared(scene, path, heard, background="rest", classes="2=two,1=one")
    assert names(named) == ["two", "one", "rest"]
    assert np.array_equal(learned(named), np.select([truth == 1, truth == 2], [1, 0], 2))


def test_background_joins_a_class_of_its_name(scene, tmp_path, heard):
    path, inside = footprints(tmp_path, "class", ["building", "other"])
    result = prepared(scene, path, heard, background="other")
    assert names(result) == ["building", "other"]
    assert np.array_equal(learned(result), np.where(inside[0], 0, 1))


def test_background_has_no_position_among_classes():
    entries = parse_classes("1=building", "other")
    with pytest.raises(InputError, match="label value 0"):
        map_classes({0: 3, 1: 5}, Vocabulary((), closed=False), entries, (), "x", background="other")
    with pytest.raises(OptionError, match="1 given"):
        parse_classes("1=building")


@pytest.mark.parametrize(
    "options", [{"background": " "}, {"background": "x", "split": "groups", "group_field": "zone"}]
)
def test_impossible_backgrounds(options):
    with pytest.raises(OptionError, match="background"):
        TrainOptions(**options)


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_a_blank_class_is_no_class(scene, tmp_path, heard, blank):
    path, inside = footprints(tmp_path, "class", ["building", blank])
    assert np.array_equal(learned(prepared(scene, path, heard, background="other")), inside[0])
    assert any("1 polygons without a class" in line for line in heard.all("warning"))
    with pytest.raises(InputError, match="no polygon has a class"):
        prepared(scene, footprints(tmp_path, "class", [blank, blank])[0], heard)


def test_background_counts_towards_the_most_classes():
    from geoseg.classes import MAX_CLASSES

    counts = dict.fromkeys(range(300, 300 + MAX_CLASSES), 1)
    words = Vocabulary((), closed=False)
    assert len(map_classes(counts, words, None, (), "x").classes) == MAX_CLASSES
    with pytest.raises(InputError, match=f"at most {MAX_CLASSES}"):
        map_classes(counts, words, None, (), "x", background="other")


def test_names_that_only_look_different(scene, tmp_path, heard):
    """Composed and decomposed letters are one name; names that differ in case are two, and said to be."""
    path, _ = footprints(tmp_path, "class", ["for\u00eat", " fore\u0302t"])
    with pytest.raises(InputError, match="'for\u00eat' is all that is labelled"):
        prepared(scene, path, heard)
    path, _ = footprints(tmp_path, "class", ["Forest", "forest"])
    assert names(prepared(scene, path, heard)) == ["Forest", "forest"]
    assert any("'Forest' and 'forest' differ in case only" in line for line in heard.all("warning"))
