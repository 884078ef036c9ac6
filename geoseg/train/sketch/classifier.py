"""The classifier on feature vectors: softmax regression, or a network with one hidden layer, by L-BFGS.

Written in numpy: a few thousand vectors of some dozens of numbers are learned in less time than torch's optimizers take
to be imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_MEMORY = 10

# The search along a direction ends when the loss falls by this share of what the slope promises (Armijo 1966).
_ENOUGH = 1e-4

# Steps that lower the loss by a smaller share than this end the search.
_STILL = 1e-5


@dataclass(frozen=True, eq=False)
class Classifier:
    """Weights of the classifier on raw features.

    Attributes
    ----------
    layers
        (weight (out, in), bias (out,)) of one or two layers, with a ReLU between.
    """

    layers: tuple[tuple[Floats, Floats], ...]

    def logits(self, features: Floats) -> Floats:
        """Return the logits (n, classes) of features (n, features)."""
        out = features
        for number, (weight, bias) in enumerate(self.layers):
            out = (np.maximum(out, 0) if number else out) @ weight.T + bias
        return out


def fit(
    features: Floats,
    classes: NDArray[np.int64],
    weights: Floats,
    count: int,
    *,
    hidden: int = 0,
    decay: float = 1e-2,
    offset: Floats | None = None,
    iterations: int = 100,
    seed: int = 0,
) -> Classifier:
    """Fit a classifier.

    Parameters
    ----------
    features
        (n, features).
    classes
        (n,) 0…count−1.
    weights
        (n,) weight of each in the loss.
    count
        Number of classes.
    hidden
        Units of the hidden layer; 0 for softmax regression.
    decay
        Weight of the squared weights in the loss.
    offset
        (n, count) logits that are known beforehand, to which those of the classifier are added; none if None.
    iterations, seed
        Of the search, and of its start.
    """
    center, spread = features.mean(0), features.std(0)
    spread = np.where(spread > 1e-6, spread, 1.0).astype(np.float32)
    x = (features - center) / spread
    share = (weights / weights.sum()).astype(np.float32)
    rng = np.random.default_rng(seed)
    sizes = [x.shape[1], *([hidden] if hidden else []), count]
    shapes = [(out, into + 1) for into, out in pairwise(sizes)]
    start = [
        np.hstack([rng.normal(0, (2 / into) ** 0.5 if hidden else 0, (out, into - 1)), np.zeros((out, 1))])
        for out, into in shapes
    ]
    if hidden:  # all classes are alike at first
        start[-1] *= 0.1
    problem = _Problem(x, classes, share, shapes, decay, offset)
    found = minimize(problem, np.concatenate([part.ravel() for part in start]).astype(np.float32), iterations)
    layers = [(part[:, :-1].copy(), part[:, -1].copy()) for part in problem.parts(found)]
    weight, bias = layers[0]
    layers[0] = (weight / spread, bias - (weight / spread) @ center)
    return Classifier(tuple(layers))


@dataclass(frozen=True, eq=False)
class _Problem:
    """Cross entropy and its gradient; parameters of a layer are its weights and, in the last column, its biases."""

    x: Floats
    classes: NDArray[np.int64]
    share: Floats
    shapes: list[tuple[int, int]]
    decay: float
    offset: Floats | None

    def parts(self, parameters: Floats) -> list[Floats]:
        ends = np.cumsum([rows * cols for rows, cols in self.shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(parameters, ends), self.shapes, strict=True)]

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        parts = self.parts(parameters)
        inputs, out = [], self.x
        for number, part in enumerate(parts):
            out = np.maximum(out, 0) if number else out
            inputs.append(out)
            out = out @ part[:, :-1].T + part[:, -1]
        if self.offset is not None:
            out = out + self.offset
        out -= out.max(1, keepdims=True)
        rows = np.arange(len(out))
        true = out[rows, self.classes]
        np.exp(out, out=out)
        total = out.sum(1, keepdims=True)
        loss = float((self.share * (np.log(total[:, 0]) - true)).sum(dtype=np.float64))
        out /= total
        out[rows, self.classes] -= 1
        out *= self.share[:, None]
        gradients: list[Floats] = []
        for part, given in zip(reversed(parts), reversed(inputs), strict=True):
            gradient = np.hstack([out.T @ given, out.sum(0)[:, None]])
            gradient[:, :-1] += 2 * self.decay * part[:, :-1]
            loss += self.decay * float((part[:, :-1] ** 2).sum(dtype=np.float64))
            gradients.append(gradient.ravel())
            if len(gradients) < len(parts):
                out = (out @ part[:, :-1]) * (given > 0)
        return loss, np.concatenate(gradients[::-1])


def minimize(function: Callable[[Floats], tuple[float, Floats]], start: Floats, iterations: int) -> Floats:
    """Return the parameters of least loss found by L-BFGS (Liu & Nocedal 1989, Math. Program. 45, algorithm 2.1)."""
    x, (loss, gradient) = start, function(start)
    history: list[tuple[Floats, Floats, float]] = []
    for _ in range(iterations):
        direction = -_two_loops(gradient, history)
        slope = float(direction @ gradient)
        if not slope < 0:
            history.clear()
            direction, slope = -gradient, -float(gradient @ gradient)
        step = 1.0 if history else min(1.0, 1.0 / max(float(np.abs(gradient).sum()), 1e-12))
        for _ in range(20):
            trial = x + np.float32(step) * direction
            new_loss, new_gradient = function(trial)
            if new_loss <= loss + _ENOUGH * step * slope:
                break
            step /= 2
        else:
            return x
        moved, turned = trial - x, new_gradient - gradient
        curvature = float(moved @ turned)
        if curvature > 1e-10:
            history = [*history[-_MEMORY + 1 :], (moved, turned, curvature)]
        still = loss - new_loss < _STILL * max(abs(new_loss), 1e-3)
        x, loss, gradient = trial, new_loss, new_gradient
        if still:
            break
    return x


def _two_loops(gradient: Floats, history: list[tuple[Floats, Floats, float]]) -> Floats:
    """Return the inverse Hessian of the history times the gradient."""
    direction = gradient.copy()
    factors = []
    for moved, turned, curvature in reversed(history):
        factor = np.float32(float(moved @ direction) / curvature)
        direction -= factor * turned
        factors.append(factor)
    if history:
        _, turned, curvature = history[-1]
        direction *= np.float32(curvature / max(float(turned @ turned), 1e-30))
    for (moved, turned, curvature), factor in zip(history, reversed(factors), strict=True):
        direction += (factor - np.float32(float(turned @ direction) / curvature)) * moved
    return direction
