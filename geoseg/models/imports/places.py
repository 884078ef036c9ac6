"""Where a source is: a path, an address, a repository of Hugging Face, or a name in a list of models."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geoseg.errors import ModelError, one_line
from geoseg.errors.secrets import without_secrets
from geoseg.models.card.card import CARD_FILE, MAX_CARD_BYTES
from geoseg.models.card.values import assets_of
from geoseg.models.imports.torchgeo_weights import NAME, torchgeo_file
from geoseg.models.weights import MAX_WEIGHTS_BYTES, ONNX, PICKLES, PT2, SAFETENSORS, read_file
from geoseg.system.download import address_beside, download, file_name, is_address
from geoseg.system.files import exists
from geoseg.system.json_text import parse_json

HUB = "hf:"
"""Beginning of names of repositories of Hugging Face: ``hf:OWNER/NAME`` or ``hf:OWNER/NAME@REVISION``."""

_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")

# What is fetched of a repository; weights of the first kind that it has.
_FILES = ("config.json", "preprocessor_config.json", "README.md")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")

_CHECKSUM = re.compile(r"(?:1220|sha256:)?([0-9a-f]{64})")


@dataclass(frozen=True)
class Place:
    """A source on this machine.

    Attributes
    ----------
    path
        File or folder.
    name
        The name that its address gives the model; None for paths.
    origin
        What the card says of where it comes from.
    notes
        What users should know, one line each.
    stated
        Options that the place states, where the user says nothing.
    """

    path: Path
    name: str | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stated: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def place_of(source: str | Path, index: str | None) -> Iterator[Place]:
    """Yield where a source is; what is fetched is deleted afterwards, but for the cache of Hugging Face.

    Parameters
    ----------
    source
        A path, an address, ``hf:OWNER/NAME``, or with an index the name of a model in it.
    index
        Path or address of a list of models.

    Raises
    ------
    ModelError, InputError
        If it does not exist, cannot be fetched, or is not what a checksum says.
    """
    text = str(source)
    with tempfile.TemporaryDirectory(prefix="geoseg-add-", ignore_cleanup_errors=True) as folder:
        if index is not None:
            yield _from_index(text, index, Path(folder))
        elif text.startswith(HUB) and not exists(text):
            yield _from_hub(text.removeprefix(HUB))
        elif is_address(text):
            yield _from_address(text, Path(folder), None)
        elif NAME.fullmatch(text) and not exists(text):
            path, stated, address = torchgeo_file(text)
            yield Place(path, text.partition(".")[2].lower(), {"file": text, "address": address}, stated=stated)
        elif not exists(Path(source)):
            raise ModelError(f"{source}: no such file or folder; check the path")
        else:
            yield Place(Path(source))


# Addresses ----------------------------------------------------------------------------------------------------------


def _from_address(address: str, folder: Path, checksum: str | None) -> Place:
    """Return a file at an address, or the model that a STAC MLM item there describes."""
    name = file_name(address)
    suffix = Path(name).suffix.lower()
    if suffix == ".json":
        found = _from_item(_object_at(address, folder), address, folder, checksum)
    elif suffix in (ONNX, PT2, SAFETENSORS, *PICKLES):
        path = folder / f"weights{suffix}"
        _check(download(address, path, MAX_WEIGHTS_BYTES), checksum, address)
        found = Place(path, Path(name).stem)
    else:
        raise ModelError(
            f"{without_secrets(address)}: is no address of a model: a STAC MLM item (.json), or a file "
            f"({', '.join((ONNX, PT2, SAFETENSORS, *PICKLES[:3]))})"
        )
    origin = {"file": name, **found.origin, "address": without_secrets(address)}
    return Place(found.path, found.name, origin, found.notes)


def _object_at(address: str, folder: Path) -> dict[str, Any]:
    path = folder / "item.json"
    label = without_secrets(address)
    if is_address(address):
        download(address, path, MAX_CARD_BYTES)
    else:
        path = Path(address)
    content = parse_json(read_file(path, MAX_CARD_BYTES, label), label, "a JSON object")
    if not isinstance(content, dict):
        raise ModelError(f"{label}: is no JSON object")
    return content


def _from_item(item: dict[str, Any], address: str, folder: Path, checksum: str | None) -> Place:
    """Make a model folder of a STAC MLM item and the file that it names, which must be at the same host."""
    label = without_secrets(address)
    models = {key: one for key, one in assets_of(item).items() if "mlm:model" in (one.get("roles") or ())}
    usable = [
        one
        for suffix in (SAFETENSORS, ONNX, PT2)
        for one in models.values()
        if Path(file_name(str(one.get("href", "")))).suffix.lower() == suffix
    ]
    if not usable:
        hrefs = ", ".join(str(one.get("href"))[:80] for one in models.values()) or "none"
        raise ModelError(
            f"{label}: its item names no model that is read from an item, {SAFETENSORS}, {ONNX} or {PT2} (it names "
            f"{hrefs}); add a state dict by its own address, with --arch and --encoder"
        )
    asset = usable[0]
    href = str(asset["href"])
    target = folder / "model"
    target.mkdir()
    name = f"weights{Path(file_name(href)).suffix.lower()}"
    stated = asset.get("file:checksum")
    digest = download(address_beside(href, address), target / name, MAX_WEIGHTS_BYTES)
    _check(digest, checksum or (stated if isinstance(stated, str) else None), href)
    own = {**asset, "href": name, "file:checksum": f"1220{digest}"}
    others = {key: one for key, one in assets_of(item).items() if key not in models}
    changed = {**item, "assets": {**others, "weights": own}, "links": []}
    (target / CARD_FILE).write_text(json.dumps(changed, ensure_ascii=False), encoding="utf-8")
    properties = item.get("properties")
    stated_name = properties.get("mlm:name") if isinstance(properties, dict) else None
    return Place(target, stated_name if isinstance(stated_name, str) else None, {"kind": "a STAC MLM item"})


def _check(digest: str, checksum: str | None, address: str) -> None:
    if checksum is None:
        return
    found = _CHECKSUM.fullmatch(checksum.lower())
    if found is None:
        raise ModelError(f"{without_secrets(address)}: its checksum {checksum[:80]!r} is not a SHA-256")
    if found[1] != digest:
        raise ModelError(
            f"{without_secrets(address)}: was changed or damaged: its SHA-256 is {digest[:12]}…, and should be "
            f"{found[1][:12]}…; ask whoever keeps the list, nothing was added"
        )


# Lists of models ----------------------------------------------------------------------------------------------------


def listed_models(index: str) -> list[dict[str, Any]]:
    """Return the entries of a list of models: ``name``, ``href``, ``checksum``, and further texts.

    Parameters
    ----------
    index
        Path or address of ``{"models": [{"name": …, "href": …, "checksum": SHA-256, "title": …, "license": …}, …]}``,
        or of a STAC FeatureCollection of MLM items.

    Raises
    ------
    ModelError, InputError
        If it cannot be read, or an entry lacks name, address or checksum.
    """
    with tempfile.TemporaryDirectory(prefix="geoseg-index-") as folder:
        content = _object_at(index, Path(folder))
    features = content.get("features")
    entries = [_entry_of(one) for one in features] if isinstance(features, list) else content.get("models")
    label = without_secrets(index)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ModelError(f'{label}: is no list of models: {{"models": [{{"name", "href", "checksum"}}, …]}}')
    for entry in entries:
        for key in ("name", "href", "checksum"):
            if not isinstance(entry.get(key), str) or not entry[key]:
                raise ModelError(f"{label}: an entry ({str(entry.get('name'))[:40]}) has no {key}")
    return entries


def _entry_of(item: Any) -> dict[str, Any]:
    """Return what an item in a collection says of its model."""
    if not isinstance(item, dict) or not isinstance(item.get("properties"), dict):
        return {}
    assets = [one for one in assets_of(item).values() if "mlm:model" in (one.get("roles") or ())]
    properties, asset = item["properties"], assets[0] if assets else {}
    return {
        "name": properties.get("mlm:name"),
        "href": asset.get("href"),
        "checksum": asset.get("file:checksum"),
        "title": properties.get("title", ""),
        "license": properties.get("license", ""),
        "item": item,
    }


def _from_index(name: str, index: str, folder: Path) -> Place:
    entries = listed_models(index)
    entry = next((one for one in entries if one["name"] == name), None)
    if entry is None:
        names = ", ".join(one["name"] for one in entries[:20])
        raise ModelError(f"{without_secrets(index)}: lists no model {name!r}; it lists {names or 'none'}")
    if is_address(index):
        address = address_beside(entry["href"], index)
        if "item" in entry:
            found = _from_item(entry["item"], index, folder, entry["checksum"])
        else:
            found = _from_address(address, folder, entry["checksum"])
    else:
        raise ModelError(f"{index}: models are fetched from lists by address (https://…); add a file by its path")
    return Place(
        found.path,
        name,
        {"file": file_name(entry["href"]), **found.origin, "index": without_secrets(index)},
        found.notes,
    )


# Hugging Face -------------------------------------------------------------------------------------------------------


def _from_hub(name: str) -> Place:
    """Return a copy of a repository's configuration and weights in the cache of Hugging Face."""
    found = _REPOSITORY.fullmatch(name)
    if found is None:
        raise ModelError(f"{HUB}{name}: is no repository; write {HUB}OWNER/NAME or {HUB}OWNER/NAME@REVISION")
    repository, revision = found[1], found[2]
    try:
        import huggingface_hub as hub
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
    except ImportError:
        raise ModelError(f'{HUB}{name}: huggingface_hub is not installed: pip install "geoseg[transformers]"') from None
    notes: tuple[str, ...] = ()
    offline = None
    try:
        hub.get_hf_file_metadata(hub.hf_hub_url(repository, _FILES[0], revision=revision))
    except GatedRepoError:
        raise ModelError(f"{HUB}{name}: asks for consent at its page; give it there, then: hf auth login") from None
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise ModelError(f"{HUB}{name}: there is no such repository or revision, or it is private") from None
    except Exception as error:  # noqa: BLE001 - of connections, of any type
        if _missing(error):
            raise ModelError(f"{HUB}{name}: has no {_FILES[0]}: it is no model of transformers or smp") from None
        offline = one_line(error)[:120]
    copies = [_hub_file(repository, one, revision, offline) for one in _FILES]
    weights = next((one for one in (_hub_file(repository, file, revision, offline) for file in _WEIGHTS) if one), None)
    if copies[0] is None or weights is None:
        if offline:
            raise ModelError(f"{HUB}{name}: the hub cannot be reached ({offline}), and no copy of it is in the cache")
        raise ModelError(f"{HUB}{name}: has none of {', '.join(_WEIGHTS)}")
    folder = copies[0].parent
    if offline:
        notes = (f"the hub cannot be reached ({offline}): the copy in the cache is used, commit {folder.name[:12]}",)
    origin = {"file": f"{HUB}{repository}", "commit": folder.name}
    return Place(folder, repository.partition("/")[2], origin, notes)


def _hub_file(repository: str, file: str, revision: str | None, offline: str | None) -> Path | None:
    import huggingface_hub as hub
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    try:
        return Path(hub.hf_hub_download(repository, file, revision=revision, local_files_only=offline is not None))
    except Exception as error:  # noqa: BLE001 - of connections, of any type
        if offline or _missing(error):
            return None
        raise ModelError(f"{HUB}{repository}: {file} cannot be fetched ({one_line(error)[:160]}); try again") from None


def _missing(error: Exception) -> bool:
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    return isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError)
