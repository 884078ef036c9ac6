"""The spectral rules on textbook spectra, through the card's scaling, and on labelled scenes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from geoseg.models import Execution, Model, load_model
from geoseg.models.inference.predictor import Predictor
from geoseg.models.networks.spectral import BANDS, INDICES, RULES, Spectral
from tests.models.conftest import band

# Reflectance of blue, green, red, nir, swir16, swir22.
SPECTRA = {
    "tree": ((0.02, 0.04, 0.025, 0.30, 0.13, 0.06), (0.03, 0.06, 0.04, 0.38, 0.18, 0.08)),
    # Dry grass is left out: rules cannot tell it from stubble, as the card says.
    "grass/shrub": ((0.05, 0.08, 0.08, 0.27, 0.27, 0.17), (0.04, 0.07, 0.06, 0.30, 0.22, 0.12)),
    "crop": ((0.04, 0.08, 0.05, 0.42, 0.20, 0.10), (0.06, 0.09, 0.11, 0.24, 0.24, 0.18)),
    "built": ((0.12, 0.14, 0.16, 0.21, 0.23, 0.21), (0.18, 0.20, 0.22, 0.26, 0.28, 0.26)),
    "bare": ((0.12, 0.18, 0.25, 0.33, 0.42, 0.36), (0.20, 0.27, 0.34, 0.41, 0.48, 0.45)),
    "water": ((0.05, 0.05, 0.03, 0.015, 0.008, 0.005), (0.08, 0.11, 0.12, 0.08, 0.02, 0.015)),
}


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("spectral")


def predictor(model, **fields):
    return Predictor(model, model.card.affine([band(name, **fields) for name in BANDS]), Execution())


@pytest.mark.parametrize("name", SPECTRA)
def test_textbook_spectra(model, name):
    data = np.array(SPECTRA[name]).T.reshape(1, 6, 1, -1) * 10000
    classes, confidence = predictor(model).classify(data.astype(np.uint16))
    names = [model.card.classes[i].name for i in classes.ravel()]
    assert names == [name] * len(SPECTRA[name])
    assert (confidence > 100 / 6).all()


def test_units_of_the_file_do_not_matter(model):
    reflectance = np.random.default_rng(0).uniform(0, 0.5, (1, 6, 32, 32))
    integers = (reflectance * 10000).astype(np.uint16)
    expected = predictor(model).classify(integers)
    same = predictor(model, scale=1e-4, scaled=True).classify(integers)
    floats = predictor(model, scale=1.0, scaled=True).classify((integers * 1e-4).astype(np.float32))
    # Sentinel-2 since baseline 04.00 stores reflectance × 10,000 + 1,000.
    shifted = predictor(model, scale=1e-4, offset=-0.1, scaled=True).classify(integers + 1000)
    np.testing.assert_array_equal(same, expected)
    for other in (floats, shifted):
        assert (other[0] == expected[0]).mean() > 0.999


def test_indices_are_those_of_the_literature():
    x = torch.from_numpy(np.random.default_rng(0).uniform(0.01, 0.6, (6, 5, 7))).float()
    blue, green, red, nir, swir16, swir22 = x.double().numpy()
    expected = {
        "ndvi": (nir - red) / (nir + red),
        "ndwi": (green - nir) / (green + nir),
        "mndwi": (green - swir16) / (green + swir16),
        "ndbi": (swir16 - nir) / (swir16 + nir),
        "bsi": ((swir16 + red) - (nir + blue)) / ((swir16 + red) + (nir + blue)),
        "ndti": (swir16 - swir22) / (swir16 + swir22),
        "nir": nir,
        "vis": (blue + green + red) / 3,
    }
    for name, found in zip(INDICES, Spectral.indices(x), strict=True):
        np.testing.assert_allclose(found.numpy(), expected[name], atol=1e-6, err_msg=name)


def test_logits_are_the_sum_of_the_rules():
    x = torch.from_numpy(np.random.default_rng(0).uniform(-0.01, 0.6, (2, 6, 5, 7))).float()
    from geoseg.models.networks.spectral import PRIOR

    for image, logits in zip(x, Spectral()(x), strict=True):
        values = dict(zip(INDICES, Spectral.indices(image), strict=True))
        expected = torch.tensor(PRIOR)[:, None, None].repeat(1, 5, 7)
        for rule in RULES:
            truth = ((values[rule.measure] - rule.low) / (rule.high - rule.low)).clamp(0, 1)
            expected += torch.tensor(rule[3:])[:, None, None] * truth
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    assert torch.isfinite(Spectral()(torch.zeros(1, 6, 2, 2))).all()
    assert torch.isfinite(Spectral()(torch.full((1, 6, 2, 2), -3e4))).all()


def test_the_card_tells_the_truth(model, shared_data):
    """Accuracy on the labelled tiles is what the card says, whose figures are of the labels before their correction."""
    import rasterio

    folder = shared_data / "landcover-hls"
    rules = predictor(model, scale=1e-4, scaled=True)
    matrix = np.zeros((6, 6), np.int64)
    for path in sorted((folder / "images").glob("*.tif")):
        with rasterio.open(path) as image, rasterio.open(folder / "labels_v1" / path.name) as labels:
            found, truth = rules.classify(image.read()[None, 1:])[0][0], labels.read(1)
        known = truth < 6
        matrix += np.bincount(truth[known].astype(int) * 6 + found[known], minlength=36).reshape(6, 6)
    hits = matrix.diagonal()
    metrics = model.card.metrics
    assert hits.sum() / matrix.sum() == pytest.approx(metrics["overall_accuracy"], abs=0.001)
    assert (hits / (matrix.sum(0) + matrix.sum(1) - hits)).mean() == pytest.approx(metrics["miou"], abs=0.001)
