"""Two class maps on one grid, with one list of classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.change.kernel import translate
from geoseg.classes import NODATA, MapClass, default_color, is_number, unnamed
from geoseg.errors import InputError, OptionError
from geoseg.evaluate.api import confidence_beside, is_path, values_of
from geoseg.evaluate.class_matching import Codes, alike, parse_renames, plain
from geoseg.evaluate.reference import RasterLayer, open_map
from geoseg.raster.composite.dates import out_of_order
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster import Raster

# What legends call pixels that nothing is known of.
_NO_DATA = re.compile(
    r"no[\s_-]*data|missing|null|^n/?a$|fill|unclassified|unlabel|unknown|outside|background", re.IGNORECASE
)

_MOST_PERCENT = 100

_UNKNOWN = 254
"""Position of values that are no class; the last that is free in uint8."""

_SCENES = ", or name the model that maps scenes, with --model (model=)"

_REMEDY = "the file's list of classes is incomplete: name it, or use --map VALUE="


class Lookup:
    """Maps pixel values to positions in the common classes, uint8; 255 for pixels without a class."""

    def __init__(self, label: str, positions: Mapping[int, int], remedy: str = _REMEDY) -> None:
        self._codes = Codes(label, positions, remedy)
        self._table = np.full(256, _UNKNOWN, np.uint8)
        for value, position in positions.items():
            if 0 <= value < 256:
                self._table[value] = position if position >= 0 else NODATA

    def write(self, values: NDArray[Any], valid: NDArray[np.bool_], part: Box, out: NDArray[np.uint8]) -> None:
        """Write the positions of values (h, w) into a part of an array.

        Raises
        ------
        InputError
            If a valid pixel holds a value that is no class.
        """
        if values.dtype == np.uint8:
            given, mask = np.ascontiguousarray(values), np.ascontiguousarray(valid).view(np.uint8)
            if not translate(given, mask, self._table, part.row, part.col, out):
                return
        place = slice(part.row, part.bottom), slice(part.col, part.right)
        out[place] = self._codes(values, valid).astype(np.uint8)  # IGNORED, -1, becomes 255


@dataclass(frozen=True)
class ClassMaps:
    """Two class maps on one grid.

    Attributes
    ----------
    layers
        BEFORE and AFTER, on BEFORE's pixels where the two overlap.
    lookups
        From their pixel values to positions in ``classes``.
    classes
        Classes of both, ids 0…K−1: those of BEFORE, then those that only AFTER has.
    confidence
        Confidence of both dates on the same grid, or None.
    notes
        What was made alike and how, one line each.
    """

    layers: tuple[RasterLayer, RasterLayer]
    lookups: tuple[Lookup, Lookup]
    classes: tuple[MapClass, ...]
    confidence: tuple[RasterLayer, RasterLayer] | None
    notes: tuple[str, ...]

    @property
    def raster(self) -> Raster:
        """The grid."""
        return self.layers[0].raster

    def read(self, box: Box, halo: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the positions of both maps in a box grown by ``halo`` pixels; 255 where unknown or outside."""
        grown = box.grown(halo)
        region = grown.intersection(self.raster.box)
        found = []
        for layer, lookup in zip(self.layers, self.lookups, strict=True):
            padded = np.full((grown.height, grown.width), NODATA, np.uint8)
            place = Box(region.row - grown.row, region.col - grown.col, region.height, region.width)
            lookup.write(*layer.read(region), place, padded)
            found.append(padded)
        return found[0], found[1]

    def read_confidence(self, box: Box) -> NDArray[np.uint8] | None:
        """Return the smaller confidence of both dates in a box, 255 where one is unknown; None without confidences."""
        if self.confidence is None:
            return None
        first, second = (read_percent(layer, box) for layer in self.confidence)
        return np.where((first == NODATA) | (second == NODATA), np.uint8(NODATA), np.minimum(first, second))

    def check_unchanged(self) -> None:
        """Check that the files are still those that were opened; raises ChangedError."""
        for layer in (*self.layers, *(self.confidence or ())):
            layer.check_unchanged()


def read_percent(layer: RasterLayer, box: Box) -> NDArray[np.uint8]:
    """Return the confidence in a box, 255 where it is unknown.

    Raises
    ------
    InputError
        If it is no percentage.
    """
    values, valid = layer.read(box)
    percent = np.where(valid, values, np.uint8(NODATA))
    if (strange := (percent > _MOST_PERCENT) & (percent != NODATA)).any():
        raise InputError(
            f"{layer.label} holds {percent[strange].max()}; confidence is percent of the winning class, 0…100, and 255 "
            "where it is unknown: convert it, or move it away to go without"
        )
    return percent


def open_maps(before: Any, after: Any, renames: str | Mapping[str, str] | None, confidence: Any) -> ClassMaps:
    """Open two class maps on BEFORE's pixels, where they overlap.

    Parameters
    ----------
    before, after
        Path, URL or ``xarray.DataArray`` (y, x).
    renames
        Classes to rename, merge or leave out, as for :func:`geoseg.evaluate`; a number is a value of both maps.
    confidence
        Two confidence rasters, each on the grid of its map; None takes those beside the maps, False none.

    Raises
    ------
    InputError
        If one cannot be opened, is no class map, they do not overlap, or have no class in common.
    """
    pairs = parse_renames(renames)
    named = {int(left) for left, right in pairs.items() if right and is_number(left)}
    first = open_map(before, None, named, _SCENES)
    grid = first.raster.grid
    second = open_map(after, grid, named, _SCENES)
    both = (first, second)
    sure, notes = _confidences((before, after), both, confidence, grid)
    place = _overlap(both, after)
    cut = _cut(first, place), _cut(second, place)
    classes, positions, told = _match(cut, pairs)
    notes = [
        *order_notes([one.label for one in both]),
        *first.notes,
        *first.raster.notes,
        *second.notes,
        *grid_note(*both),
        *told,
        *notes,
    ]
    notes += [note for one in both for note in legend_notes(one, "add --map {value}={name}")]
    if _is_same(before, after):
        notes.insert(0, f"{first.label}: BEFORE and AFTER are the same file, so nothing can have changed")
    return ClassMaps(
        layers=cut,
        lookups=(Lookup(first.label, positions[0]), Lookup(second.label, positions[1])),
        classes=classes,
        confidence=None if sure is None else (_cut(sure[0], place), _cut(sure[1], place)),
        notes=tuple(dict.fromkeys(notes)),
    )


def order_notes(labels: list[str]) -> list[str]:
    """Return a note if the names of maps tell that they are not in the order of time."""
    found = out_of_order([Path(label).stem for label in labels])
    if found is None:
        return []
    return [f"{found[0]} stands before {found[1]}, which is earlier by its name: changes are told backwards in time"]


def legend_notes(layer: RasterLayer, remedy: str) -> list[str]:
    """Return notes on classes of a map whose names are alike, and on one that the file declares to be nodata.

    ``remedy`` says how to keep the latter, with ``{value}`` and ``{name}``.
    """
    notes = alike(layer.label, layer.classes)
    nodata = layer.raster.bands[0].nodata
    hidden = next((item for item in layer.classes if item.id == nodata), None)
    if hidden is not None and not _NO_DATA.search(hidden.name):
        keep = remedy.format(value=hidden.id, name=hidden.name)
        notes.append(
            f"{layer.label} declares {hidden.id} as nodata, which is class {hidden.name!r}: its pixels are left out; "
            f"to keep them, {keep}"
        )
    return notes


def _is_same(before: Any, after: Any) -> bool:
    if not (is_path(before) and is_path(after)):
        return before is after
    here, there = Path(before), Path(after)
    return str(before) == str(after) or (here.exists() and there.exists() and here.samefile(there))


def _cut(layer: RasterLayer, place: Box) -> RasterLayer:
    return replace(layer, raster=layer.raster.cut(place))


def _overlap(layers: tuple[RasterLayer, RasterLayer], after: Any) -> Box:
    """Return the pixels of BEFORE that AFTER's extent touches."""
    from geoseg.raster.bbox import pixels_in
    from geoseg.raster.grids import bounds_in
    from geoseg.raster.probe import probe

    raster = layers[0].raster
    if not is_path(after):  # an array lies on BEFORE's grid
        return raster.box
    from geoseg.raster.gdal.environment import is_remote

    own = probe(str(after), remote=is_remote(str(after))).grid
    return pixels_in(bounds_in(own, raster.grid.crs, layers[1].label), None, raster.grid, layers[0].label)


def grid_note(first: RasterLayer, second: RasterLayer) -> list[str]:
    """Return a note if a map was brought to the pixels of the first."""
    warp = getattr(second.raster.inputs[0], "warp", None)
    if warp is None:
        return []
    from rasterio.crs import CRS

    from geoseg.geodesy.crs import same_crs

    one_crs = first.raster.grid.crs is None or same_crs(CRS.from_user_input(warp.source_crs), first.raster.grid.crs)
    kind = "grid" if one_crs else "CRS"
    text = f"{second.label} lies on another {kind} than {first.label} and was brought to its pixels: "
    return [text + "each takes the class of the nearest one"]


def _confidences(
    maps: tuple[Any, Any], layers: tuple[RasterLayer, RasterLayer], confidence: Any, grid: Any
) -> tuple[tuple[RasterLayer, RasterLayer] | None, list[str]]:
    if confidence is False:
        return None, []
    if confidence is None:
        paths = [confidence_beside(one) for one in maps]
        if None in paths:
            lacking = [layer.label for layer, path in zip(layers, paths, strict=True) if path is None]
            note = f"{' and '.join(lacking)}: no confidence beside it, so changes have none"
            return None, [note] if len(lacking) == 1 else []
    else:
        paths = list(confidence)
        if len(paths) != 2:
            raise OptionError(f"confidence names {len(paths)} rasters: give two, of BEFORE and of AFTER")
    first, second = layers
    return (open_confidence(paths[0], first, None), open_confidence(paths[1], second, grid)), []


def open_confidence(path: Any, layer: RasterLayer, grid: Any) -> RasterLayer:
    """Open the confidence of a class map, on another grid if the map is.

    Raises
    ------
    InputError
        If it is not on the map's own grid, or not percents in uint8.
    """
    sure = open_map(path, grid)
    if _lattice(layer.raster) != _lattice(sure.raster):
        raise InputError(f"{sure.label} is not on the grid of {layer.label}; name the map's own confidence raster")
    if sure.raster.dtype != np.uint8:
        raise InputError(
            f"{sure.label} holds {sure.raster.dtype}; confidence is uint8, percent of the winning class 0…100: "
            "convert it, or move it away to go without"
        )
    return sure


def _lattice(raster: Raster) -> tuple[Any, ...]:
    """Return what tells the stored pixels of a raster apart from those of another grid."""
    source: Any = raster.inputs[0]
    names = ("height", "width", "shift", "warp")
    return (raster.grid, *(getattr(source, name, None) for name in names))


def _match(
    layers: tuple[RasterLayer, RasterLayer], renames: Mapping[str, str]
) -> tuple[tuple[MapClass, ...], tuple[dict[int, int], dict[int, int]], list[str]]:
    """Match classes by name; return them, the position of each value on either side, and notes."""
    sides, notes = _named(layers)
    classes: dict[str, MapClass] = {}
    positions: tuple[dict[int, int], dict[int, int]] = {}, {}
    known = {plain(item.name) for side in sides for item in side}
    for left in renames:
        if not is_number(left) and plain(left) not in known:
            listed = ", ".join(dict.fromkeys(item.name for side in sides for item in side))
            raise OptionError(f"map names the class {left!r}, which neither map has; they have {listed[:300]}")
    colors = {plain(item.name): item.color for side in reversed(sides) for item in side}
    named: tuple[dict[str, str], dict[str, str]] = {}, {}
    for side, across, position, names in zip(sides, sides[::-1], positions, named, strict=True):
        chosen = {left: _name_of(right, side, across) for left, right in renames.items()}
        numbers = {int(left): right for left, right in chosen.items() if is_number(left)}
        words = {plain(left): right for left, right in chosen.items() if not is_number(left)}
        pairs = {item.id: numbers.get(item.id, words.get(plain(item.name), item.name)) for item in side}
        pairs |= {value: name for value, name in numbers.items() if value not in pairs}
        for value, name in sorted(pairs.items()):
            key = plain(name) if name else ""
            if key and key not in classes:
                classes[key] = MapClass(len(classes), name, colors.get(key, default_color(len(classes))))
            position[value] = classes[key].id if key else -1
            if key:
                names[key] = classes[key].name
    first, second = layers
    if not named[0].keys() & named[1].keys():
        here, there = (", ".join(list(names.values())[:8]) or "none" for names in named)
        raise InputError(
            f"{first.label} ({here}) and {second.label} ({there}) have no class in common: rename with --map OLD=NEW"
        )
    for layer, mine, other in ((second, named[1], named[0]), (first, named[0], named[1])):
        if absent := [name for key, name in other.items() if key not in mine]:
            notes.append(f"{layer.label} does not know {', '.join(absent[:8])}, which the other map has")
    if len(classes) > _UNKNOWN:
        raise InputError(
            f"{first.label} and {second.label} have {len(classes)} classes; at most {_UNKNOWN} can be compared"
        )
    return tuple(classes.values()), positions, notes


def _name_of(right: str, own: tuple[MapClass, ...], other: tuple[MapClass, ...]) -> str:
    """Return a new name as it is; a number stands for the class of that number, of this map or else of the other."""
    if not is_number(right) or any(item.name == right for item in (*own, *other)):
        return right
    names = {item.id: item.name for item in (*other, *own)}
    return names.get(int(right), unnamed(int(right)).name)


def _named(layers: tuple[RasterLayer, RasterLayer]) -> tuple[tuple[tuple[MapClass, ...], ...], list[str]]:
    """Return the classes of both sides: as named, as the other names them, or the numbers that occur."""
    first, second = layers
    if first.classes and second.classes:
        return (first.classes, second.classes), []
    if first.classes or second.classes:
        bare = second if first.classes else first
        classes = first.classes or second.classes
        return (classes, classes), [f"{bare.label} names no classes; its numbers are taken as those of the other"]
    numbers = sorted({*values_of(first), *values_of(second)})
    classes = tuple(unnamed(value) for value in numbers)
    if not classes:
        raise InputError(f"{first.label} and {second.label}: both are nodata wherever they overlap")
    return (classes, classes), ["neither map names its classes: they are told apart by number"]
