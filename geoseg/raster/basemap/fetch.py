"""Gets tiles: one after another, no faster than agreed, each once, from the host that was named and no other."""

from __future__ import annotations

import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from geoseg._version import __version__
from geoseg.errors import InputError, one_line
from geoseg.raster.basemap.template import Template
from geoseg.system.download import Redirects
from geoseg.system.files import complete
from geoseg.system.folders import user_folder

_MOST_BYTES = 8 * 2**20
_SECONDS = 30
_TRIES = 4
_PAUSE = 1.0  # seconds before the second try; twice as long before each further one
_LONGEST_PAUSE = 60.0
_ABSENT = (204, 404, 410)
_TRANSIENT = (408, 429, 500, 502, 503, 504)

# Tiles older than this are fetched again.
_KEPT_SECONDS = 30 * 86_400


class _Absent(Exception):  # noqa: N818 - the tile is nodata
    """There is no such tile."""


@dataclass
class Fetcher:
    """Gets the tiles of one map.

    Attributes
    ----------
    template
        Where they are.
    per_second
        Most requests in a second.
    asked, kept
        Requests that were made, and tiles that were there from an earlier run.
    """

    template: Template
    per_second: float
    asked: int = 0
    kept: int = 0
    _next: float = field(default=0.0, repr=False)

    @property
    def folder(self) -> Path:
        """Where tiles are kept."""
        name = hashlib.sha256(self.template.text.encode()).hexdigest()[:24]
        return user_folder("cache") / "tiles" / name

    def get(self, zoom: int, col: int, row: int, check: Callable[[bytes, str], Any]) -> Any:
        """Return what ``check`` makes of the content of a tile; None if the server has none there.

        Raises
        ------
        InputError
            If the server refuses, fails, leads to another host, or ``check`` does not accept the content.
        """
        name = f"{zoom}/{col}/{row}"
        path = self.folder / str(zoom) / str(col) / str(row)
        with suppress(OSError):
            if time.time() - path.stat().st_mtime < _KEPT_SECONDS:
                found = check(path.read_bytes(), name)
                self.kept += 1
                return found
        try:
            content = self._ask(self.template.address(zoom, col, row), name)
        except _Absent:
            return None
        found = check(content, name)  # only pictures are kept
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with complete(path) as part:
                part.write_bytes(content)
        return found

    def _ask(self, address: str, name: str) -> bytes:
        for attempt in range(_TRIES):
            self._wait()
            self.asked += 1
            pause = _PAUSE * 2**attempt
            try:
                return self._content(address, name)
            except urllib.error.HTTPError as error:
                if error.code in _ABSENT:
                    raise _Absent from None
                reason = f"answers {error.code} ({error.reason})"
                if error.code not in _TRANSIENT:
                    hint = (
                        "; its key is wrong or missing, or it does not allow this" if error.code in (401, 403) else ""
                    )
                    raise InputError(f"{self.template.label}: {reason} for tile {name}{hint}") from None
                with suppress(TypeError, ValueError):
                    pause = max(pause, float(error.headers.get("Retry-After") or ""))
            except (OSError, urllib.error.URLError) as error:  # timeouts are OSErrors
                reason = f"cannot be reached ({one_line(getattr(error, 'reason', None) or error)})"
            if attempt + 1 < _TRIES:
                time.sleep(min(pause, _LONGEST_PAUSE))
        raise InputError(
            f"{self.template.label}: {reason} for tile {name}, {_TRIES} times; {self.asked - _TRIES} tiles that came "
            "are kept: run the same command again later, or with fewer --tiles-per-second"
        )

    def _wait(self) -> None:
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.per_second

    def _content(self, address: str, name: str) -> bytes:
        request = urllib.request.Request(address, headers={"User-Agent": f"geoseg/{__version__}"})  # noqa: S310
        with _opener(self.template).open(request, timeout=_SECONDS) as answer:
            if answer.status == 204:
                raise _Absent
            content: bytes = answer.read(_MOST_BYTES + 1)
            length = answer.headers.get("Content-Length")
        if len(content) > _MOST_BYTES:
            raise InputError(f"{self.template.label}: tile {name} has more than {_MOST_BYTES >> 20} MB; it is no tile")
        if length is not None and length.isdigit() and len(content) < int(length):
            raise OSError(f"tile {name} ended after {len(content)} of {length} bytes")
        return content


def _opener(template: Template) -> urllib.request.OpenerDirector:
    """Return what follows redirects on the host that the user named only."""

    def check(address: str, _asked: str) -> None:
        here, there = urlsplit(template.text), urlsplit(address)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise InputError(
                f"{template.label}: leads to another server, {there.hostname}, which was not named; name it in "
                "--basemap if you trust it"
            )

    return urllib.request.build_opener(Redirects(check))
