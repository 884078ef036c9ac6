"""Two scenes of one place to two class maps, by one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import GeosegError, InputError, OptionError
from geoseg.job import Job, Options, Products, SceneEntry, run
from geoseg.raster.bands.names import scene_name

if TYPE_CHECKING:
    from geoseg.models import Model
    from geoseg.progress.reporters import Reporter

MAPS = "maps"
"""Folder inside the output folder for the class maps of both scenes."""


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

    def maps(self, before: Any, after: Any, folder: Path, *, overwrite: bool) -> tuple[Path, Path]:
        """Segment both scenes into a folder, or go on with what is there; return the class maps.

        Raises
        ------
        GeosegError
            As :func:`geoseg.run`, or what became of a scene that failed.
        """
        names = _names(before, after)
        entries = [SceneEntry(source, name) for source, name in zip((before, after), names, strict=True)]
        products = Products(polygons=False, preview=False)
        job = Job(
            entries, folder, self.model, dict(self.reading), self.options or Options(), products, self.scheduler,
            overwrite=overwrite,
        )  # fmt: skip
        found = run(job, self.reporter)
        for result in found:
            if result.status not in ("done", "kept"):
                error = result.error
                raise error if isinstance(error, GeosegError) else InputError(f"{result.name}: {error}")
        first, second = (result.outputs["classes"] for result in found)
        return first, second


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
