"""Traces: the Trace Event Format, with processes and threads of several machines told apart."""

from __future__ import annotations

import json

import pytest

from geoseg.errors import OutputError
from geoseg.progress.trace import Trace, here


def written(trace):
    trace.write()
    content = json.loads(trace.path.read_text("utf-8"))
    events = content["traceEvents"]
    return [e for e in events if e["ph"] == "X"], [e for e in events if e["ph"] == "M"]


def test_spans_become_complete_events_in_microseconds_from_the_first(tmp_path):
    trace = Trace(tmp_path / "trace.json")
    trace.add(("host", 1, "main"), [("write", 102.5, 0.25)], scene="a")
    trace.add(("host", 1, "geoseg_0"), [("read", 100.0, 1.0), ("forward", 101.0, 1e-9)], scene="a", block=7)
    spans, _ = written(trace)
    assert [(e["name"], e["ts"], e["dur"]) for e in spans] == [
        ("write", 2_500_000, 250_000), ("read", 0, 1_000_000), ("forward", 1_000_000, 1),
    ]  # fmt: skip
    assert [e["args"] for e in spans] == [{"scene": "a"}, *[{"scene": "a", "block": 7}] * 2]
    assert spans[0]["pid"] == spans[1]["pid"]
    assert spans[0]["tid"] != spans[1]["tid"] == spans[2]["tid"]


def test_processes_of_one_id_on_two_machines_are_two(tmp_path):
    trace = Trace(tmp_path / "trace.json")
    places = [("a", 9, "t"), ("b", 9, "t"), ("a", 9, "u"), ("a", 10, "t"), ("b", 9, "t")]
    for number, place in enumerate(places):
        trace.add(place, [("read", number, 1.0)])
    spans, names = written(trace)
    ids = [(e["pid"], e["tid"]) for e in spans]
    assert len(set(ids)) == 4
    assert ids[1] == ids[4]
    assert ids[0][0] == ids[2][0]
    assert len({pid for pid, _ in ids}) == 3
    processes = {e["pid"]: e["args"]["name"] for e in names if e["name"] == "process_name"}
    assert sorted(processes.values()) == ["geoseg a 10", "geoseg a 9", "geoseg b 9"]
    threads = {(e["pid"], e["tid"]): e["args"]["name"] for e in names if e["name"] == "thread_name"}
    assert [threads[place] for place in ids] == ["t", "t", "u", "t", "t"]


def test_an_empty_trace_is_valid(tmp_path):
    assert written(Trace(tmp_path / "trace.json")) == ([], [])


def test_places_are_of_this_process():
    import os
    import threading

    assert here()[1:] == (os.getpid(), threading.current_thread().name)


def test_a_missing_folder_is_reported_before_the_run(tmp_path):
    with pytest.raises(OutputError, match="its folder does not exist"):
        Trace(tmp_path / "none" / "trace.json")


def test_a_trace_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    trace = Trace(tmp_path / "trace.json")
    (tmp_path / "trace.json").mkdir()
    with pytest.raises(OutputError, match=r"the trace .* cannot be written"):
        trace.write()
    assert [path.name for path in tmp_path.iterdir()] == ["trace.json"]
