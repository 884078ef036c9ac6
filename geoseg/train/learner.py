"""The Lightning module: network, loss, optimizer, and scores that count every validation pixel once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import lightning.pytorch as pl
import numpy as np
import torch
from torch import nn

from geoseg.classes import NODATA
from geoseg.errors import ModelError
from geoseg.evaluate.metrics import confusion, scores
from geoseg.train.data.loading import Batch
from geoseg.train.data.samples import ViewPair
from geoseg.train.second_head import SecondHead
from geoseg.train.semi.adversary import RATE, Adversary
from geoseg.train.semi.teacher import MeanTeacher

# Share of the steps in which the learning rate rises to its maximum, before it falls as a half cosine (Loshchilov &
# Hutter 2017, arXiv 1608.03983).
_WARM_UP = 0.05


class Labelled(NamedTuple):
    """Input (N, bands, h, w), labels (N, h, w), and what a second head is to say (N, h, w)."""

    x: torch.Tensor
    y: torch.Tensor
    wanted: torch.Tensor | None

    def first(self, count: int) -> Labelled:
        """Return the first windows alone."""
        return Labelled(self.x[:count], self.y[:count], None if self.wanted is None else self.wanted[:count])


class Learner(pl.LightningModule):
    """Trains a network.

    Parameters
    ----------
    network
        float32 (N, bands, h, w) → logits (N, K, h, w).
    loss
        Loss of logits and labels.
    lr, weight_decay
        Maximum learning rate and weight decay of AdamW.
    steps
        Optimizer steps of the whole training.
    classes
        Number of classes, K.
    seed
        Seed of random layers (dropout).
    locate
        Describes the location of a window, for messages.
    teacher
        Labels the unlabelled windows of batches that have some; it is then what is validated, and the result.
    adversary
        Discriminators that the network learns to deceive.
    second
        A second head that learns something else from the same features.
    """

    monitor = "val_miou"
    """The score by which the best epoch is chosen; higher is better."""

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
        locate: Callable[[Sequence[int]], str],
        teacher: MeanTeacher | None = None,
        adversary: Adversary | None = None,
        second: SecondHead | None = None,
    ) -> None:
        super().__init__()
        self.network, self.loss, self.teacher, self.adversary = network, loss, teacher, adversary
        self.second = second
        self.lr, self.weight_decay, self.steps = lr, weight_decay, steps
        self.classes, self.seed, self.locate = classes, seed, locate
        self.matrix = np.zeros((classes, classes), np.int64)
        self.validated = False
        self._followed = 0
        self._pseudo = self._unlabelled = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.network(x)  # type: ignore[no-any-return]

    def configure_optimizers(self) -> Any:
        """Return AdamW with a warm-up and cosine schedule over all steps."""
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        trained += [] if self.second is None else list(self.second.parameters())
        groups: list[dict[str, Any]] = [{"params": trained}]
        if self.adversary is not None:
            groups.append({"params": list(self.adversary.parameters()), "lr": RATE})
        optimizer = torch.optim.AdamW(groups, lr=self.lr, weight_decay=self.weight_decay)
        warm = max(round(self.steps * _WARM_UP), 1)

        def factor(step: int) -> float:
            if step < warm:
                return (step + 1) / (warm + 1)
            return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min((step - warm) / max(self.steps - warm, 1), 1.0)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        """Seed random layers per epoch, so that a resumed run equals an unbroken one."""
        torch.manual_seed(self.seed * 1_000_003 + self.current_epoch)
        self._followed = self.trainer.global_step
        self._pseudo = self._unlabelled = 0.0

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the loss of a batch.

        Raises
        ------
        ModelError
            If it is NaN or infinite.
        """
        x, y, where, pair, _ = batch
        y, wanted = (y, None) if self.second is None else self.second.targets(y)
        labelled = Labelled(x, y, wanted)
        loss = self._with_unlabelled(labelled, pair) if pair is not None else self._with_labels(labelled, *self._run(x))
        if not bool(torch.isfinite(loss)):
            raise ModelError(self._not_finite(loss, batch_idx, x, where))
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(x), sync_dist=True)
        return loss

    @property
    def _progress(self) -> float:
        """Share of the training that is done, 0…1."""
        return self.trainer.global_step / max(self.steps, 1)

    def _run(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return logits, and what the second head says."""
        return (self(x), None) if self.second is None else self.second.run(self.network, x)

    def _with_labels(self, batch: Labelled, logits: torch.Tensor, also: torch.Tensor | None) -> torch.Tensor:
        """Return the loss of labelled windows."""
        loss: torch.Tensor = self.loss(logits, batch.y)
        if self.second is not None:
            assert also is not None
            assert batch.wanted is not None
            further = self.second.loss(also, batch.wanted)
            self._log_part("also_loss", further, len(batch.y))
            loss = loss + further
        if self.adversary is not None:
            deceiving = self.adversary.against_labels(logits, batch.y, self._progress)
            self._log_part("adversarial_loss", deceiving, len(batch.y))
            loss = loss + deceiving
        return loss

    def _with_unlabelled(self, batch: Labelled, pair: ViewPair) -> torch.Tensor:
        """Return the loss of labelled and unlabelled windows; all go through the network in one pass."""
        assert self.teacher is not None
        pseudo = self.teacher.pseudo_labels(pair)
        batch = batch if bool((batch.y != NODATA).any()) else batch.first(0)
        count = len(batch.x)
        # One pass, so that the statistics of batch normalisation are of labelled and unlabelled windows alike.
        more = [pseudo.x] if self.adversary is None else [pseudo.x, pair.weak]
        logits, also = self._run(torch.cat([batch.x, *more]))
        own, (strong, *weak) = logits[:count], logits[count:].chunk(len(more))
        unlabelled = self.teacher.loss(strong, pseudo, self._progress)
        self._pseudo += float((pseudo.labels != NODATA).sum())
        self._unlabelled += float(pseudo.valid)
        self._log_part("unlabelled_loss", unlabelled, len(pair.valid))
        loss = self._with_labels(batch, own, None if also is None else also[:count]) + unlabelled
        if self.adversary is None:
            return loss
        here = own, (batch.x != 0).any(1)
        deceiving = self.adversary.across_scenes(here, (weak[0], pair.valid), self._progress)
        self._log_part("scenes_loss", deceiving, len(pair.valid))
        return loss + deceiving

    def _log_part(self, name: str, loss: torch.Tensor, count: int) -> None:
        self.log(name, loss, on_step=False, on_epoch=True, batch_size=count, sync_dist=True)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002 - Lightning's
        """Let the teacher follow after each optimizer step."""
        if self.teacher is not None and self.trainer.global_step > self._followed:
            self._followed = self.trainer.global_step
            self.teacher.follow(self.network, self._followed)

    @property
    def pseudo_share(self) -> float | None:
        """Share of the unlabelled pixels of this epoch that had a pseudo-label; None without any."""
        return self._pseudo / self._unlabelled if self._unlabelled else None

    def _not_finite(self, loss: torch.Tensor, number: int, x: torch.Tensor, where: torch.Tensor) -> str:
        wild = [i for i in range(len(x)) if not bool(torch.isfinite(x[i]).all())]
        places = [self.locate(entry) for entry in where[wild or slice(None)].tolist()]
        listing = "; ".join(dict.fromkeys(places[:4])) + ("; …" if len(places) > 4 else "")
        cause = "its pixels are not finite numbers" if wild else "use a lower --lr, or check the pixels there"
        return (
            f"the loss became {float(loss):g} in epoch {self.current_epoch + 1}, batch {number + 1} ({listing}), and "
            f"training stopped: {cause}"
        )

    def on_validation_epoch_start(self) -> None:
        """Reset the confusion matrix."""
        self.matrix = np.zeros((self.classes, self.classes), np.int64)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002 - Lightning's signature
        """Add a window to the confusion matrix; labels outside its keep region are NODATA."""
        x, y, *_ = batch
        logits = self(x) if self.teacher is None else self.teacher(x)
        self.log("val_loss", self.loss(logits, y), on_step=False, on_epoch=True, batch_size=len(x), sync_dist=True)
        self.matrix += confusion(logits.argmax(1).cpu().numpy(), y.cpu().numpy(), self.classes)

    def on_validation_epoch_end(self) -> None:
        """Sum the counts of all processes and log the scores."""
        counts = torch.from_numpy(self.matrix).to(self.device)
        joined = self.trainer.strategy.reduce(counts, reduce_op="sum")
        self.matrix = joined.cpu().numpy() if isinstance(joined, torch.Tensor) else self.matrix
        result = scores(self.matrix)
        self.validated = True
        self.log("val_miou", float(np.nan_to_num(result.mean_iou)), rank_zero_only=False)
        self.log("val_accuracy", float(np.nan_to_num(result.overall_accuracy)), rank_zero_only=False)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the confusion matrix with the weights."""
        matrix = torch.from_numpy(self.matrix.copy()) if self.validated else None
        checkpoint["geoseg"] = {"matrix": matrix, "epoch": self.current_epoch, "pseudo": self.pseudo_share}
