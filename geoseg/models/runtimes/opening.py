"""A model and an execution -> the runtime's predictor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from geoseg.models.boxes.checks import check_finds_classes

if TYPE_CHECKING:
    from geoseg.models.inference.execution import Execution
    from geoseg.models.model import Model
    from geoseg.models.runtimes.protocol import WindowPredictor


def open_predictor(model: Model, affine: Sequence[tuple[float, ...]], execution: Execution) -> WindowPredictor:
    """Return a model ready for windows of one scene, on the execution's runtime and device.

    Parameters
    ----------
    model
        The model.
    affine
        Transform from each band's digital numbers to the network's input: ``ModelCard.affine``, or pairs (a, b).
    execution
        How it is run.

    Raises
    ------
    ModelError
        If the weights cannot be loaded, or the runtime cannot run the model.
    OptionError
        If the runtime is not installed.
    """
    check_finds_classes(model.card)
    if execution.runtime == "openvino":
        from geoseg.models.runtimes.openvino_predictor import OpenVinoPredictor

        return OpenVinoPredictor(model, affine, execution)
    from geoseg.models.inference.predictor import Predictor

    return Predictor(model, affine, execution)
