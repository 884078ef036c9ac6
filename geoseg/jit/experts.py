"""Features of a pixel, a small classifier on them, and another classifier's opinion, in vector registers.

What frameworks do in some eighty passes over a raster, each of which goes through memory, is done here for a block of
pixels at a time: the vectors are pixels side by side, the weights are numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from geoseg.jit.machine import Once, machine_code
from geoseg.jit.vectors import Array, Writer, by_rows, checked, entry_of, lanes_here, row_of

MOST_FEATURES = 64
"""More would make the code long, and compiling it slow."""


@dataclass(frozen=True)
class Form:
    """Sizes and kinds, which the machine code is made for.

    Attributes
    ----------
    logs
        For each band, whether it enters as logarithm.
    pairs
        Positions of two bands, both of ``logs``, whose normalised difference is a feature.
    said
        Classes of the other classifier; 0 without one.
    answers
        Whether its scores are features.
    prior
        Whether its probabilities are weighed in.
    hidden
        Units of the hidden layer; 0 for a linear classifier.
    classes
        Classes of the result.
    limit
        Standardised bands are limited to this, on both sides of 0.
    least
        Added to the other classifier's probabilities of the result's classes.
    """

    logs: tuple[bool, ...]
    pairs: tuple[tuple[int, int], ...]
    said: int
    answers: bool
    prior: bool
    hidden: int
    classes: int
    limit: float
    least: float

    @property
    def features(self) -> int:
        """Number of features."""
        return len(self.logs) + len(self.pairs) + (self.said if self.answers else 0)


@dataclass(frozen=True)
class Weights:
    """What is learned, and what values are standardised by; all float32.

    Attributes
    ----------
    zero, floor, center, spread
        (bands,): (log(max(x − zero, 0) / floor + 1) − center) / spread; x − zero in place of the logarithm, for others.
    layers
        Matrix (units, inputs) and bias (units,) of one layer or two, with ReLU between them.
    mixture
        (classes, other classes), shares; empty without prior.
    trust
        Exponent of the other classifier's probabilities.
    """

    zero: Array
    floor: Array
    center: Array
    spread: Array
    layers: tuple[tuple[Array, Array], ...]
    mixture: Array
    trust: float

    @functools.cached_property
    def as_read(self) -> list[Array]:
        """As machine code reads them: bands in four rows; the units of a layer side by side, its inputs below."""
        matrices = [part for matrix, bias in self.layers for part in (matrix.T, bias)]
        matrices += [np.zeros(1, np.float32)] * (4 - len(matrices))
        bands = np.stack([self.zero, 1 / self.floor, self.center, 1 / self.spread])
        parts = [bands, *matrices, self.mixture, np.full(1, self.trust, np.float32)]
        return [np.ascontiguousarray(part, np.float32) for part in parts]


def weigh(
    form: Form, weights: Weights, pixels: Array, said: Array, out: Array, *, pool: Executor | None = None,
    threads: int = 1,
) -> None:  # fmt: skip
    """Compute scores of every pixel: the classifier's, plus ``trust · log(mixture @ softmax(said) + least)``.

    Releases the GIL. What is computed of a pixel does not depend on how the arrays are cut. A pixel with 0 in all bands
    has features of 0.

    Parameters
    ----------
    form, weights
        What is computed.
    pixels
        (bands, h, w), h even and w a multiple of :data:`geoseg.jit.vectors.STEP`. All arrays are float32, and their
        rows contiguous.
    said
        (said, h, w): the other classifier's scores.
    out
        (classes, h, w): scores.
    pool, threads
        What computes the rows, divided among so many threads; None: the caller.

    Raises
    ------
    ValueError
        If shapes or types do not fit.
    """
    height, across = pixels.shape[1:]
    checked({
        "pixels": (pixels, (len(form.logs), height, across)),
        "said": (said, (form.said, height, across)),
        "out": (out, (form.classes, height, across)),
    }, 2)  # fmt: skip
    function, numbers = _compiled(form)[1], [part.ctypes.data for part in weights.as_read]

    def compute(start: int, stop: int) -> None:
        places = *row_of(pixels, start), *row_of(said, start), *row_of(out, start)
        function(*places, *numbers, stop - start, across)

    by_rows(compute, height, 2, pool, threads)


_ARRAYS = ("pixels", "said", "out")
_WEIGHTS = ("bands", "w1", "b1", "w2", "b2", "mixture", "trust")


@Once
def _compiled(form: Form) -> tuple[Any, Callable[..., None]]:
    """Return the engine that owns the code, and its function."""
    engine, address = machine_code(_Writer(form, *lanes_here()).text())
    return engine, entry_of(address, len(_ARRAYS), len(_WEIGHTS))


class _Writer(Writer):
    """Writes the function.

    Parameters
    ----------
    form
        What is computed.
    lanes, most
        As a :class:`Writer` takes them.
    """

    def __init__(self, form: Form, lanes: int, most: int) -> None:
        super().__init__(lanes, most)
        self.form = form

    def text(self) -> str:
        """Return the assembly of the function ``entry``."""
        form = self.form
        self.head(_ARRAYS, _WEIGHTS, {"f": form.features, "h": max(form.hidden, 1), "z": form.classes})
        row = self.loop("row", "0", 2)
        col = self.loop("col", "0", self.lanes)
        for line in (0, 1):
            self._features(self.add(row, line), col, line)
        source, inputs = "%f", form.features
        if form.hidden:
            self.layer("l1", source, inputs, form.hidden, ("%w1", "%b1"), self._keep_hidden)
            source, inputs = "%h", form.hidden
        names = ("%w2", "%b2") if form.hidden else ("%w1", "%b1")
        self.layer("l2", source, inputs, form.classes, names, self._keep_scores)
        for line in (0, 1):
            self._finish(self.add(row, line), col, line)
        self.end("col", "%cols")
        self.end("row", "%rows")
        return self.tail()

    def _plane(self, name: str, row: str, col: str, number: int) -> str:
        return self.at(f"%{name}", self.times(row, f"%{name}.r"), col, self.times(f"%{name}.c", number))

    def _features(self, row: str, col: str, line: int) -> None:
        """Keep the features of one row's pixels."""
        form, nothing = self.form, "zeroinitializer"
        bands = len(form.logs)
        given = [self.load(self._plane("pixels", row, col, band), self.lanes) for band in range(bands)]
        masks = [self.set(f"fcmp une {self.vector} {value}, {nothing}") for value in given]
        valid = masks[0]
        for mask in masks[1:]:
            valid = self.set(f"or <{self.lanes} x i1> {valid}, {mask}")

        def keep(place: int, value: str) -> None:
            shown = self.set(f"select <{self.lanes} x i1> {valid}, {self.vector} {value}, {self.vector} {nothing}")
            self.keep("%f", str(2 * place + line), shown)

        planes = []
        for band, value in enumerate(given):
            zero, scale, center, narrow = (self.number(self.at("%bands", str(k * bands + band))) for k in range(4))
            plane = self.of("fsub", value, zero)
            if form.logs[band]:
                plane = self.choose("olt", plane, nothing, nothing, plane)
                plane = self.of("fadd", self.of("fmul", plane, scale), self.constant(1.0))
            planes.append(plane)
            shown = self.log(plane) if form.logs[band] else plane
            shown = self.of("fmul", self.of("fsub", shown, center), narrow)
            for condition, bound in (("olt", -form.limit), ("ogt", form.limit)):
                shown = self.choose(condition, shown, self.constant(bound), self.constant(bound), shown)
            keep(band, shown)
        for place, (i, j) in enumerate(form.pairs, bands):
            difference, total = (self.of(operation, planes[i], planes[j]) for operation in ("fsub", "fadd"))
            keep(place, self.of("fdiv", difference, total))
        if form.answers:
            first = bands + len(form.pairs)
            for number in range(form.said):
                value = self.load(self._plane("said", row, col, number), self.lanes)
                self.keep("%f", str(2 * (first + number) + line), value)

    def _keep_hidden(self, unit: int, line: int, value: str) -> None:
        self.keep("%h", str(2 * unit + line), self.relu(value))

    def _keep_scores(self, unit: int, line: int, value: str) -> None:
        self.keep("%z", str(2 * unit + line), value)

    def _finish(self, row: str, col: str, line: int) -> None:
        """Add the other classifier's opinion to the scores, and write them."""
        form = self.form
        shares = self._shares(row, col) if form.prior else []
        trust = self.number("%trust")
        for unit in range(form.classes):
            score = self.kept("%z", str(2 * unit + line))
            if form.prior:
                share = self.constant(form.least)
                for number, value in enumerate(shares):
                    weight = self.number(self.at("%mixture", str(unit * form.said + number)))
                    share = self.fused(value, weight, share, self.vector)
                score = self.fused(self.log(share), trust, score, self.vector)
            self.store(score, self._plane("out", row, col, unit))

    def _shares(self, row: str, col: str) -> list[str]:
        """Return the other classifier's probabilities."""
        scores = [self.load(self._plane("said", row, col, k), self.lanes) for k in range(self.form.said)]
        most = scores[0]
        for score in scores[1:]:
            most = self.choose("ogt", score, most, score, most)
        powers = [self.exp(self.of("fsub", score, most)) for score in scores]
        total = powers[0]
        for power in powers[1:]:
            total = self.of("fadd", total, power)
        whole = self.of("fdiv", self.constant(1.0), total)
        return [self.of("fmul", power, whole) for power in powers]
