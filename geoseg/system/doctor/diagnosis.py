"""What was found, in sections of entries, as text and as values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from geoseg.errors.printable import printable
from geoseg.system.doctor.entry import UNFINISHED, Entry
from geoseg.system.doctor.machine import folder_entries, limit_entries, machine_entries
from geoseg.system.doctor.probe import probe
from geoseg.system.doctor.software import environment_entries, library_entries, program_entries

_MARKS = {"ok": " ", "warning": "!", "error": "✗"}


@dataclass(frozen=True)
class Diagnosis:
    """All findings.

    Attributes
    ----------
    sections
        Entries by the title of their section.
    """

    sections: dict[str, tuple[Entry, ...]]

    @property
    def problems(self) -> list[tuple[str, Entry]]:
        """Entries that are not as they should be, errors first, each with its section."""
        found = [(title, entry) for title, entries in self.sections.items() for entry in entries]
        return [pair for status in ("error", "warning") for pair in found if pair[1].status == status]

    @property
    def works(self) -> bool:
        """Whether there is no error; warnings may be there."""
        return not any(entry.status == "error" for _, entry in self.problems)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values: per section the value of each entry, and the problems with their remedies."""
        return {
            "kind": "geoseg-doctor",
            "schema": 1,
            "works": self.works,
            "problems": [
                {
                    "section": title,
                    "name": entry.name,
                    "status": entry.status,
                    "message": entry.text,
                    "remedy": entry.remedy,
                }
                for title, entry in self.problems
            ],
            **{title: {entry.name: entry.value for entry in entries} for title, entries in self.sections.items()},
        }

    def as_text(self) -> str:
        """Return the sections as lines, and below them what to mend and how."""
        lines = []
        for title, entries in self.sections.items():
            if not entries:
                continue
            width = max(len(entry.name) for entry in entries)
            lines.append(title)
            lines += [
                printable(f"{_MARKS[entry.status]} {entry.name:<{width}}  {entry.text}", None) for entry in entries
            ]
            lines.append("")
        problems = self.problems
        if not problems:
            return "\n".join([*lines, "geoseg works here."])
        lines.append("to mend")
        for _, entry in problems:
            lines.append(printable(f"{_MARKS[entry.status]} {entry.name}: {entry.text}", None))
            if entry.remedy:
                lines.append(printable(f"    {entry.remedy}", None))
        return "\n".join([*lines, "", self._verdict()])

    def _verdict(self) -> str:
        if self.works:
            return "geoseg works here, with the remarks above."
        errors = [entry for _, entry in self.problems if entry.status == "error"]
        if all(entry.value == UNFINISHED for entry in errors):
            return "Nothing wrong was found, but the self-test did not come to its end."
        return "geoseg does not work here."


def diagnose(command: Sequence[str], *, limit: float, began: Callable[[str], None] | None = None) -> Diagnosis:
    """Look at software and machine, and run the self-test.

    Parameters
    ----------
    command
        Program and arguments of the self-test, see :mod:`geoseg.system.doctor.probe`.
    limit
        Seconds after which the self-test is ended.
    began
        Called with the name of each step of the self-test.
    """
    devices, steps = probe(command, limit, began)
    return Diagnosis(
        {
            "software": (*program_entries(), *library_entries()),
            "devices": devices,
            "machine": (*machine_entries(), *limit_entries()),
            "folders": folder_entries(),
            "environment": tuple(environment_entries()),
            "self-test": steps,
        }
    )
