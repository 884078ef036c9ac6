"""How a forward pass is run: device, precision, memory layout, batch, streams. A value; importing it costs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, get_args

from geoseg.errors import OptionError
from geoseg.system import cache
from geoseg.system.choices import Precision

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard
    from geoseg.models.model import Model

# Windows are measured at most this large: what is faster at 1024² is faster at 2048².
_LARGEST = 1024


@dataclass(frozen=True)
class Execution:
    """How to run a model.

    Attributes
    ----------
    device
        ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    precision
        ``"fp32"``, or autocast to ``"bf16"`` or ``"fp16"``.
    channels_last
        Memory layout of activations and weights: NHWC if true.
    batch
        Windows per forward pass.
    streams
        Forward passes at a time on the device, each called from its own thread.
    threads
        Intra-op threads of each stream (CPU).
    compile
        Whether the network is compiled by ``torch.compile``.
    reason
        One line for the user: why this device and these settings.
    rate
        Megapixels per second measured when this was chosen, if it was measured; of all streams together.
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

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise OptionError(f"precision {self.precision!r} is unknown: use auto, {', '.join(get_args(Precision))}")
        for name in ("batch", "streams", "threads"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def shares(self) -> str:
        """How the cores of a CPU are shared out, in words."""
        return f"{self.streams} × {self.threads} threads"

    def with_streams(self, most: int) -> Execution:
        """Return the execution with at most so many streams; the threads of the others help in those."""
        if self.streams <= most:
            return self
        fewer = replace(self, streams=most, threads=self.threads * self.streams // most)
        return replace(fewer, reason=self.reason.replace(self.shares, fewer.shares))


def measured_window(card: ModelCard, shape: tuple[int, int]) -> tuple[int, int]:
    """Return the window on which an execution for windows of ``shape`` is measured: no larger than it has to be."""
    largest = max(_LARGEST // card.stride * card.stride, card.min_window)
    return min(shape[0], largest), min(shape[1], largest)


def measured_rate(model: Model, shape: tuple[int, int], device: str = "auto", precision: str = "auto") -> float | None:
    """Return the pixels per second that were last measured for a model, window and options on this machine.

    Never measures and never imports torch; None if there was no measurement yet.
    """
    entry = cache.load("rate", model.fingerprint, measured_window(model.card, shape), device, precision)
    rate = entry.get("rate") if isinstance(entry, dict) else None
    return rate * 1e6 if isinstance(rate, (int, float)) and rate > 0 else None
