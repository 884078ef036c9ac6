"""The main job: windows of a raster through a model, stitched to a class map and its confidence.

:func:`segment_block` is the one unit of work. It is a pure function of a :class:`Recipe` and a block's number, so every
scheduler (the caller itself, threads, dask workers on other machines) computes the same bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import NODATA
from geoseg.errors import Stopped
from geoseg.models.inference.malloc import stay_below
from geoseg.progress.timing import Clock
from geoseg.raster.shared_reads import SharedReads
from geoseg.segment.plan import SHARED_BYTES, Plan
from geoseg.segment.stitch import Blender, check_stitch, overlaps
from geoseg.system.choices import Stitch
from geoseg.tiling import Box, Tiling, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models import Execution, Model
    from geoseg.models.inference.predictor import Predictor
    from geoseg.raster import Pixels, Raster


@dataclass(frozen=True)
class Quicklook:
    """A reduced view of the scene that is taken from the pixels while they are in memory.

    Attributes
    ----------
    bands
        Positions of one or three bands among the recipe's.
    step
        Every how many pixels, from the scene's corner.
    """

    bands: tuple[int, ...]
    step: int


@dataclass(frozen=True)
class Recipe:
    """All that a worker needs to compute any block of one scene: references and numbers, no pixels, no open files.

    Attributes
    ----------
    raster
        The scene, its bands in the order of the model card.
    model
        The model; it travels as a reference to its folder.
    tiling, stitch
        Windows, blocks, and how windows become blocks.
    execution
        Device, precision, memory layout and batch size of the forward pass.
    look
        Reduced view to take along, or None.
    memory
        Bytes that a process which computes blocks may hold, or None.
    """

    raster: Raster
    model: Model
    tiling: Tiling
    stitch: Stitch
    execution: Execution
    quicklook: Quicklook | None = None
    memory: int | None = None

    @property
    def overlapping(self) -> bool:
        """Whether windows contribute to pixels beyond what they keep."""
        return overlaps(self.stitch)


@dataclass(frozen=True)
class BlockResult:
    """One block of the class map.

    Attributes
    ----------
    box
        Where it lies in the scene.
    classes
        uint8, height × width: class number, 255 where the scene is invalid.
    confidence
        uint8, height × width: percent of the winning class 0…100, 255 where the scene is invalid.
    forwards
        Windows that went through the model: 0 when nothing in the block is valid.
    seconds
        Time spent per stage: ``read``, ``wait`` (for the device), ``forward``, ``stitch``.
    look
        The block's part of the recipe's reduced view: stored values (bands, h, w).
    """

    box: Box
    classes: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    forwards: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    quicklook: NDArray[Any] | None = None


def segment_block(recipe: Recipe, index: int, *, stopped: Callable[[], bool] = lambda: False) -> BlockResult:
    """Compute block ``index`` of the scene.

    Parameters
    ----------
    recipe
        What to compute.
    index
        Block number, row by row from the upper left.
    stopped
        Asked between windows; once it says yes, the block is given up.

    Raises
    ------
    ReadError
        If pixels cannot be read; the message names file and window.
    ModelError
        If the model returns NaN or the wrong shape.
    Stopped
        If ``stopped`` said yes.
    """
    block = recipe.tiling.block_box(index)
    region = recipe.tiling.read_box(block, overlapping=recipe.overlapping)
    clock = Clock()
    with clock("read"):
        pixels = _read(recipe, index, region)
    valid = pixels.valid[block.within(region)]
    classes, confidence = np.full(valid.shape, NODATA, np.uint8), np.full(valid.shape, NODATA, np.uint8)
    if not valid.any():
        return BlockResult(block, classes, confidence, 0, clock.seconds)
    work = _BlockWork(recipe, block, region, pixels, clock, stopped)
    found = work.blend() if recipe.overlapping else work.trim()
    np.copyto(classes, found[0], where=valid)
    np.copyto(confidence, found[1], where=valid)
    quicklook = (
        None if recipe.quicklook is None else _quicklook(recipe.quicklook, pixels.data[:, *block.within(region)], block)
    )
    return BlockResult(block, classes, confidence, work.forwards, clock.seconds, quicklook)


def _quicklook(quicklook: Quicklook, data: NDArray[Any], block: Box) -> NDArray[Any]:
    """Every ``step``-th pixel of the scene that lies in the block."""
    return data[
        list(quicklook.bands),
        -block.row % quicklook.step :: quicklook.step,
        -block.col % quicklook.step :: quicklook.step,
    ].copy()


@dataclass
class _BlockWork:
    """The windows of one block on their way through the model."""

    recipe: Recipe
    block: Box
    region: Box
    pixels: Pixels
    clock: Clock
    stopped: Callable[[], bool]
    forwards: int = 0

    def trim(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Take every pixel from the window that keeps it."""
        shape = (self.block.height, self.block.width)
        classes, confidence = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
        windows = [
            w for w in self.recipe.tiling.windows(self.block) if self._any_valid(w.keep.intersection(self.block))
        ]
        predictor = predictor_of(self.recipe)
        for batch in self._batches(windows):
            data, valid = self._stack(batch)
            with self._device():
                found, sure = predictor.classify(data, valid)
            with self.clock("stitch"):
                for i, window in enumerate(batch):
                    part = window.keep.intersection(self.block)
                    inside, here = part.within(window.read), part.within(self.block)
                    classes[here], confidence[here] = found[i][inside], sure[i][inside]
        return classes, confidence

    def blend(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Mix the probabilities of all windows that read a pixel."""
        windows = [w for w in self.recipe.tiling.windows(self.block, overlapping=True) if self._any_valid(w.read)]
        predictor = predictor_of(self.recipe)
        blender = Blender(self.block, self.recipe.tiling, self.recipe.stitch)
        for batch in self._batches(windows):
            data, valid = self._stack(batch)
            with self._device():
                scores = predictor.scores(data, valid)
                for i, window in enumerate(batch):
                    blender.add(window, scores[i])
        with self.clock("stitch"):
            return blender.result()

    @contextmanager
    def _device(self) -> Iterator[None]:
        """Wait for a free stream of the device; others read, decode and write meanwhile."""
        slots = _slots(self.recipe.execution)
        with self.clock("wait"):
            slots.acquire()
        try:
            if self.recipe.memory is not None:
                stay_below(self.recipe.memory)
            with self.clock("forward"):
                yield
        finally:
            slots.release()

    def _any_valid(self, box: Box) -> bool:
        part = box.intersection(self.region)
        return bool(self.pixels.valid[part.within(self.region)].any())

    def _batches(self, windows: list[Window]) -> Iterator[list[Window]]:
        """Consecutive windows of one size, at most a batch of them."""
        batch: list[Window] = []
        for window in windows:
            if batch and (len(batch) == self.recipe.execution.batch or not _same_size(batch[0], window)):
                yield batch
                batch = []
            batch.append(window)
        if batch:
            yield batch

    def _stack(self, batch: list[Window]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Pixels of the batch's windows (N, bands, h, w) and their validity (N, h, w); mirrored beyond the scene."""
        if self.stopped():
            raise Stopped
        self.forwards += len(batch)
        pairs = [self._cut(window.read) for window in batch]
        if len(pairs) == 1:
            return pairs[0][0][None], pairs[0][1][None]
        return np.stack([data for data, _ in pairs]), np.stack([valid for _, valid in pairs])

    def _cut(self, read: Box) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        inside = read.intersection(self.region)
        rows, cols = inside.within(self.region)
        data, valid = self.pixels.data[:, rows, cols], self.pixels.valid[rows, cols]
        below, right = read.height - inside.height, read.width - inside.width
        if below or right:
            # "symmetric" mirrors with the edge pixel and wraps as often as needed, so that a 1×1 scene works too.
            data = np.pad(data, ((0, 0), (0, below), (0, right)), mode="symmetric")
            valid = np.pad(valid, ((0, below), (0, right)), mode="symmetric")
        return data, valid


def _same_size(one: Window, other: Window) -> bool:
    return (one.read.height, one.read.width) == (other.read.height, other.read.width)


_READERS: dict[str, SharedReads] = {}
_PREDICTORS: dict[tuple[object, ...], Predictor] = {}
_SLOTS: dict[tuple[str, int], threading.BoundedSemaphore] = {}
_LOCK = threading.Lock()


def _slots(execution: Execution) -> threading.BoundedSemaphore:
    """As many forward passes at a time on one device as the execution has streams."""
    key = (execution.device, execution.streams)
    with _LOCK:
        return _SLOTS.setdefault(key, threading.BoundedSemaphore(execution.streams))


def _read(recipe: Recipe, index: int, region: Box) -> Pixels:
    """Read a block's region; where regions overlap, through cells that are decoded once."""
    tiling = recipe.tiling
    if tiling.margin == 0:
        return recipe.raster.read(region)
    key = recipe.raster.fingerprint()
    with _LOCK:
        if key not in _READERS:
            _READERS.clear()  # scenes come one after the other: the last one's cells are of no more use
            _READERS[key] = SharedReads(recipe.raster, SHARED_BYTES)
        reader = _READERS[key]
    return reader.read(region, partial(tiling.readers, strip=tiling.strip_of(index), overlapping=recipe.overlapping))


def predictor_of(recipe: Recipe) -> Predictor:
    """Return this process's predictor for the recipe; weights are loaded once."""
    from geoseg.models.inference.predictor import Predictor

    affine = recipe.model.card.affine(recipe.raster.bands)
    key = (recipe.model.fingerprint, affine, recipe.execution)
    with _LOCK:
        if key not in _PREDICTORS:
            if len(_PREDICTORS) >= 4:  # a batch of scenes with many scalings must not collect weights for ever
                _PREDICTORS.pop(next(iter(_PREDICTORS)))
            _PREDICTORS[key] = Predictor(recipe.model, affine, recipe.execution)
        return _PREDICTORS[key]


def make_recipe(plan: Plan, *, execution: Execution | None = None, quicklook: Quicklook | None = None) -> Recipe:
    """Return the recipe of a plan; ``execution`` is chosen by a short measurement if None."""
    stitch, budget = check_stitch(plan.options.stitch), plan.options.budget
    return Recipe(plan.raster, plan.model, plan.tiling, stitch, execution or plan.execution(), quicklook, budget)
