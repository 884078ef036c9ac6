"""How fast a stage goes, and how long its rest takes."""

from __future__ import annotations

import math
from bisect import bisect_right

_MOST_POINTS = 256
"""Points that are kept of a stage's course; then every other one is dropped."""

_SETTLED = 0.2
"""Time after the first part, as a share of it, from which on the pace without it is believed, too."""


class Pace:
    """Estimates how long a stage still takes from how it went lately.

    The pace is that of the latest half of the time: a slow start, in which code is loaded or compiled, is forgotten,
    and another pace is soon believed. Between two points the work counts as even, so that it does not matter how
    coarse the steps are.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._done: list[float] = []

    def note(self, now: float, done: float) -> None:
        """Note how much is done at a time, in seconds of any clock."""
        if self._times and now <= self._times[-1]:
            self._done[-1] = done
            return
        if len(self._times) >= _MOST_POINTS:
            self._times, self._done = self._times[::2], self._done[::2]
        self._times.append(now)
        self._done.append(done)

    @property
    def seconds(self) -> float:
        """Seconds between the first point and the last."""
        return self._times[-1] - self._times[0] if self._times else 0.0

    @property
    def parts(self) -> int:
        """Points after the first that are kept."""
        return max(len(self._times) - 1, 0)

    @property
    def first(self) -> float:
        """What was done at the first point."""
        return self._done[0] if self._done else 0.0

    def left(self, total: float) -> float | None:
        """Return the seconds until ``total`` is done, counted from the last point; None if that is not known."""
        if len(self._times) < 2 or self._done[-1] <= self._done[0]:
            return None
        now, done = self._times[-1], self._done[-1]
        middle = (self._times[0] + now) / 2
        rate = (done - self._at(middle)) / (now - middle)
        if rate <= 0:  # nothing in the latest half
            rate = (done - self._done[0]) / self.seconds
        elif (since := self._rate_since_the_first_part(middle)) is not None:
            rate = math.sqrt(rate * since)
        return max(total - done, 0) / rate

    def _rate_since_the_first_part(self, middle: float) -> float | None:
        """Return the pace without the first part, in which code may have been loaded; None once that is long ago.

        None, too, right after it: several workers end their first parts together, which says nothing of their pace.
        """
        start, first, now = self._times[0], self._times[1], self._times[-1]
        if middle >= first or now - first < _SETTLED * (first - start) or self._done[-1] <= self._done[1]:
            return None
        return (self._done[-1] - self._done[1]) / (now - first)

    def _at(self, when: float) -> float:
        k = bisect_right(self._times, when)
        earlier, later = self._times[k - 1], self._times[k]
        return self._done[k - 1] + (self._done[k] - self._done[k - 1]) * (when - earlier) / (later - earlier)
