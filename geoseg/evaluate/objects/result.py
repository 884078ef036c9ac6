"""The result of an evaluation of objects, as a table, as JSON, as HTML and as a map of errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors.printable import printable
from geoseg.evaluate.evaluation import aligned, paths_beside, plain, write_report
from geoseg.evaluate.objects.precision import IOUS, SIZES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.evaluate.objects.cells import CellCounts
    from geoseg.evaluate.objects.operating import ClassCounts, Outcome
    from geoseg.evaluate.objects.options import ObjectOptions
    from geoseg.evaluate.objects.precision import Ranked

SCHEMA = 1
"""Version of the JSON report; while it stays the same, fields are only added."""


@dataclass(frozen=True, eq=False)
class ObjectEvaluation:
    """Agreement of objects with reference objects.

    Attributes
    ----------
    precisions
        float64 (4, 10, K), average precision by size (all, small, medium, large), IoU (0.50, 0.55 … 0.95) and class;
        NaN where the reference has no such object.
    counts
        Matches and errors by class at the operating point, and its panoptic quality.
    cells
        Numbers of objects by cell.
    options
        How they were compared.
    unit
        ``"m2"``, or ``"units2"`` without a CRS.
    ranked, outcome
        Both layers, and what became of each object.
    score_field
        Field that the scores are from; empty if there was none.
    notes
        Messages for the user, one line each.
    inputs
        What was compared, as it was given; a report never replaces one of these files.

    Examples
    --------
    >>> import geopandas, shapely, geoseg
    >>> trees = geopandas.GeoDataFrame({"score": [0.9, 0.4]}, geometry=shapely.box([0, 9], 0, [4, 12], 4))
    >>> result = geoseg.evaluate(trees, trees.iloc[:1])
    >>> result.average_precision, result.score, result.f1
    (1.0, 0.9, 1.0)
    >>> sorted(result.write("trees.json"))
    ['html', 'matches', 'report']
    """

    precisions: NDArray[np.float64] = field(repr=False)
    counts: ClassCounts
    cells: CellCounts = field(repr=False)
    options: ObjectOptions = field(repr=False)
    unit: str
    ranked: Ranked = field(repr=False)
    outcome: Outcome = field(repr=False)
    score_field: str
    notes: tuple[str, ...] = ()
    inputs: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def predicted(self) -> str:
        """Name of the objects."""
        return self.ranked.objects.label

    @property
    def reference(self) -> str:
        """Name of the reference."""
        return self.ranked.reference.label

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of all arrays."""
        return self.ranked.objects.classes

    @property
    def average_precision(self) -> float:
        """AP: mean over IoU 0.50, 0.55 … 0.95 and the classes of the reference; NaN without reference objects."""
        return _mean(self.precisions[0])

    @property
    def ap50(self) -> float:
        """AP at IoU 0.5."""
        return _mean(self.precisions[0, 0])

    @property
    def ap75(self) -> float:
        """AP at IoU 0.75."""
        return _mean(self.precisions[0, 5])

    @property
    def by_size(self) -> dict[str, float]:
        """AP of small, medium and large objects."""
        return {name: _mean(self.precisions[k]) for k, name in enumerate(SIZES) if k}

    @property
    def score(self) -> float:
        """Score of the operating point; NaN without objects."""
        return self.outcome.score

    @property
    def precision(self) -> float:
        """Share of the taken objects that are right, over all classes."""
        right = int(self.counts.right.sum())
        return _ratio(right, right + int(self.counts.wrong.sum()))

    @property
    def recall(self) -> float:
        """Share of the reference objects that are found, over all classes."""
        right = int(self.counts.right.sum())
        return _ratio(right, right + int(self.counts.missed.sum()))

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, over all classes."""
        right, errors = int(self.counts.right.sum()), int(self.counts.wrong.sum() + self.counts.missed.sum())
        return _ratio(2 * right, 2 * right + errors)

    @property
    def panoptic_quality(self) -> float:
        """PQ: mean over the classes that occur on either side."""
        return _mean(self.counts.panoptic)

    def __str__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.table())}</pre>"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values; scores that are not defined are None."""
        found, wanted = self.totals
        return {
            "kind": "geoseg-object-evaluation",
            "schema": SCHEMA,
            "predicted": self.predicted,
            "reference": self.reference,
            "objects": len(self.ranked.objects),
            "reference_objects": len(self.ranked.reference),
            "outside_extent": int(self.ranked.outside.sum()),
            "reference_outside_extent": int(self.ranked.reference_outside.sum()),
            "average_precision": {
                "ap": plain(self.average_precision),
                "ap50": plain(self.ap50),
                "ap75": plain(self.ap75),
                **{name: plain(value) for name, value in self.by_size.items()},
                "sizes": list(self.options.sizes),
                "unit": self.unit,
                "scores": self.score_field or None,
                "by_iou": {f"{level:.2f}": plain(_mean(self.precisions[0, k])) for k, level in enumerate(IOUS)},
            },
            "operating_point": {
                "score": plain(self.score),
                "score_chosen": "highest F1" if self.options.score is None else "given",
                "iou": self.outcome.iou,
                "precision": plain(self.precision),
                "recall": plain(self.recall),
                "f1": plain(self.f1),
            },
            "panoptic": {
                "pq": plain(self.panoptic_quality),
                "sq": plain(_mean(self.counts.segmentation)),
                "rq": plain(_mean(self.counts.recognition)),
            },
            "number": {
                "found": found,
                "reference": wanted,
                "error": found - wanted,
                "relative_error": plain(_ratio(found - wanted, wanted)),
                "cells": self.cells.to_dict(),
            },
            "classes": {name: self._of_class(k) for k, name in enumerate(self.classes)},
            "notes": list(self.notes),
        }

    def _of_class(self, k: int) -> dict[str, Any]:
        counts = self.counts
        right, wrong, missed = int(counts.right[k]), int(counts.wrong[k]), int(counts.missed[k])
        return {
            "ap": plain(_mean(self.precisions[0, :, k])),
            "ap50": plain(self.precisions[0, 0, k]),
            "ap75": plain(self.precisions[0, 5, k]),
            **{name: plain(_mean(self.precisions[size, :, k])) for size, name in enumerate(SIZES) if size},
            "true_positives": right,
            "false_positives": wrong,
            "false_negatives": missed,
            "precision": plain(_ratio(right, right + wrong)),
            "recall": plain(_ratio(right, right + missed)),
            "f1": plain(_ratio(2 * right, 2 * right + wrong + missed)),
            "pq": plain(counts.panoptic[k]),
            "sq": plain(counts.segmentation[k]),
            "rq": plain(counts.recognition[k]),
        }

    @property
    def totals(self) -> tuple[int, int]:
        """Numbers of taken objects and of reference objects inside the extent."""
        return (
            int((self.outcome.taken & ~self.ranked.outside).sum()),
            int((~self.ranked.reference_outside).sum()),
        )

    def table(self) -> str:
        """Return the report as lines for a terminal."""
        names = ["class", "reference", "found", "AP", "AP50", "AP75", "precision", "recall", "F1", "PQ"]
        keys = ("ap", "ap50", "ap75", "precision", "recall", "f1", "pq")
        rows = []
        for k, name in enumerate(self.classes):
            own = self._of_class(k)
            wanted, found = (
                f"{own['true_positives'] + own[error]:,}" for error in ("false_negatives", "false_positives")
            )
            rows.append([name, wanted, found, *(_three(own[key]) for key in keys)])
        head = printable(f"{self.predicted} against {self.reference}")
        return "\n".join([head, "", *aligned([names, *rows]), "", *self._summary()])

    def _summary(self) -> list[str]:
        unit = "m²" if self.unit == "m2" else "square units"
        low, high = self.options.sizes
        by_size = self.by_size
        ranges = (f"small (to {low:g} {unit})", f"medium (to {high:g} {unit})", "large")
        sizes = ", ".join(f"{text} {_three(by_size[name])}" for text, name in zip(ranges, SIZES[1:], strict=True))
        found, wanted = self.totals
        share = f" ({100 * (found - wanted) / wanted:+.1f} %)" if wanted else ""
        cells = self.cells.to_dict()
        over = f"mean absolute error {cells['mean_absolute_error']:.2f}" if cells["cells"] else "no cells"
        why = " (highest F1)" if self.options.score is None else ""
        chosen = "" if math.isnan(self.score) else f"score ≥ {self.score:.4g}{why}, "
        panoptic = (
            f"panoptic quality {_three(self.panoptic_quality)}: segmentation {_three(_mean(self.counts.segmentation))}"
            f", recognition {_three(_mean(self.counts.recognition))}"
        )
        point = (
            f"{chosen}IoU ≥ {self.outcome.iou:g}: precision {_three(self.precision)}, recall {_three(self.recall)}, "
            f"F1 {_three(self.f1)}"
        )
        number = (
            f"number: {found:,} objects, {wanted:,} in the reference{share}; {over} in {cells['cells']:,} cells of "
            f"{self.cells.side:g} × {self.cells.side:g} {self.cells.unit}"
        )
        return [
            f"AP {_three(self.average_precision)}, AP50 {_three(self.ap50)}, AP75 {_three(self.ap75)}",
            f"AP by size: {sizes}",
            point,
            panoptic,
            number,
        ]

    def write(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        html: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, Path]:
        """Write the report as JSON, and the map of matches, misses and false alarms and a page for people beside it.

        Parameters
        ----------
        path
            ``report.json``; the map is ``report_matches.gpkg``, the page ``report.html``.
        overwrite
            Replace existing files.
        html
            Whether to write the page.
        progress
            Called with the number of objects written and in total.

        Returns
        -------
        The files written: ``report``, ``matches`` and ``html``.

        Raises
        ------
        OutputError
            If the path is a URL, a file exists, was compared, or cannot be written.
        """
        from geoseg.evaluate.html_report import object_page
        from geoseg.evaluate.objects.matches_file import write_matches

        paths = object_report_paths(path, overwrite=overwrite, inputs=self.inputs, html=html)
        content = self.to_dict()

        def write_map(part: Path) -> None:
            write_matches(part, self.ranked, self.outcome, self.cells, progress=progress)

        return write_report(paths, content, ("matches", write_map), lambda: object_page(content, paths[1].name))


def object_report_paths(
    path: str | Path, *, overwrite: bool = False, inputs: Sequence[Any] = (), html: bool = True
) -> tuple[Path, ...]:
    """Return the files of a report; checked before a long run starts.

    Raises
    ------
    OutputError
        If the path is a URL, one of them exists and may not be replaced or is an input, or the suffix is not .json.
    """
    suffixes = ("_matches.gpkg", *([".html"] if html else []))
    return paths_beside(path, suffixes, "a map of errors", overwrite=overwrite, inputs=inputs)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _three(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"
