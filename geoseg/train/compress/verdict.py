"""What a compression gained and lost, and whether that is worth a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geoseg.errors import CompressionError
from geoseg.system.resources import format_bytes

if TYPE_CHECKING:
    from geoseg.models import Model

# What counts as a gain: timings scatter by a few percent, and so do sizes that save nobody anything.
_FASTER, _SMALLER = 1.05, 0.95

# What to do by method: if too much is lost, and if nothing is gained.
_MEND = {
    "int8": ("give more --images, of the kind that will be mapped, or allow more", "keep the original"),
    "": (
        "train for more --epochs or on more --images, remove a smaller share, or allow more",
        "remove a larger share, or name a smaller --encoder",
    ),
}


@dataclass(frozen=True)
class Measured:
    """A model, or several together, as measured on this machine.

    Attributes
    ----------
    mean_iou, overall_accuracy
        On the held-out windows, 0…1.
    rate
        Megapixels per second; None if not timed.
    size
        Bytes of the weights.
    parameters
        Number of parameters.

    Examples
    --------
    >>> from geoseg.train.compress import Measured
    >>> print(Measured(0.61, 0.83, 2.5, 4_000_000, 1_000_000))
    mIoU 0.6100, accuracy 0.8300, 2.50 Mpx/s, 4.0 MB, 1,000,000 parameters
    """

    mean_iou: float
    overall_accuracy: float
    rate: float | None
    size: int
    parameters: int

    def __str__(self) -> str:
        speed = "" if self.rate is None else f"{self.rate:.2f} Mpx/s, "
        return (
            f"mIoU {self.mean_iou:.4f}, accuracy {self.overall_accuracy:.4f}, {speed}{format_bytes(self.size)}, "
            f"{self.parameters:,} parameters"
        )


@dataclass(frozen=True)
class Compression:
    """The result of a compression.

    Attributes
    ----------
    path
        The model folder; None until it is written.
    before
        The model that was pruned, or the teachers together.
    start
        The small network before its training; with ``int8``, the network with all blocks in 8 bits.
    after
        The small model as it was written, and loaded again.
    reference
        What the scores were measured against: ``"labels"``, or the classes of the original.
    windows, pixels
        Held-out windows and their pixels that were scored.
    blocks
        With ``int8``: how many blocks (a layer and what follows it) are in 8 bits, and how many there are.

    Examples
    --------
    >>> from geoseg.train.compress import Compression, Measured
    >>> before, after = (Measured(0.61, 0.83, 2.0, 4_000_000, 9), Measured(0.6, 0.82, 3.0, 1_000_000, 3))
    >>> made = Compression(None, before, before, after, "labels", 9, 90000)
    >>> round(made.loss, 4), made.speedup
    (0.01, 1.5)
    """

    path: Path | None
    before: Measured
    start: Measured
    after: Measured
    reference: str
    windows: int
    pixels: int
    blocks: tuple[int, int] | None = None

    @property
    def loss(self) -> float:
        """Mean IoU before less mean IoU after."""
        return self.before.mean_iou - self.after.mean_iou

    @property
    def speedup(self) -> float:
        """Speed after over speed before."""
        assert self.before.rate is not None
        assert self.after.rate is not None
        return self.after.rate / self.before.rate

    @property
    def model(self) -> Model:
        """The small model, loaded from its folder."""
        from geoseg.models import load_model

        assert self.path is not None
        return load_model(self.path)

    def check_worth(self, max_loss: float) -> None:
        """Check that the small model loses at most ``max_loss`` of mean IoU, and is faster or smaller.

        Raises
        ------
        CompressionError
            If it does not.
        """
        self.check_loss(max_loss)
        if self.speedup < _FASTER and self.after.size > _SMALLER * self.before.size:
            raise CompressionError(
                f"not kept: nothing is gained, {self.speedup:.2f} times the speed and {format_bytes(self.after.size)} "
                f"instead of {format_bytes(self.before.size)}: {self._mend[1]}"
            )

    def check_loss(self, max_loss: float) -> None:
        """Check that the small model loses at most ``max_loss`` of mean IoU.

        Raises
        ------
        CompressionError
            If it loses more.
        """
        if not self.loss <= max_loss:
            how = "" if self.blocks is None else " even with {} of {} blocks in 8 bits".format(*self.blocks)
            raise CompressionError(
                f"not kept: it loses {self.loss:.4f} of mean IoU (against {self.reference}){how}, --max-loss allows "
                f"{max_loss:g}: {self._mend[0]}"
            )

    @property
    def _mend(self) -> tuple[str, str]:
        return _MEND["" if self.blocks is None else "int8"]
