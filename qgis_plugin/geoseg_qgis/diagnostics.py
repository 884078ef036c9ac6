"""The text for a bug report: versions of QGIS and the plugin, and what is known of geoseg's Python."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from . import environment, settings


def diagnostics(log: list[str]) -> str:
    """Return the text for a bug report."""
    from qgis.core import Qgis
    from qgis.PyQt.QtCore import QT_VERSION_STR

    python = settings.interpreter()
    host: dict[str, Any] = {
        "plugin": _version(),
        "QGIS": Qgis.QGIS_VERSION,
        "Qt": QT_VERSION_STR,
        "Python of QGIS": sys.version.split()[0],
    }
    return environment.diagnostics(python, settings.last_probe(python), host, log)


def _version() -> str:
    text = Path(__file__).with_name("metadata.txt").read_text("utf-8")
    return next(line.partition("=")[2] for line in text.splitlines() if line.startswith("version="))
