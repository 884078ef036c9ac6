"""The result of an evaluation, as a table, as JSON and as a figure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import OutputError
from geoseg.errors.printable import printable
from geoseg.evaluate.comparison import ComparisonCounts
from geoseg.evaluate.metrics import Scores, scores
from geoseg.system.files import complete
from geoseg.system.outputs import Inputs, local_path
from geoseg.write.html.page import write_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

SCHEMA = 1
"""Version of the JSON report; while it stays the same, fields are only added."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Agreement of a map (or a model's maps) with a reference.

    Attributes
    ----------
    predicted, reference
        Names of what was compared.
    classes
        Common classes, in the order of rows and columns of the matrix.
    counts
        All counts.
    tolerance
        Distance in pixels for boundary F1; None if that was not asked for.
    notes
        Messages for the user, one line each.
    facts
        More about the inputs, for the report.
    inputs
        What was compared, as it was given; a report never replaces one of these files.

    Examples
    --------
    >>> import geoseg
    >>> result = geoseg.evaluate("classes.tif", "reference.tif")
    >>> print(result.table().splitlines()[0])
    classes.tif against reference.tif
    >>> sorted(result.write("report.json"))
    ['html', 'picture', 'report']
    """

    predicted: str
    reference: str
    classes: tuple[MapClass, ...]
    counts: ComparisonCounts
    tolerance: float | None
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] = field(default=(), repr=False)

    @cached_property
    def scores(self) -> Scores:
        """IoU, F1, precision, recall, kappa …: see :class:`geoseg.evaluate.metrics.Scores`."""
        return scores(self.counts.matrix)

    @property
    def matrix(self) -> NDArray[np.int64]:
        """int64 (K, K) pixels: rows are the reference, columns the map."""
        return self.counts.matrix

    @property
    def boundary_f1(self) -> float | None:
        """Mean boundary F1 of the classes that have a boundary on either side; None if not asked for."""
        if self.counts.boundary is None:
            return None
        values = self.counts.boundary.f1
        return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values; scores that are not defined are None."""
        found, counted = self.scores, self.counts
        per_class = {
            item.name: {
                "iou": plain(found.iou[k]),
                "f1": plain(found.f1[k]),
                "precision": plain(found.precision[k]),
                "recall": plain(found.recall[k]),
                "boundary_f1": None if counted.boundary is None else plain(counted.boundary.f1[k]),
                "reference_pixels": int(found.support[k]),
                "map_pixels": int(found.predicted[k]),
                "color": item.color,
            }
            for k, item in enumerate(self.classes)
        }
        reliability = counted.reliability
        return {
            "kind": "geoseg-evaluation",
            "schema": SCHEMA,
            "predicted": self.predicted,
            "reference": self.reference,
            "pixels": {
                "total": counted.pixels,
                "compared": int(counted.matrix.sum()),
                "map_only": counted.map_only,
                "reference_only": counted.reference_only,
                "neither": counted.neither,
            },
            "overall_accuracy": plain(found.overall_accuracy),
            "mean_iou": plain(found.mean_iou),
            "mean_f1": plain(found.mean_f1),
            "kappa": plain(found.kappa),
            "boundary": None
            if self.tolerance is None
            else {"tolerance_pixels": self.tolerance, "mean_f1": plain(self.boundary_f1)},
            "calibration": None
            if reliability is None
            else {
                "ece": plain(reliability.ece),
                "mean_confidence": plain(reliability.mean_confidence),
                "bins": reliability.bins(),
            },
            "classes": per_class,
            "confusion": {
                "classes": [item.name for item in self.classes],
                "rows": "reference",
                "columns": "map",
                "pixels": counted.matrix.tolist(),
            },
            "notes": list(self.notes),
            **self.facts,
        }

    def table(self) -> str:
        """Return the report as lines for a terminal."""
        counted, found = self.counts, self.scores
        compared = int(counted.matrix.sum())
        left_out = (
            f"{counted.map_only:,} in the reference, {counted.reference_only:,} in the map, {counted.neither:,} in both"
        )
        head = [
            printable(f"{self.predicted} against {self.reference}"),
            f"{compared:,} pixels compared; pixels without a class: {left_out}",
            "",
        ]
        boundary = counted.boundary
        names = ["class", "pixels", "IoU", "F1", "precision", "recall"] + ["boundary F1"] * (boundary is not None)
        rows = [
            [
                item.name,
                f"{found.support[k]:,}",
                *(_two(values[k]) for values in (found.iou, found.f1, found.precision, found.recall)),
                *([_two(boundary.f1[k])] if boundary is not None else []),
            ]
            for k, item in enumerate(self.classes)
        ]
        return "\n".join([*head, *aligned([names, *rows]), "", *self._summary()])

    def _summary(self) -> list[str]:
        found, counted = self.scores, self.counts
        means = f"mean IoU {_two(found.mean_iou)}, mean F1 {_two(found.mean_f1)}, kappa {_two(found.kappa)}"
        lines = [f"overall accuracy {_two(found.overall_accuracy)}, {means}"]
        if self.tolerance is not None and self.boundary_f1 is not None:
            lines.append(f"boundary F1 {_two(self.boundary_f1)} within {self.tolerance:g} px")
        if counted.reliability is not None and counted.reliability.pixels.sum():
            sure, ece = counted.reliability.mean_confidence, counted.reliability.ece
            verdict = "overconfident" if sure > found.overall_accuracy else "underconfident"
            lines.append(f"mean confidence {_two(sure)}, calibration error (ECE) {_two(ece)}: {verdict}")
        lines += [printable(f"most often mistaken: {text}") for text in self.mistakes()]
        return lines

    def mistakes(self, most: int = 3) -> list[str]:
        """Describe the largest errors of the confusion matrix."""
        wrong = self.matrix.copy()
        np.fill_diagonal(wrong, 0)
        found = []
        for flat in np.argsort(wrong, axis=None, kind="stable")[::-1][:most]:
            row, col = divmod(int(flat), len(wrong))
            if not wrong[row, col]:
                break
            share = 100 * wrong[row, col] / self.scores.support[row]
            found.append(
                f"{self.classes[row].name} mapped as {self.classes[col].name} ({share:.1f} % of the reference)"
            )
        return found

    def write(self, path: str | Path, *, overwrite: bool = False, html: bool = True) -> dict[str, Path]:
        """Write the report as JSON, and the figure and a page for people beside it.

        Parameters
        ----------
        path
            ``report.json``; the figure is ``report.png``, the page ``report.html``.
        overwrite
            Replace existing files.
        html
            Whether to write the page.

        Returns
        -------
        The files written: ``report``, ``picture`` and ``html``.

        Raises
        ------
        OutputError
            If the path is a URL, a file exists, was compared, or cannot be written.
        """
        from geoseg.evaluate.figure import draw
        from geoseg.evaluate.html_report import evaluation_page

        paths = report_paths(path, overwrite=overwrite, inputs=self.inputs, html=html)
        image = draw(f"{self.predicted} against {self.reference}", self.classes, self.counts, self.scores)

        def write_picture(part: Path) -> None:
            image.save(part, format="PNG", optimize=True)

        return write_report(paths, self.to_dict(), ("picture", write_picture), lambda: evaluation_page(self))


def report_paths(
    path: str | Path, *, overwrite: bool = False, inputs: Sequence[Any] = (), html: bool = True
) -> tuple[Path, ...]:
    """Return the files of a report; checked before a long run starts.

    ``inputs`` are what is compared: paths are not written.

    Raises
    ------
    OutputError
        If the path is a URL, one of them exists and may not be replaced or is an input, or the suffix is not .json.
    """
    suffixes = (".png", *([".html"] if html else []))
    return paths_beside(path, suffixes, "its figure", overwrite=overwrite, inputs=inputs)


def paths_beside(
    path: str | Path, suffixes: Sequence[str], what: str, *, overwrite: bool, inputs: Sequence[Any]
) -> tuple[Path, ...]:
    """Return a report and the files beside it, which are called as the report with ``suffixes`` instead of ``.json``.

    Raises
    ------
    OutputError
        See :func:`report_paths`.
    """
    report = local_path(path)
    if report.is_dir() or not report.suffix:
        report = report / "evaluation.json"
    if report.suffix.lower() != ".json":
        raise OutputError(f"{report}: a report is JSON, with {what} beside it: name it {report.stem}.json")
    paths = report, *(report.with_name(f"{report.stem}{suffix}") for suffix in suffixes)
    for target in paths:
        if target.exists() and not overwrite:
            raise OutputError(f"{target} exists: choose another name or add --overwrite (overwrite=True)")
    Inputs(inputs).check(*paths)
    return paths


def write_complete(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name, and rename it when it is complete.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete(path) as part:
            write(part)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}; choose another with -o") from error


def write_report(
    paths: Sequence[Path],
    content: dict[str, Any],
    beside: tuple[str, Callable[[Path], object]],
    page: Callable[[], str],
) -> dict[str, Path]:
    """Write a report as JSON, the file beside it, and its page; see :func:`write_complete`.

    Parameters
    ----------
    paths
        Of :func:`paths_beside`: the report, the file beside it, and the page if there is to be one.
    content
        What the report says.
    beside
        Kind of the file beside it, and what writes it.
    page
        Returns the text of the page.

    Returns
    -------
    The files written: ``report``, the one beside it by its kind, and ``html``.
    """
    report, other, *pages = paths
    kind, write = beside
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_complete(report, lambda part: part.write_text(text, "utf-8"))
    write_complete(other, write)
    found = {"report": report, kind: other}
    if pages:
        html = page()
        write_complete(pages[0], lambda part: write_page(part, html))
        found["html"] = pages[0]
    return found


def plain(value: float | None) -> float | None:
    """Return a score as it stands in a report: six digits, None if it is not defined."""
    return None if value is None or not math.isfinite(value) else round(float(value), 6)


def _two(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def aligned(rows: list[list[str]]) -> list[str]:
    """Format rows of cells as lines: the first column left-aligned, the others right-aligned."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in
                  enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip
