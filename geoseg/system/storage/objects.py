"""Objects under a prefix of a bucket: written whole, so there is nothing to rename."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from geoseg.errors import OutputError
from geoseg.system.storage.address import Address
from geoseg.system.storage.connection import CHECK_RETRIES, as_os_errors, asked, connect, got
from geoseg.system.storage.lease import Lease, version_of
from geoseg.system.storage.machine import is_running, machine, process_start

# S3 takes at most 10,000 parts, of 5 MB or more; a few at a time keep memory low.
_PART_BYTES, _MOST_PARTS, _PARTS_AT_A_TIME = 8 * 2**20, 9000, 4

# Small objects are copied at a time: the way to the server takes longer than they do.
_READS_AT_A_TIME = 16

_TYPES = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized", ".png": "image/png", ".csv": "text/csv",
    ".json": "application/json", ".gpkg": "application/geopackage+sqlite3", ".xml": "application/xml",
    ".parquet": "application/vnd.apache.parquet", ".qml": "application/xml", ".vrt": "application/xml",
}  # fmt: skip


class ObjectStorage:
    """A prefix of a bucket; see :class:`geoseg.system.storage.storage.Storage`.

    Sent to another process it is its address: that process finds credentials in its own environment.

    Parameters
    ----------
    address
        Bucket and prefix.
    """

    remote = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lease: Lease | None = None
        self._scratch: Path | None = None

    def __reduce__(self) -> Any:
        return ObjectStorage, (self._address,)

    @property
    def name(self) -> str:
        """Last part of the prefix."""
        return self._address.prefix.rpartition("/")[2]

    def __truediv__(self, name: str) -> ObjectStorage:
        return ObjectStorage(self._address / name)

    def __str__(self) -> str:
        return str(self._address)

    def absolute(self) -> ObjectStorage:
        """Return itself."""
        return self

    def location(self, name: str) -> str:
        """Return an object's URL."""
        return str(self._address / name)

    def check(self) -> None:
        """Check that objects can be made here under a condition, replaced, listed, read and deleted.

        Raises
        ------
        OutputError
            If the server cannot be reached, there is no such bucket, or the credentials do not permit all of it.
        """
        try:
            self._try(self._address / f".geoseg/check-{uuid.uuid4().hex[:12]}")
        except FileExistsError:
            raise OutputError(
                f"{self}: the server heeds no conditions of writing (If-None-Match, If-Match), so two runs could mix "
                "there; name another bucket or a local folder"
            ) from None
        except OSError as error:
            raise OutputError(f"{self} cannot be written: {error.strerror or error}") from error

    def _try(self, folder: Address) -> None:
        import obstore

        key = (folder / "probe").prefix
        store = connect(self._address, CHECK_RETRIES)
        with as_os_errors(self._address):
            made = obstore.put(store, key, b"1", mode="create", use_multipart=False)
        try:
            condition: Any = version_of(made)
            with as_os_errors(self._address):
                obstore.put(store, key, b"2", mode=condition, use_multipart=False)
                obstore.list_with_delimiter(store, folder.prefix)
                obstore.get(store, key).bytes()
            for mode in ("create", condition):  # neither holds any more
                self._expect_refusal(store, key, mode)
        finally:
            with as_os_errors(self._address):
                obstore.delete(store, key)

    def _expect_refusal(self, store: Any, key: str, mode: Any) -> None:
        import obstore

        try:
            with as_os_errors(self._address):
                obstore.put(store, key, b"3", mode=mode, use_multipart=False)
        except FileExistsError:
            return
        raise FileExistsError(errno.EEXIST, "was replaced against the condition")

    def read(self, name: str, most: int | None = None) -> bytes:
        """Return an object's content."""
        with as_os_errors(self._address):
            return got(connect(self._address), self._key(name), most)[1]

    def write(self, name: str, data: bytes) -> None:
        """Make or replace an object."""
        import obstore

        with as_os_errors(self._address):
            obstore.put(
                connect(self._address), self._key(name), data, attributes=_attributes(name), use_multipart=False
            )

    def take(self, path: Path) -> None:
        """Upload a local file, in parts if it is large, check its size, and delete it here."""
        import obstore

        size, key = path.stat().st_size, self._key(path.name)
        part = max(_PART_BYTES, -(-size // _MOST_PARTS))
        with as_os_errors(self._address):
            store = connect(self._address)
            obstore.put(
                store, key, path, attributes=_attributes(path.name), use_multipart=size > part, chunk_size=part,
                max_concurrency=_PARTS_AT_A_TIME,
            )  # fmt: skip
            there = asked(lambda: obstore.head(store, key)["size"])
        if there != size:
            self.remove(path.name)
            raise OSError(errno.EIO, f"of {size} bytes {there} arrived", self.location(path.name))
        path.unlink()

    def exists(self, name: str) -> bool:
        """Return whether there is such an object."""
        import obstore

        try:
            with as_os_errors(self._address):
                store = connect(self._address)
                asked(lambda: obstore.head(store, self._key(name)))
        except FileNotFoundError:
            return False
        return True

    def names(self) -> list[str]:
        """Return the names of the objects directly below the prefix."""
        return sorted(one["path"].rpartition("/")[2] for one in self._listed()["objects"])

    def folders(self) -> list[str]:
        """Return the next parts of longer prefixes."""
        return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in self._listed()["common_prefixes"])

    def _listed(self) -> Any:
        import obstore

        with as_os_errors(self._address):
            store = connect(self._address)
            return asked(lambda: obstore.list_with_delimiter(store, self._address.prefix or None))

    def remove(self, name: str) -> None:
        """Delete an object, if there is one."""
        self._delete([self._key(name)])

    def clear(self) -> None:
        """Delete every object below the prefix."""
        import obstore

        if not self._address.prefix:
            raise ValueError("a whole bucket is never cleared")
        with as_os_errors(self._address):
            store = connect(self._address)
            listed = asked(lambda: obstore.list(store, self._address.prefix).collect())
        self._delete([one["path"] for one in listed])

    def _delete(self, keys: list[str]) -> None:
        import obstore

        try:
            with as_os_errors(self._address):
                if keys:
                    store = connect(self._address)
                    asked(lambda: obstore.delete(store, keys))
        except FileNotFoundError as error:
            if "bucket" in str(error):
                raise

    def clean(self) -> None:
        """Do nothing: an object that was not written whole is not there."""

    def drop_if_empty(self) -> None:
        """Do nothing: a prefix exists by its objects."""

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock against other runs, by a lease; local files of this storage are deleted on release."""
        lease = Lease(self._lock_address, str(self))
        try:
            lease.acquire()
        except OSError as error:
            raise OutputError(f"{self} cannot be written: {error.strerror or error}") from None
        self._lease = lease
        try:
            yield
        finally:
            self._lease = None
            lease.release()
            self.drop_scratch()

    def is_locked(self) -> bool:
        """Return whether a run holds the lock."""
        return Lease(self._lock_address, str(self)).is_held()

    @property
    def _lock_address(self) -> Address:
        return Address(self._address.scheme, self._address.bucket, f"{self._address.prefix}.lock")

    @property
    def lock_token(self) -> str:
        """Token of the lease, for workers that write on behalf of its holder."""
        return "" if self._lease is None else self._lease.token

    def verify_lock(self, token: str = "") -> None:
        """Raise OutputError if another run has taken the lock over, or the run with that token has ended."""
        if self._lease is not None:
            self._lease.verify()
        elif token:
            Lease(self._lock_address, str(self)).verify_token(token)

    @property
    def scratch(self) -> Path:
        """A folder of this process below that for temporary files (``TMPDIR``)."""
        if self._scratch is None:
            _sweep()
            self._scratch = Path(tempfile.mkdtemp(prefix=f"{_scratch_prefix()}{os.getpid()}-{process_start():.0f}-"))
        return self._scratch

    def drop_scratch(self) -> None:
        """Delete the folder."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def fetch(self, names: Iterable[str], folder: Path) -> None:
        """Copy objects into a local folder, several at a time."""

        def copy(name: str) -> None:
            (folder / name).write_bytes(self.read(name))

        with ThreadPoolExecutor(_READS_AT_A_TIME, thread_name_prefix="geoseg-fetch") as pool:
            futures = [pool.submit(copy, name) for name in names]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _key(self, name: str) -> str:
        return (self._address / name).prefix


def _attributes(name: str) -> Any:
    kind = _TYPES.get(Path(name).suffix.lower())
    return {"Content-Type": kind} if kind else None


@lru_cache(maxsize=1)
def _scratch_prefix() -> str:
    """Begin the names of scratch folders with what tells this machine's from those of others with the same disk."""
    return f"geoseg-{hashlib.sha256(machine().encode()).hexdigest()[:8]}-"


def _sweep() -> None:
    """Delete scratch folders of processes of this machine that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_scratch_prefix()}*"):
        pid, start, *_ = [*folder.name.removeprefix(_scratch_prefix()).split("-"), "", ""]
        if pid.isdigit() and start.isdigit() and not is_running(int(pid), float(start)):
            shutil.rmtree(folder, ignore_errors=True)
