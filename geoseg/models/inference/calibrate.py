"""Measure which device, layout, precision and streams are fastest here, once, and cache the choice."""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from geoseg.errors import ModelError, OptionError
from geoseg.models.boxes.checks import check_finds_classes
from geoseg.models.inference.agreement import Sample
from geoseg.models.inference.bench import GAIN, Bench
from geoseg.models.inference.contest import SHARED_GAIN, against_openvino, label, measure_openvino
from geoseg.models.inference.device import choose_device, device_name, supports
from geoseg.models.inference.execution import Execution, measured_window
from geoseg.models.runtimes.choices import (
    check_runtime,
    is_installed,
    is_openvino_device,
    own_runtime,
    runtime_versions,
    title,
)
from geoseg.system import cache
from geoseg.system.choices import PRECISION_OPTIONS, Precision, Runtime
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    from geoseg.models.model import Model


# Seconds after which no further candidate is tried.
_BUDGET = 6.0

# The same for another runtime: importing OpenVINO and converting a network take 6 s and more before it is timed at all.
_CONTEST_BUDGET = 30.0

# The same when compiling, of which the first pass takes most.
_COMPILE_BUDGET = 60.0

# Windows measured on a CPU: at least this side, and for a small network as large as takes about this many seconds. At
# 512 px a MobileNet is as fast in either layout, at 1152 px nearly twice as fast with channels last.
_CPU_SIDE, _CPU_SECONDS = 512, 0.6

# Seconds of forward passes, of this run and of those before it, from which it pays to look for a faster runtime; ten
# times as many where this run takes less than `_SHORT`, as a preview does, which somebody waits for.
_LONG = 60.0
_SHORT = 2.0

# Side of the window that tells whether bf16 is emulated.
_SMALL = 128

# Rounds of a comparison of models.
_ROUNDS = 3

# Version of the cache entries; raise it when their meaning or the way of measuring changes.
_VERSION = 13


# The choice ---------------------------------------------------------------------------------------------------------


def choose_execution(
    model: Model,
    shape: tuple[int, int],
    *,
    dtype: Any,
    device: str = "auto",
    precision: str = "auto",
    runtime: str = "auto",
    sample: Callable[[], Sample | None] | None = None,
    pixels: float | None = None,
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
        faster and gives the map of fp32 on a sample: classes differ only where the two best are nearly tied, and
        confidences by less than 1 % on average; or where the model's card says that it loses at most 0.005 of mean IoU.
    runtime
        ``"auto"``, ``"torch"``, ``"openvino"``, or ``"onnx"`` for ONNX models. Under ``"auto"`` OpenVINO is taken on a
        CPU where it is installed, faster than the model's own runtime, and gives the same map.
    sample
        Called for pixels to compare on, if anything is compared; random ones if None.
    pixels
        How many will be computed; many if None. OpenVINO is measured once the runs of this model here, this one
        included, add up to a minute: to convert a network and to compare the maps takes some 15 to 30 s.

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
    check_finds_classes(model.card)
    check_runtime(runtime, model)
    place = _place_of(model, device, runtime)
    if precision != "auto" and not place.supports(precision):
        raise OptionError(f"precision {precision} is not supported {place.words}; use auto or fp32")
    window, dtype = measured_window(model.card, shape), np.dtype(dtype)
    compared = None if sample is None else functools.cache(sample)
    key = _cache_key(model, place, window, dtype, (precision, place.runtime))
    execution = _cached(key)
    if execution is None:
        execution = _measure(model, place, window, dtype, precision, compared() if compared else None)
        cache.store(asdict(execution), "executions", *key)
    if runtime == "auto" and place.runtime != "openvino":
        key = _cache_key(model, place, window, dtype, (precision, "any"))
        if (found := _cached(key)) is not None:
            execution = found
        elif _has_rival(place, precision) and _pays(pixels, execution, key) and not _runs_in_strips(model):
            side = _affordable(execution.rate or 0.0, model, window)
            bench = Bench(model, side, dtype, _CONTEST_BUDGET, compared() if compared else None)
            execution = against_openvino(execution, bench, precision)
            cache.store(asdict(execution), "executions", *key)
    # `geoseg inspect` looks the speed up by the options as given, which it knows without importing torch.
    rates = {"rate": execution.rate, "candidates": execution.candidates or {label(execution): execution.rate or 0.0}}
    cache.store(rates, "rate", model.pace_key, window, device, precision, runtime)
    rate = f", {execution.rate:.3g} Mpx/s measured" if execution.rate else ""
    return replace(execution, reason=f"{place.why}; {_settings(execution)}{rate}").with_reason(execution.reason)


def _pays(pixels: float | None, execution: Execution, key: tuple[object, ...]) -> bool:
    """Return whether it pays to look for a faster runtime, by the time of all runs so far; counts this run."""
    if pixels is None or not execution.rate:
        return True
    seconds = pixels / 1e6 / execution.rate
    before = cache.load("spent", *key)
    spent = seconds + (before if isinstance(before, float) and before > 0 else 0.0)
    cache.store(spent, "spent", *key)
    return spent >= (_LONG if seconds >= _SHORT else 10 * _LONG)


def _has_rival(place: _Place, precision: str) -> bool:
    """Return whether OpenVINO may be faster: on the CPU, where it is installed and has the precision."""
    if place.runtime == "openvino" or place.device != "cpu" or not is_installed("openvino"):
        return False
    return precision in ("auto", "fp32") or replace(place, runtime="openvino").supports(precision)


def _runs_in_strips(model: Model) -> bool:
    """Return whether a network has no context: torch runs it in strips, and nothing else is as fast."""
    return bool(getattr(model.module(), "pointwise", False))


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
    model: Model, place: _Place, window: tuple[int, int], dtype: np.dtype[Any], options: tuple[str, ...]
) -> tuple[object, ...]:
    named = device_name(place.device) if place.runtime != "openvino" else place.why
    here = (place.device, named, place.runtime, *runtime_versions(), platform.machine(), cpu_count())
    return (_VERSION, model.pace_key, *here, window, dtype.str, *options)


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
    if execution.runtime != "torch":
        return execution.with_reason(f"not compiled: {title(execution.runtime)} is not torch")
    if _runs_in_strips(model):
        return execution.with_reason("not compiled: the network has no context and runs in strips")
    bench = Bench(model, measured_window(model.card, shape), np.dtype(dtype), _COMPILE_BUDGET)
    compiled = replace(execution, compile=True)
    try:
        before, after = bench.rate(execution), bench.rate(compiled)
    except ModelError as error:
        return execution.with_reason(f"not compiled: {error}")
    if not bench.agreement(compiled).same:
        return execution.with_reason("not compiled: it would give other classes")
    if after < before * GAIN:
        return execution.with_reason(f"not compiled: {after / before:.2f} times as fast")
    return replace(compiled, rate=after).with_reason(f"compiled, {after / before:.2f} times as fast")


def compare_rates(models: Sequence[Model], shape: tuple[int, int], *, dtype: Any, device: str = "auto") -> list[float]:
    """Return the megapixels per second of several models, each run as it is fastest here.

    They are timed by turns, so that a machine that is busy for a while slows all of them, and the best of the rounds
    counts. Parameters are those of :func:`choose_execution`.
    """
    chosen = [choose_execution(model, shape, dtype=dtype, device=device) for model in models]
    benches = [Bench(model, measured_window(model.card, shape), np.dtype(dtype), _BUDGET) for model in models]
    rounds = [[bench.timed(how) for bench, how in zip(benches, chosen, strict=True)] for _ in range(_ROUNDS)]
    return [max(rates) for rates in zip(*rounds, strict=True)]


# The search ---------------------------------------------------------------------------------------------------------


def _measure(
    model: Model,
    place: _Place,
    window: tuple[int, int],
    dtype: np.dtype[Any],
    precision: str,
    sample: Sample | None = None,
) -> Execution:
    """Search greedily, keeping what gains: layout, then precision, then streams and batch."""
    first: Precision = "fp32" if precision == "auto" else cast("Precision", precision)
    device = place.device
    start = Execution(device, first, runtime=place.runtime)
    if place.runtime == "openvino":
        return measure_openvino(Bench(model, window, dtype, _BUDGET, sample), device, precision)
    if device == "cpu":
        return _measure_cpu(model, window, dtype, start, precision, sample)
    bench = Bench(model, window, dtype, _BUDGET, sample)
    best = bench.fastest(start, [replace(start, channels_last=True)])
    if precision == "auto":
        halves: tuple[Precision, ...] = ("fp16", "bf16")
        candidates = [replace(best, precision=half) for half in halves if supports(device, half)]
        best = bench.fastest(best, candidates, same_map=True)
    return bench.fastest(replace(best, streams=2), [replace(best, batch=batch, streams=2) for batch in (2, 4, 8)])


def _measure_cpu(
    model: Model,
    window: tuple[int, int],
    dtype: np.dtype[Any],
    start: Execution,
    precision: str,
    sample: Sample | None,
) -> Execution:
    """Choose layout and precision on one thread by its own CPU time, which other processes do not distort.

    Batches above 1 are not tried: they were not faster on any CPU measured (activations of batch 1 fit the cache best).
    """
    cpus = cpu_count()
    bench = Bench(model, _at_most(_CPU_SIDE, model, window), dtype, _BUDGET, sample)
    # Strips of a network without context stay in cache whatever the layout.
    if getattr(model.module(), "pointwise", False):
        return bench.fastest(replace(start, streams=cpus), [])
    bench = _enlarged(bench, window)
    # Channels last first: the first candidate stays if the time runs out, and it won on nearly every CPU measured.
    start = bench.fastest(replace(start, channels_last=True), [start])
    if precision == "auto" and _native_bf16(model, start, dtype):
        start = bench.fastest(start, [replace(start, precision="bf16")], same_map=True)
    streams = replace(start, streams=cpus)
    if cpus == 1:
        return bench.fastest(streams, [])
    # Single-threaded streams never wait at a barrier: on a busy machine, threads that share a pass lose a factor of 10.
    return bench.fastest(streams, [replace(start, threads=cpus)], gain=SHARED_GAIN)


def _native_bf16(model: Model, fp32: Execution, dtype: np.dtype[Any]) -> bool:
    """Try bf16 on a small window first: CPUs that emulate it take ten times as long.

    Where it is native, it may gain nothing on so small a window, and twice as much on a large one.
    """
    bench = Bench(model, _at_most(_SMALL, model, (_SMALL, _SMALL)), dtype, 1.0)
    return bench.rate(replace(fp32, precision="bf16")) > bench.rate(fp32) / 2


def _enlarged(bench: Bench, window: tuple[int, int]) -> Bench:
    """Return a bench whose window is as large as time permits, since the best layout depends on the size."""
    if bench.window == window:
        return bench
    larger = _affordable(bench.rate(Execution("cpu", "fp32", channels_last=True)), bench.model, window)
    return bench if larger == bench.window else Bench(bench.model, larger, bench.dtype, _BUDGET, bench.sample)


def _affordable(rate: float, model: Model, window: tuple[int, int]) -> tuple[int, int]:
    """Return the window, or a smaller one if that would take long at ``rate`` (megapixels a second)."""
    return _at_most(max(int((rate * 1e6 * _CPU_SECONDS) ** 0.5), _CPU_SIDE), model, window)


def _at_most(side: int, model: Model, window: tuple[int, int]) -> tuple[int, int]:
    """Return the window clipped to ``side``, rounded down to the model's stride; the only one if there is only one."""
    if model.card.window is not None:
        return model.card.window, model.card.window
    side = max(side // model.card.stride * model.card.stride, model.card.min_window)
    return min(window[0], side), min(window[1], side)
