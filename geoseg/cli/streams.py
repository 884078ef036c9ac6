"""Standard streams and signals of the command line: nothing hostile passes, and losing one gives no traceback."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TextIO

from geoseg.errors import OutputError
from geoseg.system.interrupts import postpone, postponed
from geoseg.system.text import printable_lines


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Within the block, whatever prints goes through a :class:`GuardedStream`."""
    before = sys.stdout, sys.stderr
    sys.stdout = GuardedStream(before[0], "standard output")
    sys.stderr = GuardedStream(before[1], None)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class GuardedStream(io.TextIOBase):
    """Escapes control characters on their way to a terminal or log: the last gate for text that no other escaped.

    Line breaks, tabs and carriage returns pass, as tables and progress bars need them; messages have lost theirs
    in :func:`geoseg.errors.printable.printable`. It has no ``buffer``, so nothing goes around it.

    Parameters
    ----------
    stream
        Where text goes; None if the process was started without it (``>&-``): text is then dropped.
    name
        What the stream is called in the error raised when it cannot be written; None drops the text instead.
    """

    def __init__(self, stream: TextIO | None, name: str | None) -> None:
        self.unguarded, self._name = stream, name
        self._lost: str | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of the stream."""
        return getattr(self.unguarded, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What becomes of characters that the stream cannot encode."""
        return getattr(self.unguarded, "errors", None) or "backslashreplace"

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self.unguarded is not None and self.unguarded.isatty()

    def fileno(self) -> int:
        """Return the stream's file descriptor."""
        if self.unguarded is None:
            raise io.UnsupportedOperation("fileno")
        return self.unguarded.fileno()

    def write(self, text: str) -> int:
        """Write text, its control characters escaped.

        Raises
        ------
        OutputError
            If the stream has a name and cannot be written: the disk that it is redirected to is full.
        BrokenPipeError
            If the program that reads it has ended.
        """
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._call("write", "\r".join(printable_lines(part) for part in text.split("\r")))
        return len(text)

    def flush(self) -> None:
        """Flush the stream; raises as :meth:`write` does."""
        self._call("flush")

    def _call(self, method: str, *arguments: str) -> None:
        if self._lost is not None:
            self._raise()
        if self.unguarded is None:
            return
        try:
            getattr(self.unguarded, method)(*arguments)
        except BrokenPipeError:
            self._drop_rest()
            if self._name is not None:
                raise
        except OSError as error:
            self._drop_rest()
            self._lost = os.strerror(error.errno) if error.errno else str(error)
            self._raise()

    def _raise(self) -> None:
        if self._name is not None:
            raise OutputError(f"{self._name} cannot be written: {self._lost}; redirect it elsewhere")

    def _drop_rest(self) -> None:
        """Point the file descriptor at nothing: what is still buffered would fail again when the process ends."""
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)


def open_closed_streams() -> None:
    """Open the null device in place of standard streams that are closed.

    Otherwise the next file takes the descriptor, and what a library prints on stderr is written into a class map.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno == errno.EBADF:
                os.open(os.devnull, os.O_RDWR)


class Interrupts:
    """Handler of Ctrl-C, and of the signals that end a job of a batch system, a terminal or a machine.

    The first one interrupts the command, which stops its workers and jobs; so does a second Ctrl-C, and a third, or any
    after the end, ends the process without a word. SIGTERM, SIGHUP and SIGBREAK interrupt once: batch systems
    repeat them while the command is tidying up, and follow with SIGKILL.

    Attributes
    ----------
    signal
        Number of the first signal that came; the exit code is 128 and it.
    """

    def __init__(self) -> None:
        self.left = 2
        self.signal = int(signal.SIGINT)
        self._ending = False

    def install(self) -> None:
        """Handle signals, unless they are ignored, as SIGINT in the background of a shell and SIGHUP by nohup."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self)
            sys.unraisablehook = self._unraisable
        # Windows knows no SIGHUP; SIGBREAK, of Ctrl-Break, is what a program can send there to another one.
        for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self)

    def __call__(self, number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
        """Handle one signal."""
        if self.left > 0 and postponed(number, frame):
            return
        if number != signal.SIGINT:
            if not self._ending and self.left > 0:
                self._ending, self.signal = True, int(number)
                raise KeyboardInterrupt
            return
        if self.left > 0:
            self.left -= 1
            raise KeyboardInterrupt
        with suppress(BaseException):
            import psutil

            for child in psutil.Process().children(recursive=True):
                child.kill()
        os._exit(130)

    def _unraisable(self, hook: Any) -> None:
        """Print exceptions of destructors as Python does; a signal that was raised in one is not lost."""
        if not issubclass(hook.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(hook)
        elif self.left > 0:  # at the end of the process there is nothing to interrupt
            self.left += 1
            postpone(signal.SIGINT)
