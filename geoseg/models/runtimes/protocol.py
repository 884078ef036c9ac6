"""What a runtime offers: a model on a device, ready for windows of one scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.models.inference.execution import Execution
    from geoseg.models.inference.prediction import Prediction


class WindowPredictor(Protocol):
    """Windows of digital numbers in; classes, confidence and percents, or scores, out.

    Thread-safe: called from as many threads as its execution has streams. A window's result does not depend on the
    windows beside it.
    """

    card: ModelCard
    execution: Execution

    def classify(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return class and confidence of every pixel; see :meth:`predict`."""

    def predict(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None = None, probabilities: tuple[int, ...] = ()
    ) -> Prediction:
        """Return class, confidence and, if asked for, percents of every pixel.

        Parameters
        ----------
        data
            (N, bands, h, w), digital numbers as the raster stores them; h and w multiples of the model's stride.
        valid
            (N, h, w); None if all pixels are valid. Invalid pixels enter the network as 0 after normalisation; what is
            returned for them is meaningless.
        probabilities
            Positions of the classes whose percents are wanted.

        Raises
        ------
        ModelError
            If the network returns NaN or infinity for a valid pixel, or does not run on such windows.
        """

    def scores(self, data: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> torch.Tensor:
        """Return the probability of every class, float32 (N, classes, h, w), on the device; see :meth:`predict`."""
