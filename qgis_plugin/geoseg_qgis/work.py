"""How a run is going: the stages of geoseg as one bar from 0 to 100, time left, and the device. No qgis import."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Mapping

from .commands import message_parts
from .runner import Event

# Where each stage of `geoseg segment` lies on the bar, in percent; other commands have one stage from end to end.
_STAGES = {"segment": (2.0, 75.0), "write": (75.0, 88.0), "polygonize": (88.0, 100.0)}
# `geoseg change`: where the comparison begins if a model maps two scenes first, and how a scene's share is divided.
_MAPPED = 85.0
_OF_SCENE = {"segment": (0.0, 0.85), "write": (0.85, 1.0)}
_OF_COMPARISON = {"compare": (0.0, 0.4), "write changes": (0.4, 0.75), "polygonize changes": (0.75, 1.0)}
_DEVICE = re.compile(r"(?:^|: )(cuda(?::\d+)?|cpu|mps), \w+")
_MEASURING = "measuring the fastest settings"

PHASES = {
    "start": "Starting geoseg (loading PyTorch)",
    "load": "Loading scene and model",
    "measure": "Measuring the fastest settings, once for this model",
    "segment": "Segmenting",
    "write": "Writing the class map",
    "polygonize": "Making polygons",
    "evaluate": "Comparing",
    "compare": "Comparing",
    "sample": "Drawing points",
    "train": "Training",
    "tune": "Searching the best settings",
    "features": "Reading what was drawn",
    "learning": "Learning",
    "find": "Looking for uncertain places",
    "left": "{time} left",
}
"""Names of the phases; QGIS shows translated ones."""

_TELLING = ("train", "tune")  # phases whose figures are for everybody

# Rates need some time and some progress until they tell anything.
_LEAST_SECONDS, _LEAST_SHARE = 1.5, 0.03


@dataclass
class Progress:
    """Takes events and knows how far the run is.

    Attributes
    ----------
    several
        Whether the stages follow one another in this run, as they do in ``segment``.
    names
        Name of each phase.
    percent
        How far it is; never goes back.
    phase
        Key of what is being done.
    stage, detail
        What geoseg calls it, and its rate and figures.
    device
        What it runs on: ``"cpu"``, ``"cuda"``; empty until geoseg says so.
    """

    several: bool = True
    names: Mapping[str, str] = field(default_factory=lambda: PHASES)
    percent: float = 0.0
    phase: str = "start"
    stage: str = ""
    detail: str = ""
    device: str = ""
    _begin: tuple[float, float] | None = None
    _left: tuple[float, float] | None = None

    def take(self, event: Event, now: float | None = None) -> bool:
        """Take an event and return whether something changed; ``now`` is the time in seconds."""
        now = time.monotonic() if now is None else now
        message = str(event.get("message", ""))
        if event["event"] == "start":
            self.phase = "load"
            return True
        if event["event"] == "info" and _MEASURING in message:
            self.phase = "measure"
            return True
        if event["event"] == "info" and (found := _DEVICE.search(message)):
            self.device = found.group(1)
            return True
        if event["event"] != "progress":
            return False
        self.stage, self.detail, left = message_parts(message)
        self.phase = self.stage.split(" ")[0]
        low, high = self._bounds()
        total = max(float(event.get("total") or 0), 1.0)
        share = min(float(event.get("done") or 0) / total, 1.0)
        self.percent = max(self.percent, low + (high - low) * share)
        if left is None:
            self._estimate(now)
        else:
            self._left = (now, left)
        return True

    def _bounds(self) -> tuple[float, float]:
        """Return where the stage begins and ends on the bar, in percent."""
        return _STAGES.get(self.phase, (0.0, 100.0)) if self.several else (0.0, 100.0)

    def _estimate(self, now: float) -> None:
        """Estimate the time left for all stages, from the way so far."""
        if self._begin is None:
            self._begin = (now, self.percent)
            return
        begin, before = self._begin
        way, seconds = self.percent - before, now - begin
        if seconds >= _LEAST_SECONDS and way >= 100 * _LEAST_SHARE:
            self._left = (now, seconds * (100.0 - self.percent) / way)

    def seconds_left(self, now: float | None = None) -> float | None:
        """Return the estimated seconds until the run is done; None while that is unknown."""
        if self._left is None:
            return None
        now = time.monotonic() if now is None else now
        then, left = self._left
        return max(left - (now - then), 0.0)

    def text(self) -> str:
        """Return one line for the user: the phase, and the time left."""
        name = self.names.get(self.phase, self.stage or self.phase)
        # In training the figures tell whether it is worth going on; elsewhere they are for developers.
        parts = [name, self.detail] if self.phase in _TELLING and self.detail else [name]
        if (left := self.seconds_left()) is not None:
            parts.append(self.names["left"].format(time=duration(left)))
        return ", ".join(parts)


@dataclass
class ChangeProgress(Progress):
    """The same for ``geoseg change``, in which up to two scenes are mapped one after the other, then compared.

    Attributes
    ----------
    scenes
        How many scenes a model maps; 0 if both inputs are class maps.
    """

    scenes: int = 0
    _seen: list[str] = field(default_factory=list)

    def _bounds(self) -> tuple[float, float]:
        begin = _MAPPED if self.scenes else 0.0
        if self.stage in _OF_COMPARISON:
            low, high = _OF_COMPARISON[self.stage]
            return begin + (100.0 - begin) * low, begin + (100.0 - begin) * high
        scene = self.stage.partition(" ")[2]
        if scene not in self._seen:
            self._seen.append(scene)
        width = begin / max(self.scenes, 1)
        place = min(self._seen.index(scene), max(self.scenes, 1) - 1)
        low, high = _OF_SCENE.get(self.phase, (0.0, 1.0))
        return width * (place + low), width * (place + high)


def duration(seconds: float) -> str:
    """Return a duration in the form of a clock, which needs no translation: ``0:07``, ``12:30``, ``1:05:00``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
