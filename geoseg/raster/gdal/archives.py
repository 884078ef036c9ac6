"""Read the beginning of files in archives without GDAL, to see what they are before GDAL opens them."""

from __future__ import annotations

import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import IO

from geoseg.system.files import check_regular_file, exists, is_folder

ERRORS = (OSError, EOFError, ValueError, LookupError, RuntimeError, NotImplementedError, OverflowError, struct.error,
          tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)  # fmt: skip
"""What damaged archives raise."""


def read_head(path: str, size: int) -> bytes | None:
    """Return the first bytes of a file in GDAL's ``/vsizip/``, ``/vsitar/`` or ``/vsigzip/``; None if unknown.

    Raises
    ------
    InputError
        If the archive is a pipe or device.
    """
    system, _, rest = path.removeprefix("/").partition("/")
    if system.lower() not in ("vsizip", "vsitar", "vsigzip"):
        return None
    archive, member = _split(rest)
    if archive is None:
        return None
    check_regular_file(archive)
    try:
        if system.lower() == "vsigzip":
            with gzip.open(archive) as file:
                return file.read(size)
        if system.lower() == "vsizip":
            with zipfile.ZipFile(archive) as container:
                return _only(container, member, size)
        with tarfile.open(archive) as container:
            entry = next((e for e in container if e.isfile() and (not member or _same(e.name, member))), None)
            stream: IO[bytes] | None = container.extractfile(entry) if entry else None
            return stream.read(size) if stream else None
    except ERRORS:
        return None  # GDAL will say what is wrong with it


def _only(container: zipfile.ZipFile, member: str, size: int) -> bytes | None:
    entries = [entry for entry in container.infolist() if not entry.is_dir()]
    found = [entry for entry in entries if not member or _same(entry.filename, member)]
    if not found:
        return None
    with container.open(found[0]) as file:
        return file.read(size)


def _same(name: str, member: str) -> bool:
    return name.replace("\\", "/").removeprefix("./") == member.replace("\\", "/")


def _split(rest: str) -> tuple[str | None, str]:
    """Return archive and member of the part of a path after ``/vsizip/``."""
    if rest.startswith("{"):
        archive, _, member = rest[1:].partition("}")
        return archive, member.lstrip("/")
    parts = rest.split("/")
    for count in range(1, len(parts) + 1):
        archive = "/".join(parts[:count])
        if archive and not is_folder(archive) and exists(archive):
            return archive, "/".join(parts[count:]).strip("/")
    return None, ""
