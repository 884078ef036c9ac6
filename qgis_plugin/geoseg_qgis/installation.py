"""Creates the managed environment with uv, or venv and pip: shown before, streamed meanwhile. No qgis import.

Certificates are those of the system, as in the user's browser; uv's own list lacks those of companies and universities.
Downloads are kept until the environment works, so an installation that broke off continues where it stopped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Mapping

from .environment import (
    MARK,
    NEEDS,
    PROBE_LIMIT,
    Probe,
    bundled_uv,
    find_base,
    find_uv,
    managed_folder,
    probe_command,
    read_probe,
    venv_python,
)
from .install_progress import Gauge
from .runner import Child, Event, RunError, clean_environment, shown

NAME = "geoseg"
PACKAGE = f"{NAME}[train,openvino]"
"""What is installed if the plugin carries no wheel: geoseg from the package index."""

_HERE = Path(__file__).resolve().parent
_PYTHONS = ">=3.11,<3.14"  # those that all dependencies have wheels for; uv takes an installed one if it can

# PyPI's torch for Windows and macOS is the CPU build, on Linux it brings CUDA; uv knows torch's own indexes, and "auto"
# asks the driver which CUDA it runs.
_BACKENDS = {"cpu": ("--torch-backend", "cpu"), "cuda": ("--torch-backend", "auto"), "index": ()}
# Where uv fetches torch from if a backend is chosen: its builds lie below whl/ there.
_TORCH_INDEX = re.compile(r"https?://([^/\s]+)/whl/")

# Unpacked sizes on Linux, 2026, with torch 2.15 for the CPU and with CUDA 13.
BYTES = {"cpu": 2.5e9, "cuda": 7e9, "index": 7e9 if sys.platform.startswith("linux") else 2.5e9}


def own_source() -> str:
    """Return the wheel that came with the plugin, else the checkout that the plugin lies in, else ``""``."""
    wheels = sorted((_HERE / "wheels").glob(f"{NAME}-*.whl"))
    if wheels:
        return str(wheels[-1])
    checkout = _HERE.parents[1]
    return str(checkout) if _is_source(checkout) else ""


def _is_source(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file() and (folder / NAME / "_version.py").is_file()


def requirement(source: str) -> str:
    """Return what an installer is told to install: a name as it is, a wheel or a source folder as a URL.

    Raises
    ------
    RunError
        If ``source`` is a path that is neither a wheel nor geoseg's source.
    """
    source = source.strip()
    path = Path(source).expanduser()
    looks_like_path = os.sep in source or "/" in source or source.endswith(".whl")
    if not source:
        raise RunError(f"no package is named: enter {PACKAGE}, or choose a wheel or a folder with geoseg's source")
    if "://" in source or not (looks_like_path or path.exists()):
        return source
    if not (path.suffix == ".whl" and path.is_file()) and not _is_source(path):
        raise RunError(f"{source} is neither a wheel (geoseg-….whl) nor a folder with geoseg's source")
    return f"{PACKAGE} @ {path.resolve().as_uri()}"


@dataclass(frozen=True)
class Wish:
    """What the user chose on the environment page.

    Attributes
    ----------
    device
        ``"cpu"``, ``"cuda"``, or ``"index"``: torch as the ordinary package index has it.
    package
        What to install: a name, a wheel, or a folder with geoseg's source; ``""`` for what came with the plugin.
    wheels
        Folder of wheels to install from, without network; ``""`` for the network.
    proxy
        URL of a proxy; ``""`` for the system's.
    base
        Interpreter that creates the environment if there is no uv; ``""`` to look for one.
    use_uv
        Whether an installed uv may be used.
    certificates
        PEM file of the certificates that the system and QGIS trust, for pip; ``""`` for pip's own.
    helper
        QGIS's own Python, whose pip fetches uv into the user's data folder if there is neither uv nor another Python.
    """

    device: str = "cpu"
    package: str = ""
    wheels: str = ""
    proxy: str = ""
    base: str = ""
    use_uv: bool = True
    certificates: str = ""
    helper: str = ""


@dataclass(frozen=True)
class Recipe:
    """How an environment is created; shown to the user before anything is done.

    Attributes
    ----------
    folder
        Where.
    steps
        Command lines, one after the other.
    env
        Environment of the commands.
    bytes
        Disk space that it will take.
    downloads
        Folder of the installer's downloads, kept until the environment works.
    own_env
        Environments of single steps, by number, where they differ.
    """

    folder: Path
    steps: tuple[tuple[str, ...], ...]
    env: Mapping[str, str]
    bytes: float
    downloads: Path
    own_env: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    @property
    def size(self) -> str:
        """Disk space as text."""
        return f"{self.bytes / 1e9:.1f} GB" if self.bytes > 1e9 else f"{self.bytes / 1e6:.0f} MB"

    def free(self) -> float:
        """Return the free bytes at the environment's place; infinite if they cannot be told."""
        try:
            there = next(parent for parent in (self.folder, *self.folder.parents) if parent.exists())
            return float(shutil.disk_usage(there).free)
        except (OSError, StopIteration):
            return float("inf")

    def describe(self) -> str:
        """Return folder, size, free space and commands as text."""
        space = f"{self.size} on disk, {self.free() / 1e9:.1f} GB free"
        return "\n".join([f"{self.folder}", space, *(f"$ {shown(step)}" for step in self.steps)])


def make_recipe(wish: Wish, folder: Path | None = None, within: Iterable[str] = ()) -> Recipe:
    """Decide how to create the managed environment.

    Parameters
    ----------
    wish
        What the user chose.
    folder
        Where; the managed folder if None.
    within
        Folders of QGIS's own interpreters, which are not used.

    Raises
    ------
    RunError
        If there is nothing to create it with, the package is none, or the wheel folder holds no wheels.
    """
    folder = folder or managed_folder()
    target = venv_python(folder)
    uv = find_uv() if wish.use_uv else ""
    wheels = sorted(Path(wish.wheels).glob("*.whl")) if wish.wheels else []
    if wish.wheels and not wheels:
        raise RunError(f"{wish.wheels} holds no wheels (*.whl): choose a folder filled by `pip download`")
    offline = ("--no-index", "--find-links", wish.wheels) if wheels else ()
    in_folder = any(wheel.name.startswith(f"{NAME}-") for wheel in wheels)
    package = requirement(wish.package or (PACKAGE if in_folder else own_source() or PACKAGE))
    # Elsewhere the ordinary index has the CPU build, which also networks that let only PyPI through can reach.
    backend = _BACKENDS[wish.device if wish.device != "cpu" or sys.platform.startswith("linux") else "index"]
    own_env: dict[int, Mapping[str, str]] = {}
    with_uv = ("pip", "install", "--python", target, *(offline or backend), package)
    base = "" if uv else wish.base or find_base(within)
    if uv:
        steps = ((uv, "venv", "--clear", "--python", wish.base or _PYTHONS, str(folder)), (uv, *with_uv))
    elif base:
        make = (base, "-I", "-m", "venv", "--clear", str(folder))
        pip = (target, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input")
        if offline:
            steps = (make, (*pip, *offline, package))
        else:
            steps = (make, (*pip, "uv"), (target, "-I", "-m", "uv", *with_uv))
    elif wish.helper and not offline:
        uv = str(bundled_uv())
        fetch = (wish.helper, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps")
        fetch += ("--only-binary=:all:", "--upgrade", "--target", str(bundled_uv().parents[1]), "uv")
        steps = (fetch, (uv, "venv", "--clear", "--python", _PYTHONS, str(folder)), (uv, *with_uv))
        own_env[0] = {**os.environ}  # QGIS's Python needs QGIS's own paths
    else:
        least = ".".join(map(str, NEEDS))
        raise RunError(
            f"neither uv nor Python {least} or newer was found: install uv (https://docs.astral.sh/uv) or Python "
            "(https://www.python.org), or choose an interpreter that has geoseg under Advanced"
        )
    downloads = folder.with_name(folder.name + "-downloads")
    settings = _installer_settings(wish, downloads)
    own_env = {number: {**env, **settings} for number, env in own_env.items()}
    size = 3.0 * sum(wheel.stat().st_size for wheel in wheels) if offline else BYTES[wish.device]
    return Recipe(folder, steps, clean_environment(extra=settings), size, downloads, own_env)


def _installer_settings(wish: Wish, downloads: Path) -> dict[str, str]:
    """Return environment variables of uv and pip: proxy, certificates, where downloads are kept."""
    found = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), wish.proxy) if wish.proxy else {}
    found.update(PYTHONUNBUFFERED="1", NO_COLOR="1", UV_NO_PROGRESS="1", UV_CACHE_DIR=str(downloads))
    found.update(UV_HTTP_TIMEOUT="120", PIP_CACHE_DIR=str(downloads / "pip"))
    # Variables and not options: older versions of uv know one name, newer the other, and each ignores the unknown.
    found.update(UV_SYSTEM_CERTS="true", UV_NATIVE_TLS="true")
    if wish.certificates and not os.environ.get("PIP_CERT"):
        found["PIP_CERT"] = wish.certificates
    return found


def _explained(error: str) -> str:
    missing = "not found in the package registry" in error or "No matching distribution" in error
    if missing and re.search(rf"(?<![\w-]){NAME}(?![\w-])", error):
        return f"the package index has no {NAME}: choose its wheel or a folder with its source under Advanced"
    return error


class Installation:
    """Creates the managed environment, step by step; poll it until :attr:`ended`.

    An environment counts as complete when geoseg was really imported in it. One that failed or was cancelled is
    removed, but its downloads are kept for the next attempt.

    Attributes
    ----------
    error
        Why it failed, in one line.
    other
        Device under which it may succeed where this one failed: ``"index"`` if torch's own index is out of reach.
    gauge
        How far it is.
    """

    def __init__(self, recipe: Recipe, probe_limit: float = PROBE_LIMIT) -> None:
        self.recipe = recipe
        self.ended = False
        self.error = ""
        self.other = ""
        self.probe: Probe | None = None
        self.gauge = Gauge(recipe.downloads, recipe.bytes)
        self._limit = probe_limit
        self._steps = list(enumerate(recipe.steps))
        self._child: Child | None = None
        self._probing = False
        self._cancelled = False
        self._ours = False
        self._created = time.time()

    def poll(self, wait: float = 0.0) -> list[Event]:
        """Return what was said since the last call; moves on to the next step."""
        if self.ended:
            return []
        if self._child is None:
            try:
                return self._next()
            except (OSError, RunError) as error:
                self._fail(str(error))
                return []
        events = [event for event in self._child.poll(wait) if event["event"] == "log"]
        for event in events:
            self.gauge.take(event["message"])
        if self._child.ended:
            if self._probing:
                self._conclude(read_probe(self._child))
            elif self._child.error:
                tail = list(self._child.tail)
                index = _TORCH_INDEX.search(" ".join(tail))
                self.other = "index" if index and not self._cancelled else ""
                reason = tail[-1].strip().partition("cause: ")[2] or self._child.error if tail else self._child.error
                blocked = f"{index[1] if index else ''} cannot be reached: {reason}"
                self._fail(blocked if self.other else _explained(self._child.error))
            self._child = None
        return events

    def cancel(self) -> None:
        """Stop; the environment is removed, downloads are kept."""
        self._cancelled = True
        if self._child is not None:
            self._child.cancel()
        elif not self.ended:
            self._fail("cancelled")

    def close(self) -> None:
        """Stop at once."""
        if self._child is not None:
            self._child.close()
        if not self.ended:
            self._fail("cancelled")

    def _next(self) -> list[Event]:
        folder = self.recipe.folder
        if self._cancelled:
            raise RunError("cancelled")
        if not self._steps:
            self._probing = True
            self.gauge.phase = "check"
            self._child = Child(probe_command(venv_python(folder)), limit=self._limit)
            return [{"event": "log", "message": "checking: importing geoseg and its dependencies"}]
        number, step = self._steps.pop(0)
        self._refuse_foreign_folder()
        self._ours = True
        self.recipe.downloads.mkdir(parents=True, exist_ok=True)
        self._child = Child(step, env=self.recipe.own_env.get(number, self.recipe.env), folder=str(folder.parent))
        return [{"event": "log", "message": f"$ {shown(step)}"}]

    def _refuse_foreign_folder(self) -> None:
        # Creating an environment clears its folder first.
        folder = self.recipe.folder
        if folder.exists() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file():
            raise RunError(f"{folder} holds something else than a Python environment: move it away first")

    def _conclude(self, found: Probe) -> None:
        self.probe = found
        if self._cancelled:
            self._fail("cancelled")
            return
        if found.error:
            self._fail(f"the environment was created, but geoseg does not run in it: {found.error}")
            return
        facts = {"made": int(self._created), **found.facts}
        (self.recipe.folder / MARK).write_text(json.dumps(facts, indent=1), "utf-8")
        shutil.rmtree(self.recipe.downloads, ignore_errors=True)
        self._end()

    def _fail(self, error: str) -> None:
        self.error = error
        if self._ours:  # also one that was ended before it looked like an environment
            shutil.rmtree(self.recipe.folder, ignore_errors=True)
        self._end()

    def _end(self) -> None:
        self.ended = True
        self.gauge.stop()


def remove() -> None:
    """Delete the managed environment and kept downloads; a folder that is no environment stays."""
    folder = managed_folder()
    if (folder / "pyvenv.cfg").is_file():
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder.with_name(folder.name + "-downloads"), ignore_errors=True)
