"""Names of detectors and their encoders, without torchvision."""

from __future__ import annotations

import re

from geoseg.errors import OptionError

DETECTORS = ("faster-rcnn", "mask-rcnn", "fcos", "retinanet")
"""Detectors by the name that users give; ``torchvision:NAME`` in cards."""

ENCODERS = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "wide_resnet50_2",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
)
"""Encoders of detectors, by torchvision's names."""


def detector_name(architecture: str) -> str:
    """Return the name of a detector as users may spell it: ``"FasterRCNN"``, ``"faster_rcnn"`` → ``"faster-rcnn"``.

    Raises
    ------
    OptionError
        If there is none of that name.

    Examples
    --------
    >>> detector_name("Mask R-CNN")
    'mask-rcnn'
    """
    key = re.sub(r"[\s_\-]", "", architecture.lower())
    for name in DETECTORS:
        if name.replace("-", "") == key:
            return name
    raise OptionError(f"architecture {architecture!r} finds no boxes: use one of {', '.join(DETECTORS)}")
