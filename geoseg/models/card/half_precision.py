"""What a card says of half precision: the loss that was measured on labelled windows when the model was made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KEY = "half_precision"
"""Key among a card's metrics."""

MOST_LOSS = 0.005
"""Mean IoU that a half precision may lose and still be taken without being asked for."""


@dataclass(frozen=True)
class HalfPrecision:
    """How the map changes in half precision, on validation windows.

    Attributes
    ----------
    windows, pixels
        What was compared: windows, and labelled pixels in them.
    loss
        Mean IoU in fp32 less that in ``"bf16"`` and ``"fp16"``.
    differing
        Share of the pixels with another class than in fp32.
    """

    windows: int
    pixels: int
    loss: dict[str, float] = field(default_factory=dict)
    differing: dict[str, float] = field(default_factory=dict)

    def as_metrics(self) -> dict[str, Any]:
        """Return it for a card's metrics."""
        each = {
            name: {"mean_iou_loss": loss, "other_classes": self.differing[name]} for name, loss in self.loss.items()
        }
        return {"windows": self.windows, "pixels": self.pixels, **each}


def measured_loss(metrics: Mapping[str, Any], precision: str) -> float | None:
    """Return the mean IoU that a model loses in ``precision`` according to its card; None if that was not measured.

    Examples
    --------
    >>> measured_loss({"half_precision": {"bf16": {"mean_iou_loss": 0.002}}}, "bf16")
    0.002
    """
    facts = metrics.get(KEY)
    facts = facts.get(precision) if isinstance(facts, Mapping) else None
    loss = facts.get("mean_iou_loss") if isinstance(facts, Mapping) else None
    # Cards may come from anybody.
    number = isinstance(loss, int | float) and not isinstance(loss, bool) and math.isfinite(loss)
    return float(loss) if number and loss is not None else None
