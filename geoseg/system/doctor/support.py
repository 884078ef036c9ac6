"""Text for an issue: what was found, without names of people and machines, and without secrets."""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from geoseg.system.doctor.diagnosis import Diagnosis

_HIDDEN = "***"

# What a secret looks like, whoever it belongs to. The order matters: addresses before what may stand in them.
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # user:password@ in addresses, the password itself may hold @.
    (re.compile(r"(?<=://)[^\s/?#]+@"), f"{_HIDDEN}@"),
    # What follows ? in an address: signatures of S3, SAS tokens of Azure.
    (re.compile(r"([a-z][a-z0-9+.-]*://[^\s?#]+)[?#]\S+", re.IGNORECASE), rf"\1?{_HIDDEN}"),
    (re.compile(r"\b(Bearer|Basic|Token)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {_HIDDEN}"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:token|secret|passw(?:or)?d|passwd|api[-_]?key|access[-_]?key|credential|signature|cookie|"
            r"authorization|session)[\w-]*[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|\S+)"
        ),
        rf"\1{_HIDDEN}",
    ),
    # Keys that say what they are: AWS, GitHub, GitLab, Hugging Face, PyPI, Slack, Google, OpenAI, JSON web tokens.
    (
        re.compile(
            r"\b(?:A[KS]IA[0-9A-Z]{12,}|gh[opsur]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|hf_\w{16,}|"
            r"pypi-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,}|sk-[\w-]{16,}|eyJ[\w-]+\.[\w-]+\.[\w-]*)"
        ),
        _HIDDEN,
    ),
    # Long runs of letters and digits with both: keys that do not say what they are.
    (re.compile(r"(?<![\w/+.-])(?=[A-Za-z+/=_-]*\d)(?=[\d+/=_-]*[A-Za-z])[A-Za-z0-9+/=_-]{40,}(?![\w.])"), _HIDDEN),
    # Other people's folders.
    (re.compile(r"(?i)(/home/|/users/|[a-z]:[\\/]users[\\/]|[a-z]:[\\/]documents and settings[\\/])[^\s\\/:;,\"']+"),
     r"\1USER"),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b"), "MAIL"),
)  # fmt: skip

_COMMON = {"root", "user", "admin", "localhost", "geoseg", "runner", "ubuntu", "app"}
"""Names that tell nothing, and whose letters may be part of other words."""


def support_text(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as Markdown for an issue, without home folders, names, tokens and passwords."""
    body = without_secrets(diagnosis.as_text())
    return "\n".join(["### geoseg doctor", "", "```text", body.replace("```", "'''"), "```"])


def without_secrets(text: str) -> str:
    """Replace home folders by ``~``, the names of user and machine, and whatever looks like a secret.

    Examples
    --------
    >>> from geoseg.system.doctor.support import without_secrets
    >>> without_secrets("proxy http://me:pass@proxy:3128, token=abc, /home/ada/scene.tif")
    'proxy http://***@proxy:3128, token=***, /home/USER/scene.tif'
    """
    for folder in _home_folders():
        text = re.sub(rf"{re.escape(folder)}(?![\w.-])", "~", text, flags=re.IGNORECASE if os.name == "nt" else 0)
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    for name, instead in _names():
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", instead, text, flags=re.IGNORECASE)
    return text


def _home_folders() -> list[str]:
    """Return the home folder as it may be written, longest first: with links followed, with slashes of both kinds."""
    found = {os.environ.get(name, "") for name in ("HOME", "USERPROFILE")}
    with suppress(OSError, RuntimeError):
        found |= {str(Path.home()), str(Path.home().resolve())}
    found |= {one.replace("\\", "/") for one in found} | {one.replace("\\", "\\\\") for one in found}
    return sorted((one.rstrip("/\\") for one in found if len(one.rstrip("/\\")) > 1), key=len, reverse=True)


def _names() -> Iterator[tuple[str, str]]:
    """Yield the names of the user and the machine, and what stands for them."""
    people = {os.environ.get(name, "") for name in ("USER", "USERNAME", "LOGNAME", "SUDO_USER")}
    with suppress(OSError, KeyError, RuntimeError, ImportError):  # no such user, as in some containers
        people.add(getpass.getuser())
        people.add(Path.home().name)
    host = platform.node()
    machines = {host, host.partition(".")[0]}
    for names, instead in ((people, "USER"), (machines, "HOST")):
        for name in sorted(names, key=len, reverse=True):
            if len(name) > 2 and name.lower() not in _COMMON:
                yield name, instead
