"""What Lightning drives: a network, its loss, its optimizer, and scores that count every validated pixel once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import nn

from geoseg.errors import ModelError
from geoseg.evaluate.metrics import confusion, scores
from geoseg.train.data.loading import Batch

# Share of all steps in which the rate rises to its full height; then it falls as half a cosine (Loshchilov & Hutter
# 2017, arXiv 1608.03983).
_WARM_UP = 0.05


class Learner(pl.LightningModule):
    """Trains a network.

    Parameters
    ----------
    network
        float32 (N, bands, h, w) → logits (N, K, h, w).
    loss
        Of logits and labels.
    lr, weight_decay
        Of AdamW.
    steps
        Optimizer steps of the whole training.
    classes
        K.
    seed
        Of what the network draws (dropout).
    place
        Names the image and place of a window, for messages.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        *,
        lr: float,
        weight_decay: float,
        steps: int,
        classes: int,
        seed: int,
        place: Callable[[Sequence[int]], str],
    ) -> None:
        super().__init__()
        self.network, self.loss = network, loss
        self.lr, self.weight_decay, self.steps = lr, weight_decay, steps
        self.classes, self.seed, self.place = classes, seed, place
        self.matrix = np.zeros((classes, classes), np.int64)
        self.validated = False
        self.best: dict[str, Any] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.network(x)  # type: ignore[no-any-return]

    def configure_optimizers(self) -> Any:
        """Return AdamW with a warm-up and a cosine over all steps."""
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=self.lr, weight_decay=self.weight_decay)
        warm = max(round(self.steps * _WARM_UP), 1)

        def factor(step: int) -> float:
            if step < warm:
                return (step + 1) / (warm + 1)
            return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min((step - warm) / max(self.steps - warm, 1), 1.0)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        """Seed what the network draws: a resumed run draws what an unbroken one would."""
        torch.manual_seed(self.seed * 1_000_003 + self.current_epoch)

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the loss of a batch.

        Raises
        ------
        ModelError
            If it is NaN or infinite; names batch and images.
        """
        x, y, where = batch
        loss: torch.Tensor = self.loss(self(x), y)
        if not bool(torch.isfinite(loss)):
            raise ModelError(self._lost(loss, batch_idx, x, where))
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(x), sync_dist=True)
        return loss

    def _lost(self, loss: torch.Tensor, number: int, x: torch.Tensor, where: torch.Tensor) -> str:
        wild = [i for i in range(len(x)) if not bool(torch.isfinite(x[i]).all())]
        places = [self.place(entry) for entry in where[wild or slice(None)].tolist()]
        listing = "; ".join(dict.fromkeys(places[:4])) + ("; …" if len(places) > 4 else "")
        cause = "its pixels are not finite numbers" if wild else "lower --lr, or look for absurd pixels there"
        return (
            f"the loss became {float(loss):g} in epoch {self.current_epoch + 1}, batch {number + 1} ({listing}), and "
            f"training stopped: {cause}"
        )

    def on_validation_epoch_start(self) -> None:
        """Count from zero."""
        self.matrix = np.zeros((self.classes, self.classes), np.int64)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002 - Lightning's signature
        """Count the pairs of predicted and labelled class; labels outside what this window keeps are NODATA."""
        x, y, _ = batch
        logits = self(x)
        self.log("val_loss", self.loss(logits, y), on_step=False, on_epoch=True, batch_size=len(x), sync_dist=True)
        self.matrix += confusion(logits.argmax(1).cpu().numpy(), y.cpu().numpy(), self.classes)

    def on_validation_epoch_end(self) -> None:
        """Join the counts of all processes and score them."""
        counts = torch.from_numpy(self.matrix).to(self.device)
        joined = self.trainer.strategy.reduce(counts, reduce_op="sum")
        self.matrix = joined.cpu().numpy() if isinstance(joined, torch.Tensor) else self.matrix
        found = scores(self.matrix)
        self.validated = True
        self.log("val_miou", float(np.nan_to_num(found.mean_iou)), rank_zero_only=False)
        self.log("val_accuracy", float(np.nan_to_num(found.overall_accuracy)), rank_zero_only=False)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the confusion matrix beside the weights that it belongs to."""
        matrix = torch.from_numpy(self.matrix.copy()) if self.validated else None
        checkpoint["geoseg"] = {"matrix": matrix, "epoch": self.current_epoch}
