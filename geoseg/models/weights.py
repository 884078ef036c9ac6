"""Weights of a model folder: inside the folder, of the right size and checksum, never a pickle."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from geoseg.errors import ModelError
from geoseg.models.card.card import CARD_FILE, ModelCard, multihash
from geoseg.system.files import read_regular

SAFETENSORS, ONNX, PT2 = ".safetensors", ".onnx", ".pt2"
"""File name extensions of the weights that are loaded."""

PICKLES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib")
"""Extensions of files that are or contain pickles, which are refused."""

MAX_WEIGHTS_BYTES = 64 * 10**9
"""Largest file of weights that is read."""


def weights_path(folder: Path, card: ModelCard) -> Path:
    """Return the path of the weights file that the card names.

    Raises
    ------
    ModelError
        If it lies outside the folder, is a pickle or of another unsupported type, or does not exist.
    """
    assert card.weights is not None
    href = card.weights.href
    if Path(href).suffix.lower() in PICKLES:
        raise ModelError(f"model {card.name!r}: weights {href!r} are a pickle: {pickle_remedy(href)}")
    if "://" in href:
        raise ModelError(
            f"model {card.name!r}: weights {href!r} are not in the folder; download them beside {CARD_FILE} first"
        )
    parts = {*PurePosixPath(href).parts, *PureWindowsPath(href).parts}
    outside = PurePosixPath(href).is_absolute() or PureWindowsPath(href).anchor or PureWindowsPath(href).drive
    path = folder / href
    if outside or ".." in parts or not _resolved(path, card).is_relative_to(folder.resolve()):
        raise ModelError(
            f"model {card.name!r}: weights {href!r} lie outside the model folder; only files inside it are loaded"
        )
    if path.suffix.lower() not in (SAFETENSORS, ONNX, PT2):
        raise ModelError(
            f"model {card.name!r}: weights {href!r} have an unsupported file type; use {SAFETENSORS}, {ONNX} or {PT2}"
        )
    if not path.is_file():
        state = "are not a regular file" if path.exists() else "are missing"
        raise ModelError(f"model {card.name!r}: weights {path} {state}; copy the whole model folder")
    return path


def _resolved(path: Path, card: ModelCard) -> Path:
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"model {card.name!r}: weights {path} cannot be read: {reason}") from None
    return path.resolve()


def pickle_remedy(name: str) -> str:
    """Return the second half of an error message: why a pickle is refused, and how to convert it."""
    return (
        f"a pickle can execute code when it is loaded, so {Path(name).suffix} files are refused; if you trust it, "
        "convert it with torch.load(…, weights_only=True) and geoseg.models.save_model()"
    )


def check_size(path: Path, card: ModelCard) -> None:
    """Raise ModelError if the size of the weights file is not the card's."""
    assert card.weights is not None
    size = path.stat().st_size
    if card.weights.size is not None and size != card.weights.size:
        state = "truncated" if size < card.weights.size else "not the file that the card describes"
        raise ModelError(
            f"model {card.name!r}: {path} is {state}: {size} bytes, the card says {card.weights.size}; copy it again"
        )


def read_weights(folder: Path, card: ModelCard) -> bytes:
    """Return the bytes of the weights file after checking size and checksum.

    Load these bytes, not the file, which may change after the check.

    Raises
    ------
    ModelError
        If size or checksum differ from the card's, or the file cannot be read.
    """
    assert card.weights is not None
    path = weights_path(folder, card)
    check_size(path, card)
    data = read_file(path, MAX_WEIGHTS_BYTES, f"model {card.name!r}: {path}")
    if card.weights.checksum is not None and card.weights.checksum != multihash(data):
        raise ModelError(
            f"model {card.name!r}: {path} was changed or damaged: its checksum is not the card's; get it again from "
            "its source"
        )
    return data


def read_file(path: Path, most: int, label: str) -> bytes:
    """Return the bytes of a file of at most ``most`` bytes.

    Raises
    ------
    ModelError
        If it cannot be read, is larger, or is no regular file.
    """
    try:
        return read_regular(path, most)
    except OSError as error:
        raise ModelError(f"{label} cannot be read: {error.strerror or error}") from None
