"""Boxes of objects from Pascal VOC (XML, one file an image) and from CSV tables, in pixels or map units."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass, default_color
from geoseg.errors import InputError
from geoseg.raster.gdal.xml import read_xml
from geoseg.system.files import read_regular
from geoseg.system.stamps import vector_stamp_of
from geoseg.train.data.labels import PolygonLabels, Vocabulary
from geoseg.write.class_names import tidy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster import Raster

_MOST_BYTES = 2 * 10**9

# Usual names of the columns of a table, lower case, first match wins.
_COLUMNS = {
    "xmin": ("xmin", "x_min", "minx", "left", "west", "x1"),
    "ymin": ("ymin", "y_min", "miny", "top", "south", "y1"),
    "xmax": ("xmax", "x_max", "maxx", "right", "east", "x2"),
    "ymax": ("ymax", "y_max", "maxy", "bottom", "north", "y2"),
    "image": ("image_path", "image", "image_name", "filename", "file_name", "file"),
    "label": ("label", "class", "class_name", "name", "category"),
}


@dataclass(eq=False)
class _Boxes:
    """Boxes of one image, or of all without a name: x and y of two corners, and the class of each."""

    corners: list[tuple[float, float, float, float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    size: tuple[int, int] | None = None
    label: str = ""


@dataclass(frozen=True, eq=False)
class BoxFiles:
    """Boxes from VOC files and CSV tables.

    Attributes
    ----------
    label
        The files, for messages.
    pictures
        Per name of an image file, without folder and suffix; boxes without an image are under the empty name.
    vocabulary
        The classes that occur.
    stamps
        The files, and their stamps from before they were read.
    """

    label: str
    pictures: Mapping[str, _Boxes]
    vocabulary: Vocabulary
    stamps: tuple[tuple[str, str], ...]

    def on(self, raster: Raster) -> tuple[PolygonLabels | None, str]:
        """Return the boxes on an image, found by its file's name, and a note on what was left out.

        Raises
        ------
        InputError
            If the image has another size than its file of boxes says, or boxes lie neither in its pixels nor in its
            map units.
        """
        import shapely

        picture = self.pictures.get(Path(raster.sources[0]).stem) or self.pictures.get("")
        if picture is None or not picture.corners:
            return None, ""
        if picture.size not in (None, raster.shape):
            (high, wide), (height, width) = picture.size or (0, 0), raster.shape
            raise InputError(
                f"{picture.label}: is for an image of {wide} × {high} pixels, but {raster.name} has {width} × "
                f"{height}; use the image that was annotated"
            )
        corners = np.array(picture.corners, np.float64)
        x, y = np.sort(corners[:, ::2], 1), np.sort(corners[:, 1::2], 1)
        sound = (x[:, 0] < x[:, 1]) & (y[:, 0] < y[:, 1])
        left_out = int((~sound).sum())
        codes = np.array([self._code(name) for name in picture.names], np.int64)
        x, y, codes = x[sound], y[sound], codes[sound]
        transform = raster.grid.transform
        shapes = shapely.box(x[:, 0], y[:, 0], x[:, 1], y[:, 1])
        if picture.size is not None or _in_pixels(x, y, raster, picture.label):
            shapes = shapely.transform(shapes, lambda xy: np.stack(transform * (xy[:, 0], xy[:, 1]), 1))
        near = shapely.intersects(shapes, shapely.box(*raster.grid.bounds()))
        note = f"{picture.label}: {left_out} boxes without width or height are left out" if left_out else ""
        if not near.any():
            return None, note
        return PolygonLabels(self.label, shapes[near], codes[near], transform, self.stamps), note

    def _code(self, name: str) -> int:
        return next(item.id for item in self.vocabulary.classes if item.name == name)


def _in_pixels(x: NDArray[np.float64], y: NDArray[np.float64], raster: Raster, label: str) -> bool:
    """Whether boxes are in pixels of the image, not in its map units.

    Raises
    ------
    InputError
        If most of them are neither.
    """
    if not len(x):
        return True
    height, width = raster.shape
    west, south, east, north = raster.grid.bounds()

    def share(left: float, bottom: float, right: float, top: float) -> float:
        centre = x.mean(1), y.mean(1)
        inside = (centre[0] >= left) & (centre[0] <= right) & (centre[1] >= bottom) & (centre[1] <= top)
        return float(inside.mean())

    pixels = share(0, 0, width, height)
    units = share(west, south, east, north) if raster.georeferenced else 0.0
    if pixels >= 0.5 and pixels >= units:
        return True
    if units > 0:
        return False
    listed = f"x {x.min():g}…{x.max():g}, y {y.min():g}…{y.max():g}"
    extent = f", nor in its map units, x {west:g}…{east:g}, y {south:g}…{north:g}" if raster.georeferenced else ""
    raise InputError(
        f"{label}: boxes ({listed}) lie neither in the {width} × {height} pixels of {raster.name}{extent}; are they of "
        "this image, and in its CRS?"
    )


def is_box_file(source: Any) -> bool:
    """Whether labels are a Pascal VOC file or a CSV table, by the suffix."""
    return isinstance(source, str | Path) and Path(source).suffix.lower() in (".xml", ".csv")


def box_files(labels: Sequence[Any]) -> list[Any]:
    """Return labels with folders of VOC files or tables replaced by these."""
    found: list[Any] = []
    for label in labels:
        inside = []
        if isinstance(label, str | Path) and Path(label).is_dir():
            inside = sorted(str(path) for path in Path(label).iterdir() if is_box_file(path))
            # Beside VOC files there may be tables of anything.
            inside = [path for path in inside if path.lower().endswith(".xml")] or inside
        found += inside or [label]
    return found


def read_boxes(paths: Sequence[str], only_class: str = "object") -> BoxFiles:
    """Read VOC files and CSV tables; boxes without a class are of ``only_class``.

    Raises
    ------
    InputError
        If a file cannot be read, or holds no box; one line names the first defect.
    """
    stamps = tuple((path, vector_stamp_of(path)) for path in paths)
    pictures: dict[str, _Boxes] = {}
    for path in paths:
        if path.lower().endswith(".xml"):
            _read_voc(path, pictures, only_class)
        else:
            _read_table(path, pictures, only_class)
    names = sorted({name for picture in pictures.values() for name in picture.names})
    label = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    if not names:
        raise InputError(f"{label}: no boxes in it")
    classes = tuple(MapClass(code, name, default_color(code)) for code, name in enumerate(names))
    return BoxFiles(label, pictures, Vocabulary(classes, closed=True), stamps)


def _read_voc(path: str, pictures: dict[str, _Boxes], only_class: str) -> None:
    root = read_xml(Path(path))
    if root.tag != "annotation":
        raise InputError(f"{path}: is XML, but no Pascal VOC file: its first element is {root.tag!r}, not 'annotation'")
    # Files are renamed more often than what is written in them: the XML's own name comes first.
    picture = pictures.setdefault(Path(path).stem, _Boxes(label=path))
    named = Path((root.findtext("filename") or "").replace("\\", "/")).stem
    if named and named not in pictures:
        pictures[named] = picture
    try:
        size = root.find("size")
        if size is not None and int(size.findtext("width", "0")):
            picture.size = int(size.findtext("height", "0")), int(size.findtext("width", "0"))
        for number, item in enumerate(root.iter("object"), 1):
            box = item.find("bndbox")
            if box is None:
                raise ValueError(f"object {number} has no bndbox")  # noqa: TRY301 - one message for all defects
            texts = [box.findtext(key) for key in ("xmin", "ymin", "xmax", "ymax")]
            picture.corners.append(_numbers(texts, f"object {number}"))
            picture.names.append(tidy(item.findtext("name") or "") or only_class)
    except ValueError as error:
        raise InputError(f"{path}: is no sound Pascal VOC file: {error}") from None


def _numbers(texts: Sequence[str | None], what: str) -> tuple[float, float, float, float]:
    try:
        west, north, east, south = (float(text or "") for text in texts)
    except ValueError:
        raise ValueError(
            f"{what} has a box of {', '.join(str(text) for text in texts)}: four numbers are wanted"
        ) from None
    if not np.isfinite([west, north, east, south]).all():
        raise ValueError(f"{what} has a box that is not finite")
    return west, north, east, south


def _read_table(path: str, pictures: dict[str, _Boxes], only_class: str) -> None:
    try:
        text = read_regular(path, _MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a CSV table in UTF-8: {error}") from None
    try:
        dialect: Any = csv.Sniffer().sniff(text[:4096], ",;\t")
    except csv.Error:
        dialect = csv.excel
    rows = csv.DictReader(io.StringIO(text), dialect=dialect)
    fields = {str(name).strip().lower(): name for name in rows.fieldnames or ()}
    column = {key: next((fields[name] for name in names if name in fields), None) for key, names in _COLUMNS.items()}
    corners = [column[key] for key in ("xmin", "ymin", "xmax", "ymax")]
    if None in corners:
        missing = next(key for key in ("xmin", "ymin", "xmax", "ymax") if column[key] is None)
        raise InputError(
            f"{path}: has no column {missing}: a table of boxes has xmin, ymin, xmax and ymax, and may have image_path "
            f"and label; its columns are {', '.join(map(str, rows.fieldnames or ())) or 'none'}"
        )
    for row in rows:
        image = row.get(column["image"] or "") or ""
        stem = Path(image.replace("\\", "/")).stem if column["image"] else ""
        picture = pictures.setdefault(stem, _Boxes(label=path))
        try:
            picture.corners.append(_numbers([row.get(str(key)) for key in corners], f"line {rows.line_num}"))
        except ValueError as error:
            raise InputError(f"{path}: {error}") from None
        picture.names.append(tidy((row.get(column["label"] or "") or "").strip()) or only_class)
