"""``geoseg demo --real``: a small true place, fetched from a catalogue of images when the user asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoseg.job import Job
from geoseg.job.batch import run_one
from geoseg.progress.reporters import Reporter, Silent
from geoseg.system.outputs import local_path
from geoseg.system.storage.storage import storage_of

PLACE = "12.88,52.34,12.98,52.41"
"""Werder on the Havel, Germany: a town, lakes, orchards, fields, forest; 6.8 × 7.8 km."""

PERIOD = "2024-05/2024-09"
"""The clearest image of one season in leaf is taken."""

CREDIT = "Contains modified Copernicus Sentinel data 2024."
"""What the terms of use of Sentinel data ask for."""


@dataclass(frozen=True)
class RealDemoResult:
    """What was mapped, and the files.

    Attributes
    ----------
    item
        Identifier of the image.
    date
        Its day, as ``2024-06-25``.
    cloud
        Percent of clouds that its item states; None if it states none.
    outputs
        Path of each kind of output.
    shares
        Share of the mapped area of each class, 0…1.
    """

    item: str
    date: str
    cloud: float | None
    outputs: dict[str, Path]
    shares: dict[str, float]


def run_real_demo(
    folder: Path, *, catalog: str = "sentinel-2", model: str | None = None, reporter: Reporter | None = None
) -> RealDemoResult:
    """Fetch the clearest Sentinel-2 image of a small place in one season, and segment it.

    Only the blocks over the place are fetched. Unlike the synthetic scene it has no known truth: the map is to be
    compared with the picture.

    Parameters
    ----------
    folder
        Output folder; existing results of the same image are replaced.
    catalog
        Where the image is looked for, as ``geoseg segment --catalog`` takes it.
    model
        Name or folder of a model; the bundled default if None.
    reporter
        Receives progress and messages; if None, warnings go to stderr.

    Raises
    ------
    InputError
        If the catalogue cannot be reached, or has no clear image of the place.
    OutputError
        If the folder cannot be written.
    ModelError
        If the model cannot be loaded.
    """
    from geoseg.models import DEFAULT_MODEL, load_model
    from geoseg.raster.catalog import Search, find_scene

    reporter = reporter or Silent()
    local_path(folder)
    bands = [band.name for band in load_model(DEFAULT_MODEL if model is None else model).card.bands]
    reporter.info(f"searching {catalog} for the clearest image of {PLACE} in {PERIOD}")
    found = find_scene(Search(PLACE, PERIOD, catalog, max_cloud=5.0), model_bands=bands)
    for note in found.notes:
        reporter.info(f"note: {note}")
    first = found.items[0]
    reporter.info(f"fetching {found.to_fetch} of {', '.join(item.id for item in found.items)}")
    result = run_one(Job([found.raster], folder, model, overwrite=True), reporter)
    found.write_items(storage_of(folder), result.name)
    return RealDemoResult(
        first.id, f"{first.when:%Y-%m-%d}", first.cloud, result.outputs, _shares(result.report["classes"])
    )


def _shares(classes: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return each class's share of the area that has one."""
    areas = {name: facts.get("area_m2", facts["pixels"]) for name, facts in classes.items()}
    total = sum(areas.values())
    return {name: area / total if total else 0.0 for name, area in areas.items()}
