"""Search of a STAC API: https://github.com/radiantearth/stac-api-spec, item search 1.0, paged by GET or by POST.

Of the standard library alone: pystac-client follows links to any host, with the headers that they ask for, and reads
answers of any size. Here a catalogue is asked at the host that the user named and nowhere else, and its token goes to
no other.
"""

from __future__ import annotations

import base64
import http.client
import json
import netrc
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from geoseg.errors import InputError, one_line
from geoseg.raster.catalog.catalogs import PUBLIC_HOSTS
from geoseg.system.download import Redirects
from geoseg.system.json_text import parse_json

if TYPE_CHECKING:
    from geoseg.raster.catalog.catalogs import Catalog

TOKEN = "GEOSEG_STAC_TOKEN"  # noqa: S105 - the name of the variable
"""Environment variable with the bearer token of a catalogue."""

MOST_ITEMS = 10_000
"""Items that a search may find."""

_PAGE = 250
_MOST_PAGES = 1000
_MOST_BYTES = 64 * 2**20
_SECONDS = 60
_TRIES = 3
_PAUSE = 0.3  # seconds before the second try
_HERE = ("localhost", "127.0.0.1", "::1")
_TRANSIENT = {429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Query:
    """What is asked for.

    Attributes
    ----------
    bbox
        West, south, east, north in degrees; west > east across the antimeridian.
    period
        ``"2026-06-01T00:00:00Z/2026-08-31T23:59:59Z"``.
    max_cloud
        Percent; sent along where the catalogue says that it filters, which spares pages. Items are filtered anyhow.
    """

    bbox: tuple[float, float, float, float]
    period: str
    max_cloud: float | None = None


def search(catalog: Catalog, query: Query) -> list[dict[str, Any]]:
    """Return all items of a collection in a box and period, in the catalogue's order; they may overlap the box only.

    Raises
    ------
    InputError
        If the catalogue cannot be reached, refuses, answers with something else, leads elsewhere, or finds too much.
    """
    landing = _get(catalog.url, catalog.url)
    request = _first_request(landing, catalog, query)
    seen: set[str] = set()
    found: list[dict[str, Any]] = []
    for _ in range(_MOST_PAGES):
        key = repr(request)
        if key in seen:
            raise InputError(f"{catalog.url}: its pages of results lead in a circle; ask for a shorter period")
        seen.add(key)
        page = _ask(request, catalog.url)
        features = page.get("features")
        if not isinstance(features, list):
            raise InputError(f"{catalog.url}: answered a search with something else than items; is it a STAC API?")
        found += [one for one in features if isinstance(one, dict)]
        if len(found) > MOST_ITEMS:
            raise InputError(
                f"{catalog.url}: finds more than {MOST_ITEMS:,} items of {catalog.collection}; give a smaller place, "
                "a shorter period, or a lower --max-cloud"
            )
        following = _next_request(page, request, catalog.url)
        if following is None:
            return found
        request = following
    raise InputError(f"{catalog.url}: has more than {_MOST_PAGES} pages of results; ask for a shorter period")


@dataclass(frozen=True)
class _Request:
    url: str
    body: dict[str, Any] | None = None  # of a POST


def _first_request(landing: dict[str, Any], catalog: Catalog, query: Query) -> _Request:
    links = [link for link in _links(landing) if link.get("rel") == "search"]
    if not links:
        raise InputError(
            f"{catalog.url}: cannot be searched (it has no search link): a static catalogue; name its items as scenes, "
            "or the landing page of a STAC API"
        )
    post = next((link for link in links if str(link.get("method", "")).upper() == "POST"), None)
    url = _same_host(str((post or links[0])["href"]), catalog.url, catalog.url)
    fields: dict[str, Any] = {
        "collections": [catalog.collection],
        "bbox": list(query.bbox),
        "datetime": query.period,
        "limit": _PAGE,
    }
    if post is None:
        texts = {**fields, "collections": catalog.collection, "bbox": ",".join(f"{value:.9g}" for value in query.bbox)}
        return _Request(f"{url}{'&' if '?' in url else '?'}{urlencode(texts)}")
    conforms = landing.get("conformsTo")
    filters = any("item-search#query" in str(one) for one in (conforms if isinstance(conforms, list) else ()))
    if filters and query.max_cloud is not None:
        fields["query"] = {"eo:cloud_cover": {"lte": query.max_cloud}}
    return _Request(url, fields)


def _next_request(page: dict[str, Any], request: _Request, catalog: str) -> _Request | None:
    link = next((link for link in _links(page) if link.get("rel") == "next"), None)
    if link is None:
        return None
    url = _same_host(str(link["href"]), request.url, catalog)
    if str(link.get("method", "GET")).upper() != "POST":
        return _Request(url)
    own = link.get("body")
    body = own if isinstance(own, dict) else {}
    merge = link.get("merge") is True or not body
    return _Request(url, {**(request.body or {}), **body} if merge else body)


def _links(content: dict[str, Any]) -> list[dict[str, Any]]:
    links = content.get("links")
    return [
        link
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and isinstance(link.get("href"), str)
    ]


def _same_host(href: str, base: str, catalog: str) -> str:
    """Return the address of a link; servers behind a proxy often write http where they are reached by https."""
    here, there = urlsplit(catalog), urlsplit(urljoin(base, href))
    if there.hostname != here.hostname:
        raise InputError(
            f"{catalog}: leads to another host, {there.hostname}, where nothing is fetched; if you trust it, name its "
            "own address"
        )
    return urlunsplit((here.scheme, here.netloc, *there[2:]))


# One request --------------------------------------------------------------------------------------------------------


def _check_redirect(address: str, asked: str) -> None:
    if urlsplit(address).hostname != urlsplit(asked).hostname:
        raise InputError(
            f"{asked}: leads to another host, {urlsplit(address).hostname}, where nothing is fetched; if you "
            "trust it, name its own address"
        )


_OPENER = urllib.request.build_opener(Redirects(_check_redirect))


def _get(url: str, catalog: str) -> dict[str, Any]:
    return _ask(_Request(url), catalog)


def _ask(request: _Request, catalog: str) -> dict[str, Any]:
    """Send a request, again after a passing error, and return the object that it is answered with."""
    for left in range(_TRIES - 1, -1, -1):
        try:
            return _answer(request, catalog)
        except urllib.error.HTTPError as error:
            if error.code not in _TRANSIENT or not left:
                raise _refusal(error, catalog) from None
        except (OSError, http.client.HTTPException) as error:
            if not left:
                raise InputError(
                    f"{catalog}: cannot be reached ({_reason(error)}); check the address and the connection"
                ) from None
        time.sleep(_PAUSE * (_TRIES - left) ** 2)
    raise AssertionError  # the last try returns or raises


def _answer(request: _Request, catalog: str) -> dict[str, Any]:
    data = None if request.body is None else json.dumps(request.body).encode()
    asked = urllib.request.Request(request.url, data)  # noqa: S310 - catalogues are http or https
    asked.add_header("User-Agent", "geoseg")
    asked.add_header("Accept", "application/geo+json, application/json")
    if data is not None:
        asked.add_header("Content-Type", "application/json")
    if (login := login_of(request.url)) is not None:
        asked.add_unredirected_header("Authorization", login)
    with _OPENER.open(asked, timeout=_SECONDS) as answer:
        text = answer.read(_MOST_BYTES + 1)
        length = answer.headers.get("Content-Length", "")
    if length.isdigit() and len(text) < min(int(length), _MOST_BYTES):
        raise http.client.IncompleteRead(text, int(length) - len(text))
    if len(text) > _MOST_BYTES:
        raise InputError(f"{catalog}: answers with more than {_MOST_BYTES >> 20} MB, which is no page of items")
    content = parse_json(text, catalog, "the answer of a STAC API")
    if not isinstance(content, dict):
        raise InputError(f"{catalog}: answers with a {type(content).__name__}; is it the landing page of a STAC API?")
    return content


def login_of(url: str) -> str | None:
    """Return the header that logs in: by the token of the environment, or by the host's entry in netrc.

    Nothing is sent to catalogues that need no login, nor without encryption, except on this machine.
    """
    parts = urlsplit(url)
    if parts.hostname in PUBLIC_HOSTS or (parts.scheme != "https" and parts.hostname not in _HERE):
        return None
    if token := os.environ.get(TOKEN):
        return f"Bearer {token}"
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        found = netrc.netrc(path).authenticators(urlsplit(url).hostname or "")
    except FileNotFoundError:
        return None
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
        reason = getattr(error, "msg", None) or getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"{path}: cannot be read for the login of {urlsplit(url).hostname}: {reason}") from None
    if found is None:
        return None
    return "Basic " + base64.b64encode(f"{found[0]}:{found[2] or ''}".encode()).decode()


def _reason(error: BaseException) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return f"the answer broke off after {len(error.partial):,} bytes"
    reason = getattr(error, "reason", None)
    return one_line(reason if isinstance(reason, BaseException) else error)


def _refusal(error: urllib.error.HTTPError, catalog: str) -> InputError:
    if error.code in (401, 403):
        how = "it has expired or is not valid" if os.environ.get(TOKEN) else "the catalogue wants a login"
        return InputError(
            f"{catalog}: refuses the login (HTTP {error.code}): {how}; set {TOKEN}, or add the host to ~/.netrc"
        )
    if error.code == 404:
        return InputError(f"{catalog}: has no such page (HTTP 404); give the landing page of a STAC API")
    detail = ""
    try:
        content = json.loads(error.read(10_000))
        detail = str(content.get("description") or content.get("detail") or content.get("message") or "")[:200]
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        pass
    return InputError(f"{catalog}: answers with HTTP {error.code}{f' ({detail})' if detail else ''}; try again later")
