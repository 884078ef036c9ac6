"""What is loaded when the plugin itself cannot be: it says so in the message bar and does nothing else."""

from __future__ import annotations

import traceback
from typing import Any


class BrokenPlugin:
    """Stands in for the plugin, so that QGIS starts without a dialog."""

    def __init__(self, iface: Any, error: Exception) -> None:
        self.iface = iface
        self.error = error

    def initProcessing(self) -> None:
        """Log the error; there are no algorithms."""
        from qgis.core import Qgis, QgsMessageLog

        text = "".join(traceback.format_exception(type(self.error), self.error, self.error.__traceback__))
        QgsMessageLog.logMessage(text, "GeoSeg", Qgis.MessageLevel.Critical)

    def initGui(self) -> None:
        """Log the error and say it in the message bar."""
        self.initProcessing()
        from qgis.core import Qgis

        message = f"GeoSeg could not be loaded: {self.error}. The log panel 'GeoSeg' says more."
        self.iface.messageBar().pushMessage("GeoSeg", message, Qgis.MessageLevel.Warning, 0)

    def unload(self) -> None:
        """Nothing was loaded."""
