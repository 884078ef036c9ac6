"""Whether half precision gives the map of single precision, on pixels of the scene itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import ReadError
from geoseg.tiling import Box

if TYPE_CHECKING:
    from geoseg.models import Execution
    from geoseg.segment.plan import Plan

# Side of the windows that are compared, in pixels, and where they lie, as shares of the scene's sides.
_SIDE = 512
_PLACES = (0.5, 0.25, 0.75)

# Differing pixels above this share are told. Rounding alone changes classes that are nearly tied.
_TOLERANCE = 0.01


def precision_warning(plan: Plan, execution: Execution) -> str | None:
    """Return a warning if the map in half precision differs from that in single precision; None if not.

    Compared are up to three windows of the scene, which takes a second or two. Under ``--precision auto`` half
    precision was compared before it was chosen, so only one that was asked for by name needs this.

    Parameters
    ----------
    plan
        The run.
    execution
        How it is run.
    """
    if execution.precision == "fp32" or plan.options.precision == "auto":
        return None
    from geoseg.models.inference.predictor import Predictor

    affine = plan.model.card.affine(plan.raster.bands)
    half = replace(execution, batch=1, compile=False)
    predictors = [Predictor(plan.model, affine, how) for how in (half, replace(half, precision="fp32"))]
    differing = count = 0
    for box in _boxes(plan):
        with suppress(ReadError):
            pixels = plan.raster.read(box)
            data, valid = pixels.data[None], pixels.valid[None]
            ours, exact = (predictor.classify(data, valid)[0] for predictor in predictors)
            differing += int(np.count_nonzero((ours != exact) & valid))
            count += int(np.count_nonzero(valid))
    if differing <= _TOLERANCE * count:
        return None
    return (
        f"in {execution.precision} model {plan.model.card.name!r} gives {differing / count:.1%} of a sample of the "
        "scene another class than in fp32; use --precision auto or fp32"
    )


def _boxes(plan: Plan) -> Iterator[Box]:
    """Yield windows that lie in the scene, with sides that the network takes; none if the scene is too small."""
    card, (height, width) = plan.model.card, plan.raster.shape
    sides = [card.window or min(_SIDE, side) // card.stride * card.stride for side in (height, width)]
    if sides[0] < max(card.min_window, 1) or sides[1] < max(card.min_window, 1):
        return
    if sides[0] > height or sides[1] > width:
        return
    for row, col in dict.fromkeys((int(p * (height - sides[0])), int(p * (width - sides[1]))) for p in _PLACES):
        yield Box(row, col, *sides)
