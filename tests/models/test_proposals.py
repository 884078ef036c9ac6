"""Models that a raster has the bands for."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine

from geoseg import open_raster
from geoseg.errors import ContractError
from geoseg.job import Options
from geoseg.models import DEFAULT_MODEL, list_models, load_model
from geoseg.models.proposals import check_model_bands, proposed_models
from geoseg.segment.inspection import inspect_scene
from geoseg.segment.plan import make_plan

RGB, RGBN = ("red", "green", "blue"), ("red", "green", "blue", "nir")
SIX = ("blue", "green", "red", "nir", "swir16", "swir22")


@pytest.fixture
def picture(tmp_path):
    """Write a picture of uint8 and open it: ``picture(RGB, 0.6)``, pixels in metres."""

    def write(names, size, crs="EPSG:32611"):
        path = tmp_path / "picture.tif"
        data = np.random.default_rng(0).integers(20, 220, (len(names), 64, 64), np.uint8)
        grid = {"crs": crs, "transform": Affine(size, 0, 4e5, 0, -size, 4e6)} if crs else {}
        with rasterio.open(
            path, "w", driver="GTiff", dtype="uint8", count=len(names), height=64, width=64, **grid
        ) as to:
            to.write(data)
            to.descriptions = names
        return open_raster(path)

    return write


def names_for(raster):
    return [proposal.card.name for proposal in proposed_models(raster)]


def test_pictures_are_offered_green(picture):
    assert names_for(picture(RGB, 0.6))[0] == "green"
    assert names_for(picture(RGBN, 0.6))[:2] == ["green-rgbn", "green"]
    assert all(proposal.fits for proposal in proposed_models(picture(RGB, 0.6)))


def test_six_bands_are_offered_the_default(picture):
    assert names_for(picture(SIX, 10))[0] == DEFAULT_MODEL
    assert names_for(picture(SIX, 10)).index("green") > names_for(picture(SIX, 10)).index("spectral")


def test_pixels_of_another_size_are_named(picture):
    found = {proposal.card.name: proposal for proposal in proposed_models(picture(RGBN, 5))}
    assert found["green-rgbn"].text == "green-rgbn (made for pixels of 0.3–1 m, these have 5 m)"
    assert not found["green"].fits


def test_pixels_of_unknown_size_fit(picture):
    assert [(one.card.name, one.fits) for one in proposed_models(picture(RGB, 1, crs=None))] == [("green", True)]


def test_all_proposed_models_have_their_bands_and_no_other_does(picture):
    for names in (RGB, RGBN, SIX, ("gray",)):
        raster = picture(names, 1)
        fitting = {card.name for card in list_models() if {band.name for band in card.bands} <= set(names)}
        assert set(names_for(raster)) == fitting


def test_the_error_names_the_model_that_fits(picture):
    landcover = load_model(DEFAULT_MODEL)
    for check in (lambda raster: check_model_bands(landcover.card, raster), make_plan):
        with pytest.raises(ContractError, match=r"lacks bands nir.* it has the bands of model green$"):
            check(picture(RGB, 0.6))
    with pytest.raises(ContractError, match=r"of models green-rgbn \(made for .* 5 m\), green \(made"):
        make_plan(picture(RGBN, 5))
    with pytest.raises(ContractError, match=r"or choose another model with -m$"):
        make_plan(picture(("gray",), 0.6))


def test_inspect_proposes_models(picture, tmp_path):
    picture(RGB, 0.6)
    found = inspect_scene(tmp_path / "picture.tif", None, {}, Options()).as_dict()
    assert not found["fits"]
    assert found["proposed"] == ["green"]
    found = inspect_scene(tmp_path / "picture.tif", "green", {}, Options()).as_dict()
    assert found["fits"]
    assert found["warnings"] == []


def test_a_run_with_pixels_of_another_size_is_warned_of(picture):
    for size, resample, said in (
        (0.05, "auto", "it is read at 0.3 m"), (0.05, "never", "resample with --resolution 0.3"),
        (5, "auto", "expect a worse map"),
    ):  # fmt: skip
        warnings = make_plan(picture(RGB, size), "green", Options(resample=resample)).warnings
        assert any("was made for 0.3–1 m" in text and said in text for text in warnings)
