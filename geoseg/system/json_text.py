"""JSON from untrusted files."""

from __future__ import annotations

import json
from typing import Any

from geoseg.errors import InputError


def parse_json(text: str | bytes, label: str, expected: str) -> Any:
    r"""Parse JSON whose texts can be printed and written.

    Parameters
    ----------
    text
        The document.
    label
        Its name in messages.
    expected
        What it should be, in messages: "a STAC item".

    Raises
    ------
    InputError
        If it is not JSON, or one of its texts has a lone surrogate (``"\ud800"``), which is no character.
    """
    try:
        content = json.loads(text)
        if (b"\\ud" if isinstance(text, bytes) else "\\ud") in text.lower():  # type: ignore[operator]
            json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise InputError(f"{label}: contains {half!a}, half a character; write the file anew") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{label}: not JSON ({error}); {expected} is expected") from error
    return content
