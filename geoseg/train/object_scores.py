"""How good the objects are that a network of cores and rims finds on its validation windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geoseg.classes import NODATA
from geoseg.models.inference.device import choose_device
from geoseg.polygonize.objects import ObjectReading, label_objects
from geoseg.train.boxes.precision import Matches
from geoseg.train.data.instances import InstanceLabels
from geoseg.train.data.labels import WithBackground
from geoseg.train.data.windows import spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.tiling import Box
    from geoseg.train.data.samples import LabelledScene
    from geoseg.train.fit import Fitted, Task

_MOST_WINDOWS = 256


@torch.inference_mode()
def object_scores(task: Task, fitted: Fitted, temperature: float | None) -> dict[str, Any] | None:
    """Return AP, and the score with the best F1, of the objects found window by window in held-out places.

    An object counts in the window in whose keep region its centre lies; objects are compared as they are seen there.

    Parameters
    ----------
    task
        Network and data; the network gets the fitted weights and stays on the CPU.
    fitted
        Result of the training loop.
    temperature
        By which logits are divided before they become probabilities; None for none.

    Returns
    -------
    As of :meth:`geoseg.train.boxes.precision.Matches.result`; None of networks of classes, and without validation.
    """
    card = task.prepared.card
    if card.objects is None or fitted.matrix is None:
        return None
    device = choose_device(task.options.device)[0]
    task.network.load_state_dict(fitted.state)
    network = task.network.eval().to(device)
    reading, windows, matches = ObjectReading.of_heads(card.objects), task.prepared.validation_windows(), Matches()
    for number in spread(len(windows), _MOST_WINDOWS):
        sample, (image, read, _) = windows[number], windows.windows[number]
        logits = network(sample.x[None].to(device)).float()[0] / (temperature or 1.0)
        free = (torch.softmax(logits, 0)[card.objects.background] * 100).round().cpu().numpy()
        classes = logits.argmax(0).to(torch.uint8).cpu().numpy()
        found, kinds = label_objects(classes, reading)
        home = sample.y.numpy() != NODATA
        sure = np.bincount(found.ravel(), 100.0 - free.ravel(), len(kinds) + 1)[1:]
        area = np.bincount(found.ravel(), minlength=len(kinds) + 1)[1:]
        truth, wanted, counted = _reference(windows.scenes[image], read, home, reading)
        own = home[_centres(found, len(kinds))]
        matches.add_overlaps(_iou(found, truth), (sure / area / 100, kinds), own, (wanted, counted))
    network.cpu()
    return matches.result({item.id: item.name for item in reading.classes})


def _reference(
    scene: LabelledScene, read: Box, home: NDArray[np.bool_], reading: ObjectReading
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Return the labelled objects in a window: their pixels, numbered from 1, classes, and which count there."""
    import shapely

    source = scene.labels.source
    source = source.source if isinstance(source, WithBackground) else source
    assert isinstance(source, InstanceLabels)
    polygons = source.polygons
    positions = polygons.instances(read)
    labels = scene.read(read)[1]
    shown, first, ids = np.unique(positions, return_index=True, return_inverse=True)
    none = shown.size > 0 and shown[0] < 0
    shown, first, ids = shown[int(none) :], first[int(none) :], ids.reshape(positions.shape) + 1 - int(none)
    kind = reading.position[labels.ravel()[first]]
    known = kind != NODATA
    classes = np.where(known, reading.ids[np.where(known, kind, 0)], 0)
    centres = shapely.get_coordinates(shapely.centroid(polygons.geometries[shown]))
    cols, rows = ~polygons.transform * centres.T
    row, col = (np.floor(values).astype(np.int64) for values in (rows - read.row, cols - read.col))
    inside = (row >= 0) & (row < home.shape[0]) & (col >= 0) & (col < home.shape[1])
    counted = np.zeros(len(shown), np.bool_)
    counted[inside] = home[row[inside], col[inside]]
    return ids.astype(np.int32), classes.astype(np.int32), counted & known


def _centres(ids: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of the centre of each object."""
    rows, cols = np.indices(ids.shape)
    area = np.bincount(ids.ravel(), minlength=count + 1)[1:]
    means = [np.bincount(ids.ravel(), values.ravel(), count + 1)[1:] / area for values in (rows, cols)]
    return means[0].astype(np.int64), means[1].astype(np.int64)


def _iou(found: NDArray[np.int32], truth: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the IoU of all pairs, (n, m), of two maps of objects that are numbered from 1."""
    count, wanted = int(found.max(initial=0)) + 1, int(truth.max(initial=0)) + 1
    both = np.bincount(found.ravel() * np.int64(wanted) + truth.ravel(), minlength=count * wanted)
    pairs = both.reshape(count, wanted)
    shared = pairs[1:, 1:]
    union = pairs.sum(1)[1:, None] + pairs.sum(0)[None, 1:] - shared
    return np.asarray(shared / np.maximum(union, 1), np.float64)
