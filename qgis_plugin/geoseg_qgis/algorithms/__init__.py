"""The algorithms of the Processing provider."""

from __future__ import annotations

from .change import DetectChanges
from .detect import DetectObjects
from .evaluate import EvaluateMap
from .inspect import InspectRaster
from .next_places import NextPlacesToLabel
from .polygonize import PolygonizeClassMap
from .segment import SegmentRaster
from .sketch import SketchModel
from .train import TrainModel

ALGORITHMS = (
    SegmentRaster, DetectObjects, DetectChanges, PolygonizeClassMap, EvaluateMap, TrainModel, SketchModel,
    NextPlacesToLabel, InspectRaster,
)  # fmt: skip
