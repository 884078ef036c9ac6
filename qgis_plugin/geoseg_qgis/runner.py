"""Runs a program that prints JSON lines, in its own process group, without ever blocking QGIS. No qgis import.

A :class:`Child` has two reader threads and a queue. Whoever started it polls: the dock from a timer, Processing from
its worker thread (:func:`run`). The child's stdin is a pipe that nobody writes to: with ``--die-with-parent`` geoseg
ends when that pipe closes, which happens however QGIS ends.
"""

from __future__ import annotations

import collections
import json
import os
import queue
import signal
import subprocess  # nosec B404
import threading
import time
from typing import Any, Callable, Iterable, Mapping, Sequence

Event = dict[str, Any]

# Set by QGIS, its launchers (OSGeo4W, the macOS bundle) or an activated environment, and wrong for another Python:
# PROJ_LIB alone breaks the coordinate systems of rasterio's wheels. Paths only: GDAL_CACHEMAX, GDAL_HTTP_*, AWS_*,
# proxies and certificates are the user's and stay.
_FOREIGN = frozenset(
    (
        "PYTHONHOME PYTHONPATH PYTHONEXECUTABLE PYTHONSTARTUP PYTHONUSERBASE PYTHONPLATLIBDIR __PYVENV_LAUNCHER__ "
        "VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV "
        "LD_LIBRARY_PATH LD_PRELOAD DYLD_LIBRARY_PATH DYLD_FALLBACK_LIBRARY_PATH DYLD_FRAMEWORK_PATH "
        "DYLD_INSERT_LIBRARIES PROJ_LIB PROJ_DATA GDAL_DATA GDAL_DRIVER_PATH OGR_DRIVER_PATH GEOTIFF_CSV "
        "GISBASE GISRC GISDBASE GRASS_PYTHON QT_PLUGIN_PATH QT_QPA_PLATFORM_PLUGIN_PATH QML2_IMPORT_PATH "
        "QGIS_PREFIX_PATH QGIS_PLUGINPATH PYQGIS_STARTUP OSGEO4W_ROOT O4W_QT_PREFIX O4W_QT_PLUGINS"
    ).split()
)
# Certificates that are the user's stay; OSGeo4W points these into itself, sometimes at files that are not there.
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

_GRACE = 3.0  # seconds between asking a child to end and ending it
_LINGER = 1.0  # seconds that a grandchild may keep the pipes open after the child ended
_TAIL = 40  # lines of log kept for messages
_WINDOWS = os.name == "nt"


class RunError(Exception):
    """The program failed; the message is one line for the user."""


class Cancelled(RunError):
    """The user cancelled."""


def clean_environment(base: Mapping[str, str] | None = None, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for another Python: QGIS's own paths taken out, the user's settings kept."""
    base = os.environ if base is None else base
    root = base.get("OSGEO4W_ROOT", "")
    env = {key: value for key, value in base.items() if key.upper() not in _FOREIGN}
    for key in _CERTIFICATES:
        if env.get(key) and not os.path.exists(env[key]):
            del env[key]
    path = env.get("PATH", "")
    if root and path:
        # OSGeo4W puts its DLLs and its Python first; another Python must find neither.
        own = [p for p in path.split(os.pathsep) if not p.lower().startswith(root.rstrip("\\/").lower())]
        env["PATH"] = os.pathsep.join(own)
    # `python -I` ignores these, but the processes that it starts may not be isolated.
    env.update(PYTHONNOUSERSITE="1", PYTHONUTF8="1", PYTHONIOENCODING="utf-8")
    # Threads that share a forward pass wait for each other at thousands of barriers. By default they spin, which takes
    # the processor from QGIS, and on a busy machine from the very thread that they wait for: 20 s for a preview of
    # 1000² px on two cores with a load of 10, 2.9 s if they sleep.
    env.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # numpy's own threads spin, whatever is set. What it computes of a sketch is small: a fit of 6,500 pixels takes
    # 0.15 s with one thread, and on the same busy machine 5 s with two.
    env.setdefault("OPENBLAS_NUM_THREADS", "1")
    env.update(extra or {})
    return env


def geoseg_command(python: str, arguments: Iterable[str]) -> list[str]:
    """Return the command line that runs geoseg in the interpreter ``python``, tied to the life of this process."""
    return [python, "-I", "-u", "-X", "utf8", "-m", "geoseg", *arguments, "--die-with-parent"]


def shown(command: Sequence[str]) -> str:
    """Return a command line as a person would type it, with passwords in URLs hidden."""
    return " ".join(f'"{part}"' if " " in part or not part else part for part in map(hide_secrets, command))


def hide_secrets(text: str) -> str:
    """Replace ``user:password@`` in URLs."""
    before, mark, after = text.partition("://")
    host, at, rest = after.partition("@")
    if mark and at and "/" not in host:
        return f"{before}://***@{hide_secrets(rest)}"
    return text


class Outcome:
    """What a run of geoseg has said so far: results, its own error, the last lines of its log.

    Attributes
    ----------
    command
        Program and arguments.
    results
        Its result events.
    said_error
        Messages of its error events, a line each.
    cancelled, ended
        Whether it was cancelled, and whether it is over.
    code
        Exit code; negative for a signal, None if unknown.
    tail
        Its last lines that were no events.
    """

    def __init__(self, command: Sequence[str], limit: float | None = None) -> None:
        self.command = list(command)
        self.results: list[Event] = []
        self.said_error = ""
        self.cancelled = False
        self.ended = False
        self.code: int | None = None
        self.tail: collections.deque[str] = collections.deque(maxlen=_TAIL)
        self.started = time.monotonic()
        self._limit = limit
        self._late = False

    @property
    def late(self) -> bool:
        """Whether it was ended because it took too long."""
        return self._late

    @property
    def error(self) -> str:
        """One line that says why it failed; empty if it did not."""
        if not self.ended or (self.code == 0 and not self.said_error):
            return ""
        if self._late:
            return f"{os.path.basename(self.command[0])} did not answer within {self._limit:.0f} s"
        if self.cancelled:
            return "cancelled"
        if self.said_error:
            return self.said_error
        lines = [line.strip() for line in self.tail]
        for place in range(len(lines) - 1, -1, -1):
            word, mark, text = lines[place].partition(": ")
            if mark and word.lower() == "error":
                # geoseg says all in this line; installers give the cause in those after it.
                return "; ".join([text, *lines[place + 1 : place + 3]])
        last = f": {self.tail[-1]}" if self.tail else ""
        if self.code is not None and self.code < 0:
            # Linux ends a process this way when memory runs out; nothing else says so.
            return f"ended by the system (signal {-self.code}), perhaps because memory ran out{last}"
        return f"exit code {self.code}{last}"

    def raise_for_error(self) -> None:
        """Raise what went wrong, if anything did.

        Raises
        ------
        Cancelled
            If the user cancelled.
        RunError
            If the program failed.
        """
        if self.cancelled and not self._late:
            raise Cancelled("cancelled")
        if self.error:
            raise RunError(self.error)

    def take(self, name: str, line: str) -> Event:
        """Take a line of stdout (``"out"``) or stderr (``"err"``) and return it as an event."""
        if name == "out" and line.startswith("{"):
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if isinstance(event, dict) and isinstance(event.get("event"), str):
                if event["event"] == "result":
                    self.results.append(event)
                elif event["event"] == "error":
                    # Of several scenes, the reason comes first, and then what it means for the command.
                    lines = [line for line in self.said_error.split("\n") if line]
                    self.said_error = "\n".join(dict.fromkeys([*lines, str(event.get("message", ""))]))
                return event
        self.tail.append(line)
        return {"event": "log", "message": line, "stream": name}


class Child(Outcome):
    """A running program.

    Parameters
    ----------
    command
        Program and arguments; no shell is involved.
    env
        Its environment; :func:`clean_environment` if None.
    folder
        Where it runs.
    limit
        Seconds after which it is ended and :attr:`error` says so; None for no limit.

    Raises
    ------
    RunError
        If the program cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        folder: str | None = None,
        limit: float | None = None,
    ) -> None:
        super().__init__(command, limit)
        self._queue: queue.Queue[tuple[str, str | None]] = queue.Queue()
        self._open = {"out", "err"}
        self._asked: float | None = None
        self._exited: float | None = None
        own: dict[str, Any] = {"start_new_session": True}
        if _WINDOWS:
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
            own = {"creationflags": flags}
        try:
            # A list and no shell; the program is the user's own setting.
            self._process = subprocess.Popen(  # noqa: S603  # nosec B603
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=clean_environment() if env is None else dict(env),
                cwd=folder,
                encoding="utf-8",
                errors="replace",
                bufsize=1,
                **own,
            )
        except (OSError, ValueError) as error:
            raise RunError(f"cannot start {command[0]}: {getattr(error, 'strerror', None) or error}") from error
        for stream, name in ((self._process.stdout, "out"), (self._process.stderr, "err")):
            threading.Thread(target=self._pump, args=(stream, name), daemon=True, name=f"geoseg-{name}").start()

    @property
    def pid(self) -> int:
        """Number of the process, and of its group."""
        return self._process.pid

    def poll(self, wait: float = 0.0) -> list[Event]:
        """Return what was said since the last call, after waiting up to ``wait`` seconds for something.

        Lines that are no events come as ``{"event": "log", "message": …}``.
        """
        events: list[Event] = []
        while not self.ended:
            try:
                name, line = self._queue.get(timeout=wait) if wait and not events else self._queue.get_nowait()
            except queue.Empty:
                break
            if line is None:
                self._open.discard(name)
            elif line.strip():
                events.append(self.take(name, line))
        self._advance()
        return events

    def send(self, line: str) -> bool:
        """Write a line to the program's stdin and return whether it could be written."""
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def cancel(self) -> None:
        """Ask the program to end; later polls make sure that it does."""
        if self.ended or self._asked is not None:
            return
        self.cancelled = True
        self._asked = time.monotonic()
        self._signal(hard=False)

    def stop(self) -> None:
        """Ask the program to end, as :meth:`cancel` does."""
        self.cancel()

    def close(self) -> None:
        """End the program now, with everything that it started, and wait for that."""
        if not self.ended:
            self.cancelled = True
            self._signal(hard=True)
            self._finish()

    def leave(self) -> None:
        """End the program now without waiting: for QGIS's main thread, as an end can take a tenth of a second."""
        if not self.ended:
            self.cancelled = self.ended = True
            self._signal(hard=True)
            threading.Thread(target=self._finish, daemon=True, name="geoseg-end").start()

    def _pump(self, stream: Any, name: str) -> None:
        try:
            for line in iter(stream.readline, ""):
                self._queue.put((name, line.rstrip("\r\n")))
        except (OSError, ValueError):
            pass  # closed under the reader: the child is being ended
        finally:
            self._queue.put((name, None))

    def _advance(self) -> None:
        """Move on: time limit, second request to end, end."""
        if self.ended:
            return
        now = time.monotonic()
        if self._limit is not None and self._asked is None and now - self.started > self._limit:
            self._late = True
            self.cancel()
        if self._asked is not None and now - self._asked > _GRACE:
            self._signal(hard=True)
        if self._process.poll() is None:
            return
        self._exited = self._exited or now
        if (not self._open or now - self._exited > _LINGER) and self._queue.empty():
            self._finish()

    def _finish(self) -> None:
        try:
            self.code = self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.code = self._process.poll()
        if not _WINDOWS:
            self._signal(hard=True)  # grandchildren that outlived it
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except (OSError, ValueError):
                pass
        self.ended = True

    def _signal(self, *, hard: bool) -> None:
        if _WINDOWS:
            # A console program without console cannot be asked; the tree is ended. taskkill comes with Windows.
            system = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe")
            flags = subprocess.CREATE_NO_WINDOW
            arguments = [system, "/F", "/T", "/PID", str(self.pid)]
            # Not waited for: it takes a tenth of a second, and this may be QGIS's main thread.
            silent = subprocess.DEVNULL
            subprocess.Popen(  # noqa: S603  # nosec B603
                arguments, stdin=silent, stdout=silent, stderr=silent, creationflags=flags
            )
            return
        try:
            os.killpg(self.pid, signal.SIGKILL if hard else signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            pass


def run(
    command: Sequence[str],
    on_event: Callable[[Event], None] = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    **options: Any,
) -> list[Event]:
    """Run a program to its end and return its result events.

    Parameters
    ----------
    command
        See :class:`Child`.
    on_event
        Called with every event, in this thread.
    is_cancelled
        Asked ten times a second.
    **options
        Further parameters of :class:`Child`.

    Raises
    ------
    Cancelled
        If ``is_cancelled`` said so; nothing of the program is left by then.
    RunError
        If it failed, in one line.
    """
    child = Child(command, **options)
    try:
        while not child.ended:
            for event in child.poll(0.1):
                on_event(event)
            if is_cancelled():
                child.cancel()
    finally:
        child.close()
    child.raise_for_error()
    return child.results
