"""The files that a raster's pixels come from, beside the one that is named, and whether any of them has changed."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, Any

from geoseg.raster.gdal.environment import is_remote, is_virtual
from geoseg.raster.gdal.untrusted import check_source
from geoseg.raster.sources import FileSource
from geoseg.system.stamps import stamp_of

if TYPE_CHECKING:
    from geoseg.raster.raster import Raster

# What these say is read once, when the file is opened; and viewers write .aux.xml when they open a file.
_METADATA = (
    ".xml", ".tfw", ".tifw", ".wld", ".jgw", ".pgw", ".j2w", ".prj", ".tab", ".imd", ".rpb", ".txt",
)  # fmt: skip
_SYSTEM = re.compile(r"/vsi\w+/(?:\{)?")


def members_of(data: Any, path: str, label: str, *, remote: bool) -> tuple[tuple[str, str], ...]:
    """Return the other local files that a dataset's pixels come from, and their stamps.

    They are the tiles of a VRT, also through other VRTs, masks and overviews beside a file, and the archive that a file
    is in; not metadata.

    Parameters
    ----------
    data
        The open dataset.
    path
        Its path as GDAL opens it.
    label
        Its name in messages.
    remote
        Whether it may refer to the network.
    """
    if is_remote(path):
        return ()
    found = {os.path.abspath(name) if not is_virtual(name) else name for name in data.files}  # noqa: PTH100
    if data.driver == "VRT" and not is_virtual(path):
        if any(name.lower().endswith(".vrt") for name in found - {path}):
            check_source(path, label, remote=remote, files=found)
        found |= {f"{name}.msk" for name in found}
    local = {_archive(name) if is_virtual(name) else name for name in found - {path} if not is_remote(name)}
    if is_virtual(path):
        local.add(_archive(path))
    stamps = ((name, stamp_of(name)) for name in sorted(local) if name and not name.lower().endswith(_METADATA))
    return tuple((name, stamp) for name, stamp in stamps if stamp)


def with_members(stamp: str, members: tuple[tuple[str, str], ...]) -> str:
    """Return a file's stamp with a hash of its members', so that it changes with any of them."""
    if not members:
        return stamp
    names = [(os.path.basename(path), own) for path, own in members]  # noqa: PTH119
    return f"{stamp}+{hashlib.sha256(repr(names).encode()).hexdigest()[:16]}"


def _archive(path: str) -> str:
    """Return the local archive that a path such as ``/vsizip/a.zip/b.tif`` leads into; empty if there is none."""
    name = _SYSTEM.sub("", path).replace("}", "")
    while name and not os.path.isfile(name):  # noqa: PTH113
        parent = os.path.dirname(name)  # noqa: PTH120
        if parent == name:
            return ""
        name = parent
    return os.path.abspath(name) if name else ""  # noqa: PTH100


def files_of(raster: Raster) -> tuple[str, ...]:
    """Return the local files that a raster reads."""
    found = []
    for source in _sources(raster):
        found += [source.path, *(path for path, _ in source.members)]
    return tuple(dict.fromkeys(found))


def check_unchanged(*rasters: Raster | None) -> None:
    """Check that the files of rasters are still those that were opened; to be called before results get their names.

    Raises
    ------
    ChangedError
        If a file was changed, replaced or deleted.
    ReadError
        If a file's state cannot be read.
    """
    for raster in rasters:
        for source in () if raster is None else _sources(raster):
            source.check_unchanged()


def _sources(raster: Raster) -> list[FileSource]:
    return list(dict.fromkeys(source for source in raster.leaves if isinstance(source, FileSource)))
