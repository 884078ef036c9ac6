"""Bytes as people write them (``4GB``, ``512MB``, ``1.5GiB``), and the cores that there are."""

from __future__ import annotations

import os
import re

from geoseg.errors import OptionError

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_UNITS |= {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "tib": 2**40}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")


def parse_bytes(text: str | float) -> int:
    """Return a number of bytes.

    Raises
    ------
    OptionError
        If ``text`` is not a positive number with a unit of bytes.
    """
    match = _PATTERN.fullmatch(str(text))
    unit = match[2].lower() if match else None
    if not match or unit not in _UNITS or float(match[1]) <= 0:
        raise OptionError(f"memory {text!r} is not a size: write it like 4GB or 512MB")
    return int(float(match[1]) * _UNITS[unit])


def format_bytes(count: float) -> str:
    """Return ``count`` bytes in the largest decimal unit that leaves at least 1: ``3.2 GB``."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def cpu_count() -> int:
    """Cores that this process may use."""
    try:
        return max(len(os.sched_getaffinity(0)), 1)
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1
