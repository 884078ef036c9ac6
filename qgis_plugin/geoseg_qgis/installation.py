"""Makes the managed environment: with uv, or venv and pip, shown before and streamed while. No qgis import."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Mapping

from .environment import (
    MARK,
    NEEDS,
    PROBE_LIMIT,
    Probe,
    base_pythons,
    check_base,
    find_uv,
    managed_folder,
    probe_command,
    read_probe,
    venv_python,
)
from .runner import Child, Event, RunError, clean_environment, shown

PACKAGE = "geoseg[train]"
"""What is installed unless the user says otherwise: a name, a wheel, or a folder with geoseg's source."""

# What geoseg and all that it needs take on Linux, 2026, with torch 2.15: for the CPU and with CUDA 13.
SIZES = {"cpu": "up to 2.5 GB on disk", "cuda": "about 7 GB on disk", "index": "2.5 to 7 GB on disk"}

# What uv is told about torch: its own index has wheels for each kind of device, and "auto" asks the driver which CUDA
# it can run. Some networks let only PyPI (or a mirror of it) through: torch is then what that has, on Linux with CUDA.
_BACKENDS = {"cpu": ("--torch-backend", "cpu"), "cuda": ("--torch-backend", "auto"), "index": ()}
_TORCH_INDEX = "download.pytorch.org"


@dataclass(frozen=True)
class Wish:
    """What the user asked for on the environment page.

    Attributes
    ----------
    device
        ``"cpu"``, ``"cuda"``, or ``"index"``: torch as the ordinary package index has it.
    package
        What to install: a name, a wheel, or a folder with geoseg's source.
    wheels
        Folder of wheels to install from, without network; ``""`` for the network.
    proxy
        URL of a proxy; ``""`` for what the system says.
    base
        Interpreter that makes the environment if there is no uv; ``""`` to look for one.
    use_uv
        Whether uv may be used if it is there.
    """

    device: str = "cpu"
    package: str = PACKAGE
    wheels: str = ""
    proxy: str = ""
    base: str = ""
    use_uv: bool = True


@dataclass(frozen=True)
class Recipe:
    """How an environment is made: shown to the user before anything is done.

    Attributes
    ----------
    folder
        Where.
    steps
        Command lines, one after the other.
    env
        Environment of the commands.
    size
        What it will take.
    """

    folder: Path
    steps: tuple[tuple[str, ...], ...]
    env: Mapping[str, str]
    size: str

    def describe(self) -> str:
        """Return folder, size, free space and commands as text."""
        try:
            there = next(parent for parent in (self.folder, *self.folder.parents) if parent.exists())
            free = f", {shutil.disk_usage(there).free / 1e9:.1f} GB free"
        except (OSError, StopIteration):
            free = ""
        return "\n".join([f"{self.folder}", f"{self.size}{free}", *(f"$ {shown(step)}" for step in self.steps)])


def make_recipe(wish: Wish, folder: Path | None = None, within: Iterable[str] = ()) -> Recipe:
    """Decide how to make the managed environment.

    Parameters
    ----------
    wish
        What the user asked for.
    folder
        Where; the managed folder if None.
    within
        Folders of QGIS's own interpreters, which are not used.

    Raises
    ------
    RunError
        If there is neither uv nor a Python to make it with, or the wheel folder holds no wheels.
    """
    folder = folder or managed_folder()
    target = venv_python(folder)
    uv = find_uv() if wish.use_uv else ""
    if wish.wheels and not any(Path(wish.wheels).glob("*.whl")):
        raise RunError(f"{wish.wheels} holds no wheels (*.whl): choose a folder filled by `pip download`")
    if not wish.package.strip():
        raise RunError(f"no package is named: write {PACKAGE}, or choose a wheel or a folder with geoseg's source")
    offline = ("--no-index", "--find-links", wish.wheels) if wish.wheels else ()
    backend = _BACKENDS[wish.device]
    if uv:
        make: tuple[str, ...] = (uv, "venv", "--clear", "--python", wish.base or "3.12", str(folder))
        install = (uv, "pip", "install", "--python", target, *(offline or backend), wish.package)
        steps = (make, install)
    else:
        base = wish.base or next((python for python in base_pythons(within) if not check_base(python)), "")
        if not base:
            least = ".".join(map(str, NEEDS))
            raise RunError(
                f"neither uv nor Python {least} or newer was found: install uv (https://docs.astral.sh/uv) or Python "
                "(https://www.python.org), or choose an interpreter that has geoseg"
            )
        make = (base, "-I", "-m", "venv", "--clear", str(folder))
        pip = (target, "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input")
        if offline:
            steps = (make, (*pip, *offline, wish.package))
        else:
            install = (target, "-I", "-m", "uv", "pip", "install", "--python", target, *backend, wish.package)
            steps = (make, (*pip, "uv"), install)
    proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), wish.proxy) if wish.proxy else {}
    env = clean_environment(extra={**proxy, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "UV_NO_PROGRESS": "1"})
    size = f"{_folder_size(Path(wish.wheels))} of wheels to unpack" if wish.wheels else SIZES[wish.device]
    return Recipe(folder, steps, env, size)


def _explained(error: str) -> str:
    if _TORCH_INDEX not in error:
        return error
    return (
        f"{error}; if your network does not let {_TORCH_INDEX} through, choose PyTorch from the ordinary package index"
    )


def _folder_size(folder: Path) -> str:
    return f"{sum(path.stat().st_size for path in folder.glob('*.whl')) / 1e6:,.0f} MB"


class Installation:
    """Makes the managed environment, step by step; poll it until :attr:`ended`.

    An environment counts as made when geoseg was really imported in it. One that failed or was cancelled is removed.
    """

    def __init__(self, recipe: Recipe, probe_limit: float = PROBE_LIMIT) -> None:
        self.recipe = recipe
        self.ended = False
        self.error = ""
        self.probe: Probe | None = None
        self._limit = probe_limit
        self._steps = list(recipe.steps)
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
        if self._child.ended:
            if self._probing:
                self._conclude(read_probe(self._child))
            elif self._child.error:
                self._fail(_explained(self._child.error))
            self._child = None
        return events

    def cancel(self) -> None:
        """Stop; what was made so far is removed."""
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
            self._child = Child(probe_command(venv_python(folder)), limit=self._limit)
            return [{"event": "log", "message": "checking: importing geoseg and what it needs"}]
        step = self._steps.pop(0)
        self._refuse_foreign_folder()
        self._ours = True
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._child = Child(step, env=self.recipe.env, folder=str(folder.parent))
        return [{"event": "log", "message": f"$ {shown(step)}"}]

    def _refuse_foreign_folder(self) -> None:
        # Making an environment clears its folder first.
        folder = self.recipe.folder
        if folder.exists() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file():
            raise RunError(f"{folder} holds something else than a Python environment: move it away first")

    def _conclude(self, found: Probe) -> None:
        self.probe = found
        if found.error:
            self._fail(f"the environment was made, but geoseg does not run in it: {found.error}")
            return
        facts = {"made": int(self._created), **found.facts}
        (self.recipe.folder / MARK).write_text(json.dumps(facts, indent=1), "utf-8")
        self.ended = True

    def _fail(self, error: str) -> None:
        self.error, self.ended = error, True
        if self._ours:  # also one that was ended before it looked like an environment
            shutil.rmtree(self.recipe.folder, ignore_errors=True)


def remove() -> None:
    """Delete the managed environment; nothing happens to a folder that is none."""
    folder = managed_folder()
    if (folder / "pyvenv.cfg").is_file():
        shutil.rmtree(folder, ignore_errors=True)
