"""Which blocks of a network go to 8 bits: all, or all but those that add most noise to the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.evaluate.metrics import scores
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.export.static_int8 import StaticQuantizer

# Blocks are ranked in at most so many groups of neighbours, which bounds the time of the ranking.
_MOST_GROUPS = 32

Score = Callable[[bytes], "NDArray[np.int64]"]
"""Confusion matrix of a graph on the held-out windows."""

Say = Callable[[int, int, str], None]
"""Told of each step: how many are done, of how many, and which."""


@dataclass(frozen=True)
class Quantized:
    """A quantised graph.

    Attributes
    ----------
    proto
        The graph (ModelProto).
    blocks
        How many blocks are in 8 bits.
    size
        Bytes of the graph.
    matrix
        Its confusion matrix on the held-out windows.
    """

    proto: Any
    blocks: int
    size: int
    matrix: NDArray[np.int64]

    @property
    def mean_iou(self) -> float:
        """Mean IoU on the held-out windows."""
        return float(scores(self.matrix).mean_iou)


def search(
    quantizer: StaticQuantizer, original: bytes, windows: Sequence[NDArray[np.float32]], score: Score, wanted: float,
    say: Say,
) -> tuple[Quantized, Quantized]:  # fmt: skip
    """Return the graph with all blocks in 8 bits, and the one with as many as the score allows.

    If all lose too much, blocks are ranked by the noise that each alone adds to the scores, and as few of the noisiest
    as are needed, found by bisection, stay in float32. If no choice reaches the score, the second is the
    best.

    Parameters
    ----------
    quantizer
        The calibrated graph.
    original
        The graph in float32.
    windows
        On which the noise is measured: inputs (1, bands, h, w).
    score
        Measures a graph.
    wanted
        Smallest mean IoU that is allowed.
    say
        Told of each step.
    """
    count = len(quantizer.blocks)

    def tried(chosen: Sequence[int]) -> Quantized:
        proto = quantizer.quantized(chosen)
        graph = proto.SerializeToString()
        return Quantized(proto, len(chosen), len(graph), score(graph))

    say(0, 1, "measure with all layers in 8 bits")
    whole = best = tried(range(count))
    if whole.mean_iou >= wanted:
        return whole, whole
    order = ranked(quantizer, original, windows, say)
    low, high = 1, len(order)  # groups in float32; with all of them nothing would be gained
    while low < high:
        middle = (low + high) // 2
        say(0, 1, f"measure with {middle} of {len(order)} groups of layers in float32")
        found = tried(sorted(number for group in order[middle:] for number in group))
        enough = found.mean_iou >= wanted
        if enough or not best.mean_iou >= found.mean_iou:
            best = found
        low, high = (low, middle) if enough else (middle + 1, high)
    return whole, best


def ranked(
    quantizer: StaticQuantizer, original: bytes, windows: Sequence[NDArray[np.float32]], say: Say
) -> list[list[int]]:
    """Return groups of neighbouring blocks, first the one that, alone in 8 bits, changes the scores most."""
    count = len(quantizer.blocks)
    groups = [part.tolist() for part in np.array_split(np.arange(count), min(count, _MOST_GROUPS))]
    expected = _outputs(original, windows)
    noise = []
    for number, group in enumerate(groups):
        say(number, len(groups), "rank layers by the noise of 8 bits")
        changed = _outputs(quantizer.quantized(group).SerializeToString(), windows)
        noise.append(sum(float(np.square(a - b).sum()) for a, b in zip(changed, expected, strict=True)))
    say(len(groups), len(groups), "rank layers by the noise of 8 bits")
    return [groups[number] for number in np.argsort(-np.nan_to_num(noise, nan=np.inf), kind="stable")]


def _outputs(graph: bytes, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    from geoseg.models.networks.onnx import make_session

    session = make_session(graph, "cpu", cpu_count(), "candidate")
    name = session.get_inputs()[0].name
    return [session.run(None, {name: window})[0] for window in windows]
