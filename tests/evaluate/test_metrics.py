"""Scores against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoseg.evaluate.metrics import confusion, scores

metrics = pytest.importorskip("sklearn.metrics")

PAIRS = st.integers(1, 200).flatmap(
    lambda n: st.tuples(
        arrays(np.uint8, n, elements=st.integers(0, 4)), arrays(np.int16, n, elements=st.integers(0, 4))
    )
)


@settings(max_examples=30)  # scikit-learn takes its time
@given(PAIRS)
def test_scores_are_those_of_scikit_learn(pair):
    predicted, reference = pair
    matrix = confusion(predicted, reference, 5)
    labels = list(range(5))
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(reference, predicted, labels=labels))
    found = scores(matrix)
    options = {"labels": labels, "average": None, "zero_division": np.nan}
    np.testing.assert_allclose(found.precision, metrics.precision_score(reference, predicted, **options))
    np.testing.assert_allclose(found.recall, metrics.recall_score(reference, predicted, **options))
    np.testing.assert_allclose(found.f1, metrics.f1_score(reference, predicted, **options))
    present = ~np.isnan(found.iou)
    expected = metrics.jaccard_score(reference, predicted, labels=labels, average=None, zero_division=0)
    np.testing.assert_allclose(found.iou[present], expected[present])
    np.testing.assert_array_equal(present, np.isin(labels, np.concatenate([predicted, reference])))
    assert found.overall_accuracy == pytest.approx(metrics.accuracy_score(reference, predicted))
    if len(np.unique(np.concatenate([predicted, reference]))) > 1:
        kappa = metrics.cohen_kappa_score(reference, predicted, labels=labels)
        assert found.kappa == pytest.approx(kappa)


@given(PAIRS, arrays(np.bool_, 200))
def test_what_is_outside_the_classes_is_not_counted(pair, hidden):
    predicted, reference = pair
    hidden = hidden[: len(predicted)]
    masked = np.where(hidden, 255, predicted).astype(np.uint8)
    unlabelled = np.where(hidden, -1, reference).astype(np.int16)
    expected = confusion(predicted[~hidden], reference[~hidden], 5)
    np.testing.assert_array_equal(confusion(masked, reference, 5), expected)
    np.testing.assert_array_equal(confusion(predicted, unlabelled, 5), expected)


def test_more_classes_than_the_type_holds_do_not_wrap_round():
    matrix = confusion(np.array([255], np.uint8), np.array([3], np.uint8), 300)
    assert matrix[3, 255] == 1
    assert matrix.sum() == 1


def test_nothing_to_count():
    found = scores(np.zeros((3, 3), np.int64))
    assert np.isnan([found.overall_accuracy, found.mean_iou, found.kappa, found.mean_f1]).all()
    assert np.isnan(found.iou).all()


@pytest.mark.parametrize("bad", [np.zeros((2, 3)), np.array([[1, -1], [0, 0]])])
def test_what_is_no_confusion_matrix(bad):
    with pytest.raises(ValueError):
        scores(bad)


def test_other_shapes_and_types():
    with pytest.raises(ValueError, match="one shape"):
        confusion(np.zeros(3, int), np.zeros(4, int), 2)
    with pytest.raises(ValueError, match="whole numbers"):
        confusion(np.zeros(3), np.zeros(3, int), 2)
