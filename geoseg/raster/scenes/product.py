"""The files of a product: in a folder, or in a zip or tar archive that is read as it is."""

from __future__ import annotations

import fnmatch
import math
import posixpath
import tarfile
import zipfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from geoseg.errors import InputError
from geoseg.raster.gdal.archives import ERRORS
from geoseg.system.files import check_regular_file

ARCHIVES = (".zip", ".tar")
"""Archives that GDAL reads piece by piece; compressed ones such as .tar.gz are read from their start for each piece."""

_LARGEST_TEXT = 64 * 2**20
_MOST_MEMBERS = 200_000


@dataclass(frozen=True)
class Product:
    """The files of a product; names are relative to its folder, with slashes.

    Attributes
    ----------
    path
        The folder, or the archive.
    members
        Names of all files of an archive; None for a folder.
    inside
        Folder of the product in the archive, with a slash at its end; empty if it is the top.
    """

    path: Path
    members: tuple[str, ...] | None = None
    inside: str = ""

    def named(self, pattern: str) -> list[str]:
        """Return the files that match a pattern, sorted; a star does not match a slash, case does not count."""
        depth, wanted = pattern.count("/"), pattern.lower()
        if self.members is not None:
            names = [name.removeprefix(self.inside) for name in self.members if name.startswith(self.inside)]
        elif depth == 0:
            names = list(self._top)
        else:
            names = [p.relative_to(self.path).as_posix() for p in self.path.glob("/".join(["*"] * (depth + 1)))]
        return sorted(n for n in names if n.count("/") == depth and fnmatch.fnmatchcase(n.lower(), wanted))

    @cached_property
    def _top(self) -> tuple[str, ...]:
        """Names in the folder, listed once: it may hold thousands of tiles, on a server."""
        return tuple(path.name for path in self.path.iterdir())

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name, in the product."""
        if self.members is not None:
            return f"{self.inside}{name}" in self.members
        path = self.path / name
        return path.is_file() and path.resolve().is_relative_to(self.path.resolve())

    def contains(self, name: str) -> bool:
        """Return whether a name that metadata states leads to a place in the product."""
        if self.members is not None:
            return not posixpath.normpath(name).startswith(("..", "/"))
        return (self.path / name).resolve().is_relative_to(self.path.resolve())

    def address(self, name: str) -> str:
        """Return the path under which GDAL opens a file."""
        if self.members is None:
            return str(self.path / name)
        system = "vsitar" if self.path.suffix.lower() == ".tar" else "vsizip"
        return f"/{system}/{{{self.path.resolve().as_posix()}}}/{self.inside}{name}"

    def label(self, name: str) -> str:
        """Return what messages call a file."""
        return str(self.path / name) if self.members is None else f"{self.path}/{self.inside}{name}"

    def read(self, name: str) -> bytes:
        """Return the content of a small file.

        Raises
        ------
        InputError
            If it is missing, too large or damaged.
        """
        label = self.label(name)
        try:
            if self.members is None:
                check_regular_file(self.path / name, limit=_LARGEST_TEXT)
                return (self.path / name).read_bytes()
            data = self._member(f"{self.inside}{name}")
        except ERRORS as error:
            raise InputError(f"{label}: cannot be read ({error}); copy or download it again") from error
        if len(data) > _LARGEST_TEXT:
            raise InputError(f"{label}: has more than {_LARGEST_TEXT >> 20} MB, which metadata do not need; rejected")
        return data

    def _member(self, name: str) -> bytes:
        if self.path.suffix.lower() == ".tar":
            with tarfile.open(self.path, "r:") as tar:
                stream = tar.extractfile(name)
                return b"" if stream is None else stream.read(_LARGEST_TEXT + 1)
        with zipfile.ZipFile(self.path) as container, container.open(name) as file:
            return file.read(_LARGEST_TEXT + 1)

    def at(self, name: str) -> Product:
        """Return the product whose metadata file is the one of this name."""
        folder = posixpath.dirname(name)
        if not folder:
            return self
        if self.members is None:
            return replace(self, path=self.path / folder)
        return replace(self, inside=f"{self.inside}{folder}/")

    @property
    def name(self) -> str:
        """Name of its folder, or of its archive."""
        if self.members is None:
            return self.path.resolve().name
        return PurePosixPath(self.inside).name or self.path.stem


def finite_number(text: str | None, what: str, label: str, remedy: str = "download the product again") -> float:
    """Return a number of a product's metadata.

    Parameters
    ----------
    text
        As it is written; None if it is missing.
    what, label
        Its name, and the metadata file, for messages.
    remedy
        What to do if it is none.

    Raises
    ------
    InputError
        If it is missing, or no finite number.
    """
    try:
        value = math.nan if text is None else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        stated = "missing" if text is None else f"{text[:40]!r}, not a finite number"
        raise InputError(f"{label}: {what} is {stated}; {remedy}")
    return value


def product_in(path: Path) -> Product:
    """Return the files of a folder or archive, whatever they are.

    Raises
    ------
    InputError
        If the archive is damaged, or lists more files than products have.
    """
    if path.is_dir():
        return Product(path)
    check_regular_file(path)
    try:
        if path.suffix.lower() == ".tar":
            with tarfile.open(path, "r:") as tar:
                names = [entry.name.removeprefix("./") for entry in tar if entry.isfile()]
        else:
            with zipfile.ZipFile(path) as container:
                names = [entry.filename for entry in container.infolist() if not entry.is_dir()]
    except ERRORS as error:
        raise InputError(f"{path}: not an archive that can be read ({error}); copy or download it again") from error
    if len(names) > _MOST_MEMBERS:
        raise InputError(f"{path}: lists {len(names)} files, more than a product has; unpack it")
    return Product(path, tuple(names))
