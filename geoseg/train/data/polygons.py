"""Polygons, lines and points with a class field: read, checked, and placed on images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import LAND_COVER, MapClass, default_color, is_number
from geoseg.errors import InputError, OptionError
from geoseg.geodesy.crs import horizontal, to_crs
from geoseg.raster.burn import BURNABLE, buffered, thin
from geoseg.raster.scenes.suffixes import VECTOR_SUFFIXES
from geoseg.raster.vectors import has_shape, open_vector
from geoseg.system.stamps import vector_stamp_of
from geoseg.train.data.labels import PolygonLabels, Vocabulary
from geoseg.write.class_names import tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.raster.files.georeference import Grid

# Usual names of the class field, first match wins; geoseg's own polygons have the first two.
_FIELDS = ("class_name", "class_id", "class", "classname", "label", "landcover", "land_cover", "lc", "code")


@dataclass(frozen=True, eq=False)
class Polygons:
    """All polygons, lines and points of the labels.

    Attributes
    ----------
    geometries, codes, groups
        (n,): shapely geometry; position of its class in ``vocabulary``; position of its group in ``group_names``
        (−1 without groups).
    crs
        CRS of the geometries, or None.
    skipped
        Number of polygons without a class, which are treated as unlabelled.
    notes
        What else was left out, one line each.
    buffer
        Distance around points and lines that they label, too: metres, or pixels without CRS. None for none.
    stamps
        The files, and their stamps from before they were read.
    """

    label: str
    geometries: NDArray[Any]
    codes: NDArray[np.int64]
    groups: NDArray[np.int64]
    group_names: tuple[str, ...]
    crs: Any
    vocabulary: Vocabulary
    field: str
    skipped: int = 0
    notes: tuple[str, ...] = ()
    buffer: float | None = None
    stamps: tuple[tuple[str, str], ...] = ()

    def on(self, grid: Grid, image: str, keep: NDArray[np.bool_] | None = None) -> PolygonLabels | None:
        """Return the polygons on the pixels of an image, or None if none of them touches it.

        Parameters
        ----------
        grid
            Grid of the image.
        image
            Name of the image, for messages.
        keep
            (n,) bool: polygons to use; all if None.

        Raises
        ------
        InputError
            If only one of image and polygons has a CRS.
        """
        import geopandas as gpd
        import shapely

        if (self.crs is None) != (grid.crs is None):
            if self.crs is None and (why := self.in_pixels(grid)):
                raise InputError(f"{self.label} has no CRS and {image} has one{why}")
            without, having = (self.label, image) if self.crs is None else (image, self.label)
            raise InputError(
                f"{without} has no CRS and {having} has one, so polygons and image cannot be aligned; "
                "assign a CRS to it first"
            )
        chosen = np.ones(len(self.codes), np.bool_) if keep is None else keep
        series = gpd.GeoSeries(self.geometries[chosen], crs=self.crs)
        if self.crs is not None and grid.crs is not None and series.crs != grid.crs:
            series = to_crs(series, grid.crs, self.label)
        moved, codes = series.to_numpy(), self.codes[chosen]
        if self.buffer:
            moved = buffered(moved, self.buffer, grid)
        # Polygons far outside a projection's area of use get coordinates that are not finite.
        near = shapely.intersects(moved, shapely.box(*grid.bounds())) & np.isfinite(shapely.bounds(moved)).all(1)
        if not near.any():
            return None
        return PolygonLabels(self.label, moved[near], codes[near], grid.transform, self.stamps)

    def in_pixels(self, grid: Grid) -> str:
        """Return how to end a message if the coordinates are no degrees, and in pixels of an image; else no text."""
        import shapely

        west, south, east, north = shapely.total_bounds(self.geometries)
        inside = -1 <= west <= east <= grid.width + 1 and -grid.height - 1 <= south <= north <= grid.height + 1
        if not inside or (self.crs is not None and horizontal(self.crs).is_geographic):
            return ""
        text = f"; the labels' coordinates (x {west:g}…{east:g}, y {south:g}…{north:g}) seem to be its pixels: "
        if grid.crs is None and south < 0:
            return (
                f"{text}QGIS counts its rows as negative y; mirror the polygons with Affine transform in QGIS, with a "
                "scale factor of -1 for y"
            )
        return f"{text}give polygons in map units, or as COCO JSON, which is in pixels"

    @property
    def areas(self) -> NDArray[np.float64]:
        """Area of each, to weigh them by; those without count as the smallest that has one."""
        import shapely

        areas = np.asarray(shapely.area(self.geometries), np.float64)
        return np.where(areas > 0, areas, min(areas[areas > 0], default=1.0))


def is_polygons(source: Any) -> bool:
    """Whether labels are polygons: a GeoDataFrame, or a vector file by its suffix."""
    if hasattr(source, "geometry") and hasattr(source, "crs"):
        return True
    return isinstance(source, str | Path) and Path(source).suffix.lower() in VECTOR_SUFFIXES


def read_polygons(
    sources: Sequence[Any],
    field: str | None,
    group_field: str | None,
    buffer: float | None = None,
    only_class: str | None = None,
) -> Polygons:
    """Read polygons, lines and points from files or GeoDataFrames, all in the CRS of the first.

    Where none of them has a usual class field, all are of ``only_class``; if that is None, it is an error. With
    ``only_class`` each is an object: points and lines are none without a buffer, and those of no class are places to
    ignore, below the others.

    Raises
    ------
    InputError
        If a source cannot be read, lacks the field, or holds invalid or other geometries.
    OptionError
        If a buffer is given, but there are neither points nor lines.
    """
    import pandas as pd

    stamps = tuple((str(source), vector_stamp_of(source)) for source in sources if isinstance(source, str | Path))
    tables = [_table(source) for source in sources]
    label = tables[0][0]
    if only_class is not None and field is None and not any(_usual_field(frame) for _, frame in tables):
        field = _FIELDS[0]
        tables = [(name, frame.assign(**{field: only_class})) for name, frame in tables]
    field = field or _guess_field(*tables[0])
    frames = []
    for name, frame in tables:
        _check_fields(name, frame, field, group_field)
        _check_geometries(name, frame)
        if (frame.crs is None) != (tables[0][1].crs is None):
            raise InputError(f"{name}: only one of {label} and this file has a CRS; assign one to both")
        same = frame.crs is None or frame.crs == tables[0][1].crs
        frames.append(frame if same else to_crs(frame, tables[0][1].crs, name))
    frame = pd.concat(frames, ignore_index=True)
    whole, frame = frame, frame[has_shape(frame)]
    notes = [f"{label}: {len(whole) - len(frame)} features without a geometry are left out"] * (len(whole) > len(frame))
    named = frame[field].notna() & (frame[field].astype(str).str.strip() != "")
    skipped, left_open = int((~named).sum()), frame.geometry.to_numpy()[~named]
    frame = frame[named]
    if only_class is not None and not buffer:
        frame, left_open = _with_areas(label, frame, notes), left_open[~thin(left_open)]
    if buffer and not thin(frame.geometry.to_numpy()).any():
        raise OptionError(f"{label}: buffer is for points and lines, but the labels are polygons; leave it out")
    if not len(frame):
        raise InputError(f"{label}: no polygon has a class in field {field!r}")
    texts = np.array([_text(value) for value in frame[field]], dtype=object)
    order = _order(frame, texts, field)
    codes = np.array([order.index(text) for text in texts], np.int64)
    names = sorted({_text(value) for value in frame[group_field]}) if group_field else []
    groups = np.array([names.index(_text(v)) for v in frame[group_field]] if group_field else [-1] * len(frame))
    known = {c.name: c.color for c in LAND_COVER}
    classes = [MapClass(i, text, known.get(text, default_color(i))) for i, text in enumerate(order)]
    geometries, ignored = frame.geometry.to_numpy(), frozenset[int]()
    if only_class is not None and len(left_open):
        notes.append(
            f"{label}: {len(left_open)} polygons without a class are left out, neither objects nor background; to use "
            f"them, fill in their field {field!r}"
        )
        ignored, skipped = frozenset({len(order)}), 0
        classes.append(MapClass(len(order), _free_name(order), default_color(len(order))))
        geometries = np.concatenate([left_open, geometries])
        codes = np.concatenate([np.full(len(left_open), len(order)), codes])
        groups = np.concatenate([np.full(len(left_open), -1), groups])
    return Polygons(
        label=label,
        geometries=geometries,
        codes=codes,
        groups=groups.astype(np.int64),
        group_names=tuple(names),
        crs=tables[0][1].crs,
        vocabulary=Vocabulary(tuple(classes), closed=True, ignored=ignored),
        field=field,
        skipped=skipped,
        notes=tuple(notes),
        buffer=buffer,
        stamps=stamps,
    )


def _with_areas(label: str, frame: Any, notes: list[str]) -> Any:
    """Return a table without points and lines, which are no objects."""
    flat = thin(frame.geometry.to_numpy())
    if not flat.any():
        return frame
    what = ", ".join(sorted(set(frame.geometry[flat].geom_type)))
    if flat.all():
        raise InputError(
            f"{label}: holds {what} geometries, but objects are learned from their outlines; draw polygons, or give "
            "--buffer for objects of one size"
        )
    notes.append(f"{label}: {int(flat.sum())} geometries of type {what} are left out, as objects are polygons")
    return frame[~flat]


def _free_name(names: Sequence[str]) -> str:
    return next(name for name in ("without a class", "of no class", "(ignored)") if name not in names)


def _table(source: Any) -> tuple[str, Any]:
    import geopandas as gpd

    if not isinstance(source, str | Path):
        return "the polygons", source
    name, file = str(source), open_vector(source)
    frame = file.read(_layer(name, file.layers()))
    if not hasattr(frame, "geometry") or not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"{name}: a table without geometries; labels must be polygons, lines or points")
    return name, frame


def _layer(name: str, found: list[tuple[str, str | None]]) -> str | None:
    """Return the one layer of labels in a file; points count if there is nothing else, tables such as styles never."""
    layers = [layer for layer, kind in found if kind and "Point" not in kind]
    layers = layers or [layer for layer, kind in found if kind]
    if len(layers) > 1:
        raise InputError(
            f"{name}: has several layers ({', '.join(layers)}); write the one with the labels to a file of its own"
        )
    return layers[0] if layers else found[0][0] if found else None


def _guess_field(name: str, frame: Any) -> str:
    found = _usual_field(frame)
    if found is not None:
        return found
    raise OptionError(
        f"{name}: which field holds the class? Name it with --class-field; the fields are {_listing(frame)}"
    )


def _usual_field(frame: Any) -> str | None:
    columns = {str(column).lower(): str(column) for column in frame.columns}
    return next((columns[field] for field in _FIELDS if field in columns), None)


def _listing(frame: Any) -> str:
    return ", ".join(str(column) for column in frame.columns if column != frame.geometry.name) or "no fields"


def _check_fields(name: str, frame: Any, *fields: str | None) -> None:
    if not len(frame):
        raise InputError(f"{name}: holds no polygons")
    for field in fields:
        if field and field not in frame.columns:
            raise InputError(f"{name}: there is no field {field!r}; its fields are {_listing(frame)}")


def _check_geometries(name: str, frame: Any) -> None:
    import shapely

    geometries = frame.geometry.to_numpy()
    present = ~shapely.is_missing(geometries)
    kinds = set(np.unique(shapely.get_type_id(geometries[present])))
    if others := kinds - BURNABLE:
        first = shapely.GeometryType(int(min(others))).name.title()
        raise InputError(f"{name}: holds {first} geometries; labels must be polygons, lines or points")
    invalid = np.flatnonzero(present & ~shapely.is_valid(geometries))
    if invalid.size:
        why = str(shapely.is_valid_reason(geometries[invalid[0]]))
        what = "feature" if thin(geometries[invalid]).any() else "polygon"
        raise InputError(
            f"{name}: {invalid.size} {what}{'s are' if invalid.size > 1 else ' is'} invalid, the first is number "
            f"{invalid[0] + 1} ({why}); repair them with Fix geometries in QGIS, or with: ogr2ogr -makevalid OUT IN"
        )


def _order(frame: Any, texts: NDArray[Any], field: str) -> list[str]:
    """Return the classes in the order of their numbers if they have any, else in alphabetical order."""
    distinct = sorted(set(texts))
    if field == "class_name" and "class_id" in frame.columns:
        numbers = dict(zip(texts, frame["class_id"], strict=True))
        return sorted(distinct, key=lambda text: (numbers[text], text))
    if all(is_number(text) for text in distinct):
        return sorted(distinct, key=int)
    return distinct


def _text(value: Any) -> str:
    """Write 3.0 as "3": a column of whole numbers with missing values is read as floats."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return tidy(str(value))
