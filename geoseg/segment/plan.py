"""Windows, blocks and estimated cost of a run, chosen before anything is computed.

A plan checks a raster against a model, chooses windows and blocks that fit the model, the memory budget and the scene,
and estimates memory, disk space and time. Planning does not import torch, so that ``geoseg inspect`` takes a second or
two; only :meth:`Plan.execution` does, because it measures which device, precision and layout is fastest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from geoseg.errors import OptionError
from geoseg.models import DEFAULT_MODEL, check_contract, load_model, open_inputs
from geoseg.models.card.training_window import largest_window, window_doubt
from geoseg.models.runtimes.choices import check_runtime
from geoseg.raster import Raster, open_raster
from geoseg.segment.block_memory import SHARED_BYTES, block_bytes, bytes_per_pixel, strip_columns
from geoseg.segment.probabilities import class_positions
from geoseg.segment.resolution import at_model_resolution, checked
from geoseg.segment.sample import scene_sample
from geoseg.segment.stitch import check_stitch, overlaps
from geoseg.segment.survey import Survey, survey_scene
from geoseg.system.resources import available_memory, cpu_count, format_bytes, parse_bytes
from geoseg.tiling import Tiling, round_up

if TYPE_CHECKING:
    from geoseg.models import Execution, Model

# Sides of keep regions to choose from, best first, each with the number of them that a scene must have. Larger ones
# waste less on context, but a forward pass of 2048 px takes ten seconds on a CPU, during which Ctrl-C has to wait, and
# with few of them streams run out of work at the end of a scene.
_KEEPS = ((1536, 16), (1024, 0), (768, 0), (512, 0))

# Windows may be smaller to let so many streams run at a time: cores that share a pass wait for one another, and idle
# while one of them reads. (Unet(mobilenetv4-small), 2 cores: 2 × 1 threads in windows of 640 px keep as many pixels a
# second as 1 × 2 threads in windows of 1152 px, and 1.6 times as many as those in windows of 640 px.)
_STREAMS = 2

# Smallest side of a block, the unit of work, of resuming and of memory. A block consists of whole keep regions, or
# windows at its borders would be computed twice.
_BLOCK = 1024

# Largest side of a block of a scene that the model sees at coarser pixels.
_LARGEST_BLOCK = 4096

# Memory of a Python process with torch, GDAL, GDAL's cache of 128 MiB and heap fragmentation, without windows and
# blocks (resident, measured on Linux with torch's CUDA build: 830 MB after the imports alone).
_BASE_BYTES = 1150 * 10**6

# Share of the free memory used by default, and the limit: a run must leave room for other programs.
_DEFAULT_SHARE, _DEFAULT_MAX_BYTES = 0.5, 16 * 10**9

# Share of the budget for blocks in flight, of which there are at least three: enough to keep two streams busy.
_BLOCKS_SHARE = 0.25

# Bytes on disk per pixel, for the check before a run: compressed blocks and finished files (measured on the demo and
# on Sentinel-2 scenes: 0.3–0.9), with a reserve for noisy maps.
_DISK_BYTES_PER_PIXEL = 1.5

# The same for each class whose probabilities are wanted: 0.6 in the finished file, which for a moment stands beside the
# blocks and the tiles that it is made of.
_DISK_BYTES_PER_PROBABILITY = 2.0

# Memory of a block per pixel and class whose probabilities are wanted: percents, compressed tiles, and the file made of
# those.
_PACKED_BYTES = 3


@dataclass(frozen=True)
class Options:
    """How to segment: the keywords of :func:`geoseg.segment`, which documents them, and two more for jobs.

    Attributes
    ----------
    window, margin, stitch, block, device, precision, runtime, memory
        As in :func:`geoseg.segment`, with the same defaults; None means that geoseg chooses.
    workers
        Blocks computed at a time; with ``scheduler="local"``, the number of worker processes. Chosen to fit cores and
        memory if None. The result does not depend on it.
    compile
        Compile the network with ``torch.compile`` if a measurement finds that faster here, with classes that agree.
        Compiling takes up to a minute.
    resample
        Pixel size at which the model sees the scene: ``"auto"`` reads a scene whose pixels are not among those that the
        model was made for at the nearest that is; ``"never"``; or metres. The map has the scene's pixels all the same.

    Examples
    --------
    >>> from geoseg.job import Options
    >>> Options(device="cpu", memory="4GB").budget
    4000000000
    """

    window: int | None = None
    margin: int | None = None
    stitch: str = "trim"
    block: int | None = None
    device: str = "auto"
    precision: str = "auto"
    runtime: str = "auto"
    memory: str | int | None = None
    workers: int | None = None
    compile: bool = False
    resample: str | float = "auto"
    # Not in the repr, which identifies results: those of runs without probabilities must stay valid.
    probabilities: str | tuple[str, ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("window", "block", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"{name} must be 1 or larger, got {value}")
        object.__setattr__(self, "resample", checked(self.resample))

    @cached_property
    def budget(self) -> int:
        """Memory budget of one process in bytes.

        Raises
        ------
        OptionError
            If ``memory`` is malformed, or less than a process needs to start.
        """
        if self.memory is None:
            return int(max(min(available_memory() * _DEFAULT_SHARE, _DEFAULT_MAX_BYTES), 1.5 * _BASE_BYTES))
        budget = parse_bytes(self.memory)
        if budget < 1.25 * _BASE_BYTES:
            raise OptionError(
                f"memory {self.memory} is too little: torch and GDAL alone need {format_bytes(_BASE_BYTES)}; "
                "give 1.5GB or more"
            )
        return budget


@dataclass(frozen=True)
class Plan:
    """A raster, a model that it fits, and the windows and blocks chosen for both.

    Attributes
    ----------
    raster
        The scene, its bands in the order of the model card.
    model, options
        The model and the user's options.
    tiling
        Windows and blocks.
    warnings
        What may make the result worse than expected, one line each.
    inner
        If the model sees the scene at other pixels: the plan of that raster. Windows are then its windows; those of
        ``tiling`` are the blocks that the map is brought back in.
    """

    raster: Raster
    model: Model
    options: Options
    tiling: Tiling
    warnings: tuple[str, ...] = field(default=())
    inner: Plan | None = None

    @property
    def passes(self) -> Plan:
        """The plan whose windows go through the model."""
        return self.inner or self

    @property
    def workers(self) -> int:
        """Blocks computed at a time: one per core, and one that is read or written meanwhile, if memory allows."""
        if self.options.workers:
            return self.options.workers
        fitting = int(_BLOCKS_SHARE * self.options.budget / max(self.block_bytes, 1))
        return max(min(cpu_count() + 1, fitting), 3)

    def warnings_of(self, scene: str) -> tuple[str, ...]:
        """Return the warnings, each beginning with the scene's name."""
        return tuple(line if scene in line.partition(": ")[0] else f"{scene}: {line}" for line in self.warnings)

    @property
    def window_bytes(self) -> int:
        """Memory of one forward pass of the largest window."""
        rows, cols = self.passes.tiling.largest_read()
        return int(rows * cols * (bytes_per_pixel(self.model) + self._probabilities))

    @property
    def block_bytes(self) -> int:
        """Memory of one block in flight: its pixels, validity and results."""
        packed = _PACKED_BYTES * self._probabilities * min(self.tiling.block, max(self.raster.shape)) ** 2
        inner = 0 if self.inner is None else self.inner.block_bytes
        return packed + inner + block_bytes(self.raster, self.model, self.tiling, self.options.stitch)

    @property
    def _probabilities(self) -> int:
        """Number of classes whose probabilities are wanted."""
        return len(class_positions(self.model.card, self.options.probabilities))

    @property
    def _max_streams(self) -> int:
        """Forward passes at a time that fit the budget; at least one."""
        return max((self.options.budget - self._fixed_bytes) // max(self.window_bytes, 1), 1)

    @property
    def _fixed_bytes(self) -> int:
        """Memory of everything but forward passes, in bytes."""
        shared = SHARED_BYTES if self.passes.tiling.margin else 0
        return _BASE_BYTES + shared + self.workers * self.block_bytes

    @property
    def streams(self) -> int:
        """Forward passes at a time on a CPU: one per core, if memory allows."""
        return min(cpu_count(), self._max_streams)

    @property
    def memory(self) -> int:
        """Estimated peak memory of one process in bytes."""
        return self._fixed_bytes + self.streams * self.window_bytes

    @property
    def polygon_bytes(self) -> int:
        """Memory for polygonizing, which follows the forward passes: what the budget leaves, 0.2 to 1.5 GB."""
        return min(max(self.options.budget - _BASE_BYTES, 200 * 10**6), 1500 * 10**6)

    @property
    def disk(self) -> int:
        """Bytes on disk while the run goes on, at most: finished blocks, rasters, polygons."""
        # Class maps and confidence compress to well under 2 bytes a pixel together; they stand twice for a moment.
        per_pixel = _DISK_BYTES_PER_PIXEL + _DISK_BYTES_PER_PROBABILITY * self._probabilities
        return int(self.tiling.scene.area * per_pixel) + 10**6

    def seconds(self) -> float | None:
        """Return the estimated duration on this machine, from the last measurement of this model; None before that."""
        rate = self.measured_rate(other_windows=True)
        return None if rate is None else self.passes.tiling.computed / rate

    def measured_rate(self, *, other_windows: bool = False) -> float | None:
        """Return the pixels per second measured here for these windows, or others; None if nothing was measured."""
        from geoseg.models import measured_rate

        window, options = self.passes.tiling.largest_read(), self.options
        return measured_rate(
            self.model, window, options.device, options.precision, options.runtime, other_windows=other_windows
        )

    @property
    def candidates(self) -> dict[str, float]:
        """Megapixels per second of each runtime that was measured here for these windows."""
        from geoseg.models.inference.execution import measured_candidates

        options = self.options
        return measured_candidates(
            self.model, self.passes.tiling.largest_read(), options.device, options.precision, options.runtime
        )

    def execution(self) -> Execution:
        """Choose device, precision, layout and batch by a short measurement, which is cached.

        Raises
        ------
        OptionError
            If this machine does not have the device, or the device not the precision.
        ModelError
            If the weights cannot be loaded.
        """
        from geoseg.models import choose_execution

        if self.model.card.boxes is not None:
            from geoseg.models.boxes.execution import box_execution

            options = self.options
            return box_execution(self.model.card, options.device, options.precision).with_streams(self._max_streams)
        execution = choose_execution(
            self.model,
            self.passes.tiling.largest_read(),
            dtype=self.raster.dtype,
            device=self.options.device,
            precision=self.options.precision,
            runtime=self.options.runtime,
            sample=lambda: scene_sample(self.passes.raster, self.model),
            pixels=self.passes.tiling.computed,
        )
        # Where fewer streams fit the budget, each gets more cores.
        execution = execution.with_streams(self._max_streams)
        if self.options.compile:
            from geoseg.models.inference.calibrate import with_compile

            return with_compile(self.model, execution, self.passes.tiling.largest_read(), self.raster.dtype)
        return execution


def make_plan(source: Any, model: Any = None, options: Options | None = None, survey: Survey | None = None) -> Plan:
    """Check a raster against a model and choose windows and blocks.

    Parameters
    ----------
    source
        A Raster or anything :func:`geoseg.open_raster` takes; for a model of several inputs a mapping, as
        :func:`geoseg.models.open_inputs` takes it.
    model
        Name, folder or loaded model; the bundled default if None.
    options
        See :class:`Options`.
    survey
        The result of ``survey_scene(source, model)``, if it is there already.

    Raises
    ------
    InputError, ContractError, ModelError, OptionError
        If the raster cannot be opened or does not fit the model, the model cannot be loaded, or an option is invalid.
    """
    options = options or Options()
    check_stitch(options.stitch)
    loaded = load_model(DEFAULT_MODEL if model is None else model)
    class_positions(loaded.card, options.probabilities)
    check_runtime(options.runtime, loaded)
    if loaded.card.boxes is not None and overlaps(options.stitch):
        options = replace(options, stitch="trim")
    if overlaps(options.stitch) and not loaded.has_scores:
        raise OptionError(
            f"stitch {options.stitch} averages probabilities, but model {loaded.card.name!r} returns classes only; "
            "use trim"
        )
    if isinstance(source, Mapping):
        raster = open_inputs(loaded, source)
    else:
        raster = source if isinstance(source, Raster) else open_raster(source)
    raster, sample, fill = survey or survey_scene(raster, loaded)
    seen, said = at_model_resolution(raster, loaded, options.resample)
    warnings = check_contract(loaded.card, seen or raster, sample, fill)
    chosen = replace(options, block=None) if seen is not None else options
    tiling = choose_tiling(seen or raster, loaded, chosen)
    if (doubt := window_doubt(loaded.card, max(tiling.largest_read()))) is not None:
        warnings.append(doubt)
    warnings = [*raster.notes, *loaded.notes, *said, *warnings]
    if seen is None:
        return Plan(raster, loaded, options, tiling, tuple(warnings))
    inner = Plan(seen, loaded, chosen, tiling)
    return Plan(raster, loaded, options, _blocks_of(raster, inner, options.block), tuple(warnings), inner)


def _blocks_of(raster: Raster, inner: Plan, block: int | None) -> Tiling:
    """Return the blocks of a scene that the model sees at other pixels: if possible, over whole blocks of these."""
    ratio = min(raster.shape[0] / inner.raster.shape[0], raster.shape[1] / inner.raster.shape[1])
    over = round(inner.tiling.block * ratio)
    side = block or (over if 512 <= over <= _LARGEST_BLOCK else min(max(over, 1024), _LARGEST_BLOCK // 2))
    return Tiling(*raster.shape, side, 0, side, 1, 1)


def choose_tiling(raster: Raster, model: Model, options: Options) -> Tiling:
    """Choose windows and blocks that fit the model's stride, the memory budget and the scene.

    Raises
    ------
    OptionError
        If the requested sizes are impossible, or no window fits the budget.
    """
    card, (height, width) = model.card, raster.shape
    stride, margin = card.stride, _margin(model, options)

    def tiling(keep: int) -> Tiling:
        block = options.block or round_up(max(keep, _BLOCK), keep)
        chosen = Tiling(height, width, keep, margin, block, stride, card.window or card.min_window)
        return replace(chosen, strip=strip_columns(raster, chosen, options.stitch))

    if card.window is not None:
        return tiling(_fixed_keep(model, options, margin))
    most = None if options.margin is not None else largest_window(card)
    side = options.window
    if side is None and card.boxes is not None:
        # What a detector finds depends on its windows, so that they do not depend on the memory of a machine.
        side = min(card.boxes.window, most or card.boxes.window)
    if side is not None:
        return tiling(_keep(side, margin, stride))
    cells = {keep: -(-height // keep) * -(-width // keep) for keep, _ in _KEEPS}
    keeps = [keep for keep, count in _KEEPS if most is None and cells[keep] >= count and (margin or not count)]
    plans = [Plan(raster, model, options, tiling(round_up(keep, stride))) for keep in keeps]
    for streams in (min(_STREAMS, cpu_count()), 1):
        for plan in plans:
            if plan.memory <= options.budget and plan.streams >= streams:
                return plan.tiling
    # Smaller windows waste more on context, but the budget comes first.
    keep = round_up(256, stride) if most is None else _keep(most, margin, stride)
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


def _margin(model: Model, options: Options) -> int:
    """Return the requested margin, or the model's; check that it fits the model's stride."""
    stride = model.card.stride
    margin = model.card.margin if options.margin is None else options.margin
    if margin < 0 or margin % stride:
        raise OptionError(
            f"margin {margin} does not fit: the model needs a multiple of {stride}, "
            f"such as {round_up(max(margin, 0), stride)}"
        )
    return margin


def _keep(window: int, margin: int, stride: int) -> int:
    """Return the side of the keep region of a requested window; check that it fits stride and margin."""
    keep = window - 2 * margin
    if window % stride or keep < stride:
        smallest = max(round_up(2 * margin + stride, stride), round_up(window, stride))
        raise OptionError(
            f"window {window} does not fit: it must be a multiple of {stride} and larger than twice the "
            f"margin of {margin}, such as {smallest}"
        )
    return keep


def _fixed_keep(model: Model, options: Options, margin: int) -> int:
    """Return the side of the keep region where the network takes windows of one size only."""
    window, stride = model.card.window, model.card.stride
    assert window is not None
    if options.window not in (None, window):
        raise OptionError(
            f"window {options.window} does not fit: model {model.card.name!r} takes windows of {window} × {window} "
            "pixels only; leave the option out"
        )
    keep = window - 2 * margin
    if keep < stride:
        raise OptionError(
            f"margin {margin} does not fit: windows of model {model.card.name!r} are {window} pixels wide; give "
            f"{(window - stride) // 2 // stride * stride} or less"
        )
    return keep
