"""Score on held-out windows, speed and size of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from geoseg.classes import NODATA
from geoseg.evaluate.metrics import confusion, scores
from geoseg.models.inference.calibrate import compare_rates
from geoseg.tiling import Box
from geoseg.train.compress.verdict import Measured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models import Model
    from geoseg.train.data.samples import TrainingSample
    from geoseg.train.options import TrainOptions
    from geoseg.train.prepare import Prepared

# Side of the windows on which speed is measured, in pixels.
_SIDE = 1024

Classifier = Callable[["TrainingSample"], "NDArray[np.integer]"]
"""The class of each pixel of a held-out window."""


def by_network(network: nn.Module) -> Classifier:
    """Return a network as a classifier, on the CPU in float32."""

    def classify(sample: TrainingSample) -> NDArray[np.integer]:
        with torch.inference_mode():
            return network(sample.x[None])[0].argmax(0).numpy()  # type: ignore[no-any-return]

    return classify


def by_maps(prepared: Prepared) -> Classifier:
    """Return what the teachers' maps say as a classifier."""

    def classify(sample: TrainingSample) -> NDArray[np.integer]:
        image, row, col = sample.where
        scene = prepared.scenes[image]
        assert scene.soft is not None
        box = Box(row, col, *sample.y.shape)
        inside = box.intersection(scene.raster.box)
        classes = np.zeros(sample.y.shape, np.int64)
        winner, valid = scene.soft.read(inside)
        classes[inside.within(box)] = np.where(valid, winner, 0)
        return classes

    return classify


def held_matrix(prepared: Prepared, classify: Classifier) -> NDArray[np.int64]:
    """Return the confusion matrix over the validation part, (K, K): reference by prediction."""
    count = len(prepared.card.classes)
    matrix = np.zeros((count, count), np.int64)
    windows = prepared.validation_windows()
    for number in range(len(windows)):
        sample = windows[number]
        labels = sample.y.numpy()
        if (labels != NODATA).any():
            matrix += confusion(classify(sample), labels, count)
    return matrix


def measured(matrix: NDArray[np.int64], models: Sequence[Model], rate: float | None) -> Measured:
    """Return the measurements of models that are used together, from their joint confusion matrix and speed."""
    result = scores(matrix)
    size = parameters = 0
    for model in models:
        module = model.module()
        parameters += sum(parameter.numel() for parameter in module.parameters())
        weights = model.card.weights
        stored = None if weights is None else weights.size
        size += sum(t.nbytes for t in module.state_dict().values()) if stored is None else stored
    return Measured(float(result.mean_iou), float(result.overall_accuracy), rate, size, parameters)


def speeds(before: Sequence[Model], after: Model, training: TrainOptions, dtype: Any) -> tuple[float, float]:
    """Return the megapixels per second of models one after another, and of the model that is to replace them."""
    *each, last = compare_rates([*before, after], (_SIDE, _SIDE), dtype=dtype, device=training.device)
    return 1 / sum(1 / rate for rate in each), last
