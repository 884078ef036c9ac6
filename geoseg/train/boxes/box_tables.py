"""Boxes of objects from CSV tables, whatever separates their columns and whatever stands above the header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from geoseg.errors import InputError
from geoseg.system.files import read_regular
from geoseg.system.text import check_unique_columns
from geoseg.write.class_names import tidy

_MOST_BYTES = 2 * 10**9

_DELIMITERS = ",;\t|"

_ABOVE = re.compile(r"(?:[ \t,;|]*|sep=.|#[^,;|\t\r\n]*)(?:\r\n|\r|\n)")
"""A line above the header: empty, a comment, or what Excel is told to separate columns by."""

_WHOLE = re.compile(r"^(\d+)\.0+$")
"""A class number as tables with gaps hold it."""

# Usual names of the columns of a table, lower case, first match wins.
_COLUMNS = {
    "xmin": ("xmin", "x_min", "minx", "left", "west", "x1"),
    "ymin": ("ymin", "y_min", "miny", "top", "south", "y1"),
    "xmax": ("xmax", "x_max", "maxx", "right", "east", "x2"),
    "ymax": ("ymax", "y_max", "maxy", "bottom", "north", "y2"),
    "image": ("image_path", "image", "image_name", "filename", "file_name", "file"),
    "label": ("label", "class", "class_name", "name", "category"),
    "width": ("width", "image_width", "img_width"),
    "height": ("height", "image_height", "img_height"),
}


@dataclass(eq=False)
class Boxes:
    """Boxes of one image, or of all without a name: x and y of two corners, and the class of each.

    ``image`` is what their file calls the image, beside the key under which they stand.
    """

    corners: list[tuple[float, float, float, float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    size: tuple[int, int] | None = None
    label: str = ""
    image: str = ""


def numbers(texts: Sequence[str | None], what: str) -> tuple[float, float, float, float]:
    """Return the four numbers of a box.

    Raises
    ------
    ValueError
        If a text is no finite number.
    """
    listed = ", ".join("nothing" if not (text or "").strip() else str(text).strip() for text in texts)
    try:
        west, north, east, south = (float(text or "") for text in texts)
    except ValueError:
        raise ValueError(f"{what} has a box of {listed}: four numbers are wanted") from None
    if not np.isfinite([west, north, east, south]).all():
        raise ValueError(f"{what} has a box that is not finite: {listed}")
    return west, north, east, south


def read_table(path: str, pictures: dict[str, Boxes], notes: list[str], class_field: str | None = None) -> None:
    """Add the boxes of a table to those of each image.

    Parameters
    ----------
    path
        The table.
    pictures
        Boxes by the name of their image, empty without one.
    notes
        Gets a line on what is left out.
    class_field
        Column of the class; None for the usual ones.

    Raises
    ------
    InputError
        If it is no table, a column is missing, or a box is malformed.
    """
    rows, column, first = _open_table(path, class_field)
    corners = [str(column[key]) for key in ("xmin", "ymin", "xmax", "ymax")]
    nameless, sizes = 0, dict[str, set[tuple[str, str]]]()
    try:
        for row in rows:
            texts = [_decimal(row.get(key), str(rows.reader.dialect.delimiter)) for key in corners]
            image = (row.get(column["image"] or "") or "").strip()
            if column["image"] and not image:
                nameless += 1
                continue
            picture = pictures.setdefault(image, Boxes(label=path))
            if not any(texts):
                continue  # DeepForest's way to tell an image without objects
            picture.corners.append(numbers(texts, f"line {rows.line_num + first}"))
            name = tidy(row.get(column["label"] or "") or "")
            picture.names.append(_WHOLE.sub(r"\1", name))
            size = (row.get(column[key] or "") or "" for key in ("height", "width"))
            sizes.setdefault(image, set()).add((next(size), next(size)))
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: {error}") from None
    if nameless:
        notes.append(f"{path}: {nameless} rows without an image are left out; fill in their {column['image']!r}")
    _tell_sizes(pictures, sizes)


def _tell_sizes(pictures: Mapping[str, Boxes], sizes: Mapping[str, set[tuple[str, str]]]) -> None:
    """Note the size of each image that states one: the same beside all of its boxes, which lie within."""
    for image, stated in sizes.items():
        height, width = next(iter(stated))
        if not image or len(stated) > 1 or not (height.strip().isdecimal() and width.strip().isdecimal()):
            continue
        x, y = np.array(pictures[image].corners)[:, ::2], np.array(pictures[image].corners)[:, 1::2]
        # Columns of these names may also hold the sides of boxes.
        sides = (np.ptp(x, axis=1) == int(width)).all() and (np.ptp(y, axis=1) == int(height)).all()
        if not sides and 0 <= x.min() <= x.max() <= int(width) + 1 and 0 <= y.min() <= y.max() <= int(height) + 1:
            pictures[image].size = int(height), int(width)


def _table_text(path: str) -> tuple[str, int]:
    """Return a table from its header on, and the number of lines above it."""
    try:
        content = read_regular(path, _MOST_BYTES)
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a CSV table in UTF-8 ({error}); save it as UTF-8") from None
    above = 0
    while found := _ABOVE.match(text):
        text, above = text[found.end() :], above + 1
    return text, above


def _open_table(path: str, class_field: str | None) -> tuple[csv.DictReader[str], dict[str, str | None], int]:
    """Return the rows, the column of each thing, and the lines above; the header says what separates columns."""
    best: tuple[int, csv.DictReader[str], dict[str, str | None]] | None = None
    text, above = _table_text(path)
    for delimiter in _DELIMITERS:
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=delimiter != "\t")
        try:
            fields = {str(name).strip().lower(): str(name) for name in rows.fieldnames or ()}
        except csv.Error as error:
            raise InputError(f"{path}: cannot be read as a CSV table: {error}") from None
        column = {
            key: next((fields[name] for name in names if name in fields), None) for key, names in _COLUMNS.items()
        }
        count = sum(name is not None for name in column.values())
        if best is None or (count, len(fields)) > (best[0], len(best[1].fieldnames or ())):
            best = count, rows, column
    assert best is not None
    _, rows, column = best
    missing = [key for key in ("xmin", "ymin", "xmax", "ymax") if column[key] is None]
    if class_field is not None and not missing:
        column["label"] = class_field
        missing = [] if class_field in (rows.fieldnames or ()) else [class_field]
    if missing:
        listed = ", ".join(str(name) for name in rows.fieldnames or ()) or "none"
        raise InputError(
            f"{path}: has no column {missing[0]}: a table of boxes has a first line with xmin, ymin, xmax and ymax, "
            f"and may have image_path and label; its columns are {listed[:300]}"
        )
    check_unique_columns(path, rows.fieldnames or (), column.values())
    return rows, column, above


def _decimal(text: str | None, delimiter: str) -> str:
    """Return a number's text with a point; where commas do not separate columns, a single one is a decimal comma."""
    plain = (text or "").strip()
    if delimiter != "," and plain.count(",") == 1 and "." not in plain:
        return plain.replace(",", ".")
    return plain
