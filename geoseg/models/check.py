"""Verify a model: card, checksum, architecture, a forward pass and the test vector."""

from __future__ import annotations

import os

import numpy as np

from geoseg.errors import ModelError
from geoseg.models.card.card import window_side
from geoseg.models.card.known_answer import TOLERANCE, check_test_vector
from geoseg.models.card.scaling import card_transforms
from geoseg.models.clicks import check_click_model, find_click_model
from geoseg.models.inference.execution import Execution
from geoseg.models.model import Model, load_model


def check_model(ref: str | os.PathLike[str] | Model) -> list[str]:
    """Verify a model: card, checksum, architecture, a forward pass on random pixels, and the card's test vector.

    Parameters
    ----------
    ref
        Name, path or loaded model, as for :func:`geoseg.load_model`.

    Returns
    -------
    What was verified, one line each.

    Raises
    ------
    ModelError
        With the first defect.

    Examples
    --------
    >>> from geoseg.models import check_model
    >>> check_model("spectral")[0]
    'card: spectral 1.0.0, 6 bands, 6 classes'
    """
    if (click_model := find_click_model(ref)) is not None:
        return check_click_model(click_model)
    model = load_model(ref)
    card = model.card
    lines = [f"card: {card.name} {card.version}, {len(card.bands)} bands, {len(card.classes)} classes"]
    if card.weights is not None:
        model.verify()
        verified = "checksum verified" if card.weights.checksum else "the card gives no checksum"
        lines.append(f"weights: {card.weights.href}, {verified}")
    parameters = sum(parameter.numel() for parameter in model.module().parameters())
    lines.append(f"architecture: {card.architecture}, {f'{parameters:,}' if parameters else 'no trainable'} parameters")
    side = _run(model)
    gives = f"{len(card.classes)} finite scores each" if card.boxes is None else "finite boxes"
    lines.append(f"forward pass: {side} × {side} pixels give {gives}")
    lines.append(_check_test_vector(model))
    return lines


def _run(model: Model) -> int:
    """Classify uniform noise in the card's range of values; return the side of the window in pixels."""
    from geoseg.models.inference.predictor import Predictor

    card = model.card
    side = window_side(card, 2 * card.stride)
    low, high = card.value_range or (0.0, 1.0)
    data = np.random.default_rng(0).uniform(low, high, (1, len(card.bands), side, side)).astype(np.float32)
    affine = card_transforms(card.value_scaling, len(card.bands))
    if card.boxes is not None:
        from geoseg.models.boxes.predictor import BoxPredictor

        BoxPredictor(model, affine, Execution(), card.boxes.limit).find(data[0], np.ones((side, side), np.bool_))
    else:
        Predictor(model, affine, Execution()).classify(data)
    return side


def _check_test_vector(model: Model) -> str:
    card = model.card
    if not card.test_vector:
        return "test vector: the card has none (geoseg adds one when it saves a model)"
    difference = check_test_vector(model.module(), card, card.test_vector)
    if not difference <= TOLERANCE:
        raise ModelError(
            f"model {card.name!r} fails its test vector: probabilities differ by {difference:.3g} from those stored "
            f"when it was saved, {TOLERANCE:g} is allowed; its weights or the libraries that build it changed"
        )
    return f"test vector: reproduced, largest difference {difference:.1e}"
