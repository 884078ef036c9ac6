"""Whether a precision or runtime gives the map of the model's own runtime in fp32, on pixels of the scene itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geoseg.models.runtimes.choices import own_runtime, title
from geoseg.models.runtimes.opening import open_predictor
from geoseg.segment.sample import scene_sample

if TYPE_CHECKING:
    from geoseg.models import Execution
    from geoseg.segment.plan import Plan

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
    chosen = replace(execution, batch=1, compile=False)
    exact = replace(chosen, runtime=own, precision="fp32")
    if execution.device not in ("cpu", "mps") and not execution.device.startswith("cuda"):  # OpenVINO's
        exact = replace(exact, device="cpu")
    sample = scene_sample(plan.passes.raster, plan.model)
    if sample is None:
        return None
    maps = [
        open_predictor(plan.model, sample.affine, how).classify(sample.data, sample.valid)[0] for how in (chosen, exact)
    ]
    differing = int(np.count_nonzero((maps[0] != maps[1]) & sample.valid))
    count = int(np.count_nonzero(sample.valid))
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
