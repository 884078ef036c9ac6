"""Temperatures: those that made the labels are found, and confidence agrees with accuracy afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from geoseg.evaluate.calibration import LEAST, MOST, cross_fitted, fit_temperature, log_loss, reliability


def sampled(temperature, count=40_000, classes=4, seed=0):
    """Logits, and labels drawn with the probabilities that the temperature gives."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (count, classes)).astype(np.float32)
    # The largest of logits plus Gumbel noise is class k with the softmax's probability.
    labels = (logits / temperature + rng.gumbel(size=logits.shape)).argmax(1)
    return logits, labels


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature):
    logits, labels = sampled(temperature)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(temperature, rel=0.03)
    for other in (found / 1.05, found * 1.05):
        assert log_loss(logits, labels, found) < log_loss(logits, labels, other)


def test_it_grows_with_the_logits_and_ignores_shifts():
    logits, labels = sampled(1.3, 2000)
    found = fit_temperature(logits, labels)
    shifts = np.random.default_rng(1).normal(0, 5, (len(logits), 1)).astype(np.float32)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3 * found, rel=1e-3)
    assert fit_temperature(logits + shifts, labels) == pytest.approx(found, rel=1e-3)


def test_it_stays_within_bounds():
    logits, labels = sampled(1.0, 500)
    assert fit_temperature(logits, logits.argmax(1)) == pytest.approx(LEAST, rel=1e-3)
    assert fit_temperature(logits, logits.argmin(1)) == pytest.approx(MOST, rel=1e-3)
    assert np.isfinite(log_loss(1000 * logits, labels, LEAST))


def test_log_loss_and_reliability_are_those_of_the_softmax():
    logits, labels = sampled(1.0, 300)
    shares = np.exp(logits.astype(float) / 1.7)
    shares /= shares.sum(1, keepdims=True)
    assert log_loss(logits, labels, 1.7) == pytest.approx(-np.log(shares[np.arange(300), labels]).mean(), rel=1e-5)
    counted = reliability(logits, labels, 1.7)
    percent = np.rint(100 * shares.max(1)).astype(int)
    np.testing.assert_array_equal(counted.pixels, np.bincount(percent, minlength=101))
    right = shares.argmax(1) == labels
    np.testing.assert_array_equal(counted.right, np.bincount(percent[right], minlength=101))


def test_cross_fitting_shows_what_a_temperature_gains():
    logits, labels = sampled(2.0)
    result = cross_fitted(logits, labels, np.arange(len(labels)) % 4)
    assert result["temperature"] == pytest.approx(2, rel=0.03)
    assert result["before"]["ece"] > 0.1
    assert result["after"]["ece"] < 0.02
    assert result["after"]["log_loss"] < result["before"]["log_loss"]
    assert result["before"]["mean_confidence"] > result["accuracy"] + 0.1
    assert sum(entry["pixels"] for entry in result["after"]["curve"]) == result["pixels"] == len(labels)


def test_cross_fitting_shows_when_a_temperature_does_not_carry_over():
    """Two groups that need opposite temperatures: each spoils the other."""
    parts = sampled(0.5, 5000, seed=1), sampled(3.0, 5000, seed=2)
    logits, labels = (np.concatenate(both) for both in zip(*parts, strict=True))
    result = cross_fitted(logits, labels, np.arange(10_000) // 5000)
    assert result["after"]["log_loss"] > result["before"]["log_loss"]
