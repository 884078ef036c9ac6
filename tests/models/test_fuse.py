"""Folding batch normalisation changes no class."""

from __future__ import annotations

import torch

from geoseg.models.fuse import fused


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
