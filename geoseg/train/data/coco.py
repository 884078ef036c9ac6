"""Outlines of objects from COCO JSON (https://cocodataset.org/#format-data): polygons or masks in pixels of images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass, default_color
from geoseg.errors import InputError, one_line
from geoseg.system.files import read_regular
from geoseg.system.stamps import vector_stamp_of
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
        Per name of an image file, without folder and suffix.
    vocabulary
        The categories that occur.
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

    def on(self, raster: Raster) -> PolygonLabels | None:
        """Return the outlines on an image, found by its file's name; None if it has none.

        Raises
        ------
        InputError
            If the image has another size than the annotations are for.
        """
        import shapely

        picture = self.pictures.get(Path(raster.sources[0]).stem)
        if picture is None or not picture.shapes:
            return None
        if picture.size != raster.shape:
            (high, wide), (height, width) = picture.size, raster.shape
            raise InputError(
                f"{self.label}: annotates {raster.name} as {wide} × {high} pixels, but it has {width} × {height}; use "
                "the image that was annotated"
            )
        transform = raster.grid.transform
        moved = shapely.transform(
            np.array(picture.shapes, object), lambda xy: np.stack(transform * (xy[:, 0], xy[:, 1]), 1)
        )
        return PolygonLabels(self.label, moved, np.array(picture.codes, np.int64), transform, self.stamps)


def is_coco(source: Any) -> bool:
    """Whether labels are a COCO file: JSON with ``images`` and ``annotations``."""
    if not isinstance(source, str | Path) or Path(source).suffix.lower() != ".json":
        return False
    try:
        content = json.loads(read_regular(source, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and isinstance(content.get("images"), list) and "annotations" in content


def read_coco(path: str, *, boxes: bool = False) -> CocoLabels:
    """Read a COCO file; with ``boxes``, the box of an annotation without an outline is taken for one.

    Raises
    ------
    InputError
        If an entry is malformed, or no annotation has an outline; one line names the first defect.
    """
    stamp = vector_stamp_of(path)
    content = json.loads(read_regular(path, _MOST_BYTES))
    try:
        return _read(path, content, stamp, boxes=boxes)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        why = f"lacks {error}" if isinstance(error, KeyError) else one_line(error)
        raise InputError(f"{path}: is no sound COCO file: an entry {why}") from None


def _read(path: str, content: Mapping[str, Any], stamp: str, *, boxes: bool) -> CocoLabels:
    pictures: dict[str, _Picture] = {}
    by_id: dict[Any, _Picture] = {}
    for image in content["images"]:
        stem = Path(str(image["file_name"]).replace("\\", "/")).stem
        if stem in pictures:
            raise InputError(f"{path}: two images are called {stem!r}: give each a name of its own")
        by_id[image["id"]] = pictures[stem] = _Picture((int(image["height"]), int(image["width"])))
    names = {one["id"]: tidy(str(one["name"])) for one in content.get("categories", [])}
    order = {number: code for code, number in enumerate(sorted(names))}
    left: dict[str, int] = {}
    for annotation in content["annotations"]:
        picture = by_id[annotation["image_id"]]
        kind, shape = _outline(annotation, picture.size, boxes=boxes)
        if kind:
            left[kind] = left.get(kind, 0) + 1
        if shape is not None:
            picture.shapes.append(shape)
            picture.codes.append(order[annotation["category_id"]])
    if not any(picture.shapes for picture in pictures.values()):
        raise InputError(f"{path}: no annotation has an outline, as polygon or mask{', or a box' if boxes else ''}")
    classes = tuple(MapClass(code, names[number], default_color(code)) for number, code in order.items())
    notes = tuple(f"{path}: {count} annotations {kind}" for kind, count in left.items())
    return CocoLabels(path, pictures, Vocabulary(classes, closed=True), notes, ((path, stamp),))


def _outline(annotation: Mapping[str, Any], size: tuple[int, int], *, boxes: bool) -> tuple[str, Any]:
    """Return what is to be said of an annotation, and its shape in pixels or None."""
    import shapely

    if annotation.get("iscrowd"):
        return "of crowds are left out", None
    given = annotation.get("segmentation")
    if not given and boxes:
        left, top, width, height = (float(value) for value in annotation["bbox"])
        if not (width > 0 and height > 0 and np.isfinite([left, top, width, height]).all()):
            return "have no area and are left out", None
        return "", shapely.box(left, top, left + width, top + height)
    if not given:
        return "have a box only and are left out", None
    if isinstance(given, Mapping):
        return "", _traced(_mask(given, size))
    rings = [np.asarray(ring, np.float64).reshape(-1, 2) for ring in given]
    if any(len(ring) < 3 or not np.isfinite(ring).all() for ring in rings):
        return "have less than three points and are left out", None
    shape = shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in rings])
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    if not parts:
        return "have no area and are left out", None
    return "", shapely.MultiPolygon(parts)


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
