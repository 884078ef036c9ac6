"""Foreign text, made safe to print: names in cards, files and addresses are not trusted with the terminal."""

from __future__ import annotations

import codecs
import json
import unicodedata
from typing import Any, TextIO

LONGEST = 2000
"""Characters of one printed text, by default: enough for every message, too few to flood a terminal."""

# Blank letters that are no spaces to Unicode: they hide what stands between others.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def printable(text: object, limit: int | None = LONGEST) -> str:
    r"""Return text as one line that cannot control a terminal or be mistaken for another message.

    Control characters (ANSI and OSC sequences begin with one), line breaks, marks that reverse the direction of
    writing (Boucher and Anderson 2023, https://arxiv.org/abs/2111.00169), invisible characters and lone surrogates,
    which stand for bytes of file names that are not UTF-8, become ``\x1b``, ``\u202e``. Everything else stays.

    Parameters
    ----------
    text
        Anything; ``str()`` is taken of it.
    limit
        Longer text loses its middle, and says how much; None keeps all.

    Examples
    --------
    >>> from geoseg.system.text import printable
    >>> print(printable("Wald\x1b[2J\nerror: all is lost"))
    Wald\x1b[2J\nerror: all is lost
    """
    line = str(text)
    if limit is not None and len(line) > limit:
        kept = limit // 2
        line = f"{line[:kept]}… ({len(line) - 2 * kept:,} more characters) …{line[len(line) - kept :]}"
    if line.isascii() and line.isprintable():
        return line
    return "".join(character if _is_visible(character) else _escaped(character) for character in line)


def printable_lines(text: object) -> str:
    """Return text of several lines, each made :func:`printable`; line breaks and tabs stay."""
    return "\n".join("\t".join(printable(part, None) for part in line.split("\t")) for line in str(text).split("\n"))


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
        one if one == "\n" or (_is_visible(one) and (unicode or one.isascii())) else json.dumps(one)[1:-1]
        for one in text
    )


def _is_visible(character: str) -> bool:
    if character == " " or character.isprintable():
        return character not in _BLANK
    # Spaces of other widths and letters newer than this Python are not "printable" to it, but harmless.
    return unicodedata.category(character) in ("Zs", "Cn", "Co")


def _escaped(character: str) -> str:
    code = ord(character)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
