"""PT2 archives -> graph, tensors and texts, without unpickling objects or evaluating expressions.

``torch.export.load`` hands the symbolic sizes in the file to sympy, which evaluates them as Python, and unpickles what
the file calls constants. Here JSON is parsed, and tensors are read as bytes; weights of older archives, a pickle, by
torch's reader of plain data (``weights_only=True``). Layout: torch/export/pt2_archive, torch/_export/serde/schema.py.
"""

from __future__ import annotations

import io
import json
import math
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError, ModelError, one_line
from geoseg.system.json_text import parse_json

if TYPE_CHECKING:
    import torch

_MAX_JSON = 512 * 2**20
"""Largest description of a graph; that of a large transformer has some 20 MB."""

_MAX_NUMBER = 2**48

# Data types by their number in the files.
DTYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 12: "bool",
    13: "bfloat16",
}  # fmt: skip

_DATA = "data/weights", "data/constants"


@dataclass(frozen=True)
class Archive:
    """What an archive holds.

    Attributes
    ----------
    program
        The exported program, as its JSON has it.
    tensors
        Weights, buffers and constants by name.
    extra
        Texts that were stored with it, by name.
    """

    program: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor] = field(repr=False)
    extra: Mapping[str, str] = field(repr=False)


def read_archive(data: bytes, label: str) -> Archive:
    """Return what an archive holds.

    Parameters
    ----------
    data
        Content of a ``.pt2`` file.
    label
        What error messages call it.

    Raises
    ------
    ModelError
        If it is damaged, holds compiled code or objects, or no program.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return _read(_Files(file, label))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OverflowError) as error:
        raise ModelError(f"{label}: not a PT2 archive, or a damaged one ({one_line(error)[:120]})") from None


class _Files:
    """The files of an archive by their path in it, without the folder that holds them all."""

    def __init__(self, file: zipfile.ZipFile, label: str) -> None:
        self._file, self.label = file, label
        names = file.namelist()
        roots = {name.partition("/")[0] for name in names if "/" in name}
        root = f"{roots.pop()}/" if len(roots) == 1 and all("/" in name for name in names) else ""
        self._names = {name.removeprefix(root): name for name in names}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __iter__(self) -> Any:
        return iter(self._names)

    def read(self, name: str, most: int | None = None) -> bytes:
        """Return the content of a file; torch stores files as they are, and others would be of any size."""
        if name not in self._names:
            raise ModelError(f"{self.label}: a damaged PT2 archive: it has no {name}")
        info = self._file.getinfo(self._names[name])
        if info.compress_type != zipfile.ZIP_STORED:
            raise ModelError(f"{self.label}: its {name} is compressed, which torch.export never does; get it again")
        if most is not None and info.file_size > most:
            raise ModelError(f"{self.label}: its {name} has {info.file_size / 1e6:,.0f} MB, more than is read")
        return self._file.read(info)

    def json(self, name: str) -> dict[str, Any]:
        try:
            content = parse_json(self.read(name, _MAX_JSON), f"{self.label}: {name}", "an exported program")
        except InputError as error:
            raise ModelError(str(error)) from None
        if not isinstance(content, dict):
            raise ModelError(f"{self.label}: its {name} is no JSON object")
        return content


def _read(files: _Files) -> Archive:
    label = files.label
    tensors: dict[str, torch.Tensor] = {}
    if "serialized_exported_program.json" in files:  # of torch before 2.8
        for name in ("serialized_state_dict.pt", "serialized_constants.pt"):
            tensors |= _plain_tensors(files.read(name), label) if name in files else {}
        texts = {
            name.removeprefix("extra_files/"): _text(files, name) for name in files if name.startswith("extra_files/")
        }
        return Archive(files.json("serialized_exported_program.json"), tensors, texts)
    models = [name for name in files if name.startswith("models/") and name.endswith(".json")]
    if not models:
        if any(name.startswith("data/aotinductor") for name in files):
            raise ModelError(f"{label}: holds code compiled for one kind of machine; export the model itself")
        raise ModelError(f"{label}: is no PT2 archive of torch.export: it holds no program; save it with torch.export")
    if len(models) > 1:
        raise ModelError(f"{label}: holds {len(models)} programs ({', '.join(sorted(models)[:4])}); export one alone")
    if "byteorder" in files and files.read("byteorder", 16).decode("ascii", "replace") != sys.byteorder:
        raise ModelError(f"{label}: its weights are in another byte order than this machine's; export it here")
    name = models[0].removeprefix("models/").removesuffix(".json")
    for folder, kind in zip(_DATA, ("weights", "constants"), strict=True):
        if f"{folder}/{name}.pt" in files:
            tensors |= _plain_tensors(files.read(f"{folder}/{name}.pt"), label)
        elif f"{folder}/{name}_{kind}_config.json" in files:
            tensors |= _raw_tensors(files, folder, f"{folder}/{name}_{kind}_config.json")
    texts = {path.removeprefix("extra/"): _text(files, path) for path in files if path.startswith("extra/")}
    return Archive(files.json(models[0]), tensors, texts)


def _text(files: _Files, name: str) -> str:
    return files.read(name, _MAX_JSON).decode("utf-8", "replace")


def _plain_tensors(data: bytes, label: str) -> dict[str, torch.Tensor]:
    """Return the tensors in a pickle of plain data."""
    import torch

    if not data:
        return {}
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - of pickle, zipfile and torch
        raise ModelError(
            f"{label}: its weights are stored as objects, and code from files is never run ({one_line(error)[:80]}); "
            "save it with torch.export.save of torch 2.9 or later"
        ) from None
    if isinstance(content, torch.Tensor):
        return {"": content}
    if not isinstance(content, Mapping) or not all(isinstance(one, torch.Tensor) for one in content.values()):
        raise ModelError(f"{label}: its weights hold more than tensors; export the network alone")
    return {str(name): tensor.detach() for name, tensor in content.items()}


def _raw_tensors(files: _Files, folder: str, config: str) -> dict[str, torch.Tensor]:
    entries = files.json(config).get("config")
    if not isinstance(entries, dict):
        raise ModelError(f"{files.label}: a damaged PT2 archive: {config} has no config")
    buffers: dict[str, bytearray] = {}
    found = {}
    for name, entry in entries.items():
        path = entry.get("path_name") if isinstance(entry, dict) else None
        if not isinstance(path, str):
            raise ModelError(f"{files.label}: a damaged PT2 archive: {config} names no file for {name[:60]!r}")
        if path.startswith(("custom_obj", "opaque_obj")):
            raise ModelError(
                f"{files.label}: its constant {name[:60]!r} is an object, and code from files is never run; export the "
                "network alone"
            )
        if entry.get("use_pickle"):
            found[name] = _plain_tensors(files.read(f"{folder}/{path}"), files.label)[""]
            continue
        if path not in buffers:
            buffers[path] = bytearray(files.read(f"{folder}/{path}"))
        found[name] = _tensor(buffers[path], entry.get("tensor_meta"), f"{files.label}: weight {name[:60]!r}")
    return found


def _tensor(data: bytearray, meta: Any, label: str) -> torch.Tensor:
    import torch

    try:
        dtype = getattr(torch, DTYPES[meta["dtype"]])
        size, stride = _numbers(meta["sizes"]), _numbers(meta["strides"])
        offset = _numbers([meta["storage_offset"]])[0]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{label}: a damaged PT2 archive: it is not described ({one_line(error)[:60]})") from None
    if math.prod(size) == 0:
        return torch.empty(size, dtype=dtype)
    try:
        # as_strided refuses what lies outside of the bytes.
        return torch.frombuffer(data, dtype=dtype).as_strided(size, stride, offset)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{label}: a damaged PT2 archive: {one_line(error)[:120]}") from None


def _numbers(entries: Sequence[Mapping[str, Any]]) -> list[int]:
    numbers = [entry["as_int"] for entry in entries]
    if not all(type(number) is int and 0 <= number < _MAX_NUMBER for number in numbers):
        raise ValueError(f"a size is {json.dumps(numbers)[:40]}")
    return numbers
