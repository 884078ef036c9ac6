"""Candidates, their scores on held-out places, and the one that is kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from geoseg.evaluate.calibration import fit_temperature
from geoseg.models.networks.sketch import ANSWERS, LEAST_SHARE
from geoseg.train.sketch.classifier import Classifier, fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_FOLDS = 5

# Pixels that are learned from: of each fit that is scored, and of the last one. Neighbours hardly add to one another.
_MOST_SCORED, _MOST_LEARNED = 4000, 16_000

# Surroundings are tried from so many places on, in the class that has the fewest of those that can be judged: those of
# a few drawings say where they lie, not what they show. Drawings keep to the inside of fields and woods, so held-out
# ones cannot tell what surroundings spoil at the borders.
_PLACES_FOR_CONTEXT = 8

MOST_CANDIDATES = 13
"""So many are compared at most."""

# With more classes fewer candidates are compared.
_MANY_CLASSES = 40

# Added to the shares of classes from which P(class | class of the pretrained network) is estimated.
_SMOOTHING = 0.02

# With fewer held-out pixels no temperature is fitted.
_LEAST_FOR_TEMPERATURE = 200


@dataclass(frozen=True, eq=False)
class Learned:
    """Labelled pixels with their features.

    Attributes
    ----------
    features
        (n, features) float32; of groups as in ``groups``.
    classes, places
        (n,) int64: class 0…count−1, and number of the place.
    count
        Number of classes.
    groups
        Number of features of each kind, in order.
    """

    features: Floats
    classes: NDArray[np.int64]
    places: NDArray[np.int64]
    count: int
    groups: dict[str, int]

    def of(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Learned:
        """Return some of the pixels."""
        return replace(self, features=self.features[rows], classes=self.classes[rows], places=self.places[rows])

    def columns(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the positions of some groups' features, ascending."""
        ends = np.cumsum(list(self.groups.values()))
        spans = {name: np.arange(end - size, end) for (name, size), end in zip(self.groups.items(), ends, strict=True)}
        return np.concatenate([spans[name] for name in self.groups if name in names])

    @cached_property
    def weights(self) -> Floats:
        """(n,) weight of each pixel: a place counts as the root of its pixels, a class as the root of its places."""
        _, place, sizes = np.unique(self.places, return_inverse=True, return_counts=True)
        weights = sizes[place] ** -0.5
        totals = np.bincount(self.classes, weights, self.count)
        return (weights * np.maximum(totals, 1e-12)[self.classes] ** -0.5).astype(np.float32)

    def thinned(self, most: int, seed: int) -> Learned:
        """Return at most about ``most`` pixels, as evenly from places as these have them."""
        if len(self.classes) <= most:
            return self
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(self.classes))
        order = order[np.argsort(self.places[order], kind="stable")]
        _, starts, sizes = np.unique(self.places[order], return_index=True, return_counts=True)
        rank = np.arange(len(order)) - np.repeat(starts, sizes)
        low, high = 1, int(sizes.max())
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if np.minimum(sizes, middle).sum() <= most else (low, middle - 1)
        return self.of(np.sort(order[rank < low]))


@dataclass(frozen=True)
class Candidate:
    """A way to learn.

    Attributes
    ----------
    groups
        Kinds of features that the classifier takes.
    hidden, decay
        Of the classifier.
    trust
        Weight of what the pretrained network says; 0 leaves it out.
    """

    groups: tuple[str, ...]
    hidden: int = 0
    decay: float = 0.01
    trust: float = 0.0


@dataclass(frozen=True, eq=False)
class Expert:
    """A classifier, and P(class | class of the pretrained network), (classes, base classes), if it is used."""

    candidate: Candidate
    classifier: Classifier
    mixture: Floats | None

    def logits(self, pixels: Learned) -> Floats:
        """Return the logits (n, classes) of pixels."""
        found = self.classifier.logits(pixels.features[:, pixels.columns(self.candidate.groups)])
        if self.mixture is not None:
            found = found + np.float32(self.candidate.trust) * _prior(pixels, self.mixture)
        return found


@dataclass(frozen=True, eq=False)
class Verdict:
    """What held-out places say of a candidate.

    Attributes
    ----------
    accuracy
        Mean over classes of the mean over their held-out places of the share of pixels that are right.
    spread
        Standard deviation of the same over folds; None with one fold.
    by_class
        Accuracy of each class; None where it was drawn in one place only and could not be held out.
    places
        Number of places that were held out.
    temperature
        Of the logits, for calibrated probabilities; None with few pixels.
    """

    accuracy: float
    spread: float | None
    by_class: tuple[float | None, ...]
    places: int
    temperature: float | None


@dataclass(eq=False)
class _Scored:
    """Per held-out place: its class, fold, share of right pixels, and mean probability of the right class."""

    classes: list[int] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    sure: list[float] = field(default_factory=list)
    logits: list[Floats] = field(default_factory=list)
    labels: list[NDArray[np.int64]] = field(default_factory=list)

    def merit(self) -> NDArray[np.float64]:
        """Return one number per place: the mean of right pixels and of the probability of the right class."""
        merit: NDArray[np.float64] = (np.array(self.right) + np.array(self.sure)) / 2
        return merit

    def mean(self, values: NDArray[np.float64]) -> float:
        classes = np.array(self.classes)
        return float(np.mean([values[classes == k].mean() for k in np.unique(classes)]))


def learn(
    pixels: Learned, seed: int, tick: Callable[[], None], only: Candidate | None = None
) -> tuple[Expert, Verdict | None, int]:
    """Choose a candidate by held-out places, and fit it to all pixels.

    Parameters
    ----------
    pixels
        What was drawn.
    seed
        Of what is held out.
    tick
        Called between candidates.
    only
        The candidate to take without comparing it to others; held-out places judge it all the same.

    Returns
    -------
    The fitted candidate, what held-out places say of it (None if no class was drawn in two places), and the number of
    candidates that were compared.
    """
    # Threads that wait for one another's part of so small matrices gain nothing, and spin: on a busy machine learning
    # took ten times as long.
    with threadpool_limits(1, user_api="blas"):
        return _learn(pixels, seed, tick, only)


def _learn(
    pixels: Learned, seed: int, tick: Callable[[], None], only: Candidate | None
) -> tuple[Expert, Verdict | None, int]:
    few = pixels.thinned(_MOST_SCORED, seed)
    folds = assign_folds(few.classes, few.places, seed)
    chosen, scored, tried = only or usual(pixels.groups), None, 0
    if (folds >= 0).any():
        scored = _score(chosen, few, folds, seed)
        tried = 1
        for step in () if only is not None else (_classifiers, _trusts, _features):
            best, best_scored = chosen, scored
            for rival in step(chosen, few, folds):
                tick()
                found = _score(rival, few, folds, seed)
                tried += 1
                if _clearly_better(found, scored) and found.mean(found.merit()) > best_scored.mean(best_scored.merit()):
                    best, best_scored = rival, found
            chosen, scored = best, best_scored
    expert = fit_candidate(chosen, pixels.thinned(_MOST_LEARNED, seed), seed)
    return expert, None if scored is None else _verdict(scored, pixels.count), tried


def usual(groups: dict[str, int]) -> Candidate:
    """Return the candidate that is used if nothing can be held out: what does well with few labels everywhere."""
    names = tuple(name for name in groups if name in ("bands", "ratios"))
    return Candidate(names, decay=0.01, trust=2.0 if ANSWERS in groups else 0.0)


def _classifiers(chosen: Candidate, pixels: Learned, folds: NDArray[np.int64]) -> Iterator[Candidate]:  # noqa: ARG001
    # With many classes each fit takes long, and weights that must tell them apart may not be small.
    several = ((0, 0.1), (32, 0.003)) if pixels.count <= _MANY_CLASSES else ()
    for hidden, decay in ((0, 0.001), *several):
        yield replace(chosen, hidden=hidden, decay=decay)


def _trusts(chosen: Candidate, pixels: Learned, folds: NDArray[np.int64]) -> Iterator[Candidate]:  # noqa: ARG001
    if ANSWERS in pixels.groups:
        for trust in (0.0, 0.5, 1.0, 4.0):
            yield replace(chosen, trust=trust)


def _features(chosen: Candidate, pixels: Learned, folds: NDArray[np.int64]) -> Iterator[Candidate]:
    around = [name for name in pixels.groups if name.startswith("window")]
    options: list[tuple[str, ...]] = [(ANSWERS,)]
    held = [np.unique(pixels.places[(pixels.classes == k) & (folds >= 0)]).size for k in range(pixels.count)]
    if around and min((number for number in held if number), default=0) >= _PLACES_FOR_CONTEXT:
        options += [(*around[:1],), (*around[:1], ANSWERS), (*around,), (*around, ANSWERS)]
    for more in options:
        if set(more) <= set(pixels.groups):
            wanted = {*chosen.groups, *more}
            yield replace(chosen, groups=tuple(name for name in pixels.groups if name in wanted))


def assign_folds(classes: NDArray[np.int64], places: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the fold in which each pixel is held out, −1 for those that never are.

    The places of each class are dealt out in turn; a class of one place stays on the training side.
    """
    rng = np.random.default_rng(seed)
    fold = np.full(len(places), -1)
    names, first = np.unique(places, return_index=True)
    for k in np.unique(classes):
        own = names[classes[first] == k]
        if len(own) < 2:
            continue
        for number, place in enumerate(rng.permutation(own)):
            fold[places == place] = number % min(_FOLDS, len(own))
    return fold


def fit_candidate(candidate: Candidate, pixels: Learned, seed: int) -> Expert:
    """Fit a candidate to pixels."""
    mixture = None
    if candidate.trust:
        said = _answers(pixels)
        weights = pixels.weights
        mass = np.stack([
            (said * (weights * (pixels.classes == k))[:, None]).sum(0) / max(weights[pixels.classes == k].sum(), 1e-12)
            for k in range(pixels.count)
        ])  # fmt: skip
        mixture = ((mass + _SMOOTHING) / (mass.sum(0) + _SMOOTHING * pixels.count)).astype(np.float32)
    classifier = fit(
        pixels.features[:, pixels.columns(candidate.groups)], pixels.classes, pixels.weights, pixels.count,
        hidden=candidate.hidden, decay=candidate.decay, seed=seed,
    )  # fmt: skip
    return Expert(candidate, classifier, mixture)


def _answers(pixels: Learned) -> Floats:
    return _softmax(pixels.features[:, pixels.columns((ANSWERS,))])


def _prior(pixels: Learned, mixture: Floats) -> Floats:
    found: Floats = np.log(_answers(pixels) @ mixture.T + np.float32(LEAST_SHARE))
    return found


def _softmax(logits: Floats) -> Floats:
    shares: Floats = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    return shares


def _score(candidate: Candidate, pixels: Learned, folds: NDArray[np.int64], seed: int) -> _Scored:
    scored = _Scored()
    for number in range(int(folds.max()) + 1):
        held = pixels.of(folds == number)
        expert = fit_candidate(candidate, pixels.of(folds != number), seed)
        logits = expert.logits(held)
        sure = _softmax(logits)[np.arange(len(held.classes)), held.classes]
        right = logits.argmax(1) == held.classes
        for place in np.unique(held.places):
            own = held.places == place
            scored.classes.append(int(held.classes[own][0]))
            scored.folds.append(number)
            scored.right.append(float(right[own].mean()))
            scored.sure.append(float(sure[own].mean()))
        scored.logits.append(logits)
        scored.labels.append(held.classes)
    return scored


def _clearly_better(rival: _Scored, known: _Scored) -> bool:
    """Whether the gain over places exceeds its standard error."""
    gains = rival.merit() - known.merit()
    error = float(gains.std()) / max(len(gains) - 1, 1) ** 0.5
    return bool(rival.mean(rival.merit()) > known.mean(known.merit()) + error)


def _verdict(scored: _Scored, count: int) -> Verdict:
    right, classes, folds = np.array(scored.right), np.array(scored.classes), np.array(scored.folds)
    each = [scored_mean for fold in np.unique(folds) for scored_mean in [_balanced(right, classes, folds == fold)]]
    by_class = tuple(float(right[classes == k].mean()) if (classes == k).any() else None for k in range(count))
    logits, labels = np.concatenate(scored.logits), np.concatenate(scored.labels)
    return Verdict(
        accuracy=scored.mean(right),
        spread=float(np.std(each, ddof=1)) if len(each) > 1 else None,
        by_class=by_class,
        places=len(right),
        temperature=fit_temperature(logits, labels) if len(labels) >= _LEAST_FOR_TEMPERATURE else None,
    )


def _balanced(right: NDArray[np.float64], classes: NDArray[np.int64], chosen: NDArray[np.bool_]) -> float:
    return float(np.mean([right[chosen & (classes == k)].mean() for k in np.unique(classes[chosen])]))
