"""What a detector finds in windows, as arrays and as bytes. Never imports torch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BYTES = np.zeros(0, np.uint8)
_NONE = np.zeros(0, np.float32)

_ARRAYS = ("boxes", "scores", "classes", "windows", "cut", "bits", "full")


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes that were found in some windows of a scene.

    Attributes
    ----------
    boxes
        float32 (n, 4): top, left, bottom and right edge in pixels of the scene.
    scores
        float32 (n,), 0…1.
    classes
        uint8 (n,): class number in the model's card.
    windows
        int64 (n, 2): row and column of the window's cell in the lattice of keep cells.
    cut
        bool (n,): whether the box reaches the edge of the scene's valid pixels.
    bits
        uint8: masks one after another, each over the pixels that its box touches, row by row, eight pixels a byte and
        filled up to a whole byte; empty for detectors without masks.
    full
        float32 (k,): the lowest score in each window with as many boxes as the detector returns at most.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.uint8]
    windows: NDArray[np.int64]
    cut: NDArray[np.bool_]
    bits: NDArray[np.uint8] = field(default_factory=lambda: _BYTES)
    full: NDArray[np.float32] = field(default_factory=lambda: _NONE)

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls) -> Detections:
        """Return no detections."""
        zeros = np.zeros(0, np.float32)
        return cls(np.zeros((0, 4), np.float32), zeros, zeros.astype(np.uint8), np.zeros((0, 2), np.int64), zeros > 0)

    @classmethod
    def joined(cls, parts: Sequence[Detections]) -> Detections:
        """Return the detections of all parts."""
        if not parts:
            return cls.none()
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
        return cls(**joined)

    def to_bytes(self) -> bytes:
        """Return the content of a file of detections."""
        file = io.BytesIO()
        np.savez_compressed(file, **{name: getattr(self, name) for name in _ARRAYS})
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Detections:
        """Return the detections in a file.

        Raises
        ------
        ValueError
            If the file is damaged.
        """
        from zipfile import BadZipFile

        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                return cls(**{name: file[name] for name in _ARRAYS})
        except (BadZipFile, KeyError, OSError, EOFError) as error:
            raise ValueError(f"no file of detections: {error}") from error


def touched(boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the pixels that boxes touch, int64 (n, 4): first row and column, last row and column + 1."""
    low, high = np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])
    return np.hstack([low, np.maximum(high, low + 1)]).astype(np.int64)


def mask_bytes(boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the bytes that the mask of each box takes, int64 (n,)."""
    pixels = touched(boxes)
    return np.asarray(-(-(pixels[:, 2] - pixels[:, 0]) * (pixels[:, 3] - pixels[:, 1]) // 8))
