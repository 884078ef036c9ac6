"""Progress of the training loop, passed on to a reporter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from geoseg.progress.reporters import Reporter
from geoseg.train.learner import Learner


@dataclass(frozen=True)
class WindowLocation:
    """Describes the location of a window, for messages."""

    names: tuple[str, ...]

    def __call__(self, where: Sequence[int]) -> str:
        """Return ``"image A, row 10, column 20"``."""
        image, row, col = where
        return f"image {self.names[image]}, row {row}, column {col}"


class ReportProgress(Callback):
    """Passes Lightning's progress on to a reporter."""

    def __init__(self, reporter: Reporter, stage: str, epochs: int, batches: int) -> None:
        self.reporter, self.stage, self.epochs, self.batches = reporter, stage, epochs, batches
        self._score = ""

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
        done = trainer.current_epoch * self.batches + batch_idx + 1
        loss = float(outputs["loss"]) * trainer.accumulate_grad_batches
        message = f"{self.stage}: epoch {trainer.current_epoch + 1}/{self.epochs}, loss {loss:.3f}{self._score}"
        self.reporter.progress(done, self.epochs * self.batches, message)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report the epoch and its scores."""
        if not trainer.is_global_zero:
            return
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        line = f"epoch {trainer.current_epoch + 1}/{self.epochs}: loss {metrics.get('train_loss', math.nan):.3f}"
        if "val_miou" in metrics:
            self._score = f", mIoU {metrics['val_miou']:.3f}"
            line += f", validation loss {metrics['val_loss']:.3f}{self._score}, accuracy {metrics['val_accuracy']:.3f}"
        if "val_ap50" in metrics:
            self._score = f", AP50 {metrics['val_ap50']:.3f}"
            line += f"{self._score}, AP {metrics['val_ap']:.3f}"
        if isinstance(pl_module, Learner) and pl_module.pseudo_share is not None:
            line += f", pseudo-labels on {100 * pl_module.pseudo_share:.0f} %"
        self.reporter.info(line)
