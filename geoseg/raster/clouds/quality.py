"""A quality band on the grid of a raster, read with its pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.raster.types import ReadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from geoseg.raster.clouds.kinds import Rule
    from geoseg.raster.types import BandSource
    from geoseg.tiling import Box


@dataclass(frozen=True, eq=False)
class Quality:
    """Where pixels of a raster are clouds, shadows or snow, and which of these are missing.

    Attributes
    ----------
    title
        What messages call it: ``"SCL"``.
    source
        What it is read from, on the grid of the raster's sources, by the nearest pixels.
    rules
        What its values mean.
    masked
        What is masked: of :data:`geoseg.raster.clouds.kinds.MASKED`.
    dtype
        Type of its values.
    chosen
        Whether the user has asked for it.
    """

    title: str
    source: BandSource
    rules: tuple[Rule, ...]
    masked: frozenset[str]
    dtype: str
    chosen: bool = False

    @property
    def told(self) -> frozenset[str]:
        """What can be told from it."""
        return frozenset[str]().union(*(rule.meanings for rule in self.rules))

    def without(self, names: Iterable[str]) -> Quality | None:
        """Return what masks less; None if nothing is left."""
        left = self.masked - set(names)
        return replace(self, masked=left) if left else None

    def recipe(self) -> str:
        """Return text that changes whenever what is masked might change."""
        text = repr((self.source.recipe(), self.rules, sorted(self.masked)))
        return hashlib.sha256(text.encode()).hexdigest()

    def request(self, box: Box, shape: tuple[int, int]) -> ReadRequest:
        """Return what has to be read for the pixels of a box on the grid of the sources."""
        bands = tuple(rule.band for rule in self.rules)
        out: NDArray[Any] = np.zeros((len(bands), *shape), self.dtype)
        return ReadRequest(bands, (None,) * len(bands), box, out, np.ones(shape, np.bool_))

    def kept(self, request: ReadRequest, masked: frozenset[str] | None = None) -> NDArray[np.bool_]:
        """Return which pixels of a request that has been filled are neither masked nor outside of the quality band.

        With ``masked`` as if that was masked.
        """
        kept = request.valid.copy()
        for rule, values in zip(self.rules, request.out, strict=True):
            # Integers but for files that hold their quality band beside measurements in floating point.
            whole = values if values.dtype.kind == "u" and values.dtype.itemsize <= 2 else _whole(values)
            kept &= rule.table(self.masked if masked is None else masked)[whole]
        return kept


def _whole(values: NDArray[Any]) -> NDArray[np.uint16]:
    finite = np.nan_to_num(values, nan=0.0) if values.dtype.kind == "f" else values
    whole: NDArray[np.uint16] = np.clip(finite, 0, 65_535).astype(np.uint16)
    return whole
