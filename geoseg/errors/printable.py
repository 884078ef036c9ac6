"""Foreign text on one line that cannot control a terminal: names in cards, files and addresses are not trusted.

Every error's message goes through it.
"""

from __future__ import annotations

import unicodedata

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
    >>> from geoseg.errors.printable import printable
    >>> print(printable("Wald\x1b[2J\nerror: all is lost"))
    Wald\x1b[2J\nerror: all is lost
    """
    line = str(text)
    if limit is not None and len(line) > limit:
        kept = limit // 2
        line = f"{line[:kept]}… ({len(line) - 2 * kept:,} more characters) …{line[len(line) - kept :]}"
    if line.isascii() and line.isprintable():
        return line
    return "".join(character if is_visible(character) else _escaped(character) for character in line)


def is_visible(character: str) -> bool:
    """Return whether a character shows, as itself or as a blank."""
    if character == " " or character.isprintable():
        return character not in _BLANK
    # Spaces of other widths and letters newer than this Python are not "printable" to it, but harmless.
    return unicodedata.category(character) in ("Zs", "Cn", "Co")


def _escaped(character: str) -> str:
    code = ord(character)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
