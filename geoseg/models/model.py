"""Models: a card with its network, and how they are found by name or path.

The class and its loading stand in one file because each needs the other: an unpickled model loads itself again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import GeosegError, ModelError, OutputError
from geoseg.models.boxes.onnx_card import detector_card, is_detector
from geoseg.models.build import build_module, with_temperature
from geoseg.models.card.card import CARD_FILE, ModelCard, Weights, card_of, card_with, multihash
from geoseg.models.csmask import csmask_card, csmask_file
from geoseg.models.fetch import fetched_model
from geoseg.models.fingerprint import model_fingerprint, pace_key
from geoseg.models.networks.builtin import build_rules
from geoseg.models.networks.onnx import CARD_KEY, parse
from geoseg.models.networks.onnx_adapt import Form
from geoseg.models.networks.onnx_card import fitted_card, made_card, notes_of
from geoseg.models.networks.onnx_contract import read_contract
from geoseg.models.networks.onnx_safety import MAX_FILE_BYTES
from geoseg.models.weights import (
    MAX_WEIGHTS_BYTES,
    ONNX,
    PICKLES,
    PT2,
    check_size,
    pickle_remedy,
    read_file,
    read_weights,
    weights_path,
)
from geoseg.system.files import exists, is_file, is_folder
from geoseg.system.folders import user_models
from geoseg.system.storage.address import object_address

if TYPE_CHECKING:
    import torch

DEFAULT_MODEL = "landcover"
"""Name of the model that is used if none is given."""

_BUNDLED = Path(__file__).with_name("bundled")

# Networks of this process by fingerprint: all models of the same files share one, however often they are unpickled.
_MODULES: dict[str, torch.nn.Module] = {}

# Models by path and state of their files, so that a job of many scenes opens each once.
_OPENED: dict[tuple[object, ...], Model] = {}

_LOCK = threading.Lock()


# The model ----------------------------------------------------------------------------------------------------------


class Model:
    """A card with its network, which is built on first use.

    Pickles as a reference: the process that unpickles it loads the same files again, and refuses files that differ. A
    model made from a module (``Model(card, module=net)``) is pickled with it.

    Parameters
    ----------
    card
        The model card.
    folder
        The model folder, if there is one.
    ref
        The name or path by which :func:`geoseg.load_model` finds it again; the card's name by default.
    module
        The network, for models without a folder. Forward: float32 (N, bands, h, w), normalised → logits
        (N, classes, h, w); h and w are multiples of ``card.stride``. If it has a true attribute ``pointwise``, each
        pixel's logits must depend on that pixel alone; it then runs in cache-sized strips.
    form
        Of ONNX models: how the graph serves the card.

    Examples
    --------
    >>> import torch
    >>> from geoseg.classes import MapClass
    >>> from geoseg.models import BandSpec, Model, ModelCard
    >>> card = ModelCard(
    ...     name="bright", architecture="threshold", bands=[BandSpec(name="red")],
    ...     classes=[MapClass(0, "dark", "#000000"), MapClass(1, "bright", "#ffffff")],
    ... )
    >>> Model(card, module=torch.nn.Conv2d(1, 2, kernel_size=1))
    Model('bright')
    """

    def __init__(
        self,
        card: ModelCard,
        *,
        folder: Path | None = None,
        ref: str | None = None,
        module: torch.nn.Module | None = None,
        form: Form | None = None,
    ) -> None:
        self.card = card
        self.folder = folder
        self.ref = ref if ref is not None else card.name
        self._given = module
        self._form = form

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
        """SHA-256 of card and network: equal fingerprints give equal results."""
        return model_fingerprint(self.card, self.folder, self._given)

    @property
    def pace_key(self) -> str:
        """What measurements of its speed are kept under: models that share it are run alike."""
        return pace_key(self.card, self.fingerprint)

    @property
    def notes(self) -> tuple[str, ...]:
        """What users should know about maps of this model, one line each."""
        return () if self._form is None else notes_of(self.card, self._form)

    @property
    def has_scores(self) -> bool:
        """Whether the network returns a score for each class; if not, only the class of each pixel."""
        return self._form is None or self._form.result.kind != "classes"

    @property
    def is_onnx(self) -> bool:
        """Whether the network is an ONNX graph."""
        return self._form is not None

    @property
    def form(self) -> Form | None:
        """How an ONNX graph serves the card; None for other networks."""
        return self._form

    def module(self) -> torch.nn.Module:
        """Return the network in eval mode, on the CPU, float32; shared by the process, so treat it as read-only.

        Its logits are divided by the card's temperature, so that their softmax is the confidence.

        Raises
        ------
        ModelError
            If the weights are missing, damaged or unsafe, or do not fit the architecture.
        """
        if self._given is not None:
            return with_temperature(self._given.eval(), self.card)
        with _LOCK:
            if self.fingerprint not in _MODULES:
                _MODULES[self.fingerprint] = with_temperature(self._build(), self.card)
            return _MODULES[self.fingerprint]

    def verify(self) -> None:
        """Check that the weights file is complete and unchanged.

        Raises
        ------
        ModelError
            If its size or checksum differ from the card's.
        """
        if self.folder is not None and self.card.weights is not None:
            read_weights(self.folder, self.card)

    def _build(self) -> torch.nn.Module:
        if self.card.weights is None:
            return build_rules(self.card)
        if self.folder is None:
            raise ModelError(f"model {self.card.name!r} has weights but no folder; load it with load_model(folder)")
        return build_module(self.folder, self.card)


def _from_module(item: dict[str, Any], ref: str, module: torch.nn.Module) -> Model:
    return Model(ModelCard.from_item(item), ref=ref, module=module)


def _from_ref(ref: str, expected: str) -> Model:
    model = load_model(ref)
    if model.fingerprint != expected:
        raise ModelError(
            f"model {ref!r} here differs from the one that the work was planned with: its card or weights changed "
            f"({CARD_FILE}); start again with the same files on every machine"
        )
    return model


# Finding models -----------------------------------------------------------------------------------------------------


def list_models() -> list[ModelCard]:
    """Return the cards of all models that can be loaded by name: bundled ones first, then installed ones.

    Models whose card cannot be read are left out; ``geoseg model check NAME`` tells what is wrong with one.

    Examples
    --------
    >>> from geoseg.models import list_models
    >>> {"landcover", "spectral"} <= {card.name for card in list_models()}
    True
    """
    cards: dict[str, ModelCard] = {}
    for name, folder in _named_folders().items():
        try:
            cards.setdefault(name, ModelCard.read(folder))
        except GeosegError:
            continue
    return list(cards.values())


def load_model(ref: str | os.PathLike[str] | Model) -> Model:
    """Load a model by name or path.

    Parameters
    ----------
    ref
        Name of a bundled or installed model; path of a model folder, of the ``model.json`` in it, or of an ``.onnx`` or
        ``.pt2`` file with its card inside (``geoseg model export``); address of a model folder in a bucket,
        ``s3://bucket/model``; a name of :data:`geoseg.models.csmask.NAMES`; or a loaded model, which is returned
        unchanged.

    Returns
    -------
    Model
        Its network is built on first use.

    Raises
    ------
    ModelError
        If there is no such model, or its card or weights are missing, damaged or unsafe.

    Examples
    --------
    >>> import geoseg
    >>> model = geoseg.load_model("spectral")
    >>> [band.name for band in model.card.bands]
    ['blue', 'green', 'red', 'nir', 'swir16', 'swir22']
    """
    if isinstance(ref, Model):
        return ref
    text = os.fspath(ref)
    try:
        address = object_address(text)
    except OutputError as error:
        raise ModelError(str(error)) from error
    if address is not None:
        copy = fetched_model(address)
        return _opened_once((str(address), _folder_state(copy)), lambda: open_folder(copy, str(address)))
    path = Path(text).expanduser()
    if text.lower().endswith(ONNX) and is_file(path):
        path, status = path.resolve(), path.stat()
        return _opened_once((path, status.st_size, status.st_mtime_ns), lambda: open_onnx(path))
    if text.lower().endswith(PT2) and is_file(path):
        path, status = path.resolve(), path.stat()
        return _opened_once((path, status.st_size, status.st_mtime_ns), lambda: open_pt2(path))
    if text not in _named_folders() and (network := csmask_file(text)) is not None:
        status = network.stat()
        return _opened_once((network, status.st_size, status.st_mtime_ns), lambda: open_csmask(network, text))
    folder = _find_folder(text)
    bundled = folder.parent == _BUNDLED
    folder = folder if bundled else folder.resolve()
    return _opened_once((folder, _folder_state(folder)), lambda: open_folder(folder, text if bundled else str(folder)))


def _opened_once(key: tuple[object, ...], opening: Callable[[], Model]) -> Model:
    with _LOCK:
        if key not in _OPENED:
            _OPENED[key] = opening()
        return _OPENED[key]


def _find_folder(text: str) -> Path:
    named = _named_folders()
    if text in named:
        return named[text]
    path = Path(text).expanduser()
    if is_folder(path):
        return path
    if is_file(path):
        if path.name == CARD_FILE:
            return path.parent
        beside = path.parent if (path.parent / CARD_FILE).is_file() else None
        hint = f"give its folder: -m {beside}" if beside else f"a model is a folder with {CARD_FILE} and its weights"
        raise ModelError(f"{text} is a file, not a model folder; {hint}")
    if exists(path):
        raise ModelError(f"{text} is a pipe or device, not a model folder")
    looks_like_path = any(mark in text for mark in ("/", "\\")) or text.startswith(".")
    if looks_like_path:
        raise ModelError(f"no model folder at {text}; installed models are {', '.join(named)}")
    raise ModelError(f"no model is called {text!r}: use one of {', '.join(named)}, or the path of a model folder")


def bundled_names() -> set[str]:
    """Return the names of the models that are part of geoseg."""
    return {path.name for path in _BUNDLED.iterdir() if (path / CARD_FILE).is_file()}


def _named_folders() -> dict[str, Path]:
    """Return model folders by name; bundled models take precedence over installed ones of the same name."""
    named: dict[str, Path] = {}
    for base in (_BUNDLED, user_models()):
        try:
            folders = sorted(path for path in base.iterdir() if (path / CARD_FILE).is_file())
        except OSError:
            continue
        for folder in folders:
            named.setdefault(folder.name, folder)
    return named


def _folder_state(folder: Path) -> tuple[object, ...]:
    """Return names, sizes and modification times of the folder's files: a changed folder is opened again."""
    try:
        return tuple(
            sorted((e.name, e.stat().st_size, e.stat().st_mtime_ns) for e in os.scandir(folder) if e.is_file())
        )
    except OSError as error:
        raise ModelError(f"model folder {folder} cannot be read: {error.strerror or error}") from None


# Opening models -----------------------------------------------------------------------------------------------------


def open_folder(folder: Path, ref: str) -> Model:
    """Return the model of a folder after checking that its weights exist; they are read when the network is built.

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
    if card.weights is None:
        return Model(card, folder=folder, ref=ref)
    path = weights_path(folder, card)
    check_size(path, card)
    if path.suffix.lower() != ONNX or card.boxes is not None:
        return Model(card, folder=folder, ref=ref)
    label = f"model {card.name!r}"
    card, form = fitted_card(card, read_contract(parse(read_weights(folder, card), label), label))
    return Model(card, folder=folder, ref=ref, form=form)


def open_onnx(path: Path) -> Model:
    """Return the model of an ONNX file.

    Its card is in the file, as ``geoseg model export`` writes it, or is made from metadata such as Deepness's.

    Raises
    ------
    ModelError
        If the file is damaged or unsafe, or its metadata do not tell what it takes and returns.
    """
    data = read_file(path, MAX_FILE_BYTES, str(path))
    contract = read_contract(parse(data, str(path)), str(path))
    text = contract.metadata.get(CARD_KEY)
    weights = Weights(href=path.name, size=len(data), checksum=multihash(data))
    if text is None and is_detector(contract):
        return Model(card_with(detector_card(contract, path), weights=weights), folder=path.parent, ref=str(path))
    card = made_card(contract, path) if text is None else card_of(text, f"the card in {path}")
    card, form = fitted_card(card_with(card, weights=weights), contract)
    return Model(card, folder=path.parent, ref=str(path), form=form)


def open_csmask(path: Path, name: str) -> Model:
    """Return a network of the package ukis-csmask.

    Raises
    ------
    ModelError
        If its files are damaged.
    """
    data = read_file(path, MAX_FILE_BYTES, str(path))
    contract = read_contract(parse(data, name), name)
    weights = Weights(href=path.name, size=len(data), checksum=multihash(data))
    card, form = fitted_card(card_with(csmask_card(contract, path, name), weights=weights), contract)
    return Model(card, folder=path.parent, ref=name, form=form)


def open_pt2(path: Path) -> Model:
    """Return the model of a PT2 archive whose card is in the file, as ``geoseg model export`` writes it.

    Raises
    ------
    ModelError
        If the file is damaged, or has no card.
    """
    from geoseg.models.programs.archive import read_archive

    data = read_file(path, MAX_WEIGHTS_BYTES, str(path))
    text = read_archive(data, str(path)).extra.get(CARD_FILE)
    if text is None:
        raise ModelError(
            f"{path} has no model card: add it first, geoseg model add {path}, which asks for what it lacks"
        )
    weights = Weights(href=path.name, size=len(data), checksum=multihash(data))
    return Model(card_with(card_of(text, f"the card in {path}"), weights=weights), folder=path.parent, ref=str(path))
