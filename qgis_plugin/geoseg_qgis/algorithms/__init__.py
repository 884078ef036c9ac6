"""The algorithms of the Processing provider."""

from __future__ import annotations

from .evaluate import EvaluateMap
from .inspect import InspectRaster
from .polygonize import PolygonizeClassMap
from .segment import SegmentRaster
from .train import TrainModel

ALGORITHMS = (SegmentRaster, PolygonizeClassMap, EvaluateMap, TrainModel, InspectRaster)
