"""Objects (buildings, trees, fields) against reference objects: both vector layers.

``options`` say how; ``source`` opens a file, ``layer`` reads and cleans it, its geometries rest in a ``spool``;
``classes`` pairs the names of both sides; ``overlaps`` finds the pairs that overlap enough; ``matching`` assigns them;
``precision``, ``operating`` and ``cells`` score; ``result`` and ``matches_file`` report; ``api`` runs it all.
May import: write, raster and what lies below them.
"""

from __future__ import annotations

from geoseg.evaluate.objects.api import evaluate_objects
from geoseg.evaluate.objects.options import ObjectOptions
from geoseg.evaluate.objects.result import ObjectEvaluation

__all__ = ["ObjectEvaluation", "ObjectOptions", "evaluate_objects"]
