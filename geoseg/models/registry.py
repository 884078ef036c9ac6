"""Names of models: those that geoseg brings, and those that the user installed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np

from geoseg.errors import GeosegError, ModelError
from geoseg.models.card.card import CARD_FILE, ModelCard
from geoseg.models.folder import open_folder
from geoseg.models.model import Model
from geoseg.system.folders import user_models
from geoseg.models.card.scaling import BandTransform

DEFAULT_MODEL = "landcover"
"""The model that is used when none is named."""

_BUNDLED = Path(__file__).with_name("bundled")

# Loaded models by folder and state of their files, so that a job of many scenes opens each once.
_OPEN: dict[tuple[object, ...], Model] = {}
_LOCK = threading.Lock()


def list_models() -> list[ModelCard]:
    """Return the cards of all models that can be loaded by name, bundled ones first.

    Unreadable ones are left out.
    """
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
        Name of a bundled or installed model, path of a model folder (or of the ``model.json`` in it), of an ``.onnx``
        file with its card inside (``geoseg model export``), or a loaded model, which is returned as it is.

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
    if text.lower().endswith(".onnx") and Path(text).expanduser().is_file():
        return _load_onnx(Path(text).expanduser().resolve())
    folder = _find(text)
    named = folder.parent == _BUNDLED
    folder = folder if named else folder.resolve()
    key = (folder, _state(folder))
    with _LOCK:
        if key not in _OPEN:
            _OPEN[key] = open_folder(folder, text if named else str(folder))
        return _OPEN[key]


def _load_onnx(path: Path) -> Model:
    from geoseg.models.networks.onnx import open_onnx

    status = path.stat()
    key = (path, status.st_size, status.st_mtime_ns)
    with _LOCK:
        if key not in _OPEN:
            _OPEN[key] = open_onnx(path)
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


def check_model(ref: str | os.PathLike[str] | Model) -> list[str]:
    """Verify a model: card, checksum, architecture, and a forward pass on made-up pixels.

    Returns
    -------
    What was verified, one line each.

    Raises
    ------
    ModelError
        With the first defect.
    """
    model = load_model(ref)
    card = model.card
    lines = [f"card: {card.name} {card.version}, {len(card.bands)} bands, {len(card.classes)} classes"]
    if card.weights is not None:
        model.verify()
        verified = "checksum verified" if card.weights.checksum else "the card gives no checksum"
        lines.append(f"weights: {card.weights.href}, {verified}")
    parameters = sum(parameter.numel() for parameter in model.module().parameters())
    counted = f"{parameters:,} parameters" if parameters else "as a graph or code without parameters"
    lines.append(f"architecture: {card.architecture}, {counted}")
    side = max(card.min_window, card.stride * 2)
    from geoseg.models.inference.predictor import Execution, Predictor

    # Uniform noise in the sensible range of values: a working network returns finite logits of the right shape for it.
    low, high = card.value_range or (0.0, 1.0)
    data = np.random.default_rng(0).uniform(low, high, (1, len(card.bands), side, side)).astype(np.float32)
    start = BandTransform(1.0, 0.0)
    affine = [step.after(start) if step else start for step in card.value_scaling or [None] * len(card.bands)]
    Predictor(model, affine, Execution()).classify(data)
    lines.append(f"forward pass: {side} × {side} pixels give {len(card.classes)} finite scores each")
    lines.append(_check_vector(model))
    return lines


def _check_vector(model: Model) -> str:
    from geoseg.models.card.known_answer import TOLERANCE, check_vector

    card = model.card
    if not card.test_vector:
        return "test vector: the card holds none (geoseg adds one when it saves a model)"
    off = check_vector(model.module(), card, card.test_vector)
    if not off <= TOLERANCE:
        raise ModelError(
            f"model {card.name!r} answers differently from when it was saved: probabilities differ by {off:.3g} where "
            f"{TOLERANCE:g} is allowed; its weights or the libraries that build it changed"
        )
    return f"test vector: answers as when it was saved, largest difference {off:.1e}"
