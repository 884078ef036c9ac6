"""One file from an address that the user named, at its host and nowhere else, complete or not at all."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from geoseg.errors import InputError
from geoseg.errors.secrets import without_secrets
from geoseg.system.files import complete

_SECONDS = 60
_BLOCK = 1 << 20


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects that a check permits.

    Parameters
    ----------
    check
        Called with the address that is led to and the one that leads there; raises an error if it must not be followed.
    """

    def __init__(self, check: Callable[[str, str], None]) -> None:
        self._check = check

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request that follows."""
        self._check(newurl, req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def is_address(text: str) -> bool:
    """Return whether a text is an address that can be fetched from: of http or https."""
    return urlsplit(text).scheme.lower() in ("http", "https")


def check_same_host(address: str, named: str) -> None:
    """Check that an address is at the host that the user named.

    Raises
    ------
    InputError
        If it is not; the message has the address, so that the user can name it.
    """
    here, there = urlsplit(named), urlsplit(address)
    if not is_address(address) or there.netloc.lower() != here.netloc.lower():
        raise InputError(
            f"{without_secrets(named)}: leads to another host, {without_secrets(address)}, from which nothing is "
            "fetched; if you trust it, name that address"
        )


_OPENER = urllib.request.build_opener(Redirects(check_same_host))


def address_beside(href: str, base: str) -> str:
    """Return the address of a link in a file, which must be at the file's host.

    Raises
    ------
    InputError
        If it is at another.
    """
    address = urljoin(base, href)
    check_same_host(address, base)
    return address


def file_name(address: str) -> str:
    """Return the name of the file at an address, without folders."""
    return Path(unquote(urlsplit(address).path).replace("\\", "/")).name


def download(address: str, path: Path, most: int) -> str:
    """Fetch a file and return its SHA-256 in hexadecimal; nothing is left if it is not complete.

    Parameters
    ----------
    address
        Of http or https.
    path
        Where it is written.
    most
        Largest size in bytes.

    Raises
    ------
    InputError
        If it cannot be fetched, is larger, ends early, or leads to another host.
    """
    label = without_secrets(address)
    digest, done = hashlib.sha256(), 0
    request = urllib.request.Request(address, headers={"User-Agent": "geoseg"})  # noqa: S310 - of http, see is_address
    try:
        with _OPENER.open(request, timeout=_SECONDS) as answer, complete(path) as part:
            stated = answer.headers.get("Content-Length")
            if stated is not None and int(stated) > most:
                raise InputError(f"{label}: has {int(stated) / 1e6:,.0f} MB, more than {most / 1e6:,.0f} MB")
            with part.open("wb") as file:
                while block := answer.read(_BLOCK):
                    done += len(block)
                    if done > most:
                        raise InputError(f"{label}: has more than {most / 1e6:,.0f} MB")
                    digest.update(block)
                    file.write(block)
            if stated is not None and done != int(stated):
                raise InputError(f"{label}: ended after {done:,} of {int(stated):,} bytes; try again")
    except urllib.error.HTTPError as error:
        raise InputError(f"{label}: answers {error.code} {error.reason}; check the address") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise InputError(f"{label}: cannot be fetched ({reason}); check the address and the connection") from None
    return digest.hexdigest()
