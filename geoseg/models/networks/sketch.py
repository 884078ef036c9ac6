"""The network of ``geoseg sketch``: fixed features of a pixel, a pretrained network's answers, a small classifier.

A pixel is described by its bands, by scale-free ratios of band pairs, by means and deviations over small windows, and
by what a pretrained network says of it: its logits, and the features from which it computes them. Nothing of this is
learned from the drawn labels; only the classifier is, a linear layer or one with a hidden layer.

Bands that cannot be negative (reflectance, counts) enter as logarithms, so that a linear layer sees ratios; others
(decibels, heights) as they are. All are standardised by numbers that are stored with the weights. Pixels whose input is
0 in all bands have no data (:class:`~geoseg.models.inference.predictor.Predictor` passes 0 for invalid pixels; the
card's value scaling never gives 0 for a value that occurs): they are left out of means and deviations, and the
pretrained network gets 0 for them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import nn

from geoseg.jit.experts import MOST_FEATURES, Form, Weights, weigh
from geoseg.jit.vectors import STEP
from geoseg.models.inference.answers import answers_of
from geoseg.models.networks.landcover import runs_machine_code

ANSWERS = "pretrained"
"""Name of the features that are the logits of the pretrained network."""

LEAST_SHARE = 1e-4
"""Added to the probabilities of the pretrained network's classes, so that it can never rule a class out."""

LIMIT = 6.0
"""Standardised features are limited to this many deviations, so that no pixel's score is out of bounds."""

# Logits of pretrained networks are limited to this, for the same reason.
_MOST_LOGIT = 20.0

# Added to variances before their square root, in squares of standardised units.
_LEAST_VARIANCE = 1e-6

# Added to means of probabilities, so that their logarithms are finite.
_LEAST_MEAN = 1e-6

# Pixels that are classified at a time on a CPU: their features then stay in its cache.
_STRIP = 8192

# Stands for infinity among the clips of the pretrained network's input.
_FAR = 3e38


@dataclass(frozen=True)
class Layout:
    """What a :class:`SketchNet` computes of each pixel, in this order; sizes of a network, no weights.

    Attributes
    ----------
    bands
        Input bands, which are features themselves.
    logs
        Positions of those that enter as logarithms.
    pairs
        Positions of two of ``logs`` whose normalised difference is a feature.
    windows
        Odd sides in pixels of the windows over which means and deviations are taken.
    base_bands
        Positions of the bands that the pretrained network takes, in its order; empty without one.
    base_classes
        Its classes.
    answers
        Whether its logits are features.
    prior
        Whether what it says is weighed in: see :class:`SketchNet`.
    hidden
        Units of the classifier's hidden layer; 0 for a linear classifier.
    classes
        Classes of the output.
    smooth
        Whether the output are means of the probabilities over 3 × 3 pixels.
    """

    bands: int
    logs: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    windows: tuple[int, ...]
    base_bands: tuple[int, ...]
    base_classes: int
    answers: bool
    prior: bool
    hidden: int
    classes: int
    smooth: bool = False

    @property
    def groups(self) -> dict[str, int]:
        """Number of features of each kind, in order; the answers of the pretrained network are the last."""
        found = {"bands": self.bands}
        if self.pairs:
            found["ratios"] = len(self.pairs)
        found |= {f"window {side}": 2 * self.bands for side in self.windows}
        if self.base_bands:
            found[ANSWERS] = self.base_classes
        return found

    @property
    def reach(self) -> int:
        """How far the surroundings of a pixel matter for its own features, in pixels."""
        return max(self.windows, default=1) // 2

    @property
    def features(self) -> int:
        """Number of features of a pixel."""
        return sum(self.groups.values())

    @property
    def inputs(self) -> int:
        """Number of features that the classifier takes: all, or all but the answers of the pretrained network."""
        return self.features - (self.base_classes if self.base_bands and not self.answers else 0)


class SketchNet(nn.Module):
    """Bands (N, bands, h, w) → logits (N, classes, h, w).

    The classifier's logits are of labelled pixels alone. Where a pretrained network knows the scene, its probabilities
    p over its own classes say more than a few drawings: with a matrix M, P(class | class of the pretrained network),
    log(M p) is added, times a weight: a product of two experts (Hinton 2002, Neural Computation 14(8),
    doi:10.1162/089976602760128018).

    Parameters
    ----------
    layout
        Features and sizes.
    base
        The pretrained network: (N, base bands, h, w) → (N, base classes, h, w).
    """

    zero: torch.Tensor
    floor: torch.Tensor
    center: torch.Tensor
    spread: torch.Tensor
    base_scale: torch.Tensor
    base_shift: torch.Tensor
    base_low: torch.Tensor
    base_high: torch.Tensor
    mixture: torch.Tensor
    trust: torch.Tensor

    def __init__(self, layout: Layout, base: nn.Module | None = None) -> None:
        super().__init__()
        self.layout, self.base = layout, base
        for name, value in (("zero", 0.0), ("floor", 1.0), ("center", 0.0), ("spread", 1.0)):
            self.register_buffer(name, torch.full((layout.bands, 1, 1), value))
        for name, value in (("scale", 1.0), ("shift", 0.0), ("low", -_FAR), ("high", _FAR)):
            self.register_buffer(f"base_{name}", torch.full((len(layout.base_bands), 1, 1), value))
        if layout.prior:
            self.register_buffer("mixture", torch.ones(layout.classes, layout.base_classes, 1, 1))
            self.register_buffer("trust", torch.ones(1))
        wide = layout.hidden or layout.classes
        self.first = nn.Conv2d(layout.inputs, wide, 1)
        self.second = nn.Conv2d(wide, layout.classes, 1) if layout.hidden else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        said = self.answers(x)
        if self.layout.windows:
            logits = self._decide(x, said)
        else:
            logits = self._compiled(x, said) if self._compiles(x) else _by_strips(self._decide, x, said)
        return _smoothed(logits, _valid(x)) if self.layout.smooth else logits

    def describe(self, x: torch.Tensor) -> torch.Tensor:
        """Return the features (N, features, h, w) of pixels (N, bands, h, w)."""
        own, said = self.own(x), self.answers(x)
        return own if said is None else torch.cat([own, said], 1)

    def _decide(self, x: torch.Tensor, said: torch.Tensor | None) -> torch.Tensor:
        """Return logits of pixels, given the answers of the pretrained network."""
        features = self.own(x)
        if self.layout.answers and said is not None:
            features = torch.cat([features, said], 1)
        logits: torch.Tensor = self.first(features)
        if self.layout.hidden:
            logits = self.second(F.relu(logits))
        if self.layout.prior and said is not None:
            shares = F.conv2d(torch.softmax(said, 1), self.mixture)
            logits = logits + self.trust * torch.log(shares + LEAST_SHARE)
        return logits

    def _compiles(self, x: torch.Tensor) -> bool:
        fits = x.shape[2] % 2 == 0 and x.shape[3] % STEP == 0 and self.layout.features <= MOST_FEATURES
        return fits and runs_machine_code(x, self.first.weight)

    def _compiled(self, x: torch.Tensor, said: torch.Tensor | None) -> torch.Tensor:
        """Return what :meth:`_decide` does, by :mod:`geoseg.jit.experts`."""
        layout, x = self.layout, x.contiguous()
        prior = layout.prior and said is not None
        form = Form(
            tuple(band in layout.logs for band in range(layout.bands)), layout.pairs, layout.base_classes,
            answers=layout.answers and said is not None, prior=prior, hidden=layout.hidden, classes=layout.classes,
            limit=LIMIT, least=LEAST_SHARE,
        )  # fmt: skip
        zero, floor, center, spread = (
            part.detach().flatten().numpy() for part in (self.zero, self.floor, self.center, self.spread)
        )
        layers = [layer for layer in (self.first, self.second) if isinstance(layer, nn.Conv2d)]
        numbers = [(one.weight.detach()[:, :, 0, 0].numpy(), _bias(one).detach().numpy()) for one in layers]
        mixture = self.mixture[:, :, 0, 0].numpy() if prior else np.zeros((0, 0), np.float32)
        weights = Weights(zero, floor, center, spread, tuple(numbers), mixture, float(self.trust) if prior else 0.0)
        n, _, height, width = x.shape
        other = x.new_empty(n, 0, height, width) if said is None else said.contiguous()
        logits = x.new_empty(n, layout.classes, height, width)
        threads = torch.get_num_threads()
        with ThreadPoolExecutor(threads, "geoseg-pixels") if threads > 1 else nullcontext() as pool:
            for parts in zip(x, other, logits, strict=True):
                weigh(form, weights, *[part.numpy() for part in parts], pool=pool, threads=threads)
        return logits

    def answers(self, x: torch.Tensor) -> torch.Tensor | None:
        """Return the limited logits (N, base classes, h, w) of the pretrained network; None without one."""
        if self.base is None:
            return None
        base, bands = self.base, list(self.layout.base_bands)
        scale, shift, low, high = self.base_scale, self.base_shift, self.base_low, self.base_high

        def given(part: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
            return torch.minimum(torch.maximum(part[:, bands] * scale + shift, low), high) * _valid(part)

        def compute() -> torch.Tensor:
            answers: torch.Tensor = base(_by_strips(given, x, None)).float().clamp(-_MOST_LOGIT, _MOST_LOGIT)
            return answers

        return answers_of(x, base, (scale, shift, low, high, torch.tensor(bands)), compute)

    def own(self, x: torch.Tensor) -> torch.Tensor:
        """Return the features of bands, ratios and windows."""
        valid = _valid(x)
        planes = list((x - self.zero).unbind(1))
        for position in self.layout.logs:
            planes[position] = planes[position].clamp_min(0) / self.floor[position] + 1
        # With the floor added, so that noise in the dark has no ratio.
        ratios = [(planes[i] - planes[j]) / (planes[i] + planes[j]) for i, j in self.layout.pairs]
        for position in self.layout.logs:
            planes[position] = torch.log(planes[position])
        values = ((torch.stack(planes, 1) - self.center) / self.spread).clamp(-LIMIT, LIMIT) * valid
        found = [values, torch.stack(ratios, 1) * valid] if ratios else [values]
        for side in self.layout.windows:
            found += _moments(values, valid.to(x.dtype), side)
        return torch.cat(found, 1) if len(found) > 1 else values


def _by_strips(
    work: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor], x: torch.Tensor, more: torch.Tensor | None
) -> torch.Tensor:
    """Return ``work(x, more)``, which looks at single pixels; on a CPU some rows at a time."""
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return work(x, more)
    rows = max(_STRIP // x.shape[3], 1)
    strips = [slice(row, row + rows) for row in range(0, x.shape[2], rows)]
    return torch.cat([work(x[:, :, part], None if more is None else more[:, :, part]) for part in strips], 2)


def _bias(layer: nn.Conv2d) -> torch.Tensor:
    assert layer.bias is not None
    return layer.bias


def _valid(x: torch.Tensor) -> torch.Tensor:
    """Return which pixels have data (N, 1, h, w)."""
    # Four times as fast as any(); and NaN is no 0 either.
    return x.abs().sum(1, keepdim=True) != 0


def _smoothed(logits: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return logarithms of the means of probabilities over the valid ones of 3 × 3 pixels."""
    known = valid.to(logits.dtype)
    sums = _box(torch.cat([torch.softmax(logits, 1) * known, known], 1), 3)
    return torch.log(sums[:, :-1] / sums[:, -1:].clamp_min(1e-3) + _LEAST_MEAN)


def _moments(values: torch.Tensor, valid: torch.Tensor, side: int) -> list[torch.Tensor]:
    """Return means and deviations of valid pixels over squares of ``side`` pixels, each (N, bands, h, w)."""
    sums = _box(torch.cat([values, values * values, valid], 1), side)
    count = values.shape[1]
    share = sums[:, -1:].clamp_min(1e-3)
    mean = sums[:, :count] / share
    return [mean, (sums[:, count:-1] / share - mean * mean).clamp_min(0).add(_LEAST_VARIANCE).sqrt()]


def _box(values: torch.Tensor, side: int) -> torch.Tensor:
    """Return means over squares of ``side`` pixels; pixels beyond the border repeat those at it."""
    padded = F.pad(values, (side // 2,) * 4, mode="replicate")
    return _runs(_runs(padded, side, 3), side, 2) / side**2


def _runs(values: torch.Tensor, side: int, dim: int) -> torch.Tensor:
    """Return sums of ``side`` neighbours along an axis, which becomes shorter by ``side`` − 1.

    They are made of runs of 1, 2, 4 … values: torch's pooling takes three to five times as long.
    """
    length = values.shape[dim] - side + 1
    run, size, start, total = values, 1, 0, None
    while True:
        if side & size:
            part = run.narrow(dim, start, length)
            total = part if total is None else total + part
            start += size
        if size * 2 > side:
            assert total is not None
            return total
        left = run.shape[dim] - size
        run, size = run.narrow(dim, 0, left) + run.narrow(dim, size, left), 2 * size
