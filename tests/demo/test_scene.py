"""The demonstration scene: what it promises, and that its score can be trusted."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from geoseg.classes import LAND_COVER, NODATA
from geoseg.demo import accuracy, make_scene
from geoseg.demo.noise import blur, scatter, smooth
from geoseg.demo.spectra import BANDS
from geoseg.errors import InputError, OptionError, OutputError

SIZE = 700


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return make_scene(tmp_path_factory.mktemp("demo"), SIZE)


@pytest.fixture(scope="module")
def pixels(demo):
    with rasterio.open(demo.scene) as scene, rasterio.open(demo.truth) as truth:
        return scene.read(), truth.read(1)


def write_classes(path, values):
    height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=1, dtype="uint8", nodata=NODATA,
        transform=from_origin(400_000, 5_000_000, 10, 10), crs="EPSG:32633",
    ) as file:  # fmt: skip
        file.write(values, 1)
    return path


def test_scene_is_described_like_a_reflectance_product(demo):
    with rasterio.open(demo.scene) as scene, rasterio.open(demo.truth) as truth:
        assert scene.descriptions == BANDS == ("blue", "green", "red", "nir", "swir16", "swir22")
        assert scene.dtypes == ("uint16",) * 6
        assert scene.scales == (0.0001,) * 6
        assert scene.nodata == 0
        assert scene.res == (10, 10)
        assert scene.crs.is_projected
        assert (scene.crs, scene.transform, scene.shape) == (truth.crs, truth.transform, truth.shape)
        assert truth.nodata == NODATA
    assert demo.classes == LAND_COVER


def test_every_class_occurs_and_nodata_is_the_same_in_all(pixels):
    scene, truth = pixels
    valid = truth != NODATA
    assert set(np.unique(truth[valid])) == set(range(6))
    assert 0.85 < valid.mean() < 0.99  # a corner is missing, no more
    assert ((scene > 0) == valid).all()


def test_spectra_are_those_of_the_classes(pixels):
    scene, truth = pixels
    medians = np.stack([np.median(scene[:, truth == number], axis=1) for number in range(6)]) / 10_000
    _, green, red, nir, swir16, _ = medians.T
    ndvi, mndwi = (nir - red) / (nir + red), (green - swir16) / (green + swir16)
    tree, grass, crop, built, bare, water = range(6)
    assert ndvi[tree] > 0.7 > ndvi[built]
    assert min(ndvi[grass], ndvi[crop]) > ndvi[bare]
    assert mndwi[water] > 0.3 > max(mndwi[tree], mndwi[grass], mndwi[crop], mndwi[built], mndwi[bare])
    assert red[bare] > red[crop] > red[tree]
    assert (medians > 0).all()
    assert (medians < 0.6).all()


def test_it_is_not_too_easy(pixels):
    """No class is separable by one spectrum: the nearest class mean errs as it does on real scenes."""
    scene, truth = pixels
    valid = truth != NODATA
    spectra = scene[:, valid].T[::7].astype(np.float32)
    answer = truth[valid][::7]
    means = np.stack([spectra[answer == number].mean(axis=0) for number in range(6)])
    guess = np.argmin(((spectra[:, None] - means) ** 2).sum(axis=2), axis=1)
    assert 0.45 < (guess == answer).mean() < 0.9


def test_seed_decides_everything(demo, pixels, tmp_path):
    again = make_scene(tmp_path / "again", SIZE)
    other = make_scene(tmp_path / "other", SIZE, seed=8)
    with rasterio.open(again.scene) as scene:
        np.testing.assert_array_equal(scene.read(), pixels[0])
    assert again.truth.read_bytes() == demo.truth.read_bytes()
    with rasterio.open(other.truth) as truth:
        assert (truth.read(1) != pixels[1]).mean() > 0.1


def test_existing_scene_is_kept_unless_told(demo):
    before = demo.scene.read_bytes()
    with pytest.raises(OutputError, match="--overwrite"):
        make_scene(demo.scene.parent, SIZE, seed=1)
    assert demo.scene.read_bytes() == before


def test_nothing_stays_behind_but_the_files(demo):
    names = {path.name for path in demo.scene.parent.iterdir()}
    assert names == {"demo.tif", "demo_truth.tif", "demo_truth.tif.aux.xml", "demo_truth.qml"}


def test_too_small_is_refused(tmp_path):
    with pytest.raises(OptionError, match="at least 256 pixels, got 200"):
        make_scene(tmp_path, 200)


def test_smallest_scene_is_whole(tmp_path):
    made = make_scene(tmp_path, 256, seed=3)
    with rasterio.open(made.truth) as truth:
        assert set(np.unique(truth.read(1))) >= {0, 1, 2, 3, 5, NODATA}


def test_accuracy_equals_counting(tmp_path):
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 5, (700, 530), dtype=np.uint8)  # no class 5
    found = np.where(rng.random(truth.shape) < 0.3, rng.integers(0, 5, truth.shape), truth).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.1] = NODATA
    found[rng.random(truth.shape) < 0.1] = NODATA
    both = (truth != NODATA) & (found != NODATA)
    result = accuracy(write_classes(tmp_path / "t.tif", truth), write_classes(tmp_path / "f.tif", found))
    assert result["pixels"] == both.sum()
    assert result["overall"] == pytest.approx((truth == found)[both].mean())
    for item in LAND_COVER[:5]:
        inside = (truth == item.id) & both, (found == item.id) & both
        expected = (inside[0] & inside[1]).sum() / (inside[0] | inside[1]).sum()
        assert result["iou"][item.name] == pytest.approx(expected)
    assert result["iou"]["water"] is None
    assert result["mean_iou"] == pytest.approx(
        np.mean([value for value in result["iou"].values() if value is not None])
    )
    assert np.sum(result["confusion"]) == both.sum()


def test_accuracy_of_the_truth_is_one(demo):
    result = accuracy(demo.truth, demo.truth)
    assert result["overall"] == 1
    assert set(result["iou"].values()) == {1.0}


def test_accuracy_refuses_what_cannot_be_compared(demo, tmp_path):
    small = write_classes(tmp_path / "small.tif", np.zeros((10, 10), np.uint8))
    empty = write_classes(tmp_path / "empty.tif", np.full((10, 10), NODATA, np.uint8))
    with pytest.raises(InputError, match="10"):
        accuracy(demo.truth, small)
    with pytest.raises(InputError, match="no valid pixel in common"):
        accuracy(small, empty)
    with pytest.raises(InputError, match=r"absent\.tif"):
        accuracy(small, tmp_path / "absent.tif")


def test_noise_has_the_promised_strength():
    field = smooth(np.random.default_rng(0), 800, 9)
    assert abs(float(field.mean())) < 0.1
    assert 0.8 < float(field.std()) < 1.2
    assert np.abs(np.diff(field, axis=0)).max() < 1.5  # smooth: neighbours are alike


def test_blur_spreads_light_and_keeps_it():
    image = np.zeros((9, 9), np.float32)
    image[4, 4] = 1
    result = blur(image, 0.1)
    assert result.sum() == pytest.approx(1)
    assert result[4, 4] == pytest.approx(0.64)
    assert result[3, 4] == result[4, 5] == pytest.approx(0.08)


def test_scatter_is_even_and_repeatable():
    numbers = np.arange(100_000, dtype=np.int32)
    values = scatter(numbers, salt=3)
    assert (values == scatter(numbers, salt=3)).all()
    counts, _ = np.histogram(values, 20, (0, 1))
    assert counts.min() > 4600
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.02
    assert (values != scatter(numbers, salt=4)).mean() > 0.99
