"""The main computation: windows of a raster go through a model and are stitched into a class map with confidence.

:func:`segment_block` is the unit of work. It is a pure function of a :class:`Recipe` and a block number, so every
scheduler (the calling thread, a thread pool, dask workers on other machines) computes the same bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from geoseg.classes import NODATA
from geoseg.errors import Stopped
from geoseg.models.boxes.checks import check_finds_classes
from geoseg.models.inference.malloc import stay_below, stay_near
from geoseg.progress.timing import Clock
from geoseg.raster.resampled.source import resampled_source
from geoseg.raster.shared_reads import SharedReads
from geoseg.segment.block_memory import SHARED_BYTES
from geoseg.segment.plan import Plan
from geoseg.segment.probabilities import class_positions
from geoseg.segment.recipe import BlockResult, Quicklook, Recipe
from geoseg.segment.stitch import Blender, check_stitch
from geoseg.system.kept_blocks import KeptBlocks
from geoseg.tiling import Box, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models import Execution
    from geoseg.models.boxes.detections import Detections
    from geoseg.models.boxes.predictor import BoxPredictor
    from geoseg.models.inference.prediction import Prediction
    from geoseg.models.runtimes.protocol import WindowPredictor
    from geoseg.raster import Pixels


def segment_block(recipe: Recipe, index: int, *, stopped: Callable[[], bool] = lambda: False) -> BlockResult:
    """Compute block ``index`` of the scene.

    Parameters
    ----------
    recipe
        What to compute.
    index
        Block number, row by row from the upper left.
    stopped
        Called between windows; if it returns True, the block is abandoned.

    Raises
    ------
    ReadError
        If pixels cannot be read; the message names file and window.
    ModelError
        If the model returns NaN or the wrong shape.
    Stopped
        If ``stopped`` returned True.
    """
    if recipe.inner is not None:
        return _brought_back(recipe, recipe.inner, index, stopped)
    block = recipe.tiling.block_box(index)
    region = recipe.tiling.read_box(block, overlapping=recipe.overlapping)
    clock = Clock()
    with clock("read"):
        pixels = _read(recipe, index, region)
    valid = pixels.valid[block.within(region)]
    # A window whose keep region begins in a block may keep pixels of others only.
    searched = valid if recipe.model.card.boxes is None else pixels.valid
    if not searched.any():
        return _empty(recipe, block, clock)
    work = _BlockWork(recipe, block, region, pixels, clock, stopped)
    detections = None if recipe.model.card.boxes is None else work.detect()
    classify = work.blend if recipe.overlapping else work.trim
    prediction = classify() if detections is None else work.nothing()
    invalid = ~valid
    for layer in prediction:
        np.copyto(layer, NODATA, where=invalid)
    quicklook = (
        None if recipe.quicklook is None else _quicklook(recipe.quicklook, pixels.data[:, *block.within(region)], block)
    )
    return BlockResult(block, *prediction, work.forwards, clock.seconds, quicklook, detections)


def _empty(recipe: Recipe, block: Box, clock: Clock) -> BlockResult:
    empty = np.full((2 + len(recipe.probabilities), block.height, block.width), NODATA, np.uint8)
    return BlockResult(block, empty[0], empty[1], empty[2:], 0, clock.seconds)


def _brought_back(recipe: Recipe, inner: Recipe, index: int, stopped: Callable[[], bool]) -> BlockResult:
    """Compute a block whose windows have other pixels: a pixel gets the class of the one in which its centre lies."""
    block, clock, forwards = recipe.tiling.block_box(index), Clock(), 0
    with clock("read"):
        pixels = recipe.raster.read(block)
    if not pixels.valid.any():
        return _empty(recipe, block, clock)
    view = resampled_source(inner.raster)
    assert view is not None
    rows, cols = view.rows.nearest(block.row, block.bottom), view.cols.nearest(block.col, block.right)
    layers = np.full((2 + len(recipe.probabilities), block.height, block.width), NODATA, np.uint8)
    region = Box(int(rows[0]), int(cols[0]), int(rows[-1] - rows[0]) + 1, int(cols[-1] - cols[0]) + 1)
    for number in inner.tiling.blocks_in(region):
        computed: list[BlockResult] = []

        def compute(number: int = number, computed: list[BlockResult] = computed) -> BlockResult:
            computed.append(segment_block(inner, number, stopped=stopped))
            return computed[0]

        key = (inner.raster.fingerprint(), inner.model.fingerprint, inner.tiling, inner.stitch, inner.execution,
               inner.probabilities, number)  # fmt: skip
        found = _INNER.get(key, compute)
        down = slice(*np.searchsorted(rows, (found.box.row, found.box.bottom)))
        across = slice(*np.searchsorted(cols, (found.box.col, found.box.right)))
        places = np.ix_(rows[down] - found.box.row, cols[across] - found.box.col)
        for layer, source in zip(layers, (found.classes, found.confidence, *found.probabilities), strict=True):
            layer[down, across] = source[places]
        for one in computed:
            forwards += one.forwards
            for stage, seconds in one.seconds.items():
                clock.seconds[stage] = clock.seconds.get(stage, 0.0) + seconds
    np.copyto(layers, NODATA, where=~pixels.valid)
    quicklook = None if recipe.quicklook is None else _quicklook(recipe.quicklook, pixels.data, block)
    return BlockResult(block, layers[0], layers[1], layers[2:], forwards, clock.seconds, quicklook)


_INNER: KeptBlocks[BlockResult] = KeptBlocks(
    lambda one: one.classes.nbytes + one.confidence.nbytes + one.probabilities.nbytes, 2**27
)
"""Blocks at the model's pixels: where blocks of the scene meet, several need them."""


def _quicklook(quicklook: Quicklook, data: NDArray[Any], block: Box) -> NDArray[Any]:
    """Return every ``step``-th pixel of the scene that lies in the block."""
    return data[
        list(quicklook.bands),
        -block.row % quicklook.step :: quicklook.step,
        -block.col % quicklook.step :: quicklook.step,
    ].copy()


@dataclass
class _BlockWork:
    """Computes the windows of one block."""

    recipe: Recipe
    block: Box
    region: Box
    pixels: Pixels
    clock: Clock
    stopped: Callable[[], bool]
    forwards: int = 0

    def trim(self) -> Prediction:
        """Take every pixel from the window whose keep region contains it."""
        from geoseg.models.inference.prediction import Prediction

        wanted = self.recipe.probabilities
        layers = np.empty((2 + len(wanted), self.block.height, self.block.width), np.uint8)
        result = Prediction(layers[0], layers[1], layers[2:])
        windows = [
            w for w in self.recipe.tiling.windows(self.block) if self._any_valid(w.keep.intersection(self.block))
        ]
        predictor = predictor_of(self.recipe)
        for batch in self._batches(windows):
            data, valid = self._stack(batch)
            with self._device():
                prediction = predictor.predict(data, valid, wanted)
            with self.clock("stitch"):
                for i, window in enumerate(batch):
                    part = window.keep.intersection(self.block)
                    inside, here = part.within(window.read), part.within(self.block)
                    for target, source in zip(result, prediction, strict=True):
                        target[..., *here] = source[i][..., *inside]
        return result

    def blend(self) -> Prediction:
        """Average the probabilities of all windows that read a pixel."""
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
            return blender.result(self.recipe.probabilities)

    def nothing(self) -> Prediction:
        """Return class 0 everywhere, which shows where the scene is valid."""
        from geoseg.models.inference.prediction import Prediction

        layers = np.zeros((2, self.block.height, self.block.width), np.uint8)
        return Prediction(layers[0], layers[1], layers[2:])

    def detect(self) -> Detections:
        """Find objects in the windows whose keep regions begin in the block: each window is computed for one block."""
        from geoseg.models.boxes.detections import Detections
        from geoseg.segment.boxes import in_scene

        tiling, parts = self.recipe.tiling, []
        begun = [w for w in tiling.windows(self.block) if self.block.contains(Box(w.keep.row, w.keep.col, 1, 1))]
        for window in begun:
            if not self._any_valid(window.keep):
                continue
            data, valid = (both[0] for both in self._stack([window]))
            rows, cols = window.read.intersection(self.region).within(window.read)
            known = np.zeros_like(valid)  # what is mirrored beyond the scene would be found there once more
            known[rows, cols] = valid[rows, cols]
            predictor = _box_predictor_of(self.recipe)
            with self._device():
                found = predictor.find(data, known)
            with self.clock("stitch"):
                parts.append(in_scene(found, window, tiling, known))
        return Detections.joined(parts)

    @contextmanager
    def _device(self) -> Iterator[None]:
        """Wait for one of the device's streams; other threads read, decode and write meanwhile."""
        slots = _slots(self.recipe.execution)
        with self.clock("wait"):
            slots.acquire()
        try:
            if self.recipe.memory is not None:
                stay_below(self.recipe.memory)
            if self.recipe.expected is not None:
                stay_near(self.recipe.expected)
            with self.clock("forward"):
                yield
        finally:
            slots.release()

    def _any_valid(self, box: Box) -> bool:
        part = box.intersection(self.region)
        return bool(self.pixels.valid[part.within(self.region)].any())

    def _batches(self, windows: list[Window]) -> Iterator[list[Window]]:
        """Yield runs of consecutive windows of equal size, at most a batch each."""
        batch: list[Window] = []
        for window in windows:
            if batch and (len(batch) == self.recipe.execution.batch or not _same_size(batch[0], window)):
                yield batch
                batch = []
            batch.append(window)
        if batch:
            yield batch

    def _stack(self, batch: list[Window]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return pixels (N, bands, h, w) and validity (N, h, w) of the batch's windows, mirrored beyond the scene."""
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
            # "symmetric" repeats the edge pixel and reflects as often as needed, so that a 1×1 scene works too.
            data = np.pad(data, ((0, 0), (0, below), (0, right)), mode="symmetric")
            valid = np.pad(valid, ((0, below), (0, right)), mode="symmetric")
        return data, valid


def _same_size(one: Window, other: Window) -> bool:
    return (one.read.height, one.read.width) == (other.read.height, other.read.width)


_MOST_READERS = 2
_READERS: dict[str, SharedReads] = {}
_PREDICTORS: dict[tuple[object, ...], WindowPredictor | BoxPredictor] = {}
_SLOTS: dict[tuple[str, int], threading.BoundedSemaphore] = {}
_LOCK = threading.Lock()

_Predictor = TypeVar("_Predictor", "WindowPredictor", "BoxPredictor")


def _slots(execution: Execution) -> threading.BoundedSemaphore:
    """Return the semaphore that limits concurrent forward passes on a device to the execution's streams."""
    key = (execution.device, execution.streams)
    with _LOCK:
        return _SLOTS.setdefault(key, threading.BoundedSemaphore(execution.streams))


def _read(recipe: Recipe, index: int, region: Box) -> Pixels:
    """Read a block's region; where regions overlap, through a cache of decoded cells."""
    tiling = recipe.tiling
    if tiling.margin == 0 or recipe.raster.in_memory:
        return recipe.raster.read(region)
    key = recipe.raster.fingerprint()
    with _LOCK:
        if key not in _READERS:
            # Scenes are computed one after another: cells of the previous one are no longer needed. Two read at a time
            # where clouds are found by a model.
            while len(_READERS) >= _MOST_READERS:
                _READERS.pop(next(iter(_READERS)))
            _READERS[key] = SharedReads(recipe.raster, SHARED_BYTES)
        reader = _READERS[key]
    strip = tiling.strip_of(index)
    return reader.read(region, partial(tiling.readers, strip=strip, overlapping=recipe.overlapping), group=strip.start)


def predictor_of(recipe: Recipe) -> WindowPredictor:
    """Return this process's cached predictor for the recipe, loading the weights on first use."""
    from geoseg.models.runtimes.opening import open_predictor

    affine = recipe.model.card.affine(recipe.raster.bands)
    key = (recipe.model.fingerprint, affine, recipe.execution)
    return _cached(key, lambda: open_predictor(recipe.model, affine, recipe.execution))


def _box_predictor_of(recipe: Recipe) -> BoxPredictor:
    from geoseg.models.boxes.predictor import BoxPredictor

    card = recipe.model.card
    assert card.boxes is not None
    affine, limit = card.affine(recipe.raster.bands), card.boxes.limit_of(*recipe.tiling.largest_read())
    key = (recipe.model.fingerprint, affine, recipe.execution, limit)
    return _cached(key, lambda: BoxPredictor(recipe.model, affine, recipe.execution, limit))


def _cached(key: tuple[object, ...], opening: Callable[[], _Predictor]) -> _Predictor:
    with _LOCK:
        if key not in _PREDICTORS:
            if len(_PREDICTORS) >= 4:  # bounds memory in a batch of scenes with different scalings
                _PREDICTORS.pop(next(iter(_PREDICTORS)))
            _PREDICTORS[key] = opening()
        return _PREDICTORS[key]  # type: ignore[return-value]  # keys of one kind begin alike


def make_recipe(
    plan: Plan, *, execution: Execution | None = None, quicklook: Quicklook | None = None, boxes: bool = False
) -> Recipe:
    """Return the recipe of a plan; ``execution`` is chosen by a short benchmark if None.

    Raises
    ------
    ModelError
        If the model finds boxes, and these are not what is wanted (``boxes``).
    """
    if not boxes:
        check_finds_classes(plan.model.card)
    stitch, budget = check_stitch(plan.options.stitch), plan.options.budget
    probabilities = class_positions(plan.model.card, plan.options.probabilities)
    execution = execution or plan.execution()
    inner = plan.inner
    if inner is not None:
        within = Recipe(
            inner.raster, plan.model, inner.tiling, stitch, execution, None, budget, probabilities, plan.memory
        )
    return Recipe(
        plan.raster, plan.model, plan.tiling, stitch, execution, quicklook, budget, probabilities, plan.memory,
        None if inner is None else within,
    )  # fmt: skip
