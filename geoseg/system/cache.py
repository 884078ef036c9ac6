"""Measured values, cached as JSON in the user's cache folder. If the cache fails, they are measured again."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from geoseg.system.files import complete
from geoseg.system.folders import user_folder


def load(kind: str, *key: object) -> Any:
    """Return the value stored under ``key``, or None if there is none or it cannot be read."""
    try:
        return json.loads(_path(kind, key).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def store(value: Any, kind: str, *key: object) -> None:
    """Store ``value`` under ``key`` atomically; does nothing if the cache cannot be written."""
    path = _path(kind, key)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete(path) as part:
            part.write_text(json.dumps(value), encoding="utf-8")


def _path(kind: str, key: tuple[object, ...]) -> Path:
    return user_folder("cache") / kind / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.json"
