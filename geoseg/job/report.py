"""Reports: throughput during a run, a JSON file beside each scene's results, and a table of all scenes of a batch."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg._version import __version__
from geoseg.errors import InputError, OutputError
from geoseg.errors.printable import printable
from geoseg.job.scene_list import SceneEntry
from geoseg.models.card.contract import pixel_size
from geoseg.models.runtimes.choices import package_version, title
from geoseg.progress.reporters import format_seconds
from geoseg.raster.stacks.source import stack_of
from geoseg.system.storage.storage import Storage, storage_of

if TYPE_CHECKING:
    from geoseg.job.dispatch import BlockSummary
    from geoseg.job.outputs import Products
    from geoseg.job.request import SceneResult
    from geoseg.progress.timing import Clock
    from geoseg.segment.plan import Plan
    from geoseg.segment.recipe import Recipe

SUMMARY = "summary.csv"
"""Name of the table of a batch in the output folder."""

_AREA_UNITS = ("area_m2", "pixels")

# Formulas in spreadsheets begin so; the last four are the full-width forms of the first.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass
class Throughput:
    """Counts finished blocks, and computes rates and how busy device and workers are.

    Attributes
    ----------
    blocks, todo
        Blocks of the scene, and how many of them this run has to compute.
    pixels
        Pixels of the blocks to compute.
    streams, workers
        Forward passes and blocks that can run at a time, over all processes.
    done, pixels_done, forwards
        Blocks, pixels and windows computed so far.
    device, io
        Seconds spent in forward passes, and in reading and storing, summed over all workers.
    """

    blocks: int
    todo: int
    pixels: int
    streams: int
    workers: int
    done: int = 0
    pixels_done: int = 0
    forwards: int = 0
    device: float = 0.0
    io: float = 0.0
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = time.perf_counter()

    def add(self, block: BlockSummary) -> None:
        """Count a finished block."""
        self.done += 1
        self.pixels_done += block.pixels
        self.forwards += block.forwards
        self.device += block.seconds.get("forward", 0.0)
        self.io += block.seconds.get("read", 0.0) + block.seconds.get("store", 0.0)

    def message(self) -> str:
        """Return ``"3.10 Mpx/s, 3.0 blocks/s, device 93 %, I/O 12 %"``."""
        shares = self.shares()
        busy = f"device {shares['device_share']:.0%}, I/O {shares['io_share']:.0%}".replace("%", " %")
        return f"{shares['mpx_per_s']:.2f} Mpx/s, {shares['blocks_per_s']:.1f} blocks/s, {busy}"

    @property
    def seconds(self) -> float:
        """Seconds since the blocks began."""
        return time.perf_counter() - self._started

    def shares(self) -> dict[str, float]:
        """Return blocks and megapixels per second, and the shares of time spent computing and reading or writing."""
        seconds = max(self.seconds, 1e-6)
        return {
            "blocks_per_s": round(self.done / seconds, 3),
            "mpx_per_s": round(self.pixels_done / seconds / 1e6, 3),
            "device_share": round(min(self.device / (seconds * self.streams), 1.0), 4),
            "io_share": round(min(self.io / (seconds * self.workers), 1.0), 4),
        }


# --- the report of one scene


@dataclass(frozen=True)
class ReportInputs:
    """What a report contains besides the plan.

    Attributes
    ----------
    recipe, products, reading, scheduler
        How the scene was read, segmented and written.
    fingerprint
        Hash of everything that determines the results.
    blocks
        Number of blocks, of those taken over from an earlier run, and of windows computed.
    rates
        Rates per stage.
    facts
        Pixels, polygons and area per class, and failed blocks.
    seconds
        Duration of the run.
    """

    recipe: Recipe
    products: Products
    reading: Mapping[str, Any]
    scheduler: str
    fingerprint: str
    blocks: Mapping[str, int]
    rates: Mapping[str, Mapping[str, float]]
    facts: Mapping[str, Any]
    seconds: float


def make_report(plan: Plan, inputs: ReportInputs, clock: Clock) -> dict[str, Any]:
    """Return the content of ``NAME_report.json``."""
    card, raster = plan.model.card, plan.raster
    height, width = raster.shape
    scene: dict[str, Any] = {
        "name": raster.name,
        "sources": list(raster.sources),
        "height": height,
        "width": width,
        "bands": [band.name for band in raster.bands],
        "dtype": str(raster.dtype),
        "crs": str(raster.crs) if raster.crs else None,
        "transform": list(raster.transform)[:6],
    }
    if (stack := stack_of(raster)) is not None:
        scene["inputs"] = [
            {
                "name": slot.name,
                "date": None if slot.when is None else slot.when.isoformat(),
                "sources": [] if slot.raster is None else list(slot.raster.sources),
                "missing": slot.raster is None,
            }
            for slot in stack.slots
        ]
    passes = plan.passes
    tiling = {
        "window": list(passes.tiling.largest_read()),
        "keep": passes.tiling.keep,
        "margin": passes.tiling.margin,
        "block": plan.tiling.block,
        "pixels_kept_per_computed": round(passes.tiling.kept_share, 4),
        **inputs.blocks,
    }
    if plan.inner is not None:
        scene["resampled"] = {
            "height": passes.raster.shape[0], "width": passes.raster.shape[1],
            "pixel_m": round(pixel_size(passes.raster) or 0.0, 6), "scene_pixel_m": round(pixel_size(raster) or 0.0, 6),
        }  # fmt: skip
    reading = {key: str(value) for key, value in inputs.reading.items() if value is not None and value is not False}
    return {
        "geoseg": __version__,
        "fingerprint": inputs.fingerprint,
        "scene": scene,
        "model": {"name": card.name, "version": card.version, "fingerprint": plan.model.fingerprint},
        "options": {
            **_without_none(asdict(plan.options)),
            **_without_none(asdict(inputs.products)),
            "scheduler": inputs.scheduler,
            "reading": reading,
        },
        "tiling": tiling,
        "execution": asdict(inputs.recipe.execution),
        "warnings": list(plan.warnings),
        **inputs.facts,
        "rates": {stage: dict(values) for stage, values in inputs.rates.items()},
        "seconds": {"total": round(inputs.seconds, 3), **{k: round(v, 3) for k, v in sorted(clock.seconds.items())}},
        "versions": versions(),
    }


def describe(recipe: Recipe) -> str:
    """Return one line: device, runtime, precision, memory layout, size of windows, and why these were chosen."""
    execution = recipe.execution
    words = [execution.device, title(execution.runtime), execution.precision]
    if execution.layout is not None:
        words.append(execution.layout)
    rows, cols = (recipe.inner or recipe).tiling.largest_read()
    return f"{', '.join(words)}, windows of {cols} × {rows} px ({execution.reason})"


def versions() -> dict[str, str]:
    """Return the versions of the libraries that the results depend on."""
    from importlib.metadata import version

    import rasterio

    names = ("torch", "segmentation-models-pytorch", "rasterio", "numpy", "shapely", "dask")
    optional = {name: package_version(name) for name in ("openvino", "onnxruntime")}
    found = {name: version(name) for name in names} | {name: text for name, text in optional.items() if text}
    return {**found, "gdal": rasterio.__gdal_version__}


def _without_none(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


# --- the table of a batch


def summary_rows(scenes: Sequence[Any], results: Sequence[SceneResult]) -> list[dict[str, Any]]:
    """Return a dict per scene: scene, name, status, seconds, area_m2 (or pixels) per class, error."""
    rows = []
    for scene, result in zip(scenes, results, strict=True):
        classes: Mapping[str, Mapping[str, Any]] = result.report.get("classes", {})
        unit = "area_m2" if any("area_m2" in facts for facts in classes.values()) else "pixels"
        rows.append(
            {
                "scene": _source_text(scene) if isinstance(scene, SceneEntry) else SceneEntry.of(scene).label,
                "name": result.name,
                "status": result.status,
                "seconds": result.report.get("seconds", {}).get("total"),
                unit: {name: facts.get(unit) for name, facts in classes.items()},
                "error": None if result.error is None else str(result.error),
            }
        )
    return rows


def _source_text(entry: SceneEntry) -> str:
    source = entry.source
    return ";".join(str(one) for one in source) if isinstance(source, list | tuple) else str(source)


def write_summary(
    output: Storage | Path, scenes: Sequence[Any], results: Sequence[SceneResult], name: str = SUMMARY
) -> list[dict[str, Any]]:
    """Write the table to a file of the output folder, and return its rows.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    rows = summary_rows(scenes, results)
    write_rows(storage_of(output), name, rows)
    return rows


def write_rows(folder: Storage, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as :func:`summary_rows` returns them to a CSV file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    columns = [f"{name} {unit}" for unit in ("area_m2", "pixels") for name in _class_names(rows, unit)]
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_cell(column) for column in ("scene", "name", "status", "seconds", *columns, "error"))
    for row in rows:
        per_class = {f"{name} {u}": value for u in ("area_m2", "pixels") for name, value in row.get(u, {}).items()}
        plain = [row[key] for key in ("scene", "name", "status", "seconds")]
        table.writerow(_cell(value) for value in (*plain, *(per_class.get(column) for column in columns), row["error"]))
    try:
        folder.write(name, text.getvalue().encode())
    except OSError as error:
        raise OutputError(f"{folder.location(name)} cannot be written: {error.strerror or error}") from error


def join_summaries(output: Storage | Path | str) -> list[dict[str, Any]]:
    """Join the tables of all shards in the order of the batch, and write ``summary.csv``; return its rows.

    Raises
    ------
    InputError
        If there is no table of a shard, one is missing or damaged, or they are of different divisions.
    OutputError
        If the table cannot be written.
    """
    folder, tables = storage_of(output), {}
    try:
        names = folder.names()
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror or error}") from error
    for name in names:
        found = re.fullmatch(r"summary\.(\d+)-of-(\d+)\.csv", name)
        if found is not None:
            tables[int(found[1]), int(found[2])] = name
    if not tables:
        raise InputError(
            f"{folder}: no summary of a shard is here (summary.0-of-N.csv); run geoseg segment --shard 0/N"
        )
    counts = sorted({count for _, count in tables})
    if len(counts) > 1:
        listed = " and of ".join(map(str, counts))
        raise InputError(f"{folder}: has summaries of {listed} shards; delete those of the division that is not meant")
    count = counts[0]
    missing = [f"{index}/{count}" for index in range(count) if (index, count) not in tables]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise InputError(f"{folder}: shards {', '.join(missing[:5])}{more} have no summary yet: run them first")
    parts = [_rows_of(folder, tables[index, count]) for index in range(count)]
    rows = [part[place] for place in range(max(map(len, parts))) for part in parts if place < len(part)]
    write_rows(folder, SUMMARY, rows)
    return rows


def _rows_of(folder: Storage, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table as :func:`geoseg.job.report.summary_rows` has them."""
    rows = []
    try:
        for found in csv.DictReader(io.StringIO(folder.read(name).decode(), newline="")):
            row: dict[str, Any] = {key: found[key] for key in ("scene", "name", "status", "error")}
            row["error"] = row["error"] or None
            row["seconds"] = float(found["seconds"]) if found["seconds"] else None
            for unit in _AREA_UNITS:
                columns = [key for key in found if key.endswith(f" {unit}") and found[key]]
                if columns:
                    row[unit] = {key.removesuffix(f" {unit}"): _number(found[key]) for key in columns}
            rows.append(row)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise InputError(f"{folder.location(name)}: is no summary of geoseg ({error}); run this shard again") from error
    return rows


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() and "." not in text else value


def _cell(value: Any) -> Any:
    """Return a cell of a CSV file that a spreadsheet takes for text, not for a formula.

    As OWASP recommends: https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not isinstance(value, str):
        return value
    text = printable(value, limit=None)
    return f"'{text}" if value.startswith(_FORMULA) else text


def summary_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows as text: scene, status, time, and per class its area in km², or its pixels."""
    unit = "area_m2" if any(row.get("area_m2") for row in rows) else "pixels"
    classes = _class_names(rows, unit)
    lines = [
        ["scene", "status", "time", *(f"{printable(name)} {'km²' if unit == 'area_m2' else 'px'}" for name in classes)]
    ]
    for row in rows:
        values, seconds = row.get(unit, {}), row["seconds"]
        cells = [printable(row["name"]), str(row["status"]), "" if seconds is None else format_seconds(seconds)]
        for name in classes:
            value = values.get(name)
            cells.append("" if value is None else f"{value / 1e6:.3f}" if unit == "area_m2" else f"{value:,}")
        lines.append(cells)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _class_names(rows: Sequence[Mapping[str, Any]], unit: str) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.get(unit, {})))
