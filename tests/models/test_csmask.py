"""The networks of ukis-csmask: by the package itself where it is installed, and by a tiny stand-in of its layout."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")

from geoseg import load_model  # noqa: E402
from geoseg.errors import ContractError, ModelError  # noqa: E402
from geoseg.models.card.scaling import card_transforms  # noqa: E402
from geoseg.models.clouds import mapped  # noqa: E402
from geoseg.models.csmask import NAMES  # noqa: E402
from geoseg.models.inference.execution import Execution  # noqa: E402
from geoseg.models.inference.predictor import Predictor  # noqa: E402
from geoseg.raster import open_raster  # noqa: E402
from geoseg.segment.cloud_model import masked_by  # noqa: E402

BANDS = ["blue", "green", "red", "nir"]
MEANS, DEVIATIONS = [0.1, 0.2, 0.3, 0.4], [0.5, 0.25, 0.2, 0.1]
SCENES = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose network of four bands finds clouds where blue is above 0.6, shadows where nir is below 0.1."""
    folder = tmp_path / "ukis_csmask"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit('its code has run')")
    weights = np.zeros((3, 4, 1, 1), np.float32)
    weights[1, 0], weights[2, 3] = 100 * DEVIATIONS[0], -100 * DEVIATIONS[3]
    bias = np.array([0, 100 * (MEANS[0] - 0.6), 100 * (0.1 - MEANS[3])], np.float32)
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["input", "w", "b"], ["output"])], "net",
        [value("input", 1, ["batch_size", 4, 32, 32])], [value("output", 1, ["batch_size", 3, 32, 32])],
        [onnx.numpy_helper.from_array(weights, "w"), onnx.numpy_helper.from_array(bias, "b")],
    )  # fmt: skip
    stated = {
        "data": {"dataset_statistics": {"img": [MEANS, DEVIATIONS], "band_names": BANDS}, "target_size": [32, 32]},
        "model": {"version": "1.0.0-4BL2A"},
    }
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model_4b_l2a.onnx")
    (folder / "model_4b_l2a.json").write_text(json.dumps(stated))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "ukis_csmask", raising=False)
    return folder


def test_the_card_says_what_the_package_states(package):
    model = load_model("ukis-csmask-4b-l2a")
    card = model.card
    assert [band.name for band in card.bands] == BANDS
    assert [(s.mean, s.stddev) for s in card.value_scaling] == list(zip(MEANS, DEVIATIONS, strict=True))
    assert mapped(card) == {"clouds": (1,), "shadows": (2,)}
    assert (card.license, card.window) == ("Apache-2.0", 32)
    assert pickle.loads(pickle.dumps(model)) == model
    assert package.is_dir()


def test_clouds_and_shadows_are_missing_pixels(package, tmp_path):
    import rasterio

    rng = np.random.default_rng(0)
    reflectance = rng.uniform(0.15, 0.5, (4, 70, 90))
    cloud, shadow = np.zeros((2, 70, 90), bool)
    cloud[5:20, 5:40], shadow[40:60, 30:70] = True, True
    reflectance[0, cloud], reflectance[3, shadow] = 0.9, 0.02
    profile = {"driver": "GTiff", "count": 4, "height": 70, "width": 90, "dtype": "uint16", "crs": "EPSG:32633",
               "transform": rasterio.Affine(30, 0, 500_000, 0, -30, 5_000_000)}  # fmt: skip
    with rasterio.open(tmp_path / "a.tif", "w", **profile) as file:
        file.write(np.rint(reflectance * 10_000).astype("uint16"))
        file.descriptions = tuple(BANDS)
        file.scales = (1e-4,) * 4
    raster = masked_by(open_raster(tmp_path / "a.tif"), "ukis-csmask-4b-l2a")
    np.testing.assert_array_equal(raster.read(raster.box).valid, ~(cloud | shadow))
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.scales = (1.0,) * 4
    with pytest.raises(ContractError, match="--scale"):
        masked_by(open_raster(tmp_path / "a.tif"), "ukis-csmask-4b-l2a")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ukis-csmask", "several networks: name the one .*ukis-csmask-6b-l2a, ukis-csmask-6b-l1c, ukis-csmask-4b-l2a"),
        ("ukis-csmask-6b-l1c", r'pip install "geoseg\[csmask\]"'),
        ("ukis-csmask-4b-l2a", "does not say how ukis-csmask-4b-l2a is normalised"),
    ],
)
def test_what_is_missing_is_said(package, name, said):
    path = package / "model_4b_l2a.json"
    path.write_text(path.read_text().replace("0.25", "0"))
    with pytest.raises(ModelError, match=said):
        load_model(name)


@pytest.mark.slow  # four networks of 40 MB
@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_of_the_package(name):
    """On a real Sentinel-2 scene: the package's own normalisation and session, and geoseg's."""
    pytest.importorskip("ukis_csmask", reason="ukis-csmask is not installed")
    special = pytest.importorskip("scipy.special", reason="scipy is not installed")
    folder = SCENES / "scenes" / "sentinel2_l2a_sundarbans"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    from ukis_csmask.mask import CSmask

    model = load_model(name)
    bands = [band.name for band in model.card.bands]
    raster = open_raster(folder, scale=1 / 65_535).select(bands)
    pixels = raster.read(raster.box).data[:, 300:556, 20:276]
    reflectance = np.moveaxis(pixels / 65_535, 0, -1).astype(np.float32)
    package = CSmask(reflectance.copy(), bands, name[-3:])
    given = np.moveaxis(package.img, -1, 0)[None]
    theirs = special.softmax(package.session.run(None, {package.input_names: given})[0], axis=1)
    transforms = card_transforms(model.card.value_scaling, len(bands))
    execution = Execution(batch=1, runtime="onnx")
    ours = Predictor(model, transforms, execution).scores(np.moveaxis(reflectance, -1, 0)[None]).numpy()
    assert np.abs(ours - theirs).max() < 1e-4
    assert np.mean(ours.argmax(1)[0] == package.csm[..., 0]) > 0.99  # its map is blended of two windows
