"""Maps of several dates, cleaned by a hidden Markov model."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.change import series, smooth
from geoseg.change.hidden_markov import learn, likelihoods, most_likely
from geoseg.cli import main
from geoseg.errors import GeosegError, OutputError

STAY = 0.95


def matrix(classes, stay=STAY):
    found = np.full((classes, classes), (1 - stay) / (classes - 1))
    np.fill_diagonal(found, stay)
    return found


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_no_other_course_is_more_likely(classes, dates, seed):
    """All courses are tried."""
    rng = np.random.default_rng(seed)
    observed = rng.integers(0, classes, (dates, 5)).astype(np.uint8)
    observed[rng.random(observed.shape) < 0.2] = 255
    confidence = rng.integers(0, 101, observed.shape).astype(np.uint8)
    steps, start = rng.dirichlet(np.ones(classes), classes), rng.dirichlet(np.ones(classes))
    seen = likelihoods(observed, confidence, classes)
    found = most_likely(seen, steps, start)
    for pixel in range(5):

        def chance(course, pixel=pixel):
            moves = np.prod([steps[one, other] for one, other in itertools.pairwise(course)])
            return start[course[0]] * moves * np.prod([seen[date, one, pixel] for date, one in enumerate(course)])

        best = max(chance(course) for course in itertools.product(range(classes), repeat=dates))
        assert chance(found[:, pixel]) == pytest.approx(best, rel=1e-4)


def test_what_a_map_shows_is_as_likely_as_its_confidence():
    observed = np.array([[1, 2, 255, 0]], np.uint8)
    seen = likelihoods(observed, np.array([[70, 255, 50, 10]], np.uint8), 3)[0]
    np.testing.assert_allclose(seen[:, 0], [0.15, 0.7, 0.15], rtol=1e-6)
    np.testing.assert_allclose(seen[:, 1], [0.1, 0.1, 0.8], rtol=1e-6)  # unknown: the usual reliability
    assert (seen[:, 2] == 1).all()
    np.testing.assert_allclose(seen[:, 3], [0.35, 0.325, 0.325], rtol=1e-6)  # never against what it shows


def simulated(truth_steps, dates, count, right, seed=0):
    """Courses of a Markov chain, and maps of them that are right with a probability."""
    rng, classes = np.random.default_rng(seed), len(truth_steps)
    truth = np.empty((dates, count), np.uint8)
    truth[0] = rng.integers(0, classes, count)
    for date in range(1, dates):
        chance = truth_steps[truth[date - 1]].cumsum(1)
        truth[date] = (rng.random(count)[:, None] > chance[:, :-1]).sum(1)
    wrong = (truth + rng.integers(1, classes, truth.shape)) % classes
    return truth, np.where(rng.random(truth.shape) < right, truth, wrong).astype(np.uint8)


def test_the_transitions_are_learned_and_make_maps_better():
    steps = np.array([[0.9, 0.1, 0.0], [0.0, 0.97, 0.03], [0.02, 0.0, 0.98]])
    truth, seen = simulated(steps, 12, 20_000, 0.8)
    likelihood = likelihoods(seen, None, 3)
    found, start = learn(likelihood)
    np.testing.assert_allclose(found, steps, atol=0.02)
    np.testing.assert_allclose(start, 1 / 3, atol=0.03)
    cleaned = most_likely(likelihood, found, start)
    before, after = (seen != truth).mean(), (cleaned != truth).mean()
    assert before == pytest.approx(0.2, abs=0.01)
    assert after < before / 3


@pytest.fixture
def maps(write_map):
    """Six dates of five classes, right in 85 % of the pixels, with gaps; their truth."""
    truth, seen = simulated(matrix(5, 0.97), 6, 90 * 70, 0.85, seed=3)
    seen[np.random.default_rng(4).random(seen.shape) < 0.1] = 255
    seen[:, 0] = 255
    shape = 6, 90, 70
    seen = seen.reshape(shape)
    return [write_map(f"m_{2015 + date}_classes.tif", one) for date, one in enumerate(seen)], seen, truth.reshape(shape)


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


def test_windows_are_one_pass(maps, tmp_path, monkeypatch):
    paths, seen, truth = maps
    whole = smooth(paths, tmp_path / "whole", transitions=0.97)
    monkeypatch.setattr(series, "_SIDE", 32)
    pieces = smooth(paths, tmp_path / "pieces", transitions=0.97)
    flat = seen.reshape(6, -1)
    wanted = most_likely(likelihoods(flat, None, 5), matrix(5, 0.97), np.full(5, 0.2)).reshape(seen.shape)
    for date, (one, other) in enumerate(zip(whole.outputs[:-1], pieces.outputs[:-1], strict=True)):
        assert one.read_bytes() == other.read_bytes()
        np.testing.assert_array_equal(read(one), np.where(seen[date] == 255, 255, wanted[date]))
    assert whole.changed == tuple(int((w != s)[s != 255].sum()) for w, s in zip(wanted, seen, strict=True))
    assert whole.reversals[1] < whole.reversals[0] / 4
    found = np.stack([read(path) for path in whole.outputs[:-1]])
    known = seen != 255
    assert (found != truth)[known].mean() < 0.5 * (seen != truth)[known].mean()
    report = json.loads(whole.outputs[-1].read_text("utf-8"))
    assert report["reversals"] == {"before": whole.reversals[0], "after": whole.reversals[1]}


def test_gaps_are_filled_only_if_asked(maps, tmp_path):
    paths, seen, _ = maps
    filled = smooth(paths, tmp_path / "filled", transitions=0.97, fill=True)
    found = np.stack([read(path) for path in filled.outputs[:-1]])
    np.testing.assert_array_equal(found == 255, np.broadcast_to((seen == 255).all(0), seen.shape))


def test_a_sure_map_is_believed(write_map, tmp_path):
    paths = [
        write_map(f"{name}_classes.tif", np.full((8, 8), value)) for name, value in zip("abc", (0, 1, 0), strict=True)
    ]
    for name, percent in zip("abc", (60, 99, 60), strict=True):
        write_map(f"{name}_confidence.tif", np.full((8, 8), percent, np.uint8), classes=())
    sure = smooth(paths, tmp_path / "sure", transitions=0.8)
    plain = smooth(paths, tmp_path / "plain", transitions=0.8, confidence=False)
    for path, other in zip(sure.outputs[:-1], plain.outputs[:-1], strict=True):
        assert (read(path) == 1).all()
        assert (read(other) == 0).all()


def test_a_confidence_on_another_grid_is_refused(write_map, tmp_path):
    paths = [write_map(f"{name}_classes.tif", np.zeros((8, 8), np.uint8)) for name in "ab"]
    write_map("b_confidence.tif", np.full((4, 4), 90, np.uint8), classes=(), pixel=20.0)
    with pytest.raises(GeosegError, match=r"b_confidence\.tif is not on the grid of b_classes\.tif"):
        smooth(paths, tmp_path / "out", transitions=0.9)


def test_a_matrix_from_a_file(write_map, tmp_path, capsys):
    paths = [str(write_map(f"{k}_classes.tif", np.full((8, 8), value))) for k, value in enumerate((0, 1, 0))]
    table = tmp_path / "matrix.csv"
    table.write_text("from,wood,field,water\nwood,,0.001,\nfield,0.001,,\n", "utf-8")
    with pytest.raises(SystemExit) as done:
        main(["smooth", *paths, "-o", str(tmp_path / "out"), "--transitions", str(table), "--progress", "none"])
    assert done.value.code == 0
    assert "came back after one date: 64 before, 0 after" in capsys.readouterr().out
    report = json.loads((tmp_path / "out" / "smoothed_report.json").read_text("utf-8"))
    assert report["transitions"]["matrix"][0][:3] == [0.999, 0.001, 0.0]
    assert report["transitions"]["matrix"][4][4] == 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"transitions": 1.5}, "transitions is 1.5"),
        ({"transitions": {"wood": {"ice": 0.1}}}, "names the class 'ice'"),
        ({"transitions": {"wood": {"field": 1.2}}}, "a probability is 0…1"),
        ({"transitions": {"wood": {"field": 0.7, "water": 0.7}}}, "transitions from wood sum to 1.4"),
        ({"transitions": {"wood": {"wood": 0.7}}}, "transitions from wood sum to 0.7"),
        ({"transitions": "absent.csv"}, "absent.csv cannot be read"),
        ({"maps": 1}, "1 map given"),
        ({"strange": True}, "names the class ice, which a.tif does not"),
    ],
)
def test_bad_input_is_one_line(write_map, tmp_path, given, message):
    from geoseg.classes import MapClass

    given = dict(given)
    classes = (MapClass(0, "wood", "#000000"), MapClass(1, "ice", "#ffffff")) if given.pop("strange", False) else None
    paths = [write_map("a.tif", np.zeros((8, 8), np.uint8))]
    paths.append(write_map("b.tif", np.zeros((8, 8), np.uint8), **({"classes": classes} if classes else {})))
    with pytest.raises(GeosegError, match=message) as caught:
        smooth(paths[: given.pop("maps", 2)], tmp_path / "out", **given)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_nothing_is_replaced_unasked(maps, tmp_path):
    paths, *_ = maps
    smooth(paths[:2], tmp_path, transitions=0.9)
    with pytest.raises(OutputError, match="exists"):
        smooth(paths[:2], tmp_path, transitions=0.9)
    smooth(paths[:2], tmp_path, transitions=0.9, overwrite=True)
