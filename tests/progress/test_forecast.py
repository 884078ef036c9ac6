"""The time left: within a factor of two of the truth, on courses of real runs with a clock of our own."""

from __future__ import annotations

import pytest

from geoseg.progress.forecast import AFTER_BLOCKS, Forecast, WithTimeLeft, expected_seconds, learn, remember, slowness
from geoseg.progress.pace import Pace
from geoseg.progress.reporters import time_left
from tests.recorder import Recorder


def steady(seconds, parts, *, begin=0.0, first=None):
    """Points of a stage that goes evenly, its first part within ``first`` seconds."""
    first = seconds / parts if first is None else first
    rest = (seconds - first) / max(parts - 1, 1)
    return [(begin, 0), *((begin + first + k * rest, k + 1) for k in range(parts))]


@pytest.mark.parametrize("first", [5, 20, 60])
def test_a_slow_start_is_forgotten(first):
    """A first part that loads and compiles says little of the others."""
    pace, total = Pace(), 21
    for now, done in steady(100 + first, total, first=first):
        pace.note(now, done)
        left = pace.left(total)
        if done >= 4:
            true = 100 + first - now
            assert true / 2 <= left <= 2 * true or true < 1, (now, left)


def test_even_work_is_estimated_exactly_however_coarse_and_long():
    for parts in (2, 7, 5000):
        pace = Pace()
        for now, done in steady(100, parts):
            pace.note(now, done)
            if done:
                assert pace.left(parts) == pytest.approx(100 - now, abs=1e-6)


def test_a_new_pace_is_believed():
    """From the middle on another program takes half of the machine."""
    pace = Pace()
    for now, done in [*steady(50, 50), *((50 + 2 * k, 50 + k) for k in range(1, 51))]:
        pace.note(now, done)
        if done == 75:
            assert 35 <= pace.left(100) <= 50
    assert Pace().left(3) is None


def test_nothing_is_said_before_something_is_done():
    pace = Pace()
    pace.note(1, 10)
    pace.note(9, 10)
    assert pace.left(20) is None
    pace.note(10, 10)  # stalls are no end
    pace.note(11, 11)
    assert 0 < pace.left(20) < 100


# --- several stages


@pytest.fixture
def now(monkeypatch):
    """A clock that a test sets."""
    time = [1000.0]
    monkeypatch.setattr("geoseg.progress.forecast.time.monotonic", lambda: time[0])
    return time


def test_the_time_left_is_that_of_all_stages(now):
    forecast = Forecast({"segment": None, "write": 10.0, "polygonize": 20.0})
    assert forecast.left("segment", 0, 4) is None
    now[0] += 10
    assert forecast.left("segment", 1, 4) is None  # of several workers' first blocks
    now[0] += 10
    assert forecast.left("segment", 2, 4) == pytest.approx(20 + 10 + 20)
    now[0] += 30
    assert forecast.left("write", 0, 2) == pytest.approx(10 + 20)
    now[0] += 4
    assert forecast.left("write", 0, 2) == pytest.approx(6 + 20)  # nothing is done yet, but time has passed
    assert forecast.left("polygonize", 8, 8) == 0
    assert forecast.left("upload", 1, 2) is None


def test_what_was_expected_gives_way_to_what_is_measured(now):
    """A stage takes five times as long as expected."""
    forecast, said = Forecast({"segment": 20.0}), []
    for done in range(11):
        said.append(forecast.left("segment", done, 10))
        now[0] += 10
    assert said[0] == 20
    assert said[3] == pytest.approx(70, rel=0.3)
    assert said[9] == pytest.approx(10, rel=0.15)
    assert said[10] == 0


def test_the_other_scenes_are_counted(now):
    alone, batch = (Forecast({"segment": 50.0, "write": 5.0}) for _ in range(2))
    batch.runs_after = 2
    alone.left("segment", 0, 10)
    batch.left("segment", 0, 10)
    now[0] += 25
    left = alone.left("segment", 5, 10)
    assert left == pytest.approx(30)
    assert batch.left("segment", 5, 10) == pytest.approx(left + 2 * (25 + left))


def test_what_follows_all_scenes_is_counted(now):
    """And is slower where the scenes are."""
    forecast = Forecast({"segment": 50.0})
    forecast.runs_after, forecast.seconds_after = 1, 20.0
    assert forecast.left("segment", 0, 10) == pytest.approx(50 + 50 + 20)
    now[0] += 100
    assert forecast.left("segment", 10, 10) == pytest.approx(100 + 2 * 20)


def test_stages_of_two_words_and_their_seconds(now):
    forecast = Forecast({"compare": 10.0, "write changes": 5.0})
    assert forecast.told(0, 4, "compare") == f"compare: {time_left(15)}"
    now[0] += 10
    assert forecast.told(0, 1, "write changes: overviews") == f"write changes: overviews, {time_left(5)}"
    assert forecast.told(0, 1, "write of another") == "write of another"
    now[0] += 3
    assert forecast.took() == {"compare": 10.0, "write changes": 3.0}


def test_stages_are_told_with_the_time_left(now):
    recorder = Recorder()
    reporter = WithTimeLeft(recorder, Forecast({"write": None, "polygonize": 60.0}))
    reporter.progress(0, 4, "write a")
    for done in (1, 2):
        now[0] += 20
        reporter.progress(done, 4, "write a: 3 tiles")
    reporter.progress(1, 2, "fetch a")
    reporter.warning("careful")
    assert [args for _, args, _ in recorder.events] == [
        (0, 4, "write a"), (1, 4, "write a: 3 tiles"), (2, 4, f"write a: 3 tiles, {time_left(100)}"),
        (1, 2, "fetch a"), ("careful",),
    ]  # fmt: skip


def test_a_machine_is_learned(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_CACHE", str(tmp_path))
    usual = expected_seconds(["polygonize"], 10**8)["polygonize"]
    for _ in range(6):
        learn({"polygonize": 4 * usual, "read": 9.0}, 10**8)
    assert expected_seconds(["polygonize"], 10**8)["polygonize"] == pytest.approx(4 * usual, rel=0.05)
    assert expected_seconds(["polygonize"], 10**7)["polygonize"] < usual  # smaller scenes take less
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.json")}
    learn({"write": 0.01, "html": 0.01}, 10**5)  # of a batch of small scenes
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.json")} == before
    for _ in range(9):
        remember(3.0, "segment", "water")
    assert slowness("segment", "water") == pytest.approx(3, rel=0.05)
    assert slowness("segment", "landcover") == 1
    for file in before:
        file.write_text('"nonsense"', "utf-8")
    assert expected_seconds(["polygonize"], 10**8)["polygonize"] == usual


# --- courses of real runs on two cores: when how many blocks, or strips of polygons, were finished

_QUIET = (
    (3.0, 13.9, 15.1, 20.3, 22.1, 27.8, 29.8, 35.3, 37.2, 41.8, 44.0, 49.0, 50.6, 54.4, 56.5, 60.2, 60.9),
    (60.9, 61.0),
    (63.8, 64.2, 64.7, 65.4, 65.9, 66.5, 67.0, 67.3, 67.8, 68.3, 68.5, 68.8),
)
# Beside seven other busy programs.
_LOADED = (
    (8.8, 44.4, 46.9, 59.0, 61.3, 74.4, 87.1, 99.0, 103.5, 116.4, 125.2, 134.8, 137.6, 154.9, 160.1, 180.9, 180.9),
    (181.1, 181.5),
    (191.5, 193.1, 196.7, 200.0, 204.4, 207.0, 208.7, 210.9, 212.6, 213.8, 214.4),
)
_RULES = (
    (7.3, 8.9, 10.5, 11.8, 13.0, 14.3, 15.3, 16.2, 17.3, 18.3, 19.3),
    (19.3, 19.4),
    (22.6, 23.2, 23.9, 24.7, 25.4, 26.4, 27.2, 28.1, 28.7, 29.5, 30.4),
)
_SMALL = ((15.8, 17.6, 19.1, 20.4, 22.0, 23.2, 23.6, 24.8, 25.0, 25.3), (25.3, 25.3), (28.0, 28.1, 28.5, 28.6))


@pytest.mark.parametrize(
    ("course", "end", "megapixels", "measured", "misses"),
    [
        (_QUIET, 73.6, 36.0, 41.0, 0), (_QUIET, 73.6, 36.0, None, 0), (_RULES, 36.0, 36.0, None, 0),
        (_RULES, 36.0, 36.0, 8.0, 0), (_SMALL, 32.1, 6.25, 8.0, 0), (_LOADED, 243.1, 36.0, 55.0, 3),
    ],
)  # fmt: skip
def test_real_runs_are_estimated_within_a_factor_of_two(
    monkeypatch, tmp_path, course, end, megapixels, measured, misses
):
    monkeypatch.setenv("GEOSEG_CACHE", str(tmp_path))
    now = [course[0][0]]
    monkeypatch.setattr("geoseg.progress.forecast.time.monotonic", lambda: now[0])
    after = expected_seconds(AFTER_BLOCKS, int(megapixels * 1e6))
    forecast, said = Forecast({"segment": measured, **after}), []
    for stage, times in zip(("segment", "write", "polygonize"), course, strict=True):
        total = len(times) - (stage == "segment")
        for k, now[0] in enumerate(times):
            left = forecast.left(stage, k + (stage != "segment"), total)
            if left is not None and now[0] - course[0][0] > 5:
                said.append((stage, k, left, end - now[0]))
    wrong = [entry for entry in said if not entry[3] / 2 <= entry[2] <= 2 * entry[3]]
    assert len(said) > sum(map(len, course)) / 2
    assert len(wrong) <= misses, wrong
