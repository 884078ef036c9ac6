"""The test vector of a model: a synthetic input and the network's answer to it, stored in the card.

It tells whether the network built here, with these versions of torch and on this CPU, is the one that was saved. The
input is noise from a generator that is the same everywhere (PCG64). The answer is the mean and a few samples of the
probabilities, rounded, so that it does not depend on the last bits of float32.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.models.card.card import window_side
from geoseg.models.card.inputs import layout_of
from geoseg.models.card.scaling import card_transforms

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard

TOLERANCE = 2e-3
"""Allowed difference of probabilities: other CPUs and thread counts sum float32 in another order."""

_SAMPLES = 32

# Largest side of a window in pixels that a card may ask for; beyond it the synthetic pixels take gigabytes.
_MAX_SIDE = 2048


def synthetic_pixels(card: ModelCard, batch: int, height: int, width: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Return synthetic pixels in the card's digital numbers, float32 (batch, bands, height, width).

    Patches of 8 px with noise, within the card's range of values: more like a scene than white noise.
    """
    low, high = card.value_range or (0.0, 1.0)
    rng = np.random.default_rng(seed)
    shape = batch, len(card.bands), -(-height // 8), -(-width // 8)
    patches = np.kron(rng.random(shape), np.ones((1, 1, 8, 8)))[..., :height, :width]
    noise = rng.random((batch, len(card.bands), height, width))
    pixels = (low + (high - low) * (0.8 * patches + 0.2 * noise)).astype(np.float32)
    for number, slot in enumerate(layout_of(card.inputs)):
        pixels[:, slot.valid] = 1
        if slot.dated:
            pixels[:, slot.valid + 1] = number
    return pixels


def normalise(card: ModelCard, pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the network's input for pixels (N, bands, h, w) in the card's digital numbers."""
    out = pixels.astype(np.float32)
    for band, (a, b, lo, hi) in enumerate(card_transforms(card.value_scaling, len(card.bands))):
        part = out[:, band]
        np.multiply(part, np.float32(a), out=part)
        np.add(part, np.float32(b), out=part)
        if math.isfinite(lo) or math.isfinite(hi):
            np.clip(part, lo, hi, out=part)
    return out


def make_test_vector(module: torch.nn.Module, card: ModelCard) -> dict[str, Any]:
    """Return the test vector of a network: seed and side of its input, the answer, and the tolerance."""
    side = window_side(card, 2 * card.stride)
    return {"seed": 0, "side": side, "tolerance": TOLERANCE, **_answer(module, card, side, seed=0)}


def check_test_vector(module: torch.nn.Module, card: ModelCard, vector: dict[str, Any]) -> float:
    """Return the largest difference of probabilities from a test vector; infinity if the vector is malformed."""
    try:
        side = int(vector["side"])
        if not 0 < side <= _MAX_SIDE:
            return math.inf
        answer = _answer(module, card, side, seed=int(vector["seed"]))
        differences = [np.abs(np.subtract(answer[key], np.asarray(vector[key], float))) for key in ("mean", "samples")]
        return float(max(difference.max() for difference in differences))
    except (KeyError, TypeError, ValueError, OverflowError):
        return math.inf


def _answer(module: torch.nn.Module, card: ModelCard, side: int, *, seed: int) -> dict[str, Any]:
    pixels = normalise(card, synthetic_pixels(card, 1, side, side, seed=seed))
    probabilities = _probabilities(module, pixels, card)[0]
    flat = probabilities.reshape(len(probabilities), -1)
    positions = np.random.default_rng(seed + 1).integers(0, flat.shape[1], _SAMPLES)
    samples = flat[np.arange(_SAMPLES) % len(flat), positions]
    return {
        "mean": [round(float(value), 6) for value in flat.mean(1)],
        "samples": [round(float(value), 6) for value in samples],
    }


def _probabilities(module: torch.nn.Module, pixels: NDArray[np.float32], card: ModelCard) -> NDArray[np.float32]:
    import torch

    with torch.inference_mode():
        if card.boxes is not None:
            # Boxes may change their number with the last bit of a score: compared are the maps that they are made of.
            backbone: Any = module.backbone
            maps = next(iter(backbone(torch.from_numpy(pixels)).values()))
            return np.asarray(torch.sigmoid(maps.float()).numpy(), np.float32)
        probabilities: NDArray[np.float32] = torch.softmax(module(torch.from_numpy(pixels)).float(), 1).numpy()
    return probabilities
