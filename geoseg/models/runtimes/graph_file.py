"""Converted graphs in the user's cache folder: each in one file, complete or absent, with its checksum.

Two processes that convert the same graph at once both write it, one after the other under its name, with the same
content. A file that is damaged counts as absent.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from geoseg.system.files import complete
from geoseg.system.folders import user_folder

_MAGIC = b"geoseg graph 1\n"
_DIGEST, _LENGTH = 32, 8


class GraphBytes(NamedTuple):
    """A graph of OpenVINO: its description (XML) and its weights."""

    description: bytes
    weights: bytes


def load_graph(*key: object) -> GraphBytes | None:
    """Return the graph stored under ``key``; None if there is none, or it is damaged."""
    with suppress(OSError):
        data = _path(key).read_bytes()
        head, body = data[: len(_MAGIC)], memoryview(data)[len(_MAGIC) + _DIGEST :]
        if head == _MAGIC and hashlib.sha256(body).digest() == data[len(_MAGIC) : len(_MAGIC) + _DIGEST]:
            end = _LENGTH + int.from_bytes(body[:_LENGTH], "little")
            return GraphBytes(bytes(body[_LENGTH:end]), bytes(body[end:]))
    return None


def store_graph(graph: GraphBytes, *key: object) -> None:
    """Store a graph under ``key`` atomically; does nothing if the cache cannot be written."""
    path = _path(key)
    body = len(graph.description).to_bytes(_LENGTH, "little") + graph.description + graph.weights
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete(path) as part:
            part.write_bytes(_MAGIC + hashlib.sha256(body).digest() + body)


def _path(key: tuple[object, ...]) -> Path:
    return user_folder("cache") / "graphs" / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.graph"
