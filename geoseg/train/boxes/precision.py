"""Average precision of objects over windows, as COCO computes it but without its limit of 100 an image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.evaluate.objects.precision import IOUS, interpolated

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Matches:
    """Boxes of some windows, matched to the objects there.

    Attributes
    ----------
    scores, classes
        float64 and int64 (n,), of each box that counts.
    hits
        bool (n, 10): whether it is right, per IoU.
    wanted
        Objects that count, per class number.
    """

    scores: list[NDArray[np.float64]] = field(default_factory=list)
    classes: list[NDArray[np.int64]] = field(default_factory=list)
    hits: list[NDArray[np.bool_]] = field(default_factory=list)
    wanted: dict[int, int] = field(default_factory=dict)

    def add(
        self,
        found: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
        home: NDArray[np.bool_],
        reference: tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]],
    ) -> None:
        """Match the boxes of a window.

        Parameters
        ----------
        found
            Boxes (n, 4), scores and classes.
        home
            bool (n,): boxes that count as wrong if they match nothing.
        reference
            Boxes (m, 4), classes, and which objects count. A box that matches one that does not counts neither as
            right nor as wrong.
        """
        boxes, scores, classes = found
        truth, kinds, counted = reference
        self.add_overlaps(_iou(boxes, truth), (scores, classes), home, (kinds, counted))

    def add_overlaps(
        self,
        overlaps: NDArray[np.float64],
        found: tuple[NDArray[Any], NDArray[Any]],
        home: NDArray[np.bool_],
        reference: tuple[NDArray[Any], NDArray[np.bool_]],
    ) -> None:
        """Match the objects of a window, boxes or not, by their IoU (n, m); all else as of :meth:`add`."""
        scores, classes = found
        kinds, counted = reference
        for kind in np.unique(kinds[counted]).tolist():
            self.wanted[kind] = self.wanted.get(kind, 0) + int((counted & (kinds == kind)).sum())
        order = np.argsort(-scores, kind="stable")
        iou = np.where(classes[order][:, None] == kinds[None, :], overlaps[order], 0.0)
        hits = np.zeros((len(order), len(IOUS)), np.bool_)
        ignored = np.zeros((len(order), len(IOUS)), np.bool_)
        for level, least in enumerate(IOUS):
            free = np.ones(len(kinds), np.bool_)
            for number in range(len(order)):
                fits = free & (iou[number] >= least)
                own = fits & counted
                if not fits.any():
                    continue
                best = int(np.argmax(np.where(own if own.any() else fits, iou[number], -1)))
                free[best] = False
                hits[number, level], ignored[number, level] = counted[best], not counted[best]
        # A box counts at all if it is at home, or right at some IoU.
        used = (home[order] & ~ignored[:, 0]) | hits.any(1)
        self.scores.append(scores[order][used].astype(np.float64))
        self.classes.append(classes[order][used].astype(np.int64))
        self.hits.append(hits[used])

    def joined(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
        """Return scores, classes and hits of all windows, the highest score first."""
        scores = np.concatenate([np.zeros(0), *self.scores])
        classes = np.concatenate([np.zeros(0, np.int64), *self.classes])
        hits = np.concatenate([np.zeros((0, len(IOUS)), np.bool_), *self.hits])
        order = np.argsort(-scores, kind="stable")
        return scores[order], classes[order], hits[order]

    def result(self, names: dict[int, str]) -> dict[str, Any]:
        """Return the scores by name; of classes without an object none.

        Parameters
        ----------
        names
            Name of each class number.
        """
        scores, classes, hits = self.joined()
        each: dict[str, dict[str, Any]] = {}
        for kind, name in names.items():
            wanted = self.wanted.get(kind, 0)
            if not wanted:
                continue
            own = hits[classes == kind]
            levels = np.array([interpolated(own[:, level], wanted) for level in range(len(IOUS))])
            each[name] = {
                "ap50": _plain(levels[0]),
                "ap": _plain(levels.mean()),
                "ap75": _plain(levels[5]),
                "objects": wanted,
            }
        total = sum(self.wanted.values())
        means = {
            key: _plain(np.mean([one[key] for one in each.values()])) if each else None
            for key in ("ap50", "ap", "ap75")
        }
        return {**means, **_best(scores, hits[:, 0], total), "objects": total, "classes": each}


def _best(scores: NDArray[np.float64], right: NDArray[np.bool_], wanted: int) -> dict[str, float | None]:
    """Return the score with the highest F1 at an IoU of 0.5, and F1, precision and recall there."""
    names = ("score", "f1", "precision", "recall")
    if not len(scores) or not wanted:
        return dict.fromkeys(names)
    hits = np.cumsum(right)
    number = np.arange(1, len(scores) + 1)
    last = np.append(scores[1:] != scores[:-1], True)  # boxes of one score stand or fall together
    f1 = np.where(last, 2 * hits / (number + wanted), -1.0)
    best = int(f1.argmax())
    values = (scores[best], f1[best], hits[best] / number[best], hits[best] / wanted)
    return {name: _plain(value) for name, value in zip(names, values, strict=True)}


def _iou(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(2)
    areas = [np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(1) for boxes in (one, other)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9), np.float64)


def _plain(value: Any) -> float:
    return round(float(value), 4)
