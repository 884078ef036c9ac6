"""What became of the scenes of a batch: a table for people, for programs, and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import OutputError
from geoseg.job.scene_list import SceneEntry
from geoseg.progress.reporters import format_seconds
from geoseg.system.files import write_text

if TYPE_CHECKING:
    from geoseg.job.request import SceneResult

SUMMARY = "summary.csv"


def rows_of(scenes: Sequence[Any], results: Sequence[SceneResult]) -> list[dict[str, Any]]:
    """Return a dict per scene: scene, name, status, seconds, area_m2 (or pixels) per class, error."""
    rows = []
    for scene, result in zip(scenes, results, strict=True):
        classes: Mapping[str, Mapping[str, Any]] = result.report.get("classes", {})
        known = "area_m2" if any("area_m2" in facts for facts in classes.values()) else "pixels"
        rows.append(
            {
                "scene": SceneEntry.of(scene).label if not isinstance(scene, SceneEntry) else _source(scene),
                "name": result.name,
                "status": result.status,
                "seconds": result.report.get("seconds", {}).get("total"),
                known: {name: facts.get(known) for name, facts in classes.items()},
                "error": None if result.error is None else str(result.error),
            }
        )
    return rows


def _source(entry: SceneEntry) -> str:
    source = entry.source
    return ";".join(str(one) for one in source) if isinstance(source, list | tuple) else str(source)


def write_summary(folder: Path, scenes: Sequence[Any], results: Sequence[SceneResult]) -> list[dict[str, Any]]:
    """Write ``summary.csv`` into the output folder and return its rows.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows = rows_of(scenes, results)
    columns = [f"{name} {unit}" for unit in ("area_m2", "pixels") for name in _classes(rows, unit)]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, ["scene", "name", "status", "seconds", *columns, "error"], lineterminator="\n")
    table.writeheader()
    for row in rows:
        plain = {key: value for key, value in row.items() if key not in ("area_m2", "pixels")}
        areas = {f"{name} {u}": value for u in ("area_m2", "pixels") for name, value in row.get(u, {}).items()}
        table.writerow({**plain, **areas})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / SUMMARY, text.getvalue())
    except OSError as error:
        raise OutputError(f"cannot write {folder / SUMMARY}: {error.strerror or error}") from error
    return rows


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as a table: scene, status, time, and the area of each class in km² (or its pixels)."""
    unit = "area_m2" if any(row.get("area_m2") for row in rows) else "pixels"
    classes = _classes(rows, unit)
    head = ["scene", "status", "time", *(f"{name} km²" if unit == "area_m2" else f"{name} px" for name in classes)]
    lines = [head]
    for row in rows:
        values = row.get(unit, {})
        seconds = row["seconds"]
        cells = [str(row["name"]), str(row["status"]), "" if seconds is None else format_seconds(seconds)]
        for name in classes:
            value = values.get(name)
            number = None if value is None else (f"{value / 1e6:.3f}" if unit == "area_m2" else f"{value:,}")
            cells.append(number or "")
        lines.append(cells)
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _classes(rows: Sequence[Mapping[str, Any]], unit: str) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.get(unit, {})))
