"""Signals that interrupt the main thread where it holds no lock.

A handler that raises does so between any two steps of the main thread, also inside the Python code of the standard
library that takes a lock for others: a :class:`~concurrent.futures.Future`, a queue, a semaphore, a logging handler,
an import. The lock is then never given back, and the threads that need it wait for ever. Handlers therefore ask
:func:`postponed` first: in such code the signal is sent again a moment later.
"""

from __future__ import annotations

import _thread
import linecache
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Code in which an exception from outside leaves locks taken, or callbacks of others undone.
_MODULES = frozenset(
    (
        "_frozen_importlib",
        "_weakrefset",
        "concurrent.futures._base",
        "concurrent.futures.thread",
        "contextlib",
        "importlib._bootstrap",
        "logging",
        "queue",
        "threading",
        "weakref",
    )
)
_FUNCTIONS = frozenset(("__del__", "__enter__", "__exit__", "acquire", "release"))

# Here the main thread waits for other threads, and exceptions are provided for.
_WAITS = (threading.Condition.wait.__code__, threading.Thread.join.__code__)

# Seconds between the times that a signal is sent again, and after which it is raised anyway.
_SOON, _LATER, _LONGEST = 0.002, 0.05, 1.0

# A signal that comes so many seconds after one that was postponed is one that was sent again too often.
_ECHO = 0.1

_since: dict[int, float] = {}  # when each signal that is postponed came
_raised: dict[int, float] = {}  # when each signal that was postponed was raised


def postponed(number: int, frame: FrameType | None) -> bool:
    """Return whether a handler must not raise now; the signal is then sent again until it may.

    For handlers of signals that raise, with the arguments that Python gives to them. A signal waits for one second at
    most.

    Parameters
    ----------
    number
        Number of the signal.
    frame
        What the main thread was doing.
    """
    now, first = time.monotonic(), _since.get(number)
    if first is None and now - _raised.get(number, -_ECHO) < _ECHO:
        return True
    if not _holds_lock(frame) or (first is not None and now - first > _LONGEST):
        if first is not None:
            del _since[number]
            _raised[number] = now
        return False
    return first is not None or postpone(number)


def postpone(number: int) -> bool:
    """Send a signal in a moment, until its handler raises; return whether that is possible."""
    _since[number] = time.monotonic()
    try:
        _thread.start_new_thread(_send_again, (number,))
    except RuntimeError:  # no thread can be started while Python ends
        del _since[number]
        return False
    return True


def _send_again(number: int) -> None:
    """Send a signal until its handler has raised: one that comes just before a wait begins does not end it."""
    pause, last = _SOON, time.monotonic() + 2 * _LONGEST
    while number in _since and time.monotonic() < last:
        time.sleep(pause)
        if number in _since:
            _send(number)
        pause = min(2 * pause, _LATER)


def send(number: int) -> None:
    """Interrupt the main thread, also where it waits for a lock; on Windows, as soon as it runs Python again."""
    _raised.pop(number, None)
    _send(number)


def _send(number: int) -> None:
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


@contextmanager
def careful_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait for locks in a ``with`` block of a program that has no handler of its own, as in a notebook."""
    careful = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if careful:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        if careful and signal.getsignal(signal.SIGINT) is _interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if _since.pop(signal.SIGINT, None) is not None:
                send(signal.SIGINT)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not postponed(number, frame):
        raise KeyboardInterrupt


def _holds_lock(frame: FrameType | None) -> bool:
    """Whether the innermost function may hold a lock, or is about to take or give one back."""
    if frame is None:
        return False
    code = frame.f_code
    if code in _WAITS or code.co_name == "_wait_for_tstate_lock":
        return not _waits(frame) or _starts_thread(frame)
    return _is_text(frame) or code.co_name in _FUNCTIONS or frame.f_globals.get("__name__") in _MODULES


def _waits(frame: FrameType) -> bool:
    """Whether a function that waits is where it waits: a condition gives its lock back before, and takes it after."""
    if frame.f_code is not threading.Condition.wait.__code__:
        return True
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return not line or "waiter.acquire" in line


def _starts_thread(frame: FrameType | None) -> bool:
    """Whether the wait is for a thread that has just been started, and that its pool does not know yet."""
    while frame is not None:
        if frame.f_code is threading.Thread.start.__code__:
            return True
        frame = frame.f_back
    return False


def _is_text(frame: FrameType) -> bool:
    """Whether this is text that exec() runs, as for a dataclass, and not the program itself.

    An interrupt that leaves it makes CPython end a program run by -m by SIGINT, whatever its exit code.
    """
    code = frame.f_code
    return frame.f_back is not None and code.co_name == "<module>" and code.co_filename == "<string>"
