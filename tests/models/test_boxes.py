"""Detectors are torchvision's: the same names and answers, with any bands; cards that ask for more are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from geoseg.classes import MapClass
from geoseg.errors import ModelError
from geoseg.models import BandSpec, Model, ModelCard
from geoseg.models.boxes.network import build_detector
from geoseg.models.boxes.predictor import BoxPredictor
from geoseg.models.card.boxes import BoxHeads
from geoseg.models.card.card import card_with
from geoseg.models.inference.execution import Execution

CLASSES = (MapClass(0, "background", "#777777"), MapClass(1, "tree", "#117733"), MapClass(2, "car", "#aa3300"))


def card_of(kind="faster-rcnn", encoder="resnet18", bands=3, **heads):
    return ModelCard(
        name="detector",
        architecture=f"torchvision:{kind}",
        hyperparameters={
            "encoder": encoder,
            "kwargs": {"norm": "frozen", "anchors": [32.0, 64.0, 128.0, 256.0, 512.0]},
        },
        bands=[BandSpec(name=f"b{number}") for number in range(bands)],
        classes=CLASSES,
        boxes=BoxHeads(masks=kind == "mask-rcnn", **heads),
        stride=32,
        margin=32,
        min_window=32,
    )


def test_a_detector_answers_as_torchvisions_own_with_the_same_weights():
    from torchvision.models.detection import FasterRCNN
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

    torch.manual_seed(0)
    theirs = FasterRCNN(
        resnet_fpn_backbone(backbone_name="resnet18", weights=None), 3, min_size=96, max_size=96, image_mean=[0.0] * 3,
        image_std=[1.0] * 3, box_score_thresh=0.0, box_detections_per_img=50,
    ).eval()  # fmt: skip
    ours = build_detector(card_of(limit=50, least_score=0.0)).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.rand(1, 3, 96, 96)
    with torch.inference_mode():
        (expected,), (found,) = theirs(list(x)), ours(x)
    assert len(expected["boxes"]) == 50
    for name in ("boxes", "scores", "labels"):
        torch.testing.assert_close(found[name], expected[name])


@pytest.mark.parametrize(("kind", "encoder"), [("retinanet", "mobilenet_v3_small"), ("fcos", "mobilenet_v2")])
def test_detectors_take_any_number_of_bands(kind, encoder):
    card = card_of(kind, encoder, bands=5, limit=20, least_score=0.0)
    torch.manual_seed(0)
    network = build_detector(card)
    with torch.no_grad():
        network.head.classification_head.cls_logits.bias[0::3] = -10  # the background, which training makes rare
    model = Model(card, module=network)
    data = np.random.default_rng(0).random((5, 64, 96)).astype(np.float32)
    valid = np.ones((64, 96), bool)
    predictor = BoxPredictor(model, [(1.0, 0.0)] * 5, Execution(), 20)
    found = predictor.find(data, valid)
    assert 0 < len(found.boxes) <= 20
    assert (found.boxes[:, 2:] <= [64, 96]).all()
    assert (found.boxes >= 0).all()
    assert set(found.classes.tolist()) <= {1, 2}
    # What invalid pixels hold does not matter.
    valid[:, :40] = False
    hidden = [predictor.find(np.where(valid, data, value).astype(np.float32), valid) for value in (0.5, 9e9)]
    np.testing.assert_array_equal(hidden[0].boxes, hidden[1].boxes)
    # Damaged weights are told, not taken for an empty place.
    with torch.no_grad():
        next(model._given.parameters())[0] = torch.nan
    with pytest.raises(ModelError, match="not finite"):
        BoxPredictor(model, [(1.0, 0.0)] * 5, Execution(), 20)


@pytest.mark.parametrize(
    ("hyperparameters", "architecture", "match"),
    [
        ({"encoder": "vit_b_16"}, None, "not one for boxes"),
        ({"encoder": ["resnet18"]}, None, "not one for boxes"),
        ({"encoder": "resnet18", "kwargs": {"weights": "DEFAULT"}}, None, "may hold anchors, norm and width"),
        ({"encoder": "resnet18", "kwargs": {"norm": "eval"}}, None, "norm 'eval' is unknown"),
        ({"encoder": "resnet18", "kwargs": {"anchors": [1, 2]}}, None, "anchors must be 5 sides"),
        ({"encoder": "resnet18", "kwargs": {"anchors": [1, 2, 3, 4, 1e9]}}, None, "anchors must be 5 sides"),
        ({"encoder": "resnet18"}, "torchvision:ssd", "is unknown"),
        ({"encoder": "resnet18"}, "torchvision:mask-rcnn", "contradicts"),
    ],
)
def test_cards_that_ask_for_more_are_refused(hyperparameters, architecture, match):
    card = card_of()
    card = card_with(card, hyperparameters=hyperparameters, architecture=architecture or card.architecture)
    with pytest.raises(ModelError, match=match):
        build_detector(card)


@pytest.mark.parametrize("kind", ["faster-rcnn", "retinanet", "fcos"])
def test_coordinates_keep_their_precision_in_mixed_precision(kind):
    """In bf16 a coordinate beyond 256 is a multiple of 2, which torchvision would round even the labels to."""
    torch.manual_seed(0)
    network = build_detector(small_card(kind)).train()
    anchors, places = [], []
    network.get_submodule(
        "rpn.anchor_generator" if kind == "faster-rcnn" else "anchor_generator"
    ).register_forward_hook(lambda _module, _inputs, output: anchors.append(output[0]))
    if kind == "faster-rcnn":
        network.roi_heads.box_roi_pool.register_forward_pre_hook(lambda _module, inputs: places.append(inputs[1][0]))
    box = torch.tensor([[290.3, 10.6, 309.1, 37.2]])
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled), torch.no_grad():
            network(torch.rand(1, 3, 64, 320), [{"boxes": box, "labels": torch.tensor([1])}])
    assert torch.equal(*anchors)
    assert anchors[1].dtype == torch.float32
    # The labels are among what the second stage learns from.
    assert all((boxes == box).all(1).any() for boxes in places)


def small_card(kind, width=64, norm="batch"):
    card = card_of(kind, "mobilenet_v3_small", limit=20, least_score=0.0)
    kwargs = {"anchors": [8.0, 16.0, 32.0, 64.0, 128.0], "norm": norm, "width": width}
    return card_with(card, hyperparameters=card.hyperparameters | {"kwargs": kwargs})


@pytest.mark.parametrize(("norm", "alone"), [("instance", True), ("batch", False)])
def test_with_instance_normalisation_a_window_is_seen_alike_beside_any_other(norm, alone):
    torch.manual_seed(0)
    backbone = build_detector(small_card("fcos", norm=norm)).backbone.train()
    one, others = torch.rand(1, 3, 64, 64), (torch.zeros(1, 3, 64, 64), 5 * torch.rand(1, 3, 64, 64))
    with torch.no_grad():
        first, second = ([level[0] for level in backbone(torch.cat([one, two])).values()] for two in others)
    assert all(torch.allclose(a, b, atol=1e-4) == alone for a, b in zip(first[:3], second[:3], strict=True))
    assert all(level.std() > 0 for level in first[:2])


def test_a_window_of_one_coarse_pixel_is_searched():
    """Normalised over itself, a single value is 0."""
    network = build_detector(small_card("fcos", norm="instance")).eval()
    assert len(network(torch.rand(1, 3, 32, 32))[0]["boxes"]) <= 20
    norms = (module for module in network.backbone.modules() if isinstance(module, torch.nn.GroupNorm))
    norm = next(module for module in norms if module.num_groups == module.num_channels)
    values = torch.rand(1, norm.num_channels, 1, 1)
    torch.testing.assert_close(norm(values).flatten(), norm.bias, atol=1e-4, rtol=0)
    pair = torch.rand(1, norm.num_channels, 3, 2)
    mean, spread = pair.mean((2, 3), keepdim=True), pair.var((2, 3), unbiased=False, keepdim=True)
    torch.testing.assert_close(norm(pair), (pair - mean) / (spread + norm.eps).sqrt())


@pytest.mark.parametrize("kind", ["faster-rcnn", "fcos"])
def test_narrow_pyramids_have_the_channels_of_their_card(kind):
    network = build_detector(small_card(kind))
    x = torch.rand(1, 3, 64, 64)
    assert {one.shape[1] for one in network.backbone(x).values()} == {64}
    assert len(network.eval()(x)[0]["boxes"]) <= 20
    with pytest.raises(ModelError, match="width must be one of 64, 128, 256, got 100"):
        build_detector(small_card(kind, 100))
