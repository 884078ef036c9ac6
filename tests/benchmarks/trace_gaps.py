"""When the device had nothing to do, and what everybody did instead: reads a trace of ``geoseg segment --profile``.

    geoseg segment scene.tif -o out -m model --profile trace.json
    python tests/benchmarks/trace_gaps.py trace.json [--streams 2]

The run is cut wherever a stage begins or ends. For every number of forward passes that ran at the same time the table
gives its share of the run; for the moments with fewer than ``--streams``, what the other threads were busy with.
Waiting for the device is no work: a moment in which all wait and the device is free is "nobody had a window ready".
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path


def cut(events: list[dict]) -> list[tuple[float, float, Counter[str]]]:
    """Pieces of the run, in seconds from its start: begin, end, and how many threads were in which stage."""
    first = min(event["ts"] for event in events)
    edges = sorted(
        (time, change, event["name"])
        for event in events
        for time, change in ((event["ts"] - first, 1), (event["ts"] + event["dur"] - first, -1))
    )
    pieces, active = [], Counter[str]()
    for (time, change, name), (after, _, _) in zip(edges, [*edges[1:], edges[-1]], strict=True):
        active[name] += change
        if after > time:
            pieces.append((time / 1e6, after / 1e6, +active))
    return pieces


def explain(pieces: list[tuple[float, float, Counter[str]]], streams: int) -> None:
    """Print the tables."""
    whole = pieces[-1][1] - pieces[0][0]
    passes: Counter[int] = Counter()
    instead: Counter[str] = Counter()
    begin = next(a for a, _, active in pieces if active["forward"])
    end = max(b for _, b, active in pieces if active["forward"])
    for start, stop, active in pieces:
        passes[active["forward"]] += stop - start
        if active["forward"] >= streams:
            continue
        if stop <= begin:
            what = "before the first pass: opening, first read"
        elif start >= end:
            what = "after the last pass: last blocks stored, map and report written"
        else:
            busy = sorted(active.keys() - {"forward", "wait"})
            what = " and ".join(busy) or "nobody had a window ready"
            what = f"{active['forward']} of {streams} passes, others: {what}"
        instead[what] += (stop - start) * (streams - active["forward"]) / streams
    print(f"{whole:.2f} s\n\n| forward passes at a time | share of the run |\n|---|---|")
    for number, seconds in sorted(passes.items(), reverse=True):
        print(f"| {number} | {seconds / whole:.1%} |")
    print(f"\ndevice idle {sum(instead.values()) / whole:.1%} of the run:\n\n| idle | share of the run |\n|---|---|")
    for what, seconds in instead.most_common():
        print(f"| {what} | {seconds / whole:.1%} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace", type=Path)
    parser.add_argument("--streams", type=int, default=2)
    given = parser.parse_args()
    events = json.loads(given.trace.read_text(encoding="utf-8"))["traceEvents"]
    explain(cut([event for event in events if event["ph"] == "X"]), given.streams)


if __name__ == "__main__":
    main()
