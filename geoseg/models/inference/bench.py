"""Timing one model: megapixels a second of an execution, and whether its map is that of another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ModelError
from geoseg.models.card.half_precision import MOST_LOSS, measured_loss
from geoseg.models.inference.agreement import Agreement, Sample, compare
from geoseg.models.inference.execution import Execution
from geoseg.models.runtimes.choices import own_runtime
from geoseg.models.runtimes.opening import open_predictor
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.model import Model
    from geoseg.models.runtimes.protocol import WindowPredictor

GAIN = 1.05
"""A candidate must be faster by this factor: timings on a busy machine scatter by a few percent."""


class Bench:
    """Times executions of one model on random windows.

    Parameters
    ----------
    model, window, dtype
        What is run: a model on windows (height, width) of a data type.
    budget
        Seconds, from now, after which no further candidate is tried.
    sample
        Pixels on which maps are compared; random ones if None.
    """

    def __init__(
        self, model: Model, window: tuple[int, int], dtype: np.dtype[Any], budget: float, sample: Sample | None = None
    ) -> None:
        self.model, self.window, self.dtype = model, window, dtype
        model.module()  # load the weights before the clock starts
        self.deadline = time.perf_counter() + budget
        self.rates: dict[Execution, float] = {}
        self.sample = sample
        self._opened: dict[Execution, WindowPredictor] = {}

    def fastest(
        self, best: Execution, others: Sequence[Execution], *, same_map: bool = False, gain: float = GAIN
    ) -> Execution:
        """Return the fastest execution with its rate.

        Another than ``best`` must be faster by the factor ``gain``, and give the same map if asked for.
        """
        rate = self.rate(best)
        for other in others:
            if time.perf_counter() > self.deadline:
                break
            try:
                other_rate = self.rate(other)
            except ModelError:
                continue  # NaN in half precision, or too large a batch: not a candidate
            if other_rate > rate * gain:
                # The machine may have stalled while the incumbent was timed: time it again before replacing it.
                rate = self.rates[best] = max(rate, self.timed(best))
            if other_rate > rate * gain and not (same_map and not self._agrees(other)):
                best, rate = other, other_rate
        return replace(best, rate=rate)

    def rate(self, execution: Execution) -> float:
        """Return the megapixels per second of all streams together, timed once per execution."""
        if execution not in self.rates:
            self.rates[execution] = self.timed(execution)
        return self.rates[execution]

    def _agrees(self, other: Execution) -> bool:
        # What labelled windows have shown when the model was made says more than a sample without labels.
        loss = measured_loss(self.model.card.metrics, other.precision)
        if loss is not None and (other.runtime == "torch" or loss > MOST_LOSS):
            return loss <= MOST_LOSS
        try:
            return self.agreement(other).same
        except ModelError:
            return False

    def agreement(self, other: Execution) -> Agreement:
        """Compare an execution's map with that of the model's own runtime in fp32.

        Raises
        ------
        ModelError
            If the network returns NaN, or does not run.
        """
        sample = self.sample or Sample(self._pixels(1), np.ones((1, *self.window), np.bool_), self._affine())
        device = "cpu" if other.runtime == "openvino" else other.device
        exact = Execution(
            device, channels_last=other.channels_last, threads=cpu_count(), runtime=own_runtime(self.model)
        )
        theirs = open_predictor(self.model, sample.affine, replace(other, batch=1))
        return compare(open_predictor(self.model, sample.affine, exact), theirs, sample)

    def timed(self, execution: Execution) -> float:
        """Return the megapixels per second of all streams together, timed now."""
        from geoseg.models.inference.answers import nothing_kept  # imports torch

        if execution not in self._opened:
            if len(self._opened) >= 2:
                self._opened.pop(next(iter(self._opened)))
            self._opened[execution] = open_predictor(self.model, self._affine(), execution)
        predictor, data = self._opened[execution], self._pixels(execution.batch)
        predictor.classify(data[:1], None)  # selects kernels and puts the weights in place
        pixels = data[:, 0].size * execution.streams
        # OpenVINO computes in threads of its own.
        alone = execution.device == "cpu" and execution.streams == execution.threads == 1
        clock = time.thread_time if alone and execution.runtime != "openvino" else time.perf_counter
        with nothing_kept():
            seconds = min(_repeat(lambda: _run(predictor, data, execution.streams), clock, self.deadline))
        return pixels / max(seconds, 1e-6) / 1e6

    def _affine(self) -> list[tuple[float, float]]:
        """Scale random values of the raster's type to about −1…1 (0…1 for rules), the range networks are made for."""
        span = _span(self.dtype)
        pointwise = getattr(self.model.module(), "pointwise", False)
        return [(1 / span, 0.0) if pointwise else (2 / span, -1.0)] * len(self.model.card.bands)

    def _pixels(self, batch: int) -> NDArray[Any]:
        rng = np.random.default_rng(0)
        # Smooth patches with noise: on pure noise all logits are near ties, and half precision would look worse than it
        # is.
        rows, cols = -(-self.window[0] // 32), -(-self.window[1] // 32)
        shape = (batch, len(self.model.card.bands), rows, cols)
        smooth = rng.random(shape, np.float32).repeat(32, 2).repeat(32, 3)[..., : self.window[0], : self.window[1]]
        noise = rng.random(smooth.shape, np.float32)
        return ((0.8 * smooth + 0.2 * noise) * _span(self.dtype)).astype(self.dtype)


def _span(dtype: np.dtype[Any]) -> float:
    return 1.0 if dtype.kind not in "iu" else float(min(np.iinfo(dtype).max, 10_000))


def _run(predictor: WindowPredictor, data: NDArray[Any], streams: int) -> None:
    if streams == 1:
        predictor.classify(data, None)
        return
    list(_pool(streams).map(lambda _: predictor.classify(data, None), range(streams)))


_POOLS: dict[int, ThreadPoolExecutor] = {}


def _pool(streams: int) -> ThreadPoolExecutor:
    if streams not in _POOLS:
        _POOLS[streams] = ThreadPoolExecutor(streams, "geoseg-calibrate")
    return _POOLS[streams]


def _repeat(work: Callable[[], None], clock: Callable[[], float], deadline: float) -> list[float]:
    """Return the seconds of 1 to 4 runs: as many as fit a third of a second and the deadline."""
    seconds: list[float] = []
    while len(seconds) < 4 and (not seconds or (sum(seconds) < 0.33 and time.perf_counter() < deadline)):
        start = clock()
        work()
        seconds.append(clock() - start)
    return seconds
