"""A report of geoseg as a page for the user."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any

from .tr import tr

_CELL = 'style="padding:2px 10px"'


def as_html(report: dict[str, Any], picture: str = "") -> str:
    """Return the report of ``geoseg segment`` as HTML that Qt's rich text shows.

    Parameters
    ----------
    report
        Content of ``NAME_report.json``.
    picture
        Path of the preview picture, if there is one.
    """
    scene, model, tiling = report["scene"], report["model"], report["tiling"]
    facts = [
        (tr("Scene"), f"{scene['width']} × {scene['height']} px, {scene['crs'] or 'no CRS'}"),
        (tr("Files"), ", ".join(os.path.basename(path) for path in scene["sources"])),
        (tr("Model"), f"{model['name']} {model.get('version') or ''}"),
        (tr("Device"), report["execution"]["reason"]),
        (tr("Windows"), f"{tiling['windows']} of {tiling['window'][1]} × {tiling['window'][0]} px"),
        (tr("Time"), f"{report['seconds']['total']:.1f} s"),
        ("geoseg", report["geoseg"]),
    ]
    parts = [f"<h2>{escape(scene['name'])}</h2>"]
    if picture and os.path.isfile(picture):
        parts.append(f'<p><img src="{Path(picture).as_uri()}" width="740"></p>')
    parts += [f"<p style='color:#b3261e'>{escape(text)}</p>" for text in report.get("warnings", [])]
    parts += [f"<h3>{tr('Classes')}</h3>", _classes(report["classes"]), f"<h3>{tr('Run')}</h3>", _table(facts)]
    return "\n".join(parts)


def _classes(classes: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, facts in classes.items():
        area = f"{facts['area_m2'] / 1e4:,.1f} ha" if "area_m2" in facts else ""
        rows.append(
            f'<tr><td style="background:{escape(facts["color"])};width:18px">&nbsp;&nbsp;&nbsp;&nbsp;</td>'
            f"<td {_CELL}>{escape(name)}</td><td {_CELL} align='right'>{facts['pixels']:,} px</td>"
            f"<td {_CELL} align='right'>{area}</td><td {_CELL} align='right'>{facts.get('polygons', 0):,}</td></tr>"
        )
    return f"<table>{''.join(rows)}</table>"


def _table(facts: list[tuple[str, str]]) -> str:
    rows = [f"<tr><td {_CELL}><b>{escape(k)}</b></td><td {_CELL}>{escape(str(v))}</td></tr>" for k, v in facts]
    return f"<table>{''.join(rows)}</table>"
