"""The report beside every result: what was made of what, how, how fast, and with which versions."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from geoseg._version import __version__
from geoseg.progress.reporters import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geoseg.job.dispatch import BlockSummary
    from geoseg.job.outputs import Products
    from geoseg.progress.timing import Clock
    from geoseg.segment.block import Recipe
    from geoseg.segment.plan import Plan


@dataclass
class Throughput:
    """Counts blocks as they are finished, and says how fast and who was busy.

    Attributes
    ----------
    blocks, todo
        Blocks of the scene, and how many of them this run has to compute.
    pixels
        Pixels of those.
    streams, workers
        Forward passes and blocks that can run at a time, over all processes.
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
    rate: Rate = field(init=False)

    def __post_init__(self) -> None:
        self.rate = Rate(self.pixels)

    def add(self, block: BlockSummary) -> None:
        """Count a finished block."""
        self.done += 1
        self.pixels_done += block.pixels
        self.forwards += block.forwards
        self.device += block.seconds.get("forward", 0.0)
        self.io += block.seconds.get("read", 0.0) + block.seconds.get("store", 0.0)

    def message(self) -> str:
        """Return ``"3.10 Mpx/s, 2 min left, 3.0 blocks/s, device 93 %, I/O 12 %"``."""
        shares = self.shares()
        busy = f"device {shares['device_share']:.0%}, I/O {shares['io_share']:.0%}".replace("%", " %")
        return f"{self.rate.message(self.pixels_done)}, {shares['blocks_per_s']:.1f} blocks/s, {busy}"

    def shares(self) -> dict[str, float]:
        """Return rates, and the shares of the time in which the device computed and workers read or wrote."""
        seconds = max(self.rate.seconds, 1e-6)
        return {
            "blocks_per_s": round(self.done / seconds, 3),
            "mpx_per_s": round(self.pixels_done / seconds / 1e6, 3),
            "device_share": round(min(self.device / (seconds * self.streams), 1.0), 4),
            "io_share": round(min(self.io / (seconds * self.workers), 1.0), 4),
        }


@dataclass(frozen=True)
class ReportInputs:
    """What a report is made of beside the plan."""

    recipe: Recipe
    products: Products
    reading: Mapping[str, Any]
    scheduler: str
    fingerprint: str
    summary: Mapping[str, Any]
    rates: Mapping[str, Mapping[str, float]]
    found: Mapping[str, Any]
    seconds: float


def make_report(plan: Plan, facts: ReportInputs, clock: Clock) -> dict[str, Any]:
    """Return the content of ``NAME_report.json``."""
    card, raster = plan.model.card, plan.raster
    height, width = raster.shape
    scene = {
        "name": raster.name,
        "sources": list(raster.sources),
        "height": height,
        "width": width,
        "bands": [band.name for band in raster.bands],
        "dtype": str(raster.dtype),
        "crs": str(raster.crs) if raster.crs else None,
        "transform": list(raster.transform)[:6],
    }
    tiling = {
        "window": list(plan.tiling.largest_read()),
        "keep": plan.tiling.keep,
        "margin": plan.tiling.margin,
        "block": plan.tiling.block,
        "pixels_kept_per_computed": round(plan.tiling.kept_share, 4),
        **facts.summary,
    }
    reading = {key: str(value) for key, value in facts.reading.items() if value not in (None, False)}
    return {
        "geoseg": __version__,
        "fingerprint": facts.fingerprint,
        "scene": scene,
        "model": {"name": card.name, "version": card.version, "fingerprint": plan.model.fingerprint},
        "options": {
            **_plain(asdict(plan.options)),
            **_plain(asdict(facts.products)),
            "scheduler": facts.scheduler,
            "reading": reading,
        },
        "tiling": tiling,
        "execution": asdict(facts.recipe.execution),
        "warnings": list(plan.warnings),
        **facts.found,
        "rates": {stage: dict(values) for stage, values in facts.rates.items()},
        "seconds": {"total": round(facts.seconds, 3), **{k: round(v, 3) for k, v in sorted(clock.seconds.items())}},
        "versions": versions(),
    }


def describe(recipe: Recipe) -> str:
    """Return one line: device, why, and how the forward pass runs."""
    execution = recipe.execution
    layout = "channels last" if execution.channels_last else "channels first"
    rows, cols = recipe.tiling.largest_read()
    return f"{execution.device}, {execution.precision}, {layout}, windows of {cols} × {rows} px ({execution.reason})"


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    from importlib.metadata import version

    import rasterio

    names = ("torch", "segmentation-models-pytorch", "rasterio", "numpy", "shapely", "dask")
    return {**{name: version(name) for name in names}, "gdal": rasterio.__gdal_version__}


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}
