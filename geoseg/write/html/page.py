"""The page around a report: head, style, script, and a policy that lets nothing else run or be fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from geoseg._version import __version__
from geoseg.write.html.element import Child, Html, element


@cache
def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")


def page(title: str, *children: Child, script: bool = False) -> str:
    """Return a whole page.

    Parameters
    ----------
    title
        Title and first heading.
    children
        Its sections.
    script
        Whether it has a map that can be moved; a page without has no script.

    Notes
    -----
    The content security policy allows the one script by its hash, no other, and no address but ``data:``.
    """
    code = _asset("viewer.js") if script else ""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() if script else ""
    allowed = f"'sha256-{digest}'" if script else "'none'"
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; base-uri 'none'; "
        "form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content=f"geoseg {__version__}"),
        element("title", title),
        Html(f"<style>{_asset('report.css')}</style>"),
    )
    body = element(
        "body",
        element("header", element("h1", title)),
        element("main", *children),
        element("footer", element("p", f"Made by geoseg {__version__}. This page is one file and loads nothing.")),
        Html(f"<script>{code}</script>") if script else None,
    )
    return f'<!DOCTYPE html>\n<html lang="en">{head}{body}</html>\n'


def section(title: str, *children: Child) -> Html:
    """Return a section with its heading."""
    return element("section", element("h2", title), *children)


def messages(kind: str, texts: list[str] | tuple[str, ...]) -> Html | None:
    """Return warnings or notes as a list, None if there is none."""
    if not texts:
        return None
    return element("ul", [element("li", text) for text in texts], class_=f"messages {kind}")


def figures(entries: Iterable[tuple[str, str]]) -> Html:
    """Return a page's leading numbers, each as its value and what it is."""
    return element("ul", [element("li", element("b", value), name) for name, value in entries], class_="figures")


def captioned(chart: Html, text: str) -> Html:
    """Return a chart with what it shows below it."""
    return element("figure", chart, element("figcaption", text))


def how_to_cite(*others: str) -> Html:
    """Return the section that says how geoseg, and what else was used, is cited."""
    own = f"The geoseg developers: geoseg, version {__version__} (Apache-2.0), https://github.com/geoseg/geoseg."
    return section("How to cite", element("ul", [element("li", text) for text in (own, *others)]))


def write_page(path: Path, text: str) -> None:
    """Write a page; names of files that are no valid Unicode are written as their escapes."""
    path.write_text(text, "utf-8", errors="backslashreplace")
