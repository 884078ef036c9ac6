"""Small measured facts, kept as JSON in the user's cache folder. A cache that fails costs time, never a result."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from geoseg.models.places import user_folder


def load(kind: str, *key: object) -> Any:
    """Return what was stored under ``key``, or None if there is nothing that can be read."""
    try:
        return json.loads(_path(kind, key).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def store(value: Any, kind: str, *key: object) -> None:
    """Keep ``value`` under ``key``, complete or not at all."""
    path = _path(kind, key)
    partial = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(value), encoding="utf-8")
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()


def _path(kind: str, key: tuple[object, ...]) -> Path:
    return user_folder("cache") / kind / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.json"
