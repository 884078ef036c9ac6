"""Where a label would help most: uncertain parts of finished maps, as polygons to correct.

``maps`` opens results; ``places`` finds uncertain places block by block, ``regions`` cuts a polygon out around each;
``differences`` tells how unlike the labelled pixels they are, ``choice`` picks some; ``api`` puts these together and
writes the file. In: output folders of ``geoseg segment``. Out: a GeoPackage. May import: evaluate, write, raster.
"""

from __future__ import annotations

from geoseg.evaluate.advice.api import next_labels

__all__ = ["next_labels"]
