"""Seconds per stage, and spans for traces."""

from __future__ import annotations

import threading
import time

import pytest

from geoseg.progress import timing
from geoseg.progress.timing import Clock, record_spans


@pytest.fixture
def now(monkeypatch):
    """A clock that tests advance by hand."""
    value = [1000.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: value[0])
    monkeypatch.setattr(timing.time, "time", lambda: value[0] + 1e9)
    return value


def test_seconds_add_up_per_stage(now):
    clock = Clock()
    for stage, seconds in (("read", 1.0), ("forward", 2.0), ("read", 0.5)):
        with clock(stage):
            now[0] += seconds
    assert clock.seconds == {"read": 1.5, "forward": 2.0}
    clock.add({"read": 1.0, "store": 3.0})
    assert clock.seconds == {"read": 2.5, "forward": 2.0, "store": 3.0}


def test_the_time_of_a_stage_that_fails_counts(now):
    clock = Clock()

    def fail():
        with clock("read"):
            now[0] += 1.0
            raise ZeroDivisionError

    with record_spans() as spans, pytest.raises(ZeroDivisionError):
        fail()
    assert clock.seconds == {"read": 1.0}
    assert [(stage, duration) for stage, _, duration in spans] == [("read", 1.0)]


def test_spans_have_start_and_duration(now):
    clock = Clock()
    with record_spans() as spans:
        now[0] += 1.0
        with clock("read"):
            now[0] += 2.0
    with clock("read"):
        now[0] += 4.0
    assert spans == [("read", 1e9 + 1001.0, 2.0)], "nothing is recorded outside"


def test_inner_recordings_do_not_end_outer_ones(now):
    clock = Clock()
    with record_spans() as outer:
        with record_spans() as inner, clock("a"):
            now[0] += 1.0
        with record_spans(enabled=False) as none, clock("b"):
            now[0] += 1.0
        with clock("c"):
            now[0] += 1.0
    assert [span[0] for span in inner] == ["a"]
    assert none == []
    assert [span[0] for span in outer] == ["b", "c"]


def test_threads_do_not_record_each_others_spans():
    def other():
        with Clock()("other"):
            time.sleep(0.001)

    with record_spans() as spans:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        with Clock()("own"):
            pass
    assert [span[0] for span in spans] == ["own"]
