"""The network of the ``trees`` models, and the recipe that trains it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import geoseg
from geoseg.classes import MapClass
from geoseg.errors import ModelError
from geoseg.job import Options
from geoseg.models import BandSpec, ModelCard, ValueScaling, load_model, save_model
from geoseg.models.card.objects import ObjectHeads, ObjectKind
from geoseg.models.networks.green import APART, RADIUS, REACH, STRIDE, TREE_MARGIN, TreeNet
from geoseg.polygonize.objects import ObjectReading, label_objects

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

HEADS = ObjectHeads(kinds=(ObjectKind(name="tree", color="#00ff00", core=2, rim=1),), background=0, reach=REACH)
READING = ObjectReading.of_heads(HEADS)


class Given(torch.nn.Module):
    """Stands for the U-Net: the picture's first two bands are what it says of crowns and middles."""

    def forward(self, picture):
        return picture[:, :2]


def trees_of(crown, heat):
    """Logits of a network that says this of a picture: (3, h, w)."""
    net = TreeNet(3, widths=(8, 8)).eval()
    net.maps = Given()
    maps = np.stack([crown, heat, heat]).astype(np.float32)
    with torch.inference_mode():
        return net(torch.from_numpy(maps)[None])[0].numpy()


def write_scene(path, scene, side):
    """Write bands as a GeoTIFF with square pixels of a side in metres."""
    import rasterio
    from rasterio.transform import from_origin

    bands, height, width = scene.shape
    profile = {"width": width, "height": height, "count": bands, "dtype": "uint8", "crs": "EPSG:32611"}
    with rasterio.open(path, "w", driver="GTiff", transform=from_origin(5e5, 4e6, side, side), **profile) as out:
        out.write(scene)
        out.descriptions = ("red", "green", "blue", "nir")[:bands]


def card(bands=3, **kwargs):
    return ModelCard(
        name="net",
        architecture="geoseg:tree-net",
        hyperparameters={"kwargs": kwargs},
        bands=tuple(BandSpec(name=name) for name in ("red", "green", "blue", "nir")[:bands]),
        value_scaling=(ValueScaling(type="scale", value=255.0),) * bands,
        classes=tuple(MapClass(k, name, "#000000") for k, name in enumerate(("other", "tree rim", "tree core"))),
        objects=HEADS,
        stride=STRIDE,
        margin=TREE_MARGIN,
        resolution=(0.6, 1.0),
    )


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), spread=st.floats(1, 4))
def test_every_maximum_is_one_tree_and_every_tree_has_one(seed, spread):
    rng = np.random.default_rng(seed)
    crown, heat = (ndimage.gaussian_filter(rng.normal(size=(64, 80)), spread) * 8 * spread for _ in range(2))
    heat = heat.astype(np.float32)
    logits = trees_of(crown, heat)
    ids, kinds = label_objects(logits.argmax(0).astype(np.uint8), READING)
    top = ndimage.maximum_filter(heat, 2 * APART + 1, mode="constant", cval=-np.inf)
    rows, cols = np.nonzero((heat == top) & (heat > 0.02))
    assert len(kinds) == len(rows)
    assert set(ids[rows, cols].tolist()) == set(range(1, len(rows) + 1))
    # Nothing is a tree that no middle reaches, nor beyond crowns, but the cross around a middle.
    around = np.zeros(ids.shape, bool)
    around[rows, cols] = True
    assert not ((ids > 0) & ~(crown > 0) & ~ndimage.binary_dilation(around)).any()
    near = ndimage.binary_dilation(around, np.ones((2 * RADIUS + 1,) * 2))
    allowed = ((crown > 0) & near) | ndimage.binary_dilation(around)
    steps = ndimage.binary_dilation(around, mask=allowed, iterations=REACH)
    assert np.array_equal(ids > 0, steps)
    # All pixels of a tree are as sure as its middle, but where growths meet.
    sure = 1 - np.exp(logits[0] - np.logaddexp.reduce(logits.astype(np.float64), 0))
    expected = 1 / (1 + np.exp(-heat[rows, cols].astype(np.float64)))
    assert np.allclose(sure[rows, cols], expected, atol=0.01)


def test_a_canopy_is_shared_half_way():
    crown = np.full((32, 64), 5.0)
    heat = np.full((32, 64), -9.0)
    heat[16, 26], heat[16, 36] = 2.0, 0.5
    ids, _ = label_objects(trees_of(crown, heat).argmax(0).astype(np.uint8), READING)
    assert ids[16, 26] != ids[16, 36]
    assert (ids[16, 15:31] == ids[16, 26]).all()
    assert (ids[16, 32:48] == ids[16, 36]).all()
    assert (ids[16, 26 - RADIUS], ids[16, 26 - RADIUS - 1]) == (ids[16, 26], 0)
    assert (ids[8, 18], ids[7, 18]) == (ids[16, 26], 0)


@pytest.mark.parametrize("bands", [3, 4])
def test_it_packs_as_any_model_and_detect_finds_its_trees(tmp_path, bands):
    """The scene is cut into several windows; the result is that of the network on all of it."""
    torch.manual_seed(0)
    net = TreeNet(bands, widths=(8, 8)).eval()
    rng = np.random.default_rng(0)
    scene = ndimage.gaussian_filter(rng.normal(size=(bands, 160, 208)), (0, 3, 3))
    scene = ((scene - scene.min()) / np.ptp(scene) * 255).astype(np.uint8)
    with torch.no_grad():
        net.maps.head.weight *= 40
        crown, heat = net.maps(torch.from_numpy(scene[None]).float() / 255)[0]
        net.maps.head.bias -= torch.stack([crown.quantile(0.3), heat.mean()])
    save_model(tmp_path / "net", card(bands, widths=[8, 8]), net)
    write_scene(tmp_path / "scene.tif", scene, 0.6)
    model = load_model(tmp_path / "net")
    with torch.inference_mode():
        logits = model.module()(torch.from_numpy(scene[None]).float() / 255)[0]
    ids, kinds = label_objects(logits.argmax(0).to(torch.uint8).numpy(), READING)
    options = Options(device="cpu", precision="fp32", runtime="torch")
    objects = geoseg.detect(tmp_path / "scene.tif", model, score=0.5, options=options)
    assert len(kinds) > 20
    assert len(objects) == len(kinds)
    assert objects.area_m2.sum() == pytest.approx((ids > 0).sum() * 0.36, rel=0.01)
    assert objects.score.min() >= 0.5
    # The same places in finer pixels than the model was made for: it sees what it saw, and the trees are the same.
    write_scene(tmp_path / "fine.tif", scene.repeat(3, 1).repeat(3, 2), 0.2)
    fine = geoseg.detect(tmp_path / "fine.tif", model, score=0.5, options=options)
    assert len(fine) == len(objects)
    assert shapely.equals(fine.geometry.union_all(), objects.geometry.union_all())
    # Only a row of pixels that two trees reach at once is shared otherwise.
    assert np.allclose(np.sort(fine.geometry.area), np.sort(objects.geometry.area), rtol=0.2)


def test_arguments_it_does_not_have_are_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be built"):
        save_model(tmp_path / "net", card(depth=3), TreeNet(3))
    with pytest.raises(ModelError, match="needs the bands red, green, blue"):
        save_model(tmp_path / "net", card(2), TreeNet(2))


@pytest.fixture
def recipe(monkeypatch):
    """The package ``scripts/trees``."""
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from trees import baselines, labels, network, scores

    return SimpleNamespace(baselines=baselines, labels=labels, network=network, scores=scores)


def test_trees_are_paired_one_to_one(recipe):
    places, points = np.array([[0.0, 0], [1, 0], [50, 50]]), np.array([[0.0, 0], [0, 7], [90, 90]])
    # (0, 0) goes to its own point although (0, 7) is near enough, too; (1, 0) is farther than 7 from that.
    assert recipe.scores.paired(places, points, 6) == 1
    assert recipe.scores.paired(places, points, 8) == 2
    assert recipe.scores.paired(places[:0], points, 8) == 0
    found = [recipe.scores.Found(places, np.array([0.9, 0.2, 0.8]))]
    assert recipe.scores.scored(found, [points], 0.5, 8)["f1"] == pytest.approx(2 * 1 / 5)
    assert recipe.scores.best_score(found, [points], [0.1, 0.85], 6) == 0.85


def test_middles_are_bells_that_do_not_add_up(recipe):
    heat = recipe.labels.middles(np.array([[10.0, 20.0], [13.0, 20.0], [0.0, 0.0]]), (32, 40))
    assert heat[20, 10] == heat[20, 13] == heat[0, 0] == 1
    assert heat.max() == 1
    assert heat[20, 11] == pytest.approx(np.exp(-0.5 / recipe.labels.DEVIATION**2), abs=1e-6)
    assert heat[20, 30] == 0


def test_a_calibrated_network_has_its_threshold_at_a_half(recipe):
    torch.manual_seed(1)
    net = TreeNet(3, widths=(8, 8)).eval()
    x = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        before, after = net.maps(x), recipe.network.calibrated(net, -0.7, 2.5).maps(x)
    torch.testing.assert_close(after[:, 0], before[:, 0])
    torch.testing.assert_close(after[:, 1], (before[:, 1] + 0.7) * 2.5)


def test_the_recipe_runs_on_tiles_of_that_layout(recipe, tmp_path, monkeypatch, capsys):
    """Made-up towns: round trees on grey ground. A few steps, so nothing is learned; everything else is done."""
    import rasterio

    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:128, :128]
    for folder in ("images", "csv"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for number, city in enumerate(("bishop", "claremont", "riverside")):
        image, points = rng.integers(90, 120, (4, 128, 128)).astype(np.uint8), rng.integers(8, 120, (12, 2))
        for col, row in points:
            image[:, np.hypot(rows - row, cols - col) <= 5] = np.array([[50], [90], [45], [190]], np.uint8)
        name = f"{city}_2020_{number}"
        profile = {"driver": "GTiff", "width": 128, "height": 128, "count": 4, "dtype": "uint8"}
        with rasterio.open(tmp_path / "data" / "images" / f"{name}.tif", "w", **profile) as out:
            out.write(image)
        table = "x,y\n" + "".join(f"{col},{row}\n" for col, row in points)
        (tmp_path / "data" / "csv" / f"{name}.csv").write_text(table, encoding="utf-8")
    import train_trees

    arguments = [str(tmp_path / "data"), "-o", str(tmp_path / "trees"), "--folds", "--nir", "--steps", "2"]
    monkeypatch.setattr("sys.argv", ["train_trees.py", *arguments, "--work", str(tmp_path / "work")])
    train_trees.main()
    metrics = json.loads(capsys.readouterr().out)
    assert set(metrics["by_city"]) == {"bishop", "claremont", "riverside"}
    assert metrics["over_all"]["middles"]["within 6 px"]["trees"] == 36
    assert metrics["over_all"]["local maxima"]["within 6 px"]["f1"] > 0.6
    model = load_model(tmp_path / "trees")
    assert model.card.metrics["over_all"] == metrics["over_all"]
    # A second run takes labels and networks from there.
    assert len(list((tmp_path / "work").iterdir())) == 5
    train_trees.main()
    again = capsys.readouterr()
    assert json.loads(again.out) == metrics
    assert "step" not in again.err
