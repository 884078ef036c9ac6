"""A lock that is an object: made only if there is none, renewed by its holder, taken over once it is not.

The holder replaces the object every few seconds under the condition that it is still as it left it, so a holder that
stood still and whose lock was taken over finds that out. Whether another machine's holder is alive is decided by the
server's clock and by watching the object, never by comparing clocks of machines.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
import uuid
from contextlib import suppress
from typing import Any

from geoseg.errors import OutputError
from geoseg.system.storage.address import Address
from geoseg.system.storage.connection import as_os_errors, connect, got
from geoseg.system.storage.machine import is_running, machine, process_start

RENEW_SECONDS, LEASE_SECONDS = 10.0, 45.0
"""How often a lock is renewed, and how long after the last time it counts as abandoned."""

_WATCH_SECONDS = 1.0

_held: set[str] = set()
"""Tokens of the locks that this process holds: one that it could not give back is not held any more."""


class Lease:
    """The lock at an address.

    Parameters
    ----------
    address
        Of the object that is the lock.
    label
        What it locks, for messages.
    """

    def __init__(self, address: Address, label: str) -> None:
        self._address, self._label = address, label
        self.token = uuid.uuid4().hex
        self._count = 0
        self._version: dict[str, Any] = {}
        self._lost = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> None:
        """Take the lock. Waits, to see whether its holder lives, at most :data:`LEASE_SECONDS`.

        Raises
        ------
        OutputError
            If another run holds it.
        OSError
            If the server does not answer or access is denied.
        """
        while not self._taken():
            pass
        _held.add(self.token)
        self._thread = threading.Thread(target=self._renew, name="geoseg-lease", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Give the lock back, if it is still held."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        _held.discard(self.token)
        with suppress(OSError):  # else it is taken for abandoned after a while
            found = self._read()
            if found is not None and found[0].get("token") == self.token:
                self._delete()

    def verify(self) -> None:
        """Check that the lock is held.

        Raises
        ------
        OutputError
            If another run has taken it over, because this one could not renew it.
        """
        if self._lost:
            raise OutputError(
                f"{self._label}: this process could not reach the server for {LEASE_SECONDS:.0f} s, and another run "
                "has taken over; finished work is kept"
            )

    def verify_token(self, token: str) -> None:
        """Check, in a process that works for the holder, that the lock with that token is there.

        Raises
        ------
        OutputError
            If it is not.
        """
        found = self._read()
        if found is None or found[0].get("token") != token:
            raise OutputError(f"{self._label}: the run that this work was for has ended, so nothing is uploaded")

    def is_held(self) -> bool:
        """Return whether any run holds the lock; of other machines' runs, whether it was renewed lately."""
        found = self._read()
        if found is None:
            return False
        try:
            return not self._abandoned(*found)
        except PermissionError:  # who may only read cannot ask for the server's time
            return True

    # --- taking it

    def _taken(self) -> bool:
        """Try once; returns False where another run was quicker."""
        if self._try_put("create"):
            return True
        found = self._read()
        if found is None:
            return False
        owner, version, _ = found
        if owner.get("token") == self.token:  # ours, but the answer was lost
            self._version = version
            return True
        if not self._abandoned(*found):
            self._watch(owner, version)
        return self._try_put(version)

    def _try_put(self, mode: Any) -> bool:
        """Return whether the condition held."""
        try:
            self._put(mode)
        except FileExistsError:
            return False
        except FileNotFoundError as error:  # S3 answers so if what is to be replaced is gone
            if mode == "create":
                raise OSError(errno.ENOENT, error.strerror) from error
            return False
        return True

    def _watch(self, owner: dict[str, Any], version: dict[str, Any]) -> None:
        """Return once the holder has not renewed the lock for too long.

        Raises
        ------
        OutputError
            If it has.
        """
        busy = OutputError(
            f"another run (process {owner.get('pid', '?')} on {owner.get('host', '?')}) is writing to {self._label}: "
            "wait for it or choose another place with -o"
        )
        if owner.get("machine") == machine():  # _abandoned saw it run
            raise busy
        deadline = time.monotonic() + LEASE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(_WATCH_SECONDS)
            found = self._read()
            if found is None:
                return
            if found[1] != version:
                raise busy

    def _abandoned(self, owner: dict[str, Any], _: dict[str, Any], modified: float) -> bool:
        if owner.get("machine") == machine():
            pid = int(owner.get("pid", 0))
            if pid == os.getpid():
                return owner.get("token") not in _held
            return not is_running(pid, float(owner.get("start", 0)))
        return self._server_time() - modified > LEASE_SECONDS

    def _server_time(self) -> float:
        """Return the server's time: that of an object that is made for the purpose."""
        import obstore

        probe = f"{self._address.prefix}.{uuid.uuid4().hex[:12]}.time"
        with as_os_errors(self._address):
            store = connect(self._address)
            obstore.put(store, probe, b"", use_multipart=False)
            try:
                return obstore.head(store, probe)["last_modified"].timestamp()
            finally:
                obstore.delete(store, probe)

    # --- holding it

    def _renew(self) -> None:
        while not self._stop.wait(RENEW_SECONDS):
            with suppress(OSError):  # unreachable: tried again, until somebody else has it
                if not self._try_put(self._version):
                    found = self._read()
                    if found is None or found[0].get("token") != self.token:
                        self._lost = True
                        return
                    self._version = found[1]

    def _put(self, mode: Any) -> None:
        import obstore

        self._count += 1  # else the content, and so its ETag, would be the same
        owner = {
            "pid": os.getpid(), "host": socket.gethostname(), "machine": machine(), "start": process_start(),
            "token": self.token, "renewed": self._count,
        }  # fmt: skip
        with as_os_errors(self._address):
            made = obstore.put(
                connect(self._address), self._address.prefix, json.dumps(owner).encode(), mode=mode, use_multipart=False
            )
        self._version = version_of(made)

    def _read(self) -> tuple[dict[str, Any], dict[str, Any], float] | None:
        """Return the owner, version and time of the lock; None if there is none."""
        try:
            with as_os_errors(self._address):
                meta, data = got(connect(self._address), self._address.prefix)
        except FileNotFoundError as error:
            if "bucket" in str(error):
                raise
            return None
        try:
            owner = json.loads(data)
        except ValueError:
            owner = {}
        return owner if isinstance(owner, dict) else {}, version_of(meta), meta["last_modified"].timestamp()

    def _delete(self) -> None:
        import obstore

        with as_os_errors(self._address):
            obstore.delete(connect(self._address), self._address.prefix)


def version_of(made: Any) -> dict[str, Any]:
    """Return what tells a version of an object from later ones, as a condition for the next put."""
    return {key: made[key] for key in ("e_tag", "version") if made.get(key)}
