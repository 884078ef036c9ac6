"""A signal at every step of the standard library's code that takes locks."""

import logging
import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from geoseg.cli.streams import Interrupts
from geoseg.system import interrupts
from geoseg.system.interrupts import careful_interrupts, postponed

LIBRARY = ("threading", "queue", "logging", "concurrent.futures._base", "concurrent.futures.thread")


@pytest.fixture(autouse=True)
def handler_of_python():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts._raised.clear()
    yield
    signal.signal(signal.SIGINT, before)


def wait_for_it() -> None:
    """Wait for a signal, in steps: a signal from inside the process does not end a sleep on every system."""
    for _ in range(1000):
        time.sleep(0.01)
    pytest.fail("the signal was lost")


def interrupted_at(step: int, operation) -> bool:
    """Run an operation with a signal before one step of the library's code in it; return whether there was such a step.

    The handler is called as Python calls it, with the frame of that code.
    """
    steps = 0

    def count(frame, event, _):
        nonlocal steps
        if frame.f_globals.get("__name__") not in LIBRARY:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps += 1
            if steps == step:
                interrupts._raised.clear()  # the last step's was a moment ago
                signal.getsignal(signal.SIGINT)(signal.SIGINT, frame)
        return count

    before = sys.gettrace()
    try:
        sys.settrace(count)
        try:
            operation()
        finally:
            sys.settrace(before)
            reached = steps >= step
        if reached:  # it was postponed
            wait_for_it()
    except KeyboardInterrupt:
        return True
    return reached


def free(lock) -> bool:
    """Whether another thread can take a lock."""
    return ThreadPoolExecutor(1).submit(lambda: lock.acquire(timeout=5) and not lock.release()).result()


class Finished:
    """A result of another thread, asked for after it is there."""

    def __init__(self) -> None:
        self.future: Future[int] = Future()
        self.future.set_result(3)

    def __call__(self) -> None:
        self.future.result()

    def works(self) -> bool:
        return free(self.future._condition)


class Awaited(Finished):
    """A result that another thread sets while this one waits for it."""

    def __init__(self) -> None:
        self.future = Future()
        threading.Timer(0.002, self.future.set_result, (3,)).start()

    def __call__(self) -> None:
        self.future.result()


class Queue:
    def __init__(self) -> None:
        self.queue: queue.Queue[int] = queue.Queue()

    def __call__(self) -> None:
        self.queue.put(1)
        self.queue.get()

    def works(self) -> bool:
        return free(self.queue.mutex)


class Semaphore:
    def __init__(self) -> None:
        self.semaphore = threading.Semaphore(1)

    def __call__(self) -> None:
        self.semaphore.acquire(timeout=0)
        self.semaphore.release()

    def works(self) -> bool:
        return free(self.semaphore._cond)


class Log:
    def __init__(self) -> None:
        self.handler = logging.Handler()

    def __call__(self) -> None:
        self.handler.acquire()
        self.handler.release()

    def works(self) -> bool:
        return free(self.handler.lock)


@pytest.mark.parametrize("kind", [Finished, Awaited, Queue, Semaphore, Log])
def test_no_lock_is_left_at_any_step(kind):
    step, more = 0, True
    with careful_interrupts():
        while more:
            step += 1
            operation = kind()
            more = interrupted_at(step, operation)
            assert operation.works(), step
    assert step > 10, "the library's code is traced"


def test_a_pool_goes_on_after_a_signal_at_any_step_of_submit():
    step, more = 0, True
    with careful_interrupts():
        while more:
            step += 1
            with ThreadPoolExecutor(2) as pool:
                pool.submit(pow, 2, 2).result()
                more = interrupted_at(step, lambda pool=pool: pool.submit(pow, 2, 3))
                assert pool.submit(pow, 2, 4).result(timeout=20) == 16, step
    assert step > 30


def test_without_care_locks_are_left():
    """The test above can fail: Python's own handler leaves a semaphore's lock at some step."""

    def left(step: int) -> bool:
        operation = Semaphore()
        interrupted_at(step, operation)
        return operation.semaphore._cond._lock.locked()

    assert any(left(step) for step in range(1, 60))


@pytest.mark.skipif(sys.platform == "win32", reason="there waits for locks are not interrupted")
def test_a_wait_is_interrupted_at_once():
    future: Future[int] = Future()
    with careful_interrupts():
        threading.Timer(0.1, interrupts.send, (signal.SIGINT,)).start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            future.result(timeout=20)
        assert time.monotonic() - started < 5
    assert free(future._condition)


def test_code_that_does_not_end_is_interrupted_after_a_second(monkeypatch):
    monkeypatch.setattr(interrupts, "_LONGEST", 0.05)

    class Stuck:
        def __enter__(self):
            while True:
                pass

        def __exit__(self, *_):
            return None

    with careful_interrupts():
        threading.Timer(0.05, interrupts.send, (signal.SIGINT,)).start()
        with pytest.raises(KeyboardInterrupt), Stuck():
            pass


def test_a_handler_of_somebody_else_is_left_alone():
    own = lambda *_: None  # noqa: E731
    signal.signal(signal.SIGINT, own)
    with careful_interrupts():
        assert signal.getsignal(signal.SIGINT) is own
    assert not postponed(signal.SIGINT, None)


def test_a_signal_in_a_destructor_is_not_lost():
    handler = Interrupts()
    hook = sys.unraisablehook
    handler.install()

    class Dying:
        def __del__(self) -> None:
            raise KeyboardInterrupt

    def die() -> None:
        one = Dying()
        del one
        wait_for_it()

    try:
        with pytest.raises(KeyboardInterrupt):
            die()
        assert handler.left == 2
    finally:
        sys.unraisablehook = hook


INSIDE_EXEC = """
import signal, sys, time
from geoseg.cli.streams import Interrupts
interrupts = Interrupts()
interrupts.install()
try:
    exec("print('inside', flush=True); time.sleep(0.9)")
    time.sleep(30)
except KeyboardInterrupt:
    sys.exit(128 + interrupts.signal)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGTERM")
def test_the_exit_code_after_a_signal_while_text_is_executed(tmp_path):
    """CPython ends a program run by -m by SIGINT if an interrupt has ever left exec() of a text, as of a dataclass."""
    (tmp_path / "program.py").write_text(INSIDE_EXEC, "utf-8")
    heed = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    process = subprocess.Popen(
        [sys.executable, "-m", "program"], cwd=tmp_path, stdout=subprocess.PIPE, preexec_fn=heed,  # noqa: PLW1509
    )  # fmt: skip
    assert process.stdout.readline() == b"inside\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
