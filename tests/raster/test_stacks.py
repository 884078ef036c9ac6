"""Sensors and dates as one raster: each slot as rasterio reads it, and nothing of what is masked."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.warp import Resampling, reproject

from geoseg.errors import ContractError, InputError, OptionError
from geoseg.raster.files.members import check_unchanged, files_of
from geoseg.raster.open import open_raster
from geoseg.raster.shared_reads import SharedReads
from geoseg.raster.stacks.api import SlotFiles, stack_slots
from geoseg.raster.stacks.series import dated
from geoseg.raster.stacks.source import stack_of
from geoseg.tiling import Box

SIDE = 40


def write(path, data, *, pixel=10.0, origin=(5e5, 5.4e6), names=(), crs="EPSG:32633", **profile):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff", "count": len(data), "height": data.shape[1], "width": data.shape[2], "dtype": data.dtype,
        "crs": crs, "transform": Affine(pixel, 0, origin[0], 0, -pixel, origin[1]), **profile,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(data)
        for number, name in enumerate(names, 1):
            file.set_band_description(number, name)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two bands with a gap, a coarser sensor over the left three quarters, and a scene elsewhere."""
    folder = tmp_path_factory.mktemp("stacks")
    rng = np.random.default_rng(0)
    optical = rng.integers(1, 5000, (2, SIDE, SIDE), dtype=np.uint16)
    optical[:, 5:20, 10:35] = 0
    radar = rng.normal(-12, 3, (1, SIDE // 2, 3 * SIDE // 8)).astype(np.float32)
    radar[0, 12:, 3:9] = np.nan
    return SimpleNamespace(
        folder=folder,
        optical=write(
            folder / "optical.tif", optical, names=("red", "nir"), nodata=0, blockxsize=16, blockysize=16, tiled=True
        ),
        radar=write(folder / "radar.tif", radar, pixel=20.0, names=("vv",)),
        elsewhere=write(folder / "elsewhere.tif", radar, pixel=20.0, origin=(6e5, 5.4e6), names=("vv",)),
        plain=write(folder / "plain.tif", radar, pixel=20.0, names=("vv",), crs=None),
        values=SimpleNamespace(optical=optical, radar=radar),
    )


@pytest.fixture(scope="module")
def stack(place):
    return stack_slots([SlotFiles("optical", place.optical), SlotFiles("sar", place.radar)])


def expected_radar(place):
    """The coarser sensor on the finer grid, as GDAL's warper has it."""
    out = np.full((SIDE, SIDE), np.nan, np.float32)
    reproject(
        place.values.radar[0], out, src_transform=Affine(20, 0, 5e5, 0, -20, 5.4e6), src_crs="EPSG:32633",
        dst_transform=Affine(10, 0, 5e5, 0, -10, 5.4e6), dst_crs="EPSG:32633", resampling=Resampling.bilinear,
        src_nodata=np.nan, dst_nodata=np.nan,
    )  # fmt: skip
    return out


def test_bands_are_named_and_valid_where_any_has_data(place, stack):
    assert [band.name for band in stack.bands] == ["optical:red", "optical:nir", "optical:valid", "sar:vv", "sar:valid"]
    pixels, radar = stack.read(stack.box), expected_radar(place)
    seen = (place.values.optical > 0).all(0)
    assert np.array_equal(pixels.data[2].astype(bool), seen)
    assert np.array_equal(pixels.data[4].astype(bool), np.isfinite(radar))
    assert np.array_equal(pixels.valid, seen | np.isfinite(radar))
    assert 0 < pixels.valid.sum() < pixels.valid.size
    assert np.array_equal(pixels.data[:2], np.where(seen, place.values.optical, 0))
    np.testing.assert_allclose(pixels.data[3], np.nan_to_num(radar), atol=1e-4)


def test_required_slots_decide(place):
    stack = stack_slots([SlotFiles("optical", place.optical, required=True), SlotFiles("sar", place.radar)])
    assert np.array_equal(stack.read(stack.box).valid, (place.values.optical > 0).all(0))


@given(data=st.data())
@settings(max_examples=25)
def test_any_box_is_part_of_the_whole(stack, data):
    row, col = (data.draw(st.integers(0, SIDE - 1)) for _ in range(2))
    box = Box(row, col, data.draw(st.integers(1, SIDE - row)), data.draw(st.integers(1, SIDE - col)))
    whole, part = stack.read(stack.box), stack.read(box)
    rows, cols = box.within(stack.box)
    assert np.array_equal(part.data, whole.data[:, rows, cols])
    assert np.array_equal(part.valid, whole.valid[rows, cols])
    moved = stack.cut(box)
    assert np.array_equal(moved.read(moved.box).data, part.data)
    shared = SharedReads(stack, 10**6).read(box, lambda _: 1)
    assert np.array_equal(shared.data, part.data)


def test_a_slot_alone_has_its_own_validity(place, stack):
    alone = stack.select(["optical:red", "optical:nir"])
    assert np.array_equal(alone.read(alone.box).valid, (place.values.optical > 0).all(0))
    values, valid = stack.read_by_band(stack.box)
    assert np.array_equal(valid[0], (place.values.optical > 0).all(0))
    assert np.array_equal(valid[3], np.isfinite(expected_radar(place)))
    assert valid[2].all()
    assert valid[4].all()
    assert values.shape == valid.shape


def test_it_is_a_raster_like_any_other(place, stack):
    import pickle

    again = pickle.loads(pickle.dumps(stack))
    assert again == stack
    assert again.fingerprint() != stack_slots([SlotFiles("optical", place.optical)]).fingerprint()
    assert stack.sources == (str(place.optical), str(place.radar))
    assert {str(place.optical), str(place.radar)} <= set(files_of(stack))
    check_unchanged(stack)
    assert stack.quicklook(8).data.shape == (5, 8, 8)
    assert stack.sample(50).data.shape[0] == 5
    assert stack_of(stack.cut(Box(3, 4, 5, 6))).slots[1].pixel == pytest.approx(20, rel=0.01)


def test_what_is_masked_may_hold_anything(place):
    """Bytes of a masked place never reach the pixels."""
    other = place.values.optical.copy()
    hidden = (other == 0).all(0)
    mask = np.where(hidden, 0, 255).astype(np.uint8)
    reads = []
    for number, fill in enumerate((7, 4999)):
        other[:, hidden] = fill
        path = write(place.folder / f"masked{number}.tif", other, names=("red", "nir"))
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
            file.write_mask(mask)
        stack = stack_slots([SlotFiles("optical", path), SlotFiles("sar", place.radar)])
        reads.append(stack.read(stack.box).data)
    assert np.array_equal(*reads)


def test_a_missing_slot_is_empty(place):
    stack = stack_slots([SlotFiles("sar", None, ("vv",)), SlotFiles("optical", place.optical)])
    pixels = stack.read(stack.box)
    assert [band.name for band in stack.bands][:2] == ["sar:vv", "sar:valid"]
    assert not pixels.data[:2].any()
    with pytest.raises(InputError, match="at least one"):
        stack_slots([SlotFiles("sar", None, ("vv",))])


@pytest.mark.parametrize(
    ("slot", "message"),
    [
        ("elsewhere", "sar: .*elsewhere.tif does not overlap .*optical.tif"),
        ("plain", "plain.tif has no CRS and .*optical.tif has one"),
    ],
)
def test_other_places_are_refused(place, slot, message):
    with pytest.raises(InputError, match=message):
        stack_slots([SlotFiles("optical", place.optical), SlotFiles("sar", getattr(place, slot))])


def test_missing_bands_are_named(place):
    with pytest.raises(ContractError, match=r"optical: .* lacks band blue; it has red, nir"):
        stack_slots([SlotFiles("optical", place.optical, ("red", "blue"))])


def test_a_date_that_reaches_further_is_told(place):
    larger = write(place.folder / "larger.tif", np.ones((2, SIDE, SIDE + 8), np.uint16), names=("red", "nir"))
    slots = [
        SlotFiles(f"d{k}", path, day=k, when=date(2024, 1, 1 + k)) for k, path in enumerate((place.optical, larger))
    ]
    assert stack_slots(slots).notes == ("2024-01-02: reaches beyond 2024-01-01, whose extent is mapped",)
    slots = [
        SlotFiles(f"d{k}", path, day=k, when=date(2024, 1, 1 + k)) for k, path in enumerate((larger, place.optical))
    ]
    assert stack_slots(slots).notes == ()


def test_an_open_raster_may_be_a_slot(place):
    raster = open_raster(place.optical, bands="nir")
    stack = stack_slots([SlotFiles("optical", raster), SlotFiles("sar", place.radar)])
    assert np.array_equal(
        stack.read(stack.box).data[0], np.where(place.values.optical.all(0), place.values.optical[1], 0)
    )


DAYS = st.lists(st.dates(date(1980, 1, 1), date(2060, 12, 31)), min_size=1, max_size=12, unique=True)


@given(days=DAYS, seed=st.randoms(use_true_random=False))
def test_dates_are_sorted_however_they_are_given(days, seed):
    names = [f"S2_{day:%Y%m%d}T101031_x.tif" for day in days]
    seed.shuffle(names)
    assert [day for day, _ in dated(names)] == sorted(days)
    written = [f"{day}=any file.tif" for day in days]
    seed.shuffle(written)
    assert dated(written) == [(day, "any file.tif") for day in sorted(days)]
    assert dated({str(day): day.isoformat() for day in days}) == [(day, str(day)) for day in sorted(days)]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a_20240601.tif", "b_2024-06-01.tif"], "both of 2024-06-01"),
        (["scene_12.tif", "a_20240601.tif"], "scene_12.tif: has no date"),
        ([], "no date"),
    ],
)
def test_equal_and_missing_dates_are_refused(names, message):
    with pytest.raises(InputError, match=message):
        dated(names)


@pytest.mark.parametrize("written", ["20240601", "2024-06-01T23:30:00-05:00", "2024153", "2024-06-01T10:00:00Z"])
def test_dates_are_written_before_a_file(written):
    wanted = date(2024, 6, 2) if written.endswith("-05:00") else date(2024, 6, 1)
    assert dated([f"{written}=scene.tif"]) == [(wanted, "scene.tif")]


@pytest.mark.parametrize("written", ["01-06-2024", "2024-153", "2024-13-01", "1704412800", "2024-06", "0000-06-01"])
def test_what_is_no_date_before_a_file_is_refused(written):
    with pytest.raises(OptionError, match=f"'{written}' is no date"):
        dated([f"{written}=scene.tif"])


def test_an_equals_sign_in_a_name_is_no_date(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "20240601=x_20240701.tif", np.zeros((1, 4, 4), np.uint8))
    assert dated(["20240601=x_20240701.tif"]) == [(date(2024, 6, 1), "20240601=x_20240701.tif")]


def test_tags_that_disagree_are_told(tmp_path):
    path = write(tmp_path / "scene.tif", np.zeros((1, 4, 4), np.uint8))
    with rasterio.open(path, "r+") as file:
        file.update_tags(SENSING_TIME="2024-06-01T23:30:00-05:00", ACQUISITION_DATE="2024-06-02")
    assert dated([str(path)])[0][0] == date(2024, 6, 2)  # one day in UTC
    with rasterio.open(path, "r+") as file:
        file.update_tags(PROCESSING_START_TIME="2024-11-30T10:00:00Z", SENSING_END_TIME="2024-06-03T00:00:05Z")
    assert dated([str(path)])[0][0] == date(2024, 6, 2)  # neither says when it was taken
    with rasterio.open(path, "r+") as file:
        file.update_tags(ACQUISITION_DATE="2024-06-05")
    with pytest.raises(InputError, match=r"its tags state several dates \(2024-06-02, 2024-06-05\)"):
        dated([str(path)])


def test_tags_tell_a_date(tmp_path):
    path = write(tmp_path / "scene.tif", np.zeros((1, 4, 4), np.uint8))
    with rasterio.open(path, "r+") as file:
        file.update_tags(TIFFTAG_DATETIME="2023:01:01 10:00:00")
    with pytest.raises(InputError, match="no date"):
        dated([str(path)])
    with rasterio.open(path, "r+") as file:
        file.update_tags(SENSING_TIME="2024-06-01T10:10:31.123Z")
    assert dated([str(path)])[0][0] == date(2024, 6, 1)
