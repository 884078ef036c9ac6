"""What every runtime returns for windows, and the error if a network returns no numbers. Never imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geoseg.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard


class Prediction(NamedTuple):
    """What a network says about some pixels, as arrays.

    Attributes
    ----------
    classes
        uint8 (…, h, w): winning class.
    confidence
        uint8 (…, h, w): percent of the winning class, 0…100.
    probabilities
        uint8 (…, P, h, w): percent of each class asked for, 0…100; see
        :func:`geoseg.models.inference.argmax.percents_of`.
    """

    classes: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    probabilities: NDArray[np.uint8]


def not_finite(card: ModelCard, count: int, precision: str) -> ModelError:
    """Return the error of a network that returned NaN or infinity for ``count`` valid pixels."""
    return ModelError(
        f"model {card.name!r} returned NaN or infinity for {count} valid pixels: its weights are damaged, "
        "or the scene's values are far outside the range it was trained on"
        + ("; try --precision fp32" if precision != "fp32" else "")
    )
