"""What a worker needs to compute any block of a scene, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from geoseg.segment.stitch import overlaps
from geoseg.system.choices import Stitch
from geoseg.tiling import Box, Tiling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geoseg.models import Execution, Model
    from geoseg.models.boxes.detections import Detections
    from geoseg.raster import Raster


@dataclass(frozen=True)
class Quicklook:
    """A reduced view of the scene, sampled from the pixels while they are in memory.

    Attributes
    ----------
    bands
        Positions of one or three of the raster's bands.
    step
        Sampling step in pixels, counted from the scene's upper left corner.
    """

    bands: tuple[int, ...]
    step: int


@dataclass(frozen=True)
class Recipe:
    """Everything a worker needs to compute any block of one scene: references and numbers, no pixels, no open files.

    Attributes
    ----------
    raster
        The scene, with its bands in the order of the model card.
    model
        The model; pickled as a reference to its folder.
    tiling, stitch
        Windows, blocks, and how windows are stitched into blocks.
    execution
        Device, precision, memory layout and batch size of the forward pass.
    quicklook
        Reduced view to sample as well, or None.
    memory
        Memory limit in bytes of a process that computes blocks, or None.
    probabilities
        Classes whose probabilities are wanted, by their position in the model card.
    expected
        Estimated peak memory in bytes of such a process, or None.
    inner
        If the model sees the scene at other pixels: how blocks of these are computed.
    """

    raster: Raster
    model: Model
    tiling: Tiling
    stitch: Stitch
    execution: Execution
    quicklook: Quicklook | None = None
    memory: int | None = None
    probabilities: tuple[int, ...] = ()
    expected: int | None = None
    inner: Recipe | None = None

    @property
    def overlapping(self) -> bool:
        """Whether windows contribute to pixels outside their keep regions."""
        return overlaps(self.stitch)


@dataclass(frozen=True)
class BlockResult:
    """One block of the class map.

    Attributes
    ----------
    box
        Its position in the scene.
    classes
        uint8, height × width: class number, 255 where the scene is invalid.
    confidence
        uint8, height × width: percent of the winning class 0…100, 255 where the scene is invalid.
    probabilities
        uint8, classes asked for × height × width: percent of each 0…100, 255 where the scene is invalid.
    forwards
        Number of windows that went through the model; 0 if the block has no valid pixel.
    seconds
        Time spent per stage: ``read``, ``wait`` (for the device), ``forward``, ``stitch``.
    quicklook
        The block's part of the recipe's reduced view: stored values (bands, h, w).
    detections
        Of models that find boxes: what the windows found whose keep regions begin in the block. Its class map is then
        0 and its confidence 0 wherever the scene is valid.
    """

    box: Box
    classes: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    probabilities: NDArray[np.uint8]
    forwards: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    quicklook: NDArray[Any] | None = None
    detections: Detections | None = None
