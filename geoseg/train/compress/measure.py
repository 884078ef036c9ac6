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
from geoseg.system.resources import cpu_count
from geoseg.tiling import Box
from geoseg.train.compress.verdict import Measured
from geoseg.train.data.windows import spread

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


def by_graph(graph: bytes) -> Classifier:
    """Return an ONNX graph in bytes, normalised pixels → scores, as a classifier on the CPU."""
    from geoseg.models.networks.onnx import make_session

    session = make_session(graph, "cpu", cpu_count(), "candidate")
    name = session.get_inputs()[0].name

    def classify(sample: TrainingSample) -> NDArray[np.integer]:
        return session.run(None, {name: sample.x[None].numpy()})[0][0].argmax(0)  # type: ignore[no-any-return]

    return classify


def held_matrix(prepared: Prepared, classify: Classifier) -> NDArray[np.int64]:
    """Return the confusion matrix over the validation part, (K, K): reference by prediction."""
    return HeldOut(prepared).matrix(classify)


class HeldOut:
    """The held-out windows, and what maps of them are compared with.

    Parameters
    ----------
    prepared
        Gives the windows and their labels.
    reference
        What maps are compared with on labelled pixels; the labels themselves if None.
    most
        Largest number of windows, spread evenly over all; None for all.
    """

    def __init__(self, prepared: Prepared, reference: Classifier | None = None, most: int | None = None) -> None:
        self._count = len(prepared.card.classes)
        self._windows = prepared.validation_windows()
        self._reference = reference
        self._known: dict[int, NDArray[np.integer]] = {}
        self.numbers = spread(len(self._windows), most)

    def matrix(self, classify: Classifier) -> NDArray[np.int64]:
        """Return the confusion matrix, (K, K): reference by prediction."""
        matrix = np.zeros((self._count, self._count), np.int64)
        for number in self.numbers:
            sample = self._windows[number]
            wanted = self._wanted(number, sample)
            if (wanted != NODATA).any():
                matrix += confusion(classify(sample), wanted, self._count)
        return matrix

    def _wanted(self, number: int, sample: TrainingSample) -> NDArray[np.integer]:
        labels = sample.y.numpy()
        if self._reference is None:
            return labels
        if number not in self._known:
            classes = self._reference(sample).astype(np.uint8)
            self._known[number] = np.where(labels == NODATA, np.uint8(NODATA), classes)
        return self._known[number]


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
