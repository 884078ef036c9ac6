"""GeoSeg in QGIS: a thin shell around the geoseg command line, which runs in its own Python.

Import order, each used by those after it: runner, environment, installation, commands (none imports qgis); tr,
settings, styling, work; algorithms, provider; the pages and the dock; plugin.
"""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:
    """Return the plugin. ``iface`` is None under ``qgis_process``. Never fails: a broken part is shown, not raised."""
    try:
        from .plugin import GeoSegPlugin
    except Exception as error:  # noqa: BLE001 - whatever it is, QGIS must start and the user must hear of it
        from .broken import BrokenPlugin

        return BrokenPlugin(iface, error)
    return GeoSegPlugin(iface)
