"""Integer geometry of windows and blocks, without pixels, files or models.

A global lattice of square *keep* cells, which starts at the upper left corner of the scene, covers it. Each cell
belongs to one window, which *reads* the cell plus a margin of context and *keeps* the cell only. Blocks are the units
of work and of writing; they may cut through the lattice anywhere without changing the result.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import itemgetter

from geoseg.errors import OptionError


@dataclass(frozen=True, order=True)
class Box:
    """A rectangle of pixels: rows ``row … row + height - 1`` and columns ``col … col + width - 1``."""

    row: int
    col: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.row + self.height

    @property
    def right(self) -> int:
        """First column to the right of the box."""
        return self.col + self.width

    @property
    def area(self) -> int:
        """Number of pixels; 0 for an empty box."""
        return max(self.height, 0) * max(self.width, 0)

    def intersection(self, other: Box) -> Box:
        """Return the intersection, with height or width 0 if it is empty."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height = max(min(self.bottom, other.bottom) - row, 0)
        width = max(min(self.right, other.right) - col, 0)
        return Box(row, col, height, width)

    def grown(self, margin: int) -> Box:
        """Return the box extended by ``margin`` pixels on every side."""
        return Box(self.row - margin, self.col - margin, self.height + 2 * margin, self.width + 2 * margin)

    def contains(self, other: Box) -> bool:
        """Whether every pixel of ``other`` lies in this box."""
        return (
            self.row <= other.row
            and self.col <= other.col
            and self.bottom >= other.bottom
            and self.right >= other.right
        )

    def within(self, outer: Box) -> tuple[slice, slice]:
        """Return the slices of this box in an array that holds ``outer``."""
        row, col = self.row - outer.row, self.col - outer.col
        return slice(row, row + self.height), slice(col, col + self.width)

    def __str__(self) -> str:
        return f"rows {self.row}–{self.bottom - 1}, columns {self.col}–{self.right - 1}"


@dataclass(frozen=True)
class Window:
    """Input of one forward pass and the part of its output that is used, in scene pixels.

    Attributes
    ----------
    read
        Input of the model. It may extend beyond the scene below and to the right, where the reader pads it.
    keep
        The part whose output is kept. The keep boxes of all windows partition the scene.
    """

    read: Box
    keep: Box


@dataclass(frozen=True)
class Tiling:
    """Windows and blocks of one scene.

    Attributes
    ----------
    height, width
        Scene size in pixels, at least 1.
    keep
        Side of a keep cell in pixels, a multiple of ``stride``.
    margin
        Context to read on each side of a cell, in pixels, a multiple of ``stride`` (0 is allowed). None is made up
        beyond the border of the scene: a window there reads as much more on its other side, so that it is as large as
        the others, if the scene and the pixels of its cell suffice.
    block
        Side of a block in pixels.
    stride
        Window sides are multiples of this: the factor by which the model reduces its input. Read windows also
        start on multiples of it, so that downsampling is aligned in the same way whatever the windows.
    least
        Smallest window side that the model accepts, in pixels; smaller scenes are padded to it.
    strip
        Maximum number of block columns to compute side by side, from top to bottom; 0 for all. The result does not
        depend on it.

    Raises
    ------
    OptionError
        If a size is out of range or not a multiple of ``stride``; the message names it.
    """

    height: int
    width: int
    keep: int
    margin: int = 0
    block: int = 2048
    stride: int = 1
    least: int = 1
    strip: int = 0

    def __post_init__(self) -> None:
        for name, minimum in (
            ("height", 1),
            ("width", 1),
            ("keep", 1),
            ("margin", 0),
            ("block", 1),
            ("stride", 1),
            ("least", 1),
            ("strip", 0),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or value < minimum:
                raise OptionError(f"tiling: {name} must be a whole number of at least {minimum}, got {value!r}")
        for name in ("keep", "margin"):
            value = getattr(self, name)
            if value % self.stride:
                raise OptionError(
                    f"tiling: {name} must be a multiple of the model's stride {self.stride}, got {value}; "
                    f"use {round_up(value, self.stride)}"
                )

    @property
    def scene(self) -> Box:
        """The whole scene."""
        return Box(0, 0, self.height, self.width)

    @cached_property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        return -(-self.height // self.block), -(-self.width // self.block)

    @property
    def block_count(self) -> int:
        """Number of blocks."""
        rows, cols = self.block_shape
        return rows * cols

    def block_box(self, index: int) -> Box:
        """Return the box of block ``index``, counted row by row from the upper left."""
        rows, cols = self.block_shape
        if not 0 <= index < rows * cols:
            raise IndexError(f"block {index} of {rows * cols}")
        row, col = divmod(index, cols)
        return Box(row * self.block, col * self.block, self.block, self.block).intersection(self.scene)

    def blocks(self) -> Iterator[Box]:
        """Return all blocks in order."""
        return (self.block_box(index) for index in range(self.block_count))

    def blocks_in(self, box: Box) -> Iterator[int]:
        """Yield the numbers of the blocks that a box touches."""
        for row in range(box.row // self.block, -(-box.bottom // self.block)):
            for col in range(box.col // self.block, -(-box.right // self.block)):
                yield row * self.block_shape[1] + col

    def windows(self, box: Box | None = None, *, overlapping: bool = False) -> list[Window]:
        """Return the windows that contribute to ``box`` (the scene if None), row by row.

        With ``overlapping``, windows whose margin intersects the box are included, as blending requires.
        """
        box = self.scene if box is None else box.intersection(self.scene)
        if not box.area:
            return []
        reach = self.margin if overlapping else 0
        rows = self._spans(box.row - reach, box.bottom + reach, self.height)
        cols = self._spans(box.col - reach, box.right + reach, self.width)
        return [
            Window(Box(r.read, c.read, r.read_size, c.read_size), Box(r.keep, c.keep, r.keep_size, c.keep_size))
            for r in rows
            for c in cols
        ]

    def read_box(self, box: Box, *, overlapping: bool = False) -> Box:
        """Return the part of the scene that the windows of ``box`` read, without padding."""
        box = box.intersection(self.scene)
        reach = self.margin if overlapping else 0
        row, bottom = self._read_span(box.row - reach, box.bottom + reach, self.height)
        col, right = self._read_span(box.col - reach, box.right + reach, self.width)
        return Box(row, col, bottom - row, right - col)

    def readers(self, box: Box, strip: range, *, overlapping: bool = False) -> int:
        """Return how many blocks of a strip of columns read pixels of ``box``, a part of the scene."""
        rows, cols = _block_reads(self, overlapping)
        return _count_intersecting(rows, box.row, box.bottom) * _count_intersecting(
            cols[strip.start : strip.stop], box.col, box.right
        )

    @cached_property
    def strips(self) -> list[range]:
        """The block columns of each strip; strips are computed one after the other, each from top to bottom."""
        cols = self.block_shape[1]
        count = -(-cols // (self.strip or cols))
        return [range(cols * i // count, cols * (i + 1) // count) for i in range(count)]

    def strip_of(self, index: int) -> range:
        """Return the strip of block ``index``."""
        col = index % self.block_shape[1]
        return next(strip for strip in self.strips if col in strip)

    def order(self) -> Iterator[int]:
        """Return all block indices in the order of computation: strip by strip, each row by row.

        The pixels that a row of blocks shares with the next are then no wider than a strip.
        """
        rows, cols = self.block_shape
        return (row * cols + col for strip in self.strips for row in range(rows) for col in strip)

    @cached_property
    def computed(self) -> int:
        """Number of pixels that pass through the model if each window is computed once, padding included."""
        rows = sum(span.read_size for span in self._spans(0, self.height, self.height))
        cols = sum(span.read_size for span in self._spans(0, self.width, self.width))
        return rows * cols

    @property
    def kept_share(self) -> float:
        """Scene pixels / computed pixels: 1 means no overhead for context, 0.8 a quarter more work."""
        return self.height * self.width / self.computed

    def largest_read(self) -> tuple[int, int]:
        """Return height and width of the largest read box."""
        rows = max(span.read_size for span in self._spans(0, self.height, self.height))
        cols = max(span.read_size for span in self._spans(0, self.width, self.width))
        return rows, cols

    def _read_span(self, start: int, stop: int, size: int) -> tuple[int, int]:
        """Return the first and last + 1 pixel that the windows of ``start … stop`` read on one axis."""
        spans = self._spans(start, stop, size)
        return spans[0].read, min(max(span.read + span.read_size for span in spans), size)

    def _spans(self, start: int, stop: int, size: int) -> list[_Span]:
        """Return the lattice cells of one axis that intersect ``start … stop``."""
        cells = -(-size // self.keep)
        first = max(start // self.keep, 0)
        last = min(-(-stop // self.keep), cells)
        return [self._span(cell, size) for cell in range(first, last)]

    def _span(self, cell: int, size: int) -> _Span:
        keep = cell * self.keep
        end = min(keep + self.keep, size)
        read = max(keep - self.margin, 0)
        read_size = round_up(max(min(end + self.margin, size) - read, self.least), self.stride)
        # A runtime prepares each size of windows once, which can take longer than the pixels that equal sizes cost.
        usual, padded = round_up(max(self.keep + 2 * self.margin, self.least), self.stride), round_up(size, self.stride)
        if read_size < usual <= min(read_size + 2 * self.margin, padded):
            read, read_size = min(read, padded - usual), usual
        return _Span(read, read_size, keep, end - keep)


@dataclass(frozen=True)
class _Span:
    """One axis of a window."""

    read: int
    read_size: int
    keep: int
    keep_size: int


@lru_cache(maxsize=8)
def _block_reads(tiling: Tiling, overlapping: bool) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:  # noqa: FBT001
    """Return the first and last + 1 pixel that each row and each column of blocks reads."""
    rows, cols = tiling.block_shape
    down = [tiling.read_box(tiling.block_box(row * cols), overlapping=overlapping) for row in range(rows)]
    across = [tiling.read_box(tiling.block_box(col), overlapping=overlapping) for col in range(cols)]
    return [(box.row, box.bottom) for box in down], [(box.col, box.right) for box in across]


def _count_intersecting(spans: list[tuple[int, int]], start: int, stop: int) -> int:
    """Return how many spans, sorted by both ends, intersect ``start … stop``."""
    return bisect_left(spans, stop, key=itemgetter(0)) - bisect_right(spans, start, key=itemgetter(1))


def squares(height: int, width: int, side: int) -> Iterator[Box]:
    """Cut a raster into squares, row by row; those at the right and bottom edges may be smaller.

    Examples
    --------
    >>> from geoseg.tiling import squares
    >>> [(box.row, box.col, box.height, box.width) for box in squares(3, 5, 4)]
    [(0, 0, 3, 4), (0, 4, 3, 1)]
    """
    for row in range(0, height, side):
        for col in range(0, width, side):
            yield Box(row, col, min(side, height - row), min(side, width - col))


def round_up(value: int, multiple: int) -> int:
    """Return the smallest multiple of ``multiple`` that is at least ``value``."""
    return -(-value // multiple) * multiple
