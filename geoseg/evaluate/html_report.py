"""``REPORT.html``: an evaluation as a page for people; one file that loads nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geoseg.evaluate.figure import error_colors
from geoseg.write.html import charts
from geoseg.write.html.element import Child, Html, element, swatch, table
from geoseg.write.html.page import captioned, figures, how_to_cite, messages, page, section
from geoseg.write.html.pictures import plain_picture
from geoseg.write.html.viewer import View, class_legend, map_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.classes import MapClass
    from geoseg.evaluate.calibration import Reliability
    from geoseg.evaluate.comparison import ComparisonCounts, ErrorMap
    from geoseg.evaluate.metrics import Scores

_MOST_CLASSES = 40
"""Classes up to which the matrix is shown: more are no table that anyone reads."""


class Evaluated(Protocol):
    """What a page shows of an evaluation; the fields of :class:`geoseg.evaluate.Evaluation`."""

    @property
    def predicted(self) -> str:
        """Name of the map or model."""

    @property
    def reference(self) -> str:
        """Name of the reference."""

    @property
    def classes(self) -> tuple[MapClass, ...]:
        """Common classes."""

    @property
    def counts(self) -> ComparisonCounts:
        """All counts."""

    @property
    def scores(self) -> Scores:
        """Scores of the counts."""

    @property
    def matrix(self) -> NDArray[np.int64]:
        """Confusion matrix."""

    @property
    def tolerance(self) -> float | None:
        """Distance in pixels for boundary F1."""

    @property
    def boundary_f1(self) -> float | None:
        """Mean boundary F1."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Messages for the user."""

    def mistakes(self, most: int) -> list[str]:
        """Describe the largest errors."""


def evaluation_page(result: Evaluated) -> str:
    """Return the page of a map's or model's evaluation."""
    found, counts = result.scores, result.counts
    numbers: list[tuple[str, str]] = [
        ("overall accuracy", _score(found.overall_accuracy)),
        ("mean IoU", _score(found.mean_iou)),
        ("mean F1", _score(found.mean_f1)),
        ("kappa", _score(found.kappa)),
        ("pixels compared", f"{int(found.total):,}"),
    ]
    if result.boundary_f1 is not None:
        numbers.append((f"boundary F1 within {result.tolerance:g} px", _score(result.boundary_f1)))
    reliability = counts.reliability
    return page(
        f"{result.predicted} against {result.reference}",
        figures(numbers),
        messages("note", list(result.notes)),
        section("Classes", _scores(result)),
        section("Confusion", _matrix(result)),
        None if counts.errors is None else section("Map of errors", _error_map(counts.errors)),
        None if reliability is None or not reliability.pixels.sum() else section("Calibration", _curve(reliability)),
        how_to_cite(),
        script=counts.errors is not None,
    )


def _scores(result: Evaluated) -> Html:
    found, boundary = result.scores, result.counts.boundary
    names = ["class", "reference pixels", "map pixels", "IoU", "F1", "precision", "recall"]
    names += ["boundary F1"] * (boundary is not None)
    rows = [
        [
            [swatch(item.color), item.name],
            f"{found.support[k]:,}",
            f"{found.predicted[k]:,}",
            *(_score(values[k]) for values in (found.iou, found.f1, found.precision, found.recall)),
            *([_score(boundary.f1[k])] if boundary is not None else []),
        ]
        for k, item in enumerate(result.classes)
    ]
    bars = [
        charts.Bar(item.name, float(found.iou[k]), _score(found.iou[k]), item.color)
        for k, item in enumerate(result.classes)
    ]
    label = "IoU of each class"
    scores = table("Scores of each class", names, rows)
    return element("div", scores, captioned(charts.bars(label, bars), label), class_="beside")


def _matrix(result: Evaluated) -> Html:
    """Return the matrix as shares of each row, and below it what is most often mistaken."""
    mistakes = element("ul", [element("li", text) for text in result.mistakes(5)])
    if len(result.classes) > _MOST_CLASSES:
        text = f"{len(result.classes)} classes: the report in JSON has the matrix. Most often mistaken:"
        return element("div", element("p", text), mistakes)
    matrix = result.matrix
    support = matrix.sum(1, keepdims=True)
    share = matrix / np.maximum(support, 1)
    head = element(
        "tr", element("td", "reference ↓ map →"), [element("th", item.name, scope="col") for item in result.classes]
    )
    body = []
    for row, item in enumerate(result.classes):
        cells: list[Child] = [element("th", swatch(item.color), item.name, scope="row")]
        for col in range(len(result.classes)):
            known, part = bool(support[row, 0]), float(share[row, col])
            text = f"{100 * part:.1f}" if known and matrix[row, col] else ("0" if known else "–")
            style = _shade(part, right=row == col) if known else None
            cells.append(element("td", text, title=f"{int(matrix[row, col]):,} pixels", style=style))
        body.append(element("tr", cells))
    label = "Percent of the reference's pixels of each row; a row sums to 100"
    inner = element("table", element("caption", label), element("thead", head), element("tbody", body), class_="matrix")
    return element(
        "div",
        element("div", inner, class_="scroll", tabindex="0", role="region", aria_label="Confusion matrix"),
        element("p", "Most often mistaken:") if result.mistakes(1) else None,
        mistakes,
    )


def _shade(share: float, *, right: bool) -> str:
    """Return background and colour of a cell: darker for larger shares, its text legible on it."""
    full = np.array((33, 102, 172) if right else (165, 15, 30))
    color = np.rint(255 + (full - 255) * math.sqrt(share)).astype(int)
    ink = "#fff" if _luminance(color / 255) < 0.179 else "#000"  # at least 4.5 : 1 either way
    return f"background:#{bytes(color.tolist()).hex()};color:{ink}"


def _luminance(color: Any) -> float:
    """Return the relative luminance of sRGB colours, 0…1, as WCAG 2 defines it."""
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def _error_map(errors: ErrorMap) -> Html:
    height, width = errors.compared.shape
    factor = max(600 // max(height, width), 1)  # small maps are shown large
    view = View(height * factor, width * factor, errors.step / factor, "px")
    cell = "pixels" if errors.step == 1 else f"share of wrong pixels in cells of {errors.step} × {errors.step}"
    text = f"Map of errors: {cell}; the darker red, the more are wrong"
    legend = class_legend([("#faf6f0", "right"), ("#a50f1e", "wrong"), ("#dedede", "not compared")])
    return element("div", map_figure(view, plain_picture(error_colors(errors)), text, ()), legend)


def _curve(reliability: Reliability) -> Html:
    bins = reliability.bins()
    total = sum(entry["pixels"] for entry in bins) or 1
    points = [(entry["from"], entry["to"], entry["accuracy"], entry["pixels"] / total) for entry in bins]
    label = f"Accuracy by confidence; expected calibration error {reliability.ece:.3f}"
    chart = captioned(
        charts.reliability(label, points),
        f"Expected calibration error {reliability.ece:.3f}, mean confidence {reliability.mean_confidence:.3f}. On the "
        "dashed line, confidence is as good as it says; darker bars have more pixels.",
    )
    rows = [
        [
            f"{entry['from']}–{entry['to']} %",
            f"{entry['pixels']:,}",
            _percent(entry["confidence"]),
            _percent(entry["accuracy"]),
        ]
        for entry in bins
    ]
    return element(
        "div", chart, table("Bins of confidence", ["confidence", "pixels", "mean", "accuracy"], rows), class_="columns"
    )


def object_page(report: Mapping[str, Any], matches: str) -> str:
    """Return the page of an evaluation of objects.

    Parameters
    ----------
    report
        Content of its JSON report.
    matches
        Name of the file with the map of matches, misses and false alarms.
    """
    precision, point, number = report["average_precision"], report["operating_point"], report["number"]
    names = ["class", "AP", "AP50", "AP75", "precision", "recall", "F1", "PQ", "right", "false alarms", "missed"]
    keys = ("ap", "ap50", "ap75", "precision", "recall", "f1", "pq")
    counts = ("true_positives", "false_positives", "false_negatives")
    rows = [
        [name, *(_score(own[key]) for key in keys), *(f"{own[key]:,}" for key in counts)]
        for name, own in report["classes"].items()
    ]
    by_iou = [(float(level), value) for level, value in precision["by_iou"].items() if value is not None]
    low, high = precision["sizes"]
    unit = "m²" if precision["unit"] == "m2" else "square units"
    sizes = [(f"small, to {low:g} {unit}", "small"), (f"medium, to {high:g} {unit}", "medium"), ("large", "large")]
    bars = [charts.Bar(text, precision[key] or 0.0, _score(precision[key])) for text, key in sizes]
    curve = "Average precision by the IoU that a match needs"
    chosen = "" if point["score"] is None else f"score ≥ {point['score']:.4g} ({point['score_chosen']}), "
    relative = "" if number["relative_error"] is None else f" ({100 * number['relative_error']:+.1f} %)"
    note = (
        f"Counts, precision, recall and F1 are for {chosen}IoU ≥ {point['iou']:g}. {number['found']:,} objects against "
        f"{number['reference']:,} in the reference{relative}. {matches} has each match, miss and false alarm on a map."
    )
    return page(
        f"{report['predicted']} against {report['reference']}",
        figures(
            [
                ("AP", _score(precision["ap"])),
                ("AP50", _score(precision["ap50"])),
                ("AP75", _score(precision["ap75"])),
                ("F1", _score(point["f1"])),
                ("panoptic quality", _score(report["panoptic"]["pq"])),
            ]
        ),
        messages("note", list(report["notes"])),
        section("Classes", table("Scores of each class", names, rows), element("p", note)),
        section(
            "Average precision",
            element(
                "div",
                captioned(charts.curve(curve, by_iou, "IoU", (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)), curve)
                if by_iou
                else None,
                captioned(charts.bars("AP by size", bars), "AP by size of the object"),
                class_="columns",
            ),
        ),
        how_to_cite(),
    )


def _score(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
