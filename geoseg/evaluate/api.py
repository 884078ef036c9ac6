"""evaluate(): a map, or objects, against a reference. For models see :mod:`geoseg.evaluate.model`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import unnamed
from geoseg.errors import InputError, OptionError
from geoseg.evaluate.class_matching import Side, check_span, match, parse_renames
from geoseg.evaluate.comparison import Comparison, ComparisonCounts, count_pixels, windows
from geoseg.evaluate.evaluation import Evaluation
from geoseg.evaluate.objects import ObjectEvaluation, ObjectOptions, evaluate_objects
from geoseg.evaluate.reference import ClassLayer, RasterLayer, is_vector, open_map, open_reference
from geoseg.geodesy.crs import crs_text
from geoseg.raster.scenes.suffixes import RASTER_SUFFIXES
from geoseg.system.threads import ordered_map
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
    buffer: float | None = None,
    renames: str | Mapping[str, str] | None = None,
    confidence: str | Path | xr.DataArray | bool | None = None,
    tolerance: float | None = 2.0,
    objects: ObjectOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation | ObjectEvaluation:
    """Compare a class map with a reference, or objects with reference objects.

    If ``predicted`` is a vector layer, its objects are matched with those of the reference, see
    :func:`geoseg.evaluate.evaluate_objects`. Else:

    Rasters are read window by window, so memory does not depend on their size. A reference on another grid or in
    another CRS is warped to the map's by the nearest pixel; polygons count where they cover a pixel's centre. Classes
    are matched by name, or by number if one side has no names. Pixels without a class on either side are left out.

    Parameters
    ----------
    predicted
        Class map: a raster of one band of whole numbers, or ``xarray.DataArray`` (y, x). Or objects: a vector file or
        ``GeoDataFrame``.
    reference
        Class raster, or polygons, lines or points: GeoPackage, shapefile, GeoJSON, FlatGeobuf, ``GeoDataFrame``. A line
        counts on the pixels that it crosses, a point on the one that it lies in.
    class_field
        Field of the polygons that holds class names or numbers.
    buffer
        Points and lines count within so many metres (pixels for maps without CRS).
    renames
        Classes to rename or merge: ``{"forest": "tree", "255": ""}`` or ``"forest=tree,255="``. A name is renamed on
        both sides; a number is a value of the reference; an empty right side leaves the class out.
    confidence
        Confidence raster on the map's grid, uint8 percent of the winning class (0…100, 255 nodata), for calibration.
        None takes ``NAME_confidence.tif`` beside ``NAME_classes.tif`` if it exists; False takes none.
    tolerance
        Distance in pixels within which boundaries match, 0…64, for boundary F1; None leaves it out.
    objects
        How objects are evaluated: sizes, score, IoU, cells, extent.
    progress
        Called with the number of windows done and in total.

    Returns
    -------
    Evaluation or ObjectEvaluation
        Scores; ``print(result.table())``, ``result.write("report.json")``.

    Raises
    ------
    InputError
        If files cannot be read, change meanwhile (ChangedError), do not overlap, or have classes that do not match.
    OptionError
        If an option's value is impossible, or the class field is missing.

    Examples
    --------
    >>> import geoseg
    >>> result = geoseg.evaluate("classes.tif", "reference.tif")
    >>> round(result.scores.overall_accuracy, 2)
    0.9
    >>> result.matrix.shape  # rows are the reference, columns the map
    (3, 3)
    >>> merged = geoseg.evaluate("classes.tif", "reference.tif", renames={"field": "wood"})
    >>> [c.name for c in merged.classes]
    ['wood', 'water']
    """
    if is_vector(predicted):
        check_both_objects(predicted, reference)
        return evaluate_objects(
            predicted, reference, class_field=class_field, renames=renames, options=objects, progress=progress
        )
    if objects is not None:
        raise OptionError("the options of objects are for polygons against polygons; a raster is compared by pixels")
    if tolerance is not None and not _TOLERANCES[0] <= tolerance <= _TOLERANCES[1]:
        raise OptionError(f"tolerance must lie in 0…{_TOLERANCES[1]:g} pixels, got {tolerance:g}")
    layer = open_map(predicted)
    pairs = parse_renames(renames)
    other = open_reference(reference, layer.raster.grid, class_field, pairs, buffer)
    scheme = match(*_sides(layer, other), pairs)
    sure = _open_confidence(predicted, confidence, layer)
    comparison = Comparison(layer, other, scheme, sure, tolerance)
    counted = count_pixels(comparison, progress)
    for one in (layer, other, sure):
        if one is not None:
            one.check_unchanged()
    check_compared(counted, layer.side.label, other.side.label)
    result = summarise(comparison, counted, (*scheme.notes, *left_out_notes(comparison, counted)))
    return replace(result, inputs=tuple(one for one in (predicted, reference, confidence) if is_path(one)))


def check_both_objects(predicted: Any, reference: Any) -> None:
    """Check that objects are compared with objects.

    Raises
    ------
    InputError
        If the reference is a raster.
    """
    if not is_vector(reference):
        label = reference if is_path(reference) else "the reference"
        shown = predicted if is_path(predicted) else "the first"
        if is_path(reference) and Path(reference).suffix.lower() not in RASTER_SUFFIXES:
            raise InputError(
                f"{shown} holds polygons, which are compared with polygons, but {label} is no file of polygons by its "
                "name; give a GeoPackage, Shapefile, GeoJSON, FlatGeobuf, GeoParquet or KML"
            )
        raise InputError(
            f"{shown} holds polygons, which are compared with polygons; make some of {label} with geoseg polygonize, "
            "or give the map first, then the polygons"
        )


def is_path(source: Any) -> bool:
    """Whether something that is compared is a file, not an array or table."""
    return isinstance(source, str | Path)


def left_out_notes(comparison: Comparison, counted: ComparisonCounts) -> tuple[str, ...]:
    """Return notes on what is left out of the reference: polygons without a class, a class declared nodata."""
    layer, other, notes = comparison.predicted, comparison.reference, list(comparison.reference.notes)
    nodata = other.raster.bands[0].nodata if isinstance(other, RasterLayer) else None
    if nodata is None or not counted.map_only:
        return tuple(notes)
    named = other.side.classes or layer.side.classes
    known = next((item for item in named if item.id == nodata), None)
    if not named and math.isfinite(nodata):
        # Without names every number could be a class: the map must use it.
        known = unnamed(int(nodata))
        column = next((item.id for item in comparison.scheme.classes if item.name == known.name), None)
        known = None if column is None or not counted.matrix[:, column].any() else known
    if known is not None:
        notes.append(
            f"{other.side.label} declares {known.id} as nodata, which is class {known.name!r}: the "
            f"{counted.map_only:,} pixels left out hold all of these; to compare them, add "
            f"--map {known.id}={known.name if named else known.id}"
        )
    return tuple(notes)


def _sides(layer: RasterLayer, other: ClassLayer) -> tuple[Side, Side]:
    """Return both sides; if neither names classes and numbers may be large, with the numbers that occur."""
    sides = layer.side, other.side
    small = all(isinstance(one, RasterLayer) and one.raster.dtype.itemsize == 1 for one in (layer, other))
    if small or any(side.classes for side in sides):
        return sides
    classes = tuple(unnamed(value) for value in sorted({*values_of(layer), *values_of(other)}))
    return Side(sides[0].label, classes), Side(sides[1].label, classes)


def values_of(layer: ClassLayer) -> set[int]:
    """Return the numbers that occur, in one pass over the pixels.

    Raises
    ------
    InputError
        If there are too many for a class map.
    """
    if not isinstance(layer, RasterLayer):
        return set(getattr(layer, "values", ()))
    found: set[int] = set()
    for part in ordered_map(lambda box: _unique(layer, box), windows(*layer.raster.shape)):
        found.update(part)
        if len(found) > _MOST_VALUES:
            raise InputError(f"{layer.label} holds more than {_MOST_VALUES} different values: it is not a class map")
    check_span(layer.label, min(found, default=0), max(found, default=0))
    return found


def _unique(layer: RasterLayer, box: Box) -> list[int]:
    values, valid = layer.read(box)
    if values.dtype == np.uint8:  # counting is several times as fast as sorting
        return [int(value) for value in np.flatnonzero(np.bincount(values[valid], minlength=256))]
    found = np.unique(values[valid])
    if odd := [value for value in found[:_MOST_VALUES].tolist() if value != int(value)]:
        raise InputError(f"{layer.label} holds {odd[0]:g}, which is not a class number; classify or round it first")
    return [int(value) for value in found[: _MOST_VALUES + 1]]


def summarise(comparison: Comparison, counted: ComparisonCounts, notes: tuple[str, ...]) -> Evaluation:
    """Return the result of a comparison; without class names, numbers that do not occur are left out."""
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
    """Check that at least one pixel was compared.

    Raises
    ------
    InputError
        If not, with the side that has no classes where they overlap.
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
        confidence = confidence_beside(predicted)
        if confidence is None:
            return None
    found = open_map(confidence)
    raster = found.raster
    if raster.grid != layer.raster.grid:
        raise InputError(f"{found.label} is not on the grid of {layer.label}; name the map's own confidence raster")
    if str(raster.dtype) != "uint8":
        raise InputError(f"{found.label} holds {raster.dtype}; confidence is uint8, percent of the winning class 0…100")
    return found


def confidence_beside(predicted: Any) -> Path | None:
    """Return the confidence raster that ``geoseg segment`` wrote beside a class map."""
    if not isinstance(predicted, str | Path) or "://" in str(predicted):
        return None
    path = Path(predicted)
    if not path.stem.endswith("_classes"):
        return None
    found = path.with_name(path.stem.removesuffix("_classes") + "_confidence" + path.suffix)
    return found if found.is_file() else None
