"""Foreign text, made safe to print: names in cards, files and addresses are not trusted with the terminal."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable
from typing import Any, TextIO

from geoseg.errors import InputError
from geoseg.errors.printable import is_visible, printable


def printable_lines(text: object) -> str:
    """Return text of several lines, each made :func:`printable`; line breaks and tabs stay."""
    return "\n".join("\t".join(printable(part, None) for part in line.split("\t")) for line in str(text).split("\n"))


def rounded(value: float) -> str:
    """Return a measured value with three significant digits, as options take it: ``"0.0123"``, ``"2220"``."""
    return f"{float(f'{value:.3g}'):.15g}"


def printable_json(value: Any, *, stream: TextIO | None = None, **options: Any) -> str:
    r"""Return ``value`` as JSON in which every character that is not visible is escaped as ``\uXXXX``.

    Parameters
    ----------
    value
        JSON-compatible values; ``options`` go to :func:`json.dumps`.
    stream
        Where it will be printed: characters that it cannot encode are escaped, too.
    """
    return escaped_json(json.dumps(value, ensure_ascii=False, **options), stream=stream)


def escaped_json(text: str, *, stream: TextIO | None = None) -> str:
    """Return JSON text with its invisible characters escaped: the same value, safe to print."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    unicode = codecs.lookup(encoding).name.startswith("utf")
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    # Outside strings JSON is ASCII, and inside them json.dumps has escaped what is below a space.
    return "".join(
        one if one == "\n" or (is_visible(one) and (unicode or one.isascii())) else json.dumps(one)[1:-1]
        for one in text
    )


def check_unique_columns(path: object, header: Iterable[object], used: Iterable[str | None]) -> None:
    """Reject a table that has a column twice, if it is read; letters' case and spaces around names do not count.

    Parameters
    ----------
    path
        The table, for the message.
    header
        Names of all columns.
    used
        Names of those that are read; None for one that is absent.

    Raises
    ------
    InputError
        Naming the column: readers of tables take the first, or the last, without a word.
    """
    names = [str(name).strip().lower() for name in header]
    for name in used:
        if name is not None and names.count(name.strip().lower()) > 1:
            raise InputError(f"{path}: has two columns {name.strip()!r}; remove one of them, or give it another name")
