"""Which blocks must stay on the training side, so that a class with few labels can be learned at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from geoseg.train.data.label_counts import dilated

if TYPE_CHECKING:
    from numpy.typing import NDArray


def blocks_needed(
    ids: Sequence[NDArray[np.int64]], counts: Sequence[NDArray[np.int64]], blocks: int, reaches: Sequence[int]
) -> NDArray[np.bool_]:
    """Return the blocks around the place with most labels of a class: held out, they would leave it no window.

    Parameters
    ----------
    ids
        (rows, cols) block of each cell of each image, −1 where nothing is labelled.
    counts
        (rows, cols) labelled pixels of the class in each cell of each image, not all 0.
    blocks
        Number of blocks.
    reaches
        How near to the place a held-out cell may not come, in cells, for each image.

    Returns
    -------
    (blocks,) bool.
    """
    needed = np.zeros(blocks, np.bool_)
    image = int(np.argmax([count.max(initial=0) for count in counts]))
    place = np.zeros(counts[image].shape, np.bool_)
    place.flat[int(counts[image].argmax())] = True
    near = dilated(place, reaches[image]) & (ids[image] >= 0)
    needed[ids[image][near]] = True
    return needed
