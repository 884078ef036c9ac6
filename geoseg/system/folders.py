"""Folders of the user: installed models, and what is cached."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs


def user_models() -> Path:
    """Folder of the user's own models: ``GEOSEG_MODELS`` if set, else ``models`` in the platform's data folder.

    Examples
    --------
    >>> from geoseg.models import user_models
    >>> folder = user_models()  # may not exist yet
    """
    if folder := os.environ.get("GEOSEG_MODELS"):
        return Path(folder).expanduser()
    return user_folder("data") / "models"


def user_folder(kind: str) -> Path:
    r"""Return geoseg's folder for ``"data"`` or ``"cache"`` on this platform; it may not exist yet.

    ``GEOSEG_CACHE`` names another cache folder. Otherwise ``~/.local/share/geoseg`` and ``~/.cache/geoseg`` on Linux
    (``XDG_DATA_HOME`` and ``XDG_CACHE_HOME`` are respected), ``~/Library/Application Support/geoseg`` and
    ``~/Library/Caches/geoseg`` on macOS, ``%LOCALAPPDATA%\geoseg`` and its subfolder ``Cache`` on Windows.
    """
    if kind == "cache" and (folder := os.environ.get("GEOSEG_CACHE")):
        return Path(folder).expanduser()
    # Without author: on Windows the folder is then geoseg, not geoseg\geoseg.
    folders = PlatformDirs("geoseg", appauthor=False)
    return folders.user_cache_path if kind == "cache" else folders.user_data_path
