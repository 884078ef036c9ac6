"""What a run will do and cost, decided before anything is computed.

A plan holds a raster against a model, chooses windows and blocks that fit the model, the memory budget and the
scene, and says what that costs. It never imports torch: ``geoseg inspect`` answers within a second or two. Only
:meth:`Plan.execution` does, because it measures which device, precision and layout is fastest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from geoseg.errors import OptionError
from geoseg.models import DEFAULT_MODEL, check_bands, check_contract, load_model
from geoseg.raster import Raster, open_raster
from geoseg.raster.shared_reads import cell_shape
from geoseg.segment.stitch import check_stitch, overlaps
from geoseg.system.resources import available_memory, cpu_count, format_bytes, parse_bytes
from geoseg.tiling import Tiling, round_up

if TYPE_CHECKING:
    from geoseg.models import Execution, Model

# Keep cells to choose from, best first. Larger ones waste less on context, but one forward pass of 2048 px takes a CPU
# ten seconds, for which Ctrl-C would have to wait, and streams run out of work at the end of a scene: the largest is
# for scenes that have at least so many of them.
_KEEPS = ((1536, 16), (1024, 0), (768, 0), (512, 0))

# Windows for so many streams are worth smaller ones: cores that share a pass wait for one another, and stand still
# while one of them reads. (Unet(mobilenetv4-small), 2 cores: 2 × 1 threads in windows of 640 px keep as many pixels a
# second as 1 × 2 threads in windows of 1152 px, and 1.6 times as many as those in windows of 640 px.)
_STREAMS = 2

# Least side of a block: the unit of work, of resuming and of memory. It holds whole keep cells, or windows at its
# borders would be computed twice.
_BLOCK = 1024

# What a Python process with torch, GDAL, its cache of 128 MiB, and the heap's slack holds beside windows and blocks
# (resident, measured on Linux with torch's CUDA build: 830 MB after the imports alone).
_BASE_BYTES = 1150 * 10**6

# Decoded cells that neighbouring blocks read as well. Of six bands, what a strip of six blocks has in common with the
# next row fits; cells between strips are decoded twice, which costs less than memory that grows with the scene.
SHARED_BYTES = 128 * 10**6

# Share of the free memory that is used when the user gives no budget: a run must not push the desktop out.
_DEFAULT_SHARE, _DEFAULT_MOST = 0.5, 16 * 10**9

# Share of the budget for blocks in flight beyond the three that keep two streams busy.
_BLOCKS_SHARE = 0.25

# Bytes on disk per pixel, for the check before a run: compressed blocks and finished files (measured on the
# demo and on Sentinel-2 scenes: 0.3–0.9) with room for noisy maps.
_DISK_BYTES_PER_PIXEL = 1.5

# Activations of a large U-Net in float32, per pixel; for cards that do not say (Unet(resnet18) takes 540).
_TYPICAL_BYTES_PER_PIXEL = 900.0


@dataclass(frozen=True)
class Options:
    """How to segment; None means: choose well. See :func:`geoseg.segment` for each."""

    window: int | None = None
    margin: int | None = None
    stitch: str = "trim"
    block: int | None = None
    device: str = "auto"
    precision: str = "auto"
    memory: str | int | None = None
    workers: int | None = None
    compile: bool = False

    @cached_property
    def budget(self) -> int:
        """Bytes that one process may use.

        Raises
        ------
        OptionError
            If the budget is malformed or below what a process needs to start.
        """
        if self.memory is None:
            return int(max(min(available_memory() * _DEFAULT_SHARE, _DEFAULT_MOST), 1.5 * _BASE_BYTES))
        budget = parse_bytes(self.memory)
        if budget < 1.25 * _BASE_BYTES:
            raise OptionError(
                f"memory {self.memory} is too little: torch and GDAL alone need {format_bytes(_BASE_BYTES)}; "
                "give 1.5GB or more"
            )
        return budget


@dataclass(frozen=True)
class Plan:
    """A raster held against a model, with everything decided but the device.

    Attributes
    ----------
    raster
        The scene, its bands in the order of the model card.
    model, options
        What was asked for.
    tiling
        Windows and blocks.
    warnings
        One line each, for the user.
    """

    raster: Raster
    model: Model
    options: Options
    tiling: Tiling
    warnings: tuple[str, ...] = field(default=())

    @property
    def workers(self) -> int:
        """Blocks in flight: one on each core, and one that is read or written meanwhile, if memory allows."""
        if self.options.workers:
            return self.options.workers
        most = int(_BLOCKS_SHARE * self.options.budget / max(self.block_bytes, 1))
        return max(min(cpu_count() + 1, most), 3)

    @property
    def window_bytes(self) -> int:
        """Memory of one forward pass of the largest window."""
        rows, cols = self.tiling.largest_read()
        return int(rows * cols * bytes_per_pixel(self.model))

    @property
    def block_bytes(self) -> int:
        """Memory of one block in flight: its pixels, validity and results."""
        return block_bytes(self.raster, self.model, self.tiling, self.options.stitch)

    @property
    def _fitting(self) -> int:
        """Forward passes at a time for which there is memory; at least one."""
        return max((self.options.budget - self._beside) // max(self.window_bytes, 1), 1)

    @property
    def _beside(self) -> int:
        """Memory of all but forward passes."""
        shared = SHARED_BYTES if self.tiling.margin else 0
        return _BASE_BYTES + shared + self.workers * self.block_bytes

    @property
    def streams(self) -> int:
        """Forward passes at a time on a CPU: one on each core, if memory allows."""
        return min(cpu_count(), self._fitting)

    @property
    def memory(self) -> int:
        """Estimated peak of one process in bytes."""
        return self._beside + self.streams * self.window_bytes

    @property
    def polygon_bytes(self) -> int:
        """Memory for polygonizing, which comes when the model is done: what the budget leaves, at most 1.5 GB."""
        return min(max(self.options.budget - _BASE_BYTES, 200 * 10**6), 1500 * 10**6)

    @property
    def disk(self) -> int:
        """Bytes on disk while the run goes on, at most: finished blocks, class map, confidence, polygons."""
        # Class maps and confidence compress to well under 2 bytes a pixel together; they stand twice for a moment.
        return int(self.tiling.scene.area * _DISK_BYTES_PER_PIXEL) + 10**6

    def seconds(self) -> float | None:
        """Estimate of the time on this machine, from the last measurement of this model; None before the first."""
        from geoseg.models import measured_rate

        rate = measured_rate(self.model, self.tiling.largest_read(), self.options.device, self.options.precision)
        return None if rate is None else self.tiling.computed / rate

    def execution(self) -> Execution:
        """Choose device, precision, layout and batch by a short measurement, which is cached.

        Raises
        ------
        OptionError
            If the device or precision does not exist here.
        ModelError
            If the weights cannot be loaded.
        """
        from geoseg.models import choose_execution

        found = choose_execution(
            self.model,
            self.tiling.largest_read(),
            dtype=self.raster.dtype,
            device=self.options.device,
            precision=self.options.precision,
        )
        # As many streams as fit the budget; the others' cores help in those.
        found = found.with_streams(self._fitting)
        if self.options.compile:
            from geoseg.models.inference.calibrate import with_compile

            return with_compile(self.model, found, self.tiling.largest_read(), self.raster.dtype)
        return found


def make_plan(source: Any, model: Any = None, options: Options | None = None) -> Plan:
    """Hold a raster against a model and choose windows and blocks.

    Parameters
    ----------
    source
        A Raster or anything :func:`geoseg.open_raster` takes.
    model
        Name, folder or loaded model; the bundled default if None.
    options
        See :class:`Options`.

    Raises
    ------
    InputError, ContractError, ModelError, OptionError
        With one line that says what does not fit and how to mend it.
    """
    options = options or Options()
    check_stitch(options.stitch)
    loaded = load_model(DEFAULT_MODEL if model is None else model)
    raster = source if isinstance(source, Raster) else open_raster(source)
    check_bands(loaded.card, raster)
    raster = raster.select([band.name for band in loaded.card.bands])
    warnings = check_contract(loaded.card, raster, raster.sample())
    tiling = choose_tiling(raster, loaded, options)
    return Plan(raster, loaded, options, tiling, (*raster.notes, *warnings))


def choose_tiling(raster: Raster, model: Model, options: Options) -> Tiling:
    """Choose windows and blocks that fit the model's stride, the memory budget and the scene.

    Raises
    ------
    OptionError
        If the sizes asked for are impossible, or nothing fits the budget.
    """
    card, (height, width) = model.card, raster.shape
    stride = card.stride
    margin = card.margin if options.margin is None else options.margin
    if margin < 0 or margin % stride:
        raise OptionError(
            f"margin {margin} does not fit: the model needs a multiple of {stride}, "
            f"such as {round_up(max(margin, 0), stride)}"
        )

    def tiling(keep: int) -> Tiling:
        block = options.block or round_up(max(keep, _BLOCK), keep)
        found = Tiling(height, width, keep, margin, block, stride, card.min_window)
        return replace(found, strip=strip_columns(raster, found, options.stitch))

    if options.window is not None:
        keep = options.window - 2 * margin
        if options.window % stride or keep < stride:
            least = max(round_up(2 * margin + stride, stride), round_up(options.window, stride))
            raise OptionError(
                f"window {options.window} does not fit: it must be a multiple of {stride} and larger than twice the "
                f"margin of {margin}, such as {least}"
            )
        return tiling(keep)
    cells = {keep: -(-height // keep) * -(-width // keep) for keep, _ in _KEEPS}
    worth = [keep for keep, least in _KEEPS if cells[keep] >= least and (margin or not least)]
    plans = [Plan(raster, model, options, tiling(round_up(keep, stride))) for keep in worth]
    for streams in (min(_STREAMS, cpu_count()), 1):
        for plan in plans:
            if plan.memory <= options.budget and plan.streams >= streams:
                return plan.tiling
    # Small windows waste more on context, but the budget is the user's word.
    keep = round_up(256, stride)
    while keep >= stride:
        chosen = tiling(keep)
        if Plan(raster, model, options, chosen).memory <= options.budget:
            return chosen
        keep = keep // 2 // stride * stride
    needed = Plan(raster, model, options, tiling(round_up(64, stride))).memory
    raise OptionError(
        f"memory {format_bytes(options.budget)} is too little for model {card.name!r} on {raster.name!r}: "
        f"give at least {format_bytes(needed * 1.05)}"
    )


def strip_columns(raster: Raster, tiling: Tiling, stitch: str) -> int:
    """Return how many columns of blocks to go down side by side: their cells in common with the next row are kept."""
    (rows, cols), (high, wide) = tiling.block_shape, cell_shape(raster)
    if not tiling.margin or rows == 1 or wide >= raster.shape[1]:
        return cols
    above, below = (tiling.read_box(tiling.block_box(i * cols), overlapping=overlaps(stitch)) for i in range(2))
    common = round_up(above.bottom - below.row, high) + high  # wherever cells begin
    kept = common * tiling.block * (len(raster.bands) * raster.dtype.itemsize + 1)
    return max(int(SHARED_BYTES / kept - 0.25), 1)  # and cells between blocks that are being read


def bytes_per_pixel(model: Model) -> float:
    """Peak of activations per input pixel of a forward pass in float32."""
    return model.card.bytes_per_pixel or _TYPICAL_BYTES_PER_PIXEL


def block_bytes(raster: Raster, model: Model, tiling: Tiling, stitch: str) -> int:
    """Memory of one block in flight in bytes."""
    side = min(tiling.block, max(tiling.height, tiling.width))
    region = tiling.read_box(tiling.block_box(0), overlapping=overlaps(stitch))
    pixels = max(
        region.area, min(side + 2 * tiling.margin, tiling.height) * min(side + 2 * tiling.margin, tiling.width)
    )
    # The region is read, its windows cut out (contiguous copies), classes and confidence filled and masked.
    total = pixels * (len(model.card.bands) * raster.dtype.itemsize * 2 + 6)
    if overlaps(stitch):
        total += pixels * (len(model.card.classes) + 3) * 4
    return total
