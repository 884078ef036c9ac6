"""One thing that was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "warning", "error"]

UNFINISHED = "unfinished"
"""Value of a step that had no time to end: that it works is not known, nor that it does not."""


@dataclass(frozen=True)
class Entry:
    """One thing that was found.

    Attributes
    ----------
    name
        What it is.
    text
        What was found, for people.
    value
        The same for programs; the text if None.
    status
        Whether it is as it should be.
    remedy
        What to do about it; empty if it is as it should be.
    """

    name: str
    text: str
    value: Any = None
    status: Status = "ok"
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.value is None:
            object.__setattr__(self, "value", self.text)
