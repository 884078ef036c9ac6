"""Limits that a container or batch system sets on this process: Linux control groups, version 1 and 2.

The kernel enforces the limit of every group from the process's own up to the root, so all of them count. psutil and
``os.cpu_count`` report the host; dask reads one group (version 1: the root; version 2 memory: the root). Formats:
https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/admin-guide/cgroup-v1/memory.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc/self/cgroup")

# Version 1 has no word for "no limit": it reports the largest number of whole pages, near 2**63.
_UNLIMITED = 2**60


def memory_left(root: Path = ROOT, proc: Path = PROC) -> int | None:
    """Return the bytes that this process may still use within its groups' memory limits, or None without a limit.

    Page cache of files that can be dropped does not count as used.

    Parameters
    ----------
    root
        Where control groups are mounted.
    proc
        The file that names the groups of this process.
    """
    left = []
    for folder, version in _groups("memory", root, proc):
        if version == 2:
            limit, used, dropped = "memory.max", "memory.current", "inactive_file"
        else:
            limit, used, dropped = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        most = _number(folder / limit)
        if most is None or most >= _UNLIMITED:
            continue
        cache = _statistic(folder / "memory.stat", dropped)
        left.append(max(most - max((_number(folder / used) or 0) - cache, 0), 0))
    return min(left, default=None)


def cpu_quota(root: Path = ROOT, proc: Path = PROC) -> float | None:
    """Return the cores' worth of time that this process may use, or None without a limit."""
    quotas = []
    for folder, version in _groups("cpu", root, proc):
        if version == 2:
            quota, period = _pair(folder / "cpu.max")
        else:
            quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if quota is not None and period and quota > 0:
            quotas.append(quota / period)
    return min(quotas, default=None)


def _groups(controller: str, root: Path, proc: Path) -> Iterator[tuple[Path, int]]:
    """Yield the folders of this process's group and its parents that hold a controller, each with its version."""
    try:
        lines = proc.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            yield from ((folder, 2) for folder in _upwards(root, path))
        elif controller in controllers.split(","):
            mounts = [root / controllers, root / controller, root / ",".join(reversed(controllers.split(",")))]
            mount = next((folder for folder in mounts if folder.is_dir()), None)
            if mount is not None:
                yield from ((folder, 1) for folder in _upwards(mount, path))


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """Yield the folder of a group, its parents, and the mount itself.

    Inside a container the path is often the host's, of which only the mount is visible: folders that are not there
    have no limits to read.
    """
    parts = [part for part in path.split("/") if part and part != ".."]
    for count in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:count])


def _number(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(path.read_text("utf-8"))
    return None


def _pair(path: Path) -> tuple[int | None, int | None]:
    with suppress(OSError, ValueError):
        quota, period = path.read_text("utf-8").split()
        return int(quota), int(period)
    return None, None


def _statistic(path: Path, name: str) -> int:
    with suppress(OSError, ValueError):
        for line in path.read_text("utf-8").splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0
