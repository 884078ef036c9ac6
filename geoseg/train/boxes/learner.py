"""How a detector learns and is scored."""

from __future__ import annotations

from typing import Any

import torch

from geoseg.errors import ModelError
from geoseg.train.boxes.precision import Matches
from geoseg.train.data.loading import Batch
from geoseg.train.learner import Learner


class BoxLearner(Learner):
    """Trains a detector, whose losses are its own; parameters as of :class:`~geoseg.train.learner.Learner`."""

    monitor = "val_ap50"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.matches = Matches()
        self.scores: dict[str, Any] | None = None

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the sum of the detector's losses for a batch.

        Raises
        ------
        ModelError
            If it is NaN or infinite.
        """
        targets = []
        for target in batch.targets or ():
            given = {"boxes": target.boxes.float(), "labels": target.classes}
            targets.append(given if target.masks is None else given | {"masks": target.masks})
        losses = self.network(batch.x, targets)
        loss: torch.Tensor = torch.stack([value.float().sum() for value in losses.values()]).sum()
        if not bool(torch.isfinite(loss)):
            raise ModelError(self._not_finite(loss, batch_idx, batch.x, batch.where))
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.x), sync_dist=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Forget the matches of the epoch before."""
        self.matches = Matches()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002 - Lightning's signature
        """Match the boxes of a window to the objects there."""
        (target,) = batch.targets or ()
        found = {
            name: value.float().cpu().numpy() for name, value in self.network(batch.x)[0].items() if name != "masks"
        }
        boxes, home = found["boxes"], batch.y[0].cpu().numpy()
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        col = middle[:, 0].astype(int).clip(0, home.shape[1] - 1)
        row = middle[:, 1].astype(int).clip(0, home.shape[0] - 1)
        reference = (target.boxes.cpu().numpy(), target.classes.cpu().numpy(), target.counted.cpu().numpy())
        reference = (*reference[:2], reference[2] & bool((home != 255).any()))
        self.matches.add((boxes, found["scores"], found["labels"].astype(int)), home[row, col] == 1, reference)

    def on_validation_epoch_end(self) -> None:
        """Join the matches of all processes and log the scores."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            parts: list[Any] = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(parts, self.matches)
            joined = Matches()
            for part in parts:
                joined.scores += part.scores
                joined.classes += part.classes
                joined.hits += part.hits
                for kind, count in part.wanted.items():
                    joined.wanted[kind] = joined.wanted.get(kind, 0) + count
            self.matches = joined
        names = {number: str(number) for number in range(1, self.classes)}
        self.scores = self.matches.result(names)
        self.validated = True
        for name in ("ap50", "ap"):
            self.log(f"val_{name}", float(self.scores[name] or 0.0), rank_zero_only=False)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the scores with the weights."""
        checkpoint["geoseg"] = {
            "matrix": None,
            "epoch": self.current_epoch,
            "pseudo": None,
            "scores": self.scores if self.validated else None,
        }
