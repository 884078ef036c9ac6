"""The options of an adaptation, checked once."""

from __future__ import annotations

from dataclasses import dataclass, field

from geoseg.errors import OptionError
from geoseg.train.options import TrainOptions

METHODS = ("statistics", "moments", "self-training")
"""What is adapted: the statistics of batch normalisation, the input's mean and deviation, or all weights."""

EPOCHS, WINDOWS, RATE = 4, 64, 1e-4
"""Epochs and learning rate of self-training, and windows that are looked at, per epoch with self-training."""


@dataclass(frozen=True)
class AdaptOptions:
    """Options of an adaptation apart from model, scenes and output; see :func:`geoseg.train.adapt.adapt` for each.

    Examples
    --------
    >>> from geoseg.train.adapt import AdaptOptions
    >>> AdaptOptions("moments").keep
    False
    >>> AdaptOptions("magic")
    Traceback (most recent call last):
    geoseg.errors.OptionError: method 'magic' is unknown: use statistics, moments or self-training
    """

    method: str
    keep: bool = False
    training: TrainOptions = field(default_factory=TrainOptions)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise OptionError(f"method {self.method!r} is unknown: use {', '.join(METHODS[:-1])} or {METHODS[-1]}")
        if not self.training.validation:
            raise OptionError("validation 0 leaves nothing to measure the adaptation on: 0.2 is usual")
