"""Copies of model folders in a bucket that the user named: card and weights, nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from geoseg.errors import ModelError, OutputError
from geoseg.models.card.card import CARD_FILE, card_of, multihash
from geoseg.models.weights import MAX_WEIGHTS_BYTES, ONNX, PT2, SAFETENSORS
from geoseg.system.files import complete
from geoseg.system.folders import user_folder
from geoseg.system.storage.address import Address
from geoseg.system.storage.storage import Storage, storage_of

_MAX_CARD_BYTES = 64 * 2**20


def fetched_model(address: Address) -> Path:
    """Return a local copy of a model folder in a bucket, in the user's cache; weights of a known checksum are kept.

    Raises
    ------
    ModelError
        If it cannot be read, or its card names weights that are not beside it.
    """
    try:
        place = storage_of(str(address))
        text = place.read(CARD_FILE, _MAX_CARD_BYTES)
    except FileNotFoundError as error:
        raise ModelError(f"{address} is not a model folder: {CARD_FILE} in it: {error.strerror}") from error
    except (OSError, OutputError) as error:
        raise ModelError(f"model {address} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        card = card_of(text.decode(), f"the card in {address}")
    except UnicodeDecodeError:
        raise ModelError(f"{address}/{CARD_FILE} is not text in UTF-8") from None
    key = hashlib.sha256(f"{address}\n".encode() + text).hexdigest()[:24]
    folder = user_folder("cache") / "models" / key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if card.weights is not None:
            _fetch_weights(place, folder, card.weights.href, card.weights.checksum)
        _put(folder / CARD_FILE, text)
    except OSError as error:
        raise ModelError(f"model {address} cannot be copied to {folder}: {error.strerror or error}") from error
    return folder


def _fetch_weights(place: Storage, folder: Path, href: str, checksum: str | None) -> None:
    name = PurePosixPath(href).name
    if name != href or "\\" in href or PurePosixPath(href).suffix.lower() not in (SAFETENSORS, ONNX, PT2):
        return  # refused, with its reason, when the folder is opened
    path = folder / name
    if path.is_file() and checksum is not None and multihash(path.read_bytes()) == checksum:
        return
    _put(path, place.read(name, MAX_WEIGHTS_BYTES))


def _put(path: Path, data: bytes) -> None:
    """Write a file that other processes may be reading, unless it is as it should be."""
    if path.is_file() and path.read_bytes() == data:
        return  # else the folder would look changed
    with complete(path) as part:
        part.write_bytes(data)
