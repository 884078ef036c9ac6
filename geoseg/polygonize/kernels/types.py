"""Array types and vertex flags shared by the kernels."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]

# Flags in the x of a traced vertex; rasters are narrower than 2**28 pixels.
SADDLE = 1 << 30
"""A ring may pass through this vertex twice: pixels of its region touch here at a corner only."""
NODE = 1 << 29
"""Three or more boundaries meet at this vertex, or it is a corner of the raster: simplification keeps it."""
PLAIN = NODE - 1
"""Mask that removes the flags."""
