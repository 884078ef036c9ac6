"""``change``: two class maps in, what became what out."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from geoseg.change.layer import changes_layer
from geoseg.change.maps import ClassMaps, open_maps
from geoseg.change.raster import Rules, write_rasters
from geoseg.change.report import areas_m2, check_compared, report_of, table_of
from geoseg.change.scenes import MAPS, Maps, Segmenting
from geoseg.change.transitions import UNCERTAIN, UNCHANGED, Counts, Numbering, Transition
from geoseg.errors import OptionError, OutputError
from geoseg.geodesy.crs import is_measurable
from geoseg.polygonize import PolygonSummary, polygonize
from geoseg.progress.forecast import OF_CHANGES, Forecast, expected_seconds, learn
from geoseg.raster.bands.names import scene_name
from geoseg.system.files import rename, temporary_beside
from geoseg.system.outputs import Inputs, local_path
from geoseg.write.output_errors import output_errors

if TYPE_CHECKING:
    import geopandas

_MOST_TOLERANCE = 16

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class _Options:
    """The arguments of ``change`` that decide its results, validated."""

    tolerance: int = 1
    min_confidence: float = 0
    min_area: float | None = None
    simplify: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance <= _MOST_TOLERANCE or self.tolerance != int(self.tolerance):
            raise OptionError(
                f"tolerance must be a whole number of pixels in 0…{_MOST_TOLERANCE}, got {self.tolerance}"
            )
        if not 0 <= self.min_confidence <= 100:
            raise OptionError(f"min-confidence must be a percentage, 0…100, got {self.min_confidence:g}")
        for name, value in (("min-area", self.min_area), ("simplify", self.simplify)):
            if value is not None and not 0 <= value < math.inf:
                raise OptionError(f"{name} must be 0 or larger, got {value}")

    @property
    def rules(self) -> Rules:
        """What counts as a change."""
        return Rules(int(self.tolerance), math.ceil(self.min_confidence))


@dataclass(frozen=True)
class ChangeSummary:
    """What ``change`` has written.

    Attributes
    ----------
    outputs
        Paths by kind: ``changes``, ``change``, ``confidence`` (if both dates have one), ``report``.
    transitions
        Changes that occur, the largest area first.
    report
        What the JSON report holds.
    notes
        Messages for the user, one line each.

    Examples
    --------
    >>> import geoseg
    >>> summary = geoseg.change("classes.tif", "reference.tif", "changes", tolerance=0)
    >>> summary.outputs["changes"].name
    'classes_reference_changes.gpkg'
    >>> sum(item.pixels for item in summary.transitions)
    6554
    """

    outputs: Mapping[str, Path]
    transitions: tuple[Transition, ...]
    report: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    crs: Any = field(default=None, repr=False)

    def table(self) -> str:
        """Return the transition matrix as lines for a terminal."""
        return table_of(dict(self.report), self.crs)


class _Arguments(TypedDict, total=False):
    """The keyword arguments of ``change``, for its overloads."""

    name: str | None
    renames: str | Mapping[str, str] | None
    confidence: Any
    tolerance: int
    min_confidence: float
    min_area: float | None
    simplify: float | None
    overwrite: bool
    progress: Progress | None
    model: Any
    reading: Mapping[str, Any]
    options: Any
    scheduler: Any
    reporter: Any


@overload
def change(before: Any, after: Any, output: None = None, **options: Unpack[_Arguments]) -> geopandas.GeoDataFrame: ...


@overload
def change(before: Any, after: Any, output: str | Path, **options: Unpack[_Arguments]) -> ChangeSummary: ...


def change(
    before: Any,
    after: Any,
    output: str | Path | None = None,
    *,
    name: str | None = None,
    renames: str | Mapping[str, str] | None = None,
    confidence: Any = None,
    tolerance: int = 1,
    min_confidence: float = 0,
    min_area: float | None = None,
    simplify: float | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    **segmenting: Any,
) -> geopandas.GeoDataFrame | ChangeSummary:
    """Compare two class maps or scenes of one place: what became what, where, and how large it is.

    With ``model``, ``before`` and ``after`` are scenes, which the model maps first, as :func:`geoseg.run` does: with
    its options, resumed in the same way, on its schedulers. A model of change (``geoseg.train`` with
    ``task="change"``) sees both scenes together and says itself what became of each pixel: BEFORE is then its class 0,
    and ``tolerance`` does not count.

    The maps are compared where they overlap, on the pixels of ``before``: pixels of ``after`` that coincide with them
    are taken as they are, a map on another grid or in another CRS is brought to them by the nearest pixel. Memory does
    not depend on their size, and the result not on how they are cut into windows.

    A pixel has changed if its classes differ and no shift of at most ``tolerance`` pixels explains that. A shift
    explains it if it brings the new class from BEFORE to the pixel and takes the old one from the pixel to where AFTER
    has it; what lies outside the maps or is nodata may be anything. So a map that is shifted as a whole has not
    changed; an object of a class that was not near is kept, however thin it is, and so is growth by more than
    ``tolerance`` pixels; growth by less is not told apart from a shift. What differs and is no change is
    ``uncertain`` in the change raster, and its area is in the report.

    Parameters
    ----------
    before, after
        Class maps: rasters of one band of whole numbers, or ``xarray.DataArray`` (y, x). Classes are matched by name,
        or by number if one of the maps has no names.
    output
        Folder to write into; None returns the polygons.
    name
        Beginning of the files' names; by default made of those of the maps.
    renames
        Classes to rename or merge in both maps: ``{"forest": "tree", "255": ""}`` or ``"forest=tree,255="``; an empty
        right side leaves a class out.
    confidence
        Confidence rasters of both dates, uint8 percent, each on the grid of its map. None takes
        ``NAME_confidence.tif`` beside ``NAME_classes.tif`` if both exist; False takes none. The confidence of a change
        is the smaller of the two.
    tolerance
        Largest shift in pixels, along rows and columns, that is taken for misregistration: 0…16.
    min_confidence
        Percent that both dates need for a change to count.
    min_area
        Minimum mapping unit of the polygons in m²: a smaller change is merged into the neighbour with the longest
        shared boundary, mostly what has not changed.
    simplify
        Maximum distance, in metres, by which simplification may move a polygon's boundary.
    overwrite
        Replace existing files.
    progress
        Called with the number of steps done, their total, and the stage: ``compare``, ``write changes`` or
        ``polygonize changes``, followed by the time left, as in ``"compare: 12 s left"``.
    model
        Name or folder of a model, or a loaded one, that maps both scenes, or the change between them; the maps go
        into ``output/maps``.
    reading, options, scheduler, reporter
        How the scenes are read and segmented: see :class:`geoseg.Job` and :func:`geoseg.run`. Only with ``model``.

    Returns
    -------
    geopandas.GeoDataFrame or ChangeSummary
        Columns ``change_id``, ``from_class``, ``to_class``, ``confidence`` (mean; missing where unknown), ``area_m2``.
        Files: ``NAME_changes.gpkg`` (layer ``changes``), ``NAME_change.tif`` (0 unchanged, 1 uncertain, from 2 on the
        transitions, 255 nodata), ``NAME_change_confidence.tif``, ``NAME_change_report.json``.

    Raises
    ------
    InputError
        If a map cannot be read, is no class map, changes meanwhile (ChangedError), the maps do not overlap, or have no
        class in common.
    OptionError
        If an option's value is impossible.
    OutputError
        If a file exists or cannot be written; no file is left under its name.

    Examples
    --------
    >>> import geoseg
    >>> changes = geoseg.change("classes.tif", "reference.tif", tolerance=0)
    >>> list(changes.columns)
    ['change_id', 'from_class', 'to_class', 'confidence', 'area_m2', 'geometry']
    >>> len(geoseg.change("classes.tif", "classes.tif"))
    0
    """
    options = _Options(tolerance, min_confidence, min_area or None, simplify or None)
    mapping = _segmenting(segmenting)
    if name is not None and not name.strip():
        raise OptionError("name is empty: give the beginning of the files' names, or leave it out")
    stem = None if name is None else scene_name(name)
    if output is None:
        with tempfile.TemporaryDirectory(prefix="geoseg-", ignore_cleanup_errors=True) as scratch:
            if mapping.model is not None:
                made = mapping.maps(before, after, Path(scratch) / MAPS, overwrite=False)
                before, after, confidence, options = _mapped(made, confidence, options)
            maps = _open(before, after, renames, confidence, options)
            paths = _paths(Path(scratch), "maps")
            with _timed(maps, progress) as report_progress:
                numbering, _, _ = _compare(maps, options, paths, report_progress)
                maps.check_unchanged()
                return polygonize(paths["change"], **_polygons(maps, numbering, options, paths, report_progress))
    folder = local_path(output)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file: give the name of a folder")
    final = _paths(folder, stem or _default_name(before, after))
    _check_outputs(final, (before, after, confidence), overwrite=overwrite)
    if mapping.model is not None:
        made = mapping.maps(before, after, folder / MAPS, overwrite=overwrite)
        before, after, confidence, options = _mapped(made, confidence, options)
    maps = _open(before, after, renames, confidence, options)
    with _staged(final) as staged, _timed(maps, progress) as report_progress:
        numbering, counts, unit = _compare(maps, options, staged, report_progress)
        arguments = _polygons(maps, numbering, options, staged, report_progress)
        polygons = polygonize(staged["change"], staged["changes"], **arguments)
        report = _report(maps, numbering, (counts, unit), polygons, options)
        report["notes"] += polygons.outlines
        staged["report"].write_text(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
        maps.check_unchanged()
    outputs = {kind: path for kind, path in final.items() if path.exists()}
    return ChangeSummary(
        outputs, _transitions(numbering, counts, unit), report, tuple(report["notes"]), maps.raster.grid.crs
    )


@contextmanager
def _timed(maps: ClassMaps, progress: Progress | None) -> Iterator[Progress]:
    """Yield a progress that also tells the time left; how long the stages took is remembered for the next time."""
    pixels = math.prod(maps.raster.shape)
    forecast = Forecast(expected_seconds(OF_CHANGES, pixels))

    def told(done: int, total: int, stage: str) -> None:
        message = forecast.told(done, total, stage)
        if progress is not None:
            progress(done, total, message)

    yield told
    learn(forecast.took(), pixels)


def _mapped(made: Maps, confidence: Any, options: _Options) -> tuple[Path, Path, Any, _Options]:
    """Return maps, confidence and options for maps that a model has made."""
    if made.registered:
        options = replace(options, tolerance=0)
    return made.before, made.after, made.confidence if confidence is None else confidence, options


def _segmenting(given: dict[str, Any]) -> Segmenting:
    known = {item.name for item in fields(Segmenting)}
    if unknown := sorted(set(given) - known):
        raise TypeError(f"change() got an unexpected keyword argument {unknown[0]!r}")
    return Segmenting(**given)


def _open(
    before: Any, after: Any, renames: str | Mapping[str, str] | None, confidence: Any, options: _Options
) -> ClassMaps:
    maps = open_maps(before, after, renames, confidence)
    if options.min_confidence and maps.confidence is None:
        raise OptionError(
            f"min-confidence is {options.min_confidence:g}, but the maps have no confidence: it is read from "
            "NAME_confidence.tif beside each NAME_classes.tif"
        )
    return maps


def _compare(
    maps: ClassMaps, options: _Options, paths: Mapping[str, Path], progress: Progress
) -> tuple[Numbering, Counts, float]:
    numbering, counts, ground = write_rasters(maps, options.rules, paths, progress)
    check_compared(maps, counts)
    return numbering, counts, ground.unit


def _polygons(
    maps: ClassMaps, numbering: Numbering, options: _Options, paths: Mapping[str, Path], progress: Progress
) -> dict[str, Any]:
    """Return the arguments of ``polygonize`` for the change raster."""
    from geoseg._version import __version__

    first, second = (layer.label for layer in maps.layers)
    return {
        "confidence": paths["confidence"] if maps.confidence is not None else None,
        "min_area": options.min_area,
        "simplify": options.simplify,
        # What has not changed is traced only where small changes are to be merged into it.
        "exclude": () if options.min_area else (UNCHANGED, UNCERTAIN),
        "view": changes_layer(numbering),
        "provenance": {"before": first, "after": second, "geoseg": __version__},
        "progress": lambda done, total: progress(done, total, OF_CHANGES[-1]),
    }


def _report(
    maps: ClassMaps, numbering: Numbering, counted: tuple[Counts, float], polygons: PolygonSummary, options: _Options
) -> dict[str, Any]:
    from geoseg._version import __version__

    counts, unit = counted
    report = report_of(maps, numbering, counts, unit)
    report["geoseg"] = __version__
    report["options"] = {
        "tolerance": options.tolerance,
        "min_confidence": options.min_confidence,
        "min_area_m2": options.min_area,
        "simplify_m": options.simplify,
    }
    report["transitions"] = [
        {
            "code": item.code,
            "from": item.from_class,
            "to": item.to_class,
            "pixels": item.pixels,
            "area_m2": round(item.area_m2, 2),
            "polygons": polygons.classes[item.code].polygons if item.code in polygons.classes else 0,
        }
        for item in _transitions(numbering, counts, unit)
    ]
    if not is_measurable(maps.raster.grid.crs):
        report["notes"].append("the maps have no CRS with a known unit: areas are in the units of their coordinates")
    return report


def _transitions(numbering: Numbering, counts: Counts, unit: float) -> tuple[Transition, ...]:
    pixels, area = counts.matrix(), areas_m2(counts, unit)
    found = [
        Transition(code, old.name, new.name, int(pixels[old.id, new.id]), float(area[old.id, new.id]))
        for code, (old, new) in numbering.pairs().items()
        if pixels[old.id, new.id]
    ]
    return tuple(sorted(found, key=lambda item: (-item.area_m2, item.code)))


def _paths(folder: Path, name: str) -> dict[str, Path]:
    return {
        "changes": folder / f"{name}_changes.gpkg",
        "change": folder / f"{name}_change.tif",
        "confidence": folder / f"{name}_change_confidence.tif",
        "report": folder / f"{name}_change_report.json",
    }


def _files(paths: Mapping[str, Path]) -> list[Path]:
    """Return outputs and the files beside rasters, the report last: where it is, all others are complete."""
    found: list[Path] = []
    for path in paths.values():
        if path.suffix == ".tif":
            found += [path.with_suffix(".qml"), Path(f"{path}.aux.xml")]
        found.append(path)
    return found


def _default_name(before: Any, after: Any) -> str:
    stems = [_stem(one) for one in (before, after)]
    return scene_name("_".join(dict.fromkeys(stems)))


def _stem(source: Any) -> str:
    if isinstance(source, list | tuple) and source:
        return _stem(source[0])
    if isinstance(source, str | Path):
        return Path(source).stem.removesuffix("_classes")
    return str(getattr(source, "name", None) or "map")


def _check_outputs(paths: Mapping[str, Path], inputs: tuple[Any, ...], *, overwrite: bool) -> None:
    """Check that files may be written, before a long run starts."""
    files = _files(paths)
    for path in files:
        if path.is_dir():
            raise OutputError(f"{path} is a folder: choose another --name, or another folder with -o")
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists: choose another --name (name=) or add --overwrite (overwrite=True)")
    Inputs(inputs).check(*files)


@contextmanager
def _staged(final: Mapping[str, Path]) -> Iterator[dict[str, Path]]:
    """Yield paths of the same names in a temporary folder; all files get their final names on success, else none."""
    folder = final["report"].parent
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        part = temporary_beside(final["report"])
        part.mkdir()
    try:
        staged = {kind: part / path.name for kind, path in final.items()}
        yield staged
        with output_errors(folder):
            for source, target in zip(_files(staged), _files(final), strict=True):
                if source.exists():
                    rename(source, target)
                else:
                    target.unlink(missing_ok=True)  # of an earlier run: it would not belong to these
    finally:
        shutil.rmtree(part, ignore_errors=True)
