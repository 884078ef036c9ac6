"""The network of the land-cover recipe, and the model of it that comes with geoseg."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import torch

from geoseg.classes import LAND_COVER
from geoseg.errors import ModelError
from geoseg.models import BandSpec, ModelCard, check_model, load_model, save_model
from geoseg.models.card.scaling import card_transforms
from geoseg.models.inference.execution import Execution
from geoseg.models.inference.predictor import Predictor
from geoseg.models.networks import landcover
from geoseg.models.networks.landcover import BANDS, MARGIN, STRIDE, LandcoverNet, Pyramid
from geoseg.models.networks.temperature import without_temperature

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def card(**kwargs):
    return ModelCard(
        name="net",
        architecture="geoseg:landcover-net",
        hyperparameters={"kwargs": kwargs},
        bands=tuple(BandSpec(name=name, scale=0.0001) for name in BANDS),
        classes=LAND_COVER,
        stride=16,
        margin=64,
    )


@pytest.mark.parametrize("size", [(16, 16), (16, 80), (96, 64)])
def test_any_multiple_of_its_stride(size):
    net = LandcoverNet().eval()
    with torch.inference_mode():
        for value in (0.0, 0.3):
            logits = net(torch.full((2, 6, *size), value))
            assert logits.shape == (2, 6, *size)
            assert torch.isfinite(logits).all()


@pytest.fixture
def threads():
    """Sets how many threads torch has."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(("count", "strip", "size"), [(1, 8192, (64, 48)), (3, 100, (64, 48)), (2, 1, (16, 16))])
def test_machine_code_computes_what_torch_does(threads, monkeypatch, count, strip, size):
    monkeypatch.setattr(landcover, "_STRIP", strip)
    threads(count)
    torch.manual_seed(2)
    net = LandcoverNet(width=24, decide=16, context=32).eval()
    scene = torch.rand(2, 6, *size) * 0.4
    scene[..., 3:9, 5:14] = 0.0
    assert not net._compiles(scene), "gradients are wanted"
    followed = net(scene)
    followed.sum().backward()
    assert net.pixel.weight.grad is not None
    with torch.inference_mode():
        assert net._compiles(scene)
        assert not net._compiles(scene.bfloat16())
        with torch.autocast("cpu", torch.bfloat16):
            assert not net._compiles(scene)
        torch.testing.assert_close(net(scene), followed.detach(), atol=2e-5, rtol=1e-5)


def test_it_packs_as_any_model(tmp_path):
    torch.manual_seed(0)
    net = LandcoverNet(width=16, decide=8, context=16).eval()
    save_model(tmp_path / "net", card(width=16, decide=8, context=16), net)
    again = load_model(tmp_path / "net")
    x = torch.rand(1, 6, 32, 32)
    with torch.inference_mode():
        assert torch.equal(again.module()(x), net(x))


def test_arguments_it_does_not_have_are_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be built"):
        save_model(tmp_path / "net", card(depth=3), LandcoverNet())


def test_surroundings_are_means_and_deviations_of_what_is_valid():
    """The finest level, away from edges, against plain numpy."""
    generator = np.random.default_rng(3)
    image = generator.uniform(0.02, 0.5, (6, 32, 32)).astype(np.float32)
    image[:, 14:18, 11:19] = 0.0
    _, levels = Pyramid()(torch.from_numpy(image)[None])
    mean, deviation = (part[0].numpy() for part in levels[0])
    logs, valid = np.log1p(image / 0.01), image.max(0) > 0
    line = np.repeat([1.0, 2.0, 1.0], 2)  # of 2 × 2 pixels to the cell and its neighbours
    weights = np.outer(line, line)
    for row, col in ((4, 4), (6, 5), (9, 9), (8, 6)):
        part = (slice(2 * row - 2, 2 * row + 4), slice(2 * col - 2, 2 * col + 4))
        w = weights * valid[part]
        expected = (logs[:, *part] * w).sum((1, 2)) / w.sum()
        np.testing.assert_allclose(mean[:, row, col], expected, atol=1e-5)
        square = ((logs[:, *part] - expected[:, None, None]) ** 2 * w).sum((1, 2)) / w.sum()
        np.testing.assert_allclose(deviation[:6, row, col], np.sqrt(square), atol=1e-3)


def test_pixels_without_data_change_nothing_around_them():
    torch.manual_seed(1)
    net = LandcoverNet().eval()
    scene = torch.rand(6)[:, None, None].expand(1, 6, 96, 96).clone()
    holed = scene.clone()
    holed[..., 40:70, 20:50] = 0.0
    holed[..., 80:, :] = 0.0
    far = torch.ones(96, 96, dtype=torch.bool)
    far[39:71, 19:51] = far[79:, :] = False  # the pixel itself and its neighbours are seen as they are
    with torch.inference_mode():
        whole, found = net(scene), net(holed)
    torch.testing.assert_close(found[..., far], whole[..., far], atol=2e-3, rtol=0)


def test_where_a_window_begins_does_not_matter_beyond_the_margin():
    """Windows at multiples of the stride see the same grid: their middles agree."""
    net = load_model("landcover").module()
    generator = np.random.default_rng(5)
    coarse = torch.from_numpy(generator.uniform(0.03, 0.4, (1, 6, 14, 14)).astype(np.float32))
    scene = torch.nn.functional.interpolate(coarse, scale_factor=16, mode="bilinear")
    scene = scene * (1 + 0.05 * torch.from_numpy(generator.standard_normal(scene.shape).astype(np.float32)))
    with torch.inference_mode():
        whole = net(scene)[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
        side = 32 + 2 * MARGIN
        corner = net(scene[..., STRIDE : STRIDE + side, STRIDE : STRIDE + side])
    inner = slice(STRIDE, STRIDE + 32)
    torch.testing.assert_close(corner[..., MARGIN:-MARGIN, MARGIN:-MARGIN], whole[..., inner, inner], atol=0.05, rtol=0)


@pytest.fixture
def recipe(monkeypatch):
    """The package ``scripts/landcover``, from which the bundled model was made."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from landcover import card, guards, network, sanity, scenes

    return SimpleNamespace(card=card, guards=guards, network=network, sanity=sanity, scenes=scenes)


@pytest.fixture
def pixel_net(recipe):
    """A training network whose batch normalisations have statistics, as after training."""
    torch.manual_seed(2)
    net = recipe.network.PixelNet(recipe.network.Recipe(width=16, decide=8, context=24, narrow=6)).eval()
    for name, values in net.state_dict().items():
        if values.is_floating_point() and "norm" in name:
            values.uniform_(0.5, 1.5)
    return net


def guarded(recipe, net, image):
    """Logits (cells, classes) of a training network, with what the guards add."""
    features = recipe.network.pixel_features(Pyramid(), image)
    return net(features) + recipe.guards.guard_logits(features[:, : len(BANDS)])


def test_folding_the_normalisations_changes_no_logit(recipe, pixel_net):
    """Images of a repeated pattern of 2 × 2 pixels: all levels are constant, so that interpolating them is exact."""
    images = torch.rand(12, 6, 2, 2).mul(torch.rand(12, 1, 1, 1)).repeat(1, 1, 16, 16)
    with torch.inference_mode():
        expected = torch.stack([guarded(recipe, pixel_net, image[None]) for image in images])
        actual = pixel_net.export()(images)[:, :, ::2, ::2].flatten(2).transpose(1, 2)
    assert expected.std(0).min() > 0.01
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


def test_on_images_the_networks_nearly_agree(recipe, pixel_net):
    """One interpolates normalised differences, the other the means that they are computed from."""
    image = torch.rand(1, 6, 64, 96) * 0.5
    image[..., :7, :9] = 0.0  # no data
    with torch.inference_mode():
        expected = guarded(recipe, pixel_net, image).T
        actual = pixel_net.export()(image)[0, :, ::2, ::2].flatten(1)
    assert (actual - expected).abs().max() < 0.1 * expected.std(1).min()


def test_the_bundled_model_is_the_recipes(recipe):
    bundled = load_model("landcover")
    metrics = {key: value for key, value in bundled.card.metrics.items() if key != "protocol"}
    made = recipe.card.make_card(metrics, recipe.network.Recipe(), bundled.card.value_percentiles)
    for field in set(ModelCard.model_fields) - {"weights", "test_vector", "bytes_per_pixel", "item"}:
        assert getattr(made, field) == getattr(bundled.card, field), field
    exported = recipe.network.PixelNet(recipe.network.Recipe()).export().state_dict()
    shapes = {name: value.shape for name, value in without_temperature(bundled.module()).state_dict().items()}
    assert {name: value.shape for name, value in exported.items()} == shapes


def plain_images(count):
    """Uniform images (count, 6, 16, 16) of random spectra, and their NDVI and MNDWI (count,)."""
    spectra = np.exp(np.random.default_rng(7).uniform(np.log(0.01), np.log(0.5), (count, 6))).astype(np.float32)
    _, green, red, nir, swir, _ = spectra.T
    return (
        np.tile(spectra[:, :, None, None], (1, 1, 16, 16)),
        (nir - red) / (nir + red),
        (green - swir) / (green + swir),
    )


def test_what_the_indices_rule_out_is_not_on_the_map():
    """Random spectra, most of them like nothing that the network has seen; limits wider than those of real scenes."""
    images, ndvi, mndwi = plain_images(600)
    classes = predict(images)[:, 8, 8]
    water, tree = (classes == [c.name for c in LAND_COVER].index(name) for name in ("water", "tree"))
    settled = (mndwi > 0.3) & (images[:, 1, 0, 0] < 0.2) & (images[:, 1, 0, 0] > 0.03)
    assert min((mndwi < -0.2).sum(), (ndvi < 0.2).sum(), settled.sum()) > 50
    assert (water & (mndwi < -0.3)).sum() <= 0.05 * water.sum()
    assert (tree & (ndvi < 0.15)).sum() <= 0.05 * tree.sum()
    assert water[settled].mean() > 0.95


def test_guards_are_units_of_the_network(recipe, pixel_net):
    """Whatever was learned, they add the same to the logits."""
    images = torch.from_numpy(plain_images(20)[0])
    net = pixel_net.export()
    with torch.inference_mode():
        guarded = net(images)[:, :, 0, 0]
        net.head.weight[:, -recipe.guards.DECIDE :] = 0
        added = guarded - net(images)[:, :, 0, 0]
        expected = recipe.guards.guard_logits(torch.log1p(images[:, :, 0, 0] / 0.01))
    assert expected.abs().amax(0)[[0, 5]].min() > 10
    assert (expected[:, 1:5] == 0).all()
    torch.testing.assert_close(added, expected, atol=1e-3, rtol=1e-4)


def test_cells_with_pixels_without_data_have_none(recipe):
    image = np.random.default_rng(1).uniform(0.1, 0.5, (6, 7, 8)).astype(np.float32)
    image[2, 3, 5] = 0
    coarse = recipe.scenes.shrink(image, 2)
    assert coarse.shape == (6, 3, 4)
    assert (coarse[:, 1, 2] == 0).all()
    np.testing.assert_allclose(coarse[:, 2, 1], image[:, 4:6, 2:4].mean((1, 2)), rtol=1e-6)
    assert np.count_nonzero(coarse.min(0)) == 11


def test_maps_of_real_scenes_agree_with_the_indices(recipe, shared_data):
    """At 10, 20 and 30 m, within the limits of ``scripts/landcover/sanity.py``."""
    net = load_model("landcover").module()
    scenes = recipe.scenes.read_scenes(shared_data / "scenes")
    if not scenes:
        pytest.skip("no Sentinel-2 scenes with all bands")
    for scene in scenes:
        for size in scene.sizes:
            image = scene.at(size)
            shares = recipe.sanity.shares(image, recipe.scenes.probabilities(net, image).argmax(0).numpy())
            assert not recipe.sanity.broken(shares), (scene.name, size, shares)


def test_the_recipe_starts():
    pytest.importorskip("sklearn")
    command = [sys.executable, str(SCRIPTS / "train_landcover.py"), "--help"]
    assert "--folds" in subprocess.run(command, check=True, capture_output=True, text=True).stdout


def predict(images):
    """Classes of reflectance (n, 6, h, w) by the bundled model."""
    model = load_model("landcover")
    affine = card_transforms(model.card.value_scaling, len(BANDS))
    return Predictor(model, affine, Execution()).classify(images * np.float32(10000))[0]


def test_the_bundled_model_is_whole_small_and_honest():
    model = load_model("landcover")
    assert any("checksum verified" in line for line in check_model(model))
    assert sum(path.stat().st_size for path in model.folder.iterdir()) < 6e6
    card = model.card
    assert tuple(band.name for band in card.bands) == BANDS
    assert card.classes == LAND_COVER
    assert any("WorldCover" in line for line in card.attribution)
    assert len(card.known_failures) >= 4
    assert "scripts/train_landcover.py" in card.description
    assert len(card.metrics["miou_by_fold"]) == 5
    assert set(card.metrics["per_class"]) == {c.name for c in LAND_COVER}
    assert np.isclose(np.mean(card.metrics["miou_by_fold"]), card.metrics["miou"], atol=1e-3)


def test_plain_surfaces_are_what_they_are():
    """Uniform windows of typical spectra; what needs its surroundings to be told is not asked."""
    spectra = {"tree": (0.017, 0.030, 0.019, 0.235, 0.095, 0.042), "water": (0.058, 0.074, 0.052, 0.020, 0.008, 0.005)}
    for name, spectrum in spectra.items():
        image = np.broadcast_to(np.float32(spectrum)[:, None, None], (1, 6, 64, 64)).copy()
        found = np.bincount(predict(image).ravel(), minlength=6)
        assert LAND_COVER[int(found.argmax())].name == name


def test_gain_and_offset_cost_little(shared_data):
    """On some of its training tiles: what it loses when the same places are seen a little brighter, darker, noisier."""
    folder = shared_data / "landcover-hls"
    with (folder / "clusters.csv").open(encoding="utf-8") as lines:
        tiles = [int(row["tile"]) for row in csv.DictReader(lines)][::16]
    images, labels = [], []
    for tile in tiles:
        with rasterio.open(folder / "images" / f"{tile}.tif") as source:
            bands = [source.descriptions.index(band) + 1 for band in BANDS]
            images.append(source.read(bands).astype(np.float32) * np.float32(1e-4))
        with rasterio.open(folder / "labels" / f"{tile}.tif") as source:
            labels.append(source.read(1))
    images, labels = np.stack(images), np.stack(labels)
    known = labels < 6

    def agreement(changed):
        return (predict(changed) == labels)[known].mean()

    plain = agreement(images)
    assert plain > 0.7
    noise = np.random.default_rng(0).normal(0, 0.003, images.shape).astype(np.float32)
    for changed in (images * np.float32(1.1), images * np.float32(0.9), images + np.float32(0.005), images + noise):
        assert agreement(changed) > plain - 0.05
