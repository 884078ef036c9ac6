"""Measure which device, layout, precision and streams are fastest here, once, and cache the choice."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from geoseg.errors import ModelError, OptionError
from geoseg.models.inference.device import choose_device, device_name, supports
from geoseg.models.inference.execution import Execution, measured_window
from geoseg.models.runtimes.choices import (
    check_runtime,
    is_openvino_device,
    own_runtime,
    runtime_versions,
    title,
)
from geoseg.models.runtimes.opening import open_predictor
from geoseg.system import cache
from geoseg.system.choices import PRECISION_OPTIONS, Precision, Runtime
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.model import Model
    from geoseg.models.runtimes.protocol import WindowPredictor


# Seconds after which no further candidate is tried.
_BUDGET = 6.0

# The same when compiling, of which the first pass takes most.
_COMPILE_BUDGET = 60.0

# Windows measured on a CPU: at least this side, and for a small network as large as takes about this many seconds. At
# 512 px a MobileNet is as fast in either layout, at 1152 px nearly twice as fast with channels last.
_CPU_SIDE, _CPU_SECONDS = 512, 0.6

# Side of the window that tells whether bf16 is emulated.
_SMALL = 128

# Half precision is taken under "auto" only if it gives the same class as fp32 on this share of a sample.
_AGREEMENT = 0.995

# A candidate must be faster by this factor: timings on a busy machine scatter by a few percent.
_GAIN = 1.05

# The factor for threads that share a pass: they idle while one of them reads, decodes or packs.
# (Unet(mobilenetv4-small), 4096², 2 cores: 6.7 against 5.8 Mpx/s measured alone, 6.4 against 4.3 s in a whole run.)
_SHARED_GAIN = 1.5

# Rounds of a comparison of models.
_ROUNDS = 3

# Version of the cache entries; raise it when their meaning or the way of measuring changes.
_VERSION = 8


# The choice ---------------------------------------------------------------------------------------------------------


def choose_execution(
    model: Model,
    shape: tuple[int, int],
    *,
    dtype: Any,
    device: str = "auto",
    precision: str = "auto",
    runtime: str = "auto",
) -> Execution:
    """Choose how to run a model on this machine by a short measurement, cached in the user's cache folder.

    Parameters
    ----------
    model
        The model.
    shape
        Height and width of the windows it will be given, in pixels.
    dtype
        Numpy data type of the raster.
    device
        ``"auto"`` (CUDA, then MPS, then CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; of OpenVINO also
        ``"gpu"``, ``"gpu.1"`` and ``"npu"``.
    precision
        ``"auto"``, ``"fp32"``, ``"bf16"`` or ``"fp16"``. Under ``"auto"`` half precision is taken only where it is
        faster and gives the same class as fp32 on at least 99.5 % of a sample.
    runtime
        ``"auto"``, ``"torch"``, ``"openvino"``, or ``"onnx"`` for ONNX models.

    Returns
    -------
    Execution
        With the measured rate, and a reason that says in one line what was chosen and why.

    Raises
    ------
    OptionError
        If the device, precision or runtime does not exist here.
    ModelError
        If the weights cannot be loaded or the model does not run.

    Examples
    --------
    >>> from geoseg.models import choose_execution, load_model
    >>> choose_execution(load_model("spectral"), (256, 256), dtype="uint16", device="cpu").precision
    'fp32'
    """
    if precision not in PRECISION_OPTIONS:
        raise OptionError(f"precision {precision!r} is unknown: use one of {', '.join(PRECISION_OPTIONS)}")
    check_runtime(runtime, model)
    place = _place_of(model, device, runtime)
    if precision != "auto" and not place.supports(precision):
        raise OptionError(f"precision {precision} is not supported {place.words}; use auto or fp32")
    window, dtype = measured_window(model.card, shape), np.dtype(dtype)
    key = _cache_key(model, place, window, dtype, precision)
    execution = _cached(key)
    if execution is None:
        execution = _measure(model, place, window, dtype, precision)
        cache.store(asdict(execution), "executions", *key)
    # `geoseg inspect` looks the speed up by the options as given, which it knows without importing torch.
    cache.store({"rate": execution.rate}, "rate", model.fingerprint, window, device, precision, runtime)
    rate = f", {execution.rate:.3g} Mpx/s measured" if execution.rate else ""
    return replace(execution, reason=f"{place.why}; {_settings(execution)}{rate}")


@dataclass(frozen=True)
class _Place:
    """Where a model runs: runtime, device, and why there."""

    runtime: Runtime
    device: str
    why: str

    def supports(self, precision: str) -> bool:
        """Return whether the device computes in a precision."""
        if self.runtime == "openvino":
            from geoseg.models.runtimes.openvino_devices import openvino_supports

            return openvino_supports(self.device, precision)
        return supports(self.device, precision)

    @property
    def words(self) -> str:
        """Device and its name, and the runtime if it is not torch."""
        if self.runtime == "openvino":
            return f"by runtime openvino {self.why.removesuffix(', as asked')}"
        return f"on {self.device} ({device_name(self.device)})"


def _place_of(model: Model, device: str, runtime: str) -> _Place:
    if runtime == "openvino" or (runtime == "auto" and is_openvino_device(device)):
        check_runtime("openvino", model)
        from geoseg.models.runtimes.openvino_devices import choose_openvino_device

        return _Place("openvino", *choose_openvino_device(device))
    return _Place(own_runtime(model), *choose_device(device))


def _settings(execution: Execution) -> str:
    words = [title(execution.runtime), execution.precision]
    if execution.layout is not None:
        words += [execution.layout, f"batch {execution.batch}"]
    if execution.device == "cpu":
        words.append(execution.shares)
    return ", ".join(words)


def _cache_key(
    model: Model, place: _Place, window: tuple[int, int], dtype: np.dtype[Any], precision: str
) -> tuple[object, ...]:
    named = device_name(place.device) if place.runtime != "openvino" else place.why
    here = (place.device, named, place.runtime, *runtime_versions(), platform.machine(), cpu_count())
    return (_VERSION, model.fingerprint, *here, window, dtype.str, precision)


def _cached(key: tuple[object, ...]) -> Execution | None:
    entry = cache.load("executions", *key)
    try:
        return Execution(**entry)
    except (TypeError, OptionError):
        return None  # missing, damaged or written by another version: measure again


def with_compile(model: Model, execution: Execution, shape: tuple[int, int], dtype: Any) -> Execution:
    """Return the execution with ``compile`` set if that is faster here and gives the same classes, else unchanged.

    The reason says what was decided and why. Compiling takes up to a minute, measuring some seconds.
    """
    if getattr(model.module(), "pointwise", False):
        return execution.with_reason("not compiled: the network has no context and runs in strips")
    bench = _Bench(model, measured_window(model.card, shape), np.dtype(dtype), _COMPILE_BUDGET)
    compiled = replace(execution, compile=True)
    try:
        before, after = bench.rate(execution), bench.rate(compiled)
    except ModelError as error:
        return execution.with_reason(f"not compiled: {error}")
    if not bench.same_classes(execution, compiled):
        return execution.with_reason("not compiled: it would give other classes")
    if after < before * _GAIN:
        return execution.with_reason(f"not compiled: {after / before:.2f} times as fast")
    return replace(compiled, rate=after).with_reason(f"compiled, {after / before:.2f} times as fast")


def compare_rates(models: Sequence[Model], shape: tuple[int, int], *, dtype: Any, device: str = "auto") -> list[float]:
    """Return the megapixels per second of several models, each run as it is fastest here.

    They are timed by turns, so that a machine that is busy for a while slows all of them, and the best of the rounds
    counts. Parameters are those of :func:`choose_execution`.
    """
    chosen = [choose_execution(model, shape, dtype=dtype, device=device) for model in models]
    benches = [_Bench(model, measured_window(model.card, shape), np.dtype(dtype), _BUDGET) for model in models]
    rounds = [[bench.timed(how) for bench, how in zip(benches, chosen, strict=True)] for _ in range(_ROUNDS)]
    return [max(rates) for rates in zip(*rounds, strict=True)]


# The search ---------------------------------------------------------------------------------------------------------


def _measure(model: Model, place: _Place, window: tuple[int, int], dtype: np.dtype[Any], precision: str) -> Execution:
    """Search greedily, keeping what gains: layout, then precision, then streams and batch."""
    first: Precision = "fp32" if precision == "auto" else cast("Precision", precision)
    device = place.device
    start = Execution(device, first, runtime=place.runtime)
    if place.runtime == "openvino":
        return _measure_openvino(_Bench(model, window, dtype, _BUDGET), place, start, precision)
    if device == "cpu":
        return _measure_cpu(model, window, dtype, start, precision)
    bench = _Bench(model, window, dtype, _BUDGET)
    best = bench.fastest(start, [replace(start, channels_last=True)])
    if precision == "auto":
        halves: tuple[Precision, ...] = ("fp16", "bf16")
        candidates = [replace(best, precision=half) for half in halves if supports(device, half)]
        best = bench.fastest(best, candidates, same_classes=True)
    return bench.fastest(replace(best, streams=2), [replace(best, batch=batch, streams=2) for batch in (2, 4, 8)])


def _measure_cpu(
    model: Model, window: tuple[int, int], dtype: np.dtype[Any], start: Execution, precision: str
) -> Execution:
    """Choose layout and precision on one thread by its own CPU time, which other processes do not distort.

    Batches above 1 are not tried: they were not faster on any CPU measured (activations of batch 1 fit the cache best).
    """
    cpus = cpu_count()
    bench = _Bench(model, _at_most(_CPU_SIDE, model, window), dtype, _BUDGET)
    # Strips of a network without context stay in cache whatever the layout.
    if getattr(model.module(), "pointwise", False):
        return bench.fastest(replace(start, streams=cpus), [])
    bench = _enlarged(bench, window)
    # Channels last first: the first candidate stays if the time runs out, and it won on nearly every CPU measured.
    start = bench.fastest(replace(start, channels_last=True), [start])
    if precision == "auto" and _native_bf16(model, start, dtype):
        start = bench.fastest(start, [replace(start, precision="bf16")], same_classes=True)
    streams = replace(start, streams=cpus)
    if cpus == 1:
        return bench.fastest(streams, [])
    # Single-threaded streams never wait at a barrier: on a busy machine, threads that share a pass lose a factor of 10.
    return bench.fastest(streams, [replace(start, threads=cpus)], gain=_SHARED_GAIN)


def _measure_openvino(bench: _Bench, place: _Place, start: Execution, precision: str) -> Execution:
    """Choose streams, then precision; OpenVINO chooses its layouts. Other devices than the CPU get two streams."""
    cpus = cpu_count() if place.device == "cpu" else 2
    best, shared = replace(start, streams=cpus), replace(start, threads=cpus)
    best = bench.fastest(best, [shared] if place.device == "cpu" and cpus > 1 else [], gain=_SHARED_GAIN)
    if precision == "auto":
        halves: tuple[Precision, ...] = ("bf16", "fp16")
        candidates = [replace(best, precision=half) for half in halves if place.supports(half)]
        best = bench.fastest(best, candidates, same_classes=True)
    return best


def _native_bf16(model: Model, fp32: Execution, dtype: np.dtype[Any]) -> bool:
    """Try bf16 on a small window first: CPUs that emulate it take ten times as long."""
    bench = _Bench(model, _at_most(_SMALL, model, (_SMALL, _SMALL)), dtype, 1.0)
    return bench.rate(replace(fp32, precision="bf16")) > bench.rate(fp32)


def _enlarged(bench: _Bench, window: tuple[int, int]) -> _Bench:
    """Return a bench whose window is as large as time permits, since the best layout depends on the size."""
    if bench.window == window:
        return bench
    rate = bench.rate(Execution("cpu", "fp32", channels_last=True))
    larger = _at_most(max(int((rate * 1e6 * _CPU_SECONDS) ** 0.5), _CPU_SIDE), bench.model, window)
    return bench if larger == bench.window else _Bench(bench.model, larger, bench.dtype, _BUDGET)


def _at_most(side: int, model: Model, window: tuple[int, int]) -> tuple[int, int]:
    """Return the window clipped to ``side``, rounded down to the model's stride; the only one if there is only one."""
    if model.card.window is not None:
        return model.card.window, model.card.window
    side = max(side // model.card.stride * model.card.stride, model.card.min_window)
    return min(window[0], side), min(window[1], side)


# The measurement ----------------------------------------------------------------------------------------------------


class _Bench:
    """Times executions of one model on random windows.

    Parameters
    ----------
    model, window, dtype
        What is run: a model on windows (height, width) of a data type.
    budget
        Seconds, from now, after which no further candidate is tried.
    """

    def __init__(self, model: Model, window: tuple[int, int], dtype: np.dtype[Any], budget: float) -> None:
        self.model, self.window, self.dtype = model, window, dtype
        model.module()  # load the weights before the clock starts
        self.deadline = time.perf_counter() + budget
        self._rates: dict[Execution, float] = {}
        self._classes: dict[Execution, NDArray[np.uint8]] = {}

    def fastest(
        self, best: Execution, others: Sequence[Execution], *, same_classes: bool = False, gain: float = _GAIN
    ) -> Execution:
        """Return the fastest execution with its rate.

        Another than ``best`` must be faster by the factor ``gain``, and give the same classes if asked for.
        """
        rate = self.rate(best)
        for other in others:
            if time.perf_counter() > self.deadline:
                break
            try:
                other_rate = self.rate(other)
            except ModelError:
                continue  # NaN in half precision, or too large a batch: not a candidate
            if same_classes and not self.same_classes(best, other):
                continue
            if other_rate > rate * gain:
                # The machine may have stalled while the incumbent was timed: time it again before replacing it.
                rate = self._rates[best] = max(rate, self.timed(best))
            if other_rate > rate * gain:
                best, rate = other, other_rate
        return replace(best, rate=rate)

    def rate(self, execution: Execution) -> float:
        """Return the megapixels per second of all streams together, timed once per execution."""
        if execution not in self._rates:
            self._rates[execution] = self.timed(execution)
        return self._rates[execution]

    def same_classes(self, one: Execution, other: Execution) -> bool:
        """Return whether two executions that were timed agree on nearly all classes."""
        return bool(np.mean(self._classes[one] == self._classes[other]) >= _AGREEMENT)

    def timed(self, execution: Execution) -> float:
        """Return the megapixels per second of all streams together, timed now."""
        predictor = open_predictor(self.model, self._affine(), execution)
        data = self._pixels(execution.batch)
        # Also the warm-up: it selects kernels and puts the weights in place.
        self._classes[execution] = predictor.classify(data[:1], None)[0]
        pixels = data[:, 0].size * execution.streams
        # OpenVINO computes in threads of its own.
        alone = execution.device == "cpu" and execution.streams == execution.threads == 1
        clock = time.thread_time if alone and execution.runtime != "openvino" else time.perf_counter
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
