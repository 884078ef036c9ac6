"""Cores, memory, the limits of containers and batch systems, and the folders that geoseg writes to."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from geoseg.system.cgroup import cpu_quota, memory_left
from geoseg.system.doctor.entry import Entry, Status
from geoseg.system.folders import user_folder, user_models
from geoseg.system.resources import available_memory, cpu_count, format_bytes

_LEAST_MEMORY = 2 * 10**9
_LEAST_DISK = 2 * 10**9
_LEAST_SHARED = 256 * 10**6
_LEAST_FILES = 512
_NO_LIMIT = 2**60


def machine_entries() -> list[Entry]:
    """Return cores and memory."""
    import psutil

    total, free = int(psutil.virtual_memory().total), available_memory()
    cores, all_cores = cpu_count(), os.cpu_count() or 1
    entries = [
        Entry("cores", f"{cores} of {all_cores} may be used", {"usable": cores, "machine": all_cores}),
    ]
    text = f"{format_bytes(free)} free of {format_bytes(total)}"
    value = {"free": free, "total": total}
    if free < _LEAST_MEMORY:
        remedy = "end other programs, or give a smaller --memory and --window; a run needs 1 to 3 GB with a network"
        entries.append(Entry("memory", text, value, "warning", remedy))
    else:
        entries.append(Entry("memory", text, value))
    return entries


def limit_entries() -> list[Entry]:
    """Return limits that are below what the machine has: container, batch system, ulimit."""
    entries = []
    left, quota = memory_left(), cpu_quota()
    if left is not None:
        entries.append(Entry("container memory", f"{format_bytes(left)} left within its limit", left))
    if quota is not None:
        entries.append(Entry("container cores", f"{quota:g} cores' worth of time", quota))
    entries += _resource_limits()
    shared = Path("/dev/shm")  # noqa: S108 - its size is looked at, nothing is written
    if shared.is_dir():
        with suppress(OSError):
            size = shutil.disk_usage(shared).total
            small = size < _LEAST_SHARED
            entries.append(
                Entry(
                    "shared memory",
                    format_bytes(size),
                    size,
                    "warning" if small else "ok",
                    "geoseg train with worker processes needs more: docker run --shm-size=1g …" if small else "",
                )
            )
    return entries


def _resource_limits() -> list[Entry]:
    """Return what ``ulimit`` has set; Windows has no such limits."""
    if sys.platform == "win32":
        return []
    import resource

    entries = []
    space = resource.getrlimit(resource.RLIMIT_AS)[0]
    if space not in (resource.RLIM_INFINITY, -1) and space < _NO_LIMIT:
        remedy = "libraries reserve more than they use: raise it (ulimit -v unlimited), and limit geoseg with --memory"
        status: Status = "warning" if space < 16 * 10**9 else "ok"
        entries.append(Entry("address space", format_bytes(space), space, status, remedy if status != "ok" else ""))
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    few = files != resource.RLIM_INFINITY and files < _LEAST_FILES
    remedy = "scenes of many files and dask need more: ulimit -n 4096"
    entries.append(Entry("open files", f"at most {files:,}", files, "warning" if few else "ok", remedy if few else ""))
    return entries


def folder_entries() -> tuple[Entry, ...]:
    """Return the cache, the user's models, the folder for temporary files and the present one."""
    return (
        _folder("cache", lambda: user_folder("cache"), "set GEOSEG_CACHE to a folder that you may write to"),
        _folder("models", user_models, "", written=False),
        _folder("temporary", lambda: Path(tempfile.gettempdir()), "set TMPDIR (Windows: TEMP) to a folder with room"),
        _folder("present", Path.cwd, "change to a folder that you may write to, or name one with -o", least=False),
    )


def _folder(name: str, find: Callable[[], Path], remedy: str, *, written: bool = True, least: bool = True) -> Entry:
    """Describe a folder: where it is, what it holds, whether it can be written, and what room its disk has."""
    try:
        path = find()
        nearest = next(one for one in (path, *path.parents) if one.is_dir())
        free = shutil.disk_usage(nearest).free
    except (OSError, RuntimeError, StopIteration) as error:
        return Entry(name, f"not usable: {error}", None, "error" if written else "warning", remedy)
    value = {"path": str(path), "exists": nearest == path, "free": free}
    text = f"{path}, {format_bytes(free)} free on its disk"
    if name in ("cache", "models") and nearest == path:
        count, size = _content(path)
        value |= {"files": count, "bytes": size}
        text += f", holds {count:,} files of {format_bytes(size)}"
    elif nearest != path:
        text += ", not made yet"
    if written and not _writable(nearest):
        return Entry(name, f"{text}; cannot be written", value, "error" if name == "temporary" else "warning", remedy)
    if least and written and free < _LEAST_DISK:
        return Entry(name, f"{text}: little room", value, "warning", remedy)
    return Entry(name, text, value)


def _content(path: Path) -> tuple[int, int]:
    sizes = []
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                sizes.append((Path(folder) / name).stat().st_size)
    return len(sizes), sum(sizes)


def _writable(folder: Path) -> bool:
    """Whether a file can be made: ``os.access`` knows neither Windows' rights nor read-only mounts of every kind."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
