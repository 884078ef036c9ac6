"""What makes a composite doubtful: class maps, other units, fill that no file declares, scenes of other places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError, ReadError
from geoseg.raster.composite.source import CompositeSource
from geoseg.raster.fill import find_fill
from geoseg.raster.gdal.environment import is_remote
from geoseg.raster.grids import bounds_in
from geoseg.raster.probe import probe

if TYPE_CHECKING:
    from geoseg.raster.fill import Fill
    from geoseg.raster.raster import Raster

# Scenes whose pixels are looked at, and pixels of each.
_LOOKED_AT, _SAMPLE = 16, 100_000

# Factor between the medians of scenes from which they seem to be in different units: snow is seven times as bright as
# bare ground, reflectance stored as 0…1 and as 0…10,000 differ by 10,000, 8 and 16 bits by about 40.
_OTHER_UNITS = 20.0


def check_no_classes(rasters: Sequence[Raster], method: str) -> None:
    """Check that no scene is a class map where numbers are averaged or ordered.

    Raises
    ------
    InputError
        If one is: one band of whole numbers with a palette, or with a name that says so.
    """
    if method in ("first", "best"):
        return
    for one in rasters:
        path = one.sources[0] if len(one.bands) == 1 and one.dtype.kind in "iu" and one.sources else None
        if path is not None and not is_remote(path) and Path(path).is_file() and probe(path, remote=False).categorical:
            raise InputError(
                f"{one.name} is a class map, whose numbers have no {method}: join maps with --method first or best, or "
                "clean a series of them with geoseg smooth"
            )


def differences(rasters: Sequence[Raster]) -> list[str]:
    """Return notes on scenes of another kind of numbers than the first, and on those that no other one overlaps."""
    first = rasters[0]
    notes = [
        f"{one.name}: holds {one.dtype}, unlike {first.name} ({first.dtype}), and neither states its units: joined as "
        "they are; convert one if they differ"
        for one in rasters[1:]
        if not one.bands[0].scaled and _size(one.dtype) != _size(first.dtype)
    ]
    if len(rasters) > 1:
        boxes = np.array([bounds_in(one.grid, first.grid.crs, one.name) for one in rasters])
        width, height = abs(first.grid.transform.a), abs(first.grid.transform.e)
        for number, (west, south, east, north) in enumerate(boxes):
            across = np.minimum(boxes[:, 2], east) - np.maximum(boxes[:, 0], west)
            down = np.minimum(boxes[:, 3], north) - np.maximum(boxes[:, 1], south)
            # Tiles side by side are a mosaic.
            if np.count_nonzero((across > -width) & (down > -height)) == 1:
                notes.append(f"{rasters[number].name}: no overlap with any other scene")
    return notes


def _size(kind: np.dtype[Any]) -> str:
    return "byte" if kind.itemsize == 1 else "float" if kind.kind == "f" else "whole"


def _remedy(fill: Fill, dates: Sequence[Raster]) -> str:
    """Return what to do about undeclared fill; the option would replace what other scenes declare."""
    if fill.value is not None and any(band.nodata is not None for one in dates for band in one.bands):
        return f"if that is fill, declare it with gdal_edit.py -a_nodata {fill.text} FILE"
    return f"if that is fill, add --nodata {fill.text}"


def sampled_doubts(composite: Raster) -> list[str]:
    """Return warnings that need a look at pixels: undeclared fill, and values of another size than in other scenes.

    Parameters
    ----------
    composite
        What :func:`geoseg.composite` returns. A sample is read of up to 16 of its scenes, spread over all, that lie on
        this machine.
    """
    source = composite.inputs[0]
    if not isinstance(source, CompositeSource):
        return []
    places = np.unique(np.linspace(0, len(source.dates) - 1, _LOOKED_AT).round().astype(int))
    warnings, levels = [], {}
    for place in places.tolist():
        one = source.dates[place]
        if one.computed or any(is_remote(path) for path in one.sources):
            continue
        try:
            sample = one.sample(_SAMPLE)
            fill = find_fill(one, sample)
        except ReadError:  # the run itself reports what cannot be read
            continue
        if fill is not None:
            sample = fill.left_out(sample)
            warnings.append(f"{one.name!r}: {fill.describe()}: {_remedy(fill, source.dates)}, or it is joined as data")
        values = sample.data[:, sample.valid]
        unit = source.units[place]
        if values.size:
            middles = np.median(values.astype(np.float64), axis=1)
            levels[one.name] = float(np.median(np.abs(middles * unit.gain + unit.shift)))
    usual = float(np.median(list(levels.values()))) if len(levels) > 2 else max(levels.values(), default=0.0)
    for name, level in levels.items():
        if min(level, usual) > 0 and max(level / usual, usual / level) > _OTHER_UNITS:
            warnings.append(
                f"{name!r}: its values are about {level:.3g}, those of other scenes about {usual:.3g}: if it is in "
                "other units, convert it, or state scale and offset in the files (gdal_edit.py -scale -offset)"
            )
    return warnings
