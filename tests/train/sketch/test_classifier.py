"""The classifier against a known optimum, its gradient against differences, and the choice of what is held out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.models.networks.sketch import ANSWERS
from geoseg.train.sketch.classifier import _Problem, fit, minimize
from geoseg.train.sketch.learn import Candidate, Learned, assign_folds, fit_candidate, learn, usual


def blobs(seed: int = 0, classes: int = 3, places: int = 4, size: int = 20, spread: float = 0.3):
    """Pixels of classes around corners of a simplex, in places that differ a little."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(classes), places * size)
    place = np.repeat(np.arange(classes * places), size)
    x = np.eye(classes, 6)[y] + spread * rng.normal(size=(classes * places, 6))[place] * 0.5
    x = x + spread * rng.normal(size=x.shape)
    return Learned(x.astype(np.float32), y, place, classes, {"bands": 6})


@pytest.mark.parametrize("hidden", [0, 5])
@pytest.mark.parametrize("given", [False, True])
def test_the_gradient_is_that_of_the_loss(hidden, given):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 4)).astype(np.float32), rng.integers(0, 3, 30)
    shapes = [(5, 5), (3, 6)] if hidden else [(3, 5)]
    offset = rng.normal(size=(30, 3)).astype(np.float32) if given else None
    share = np.full(30, 1 / 30, np.float32)
    problem = _Problem(x, y, share, shapes, 0.02, offset)
    at = rng.normal(size=sum(a * b for a, b in shapes)).astype(np.float32)
    gradient = problem(at)[1]
    for i in range(len(at)):
        step = np.zeros_like(at)
        step[i] = 1e-2
        numeric = (problem(at + step)[0] - problem(at - step)[0]) / 2e-2
        assert gradient[i] == pytest.approx(numeric, abs=2e-3)


def test_softmax_regression_finds_the_optimum_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    pixels = blobs(spread=0.8)
    x = (pixels.features - pixels.features.mean(0)) / pixels.features.std(0)
    n, decay = len(x), 0.01
    weights = np.ones(n, np.float32)
    ours = fit(pixels.features, pixels.classes, weights, 3, decay=decay, iterations=500)
    # Their loss: C · sum of cross entropies + |w|²/2; ours: mean + decay |w|².
    theirs = linear.LogisticRegression(C=1 / (2 * decay * n), max_iter=2000, tol=1e-8).fit(x, pixels.classes)
    found = ours.logits(pixels.features)
    found = np.exp(found - found.max(1, keepdims=True))
    assert np.abs(found / found.sum(1, keepdims=True) - theirs.predict_proba(x)).max() < 0.01


def test_minimize_finds_the_minimum_of_a_bad_valley():
    def rosenbrock(x):
        a, b = map(float, x)
        gradient = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)], np.float32)
        return (1 - a) ** 2 + 100 * (b - a * a) ** 2, gradient

    assert minimize(rosenbrock, np.array([-1.2, 1], np.float32), 200) == pytest.approx([1, 1], abs=0.1)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=6), st.integers(0, 99))
def test_every_class_stays_on_the_training_side_and_places_are_never_cut(places, seed):
    classes = np.repeat(np.arange(len(places)), np.array(places) * 3)
    place = np.repeat(np.arange(sum(places)), 3)
    fold = assign_folds(classes, place, seed)
    for k, number in enumerate(places):
        own = fold[classes == k]
        assert (own >= 0).all() if number > 1 else (own == -1).all()
        for one in range(int(fold.max()) + 1):
            assert (own != one).any()
    for one in np.unique(place):
        assert len(np.unique(fold[place == one])) == 1


def test_the_score_is_of_places_that_were_held_out():
    # Each place has a colour of its own that says nothing of its class: pixels of a held-out place are guesses, however
    # well those of the same place could be told.
    rng = np.random.default_rng(0)
    place = np.repeat(np.arange(24), 30)
    x = rng.normal(size=(24, 20))[place] + 0.01 * rng.normal(size=(720, 20))
    pixels = Learned(x.astype(np.float32), place % 2, place, 2, {"bands": 20})
    expert, verdict, _ = learn(pixels, 0, lambda: None)
    assert (expert.logits(pixels).argmax(1) == pixels.classes).mean() > 0.9
    assert verdict is not None
    assert 0.2 < verdict.accuracy < 0.8
    assert verdict.places == 24


def test_what_a_pretrained_network_says_counts_where_it_knows_more():
    # Bands are noise, the network is right; its class 0 and 1 are one class here, and its 2 is two.
    rng = np.random.default_rng(0)
    place = np.repeat(np.arange(30), 20)
    said = rng.integers(0, 3, 30)[place]
    y = np.where(said == 2, 1, 0)
    logits = 5 * np.eye(3)[said] + rng.normal(size=(600, 3))
    x = np.hstack([rng.normal(size=(600, 4)), logits]).astype(np.float32)
    pixels = Learned(x, y, place, 2, {"bands": 4, ANSWERS: 3})
    expert, verdict, _ = learn(pixels, 0, lambda: None)
    assert verdict.accuracy > 0.95
    assert expert.mixture.shape == (2, 3)
    assert expert.mixture.sum(0) == pytest.approx(np.ones(3), abs=1e-5)


def test_a_pretrained_network_that_is_wrong_everywhere_is_left_out():
    pixels = blobs(places=6, spread=0.4)
    wrong = np.random.default_rng(1).normal(size=(len(pixels.classes), 4)).astype(np.float32) * 6
    # One answer per place, which holds for other places of other classes.
    wrong = wrong[np.searchsorted(np.unique(pixels.places), pixels.places)]
    both = Learned(np.hstack([pixels.features, wrong]), pixels.classes, pixels.places, 3, {"bands": 6, ANSWERS: 4})
    plain = learn(pixels, 0, lambda: None)[1].accuracy
    assert learn(both, 0, lambda: None)[1].accuracy > plain - 0.05


def test_nothing_is_judged_where_each_class_has_one_place():
    pixels = blobs(places=1)
    expert, verdict, tried = learn(pixels, 0, lambda: None)
    assert verdict is None
    assert tried == 0
    assert expert.candidate == usual(pixels.groups)
    assert (expert.logits(pixels).argmax(1) == pixels.classes).mean() > 0.9


def test_large_places_do_not_drown_small_ones():
    pixels = blobs()
    thin = pixels.thinned(60, 0)
    assert np.unique(thin.places, return_counts=True)[1].tolist() == [5] * 12
    sums = [pixels.weights[pixels.classes == k].sum() for k in range(3)]
    assert sums == pytest.approx([sums[0]] * 3)


def test_a_fitted_candidate_takes_only_its_features():
    pixels = blobs()
    wide = Learned(np.hstack([pixels.features, 1e3 * pixels.features]), pixels.classes, pixels.places, 3,
                   {"bands": 6, "window 3": 6})  # fmt: skip
    expert = fit_candidate(Candidate(("bands",)), wide, 0)
    changed = Learned(np.hstack([pixels.features, 0 * pixels.features]), pixels.classes, pixels.places, 3, wide.groups)
    assert np.array_equal(expert.logits(wide), expert.logits(changed))
