"""A warning where windows are far larger than the training's and the network looks at all of a window."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp

from geoseg.models import Model
from geoseg.models.card.boxes import BoxHeads
from geoseg.models.card.card import card_with
from geoseg.models.card.training_window import _pooling, window_doubt
from geoseg.segment.plan import Options, make_plan

# Modules that average over their whole input.
POOLING = {"SqueezeExcite", "SEModule", "SqueezeExcitation", "AdaptiveAvgPool2d"}


def trained(card, window, **more):
    hyperparameters = {"encoder": "tu-mobilenetv3_small_100"} | more | {"training": {"window": window}}
    return card("small", bands=3, hyperparameters=hyperparameters)


@pytest.mark.parametrize(
    ("architecture", "encoder", "kwargs"),
    [
        ("Unet", "resnet18", {}),
        ("Unet", "mobilenet_v2", {}),
        ("Unet", "tu-mobilenetv4_conv_small_035", {}),
        ("Unet", "tu-mobilenetv3_small_050", {}),
        ("Unet", "efficientnet-b0", {}),
        ("Unet", "se_resnet50", {}),
        ("Unet", "resnet18", {"decoder_attention_type": "scse"}),
        ("DeepLabV3Plus", "resnet18", {}),
        ("PAN", "resnet18", {}),
        ("FPN", "resnet18", {}),
        ("Linknet", "resnet18", {}),
    ],
)
def test_networks_with_pooling_over_the_whole_input_are_known(card, architecture, encoder, kwargs):
    network = smp.create_model(architecture, encoder, encoder_weights=None, classes=2, **kwargs)
    modules = [type(module).__name__ for module in network.modules()]
    pools = bool(POOLING.intersection(modules))
    made = card("net").model_copy(
        update={"architecture": architecture, "hyperparameters": {"encoder": encoder, "kwargs": kwargs}}
    )
    assert (_pooling(made) is not None) == pools


@pytest.mark.parametrize(("norm", "pools"), [("instance", True), ("batch", False), ("frozen", False)])
def test_detectors_normalised_by_window_are_known(card, norm, pools):
    parts = {"encoder": "resnet18", "kwargs": {"norm": norm}}
    made = card("net").model_copy(update={"architecture": "torchvision:fcos", "hyperparameters": parts})
    assert (_pooling(made) is not None) == pools


@pytest.mark.parametrize(
    ("window", "more", "doubted"),
    [(256, {}, False), (288, {}, True), (1152, {"encoder": "resnet18"}, False), (288, {"training": None}, False)],
)
def test_far_larger_windows_are_told(card, window, more, doubted):
    made = trained(card, 128, **more)
    if "training" in more:
        made = card("small", bands=3, hyperparameters={"encoder": "tu-mobilenetv3_small_100"})
    text = window_doubt(made, window)
    assert (text is not None) == doubted
    if doubted:
        assert "trained on windows of 128 px, and its encoder mobilenetv3_small_100" in text
        assert "--window 256" in text


def test_a_plan_warns(identity_model, scene):
    model = identity_model(hyperparameters={"encoder": "efficientnet-b0", "training": {"window": 64}})
    raster = scene(600, 600)
    warned = [line for line in make_plan(raster, model, Options(window=512)).warnings if "was trained on" in line]
    assert len(warned) == 1
    assert not any("was trained on" in line for line in make_plan(raster, model, Options(window=128)).warnings)


@pytest.mark.parametrize(
    ("encoder", "trained", "side"), [("efficientnet-b0", 64, 128), ("efficientnet-b0", 100, 200), ("resnet18", 64, 600)]
)
def test_windows_are_chosen_without_doubt(identity_model, scene, encoder, trained, side):
    model = identity_model(hyperparameters={"encoder": encoder, "training": {"window": trained}})
    plan = make_plan(scene(600, 600), model, Options())
    assert max(plan.tiling.largest_read()) == side
    assert not any("was trained on" in line for line in plan.warnings)


@pytest.mark.parametrize(("encoder", "side"), [("mobilenet_v3_small", 384), ("resnet18", 512)])
def test_detectors_keep_to_it_too(identity_model, scene, encoder, side):
    """A detector's own windows are those of its card, unless they are far larger than the training's."""
    hyperparameters = {"encoder": encoder, "training": {"window": 192}}
    plain = identity_model(margin=64, hyperparameters=hyperparameters)
    card = card_with(plain.card, architecture="torchvision:fcos", boxes=BoxHeads(window=512))
    model = Model(card, module=plain.module())
    plan = make_plan(scene(900, 900), model, Options())
    assert max(plan.tiling.largest_read()) == side
    assert max(make_plan(scene(900, 900), model, Options(window=256)).tiling.largest_read()) == 256
