"""A scene held against a card: bands, units, resolution."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from geoseg.errors import ContractError
from geoseg.models import check_bands, check_contract
from tests.models.conftest import fake_raster, fake_sample, make_card


def test_a_scene_that_fits(card):
    assert check_contract(card, fake_raster(), fake_sample(100, 4000)) == []


def test_missing_names(card):
    with pytest.raises(ContractError) as caught:
        check_bands(card, fake_raster(("band1", "band2", "nir", "band4")))
    message = str(caught.value)
    assert "lacks bands red, green" in message
    assert "it has 1 band1, 2 band2, 3 nir, 4 band4" in message
    assert "name them with --bands red=N,green=N,nir=3, where N is the number of a band" in message


@pytest.mark.parametrize("names", [
    [f"band{i}" for i in range(1, 5)], [f"band{i}" for i in range(1, 13)], ["B1", "B2", "B3", "B4"],
    ["B02", "B03", "B04", "B08"],
])  # fmt: skip
def test_nothing_is_offered_for_bands_that_are_not_known(card, names):
    with pytest.raises(ContractError) as caught:
        check_bands(card, fake_raster(tuple(names)))
    assert caught.value.suggested_options == {}
    assert "--bands red=N,green=N,nir=N" in str(caught.value)


def test_what_a_code_may_be(card):
    with pytest.raises(ContractError, match=r"B08 is nir for Sentinel-2 and pan for Landsat 8/9 and Landsat 7"):
        check_bands(card, fake_raster(("B02", "B03", "B04", "B08")))


def test_bands_that_are_all_known_cannot_be_another(card):
    with pytest.raises(ContractError, match=r"lacks band nir .*--stack"):
        check_bands(card, fake_raster(("coastal", "blue", "green", "red", "swir16")))


def test_too_few_bands(card):
    with pytest.raises(ContractError, match=r"has 1 band \(1 gray\), the model needs 3; .*--stack"):
        check_bands(card, fake_raster(("gray",)))


@pytest.mark.parametrize(
    ("high", "dtype", "fields", "suggestion"),
    [
        (0.6, np.float32, {}, "reflectance as 0…1, add --scale 1"),
        (60000, np.uint16, {}, "0…65535, add --scale 1.5259e-05"),
        (180, np.uint8, {}, "0…255, add --scale 0.00392157"),
        (4000, np.uint16, {"scale": 1.0, "scaled": True}, "0…10000, add --scale 0.0001"),
        (4000, np.uint16, {"scale": 1e-8, "scaled": True}, "0…10000, add --scale 0.0001"),
    ],
)
def test_other_units(card, high, dtype, fields, suggestion):
    with pytest.raises(ContractError) as caught:
        check_contract(card, fake_raster(dtype=dtype, **fields), fake_sample(0, high, dtype=dtype))
    assert suggestion in str(caught.value)
    assert float(caught.value.suggested_options["scale"]) == float(suggestion.split()[-1])
    assert "expects 0…10000" in str(caught.value)


def test_the_reverse_integers_for_a_model_of_fractions():
    card = make_card(bands=[{"name": n} for n in ("red", "green", "nir")], value_range=(0, 1), value_scaling=())
    with pytest.raises(ContractError, match=r"0…10000, add --scale 0\.0001"):
        check_contract(card, fake_raster(), fake_sample(0, 4000))


@pytest.mark.parametrize(
    ("scale", "high", "dtype"), [(1.0, 0.5, np.float32), (1 / 65535, 30000, np.uint16), (1e-4, 4000, np.int16)]
)
def test_following_the_suggestion_mends_it(card, scale, high, dtype):
    raster = fake_raster(dtype=dtype, scale=scale, scaled=True)
    assert check_contract(card, raster, fake_sample(0, high, dtype=dtype)) == []


def test_fill_values_are_noticed(card):
    raster = fake_raster(dtype=np.int16)
    (warning,) = check_contract(card, raster, fake_sample(-9999, 5000, dtype=np.int16))
    assert "--nodata" in warning


def test_nothing_valid(card):
    (warning,) = check_contract(card, fake_raster(), fake_sample(0, 4000, valid=False))
    assert "no valid pixel" in warning


def test_complex_numbers(card):
    with pytest.raises(ContractError, match="complex numbers"):
        check_contract(card, fake_raster(dtype=np.complex64), fake_sample(0, 4000))


@pytest.mark.parametrize(
    ("size", "words"), [(10, []), (9.5, []), (0.5, ["0.5 m", "10–30 m", "--resolution 10"]), (250, ["250 m"])]
)
def test_resolution(size, words):
    warnings = check_contract(make_card(resolution=(10, 30)), fake_raster(size=size), fake_sample(0, 4000))
    assert len(warnings) == bool(words)
    assert all(word in warnings[0] for word in words)


def test_resolution_in_degrees():
    raster = fake_raster(size=9e-5)
    raster.crs, raster.transform = "EPSG:4326", Affine(9e-5, 0, 10, 0, -9e-5, 0)
    assert check_contract(make_card(resolution=(10, 30)), raster, fake_sample(0, 4000)) == []
    raster.crs = None
    assert check_contract(make_card(resolution=(1000, 3000)), raster, fake_sample(0, 4000)) == []


@pytest.mark.parametrize(
    ("crs", "size", "offered"),
    [("EPSG:2263", 3.28, 16.4), ("EPSG:4326", 1e-5, 5.98e-5), ("EPSG:3857", 1.0, 9.98), ("EPSG:32631", 0.5, 5.0)],
)
def test_the_offered_resolution_is_in_units_of_the_crs(crs, size, offered):
    """Five metres: 16.4 feet, and at 60° north 6e-5 degrees and 10 units of Web Mercator."""
    origins = {"EPSG:2263": (980000, 200000), "EPSG:4326": (10, 60), "EPSG:3857": (1e6, 8.4e6)}
    west, north = origins.get(crs, (500000, 5e6))
    raster = fake_raster(size=size)
    raster.crs, raster.transform = crs, Affine(size, 0, west, 0, -size, north)
    (warning,) = check_contract(make_card(resolution=(5, 60)), raster, fake_sample(0, 4000))
    assert float(warning.rsplit(" ", 1)[1]) == pytest.approx(offered, rel=0.01)
