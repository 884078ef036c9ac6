"""``smooth``: class maps of several dates in, the most likely course of each pixel out."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.change.hidden_markov import learn, likelihoods, most_likely
from geoseg.change.maps import Lookup, grid_note, legend_notes, open_confidence, order_notes, read_percent
from geoseg.classes import MAX_CLASSES, NODATA, MapClass, unnamed
from geoseg.errors import InputError, OptionError, OutputError
from geoseg.evaluate.api import confidence_beside, values_of
from geoseg.evaluate.class_matching import plain
from geoseg.evaluate.reference import RasterLayer, open_map
from geoseg.raster.bands.names import scene_name
from geoseg.raster.composite.dates import date_in
from geoseg.raster.sampling import sample_boxes
from geoseg.system.files import write_text
from geoseg.system.outputs import Inputs, local_path
from geoseg.system.threads import ordered_map
from geoseg.tiling import Box, squares
from geoseg.write.output_errors import output_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Side of a window; what a CogSink compresses and overviews in one go is 2048, but many dates are held at a time.
_SIDE = 1024

# Pixels from which the transitions are learned.
_SAMPLE = 40_000

_MOST_DATES = 1000

_REMEDY = "name it in the file's list of classes, or declare it with: gdal_edit.py -a_nodata VALUE FILE"


@dataclass(frozen=True)
class SmoothSummary:
    """What ``smooth`` has written.

    Attributes
    ----------
    outputs
        The smoothed maps, in the order of the dates, and the report.
    classes
        Names of the classes, in the order of the matrix.
    transitions
        Probabilities (K, K) that were used: row i, of each class after class i.
    notes
        Messages for the user, one line each.
    reversals
        How often a class came back after another one for one date, before and after.
    changed
        Pixels of each date that got another class.

    Examples
    --------
    >>> from geoseg.change import smooth
    >>> summary = smooth(["classes.tif", "reference.tif", "classes.tif"], "smoothed", transitions=0.95)
    >>> summary.classes, len(summary.outputs), summary.reversals
    (('wood', 'field', 'water'), 4, (6554, 0))
    """

    outputs: tuple[Path, ...]
    classes: tuple[str, ...]
    transitions: NDArray[np.float64]
    reversals: tuple[int, int]
    changed: tuple[int, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Series:
    """Maps of several dates on one grid, with one list of classes."""

    layers: tuple[RasterLayer, ...]
    lookups: tuple[Lookup, ...]
    confidence: tuple[RasterLayer | None, ...]
    classes: tuple[MapClass, ...]
    notes: tuple[str, ...]

    def read(self, box: Box) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """Return positions of classes and percents (dates, h, w), 255 where unknown."""
        shape = (len(self.layers), box.height, box.width)
        observed, percent = np.full(shape, NODATA, np.uint8), np.full(shape, NODATA, np.uint8)
        inside = Box(0, 0, box.height, box.width)
        for date, (layer, lookup, sure) in enumerate(zip(self.layers, self.lookups, self.confidence, strict=True)):
            lookup.write(*layer.read(box), inside, observed[date])
            if sure is not None:
                percent[date] = read_percent(sure, box)
        return observed, percent if any(self.confidence) else None

    def check_unchanged(self) -> None:
        """Check that the files are still those that were opened; raises ChangedError."""
        for layer in (*self.layers, *(one for one in self.confidence if one is not None)):
            layer.check_unchanged()


def smooth(
    maps: Sequence[str | Path],
    output: str | Path,
    *,
    transitions: float | str | Path | Mapping[str, Mapping[str, float]] | None = None,
    confidence: bool = True,
    fill: bool = False,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> SmoothSummary:
    """Clean a series of class maps: replace each pixel's course by the most likely one under a transition model.

    A hidden Markov model of each pixel: the classes change from date to date by a matrix of probabilities, and a map
    is right with the probability that its confidence says. The most likely sequence of true classes (Viterbi) has
    fewer flips that the matrix makes unlikely, such as forest, water, forest. Maps on other grids are brought to the
    first one's by the nearest pixel; they must name the same classes. Memory does not depend on their size.

    Parameters
    ----------
    maps
        Two or more class maps in the order of their dates.
    output
        Folder to write into: ``NAME_smoothed_classes.tif`` for each date and ``smoothed_report.json``.
    transitions
        Probability that a class stays from one date to the next, the others sharing the rest; or a matrix: a CSV file
        whose header names the classes after, and whose first column those before, or ``{"tree": {"crop": 0.02}}``,
        where what is missing in a row is left to its own class. None learns the matrix from a sample of the series.
    confidence
        Use ``NAME_confidence.tif`` beside each ``NAME_classes.tif``, where there is one; else every map counts as
        right with a probability of 0.8.
    fill
        Give pixels without data at a date the class that is most likely there; else they stay without.
    overwrite
        Replace existing files.
    progress
        Called with the number of windows done and their total.

    Raises
    ------
    InputError
        If a map cannot be read, does not overlap the first, or names other classes.
    OptionError
        If there are fewer than two maps, or the matrix is none.
    OutputError
        If a file exists, is an input, or cannot be written.

    Examples
    --------
    >>> from geoseg.change import smooth
    >>> summary = smooth(["classes.tif", "reference.tif", "classes.tif"], "smoothed", transitions=0.95)
    >>> summary.outputs[0].name, summary.reversals[1] < summary.reversals[0]
    ('classes_1_smoothed_classes.tif', True)
    """
    sources = [maps] if isinstance(maps, str | Path) else list(maps)
    if not 2 <= len(sources) <= _MOST_DATES:
        raise OptionError(f"{len(sources)} map{'s' * (len(sources) != 1)} given: a series takes 2…{_MOST_DATES}")
    folder = local_path(output)
    paths = _paths(folder, sources)
    series = _open(sources, confidence=confidence)
    _check_outputs(paths, [*sources, *(confidence_beside(one) for one in sources)], overwrite=overwrite)
    matrix, start = _matrix(transitions, series)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    reversals, changed = _write(series, (matrix, start), paths[:-1], fill=fill, overwrite=overwrite, progress=progress)
    names = tuple(item.name for item in series.classes)
    report = {
        "maps": [str(one) for one in sources],
        "classes": names,
        "transitions": {"learned": transitions is None, "matrix": np.round(matrix, 5).tolist()},
        "reversals": {"before": reversals[0], "after": reversals[1]},
        "changed_pixels": changed,
        "notes": list(series.notes),
    }
    with output_errors(paths[-1]):
        write_text(paths[-1], json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return SmoothSummary(tuple(paths), names, matrix, reversals, changed, series.notes)


def _paths(folder: Path, sources: Sequence[Any]) -> list[Path]:
    """Return the paths of the maps and of the report; equal names get numbers."""
    stems = [scene_name(Path(one).stem.removesuffix("_classes")) for one in sources]
    numbered = [
        stem if stems.count(stem) == 1 else f"{stem}_{stems[:k].count(stem) + 1}" for k, stem in enumerate(stems)
    ]
    return [*(folder / f"{stem}_smoothed_classes.tif" for stem in numbered), folder / "smoothed_report.json"]


def _check_outputs(paths: list[Path], inputs: Sequence[Any], *, overwrite: bool) -> None:
    for path in paths:
        if path.is_dir():
            raise OutputError(f"{path} is a folder: choose another folder with -o")
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists: choose another folder, or add --overwrite (overwrite=True)")
    Inputs(inputs).check(*paths)


def _open(sources: Sequence[str | Path], *, confidence: bool) -> _Series:
    first = open_map(sources[0])
    grid = first.raster.grid
    layers = [first, *(open_map(source, grid) for source in sources[1:])]
    legends, notes = _legends(layers)
    classes = _distinct(legends[0])
    if len(classes) < 2:
        raise InputError(
            f"{first.label} names {len(classes)} class{'es' * (len(classes) != 1)}: a series needs maps of two or more"
        )
    places = {plain(item.name): place for place, item in enumerate(classes)}
    lookups = []
    for layer, legend in zip(layers, legends, strict=True):
        known = {item.id: places.get(plain(item.name)) for item in legend}
        if strange := [item.name for item in legend if known[item.id] is None]:
            raise InputError(
                f"{layer.label} names the class{'es' * (len(strange) > 1)} {', '.join(strange[:5])}, which "
                f"{first.label} does not; the maps of a series have one legend"
            )
        positions = {value: place for value, place in known.items() if place is not None}
        lookups.append(Lookup(layer.label, positions, _REMEDY))
    beside = [confidence_beside(source) if confidence else None for source in sources]
    sure = [
        None if path is None else open_confidence(path, layer, grid if layer is not first else None)
        for path, layer in zip(beside, layers, strict=True)
    ]
    notes = [*order_notes([one.label for one in layers]), *_equal_dates(sources), *notes]
    notes += [note for one in layers for note in legend_notes(one, "change it with: gdal_edit.py -unsetnodata FILE")]
    notes += [note for one in layers[1:] for note in grid_note(first, one)]
    lacking = [layer.label for layer, one in zip(layers, sure, strict=True) if one is None]
    if confidence and 0 < len(lacking) < len(layers):
        notes.append(f"{', '.join(lacking[:4])}: no confidence beside it, so it counts as right in 80 % of its pixels")
    return _Series(tuple(layers), tuple(lookups), tuple(sure), classes, tuple(dict.fromkeys(notes)))


def _equal_dates(sources: Sequence[str | Path]) -> list[str]:
    """Return a note if two maps are one file, or of one day by their names: what both show counts twice."""
    seen: dict[Any, str] = {}
    for source in map(str, sources):
        name = Path(source).name
        keys = source, date_in(name)
        for key in keys:
            if key is not None and key in seen:
                return [f"{seen[key]} and {name} are of one date: what they show counts twice"]
        seen |= dict.fromkeys(keys, name)
    return []


def _legends(layers: Sequence[RasterLayer]) -> tuple[list[tuple[MapClass, ...]], list[str]]:
    """Return the classes of each map: as named, as the first map that names any does, or the numbers that occur."""
    if any(layer.classes for layer in layers):
        named = next(layer for layer in layers if layer.classes)
        bare = [layer.label for layer in layers if not layer.classes]
        notes = [f"{label} names no classes; its numbers are taken as those of {named.label}" for label in bare]
        return [layer.classes or named.classes for layer in layers], notes
    numbers = sorted({value for layer in layers for value in values_of(layer)})
    if len(numbers) > MAX_CLASSES - 1:
        raise InputError(
            f"{layers[0].label} and the others hold {len(numbers)} different values: they are no class maps"
        )
    legend = tuple(unnamed(value) for value in numbers)
    return [legend] * len(layers), ["no map names its classes: they are told apart by number"]


def _distinct(legend: Sequence[MapClass]) -> tuple[MapClass, ...]:
    """Return the classes of a legend, one of each name, with their numbers if these fit a class map, else 0…K−1."""
    found = {plain(item.name): item for item in reversed(legend)}
    kept = [item for item in legend if found[plain(item.name)] is item]
    if any(not 0 <= item.id < NODATA for item in kept):
        kept = [replace(item, id=place) for place, item in enumerate(kept)]
    return tuple(kept)


def _matrix(given: Any, series: _Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the transitions (K, K) and the start (K,)."""
    count = len(series.classes)
    even = np.full(count, 1 / count)
    if given is None:
        return learn(_sample(series))
    if isinstance(given, int | float) and not isinstance(given, bool):
        if not 0 < given < 1:
            raise OptionError(f"transitions is {given:g}: the probability that a class stays lies between 0 and 1")
        matrix = np.full((count, count), (1 - given) / (count - 1))
        np.fill_diagonal(matrix, given)
        return matrix, even
    rows = given if isinstance(given, Mapping) else _read_matrix(Path(given))
    return _matrix_of(rows, series), even


def _sample(series: _Series) -> NDArray[np.float32]:
    boxes = sample_boxes(series.layers[0].raster.shape, series.layers[0].raster.block_shape, _SAMPLE)
    parts = [series.read(box) for box in boxes]
    observed = np.concatenate([one.reshape(len(one), -1) for one, _ in parts], 1)
    percents = [one for _, one in parts if one is not None]
    percent = np.concatenate([one.reshape(len(one), -1) for one in percents], 1) if percents else None
    # At least two dates say something of a change.
    some = (observed != NODATA).sum(0) >= 2
    if not some.any():
        raise InputError(
            "no pixel of a sample has data at two dates, so no transitions can be learned; give them with "
            "--transitions (transitions=)"
        )
    return likelihoods(observed[:, some], None if percent is None else percent[:, some], len(series.classes))


def _read_matrix(path: Path) -> dict[str, dict[str, float]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            (_, *names), *lines = [line for line in csv.reader(file) if line]
            rows = [(before, list(zip(names, cells, strict=True))) for before, *cells in lines]
            found = {before: {name: float(cell) for name, cell in row if cell.strip()} for before, row in rows}
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, IndexError, UnicodeDecodeError):
        raise InputError(
            f"{path} is no matrix of transitions: the first line names the classes after, each further line a class "
            "before and its probabilities, separated by commas"
        ) from None
    for what in (names, [before for before, _ in rows]):
        keys = [plain(name) for name in what]
        if twice := next((name for name, key in zip(what, keys, strict=True) if keys.count(key) > 1), None):
            raise InputError(f"{path} names the class {twice} twice: give each one line and one column")
    return found


def _matrix_of(rows: Mapping[str, Mapping[str, float]], series: _Series) -> NDArray[np.float64]:
    order = {plain(item.name): place for place, item in enumerate(series.classes)}
    matrix = np.zeros((len(order), len(order)))
    given = np.zeros(len(order), np.bool_)
    for before, row in rows.items():
        for after, share in row.items():
            unknown = next((name for name in (before, after) if plain(name) not in order), None)
            if unknown is not None:
                listed = ", ".join(item.name for item in series.classes)
                raise OptionError(f"transitions names the class {unknown!r}, which the maps do not; they have {listed}")
            if not 0 <= float(share) <= 1:
                raise OptionError(f"transitions has {share:g} from {before} to {after}: a probability is 0…1")
            matrix[order[plain(before)], order[plain(after)]] = float(share)
            given[order[plain(before)]] |= plain(before) == plain(after)
    for place, item in enumerate(series.classes):
        total = matrix[place].sum()
        if total > 1 + 1e-6 or (given[place] and abs(total - 1) > 1e-3):
            raise OptionError(f"transitions from {item.name} sum to {total:.4g}: they must sum to 1")
        if not given[place]:
            matrix[place, place] = 1 - total
    matrix /= matrix.sum(1, keepdims=True)
    return matrix


def _write(
    series: _Series,
    model: tuple[NDArray[np.float64], NDArray[np.float64]],
    paths: Sequence[Path],
    *,
    fill: bool,
    overwrite: bool,
    progress: Callable[[int, int], None] | None,
) -> tuple[tuple[int, int], tuple[int, ...]]:
    from geoseg.write import CogSink, finish_together

    raster = series.layers[0].raster
    geobox: Any = raster.geobox
    boxes = list(squares(*raster.shape, _SIDE))
    reversals, changed = np.zeros(2, np.int64), np.zeros(len(paths), np.int64)

    numbers = np.full(256, NODATA, np.uint8)
    numbers[: len(series.classes)] = [item.id for item in series.classes]

    def solved(box: Box) -> tuple[Box, NDArray[np.uint8], NDArray[np.uint8]]:
        observed, percent = series.read(box)
        flat = observed.reshape(len(observed), -1)
        seen = likelihoods(flat, None if percent is None else percent.reshape(flat.shape), len(series.classes))
        found = most_likely(seen, *model)
        known = flat != NODATA
        found[~known if not fill else np.broadcast_to(~known.any(0), flat.shape)] = NODATA
        return box, observed, found.reshape(observed.shape)

    with ExitStack() as stack:
        sinks = [
            stack.enter_context(CogSink(path, geobox, kind="classes", classes=series.classes, overwrite=overwrite))
            for path in paths
        ]
        for done, (box, before, after) in enumerate(ordered_map(solved, boxes), 1):
            for sink, values in zip(sinks, after, strict=True):
                sink.write(box, numbers[values])
            reversals += [_reversals(before), _reversals(after)]
            changed += ((before != after) & (before != NODATA)).sum((1, 2))
            if progress is not None:
                progress(done, len(boxes))
        series.check_unchanged()
        finish_together(*sinks)
    return (int(reversals[0]), int(reversals[1])), tuple(int(number) for number in changed)


def _reversals(classes: NDArray[np.uint8]) -> int:
    """Count the pixels and dates at which a class came back after another one, of dates (dates, h, w) with data."""
    first, middle, last = classes[:-2], classes[1:-1], classes[2:]
    known = (first != NODATA) & (middle != NODATA)
    return int(np.count_nonzero(known & (first == last) & (middle != first)))
