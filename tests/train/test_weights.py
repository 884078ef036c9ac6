"""Weights of others: fitted by name and shape, read without running code."""

from __future__ import annotations

import functools
import http.server
import pickle
import threading

import pytest
import torch
from safetensors.torch import save_file

from geoseg.errors import ModelError, OptionError
from geoseg.train.weights import adapt_first, fit_state, load_weights, read_state

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


def test_what_does_not_fit_is_one_line(unet, tmp_path):
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"do not fit encoder 'resnet18': 0% of its tensors"):
        load_weights(unet(), "resnet18", str(tmp_path / "w.safetensors"), BANDS)
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
