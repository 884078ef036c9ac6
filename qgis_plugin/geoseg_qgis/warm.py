"""A geoseg process that stays warm between jobs. No qgis import.

``geoseg worker`` reads jobs from its stdin, so that fit checks and previews pay for starting Python, PyTorch and the
model once. It ends with QGIS, as its stdin closes; a job is cancelled by ending it. If it dies under a job, or geoseg
is too old to have it, the job runs in a process of its own.
"""

from __future__ import annotations

import json
import time
from typing import Sequence

from .runner import Child, Event, Outcome, RunError, geoseg_command

IDLE = 900.0
"""Seconds after which an idle worker is ended: it holds about a gigabyte of memory."""

QUICK = ("inspect", "model")
"""Commands that take fractions of a second: they wait for each other, and are never worth ending the worker for."""

_JOBS = (*QUICK, "segment", "sketch", "next", "click")
_PATIENCE = 8.0  # seconds that a job may take to stop, until its process is ended
_TRIES = 2  # workers that may die before they were ready, until none is started any more


class _Lines(Child):
    """A child whose lines are handed on as they are."""

    def take(self, name: str, line: str) -> Event:
        return {"event": "line", "stream": name, "message": line}


class Job(Outcome):
    """A command line that a worker runs; used like a :class:`~geoseg_qgis.runner.Child`."""

    def __init__(self, worker: Worker, number: int, command: Sequence[str], limit: float | None) -> None:
        super().__init__(command, limit)
        self.number = number
        self.arguments = arguments_of(command)
        self.events: list[Event] = []
        self.exit_code: int | None = None
        self._worker = worker
        self._fresh: Child | None = None
        self._stopped: float | None = None

    @property
    def pid(self) -> int:
        """Number of the process that runs it."""
        return (self._fresh or self._worker.child).pid

    @property
    def quick(self) -> bool:
        """Whether it takes fractions of a second."""
        return self.arguments[0] in QUICK

    def poll(self, wait: float = 0.0) -> list[Event]:
        """Return what it said since the last call, after waiting up to ``wait`` seconds for something."""
        if self.ended:
            return []
        if self._fresh is not None:
            return self._poll_fresh(wait)
        self._worker.pump(wait)
        events, self.events = self.events, []
        if self.exit_code is not None:  # the last lines may have come while another job was polled
            self.finish(self.exit_code)
            return events
        if self._limit is not None and time.monotonic() - self.started > self._limit and not self.ended:
            self._late = True
            self.cancel()
        if self._stopped is not None and time.monotonic() - self._stopped > _PATIENCE and not self.ended:
            self.cancel()
        if self._worker.child.ended and not self.ended and not events:
            self._lost()
        return events

    def stop(self) -> None:
        """Interrupt it and keep the worker, if that is possible; it may go on for the time of a forward pass."""
        if self.ended or self.cancelled:
            return
        if self._fresh is not None or not self._worker.stop(self.number):
            self.cancel()
            return
        self.cancelled, self._stopped = True, time.monotonic()

    def cancel(self) -> None:
        """Stop it; the worker ends with it."""
        self.cancelled = True
        (self._fresh or self._worker.child).cancel()

    def leave(self) -> None:
        """Have no more to do with it: a quick job is left to the worker, anything else ended with it."""
        if self.ended:
            return
        self.cancelled = True
        if self._fresh is not None:
            self._fresh.leave()
        elif not self.quick:
            self._worker.child.leave()
        self.finish(130)

    def finish(self, code: int) -> None:
        """Note the exit code."""
        self.code, self.ended = code, True

    def _lost(self) -> None:
        """End the job with the worker if that was wanted, else run it again in a process of its own."""
        if self.cancelled:
            self.finish(130)
            return
        try:
            self._fresh = Child(self.command, limit=self._limit)
        except RunError as error:
            self.said_error = str(error)
            self.finish(1)

    def _poll_fresh(self, wait: float) -> list[Event]:
        fresh = self._fresh
        events = fresh.poll(wait)
        if fresh.ended:
            self.results, self.said_error, self.tail = fresh.results, fresh.said_error, fresh.tail
            self._late = self._late or fresh.late
            self.finish(0 if fresh.code is None else fresh.code)
        return events


class Worker:
    """A running ``geoseg worker``."""

    def __init__(self, python: str) -> None:
        self.python = python
        self.child = _Lines([*geoseg_command(python, ["worker"])[:-1]])
        self.ready = False
        self._stops = False  # whether it can interrupt a job
        self.idle_since = time.monotonic()
        self._jobs: list[Job] = []
        self._count = 0

    def accepts(self) -> bool:
        """Whether a job would be run soon."""
        self.pump()
        return not self.child.ended and all(job.quick for job in self._jobs)

    def start(self, command: Sequence[str], limit: float | None) -> Job:
        """Hand it a job; if it is gone, the job's first poll notices."""
        self._count += 1
        job = Job(self, self._count, command, limit)
        self._jobs.append(job)
        self.child.send(json.dumps({"id": job.number, "arguments": job.arguments}))
        return job

    def stop(self, number: int) -> bool:
        """Ask it to interrupt a job; whether it can."""
        return self._stops and self.child.send(json.dumps({"cancel": number}))

    def pump(self, wait: float = 0.0) -> None:
        """Hand each line that the process printed to the job it belongs to."""
        for line in self.child.poll(wait):
            text = line["message"]
            if line["stream"] == "out" and text.startswith('{"event": "ready"'):
                self.ready, self._stops = True, bool(json.loads(text).get("cancel"))
            elif line["stream"] == "out" and text.startswith('{"event": "done"') and self._jobs:
                self.idle_since = time.monotonic()
                job = self._jobs.pop(0)
                job.exit_code = int(json.loads(text)["code"])
            elif self._jobs and not self._jobs[0].ended:
                job = self._jobs[0]
                job.events.append(job.take(line["stream"], text))

    @property
    def idle(self) -> float:
        """Seconds since it last had something to do; 0 if it has now."""
        return 0.0 if self._jobs else time.monotonic() - self.idle_since


class Warm:
    """Keeps one worker and decides which command lines it runs."""

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self._died_early: dict[str, int] = {}

    def start(self, command: Sequence[str], limit: float | None = None) -> Child | Job:
        """Run a command line of geoseg, in the worker if it can, else in a process of its own.

        Raises
        ------
        RunError
            If no process can be started.
        """
        arguments = arguments_of(command)
        if not arguments or arguments[0] not in _JOBS or not self._have(command[0]):
            return Child(command, limit=limit)
        return self.worker.start(command, limit)

    def _have(self, python: str) -> bool:
        """Whether there is a worker that takes a job now; starts one if there is none."""
        worker = self.worker
        if worker is not None and worker.python == python and worker.accepts():
            return True
        if worker is not None and worker.python == python and not worker.child.ended:
            return False  # busy
        self._forget()
        if self._died_early.get(python, 0) >= _TRIES:
            return False
        self.worker = Worker(python)
        return True

    def _forget(self) -> None:
        worker, self.worker = self.worker, None
        if worker is None:
            return
        if worker.child.ended and not worker.child.cancelled and not worker.ready:
            self._died_early[worker.python] = self._died_early.get(worker.python, 0) + 1
        worker.child.leave()

    def end_if_idle(self, seconds: float = IDLE) -> None:
        """End a worker that had nothing to do for long."""
        if self.worker is not None and self.worker.idle >= seconds:
            self._forget()

    def close(self) -> None:
        """End the worker."""
        self._forget()


def arguments_of(command: Sequence[str]) -> list[str]:
    """Return what geoseg is told by a command line of :func:`~geoseg_qgis.runner.geoseg_command`; else nothing."""
    frame = geoseg_command(command[0], []) if command else []
    begin = frame[:-1]
    if list(command[: len(begin)]) != begin or command[-1] != frame[-1]:
        return []
    return list(command[len(begin) : -1])
