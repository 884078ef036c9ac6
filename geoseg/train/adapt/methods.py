"""What can be adapted without labels: how bands enter, batch normalisation, or all weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from geoseg.classes import NODATA
from geoseg.errors import InputError, ModelError, OptionError
from geoseg.models.card.card import ModelCard, card_with
from geoseg.models.card.scaling import ValueScaling, card_transforms
from geoseg.raster import release_handles
from geoseg.train.data.augment import Augment
from geoseg.train.data.samples import TrainingSample, ViewPair
from geoseg.train.fit import Task, fit
from geoseg.train.semi.views import WithUnlabelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.progress.reporters import Reporter
    from geoseg.train.adapt.options import AdaptOptions
    from geoseg.train.prepare import Prepared

# Windows whose statistics of batch normalisation are taken together.
_TOGETHER = 8

# Values of a window from which mean and deviation are computed.
_VALUES = 4096


@dataclass(frozen=True, eq=False)
class Adapted:
    """Card, and network in float32 on the CPU in eval mode, without the temperature; one line on what was done."""

    card: ModelCard
    network: nn.Module
    done: str


class Windows:
    """Numbered windows of scenes without labels, for the loop that trains.

    Parameters
    ----------
    prepared
        Has unlabelled scenes, whose windows stay off what is held out.
    zoom
        Windows differ in scale by up to this factor; 1 for none.
    seed
        Random seed.
    side
        Side in pixels, or less where no such window fits; that of training windows if None.
    """

    def __init__(self, prepared: Prepared, zoom: float, seed: int, side: int | None = None) -> None:
        assert prepared.unlabelled is not None
        self.side = side or prepared.window
        while True:
            try:
                sampler = prepared.unlabelled.sampler(self.side, zoom)
                break
            except InputError:
                if self.side <= prepared.window:
                    raise
            self.side = max(self.side - prepared.card.stride, prepared.window)
        self._views = WithUnlabelled(self, prepared.unlabelled, sampler, seed)

    def __getitem__(self, number: int) -> TrainingSample:
        pair = self.pair(number)
        return TrainingSample(pair.weak, torch.full(pair.valid.shape, NODATA), (0, 0, 0), pair)

    def pair(self, number: int) -> ViewPair:
        """Return the two views of window ``number``."""
        return self._views.pair(number)


def adapt_by_statistics(card: ModelCard, network: nn.Module, windows: Windows, count: int) -> Adapted:
    """Estimate the statistics of batch normalisation anew (AdaBN, Li et al. 2016, arXiv 1603.04779).

    Raises
    ------
    ModelError
        If the network has no batch normalisation.
    """
    network = copy.deepcopy(network).eval()
    norms = normalisations(network)
    if not norms:
        raise ModelError(
            f"model {card.name!r} has no batch normalisation whose statistics could be estimated anew: use "
            "--method moments or self-training"
        )
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
        norm.train()
    with torch.no_grad():
        for batch in _batches(windows, count):
            network(batch)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    return Adapted(
        card,
        network.eval(),
        f"statistics of {len(norms)} batch normalisations estimated on {count} windows of {windows.side} px",
    )


def normalisations(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """Return the layers of batch normalisation that keep statistics."""
    kind = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 - the base of all of them
    return [m for m in network.modules() if isinstance(m, kind) and m.track_running_stats]


def _batches(windows: Windows, count: int) -> Iterator[torch.Tensor]:
    try:
        for start in range(0, count, _TOGETHER):
            yield torch.stack([windows.pair(n).weak for n in range(start, min(start + _TOGETHER, count))])
    finally:
        release_handles()


def adapt_by_moments(card: ModelCard, network: nn.Module, windows: Windows, count: int) -> Adapted:
    """Match mean and deviation of each band to those of the training data, in the card's value scaling.

    Raises
    ------
    ModelError
        If the card does not say what the training data were like, or its value scaling is not a gain and an offset.
    """
    steps = card_transforms(card.value_scaling, len(card.bands))
    if any(np.isfinite((step.lo, step.hi)).any() or step.a <= 0 for step in steps):
        raise ModelError(
            f"model {card.name!r} clips or inverts its input, which a gain and an offset cannot replace: use "
            "--method statistics or self-training"
        )
    known = _training_moments(card)
    values = _values(windows, count)
    scalings, moved = [], 0.0
    for band, step, training in zip(values, steps, known, strict=True):
        found = training.like(((band - step.b) / step.a).astype(np.float64))
        gain = training.deviation / found.deviation if min(found.deviation, training.deviation) > 0 else 1.0
        # x = a·(gain·(v − found) + training) + b, written as a z-score.
        a, b = step.a * gain, step.b + step.a * (training.mean - gain * found.mean)
        scalings.append(ValueScaling(type="z-score", mean=float(f"{-b / a:.7g}"), stddev=float(f"{1 / a:.7g}")))
        moved = max(moved, abs(found.mean - training.mean) / max(training.deviation, 1e-9))
    done = (
        f"mean and deviation of {len(scalings)} bands matched to the training data's on {count} windows; the means "
        f"were up to {moved:.2f} deviations away"
    )
    return Adapted(card_with(card, value_scaling=tuple(scalings)), copy.deepcopy(network).eval(), done)


@dataclass(frozen=True)
class Moments:
    """Mean and deviation of a band; with ``percentiles`` they were computed from these alone."""

    mean: float
    deviation: float
    percentiles: tuple[float, ...] = ()

    @classmethod
    def of_percentiles(cls, percentiles: tuple[float, ...], values: NDArray[np.float64]) -> Moments:
        """Return the moments of a distribution whose quantiles are joined by straight lines."""
        quantiles = np.interp(np.linspace(percentiles[0], percentiles[-1], 500), percentiles, values)
        return cls(float(quantiles.mean()), float(quantiles.std()), percentiles)

    def like(self, values: NDArray[np.float64]) -> Moments:
        """Return the moments of values (n,), computed as these were."""
        if self.percentiles:
            return Moments.of_percentiles(self.percentiles, np.percentile(values, self.percentiles))
        return Moments(float(values.mean()), float(values.std()))


def _training_moments(card: ModelCard) -> list[Moments]:
    """Return the moments of each band over the training data, in the card's digital numbers."""
    if card.inputs:  # some of which may be missing anywhere
        raise OptionError("method moments does not go with several inputs: use --method statistics or self-training")
    z_scores = [s for s in card.value_scaling if s is not None and s.type == "z-score"]
    if len(z_scores) == len(card.bands):
        return [Moments(float(s.mean or 0.0), float(s.stddev or 0.0)) for s in z_scores]
    known = card.value_percentiles
    if known is None:
        raise ModelError(
            f"the card of model {card.name!r} does not say what its training data were like (z-score or "
            "value_percentiles): use --method statistics or self-training"
        )
    return [Moments.of_percentiles(known.percentiles, np.exp(np.array(center))) for center in known.center]


def _values(windows: Windows, count: int) -> NDArray[np.float32]:
    """Return the network's input at valid pixels, (bands, n)."""
    found = []
    try:
        for number in range(count):
            pair = windows.pair(number)
            inside = pair.weak[:, pair.valid].numpy()
            found.append(inside[:, :: max(inside.shape[1] // _VALUES, 1)])
    finally:
        release_handles()
    return np.concatenate(found, 1)


def adapt_by_self_training(
    card: ModelCard, network: nn.Module, prepared: Prepared, options: AdaptOptions, folder: Path, reporter: Reporter
) -> Adapted:
    """Train on what a mean teacher, which starts as the model, is sure of on the scenes.

    Statistics of batch normalisation are estimated anew before, which makes better pseudo-labels, and after: meanwhile
    they follow the disturbed views. Not so where only smaller windows fit than a run has.
    """
    training = options.training
    whole = Windows(prepared, 1.0, training.seed, prepared.validation_window)
    count = training.windows or 0
    normalised = bool(normalisations(network)) and whole.side == prepared.validation_window
    learner = adapt_by_statistics(card, network, whole, count).network if normalised else copy.deepcopy(network)
    learner.train().requires_grad_(requires_grad=True)
    samples = Windows(prepared, Augment(training.augment).zoom, training.seed)
    start = f"model {card.name} {card.version}"
    task = Task(prepared, training, learner, start, folder, "self-training", scored=False, samples=samples)
    fitted = fit(task, reporter)
    learner.load_state_dict(fitted.state)
    learner = learner.cpu().eval().requires_grad_(requires_grad=False)
    if normalised:
        learner = adapt_by_statistics(card, learner, whole, count).network
    done = (
        f"self-training for {fitted.epochs} epochs of {fitted.windows} windows at a learning rate of {fitted.lr:g}, "
        f"pseudo-labels on {fitted.pseudo or 0:.0%} of pixels"
    )
    return Adapted(card, learner, done)
