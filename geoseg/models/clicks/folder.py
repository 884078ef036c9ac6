"""Opens click models, and adds them from two ONNX files."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ModelError
from geoseg.models.card.card import CARD_FILE
from geoseg.models.clicks.card import MEAN, STD, ClickCard, GraphFile, item_of, read_card
from geoseg.models.clicks.pair import INSIDE, OUTSIDE, Pair
from geoseg.models.networks.onnx_safety import MAX_FILE_BYTES
from geoseg.models.weights import read_file
from geoseg.system.files import replaced_folder
from geoseg.system.folders import user_models
from geoseg.system.stamps import stamp_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"

TOLERANCE = 2e-3
"""Allowed difference of the test vector: other CPUs and thread counts sum float32 in another order."""

_LOCK = threading.Lock()
# By the card, and sizes and times of the files: a changed one is checked again.
_PAIRS: dict[tuple[Any, ...], Pair] = {}


class ClickModel:
    """A card and the folder with its two graphs, which are loaded and checked on first use."""

    def __init__(self, card: ClickCard, folder: Path) -> None:
        self.card, self.folder = card, folder

    def __repr__(self) -> str:
        return f"ClickModel({self.card.name!r})"

    @property
    def fingerprint(self) -> str:
        """Text that changes with the graphs and what they are given."""
        return sha256(repr((self.card.encoder, self.card.decoder, self.card.mean, self.card.std)).encode()).hexdigest()

    def pair(self) -> Pair:
        """Return the graphs, after their checksums and the test vector were checked.

        Raises
        ------
        ModelError
            If a file is missing, changed or unsafe, or the graphs answer in another way than when they were added.
        """
        stamps = tuple(stamp_of(self.folder / name) for name in (CARD_FILE, ENCODER, DECODER))
        key = self.folder, self.fingerprint, stamps
        with _LOCK:
            if key not in _PAIRS:
                pair = Pair(
                    self._content(self.card.encoder), self._content(self.card.decoder), self.card.mean, self.card.std,
                    self.card.name,
                )  # fmt: skip
                self._check(answers(pair))
                _PAIRS[key] = pair
            return _PAIRS[key]

    def _content(self, file: GraphFile) -> bytes:
        path = self.folder / file.href
        if not path.is_file():
            raise ModelError(f"{path}: this file of the model is missing; add the model again")
        data = read_file(path, MAX_FILE_BYTES, str(path))
        if len(data) != file.size or sha256(data).hexdigest() != file.sha256:
            raise ModelError(f"{path}: was changed or damaged since the model was added; add it again")
        return data

    def _check(self, found: tuple[float, ...]) -> None:
        stored = self.card.test_vector
        off = max((abs(a - b) for a, b in zip(found, stored, strict=False)), default=np.inf)
        if len(stored) != len(found) or not off <= TOLERANCE:
            raise ModelError(
                f"model {self.card.name!r} fails its test vector: it answers in another way than when it was added "
                f"(by {off:.3g}); its files or onnxruntime changed: add it again"
            )


def load_click_model(ref: str | os.PathLike[str] | ClickModel) -> ClickModel:
    """Load a click model by name or folder.

    Raises
    ------
    ModelError
        If there is none, or it is a model of another kind.
    """
    found = find_click_model(ref)
    if found is not None:
        return found
    assert not isinstance(ref, ClickModel)
    text = os.fspath(ref)
    if (Path(text).expanduser() / CARD_FILE).is_file() or (user_models() / text / CARD_FILE).is_file():
        raise ModelError(f"model {text!r} maps classes and outlines no clicks: use it with geoseg segment")
    known = ", ".join(card.name for card in list_click_models()) or "none is installed"
    raise ModelError(
        f"no click model is called {text[:200]!r} ({known}); add one: geoseg model add ENCODER.onnx --decoder "
        "DECODER.onnx"
    )


def find_click_model(ref: object) -> ClickModel | None:
    """Return the click model of this name or folder; None if there is none, or it is of another kind."""
    if isinstance(ref, ClickModel):
        return ref
    if not isinstance(ref, str | os.PathLike) or not os.fspath(ref):
        return None
    text = os.fspath(ref)
    folders = [Path(text).expanduser()]
    if not any(mark in text for mark in "/\\") and text not in (".", ".."):
        folders.insert(0, user_models() / text)
    folder = next((one for one in folders if item_of(one) is not None), None)
    return None if folder is None else ClickModel(read_card(folder), folder)


def check_click_model(model: ClickModel) -> list[str]:
    """Verify checksums, interface and the test vector of a click model; what was verified, one line each.

    Raises
    ------
    ModelError
        With the first defect.
    """
    ports = model.pair().ports
    return [
        f"card: {model.card.name}, a click model",
        f"encoder, decoder: checksums verified; pictures of {ports.side} px",
        f"test vector: reproduced, {len(model.card.test_vector)} values",
    ]


def list_click_models() -> list[ClickCard]:
    """Return the cards of installed click models; those that are damaged are left out."""
    cards = []
    try:
        folders = sorted(path for path in user_models().iterdir() if path.is_dir())
    except OSError:
        return []
    for folder in folders:
        if item_of(folder) is not None:
            try:
                cards.append(read_card(folder))
            except ModelError:
                continue
    return cards


def add_click_model(
    target: Path,
    encoder: Path,
    decoder: Path,
    *,
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
    license: str = "other",  # noqa: A002
    title: str = "",
    origin: dict[str, Any] | None = None,
) -> list[str]:
    """Make a folder of a click model from an encoder and a decoder, after running both.

    Parameters
    ----------
    target
        The folder, replaced if it exists.
    encoder, decoder
        ONNX files.
    mean, std
        What the encoder takes, if not what SAM's does.
    license, title, origin
        For the card.

    Returns
    -------
    What was verified, one line each.

    Raises
    ------
    ModelError
        If a file is unsafe, or of another interface.
    """
    contents = [read_file(path, MAX_FILE_BYTES, str(path)) for path in (encoder, decoder)]
    pair = Pair(contents[0], contents[1], mean, std, target.name)
    vector = answers(pair)
    encoding, decoding = (
        GraphFile(name, len(data), sha256(data).hexdigest())
        for name, data in zip((ENCODER, DECODER), contents, strict=True)
    )
    card = ClickCard(target.name, encoding, decoding, tuple(mean), tuple(std), license, title, origin or {}, vector)
    try:
        with replaced_folder(target) as part:
            part.mkdir(parents=True)
            for name, data in zip((ENCODER, DECODER), contents, strict=True):
                (part / name).write_bytes(data)
            card.write(part)
    except OSError as error:
        raise ModelError(f"{target}: cannot be written: {error.strerror or error}") from None
    kind = "normalised by mean and std" if pair.ports.bands_first else "it normalises itself"
    return [
        f"encoder: {pair.ports.side} px, {kind}",
        f"decoder: a click gives a mask, score {vector[0]:.3f}",
        f"test vector: {len(vector)} values stored",
        *(["licence: not stated; --license NAME says it"] if card.license == "other" else []),
    ]


def answers(pair: Pair) -> tuple[float, ...]:
    """Return scores and mask shares for clicks into a made-up picture: the test vector."""
    picture = _picture(pair.ports.side)
    side = picture.shape[0]
    embedding = pair.embed(picture)
    found: list[float] = []
    for points, labels in (
        ([(side * 0.3, side * 0.3)], [INSIDE]),
        ([(side * 0.3, side * 0.3), (side * 0.8, side * 0.7)], [INSIDE, OUTSIDE]),
    ):
        mask = pair.decode(embedding, picture.shape[:2], np.array(points), np.array(labels))
        found += [round(mask.score, 5), round(float(mask.inside.mean()), 5)]
    return tuple(found)


def _picture(side: int) -> NDArray[np.uint8]:
    """Return a picture with a bright disc and noise, the same everywhere."""
    rows, cols = np.mgrid[:side, :side] / side
    disc = (rows - 0.3) ** 2 + (cols - 0.3) ** 2 < 0.03
    noise = np.random.default_rng(0).integers(0, 20, (side, side, 3))
    return (np.where(disc[..., None], (200, 170, 60), (50, 90, 70)) + noise).astype(np.uint8)
