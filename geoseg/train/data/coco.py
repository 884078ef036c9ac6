"""Outlines of objects from COCO JSON (https://cocodataset.org/#format-data): polygons or masks in pixels of images."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass, default_color
from geoseg.errors import InputError, one_line
from geoseg.system.files import read_regular
from geoseg.system.stamps import vector_stamp_of
from geoseg.train.data.images import annotated_grid, match_names, not_given, on_ground, touching
from geoseg.train.data.labels import PolygonLabels, Vocabulary
from geoseg.write.class_names import tidy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster import Raster

_MOST_BYTES = 2 * 10**9
"""Largest file that is read; that of all of COCO's training images has 450 MB."""

_MOST_PIXELS = 2**31


@dataclass(eq=False)
class _Picture:
    """The outlines in one image, in pixels."""

    size: tuple[int, int]
    shapes: list[Any] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class CocoLabels:
    """The annotations of a COCO file.

    Attributes
    ----------
    label
        The file, for messages.
    pictures
        Per name of an image file, as it is written.
    vocabulary
        The categories that annotations have, and the class of crowds.
    notes
        What was left out or repaired, one line each.
    stamps
        The file, and its stamp from before it was read.
    """

    label: str
    pictures: Mapping[str, _Picture]
    vocabulary: Vocabulary
    notes: tuple[str, ...]
    stamps: tuple[tuple[str, str], ...]

    def on(self, rasters: Sequence[Raster]) -> tuple[list[PolygonLabels | None], list[str]]:
        """Return the outlines on each image, found by its file's name, and notes on what was left out.

        Raises
        ------
        InputError
            If none of the images is annotated, an image has another size than the annotations are for, or it is not
            clear which of two it is.
        """
        names, images = list(self.pictures), [raster.sources[0] for raster in rasters]
        numbers = match_names(names, images, self.label)
        given = {names[number] for number in numbers if number is not None}
        if not given:
            raise InputError(
                f"{self.label}: annotates {', '.join(names[:3])}{', …' if len(names) > 3 else ''}, of which none is "
                f"given ({', '.join(images[:3])}); give these images, or name them as the file does"
            )
        rest = {name: len(one.shapes) for name, one in self.pictures.items() if one.shapes and name not in given}
        notes = [*self.notes, *not_given(self.label, rest, "annotations")]
        placed = [
            None if number is None else self._placed(names[number], raster, notes)
            for number, raster in zip(numbers, rasters, strict=True)
        ]
        return placed, notes

    def _placed(self, name: str, raster: Raster, notes: list[str]) -> PolygonLabels | None:
        picture = self.pictures[name]
        if not picture.shapes:
            return None
        grid = annotated_grid(raster)
        if picture.size != (grid.height, grid.width):
            (high, wide), height, width = picture.size, grid.height, grid.width
            raise InputError(
                f"{self.label}: annotates {raster.name} as {wide} × {high} pixels, but it has {width} × {height}; use "
                "the image that was annotated"
            )
        shapes, codes = np.array(picture.shapes, object), np.array(picture.codes, np.int64)
        shapes = on_ground(shapes, grid)
        near = touching(shapes, raster.grid)
        if not near.all():
            notes.append(f"{self.label}: {int((~near).sum())} annotations outside of {name} are left out")
        if not near.any():
            return None
        return PolygonLabels(self.label, shapes[near], codes[near], raster.grid.transform, self.stamps)


def is_coco(source: Any) -> bool:
    """Whether labels are a COCO file: JSON with ``images``, and ``annotations`` or at least ``categories``."""
    if not isinstance(source, str | Path) or Path(source).suffix.lower() != ".json":
        return False
    try:
        content = json.loads(read_regular(source, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    own = isinstance(content, dict) and isinstance(content.get("images"), list)
    return own and ("annotations" in content or "categories" in content)


def read_coco(path: str, *, boxes: bool = False) -> CocoLabels:
    """Read a COCO file; with ``boxes``, the box of an annotation without an outline is taken for one.

    Crowds become a class of their own that is ignored in training: there are objects, which nobody has told apart.

    Raises
    ------
    InputError
        If an entry is malformed, or no annotation has an outline; one line names the first defect.
    """
    stamp = vector_stamp_of(path)
    content = json.loads(read_regular(path, _MOST_BYTES))
    pictures, by_id = _images(path, content)
    names = _categories(path, content)
    codes = {name: code for code, name in enumerate(dict.fromkeys(names.values()))}
    crowd = len(codes)
    left: dict[str, int] = {}
    for position, annotation in enumerate(_entries(path, content, "annotations"), 1):
        with _telling(path, "annotation", position, annotation):
            picture = _known(by_id, annotation["image_id"], "image", "images")
            name = _known(names, annotation["category_id"], "category", "categories")
            kind, shape = _outline(annotation, picture.size, boxes=boxes)
        if kind:
            left[kind] = left.get(kind, 0) + 1
        if shape is None:
            continue
        # Where an object lies in a crowd, the last wins.
        at = 0 if annotation.get("iscrowd") else len(picture.shapes)
        picture.shapes.insert(at, shape)
        picture.codes.insert(at, crowd if annotation.get("iscrowd") else codes[name])
    found = {code for picture in pictures.values() for code in picture.codes}
    if not found - {crowd}:
        raise InputError(f"{path}: no annotation has an outline, as polygon or mask{', or a box' if boxes else ''}")
    classes = [MapClass(code, name, default_color(code)) for name, code in codes.items()]
    ignored = frozenset({crowd} & found)
    if ignored:
        free = next(name for name in ("crowd", "crowd of objects", "iscrowd") if name not in codes)
        classes.append(MapClass(crowd, free, default_color(crowd)))
    notes = [f"{path}: {count} annotations {kind}" for kind, count in left.items()]
    if len(codes) < len(names):
        notes.append(f"{path}: categories of the same name are one class")
    return CocoLabels(
        path, pictures, Vocabulary(tuple(classes), closed=True, ignored=ignored), tuple(notes), ((path, stamp),)
    )


def _entries(path: str, content: Mapping[str, Any], key: str) -> list[Any]:
    found = content.get(key)
    if not isinstance(found, list):
        raise InputError(f"{path}: is no sound COCO file: its {key!r} are no list")
    return found


@contextlib.contextmanager
def _telling(path: str, what: str, position: int, entry: Any) -> Iterator[None]:
    """Say of which entry a defect is."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        why = f"lacks {error}" if isinstance(error, KeyError) else one_line(error)
        number = f" (id {entry['id']})" if isinstance(entry, dict) and "id" in entry else ""
        raise InputError(f"{path}: is no sound COCO file: {what} {position}{number} {why}") from None


def _known(by_id: Mapping[Any, Any], number: Any, what: str, key: str) -> Any:
    """Return what an entry refers to; an id that is written as text stands for the number."""
    if isinstance(number, bool | None) or number not in by_id:
        alike = [one for one in by_id if str(one) == str(number)]
        if not alike:
            raise ValueError(f"is of {what} {number!r}, which is not among the {key}")
        return by_id[alike[0]]
    return by_id[number]


def _images(path: str, content: Mapping[str, Any]) -> tuple[dict[str, _Picture], dict[Any, _Picture]]:
    """Return the pictures by the names of their files, and by their ids."""
    pictures: dict[str, _Picture] = {}
    by_id: dict[Any, _Picture] = {}
    for position, image in enumerate(_entries(path, content, "images"), 1):
        with _telling(path, "image", position, image):
            name, number = str(image["file_name"]), image["id"]
            size = int(image["height"]), int(image["width"])
            if min(size) < 1:
                raise ValueError(f"has {size[1]} × {size[0]} pixels")
            if number in by_id:
                raise ValueError("has the id of another image: which of both annotations are for is not clear")
            if name in pictures:
                raise ValueError(f"is called {name!r} as another one: give each a name of its own")
        by_id[number] = pictures[name] = _Picture(size)
    return pictures, by_id


def _categories(path: str, content: Mapping[str, Any]) -> dict[Any, str]:
    """Return the name of each category, in the order of their ids."""
    names: dict[Any, str] = {}
    for position, category in enumerate(_entries(path, content, "categories"), 1):
        with _telling(path, "category", position, category):
            number, name = category["id"], tidy(str(category["name"]))
            if names.get(number, name) != name:
                raise ValueError(f"has the id of {names[number]!r}, too")
        names[number] = name
    with _telling(path, "category", 1, None):
        return {number: names[number] for number in sorted(names)}


def _outline(annotation: Mapping[str, Any], size: tuple[int, int], *, boxes: bool) -> tuple[str, Any]:
    """Return what is to be said of an annotation, and its shape in pixels or None."""
    given = annotation.get("segmentation")
    if not given and boxes:
        return _boxed(annotation)
    if not given:
        return "have a box only and are left out", None
    if isinstance(given, Mapping):
        shape = _traced(_mask(given, size))
        return ("have no area and are left out", None) if shape is None else (_of_crowd(annotation), shape)
    rings = given if isinstance(given[0], list | tuple) else [given]
    return _of_rings([np.asarray(ring, np.float64) for ring in rings], _of_crowd(annotation))


def _of_crowd(annotation: Mapping[str, Any]) -> str:
    return "of crowds are ignored, neither objects nor background" if annotation.get("iscrowd") else ""


def _boxed(annotation: Mapping[str, Any]) -> tuple[str, Any]:
    import shapely

    given = annotation.get("bbox")
    if not isinstance(given, list | tuple) or len(given) != 4:
        raise ValueError(f"has neither an outline nor a box of four numbers, but {given!r}"[:200])
    left, top, width, height = (float(value) for value in given)
    if not (width > 0 and height > 0 and np.isfinite([left, top, width, height]).all()):
        return "have no area and are left out", None
    return _of_crowd(annotation), shapely.box(left, top, left + width, top + height)


def _of_rings(rings: Sequence[NDArray[np.float64]], kind: str) -> tuple[str, Any]:
    """Return the union of rings, x and y by turns; those that are none are left out."""
    import shapely

    odd = next((ring for ring in rings if ring.size % 2), None)
    if odd is not None:
        raise ValueError(f"has an outline of {odd.size} numbers: x and y by turns are wanted")
    sound = [ring.reshape(-1, 2) for ring in rings if ring.size >= 6 and np.isfinite(ring).all()]
    if not sound:
        return "have less than three points and are left out", None
    shape = shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in sound])
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    if not parts:
        return "have no area and are left out", None
    if len(sound) < len(rings) and not kind:
        kind = "have parts of less than three points, or without numbers, which are left out"
    return kind, shapely.MultiPolygon(parts)


def _traced(mask: NDArray[np.uint8]) -> Any:
    import rasterio.features
    import shapely

    found = rasterio.features.shapes(mask, mask=mask > 0)
    parts = [shapely.geometry.shape(shape) for shape, _ in found]
    return shapely.MultiPolygon(parts) if parts else None


def _mask(encoded: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Decode a mask of run lengths, column by column, zeros first."""
    height, width = (int(value) for value in encoded["size"])
    if (height, width) != size or height * width > _MOST_PIXELS:
        raise ValueError(f"has a mask of {width} × {height} pixels in an image of {size[1]} × {size[0]}")
    counts = encoded["counts"]
    runs = np.asarray(_lengths(counts) if isinstance(counts, str) else counts, np.int64)
    if runs.min(initial=0) < 0 or runs.sum() != height * width:
        raise ValueError(f"has a mask whose runs cover {int(runs.sum())} of {height * width} pixels")
    values = np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8)
    return np.ascontiguousarray(values.reshape(width, height).T)


def _lengths(text: str) -> Sequence[int]:
    """Decode COCO's text form of run lengths: five bits a character, differences to the run before the last."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
