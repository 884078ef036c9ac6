"""Compute devices: which exist here, which one is used, and why.

torch, whose import takes seconds, is asked only where a GPU may be there: another runtime may need none of it.
"""

from __future__ import annotations

import ctypes
import platform
import re
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from geoseg.errors import OptionError


def choose_device(name: str) -> tuple[str, str]:
    """Return a device's full name and the reason, in one line, why it is used.

    Parameters
    ----------
    name
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.

    Raises
    ------
    OptionError
        If there is no such device here; the message gives the cause and the devices available.
    """
    name = name.strip().lower()
    if name == "auto":
        if (why_not := cuda_missing()) is None:
            return "cuda:0", f"on {device_name('cuda:0')} (cuda:0)"
        if _mps():
            return "mps", "on the Apple GPU (mps)"
        return "cpu", f"on the CPU ({device_name('cpu')}); CUDA not used: {why_not}"
    if name == "cpu":
        return "cpu", f"on the CPU ({device_name('cpu')}), as asked"
    if name == "mps":
        if not _mps():
            raise OptionError(
                f"device 'mps' is not available: it needs a Mac with an Apple GPU; use one of {', '.join(devices())}"
            )
        return "mps", "on the Apple GPU (mps), as asked"
    match = re.fullmatch(r"cuda(?::(\d+))?", name)
    if not match:
        raise OptionError(f"device {name!r} is unknown: use auto, cpu, cuda, cuda:N or mps")
    if (why_not := cuda_missing()) is not None:
        raise OptionError(f"device {name!r} cannot be used: {why_not}; use one of {', '.join(devices())}")
    import torch

    number = int(match[1] or 0)
    if number >= torch.cuda.device_count():
        raise OptionError(f"device {name!r} does not exist here: use one of {', '.join(devices())}")
    return f"cuda:{number}", f"on {device_name(f'cuda:{number}')} (cuda:{number}), as asked"


def devices() -> list[str]:
    """Return the names of all devices available here."""
    count = 0
    if cuda_missing() is None:
        import torch

        count = torch.cuda.device_count()
    return [f"cuda:{i}" for i in range(count)] + ["mps"] * _mps() + ["cpu"]


def cuda_missing() -> str | None:
    """Return why CUDA cannot be used, or None if it can."""
    if (why_not := _no_driver()) is not None:
        return why_not
    import torch

    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return "this torch was built without CUDA"
    if not torch.cuda.is_available():
        return "no NVIDIA GPU with a working driver was found"
    return None


@cache
def _no_driver() -> str | None:
    """Return why CUDA cannot be used as far as can be told without torch; None if torch must be asked."""
    try:
        build = version("torch").partition("+")[2]
    except PackageNotFoundError:
        return None
    if build == "cpu" or sys.platform == "darwin":
        return "this torch was built without CUDA"
    if build and not build.startswith("cu"):  # ROCm, say; torch from PyPI is built for CUDA and does not tell
        return None
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return "no NVIDIA GPU with a working driver was found"
    return None


def _mps() -> bool:
    if sys.platform != "darwin":
        return False
    import torch

    return bool(torch.backends.mps.is_available())


@cache
def device_name(device: str) -> str:
    """Return the name of the GPU or CPU."""
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    if device == "mps":
        return f"Apple {platform.processor()} GPU"
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def supports(device: str, precision: str) -> bool:
    """Return whether ``device`` supports autocast to ``precision``."""
    if precision == "fp32":
        return True
    if device.startswith("cuda"):
        import torch

        return precision == "fp16" or bool(torch.cuda.is_bf16_supported())
    if device == "mps":
        return precision == "fp16"
    return precision == "bf16"
