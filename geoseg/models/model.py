"""A model ready to be used: its card, where it came from, and its network, built when first asked for."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import GeosegError, ModelError
from geoseg.models.card.card import CARD_FILE, ModelCard, Weights
from geoseg.models.networks.onnx import CARD_KEY, metadata_of, parse
from geoseg.models.weights import PICKLES, check_size, pickle_remedy, weights_path
from geoseg.system.folders import user_models

if TYPE_CHECKING:
    import torch


# Networks of this process by fingerprint: every Model of the same files shares one, however often it was unpickled.
_MODULES: dict[str, torch.nn.Module] = {}
_LOCK = threading.Lock()


class Model:
    """A card with its network.

    Pickles as a reference: another process loads the same files again and refuses others. A model made from a module
    (``Model(card, module=net)``) carries the module along.

    Parameters
    ----------
    card
        What is known of it.
    folder
        Model folder, if it came from one.
    ref
        What :func:`geoseg.load_model` needs to find it again: name or path.
    module
        The network itself, for models that are not in a folder: float32 (N, bands, h, w) normalised →
        logits (N, classes, h, w), h and w multiples of ``card.stride``. If it has a true attribute ``pointwise``, each
        pixel's logits must depend on that pixel alone; it is then run in cache-sized strips.
    """

    def __init__(
        self,
        card: ModelCard,
        *,
        folder: Path | None = None,
        ref: str | None = None,
        module: torch.nn.Module | None = None,
    ) -> None:
        self.card = card
        self.folder = folder
        self.ref = ref if ref is not None else card.name
        self._given = module

    def __repr__(self) -> str:
        return f"Model({self.ref!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "geoseg.Model", self.fingerprint

    def __reduce__(self) -> tuple[Any, ...]:
        if self._given is not None:
            return _from_module, (self.card.to_item(), self.ref, self._given)
        return _from_ref, (self.ref, self.fingerprint)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over card and weights: equal fingerprints give equal results."""
        digest = hashlib.sha256(json.dumps(self.card.to_item(), sort_keys=True).encode())
        if self._given is not None:
            _digest_module(digest, self._given)
        elif self.card.weights is None:
            from geoseg.models.networks.builtin import source_of

            digest.update(source_of(self.card))
        elif self.card.weights.checksum is None and self.folder is not None:
            # A card from elsewhere that brings no checksum: the file itself is asked.
            from geoseg.models.weights import weights_path

            digest.update(hashlib.sha256(weights_path(self.folder, self.card).read_bytes()).digest())
        return digest.hexdigest()

    def module(self) -> torch.nn.Module:
        """Return the network in eval mode, on the CPU, float32; shared by the process, so treat it as read-only.

        Raises
        ------
        ModelError
            If the weights are missing, damaged, unsafe or do not fit the architecture.
        """
        if self._given is not None:
            return self._given.eval()
        with _LOCK:
            if self.fingerprint not in _MODULES:
                _MODULES[self.fingerprint] = self._build()
            return _MODULES[self.fingerprint]

    def verify(self) -> None:
        """Check that the weights are complete and unchanged.

        Raises
        ------
        ModelError
            If size or checksum differ from the card's.
        """
        if self.folder is not None and self.card.weights is not None:
            from geoseg.models.weights import read_weights

            read_weights(self.folder, self.card)

    def _build(self) -> torch.nn.Module:
        if self.card.weights is None:
            from geoseg.models.networks.builtin import build_builtin

            return build_builtin(self.card)
        if self.folder is None:
            raise ModelError(f"model {self.card.name!r} has weights but no folder; load it with load_model(folder)")
        from geoseg.models.build import build_module

        return build_module(self.folder, self.card)


def _digest_module(digest: Any, module: torch.nn.Module) -> None:
    digest.update(f"{type(module).__module__}.{type(module).__qualname__}\n{module!r}".encode())
    for name, part in module.named_modules():
        # Numbers and words that a layer holds beside its tensors; repr() shows them only where its author chose to.
        plain = {
            key: value
            for key, value in vars(part).items()
            if isinstance(value, (bool, int, float, str, tuple, type(None)))
        }
        digest.update(f"{name}{sorted(plain.items(), key=lambda entry: entry[0])!r}".encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(dtype=_uint8()).numpy().tobytes())


def _uint8() -> Any:
    import torch

    return torch.uint8


def _from_module(item: dict[str, Any], ref: str, module: torch.nn.Module) -> Model:
    return Model(ModelCard.from_item(item), ref=ref, module=module)


def _from_ref(ref: str, fingerprint: str) -> Model:

    model = load_model(ref)
    if model.fingerprint != fingerprint:
        raise ModelError(
            f"model {ref!r} here differs from the one that the work was planned with: its card or weights changed "
            f"({CARD_FILE}); start again with the same files on every machine"
        )
    return model


def open_folder(folder: Path, ref: str) -> Model:
    """Return the model of a folder; weights are looked for and sized, but read only when the network is built.

    Raises
    ------
    ModelError
        If card or weights are missing, unsafe or of the wrong size.
    """
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in PICKLES)
    if not (folder / CARD_FILE).exists():
        if pickles:
            raise ModelError(f"model folder {folder} has {pickles[0]} and no {CARD_FILE}: {pickle_remedy(pickles[0])}")
        raise ModelError(f"{folder} is not a model folder: it has no {CARD_FILE}")
    card = ModelCard.read(folder)
    if card.weights is not None:
        check_size(weights_path(folder, card), card)
    return Model(card, folder=folder, ref=ref)


def open_onnx(path: Path) -> Model:
    """Return the model of a single ONNX file with its card inside, as ``geoseg model export`` writes it.

    Raises
    ------
    ModelError
        If it is damaged, unsafe, or brings no card.
    """
    from geoseg.models.card.card import card_with, multihash

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from None
    text = metadata_of(parse(data, str(path))).get(CARD_KEY)
    if text is None:
        raise ModelError(
            f"{path} brings no model card, so geoseg cannot know its bands and classes; put it into a folder with a "
            "model.json that names it"
        )
    try:
        item = json.loads(text)
    except ValueError:
        raise ModelError(f"{path}: the model card inside is not valid JSON") from None
    weights = Weights(href=path.name, size=len(data), checksum=multihash(data))
    return Model(card_with(ModelCard.from_item(item), weights=weights), folder=path.parent, ref=str(path))


DEFAULT_MODEL = "landcover"
"""The model that is used when none is named."""


_BUNDLED = Path(__file__).with_name("bundled")


# Loaded models by folder and state of their files, so that a job of many scenes opens each once.
_OPEN: dict[tuple[object, ...], Model] = {}


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
