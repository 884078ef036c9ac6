"""Where geoseg keeps the user's models and what it measured."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_models() -> Path:
    """Folder of the user's own models: ``GEOSEG_MODELS`` if set, else in the platform's data folder."""
    if folder := os.environ.get("GEOSEG_MODELS"):
        return Path(folder).expanduser()
    return user_folder("data") / "models"


def user_folder(kind: str) -> Path:
    """Return geoseg's folder for ``"data"`` or ``"cache"`` on this platform; it may not exist yet.

    ``GEOSEG_CACHE`` names another cache folder.
    """
    if kind == "cache" and (folder := os.environ.get("GEOSEG_CACHE")):
        return Path(folder).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "geoseg"
        return base / "cache" if kind == "cache" else base
    if sys.platform == "darwin":
        return home / "Library" / ("Caches" if kind == "cache" else "Application Support") / "geoseg"
    variable, default = ("XDG_CACHE_HOME", ".cache") if kind == "cache" else ("XDG_DATA_HOME", ".local/share")
    return Path(os.environ.get(variable) or home / default) / "geoseg"
