"""evaluate(): a map against a reference. The model door is in :mod:`geoseg.evaluate.model`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import unnamed
from geoseg.errors import InputError, OptionError
from geoseg.evaluate.class_matching import Side, match, parse_renames
from geoseg.evaluate.comparison import Comparison, ComparisonCounts, count_pixels, in_order, windows
from geoseg.evaluate.evaluation import Evaluation
from geoseg.evaluate.reference import ClassLayer, RasterLayer, open_map, open_reference
from geoseg.geodesy.crs import crs_text
from geoseg.tiling import Box

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

_TOLERANCES = (0.0, 64.0)

_MOST_VALUES = 1000


def evaluate(
    predicted: str | Path | xr.DataArray,
    reference: str | Path | xr.DataArray | gpd.GeoDataFrame,
    *,
    class_field: str | None = None,
    renames: str | Mapping[str, str] | None = None,
    confidence: str | Path | xr.DataArray | bool | None = None,
    tolerance: float | None = 2.0,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Hold a class map against a reference.

    Rasters are read window by window, so memory does not depend on their size. A reference on another grid or in
    another CRS is brought to the map's by the nearest pixel; polygons count where they cover a pixel's centre. Classes
    are matched by name; by number where one of the two names none. Pixels without class on either side are left out.

    Parameters
    ----------
    predicted
        Class map: a raster of one band of whole numbers, or ``xarray.DataArray`` (y, x).
    reference
        Class raster, or polygons: GeoPackage, shapefile, GeoJSON, FlatGeobuf, ``GeoDataFrame``.
    class_field
        Field of the polygons that holds class names or numbers.
    renames
        What classes count as: ``{"forest": "tree", "255": ""}`` or ``"forest=tree,255="``. A name is renamed wherever
        it occurs; a number is a value of the reference; nothing on the right leaves the class out.
    confidence
        Raster of percent of the winning class (0…100, 255 nodata) on the map's grid, for calibration. None takes
        ``NAME_confidence.tif`` beside ``NAME_classes.tif`` if it is there; False takes none.
    tolerance
        Pixels by which a boundary may be off for boundary F1, 0…64; None leaves it out.
    progress
        Called with windows done and their number.

    Returns
    -------
    Evaluation
        Scores, confusion matrix; ``print(result.table())``, ``result.write("report.json")``.

    Raises
    ------
    InputError
        If files cannot be read, do not overlap, or have classes that do not match.
    OptionError
        If an option's value is impossible, or the class field is missing.
    """
    if tolerance is not None and not _TOLERANCES[0] <= tolerance <= _TOLERANCES[1]:
        raise OptionError(f"tolerance is {tolerance:g} pixels: it must lie in 0…{_TOLERANCES[1]:g}")
    layer = open_map(predicted)
    other = open_reference(reference, layer.raster.grid, class_field)
    scheme = match(*_sides(layer, other), parse_renames(renames))
    sure = _open_confidence(predicted, confidence, layer)
    comparison = Comparison(layer, other, scheme, sure, tolerance)
    counted = count_pixels(comparison, progress)
    check_compared(counted, layer.side.label, other.side.label)
    return summarise(comparison, counted, scheme.notes)


def _sides(layer: RasterLayer, other: ClassLayer) -> tuple[Side, Side]:
    """Return both sides; where neither names classes and numbers may be large, with the numbers that occur."""
    sides = layer.side, other.side
    small = all(isinstance(one, RasterLayer) and one.raster.dtype.itemsize == 1 for one in (layer, other))
    if small or any(side.classes for side in sides):
        return sides
    found = tuple(unnamed(value) for value in sorted({*values_of(layer), *values_of(other)}))
    return Side(sides[0].label, found), Side(sides[1].label, found)


def values_of(layer: ClassLayer) -> set[int]:
    """Return the numbers that occur, by a pass over the pixels.

    Raises
    ------
    InputError
        If there are too many for a class map.
    """
    if not isinstance(layer, RasterLayer):
        return set(getattr(layer, "values", ()))
    found: set[int] = set()
    for part in in_order(lambda box: _unique(layer, box), windows(*layer.raster.shape)):
        found.update(part)
        if len(found) > _MOST_VALUES:
            raise InputError(f"{layer.label} holds more than {_MOST_VALUES} different values: it is no class map")
    return found


def _unique(layer: RasterLayer, box: Box) -> list[int]:
    values, valid = layer.read(box)
    found = np.unique(values[valid])
    if odd := [value for value in found[:_MOST_VALUES].tolist() if value != int(value)]:
        raise InputError(f"{layer.label} holds {odd[0]:g}, which is no class number; classify or round it first")
    return [int(value) for value in found[: _MOST_VALUES + 1]]


def summarise(comparison: Comparison, counted: ComparisonCounts, notes: tuple[str, ...]) -> Evaluation:
    """Return the result of a comparison; bare numbers that occur nowhere are left out."""
    classes = comparison.scheme.classes
    if not (comparison.predicted.side.classes or comparison.reference.side.classes):
        counted, classes = _only_present(counted, classes)
    raster = comparison.predicted.raster
    facts = {
        "grid": {
            "height": raster.shape[0],
            "width": raster.shape[1],
            "crs": None if raster.grid.crs is None else crs_text(raster.grid.crs),
            "transform": list(raster.transform)[:6],
        }
    }
    return Evaluation(
        comparison.predicted.side.label, comparison.reference.side.label, classes, counted, comparison.tolerance,
        notes, facts,
    )  # fmt: skip


def check_compared(counted: ComparisonCounts, predicted: str, reference: str) -> None:
    """Refuse a comparison of nothing.

    Raises
    ------
    InputError
        Saying which side is empty where they overlap.
    """
    if counted.matrix.sum():
        return
    if not counted.map_only and not counted.reference_only:
        why = "both are nodata everywhere"
    elif not counted.reference_only:
        why = f"{reference} has no class anywhere on the map's valid pixels"
    elif not counted.map_only:
        why = f"{predicted} is nodata wherever the reference has a class"
    else:
        why = "they have classes in different places"
    raise InputError(f"{predicted} and {reference} have no pixel with a class in common: {why}")


def _only_present(counted: ComparisonCounts, classes: tuple[Any, ...]) -> tuple[ComparisonCounts, tuple[Any, ...]]:
    from geoseg.evaluate.boundary import BoundaryCounts
    from geoseg.evaluate.class_matching import numbered

    keep = [k for k in range(len(classes)) if counted.matrix[k].any() or counted.matrix[:, k].any()]
    counted.matrix = counted.matrix[keep][:, keep]
    if (found := counted.boundary) is not None:
        parts = (found.predicted, found.predicted_matched, found.reference, found.reference_matched)
        counted.boundary = BoundaryCounts(*(part[keep] for part in parts))
    return counted, numbered([classes[k] for k in keep])


def _open_confidence(predicted: Any, confidence: Any, layer: RasterLayer) -> RasterLayer | None:
    if confidence is False:
        return None
    if confidence is None or confidence is True:
        confidence = _beside(predicted)
        if confidence is None:
            return None
    found = open_map(confidence)
    raster = found.raster
    if raster.grid != layer.raster.grid:
        raise InputError(f"{found.label} is not on the grid of {layer.label}; name the map's own confidence raster")
    if str(raster.dtype) != "uint8":
        raise InputError(f"{found.label} holds {raster.dtype}; confidence is uint8, percent of the winning class 0…100")
    return found


def _beside(predicted: Any) -> Path | None:
    """Return the confidence that ``geoseg segment`` wrote with a class map."""
    if not isinstance(predicted, str | Path) or "://" in str(predicted):
        return None
    path = Path(predicted)
    if not path.stem.endswith("_classes"):
        return None
    found = path.with_name(path.stem.removesuffix("_classes") + "_confidence" + path.suffix)
    return found if found.is_file() else None
