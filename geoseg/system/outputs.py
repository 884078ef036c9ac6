"""Where results may be written: most to local disks, and never over their own input."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from geoseg.errors import OutputError
from geoseg.system.storage.address import Address, object_address

# Path() reduces s3:// to s3:/, so one slash must do. A single letter is a drive of Windows.
_URL = re.compile(r"\s*(?:\w+::)*([a-z][a-z0-9+.-]+):[/\\]", re.IGNORECASE)
_VIRTUAL = re.compile(r"\s*[/\\]vsi[a-z0-9_]+(?:[/\\]|$)", re.IGNORECASE)


def local_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of an output.

    Raises
    ------
    OutputError
        If it is empty, a URL or in one of GDAL's virtual file systems.
    """
    text = os.fspath(path)
    if not text:
        raise OutputError("the path of an output is empty: name a file or folder")
    url = _URL.match(text)
    if url is None and _VIRTUAL.match(text) is None:
        return Path(path)
    shown = text if url is None else re.sub(r":[/\\](?=[^/\\])", "://", text, count=1)
    if url is not None and url[1].lower() == "file":
        raise OutputError(f"{shown}: URLs are not supported as output; give the plain path, without file://")
    raise OutputError(
        f"{shown}: is not supported as output here; name a local folder or file and copy it afterwards (geoseg segment "
        "and detect also write to s3://, gs:// and az://)"
    )


def check_new_file(path: Path, *, overwrite: bool) -> None:
    """Check that a file may be made, or replaced.

    Raises
    ------
    OutputError
        If there is a folder of that name, or a file and ``overwrite`` is False.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder: give the name of a file")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists: choose another name or add --overwrite (overwrite=True)")


class Inputs:
    """Local files that are read, and must not be written.

    Parameters
    ----------
    inputs
        Paths; anything else (arrays, open rasters, None) is skipped, and so are names that are no local files. Lists
        may be nested.
    """

    def __init__(self, *inputs: Any) -> None:
        self._labels: dict[object, str] = {}
        self._folders: dict[tuple[int, int], str] = {}
        self._add(inputs)

    def _add(self, inputs: Iterable[Any]) -> None:
        for one in inputs:
            if isinstance(one, list | tuple | set | frozenset):
                self._add(one)
            elif isinstance(one, str | os.PathLike) and (address := _address(one)) is not None:
                self._labels.setdefault(address, os.fspath(one))
            elif isinstance(one, str | os.PathLike) and (key := _identity(one)) is not None:
                self._labels.setdefault(key, os.fspath(one))
                for folder in Path(os.path.realpath(one)).parents:
                    inode = _identity(folder)
                    if inode is None or inode in self._folders:
                        break  # those above are known as well
                    self._folders[inode] = os.fspath(one)

    def check(self, *outputs: str | os.PathLike[str]) -> None:
        """Check files that are about to be written.

        Files are compared, not names: links, relative paths and other spellings are recognized.

        Raises
        ------
        OutputError
            If one of them is an input.
        """
        for output in outputs:
            key = _address(output) or _identity(output)
            if key is not None and key in self._labels:
                label, name = self._labels[key], os.fspath(output)
                which = "is the input" if label == name else f"is the same file as the input {label}"
                raise OutputError(f"{name}: {which}, and would be replaced; choose another output")

    def check_folder(self, folder: str | os.PathLike[str]) -> None:
        """Check a folder that is about to be replaced as a whole.

        Raises
        ------
        OutputError
            If it is an input, or holds one.
        """
        self.check(folder)
        key = _identity(folder)
        if key is not None and key in self._folders:
            raise OutputError(
                f"{os.fspath(folder)}: holds the input {self._folders[key]} and would be replaced; name another output"
            )


def _address(path: str | os.PathLike[str]) -> Address | None:
    try:
        return object_address(path)
    except OutputError:  # a query or credentials in it: no object that is written
        return None


def _identity(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  thousands of scenes
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
