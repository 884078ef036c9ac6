"""What the plugin remembers between starts, in QGIS's own settings; and how it talks to the log panel."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from qgis.core import Qgis, QgsApplication, QgsMessageLog, QgsSettings

from . import environment
from .environment import Probe

_GROUP = "geoseg/"


def get(name: str, default: Any = "") -> Any:
    """Return a remembered value."""
    value = QgsSettings().value(_GROUP + name, default)
    # An empty text comes back as nothing, or as Qt's own nothing, from some settings files.
    return default if value is None or str(value) == "NULL" else value


def put(name: str, value: Any) -> None:
    """Remember a value."""
    QgsSettings().setValue(_GROUP + name, value)


def interpreter() -> str:
    """Return the Python that has geoseg as far as is known, or ``""``."""
    return environment.find(str(get("python")))


def remember_probe(found: Probe) -> None:
    """Remember what the last check of an interpreter found, with the state of the file."""
    facts = {"python": found.python, "stamp": _stamp(found.python), "facts": dict(found.facts), "error": found.error}
    put("probe", json.dumps(facts))


def last_probe(python: str) -> Probe | None:
    """Return the last check of an interpreter; None if it is of another one, or the file has changed since."""
    try:
        facts = json.loads(get("probe", "{}"))
    except ValueError:
        return None
    if not python or facts.get("python") != python or facts.get("stamp") != _stamp(python):
        return None
    return Probe(python, facts.get("facts", {}), facts.get("error", ""))


def _stamp(path: str) -> float:
    try:
        return os.path.getmtime(path)
    except OSError:
        return 0.0


def remember_models(cards: list[dict[str, Any]]) -> None:
    """Remember the list of models, so that Processing's dialogs can offer it at once."""
    put("models", json.dumps(cards))


def known_models() -> list[dict[str, Any]]:
    """Return the last list of models: name, title, bands, classes, default."""
    try:
        cards = json.loads(get("models", "[]"))
    except ValueError:
        return []
    return cards if isinstance(cards, list) else []


def proxy() -> str:
    """Return the proxy that QGIS is set to use, as URL, or ``""``."""
    settings = QgsSettings()
    if not settings.value("proxy/proxyEnabled", False, type=bool):
        return ""
    host, port = settings.value("proxy/proxyHost", ""), settings.value("proxy/proxyPort", "")
    scheme = "socks5" if "Socks" in str(settings.value("proxy/proxyType", "")) else "http"
    return f"{scheme}://{host}:{port}" if host and port else ""


def certificates() -> str:
    """Return a PEM file of the certificates that QGIS trusts (the system's, and those the user added), or ``""``."""
    try:
        text = bytes(QgsApplication.authManager().trustedCaCertsPemText())
        if b"BEGIN CERTIFICATE" not in text:
            return ""
        path = environment.data_folder() / "certificates.pem"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    except OSError:
        return ""
    return str(path)


def python_of_qgis() -> str:
    """Return the Python that QGIS brings along, or ``""``; ``sys.executable`` may be QGIS itself."""
    inside = ("python.exe",) if os.name == "nt" else ("bin/python3",)
    places = [os.path.join(sys.exec_prefix, name) for name in inside]
    return next((place for place in places if os.path.isfile(place)), "")


def log(message: str, *, warning: bool = False) -> None:
    """Write a line into the log panel's GeoSeg page."""
    level = Qgis.MessageLevel.Warning if warning else Qgis.MessageLevel.Info
    QgsMessageLog.logMessage(message, "GeoSeg", level, notifyUser=False)
