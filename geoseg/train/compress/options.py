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

# What has no meaning where nothing is trained.
_OF_TRAINING = ("epochs", "lr", "loss", "batch", "augment")


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
    int8: bool = False
    arch: str | None = None
    encoder: str | None = None
    weights: str | None = None
    max_loss: float = 0.01
    training: TrainOptions = TRAINING

    def __post_init__(self) -> None:
        self._check_method()
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
            if value is not None and self.int8:
                raise OptionError(f"{name} is for --distil: --int8 keeps the network and its weights, rounded")
        if self.weights is not None and not self.new_network:
            raise OptionError("weights are for a new network: name its --arch or --encoder, too")
        if not 0 <= self.max_loss < 1:
            raise OptionError(
                f"max-loss must be a loss of mean IoU from 0 to below 1, got {self.max_loss:g}: 0.01 is usual"
            )
        if not self.training.validation:
            raise OptionError("validation must be above 0: the small model is judged on places kept from its training")

    def _check_method(self) -> None:
        asked = {"prune": self.prune is not None, "distil": bool(self.distil), "int8": self.int8}
        given = [name for name, wanted in asked.items() if wanted]
        if not given:
            raise OptionError("name one method, --prune SHARE, --distil TEACHER or --int8: none is given")
        if "int8" in given and len(given) > 1:
            raise OptionError(
                f"int8 cannot be combined with {given[0]}: it follows as a step of its own, "
                "`geoseg model compress SMALL --int8 …` on the model that the first step wrote"
            )
        if len(given) > 1:
            raise OptionError("name one method, --prune SHARE or --distil TEACHER: both are given")
        if self.int8:
            usual = TRAINING.as_dict()
            own = self.training.as_dict()
            if changed := [name for name in _OF_TRAINING if own[name] != usual[name]]:
                raise OptionError(
                    f"{changed[0].replace('_', '-')} is for a training, and --int8 trains nothing: leave it out"
                )

    @property
    def method(self) -> str:
        """``"prune"``, ``"distil"`` or ``"int8"``."""
        if self.int8:
            return "int8"
        return "distil" if self.prune is None else "prune"

    @property
    def new_network(self) -> bool:
        """Whether a new network is taught, rather than the model's own."""
        return self.arch is not None or self.encoder is not None
