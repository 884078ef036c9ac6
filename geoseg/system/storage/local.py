"""Files in a local folder, written under temporary names and renamed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from geoseg.system.files import fsync, put, read_regular, rename, temporary_beside
from geoseg.system.locks import is_locked, locked


@dataclass(frozen=True)
class LocalStorage:
    """A local folder; see :class:`geoseg.system.storage.storage.Storage`.

    Attributes
    ----------
    path
        The folder, which need not exist.
    """

    path: Path

    remote = False

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    def __truediv__(self, name: str) -> LocalStorage:
        return LocalStorage(self.path / name)

    def __str__(self) -> str:
        return str(self.path)

    def absolute(self) -> LocalStorage:
        """Return the folder with its absolute path."""
        return LocalStorage(self.path.absolute())

    def location(self, name: str) -> Path:
        """Return a file's path."""
        return self.path / name

    def check(self) -> None:
        """Do nothing: what is wrong with a folder shows when it is locked, before anything is computed."""

    def read(self, name: str, most: int | None = None) -> bytes:
        """Return a file's content."""
        return (self.path / name).read_bytes() if most is None else read_regular(self.path / name, most)

    def write(self, name: str, data: bytes) -> None:
        """Write a file under a temporary name, flush and rename it."""
        path = self.path / name
        if not data:  # nothing to be torn
            path.touch()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(path)
        try:
            temporary.write_bytes(data)
            fsync(temporary)
            put(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def take(self, path: Path) -> None:
        """Rename a file into the folder."""
        rename(path, self.path / path.name)

    def exists(self, name: str) -> bool:
        """Return whether there is such a file or folder."""
        return (self.path / name).exists()

    def names(self) -> list[str]:
        """Return the names of the files."""
        return self._entries(folders=False)

    def folders(self) -> list[str]:
        """Return the names of the subfolders."""
        return self._entries(folders=True)

    def _entries(self, *, folders: bool) -> list[str]:
        try:
            return sorted(path.name for path in self.path.iterdir() if path.is_dir() == folders)
        except OSError:
            return []

    def remove(self, name: str) -> None:
        """Delete a file, if there is one."""
        (self.path / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete the folder and all in it."""
        if self.path.exists():
            shutil.rmtree(self.path)

    def clean(self) -> None:
        """Delete temporary files of processes that were killed."""
        for path in self.path.glob("*.partial"):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def drop_if_empty(self) -> None:
        """Delete the folder if it is empty."""
        with suppress(OSError):
            self.path.rmdir()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder against other runs."""
        with locked(self.path):
            yield

    def is_locked(self) -> bool:
        """Return whether a run holds the lock."""
        return is_locked(self.path)

    @property
    def lock_token(self) -> str:
        """Nothing: only the process that holds the lock renames files."""
        return ""

    def verify_lock(self, token: str = "") -> None:
        """Do nothing: the operating system takes a lock from nobody."""

    @property
    def scratch(self) -> Path:
        """The folder itself, so that results are renamed, not copied."""
        return self.path

    def drop_scratch(self) -> None:
        """Do nothing: what is in it is found by the next run."""

    def fetch(self, names: Iterable[str], folder: Path) -> None:
        """Copy files into another folder."""
        for name in names:
            shutil.copyfile(self.path / name, folder / name)
