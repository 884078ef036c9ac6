"""The recipe of the ``water`` model, and the model of it that comes with geoseg."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from geoseg.models import DEFAULT_MODEL, ModelCard, check_model, list_models, load_model
from geoseg.models.card.scaling import card_transforms
from geoseg.models.inference.execution import Execution
from geoseg.models.inference.predictor import Predictor
from geoseg.models.networks.landcover import BANDS
from geoseg.segment.inspection import inspect_scene
from geoseg.segment.plan import Options

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
NAMES = ("water", "snow", "cloud", "shadow", "land")
SPECTRA = {
    "water": (0.058, 0.074, 0.052, 0.020, 0.008, 0.005),
    "snow": (0.80, 0.80, 0.80, 0.70, 0.08, 0.07),
    "cloud": (0.62, 0.60, 0.62, 0.66, 0.46, 0.36),
    "land": (0.045, 0.075, 0.085, 0.26, 0.23, 0.15),
}


@pytest.fixture
def recipe(monkeypatch):
    """The package ``scripts/water``, from which the bundled model was made."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from landcover import guards, network, scenes
    from landcover.data import Tiles
    from water import card, data, scores, simulate

    return SimpleNamespace(
        card=card,
        data=data,
        scores=scores,
        simulate=simulate,
        guards=guards,
        network=network,
        scenes=scenes,
        Tiles=Tiles,
    )


def predict(images):
    """Classes of reflectance (n, 6, h, w) by the bundled model."""
    model = load_model("water")
    affine = card_transforms(model.card.value_scaling, len(BANDS))
    return Predictor(model, affine, Execution()).classify(images * np.float32(10000))[0]


def plain(name, side=64):
    return np.broadcast_to(np.float32(SPECTRA[name])[:, None, None], (6, side, side)).copy()


def test_the_bundled_model_is_whole_small_and_honest():
    model = load_model("water")
    assert any("checksum verified" in line for line in check_model(model))
    assert sum(path.stat().st_size for path in model.folder.iterdir()) < 300e3
    card = model.card
    assert tuple(band.name for band in card.bands) == BANDS
    assert tuple(c.name for c in card.classes) == NAMES
    assert any("ukis-csmask" in line and "Apache-2.0" in line for line in card.attribution)
    assert len(card.known_failures) >= 4
    assert "scripts/train_water.py" in card.description
    assert len(card.metrics["water_iou_by_fold"]) == 5
    assert len(card.metrics["chips_left_out"]) == 3
    matrix = np.array(card.metrics["confusion"])
    union = matrix[0].sum() + matrix[:, 0].sum() - matrix[0, 0]
    assert card.metrics["per_class"]["water"]["iou"] == pytest.approx(matrix[0, 0] / union, abs=1e-4)


def test_the_bundled_model_is_the_recipes(recipe):
    bundled = load_model("water")
    metrics = {key: value for key, value in bundled.card.metrics.items() if key != "protocol"}
    made = recipe.card.make_card(metrics, recipe.card.RECIPE, bundled.card.value_percentiles)
    for field in set(ModelCard.model_fields) - {"weights", "test_vector", "bytes_per_pixel", "item"}:
        assert getattr(made, field) == getattr(bundled.card, field), field
    exported = recipe.network.PixelNet(recipe.card.RECIPE, NAMES).export().state_dict()
    shapes = {name: value.shape for name, value in bundled.module().state_dict().items()}
    assert {name: value.shape for name, value in exported.items()} == shapes


def test_the_recipe_starts():
    command = [sys.executable, str(SCRIPTS / "train_water.py"), "--help"]
    assert "--folds" in subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_beside_landcover_it_is_not_the_default(tmp_path, reflectance):
    assert {"landcover", "water"} <= {card.name for card in list_models()}
    assert DEFAULT_MODEL == "landcover"
    scene = reflectance(tmp_path / "scene.tif")
    for asked, used in ((None, "landcover"), ("water", "water")):
        found = inspect_scene(scene, asked, {}, Options())
        assert (found.fits, found.model) == (True, used)


@pytest.mark.parametrize("name", SPECTRA)
def test_plain_surfaces_are_what_they_are(name):
    classes = predict(plain(name)[None])
    assert (classes == NAMES.index(name)).mean() > 0.95


def test_a_cloud_and_its_shadow_are_found():
    """A round cloud and, beside it, its shadow, over plain land."""
    image = plain("land", 128)
    rows, columns = np.mgrid[:128, :128]
    cloud, shadow = (np.hypot(rows - 64, columns - at) < 18 for at in (44, 84))
    image[:, shadow] *= np.float32([0.5, 0.48, 0.42, 0.35, 0.28, 0.25])[:, None]
    image[:, cloud] = np.float32(SPECTRA["cloud"])[:, None]
    classes = predict(image[None])[0]
    far = ~(cloud | shadow) & (np.minimum(columns, 127 - columns) < 12)
    assert (classes[cloud & ~shadow] == NAMES.index("cloud")).mean() > 0.9
    assert (classes[shadow & ~cloud] == NAMES.index("shadow")).mean() > 0.7
    assert (classes[far] == NAMES.index("land")).mean() > 0.9


def test_maps_of_real_scenes_agree_with_the_index(recipe, shared_data):
    """At 10, 20 and 30 m, within the limits of ``scripts/water/scores.py``."""
    net = load_model("water").module()
    scenes = recipe.scenes.read_scenes(shared_data / "scenes")
    if not scenes:
        pytest.skip("no Sentinel-2 scenes with all bands")
    for scene in scenes:
        for size in scene.sizes:
            image = scene.at(size)
            shares = recipe.scores.shares(image, recipe.scenes.probabilities(net, image).argmax(0).numpy())
            assert not recipe.scores.broken(shares), (scene.name, size, shares)


def test_clouds_of_real_chips_are_found(recipe, shared_data):
    """On chips that it was trained on; what it does on others is in the card."""
    for chip in recipe.data.read_chips(shared_data / "cloud_water_chips"):
        classes = predict(chip.image[None])[0]
        ours, theirs = classes == recipe.data.CLOUD, chip.labels == recipe.data.CLOUD
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.7


def test_dry_ground_is_ruled_out_unless_it_is_dark(recipe):
    spectra = torch.tensor([[0.05, 0.07, 0.08, 0.2, 0.2, 0.1], [0.01, 0.019, 0.017, 0.019, 0.037, 0.042]])
    bright, dark = recipe.guards.guard_logits(torch.log1p(spectra / 0.01), NAMES)
    assert bright[0] < -5
    assert (bright[1:] == 0).all()
    assert (dark == 0).all()


# The recipe's pictures ----------------------------------------------------------------------------------------------


def tiles(recipe, count=6, side=64):
    """Land with a lake, and a corner without data."""
    image, labels = plain("land", side), np.full((side, side), recipe.data.LAND, np.uint8)
    image[:, 20:40, 30:60] = np.float32(SPECTRA["water"])[:, None, None]
    labels[20:40, 30:60] = recipe.data.WATER
    image[:, :8, :8], labels[:8, :8] = 0, 255
    return recipe.Tiles(np.stack([image] * count), np.stack([labels] * count), np.arange(count))


@pytest.mark.parametrize("draw", ["weather", "ground"])
def test_what_is_drawn_has_its_label(recipe, draw):
    before = tiles(recipe)
    after = recipe.simulate.simulate(before, getattr(recipe.simulate, draw), 3)
    again = recipe.simulate.simulate(before, getattr(recipe.simulate, draw), 3)
    np.testing.assert_array_equal(after.images, again.images)
    assert not np.array_equal(after.images[0], after.images[1])
    assert after.images.dtype == np.float32
    empty = (before.images == 0).all(1)
    assert (after.images[empty[:, None].repeat(6, 1)] == 0).all()
    assert (after.labels[empty] == 255).all()
    green, swir = after.images[:, 1], after.images[:, 4]
    snow, cloud, shadow = (after.labels == k for k in (recipe.data.SNOW, recipe.data.CLOUD, recipe.data.SHADOW))
    assert (before.labels[snow | shadow] == recipe.data.LAND).all()
    assert (green[snow] > swir[snow]).all()
    assert (cloud.any(), shadow.any()) == (draw == "weather",) * 2
    if draw == "weather":
        assert (after.images[:, 4][cloud] > before.images[:, 4][cloud]).mean() > 0.5
        assert np.median(green[shadow]) < np.median(green[after.labels == recipe.data.LAND])
    still = (after.labels == recipe.data.WATER) & (before.labels != recipe.data.WATER)
    assert not still.any()


def test_chips_become_tiles(recipe):
    """Each pixel of a chip is in one tile, with its class."""
    generator = np.random.default_rng(0)
    image = generator.uniform(0, 1, (6, 128, 192)).astype(np.float32)
    labels = generator.integers(0, 5, (128, 192)).astype(np.uint8)
    before = tiles(recipe, 2)
    found = recipe.data.with_chips(before, [recipe.data.Chip("chip", image, labels)])
    assert found.labels.shape == (2 + 6, 64, 64)
    assert found.places.tolist() == [0, 1] + [2] * 6
    np.testing.assert_array_equal(found.images[2 + 4], image[:, 64:, 64:128])
    np.testing.assert_array_equal(found.labels[2 + 2], labels[:64, 128:])


def test_the_atmosphere_is_taken_off(recipe):
    """Surface reflectance under a made-up atmosphere comes back."""
    generator = np.random.default_rng(1)
    surface = generator.uniform(0.01, 0.5, (6, 64, 64)).astype(np.float32)
    path = np.float32([0.08, 0.05, 0.03, 0.012, 0.004, 0.002])[:, None, None]
    transmittance = np.float32([0.84, 0.88, 0.92, 0.95, 0.97, 0.98])[:, None, None]
    found = recipe.data.surface_reflectance(path + transmittance * surface)
    np.testing.assert_allclose(found, surface, atol=0.005)


def test_scores_are_those_of_the_pixels(recipe):
    labels = np.array([[0, 0, 4, 4, 255]], np.uint8)
    predicted = np.array([[0, 4, 4, 0, 0]], np.uint8)
    land_cover = np.array([[5, 255, 0, 0, 5]], np.uint8)
    scores = recipe.scores.WaterScores()
    scores.add(predicted, labels, land_cover)
    summary = scores.summary()
    assert summary["per_class"]["water"] == {"iou": pytest.approx(1 / 3, abs=1e-4), "pixels": 2}
    assert summary["land_cover_labels"]["water_iou"] == pytest.approx(2 / 3, abs=1e-4)
    assert "snow" not in summary["per_class"]
