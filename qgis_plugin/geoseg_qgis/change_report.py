"""What geoseg says about changes: rows of a table, largest places, the scene behind a class map. No qgis import."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .uncertain import feature_ids

MOST = 500
"""So many places are stepped through."""

_ENDING = "_classes.tif"
_ABOVE = 4  # folders in which a scene is looked for
_QUERY = "SELECT fid FROM changes WHERE ?1 IS NULL OR change_id = ?1 ORDER BY area_m2 DESC, fid LIMIT ?2"


@dataclass(frozen=True)
class Row:
    """A transition.

    Attributes
    ----------
    code
        Value in the raster of transitions, and ``change_id`` of the polygons; None stands for all of them.
    before, after
        Names of the classes.
    colors
        Colours of the classes, as ``"#1b7434"``.
    area
        In m², or in square units of the CRS if that has no known unit.
    polygons
        How many there are.
    """

    code: int | None
    before: str
    after: str
    colors: tuple[str, str]
    area: float
    polygons: int

    @property
    def name(self) -> str:
        """Return what became what."""
        return f"{self.before} → {self.after}"


def rows(report: dict[str, Any]) -> list[Row]:
    """Return the transitions of a report of ``geoseg change``, the largest area first."""
    colors = {item["name"]: str(item["color"]) for item in report["classes"]}
    found = [
        Row(
            int(item["code"]), str(item["from"]), str(item["to"]),
            (colors.get(item["from"], "#888888"), colors.get(item["to"], "#888888")),
            float(item["area_m2"]), int(item["polygons"]),
        )
        for item in report["transitions"]
    ]  # fmt: skip
    return sorted(found, key=lambda row: (-row.area, row.code))


def total(found: list[Row]) -> Row:
    """Return the sum of all transitions."""
    return Row(None, "", "", ("", ""), sum(row.area for row in found), sum(row.polygons for row in found))


def area_text(area: float, report: dict[str, Any], units: str) -> str:
    """Return an area in hectares; ``units`` follows one that is in square units of the CRS."""
    if report.get("grid", {}).get("crs"):
        # Two digits that count: a new house has a hundredth of a hectare.
        hectares = area / 1e4
        return f"{hectares:,.1f} ha" if hectares >= 1 else f"{hectares:.2g} ha"
    return f"{area:,.6g} {units}"


def share_changed(report: dict[str, Any]) -> float:
    """Return the share of what is certain that has changed, in percent."""
    area = report["matrix"]["area_m2"]
    whole = sum(map(sum, area))
    same = sum(line[place] for place, line in enumerate(area))
    return 100.0 * (whole - same) / whole if whole else 0.0


def uncertain_area(report: dict[str, Any]) -> float:
    """Return the area that differs, but is not counted as changed."""
    return float(sum(facts["area_m2"] for facts in report["uncertain"].values()))


def largest(path: str, code: int | None = None, most: int = MOST) -> list[int]:
    """Return feature ids, the largest area first.

    None if the file has no such layer.

    Parameters
    ----------
    path
        GeoPackage that ``geoseg change`` wrote.
    code
        The transition; None for all.
    most
        How many are returned.
    """
    return feature_ids(path, _QUERY, (code, most))


def scene_of(class_map: str) -> str:
    """Return the raster that a class map was made of, by the report beside it.

    Empty if there is no report, the raster is gone, or it was several: one band alone is no picture. A path that is not
    absolute was so to a folder that the report does not tell: those above the results are looked in.

    Parameters
    ----------
    class_map
        ``NAME_classes.tif``.
    """
    if not class_map.endswith(_ENDING):
        return ""
    report = class_map[: -len(_ENDING)] + "_report.json"
    try:
        with open(report, encoding="utf-8") as file:
            sources = json.load(file)["scene"]["sources"]
        (source,) = sources
        above = [str(folder) for folder in list(Path(os.path.abspath(report)).parents)[:_ABOVE]]
        paths = [os.path.join(folder, str(source)) for folder in above]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return next((os.path.normpath(path) for path in paths if os.path.isfile(path)), "")
