"""Boxes of objects from Pascal VOC (XML, one file an image) and from CSV tables, in pixels or map units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass, default_color
from geoseg.errors import InputError, OptionError
from geoseg.raster.gdal.xml import read_xml
from geoseg.raster.scenes.suffixes import VECTOR_SUFFIXES
from geoseg.system.stamps import vector_stamp_of
from geoseg.train.boxes.box_tables import Boxes, numbers, read_table
from geoseg.train.data.images import annotated_grid, match_names, not_given, on_ground, touching
from geoseg.train.data.labels import PolygonLabels, Vocabulary
from geoseg.write.class_names import tidy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster import Raster
    from geoseg.raster.files.georeference import Grid


@dataclass(frozen=True, eq=False)
class BoxFiles:
    """Boxes from VOC files and CSV tables.

    Attributes
    ----------
    label
        The files, for messages.
    pictures
        Per VOC file, and per image that a table names; boxes without an image are under the empty name.
    vocabulary
        The classes that occur.
    stamps
        The files, and their stamps from before they were read.
    notes
        What was left out, one line each.
    """

    label: str
    pictures: Mapping[str, Boxes]
    vocabulary: Vocabulary
    stamps: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()

    def on(self, rasters: Sequence[Raster]) -> tuple[list[PolygonLabels | None], list[str]]:
        """Return the boxes on each image, found by its file's name, and notes on what was left out.

        Raises
        ------
        InputError
            If none of the images is named, one has another size than its file of boxes says, boxes lie neither in its
            pixels nor in its map units, or it is not clear of which image they are.
        """
        found = self._of_each(rasters)
        notes: list[str] = list(self.notes)
        placed = [
            None if boxes is None else self._placed(boxes, raster, notes)
            for boxes, raster in zip(found, rasters, strict=True)
        ]
        unnamed = self.pictures.get("")
        if unnamed is not None:
            free = [k for k, boxes in enumerate(found) if boxes is None]
            for k, labels in zip(free, self._spread(unnamed, [rasters[k] for k in free], notes), strict=True):
                placed[k] = labels
        return placed, notes + self._unused(found)

    def _of_each(self, rasters: Sequence[Raster]) -> list[Boxes | None]:
        """Return the boxes of each image: by the name of their file or in the table, else by the name in the file."""
        images = [raster.sources[0] for raster in rasters]
        own = [key for key in self.pictures if key]
        found_at = match_names(own, images, self.label)
        found = [None if number is None else self.pictures[own[number]] for number in found_at]
        # Files are renamed more often than what is written in them: the XML's own name comes first.
        named = set(found)
        rest = [boxes for boxes in self.pictures.values() if boxes.image and boxes not in named]
        free = [k for k, boxes in enumerate(found) if boxes is None]
        found_at = match_names([boxes.image for boxes in rest], [images[k] for k in free], self.label)
        for k, number in zip(free, found_at, strict=True):
            found[k] = None if number is None else rest[number]
        if "" not in self.pictures and not any(found):
            listed = ", ".join((self.pictures[key].image or key) for key in own[:3])
            raise InputError(
                f"{self.label}: boxes are for {listed}{', …' if len(own) > 3 else ''}, of which none is given "
                f"({', '.join(images[:3])}); give these images, or name them as the labels do"
            )
        return found

    def _placed(self, boxes: Boxes, raster: Raster, notes: list[str]) -> PolygonLabels | None:
        """Return boxes that are for an image."""
        if not boxes.corners:
            return None
        grid = annotated_grid(raster)
        if boxes.size not in (None, (grid.height, grid.width)):
            (high, wide), height, width = boxes.size or (0, 0), grid.height, grid.width
            raise InputError(
                f"{boxes.label}: is for an image of {wide} × {high} pixels, but {raster.name} has {width} × "
                f"{height}; use the image that was annotated"
            )
        x, y, codes = self._sound(boxes, notes)
        pixels = boxes.size is not None or _in_pixels(x, y, raster, grid, boxes.label, notes)
        labels, near = self._labels(raster, x, y, codes, pixels=grid if pixels else None)
        if outside := int((~near).sum()):
            notes.append(f"{boxes.label}: {outside} boxes outside of {raster.name} are left out")
        return labels

    def _spread(self, boxes: Boxes, rasters: Sequence[Raster], notes: list[str]) -> list[PolygonLabels | None]:
        """Return boxes that are for no image in particular on each."""
        if len(rasters) == 1:
            return [self._placed(boxes, rasters[0], notes)]
        x, y, codes = self._sound(boxes, notes)
        placed: list[PolygonLabels | None] = []
        used = np.zeros(len(codes), np.bool_)
        for raster in rasters:
            if not raster.georeferenced or not _share(x, y, raster.grid.bounds()):
                placed.append(None)
                continue
            labels, near = self._labels(raster, x, y, codes)
            placed.append(labels)
            used |= near
        if len(codes) and rasters and not used.any():
            raise InputError(
                f"{boxes.label}: does not say of which image its boxes are, and they lie in the map units of none "
                f"({_listed(x, y)}): add a column image_path, or give one image"
            )
        if not used.all():
            notes.append(f"{boxes.label}: {int((~used).sum())} boxes on none of the images are left out")
        return placed

    def _sound(self, boxes: Boxes, notes: list[str]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return x and y of the edges, (n, 2) each, of boxes with an area, and their classes."""
        corners = np.array(boxes.corners, np.float64).reshape(-1, 4)
        x, y = np.sort(corners[:, ::2], 1), np.sort(corners[:, 1::2], 1)
        sound = (x[:, 0] < x[:, 1]) & (y[:, 0] < y[:, 1])
        if left_out := int((~sound).sum()):
            notes.append(f"{boxes.label}: {left_out} boxes without width or height are left out")
        numbers = {item.name: item.id for item in self.vocabulary.classes}
        codes = np.array([numbers[name] for name in boxes.names], np.int64)
        return x[sound], y[sound], codes[sound]

    def _labels(
        self, raster: Raster, x: NDArray[Any], y: NDArray[Any], codes: NDArray[Any], pixels: Grid | None = None
    ) -> tuple[PolygonLabels | None, NDArray[np.bool_]]:
        """Return the boxes, in pixels of a grid or in map units, that touch an image, and which do."""
        import shapely

        shapes = shapely.box(x[:, 0], y[:, 0], x[:, 1], y[:, 1])
        if pixels is not None:
            shapes = on_ground(shapes, pixels)
        near = touching(shapes, raster.grid)
        if not near.any():
            return None, near
        return PolygonLabels(self.label, shapes[near], codes[near], raster.grid.transform, self.stamps), near

    def _unused(self, found: Sequence[Boxes | None]) -> list[str]:
        """Return a note on boxes of images that are not given."""
        used = set(found)
        rest = {
            key: len(boxes.corners)
            for key, boxes in self.pictures.items()
            if key and boxes.corners and boxes not in used
        }
        return not_given(self.label, rest, "boxes")


def _share(x: NDArray[np.float64], y: NDArray[np.float64], bounds: tuple[float, float, float, float]) -> float:
    """Return the share of boxes whose centre is within bounds: west, south, east, north."""
    west, south, east, north = bounds
    centre = x.mean(1), y.mean(1)
    inside = (centre[0] >= west) & (centre[0] <= east) & (centre[1] >= south) & (centre[1] <= north)
    return float(inside.mean()) if len(x) else 0.0


def _listed(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return f"x {x.min():g}…{x.max():g}, y {y.min():g}…{y.max():g}"


def _in_pixels(x: NDArray[Any], y: NDArray[Any], raster: Raster, grid: Grid, label: str, notes: list[str]) -> bool:
    """Return whether boxes are in pixels of the image, not in its map units.

    Raises
    ------
    InputError
        If most of them are neither, or all are smaller than a pixel.
    """
    if not len(x):
        return True
    height, width = grid.height, grid.width
    west, south, east, north = grid.bounds()
    pixels = _share(x, y, (0, 0, width, height))
    units = _share(x, y, (west, south, east, north)) if raster.georeferenced else 0.0
    if pixels >= 0.5 and pixels >= units:
        if (np.diff(x) < 1).all() and (np.diff(y) < 1).all():
            raise InputError(
                f"{label}: all boxes are smaller than a pixel of {raster.name} ({_listed(x, y)}): they are not in its "
                "pixels; write them in pixels, or in map units of the image's CRS"
            )
        if units >= 0.5:
            notes.append(
                f"{label}: boxes ({_listed(x, y)}) lie in the pixels of {raster.name} as well as in its map units; "
                "taken as pixels"
            )
        return True
    if units > 0:
        return False
    extent = f", nor in its map units, x {west:g}…{east:g}, y {south:g}…{north:g}" if raster.georeferenced else ""
    raise InputError(
        f"{label}: boxes ({_listed(x, y)}) lie neither in the {width} × {height} pixels of {raster.name}{extent}; are "
        "they of this image, and in its CRS?"
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
            # GDAL's and QGIS's notes on images and layers.
            inside = [path for path in inside if not path.lower().endswith((".aux.xml", ".shp.xml"))]
            # Beside VOC files there may be tables of anything.
            inside = [path for path in inside if path.lower().endswith(".xml")] or inside
            others = [path.name for path in Path(label).iterdir() if path.suffix.lower() in VECTOR_SUFFIXES]
            if inside and others:
                raise InputError(
                    f"{label}: has {Path(inside[0]).name} as well as {others[0]}: name the files that are the labels"
                )
        found += inside or [label]
    return found


def read_boxes(paths: Sequence[str], only_class: str = "object", class_field: str | None = None) -> BoxFiles:
    """Read VOC files and CSV tables; boxes without a class are of ``only_class``.

    Raises
    ------
    InputError
        If a file cannot be read, or holds no box; one line names the first defect.
    OptionError
        If a column of classes is named, but there are no tables.
    """
    if class_field is not None and any(path.lower().endswith(".xml") for path in paths):
        raise OptionError("class-field names a field of polygons or a column of CSV, but Pascal VOC has names only")
    stamps = tuple((path, vector_stamp_of(path)) for path in paths)
    pictures: dict[str, Boxes] = {}
    notes: list[str] = []
    for path in dict.fromkeys(paths):
        if path.lower().endswith(".xml"):
            pictures[path] = _read_voc(path)
        else:
            read_table(path, pictures, notes, class_field)
    label = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    if not any(picture.names for picture in pictures.values()):
        raise InputError(f"{label}: no boxes in it")
    named = [name for picture in pictures.values() for name in picture.names]
    if nameless := named.count(""):
        if nameless < len(named):
            notes.append(f"{label}: {nameless} boxes without a class are of class {only_class!r}")
        for picture in pictures.values():
            picture.names = [name or only_class for name in picture.names]
    names = sorted({name or only_class for name in named})
    classes = tuple(MapClass(code, name, default_color(code)) for code, name in enumerate(names))
    return BoxFiles(label, pictures, Vocabulary(classes, closed=True), stamps, tuple(notes))


def _read_voc(path: str) -> Boxes:
    root = read_xml(Path(path))
    if root.tag != "annotation":
        raise InputError(f"{path}: is XML, but no Pascal VOC file: its first element is {root.tag!r}, not 'annotation'")
    picture = Boxes(label=path, image=(root.findtext("filename") or "").strip())
    try:
        size = root.find("size")
        if size is not None and int(size.findtext("width") or 0):
            picture.size = int(size.findtext("height") or 0), int(size.findtext("width") or 0)
        for number, item in enumerate(root.iter("object"), 1):
            box = item.find("bndbox")
            if box is None:
                raise ValueError(f"object {number} has no bndbox")  # noqa: TRY301 - one message for all defects
            texts = [box.findtext(key) for key in ("xmin", "ymin", "xmax", "ymax")]
            picture.corners.append(numbers(texts, f"object {number}"))
            picture.names.append(tidy(item.findtext("name") or ""))
    except ValueError as error:
        raise InputError(f"{path}: is no sound Pascal VOC file: {error}") from None
    return picture
