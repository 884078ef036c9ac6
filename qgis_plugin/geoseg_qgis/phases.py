"""Phases of a run in the user's language, and how long runs really take on this computer."""

from __future__ import annotations

import json
from typing import Any

from . import settings
from .estimates import Overheads
from .tr import tr
from .work import ChangeProgress, Progress


def progress(*, several: bool = True) -> Progress:
    """Return a progress whose phases have translated names."""
    return Progress(several, _names())


def change_progress(scenes: int) -> ChangeProgress:
    """Return a progress of ``geoseg change``, in which a model maps so many scenes first."""
    return ChangeProgress(names=_names(), scenes=scenes)


def _names() -> dict[str, str]:
    return {
        "start": tr("Starting geoseg (loading PyTorch)"),
        "load": tr("Loading scene and model"),
        "measure": tr("Measuring the fastest settings, once for this model"),
        "segment": tr("Segmenting"),
        "write": tr("Writing the class map"),
        "polygonize": tr("Making polygons"),
        "evaluate": tr("Comparing"),
        "compare": tr("Comparing"),
        "sample": tr("Drawing points"),
        "train": tr("Training"),
        "tune": tr("Searching the best settings"),
        "features": tr("Reading what was drawn"),
        "learning": tr("Learning"),
        "find": tr("Looking for uncertain places"),
        "left": tr("{time} left"),
    }


def realistic(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of ``geoseg inspect`` with the duration of a whole run, by what past runs took.

    geoseg's own estimate is that of the forward passes; ``"model_seconds"`` keeps it.
    """
    run = facts.get("run")
    if not run:
        return facts
    seconds = run.get("seconds")
    run = {**run, "model_seconds": seconds, "seconds": _overheads().whole_run(seconds)}
    return {**facts, "run": run}


def note(facts: dict[str, Any], seconds: float) -> None:
    """Learn from a finished run how long runs take."""
    overheads = _overheads()
    overheads.learn(facts.get("run", {}).get("model_seconds"), seconds)
    settings.put("overheads", json.dumps(overheads.as_dict()))


def _overheads() -> Overheads:
    try:
        known = json.loads(settings.get("overheads", "{}"))
        return Overheads(known["fixed"], known["factor"])
    except (ValueError, TypeError, KeyError):
        return Overheads()
