"""Counts the workers of a cluster, says so where there are none, and gives up after the time that the user grants."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from geoseg.errors import ClusterError

if TYPE_CHECKING:
    from geoseg.system.cluster.job_keeper import JobKeeper

# Seconds between two questions to the scheduler.
_RECOUNT = 2.0

# Seconds without a worker after which that is said, and said again.
_SAY_AFTER = (5.0, 60.0, 600.0)


class Announcer(Protocol):
    """Tells the user."""

    def info(self, message: str) -> None:
        """Tell something worth knowing."""

    def warning(self, message: str) -> None:
        """Tell something that needs attention."""


class Quiet:
    """Tells nothing."""

    def info(self, message: str) -> None:
        """Ignore it."""

    def warning(self, message: str) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class Staffing:
    """How many workers a run wants.

    Attributes
    ----------
    least, most
        Workers if the number adapts to the work; both the same if it is fixed.
    max_wait
        Seconds without any worker after which the run ends; None for the scheduler's own default.
    """

    least: int = 1
    most: int = 1
    max_wait: float | None = None

    @property
    def adaptive(self) -> bool:
        """Whether the number adapts to the work."""
        return self.most > self.least


class WorkerWatch:
    """How many workers there are.

    Parameters
    ----------
    client
        Connection to the scheduler.
    name
        What the scheduler is called in messages.
    patience
        Seconds without any worker after which :meth:`check` raises.
    announcer
        Told about lost workers, and how long the run has been waiting.
    keeper
        Keeps jobs alive, if the workers run in jobs of a batch system.
    """

    def __init__(
        self, client: Any, name: str, patience: float, announcer: Announcer, keeper: JobKeeper | None = None
    ) -> None:
        self._client, self._name, self._patience, self._announcer = client, name, patience, announcer
        self.keeper = keeper
        self._threads: dict[str, int] = {}
        self._counted = -1e9
        self._none_since: float | None = time.monotonic()
        self._had_some = False
        self._said = 0

    def threads(self, *, now: bool = False) -> dict[str, int]:
        """Return the threads of each worker by address; not older than two seconds, or asked anew."""
        if (now or time.monotonic() - self._counted > _RECOUNT) and self._client.status == "running":
            self._counted = time.monotonic()
            with suppress(OSError, TypeError, asyncio.CancelledError, concurrent.futures.CancelledError):
                self._threads = dict(self._client.nthreads())
        return self._threads

    @property
    def text(self) -> str:
        """``"3 of 10 workers, 7 pending (Resources)"``."""
        alive, keeper = len(self.threads()), self.keeper
        if keeper is None:
            return f"{alive} worker{'s' * (alive != 1)}"
        wanted = keeper.jobs * keeper.processes
        return ", ".join(filter(None, [f"{alive} of {wanted} worker{'s' * (wanted != 1)}", keeper.waiting]))

    def check(self) -> None:
        """Tell what has changed.

        Raises
        ------
        ClusterError
            If jobs cannot be submitted, or there has been no worker for too long.
        """
        for urgent, line in [] if self.keeper is None else self.keeper.news():
            (self._announcer.warning if urgent else self._announcer.info)(line)
        alive = self.threads(now=self._none_since is not None and not self._had_some)
        if alive:
            if self._said and self._had_some:
                self._announcer.info(f"workers are back: {self.text}")
            self._none_since, self._said, self._had_some = None, 0, True
            return
        now = time.monotonic()
        self._none_since = self._none_since or now
        waited = now - self._none_since
        if waited > self._patience:
            raise ClusterError(f"{self._nobody} for {_duration(waited)}{self._remedy}; finished blocks are kept")
        after = _SAY_AFTER[self._said] if self._said < len(_SAY_AFTER) else _SAY_AFTER[-1] * (self._said - 1)
        if waited > after:
            text = f"{self._nobody}: {self.text}, waiting for {_duration(waited)}{self._remedy}"
            (self._announcer.warning if self._said or self._had_some else self._announcer.info)(text)
            self._said += 1

    @property
    def _nobody(self) -> str:
        return f"no worker of {self._name} {'is left' if self._had_some else 'has come yet'}"

    @property
    def _remedy(self) -> str:
        return "" if self.keeper is not None else " (start some with `dask worker ADDRESS`)"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
