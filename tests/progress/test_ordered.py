"""Events of concurrent scenes arrive scene by scene."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.errors import Stopped
from geoseg.progress.ordered import OrderedReporters
from tests.recorder import Recorder


@given(order=st.lists(st.integers(0, 4), max_size=40), ends=st.permutations(range(5)))
def test_events_arrive_in_the_order_of_scenes_and_within_each_as_emitted(order, ends):
    recorder = Recorder()
    ordered = OrderedReporters(recorder)
    for number, scene in enumerate(order):
        ordered.of(scene).info(f"{scene} {number}")
    for scene in ends:
        ordered.end(scene)
    messages = [args[0] for _, args, _ in recorder.events]
    assert messages == [f"{scene} {number}" for scene in range(5) for number, s in enumerate(order) if s == scene]


def test_the_current_scene_is_not_buffered():
    recorder = Recorder()
    ordered = OrderedReporters(recorder)
    ordered.of(0).result(scene="a")
    ordered.of(1).error("InputError", "b")
    assert recorder.events == [("result", (), {"scene": "a"})]
    ordered.end(0)
    assert recorder.events[1:] == [("error", ("InputError", "b"), {})]
    ordered.of(1).summary(scenes=[])
    assert recorder.events[2:] == [("summary", (), {"scenes": []})]


def test_of_buffered_progress_only_the_last_of_each_stage_is_kept():
    recorder = Recorder()
    ordered = OrderedReporters(recorder)
    first, second = ordered.of(0), ordered.of(1)
    second.info("b1")
    for done in range(5):
        second.progress(done, 5, f"segment b: {done} Mpx/s")
    second.progress(1, 2, "write b")
    first.info("a1")
    ordered.end(1)
    assert [args for _, args, _ in recorder.events] == [("a1",)]
    ordered.end(0)
    assert [args for _, args, _ in recorder.events] == [
        ("a1",), ("b1",), (4, 5, "segment b: 4 Mpx/s"), (1, 2, "write b"),
    ]  # fmt: skip


def test_after_stop_every_scene_ends_at_its_next_event():
    ordered = OrderedReporters(Recorder())
    reporter = ordered.of(2)
    reporter.info("buffered")
    ordered.stop()
    with pytest.raises(Stopped):
        reporter.info("not any more")
