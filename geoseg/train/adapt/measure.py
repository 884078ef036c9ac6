"""What an adaptation gained on places that it has not seen: against labels, or by what stands for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from geoseg.classes import NODATA
from geoseg.evaluate.metrics import confusion, scores
from geoseg.raster import release_handles
from geoseg.train.adapt.verdict import Adaptation, Measured
from geoseg.train.data.windows import spread
from geoseg.train.semi.views import strong_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.train.adapt.methods import Adapted
    from geoseg.train.data.samples import TrainingSample
    from geoseg.train.prepare import Prepared

# Held-out windows that are measured, at most.
_MOST = 96


def measure(prepared: Prepared, original: Adapted, adapted: Adapted, *, labelled: bool) -> Adaptation:
    """Measure a model and the adapted one on the held-out windows, on the CPU in float32.

    Parameters
    ----------
    prepared
        Gives the windows; its labels count if ``labelled``.
    original, adapted
        Cards and networks before and after.
    labelled
        Whether its labels are real.
    """
    before, after = (_Side(prepared, one) for one in (original, adapted))
    windows = before.windows
    numbers = spread(len(windows), _MOST)
    agreeing = pixels = 0
    try:
        for number in numbers:
            counted = windows[number].y.numpy() != NODATA
            if counted.any():
                first, second = (side.look(number) for side in (before, after))
                agreeing += int((first == second)[counted].sum())
                pixels += int(counted.sum())
    finally:
        release_handles()
    return Adaptation(
        path=None,
        before=before.measured(labelled=labelled),
        after=after.measured(labelled=labelled),
        agreement=agreeing / max(pixels, 1),
        windows=len(numbers),
        pixels=pixels,
        labelled=labelled,
        done=adapted.done,
    )


class _Side:
    """One of the two models, and what was counted of its maps."""

    def __init__(self, prepared: Prepared, one: Adapted) -> None:
        # The value scaling is part of what is adapted.
        held = tuple(replace(scene, affine=one.card.affine(scene.raster.bands)) for scene in prepared.held)
        self.windows = replace(prepared, card=one.card, held=held).validation_windows()
        self.network, self.temperature = one.network.eval(), one.card.temperature or 1.0
        count = len(one.card.classes)
        self.matrix = np.zeros((count, count), np.int64)
        self.shares = np.zeros(count, np.int64)
        self.stable, self.sure = 0, 0.0

    def look(self, number: int) -> NDArray[np.integer[Any]]:
        """Count a window, and return its classes (h, w)."""
        sample = self.windows[number]
        counted = sample.y != NODATA
        logits = _logits(self.network, sample.x)
        classes = logits.argmax(0)
        # Both models see the same disturbance: its amounts are in deviations of the window's bands.
        disturbed = _logits(self.network, _disturbed(sample, number)).argmax(0)
        count = len(self.shares)
        self.matrix += confusion(classes.numpy(), sample.y.numpy(), count)
        self.shares += np.bincount(classes[counted].numpy(), minlength=count)
        self.stable += int((classes == disturbed)[counted].sum())
        self.sure += float((logits / self.temperature).softmax(0).amax(0)[counted].sum())
        return classes.numpy()

    def measured(self, *, labelled: bool) -> Measured:
        """Return the measurements over all windows."""
        total = max(int(self.shares.sum()), 1)
        result = scores(self.matrix)
        return Measured(
            float(result.mean_iou) if labelled else None,
            float(result.overall_accuracy) if labelled else None,
            self.stable / total,
            self.sure / total,
            tuple((self.shares / total).tolist()),
        )


@torch.inference_mode()
def _logits(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return network(x[None])[0].float()  # type: ignore[no-any-return]


def _disturbed(sample: TrainingSample, number: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(number)
    valid = (sample.x != 0).any(0)
    return strong_view(sample.x, valid, generator, strength=0.25)
