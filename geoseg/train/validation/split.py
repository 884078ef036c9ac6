"""The split into training and validation part: whole places, never random pixels.

Neighbouring pixels look alike and share a label. A split that draws pixels, or tiles that overlap or touch, puts near
copies of the training part into the validation part: the score then measures memorisation, and is far better than on
another place. So the ground is cut into blocks (or the user's groups), whole blocks are held out, and training windows
keep a buffer around them: no validation pixel, nor any of the context that its prediction uses, is seen in training.
(Roberts et al. 2017, doi 10.1111/ecog.02881; Ploton et al. 2020, doi 10.1038/s41467-020-18321-y.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from geoseg.errors import InputError
from geoseg.geodesy.crs import metres_per_unit, same_crs, transformer
from geoseg.models.card.contract import pixel_size
from geoseg.train.data.label_counts import dilated
from geoseg.train.validation.rare_classes import blocks_needed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster import Raster

Demand = Literal["every", "insist", "any"]
"""Which classes must have training windows: see :func:`by_blocks`."""

METRES_PER_DEGREE = 111_320.0

# Default sides of blocks, in windows: the largest that gives enough blocks is used.
_SIDES = (8.0, 6.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.75, 0.5)
_ENOUGH_BLOCKS = 12

# Random draws that are compared; the one nearest to the wanted share of every class is used.
_DRAWS = 200

# Further draws if no size of blocks leaves each part what it needs: chance may scatter the blocks that are held out so
# that no window fits between them.
_ATTEMPTS = 5


@dataclass(frozen=True, eq=False)
class Parts:
    """The split of one image, per cell.

    Attributes
    ----------
    validation
        (rows, cols) bool: cells that are held out.
    forbidden
        (rows, cols) bool: cells that training windows must not touch: validation cells and their buffer.
    training, held
        (rows, cols, K) int64: labelled pixels of each class for training, and for validation.
    """

    validation: NDArray[np.bool_]
    forbidden: NDArray[np.bool_]
    training: NDArray[np.int64]
    held: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """The split of all images, and one line that describes it, for the user and the card."""

    parts: tuple[Parts, ...]
    summary: str

    def training(self) -> NDArray[np.int64]:
        """Return the labelled training pixels of each class, (K,)."""
        return np.asarray(sum(part.training.sum((0, 1)) for part in self.parts))

    def held(self) -> NDArray[np.int64]:
        """Return the labelled validation pixels of each class, (K,)."""
        return np.asarray(sum(part.held.sum((0, 1)) for part in self.parts))


@dataclass(frozen=True, eq=False)
class ImageCounts:
    """What a split needs to know of one image.

    Attributes
    ----------
    raster
        The image: grid and CRS.
    counts
        (rows, cols, K) labelled pixels per cell and class.
    """

    raster: Raster
    counts: NDArray[np.int64]


def no_validation(images: Sequence[ImageCounts]) -> Split:
    """Return the split without validation."""
    parts = []
    for image in images:
        nowhere = np.zeros(image.counts.shape[:2], np.bool_)
        parts.append(Parts(nowhere, nowhere, image.counts, np.zeros_like(image.counts)))
    return Split(tuple(parts), "no validation: all labels are used for training")


def buffers(rasters: Sequence[Raster], margin: int, side: int) -> list[int]:
    """Return the buffer of each image in cells: the margin, and a cell of the coarsest image where several overlap."""
    pixels = [pixel_size(raster) or 1.0 for raster in rasters]
    several = len(rasters) > 1 and any(raster.georeferenced for raster in rasters)
    return [-(-margin // side) + (math.ceil(max(pixels) / pixel) if several else 0) for pixel in pixels]


def cut(
    validation: Sequence[NDArray[np.bool_]], counts: Sequence[NDArray[np.int64]], reaches: Sequence[int]
) -> tuple[Parts, ...]:
    """Return the parts of images from their validation cells; ``reaches`` are the buffers in cells."""
    parts = []
    for held, count, reach in zip(validation, counts, reaches, strict=True):
        forbidden = dilated(held, reach)
        training = np.where(forbidden[..., None], 0, count)
        parts.append(Parts(held, forbidden, training, np.where(held[..., None], count, 0)))
    return tuple(parts)


def by_blocks(
    images: Sequence[ImageCounts],
    *,
    side: int,
    window: int,
    margin: int,
    share: float,
    seed: int,
    size: float | None,
    trainable: Callable[[Sequence[Parts]], NDArray[np.bool_]],
    demand: Demand = "every",
) -> Split:
    """Split by square blocks on the image.

    Parameters
    ----------
    images
        The images with their label counts.
    side
        Side of a cell in pixels.
    window, margin
        Side of training windows, and width of the buffer, in pixels.
    share
        Share of the labelled pixels to hold out, 0…1.
    seed
        Seed of the draw of blocks.
    size
        Side of a block in metres (in pixels for images without CRS); chosen if None.
    trainable
        Returns (K,) bool: the classes of which training windows fit into the parts.
    demand
        Which labelled classes need training windows: ``"every"`` one, for which blocks are kept for training;
        ``"insist"`` is the same also where a first draw leaves room for no window at all; for ``"any"``, one
        class will do.

    Raises
    ------
    InputError
        If no split leaves labels in both parts, and the classes that are demanded in training.
    """
    draw = _Draw(share, seed, -(-window // side), trainable, demand)
    pixel = pixel_size(images[0].raster) or 1.0
    sizes = [size] if size else [round_nicely(factor * window * pixel) for factor in _SIDES]
    blocks = [block_names(images, side, tried) for tried in sizes]
    for attempt in range(_ATTEMPTS):
        found = _best_size(images, list(zip(sizes, blocks, strict=True)), margin, side, replace(draw, attempt=attempt))
        if found is not None:
            return found
    raise InputError(_no_split(size, window, margin))


def _best_size(
    images: Sequence[ImageCounts],
    sizes: Sequence[tuple[float, list[NDArray[np.int64]]]],
    margin: int,
    side: int,
    draw: _Draw,
) -> Split | None:
    """Return the split by blocks of the best size; None if each leaves a part without what it needs."""
    counts = [image.counts for image in images]
    reaches = buffers([image.raster for image in images], margin, side)
    best: tuple[float, Split] | None = None
    for tried, names in sizes:
        number, ids = _numbered(names, counts)
        if number < 2:
            continue
        held, parts = _drawn(ids, counts, reaches, draw)
        unit = "m" if images[0].raster.georeferenced else "px"
        summary = (
            f"{int(held.sum())} of {number} labelled blocks of {tried:g} {unit} held out for validation "
            f"(seed {draw.seed}); training windows keep {margin} px away from them"
        )
        split = Split(parts, summary)
        untrained = _untrained(parts, counts, draw.trainable)
        lost = untrained.sum() == _labelled(counts).sum() if draw.demand == "any" else untrained.any()
        if not split.training().any() or not split.held().any() or lost:
            continue
        # Worst is a class that one part lacks, then too few blocks to be representative.
        lacking = int(((split.training() == 0) | (split.held() == 0)).sum())
        few = max(_ENOUGH_BLOCKS - number, 0) / _ENOUGH_BLOCKS
        score = lacking + few
        if best is None or score < best[0] - 1e-9:
            best = (score, split)
        if score == 0:
            break
    return best[1] if best is not None else None


@dataclass(frozen=True)
class _Draw:
    """How blocks are drawn: see :func:`by_blocks`; ``window`` in cells."""

    share: float
    seed: int
    window: int
    trainable: Callable[[Sequence[Parts]], NDArray[np.bool_]]
    demand: Demand
    attempt: int = 0

    @property
    def seeds(self) -> int | list[int]:
        """Seed of the random numbers, another for each attempt."""
        return [self.seed, self.attempt] if self.attempt else self.seed


def _drawn(
    ids: Sequence[NDArray[np.int64]], counts: Sequence[NDArray[np.int64]], reaches: Sequence[int], draw: _Draw
) -> tuple[NDArray[np.bool_], tuple[Parts, ...]]:
    """Draw the blocks that are held out; those that a class cannot be trained without are kept for training."""
    sums = _sums(ids, counts, max(int(block.max()) for block in ids) + 1)
    kept = np.zeros(len(sums), np.bool_)
    while True:
        held = choose(sums, draw.share, draw.seeds, kept)
        parts = cut([held[block] & (block >= 0) for block in ids], counts, reaches)
        untrained = _untrained(parts, counts, draw.trainable)
        hopeless = draw.demand == "every" and untrained.sum() == _labelled(counts).sum()
        if draw.demand == "any" or hopeless:
            return held, parts
        more = np.zeros_like(kept)
        for number in np.flatnonzero(untrained):
            per_image = [count[..., number] for count in counts]
            more |= blocks_needed(ids, per_image, len(sums), [reach + draw.window for reach in reaches])
        if not (more & ~kept).any() or (more | kept).all():
            return held, parts
        kept |= more


def _untrained(
    parts: Sequence[Parts],
    counts: Sequence[NDArray[np.int64]],
    fits: Callable[[Sequence[Parts]], NDArray[np.bool_]],
) -> NDArray[np.bool_]:
    """Return (K,) bool: classes that are labelled, but of which no training window fits."""
    return _labelled(counts) & ~np.asarray(fits(parts))


def _labelled(counts: Sequence[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Return (K,) bool: classes that have labels."""
    return np.asarray(sum(count.sum((0, 1)) for count in counts)) > 0


def _no_split(size: float | None, window: int, margin: int) -> str:
    tried = f"blocks of {size:g}" if size else "no size of blocks"
    verb = "leave" if size else "leaves"
    return (
        f"the split would leave a part empty: {tried} {verb} labels in both parts, and every class for training, where "
        f"windows of {window} px keep {margin} px away from validation; label more places, use a smaller --window or "
        "another --block-size, or train without validation with --validation 0"
    )


def block_names(images: Sequence[ImageCounts], side: int, size: float) -> list[NDArray[np.int64]]:
    """Return for every cell of every image the index of its block, (rows, cols, 3) int64.

    Images with a CRS share one lattice of blocks, in the first image's CRS, so that overlapping images are split alike.
    An image without CRS has its own lattice, in pixels.
    """
    reference = next((g.raster for g in images if g.raster.georeferenced), None)
    across = down = size
    if reference is not None:
        across, down = _in_units(reference, size)
    indices = []
    for number, image in enumerate(images):
        raster = image.raster
        rows, cols = image.counts.shape[:2]
        row, col = (np.arange(rows) + 0.5) * side, (np.arange(cols) + 0.5) * side
        col, row = np.meshgrid(np.minimum(col, raster.shape[1] - 0.5), np.minimum(row, raster.shape[0] - 0.5))
        if raster.georeferenced and reference is not None:
            x, y = _moved(*(raster.transform * (col, row)), raster, reference)
            owner = -1
        else:
            x, y, owner = col, row, number
        indices.append(
            np.stack([np.full(x.shape, owner), np.floor(x / across), np.floor(y / down)], -1).astype(np.int64)
        )
    return indices


def _moved(x: Any, y: Any, raster: Raster, reference: Raster) -> tuple[Any, Any]:
    if same_crs(raster.grid.crs, reference.grid.crs):
        return x, y
    across = transformer(raster.grid.crs, reference.grid.crs, raster.name)
    moved: tuple[Any, Any] = across.transform(x, y)
    return moved


def _in_units(raster: Raster, metres: float) -> tuple[float, float]:
    crs = raster.grid.crs
    assert crs is not None
    if crs.is_geographic:
        _, south, _, north = raster.grid.bounds()
        shrink = max(math.cos(math.radians((south + north) / 2)), 0.01)
        return metres / METRES_PER_DEGREE / shrink, metres / METRES_PER_DEGREE
    factor = metres_per_unit(crs) or 1.0
    return metres / factor, metres / factor


def round_nicely(value: float) -> float:
    """Round to two significant digits."""
    digits = 1 - math.floor(math.log10(value))
    return round(value, digits)


def _numbered(
    names: Sequence[NDArray[np.int64]], counts: Sequence[NDArray[np.int64]]
) -> tuple[int, list[NDArray[np.int64]]]:
    """Return the number of labelled blocks, and for every cell that of its block: −1 without labels."""
    flat = np.concatenate([name.reshape(-1, 3) for name in names])
    labelled = np.concatenate([count.sum(-1).reshape(-1) > 0 for count in counts])
    _, inverse = np.unique(flat, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    used = np.unique(inverse[labelled])
    number = np.full(int(inverse.max()) + 1, -1, np.int64)
    number[used] = np.arange(len(used))
    ids, start = [], 0
    for name in names:
        size = name.shape[0] * name.shape[1]
        ids.append(number[inverse[start : start + size]].reshape(name.shape[:2]))
        start += size
    return len(used), ids


def _sums(ids: Sequence[NDArray[np.int64]], counts: Sequence[NDArray[np.int64]], number: int) -> NDArray[np.int64]:
    """Return labelled pixels per block and class, (number, K)."""
    sums = np.zeros((number, counts[0].shape[-1]), np.int64)
    for block, count in zip(ids, counts, strict=True):
        inside = block >= 0
        np.add.at(sums, block[inside], count[inside])
    return sums


def choose(
    sums: NDArray[np.int64], share: float, seed: int | list[int], kept: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Choose the blocks or groups that are held out for validation.

    Compares random draws: first by how many classes one part lacks, then by how near the held-out share of every class
    is to ``share``.

    Parameters
    ----------
    sums
        (blocks, K) labelled pixels, at least 2 blocks.
    share
        Share to hold out, 0…1.
    seed
        Seed of the draws.
    kept
        (blocks,) bool: blocks that must not be held out, not all; None for none.

    Returns
    -------
    (blocks,) bool, neither all nor none.
    """
    number = len(sums)
    rng = np.random.default_rng(seed)
    totals = np.maximum(sums.sum(0), 1)
    present = sums.sum(0) > 0
    sizes = sums.sum(1) / max(sums.sum(), 1)
    best, best_score = np.zeros(number, np.bool_), math.inf
    for _ in range(_DRAWS):
        order = rng.permutation(number)
        if kept is not None:
            order = order[~kept[order]]
        reached = np.cumsum(sizes[order])
        # As many blocks as come nearest to the share, but neither all nor none.
        count = int(np.clip(np.abs(reached - share).argmin() + 1, 1, min(len(order), number - 1)))
        held = np.zeros(number, np.bool_)
        held[order[:count]] = True
        part = sums[held].sum(0) / totals
        lacking = ((part[present] == 0) | (part[present] == 1)).sum()
        score = float(10 * lacking + np.abs(part[present] - share).mean() + abs(sizes[held].sum() - share))
        if score < best_score:
            best, best_score = held, score
    return best
