"""How objects are evaluated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from geoseg.errors import OptionError
from geoseg.evaluate.objects.overlaps import MOST
from geoseg.geodesy.crs import crs_name, transformer

LEAST_IOU = 0.5
"""The lowest IoU of COCO's average precision."""


@dataclass(frozen=True)
class ObjectOptions:
    """How objects are evaluated.

    Attributes
    ----------
    sizes
        Largest area of small objects, and of medium ones, in m² (in square units of the coordinates without a CRS).
        COCO's 32² and 96² pixels are 92 and 829 m² at 0.3 m.
    score
        Objects of this score and more count for precision, recall, F1, panoptic quality and numbers; None for the score
        with the highest F1.
    score_field
        Field of the score; None for ``score`` or ``confidence``.
    iou
        Least IoU of a match for precision, recall, F1 and the map of errors, in 0.1…1.
    cell
        Side of the cells in which objects are counted, in units of the CRS; None for a tenth of the extent, rounded.
    bbox
        West, south, east, north: objects whose centre lies outside count neither as right nor as wrong. None for
        everything.
    bbox_crs
        CRS of ``bbox``; None for that of the objects. From another CRS, the rectangle around it is taken.
    most
        Number of objects whose geometries are in memory at a time.

    Examples
    --------
    >>> from geoseg.evaluate import ObjectOptions
    >>> ObjectOptions(sizes=(25, 100), score=0.4).iou
    0.5
    """

    sizes: tuple[float, float] = (100.0, 1000.0)
    score: float | None = None
    score_field: str | None = None
    iou: float = LEAST_IOU
    cell: float | None = None
    bbox: tuple[float, ...] | None = None
    bbox_crs: str | None = None
    most: int = MOST

    def __post_init__(self) -> None:
        if len(self.sizes) != 2 or not 0 < self.sizes[0] < self.sizes[1] < math.inf:
            listing = ",".join(f"{size:g}" for size in self.sizes)
            raise OptionError(f"sizes {listing}: write the largest area of small and of medium objects: 100,1000")
        if not 0.1 <= self.iou <= 1:
            raise OptionError(f"iou must lie in 0.1…1, got {self.iou:g}")
        if self.score is not None and not math.isfinite(self.score):
            raise OptionError(f"score must be a finite number, got {self.score:g}")
        if self.cell is not None and not 0 < self.cell < math.inf:
            raise OptionError(f"cell must be a length above 0, in units of the CRS, got {self.cell:g}")
        if self.bbox is not None:
            _check_bbox(self.bbox)
        elif self.bbox_crs is not None:
            raise OptionError("bbox-crs is the CRS of bbox, which is missing; add --bbox west,south,east,north")

    def extent_in(self, crs: Any) -> tuple[float, ...] | None:
        """Return ``bbox`` in the CRS of the objects.

        Raises
        ------
        InputError, OptionError
            If it cannot be transformed, or the objects have no CRS.
        """
        if self.bbox is None or self.bbox_crs is None:
            return self.bbox
        if crs is None:
            raise OptionError("bbox-crs is given, but the objects have no CRS; give --bbox in their coordinates")
        found = transformer(self.bbox_crs, crs, "bbox").transform_bounds(*self.bbox, densify_pts=21)
        if not all(math.isfinite(value) for value in found):
            raise OptionError(f"bbox lies outside of the area of the objects' CRS ({crs_name(crs)}); check --bbox-crs")
        return tuple(found)


def _check_bbox(bbox: tuple[float, ...]) -> None:
    finite = len(bbox) == 4 and all(math.isfinite(value) for value in bbox)
    if not finite or not (bbox[0] < bbox[2] and bbox[1] < bbox[3]):
        listing = ",".join(f"{value:g}" for value in bbox)
        raise OptionError(f"bbox {listing} is empty: write west,south,east,north in the CRS of the objects")
