"""Charts as SVG inside a page. What they show also stands in a table or their label: a chart is never the only way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from geoseg.write.html.element import Child, Html, element

_WIDTH = 420
_INK, _SOFT, _LINE, _BAR = "#1c1e21", "#4d5560", "#c9ced6", "#2166ac"


class Bar(NamedTuple):
    """A bar: what it is, how long, the value as text, and its colour."""

    label: str
    value: float
    text: str
    color: str = _BAR


def _svg(height: float, label: str, *children: Child, width: float = _WIDTH) -> Html:
    return element(
        "svg", element("title", label), *children, viewBox=f"0 0 {width:g} {height:g}", width=f"{width:g}",
        role="img", aria_label=label, xmlns="http://www.w3.org/2000/svg",
    )  # fmt: skip


def _text(x: float, y: float, content: Child, anchor: str = "start", class_: str | None = None) -> Html:
    return element("text", content, x=f"{x:g}", y=f"{y:g}", text_anchor=anchor, class_=class_)


def _rect(x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> Html:
    return element(
        "rect", x=f"{x:.2f}", y=f"{y:.2f}", width=f"{max(width, 0):.2f}", height=f"{max(height, 0):.2f}", fill=fill,
        stroke=stroke,
    )  # fmt: skip


def bars(label: str, rows: Sequence[Bar]) -> Html:
    """Return bars below each other, each under its name: they stay legible on a narrow screen."""
    most = max((row.value for row in rows if math.isfinite(row.value)), default=0) or 1
    step, parts = 38, []
    for number, row in enumerate(rows):
        top = number * step
        length = _WIDTH * row.value / most if math.isfinite(row.value) else 0
        short = row.label if len(row.label) <= 32 else f"{row.label[:31]}…"
        parts += [
            _text(0, top + 13, short),
            _text(_WIDTH, top + 13, row.text, "end", "soft"),
            _rect(0.5, top + 18.5, max(length - 1, 0.5), 13, row.color, "#555"),
        ]
    return _svg(max(len(rows) * step, 1), label, *parts)


def histogram(label: str, counts: Sequence[int], bins: int = 20) -> Html:
    """Return how many pixels have which percentage.

    Parameters
    ----------
    label
        What is shown.
    counts
        Number per whole percent, 0…100.
    bins
        Bars; the last one includes 100.
    """
    side = 100 // bins
    sums = [sum(counts[k * side : (k + 1) * side]) for k in range(bins)]
    sums[-1] += counts[100]
    total, most = sum(sums) or 1, max(sums) or 1
    left, top, height, wide = 44, 10, 150, _WIDTH - 62
    parts: list[Child] = []
    for share in _ticks(most / total):
        y = top + height * (1 - share * total / most)
        parts += [
            element("line", x1=left, x2=left + wide, y1=f"{y:.1f}", y2=f"{y:.1f}", stroke=_LINE),
            _text(left - 6, y + 4, f"{100 * share:g} %", "end", "soft"),
        ]
    for k, count in enumerate(sums):
        length = height * count / most
        parts.append(_rect(left + wide * k / bins + 0.5, top + height - length, wide / bins - 1, length, _BAR))
    parts += [
        _text(left + wide * tick / 100, top + height + 17, str(tick), "middle", "soft") for tick in range(0, 101, 20)
    ]
    parts.append(_text(left + wide / 2, top + height + 35, "confidence, %", "middle", "soft"))
    return _svg(top + height + 42, label, *parts)


def _ticks(most: float) -> list[float]:
    """Return two to four round shares up to the largest."""
    power = 10.0 ** math.floor(math.log10(max(most, 1e-9)))
    step = next((power * digit for digit in (0.2, 0.5, 1, 2) if most / (power * digit) <= 4), power)
    return [round(step * k, 12) for k in range(1, int(most / step + 1e-9) + 1)]


def reliability(label: str, bins: Sequence[tuple[float, float, float | None, float]]) -> Html:
    """Return accuracy by confidence; on the diagonal the map is calibrated.

    Parameters
    ----------
    label
        What is shown.
    bins
        Lower and upper bound in percent, accuracy (0…1, None if empty), share of the pixels.
    """
    side, left, top = 280, 44, 10
    parts: list[Child] = []
    most = max((share for *_, share in bins), default=0) or 1
    for low, high, accuracy, share in bins:
        if accuracy is not None:
            weight = 0.25 + 0.75 * math.sqrt(share / most)
            length = side * accuracy
            bar = _rect(left + side * low / 100 + 1, top + side - length, side * (high - low) / 100 - 2, length, _BAR)
            parts.append(element("g", bar, opacity=f"{weight:.2f}"))
    parts.append(
        element("line", x1=left, y1=top + side, x2=left + side, y2=top, stroke="#a51d2d", stroke_width="2",
                stroke_dasharray="6 4")
    )  # fmt: skip
    parts += _axes(left, top, side, "confidence, %", "accuracy, %")
    return _svg(top + side + 42, label, *parts, width=left + side + 14)


def curve(label: str, points: Sequence[tuple[float, float]], below: str, ticks: Sequence[float]) -> Html:
    """Return a line through points, both coordinates within 0…1.

    Parameters
    ----------
    label
        What is shown.
    points
        From left to right.
    below
        Title of the axis.
    ticks
        Where the axis is labelled.
    """
    side, left, top = 280, 44, 10
    low, high = min(ticks), max(ticks)
    spots = [(left + side * (x - low) / (high - low), top + side * (1 - y)) for x, y in points]
    line = " ".join(f"{'M' if k == 0 else 'L'}{x:.1f} {y:.1f}" for k, (x, y) in enumerate(spots))
    parts: list[Child] = [element("path", d=line, fill="none", stroke=_BAR, stroke_width="2.5")]
    parts += [element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3.5", fill=_BAR) for x, y in spots]
    parts.append(element("rect", x=left, y=top, width=side, height=side, fill="none", stroke=_LINE))
    for value in ticks:
        parts.append(_text(left + side * (value - low) / (high - low), top + side + 17, f"{value:g}", "middle", "soft"))
    for value in (0, 0.5, 1):
        parts.append(_text(left - 6, top + side * (1 - value) + 4, f"{value:g}", "end", "soft"))
    parts.append(_text(left + side / 2, top + side + 35, below, "middle", "soft"))
    return _svg(top + side + 42, label, *parts, width=left + side + 14)


def _axes(left: float, top: float, side: float, below: str, beside: str) -> list[Child]:
    parts: list[Child] = [element("rect", x=left, y=top, width=side, height=side, fill="none", stroke=_LINE)]
    for tick in range(0, 101, 20):
        parts.append(_text(left + side * tick / 100, top + side + 17, str(tick), "middle", "soft"))
        parts.append(_text(left - 6, top + side * (100 - tick) / 100 + 4, str(tick), "end", "soft"))
    parts.append(_text(left + side / 2, top + side + 35, below, "middle", "soft"))
    across = element("text", beside, x=0, y=0, text_anchor="middle", class_="soft",
                     transform=f"translate(12 {top + side / 2:g}) rotate(-90)")  # fmt: skip
    return [*parts, across]
