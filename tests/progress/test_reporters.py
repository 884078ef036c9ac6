"""Reporters: what is printed where, for each event."""

from __future__ import annotations

import inspect
import io
import json
import sys

import click
import pytest
from click.testing import CliRunner

from geoseg.cli.options import progress_option
from geoseg.errors import OptionError
from geoseg.progress import PROTOCOL, Reporter, reporters
from geoseg.progress.ordered import OrderedReporters
from geoseg.progress.reporters import Bar, Json, Silent, format_seconds, reporter
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


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def lines_of(monkeypatch, bar, steps, *, stage="segment a"):
    """Move a bar on a terminal at given seconds; return what stands in its line after each step."""
    stream, now = Terminal(), [100.0]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(reporters.time, "monotonic", lambda: now[0])
    found = []
    for seconds, done, detail in steps:
        now[0] = 100.0 + seconds
        bar.progress(done, 100, f"{stage}: {detail}" if detail else stage)
        if bar._bar is not None:
            bar._bar.refresh()
        found.append(stream.getvalue().rpartition("\r")[2].strip())
    return found


DETAIL = "3.10 Mpx/s, 2 min left, 3.0 blocks/s, device 93 %, I/O 12 %, 5 workers"


def test_the_line_has_stage_share_time_left_and_rate(monkeypatch):
    (line,) = lines_of(monkeypatch, Bar(), [(1, 45, DETAIL)])
    assert line.startswith("segment a  45 % |")
    assert line.endswith("| 2 min left, 3.10 Mpx/s, 5 workers")
    (line,) = lines_of(monkeypatch, Bar(details=True), [(1, 45, DETAIL)])
    assert line.endswith("| 2 min left, 3.10 Mpx/s, 3.0 blocks/s, device 93 %, I/O 12 %, 5 workers")


def test_the_time_left_is_estimated_from_this_run_alone(monkeypatch):
    """Of what was there already, nothing is known."""
    steps = [(0, 60, ""), (1, 65, ""), (10, 80, "")]
    lines = lines_of(monkeypatch, Bar(), steps, stage="write {a}")
    assert "left" not in lines[0] + lines[1]
    assert lines[2].startswith("write {a}  80 %")
    assert lines[2].endswith("| 12 s left")  # 15 in the last 9 s


def test_a_log_has_a_line_every_half_minute(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(reporters.time, "monotonic", lambda: now[0])
    bar = Bar()
    for done in range(101):
        now[0] = done * 1.0
        bar.progress(done, 100, f"segment a: {DETAIL}")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"segment a: {share} %, 2 min left, 3.10 Mpx/s, 5 workers" for share in (30, 60, 90)]


@pytest.mark.parametrize(
    ("flags", "kind"),
    [((), "bar"), (("-q",), "none"), (("-v",), "details"), (("--quiet", "--progress", "none"), "none"),
     (("-q", "-v"), None), (("-q", "--progress", "json"), None)],
)  # fmt: skip
def test_short_flags(flags, kind):
    @click.command()
    @progress_option
    def command(progress):
        click.echo(progress)

    done = CliRunner().invoke(command, list(flags))
    assert (done.exit_code, done.output.strip()) == (0, kind) if kind else done.exit_code == 2


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
