"""Write class maps and confidence as Cloud Optimized GeoTIFFs with class names, colours and styles.

``cog`` takes arrays, ``sink`` blocks in any order; ``packed`` compresses a block where it is computed; ``overviews``,
``tiff`` and ``spool`` handle pixels, file structure and temporary tiles; ``styles`` and ``sidecar`` names and colours.
May import: classes, tiling, system, errors.
"""

from __future__ import annotations

from geoseg.write.cog import write_cog
from geoseg.write.sidecar import read_classes
from geoseg.write.sink import CogSink, finish_together
from geoseg.write.styles import polygon_qml, polygon_sld, write_qml

__all__ = ["CogSink", "finish_together", "polygon_qml", "polygon_sld", "read_classes", "write_cog", "write_qml"]
