"""Real processes for the tests of scale: the command line, dask schedulers and workers, and how to kill them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

# Windows and blocks of 64 pixels: a small scene has many.
SMALL = (
    "-m", "spectral", "--device", "cpu", "--precision", "fp32", "--window", "64", "--block", "64", "--no-preview",
    "--progress", "json",
)  # fmt: skip


class Run:
    """``geoseg segment …``, or another command, as a process whose events are read as they come."""

    def __init__(self, *arguments: object, env: dict[str, str] | None = None, command: str = "segment") -> None:
        line = [sys.executable, "-m", "geoseg", command, *map(str, arguments)]
        self.process = subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONFAULTHANDLER": "1", **(env or {})},
        )  # fmt: skip
        self.events: list[dict] = []
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def _read_errors(self) -> None:
        self.errors.extend(line.rstrip() for line in self.process.stderr)

    def of(self, kind: str) -> list[dict]:
        return [event for event in list(self.events) if event["event"] == kind]

    def messages(self) -> str:
        return "\n".join(str(event.get("message", "")) for event in list(self.events))

    def wait(self, seconds: float = 240) -> int:
        """Wait for its end; one that does not come to an end says where it hangs."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(30)
            raise AssertionError("\n".join(["it hangs:", *self.errors, self.messages()[-2000:]])) from None
        finally:
            for thread in self._threads:
                thread.join(10)
        return self.process.returncode

    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """``kill -9``, for this process alone."""
        self.process.kill()
        self.wait()


def succeed(*arguments: object, env: dict[str, str] | None = None) -> Run:
    """Run to the end, which must be good."""
    run = Run(*arguments, env=env)
    code = run.wait()
    assert code == 0, (code, run.errors, run.messages()[-2000:])
    return run


class DaskCluster:
    """A ``dask scheduler`` with ``dask worker`` processes on this machine."""

    def __init__(self, folder: Path, workers: int = 2, threads: int = 1, env: dict[str, str] | None = None) -> None:
        self.folder, self.threads = folder, threads
        self.env = {**os.environ, "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical", **(env or {})}
        self._file = folder / f"scheduler-{time.monotonic_ns()}.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0",
            "--scheduler-file", self._file,
        )  # fmt: skip
        self.workers = [self.add_worker() for _ in range(workers)]
        try:
            self._find_address()
        except BaseException:
            self.__exit__()
            raise

    def _find_address(self) -> None:
        wait_until(lambda: self._file.exists() and self._file.read_text().strip().endswith("}"), 240)
        self.address = json.loads(self._file.read_text())["address"]

    def add_worker(self) -> subprocess.Popen:
        return self._start(
            "worker", "--scheduler-file", self._file, "--nthreads", self.threads, "--no-nanny", "--memory-limit", "0",
            "--no-dashboard", "--local-directory", self.folder / "dask", "--death-timeout", "60",
        )  # fmt: skip

    def _start(self, what: str, *arguments: object) -> subprocess.Popen:
        log = (self.folder / f"{what}.log").open("ab")
        command = [sys.executable, "-m", "dask", what, *map(str, arguments)]
        return subprocess.Popen(command, stdout=log, stderr=log, env=self.env)

    def kill_worker(self, number: int) -> None:
        self.workers[number].kill()
        self.workers[number].wait()

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
        for process in [*self.workers, self.scheduler]:
            process.wait()


def wait_until(true, seconds: float = 120, *, every: float = 0.005) -> None:
    """Wait until ``true()``; it must become so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every)


def blocks_in(out: Path, name: str = "scene") -> int:
    """Finished blocks of an unfinished scene; none before a run begins and once it removes them."""
    try:
        names = [path.name for path in (out / ".geoseg" / name).iterdir()]
    except FileNotFoundError:
        return 0
    return sum(file.startswith("0") and file.endswith((".tif", ".empty")) for file in names)


def contents(out: Path, name: str = "scene") -> dict[str, bytes]:
    """What a run is judged by: class map, confidence, polygons."""
    files = {kind: out / f"{name}_{kind}" for kind in ("classes.tif", "confidence.tif", "polygons.gpkg")}
    return {kind: path.read_bytes() for kind, path in files.items()}


def children(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)
