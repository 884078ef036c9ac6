"""The units offered for a scene: likeliest first, and true to what each would mean."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from geoseg.models import load_model
from geoseg.models.card.unit_choices import unit_choices
from geoseg.raster.fill import Fill
from geoseg.raster.types import Band, Pixels
from tests.models.conftest import make_card


def scene(values, dtype, **stated):
    """A scene of the bands that the card of ``landcover`` has, and a sample of it."""
    card = load_model("landcover").card
    bands = tuple(Band(spec.name, np.dtype(dtype).name, **stated) for spec in card.bands)
    data = values[:, None].astype(dtype)
    return card, SimpleNamespace(name="scene", bands=bands), Pixels(data, np.ones(data.shape[1:], bool))


@pytest.fixture(scope="module")
def reflectance():
    """Reflectance (6, n) of ground as the training data have it: kinds of pixels, and their spread."""
    card = load_model("landcover").card
    known, rng = card.value_percentiles, np.random.default_rng(0)
    kinds = rng.integers(0, len(known.spectra), 3000)
    logs = np.array(known.spectra)[kinds] + 0.3 * np.array(known.deviations)[kinds] * rng.normal(size=(3000, 1))
    return np.exp(logs.T) * 1e-4


@pytest.mark.parametrize(
    ("full", "dtype", "name"),
    [(65_535, np.uint16, "reflectance × 65,535"), (1, np.float32, "reflectance 0…1")],
)
def test_the_right_unit_comes_first(reflectance, full, dtype, name):
    found = unit_choices(*scene(reflectance * full, dtype))
    first = found.choices[0]
    assert (found.verdict, first.name, first.given) == ("other", name, False)
    assert float(first.options["scale"]) == pytest.approx(1 / full, rel=1e-4)
    (given,) = [choice for choice in found.choices if choice.given]
    assert (given.name, given.options) == ("reflectance × 10,000", {"scale": "0.0001"})
    # What each would mean, in physical values: the right one gives the reflectance that was put in.
    np.testing.assert_allclose(first.values, np.percentile(reflectance, (5, 50, 95), axis=1).T, rtol=0.03, atol=1e-4)


def test_a_unit_that_the_file_states_needs_no_options(reflectance):
    found = unit_choices(*scene(reflectance * 10_000, np.uint16, scale=1e-4, scaled=True))
    assert found.verdict == "certain"
    assert (found.choices[0].given, found.choices[0].options) == (True, {})


def test_fill_is_left_out(reflectance):
    values = reflectance * 10_000
    values[:, ::2] = 0
    card, raster, sample = scene(values, np.uint16)
    left_out = unit_choices(card, raster, sample, Fill((0.0,) * 6, 0.5)).choices[0]
    np.testing.assert_array_equal(left_out.values, unit_choices(*scene(values[:, 1::2], np.uint16)).choices[0].values)


def test_without_a_distribution_nothing_is_claimed():
    """Every unit that brings the scene into the card's range is offered, and none is called certain."""
    card = make_card(value_range=(0, 10_000))
    bands = tuple(Band(spec.name, "uint16") for spec in card.bands)
    data = np.random.default_rng(0).integers(500, 4000, (len(bands), 1, 500)).astype(np.uint16)
    sample = Pixels(data, np.ones(data.shape[1:], bool))
    found = unit_choices(card, SimpleNamespace(name="scene", bands=bands), sample)
    assert found.verdict == "unknown"
    assert all(choice.distance is None for choice in found.choices)
    assert found.choices[0].given
    assert len({choice.name for choice in found.choices}) == len(found.choices) > 1
