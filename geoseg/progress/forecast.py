"""How long a run still takes: the rest of the stage it is in, and the stages after it.

A stage's own pace says how long its rest takes. What follows is expected: by what such a stage costs per megapixel, and
by how that was on this machine the last time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from geoseg.progress.pace import Pace
from geoseg.progress.reporters import PassingOn, Reporter, time_left
from geoseg.system import cache

_SHARE = 0.1
"""Share of a stage after which its own pace counts as much as what was expected of it."""

_COSTS = {
    "write": (0.2, 0.015),
    "polygonize": (2.5, 0.15),
    "preview": (0.8, 0.02),
    "html": (0.6, 0.01),
    "publish": (1.5, 0.01),
    "compress": (0.5, 0.1),
    "evaluate": (0.2, 0.09),
    "compare": (0.3, 0.025),
    "write changes": (0.1, 0.03),
    "polygonize changes": (0.2, 0.01),
}
"""Seconds that each stage takes, and seconds for each million pixels, or bytes that are compressed: a server's core."""

_MOST = 20.0
"""How much slower or faster than expected a stage is believed to be."""

_WORTH = 1.0
"""Seconds of a stage from which on it is remembered."""

_SLOWER = 5.0
"""How much slower than before the machine is believed to be because other programs run."""


class Forecast:
    """Estimates the time that is left of a run of several stages.

    Parameters
    ----------
    expected
        Seconds that each stage is expected to take, in the order of the stages; None where nothing is known before it
        runs.
    """

    def __init__(self, expected: Mapping[str, float | None]) -> None:
        self._expected = dict(expected)
        self._paces: dict[str, Pace] = {}
        self._starts: list[tuple[str, float]] = []
        self._begun = time.monotonic()
        self.runs_after = 0
        """Further runs of this kind that follow, such as those of the other scenes; each is taken to need as long."""
        self.seconds_after = 0.0
        """Seconds that what follows all these runs is expected to take."""

    def left(self, stage: str, done: float, total: float) -> float | None:
        """Note how far a stage is, and return the seconds until the end of the run; None if that is not known."""
        if stage not in self._expected:
            return None
        now = time.monotonic()
        if stage not in self._paces:
            self._starts.append((stage, now))
        pace = self._paces.setdefault(stage, Pace())
        pace.note(now, done)
        rest = self._rest(pace, self._expected[stage], done, total)
        if rest is None:
            return None
        names = list(self._expected)
        here = names.index(stage)
        slower = self._slowness(names[: here + 1], now - self._begun + rest)
        left = rest + slower * math.fsum(self._expected[name] or 0.0 for name in names[here + 1 :])
        return left + self.runs_after * (now - self._begun + left) + slower * self.seconds_after

    def took(self) -> dict[str, float]:
        """Return the seconds that each stage has taken: until the next one began, or until now."""
        times = [*(start for _, start in self._starts), time.monotonic()]
        return {stage: times[k + 1] - start for k, (stage, start) in enumerate(self._starts)}

    def told(self, done: int, total: int, message: str) -> str:
        """Note how far a stage is, and return its message with the time that is left of the run, if that is known.

        A stage is called by its message, or the first word of it, as ``polygonize`` in ``"polygonize a: details"``.
        """
        stage, _, details = message.partition(": ")
        seconds = self.left(stage if stage in self._expected else stage.partition(" ")[0], done, total)
        if seconds is None:
            return message
        return f"{stage}: {', '.join(filter(None, [details, time_left(seconds)]))}"

    def _slowness(self, stages: Sequence[str], seconds: float) -> float:
        """Return how much longer than expected stages take, of which the last is not at its end; 1 if not known."""
        known = [value for name in stages if (value := self._expected[name]) is not None]
        expected = math.fsum(known) if len(known) == len(stages) else 0.0
        return min(max(seconds / expected, 1 / _SLOWER), _SLOWER) if expected else 1.0

    @staticmethod
    def _rest(pace: Pace, expected: float | None, done: float, total: float) -> float | None:
        measured = pace.left(total)
        if expected is None:  # one of several workers' first parts, which load and compile, says too little
            return measured if pace.parts > 1 or done >= total else None
        todo = max(total - pace.first, 1)
        believed = expected * (total - done) / todo
        if measured is None:
            return max(believed - pace.seconds, 0.0) if done == pace.first else believed
        share = (done - pace.first) / todo
        weight = share / (share + _SHARE)
        return weight * measured + (1 - weight) * believed


class WithTimeLeft(PassingOn):
    """Passes events on, and adds to the progress of a forecast's stages how long the run still takes."""

    def __init__(self, reporter: Reporter, forecast: Forecast) -> None:
        self._reporter, self._forecast = reporter, forecast

    def _pass_on(self, event: str, *args: Any, **facts: Any) -> None:
        getattr(self._reporter, event)(*args, **facts)

    def progress(self, done: int, total: int, message: str) -> None:
        """Pass the event on with the time that is left."""
        self._reporter.progress(done, total, self._forecast.told(done, total, message))


AFTER_BLOCKS = ("write", "polygonize", "preview", "html", "publish")
"""Stages that follow the blocks of a scene."""

OF_CHANGES = ("compare", "write changes", "polygonize changes")
"""Stages in which two maps are compared."""


def expected_seconds(stages: Iterable[str], pixels: int) -> dict[str, float]:
    """Return the seconds that stages are expected to take here, with that many pixels, or bytes to compress."""
    return {stage: _usual(stage, pixels) * slowness(stage) for stage in stages}


def learn(seconds: Mapping[str, float], pixels: int) -> None:
    """Remember how long stages took here, for the next run's forecast; those that nobody waits for are passed over."""
    for stage, took in seconds.items():
        if stage in _COSTS and max(took, usual := _usual(stage, pixels)) > _WORTH:
            remember(took / usual, stage)


def remember(ratio: float, stage: str, *key: object) -> None:
    """Remember how much longer a stage took than it was expected to, of a model or whatever else ``key`` is."""
    ratio = min(max(ratio, 1 / _MOST), _MOST)
    cache.store(math.sqrt(ratio * slowness(stage, *key)), "stages", stage, *key)


def slowness(stage: str, *key: object) -> float:
    """Return how much longer than expected a stage takes here; 1 if nothing, or nothing sensible, is remembered."""
    stored: Any = cache.load("stages", stage, *key)
    with suppress(TypeError, ValueError):
        if 1 / _MOST <= float(stored) <= _MOST:
            return float(stored)
    return 1.0


def _usual(stage: str, pixels: int) -> float:
    fixed, per_megapixel = _COSTS[stage]
    return fixed + per_megapixel * pixels / 1e6
