"""Names of models: those that geoseg brings, and those that the user installed."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from geoseg.errors import GeosegError, ModelError
from geoseg.models.card import CARD_FILE, ModelCard
from geoseg.models.folder import open_folder
from geoseg.models.loaded import Model

DEFAULT_MODEL = "spectral"
"""The model that is used when none is named."""

_BUNDLED = Path(__file__).with_name("bundled")

# Loaded models by folder and state of their files, so that a job of many scenes opens each once.
_OPEN: dict[tuple[object, ...], Model] = {}
_LOCK = threading.Lock()


def user_models() -> Path:
    """Folder of the user's own models: ``GEOSEG_MODELS`` if set, else in the platform's data folder."""
    if folder := os.environ.get("GEOSEG_MODELS"):
        return Path(folder).expanduser()
    return user_folder("data") / "models"


def user_folder(kind: str) -> Path:
    """Return geoseg's folder for ``"data"`` or ``"cache"`` where the platform keeps such things; it may not exist yet."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "geoseg"
        return base / "cache" if kind == "cache" else base
    if sys.platform == "darwin":
        return home / "Library" / ("Caches" if kind == "cache" else "Application Support") / "geoseg"
    variable, default = ("XDG_CACHE_HOME", ".cache") if kind == "cache" else ("XDG_DATA_HOME", ".local/share")
    return Path(os.environ.get(variable) or home / default) / "geoseg"


def list_models() -> list[ModelCard]:
    """Return the cards of all models that can be loaded by name: the bundled, then the user's. Unreadable ones are left out."""
    cards: dict[str, ModelCard] = {}
    for name, folder in _named().items():
        try:
            cards.setdefault(name, ModelCard.read(folder))
        except GeosegError:
            continue  # `geoseg model check` says what is wrong with it; the others must stay usable
    return list(cards.values())


def load_model(ref: str | os.PathLike[str] | Model) -> Model:
    """Load a model.

    Parameters
    ----------
    ref
        Name of a bundled or installed model, path of a model folder (or of the ``model.json`` in it), or a loaded
        model, which is returned as it is.

    Returns
    -------
    Model with its card; the network is built when it is first used.

    Raises
    ------
    ModelError
        If there is no such model, or its card or weights are missing, damaged or unsafe.
    """
    if isinstance(ref, Model):
        return ref
    text = os.fspath(ref)
    folder = _find(text)
    named = folder.parent == _BUNDLED
    folder = folder if named else folder.resolve()
    key = (folder, _state(folder))
    with _LOCK:
        if key not in _OPEN:
            _OPEN[key] = open_folder(folder, text if named else str(folder))
        return _OPEN[key]


def _find(text: str) -> Path:
    named = _named()
    if text in named:
        return named[text]
    path = Path(text).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        if path.name == CARD_FILE:
            return path.parent
        beside = path.parent if (path.parent / CARD_FILE).is_file() else None
        hint = f"give its folder: -m {beside}" if beside else f"a model is a folder with {CARD_FILE} and its weights"
        raise ModelError(f"{text} is a file, not a model folder; {hint}")
    looks_like_path = any(mark in text for mark in ("/", "\\")) or text.startswith(".")
    if looks_like_path:
        raise ModelError(f"no model folder at {text}; installed models are {', '.join(named)}")
    raise ModelError(f"no model is called {text!r}: use one of {', '.join(named)}, or the path of a model folder")


def _named() -> dict[str, Path]:
    """Model folders by name; a user's model does not hide a bundled one."""
    found: dict[str, Path] = {}
    for base in (_BUNDLED, user_models()):
        try:
            folders = sorted(path for path in base.iterdir() if (path / CARD_FILE).is_file())
        except OSError:
            continue
        for folder in folders:
            found.setdefault(folder.name, folder)
    return found


def _state(folder: Path) -> tuple[object, ...]:
    """Names, sizes and times of the folder's files: a changed folder is opened anew."""
    try:
        return tuple(
            sorted((e.name, e.stat().st_size, e.stat().st_mtime_ns) for e in os.scandir(folder) if e.is_file())
        )
    except OSError as error:
        raise ModelError(f"model folder {folder} cannot be read: {error.strerror or error}") from None
