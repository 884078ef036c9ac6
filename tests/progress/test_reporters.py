"""Reporters: what is printed where, for each event."""

from __future__ import annotations

import inspect
import json

import pytest

from geoseg.errors import OptionError
from geoseg.progress import PROTOCOL, Reporter, reporters
from geoseg.progress.ordered import OrderedReporters
from geoseg.progress.reporters import Bar, Json, Rate, Silent, format_seconds, reporter
from tests.recorder import Recorder

EVENTS = [name for name, value in vars(Reporter).items() if inspect.isfunction(value) and not name.startswith("_")]


def emit_all(to: Reporter) -> None:
    """One event of each kind."""
    to.start(version="1", scenes=1)
    to.progress(1, 2, "segment a: 3 Mpx/s")
    to.info("note")
    to.warning("careful")
    to.result(scene="a", outputs={"classes": "a_classes.tif"})
    to.summary(scenes=[])
    to.error("InputError", "bad")


def test_emit_all_covers_the_protocol():
    recorder = Recorder()
    emit_all(recorder)
    assert sorted(name for name, _, _ in recorder.events) == sorted(EVENTS)


@pytest.mark.parametrize("make", [Silent, Bar, Json, Recorder, lambda: OrderedReporters(Silent()).of(0)])
def test_every_reporter_has_the_methods_of_the_protocol(make):
    made = make()
    for event in EVENTS:
        theirs, ours = inspect.signature(getattr(made, event)), inspect.signature(getattr(Reporter, event))
        assert list(theirs.parameters) == list(ours.parameters)[1:], event


def test_silent_prints_warnings_and_errors_on_stderr(capsys):
    emit_all(Silent())
    assert capsys.readouterr() == ("", "warning: careful\nerror: bad\n")


def test_the_bar_prints_paths_on_stdout_and_messages_on_stderr(capsys):
    emit_all(Bar())
    out, err = capsys.readouterr()
    assert out == "classes     a_classes.tif\n"
    for line in ("note", "warning: careful", "error: bad"):
        assert line in err.splitlines()


def test_json_prints_one_object_per_line(capsys):
    emit_all(Json())
    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [
        {"event": "start", "protocol": PROTOCOL, "version": "1", "scenes": 1},
        {"event": "progress", "done": 1, "total": 2, "message": "segment a: 3 Mpx/s"},
        {"event": "info", "message": "note"},
        {"event": "warning", "message": "careful"},
        {"event": "result", "scene": "a", "outputs": {"classes": "a_classes.tif"}},
        {"event": "summary", "scenes": []},
        {"event": "error", "type": "InputError", "message": "bad"},
    ]
    assert err == "error: bad\n"


def test_json_limits_progress_per_stage_but_prints_the_last_of_each(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(reporters.time, "monotonic", lambda: now[0])
    to = Json(min_interval=0.1)
    for stage in ("segment a", "write a"):
        for done in range(1, 9):
            to.progress(done, 8, f"{stage}: {done} Mpx/s")
            now[0] += 0.03
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(event["message"].partition(":")[0], event["done"]) for event in printed] == [
        (stage, done) for stage in ("segment a", "write a") for done in (1, 5, 8)
    ]


def test_reporters_by_name():
    assert {kind: type(reporter(kind)) for kind in ("bar", "json", "none")} == {
        "bar": Bar,
        "json": Json,
        "none": Silent,
    }
    with pytest.raises(OptionError, match="'loud' is unknown"):
        reporter("loud")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (360_000, "100.0 h")],
)
def test_durations(seconds, text):
    assert format_seconds(seconds) == text


def test_rate_and_time_left(monkeypatch):
    now = [10.0]
    monkeypatch.setattr(reporters.time, "perf_counter", lambda: now[0])
    rate = Rate(4_000_000)
    assert rate.message(0) == "0.00 Mpx/s, 0 s left"
    now[0] += 2.0
    assert rate.seconds == 2.0
    assert rate.message(1_000_000) == "0.50 Mpx/s, 6 s left"
