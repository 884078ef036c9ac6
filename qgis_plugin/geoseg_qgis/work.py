"""How a run is going: the stages of geoseg as one bar from 0 to 100, and what it runs on. No qgis import."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .commands import seconds_left
from .runner import Event

# Where each stage of `geoseg segment` lies on the bar, in percent; other commands have one stage from end to end.
_STAGES = {"segment": (2.0, 80.0), "write": (80.0, 88.0), "polygonize": (88.0, 100.0)}
_DEVICE = re.compile(r"(?:^|: )(cuda(?::\d+)?|cpu|mps), \w+")


@dataclass
class Progress:
    """Takes events and knows how far the run is.

    Attributes
    ----------
    several
        Whether the stages follow one another in this run, as they do in ``segment``.
    percent
        How far it is; never goes back.
    stage, detail
        What is being done, with rate and time left if geoseg says them.
    device
        What it runs on: ``"cpu"``, ``"cuda"``; empty until geoseg says so.
    """

    several: bool = True
    percent: float = 0.0
    stage: str = ""
    detail: str = ""
    device: str = ""

    def take(self, event: Event) -> bool:
        """Take an event and return whether something changed."""
        message = str(event.get("message", ""))
        if event["event"] == "info" and (found := _DEVICE.search(message)):
            self.device = found.group(1)
            return True
        if event["event"] != "progress":
            return False
        self.stage, self.detail = seconds_left(message)
        low, high = _STAGES.get(self.stage.split(" ")[0], (0.0, 100.0)) if self.several else (0.0, 100.0)
        total = max(float(event.get("total") or 0), 1.0)
        share = min(float(event.get("done") or 0) / total, 1.0)
        self.percent = max(self.percent, low + (high - low) * share)
        return True

    def text(self) -> str:
        """Return one line for the user."""
        return f"{self.stage}: {self.detail}" if self.detail else self.stage
