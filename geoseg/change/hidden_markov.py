"""Hidden Markov models of pixels over dates: what was there, given what the maps say.

The state of a pixel is its true class; from one date to the next it changes by a matrix of probabilities, and a map
shows the true class with the probability that its confidence says, else one of the others (Rabiner 1989, Proceedings of
the IEEE 77(2), doi:10.1109/5.18626). A date without data says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoseg.classes import NODATA

if TYPE_CHECKING:
    from numpy.typing import NDArray

RELIABILITY = 0.8
"""Probability that a map without confidence shows the true class."""

# A confidence of 100 % does not mean that the map cannot be wrong, and below 1/K it would speak for the others.
_MOST = 0.99

# Pixels that are solved at a time: their scores fit the cache of a core.
_CHUNK = 16_384


def likelihoods(observed: NDArray[np.uint8], confidence: NDArray[np.uint8] | None, classes: int) -> NDArray[np.float32]:
    """Return the probability of what the maps show, for each true class.

    Parameters
    ----------
    observed
        Positions of the classes (dates, n), 255 without data.
    confidence
        Percent (dates, n), 255 where unknown; None for :data:`RELIABILITY` everywhere.
    classes
        Number of classes, K.

    Returns
    -------
    float32 (dates, K, n); 1 for every class where there is no data.
    """
    share = np.full(observed.shape, RELIABILITY, np.float32)
    if confidence is not None:
        share = np.where(confidence == NODATA, share, confidence / np.float32(100))
    share = np.clip(share, np.float32(1.05 / classes), np.float32(_MOST))
    other = ((1 - share) / (classes - 1)).astype(np.float32)
    result = np.repeat(other[:, None], classes, 1)
    for position in range(classes):
        np.copyto(result[:, position], share, where=observed == position)
    np.copyto(result, np.float32(1), where=(observed == NODATA)[:, None])
    return result


def most_likely(
    likelihood: NDArray[np.float32], transitions: NDArray[np.float64], start: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return the most likely sequence of true classes (dates, n); Viterbi's algorithm.

    Parameters
    ----------
    likelihood
        (dates, K, n), as :func:`likelihoods` returns it.
    transitions
        (K, K): row i holds the probabilities of each class after class i.
    start
        (K,): probabilities of the classes at the first date.

    Examples
    --------
    >>> import numpy as np
    >>> seen = np.array([[0], [1], [0]], np.uint8)  # one pixel, three dates
    >>> stay = np.array([[0.95, 0.05], [0.05, 0.95]])
    >>> most_likely(likelihoods(seen, None, 2), stay, np.array([0.5, 0.5])).ravel()
    array([0, 0, 0], dtype=uint8)
    """
    dates, _, count = likelihood.shape
    result = np.empty((dates, count), np.uint8)
    with np.errstate(divide="ignore"):
        steps, first = np.log(transitions).astype(np.float32), np.log(start).astype(np.float32)
    for begin in range(0, count, _CHUNK):
        part = slice(begin, begin + _CHUNK)
        result[:, part] = _viterbi(np.log(likelihood[:, :, part]), steps, first)
    return result


def _viterbi(seen: NDArray[np.float32], steps: NDArray[np.float32], first: NDArray[np.float32]) -> NDArray[np.uint8]:
    dates, classes, count = seen.shape
    score = first[:, None] + seen[0]
    came = np.zeros((dates, classes, count), np.uint8)
    for date in range(1, dates):
        best = np.empty_like(score)
        for now in range(classes):
            top = score[0] + steps[0, now]
            origin = came[date, now]
            for before in range(1, classes):
                other = score[before] + steps[before, now]
                larger = other > top
                np.copyto(top, other, where=larger)
                np.copyto(origin, np.uint8(before), where=larger)
            best[now] = top
        score = best + seen[date]
    path = np.empty((dates, count), np.uint8)
    path[-1] = score.argmax(0)
    for date in range(dates - 1, 0, -1):
        path[date - 1] = np.take_along_axis(came[date], path[date][None].astype(np.intp), 0)[0]
    return path


def learn(likelihood: NDArray[np.float32], rounds: int = 15) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the transitions (K, K) and the start (K,) under which what the maps show is most likely.

    Baum and Welch's algorithm from a matrix that mostly stays. A thousandth of each row is kept for every class, so
    that no change is impossible only because the sample did not show it.

    Parameters
    ----------
    likelihood
        (dates, K, n), as :func:`likelihoods` returns it; at least two dates.
    rounds
        Number of iterations.
    """
    dates, classes, _ = likelihood.shape
    transitions = np.full((classes, classes), 0.1 / max(classes - 1, 1))
    np.fill_diagonal(transitions, 0.9)
    start = np.full(classes, 1 / classes)
    seen = likelihood.astype(np.float64)
    for _ in range(rounds):
        forward, backward = _passes(seen, transitions, start)
        counts = np.zeros((classes, classes))
        for date in range(1, dates):
            after = seen[date] * backward[date]
            joint = np.einsum("in,ij,jn->ijn", forward[date - 1], transitions, after)
            counts += (joint / joint.sum((0, 1))).sum(2)
        posterior = forward[0] * backward[0]
        start = (posterior / posterior.sum(0)).mean(1)
        transitions = counts / np.maximum(counts.sum(1, keepdims=True), 1e-12)
        transitions = (transitions + 1e-3) / (transitions + 1e-3).sum(1, keepdims=True)
    return transitions, start


def _passes(
    seen: NDArray[np.float64], transitions: NDArray[np.float64], start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return forward and backward probabilities (dates, K, n), each scaled to a sum of 1."""
    forward, backward = np.empty_like(seen), np.empty_like(seen)
    forward[0] = start[:, None] * seen[0]
    forward[0] /= forward[0].sum(0)
    for date in range(1, len(seen)):
        forward[date] = (transitions.T @ forward[date - 1]) * seen[date]
        forward[date] /= forward[date].sum(0)
    backward[-1] = 1 / seen.shape[1]
    for date in range(len(seen) - 1, 0, -1):
        backward[date - 1] = transitions @ (backward[date] * seen[date])
        backward[date - 1] /= backward[date - 1].sum(0)
    return forward, backward
