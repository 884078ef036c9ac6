"""Class maps and confidence on disk: Cloud Optimized GeoTIFFs that show names and colours wherever they are opened.

``cog`` is the door for arrays, ``sink`` for blocks (several ``together``); ``packed`` compresses a block where it is
computed; ``overviews``, ``tiff`` and ``spool`` hold pixels and bytes; ``styles`` and ``sidecar`` say what the numbers
mean.
May import: classes, tiling, system, errors.
"""

from __future__ import annotations

from geoseg.write.cog import write_cog
from geoseg.write.sidecar import read_classes
from geoseg.write.sink import CogSink
from geoseg.write.styles import polygon_qml, polygon_sld, write_qml
from geoseg.write.together import finish_together

__all__ = ["CogSink", "finish_together", "polygon_qml", "polygon_sld", "read_classes", "write_cog", "write_qml"]
