"""The main job: windows of a raster through a model, stitched to a class map and its confidence.

``plan`` chooses windows and checks the scene against the model; ``block`` computes one block, the unit of work of every
scheduler; ``stitch`` mixes overlapping windows; ``probabilities`` finds the classes whose probabilities are asked for;
``precision`` checks half precision on the scene; ``lazy`` is the door for xarray; ``inspection`` describes a plan.
May import: models, raster, tiling and what lies below them. Knows nothing of files, schedulers or polygons.
"""

from __future__ import annotations

from geoseg.segment.lazy import segment

__all__ = ["segment"]
