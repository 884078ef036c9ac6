"""A folder for inputs in which nothing may appear, and a port that nothing may call."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CALLS = {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}
_active: list[Sandbox] = []


class Sandbox:
    """Inputs of a target.

    Attributes
    ----------
    folder
        Where the target writes its input, and changes nothing else.
    url
        Address of a port on this machine, to refer to.
    egg
        A file that does not exist, to refer to.
    """

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="geoseg-fuzz-")
        home = Path(self._temporary.name).resolve()
        self.folder = home / "given"
        self.folder.mkdir()
        self.egg = home / "egg"
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._server.setblocking(False)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._broken: list[str] = []
        os.environ.update(GDAL_HTTP_TIMEOUT="1", GDAL_HTTP_CONNECTTIMEOUT="1", GDAL_HTTP_MAX_RETRY="0")

    def write(self, name: str, data: bytes) -> Path:
        """Write an input."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Check, also after an error, that nothing was called, started or written outside temporary folders.

        Raises
        ------
        AssertionError
            If it was. Python's own calls are seen by an audit hook, those of GDAL by the port and the folder.
        """
        _install()
        before = self._state()
        self._broken.clear()
        _active.append(self)
        try:
            yield
        finally:
            _active.remove(self)
            called = False
            with contextlib.suppress(BlockingIOError):
                while True:
                    self._server.accept()[0].close()
                    called = True
            assert not called, "a server was called"
            assert not self._broken, self._broken[0]
            assert self._state() == before, "files were written, changed or removed"

    def _state(self) -> dict[str, tuple[int, int]]:
        files = sorted(self.folder.rglob("*")) + sorted(self.folder.parent.iterdir())
        return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file()}

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note what must not happen."""
        if event in _CALLS:
            self._broken.append(event)
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
            name = arguments[0]
            path = os.path.abspath(os.fsdecode(name)) if isinstance(name, str | bytes) else ""  # noqa: PTH100
            if path and not path.startswith((tempfile.gettempdir() + os.sep, "/dev/")):
                self._broken.append(f"opened for writing: {path}")


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    for sandbox in _active:
        sandbox.audit(event, arguments)


def _install() -> None:
    """Add the audit hook, which cannot be removed, once."""
    if not getattr(sys, "_geoseg_fuzz_hook", False):
        sys._geoseg_fuzz_hook = True  # type: ignore[attr-defined]
        sys.addaudithook(_hook)
