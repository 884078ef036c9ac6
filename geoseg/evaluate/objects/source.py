"""A vector file or table that is opened for objects, and the fields of it that are read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoseg.errors import InputError, OptionError

SCORE_FIELDS = ("score", "confidence")
CLASS_FIELDS = ("class_name", "class_id")
_NO_FIELD = ""


class ObjectSource:
    """A vector file or GeoDataFrame that is opened, and not yet read.

    Parameters
    ----------
    source
        Path or ``GeoDataFrame``.
    name
        What to call a table in messages.

    Attributes
    ----------
    label
        Name for messages.
    fields
        Names of the fields.
    crs
        Its CRS, or None.
    count
        Number of features.
    """

    def __init__(self, source: Any, name: str) -> None:
        self._file: Any = None
        if isinstance(source, str | Path):
            from geoseg.raster.vectors import open_vector

            self.label = Path(source).name
            self._file = open_vector(source)
            with _quiet():
                self._layer = _only_layer(self.label, self._file.layers())
                info = self._file.info(self._layer)
            self.fields, self.crs, self.count = list(info["fields"]), info["crs"], int(info["features"])
            return
        self.label, self._frame = name, source
        self.fields = [field for field in source.columns if field != source.geometry.name]
        self.crs, self.count = source.crs, len(source)

    def field(self, name: str) -> str:
        """Return a field of this name, else one that differs in case, as shapefiles make them; else no name."""
        alike = [one for one in self.fields if str(one).lower() == name]
        return name if name in alike else str(alike[0]) if alike else _NO_FIELD

    @property
    def class_field(self) -> str:
        """Its usual class field, or no name."""
        return next(filter(None, map(self.field, CLASS_FIELDS)), _NO_FIELD)

    def batches(self, columns: list[str], size: int) -> Iterator[Any]:
        """Yield GeoDataFrames of at most ``size`` features, in the file's order."""
        if self._file is None:
            names = [*columns, self._frame.geometry.name]
            yield from (self._frame[names].iloc[at : at + size] for at in range(0, len(self._frame), size))
            return
        found = self._file.batches(self._layer, size, columns=columns, on_invalid="ignore")
        while True:
            with _quiet():  # not while the batch is worked on
                frame = next(found, None)
            if frame is None:
                return
            yield frame

    def check_unchanged(self) -> None:
        """Check that the file is still the one that was opened; raises ChangedError."""
        if self._file is not None:
            self._file.check_unchanged()


class _quiet(warnings.catch_warnings):  # noqa: N801  a context manager
    """Silences that measures (M) are dropped: only outlines in the plane are compared."""

    def __enter__(self) -> Any:
        log = super().__enter__()
        warnings.filterwarnings("ignore", message="Measured", category=UserWarning)
        warnings.filterwarnings("ignore", message="geometry column type", category=RuntimeWarning)
        return log


def _only_layer(label: str, layers: list[tuple[str, str | None]]) -> str:
    found = [name for name, kind in layers if kind is not None]
    if "objects" in found:
        return "objects"
    if len(found) != 1:
        listing = ", ".join(found) or "none with geometries"
        raise InputError(
            f"{label} has the layers {listing}: name the one with the objects 'objects', or write it to a file of its "
            "own with: ogr2ogr -nln objects objects.gpkg FILE LAYER"
        )
    return found[0]


@dataclass(frozen=True)
class Fields:
    """The fields of a layer that are read; an empty name for none.

    Attributes
    ----------
    classes, score
        Field of the class, and of the score.
    """

    classes: str = _NO_FIELD
    score: str = _NO_FIELD

    @property
    def columns(self) -> list[str]:
        """The fields to read."""
        return list(dict.fromkeys(name for name in (self.classes, self.score) if name))


@dataclass(frozen=True)
class Wanted:
    """Fields that were asked for, or empty names."""

    classes: str = _NO_FIELD
    score: str = _NO_FIELD


def choose_fields(objects: ObjectSource, reference: ObjectSource, wanted: Wanted) -> tuple[Fields, Fields]:
    """Choose the fields of both sides.

    The class is compared by name if both sides have names, else by number if both have numbers, else by whatever each
    has; if one side has no class, objects of one class are compared.

    Raises
    ------
    OptionError
        If a field that was asked for does not exist.
    """
    if wanted.score and wanted.score not in objects.fields:
        raise _no_field(objects, wanted.score, "score-field")
    score = wanted.score or next(filter(None, (objects.field(name) for name in SCORE_FIELDS)), _NO_FIELD)
    if wanted.classes and wanted.classes not in reference.fields:
        raise _no_field(reference, wanted.classes, "class-field")
    both = [name for name in CLASS_FIELDS if objects.field(name) and reference.field(name)]
    sides = []
    for side, asked in ((objects, wanted.classes in objects.fields), (reference, True)):
        own = [wanted.classes] if wanted.classes and asked else []
        own += [side.field(name) for name in (*both, *CLASS_FIELDS) if side.field(name)]
        sides.append(own[0] if own else _NO_FIELD)
    if not all(sides):
        sides = [_NO_FIELD, _NO_FIELD]
    return Fields(sides[0], score), Fields(sides[1])


def _no_field(source: ObjectSource, name: str, option: str) -> OptionError:
    listing = ", ".join(source.fields[:12]) or "none"
    return OptionError(f"{source.label} has no field {name!r}; it has {listing}: choose one with --{option}")
