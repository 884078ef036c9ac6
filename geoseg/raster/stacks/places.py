"""Which files of several inputs belong together: those of one place, by name or by where they lie."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from geoseg.errors import InputError
from geoseg.raster.grids import bounds_in
from geoseg.raster.open import open_raster
from geoseg.raster.raster import Raster
from geoseg.raster.scenes.products import is_product
from geoseg.raster.scenes.suffixes import RASTER_SUFFIXES, is_zarr
from geoseg.raster.stacks.series import dates_of, in_order

DATE = "date"
"""Name of the input of a series."""

# Share of a scene that a file must cover to be taken for its, and of the smaller of two scenes for one place.
_COVERS, _SAME_PLACE = 0.99, 0.5


def scenes_of(
    given: Mapping[str, Any], reading: Mapping[str, Any], necessary: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return the inputs of each place, as :func:`geoseg.models.open_inputs` takes them.

    Parameters
    ----------
    given
        Files of each input by its name, folders of them, or patterns; the first input gives the places. ``date`` alone
        is a series of dates, of one place or several.
    reading
        Keyword arguments of :func:`geoseg.open_raster`.
    necessary
        Inputs that every place must have.

    Raises
    ------
    InputError
        If files are missing, or it is unclear which belong together.
    """
    return _series(given[DATE], reading) if list(given) == [DATE] else _paired(given, reading, necessary)


def files_of(source: Any) -> list[Any]:
    """Return what a scene is read from: itself, or its files by input and date, one after the other.

    Examples
    --------
    >>> from geoseg.raster.stacks.places import files_of
    >>> files_of({"optical": ["a.tif", "b.tif"], "date": {"2024-06-01": "c.tif"}})
    ['a.tif', 'b.tif', 'c.tif']
    """
    if isinstance(source, Mapping):
        return files_of(list(source.values()))
    if isinstance(source, list | tuple):
        return [file for one in source for file in files_of(one)]
    return [source]


def expanded(image: Any) -> list[Any]:
    """Return the images of a path: a folder of rasters has many, a Zarr store or a product is one."""
    if isinstance(image, str) and not image:  # Path("") is the working folder
        raise InputError("the path of an image is empty: name a raster or a folder of them")
    if not isinstance(image, str | Path) or not Path(image).is_dir():
        return [image]
    folder = Path(image)
    if is_zarr(folder) or is_product(folder):
        return [image]
    found = [p for p in folder.iterdir() if p.suffix.lower() in (*RASTER_SUFFIXES, ".safe", ".zarr")]
    if not found:
        raise InputError(f"{folder}: this folder has no rasters")
    return sorted(found, key=natural)


def natural(path: Path) -> list[Any]:
    """Return a key that sorts 2.tif before 10.tif."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", path.name)]


def is_pattern(source: Any) -> bool:
    """Return whether a path stands for the files that match it, rather than for one of that name."""
    return isinstance(source, str) and any(mark in source for mark in "*?[") and not Path(source).exists()


def matched(pattern: str) -> list[str]:
    """Return the files that match a pattern, sorted by name."""
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  patterns may be absolute


def matching(name: str, source: Any) -> list[Any]:
    """Return the files that a pattern stands for; a source that is none alone.

    Raises
    ------
    InputError
        If no file matches; ``name`` says of what.
    """
    if not is_pattern(source) or Path(source.partition("=")[2] or source).exists():
        return [source]
    if not (files := matched(source)):
        raise InputError(f"{name}: no file matches {source}")
    return list(files)


def _files(name: str, given: Any, *, stack: bool) -> list[Any]:
    """Return the scenes of one input; patterns and, unless they are stacks, folders are replaced by their files."""
    found: list[Any] = []
    for one in given if isinstance(given, list | tuple) else [given]:
        files = matching(name, one)
        found += files if stack or files != [one] else expanded(one)
    if not found:
        raise InputError(f"{name}: no file is given")
    return found


def _paired(given: Mapping[str, Any], reading: Mapping[str, Any], necessary: Sequence[str]) -> list[dict[str, Any]]:
    """Return for each scene of the first input those of the others that show it."""
    files = {name: _files(name, each, stack=bool(reading.get("stack"))) for name, each in given.items()}
    (first, scenes), *others = files.items()
    rasters = {name: [opened(one, reading) for one in each] for name, each in files.items()}
    result = []
    for number, scene in enumerate(scenes):
        entry = {first: scene}
        for name, each in others:
            place = _partner(rasters[first][number], rasters[name], name, len(scenes))
            if place is not None:
                entry[name] = each[place]
            elif name in necessary:
                raise InputError(f"{_name(scene)}: no scene {name} shows the same place")
        result.append(entry)
    for name, _ in others:
        if not any(name in entry for entry in result):
            raise InputError(f"{name}: {_name(files[name][0])} and the others show none of the scenes of {first}")
    return result


def opened(source: Any, reading: Mapping[str, Any]) -> Raster:
    """Return a raster that is open, or open its files."""
    return source if isinstance(source, Raster) else open_raster(source, **reading)


def _name(source: Any) -> str:
    return source.name if isinstance(source, Raster) else Path(str(source)).name


def _partner(scene: Raster, others: Sequence[Raster], name: str, scenes: int) -> int | None:
    """Return the place of the raster that shows a scene; None if none does."""
    stem = Path(scene.sources[0]).stem
    alike = [place for place, other in enumerate(others) if Path(other.sources[0]).stem == stem]
    if len(alike) == 1 and len(others) > 1:
        return alike[0]
    if not scene.georeferenced:
        if len(others) == 1 and scenes == 1:
            return 0
        raise InputError(f"{scene.name}: has no CRS, so its {name} is found by name only: call it {stem}, too")
    shares = [_share(other, scene) for other in others]
    near = [place for place, share in enumerate(shares) if share > 0]
    whole = [place for place in near if shares[place] >= _COVERS]
    if len(near) > 1 and len(whole) != 1:
        listing = ", ".join(others[place].name for place in near[:4])
        remedy = "call the right one as the scene" if whole else "join them: gdalbuildvrt MOSAIC.vrt FILE…"
        raise InputError(f"{scene.name}: several rasters of {name} show it ({listing}); {remedy}")
    return next(iter(whole or near), None)


def _share(one: Raster, scene: Raster) -> float:
    """Return which share of a scene's extent another raster covers."""
    if one.grid.crs is None:
        return 0.0
    west, south, east, north = bounds_in(one.grid, scene.grid.crs, one.name)
    left, bottom, right, top = scene.grid.bounds()
    across, down = min(east, right) - max(west, left), min(north, top) - max(south, bottom)
    return max(across, 0) * max(down, 0) / ((right - left) * (top - bottom))


def _series(given: Any, reading: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the series of each place: its scenes by date, in the order of time."""
    dated = dates_of(given if isinstance(given, Mapping) else _files(DATE, given, stack=bool(reading.get("stack"))))
    places: list[tuple[Raster, list[tuple[date, Any]]]] = []
    for day, source in dated:
        raster = opened(source, reading)
        for reference, series in places:
            if _together(raster, reference):
                series.append((day, source))
                break
        else:
            places.append((raster, [(day, source)]))
    return [{DATE: dict(in_order(series))} for _, series in places]


def _together(one: Raster, other: Raster) -> bool:
    """Whether two rasters show the same place."""
    if one.grid.crs is None and other.grid.crs is None:
        return one.shape == other.shape
    return max(_share(one, other), _share(other, one)) >= _SAME_PLACE
