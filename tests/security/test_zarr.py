"""Hostile Zarr stores: no code runs, nothing large is allocated, and each is refused in one line."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import struct
import tracemalloc
import zlib
from pathlib import Path

import dask.array  # noqa: F401  before memory is measured
import numpy as np
import odc.geo.xr  # noqa: F401
import pytest
import xarray as xr

from geoseg.errors import GeosegError, InputError
from geoseg.raster import open_raster

zarr = pytest.importorskip("zarr", minversion="3.1", reason="the extra zarr is not installed")

SIDE = 64
PIXELS = np.full((SIDE, SIDE), 7, "u2")
BOMB = bytes(48 * 2**20)


def store(canary, *, version: int = 2, chunk: bytes = b"", consolidated: bool = False, **changes) -> str:
    """Write a store with one array by hand; ``changes`` replace entries of its metadata."""
    folder = canary.folder / "cube.zarr"
    (folder / "B04").mkdir(parents=True)
    chunk = chunk or PIXELS.tobytes()
    attributes = {"_ARRAY_DIMENSIONS": ["y", "x"]}
    if version == 2:
        array = {"zarr_format": 2, "shape": [SIDE, SIDE], "chunks": [SIDE, SIDE], "dtype": "<u2", "compressor": None,
                 "filters": None, "fill_value": 0, "order": "C"} | changes  # fmt: skip
        files = {".zgroup": {"zarr_format": 2}, ".zattrs": {}, "B04/.zarray": array, "B04/.zattrs": attributes}
        if consolidated:
            harmless = array | {"compressor": None, "filters": None}
            files[".zmetadata"] = {"zarr_consolidated_format": 1, "metadata": dict(files)}
            files["B04/.zarray"] = harmless
        name = "B04/0.0"
    else:
        array = {
            "zarr_format": 3, "node_type": "array", "shape": [SIDE, SIDE], "data_type": "uint16", "fill_value": 0,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [SIDE, SIDE]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}], "dimension_names": ["y", "x"],
            "attributes": {},
        } | changes  # fmt: skip
        group = {"zarr_format": 3, "node_type": "group", "attributes": {}}
        files = {"zarr.json": group, "B04/zarr.json": array}
        if consolidated:
            group["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": {"B04": array}}
        name = "B04/c/0/0"
    for key, content in files.items():
        canary.write(f"cube.zarr/{key}", json.dumps(content))
    canary.write(f"cube.zarr/{name}", chunk)
    return str(folder)


class Egg:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def refuse(canary, path, text: str = "") -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            (raster := open_raster(path)).read(raster.box)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    line = str(caught.value)
    assert isinstance(caught.value, GeosegError)
    assert "\n" not in line
    assert 20 < len(line) < 700
    assert text in line, line
    assert peak < 40 * 2**20
    canary.silent()


@pytest.mark.parametrize("consolidated", [False, True])
@pytest.mark.parametrize("place", ["filter", "compressor"])
def test_pickles_in_version_2(canary, monkeypatch, place, consolidated):
    import numcodecs.pickles

    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)
    codec = {"id": "pickle", "protocol": 4}
    changes = {"filters": [codec], "dtype": "|O"} if place == "filter" else {"compressor": codec}
    path = store(canary, chunk=pickle.dumps(Egg(canary.egg)), consolidated=consolidated, **changes)
    refuse(canary, path, "'pickle', which is not decoded")


@pytest.mark.parametrize(
    "name", ["pickle", "json2", "msgpack2", "base64", "vlen-array", "imagecodecs_tiff", "", "no such"]
)
def test_codecs_of_version_2(canary, name):
    refuse(canary, store(canary, compressor={"id": name}), "which is not decoded")


@pytest.mark.parametrize("name", ["zlib", "lzma", "pickle"])
def test_filters_of_version_2(canary, name):
    refuse(canary, store(canary, filters=[{"id": name}]), "which is not decoded")


CHAINS = {
    "pickle": ["numcodecs.pickle"],
    "pickle bare": ["pickle"],
    "after bytes": ["bytes", "numcodecs.pickle"],
    "twice": ["bytes", "gzip", "gzip"],
    "checksum within": ["bytes", "gzip", "numcodecs.crc32"],
    "foreign": ["some.package:Codec"],
    "shards": ["sharding_indexed"],
    "lzma": ["bytes", "numcodecs.lzma"],
}


@pytest.mark.parametrize("consolidated", [False, True])
@pytest.mark.parametrize("name", CHAINS)
def test_codecs_of_version_3(canary, name, consolidated):
    codecs = [{"name": codec, "configuration": {}} for codec in CHAINS[name]]
    refuse(canary, store(canary, version=3, codecs=codecs, consolidated=consolidated), "which is not decoded")


def test_storage_transformers(canary):
    refuse(canary, store(canary, version=3, storage_transformers=[{"name": "x"}]))


SIZES = {
    "line": {"shape": [2**40], "chunks": [2**20]},
    "sides": {"shape": [2**40, 2**40], "chunks": [2**20, 2**8]},
    "many chunks": {"shape": [2**20, 2**20], "chunks": [16, 16]},
    "big chunk": {"shape": [2**17, 2**17], "chunks": [2**17, 2**17]},
    "huge chunk": {"chunks": [2**62, 2**62]},
    "long text": {"dtype": "|S999999999"},
    "negative": {"shape": [-1, 4]},
    "number with a point": {"shape": [4.5, 4]},
    "true": {"shape": [True, 4]},
    "text": {"shape": "12"},
    "none": {"shape": None},
    "dimensions": {"chunks": [64]},
    "records": {"dtype": [["a", "<u2"]]},
    "no type": {"dtype": "hello"},
    "objects": {"dtype": "O"},
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(canary, name):
    refuse(canary, store(canary, **SIZES[name]))


@pytest.mark.parametrize("name", ["line", "many chunks", "big chunk"])
def test_sizes_of_version_3(canary, name):
    chunks = {"name": "regular", "configuration": {"chunk_shape": SIZES[name]["chunks"]}}
    refuse(canary, store(canary, version=3, shape=SIZES[name]["shape"], chunk_grid=chunks))


def zstd(data: bytes) -> bytes:
    import numcodecs

    return bytes(numcodecs.Zstd(level=3).encode(data))


BOMBS = {
    "zlib": lambda: zlib.compress(BOMB),
    "gzip": lambda: gzip.compress(BOMB, 1),
    "gzip in parts": lambda: gzip.compress(bytes(8192)) + gzip.compress(BOMB, 1),
    "bz2": lambda: bz2.compress(BOMB),
    "lzma": lambda: lzma.compress(BOMB, preset=0),
    "zstd": lambda: zstd(BOMB),
    "zstd that does not say": lambda: b"\x28\xb5\x2f\xfd\x00\x58" + b"".join(
        struct.pack("<I", (2**17 << 3) | 2 | (number == 999))[:3] + b"\0" for number in range(1000)
    ),
    "lz4": lambda: struct.pack("<I", 2**31 - 1) + bytes(100),
    "blosc": lambda: struct.pack("<BBBBIII", 2, 1, 1, 2, 2**31 - 1, 2**20, 116) + bytes(100),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(canary, name):
    path = store(canary, chunk=BOMBS[name](), compressor={"id": name.split()[0]})
    refuse(canary, path, "more than its array declares")


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_bombs_of_version_3(canary, name):
    level = {"level": 1} if name == "gzip" else {"level": 1, "checksum": False}
    codecs = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": name, "configuration": level}]
    refuse(canary, store(canary, version=3, chunk=BOMBS[name](), codecs=codecs), "more than its array declares")


def test_coordinates_are_checked_as_well(canary):
    path = store(canary)
    canary.write(
        "cube.zarr/x/.zarray",
        json.dumps(
            {
                "zarr_format": 2,
                "shape": [SIDE],
                "chunks": [SIDE],
                "dtype": "<f8",
                "compressor": {"id": "zlib"},
                "filters": None,
                "fill_value": 0,
                "order": "C",
            }
        ),
    )
    canary.write("cube.zarr/x/.zattrs", json.dumps({"_ARRAY_DIMENSIONS": ["x"]}))
    canary.write("cube.zarr/x/0", zlib.compress(BOMB))
    refuse(canary, path, "more than its array declares")


@pytest.mark.parametrize("key", ["B04/.zarray", "B04/.zattrs", ".zgroup", "B04/0.0"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes(canary, key):
    path = store(canary)
    Path(path, key).unlink()
    os.mkfifo(f"{path}/{key}")
    refuse(canary, path, "is a named pipe") if key != ".zgroup" else refuse(canary, path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", '{"shape": 1}', "[" * 100_000, "\0"])
def test_metadata_that_is_none(canary, text):
    path = store(canary)
    canary.write("cube.zarr/B04/.zarray", text)
    refuse(canary, path)


def test_metadata_without_end(canary):
    path = store(canary)
    os.truncate(canary.write("cube.zarr/B04/.zarray", "{"), 2**31)
    refuse(canary, path, "more than the 64 MB")


def test_remote_stores_only_when_allowed(canary):
    for path in (f"{canary.url}/a.zarr", "s3://bucket/a.zarr"):
        with pytest.raises(InputError):
            open_raster(path, allow_remote=False)
    canary.silent()


def test_references_to_other_files_are_no_stores(canary):
    path = canary.write(
        "a.json",
        json.dumps({"version": 1, "refs": {".zgroup": '{"zarr_format": 2}', "B04/0.0": [f"{canary.url}/a", 0, 9]}}),
    )
    refuse(canary, path, "not a STAC item")


@pytest.mark.parametrize(
    "encoding", [{}, *({"compressors": name} for name in ("gzip", "zstd", "blosc", "zlib", "bz2", "lz4"))], ids=str
)
@pytest.mark.parametrize("version", [2, 3])
def test_usual_stores_are_read(canary, encoding, version):
    import numcodecs
    from zarr import codecs

    name = encoding.get("compressors")
    if version == 3 and name not in (None, "gzip", "zstd", "blosc"):
        pytest.skip("not a codec of this version")
    if name and version == 2:
        encoding = {"compressors": numcodecs.get_codec({"id": name})}
    elif name:
        encoding = {
            "compressors": {"gzip": codecs.GzipCodec(), "zstd": codecs.ZstdCodec(), "blosc": codecs.BloscCodec()}[name]
        }
    values = np.random.default_rng(0).integers(0, 9, (2, 90, 130), dtype=np.uint16)
    data = xr.Dataset(
        {"image": (("band", "y", "x"), values)},
        coords={"x": np.arange(130) * 10.0 + 5, "y": 900 - np.arange(90) * 10.0 - 5, "band": ["red", "nir"]},
    )
    path = canary.folder / "a.zarr"
    data.to_zarr(path, zarr_format=version, encoding={"image": {"chunks": (1, 32, 64), **encoding}})
    raster = open_raster(path)
    np.testing.assert_array_equal(raster.read(raster.box).data, values)


def test_a_store_can_be_sent_to_workers(canary):
    from distributed.protocol import deserialize, serialize  # noqa: F401  what dask sends

    store(canary)
    raster = open_raster(canary.folder / "cube.zarr")
    again = open_raster(canary.folder / "cube.zarr")
    source = pickle.loads(pickle.dumps(raster.inputs[0]))
    assert source.recipe() == again.inputs[0].recipe()
    assert (np.asarray(source.array) == 7).all()
