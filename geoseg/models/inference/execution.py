"""How a forward pass runs: device, precision, memory layout, batch, streams. A plain value; never imports torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from geoseg.errors import OptionError
from geoseg.system import cache
from geoseg.system.choices import PRECISIONS, RUNTIMES, Precision, Runtime

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard
    from geoseg.models.model import Model

# Windows are measured at most this large: what is faster at 1024² is faster at 2048².
_MAX_MEASURED_SIDE = 1024


@dataclass(frozen=True)
class Execution:
    """How to run a model.

    Attributes
    ----------
    device
        ``"cpu"``, ``"cuda:0"`` or ``"mps"``; of OpenVINO also ``"gpu"``, ``"gpu.1"`` or ``"npu"``.
    precision
        ``"fp32"``, ``"bf16"`` or ``"fp16"``; torch computes in half precision by autocast.
    runtime
        ``"torch"``, ``"openvino"`` or ``"onnx"`` (ONNX Runtime).
    channels_last
        Memory layout of activations and weights: NHWC if true, else NCHW. OpenVINO chooses its own.
    batch
        Windows per forward pass, at least 1.
    streams
        Concurrent forward passes on the device, each called from its own thread, at least 1.
    threads
        Intra-op threads of each stream (CPU), at least 1.
    compile
        Whether ``torch.compile`` compiles the network.
    reason
        One line for the user: why this device and these settings.
    rate
        Measured megapixels per second of all streams together; None if not measured.
    candidates
        The same for each runtime and precision that was measured beside it: ``{"torch fp32": 4.0, …}``.

    Raises
    ------
    OptionError
        If precision or runtime are unknown, or batch, streams or threads are below 1.

    Examples
    --------
    >>> from geoseg.models import Execution
    >>> Execution("cpu", streams=4, threads=1).with_streams(2).shares
    '2 × 2 threads'
    """

    device: str = "cpu"
    precision: Precision = "fp32"
    channels_last: bool = False
    batch: int = 1
    streams: int = 1
    threads: int = 1
    compile: bool = False
    reason: str = field(default="", compare=False)
    rate: float | None = field(default=None, compare=False)
    runtime: Runtime = "torch"
    candidates: dict[str, float] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise OptionError(f"precision {self.precision!r} is unknown: use one of {', '.join(PRECISIONS)}")
        if self.runtime not in RUNTIMES:
            raise OptionError(f"runtime {self.runtime!r} is unknown: use one of {', '.join(RUNTIMES)}")
        for name in ("batch", "streams", "threads"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def layout(self) -> str | None:
        """Memory layout in words; None where the runtime chooses it."""
        if self.runtime == "openvino":
            return None
        return "channels last" if self.channels_last else "channels first"

    @property
    def shares(self) -> str:
        """How the cores of a CPU are divided: ``"2 × 1 threads"`` for two streams of one thread."""
        return f"{self.streams} × {self.threads} threads"

    def with_streams(self, most: int) -> Execution:
        """Return the execution with at most ``most`` streams, which share the threads of those dropped."""
        if self.streams <= most:
            return self
        fewer = replace(self, streams=most, threads=self.threads * self.streams // most)
        return replace(fewer, reason=self.reason.replace(self.shares, fewer.shares))

    def with_reason(self, text: str) -> Execution:
        """Return the execution with ``text`` appended to its reason."""
        return replace(self, reason="; ".join(part for part in (self.reason, text) if part))


def measured_window(card: ModelCard, shape: tuple[int, int]) -> tuple[int, int]:
    """Return the window (height, width) on which executions for windows of ``shape`` are timed, at most 1024 px.

    Sides are 1024, 512, 256 … px, rounded to the model's stride: a preview of any extent finds the measurement of
    another. A model with windows of fixed size is timed on those.
    """
    largest = max(_MAX_MEASURED_SIDE // card.stride * card.stride, card.min_window)
    if card.window is not None:
        return min(shape[0], largest), min(shape[1], largest)
    height, width = (_measured_side(card, largest, side) for side in shape)
    return height, width


def _measured_side(card: ModelCard, largest: int, side: int) -> int:
    measured = largest
    while measured > side:
        half = measured // 2 // card.stride * card.stride
        if half < max(card.min_window, card.stride):
            return min(measured, side)
        measured = half
    return measured


def measured_rate(
    model: Model,
    shape: tuple[int, int],
    device: str = "auto",
    precision: str = "auto",
    runtime: str = "auto",
    *,
    other_windows: bool = False,
) -> float | None:
    """Return the speed last measured on this machine for a model, window and options.

    Never measures and never imports torch.

    Parameters
    ----------
    model
        The model.
    shape
        Height and width of its windows, in pixels.
    device, precision, runtime
        The options as the user gives them.
    other_windows
        Return the speed of other windows if that of ``shape`` was not measured.

    Returns
    -------
    Pixels per second; None if nothing has been measured yet.

    Examples
    --------
    >>> import geoseg
    >>> from geoseg.models import measured_rate
    >>> model = geoseg.load_model("spectral")
    >>> rate = measured_rate(model, (256, 256), "cpu", "fp32")  # None before the first run with this model
    """
    sides = (_MAX_MEASURED_SIDE, _MAX_MEASURED_SIDE // 2, _MAX_MEASURED_SIDE // 4)
    for window in [shape, *product(sides, sides)] if other_windows else [shape]:
        rate = _measured(model, window, device, precision, runtime).get("rate")
        if isinstance(rate, (int, float)) and rate > 0:
            return rate * 1e6
    return None


def measured_candidates(
    model: Model, shape: tuple[int, int], device: str = "auto", precision: str = "auto", runtime: str = "auto"
) -> dict[str, float]:
    """Return the megapixels per second of each runtime and precision that was measured; see :func:`measured_rate`."""
    candidates = _measured(model, shape, device, precision, runtime).get("candidates")
    if not isinstance(candidates, dict):
        return {}
    return {str(name): float(rate) for name, rate in candidates.items() if isinstance(rate, (int, float))}


def _measured(model: Model, shape: tuple[int, int], *options: str) -> dict[str, Any]:
    entry = cache.load("rate", model.pace_key, measured_window(model.card, shape), *options)
    return entry if isinstance(entry, dict) else {}
