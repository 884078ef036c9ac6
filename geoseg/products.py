"""From finished blocks to files: class map, confidence, polygons and picture, each under its contract name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import OptionError

if TYPE_CHECKING:
    from geoseg.blocks import BlockStore
    from geoseg.clock import Clock
    from geoseg.progress import Reporter
    from geoseg.segment import Recipe

FORMATS = ("gpkg", "parquet", "fgb")
"""Vector formats: GeoPackage, GeoParquet, FlatGeobuf."""


@dataclass(frozen=True)
class Products:
    """Which results to write and how.

    Attributes
    ----------
    polygons, preview
        Whether to write them. Class map, confidence and report are always written.
    format
        ``"gpkg"``, ``"parquet"`` or ``"fgb"``.
    min_area
        Regions smaller than this many square metres are merged into a neighbour; None keeps all.
    simplify
        Tolerance in metres by which polygon borders may move; None keeps the pixel edges.
    """

    polygons: bool = True
    preview: bool = True
    format: str = "gpkg"
    min_area: float | None = None
    simplify: float | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise OptionError(f"format {self.format!r} is unknown: use one of {', '.join(FORMATS)}")
        for name in ("min_area", "simplify"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise OptionError(f"{name.replace('_', '-')} is {value}: it must be 0 or larger")


@dataclass
class Staged:
    """What was written to the working folder, and what the report says of it."""

    facts: dict[str, Any] = field(default_factory=dict)


def outputs_of(folder: Path, name: str, products: Products) -> dict[str, Path]:
    """Return the contract's path per kind of output for a scene called ``name``."""
    paths = {"classes": folder / f"{name}_classes.tif", "confidence": folder / f"{name}_confidence.tif"}
    if products.polygons:
        paths["polygons"] = folder / f"{name}_polygons.{products.format}"
    if products.preview:
        paths["preview"] = folder / f"{name}_preview.png"
    paths["report"] = folder / f"{name}_report.json"
    return paths
