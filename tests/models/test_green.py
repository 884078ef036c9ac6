"""The bundled ``green`` models and the recipe that made them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from geoseg.classes import MapClass
from geoseg.errors import ModelError
from geoseg.models import BandSpec, ModelCard, check_model, load_model, save_model
from geoseg.models.card.scaling import card_transforms
from geoseg.models.inference.execution import Execution
from geoseg.models.inference.predictor import Predictor
from geoseg.models.networks.green import MARGIN, STRIDE, GreenNet

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

MODELS = {"green": ("red", "green", "blue"), "green-rgbn": ("red", "green", "blue", "nir")}


def card(bands=3, **kwargs):
    return ModelCard(
        name="net",
        architecture="geoseg:green-net",
        hyperparameters={"kwargs": kwargs},
        bands=tuple(BandSpec(name=name) for name in MODELS["green-rgbn"][:bands]),
        classes=tuple(MapClass(k, name, "#000000") for k, name in enumerate(("tree", "low", "other"))),
        stride=STRIDE,
        margin=MARGIN,
    )


def predict(name, images):
    """Classes and confidence of pictures (n, bands, h, w) by a bundled model."""
    model = load_model(name)
    affine = card_transforms(model.card.value_scaling, len(model.card.bands))
    return Predictor(model, affine, Execution()).classify(images.astype(np.float32))


@pytest.mark.parametrize("bands", [3, 4])
@pytest.mark.parametrize("size", [(16, 16), (16, 80), (96, 64)])
def test_any_multiple_of_its_stride(bands, size):
    net = GreenNet(bands, widths=(8, 8, 8, 8)).eval()
    with torch.inference_mode():
        for value in (0.0, 0.3):
            logits = net(torch.full((2, bands, *size), value))
            assert logits.shape == (2, 3, *size)
            assert torch.isfinite(logits).all()


def test_it_packs_as_any_model(tmp_path):
    torch.manual_seed(0)
    net = GreenNet(4, widths=(8, 8, 16)).eval()
    save_model(tmp_path / "net", card(4, widths=[8, 8, 16]), net)
    x = torch.rand(1, 4, 32, 32)
    with torch.inference_mode():
        assert torch.equal(load_model(tmp_path / "net").module()(x), net(x))


def test_arguments_it_does_not_have_are_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be built"):
        save_model(tmp_path / "net", card(depth=3), GreenNet(3))
    with pytest.raises(ModelError, match="needs the bands red, green, blue"):
        save_model(tmp_path / "net", card(2), GreenNet(2))


@pytest.mark.parametrize("name", MODELS)
def test_pixels_beyond_the_margin_hardly_matter(name):
    net = load_model(name).module()
    bands, side = len(MODELS[name]), 2 * MARGIN + 32
    scene = torch.nn.functional.interpolate(
        torch.rand(1, bands, 24, 24, generator=torch.manual_seed(3)), scale_factor=8.0
    )
    with torch.inference_mode():
        whole = net(scene).softmax(1)[..., 16 + MARGIN : 48 + MARGIN, 16 + MARGIN : 48 + MARGIN]
        part = net(scene[..., 16 : 16 + side, 16 : 16 + side]).softmax(1)[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert (whole.argmax(1) == part.argmax(1)).float().mean() > 0.98
    assert whole.std() > 0.05


@pytest.mark.parametrize("name", MODELS)
def test_the_bundled_models_are_whole_small_and_honest(name):
    model = load_model(name)
    assert any("checksum verified" in line for line in check_model(model))
    assert sum(path.stat().st_size for path in model.folder.iterdir()) < 2e6
    card = model.card
    assert tuple(band.name for band in card.bands) == MODELS[name]
    assert [c.name for c in card.classes] == ["tree canopy", "low vegetation", "other"]
    assert card.resolution == (0.3, 1.0)
    assert any("NAIP" in line for line in card.attribution)
    assert any("103848, CC BY 4.0" in line for line in card.attribution)
    assert len(card.known_failures) >= 4
    assert "scripts/train_green.py" in card.description
    by_city = card.metrics["by_city"]
    assert len(by_city) == 6
    for key in ("vegetation", "tree canopy", "low vegetation", "other"):
        assert np.isclose(
            np.mean([scores[key] for scores in by_city.values()]), card.metrics["iou"][key]["mean"], atol=1e-3
        )


@pytest.fixture
def recipe(monkeypatch):
    """The package ``scripts/green``, from which the bundled models were made."""
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from green import card, conditions, crowns, data, disturb, network, scores

    return SimpleNamespace(
        card=card, conditions=conditions, crowns=crowns, data=data, disturb=disturb, network=network, scores=scores
    )


@pytest.mark.parametrize("name", MODELS)
def test_the_bundled_models_are_the_recipes(recipe, name):
    bundled = load_model(name).card
    metrics = {key: value for key, value in bundled.metrics.items() if key != "protocol"}
    steps = bundled.hyperparameters["training"]["steps"]
    made = recipe.card.make_card(
        metrics, recipe.network.Recipe(steps=steps), len(MODELS[name]), bundled.value_percentiles
    )
    for field in set(ModelCard.model_fields) - {"weights", "test_vector", "bytes_per_pixel", "item"}:
        assert getattr(made, field) == getattr(bundled, field), field


def test_folding_the_normalisations_changes_no_logit(recipe):
    torch.manual_seed(2)
    net = recipe.network.with_norms(GreenNet(3, widths=(8, 8, 16), classes=4)).eval()
    for name, values in net.state_dict().items():
        if values.is_floating_point() and "running" in name:
            values.uniform_(0.5, 1.5)
    x = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        expected, actual = net(x)[:, :3], recipe.network.folded(net)(x)
    assert expected.std() > 0.01
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


def test_crowns_grow_from_points_and_end_at_lawns(recipe):
    """A round crown of radius 10 with a point, on a lawn; another crown without a point."""
    rows, cols = np.mgrid[:96, :96]
    crown, other = (np.hypot(rows - 30, cols - col) <= 10 for col in (25, 70))
    points = np.array([[25.0, 30.0]])
    distance = recipe.crowns._distance(points, (96, 96))
    assert distance[30, 25] == 0
    assert distance[30, 35] == 10
    lawn = np.ones((96, 96), bool)
    lawn[60:] = False
    grown = recipe.crowns.grow_crowns(lawn, distance, np.where(crown | other, 0.9, 0.1).astype(np.float32))
    assert recipe.scores.iou(grown, crown) > 0.85
    assert not (grown & other).any()
    assert not grown[60:].any()


def test_a_turned_crop_keeps_labels_on_their_pixels(recipe):
    """A picture whose first band is its label."""
    draw = recipe.disturb.Draw(1)
    label = torch.nn.functional.interpolate(torch.rand(1, 1, 8, 8).round(), scale_factor=16.0)[0]
    for _ in range(12):
        picture, layers = recipe.disturb.crop(label.repeat(3, 1, 1), label, 64, draw)
        assert picture.shape == (3, 64, 64)
        assert (picture[0].round() == layers[0]).float().mean() > 0.9


def test_new_colours_stay_in_range(recipe):
    draw = recipe.disturb.Draw(2)
    pictures = torch.rand(4, 64, 64)
    changed = [recipe.disturb.recolour(pictures, draw) for _ in range(30)]
    assert all(0 <= float(x.min()) <= float(x.max()) <= 1 for x in changed)
    assert sum(not torch.equal(x, pictures) for x in changed) > 10


def test_perfect_and_wrong_maps_are_scored_so(recipe):
    labels = np.array([[[0, 0, 1, 2]]], np.uint8)
    assert recipe.scores.agreement(labels, labels)["miou"] == 1
    swapped = recipe.scores.agreement(np.array([[[1, 1, 0, 2]]]), labels)
    assert (swapped["vegetation"], swapped["tree canopy"]) == (1, 0)


def test_the_recipe_starts():
    pytest.importorskip("sklearn")
    command = [sys.executable, str(SCRIPTS / "train_green.py"), "--help"]
    assert "--folds" in subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(("name", "least"), [("green", 0.75), ("green-rgbn", 0.9)])
def test_vegetation_on_real_tiles_is_where_the_infrared_shows_it(shared_data, name, least):
    """The weights have seen these tiles; the test is that the package reads and maps them as the recipe did."""
    import rasterio

    folder = shared_data / "naip_trees"
    tiles = [
        tile for tile in (folder / "test.txt").read_text().split() if (folder / "images" / f"{tile}.tif").is_file()
    ]
    if not tiles:
        pytest.skip("no tiles of the test list")
    both = either = 0
    for tile in tiles[:: len(tiles) // 5]:
        with rasterio.open(folder / "images" / f"{tile}.tif") as source:
            image = source.read()
        red, nir = image[0].astype(float), image[3].astype(float)
        vegetation = (nir - red) / np.maximum(nir + red, 1) > 0.12
        classes, confidence = predict(name, image[None, : len(MODELS[name])])
        assert confidence[classes < 255].min() >= 33
        both += (vegetation & (classes[0] < 2)).sum()
        either += (vegetation | (classes[0] < 2)).sum()
    assert both / either > least
