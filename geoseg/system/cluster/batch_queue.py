"""What a batch system says about its jobs: which run, which wait for what, and how others have ended."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# Seconds in which a command of the batch system must answer.
_ANSWER = 30.0

# Bytes at the end of a job's log that are searched for its last line.
_LOG_TAIL = 8192


@dataclass(frozen=True)
class JobState:
    """The state of a job.

    Attributes
    ----------
    phase
        ``"pending"``, ``"running"`` or ``"ended"``.
    word
        The batch system's own word: ``TIMEOUT``, ``Q``, ``EXIT``.
    reason
        Why it is pending, in the batch system's words; may be empty.
    """

    phase: str
    word: str
    reason: str = ""


class QueueError(Exception):
    """The batch system does not answer; it may do so a moment later."""


class BatchQueue(Protocol):
    """The commands of a batch system."""

    submit: str
    """Command that submits a job."""

    hopeless: frozenset[str]
    """Reasons of pending jobs that no waiting mends."""

    def states(self, jobs: Sequence[str]) -> dict[str, JobState]:
        """Return the states of those jobs that the batch system still knows; raises QueueError."""
        ...

    def last_words(self, job: str) -> str:
        """Return the last line that a job printed; empty if it cannot be found."""
        ...

    def cancel(self, jobs: Sequence[str]) -> None:
        """End jobs, waiting ones too; those that have ended are no error."""
        ...


class Slurm:
    """SLURM: ``squeue``, ``scontrol``, ``scancel``."""

    submit = "sbatch"
    # https://slurm.schedmd.com/job_reason_codes.html: these stand until the job, the partition or the account changes.
    hopeless = frozenset(
        {
            "AccountNotAllowed", "AssociationJobLimit", "BadConstraints", "DependencyNeverSatisfied", "InvalidAccount",
            "InvalidQOS", "PartitionConfig", "PartitionNodeLimit", "PartitionTimeLimit", "QOSNotAllowed",
        }
    )  # fmt: skip
    _RUNNING = ("RUNNING", "RESIZING", "SIGNALING", "STAGE_OUT")
    _ENDED = (
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "COMPLETING", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
        "PREEMPTED", "TIMEOUT",
    )  # fmt: skip

    def states(self, jobs: Sequence[str]) -> dict[str, JobState]:  # noqa: ARG002 - unknown numbers would be an error
        """Return the states of all jobs of the user, also of those that ended some minutes ago."""
        listing = _call("squeue", "--me", "--noheader", "--states=all", "--format=%i|%T|%r")
        return dict(self._parse(listing))

    def _parse(self, listing: str) -> Iterator[tuple[str, JobState]]:
        for line in listing.splitlines():
            number, word, reason = [*line.strip().split("|", 2), "", ""][:3]
            phase = "running" if word in self._RUNNING else "ended" if word in self._ENDED else "pending"
            yield number, JobState(phase, word, "" if reason == "None" else reason)

    def last_words(self, job: str) -> str:
        """Return the last line of the file that ``scontrol`` names as the job's standard error."""
        try:
            found = re.search(r"StdErr=(.+)", _call("scontrol", "show", "job", job))
        except QueueError:
            return ""
        # scontrol shows the pattern: %j and %A are the number, %J the number as well for a batch script.
        return "" if found is None else _last_line(Path(re.sub("%[jJA]", job, found[1].strip())))

    def cancel(self, jobs: Sequence[str]) -> None:
        """Call ``scancel``."""
        _cancel("scancel", *jobs)


class Pbs:
    """PBS and Torque: ``qstat``, ``qdel``."""

    submit = "qsub"
    hopeless: frozenset[str] = frozenset()

    def states(self, jobs: Sequence[str]) -> dict[str, JobState]:
        """Return the states of jobs that have not ended."""
        return dict(self._parse(_call("qstat", "-f", *jobs, partial=True)))

    @staticmethod
    def _parse(listing: str) -> Iterator[tuple[str, JobState]]:
        for record in listing.replace("\n\t", "").split("Job Id:")[1:]:
            word = re.search(r"job_state = (\w)", record)
            comment = re.search(r"comment = (.+)", record)
            letter = word[1] if word else "Q"
            phase = "running" if letter in "RE" else "ended" if letter in "CFX" else "pending"
            reason = comment[1].strip() if comment and phase == "pending" else ""
            yield re.sub(r"\D.*", "", record.split()[0]), JobState(phase, letter, reason)

    def last_words(self, job: str) -> str:  # noqa: ARG002
        """Return nothing: PBS moves logs to where they are configured when a job has ended."""
        return ""

    def cancel(self, jobs: Sequence[str]) -> None:
        """Call ``qdel``."""
        _cancel("qdel", *jobs)


class Lsf:
    """LSF: ``bjobs``, ``bkill``."""

    submit = "bsub"
    hopeless: frozenset[str] = frozenset()

    def states(self, jobs: Sequence[str]) -> dict[str, JobState]:
        """Return the states of jobs, also of those that ended some minutes ago."""
        columns = "jobid stat pend_reason delimiter='|'"
        return dict(self._parse(_call("bjobs", "-noheader", "-o", columns, *jobs, partial=True)))

    @staticmethod
    def _parse(listing: str) -> Iterator[tuple[str, JobState]]:
        for line in listing.splitlines():
            number, word, reason = [*(part.strip() for part in line.split("|", 2)), "", ""][:3]
            if number.isdigit():
                phase = "running" if word == "RUN" else "ended" if word in ("DONE", "EXIT", "ZOMBI") else "pending"
                yield number, JobState(phase, word, reason.strip("-; ") if phase == "pending" else "")

    def last_words(self, job: str) -> str:  # noqa: ARG002
        """Return nothing: LSF sends what a job prints by mail unless it is configured otherwise."""
        return ""

    def cancel(self, jobs: Sequence[str]) -> None:
        """Call ``bkill``."""
        _cancel("bkill", *jobs)


QUEUES: dict[str, BatchQueue] = {"slurm": Slurm(), "pbs": Pbs(), "lsf": Lsf()}
"""Batch systems by name."""


def _call(*command: str, partial: bool = False) -> str:
    """Return what a command prints; with ``partial`` also if it fails because it does not know some of the jobs."""
    program = shutil.which(command[0])
    if program is None:
        raise QueueError(f"{command[0]} is not found on this machine")
    try:
        ended = subprocess.run(  # noqa: S603 - numbers of jobs that the batch system gave
            [program, *command[1:]], capture_output=True, text=True, errors="replace", timeout=_ANSWER, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise QueueError(f"{command[0]} does not answer") from error
    if ended.returncode and not partial:
        raise QueueError(" ".join(ended.stderr.split()) or f"{command[0]} failed with exit code {ended.returncode}")
    return ended.stdout


def _cancel(*command: str) -> None:
    if len(command) > 1:
        try:
            _call(*command, partial=True)
        except QueueError:
            return  # dask tries it again, one job after the other


def _last_line(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - _LOG_TAIL, 0))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
