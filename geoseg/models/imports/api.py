"""``add_model``: a file or folder of another library in, a checked model folder out; ``remove_model``."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError, OptionError
from geoseg.models.card.card import CARD_FILE, ModelCard, card_with
from geoseg.models.check import check_model
from geoseg.models.clicks import add_click_model
from geoseg.models.clicks.card import MEAN, STD
from geoseg.models.folder import save_model
from geoseg.models.imports.described import ImportOptions, make_card
from geoseg.models.imports.places import Place, place_of
from geoseg.models.model import bundled_names, load_model, open_folder
from geoseg.models.weights import MAX_WEIGHTS_BYTES, ONNX, PICKLES, PT2, SAFETENSORS, read_file
from geoseg.system.files import rename, replaced_folder, temporary_beside
from geoseg.system.folders import user_models

if TYPE_CHECKING:
    import torch

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_.\-]*[a-zA-Z0-9]")

_REFUSED = {
    ".dlpk": "DLPK packages are made for ArcGIS, and the licences of the models in them bind them to it; get the model "
    "from its author as ONNX or as a state dict",
    ".emd": "an .emd file belongs to a package for ArcGIS, whose licence binds the model to it; get the model from its "
    "author as ONNX or as a state dict",
}


def add_model(
    source: Path | str,
    name: str | None = None,
    options: ImportOptions | None = None,
    *,
    index: str | None = None,
    overwrite: bool = False,
    decoder: Path | str | None = None,
) -> tuple[Path, list[str]]:
    """Make a model folder among the user's models from a file or folder of another library, and check it.

    Parameters
    ----------
    source
        An ONNX file; a PT2 archive of ``torch.export``; a folder of smp's or transformers' ``save_pretrained``; a state
        dict or checkpoint (``.pth``, ``.pt``, ``.ckpt``, ``.bin``, ``.safetensors``) of a network of smp; or a model
        folder of geoseg. Or the address of such a file or of a STAC MLM item, ``hf:OWNER/NAME`` of Hugging Face, or
        a name of weights that torchgeo lists, ``Unet_Weights.…``, if torch has downloaded them; or with ``index`` the
        name of a model in it. Nothing is fetched from other hosts than that of the address.
    name
        Name of the model; by default made of that of the source.
    options
        What the source does not state.
    index
        Path or address of a list of models, see :func:`geoseg.models.imports.places.listed_models`.
    overwrite
        Replace an installed model of this name.
    decoder
        ONNX file of the decoder whose image encoder ``source`` is: a click model of the SAM family, see
        :mod:`geoseg.models.clicks`. Of the options ``mean`` and ``std`` (of values 0…255), ``license`` and ``title``
        apply.

    Returns
    -------
    The folder, and what was verified, one line each.

    Raises
    ------
    ModelError
        If the source is damaged, unsafe or unsuitable, or does not state what options do not either; no folder is left.
    OptionError
        If an option is impossible or contradicts the source.
    """
    options = options or ImportOptions()
    if decoder is not None:
        return _add_pair(Path(source), Path(decoder), name, options, overwrite=overwrite)
    if name is not None:
        _check_free(_checked_name(name, Path()), overwrite=overwrite)  # before anything is fetched
    with place_of(source, index) as place:
        _check_kind(place.path)
        options = _completed(options, place.stated)
        name = _checked_name(name or _usable(place.name), place.path)
        target = _check_free(name, overwrite=overwrite)
        with _new_folder(target) as folder:
            _fill(folder, place, name, options)
            lines = check_model(folder)
            lines.append(_license_line(folder))
    return target, [*place.notes, *lines]


def _completed(options: ImportOptions, stated: Mapping[str, Any]) -> ImportOptions:
    """Return options with what a place states where they are silent; a normalisation is taken whole or not at all."""
    normalisation = ("divide", "mean", "std")
    own = any(getattr(options, key) is not None for key in normalisation)
    said = {
        key: value
        for key, value in stated.items()
        if getattr(options, key) is None and not (own and key in normalisation)
    }
    return replace(options, **said)


def _add_pair(
    encoder: Path, decoder: Path, name: str | None, options: ImportOptions, *, overwrite: bool
) -> tuple[Path, list[str]]:
    """Add a click model."""
    own = ImportOptions(mean=options.mean, std=options.std, license=options.license, title=options.title)
    if options != own:
        raise OptionError("of a click model only mean and std (of values 0 to 255), license and title are options")
    for path in (encoder, decoder):
        if path.suffix.lower() != ONNX or not path.is_file():
            raise ModelError(f"{path}: no such file, or no ONNX file; a click model is two of them on this machine")
    target = _check_free(_checked_name(name, encoder), overwrite=overwrite)
    mean, std = (
        default if values is None else values * (3 if len(values) == 1 else 1)
        for values, default in ((options.mean, MEAN), (options.std, STD))
    )
    if len(mean) != 3 or len(std) != 3:
        raise OptionError("mean and std of a click model are one number, or those of red, green and blue")
    origin = _origin(Place(encoder), "an image encoder and a prompt decoder")
    title = options.title or "Outlines what is clicked on"
    stated: dict[str, Any] = {"license": options.license or "other", "title": title, "origin": origin}
    return target, add_click_model(target, encoder, decoder, mean=mean, std=std, **stated)


def _license_line(folder: Path) -> str:
    stated = ModelCard.read(folder).license
    return f"licence: {stated}" if stated != "other" else "licence: not stated by its source; --license NAME says it"


def _usable(name: str | None) -> str | None:
    """Return a name from elsewhere in the characters that names of models have."""
    return None if name is None else re.sub(r"[^a-zA-Z0-9_.-]+", "-", name).strip("-_. ") or None


def _check_free(name: str, *, overwrite: bool) -> Path:
    target = user_models() / name
    if target.exists() and not overwrite:
        raise ModelError(f"a model {name!r} is installed ({target}): choose another name with --as, or --overwrite")
    return target


def remove_model(name: str) -> Path:
    """Remove an installed model and return where it was.

    Raises
    ------
    ModelError
        If it is part of geoseg, or there is none of this name.
    """
    if name in bundled_names():
        raise ModelError(f"model {name!r} is part of geoseg and cannot be removed")
    folder = user_models() / name
    if not _NAME.fullmatch(name) or not (folder / CARD_FILE).is_file():
        raise ModelError(f"no model {name!r} is installed in {user_models()}; see: geoseg model list")
    try:
        if folder.is_symlink():
            folder.unlink()
        else:
            gone = temporary_beside(folder)
            rename(folder, gone)  # at once, so that no half of a model is left under its name
            shutil.rmtree(gone)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be removed: {error.strerror or error}") from None
    return folder


def _check_kind(source: Path) -> None:
    files = [source] if source.is_file() else list(source.iterdir())
    for path in files:
        if (reason := _REFUSED.get(path.suffix.lower())) is not None and (source.is_file() or path.suffix == ".emd"):
            raise ModelError(f"{path}: {reason}")


def _checked_name(name: str | None, source: Path) -> str:
    if name is None:
        stem = source.resolve().name if source.is_dir() else source.stem
        name = re.sub(r"[^a-zA-Z0-9_.-]+", "-", stem).strip("-_. ")
    if not _NAME.fullmatch(name):
        raise OptionError(f"{name!r} is no name of a model: letters, digits and _ . -, beginning with a letter (--as)")
    if name in bundled_names():
        raise OptionError(f"a model {name!r} is part of geoseg: choose another name with --as")
    return name


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Yield a folder that takes the place of ``target`` if all goes well, and disappears if not."""
    try:
        with replaced_folder(target) as part:
            part.mkdir(parents=True)
            yield part
    except OSError as error:
        raise ModelError(f"{target}: cannot be written: {error.strerror or error}") from None


def _fill(folder: Path, place: Place, name: str, options: ImportOptions) -> None:
    source = place.path
    suffix = source.suffix.lower()
    if source.is_dir():
        if (source / CARD_FILE).is_file():
            _copy(folder, place, name, options)
        elif (source / "config.json").is_file():
            _from_config(folder, place, name, options)
        else:
            raise ModelError(
                f"{source}: is no model that is known: it has neither {CARD_FILE} nor config.json; name a file in it"
            )
    elif suffix == ONNX:
        from geoseg.models.imports.onnx_files import WEIGHTS, onnx_card

        card, data = onnx_card(source, name, options, _origin(place, "an ONNX file"))
        (folder / WEIGHTS).write_bytes(data)
        card.write(folder / CARD_FILE)
        _store_test_vector(folder, card)
    elif suffix == PT2:
        from geoseg.models.imports.pt2_files import WEIGHTS as PROGRAM
        from geoseg.models.imports.pt2_files import pt2_card

        card, data = pt2_card(source, name, options, _origin(place, "a PT2 archive"))
        (folder / PROGRAM).write_bytes(data)
        card.write(folder / CARD_FILE)
        _store_test_vector(folder, card)
    elif suffix in (SAFETENSORS, *PICKLES):
        from geoseg.models.imports.torch_files import state_facts

        stated, fields, state = state_facts(source, options)
        card = make_card(name, stated, options, _origin(place, stated.kind), **fields)
        _save(folder, card, state)
    else:
        kinds = ", ".join((ONNX, PT2, SAFETENSORS, *PICKLES[:4]))
        raise ModelError(f"{source}: is none of the files that are added ({kinds}, or a folder)")


def _from_config(folder: Path, place: Place, name: str, options: ImportOptions) -> None:
    source = place.path
    from geoseg.models.imports.huggingface import huggingface_facts
    from geoseg.models.imports.torch_files import read_config, smp_facts

    config = read_config(source)
    if "_model_class" in config:
        stated, fields, state = smp_facts(source)
    elif "model_type" in config:
        stated, fields, state = huggingface_facts(source, config)
    else:
        raise ModelError(f"{source}: its config.json is neither of segmentation-models-pytorch nor of transformers")
    _save(folder, make_card(name, stated, options, _origin(place, stated.kind), **fields), state)


def _save(folder: Path, card: ModelCard, state: dict[str, torch.Tensor]) -> None:
    from geoseg.models.imports.torch_files import fitting_state

    save_model(folder, card, fitting_state(card, state))


def _copy(folder: Path, place: Place, name: str, options: ImportOptions) -> None:
    """Copy a model folder of geoseg: card and weights, which are checked."""
    source = place.path
    if options != ImportOptions(license=options.license, title=options.title):
        raise OptionError(f"{source}: is a model folder, whose card states everything: leave the options out")
    model = open_folder(source, str(source))
    model.verify()
    card = model.card
    if card.weights is not None:
        path = source / card.weights.href
        copy = folder / card.weights.href
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(read_file(path, MAX_WEIGHTS_BYTES, str(path)))
    origin = {**(card.hyperparameters.get("origin") or _origin(place, "a model folder")), **place.origin}
    changes = {key: value for key in ("license", "title") if (value := getattr(options, key))}
    card = card_with(card, name=name, hyperparameters={**card.hyperparameters, "origin": origin}, **changes)
    card.write(folder / CARD_FILE)


def _store_test_vector(folder: Path, card: ModelCard) -> None:
    from geoseg.models.card.known_answer import make_test_vector

    card_with(card, test_vector=make_test_vector(load_model(folder).module(), card)).write(folder / CARD_FILE)


def _origin(place: Place, kind: str) -> dict[str, Any]:
    """Return where a model comes from: name, kind and checksum of the source, and when it was added."""
    source = place.path
    origin: dict[str, Any] = {"file": source.resolve().name, "kind": kind, "added": f"{datetime.now(UTC):%Y-%m-%d}"}
    if source.is_file():
        digest = hashlib.sha256()
        with source.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        origin["sha256"] = digest.hexdigest()
    return {**origin, **place.origin}
