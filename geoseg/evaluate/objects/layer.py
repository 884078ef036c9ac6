"""A layer of objects: polygons with a class and a score, cleaned, brought to one CRS and measured."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError
from geoseg.evaluate.objects.spool import Spool
from geoseg.geodesy.crs import check_degrees, same_crs, to_crs
from geoseg.geodesy.polygons import PolygonAreas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.objects.source import Fields, ObjectSource

_POLYGONS, _COLLECTION = (3, 6), 7  # type numbers of shapely
_MOST_CLASSES = 1000


@dataclass(frozen=True, eq=False)
class ObjectLayer:
    """Objects of one side. All arrays have one entry per object.

    Objects are in an order that does not depend on the file's: by western, southern, eastern and northern bound, area,
    and a checksum of the outline.

    Attributes
    ----------
    label
        Name for messages.
    classes
        Class names, in the order of ``class_codes``.
    class_codes
        int32, position of the class.
    scores
        float64, higher is surer; all 1 if there is no such field.
    areas
        float64, m² on the ellipsoid, or square units without a CRS.
    flat_areas
        float64, square units of the coordinates.
    bounds
        float64 (n, 4): west, south, east, north in the common CRS.
    numbers
        int64, position of the feature in its file, from 0.
    notes
        What was repaired or left out, one line each.
    spool, places
        The geometries, and the number of each object's there.
    """

    label: str
    classes: tuple[str, ...]
    class_codes: NDArray[np.int32]
    scores: NDArray[np.float64]
    areas: NDArray[np.float64]
    flat_areas: NDArray[np.float64]
    bounds: NDArray[np.float64]
    numbers: NDArray[np.int64]
    notes: tuple[str, ...]
    spool: Spool
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def shapes(self, which: NDArray[np.int64]) -> NDArray[Any]:
        """Return the geometries of some objects."""
        return self.spool.read(self.places[which])


@dataclass(frozen=True)
class Target:
    """What a layer is brought to.

    Attributes
    ----------
    crs
        The common CRS, or None.
    classes
        Returns the class name for the text of the class field, empty to leave the object out. Without it every object
        is of the class ``object``.
    """

    crs: Any
    classes: Callable[[str], str] | None


def class_text(value: Any) -> str:
    """Return the value of a class field as text: 3.0, which tables with gaps hold for 3, is "3"; missing is empty."""
    if value is None or value != value:  # noqa: PLR0124  NaN
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def read_layer(source: ObjectSource, fields: Fields, target: Target, batches: Iterable[Any]) -> ObjectLayer:
    """Read a layer batch by batch: geometries go to a temporary file, numbers stay in memory.

    Parameters
    ----------
    source
        The layer.
    fields
        Fields of class and score.
    target
        CRS and class names.
    batches
        Its features with these fields, as GeoDataFrames.

    Raises
    ------
    InputError
        If it holds no polygons but other geometries, scores are missing, or the CRS does not fit.
    """
    reader = _Reader(source, fields, target)
    for frame in batches:
        reader.add(frame)
    source.check_unchanged()
    return reader.finish()


class _Reader:
    def __init__(self, source: ObjectSource, fields: Fields, target: Target) -> None:
        self._source, self._fields, self._target = source, fields, target
        self._spool, self._measure = Spool(), PolygonAreas(target.crs)
        self._seen, self._stored, self._bad_scores, self._bad_score = 0, 0, 0, ""
        self._left_out: Counter[str] = Counter()
        self._repaired = 0
        self._kinds: Counter[str] = Counter()
        self._names: dict[str, int] = {}
        self._parts: list[tuple[NDArray[Any], ...]] = []

    def add(self, frame: Any) -> None:
        """Clean, move and measure a batch."""
        import shapely

        numbers = self._seen + np.arange(len(frame))
        self._seen += len(frame)
        if not hasattr(frame, "geometry") or not len(frame):
            return
        codes = self._codes(frame)
        shapes = np.asarray(frame.geometry.to_numpy(), object)
        keep = self._polygonal(shapes) & (codes >= 0)
        if not keep.any():
            return
        frame, codes, numbers = frame[keep], codes[keep], numbers[keep]
        check_degrees(frame, self._source.label)
        if self._target.crs is not None and not same_crs(frame.crs, self._target.crs):
            frame = to_crs(frame.set_geometry(frame.geometry.force_2d()), self._target.crs, self._source.label)
        shapes = self._clean(shapely.force_2d(np.asarray(frame.geometry.to_numpy(), object)))
        areas, flat = np.zeros(len(shapes)), shapely.area(shapes)
        whole = flat > 0
        areas[whole] = self._measure(shapes[whole])
        whole &= np.isfinite(areas) & (areas > 0)
        self._left_out["without an area"] += int((~whole).sum())
        shapes = shapely.normalize(shapes[whole])
        wkb = shapely.to_wkb(shapes).tolist()
        self._spool.append(wkb)
        checks = np.fromiter(map(zlib.crc32, wkb), np.int64, len(wkb))
        scores = self._scores(frame[whole])
        places = self._stored + np.arange(len(wkb))
        self._stored += len(wkb)
        self._parts.append(
            (codes[whole], scores, areas[whole], flat[whole], shapely.bounds(shapes), numbers[whole], places, checks)
        )

    def _codes(self, frame: Any) -> NDArray[np.int32]:
        wanted = self._target.classes
        if wanted is None:
            self._names.setdefault("object", 0)
            return np.zeros(len(frame), np.int32)
        import pandas as pd

        which, values = pd.factorize(frame[self._fields.classes], use_na_sentinel=True)
        texts = [class_text(value) for value in values]
        names = [wanted(text) for text in texts]
        table = [self._names.setdefault(name, len(self._names)) if name else -1 for name in names]
        codes: NDArray[np.int32] = np.array([*table, -1], np.int32)[which]  # missing values are −1, and so the last
        # Names that --map maps to nothing are left out as asked.
        asked = np.array([*(bool(text) and not name for text, name in zip(texts, names, strict=True)), False])[which]
        self._left_out["of classes that --map ignores"] += int(asked.sum())
        self._left_out["without a class"] += int(((codes < 0) & ~asked).sum())
        if len(self._names) > _MOST_CLASSES:
            raise InputError(
                f"{self._source.label}: field {self._fields.classes!r} holds more than {_MOST_CLASSES} different "
                "values, too many for classes; name another with --class-field"
            )
        return codes

    def _polygonal(self, shapes: NDArray[Any]) -> NDArray[np.bool_]:
        import shapely

        kinds = shapely.get_type_id(shapes)
        empty = (kinds < 0) | shapely.is_empty(shapes)
        # A collection may hold polygons; what else it holds has no area.
        good = ~empty & np.isin(kinds, (*_POLYGONS, _COLLECTION))
        self._left_out["without a geometry"] += int(empty.sum())
        for shape in shapes[~good & ~empty]:
            self._kinds[shape.geom_type] += 1
        return np.asarray(good, bool)

    def _clean(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Return valid polygons of the same outline; those that collapse become empty."""
        import shapely

        mixed = shapely.get_type_id(shapes) == _COLLECTION
        shapes[mixed] = [_polygons_of(one) for one in shapes[mixed]]
        broken = ~shapely.is_valid(shapes)
        if broken.any():
            finite = np.isfinite(shapely.bounds(shapes)).all(1)
            shapes[broken & ~finite] = shapely.Polygon()
            broken &= finite
            # By structure: parts of a multipolygon that overlap are united, where "linework" would cut a hole.
            mended = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
            shapes[broken] = [_polygons_of(one) for one in mended]
            self._repaired += int((shapely.area(shapes[broken]) > 0).sum())
        return shapes

    def _scores(self, frame: Any) -> NDArray[np.float64]:
        if not self._fields.score:
            return np.ones(len(frame))
        import pandas as pd

        column = pd.to_numeric(frame[self._fields.score], errors="coerce")
        scores = column.to_numpy(np.float64, na_value=np.nan)
        bad = np.flatnonzero(~np.isfinite(scores))
        self._bad_scores += len(bad)
        if len(bad) and not self._bad_score:
            value = frame[self._fields.score].iloc[bad[0]]
            self._bad_score = "nothing" if value is None or pd.isna(value) or value == "" else repr(value)[:60]
        return np.asarray(scores, np.float64)

    def finish(self) -> ObjectLayer:
        """Return the layer, in its own order."""
        label, field = self._source.label, self._fields.score
        if self._bad_scores:
            raise InputError(
                f"{label}: {self._bad_scores} of {self._seen} values of {field!r} are no finite numbers "
                f"({self._bad_score}), and cannot be ranked; write them as numbers, drop these objects (ogr2ogr "
                "-where), or name another field with --score-field"
            )
        if self._kinds and not self._stored:
            kinds = ", ".join(sorted(self._kinds))
            raise InputError(
                f"{label} holds geometries of type {kinds}, but objects are polygons; make polygons of them first, "
                "for example with Buffer in QGIS"
            )
        none, whole = np.zeros(0), np.zeros(0, np.int64)
        empty = np.zeros(0, np.int32), none, none, none, np.zeros((0, 4)), whole, whole, whole
        columns = [np.concatenate(parts) for parts in zip(empty, *self._parts, strict=True)]
        codes, scores, areas, flat, bounds, numbers, places, checks = columns
        order = np.lexsort((checks, areas, *bounds.T[::-1]))
        return ObjectLayer(
            label, tuple(self._names), codes[order], scores[order], areas[order], flat[order],
            bounds[order], numbers[order], self._notes(), self._spool, places[order],
        )  # fmt: skip

    def _notes(self) -> tuple[str, ...]:
        label = self._source.label
        notes = [f"{label}: {count} objects {why} are left out" for why, count in self._left_out.items() if count]
        notes += [
            f"{label}: {count} geometries of type {kind} are left out, as objects are polygons"
            for kind, count in sorted(self._kinds.items())
        ]
        if self._repaired:
            notes.append(f"{label}: {self._repaired} invalid polygons (crossing themselves) are compared as repaired")
        return tuple(notes)


def _polygons_of(shape: Any) -> Any:
    """Return the polygons of a repaired geometry as one; lines and points that are left over have no area."""
    import shapely

    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.union_all(parts[shapely.get_type_id(parts) == _POLYGONS[0]])
