"""Progress of the training loop, passed on to a reporter."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from geoseg.progress.pace import Pace
from geoseg.progress.reporters import Reporter, time_left
from geoseg.train.learner import Learner


@dataclass(frozen=True)
class WindowLocation:
    """Describes the location of a window, for messages."""

    names: tuple[str, ...]

    def __call__(self, where: Sequence[int]) -> str:
        """Return ``"image A, row 10, column 20"``."""
        image, row, col = where
        return f"image {self.names[image]}, row {row}, column {col}"


_SECONDS = 2.0
"""Seconds of a training from which on the time left is told, and between two reports of a validation."""

_LEARNING = 3
"""What learning from a window costs, against what it costs to compute it."""

_AFTER = 256, 60
"""Windows that are computed in the end: at most so many of the validation, and what half precision costs in windows."""


@dataclass(frozen=True)
class Course:
    """How much there is to do in a training.

    Attributes
    ----------
    epochs, batches
        Epochs, and batches of each.
    batch
        Windows per batch.
    checks
        Windows that are validated after each epoch; 0 without validation.
    """

    epochs: int
    batches: int
    batch: int
    checks: int

    def work(self, epoch: int, batches: int, checks: int) -> int:
        """Return the work until then, in windows computed: in whole epochs, and batches and checks of the next."""
        learned, checked = epoch * self.batches + batches, epoch * self.checks + checks
        return _LEARNING * self.batch * learned + checked

    @property
    def all(self) -> int:
        """All work, with what is measured of the best network in the end."""
        after = min(self.checks, _AFTER[0]) + _AFTER[1] if self.checks else 0
        return self.work(self.epochs, 0, 0) + after


class ReportProgress(Callback):
    """Passes Lightning's progress on to a reporter, with the time left for training, validation and the end."""

    def __init__(self, reporter: Reporter, stage: str, course: Course) -> None:
        self.reporter, self.stage, self.course = reporter, stage, course
        self._score = self._text = ""
        self._pace = Pace()
        self._done = 0
        self._shown = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Start the clock; what an earlier run has done is done already."""
        self._pace.note(time.monotonic(), self.course.work(trainer.current_epoch, 0, 0))

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
        dataloader_idx: int = 0,  # noqa: ARG002
    ) -> None:
        """Report now and then that the time left has changed."""
        if not trainer.is_global_zero or not self._text:
            return
        last = batch_idx + 1 >= self.course.checks
        if last or time.monotonic() - self._shown > _SECONDS:
            self._report(self.course.work(trainer.current_epoch, self.course.batches, batch_idx + 1))

    def _report(self, work: int) -> None:
        self._shown = time.monotonic()
        self._pace.note(self._shown, work)
        left = self._pace.left(self.course.all)
        parts = [self._text] if left is None or self._pace.seconds < _SECONDS else [self._text, time_left(left)]
        self.reporter.progress(self._done, self.course.epochs * self.course.batches, ", ".join(parts))

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
        outputs: Any,
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """Report the batch."""
        if not trainer.is_global_zero:
            return
        self._done = trainer.current_epoch * self.course.batches + batch_idx + 1
        loss = float(outputs["loss"]) * trainer.accumulate_grad_batches
        epoch = f"epoch {trainer.current_epoch + 1}/{self.course.epochs}"
        self._text = f"{self.stage}: {epoch}, loss {loss:.3f}{self._score}"
        self._report(self.course.work(trainer.current_epoch, batch_idx + 1, 0))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the epoch and its scores."""
        if not trainer.is_global_zero:
            return
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        line = f"epoch {trainer.current_epoch + 1}/{self.course.epochs}: loss {metrics.get('train_loss', math.nan):.3f}"
        if "val_miou" in metrics:
            self._score = f", mIoU {metrics['val_miou']:.3f}"
            line += f", validation loss {metrics['val_loss']:.3f}{self._score}, accuracy {metrics['val_accuracy']:.3f}"
        if "val_ap50" in metrics:
            self._score = f", AP50 {metrics['val_ap50']:.3f}"
            line += f"{self._score}, AP {metrics['val_ap']:.3f}"
        if isinstance(pl_module, Learner) and pl_module.pseudo_share is not None:
            line += f", pseudo-labels on {100 * pl_module.pseudo_share:.0f} %"
        self.reporter.info(line)
