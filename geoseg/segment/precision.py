"""Whether a precision or runtime gives the map of the model's own runtime in fp32, on pixels of the scene itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import ReadError
from geoseg.models.runtimes.choices import own_runtime, title
from geoseg.models.runtimes.opening import open_predictor
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
    """Return a warning if the map differs from that of the model's own runtime in single precision; None if not.

    Compared are up to three windows of the scene, which takes a second or two. What ``auto`` chose was compared before
    it was chosen, so only a precision or runtime that was asked for by name needs this.

    Parameters
    ----------
    plan
        The run.
    execution
        How it is run.
    """
    own = own_runtime(plan.model)
    half = execution.precision != "fp32" and plan.options.precision != "auto"
    foreign = execution.runtime != own and plan.options.runtime != "auto"
    if not (half or foreign):
        return None
    affine = plan.model.card.affine(plan.raster.bands)
    chosen = replace(execution, batch=1, compile=False)
    exact = replace(chosen, runtime=own, precision="fp32")
    if execution.device not in ("cpu", "mps") and not execution.device.startswith("cuda"):  # OpenVINO's
        exact = replace(exact, device="cpu")
    predictors = [open_predictor(plan.model, affine, how) for how in (chosen, exact)]
    differing = count = 0
    for box in _boxes(plan):
        with suppress(ReadError):
            pixels = plan.raster.read(box)
            data, valid = pixels.data[None], pixels.valid[None]
            ours, theirs = (predictor.classify(data, valid)[0] for predictor in predictors)
            differing += int(np.count_nonzero((ours != theirs) & valid))
            count += int(np.count_nonzero(valid))
    if differing <= _TOLERANCE * count:
        return None
    model, share = f"model {plan.model.card.name!r}", f"{differing / count:.1%} of a sample of the scene"
    if not foreign:
        return (
            f"in {execution.precision} {model} gives {share} another class than in fp32; use --precision auto or fp32"
        )
    return (
        f"by {title(execution.runtime)} in {execution.precision} {model} gives {share} another class than by "
        f"{title(own)} in fp32; use --runtime auto or {own}"
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
