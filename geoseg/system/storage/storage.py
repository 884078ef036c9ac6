"""What a run needs of the place of its results, whether that is a local folder or a prefix of a bucket."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from geoseg.errors import OutputError
from geoseg.system.outputs import local_path
from geoseg.system.storage.address import object_address
from geoseg.system.storage.local import LocalStorage
from geoseg.system.storage.objects import ObjectStorage


@runtime_checkable
class Storage(Protocol):
    """A folder, or a prefix of a bucket, with files. Can be sent to other processes, credentials cannot.

    Failures are ``OSError``: ``FileNotFoundError``, ``PermissionError``, or with ``errno.EIO`` what may pass.
    """

    @property
    def name(self) -> str:
        """Last part of the path."""
        ...

    @property
    def remote(self) -> bool:
        """Whether a server keeps the files."""
        ...

    def __truediv__(self, name: str) -> Self: ...

    def absolute(self) -> Self:
        """Return the same place by a name that holds for processes in other working folders."""
        ...

    def location(self, name: str) -> Path | str:
        """Return the path or URL of a file."""
        ...

    def check(self) -> None:
        """Raise OutputError unless files can be written here; changes nothing. Local folders tell later."""
        ...

    def read(self, name: str, most: int | None = None) -> bytes:
        """Return a file's content; an error if it has more than ``most`` bytes."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Write a file, so that others see all of it or nothing, and it survives a power failure."""
        ...

    def take(self, path: Path) -> None:
        """Move a complete local file here, replacing one of the same name."""
        ...

    def exists(self, name: str) -> bool:
        """Return whether there is such a file."""
        ...

    def names(self) -> list[str]:
        """Return the names of the files here, without those of subfolders; empty if there is nothing."""
        ...

    def folders(self) -> list[str]:
        """Return the names of the subfolders."""
        ...

    def remove(self, name: str) -> None:
        """Delete a file, if there is one."""
        ...

    def clear(self) -> None:
        """Delete everything here, subfolders included."""
        ...

    def clean(self) -> None:
        """Delete what writes that were cut off have left."""
        ...

    def drop_if_empty(self) -> None:
        """Delete the folder itself, if it is one and holds nothing."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Lock against other runs; OutputError if one of them holds the lock."""
        ...

    def is_locked(self) -> bool:
        """Return whether a run holds the lock."""
        ...

    @property
    def lock_token(self) -> str:
        """What tells the lock that this process holds from that of any other run; empty if that is not needed."""
        ...

    def verify_lock(self, token: str = "") -> None:
        """Raise OutputError if the lock was lost to another run; of a lock that another process holds, by its token."""
        ...

    @property
    def scratch(self) -> Path:
        """Local folder with room for results that are being made; emptied when the lock is released, if remote."""
        ...

    def drop_scratch(self) -> None:
        """Delete what is in :attr:`scratch`, unless that is the folder itself."""
        ...

    def fetch(self, names: Iterable[str], folder: Path) -> None:
        """Copy files into a local folder."""
        ...


def storage_of(place: Storage | str | os.PathLike[str]) -> Storage:
    """Return the storage at a path or URL; connects to nothing.

    Raises
    ------
    OutputError
        If it is empty, or a URL or virtual file system that cannot be written.

    Examples
    --------
    >>> from geoseg.system.storage.storage import storage_of
    >>> print(storage_of("s3://maps/2026") / "north")
    s3://maps/2026/north
    """
    if not isinstance(place, str | os.PathLike):
        return place
    address = object_address(place)
    if address is None:
        return LocalStorage(local_path(place))
    if find_spec("obstore") is None:
        raise OutputError(f'{address}: object storage needs the package obstore: pip install "geoseg[cloud]"')
    return ObjectStorage(address)


def stored_json(place: Storage, name: str) -> dict[str, Any]:
    """Return the mapping that a JSON file holds; empty if it is absent or unreadable, or holds anything else.

    Raises
    ------
    OSError
        If a server does not answer or denies access.
    """
    try:
        content = json.loads(place.read(name))
    except (FileNotFoundError, ValueError):
        return {}
    except OSError:
        if place.remote:
            raise
        return {}
    return content if isinstance(content, dict) else {}
