"""Class maps and confidence on disk: Cloud Optimized GeoTIFFs that show names and colours wherever they are opened.

``cog`` is the door for arrays, ``sink`` for blocks; ``packed`` compresses a block where it is computed; ``overviews``,
``tiff`` and ``spool`` hold pixels and bytes; ``styles``, ``geopackage_styles`` and ``sidecar`` name and colour classes.
May import: classes, tiling, system, errors.
"""

from __future__ import annotations

from geoseg.write.cog import write_cog
from geoseg.write.geopackage_styles import add_layer_style
from geoseg.write.sidecar import read_classes
from geoseg.write.sink import CogSink, finish_together
from geoseg.write.styles import polygon_qml, polygon_sld, write_qml

__all__ = [
    "CogSink",
    "add_layer_style",
    "finish_together",
    "polygon_qml",
    "polygon_sld",
    "read_classes",
    "write_cog",
    "write_qml",
]
