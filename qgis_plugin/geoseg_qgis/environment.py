"""Finds and checks the Python that has geoseg; :mod:`.installation` makes one. No qgis import.

The managed environment lies in the user's data folder: outside the QGIS profile (antivirus programs and upgrades
touch that) and outside the plugin's folder (an upgrade deletes it). ``sys.executable`` is never used as a Python:
inside QGIS it is QGIS itself on Windows and macOS.
"""

from __future__ import annotations

import functools
import os
import platform
import shutil
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Mapping

from .runner import Child, RunError, clean_environment, hide_secrets

NEEDS = (3, 11)
"""Oldest Python that geoseg runs on."""

MARK = "geoseg-environment.json"
"""Written into a managed environment when it is complete."""

PROBE_LIMIT = 180.0
"""Seconds that a check may take: the first import after an install reads a gigabyte, and a virus scanner looks on."""

# Metadata alone lies: a package may be listed and not load. So everything is imported, and a coordinate system built.
_PROBE = r"""
import json, platform, sys
facts = {"python": platform.python_version(), "executable": sys.executable}
try:
    if sys.version_info < %(needs)r:
        raise RuntimeError("Python %(least)s or newer is needed, this is " + platform.python_version())
    import geoseg
    facts["geoseg"] = geoseg.__version__
    facts["folder"] = geoseg.__file__
    import rasterio, rasterio.crs, torch, segmentation_models_pytorch
    rasterio.crs.CRS.from_epsg(32633).to_wkt()
    facts.update(torch=torch.__version__, rasterio=rasterio.__version__, gdal=rasterio.__gdal_version__)
    facts["segmentation_models_pytorch"] = segmentation_models_pytorch.__version__
    facts["gpu"] = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    from geoseg.models import user_models
    from geoseg.progress import PROTOCOL
    facts.update(models=str(user_models()), protocol=PROTOCOL)
    facts["event"] = "result"
except BaseException as error:
    text = " ".join(str(error).split())[:400]
    facts.update(event="error", message=type(error).__name__ + ": " + text)
print(json.dumps(facts), flush=True)
"""


@dataclass(frozen=True)
class Probe:
    """What an interpreter turned out to be.

    Attributes
    ----------
    python
        Path of the interpreter.
    facts
        Versions, GPU name and folders, as far as it came.
    error
        Why geoseg does not run in it, in one line; empty if it does.
    """

    python: str
    facts: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def works(self) -> bool:
        """Whether geoseg runs in it."""
        return not self.error

    @property
    def device(self) -> str:
        """Name of the GPU, or ``"CPU"``."""
        return str(self.facts.get("gpu") or "CPU")

    def describe(self) -> str:
        """Return one line for the user."""
        if self.error:
            return self.error
        return f"geoseg {self.facts.get('geoseg')}, torch {self.facts.get('torch')}, {self.device}"


def check_interpreter(path: str) -> str:
    """Return why a file cannot be a Python, before it is started; empty if it may be one.

    Starting the wrong program is not harmless: ``qgis-bin.exe`` opens another QGIS.
    """
    if not path:
        return "no interpreter is chosen"
    if Path(path).is_dir():
        inside = venv_python(path)
        hint = f"; choose {inside}" if Path(inside).is_file() else "; choose the python program in it"
        return f"{path} is a folder{hint}"
    if not Path(path).is_file():
        return f"there is no file {path}"
    name = Path(path).name.lower()
    if not name.startswith(("python", "pypy")):
        return f"{path} is not a Python interpreter: choose a file called python, python3 or python.exe"
    if not os.access(path, os.X_OK):
        return f"{path} may not be run: it is not marked as a program"
    return ""


def probe_command(python: str) -> list[str]:
    """Return the command that checks an interpreter; run it and give the ended child to :func:`read_probe`.

    Raises
    ------
    RunError
        If the file cannot be a Python.
    """
    reason = check_interpreter(python)
    if reason:
        raise RunError(reason)
    code = _PROBE % {"needs": NEEDS, "least": ".".join(map(str, NEEDS))}
    return [python, "-I", "-u", "-X", "utf8", "-c", code]


def read_probe(child: Child) -> Probe:
    """Return what an ended check found."""
    facts = dict(child.results[-1]) if child.results else {}
    facts.pop("event", None)
    error = child.error
    if not error and not facts:
        error = "it printed nothing: it is no Python that geoseg can use"
    if "No module named 'geoseg'" in error:
        error = "geoseg is not installed in it"
    return Probe(child.command[0], {key: str(value) for key, value in facts.items()}, error)


def probe(python: str, limit: float = PROBE_LIMIT) -> Probe:
    """Check an interpreter by really importing what geoseg needs. Takes seconds; never raises."""
    try:
        child = Child(probe_command(python), limit=limit)
    except RunError as error:
        return Probe(python, error=str(error))
    try:
        while not child.ended:
            child.poll(0.1)
    finally:
        child.close()
    return read_probe(child)


def data_folder() -> Path:
    """Return the user's data folder for geoseg; it may not exist."""
    home = Path.home()
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "geoseg"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "geoseg"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "geoseg"


def managed_folder() -> Path:
    """Return the folder of the environment that the plugin makes; ``GEOSEG_QGIS_ENV`` names another."""
    if folder := os.environ.get("GEOSEG_QGIS_ENV"):
        return Path(folder).expanduser()
    return data_folder() / "qgis-env"


def venv_python(folder: str | Path) -> str:
    """Return the path of the interpreter in a virtual environment."""
    inside = Path("Scripts", "python.exe") if os.name == "nt" else Path("bin", "python")
    return str(Path(folder) / inside)


def is_complete(folder: Path) -> bool:
    """Whether the managed environment was made to its end."""
    return (folder / MARK).is_file() and Path(venv_python(folder)).is_file()


def find(setting: str = "") -> str:
    """Return the interpreter to use, or ``""``: the user's setting, ``GEOSEG_PYTHON``, the managed environment.

    Nothing else is guessed: a Python that happens to be on PATH is somebody else's.
    """
    if setting:
        return setting  # also if it is gone: the user must hear so, not silently get another
    if python := os.environ.get("GEOSEG_PYTHON"):
        return python
    folder = managed_folder()
    return venv_python(folder) if is_complete(folder) else ""


def bundled_uv() -> Path:
    """Return where uv lies if the plugin had to fetch it."""
    return data_folder() / "uv" / "bin" / ("uv.exe" if os.name == "nt" else "uv")


def find_uv() -> str:
    """Return the path of uv, or ``""``."""
    home, own = Path.home(), bundled_uv()
    for place in (shutil.which("uv"), home / ".local" / "bin" / own.name, home / ".cargo" / "bin" / own.name, own):
        if place and Path(place).is_file():
            return str(place)
    return ""


def base_pythons(within: Iterable[str] = ()) -> list[str]:
    """Return interpreters that could make an environment, newest first by name; unchecked.

    Parameters
    ----------
    within
        Folders whose interpreters are left out: QGIS's own.
    """
    names = [f"python3.{minor}" for minor in range(14, NEEDS[1] - 1, -1)] + ["python3", "python"]
    avoid = [str(Path(folder)).lower() for folder in within if folder]
    path = clean_environment().get("PATH", os.defpath)
    found: list[str] = []
    for name in names:
        place = shutil.which(name, path=path)
        # The alias that Windows puts there opens a shop instead of a Python.
        if place and "WindowsApps" not in place and not any(place.lower().startswith(folder) for folder in avoid):
            found.append(place)
    return list(dict.fromkeys(found))


class BaseSearch:
    """Looks for an interpreter that can make an environment, in a thread: each candidate has to be started.

    Attributes
    ----------
    ended
        Whether the search is over; :func:`find_base` then answers at once.
    """

    def __init__(self, within: Iterable[str] = ()) -> None:
        self._within = list(within)
        self.ended = False
        threading.Thread(target=self._search, daemon=True, name="geoseg-base").start()

    def _search(self) -> None:
        try:
            find_base(self._within)
        finally:
            self.ended = True


def find_base(within: Iterable[str] = ()) -> str:
    """Return the first interpreter that can make an environment, or ``""``.

    Each candidate is started once, which takes a second or more; the answers are kept.

    Parameters
    ----------
    within
        Folders whose interpreters are left out: QGIS's own.
    """
    return next((python for python in base_pythons(within) if not check_base(python)), "")


def check_base(python: str) -> str:
    """Return why an interpreter cannot make an environment for geoseg; empty if it can.

    The answer is kept until the file changes.
    """
    try:
        return _check_base(python, os.stat(python).st_mtime_ns)
    except OSError as error:
        return f"{python} cannot be run: {error.strerror}"


@functools.lru_cache
def _check_base(python: str, _changed: int) -> str:
    code = (
        "import sys, venv, ensurepip; ok = sys.version_info >= "
        f"{NEEDS!r}\nprint('ok' if ok else 'it is ' + sys.version.split()[0])"
    )
    try:
        child = Child([python, "-I", "-c", code], limit=20)
    except RunError as error:
        return str(error)
    said = []
    while not child.ended:
        said += [event.get("message", "") for event in child.poll(0.1)]
    if child.error:
        return child.error
    return "" if said[-1:] == ["ok"] else f"Python {NEEDS[0]}.{NEEDS[1]} or newer is needed, {' '.join(said)}"


def diagnostics(python: str, found: Probe | None, host: Mapping[str, str], log: Iterable[str] = ()) -> str:
    """Return a text for a bug report: versions, paths, settings that matter; no passwords, no user name."""
    lines = ["GeoSeg diagnostics", *(f"{key}: {value}" for key, value in host.items())]
    lines += [f"system: {platform.platform()}", f"processors: {os.cpu_count()}"]
    folder = managed_folder()
    state = "complete" if is_complete(folder) else "incomplete" if folder.exists() else "not made"
    lines += [f"managed environment: {folder} ({state})", f"uv: {find_uv() or 'not found'}"]
    lines.append(f"interpreter: {python or 'none'}")
    if found is None:
        lines.append("check: not run")
    else:
        lines += [f"check: {'works' if found.works else found.error}"]
        lines += [f"  {key}: {value}" for key, value in found.facts.items()]
    telling = ("GEOSEG_", "GDAL_", "PROJ_", "CUDA_", "OMP_", "HTTP", "http", "PYTHON", "QGIS_", "OSGEO4W", "ALL_PROXY")
    named = [(key, value) for key, value in sorted(os.environ.items()) if key.startswith(telling)]
    lines += [f"{key}={_redacted(key, value)}" for key, value in named]
    tail = list(log)[-50:]
    lines += ["last log:", *tail] if tail else []
    home = str(Path.home())
    return "\n".join(hide_secrets(line).replace(home, "~") if len(home) > 1 else line for line in lines) + "\n"


_SECRET = ("TOKEN", "SECRET", "PASS", "KEY", "AUTH", "COOKIE", "CREDENTIAL")


def _redacted(key: str, value: str) -> str:
    return "***" if any(word in key.upper() for word in _SECRET) else value
