"""Short names for types used everywhere in this package."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]

# Flags in the x of a traced vertex; rasters are narrower than 2**28 pixels.
SADDLE = 1 << 30
"""The ring may pass this corner a second time."""
NODE = 1 << 29
"""Three or more boundaries meet here: the vertex stays where it is when boundaries are simplified."""
PLAIN = NODE - 1
"""Mask that takes flags away."""
