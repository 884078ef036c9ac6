"""Gives each worker process of a machine a GPU of its own, also one that was restarted, also within one job."""

from __future__ import annotations

import getpass
import itertools
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin
from filelock import FileLock, Timeout


class OneGpu(WorkerPlugin):
    """Sets ``CUDA_VISIBLE_DEVICES`` of every process that joins a cluster, before anything initializes CUDA in it.

    A process holds a lock on its GPU as long as it lives, so that a new one takes the GPU of the one that it replaces,
    whatever either is called, and different runs of one user on a machine take different GPUs. If there are more
    processes than GPUs, each GPU serves as many as the others, or one more.
    """

    name = "geoseg-one-gpu"
    idempotent = True

    def setup(self, worker: Any) -> None:
        """Choose a GPU of those that this process sees. Runs on the worker."""
        gpus = visible_gpus()
        if len(gpus) > 1:
            gpu, worker.geoseg_gpu_lock = claim(gpus, _lock_folder())
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu


def visible_gpus() -> list[str]:
    """Return the GPUs that ``CUDA_VISIBLE_DEVICES`` names, or the numbers of all NVIDIA GPUs of this machine."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return [gpu.strip() for gpu in listed.split(",") if gpu.strip()]
    # Not by torch, which would initialize CUDA with all of them.
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        listing = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [str(number) for number, line in enumerate(listing.stdout.splitlines()) if line.startswith("GPU ")]


def claim(gpus: Sequence[str], folder: Path) -> tuple[str, FileLock]:
    """Lock the GPU that the fewest processes hold, the first of several.

    Parameters
    ----------
    gpus
        Their names or numbers; at least one.
    folder
        Where the locks lie: one file per GPU and process that shares it.

    Returns
    -------
    The GPU, and its lock, which the operating system releases when the process ends.
    """
    for turn in itertools.count():
        for gpu in gpus:
            lock = FileLock(folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', gpu)}.{turn}.lock")
            with suppress(Timeout):
                lock.acquire(timeout=0)
                return gpu, lock
    raise AssertionError("unreachable")


def _lock_folder() -> Path:
    """Return a folder of this machine that is the user's alone: others could place links in it."""
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    folder = Path(tempfile.gettempdir()) / f"geoseg-gpus-{socket.gethostname()}-{user}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if hasattr(os, "getuid") and (folder.is_symlink() or folder.stat().st_uid != os.getuid()):
        return Path(tempfile.mkdtemp(prefix="geoseg-gpus-"))  # somebody else's: processes then share the first GPU
    return folder
