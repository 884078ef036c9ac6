"""What became what between two class maps: change raster, polygons, transition matrix.

In: two class maps of one place on any grids. Out: a COG of transitions, polygons of changes, areas of transitions.
``api`` is the entry point; ``scenes`` maps two scenes first, if a model is given; ``maps`` brings both to one grid and
one list of classes; ``kernel`` compares pixels and ``transitions`` counts and numbers what it finds; ``raster`` runs it
window by window; ``layer`` names the polygons' columns; ``report`` tells it. ``series`` cleans the maps of several
dates by ``hidden_markov``.
May import: job, evaluate, polygonize, write, raster and what lies below them.
"""

from __future__ import annotations

from geoseg.change.api import ChangeSummary, change
from geoseg.change.series import SmoothSummary, smooth
from geoseg.change.transitions import Transition

__all__ = ["ChangeSummary", "SmoothSummary", "Transition", "change", "smooth"]
