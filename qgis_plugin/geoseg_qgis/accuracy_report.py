"""Accuracy reports of geoseg as pages that Qt's rich text and browsers show."""

from __future__ import annotations

from html import escape
from typing import Any

from .tr import tr

_RIGHT = 'align="right" style="padding:2px 8px"'
_LEFT = 'style="padding:2px 8px"'


def evaluation_html(report: dict[str, Any]) -> str:
    """Return the report of ``geoseg evaluate MAP REFERENCE``: scores, scores by class, confusion matrix."""
    head = [tr("Class"), "IoU", "F1", tr("User's accuracy"), tr("Producer's accuracy"), tr("Reference, px")]
    rows = [
        [name, *(_share(facts[key]) for key in ("iou", "f1", "precision", "recall")), f"{facts['reference_pixels']:,}"]
        for name, facts in report["classes"].items()
    ]
    whole = [
        (tr("Overall accuracy"), _share(report["overall_accuracy"])),
        (tr("Mean IoU"), _share(report["mean_iou"])),
        (tr("Mean F1"), _share(report["mean_f1"])),
        ("Kappa", _share(report["kappa"])),
        (tr("Pixels compared"), f"{report['pixels']['compared']:,}"),
    ]
    title = tr("{predicted} compared with {reference}")
    title = title.format(predicted=report["predicted"], reference=report["reference"])
    matrix = report["confusion"]
    return _page(title, whole, _table(head, rows), _confusion(matrix, "pixels"))


def estimate_html(report: dict[str, Any]) -> str:
    """Return the report of ``geoseg evaluate area``: accuracies and areas with 95 % intervals, confusion matrix."""
    scale, unit = (1e-4, "ha") if report["unit"] == "m2" else (1.0, tr("units²"))
    head = [tr("Class"), tr("Points"), tr("Mapped, {unit}").format(unit=unit), tr("Area, {unit}").format(unit=unit)]
    head += [tr("User's accuracy"), tr("Producer's accuracy")]
    rows = []
    for name, facts in report["classes"].items():
        area = f"{facts['area'] * scale:,.1f} ± {facts['area_ci95'] * scale:,.1f}"
        accuracies = [_interval(facts[key], facts[f"{key}_ci95"]) for key in ("users_accuracy", "producers_accuracy")]
        rows.append([name, f"{facts['points']:,}", f"{facts['mapped_area'] * scale:,.1f}", area, *accuracies])
    whole = [
        (tr("Overall accuracy"), _interval(report["overall_accuracy"], report["overall_accuracy_ci95"])),
        (tr("Interpreted points"), f"{report['points']:,}"),
    ]
    title = tr("Accuracy and areas of {map}").format(map=report["map"])
    notes = [*report.get("notes", []), tr("± are half widths of 95 % confidence intervals."), report["source"]]
    matrix = report["confusion"]
    return _page(title, whole, _table(head, rows), _confusion(matrix, "points"), notes)


def _page(title: str, whole: list[tuple[str, str]], table: str, matrix: str, notes: list[str] | None = None) -> str:
    facts = "".join(f"<tr><td {_LEFT}><b>{escape(key)}</b></td><td {_RIGHT}>{escape(v)}</td></tr>" for key, v in whole)
    below = "".join(f"<p>{escape(note)}</p>" for note in notes or [])
    heading = tr("Confusion matrix")
    return (
        f'<html><head><meta charset="utf-8"><title>{escape(title)}</title></head><body>'
        f"<h2>{escape(title)}</h2><table>{facts}</table><br>{table}<h3>{escape(heading)}</h3>{matrix}{below}"
        "</body></html>"
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["".join(f"<th {_LEFT}>{escape(cell)}</th>" for cell in head)]
    for first, *others in rows:
        lines.append(f"<td {_LEFT}>{escape(first)}</td>" + "".join(f"<td {_RIGHT}>{escape(c)}</td>" for c in others))
    return f'<table border="1" cellspacing="0">{"".join(f"<tr>{line}</tr>" for line in lines)}</table>'


def _confusion(matrix: dict[str, Any], counts: str) -> str:
    by_map = matrix["rows"] == "map"
    corner = tr("map ▸ reference") if by_map else tr("reference ▸ map")
    rows = [[name, *(f"{count:,}" for count in row)] for name, row in zip(matrix["classes"], matrix[counts])]
    return _table([corner, *matrix["classes"]], rows)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _interval(value: float | None, half: float | None) -> str:
    return "–" if value is None or half is None else f"{100 * value:.1f} ± {100 * half:.1f} %"
