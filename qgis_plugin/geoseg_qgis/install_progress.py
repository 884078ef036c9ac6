"""How far an installation is: the bytes that the installer has unpacked, and the time left. No qgis import."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

_INTERVAL = 2.0  # seconds between two looks at the folder
_MEMORY = 30.0  # seconds over which the rate is measured

# Where each phase lies on the bar, in percent. Unpacking takes nearly all the time.
_PHASES = {"prepare": (0.0, 2.0), "download": (2.0, 90.0), "install": (90.0, 96.0), "check": (96.0, 100.0)}


class Gauge:
    """Watches the folder that an installer downloads into, in a thread of its own.

    Parameters
    ----------
    folder
        Downloads of the installer, which it unpacks at once.
    total
        Bytes that are expected there.

    Attributes
    ----------
    phase
        ``"prepare"``, ``"download"``, ``"install"`` or ``"check"``.
    done
        Bytes so far.
    """

    def __init__(self, folder: Path, total: float) -> None:
        self.phase = "prepare"
        self.done = 0.0
        self.total = max(total, 1.0)
        self._history: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(folder,), daemon=True, name="geoseg-install-size")
        self._thread.start()

    def take(self, line: str) -> None:
        """Take a line of the installer's output: uv says what it resolved, prepared and installed."""
        first = line.split(" ", 1)[0] if line[:1].isalpha() else line.strip().split(" ", 1)[0]
        if first in {"Resolved", "Collecting", "Downloading"} and self.phase == "prepare":
            self.phase = "download"
        elif first in {"Prepared", "Installing"}:
            self.phase = "install"

    @property
    def percent(self) -> float:
        """How far it is, 0 to 100."""
        low, high = _PHASES[self.phase]
        share = min(self.done / self.total, 1.0) if self.phase == "download" else 0.0
        return low + (high - low) * share

    @property
    def seconds_left(self) -> float | None:
        """Seconds until everything is downloaded at the present rate; None while that is unknown."""
        history = list(self._history)
        if self.phase != "download" or len(history) < 3:
            return None
        (begin, before), (end, after) = history[0], history[-1]
        rate = (after - before) / max(end - begin, 1e-3)
        return max(self.total - after, 0.0) / rate if rate > 1e4 else None

    def stop(self) -> None:
        """Stop watching."""
        self._over.set()

    def _watch(self, folder: Path) -> None:
        while not self._over.is_set():
            now = time.monotonic()
            self.done = float(size_of(str(folder)))
            self._history = [(t, size) for t, size in [*self._history, (now, self.done)] if now - t < _MEMORY]
            # A folder of many files takes long to look through; it must not keep Python busy.
            self._over.wait(max(_INTERVAL, 10 * (time.monotonic() - now)))


def size_of(folder: str) -> int:
    """Return the bytes of all files in a folder; what vanishes meanwhile is not counted."""
    total, folders = 0, [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total
