"""Environment variables of GDAL, PROJ and OpenMP, set right before they are loaded, and Python's warnings."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import click

from geoseg.errors import one_line
from geoseg.errors.printable import printable

# Rounds for which threads of GNU's OpenMP, which torch brings along on Linux, spin for one another before they sleep.
# Its default of 300,000 takes milliseconds: beside another program that computes, threads spin for one that has no
# core, and keep the cores busy meanwhile.
_SPINS = "30000"


def prepare_libraries(*, debug: bool) -> None:
    """Keep GDAL's own lines off stderr, and ignore a PROJ_DATA without database.

    GDAL prints an error itself wherever no handler takes it, as when PROJ looks for its database. What matters of these
    errors comes back as exceptions; ``--debug`` shows the rest. Other programs' installers leave PROJ_DATA or PROJ_LIB
    (its name before PROJ 9.1) behind, and it hides the data that rasterio and pyproj bring along. Threads of torch stop
    spinning early, unless the environment says otherwise, so that training does not crawl beside other programs.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
    if not debug:
        os.environ.setdefault("CPL_LOG", os.devnull)
        # asyncio reports what zarr left unfinished after an error; without a handler that goes to stderr.
        logging.getLogger("asyncio").addHandler(logging.NullHandler())
        if not sys.warnoptions:
            warnings.showwarning = _show_warning
    for name in ("PROJ_DATA", "PROJ_LIB"):
        folders = os.environ.get(name)
        if folders and not any((Path(folder) / "proj.db").is_file() for folder in folders.split(os.pathsep)):
            del os.environ[name]
            remedy = f"unset it, or set it to a folder that has one: export {name}=/usr/share/proj"
            click.echo(printable(f"warning: {name}={folders} has no proj.db and is ignored; {remedy}"), err=True)


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Print a library's warning in one line, without its place in the source; drop those that are for programmers."""
    if not issubclass(category, DeprecationWarning | PendingDeprecationWarning | FutureWarning):
        text = one_line(message) if isinstance(message, Warning) else message
        click.echo(printable(f"warning: {text}"), err=True)
