"""Translation of what the user reads."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication

CONTEXT = "GeoSeg"
"""Under this name Qt looks translations up; ``update_ts.py`` writes it into the translators' files."""


def tr(text: str) -> str:
    """Return ``text`` in the user's language. Always called with a literal, or translators would never see it."""
    return QCoreApplication.translate(CONTEXT, text)
