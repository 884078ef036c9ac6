"""Environment variables of GDAL and PROJ, set right before either is loaded."""

from __future__ import annotations

import os
from pathlib import Path

import click

from geoseg.errors.printable import printable


def prepare_libraries(*, debug: bool) -> None:
    """Keep GDAL's own lines off stderr, and ignore a PROJ_DATA without database.

    GDAL prints an error itself wherever no handler takes it, as when PROJ looks for its database. What matters of these
    errors comes back as exceptions; ``--debug`` shows the rest. Other programs' installers leave PROJ_DATA or PROJ_LIB
    (its name before PROJ 9.1) behind, and it hides the data that rasterio and pyproj bring along.
    """
    if not debug:
        os.environ.setdefault("CPL_LOG", os.devnull)
    for name in ("PROJ_DATA", "PROJ_LIB"):
        folders = os.environ.get(name)
        if folders and not any((Path(folder) / "proj.db").is_file() for folder in folders.split(os.pathsep)):
            del os.environ[name]
            remedy = f"unset it, or set it to a folder that has one: export {name}=/usr/share/proj"
            click.echo(printable(f"warning: {name}={folders} has no proj.db and is ignored; {remedy}"), err=True)
