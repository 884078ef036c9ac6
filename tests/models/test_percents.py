"""Whole percents against a largest-remainder oracle in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geoseg.models import Execution, load_model
from geoseg.models.inference.argmax import decide, decide_sums, percents_of
from geoseg.models.inference.predictor import Predictor

kinds = st.sampled_from(["spread", "sharp", "equal", "one"])


def softmax(kind: str, k: int, h: int, w: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scale = {"spread": 1.0, "sharp": 12.0, "equal": 0.0, "one": 200.0}[kind]
    return torch.randn((1, k, h, w), generator=generator) * scale


def oracle(shares: list[float], winner: int, confidence: int) -> list[int]:
    """Largest remainder for one pixel; the winner keeps its confidence."""
    percents = [math.floor(share) for share in shares]
    percents[winner] = confidence
    losers = [k for k in range(len(shares)) if k != winner]
    losers.sort(key=lambda k: -math.floor((shares[k] % 1) * 256))  # stable: of equals, the first
    for k in losers[: 100 - sum(percents)]:
        percents[k] += 1
    return percents


@given(kinds, st.integers(1, 40), st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_percents_are_the_largest_remainders(kind, k, h, w, seed):
    shares = torch.softmax(softmax(kind, k, h, w, seed)[0], 0).mul_(100)
    best, classes = shares.max(0)
    confidence = best.round().to(torch.uint8)
    expected = [
        oracle(shares[:, row, col].tolist(), int(classes[row, col]), int(confidence[row, col]))
        for row in range(h)
        for col in range(w)
    ]
    found = percents_of(shares.clone(), classes.to(torch.uint8), confidence)
    assert found.reshape(k, -1).T.tolist() == expected


@given(kinds, st.integers(1, 255), st.integers(1, 30), st.integers(0, 99), st.booleans())
def test_percents_sum_to_100_and_agree_with_the_confidence(kind, k, side, seed, blended):
    logits = softmax(kind, k, side, side, seed)
    probabilities = torch.softmax(logits, 1)
    every = tuple(range(k))
    if blended:
        result = decide_sums(probabilities[0] * 0.37, every).to_host()
    else:
        decision, finite = decide(logits, every)
        assert finite
        result = decision.rows(0, slice(None)).to_host()
    percents = result.probabilities.astype(int)
    assert (percents.sum(0) == 100).all()
    assert np.array_equal(np.take_along_axis(percents, result.classes[None].astype(int), 0)[0], result.confidence)
    assert np.abs(percents - 100 * probabilities[0].numpy()).max() < 1
    assert np.array_equal(result.classes, (probabilities if blended else logits)[0].numpy().argmax(0))


def test_a_class_may_end_above_the_winner_by_rounding_only():
    shares = torch.tensor([33.4, 33.3, 33.3]).view(3, 1, 1)
    found = percents_of(shares, torch.zeros((1, 1), dtype=torch.uint8), torch.full((1, 1), 33, dtype=torch.uint8))
    assert found[:, 0, 0].tolist() == [33, 34, 33]


@pytest.mark.parametrize("execution", [Execution(), Execution(batch=2), Execution(channels_last=True)])
def test_a_subset_has_the_bytes_of_those_bands_and_changes_nothing_else(tiny_model, execution):
    data = np.random.default_rng(0).integers(0, 10000, (3, 3, 64, 64)).astype(np.uint16)
    predictor = Predictor(tiny_model, [(1 / 5000, -1.0)] * 3, execution)
    every = tuple(range(len(tiny_model.card.classes)))
    whole, part, plain = (
        predictor.predict(data, None, every),
        predictor.predict(data, None, (2, 0)),
        predictor.predict(data),
    )
    assert np.array_equal(part.probabilities, whole.probabilities[:, [2, 0]])
    assert plain.probabilities.shape == (3, 0, 64, 64)
    for other in (whole, part):
        assert np.array_equal(other.classes, plain.classes)
        assert np.array_equal(other.confidence, plain.confidence)


def test_networks_without_context_give_percents_strip_by_strip():
    model = load_model("spectral")
    data = np.random.default_rng(0).integers(0, 6000, (2, 6, 301, 301)).astype(np.uint16)
    strips, general = (Predictor(model, [(1e-4, 0.0)] * 6, Execution()) for _ in range(2))
    general._pointwise = False
    one, other = (p.predict(data, None, tuple(range(6))).probabilities for p in (strips, general))
    assert (one.sum(1, dtype=int) == 100).all()
    assert (one != other).mean() < 1e-3  # summation order differs at the last bit
    assert np.abs(one.astype(int) - other).max() <= 1
