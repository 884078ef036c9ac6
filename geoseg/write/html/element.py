"""HTML from elements. All text is escaped, and only what was made here is taken as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from geoseg.errors.printable import printable

_VOID = frozenset({"br", "hr", "img", "input", "meta"})

# In SVG every element is closed: the next one would become its child.
_SHAPES = frozenset({"circle", "line", "path", "rect"})


class Html(str):
    """Text that is HTML already. Only this package makes it; whatever comes from files is a plain ``str``."""

    __slots__ = ()


Child = Any
"""Html, or anything else, which is written as its text; None and nested lists of these, too."""


def element(tag: str, *children: Child, **attributes: Any) -> Html:
    """Return an element.

    Parameters
    ----------
    tag
        Name of the element.
    children
        What is inside; text is escaped, and its control characters are made visible.
    attributes
        Attributes by name; ``class_`` is ``class``, ``_`` stands for ``-``. None and False leave one out, True gives it
        no value.

    Examples
    --------
    >>> from geoseg.write.html.element import element
    >>> element("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    parts = [f"<{tag}"]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        key = name.rstrip("_").replace("_", "-")
        parts.append(f" {key}" if value is True else f' {key}="{text_of(value, None)}"')
    parts.append("/>" if tag in _SHAPES else ">")
    if tag not in _VOID | _SHAPES:
        parts += [join(children), f"</{tag}>"]
    return Html("".join(parts))


def text_of(value: Any, limit: int | None = 2000) -> str:
    """Return a value as escaped text without control characters."""
    return escape(printable(value, limit), quote=True)


def join(children: Iterable[Child]) -> Html:
    """Return children one after another."""
    found: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            found.append(child)
        elif isinstance(child, list | tuple):
            found.append(join(child))
        else:
            found.append(text_of(child))
    return Html("".join(found))


def table(
    caption: str, heads: Sequence[Child], rows: Iterable[Sequence[Child]], *, numbers: bool = True, class_: str = ""
) -> Html:
    """Return a table whose rows begin with their heading.

    Parameters
    ----------
    caption
        What the table shows.
    heads
        Headings of the columns.
    rows
        Cells.
    numbers
        Whether all columns but the first hold numbers, which stand at the right.
    class_
        Further class for its style.
    """
    side = "number" if numbers else None
    head = element("tr", [element("th", cell, scope="col", class_=side if k else None) for k, cell in enumerate(heads)])
    body = [
        element(
            "tr",
            [element("td", cell, class_=side) if k else element("th", cell, scope="row") for k, cell in enumerate(row)],
        )
        for row in rows
    ]
    inner = element("table", element("caption", caption), element("thead", head), element("tbody", body), class_=class_)
    # Wide tables scroll by themselves, with the keyboard too, instead of the page.
    return element("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def pairs(entries: Iterable[tuple[Child, Child]]) -> Html:
    """Return a list of terms and what they are; those without content are left out."""
    return element(
        "dl", [(element("dt", name), element("dd", value)) for name, value in entries if value not in ("", None)]
    )


def swatch(color: str) -> Html:
    """Return a square of a colour, given as ``#rrggbb``."""
    return element("span", class_="swatch", style=f"background:{color}", aria_hidden="true")
