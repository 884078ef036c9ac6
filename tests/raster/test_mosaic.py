"""Scenes side by side as one raster, against numpy and rasterio.merge on the whole of it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from rasterio.merge import merge
from xarray import DataArray

import geoseg
from geoseg.errors import ChangedError, InputError, OptionError
from geoseg.raster.clouds.report import masked_clouds
from geoseg.raster.files.members import check_unchanged
from geoseg.raster.mosaic.api import joined
from geoseg.raster.sampling import onto_areas, sample_boxes
from geoseg.tiling import Box
from tests.job.flaky import serve

UTM = Affine(10, 0, 500_000, 0, -10, 5_000_000)
CITY = "EPSG:32633"


def array(values, row=0, col=0, *, nodata=0):
    """A scene in memory whose first pixel is at a row and column."""
    geobox = GeoBox(values.shape[1:], UTM * Affine.translation(col, row), CITY)
    attrs = {} if nodata is None else {"nodata": nodata}
    return DataArray(values, dims=("band", "y", "x"), coords=xr_coords(geobox), attrs=attrs)


@st.composite
def cuts(draw, side=40):
    """Places and sizes of scenes: any number of any size, apart or overlapping."""
    number = st.integers(0, side - 1)
    places = draw(st.lists(st.tuples(number, number, number, number), min_size=1, max_size=6))
    return [Box(row, col, height + 1, width + 1) for row, col, height, width in places]


def extent(boxes):
    row, col = min(box.row for box in boxes), min(box.col for box in boxes)
    return Box(row, col, max(box.bottom for box in boxes) - row, max(box.right for box in boxes) - col)


def first_that_has(scenes, boxes):
    """The rule in numpy, pixel by pixel: values, which are valid, and which are in single bands."""
    whole = extent(boxes)
    values = np.zeros((2, whole.height, whole.width), np.uint16)
    known = np.zeros(values.shape[1:], np.uint8)
    single = np.zeros(values.shape, bool)
    for scene, box in zip(scenes, boxes, strict=True):
        for row, col in np.ndindex(box.height, box.width):
            at, pixel = (box.row - whole.row + row, box.col - whole.col + col), scene[:, row, col]
            level = 2 if pixel.all() else 1 if pixel.any() else 0
            if level > known[at]:
                known[at], values[:, *at], single[:, *at] = level, pixel, pixel > 0
    return values, known == 2, single


@settings(max_examples=30)
@given(cuts(), st.integers(0, 2**32 - 1), st.data())
def test_each_pixel_is_of_the_first_scene_that_has_it(boxes, seed, data):
    rng = np.random.default_rng(seed)
    scenes = [rng.integers(0, 4, (2, box.height, box.width)).astype(np.uint16) for box in boxes]
    raster = geoseg.open_raster(
        [array(one, box.row, box.col) for one, box in zip(scenes, boxes, strict=True)], mosaic=True
    )
    if data.draw(st.booleans(), "as from servers"):
        raster.inputs[0].__dict__["_at_once"] = True
    values, valid, single = first_that_has(scenes, boxes)
    whole = extent(boxes)
    assert raster.shape == valid.shape
    assert raster.transform == UTM * Affine.translation(whole.col, whole.row)
    row, col = data.draw(st.integers(0, whole.height - 1)), data.draw(st.integers(0, whole.width - 1))
    part = Box(row, col, data.draw(st.integers(1, whole.height - row)), data.draw(st.integers(1, whole.width - col)))
    for box in (raster.box, part):
        here = box.within(raster.box)
        pixels = raster.read(box)
        np.testing.assert_array_equal(pixels.valid, valid[here])
        np.testing.assert_array_equal(pixels.data[:, pixels.valid], values[:, *here][:, valid[here]])
        found, each = raster.read_by_band(box)
        np.testing.assert_array_equal(each, single[:, *here])
        np.testing.assert_array_equal(found[each], values[:, *here][each])
        np.testing.assert_array_equal(raster.cut(box).read(Box(0, 0, box.height, box.width)).valid, valid[here])


@pytest.fixture(scope="module")
def city(tmp_path_factory, write):
    """A raster of three bands with holes, cut into files that overlap and leave a gap."""
    folder, rng = tmp_path_factory.mktemp("city"), np.random.default_rng(5)
    values = rng.integers(1, 4000, (3, 150, 190)).astype(np.uint16)
    values[:, rng.random((150, 190)) < 0.1] = 0
    boxes = [Box(0, 0, 80, 100), Box(0, 90, 60, 100), Box(70, 0, 80, 60), Box(90, 120, 60, 70)]
    paths = [
        write(
            folder / f"city_{number}.tif", values[:, *box.within(Box(0, 0, 150, 190))], nodata=0, crs=CITY,
            transform=UTM * Affine.translation(box.col, box.row), descriptions=("red", "green", "blue"),
        )
        for number, box in enumerate(boxes)
    ]  # fmt: skip
    return paths, values, boxes


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2)])
def test_files_against_rasterio(city, order):
    paths = [city[0][number] for number in order]
    raster = geoseg.open_raster(paths, mosaic=True)
    wanted, transform = merge(paths)
    assert (raster.name, raster.transform, raster.shape) == ("city_mosaic", transform, wanted.shape[1:])
    assert [band.name for band in raster.bands] == ["red", "green", "blue"]
    assert raster.bands[0].nodata == 0
    pixels = raster.read(raster.box)
    np.testing.assert_array_equal(np.where(pixels.valid, pixels.data, 0), wanted)
    np.testing.assert_array_equal(raster.to_xarray(masked=False).where(pixels.valid, 0), wanted)
    first, second = sorted((0, 1), key=order.index)
    (note,) = raster.notes
    both = f"city_{first} and city_{second} …"
    assert note.startswith(f"city_mosaic: scenes overlap ({both}): where they do, the first in the order given")


def test_a_recipe_travels_and_knows_its_files(city, tmp_path, write):
    paths, values, _ = city
    raster = geoseg.open_raster(paths, mosaic=True)
    again = pickle.loads(pickle.dumps(raster))
    assert again == raster
    assert raster.sources == tuple(map(str, paths))
    np.testing.assert_array_equal(again.select(["blue"]).read(raster.box).data, raster.read(raster.box).data[2:])
    assert geoseg.open_raster(paths[::-1], mosaic=True).fingerprint() != raster.fingerprint()
    own = write(tmp_path / "own.tif", values[:, :80, :100], nodata=0, crs=CITY, descriptions=("red", "green", "blue"))
    mixed = geoseg.open_raster([*paths[2:], own], mosaic=True)
    check_unchanged(mixed)
    own.write_bytes(own.read_bytes() + b"x")
    with pytest.raises(ChangedError, match=r"own\.tif"):
        check_unchanged(mixed)


def test_thousands_of_scenes_are_a_small_recipe(city):
    first = geoseg.open_raster(city[0][0])
    width = first.shape[1]
    many = joined([geoseg.Raster(**{**first.__dict__, "grid": moved(first.grid, 0, width * k)}) for k in range(2000)])
    assert many.shape == (80, 200_000)
    assert len(pickle.dumps(many)) < 2000 * 400
    assert not any("overlap" in note for note in many.notes)


def moved(grid, row, col):
    return type(grid)(grid.height, grid.width, grid.transform * Affine.translation(col, row), grid.crs)


def test_scenes_may_be_stacks_or_open_rasters(city, tmp_path, write):
    paths, _, boxes = city
    bands = geoseg.open_raster(paths[0]).read(Box(0, 0, 80, 100)).data
    single = [
        write(tmp_path / f"one_{name}.tif", bands[number : number + 1], nodata=0, crs=CITY, descriptions=(name,))
        for number, name in enumerate(("red", "green", "blue"))
    ]
    for name in ("x.tif", "y.tif"):
        assert not (tmp_path / name).exists()
    mixed = geoseg.open_raster([single, geoseg.open_raster(paths[1]), paths[2], paths[3]], mosaic=True)
    plain = geoseg.open_raster(paths, mosaic=True, name="city")
    found, wanted = mixed.read(mixed.box), plain.read(plain.box)
    np.testing.assert_array_equal(found.valid, wanted.valid)
    np.testing.assert_array_equal(found.data[:, found.valid], wanted.data[:, wanted.valid])
    alone = geoseg.open_raster(paths[1], mosaic=True)
    assert alone.shape == (boxes[1].height, boxes[1].width)
    part = geoseg.open_raster(paths, mosaic=True, bbox=(500_500, 4_998_900, 501_300, 4_999_500), bands="blue=3,red=1")
    assert (part.shape, [band.name for band in part.bands]) == ((60, 80), ["blue", "red"])
    np.testing.assert_array_equal(part.read(part.box).valid, wanted.valid[50:110, 50:130])


def test_scenes_on_a_server_are_read_at_the_same_time(city):
    paths = city[0]
    with serve(paths[0].parent, trouble=0.0) as (_, address):
        raster = geoseg.open_raster([f"{address}/{path.name}" for path in paths], mosaic=True)
        assert raster.inputs[0]._at_once
        found, wanted = (one.read(one.box) for one in (raster, geoseg.open_raster(paths, mosaic=True)))
    np.testing.assert_array_equal(found.valid, wanted.valid)
    np.testing.assert_array_equal(found.data[:, found.valid], wanted.data[:, found.valid])


def test_fill_is_looked_for_in_all_scenes_together():
    rng = np.random.default_rng(0)
    values = rng.integers(100, 4000, (3, 60, 80)).astype(np.uint16)
    values[:, :, 60:] = 65535  # the second scene is half full of it
    halves = [array(values[:, :, :40], 0, 0, nodata=None), array(values[:, :, 40:], 0, 40, nodata=None)]
    raster = geoseg.open_raster(halves, mosaic=True, nodata="auto")
    np.testing.assert_array_equal(raster.read(raster.box).valid, np.arange(80)[None].repeat(60, 0) < 60)


def test_values_that_mark_missing_pixels_may_differ():
    one, other = np.full((1, 4, 4), 7, np.uint16), np.full((1, 4, 4), 9, np.uint16)
    one[0, 0, 0], other[0, 0, 0] = 9, 7
    raster = geoseg.open_raster([array(one, nodata=9), array(other, 0, 4, nodata=7)], mosaic=True)
    assert raster.bands[0].nodata is None
    valid = raster.read(raster.box).valid
    assert not valid[0, 0]
    assert not valid[0, 4]
    assert valid.sum() == 30


def test_a_view_at_reduced_size():
    values = np.random.default_rng(1).integers(1, 200, (2, 128, 128)).astype(np.uint16)
    boxes = [Box(0, 0, 64, 64), Box(0, 64, 64, 64), Box(64, 64, 64, 64)]
    raster = geoseg.open_raster(
        [array(values[:, *box.within(Box(0, 0, 128, 128))], box.row, box.col) for box in boxes], mosaic=True
    )
    view, whole = raster.quicklook(32), geoseg.open_raster(array(values)).quicklook(32)
    assert view.valid.sum() == 32 * 32 * 3 // 4
    np.testing.assert_array_equal(view.data[:, view.valid], whole.data[:, view.valid])


@given(cuts(side=400), st.integers(0, 50), st.integers(0, 50))
def test_samples_are_where_scenes_are(boxes, row, col):
    whole = extent(boxes)
    part = Box(min(row, whole.height - 1), min(col, whole.width - 1), 0, 0)
    shape = whole.height - part.row, whole.width - part.col
    areas = np.array([(b.row - whole.row, b.col - whole.col, b.bottom - whole.row, b.right - whole.col) for b in boxes])
    given_boxes = sample_boxes(shape, (64, 64), 2500)
    moved_boxes = onto_areas(given_boxes, areas, (part.row, part.col), shape)
    scene = Box(0, 0, *shape)
    inside = [
        Box(top - part.row, left - part.col, bottom - top, right - left).intersection(scene)
        for top, left, bottom, right in areas.tolist()
    ]
    some = [box for box in inside if box.area]
    if not some:
        assert moved_boxes == given_boxes
        return
    for box in moved_boxes:
        assert box.area
        assert scene.contains(box)
        assert any(box.intersection(one).area for one in some)
    touching = {box for box in given_boxes if any(box.intersection(one).area for one in some)}
    assert touching <= set(moved_boxes)


def test_a_sparse_mosaic_is_sampled_and_said():
    values = np.full((1, 20, 20), 5, np.uint16)
    raster = geoseg.open_raster([array(values), array(values, 4000, 7000)], mosaic=True)
    assert raster.sample(1000).valid.any()
    assert raster.notes[-1].startswith("array_mosaic: scenes cover at most 0.0028 % of its 7020 x 4020 pixels")


MISFITS = {
    "crs": ({"crs": "EPSG:32632"}, r"b\.tif: is in EPSG:32632 and .*a\.tif in EPSG:32633; .*geoseg composite"),
    "pixel": (
        {"transform": UTM * Affine.scale(1.01)},
        r"b\.tif: has pixels of 10.1 x 10.1 and .*a\.tif of 10 x 10; .*geoseg composite SCENE… --method first",
    ),
    "drift": (
        {"transform": UTM * Affine.scale(1.001)},
        r"b\.tif: has pixels of 10.01 x 10.01 and .*a\.tif of 10 x 10; ",
    ),
    "offset": (
        {"transform": UTM * Affine.translation(20.25, 0)},
        r"b\.tif: lies 0.25 of a pixel across and 0 down off the pixels of .*a\.tif; a mosaic resamples nothing",
    ),
    "south up": (
        {"transform": Affine(10, 0, 500_000, 0, 10, 4_999_000)},
        r"b\.tif: its rows run from south to north and those of .*a\.tif from north to south",
    ),
    "no crs": ({"crs": None}, r"b\.tif: has no CRS and .*a\.tif has one, .*gdal_edit\.py"),
    "no place": (
        {"crs": None, "transform": Affine.identity()},
        r"b\.tif: has no georeference, so its place in the mosaic is unknown; .*gdal_edit\.py",
    ),
    "bands": ({"descriptions": ("red", "nir")}, r"b\.tif: has no band green, which .*a\.tif has; it has red, nir"),
    "type": ({"dtype": "int16"}, r"b\.tif: band red is int16 and that of .*a\.tif uint16"),
    "unit": (
        {"scales": (1e-4, 1e-4), "offsets": (-0.1, -0.1)},
        r"b\.tif: band red has scale 0.0001 and offset -0.1 and that of .*a\.tif no stated scale; give --scale",
    ),
    "far": (
        {"transform": UTM * Affine.translation(3e9, 0)},
        r"the mosaic would be 3000000030 x 20 pixels: .*a\.tif and .*b\.tif are too far apart; run distant",
    ),
}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_named(name, tmp_path, write, pixels):
    change, message = MISFITS[name]
    values = pixels(2, 20, 30)
    common = {"crs": CITY, "descriptions": ("red", "green")}
    first = write(tmp_path / "a.tif", values, **common)
    other = write(tmp_path / "b.tif", values.astype(change.get("dtype", "uint16")), **{**common, **change})
    with pytest.raises(InputError, match=message) as caught:
        geoseg.open_raster([first, other], mosaic=True)
    assert "\n" not in str(caught.value)


def test_coordinates_with_few_decimals_fit(tmp_path, write, pixels):
    """The third of a pixel's side in every coordinate is cut off after seven decimals."""
    side = 1 / 3
    values = pixels(1, 30, 60)
    paths = [
        write(
            tmp_path / f"{k}.tif", values[:, :, 30 * k : 30 * k + 30], crs=CITY,
            transform=Affine(round(side, 7), 0, round(500_000 + 10 * k, 3), 0, -round(side, 7), 5_000_000),
        )
        for k in range(2)
    ]  # fmt: skip
    raster = geoseg.open_raster(paths, mosaic=True)
    np.testing.assert_array_equal(raster.read(raster.box).data, values)


def test_options_that_do_not_apply(city, scene):
    with pytest.raises(OptionError, match="resolution does not apply to a mosaic"):
        geoseg.open_raster(city[0], mosaic=True, resolution=20)
    with pytest.raises(InputError, match="no scene is given for the mosaic"):
        geoseg.open_raster([], mosaic=True)
    with pytest.raises(InputError, match="is computed by dask when it is read; write it to a file first"):
        geoseg.open_raster([scene(8, 8).chunk()], mosaic=True)


def test_clouds_of_each_scene_are_missing(tmp_path, write):
    scenes, clear = [], np.ones((32, 64), bool)
    for number, first in enumerate((0, 32)):
        data = np.full((2, 32, 32), 4, np.uint16)
        data[0] = 500 + number
        data[1, 5 * number : 5 * number + 9, 3:20] = 9  # clouds, by the scene classification of Sentinel-2
        clear[5 * number : 5 * number + 9, first + 3 : first + 20] = False
        place = Affine(10, 0, 500000 + 10 * first, 0, -10, 5400000)
        scenes.append(write(tmp_path / f"t{number}.tif", data, descriptions=("red", "SCL"), transform=place))
    raster = geoseg.open_raster(scenes, mosaic=True).select(["red"])
    pixels = raster.read(raster.box)
    assert np.array_equal(pixels.valid, clear)
    assert [one["share"] for one in masked_clouds(raster)] == [pytest.approx(9 * 17 / 32**2, abs=1e-4)] * 2
    kept = raster.unmasked(["clouds"])
    assert kept.read(kept.box).valid.all()
