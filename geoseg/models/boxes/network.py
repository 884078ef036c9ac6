"""Detectors of torchvision, built from the names and numbers in a model card; nothing is downloaded.

They differ from torchvision's own in two ways: their first convolution takes any number of bands, and windows are
neither resized nor normalised, because the card's value scaling has done that. Their weights have torchvision's names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torchvision.models import mobilenet, resnet
from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import _mobilenet_extractor, _resnet_fpn_extractor
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelP6P7

from geoseg.errors import ModelError
from geoseg.models.boxes.names import DETECTORS, ENCODERS
from geoseg.models.card.boxes import ARCHITECTURE
from geoseg.models.card.card import ModelCard


def _instance_norm(channels: int) -> nn.Module:
    """Return a normalisation of each channel over its window, which knows no other places (Ulyanov et al. 2016)."""
    return _ChannelNorm(channels, channels)


class _ChannelNorm(nn.GroupNorm):
    """A group norm of one channel each that takes maps of a single pixel: all that is left of these is the shift.

    torch refuses them, though only if the batch is one window: a scene as small as a window's coarsest pixel.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002  torch's name
        return torch.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


_NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "frozen": FrozenBatchNorm2d,
    "instance": _instance_norm,
}

WIDTH = 256
"""Channels of a feature pyramid and of the heads on it, as torchvision has them."""

_WIDTHS = (64, 128, WIDTH)

_ANCHORS = (16.0, 32.0, 64.0, 128.0, 256.0)

_RATIOS = (0.5, 1.0, 2.0)

_ROIS = 256
"""Boxes per window from which the second stage learns; torchvision's 512 are for pictures of 800 × 1333 pixels."""


class AsGiven(nn.Module):
    """Takes the place of torchvision's transform: windows and boxes stay as they are."""

    def forward(
        self, images: torch.Tensor, targets: list[dict[str, torch.Tensor]] | None = None
    ) -> tuple[ImageList, list[dict[str, torch.Tensor]] | None]:
        """Return a batch (N, bands, h, w) as torchvision's detectors want it."""
        return ImageList(images, [(images.shape[-2], images.shape[-1])] * len(images)), targets

    def postprocess(self, result: Any, *_: Any) -> Any:
        """Return what the network found as it is; masks stay probabilities on the grid of their boxes."""
        return result


def build_detector(card: ModelCard) -> nn.Module:
    """Return a card's detector with random weights.

    Raises
    ------
    ModelError
        If the architecture or encoder is unknown, or an argument is invalid.
    """
    kind = card.architecture.removeprefix(ARCHITECTURE)
    encoder = card.hyperparameters.get("encoder")
    if kind not in DETECTORS:
        raise ModelError(
            f"model {card.name!r}: architecture {card.architecture!r} is unknown: use one of "
            f"{', '.join(ARCHITECTURE + name for name in DETECTORS)}"
        )
    if encoder not in ENCODERS:
        raise ModelError(
            f"model {card.name!r}: encoder {encoder!r} is not one for boxes: use one of {', '.join(ENCODERS)}"
        )
    anchors, norm, width = _arguments(card)
    assert card.boxes is not None
    if card.boxes.masks != (kind == "mask-rcnn"):
        raise ModelError(f"model {card.name!r}: boxes.masks is {card.boxes.masks}, which {kind} contradicts")
    single = kind in ("fcos", "retinanet")
    backbone = _backbone(encoder, _NORMS[norm], (len(card.bands), width), single=single)
    network = _detector(kind, backbone, len(card.classes), anchors)
    network.transform = AsGiven()
    _keep_coordinates(network)
    set_limits(network, card, card.boxes.limit)
    return network


def _keep_coordinates(network: Any) -> None:
    """Let anchors, offsets and boxes be fp32 in mixed precision, too.

    Torchvision gives anchors, and even the reference boxes of a training, the type of the feature maps: in bf16 a
    coordinate beyond 256 pixels is a multiple of 2.
    """
    two = hasattr(network, "roi_heads")
    parts = (network.rpn.head, network.roi_heads.box_predictor) if two else (network.head,)
    for part in (network.backbone, *parts):
        part.register_forward_hook(_in_fp32)


def _in_fp32(_module: nn.Module, _inputs: Any, outputs: Any) -> Any:
    if isinstance(outputs, torch.Tensor):
        return outputs.float()
    if isinstance(outputs, dict):
        return type(outputs)((name, _in_fp32(_module, _inputs, value)) for name, value in outputs.items())
    return type(outputs)(_in_fp32(_module, _inputs, value) for value in outputs)


def _arguments(card: ModelCard) -> tuple[tuple[float, ...], str, int]:
    given = card.hyperparameters.get("kwargs") or {}
    if not isinstance(given, Mapping) or set(given) - {"anchors", "norm", "width"}:
        raise ModelError(
            f"model {card.name!r}: kwargs in mlm:hyperparameters may hold anchors, norm and width, got {given!r}"
        )
    norm, anchors, width = given.get("norm", "batch"), given.get("anchors", _ANCHORS), given.get("width", WIDTH)
    if width not in _WIDTHS:
        raise ModelError(f"model {card.name!r}: width must be one of {', '.join(map(str, _WIDTHS))}, got {width!r}")
    if norm not in _NORMS:
        raise ModelError(f"model {card.name!r}: norm {norm!r} is unknown: use one of {', '.join(_NORMS)}")
    numbers = isinstance(anchors, Sequence) and all(
        isinstance(side, int | float) and 1 <= side <= 2**14 for side in anchors
    )
    if not numbers or len(anchors) != len(_ANCHORS):
        raise ModelError(f"model {card.name!r}: anchors must be {len(_ANCHORS)} sides in pixels, got {anchors!r}")
    return tuple(float(side) for side in anchors), norm, int(width)


def _backbone(encoder: str, norm: Callable[[int], nn.Module], shape: tuple[int, int], *, single: bool) -> nn.Module:
    """Return an encoder of some bands with a feature pyramid of some channels.

    That of detectors in one stage begins at a stride of 8 pixels.
    """
    bands, width = shape
    extra = LastLevelP6P7(width, width) if single else None
    built: Any
    if encoder.startswith("mobilenet"):
        body = mobilenet.__dict__[encoder](weights=None, norm_layer=norm)
        first = body.features[0]
        first[0] = _convolution(first[0], bands)
        last = _stages(body) - 1
        # The stage before the last has the stride of the last.
        wanted = [*([] if single else [last - 4]), last - 3, last - 2, last]
        built = _mobilenet_extractor(
            body, fpn=True, trainable_layers=last + 1, returned_layers=wanted, extra_blocks=extra
        )
    else:
        body = resnet.__dict__[encoder](weights=None, norm_layer=norm)
        body.conv1 = _convolution(body.conv1, bands)
        built = _resnet_fpn_extractor(body, 5, [2, 3, 4] if single else [1, 2, 3, 4], extra)
    if width != WIDTH:
        channels = [block[0].in_channels for block in built.fpn.inner_blocks]
        built.fpn = FeaturePyramidNetwork(channels, width, built.fpn.extra_blocks)
        built.out_channels = width
    return built  # type: ignore[no-any-return]


def _stages(body: nn.Module) -> int:
    """Return the number of stages that torchvision counts in a MobileNet."""
    blocks: Any = body.features
    return 2 + sum(1 for block in blocks if getattr(block, "_is_cn", False))


def _convolution(old: nn.Conv2d, bands: int) -> nn.Conv2d:
    return nn.Conv2d(
        bands, old.out_channels, old.kernel_size, old.stride, old.padding, bias=old.bias is not None  # type: ignore[arg-type]
    )  # fmt: skip


def _detector(kind: str, backbone: nn.Module, classes: int, anchors: tuple[float, ...]) -> nn.Module:
    ratios = (_RATIOS,) * len(anchors)
    network: nn.Module
    if kind == "fcos":
        network = FCOS(backbone, classes)
    elif kind == "retinanet":
        octaves = tuple(tuple(side * 2 ** (n / 3) for n in range(3)) for side in anchors)
        network = RetinaNet(backbone, classes, anchor_generator=AnchorGenerator(octaves, ratios))
    else:
        cls = MaskRCNN if kind == "mask-rcnn" else FasterRCNN
        generator = AnchorGenerator(tuple((side,) for side in anchors), ratios)
        network = cls(backbone, classes, rpn_anchor_generator=generator, box_batch_size_per_image=_ROIS)
    return network


def set_limits(network: Any, card: ModelCard, limit: int) -> None:
    """Set how many boxes a detector returns for a window at most, with which score, and which of those that overlap.

    Twice as many candidates are looked at, so that it is the number of results that ends first.
    """
    assert card.boxes is not None
    if hasattr(network, "roi_heads"):
        heads = network.roi_heads
        heads.detections_per_img, heads.score_thresh, heads.nms_thresh = (
            limit, card.boxes.least_score, card.boxes.overlap,
        )  # fmt: skip
        for numbers in (network.rpn._pre_nms_top_n, network.rpn._post_nms_top_n):  # noqa: SLF001 - has no other door
            numbers["testing"] = max(2 * limit, 1000)
        return
    network.detections_per_img, network.score_thresh, network.nms_thresh = (
        limit, card.boxes.least_score, card.boxes.overlap,
    )  # fmt: skip
    network.topk_candidates = max(2 * limit, 1000)


def usual_width(encoder: str) -> int:
    """Return the channels of the pyramid of a detector that starts from random weights.

    With 256, pyramid and heads need twenty times the arithmetic of a MobileNet. With 64, FCOS, whose heads normalise in
    32 groups, of two channels then, does not even find bright squares on noise: average precision 0, where 128 and 256
    channels reach 0.99 in as many steps (``test_squares_are_learned``).
    """
    return 128 if encoder.startswith("mobilenet") else WIDTH


def usual_anchors(sides: Sequence[float]) -> tuple[float, ...]:
    """Return the sides of anchors in pixels for objects of these sides: five octaves around the median.

    Examples
    --------
    >>> usual_anchors([20, 22, 30])
    (8.0, 16.0, 32.0, 64.0, 128.0)
    """
    if not len(sides):
        return _ANCHORS
    middle = sorted(sides)[len(sides) // 2]
    first = 2.0 ** (round(math.log2(max(middle, 4.0))) - 1)
    return tuple(max(first, 4.0) * 2**n for n in range(len(_ANCHORS)))
