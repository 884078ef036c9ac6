"""Folding layers into their neighbours changes no class."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from geoseg.models.optimize.fuse import fused
from geoseg.models.optimize.upsampling import fold_upsampling


def norms(module):
    return sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in module.modules())


def shaken(module):
    """Give batch normalisations the statistics of a trained network, not 0 and 1."""
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.2)
            layer.running_var.uniform_(0.5, 2)
    return module.eval()


def test_a_unet_loses_its_norms_and_keeps_its_logits():
    import segmentation_models_pytorch as smp

    net = shaken(
        smp.Unet("resnet18", encoder_weights=None, in_channels=3, classes=4, decoder_channels=(16, 16, 8, 8, 8))
    )
    x = torch.randn(1, 3, 64, 64)
    folded = fused(net, x)
    assert norms(net) == 30
    assert norms(folded) == 0
    with torch.inference_mode():
        other = torch.randn(2, 3, 96, 64)
        torch.testing.assert_close(folded(other), net(other), atol=1e-3, rtol=1e-3)


class Twice(torch.nn.Module):
    """The convolution's output goes round the normalisation as well: nothing may be folded."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(3, 3, 3, padding=1), torch.nn.BatchNorm2d(3)

    def forward(self, x):
        y = self.conv(x)
        return self.norm(y) + y


class Shared(torch.nn.Module):
    """One normalisation after two convolutions."""

    def __init__(self):
        super().__init__()
        self.one, self.two = torch.nn.Conv2d(3, 3, 1), torch.nn.Conv2d(3, 3, 1)
        self.norm = torch.nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(self.two(self.norm(self.one(x))))


class Picky(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(3)

    def forward(self, x):
        raise RuntimeError("not this size")


def test_what_cannot_be_folded_stays():
    x = torch.randn(1, 3, 8, 8)
    for net in (shaken(Twice()), shaken(Shared())):
        folded = fused(net, x)
        assert norms(folded) == 1
        with torch.inference_mode():
            assert torch.equal(folded(x), net(x))
    assert norms(fused(Picky().eval(), x)) == 1


@pytest.mark.parametrize("size", [(64, 64), (64, 96), (32, 32)])
@pytest.mark.parametrize(("attention", "folds"), [(None, 5), ("scse", 0)])
def test_upsampling_is_folded_where_nothing_stands_between(size, attention, folds):
    import segmentation_models_pytorch as smp

    torch.manual_seed(1)
    channels = (32, 24, 16, 16, 16)
    net = shaken(
        smp.Unet(
            "resnet18",
            encoder_weights=None,
            decoder_channels=channels,
            in_channels=2,
            classes=3,
            decoder_attention_type=attention,
        )
    ).double()
    x = torch.randn(2, 2, *size, dtype=torch.float64)
    with torch.no_grad():
        expected = net(x)
        assert fold_upsampling(net, x[:1]) == folds
        # In double precision nothing but a wrong kernel or border could differ by this much.
        torch.testing.assert_close(net(x), expected, atol=1e-9, rtol=1e-9)


def test_other_interpolations_stay():
    import segmentation_models_pytorch as smp

    net = smp.Unet("resnet18", encoder_weights=None, decoder_interpolation="bilinear").eval()
    with torch.no_grad():
        assert fold_upsampling(net, torch.randn(1, 3, 64, 64)) == 0


def test_a_normalisation_with_an_activation_of_its_own_is_folded_and_the_activation_stays():
    layers = pytest.importorskip("timm.layers")
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1, bias=False), layers.BatchNormAct2d(8),
        torch.nn.Conv2d(8, 4, 1, bias=False), layers.BatchNormAct2d(4, apply_act=False),
    )  # fmt: skip
    shaken(net)
    x = torch.randn(1, 3, 16, 16)
    folded = fused(net, x)
    assert norms(net) == 2
    assert norms(folded) == 0
    assert any(isinstance(layer, torch.nn.ReLU) for layer in folded.modules())
    torch.testing.assert_close(folded(x), net(x), rtol=1e-4, atol=1e-5)


def relus(module):
    return sum(type(layer) is torch.nn.ReLU for layer in module.modules())


def folded_and_plain(net, *shape):
    x = torch.randn(*shape).contiguous(memory_format=torch.channels_last)
    folded = fused(net, x, activations=True)
    with torch.inference_mode():
        return folded, folded(x), net(x)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")
@pytest.mark.parametrize("encoder", ["resnet18", "tu-mobilenetv4_conv_small_035"])
def test_relus_are_done_by_their_convolutions(encoder):
    import segmentation_models_pytorch as smp

    net = shaken(
        smp.Unet(encoder, encoder_weights=None, in_channels=3, classes=4, decoder_channels=(16, 16, 8, 8, 8))
    ).to(memory_format=torch.channels_last)
    folded, found, wanted = folded_and_plain(net, 1, 3, 64, 96)
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-3)
    assert relus(folded) < relus(net)
    if encoder != "resnet18":  # whose blocks use one ReLU twice
        # Those of the decoder's five first convolutions stand there still, and are not called.
        assert relus(folded) == 5
        assert not any(type(layer).__name__ == "BatchNormAct2d" for layer in folded.modules())


class Branch(torch.nn.Module):
    """The convolution's output is used before the ReLU and after it."""

    def __init__(self, inplace):
        super().__init__()
        self.conv, self.relu = torch.nn.Conv2d(3, 3, 3, padding=1), torch.nn.ReLU(inplace=inplace)
        self.last = torch.nn.Conv2d(3, 2, 1)

    def forward(self, x):
        y = self.conv(x)
        return self.last(y.clone() + self.relu(y))


class SharedReLU(torch.nn.Module):
    """One ReLU after two convolutions."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.relu = torch.nn.Conv2d(3, 3, 1), torch.nn.Conv2d(3, 3, 1), torch.nn.ReLU()

    def forward(self, x):
        return self.two(self.relu(self.one(x))) + self.relu(self.two(x))


@pytest.mark.parametrize("net", [Branch(inplace=False), Branch(inplace=True), SharedReLU()])
def test_a_relu_whose_input_is_needed_elsewhere_stays(net):
    folded, found, wanted = folded_and_plain(net.eval(), 1, 3, 16, 16)
    torch.testing.assert_close(found, wanted)
    assert relus(folded) == 1


def test_half_precision_keeps_its_relus(tiny_model):
    from geoseg.models import Execution
    from geoseg.models.inference.predictor import place

    exact = place(tiny_model, Execution("cpu", "fp32", channels_last=True))
    half = place(tiny_model, Execution("cpu", "bf16", channels_last=True))
    assert any(type(layer).__name__ == "_ConvReLU" for layer in exact.modules()) == torch.backends.mkldnn.is_available()
    assert not any(type(layer).__name__ == "_ConvReLU" for layer in half.modules())


@pytest.mark.parametrize("name", ["landcover", "spectral"])
def test_networks_that_are_not_smps_do_not_import_it(name):
    code = (
        "import sys, geoseg, torch; from geoseg.models.optimize.fuse import fused; "
        f"model = geoseg.load_model('{name}'); "
        "fused(model.module(), torch.rand(1, len(model.card.bands), 64, 64)); "
        "sys.exit('segmentation_models_pytorch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
