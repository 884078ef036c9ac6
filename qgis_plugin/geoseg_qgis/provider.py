"""The Processing provider."""

from __future__ import annotations

import os

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithms import ALGORITHMS
from .algorithms.base import FOLDER


class GeosegProvider(QgsProcessingProvider):
    """GeoSeg in the toolbox, the modeler, batch mode and ``qgis_process``."""

    def id(self) -> str:
        """Return the identifier, which never changes."""
        return "geoseg"

    def name(self) -> str:
        """Return the name in the toolbox."""
        return "GeoSeg"

    def longName(self) -> str:
        """Return the name in full."""
        return self.name()

    def icon(self) -> QIcon:
        """Return the plugin's icon."""
        return QIcon(os.path.join(FOLDER, "icon.svg"))

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        """Class maps are GeoTIFF."""
        return ["tif"]

    def supportedOutputVectorLayerExtensions(self) -> list[str]:
        """Polygons are GeoPackage, FlatGeobuf or GeoParquet."""
        return ["gpkg", "fgb", "parquet"]

    def loadAlgorithms(self) -> None:
        """Add the algorithms."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
