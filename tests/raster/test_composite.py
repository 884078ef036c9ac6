"""Many dates as one scene, against numpy and scipy on whole arrays."""

from __future__ import annotations

import json
import pickle
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin
from scipy.ndimage import distance_transform_cdt

import geoseg
from geoseg.cli import main
from geoseg.errors import GeosegError, OutputError
from geoseg.raster import sources
from geoseg.raster.composite import api, methods, source, validity
from geoseg.raster.composite.dates import as_date, date_in, parse_date
from geoseg.raster.composite.doubts import sampled_doubts
from geoseg.raster.raster import Raster
from geoseg.tiling import Box, squares

NAMES = ("red", "green", "blue")
DTYPES = ("uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64")


def write(path, values, *, nodata=0, west=500_000.0, north=5_000_000.0, size=10.0, crs="EPSG:32633", **more):
    count, height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=count, dtype=values.dtype, nodata=nodata, crs=crs,
        transform=from_origin(west, north, size, size), tiled=True, blockxsize=64, blockysize=64,
    ) as file:  # fmt: skip
        file.write(values)
        file.descriptions = more.get("names", NAMES)[:count]
        if "scale" in more:
            file.scales, file.offsets = (more["scale"],) * count, (more["offset"],) * count
    return str(path)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Five dates of 150 × 190 pixels, with holes: files, values and validity."""
    folder, rng = tmp_path_factory.mktemp("dates"), np.random.default_rng(3)
    values = rng.integers(1, 4000, (5, 3, 150, 190)).astype(np.uint16)
    holes = rng.random((5, 10, 13)) < 0.4
    valid = ~holes.repeat(15, 1).repeat(15, 2)[:, :150, :190]
    valid[:, :5, :5] = False
    values *= valid[:, None]
    paths = [write(folder / f"scene_2024{month:02}15.tif", one) for month, one in enumerate(values, start=5)]
    return paths, values, valid


def whole(raster):
    return raster.read(raster.box)


# The arithmetic -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(0, 2**32 - 1), st.sampled_from(["median", "mean", "medoid", "first"]))
def test_methods_are_numpys(dtype, dates, seed, method):
    rng = np.random.default_rng(seed)
    low, high = (0, 255) if dtype == "uint8" else (1, 30000)
    stack = rng.integers(low, high, (dates, 2, 4, 5), endpoint=True).astype(dtype)
    valid = rng.random((dates, 4, 5)) < 0.7
    out = np.zeros((2, 4, 5), dtype)
    joiner = methods.JOINERS[method](out.shape, out.dtype, dates)
    for values, has in zip(stack, valid, strict=True):
        joiner.add(values.copy(), has, None)
    joiner.write(out)
    for row, col in np.ndindex(4, 5):
        seen = stack[valid[:, row, col], :, row, col].astype(np.float64)
        if not len(seen):
            continue
        middle = np.median(seen, 0)
        wanted = {
            "median": middle,
            "mean": seen.mean(0),
            "medoid": seen[((seen - middle) ** 2).sum(1).argmin()],
            "first": seen[0],
        }[method]
        wanted = wanted.astype(dtype) if dtype[0] == "f" else np.rint(wanted).astype(dtype)
        np.testing.assert_array_equal(out[:, row, col], wanted)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(0.5, 1.0))
def test_the_distance_to_missing_pixels_is_scipys(most, seed, share):
    valid = np.random.default_rng(seed).random((17, 23)) < share
    wanted = np.minimum(distance_transform_cdt(valid, "chessboard"), most) if not valid.all() else most
    np.testing.assert_array_equal(methods.distance_to_missing(valid, most), np.broadcast_to(wanted, valid.shape))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("S2A_MSIL2A_20240615T101031_N0510_R022_T33UUU_20240616T000000.SAFE", date(2024, 6, 15)),
        ("LC09_L2SP_190024_20230708_20230710_02_T1", date(2023, 7, 8)),
        ("HLS.L30.T33UUU.2024060T101031.v2.0.B04.tif", date(2024, 2, 29)),
        ("MOD09A1.A2023365.h18v03.061.hdf", date(2023, 12, 31)),
        ("scene_2021-02-03.tif", date(2021, 2, 3)),
        ("20210231.tif", None),
        ("tile_123456789.tif", None),
        ("2024366.tif", date(2024, 12, 31)),
        ("2023366.tif", None),
        ("2010123_20240105.tif", date(2024, 1, 5)),  # a number of a tile
        ("A2024001_made_20240310.tif", date(2024, 1, 1)),
        ("S2A_OPER_PRD_MSIL1C_PDMC_20160612T204219_R022_V20160610T101032_20160610T101032.SAFE", date(2016, 6, 10)),
        ("S2A_OPER_MSI_L1C_TL_SGS__20160612T154321_A005087_T33UUU_B02.jp2", None),  # when it was made
        ("S2A_tile_20240105.tif", date(2024, 1, 5)),
        ("S1A_IW_GRDH_1SDV_20240105T235942_20240106T000007_051234_0631A2_ABCD.SAFE", date(2024, 1, 5)),
        ("05-01-2024.tif", None),
        ("2024-01.tif", None),
        ("1704412800.tif", None),
    ],
)
def test_dates_in_names(name, wanted):
    assert date_in(name) == wanted


def test_dates_that_users_write():
    assert parse_date(" 2024-06-01T10:00:00Z") == date(2024, 6, 1)
    assert parse_date("20240601") == date(2024, 6, 1)
    assert parse_date("June") is None
    assert parse_date("2024-06-01T23:30:00-05:00") == date(2024, 6, 2)
    assert parse_date("2024-06-02T00:30:00+02:00") == date(2024, 6, 1)
    assert as_date(datetime(2024, 6, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))) == date(2024, 6, 2)
    assert as_date(np.datetime64("2024-06-01T10:00")) == date(2024, 6, 1)


# Reading ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", api.METHODS)
def test_pieces_are_one_pass(stack, method, monkeypatch):
    paths, values, valid = stack
    raster = geoseg.composite(paths, method=method)
    assert [band.name for band in raster.bands] == [*NAMES, "count"]
    full = whole(raster)
    np.testing.assert_array_equal(full.valid, valid.any(0))
    np.testing.assert_array_equal(full.data[3], valid.sum(0))
    if method == "median":
        masked = np.ma.masked_array(values.astype(float), np.broadcast_to(~valid[:, None], values.shape))
        wanted = np.rint(np.ma.median(masked, axis=0).filled(0))
        np.testing.assert_array_equal(np.where(full.valid, full.data[:3], 0), wanted)
    monkeypatch.setattr(source, "_STACK", 20_000)  # a few rows at a time
    for box in (raster.box, Box(7, 11, 80, 101), Box(149, 189, 1, 1)):
        part = raster.read(box)
        rows, cols = box.within(raster.box)
        np.testing.assert_array_equal(part.valid, full.valid[rows, cols])
        seen = part.valid
        np.testing.assert_array_equal(part.data[:, seen], full.data[:, rows, cols][:, seen])


def test_few_files_are_kept_open(stack, monkeypatch):
    paths, values, valid = stack
    monkeypatch.setattr(sources, "_OPEN_FILES", 2)
    monkeypatch.setattr(sources, "_OPEN_BYTES", 3 * 64 * 64 * 3 * 2)  # three blocks of three bands
    sources.release_handles()
    pixels = whole(geoseg.composite(paths, method="first"))
    handles = sources._handles
    assert len(handles.entries) == 4  # the last one is opened before its blocks are counted
    assert [size for _, size in handles.entries.values()] == [64 * 64 * 3 * 2] * 4
    assert not any(data.closed for data, _ in handles.entries.values())
    first = valid.argmax(0)
    wanted = np.where(valid.any(0), np.take_along_axis(values, first[None, None], 0)[0], 0)
    assert np.array_equal(pixels.data[:3], wanted)


def test_best_is_far_from_clouds_and_near_the_date(stack):
    paths, values, valid = stack
    full = whole(geoseg.composite(paths, method="best", target_date="2024-06-20", cloud_distance=20))
    days = np.array([abs((date(2024, month, 15) - date(2024, 6, 20)).days) for month in range(5, 10)])
    far = np.stack([np.minimum(distance_transform_cdt(one, "chessboard"), 20) / np.float32(20) for one in valid])
    score = np.where(valid, far + (1 - days / days.max()).astype(np.float32)[:, None, None], -1)
    wanted = np.take_along_axis(values, score.argmax(0)[None, None], 0)[0]
    np.testing.assert_array_equal(full.data[:3, full.valid], wanted[:, full.valid])


@pytest.mark.parametrize("limit", [1 << 20, 100_000])
def test_best_decodes_pixels_twice_at_most_unless_there_is_no_room_for_what_it_knows(tmp_path, monkeypatch, limit):
    height, width, reach = 1100, 1600, 30
    rng = np.random.default_rng(5)
    paths = []
    for month in (5, 6, 7):
        values = rng.integers(1, 200, (1, height, width)).astype(np.uint8)
        values[:, rng.random((height // 50, width // 50)).repeat(50, 0).repeat(50, 1) < 0.1] = 0
        paths.append(write(tmp_path / f"scene_2024-{month:02}-15.tif", values))
    full = whole(geoseg.composite(paths, method="best", cloud_distance=reach))
    counts = {Path(path).stem: np.zeros((height, width), int) for path in paths}
    read, known = Raster.read, validity.KnownValidity

    def counted(raster, box, *args, **options):
        if raster.name in counts:
            counts[raster.name][box.within(raster.box)] += 1
        return read(raster, box, *args, **options)

    joined = geoseg.composite(paths, method="best", cloud_distance=reach)
    monkeypatch.setattr(Raster, "read", counted)
    monkeypatch.setattr(source, "KnownValidity", lambda dates: known(dates, limit))
    for box in squares(height, width, 512):
        pixels = joined.read(box)
        assert np.array_equal(pixels.data, full.data[:, *box.within(joined.box)])
        assert np.array_equal(pixels.valid, full.valid[box.within(joined.box)])
    for count in counts.values():
        assert (count.min(), count.max()) == (1, 2) if limit > 100_000 else count.max() > 2


@pytest.mark.parametrize("method", api.METHODS)
def test_missing_pixels_never_contribute(stack, method, tmp_path):
    _, values, valid = stack
    noise = np.random.default_rng(8).integers(1, 65000, values.shape).astype(np.uint16)
    mask = valid[:, None]
    sources = []
    for turn, filling in enumerate((noise, noise[::-1])):
        dates = []
        for number, one in enumerate(np.where(mask, values, filling)):
            path = write(tmp_path / f"{turn}_2024-0{number + 1}-01.tif", one, nodata=None)
            with rasterio.open(path, "r+") as file:
                file.write_mask(valid[number])
            dates.append(path)
        sources.append(dates)
    written = [
        geoseg.write_cog(geoseg.composite(dates, method=method), tmp_path / f"{k}.tif")
        for k, dates in enumerate(sources)
    ]
    assert written[0].read_bytes() == written[1].read_bytes()
    with rasterio.open(written[0]) as file:
        assert file.nodata is None
        np.testing.assert_array_equal(file.read_masks(1) > 0, valid.any(0))


def test_scenes_elsewhere_and_on_other_grids(tmp_path):
    rng = np.random.default_rng(1)
    values = rng.integers(1, 200, (3, 3, 80, 80)).astype(np.uint8)
    here = write(tmp_path / "a.tif", values[0])
    east = write(tmp_path / "b.tif", values[1], west=500_400.0, north=5_000_200.0)
    coarse = write(tmp_path / "c.tif", values[2], size=20.0, west=499_995.0)
    raster = geoseg.composite([here, east, coarse], method="first")
    assert raster.grid.bounds() == (499_990.0, 4_998_400.0, 501_600.0, 5_000_200.0)
    full = whole(raster)
    np.testing.assert_array_equal(full.data[:3, 20:100, 1:81], values[0])
    np.testing.assert_array_equal(full.data[:3, :80, 81:121], values[1][:, :, 40:])
    assert full.data[3, 30, 60] == 3
    assert not full.valid[0, 0]
    assert any("resampled" in note for note in raster.notes)
    clipped = geoseg.composite([here, east], method="first", bbox=(500_900, 4_999_500, 501_000, 4_999_600))
    assert clipped.shape == (10, 10)
    assert clipped.notes == ("a: outside of bbox, left out",)
    np.testing.assert_array_equal(whole(clipped).data[:3], values[1][:, 60:70, 50:60])


def test_other_scales_are_converted(tmp_path):
    """Sentinel-2 before and after its baseline 04.00: the same reflectance, stored with another offset."""
    values = np.random.default_rng(2).integers(100, 5000, (3, 20, 20)).astype(np.uint16)
    old = write(tmp_path / "old.tif", values, scale=0.0001, offset=0.0)
    new = write(tmp_path / "new.tif", values + 1000, scale=0.0001, offset=-0.1)
    raster = geoseg.composite([old, new], method="mean")
    np.testing.assert_array_equal(whole(raster).data[:3], values)
    assert raster.bands[0].scale == 0.0001
    assert any("negative values do not fit and are raised to the least" in note for note in raster.notes)
    (other,) = geoseg.composite([new, old]).notes
    assert other.endswith("converted to its units")  # from 0 on, all values fit
    silent = write(tmp_path / "silent.tif", values)
    with pytest.raises(GeosegError, match="states scale and offset of band red, silent does not"):
        geoseg.composite([old, silent])


def test_it_is_a_raster_like_any_other(stack, tmp_path):
    paths, _, _ = stack
    raster = geoseg.composite(paths, name="season")
    again = pickle.loads(pickle.dumps(raster))
    assert again == raster
    array = raster.to_xarray(chunks=64, masked=False)
    np.testing.assert_array_equal(array.values[3], whole(raster).data[3])
    path = geoseg.write_cog(raster, tmp_path / "season.tif")
    with rasterio.open(path) as file:
        assert file.descriptions == (*NAMES, "count")
        assert (file.nodata, file.overviews(1), file.block_shapes[0]) == (0, [], (512, 512))
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    stored = geoseg.open_raster(path)
    np.testing.assert_array_equal(whole(stored).valid, whole(raster).valid)
    seen = whole(raster).valid
    np.testing.assert_array_equal(whole(stored).data[:, seen], whole(raster).data[:, seen])
    quick = raster.quicklook(50)
    assert quick.data.shape[1:] == (39, 50)
    with pytest.raises(OutputError, match="exists"):
        geoseg.write_cog(raster, path)
    with pytest.raises(OutputError, match="is the input"):
        geoseg.write_cog(raster, paths[1], overwrite=True)


def test_a_file_that_changes_gives_no_result(stack, tmp_path):
    _, values, _ = stack
    paths = [write(tmp_path / f"{k}.tif", one) for k, one in enumerate(values[:2])]
    raster = geoseg.composite(paths)
    write(paths[1], values[2])
    with pytest.raises(GeosegError, match=r"1\.tif"):
        geoseg.write_cog(raster, tmp_path / "out.tif")
    assert not list(tmp_path.glob("*out*"))


def test_a_mean_that_is_the_nodata_value_stays_valid(tmp_path):
    low = write(tmp_path / "low.tif", np.full((3, 4, 4), -1, np.int16))
    high = write(tmp_path / "high.tif", np.full((3, 4, 4), 1, np.int16))
    full = whole(geoseg.composite([low, high], method="mean"))
    assert full.valid.all()
    assert (full.data[:3] == 1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scenes": 1}, "1 scene given: a composite takes 2"),
        ({"method": "mode"}, "method 'mode' is unknown"),
        ({"method": "best", "cloud_distance": 0}, "cloud-distance must be a number of pixels, 1…255, got 0"),
        ({"method": "best", "dates": ["2024-01-01"]}, "dates has 1 entries for 2 scenes"),
        ({"method": "best", "dates": ["2024-01-01", "soon"]}, "dates 'soon' is no date"),
        ({"method": "best", "target_date": "2024-13-01"}, "target-date '2024-13-01' is no date"),
        (
            {"method": "best", "rename": True},
            "no date in its name, tags or STAC item; give the date of each scene with --dates",
        ),
        ({"bands": "nir"}, "nir"),
        ({"bbox": (0, 0, 1, 1)}, "bbox"),
    ],
)
def test_bad_input_is_one_line(stack, tmp_path, change, message):
    paths, values, _ = stack
    change = dict(change)
    scenes = paths[: change.pop("scenes", 2)]
    if change.pop("rename", None):
        scenes = [scenes[0], write(tmp_path / "undated.tif", values[1])]
    with pytest.raises(GeosegError, match=message) as caught:
        geoseg.composite(scenes, **change)
    assert "\n" not in str(caught.value)


def test_tags_and_items_tell_dates_for_best(tmp_path):
    values = np.random.default_rng(4).integers(1, 200, (3, 3, 8, 8)).astype(np.uint8)
    paths = [write(tmp_path / f"scene_{name}.tif", one) for name, one in zip("abc", values, strict=True)]
    for path, tag in zip(paths[:2], ("2024-03-01", "2024-06-01T10:00:00Z"), strict=True):
        with rasterio.open(path, "r+") as file:
            file.update_tags(ACQUISITION_DATE=tag)
    bands = [{"name": name, "common_name": name} for name in NAMES]
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "scene-c", "links": [], "geometry": None,
        "properties": {"datetime": "2024-09-01T10:00:00Z"},
        "assets": {"data": {"href": "./scene_c.tif", "type": "image/tiff", "eo:bands": bands}},
    }  # fmt: skip
    (tmp_path / "item.json").write_text(json.dumps(item), "utf-8")
    scenes = [*paths[:2], str(tmp_path / "item.json")]
    for target, wanted in (("2024-02-01", 0), ("2024-06-15", 1), ("2024-10-01", 2)):
        found = whole(geoseg.composite(scenes, method="best", target_date=target))
        np.testing.assert_array_equal(found.data[:3], values[wanted])


def test_class_maps_have_no_mean(tmp_path):
    values = np.random.default_rng(4).integers(0, 3, (2, 1, 8, 8)).astype(np.uint8)
    paths = [write(tmp_path / f"m_{k}.tif", one, nodata=None) for k, one in enumerate(values)]
    for path in paths:
        with rasterio.open(path, "r+") as file:
            file.write_colormap(1, {k: (k, 90, 90, 255) for k in range(3)})
    for method in ("median", "mean", "medoid"):
        with pytest.raises(GeosegError, match=f"m_0 is a class map, whose numbers have no {method}"):
            geoseg.composite(paths, method=method)
    np.testing.assert_array_equal(whole(geoseg.composite(paths, method="first")).data[:1], values[0])


def test_what_makes_a_composite_doubtful_is_told(tmp_path, capsys):
    rng = np.random.default_rng(4)
    values = rng.integers(500, 1500, (4, 3, 40, 40)).astype(np.int16)
    good = [write(tmp_path / f"good_{k}.tif", one, nodata=None) for k, one in enumerate(values[:2])]
    values[2, :, :10] = -9999
    filled = write(tmp_path / "filled.tif", values[2], nodata=None)
    small = write(tmp_path / "small.tif", (values[3] / 10_000).astype(np.float32), nodata=None)
    far = write(tmp_path / "far.tif", values[0], nodata=None, west=900_000.0)
    raster = geoseg.composite([*good, filled, small])
    (warning, other) = sampled_doubts(raster)
    assert "'filled': 25 % of a sample of the scene is -9999 in every band: if that is fill, add --nodata" in warning
    assert "'small': its values are about 0.1" in other
    assert [note for note in raster.notes if "holds float32, unlike good_0 (int16)" in note]
    assert not sampled_doubts(geoseg.composite(good))
    assert not geoseg.composite(good).notes
    assert "no overlap with any other scene" in " ".join(geoseg.composite([*good, far], method="first").notes)
    stated = write(tmp_path / "stated.tif", values[0], nodata=1)  # --nodata would replace it
    (warning,) = sampled_doubts(geoseg.composite([stated, filled]))
    assert "gdal_edit.py -a_nodata -9999 FILE" in warning
    assert "--nodata -9999" not in warning
    with pytest.raises(SystemExit):
        main(["composite", good[0], filled, "-o", str(tmp_path / "out.tif"), "--progress", "none"])
    assert "is -9999 in every band" in capsys.readouterr().err


def test_rows_from_the_south_are_told_of_the_first_scene_only(tmp_path):
    values = np.random.default_rng(4).integers(1, 200, (3, 8, 8)).astype(np.uint8)
    paths = [write(tmp_path / name, one) for name, one in (("a.tif", values), ("b.tif", values[:, ::-1]))]
    with rasterio.open(paths[1], "r+") as file:
        file.transform = rasterio.Affine(10, 0, 500_000, 0, 10, 5_000_000 - 80)
    joined = geoseg.composite(paths, method="mean")
    np.testing.assert_array_equal(whole(joined).data[:3], values)
    assert not any("south to north" in note for note in joined.notes)
    assert any("south to north" in note for note in geoseg.composite(paths[::-1], method="mean").notes)


def test_bands_that_a_scene_lacks(stack, tmp_path):
    paths, values, _ = stack
    other = write(tmp_path / "other.tif", values[0], names=("red", "green", "nir"))
    with pytest.raises(GeosegError, match=r"other has no band blue, which scene_20240515 has"):
        geoseg.composite([paths[0], other])
    raster = geoseg.composite([paths[0], other], bands="red,green")
    assert [band.name for band in raster.bands] == ["red", "green", "count"]


def test_the_command(stack, tmp_path, capsys):
    paths, _, _ = stack
    target = tmp_path / "c.tif"
    with pytest.raises(SystemExit) as done:
        main(["composite", *paths, "-o", str(target), "--method", "best", "--progress", "json"])
    assert done.value.code == 0
    *events, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    progress = [(event["message"].partition(":")[0], event["done"]) for event in events if event["event"] == "progress"]
    assert progress == sorted(progress)  # compose, then compress
    assert progress[-1] == ("compress", 100)
    assert (last["event"], last["outputs"], last["scenes"]) == ("result", {"composite": str(target)}, 5)
    expected = whole(geoseg.composite(paths, method="best"))
    with rasterio.open(target) as file:
        np.testing.assert_array_equal(file.read()[:, expected.valid], expected.data[:, expected.valid])
    with pytest.raises(SystemExit) as done:
        main(["composite", paths[0], "-o", str(target), "--overwrite"])
    assert done.value.code == 1
    assert "1 scene given" in capsys.readouterr().err
