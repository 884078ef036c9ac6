"""Verify a model: its card, checksum, architecture, a forward pass and its known answer."""

from __future__ import annotations

import os

import numpy as np

from geoseg.errors import ModelError
from geoseg.models.card.scaling import BandTransform
from geoseg.models.model import Model, load_model


def check_model(ref: str | os.PathLike[str] | Model) -> list[str]:
    """Verify a model: card, checksum, architecture, and a forward pass on made-up pixels.

    Returns
    -------
    What was verified, one line each.

    Raises
    ------
    ModelError
        With the first defect.
    """
    model = load_model(ref)
    card = model.card
    lines = [f"card: {card.name} {card.version}, {len(card.bands)} bands, {len(card.classes)} classes"]
    if card.weights is not None:
        model.verify()
        verified = "checksum verified" if card.weights.checksum else "the card gives no checksum"
        lines.append(f"weights: {card.weights.href}, {verified}")
    parameters = sum(parameter.numel() for parameter in model.module().parameters())
    counted = f"{parameters:,} parameters" if parameters else "as a graph or code without parameters"
    lines.append(f"architecture: {card.architecture}, {counted}")
    side = max(card.min_window, card.stride * 2)
    from geoseg.models.inference.predictor import Execution, Predictor

    # Uniform noise in the sensible range of values: a working network returns finite logits of the right shape for it.
    low, high = card.value_range or (0.0, 1.0)
    data = np.random.default_rng(0).uniform(low, high, (1, len(card.bands), side, side)).astype(np.float32)
    start = BandTransform(1.0, 0.0)
    affine = [step.after(start) if step else start for step in card.value_scaling or [None] * len(card.bands)]
    Predictor(model, affine, Execution()).classify(data)
    lines.append(f"forward pass: {side} × {side} pixels give {len(card.classes)} finite scores each")
    lines.append(_check_test_vector(model))
    return lines


def _check_test_vector(model: Model) -> str:
    from geoseg.models.card.known_answer import TOLERANCE, check_test_vector

    card = model.card
    if not card.test_vector:
        return "test vector: the card holds none (geoseg adds one when it saves a model)"
    off = check_test_vector(model.module(), card, card.test_vector)
    if not off <= TOLERANCE:
        raise ModelError(
            f"model {card.name!r} answers differently from when it was saved: probabilities differ by {off:.3g} where "
            f"{TOLERANCE:g} is allowed; its weights or the libraries that build it changed"
        )
    return f"test vector: answers as when it was saved, largest difference {off:.1e}"
