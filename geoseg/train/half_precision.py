"""What half precision costs a trained network, on labelled validation windows: measured once, kept in its card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geoseg.classes import NODATA
from geoseg.evaluate.metrics import confusion, scores
from geoseg.models.card.half_precision import HalfPrecision
from geoseg.models.inference.device import choose_device, supports
from geoseg.train.data.windows import spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geoseg.progress.reporters import Reporter
    from geoseg.train.prepare import Prepared

# Windows and pixels that are compared. Processors that emulate half precision take ten times as long for it, and one
# number needs no more.
_MOST_WINDOWS, _MOST_PIXELS = 16, 65_536

# With fewer labelled pixels nothing is said.
_LEAST_PIXELS = 1000

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@torch.inference_mode()
def measure_half_precision(
    prepared: Prepared, network: torch.nn.Module, device: str, reporter: Reporter | None = None
) -> HalfPrecision | None:
    """Compare each half precision that the device may compute in with fp32, on the validation windows.

    Parameters
    ----------
    prepared
        Gives the windows and their labels.
    network
        The network as it will be used; it is left on the CPU, in evaluation mode.
    device
        As the user gave it: ``"auto"``, ``"cpu"``, ``"cuda"`` ….
    reporter
        Is told how many windows are done: processors that emulate half precision take their time.

    Returns
    -------
    None without validation, or with fewer than 1000 labelled pixels. A precision in which the network does not run, or
    returns values that are not finite, is left out.
    """
    if not prepared.validated:
        return None
    device = choose_device(device)[0]
    network = network.eval().to(device)
    count = len(prepared.card.classes)
    matrices = {name: np.zeros((count, count), np.int64) for name in ("fp32", *_TYPES)}
    # Processors compute fp16 by the slowest of ways, and are never asked to.
    differing = {name: 0 for name in _TYPES if device != "cpu" or supports(device, name)}
    windows = 0
    for x, labels in _windows(prepared):
        if reporter is not None:
            reporter.progress(windows, _count(prepared), "try half precision")
        windows += 1
        exact = _classes(network, x.to(device), None)
        if exact is None:
            return None
        matrices["fp32"] += confusion(exact, labels, count)
        for name in list(differing):
            half = _classes(network, x.to(device), _TYPES[name])
            if half is None:
                del differing[name]
                continue
            matrices[name] += confusion(half, labels, count)
            differing[name] += int(np.count_nonzero((half != exact) & (labels != NODATA)))
    if reporter is not None:
        reporter.progress(windows, windows, "try half precision")
    network.cpu()
    pixels = int(matrices["fp32"].sum())
    if pixels < _LEAST_PIXELS:
        return None
    before = scores(matrices["fp32"]).mean_iou
    return HalfPrecision(
        windows=windows,
        pixels=pixels,
        loss={name: round(before - scores(matrices[name]).mean_iou, 4) for name in differing},
        differing={name: round(number / pixels, 5) for name, number in differing.items()},
    )


def _windows(prepared: Prepared) -> Iterator[tuple[torch.Tensor, NDArray[np.uint8]]]:
    """Yield inputs (1, bands, h, w) and labels (1, h, w) of evenly chosen validation windows."""
    windows = prepared.validation_windows()
    for number in spread(len(windows), _count(prepared)):
        sample = windows[number]
        yield sample.x[None], sample.y[None].numpy()


def _count(prepared: Prepared) -> int:
    """Return how many windows are compared, if there are as many."""
    return min(_MOST_WINDOWS, max(_MOST_PIXELS // prepared.window**2, 1))


def _classes(network: torch.nn.Module, x: torch.Tensor, half: torch.dtype | None) -> NDArray[Any] | None:
    try:
        with torch.autocast(x.device.type, half or torch.bfloat16, enabled=half is not None):
            logits = network(x).float()
    except (RuntimeError, MemoryError):  # an operator that the device lacks in half precision, or too little memory
        return None
    return logits.argmax(1).cpu().numpy() if bool(torch.isfinite(logits).all()) else None
