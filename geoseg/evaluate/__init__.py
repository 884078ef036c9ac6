"""How good a map is: against a reference, against interpreted points.

Modules, each used by those after it::

    metrics      confusion matrix -> scores; training uses it as well
    scheme       two lists of classes -> one
    reference    rasters and polygons on the map's grid
    boundary, calibration
    tally        the pass over both maps, window by window
    picture, evaluation   the result
    api          evaluate()
    model        evaluate_model(): segments labelled images first
    design, estimate, points   sample of points to interpret, and what follows from them
"""

from __future__ import annotations

from geoseg.evaluate.api import evaluate
from geoseg.evaluate.evaluation import Evaluation

__all__ = ["Evaluation", "evaluate"]
