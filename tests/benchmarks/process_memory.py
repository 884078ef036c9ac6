"""Peak memory of this process; standard library alone, for environments of all kinds."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_bytes() -> int:
    """Return the most resident memory this process had. Linux and macOS."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, getrusage reports the parent's peak if that was higher when this process began
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
