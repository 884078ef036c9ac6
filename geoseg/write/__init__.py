"""Class maps and confidence on disk: Cloud Optimized GeoTIFFs that show names and colours wherever they are opened.

``overviews``, ``tiff`` and ``spool`` hold pixels and bytes; ``sink`` makes a file of them; ``styles`` and
``sidecar`` say what the numbers mean; ``cog`` is the door for arrays.
"""

from __future__ import annotations

from geoseg.write.cog import write_cog
from geoseg.write.sidecar import read_classes
from geoseg.write.sink import CogSink, finish_together
from geoseg.write.styles import polygon_qml, polygon_sld, write_qml

__all__ = ["CogSink", "finish_together", "polygon_qml", "polygon_sld", "read_classes", "write_cog", "write_qml"]
