"""Model folders: what is written loads again, and nothing unsafe, damaged or foreign does."""

from __future__ import annotations

import json
import pickle
import socket
import threading

import pytest
import torch

from geoseg.errors import ModelError
from geoseg.models import Model, check_model, list_models, load_model, save_model
from tests.models.conftest import identity_model, make_card


class Bomb:
    """Code that would run if anything unpickled it."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code from a model file ran')",)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a model touched the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def edit(folder, change):
    path = folder / "model.json"
    item = json.loads(path.read_text())
    change(item)
    path.write_text(json.dumps(item))


def test_saved_weights_come_back(tiny_model, tiny_net, no_network):
    card = load_model(tiny_model.folder).card
    assert (card.stride, card.margin, card.min_window) == (32, 64, 32)
    assert card.weights.checksum.startswith("1220")
    assert card.weights.size == (tiny_model.folder / "weights.safetensors").stat().st_size
    loaded = tiny_model.module().state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in tiny_net.state_dict().items())
    assert not tiny_model.module().training
    assert not list(tiny_model.folder.glob("*.part"))


@pytest.mark.parametrize(
    ("arch", "encoder", "kwargs"),
    [
        ("FPN", "resnet18", {}),
        ("DeepLabV3+", "resnet18", {"decoder_channels": 32}),
        ("unet++", "timm-mobilenetv3_small_minimal_100", {}),
        ("Segformer", "mit_b0", {"decoder_segmentation_channels": 32}),
    ],
)
def test_architectures_of_smp(tmp_path, arch, encoder, kwargs, no_network):
    from geoseg.models.build import build_architecture
    from geoseg.models.card.card import card_with

    card = card_with(make_card(), architecture=arch, hyperparameters={"encoder": encoder, "kwargs": kwargs})
    net = build_architecture(card)
    model = save_model(tmp_path / "m", card, net)
    with torch.inference_mode():
        assert model.module()(torch.zeros(1, 3, 64, 64)).shape == (1, 6, 64, 64)


def test_weights_are_loaded_once_whatever_the_threads(tiny_model, monkeypatch):
    built = []
    build = Model._build
    monkeypatch.setattr(Model, "_build", lambda self: built.append(1) or build(self))
    modules = []
    threads = [
        threading.Thread(target=lambda: modules.append(load_model(tiny_model.folder).module())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(modules) == 4
    assert all(module is modules[0] for module in modules)
    assert len(built) <= 1


def test_a_pickled_model_is_a_reference(tiny_model):
    data = pickle.dumps(tiny_model)
    assert len(data) < 1000
    assert pickle.loads(data) == tiny_model
    edit(tiny_model.folder, lambda item: item["properties"].update(title="another"))
    with pytest.raises(ModelError, match="differs from the one that the work was planned with"):
        pickle.loads(data)


def test_a_model_made_from_a_module_travels_with_it():
    model = identity_model(module=torch.nn.Conv2d(3, 3, 1))
    again = pickle.loads(pickle.dumps(model))
    assert again.fingerprint == model.fingerprint
    assert again.fingerprint != identity_model(module=torch.nn.Conv2d(3, 3, 1)).fingerprint


def test_tampered_truncated_missing(tiny_model):
    weights = tiny_model.folder / "weights.safetensors"
    good = weights.read_bytes()
    damaged = bytearray(good)
    damaged[len(good) // 2] ^= 1
    weights.write_bytes(damaged)
    with pytest.raises(ModelError, match="checksum is not the card's"):
        load_model(tiny_model.folder).module()
    with pytest.raises(ModelError, match="checksum is not the card's"):
        load_model(tiny_model.folder).verify()
    weights.write_bytes(good[:-100])
    with pytest.raises(ModelError, match=r"is truncated: .* bytes, the card says"):
        load_model(tiny_model.folder)
    weights.unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors are missing"):
        load_model(tiny_model.folder)


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "last.ckpt", "pytorch_model.bin"])
def test_pickles_are_refused_and_never_opened(tiny_model, name):
    (tiny_model.folder / name).write_bytes(pickle.dumps(Bomb()))
    edit(tiny_model.folder, lambda item: item["assets"]["weights"].update(href=name))
    with pytest.raises(ModelError, match=r"can execute code when it is loaded.*convert it"):
        load_model(tiny_model.folder)
    (tiny_model.folder / "model.json").unlink()
    with pytest.raises(ModelError, match="refused"):
        load_model(tiny_model.folder)


def test_a_pickle_under_a_safe_name_is_not_unpickled(tiny_model):
    (tiny_model.folder / "weights.safetensors").write_bytes(pickle.dumps(Bomb()))
    edit(tiny_model.folder, lambda item: [item["assets"]["weights"].pop(key) for key in ("file:size", "file:checksum")])
    with pytest.raises(ModelError, match="is not a safetensors file"):
        load_model(tiny_model.folder).module()


@pytest.mark.parametrize(
    "href",
    ["../weights.safetensors", "/etc/w.safetensors", "a/../../w.safetensors", r"..\w.safetensors", "C:/w.safetensors"],
)
def test_weights_outside_the_folder_are_refused(tiny_model, href):
    (tiny_model.folder.parent / "weights.safetensors").write_bytes(b"")
    edit(tiny_model.folder, lambda item: item["assets"]["weights"].update(href=href))
    with pytest.raises(ModelError, match="outside the model folder"):
        load_model(tiny_model.folder)


def test_a_link_out_of_the_folder_is_refused(tiny_model, tmp_path):
    weights = tiny_model.folder / "weights.safetensors"
    weights.rename(tmp_path / "elsewhere.safetensors")
    try:
        weights.symlink_to(tmp_path / "elsewhere.safetensors")
    except OSError:
        pytest.skip("this platform lets nobody make links")
    with pytest.raises(ModelError, match="outside the model folder"):
        load_model(tiny_model.folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mlm:architecture": "Magic"}, "'Magic' is unknown: use one of Unet"),
        ({"mlm:hyperparameters": {"encoder": "tu-hf-hub:someone/model"}}, "is not a plain name"),
        ({"mlm:hyperparameters": {"encoder": "resnet1"}}, "cannot be built"),
        ({"mlm:hyperparameters": {}}, "must name one"),
        ({"mlm:hyperparameters": {"encoder": "resnet18"}}, "do not fit architecture"),
        (
            {"mlm:hyperparameters": {"encoder": "resnet18", "kwargs": {"encoder_weights": "imagenet"}}},
            "no argument 'encoder_weights'",
        ),
        (
            {"mlm:hyperparameters": {"encoder": "resnet18", "kwargs": {"activation": "softmax"}}},
            "no argument 'activation'",
        ),
    ],
)  # fmt: skip
def test_wrong_architectures(tiny_model, change, message, no_network):
    edit(tiny_model.folder, lambda item: item["properties"].update(change))
    with pytest.raises(ModelError, match=message) as caught:
        load_model(tiny_model.folder).module()
    assert "\n" not in str(caught.value)


def test_a_folder_that_could_not_be_loaded_is_never_written(tmp_path, tiny_net):
    with pytest.raises(ModelError, match="do not fit"):
        save_model(tmp_path / "m", make_card(), tiny_net, arch="Unet", encoder="resnet18")
    assert not (tmp_path / "m").exists()


def test_names(tiny_model, tmp_path, monkeypatch):
    assert "spectral" in [card.name for card in list_models()]
    assert load_model("spectral").ref == "spectral"
    monkeypatch.setenv("GEOSEG_MODELS", str(tmp_path))
    assert "tiny" in [card.name for card in list_models()]
    assert load_model("tiny") == load_model(tiny_model.folder) == load_model(tiny_model.folder / "model.json")
    with pytest.raises(ModelError, match=r"no model is called 'nothing': use one of .*landcover, spectral.* tiny"):
        load_model("nothing")
    with pytest.raises(ModelError, match="no model folder at"):
        load_model("./nothing")
    with pytest.raises(ModelError, match="is not a model folder"):
        load_model(tmp_path)
    with pytest.raises(ModelError, match="is a file, not a model folder"):
        load_model(tiny_model.folder / "weights.safetensors")


def test_a_broken_model_does_not_hide_the_others(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_MODELS", str(tmp_path))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.json").write_text("{")
    names = [card.name for card in list_models()]
    assert {"landcover", "spectral"} <= set(names)
    assert "broken" not in names
    with pytest.raises(ModelError, match="not valid JSON"):
        load_model("broken")


def test_a_card_without_weights_needs_a_builtin(tmp_path):
    make_card().write(tmp_path / "model.json")
    with pytest.raises(ModelError, match="names no weights"):
        load_model(tmp_path).module()


def test_check_model(tiny_model):
    lines = check_model(tiny_model.folder)
    assert [line.split(":")[0] for line in lines] == ["card", "weights", "architecture", "forward pass", "test vector"]
    assert "checksum verified" in lines[1]
    assert "reproduced" in lines[4]
    assert len(check_model("spectral")) == 4
    (tiny_model.folder / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="is truncated"):
        check_model(tiny_model.folder)
