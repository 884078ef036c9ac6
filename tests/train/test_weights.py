"""Weights of others: fitted by name and shape, read without running code."""

from __future__ import annotations

import functools
import http.server
import pickle
import sys
import threading
import types

import pytest
import torch
from safetensors.torch import save_file

from geoseg.errors import ModelError, OptionError
from geoseg.train.start.weight_matching import adapt_first, fit_state
from geoseg.train.start.weights import load_weights, read_state

BANDS = ("blue", "green", "red", "nir")


@pytest.fixture(scope="module")
def unet():
    import segmentation_models_pytorch as smp

    def make(bands=4, seed=0):
        torch.manual_seed(seed)
        return smp.Unet("resnet18", encoder_weights=None, in_channels=bands, classes=3)

    return make


@pytest.mark.parametrize("prefix", ["", "module.", "state.model.", "backbone."])
@pytest.mark.parametrize("whole", [True, False])
def test_tensors_are_found_under_any_prefix(unet, prefix, whole):
    source, target = unet(seed=1), unet(seed=2)
    part = source if whole else source.encoder
    state = {prefix + name: value for name, value in part.state_dict().items()}
    fitted, share = fit_state(target, state, BANDS)
    assert share == 1
    wanted = source.state_dict()
    for name, value in fitted.items():
        assert torch.equal(value, wanted[name])
    assert len(fitted) == (len(wanted) if whole else len(source.encoder.state_dict()))


def test_timm_weights_fit_smp_encoders_of_timm():
    import segmentation_models_pytorch as smp
    import timm

    source = timm.create_model("mobilenetv3_small_050", pretrained=False)
    target = smp.Unet("tu-mobilenetv3_small_050", encoder_weights=None, in_channels=5, classes=2)
    _, share = fit_state(target, source.state_dict(), ("a", "b", "c", "d", "e"))
    assert share == 1


def test_first_convolution_goes_by_the_names_of_bands():
    kernel = torch.randn(8, 3, 3, 3)
    found = adapt_first(kernel, BANDS)
    for band, channel in (("red", 0), ("green", 1), ("blue", 2)):
        assert torch.allclose(found[:, BANDS.index(band)], kernel[:, channel] * 3 / 4)
    assert torch.allclose(found[:, 3], kernel.mean(1) * 3 / 4)
    # A grey image gives the same activations whatever the number of bands.
    grey = torch.ones(1, 1, 5, 5)
    before = torch.nn.functional.conv2d(grey.expand(1, 3, 5, 5), kernel)
    after = torch.nn.functional.conv2d(grey.expand(1, 4, 5, 5), found)
    assert torch.allclose(before, after, atol=1e-5)
    assert adapt_first(torch.randn(8, 12, 3, 3), BANDS).shape == (8, 4, 3, 3)


SENTINEL2 = ("coastal", "blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir", "nir08", "nir09")


@pytest.mark.parametrize(("channels", "last"), [(13, ("cirrus", "swir16", "swir22")), (12, ("swir16", "swir22"))])
def test_channels_of_sentinel2_weights_go_to_the_bands_of_their_names(channels, last):
    order = (*SENTINEL2, *last)
    kernel = torch.randn(4, channels, 3, 3)
    bands = ("swir16", "nir", "green", "elevation")
    found = adapt_first(kernel, bands) * len(bands) / channels
    for i, band in enumerate(bands[:3]):
        assert torch.allclose(found[:, i], kernel[:, order.index(band)], atol=1e-6)
    assert torch.allclose(found[:, 3], kernel.mean(1), atol=1e-6)
    # Bands of other names stay in order, unless the order of the weights is known.
    plain = tuple(f"band{i}" for i in range(channels))
    assert torch.equal(adapt_first(kernel, plain), kernel)
    assert torch.allclose(adapt_first(kernel, plain[::-1], plain), kernel.flip(1), atol=1e-6)


def test_equal_channels_go_by_name_too(unet):
    source, target = unet(3, seed=1), unet(3, seed=2)
    load = dict(source.state_dict())
    fitted, _ = fit_state(target, load, ("blue", "green", "red"))
    assert torch.allclose(fitted["encoder.conv1.weight"], load["encoder.conv1.weight"].flip(1))


@pytest.mark.parametrize("prefix", ["", "module.encoder_q.", "backbone."])
def test_encoders_as_torchgeo_has_them(unet, tmp_path, prefix):
    import timm

    source = timm.create_model("resnet18", in_chans=13, num_classes=0)
    state = {prefix + name: value for name, value in source.state_dict().items()}
    state |= {"queue": torch.zeros(128, 8), "module.encoder_k.fc.weight": torch.zeros(3, 3)}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "moco.pth")
    target = unet(4, seed=2)
    said = load_weights(target, "resnet18", str(tmp_path / "moco.pth"), BANDS)
    wanted = source.conv1.weight[:, [1, 2, 3, 7]] * 13 / 4
    assert torch.allclose(target.encoder.conv1.weight, wanted, atol=1e-6)
    assert torch.equal(target.encoder.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
    assert said.startswith("weights moco.pth: 100 of 100 encoder tensors loaded, 120 of 122 in all; 13 input channels")
    assert said.endswith("taken as Sentinel-2 L1C: blue, green, red, nir by name")


def test_names_of_torchgeo_say_their_bands(unet, tmp_path, monkeypatch):
    """Entries and names of layers as in torchgeo 0.8.1, where 7 and 9 channels have several orders."""
    import timm

    entries = {
        "ResNet18_Weights.LANDSAT_OLI_SR_MOCO": [f"SR_B{i}" for i in range(1, 8)],
        "ResNet18_Weights.LANDSAT_TM_TOA_MOCO": [f"B{i}" for i in range(1, 8)],
        "ResNet18_Weights.SENTINEL2_SI_MS_SATLAS": ["B04", "B03", "B02", "B05", "B06", "B07", "B08", "B11", "B12"],
    }
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    networks, listed = {}, {}
    for name, bands in entries.items():
        networks[name] = timm.create_model("resnet18", in_chans=len(bands))
        torch.save(networks[name].state_dict(), tmp_path / "hub" / "checkpoints" / f"{name}.pth")
        meta = {"in_chans": len(bands), "model": "resnet18", "bands": bands}
        listed[name] = types.SimpleNamespace(url=f"https://hf.co/torchgeo/x/resolve/1/{name}.pth", meta=meta)
    module = types.SimpleNamespace(get_weight=listed.__getitem__)
    monkeypatch.setitem(sys.modules, "torchgeo", types.SimpleNamespace(models=module))
    monkeypatch.setitem(sys.modules, "torchgeo.models", module)
    for name, order in zip(entries, ([1, 2, 3, 4], [0, 1, 2, 3], [2, 1, 0, 6]), strict=True):
        target, source = unet(4, seed=2), networks[name]
        said = load_weights(target, "resnet18", name, BANDS)
        wanted = source.conv1.weight[:, order] * len(entries[name]) / 4
        assert torch.allclose(target.encoder.conv1.weight, wanted, atol=1e-6)
        assert torch.equal(target.encoder.layer4[1].conv2.weight, source.layer4[1].conv2.weight)
        assert said.endswith("taken as torchgeo lists them: blue, green, red, nir by name")
    file = tmp_path / "hub" / "checkpoints" / "ResNet18_Weights.LANDSAT_TM_TOA_MOCO.pth"  # which states no bands
    said = load_weights(unet(7, seed=2), "resnet18", str(file), (*BANDS, "swir16", "swir22", "lwir"))
    assert said.endswith("; 7 input channels taken in their order")


def test_bands_of_a_card_beside_the_file_are_known(unet, tmp_path):
    from geoseg.classes import MapClass
    from geoseg.models import BandSpec, ModelCard, save_model

    source = unet(3, seed=1)
    card = ModelCard(
        name="own", architecture="Unet", bands=[BandSpec(name=n) for n in ("nir", "red", "green")],
        classes=[MapClass(i, n, "#00000" + str(i)) for i, n in enumerate("abc")], stride=32, margin=32, min_window=32,
    )  # fmt: skip
    save_model(tmp_path / "own", card, source, encoder="resnet18")
    target = unet(3, seed=2)
    said = load_weights(target, "resnet18", str(tmp_path / "own" / "weights.safetensors"), ("green", "red", "nir"))
    assert "taken as its card has them: green, red, nir by name" in said
    assert torch.allclose(target.encoder.conv1.weight, source.encoder.conv1.weight.flip(1), atol=1e-6)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of the hub without network: ``hub(repository, revision, state)`` puts weights into it."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def put(repository, revision, state):
        folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        (folder / "snapshots" / revision).mkdir(parents=True)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(revision)
        save_file({n: v.contiguous() for n, v in state.items()}, folder / "snapshots" / revision / "model.safetensors")
        (folder / "snapshots" / revision / "config.json").write_text("{}")

    return put


@pytest.mark.parametrize("name", ["resnet18.a1_in1k", "timm/resnet18.a1_in1k"])
def test_networks_of_timm_are_found_by_name_in_the_cache(unet, hub, name):
    import timm

    source = timm.create_model("resnet18")
    hub("timm/resnet18.a1_in1k", "0" * 40, source.state_dict())
    target = unet(4, seed=2)
    said = load_weights(target, "resnet18", name, BANDS)
    assert torch.equal(target.encoder.layer1[0].conv1.weight, source.layer1[0].conv1.weight)
    assert said.startswith(f"weights {name}: 100 of 100 encoder tensors loaded")
    assert said.endswith("3 input channels taken as RGB: blue, green, red by name; nir got their mean")


def test_names_of_smp_are_found_in_the_cache(unet, hub):
    from segmentation_models_pytorch.encoders import encoders

    settings = encoders["resnet18"]["pretrained_settings"]["imagenet"]
    source = unet(3, seed=1).encoder
    hub(settings["repo_id"], settings["revision"], source.state_dict())
    target = unet(4, seed=2)
    load_weights(target, "resnet18", "imagenet", BANDS)
    assert torch.equal(target.encoder.layer1[0].conv1.weight, source.layer1[0].conv1.weight)


@pytest.mark.parametrize(
    ("encoder", "name", "repository"),
    [
        ("resnet18", "imagenet", "smp-hub/resnet18.imagenet"),
        ("resnet18", "resnet18.a1_in1k", "timm/resnet18.a1_in1k"),
        ("tu-resnet18", "a1_in1k", "timm/resnet18.a1_in1k"),
    ],
)
def test_without_network_it_is_said_what_to_do(unet, hub, encoder, name, repository):
    with pytest.raises(ModelError, match="cannot be downloaded") as caught:
        load_weights(unet(), encoder, name, BANDS)
    assert f"fetch model.safetensors of https://huggingface.co/{repository} on another machine" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["safetensors", "pth", "ckpt"])
def test_files_are_loaded(unet, tmp_path, kind):
    source, target = unet(3, seed=1), unet(4, seed=2)
    state = {name: value.contiguous() for name, value in source.encoder.state_dict().items()}
    path = tmp_path / f"w.{kind}"
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save({"epoch": 3, "state_dict": state} if kind == "ckpt" else state, path)
    said = load_weights(target, "resnet18", str(path), BANDS)
    assert "tensors loaded" in said
    assert torch.equal(target.encoder.layer1[0].conv1.weight, source.encoder.layer1[0].conv1.weight)


def test_pickles_with_code_are_refused_and_run_nothing(unet, tmp_path):
    flag = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (open, (str(flag), "w"))

    path = tmp_path / "evil.pth"
    torch.save({"w": Evil()}, path)
    with pytest.raises(ModelError, match=r"refused|cannot be read"):
        load_weights(unet(), "resnet18", str(path), BANDS)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelError):
        read_state(tmp_path / "plain.pth")
    assert not flag.exists()


def test_what_does_not_fit_is_one_line(unet, tmp_path, monkeypatch):
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"do not fit encoder 'resnet18': 0 % of its tensors"):
        load_weights(unet(), "resnet18", str(tmp_path / "w.safetensors"), BANDS)
    with pytest.raises(ModelError, match=r"\(0 of 100\); name their encoder"):
        load_weights(unet(), "resnet18", str(tmp_path / "w.safetensors"), BANDS)
    monkeypatch.setitem(sys.modules, "torchgeo.models", None)
    with pytest.raises(ModelError, match=r"SENTINEL2_ALL_MOCO: is a name of torchgeo, which is not installed here"):
        load_weights(unet(), "resnet18", "ResNet18_Weights.SENTINEL2_ALL_MOCO", BANDS)
    with pytest.raises(ModelError, match="no such file"):
        load_weights(unet(), "resnet18", "gone.pth", BANDS)
    with pytest.raises(OptionError, match="it has imagenet, ssl, swsl"):
        load_weights(unet(), "resnet18", "imagenett", BANDS)
    (tmp_path / "w.pth").write_bytes(b"rubbish")
    with pytest.raises(ModelError, match="cannot be read"):
        load_weights(unet(), "resnet18", str(tmp_path / "w.pth"), BANDS)


def test_addresses_are_fetched_once(unet, tmp_path):
    state = {name: value.contiguous() for name, value in unet(seed=1).state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/w.safetensors"
    target = unet(seed=2)
    load_weights(target, "resnet18", address, BANDS)
    assert torch.equal(target.state_dict()["encoder.conv1.weight"], state["encoder.conv1.weight"])
    server.shutdown()
    server.server_close()
    load_weights(unet(), "resnet18", address, BANDS)
    with pytest.raises(ModelError, match="cannot be downloaded"):
        load_weights(unet(), "resnet18", address.replace("w.safe", "v.safe"), BANDS)
