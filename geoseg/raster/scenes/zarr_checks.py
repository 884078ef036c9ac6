"""A Zarr store that checks what it hands out: codecs and sizes before anything is decoded.

Metadata chooses the code that decodes chunks, among it Python's pickle, and sizes that are allocated. All metadata and
chunks pass through here, whichever version or consolidated copy zarr reads.
Formats: https://zarr-specs.readthedocs.io
"""

from __future__ import annotations

import bz2
import json
import lzma
import math
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from zarr.abc.store import Store
from zarr.storage import LocalStore, WrapperStore

from geoseg.errors import InputError
from geoseg.raster.scenes.suffixes import ZARR_FILES
from geoseg.system.files import check_regular_file

_MAX_METADATA = 64 * 2**20
_MAX_SIDE = 2**27
_MAX_LINE = 2**24
_MAX_CHUNKS = 2**22
_MAX_CHUNK = 2**30
_MAX_TEXT = 64 * 2**20
_SLACK = 65536

_COMPRESSORS = {"zlib", "gzip", "bz2", "lzma", "blosc", "zstd", "lz4"}
_FILTERS = {
    "delta", "fixedscaleoffset", "quantize", "shuffle", "bitround", "packbits", "astype", "categorize", "vlen-utf8",
    "vlen-bytes",
}  # fmt: skip
_TO_BYTES = {"bytes", "transpose", "crc32c", "vlen-utf8", "vlen-bytes"}


@dataclass(frozen=True)
class _Array:
    """What its metadata says of an array: bytes of a decoded chunk at most, and the codec that decodes it first."""

    limit: int
    compressor: str | None
    checksum: int = 0


class CheckedStore(WrapperStore[Store]):
    """A read-only store whose metadata and chunks are checked as they are read.

    Parameters
    ----------
    store
        The store.
    label
        Its name in messages.
    """

    def __init__(self, store: Store, label: str, arrays: dict[str, _Array] | None = None) -> None:
        super().__init__(store)
        self._label = label
        self._arrays = {} if arrays is None else arrays

    def _with_store(self, store: Store) -> CheckedStore:
        return type(self)(store, self._label, self._arrays)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        """Return what identifies the content, in any process."""
        root = getattr(self._store, "root", None)
        return "geoseg.zarr", self._label, os.path.getmtime(root) if root is not None else None  # noqa: PTH204

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        """Return a value, checked; None if it is missing."""
        name = key.rpartition("/")[2]
        is_metadata = name in ZARR_FILES
        if isinstance(self._store, LocalStore):
            check_regular_file(Path(self._store.root) / key, limit=_MAX_METADATA if is_metadata else None)
        value = await self._store.get(key, prototype, byte_range)
        if value is None:
            return None
        if is_metadata:
            self._check_metadata(key, name, value.to_bytes())
        else:
            self._check_chunk(key, value, whole=byte_range is None)
        return value

    async def get_partial_values(self, prototype: Any, key_ranges: Any) -> list[Any]:
        """Return parts of values, checked."""
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    def _check_metadata(self, key: str, name: str, text: bytes) -> None:
        if len(text) > _MAX_METADATA:
            raise InputError(f"{self._label}: {key} has more than {_MAX_METADATA >> 20} MB of metadata")
        try:
            item = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self._label}: {key} is not JSON ({error}); copy or download it again") from error
        folder = key.removesuffix(name).strip("/")
        if not isinstance(item, dict):
            raise InputError(f"{self._label}: {key} is no JSON object; copy or download it again")
        try:
            self._check_item(folder, name, item)
        except InputError:
            raise
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise InputError(f"{self._label}: {key} is not valid ({error}); copy or download it again") from error

    def _check_item(self, folder: str, name: str, item: dict[str, Any]) -> None:
        if name == ".zmetadata":
            for key, inner in dict(item.get("metadata") or {}).items():
                own, _, kind = str(key).rpartition("/")
                if kind == ".zarray":
                    self._check_array(_join(folder, own), inner, version=2)
        elif name == ".zarray":
            self._check_array(folder, item, version=2)
        elif name == "zarr.json":
            if item.get("node_type") == "array":
                self._check_array(folder, item, version=3)
            inner = (item.get("consolidated_metadata") or {}).get("metadata") or {}
            for own, node in dict(inner).items():
                if isinstance(node, dict):
                    self._check_item(_join(folder, str(own)), "zarr.json", node)

    def _check_array(self, folder: str, item: dict[str, Any], *, version: int) -> None:
        label = f"{self._label}: array {folder or '/'}"
        shape = [_size(side) for side in item["shape"]]
        if version == 2:
            chunks, dtype = [_size(side) for side in item["chunks"]], item["dtype"]
            compressor, checksum = _codecs_of_version_2(item, label)
        else:
            grid = item["chunk_grid"]
            if grid.get("name") != "regular":
                raise InputError(f"{label}: has chunks of unequal size ({grid.get('name')}), which are not read")
            chunks, dtype = [_size(side) for side in grid["configuration"]["chunk_shape"]], item["data_type"]
            compressor, checksum = _codecs_of_version_3(item, label)
        text, itemsize = _itemsize(dtype, label)
        count = math.prod(max(1, -(-side // max(chunk, 1))) for side, chunk in zip(shape, chunks, strict=True))
        if max(shape, default=0) > _MAX_SIDE or (len(shape) == 1 and shape[0] > _MAX_LINE) or count > _MAX_CHUNKS:
            raise InputError(f"{label}: of shape {tuple(shape)} in {count} chunks is larger than what is read")
        size = math.prod(chunks) * itemsize
        if size > _MAX_CHUNK:
            raise InputError(f"{label}: has chunks of {size >> 20} MB, more than {_MAX_CHUNK >> 20}; rechunk it")
        # Filters may widen values to 16 bytes.
        limit = _MAX_TEXT if text else math.prod(chunks) * max(itemsize, 16) + _SLACK
        self._arrays[folder] = _Array(limit, compressor, checksum)

    def _check_chunk(self, key: str, value: Any, *, whole: bool) -> None:
        """Check that a chunk decodes to no more than its array declares."""
        folder = key
        while folder not in self._arrays and folder:
            folder = folder.rpartition("/")[0]
        array = self._arrays.get(folder)
        if array is None:
            raise InputError(f"{self._label}: {key} belongs to no array")
        if len(value) > array.limit * 2:
            raise InputError(f"{self._label}: {key} has {len(value) >> 20} MB, more than its array declares")
        if array.compressor is None:
            return
        if not whole:
            raise InputError(f"{self._label}: parts of compressed chunks are not read; rechunk it")
        data = value.to_bytes()
        data = data[: len(data) - array.checksum] if array.checksum else data
        if _decoded_size(array.compressor, data, array.limit) > array.limit:
            raise InputError(f"{self._label}: {key} decodes to more than its array declares; rejected")


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}".strip("/")


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no size")
    return value


def _itemsize(dtype: Any, label: str) -> tuple[bool, int]:
    """Return whether a type is text of any length, and its bytes per value."""
    if isinstance(dtype, dict):  # version 3: types with parameters
        parameters = dtype.get("configuration") or {}
        return False, max(16, *(_size(v) for k, v in parameters.items() if k == "length_bytes"), 0)
    if dtype in ("string", "variable_length_utf8", "bytes", "variable_length_bytes", "|O"):
        return True, 8
    if not isinstance(dtype, str):
        raise InputError(f"{label}: holds records ({str(dtype)[:40]}), which are no pixels")
    found = np.dtype(dtype)
    if found.hasobject:
        raise InputError(f"{label}: holds Python objects, which are no pixels")
    return False, int(found.itemsize)


def _codecs_of_version_2(item: dict[str, Any], label: str) -> tuple[str | None, int]:
    compressor = item.get("compressor")
    name = None if compressor is None else str(compressor.get("id"))
    if name is not None and name not in _COMPRESSORS:
        raise _unknown(label, name)
    if (
        compressor
        and name == "lzma"
        and (compressor.get("format") not in (None, lzma.FORMAT_XZ) or compressor.get("filters"))
    ):
        raise _unknown(label, "raw lzma")
    for codec in item.get("filters") or []:
        if str(codec.get("id")) not in _FILTERS:
            raise _unknown(label, str(codec.get("id")))
    return name, 0


def _codecs_of_version_3(item: dict[str, Any], label: str) -> tuple[str | None, int]:
    """Return the compressor, and the bytes of checksums after it."""
    if item.get("storage_transformers"):
        raise _unknown(label, "storage transformers")
    compressor, checksum = None, 0
    for codec in item["codecs"]:
        name = str(codec if isinstance(codec, str) else codec.get("name"))
        short = name.removeprefix("numcodecs.")
        if short == "lzma":  # its parameters are not read here
            raise _unknown(label, name)
        if short in _COMPRESSORS and compressor is None:
            compressor, checksum = short, 0
        elif name == "crc32c":
            checksum += 4
        elif compressor is not None or not (name in _TO_BYTES or (name != short and short in _FILTERS)):
            raise _unknown(label, name)
    return compressor, checksum


def _unknown(label: str, name: str) -> InputError:
    return InputError(
        f"{label}: is encoded with {name[:60]!r}, which is not decoded, because codecs may run code; write it with "
        f"{', '.join(sorted(_COMPRESSORS))}"
    )


def _decoded_size(compressor: str, data: bytes, limit: int) -> int:
    """Return how many bytes a chunk decodes to; more than ``limit`` may be any number above it."""
    try:
        if compressor in ("blosc", "lz4"):
            return int(struct.unpack_from("<I", data, 4 if compressor == "blosc" else 0)[0])
        if compressor == "zstd":
            return _zstd_size(data, limit)
        return _streamed_size(_DECODERS[compressor], data, limit)
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError, struct.error):
        return 0  # damaged: the codec will say so


# wbits 47: the header of zlib or gzip. memlimit: xz states the memory it wants.
_DECODERS: dict[str, Callable[[], Any]] = {
    "zlib": lambda: zlib.decompressobj(47),
    "gzip": lambda: zlib.decompressobj(47),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lambda: lzma.LZMADecompressor(memlimit=2**28),
}


def _streamed_size(decoder: Callable[[], Any], data: bytes, limit: int) -> int:
    """Decode streams that follow one another, as codecs do, until they end or exceed ``limit``."""
    size = 0
    while data and size <= limit:
        stream = decoder()
        size += len(stream.decompress(data, limit + 1 - size))
        if not stream.eof:
            break
        data = stream.unused_data
    return size


def _zstd_size(data: bytes, limit: int) -> int:
    """Return the size that a frame declares (RFC 8878, 3.1.1), which decoders allocate; else that of a trial."""
    if len(data) < 18 or data[:4] != b"\x28\xb5\x2f\xfd":
        return _zstd_trial(data, limit)
    flags = data[4]
    single = bool(flags & 0x20)
    width = (1 if single else 0, 2, 4, 8)[flags >> 6]
    start = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    if not width:
        return _zstd_trial(data, limit)
    return int.from_bytes(data[start : start + width], "little") + (256 if width == 2 else 0)


def _zstd_trial(data: bytes, limit: int) -> int:
    import pyarrow as pa

    with pa.input_stream(pa.BufferReader(data), compression="zstd") as stream:
        return len(stream.read(limit + 1))
