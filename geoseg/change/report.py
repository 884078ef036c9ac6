"""What changed, as values for a report and as a table for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.change.kernel import SHIFTED, UNSURE
from geoseg.errors import InputError
from geoseg.evaluate.evaluation import aligned
from geoseg.geodesy.crs import crs_text, is_measurable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.change.maps import ClassMaps
    from geoseg.change.transitions import Counts, Numbering

SCHEMA = 1
"""Version of the JSON report; while it stays the same, fields are only added."""

_COLUMNS = 12
"""Most classes of a printed matrix."""


_MUCH = 1 / 3
"""Share of what is certain that seldom changes in fact: land cover changes by some per cent a year."""

_ENOUGH = 10_000
"""Pixels of which a share tells something; a small map may show one place where all has changed."""


def check_compared(maps: ClassMaps, counts: Counts) -> None:
    """Check that there is a pixel with a class at both dates.

    Raises
    ------
    InputError
        If there is none.
    """
    if not counts.pixels.any():
        first, second = (layer.label for layer in maps.layers)
        raise InputError(
            f"{first} and {second} have no pixel with a class at both dates: where they overlap, one or the other is "
            "nodata; compare maps of one place"
        )


def areas_m2(counts: Counts, unit: float, kind: int = 0) -> NDArray[np.float64]:
    """Return the areas of transitions in m², float64 (K, K); ``unit`` is m² per unit of area."""
    found: NDArray[np.float64] = counts.matrix(kind, area=True).astype(np.float64) * unit
    return found


def report_of(maps: ClassMaps, numbering: Numbering, counts: Counts, unit: float) -> dict[str, Any]:
    """Return grid, classes, transitions and matrices as plain values."""
    raster = maps.raster
    known = int(counts.pixels.sum())
    left_out = {
        name: {"pixels": int(counts.pixels[kind].sum()), "area_m2": round(float(counts.area[kind].sum() * unit), 2)}
        for name, kind in (("not_sure", UNSURE), ("shift", SHIFTED))
    }
    return {
        "kind": "geoseg-change",
        "schema": SCHEMA,
        "before": maps.layers[0].label,
        "after": maps.layers[1].label,
        "grid": {
            "height": raster.shape[0],
            "width": raster.shape[1],
            "crs": None if raster.grid.crs is None else crs_text(raster.grid.crs),
            "transform": list(raster.transform)[:6],
        },
        "classes": [{"name": item.name, "color": item.color} for item in maps.classes],
        "pixels": {"total": raster.shape[0] * raster.shape[1], "compared": known},
        "uncertain": left_out,
        "matrix": {
            "rows": "before",
            "columns": "after",
            "classes": [item.name for item in maps.classes],
            "pixels": counts.matrix().tolist(),
            "area_m2": np.round(areas_m2(counts, unit), 2).tolist(),
            "uncertain_pixels": (counts.matrix(UNSURE) + counts.matrix(SHIFTED)).tolist(),
        },
        "codes": {
            str(code): [old.name, new.name]
            for code, (old, new) in sorted(numbering.pairs().items())
            if counts.matrix()[old.id, new.id]
        },
        "notes": [*maps.notes, *_doubts(counts)],
    }


def _doubts(counts: Counts) -> list[str]:
    """Say so if more has changed than land usually does."""
    pixels = counts.matrix()
    known, same = int(pixels.sum()), int(np.trace(pixels))
    if known < _ENOUGH or known - same <= _MUCH * known:
        return []
    text = (
        f"{100 * (known - same) / known:.0f} % of what is certain has changed, which is more than land usually does: "
        "look at both maps over their pictures first; seasons, light or units may differ, or the model may not fit one "
        "of the scenes"
    )
    return [text]


def table_of(report: dict[str, Any], crs: Any) -> str:
    """Return the transition matrix and what was left out as lines for a terminal."""
    unit, scale = ("ha", 1e4) if is_measurable(crs) else ("units of the CRS", 1.0)
    names = report["matrix"]["classes"]
    area = np.asarray(report["matrix"]["area_m2"])
    used = [k for k in range(len(names)) if area[k].any() or area[:, k].any()]
    lines = [f"{report['before']} to {report['after']}: area in {unit}, rows before, columns after", ""]
    if len(used) <= _COLUMNS:
        rows = [[names[i], *(f"{area[i, j] / scale:,.2f}" for j in used)] for i in used]
        lines += aligned([["", *(names[j] for j in used)], *rows])
    else:
        lines += aligned([["from → to", "area"], *_largest(names, area / scale)])
    changed = float(area.sum() - np.trace(area))
    left = report["uncertain"]
    share = 100 * changed / float(area.sum()) if area.any() else 0.0
    shift, unsure = (left[kind]["area_m2"] / scale for kind in ("shift", "not_sure"))
    return "\n".join(
        [
            *lines,
            "",
            f"changed: {changed / scale:,.2f} {unit}, {share:.2f} % of what is certain",
            f"uncertain: {shift:,.2f} {unit} explained by a shift, {unsure:,.2f} {unit} for want of confidence",
        ]
    )


def _largest(names: list[str], area: NDArray[np.float64], most: int = 20) -> list[list[str]]:
    found = area.copy()
    np.fill_diagonal(found, 0)
    pairs = (divmod(int(flat), len(names)) for flat in np.argsort(-found, axis=None, kind="stable")[:most])
    return [[f"{names[i]} → {names[j]}", f"{found[i, j]:,.2f}"] for i, j in pairs if found[i, j]]
