"""Keeps the jobs of a batch system alive in which the workers of a dask cluster run.

dask_jobqueue submits jobs and cancels them; what it does not do is to notice that a job has ended whose worker never
joined, that one of several workers of a job is gone, or that the batch system refuses a job.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from distributed import SchedulerPlugin
from distributed.deploy.spec import ProcessInterface

from geoseg.errors import ClusterError
from geoseg.system.cluster.batch_queue import BatchQueue, JobState, QueueError

INTERVAL = 5.0
"""Seconds between two questions to the batch system."""

# Seconds until the first question after a submission.
_SOON = 1.0

# Seconds after which a job that was submitted must be known to the batch system.
_KNOWN_AFTER = 15.0

# Seconds before jobs are submitted again after a refusal, while others of the run live.
_REFUSED_PAUSE = 60.0

# Jobs in a row that may end before their worker has joined.
_MOST_FAILED = 3

# Questions in a row that the batch system may leave unanswered without a word.
_MOST_UNANSWERED = 6


@dataclass(frozen=True)
class Refusal:
    """A job that the batch system did not take.

    Attributes
    ----------
    words
        What the batch system said.
    script
        The job script.
    """

    words: str
    script: str


def recording(job_class: type[Any], refusals: deque[Refusal]) -> type[Any]:
    """Return a job class of dask_jobqueue that records a refused submission, where dask would print a traceback."""

    class Job(job_class):  # type: ignore[misc]
        async def start(self) -> None:
            try:
                await super().start()
            except (OSError, RuntimeError, ValueError) as error:
                refusals.append(Refusal(words_of(error), self.job_script()))
                await ProcessInterface.start(self)  # dask goes on with the other jobs

    return Job


def words_of(error: Exception) -> str:
    """Return what a command of the batch system said, from dask_jobqueue's error about it."""
    if isinstance(error, FileNotFoundError):
        return f"{error.filename} is not found on this machine"
    text = str(error)
    for part in ("stderr:", "stdout:"):
        said = text.partition(f"{part}\n")[2].partition("\nstdout:" if part == "stderr:" else "\nstderr:")[0]
        lines = [line.partition("error:")[2].strip() or line.strip() for line in said.splitlines()]
        if words := "; ".join(line for line in lines if line):
            return words
    return " ".join(text.split())


class _Joined(SchedulerPlugin):
    """Notes the names of the workers that have ever joined, and of those that are there, by address."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.present: dict[str, str] = {}

    def add_worker(self, scheduler: Any, worker: str, **_: Any) -> None:
        self.present[worker] = name = str(scheduler.workers[worker].name)
        self.names.add(name)

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:  # noqa: ARG002 - the plugin's signature
        self.present.pop(worker, None)


class JobKeeper:
    """Submits jobs, again when they are lost, until as many live as are wanted. Asks in a thread of its own.

    Parameters
    ----------
    cluster
        A cluster of dask_jobqueue whose job class is that of :func:`recording`.
    system
        Name of the batch system.
    queue
        Its commands.
    refusals
        Filled by :func:`recording`.
    processes
        Workers per job.
    """

    def __init__(
        self, cluster: Any, system: str, queue: BatchQueue, refusals: deque[Refusal], *, processes: int
    ) -> None:
        self._cluster, self._system, self._queue, self._refusals = cluster, system, queue, refusals
        self.processes = processes
        self.jobs = 0
        self._joined = _Joined()
        self._seen: dict[str, float] = {}  # when each job was first met here, by its number
        self._waiting: dict[
            str, str
        ] = {}  # why jobs were pending when the batch system was last asked, by dask's names
        self._news: deque[tuple[bool, str]] = deque()  # whether it needs attention, and a line
        self._error: ClusterError | None = None
        self._failed = self._unanswered = self._hopeless = 0
        self._accepted = self._submitted = False
        self._not_before = 0.0
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name="geoseg-jobs", daemon=True)

    def start(self, jobs: int) -> None:
        """Submit the first jobs."""
        self.jobs = jobs
        self._cluster.scheduler.add_plugin(self._joined)
        self._thread.start()

    def jobs_for(self, workers: int) -> int:
        """Return how many jobs so many workers need."""
        return -(-workers // self.processes)

    def want(self, workers: int) -> None:
        """Change how many workers are wanted; jobs that are too many end when they have nothing to do."""
        if (jobs := self.jobs_for(workers)) != self.jobs:
            self.jobs = jobs
            self._wake.set()

    @property
    def waiting(self) -> str:
        """Pending jobs and why, in the batch system's words: ``"7 pending (Resources)"``; empty if there are none."""
        if self._unanswered >= _MOST_UNANSWERED:
            return f"{self._system} does not answer"
        present = set(self._joined.present.values())
        waiting = [reason for name, reason in self._waiting.items() if not _any_of(name, present)]
        reasons = ", ".join(filter(None, dict.fromkeys(waiting)))
        return f"{len(waiting)} pending{f' ({reasons})' if reasons else ''}" if waiting else ""

    def news(self) -> list[tuple[bool, str]]:
        """Return what has happened since the last call, a line each, and whether it needs the user's attention.

        Raises
        ------
        ClusterError
            If the batch system refuses the jobs, or they end before a worker has started.
        """
        if self._error is not None:
            raise self._error
        return [self._news.popleft() for _ in range(len(self._news))]

    def close(self) -> None:
        """End all jobs with one command, waiting ones too."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(INTERVAL + 30)
        with suppress(Exception):  # the cluster may be closing
            self._queue.cancel(list(self._numbers().values()))

    # --- in the thread

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self._cluster.sync(self._correct, self._ask())
            except Exception as error:  # noqa: BLE001 - the next round may succeed; watching must not end in silence
                if self._cluster.status.name not in ("running", "starting"):
                    return
                self._tell(f"jobs could not be counted: {type(error).__name__}: {error}", urgent=True)
            self._wake.wait(_SOON if self._submitted else INTERVAL)
            self._wake.clear()

    def _tell(self, line: str, *, urgent: bool = False) -> None:
        self._news.append((urgent, line))

    def _numbers(self) -> dict[str, str]:
        """Numbers of the jobs in the batch system, by dask's names."""
        return {name: str(job.job_id) for name, job in dict(self._cluster.workers).items() if job.job_id}

    def _ask(self) -> Mapping[str, JobState] | None:
        """Return the states of the jobs; None if the batch system does not answer."""
        numbers = list(self._numbers().values())
        if not numbers:
            return {}
        try:
            states = self._queue.states(numbers)
        except QueueError as error:
            self._unanswered += 1
            if self._unanswered == _MOST_UNANSWERED:
                self._tell(f"{self._system} does not say how the jobs are: {error}", urgent=True)
            return None
        self._unanswered = 0
        return states

    # --- in the cluster's event loop

    async def _correct(self, states: Mapping[str, JobState] | None) -> None:
        """Forget jobs that have ended and submit as many as are missing."""
        self._submitted = False
        if self._stop.is_set():
            return
        if states is not None:
            self._forget_ended(states)
            self._count_waiting(states)
        self._handle_refusals()
        spec = self._cluster.worker_spec
        if self._error is not None:
            return
        if len(spec) > self.jobs:
            self._let_go(len(spec) - self.jobs)
        elif time.monotonic() >= self._not_before and not len(spec) == len(self._cluster.workers) == self.jobs:
            self._cluster.scale(jobs=self.jobs)
            self._submitted = True

    def _has_joined(self, name: str) -> bool:
        return _any_of(name, self._joined.names)

    def _forget_ended(self, states: Mapping[str, JobState]) -> None:
        now, ended = time.monotonic(), list[str]()
        for name, number in self._numbers().items():
            met = self._seen.setdefault(number, now)
            if self._has_joined(name):
                self._failed = 0
            state = states.get(number)
            if state is None:  # the batch system forgets jobs some minutes after their end
                state = JobState("ended" if now - met > _KNOWN_AFTER else "pending", "")
            if state.phase != "ended":
                continue
            ended.append(state.word)
            self._forget(name)
            if not self._has_joined(name):
                self._count_failure(number, state)
        if ended and self._error is None:
            words = ", ".join(sorted({word for word in ended if word}))
            plural = ("s", "are") if len(ended) > 1 else ("", "is")
            self._tell(
                f"{len(ended)} job{plural[0]} ended{f' ({words})' if words else ''} and {plural[1]} submitted again"
            )

    def _forget(self, name: str) -> None:
        self._cluster.workers.pop(name, None)
        self._cluster.worker_spec.pop(name, None)

    def _count_failure(self, number: str, state: JobState) -> None:
        self._failed += 1
        if self._failed == _MOST_FAILED:
            said = self._queue.last_words(number)
            word = f" ({state.word})" if state.word else ""
            why = f"job {number} said: {said}" if said else "see their logs"
            self._error = ClusterError(
                f"{self._failed} jobs of {self._system} in a row ended before a worker had started{word}: {why}; "
                "finished blocks are kept",
                job_script=self._cluster.job_script(),
            )

    def _count_waiting(self, states: Mapping[str, JobState]) -> None:
        own = {name: states[number] for name, number in self._numbers().items() if number in states}
        self._waiting = {name: state.reason for name, state in own.items() if state.phase == "pending"}
        hopeless = bool(own) and all(state.reason in self._queue.hopeless for state in own.values())
        self._hopeless = self._hopeless + 1 if hopeless else 0
        if self._hopeless > 1:  # what is being submitted may show a reason for a moment
            reasons = ", ".join(dict.fromkeys(self._waiting.values()))
            self._error = ClusterError(
                f"{self._system} can never start the jobs: {reasons} (they ask for what no node, "
                f"partition or account allows); correct jobqueue.{self._system} in ~/.config/dask/jobqueue.yaml",
                job_script=self._cluster.job_script(),
            )

    def _handle_refusals(self) -> None:
        """End the run if no job was ever taken; else say so once and try again later."""
        refused = [self._refusals.popleft() for _ in range(len(self._refusals))]
        for name, job in list(self._cluster.workers.items()):
            if not job.job_id:
                self._forget(name)
        self._accepted = self._accepted or bool(self._numbers())
        if not refused:
            return
        words = refused[0].words
        if not self._accepted:
            self._error = ClusterError(
                f"{self._system} takes no job: {words}; correct jobqueue.{self._system} in "
                "~/.config/dask/jobqueue.yaml, finished blocks are kept",
                job_script=refused[0].script,
            )
            return
        if self._not_before == 0.0:
            self._tell(f"{self._system} takes no more jobs for now: {words}", urgent=True)
        self._not_before = time.monotonic() + _REFUSED_PAUSE

    def _let_go(self, count: int) -> None:
        """Cancel jobs without a worker, then those whose workers have nothing to do."""
        busy = {str(worker.name) for worker in self._cluster.scheduler.workers.values() if worker.processing}
        names = [name for name in self._cluster.worker_spec if not _any_of(name, busy)]
        names.sort(key=self._has_joined)
        for name in names[:count]:
            del self._cluster.worker_spec[name]
        if names:
            self._cluster.scale(jobs=len(self._cluster.worker_spec))


def _any_of(job: str, workers: set[str]) -> bool:
    """Whether one of the workers is the job's: named as the job is, or so with a number if it has several."""
    return any(worker == job or worker.startswith(f"{job}-") for worker in workers)
