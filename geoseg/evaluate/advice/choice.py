"""Which regions to propose: uncertain, large, unlike what is labelled, and spread over the scene and over classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.advice.differences import Space


def choose(
    masses: NDArray[np.float64],
    classes: NDArray[np.int64],
    positions: NDArray[np.float64],
    space: Space,
    *,
    count: int,
    apart: float,
) -> tuple[list[int], NDArray[np.float64]]:
    """Choose regions one after another: the next is the best, given what is labelled and chosen.

    The value of a region is uncertainty × area × difference to the labels and to the regions chosen before, divided by
    how often its class was chosen, and less the nearer it lies to one of them.

    Parameters
    ----------
    masses
        (n,) uncertainty × area.
    classes
        (n,) the class that the model believes.
    positions
        (n, 2) places on the ground.
    space
        Differences.
    count
        How many to choose.
    apart
        Regions nearer than this to a chosen one count less, in proportion.

    Returns
    -------
    Positions of the chosen regions, best first, and the value of each when it was chosen.
    """
    difference, spread = space.first(), np.ones(len(masses))
    chosen_of = np.zeros(int(classes.max(initial=0)) + 1)
    open_ = masses > 0
    chosen: list[int] = []
    values: list[float] = []
    for _ in range(min(count, int(open_.sum()))):
        value = np.where(open_, masses * difference * spread / (1 + chosen_of[classes]), -1.0)
        best = int(value.argmax())
        chosen.append(best)
        values.append(float(value[best]))
        open_[best] = False
        chosen_of[classes[best]] += 1
        difference = np.minimum(difference, space.to(best))
        gaps = np.sqrt(((positions - positions[best]) ** 2).sum(1))
        spread = np.minimum(spread, np.clip(gaps / max(apart, 1e-300), 0.0, 1.0))
    return chosen, np.array(values)
