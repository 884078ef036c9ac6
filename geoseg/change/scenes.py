"""Two scenes of one place to two class maps, by one model: of each scene, or of what changed between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geoseg.classes import NODATA
from geoseg.errors import GeosegError, InputError, OptionError
from geoseg.evaluate.reference import open_map
from geoseg.job import Job, Options, Products, SceneEntry, SceneResult, run
from geoseg.models import DEFAULT_MODEL, load_model
from geoseg.models.card.inputs import AFTER, BEFORE, is_change
from geoseg.progress.forecast import OF_CHANGES, expected_seconds
from geoseg.raster import open_raster
from geoseg.raster.bands.names import scene_name
from geoseg.raster.grids import overlaps
from geoseg.tiling import Box
from geoseg.write import CogSink

if TYPE_CHECKING:
    from geoseg.models import Model
    from geoseg.progress.reporters import Reporter

MAPS = "maps"
"""Folder inside the output folder for the class maps of both scenes."""


# Rows that are written at a time.
_ROWS = 512


class Maps(NamedTuple):
    """Class maps of both dates; with the map of a network of change, its confidence for both, which is one map."""

    before: Path
    after: Path
    confidence: tuple[Path, Path] | None = None

    @property
    def registered(self) -> bool:
        """Whether the maps cannot be shifted against each other, because one network has seen both scenes."""
        return self.confidence is not None


@dataclass(frozen=True)
class Segmenting:
    """How scenes become class maps; see :class:`geoseg.Job`.

    Attributes
    ----------
    model
        Name or folder of a model, or a loaded one; None if the inputs are maps already.
    reading
        Keyword arguments for :func:`geoseg.open_raster`.
    options
        Windows, device, precision, memory.
    scheduler
        Where blocks are computed.
    reporter
        Receives the events of the run.
    """

    model: str | Path | Model | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    options: Options | None = None
    scheduler: Any = "threads"
    reporter: Reporter | None = None

    def __post_init__(self) -> None:
        if self.model is not None:
            return
        given = [name for name in ("reading", "options") if getattr(self, name)]
        if given or self.scheduler != "threads":
            raise OptionError(
                f"{(given or ['scheduler'])[0]} is for scenes: name the model that maps them with -m (model=)"
            )

    def maps(self, before: Any, after: Any, folder: Path, *, overwrite: bool) -> Maps:
        """Map both scenes into a folder, or go on with what is there.

        A model of one scene maps each. A model of change maps both together: its map is that of AFTER, and that of
        BEFORE has class 0, what has not changed, at the same pixels.

        Raises
        ------
        GeosegError
            As :func:`geoseg.run`, or what became of a scene that failed.
        """
        card = load_model(self.model if self.model is not None else DEFAULT_MODEL).card
        if is_change(card.inputs):
            stems = (_first(one) for one in (before, after))
            name = scene_name("_".join(dict.fromkeys(Path(str(stem)).stem for stem in stems)))
            entry = SceneEntry({BEFORE: before, AFTER: after}, name)
            (result,) = self._run([entry], folder, overwrite=overwrite)
            changed, confidence = result.outputs["classes"], result.outputs["confidence"]
            unchanged = changed.with_name(f"{name}_unchanged.tif")
            _write_unchanged(changed, unchanged)
            return Maps(unchanged, changed, (confidence, confidence))
        self._check_one_place(before, after)
        names = _names(before, after)
        entries = [SceneEntry(source, name) for source, name in zip((before, after), names, strict=True)]
        first, second = (result.outputs["classes"] for result in self._run(entries, folder, overwrite=overwrite))
        return Maps(first, second)

    def _check_one_place(self, before: Any, after: Any) -> None:
        """Check that both scenes show one place, before hours go into their maps; raises InputError."""
        try:
            first, second = (open_raster(one, **self.reading) for one in (before, after))
        except GeosegError:
            return  # the run tells it, as of any scene
        if (first.grid.crs is None) != (second.grid.crs is None):
            lacking = first if first.grid.crs is None else second
            raise InputError(
                f"{lacking.name} has no CRS and the other scene has one, so they cannot be aligned; set it with "
                "gdal_edit.py -a_srs EPSG:… FILE"
            )
        if not overlaps(second.grid, first.grid, second.name):
            raise InputError(f"{first.name} and {second.name} do not overlap; compare scenes of one place")

    def _run(self, entries: list[SceneEntry], folder: Path, *, overwrite: bool) -> list[SceneResult]:
        products = Products(polygons=False, preview=False)
        job = Job(
            entries, folder, self.model, dict(self.reading), self.options or Options(), products, self.scheduler,
            overwrite=overwrite,
        )  # fmt: skip
        found = run(job, self.reporter, seconds_after=lambda pixels: sum(expected_seconds(OF_CHANGES, pixels).values()))
        failed = [result for result in found if result.status not in ("done", "kept")]
        if failed and self.reporter is not None:  # it has told why
            raise InputError(
                f"nothing is compared, since {' and '.join(one.name for one in failed)} could not be mapped"
            )
        for result in failed:
            error = result.error
            raise error if isinstance(error, GeosegError) else InputError(f"{result.name}: {error}")
        return found


def _write_unchanged(changed: Path, path: Path) -> None:
    """Write the map of a scene before: class 0 wherever the map of changes has a class."""
    layer = open_map(changed)
    raster = layer.raster
    with CogSink(path, raster.geobox, classes=layer.classes, overwrite=True) as sink:
        for row in range(0, raster.shape[0], _ROWS):
            box = Box(row, 0, min(_ROWS, raster.shape[0] - row), raster.shape[1])
            _, valid = layer.read(box)
            sink.write(box, np.where(valid, np.uint8(0), np.uint8(NODATA)))


def _names(before: Any, after: Any) -> tuple[str | None, str | None]:
    """Return names for two scenes that are called alike; None leaves a scene its own."""
    stems = [
        scene_name(Path(str(_first(one))).stem) if isinstance(_first(one), str | Path) else ""
        for one in (before, after)
    ]
    if stems[0] != stems[1]:
        return None, None
    stem = stems[0] or "scene"
    return f"{stem}_before", f"{stem}_after"


def _first(source: Any) -> Any:
    return source[0] if isinstance(source, list | tuple) and source else source
