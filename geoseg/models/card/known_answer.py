"""The test vector of a model: a made-up input and what the network answers, stored in its card.

It tells whether the network that is built here, with these versions of torch and on this processor, is the one that was
saved. The input is noise from a generator that is the same everywhere (PCG64), the answer the mean and a few samples of
its probabilities, which do not hang on the last bits of float32.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.models.card.scaling import BandTransform

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard

TOLERANCE = 2e-3
"""How far probabilities may be off: other processors and thread counts add float32 in another order."""

_SAMPLES = 32


def card_input(card: ModelCard, batch: int, height: int, width: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Return made-up pixels in the card's digital numbers, float32 (batch, bands, height, width).

    Patches with noise, within the sensible range of values: a picture, not static.
    """
    low, high = card.value_range or (0.0, 1.0)
    rng = np.random.default_rng(seed)
    shape = batch, len(card.bands), -(-height // 8), -(-width // 8)
    patches = np.kron(rng.random(shape), np.ones((1, 1, 8, 8)))[..., :height, :width]
    noise = rng.random((batch, len(card.bands), height, width))
    return (low + (high - low) * (0.8 * patches + 0.2 * noise)).astype(np.float32)


def own_transforms(card: ModelCard) -> list[BandTransform]:
    """Return what turns the card's digital numbers into the network's input, one per band."""
    start = BandTransform(1.0, 0.0)
    return [step.after(start) if step else start for step in card.value_scaling or [None] * len(card.bands)]


def normalised(card: ModelCard, pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the network's input for pixels in the card's digital numbers (N, bands, h, w)."""
    out = pixels.astype(np.float32)
    for band, (a, b, lo, hi) in enumerate(own_transforms(card)):
        part = out[:, band]
        np.multiply(part, np.float32(a), out=part)
        np.add(part, np.float32(b), out=part)
        if math.isfinite(lo) or math.isfinite(hi):
            np.clip(part, lo, hi, out=part)
    return out


def make_test_vector(module: torch.nn.Module, card: ModelCard) -> dict[str, Any]:
    """Return the test vector of a network: what made its input, and its answer."""
    side = max(card.min_window, 2 * card.stride)
    found = _answer(module, card, side, seed=0)
    return {"seed": 0, "side": side, "tolerance": TOLERANCE, **found}


def check_test_vector(module: torch.nn.Module, card: ModelCard, vector: dict[str, Any]) -> float:
    """Return how far a network's answer is from the one that the card holds; infinite if that is malformed."""
    try:
        found = _answer(module, card, int(vector["side"]), seed=int(vector["seed"]))
        wanted, samples = np.asarray(vector["mean"], float), np.asarray(vector["samples"], float)
        return float(max(np.abs(np.asarray(found["mean"]) - wanted).max(), np.abs(found["samples"] - samples).max()))
    except (KeyError, TypeError, ValueError):
        return math.inf


def _answer(module: torch.nn.Module, card: ModelCard, side: int, *, seed: int) -> dict[str, Any]:
    scores = probabilities(module)(normalised(card, card_input(card, 1, side, side, seed=seed)))[0]
    flat = scores.reshape(len(scores), -1)
    places = np.random.default_rng(seed + 1).integers(0, flat.shape[1], _SAMPLES)
    samples = flat[np.arange(_SAMPLES) % len(flat), places]
    return {
        "mean": [round(float(value), 6) for value in flat.mean(1)],
        "samples": [round(float(value), 6) for value in samples],
    }


def probabilities(module: torch.nn.Module) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function from the network's input to probabilities, float32 (N, classes, h, w)."""
    import torch

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            found: NDArray[np.float32] = torch.softmax(module(torch.from_numpy(pixels)).float(), 1).numpy()
        return found

    return run
