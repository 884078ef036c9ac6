"""Units of values: real tiles, stored in every common unit, under every claim of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import rasterio

from geoseg.errors import ContractError
from geoseg.models import load_model
from geoseg.models.card.percentiles import percentiles_of, summarize
from geoseg.models.card.units import check_units
from geoseg.raster.types import Band

UNITS = {"1": (1.0, 0.0, "float32"), "10000": (1e-4, 0.0, "int16"), "65535": (1 / 65535, 0.0, "uint16")}
BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")


@pytest.fixture(scope="module")
def tiles(shared_data):
    """Reflectance (6, n) of every tenth tile."""
    found = []
    for path in sorted((shared_data / "landcover-hls" / "images").glob("*.tif"))[::10]:
        with rasterio.open(path) as file:
            data = file.read([file.descriptions.index(name) + 1 for name in BANDS]).astype(float) * file.scales[0]
        pixels = data[:, (data > 0).all(0)]
        if pixels.shape[1] >= 1000:
            found.append(pixels[:, ::8])
    return found


def judge(pixels, stored, claimed):
    """Return the options that the error suggests, or None where the scene fits without a word."""
    scale, offset, dtype = UNITS[stored]
    values = (pixels - offset) / scale
    values = values.astype(dtype) if dtype == "float32" else np.round(values).clip(0, np.iinfo(dtype).max).astype(dtype)
    card = load_model("landcover").card
    stated = {} if claimed is None else {"scale": UNITS[claimed][0], "offset": UNITS[claimed][1], "scaled": True}
    bands = [Band(spec.name, dtype, **stated) for spec in card.bands]
    try:
        warnings = check_units(card, SimpleNamespace(name="tile"), bands, values)
    except ContractError as error:
        return error.suggested_options
    return {"warned": warnings} if warnings else None


@pytest.mark.parametrize("claimed", [None, *UNITS])
@pytest.mark.parametrize("stored", UNITS)
def test_only_the_right_unit_fits_without_a_word(tiles, stored, claimed):
    verdicts = [judge(pixels, stored, claimed) for pixels in tiles]
    if stored == (claimed or "10000"):
        assert verdicts.count(None) >= 0.95 * len(tiles)
        return
    assert None not in verdicts
    right = [found for found in verdicts if float(found.get("scale", 0)) == pytest.approx(UNITS[stored][0], rel=1e-4)]
    assert len(right) >= 0.95 * len(tiles)


def test_a_model_of_decibels_has_no_percentiles():
    assert summarize([percentiles_of(np.random.default_rng(0).uniform(-25, 0, (2, 500)))]) is None


def test_percentiles_are_numpys():
    values = np.random.default_rng(1).uniform(1, 9, (3, 1001))
    known = summarize([percentiles_of(values * factor) for factor in (1, 2, 4)])
    np.testing.assert_allclose(known.center, np.log(np.percentile(values * 2, known.percentiles, axis=1).T), atol=1e-3)
    np.testing.assert_allclose(known.spread, np.std(np.log([1, 2, 4])), atol=1e-3)


def test_whole_percent_is_not_silently_taken_for_8_bits(tiles):
    """Percent in uint8 has so few values that only the list of likely units can be demanded."""
    card = load_model("landcover").card
    bands = [Band(spec.name, "uint8") for spec in card.bands]
    for pixels in tiles:
        values = np.round(pixels * 100).clip(1, 255).astype("uint8")
        with pytest.raises(ContractError, match=r"--scale (0\.01|1/100) ") as caught:
            check_units(card, SimpleNamespace(name="tile"), bands, values)
        assert "scale" not in caught.value.suggested_options or float(
            caught.value.suggested_options["scale"]
        ) == pytest.approx(0.01)
