"""A U-Net that frees its features computes the same bits in less memory."""

from __future__ import annotations

import copy

import pytest
import segmentation_models_pytorch as smp
import torch

from geoseg.models.inference.memory_footprint import bytes_per_pixel
from geoseg.models.optimize.fuse import fused
from geoseg.models.optimize.unet_memory import free_features


def unet(encoder="resnet18", **kwargs):
    torch.manual_seed(0)
    return smp.Unet(encoder, encoder_weights=None, in_channels=4, classes=5, **kwargs).eval()


@pytest.mark.parametrize(
    "net",
    [
        unet(),
        unet(encoder_depth=3, decoder_channels=(32, 16, 8)),
        unet(decoder_attention_type="scse", decoder_interpolation="bilinear"),
        unet("vgg11", decoder_channels=(32, 24, 16, 12, 8)),  # has a center block
        unet("tu-mobilenetv4_conv_small_035", decoder_channels=(32, 24, 16, 12, 8)),
    ],
)
def test_the_same_bits(net):
    frugal = copy.deepcopy(net)
    assert free_features(frugal, torch.empty(0)) == 1
    with torch.inference_mode():
        for shape in ((1, 4, 64, 64), (2, 4, 96, 32)):
            x = torch.randn(shape)
            assert torch.equal(frugal(x), net(x))


def test_a_quarter_of_the_memory_is_saved():
    net = fused(unet(), torch.randn(1, 4, 64, 64), upsampling=False)
    held = copy.deepcopy(net)
    held.decoder = unet().decoder
    assert bytes_per_pixel(net, 4, 256) < 0.8 * bytes_per_pixel(held, 4, 256)
    folded, plain = fused(unet(), torch.randn(1, 4, 64, 64)), unet()
    assert bytes_per_pixel(folded, 4, 256) < 0.5 * bytes_per_pixel(plain, 4, 256)


@pytest.mark.parametrize(
    "net",
    [
        unet(aux_params={"classes": 2}),  # the second head takes the last of the features
        smp.UnetPlusPlus("resnet18", encoder_weights=None, in_channels=4, classes=5),
        torch.nn.Conv2d(4, 5, 1),
    ],
)
def test_another_network_is_left_alone(net):
    before = [type(layer) for layer in net.modules()]
    assert free_features(net, torch.empty(0)) == 0
    assert [type(layer) for layer in net.modules()] == before
