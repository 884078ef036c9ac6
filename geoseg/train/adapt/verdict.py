"""The result of an adaptation: what was measured before and after, and whether it is worth keeping."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geoseg.errors import AdaptationError

if TYPE_CHECKING:
    from geoseg.models import Model

# Without labels an adapted model is worse if disturbances change so much more of its map, if it gives most of the map
# other classes, or if a class that had at least this share keeps less than this part of it.
_LESS_STABLE, _LEAST_AGREEMENT, _LEAST_SHARE, _LEAST_KEPT = 0.005, 0.5, 0.01, 0.2


@dataclass(frozen=True)
class Measured:
    """One model on the held-out places.

    Attributes
    ----------
    mean_iou, overall_accuracy
        Against labels; None without.
    stability
        Share of pixels whose class a small disturbance (gain, offset, noise) leaves as it is.
    confidence
        Mean probability of the winning class.
    shares
        Share of each class in the map.
    """

    mean_iou: float | None
    overall_accuracy: float | None
    stability: float
    confidence: float
    shares: tuple[float, ...]

    @property
    def gap(self) -> float:
        """Confidence less stability: a model that is surer than disturbances warrant is overconfident."""
        return self.confidence - self.stability

    def __str__(self) -> str:
        if self.mean_iou is not None:
            return f"mIoU {self.mean_iou:.4f}, accuracy {self.overall_accuracy:.4f}"
        return f"stability {self.stability:.4f}, confidence {self.confidence:.4f}"


@dataclass(frozen=True)
class Adaptation:
    """The result of an adaptation.

    Attributes
    ----------
    path
        The model folder; None until it is written.
    before, after
        The model, and the adapted one.
    agreement
        Share of the held-out pixels to which both give the same class.
    windows, pixels
        Held-out windows, and their pixels that were compared.
    labelled
        Whether they were compared with labels.
    done
        What was done.
    """

    path: Path | None
    before: Measured
    after: Measured
    agreement: float
    windows: int
    pixels: int
    labelled: bool
    done: str

    @property
    def gain(self) -> float:
        """Mean IoU gained, against labels; without labels the stability gained, which only stands for it."""
        if self.before.mean_iou is not None and self.after.mean_iou is not None:
            return self.after.mean_iou - self.before.mean_iou
        return self.after.stability - self.before.stability

    @property
    def model(self) -> Model:
        """The adapted model, loaded from its folder."""
        from geoseg.models import load_model

        assert self.path is not None
        return load_model(self.path)

    def summary(self) -> str:
        """Return one line on what was gained, and how that is known."""
        where = f"on {self.windows} held-out windows ({self.pixels:,} pixels)"
        if self.labelled:
            return f"gained against labels {where}: mean IoU {self.gain:+.4f}; {self.agreement:.0%} of pixels agree"
        return (
            f"without labels only a proxy is known {where}: {self.agreement:.0%} of pixels keep their class; under "
            f"small disturbances {self.after.stability:.1%} do (before {self.before.stability:.1%}); confidence less "
            f"that {self.after.gap:+.3f} (before {self.before.gap:+.3f})"
        )

    def why_worse(self, names: tuple[str, ...] = ()) -> str | None:
        """Return in which respect the adapted model is worse; None if it is not."""
        if self.labelled:
            return f"it loses {-self.gain:.4f} of mean IoU against the labels" if self.gain < 0 else None
        if self.agreement < _LEAST_AGREEMENT:
            return f"it gives {1 - self.agreement:.0%} of the pixels another class, and no label tells which is right"
        for i, (old, new) in enumerate(zip(self.before.shares, self.after.shares, strict=True)):
            if old >= _LEAST_SHARE and new < _LEAST_KEPT * old:
                name = names[i] if names else str(i)
                return f"class {name} shrinks from {old:.1%} to {new:.1%} of the map"
        if -self.gain > _LESS_STABLE:
            return f"small disturbances change {-self.gain:.1%} more of its map than before"
        return None

    def check_worth(self, names: tuple[str, ...] = ()) -> None:
        """Check that the adapted model is not worse.

        Raises
        ------
        AdaptationError
            If it is.
        """
        if why := self.why_worse(names):
            raise AdaptationError(
                f"not kept: {why}; use another --method, give --labels to measure it, or write it with --keep"
            )
