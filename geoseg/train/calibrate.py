"""The temperature of a trained network, from its validation windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geoseg.classes import NODATA
from geoseg.evaluate.calibration import cross_fitted
from geoseg.models.inference.device import choose_device
from geoseg.train.data.windows import spread
from geoseg.train.fit import out_of_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.progress.reporters import Reporter
    from geoseg.train.fit import Fitted, Task

# Logits that are kept, which bounds memory to 80 MB, and windows that are read: one number needs no more.
_MOST_LOGITS, _MOST_WINDOWS = 20_000_000, 256

# With fewer labelled pixels no temperature is fitted.
_LEAST_PIXELS = 1000

# Contiguous parts of the validation pixels; each is scored with the temperature of the others.
_PARTS = 4


def calibrate(task: Task, fitted: Fitted, reporter: Reporter) -> dict[str, Any] | None:
    """Fit the temperature of the best epoch on the validation part, and score it there part by part.

    Parameters
    ----------
    task
        Network and data; the network gets the fitted weights.
    fitted
        Result of the training loop.
    reporter
        Is told the result.

    Returns
    -------
    What :func:`~geoseg.evaluate.calibration.cross_fitted` returns; ``temperature`` is None if one fitted on some parts
    makes others less likely. None without validation, or with few pixels.
    """
    if fitted.matrix is None:
        return None
    task.network.load_state_dict(fitted.state)
    try:
        logits, labels = _validation_logits(task, reporter)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        reporter.warning("out of memory in single precision: the model's confidence is not calibrated")
        return None
    if len(labels) < _LEAST_PIXELS:
        reporter.info(f"{len(labels)} validation pixels are too few to calibrate the model's confidence")
        return None
    result = cross_fitted(logits, labels, np.arange(len(labels)) * _PARTS // len(labels))
    before, after = result["before"], result["after"]
    if not after["log_loss"] < before["log_loss"]:
        reporter.info("no temperature fits all parts of the validation: the model's confidence is not calibrated")
        return result | {"temperature": None}
    reporter.info(
        f"confidence calibrated: temperature {result['temperature']:.2f}, expected calibration error "
        f"{before['ece']:.3f} before, {after['ece']:.3f} after"
    )
    return result


def brief(calibration: dict[str, Any]) -> dict[str, Any]:
    """Return the calibration for the card: temperature, and calibration error and log loss before and after."""
    return {
        "temperature": calibration["temperature"] and round(calibration["temperature"], 4),
        "pixels": calibration["pixels"],
        **{
            f"{score}_{when}": round(calibration[when][score], 4)
            for score in ("ece", "log_loss")
            for when in ("before", "after")
        },
    }


@torch.inference_mode()
def _validation_logits(task: Task, reporter: Reporter) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return logits (pixels, classes) and labels (pixels,) of random labelled pixels of evenly chosen windows."""
    device = choose_device(task.options.device)[0]
    network = task.network.eval().to(device)
    windows = task.prepared.validation_windows()
    chosen = spread(len(windows), _MOST_WINDOWS)
    each = max(_MOST_LOGITS // len(task.prepared.card.classes) // max(len(chosen), 1), 1)
    rng = np.random.default_rng(task.options.seed)
    logits, labels = [], []
    for done, number in enumerate(chosen):
        reporter.progress(done, len(chosen), "calibrate")
        sample = windows[number]
        x, y = sample.x, sample.y
        known = torch.nonzero(y.flatten() != NODATA)[:, 0]
        if len(known) > each:
            known = known[torch.from_numpy(np.sort(rng.choice(len(known), each, replace=False)))]
        if len(known):
            scores = network(x[None].to(device)).float()[0].flatten(1)
            logits.append(scores[:, known.to(device)].T.cpu().numpy())
            labels.append(y.flatten()[known].numpy())
    reporter.progress(len(chosen), len(chosen), "calibrate")
    network.cpu()
    if not labels:
        return np.empty((0, len(task.prepared.card.classes)), np.float32), np.empty(0, np.int64)
    return np.concatenate(logits), np.concatenate(labels)
