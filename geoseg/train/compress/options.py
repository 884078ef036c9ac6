"""The options of a compression, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from geoseg.errors import OptionError
from geoseg.train.options import TrainOptions

DEFAULT_ARCH, DEFAULT_ENCODER = "unet", "tu-mobilenetv4_conv_small_035"
"""Of a new student for which only the encoder, or only the architecture, is named: small and fast on processors."""

# A pruned network has lost as much as it has kept, so it needs a higher rate than a fine-tuning.
TRAINING = TrainOptions(epochs=20, lr=1e-3)
"""The default training."""


@dataclass(frozen=True)
class CompressOptions:
    """Options of a compression apart from its model, images and output; see :func:`geoseg.compress_model` for each.

    Attributes
    ----------
    training
        Options of the training, as of :func:`geoseg.train`.

    Examples
    --------
    >>> from geoseg.train.compress import CompressOptions
    >>> CompressOptions(prune=0.3).method
    'prune'
    >>> CompressOptions(prune=1.5)
    Traceback (most recent call last):
    geoseg.errors.OptionError: prune must be a share of the channels between 0 and 1, got 1.5: 0.3 is usual
    """

    prune: float | None = None
    distil: tuple[Any, ...] = ()
    arch: str | None = None
    encoder: str | None = None
    weights: str | None = None
    max_loss: float = 0.01
    training: TrainOptions = TRAINING

    def __post_init__(self) -> None:
        if (self.prune is None) == (not self.distil):
            given = "both are given" if self.distil else "neither is given"
            raise OptionError(f"name one method, --prune SHARE or --distil TEACHER: {given}")
        if self.prune is not None and not 0 < self.prune < 1:
            raise OptionError(
                f"prune must be a share of the channels between 0 and 1, got {self.prune:g}: 0.3 is usual"
            )
        for name in ("arch", "encoder", "weights"):
            value = getattr(self, name)
            if value == "":
                raise OptionError(f"{name} is empty: give a value, or leave the option out")
            if value is not None and self.prune is not None:
                raise OptionError(f"{name} is for --distil: a pruned network keeps its architecture")
        if self.weights is not None and not self.new_network:
            raise OptionError("weights are for a new network: name its --arch or --encoder, too")
        if not 0 <= self.max_loss < 1:
            raise OptionError(f"max-loss is a loss of mean IoU from 0 to below 1, got {self.max_loss:g}: 0.01 is usual")
        if not self.training.validation:
            raise OptionError("validation must be above 0: the small model is judged on places kept from its training")

    @property
    def method(self) -> str:
        """``"prune"`` or ``"distil"``."""
        return "distil" if self.prune is None else "prune"

    @property
    def new_network(self) -> bool:
        """Whether a new network is taught, rather than the model's own."""
        return self.arch is not None or self.encoder is not None
