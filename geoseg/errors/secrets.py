"""Addresses without what opens a door: signatures, tokens and passwords are neither printed nor stored.

Every error's message goes through it, and so do the names of rasters in reports.
"""

from __future__ import annotations

import re

# Keys under which signed addresses of Azure, AWS and Google, and services with keys in their addresses, carry them.
_KEYS = (
    r"sig|signature|x-amz-[a-z-]+|x-goog-[a-z-]+|token|\w+_token|security-token|api[_-]?key|subscription-key|key|"
    r"password|secret|credential"
)
_SIGNED = re.compile(rf"(\?)(?:[^\s?#\"'<>]*&)?(?:{_KEYS})=[^\s#\"'<>]*", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^\s/@\"'<>]+:[^\s/@\"'<>]*@")


def without_secrets(text: str) -> str:
    """Return text in which signed addresses end at their question mark, and logins are left out.

    Examples
    --------
    >>> from geoseg.errors.secrets import without_secrets
    >>> without_secrets("https://host/B04.tif?se=2026-06-01&sig=abc: HTTP 403")
    'https://host/B04.tif?… HTTP 403'
    >>> without_secrets("https://user:word@host/B04.tif?id=3")
    'https://host/B04.tif?id=3'
    """
    if "=" not in text and "@" not in text:
        return text
    return _LOGIN.sub("", _SIGNED.sub(r"\1…", text))
