"""Scenes × model → an output folder. What the command line, QGIS and batch scripts call.

Per scene: plan, compute the blocks that are missing, write class map and confidence, polygonize, picture, report.
Everything is made in a working folder beside the outputs and moved to its final name when all of it is complete.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from geoseg import __version__
from geoseg.blocks import BlockStore, open_store, read_manifest
from geoseg.locks import locked
from geoseg.clock import Clock
from geoseg.errors import GeosegError, InputError, OutputError
from geoseg.plan import Options, Plan, make_plan
from geoseg.products import Products, look_of, outputs_of, write_products
from geoseg.progress import Rate, Reporter, Silent
from geoseg.raster import Raster, open_raster
from geoseg.schedule import BlockSummary, connect, in_threads, on_cluster
from geoseg.segment import Recipe, make_recipe


@dataclass(frozen=True)
class Job:
    """What to do.

    Attributes
    ----------
    scenes
        Files, folders, URLs, or lists of files that make one scene.
    output
        Folder for the results.
    model
        Name or folder of a model; the bundled default if None.
    reading
        Options of :func:`geoseg.open_raster`: bands, bbox, scale, …
    options
        How to segment.
    products
        Which results to write and how.
    scheduler
        ``"threads"``, ``"local"`` or the address of a dask scheduler.
    overwrite
        Replace results that are there.
    """

    scenes: Sequence[Any]
    output: Path
    model: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    products: Products = field(default_factory=Products)
    scheduler: str = "threads"
    overwrite: bool = False


@dataclass(frozen=True)
class SceneResult:
    """What became of one scene.

    Attributes
    ----------
    name
        The scene's name.
    status
        ``"done"``, ``"kept"`` (was there already) or ``"failed"``.
    outputs
        Path per kind of output.
    report
        Content of the report file; empty if failed.
    error
        Why it failed.
    """

    name: str
    status: str
    outputs: dict[str, Path] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    error: GeosegError | None = None


def run(job: Job, reporter: Reporter | None = None) -> list[SceneResult]:
    """Do the job; a scene that fails is reported and the others go on.

    Returns
    -------
    One result per scene, in order.

    Raises
    ------
    OptionError, ModelError
        If nothing can be done at all: a bad option, a model that cannot be loaded.
    """
    from geoseg.models import DEFAULT_MODEL, load_model

    reporter = reporter or Silent()
    model = load_model(job.model or DEFAULT_MODEL)
    client = None if job.scheduler == "threads" else connect(job.scheduler, job.options.workers)
    reporter.start(version=__version__, scenes=len(job.scenes), model=model.card.name, output=str(job.output))
    try:
        names: dict[str, Any] = {}
        return [_one_scene(job, scene, model, names, client, reporter) for scene in job.scenes]
    finally:
        if client is not None:
            client.close()


def _one_scene(job: Job, scene: Any, model: Any, names: dict[str, Any], client: Any, reporter: Reporter) -> SceneResult:
    name = _label(scene)
    try:
        raster = scene if isinstance(scene, Raster) else open_raster(scene, **job.reading)
        name = raster.name
        if name in names:
            raise InputError(
                f"{_label(scene)} and {_label(names[name])} would both write {name}_classes.tif: "
                "run them into different folders"
            )
        names[name] = scene
        plan = make_plan(raster, model, job.options)
        return _SceneRun(job, plan, client, reporter).run()
    except GeosegError as error:
        reporter.error(type(error).__name__, str(error))
        return SceneResult(name, "failed", error=error)


def _label(scene: Any) -> str:
    if isinstance(scene, list | tuple):
        return f"{scene[0]} and {len(scene) - 1} more" if len(scene) > 1 else str(scene[0])
    return str(getattr(scene, "name", None) or scene)


@dataclass
class _SceneRun:
    """One scene on its way to its outputs."""

    job: Job
    plan: Plan
    client: Any
    reporter: Reporter

    def run(self) -> SceneResult:
        raster, output = self.plan.raster, self.job.output
        for warning in self.plan.warnings:
            self.reporter.warning(f"{raster.name}: {warning}")
        outputs = outputs_of(output, raster.name, self.job.products)
        fingerprint = self._fingerprint()
        kept = self._kept(outputs, fingerprint)
        if kept is not None:
            return kept
        work = output / ".geoseg" / raster.name
        with locked(work):
            self._check_disk(output)
            clock = Clock()
            started = time.perf_counter()
            store, recipe = self._open(work)
            summary = self._compute(recipe, store, clock)
            room = self.plan.polygon_bytes
            facts = write_products(recipe, store, self.job.products, work / "out", clock, self.reporter, memory=room)
            report = self._report(recipe, facts, summary, clock, time.perf_counter() - started, fingerprint)
            report_name = outputs["report"].name
            (work / "out" / report_name).write_text(json.dumps(report, indent=2, ensure_ascii=False), "utf-8")
            _move(work / "out", output, last=report_name)
            store.remove()
        _remove_empty(work.parent)
        classes = report["classes"]
        self.reporter.result(scene=raster.name, outputs={k: str(p) for k, p in outputs.items()}, classes=classes)
        return SceneResult(raster.name, "done", outputs, report)

    def _kept(self, outputs: dict[str, Path], fingerprint: str) -> SceneResult | None:
        """Return what is there from the same inputs; refuse to touch what is there from others."""
        existing = [path for path in outputs.values() if path.exists()]
        if not existing or self.job.overwrite:
            return None
        try:
            report = json.loads(outputs["report"].read_text("utf-8"))
        except (OSError, ValueError):
            report = {}
        if report.get("fingerprint") != fingerprint or len(existing) < len(outputs):
            raise OutputError(
                f"{existing[0]} exists and is of another scene, model or options: add --overwrite to replace it, "
                "or choose another folder with -o"
            )
        name = self.plan.raster.name
        self.reporter.info(f"{name}: kept, it is complete in {outputs['report'].parent}; --overwrite makes it anew")
        self.reporter.result(scene=name, outputs={k: str(p) for k, p in outputs.items()}, classes=report["classes"])
        return SceneResult(name, "kept", outputs, report)

    def _fingerprint(self) -> str:
        """Everything that the result depends on, as a hash."""
        parts = [self._block_manifest()["fingerprint"], repr(self.job.products)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _block_manifest(self) -> dict[str, Any]:
        plan = self.plan
        parts = [
            plan.raster.fingerprint(), plan.model.fingerprint, repr(plan.tiling), plan.options.stitch,
            plan.options.device, plan.options.precision, repr(self.job.products.preview), __version__,
        ]  # fmt: skip
        return {"fingerprint": hashlib.sha256("\n".join(parts).encode()).hexdigest(), "version": __version__}

    def _open(self, work: Path) -> tuple[BlockStore, Recipe]:
        """Open the store of finished blocks; an unfinished run goes on with the device and layout it began with."""
        from geoseg.models import Execution

        manifest = self._block_manifest()
        found, geobox = read_manifest(work), self.plan.raster.geobox
        look = look_of(self.plan.raster, self.job.products)
        if found.get("fingerprint") == manifest["fingerprint"]:
            recipe = make_recipe(self.plan, execution=Execution(**found["execution"]), look=look)
            store = open_store(work, self.plan.tiling, geobox, found)
        else:
            if found:
                self.reporter.info(f"{self.plan.raster.name}: unfinished blocks of other inputs or options are dropped")
            recipe = make_recipe(self.plan, look=look)
            store = open_store(work, self.plan.tiling, geobox, {**manifest, "execution": asdict(recipe.execution)})
        self.reporter.info(f"{self.plan.raster.name}: {describe(recipe)}")
        return store, recipe

    def _compute(self, recipe: Recipe, store: BlockStore, clock: Clock) -> dict[str, int]:
        tiling = self.plan.tiling
        finished = store.finished()
        todo = [index for index in range(tiling.block_count) if index not in finished]
        if finished:
            self.reporter.info(
                f"{self.plan.raster.name}: {len(finished)} of {tiling.block_count} blocks are there already"
            )
        pixels = sum(tiling.block_box(index).area for index in todo)
        rate, done, forwards, count = Rate(pixels), 0, 0, len(finished)
        stage = f"segment {self.plan.raster.name}"
        self.reporter.progress(count, tiling.block_count, stage)
        blocks: Iterable[BlockSummary]
        if self.client is None:
            blocks = in_threads(recipe, store, todo, self.plan.workers)
        else:
            blocks = on_cluster(recipe, store, todo, self.client)
        with clock("segment"):
            for block in blocks:
                done, forwards, count = done + block.pixels, forwards + block.forwards, count + 1
                clock.add({f"segment.{name}": value for name, value in block.seconds.items()})
                self.reporter.progress(count, tiling.block_count, f"{stage}: {rate.message(done)}")
        return {"blocks": tiling.block_count, "blocks_reused": len(finished), "windows": forwards}

    def _check_disk(self, output: Path) -> None:
        need = self.plan.disk
        free = shutil.disk_usage(output).free
        if need > free:
            from geoseg.sizes import format_bytes

            raise OutputError(
                f"{output} has {format_bytes(free)} free, and this run may need {format_bytes(need)}: "
                "free some space or choose another folder with -o"
            )

    def _report(
        self,
        recipe: Recipe,
        facts: dict[str, Any],
        summary: dict[str, int],
        clock: Clock,
        seconds: float,
        fingerprint: str,
    ) -> dict[str, Any]:
        plan, card, raster = self.plan, self.plan.model.card, self.plan.raster
        height, width = raster.shape
        scene = {
            "name": raster.name,
            "sources": list(raster.sources),
            "height": height,
            "width": width,
            "bands": [band.name for band in raster.bands],
            "dtype": str(raster.dtype),
            "crs": str(raster.crs) if raster.crs else None,
            "transform": list(raster.transform)[:6],
        }
        tiling = {
            "window": list(plan.tiling.largest_read()),
            "keep": plan.tiling.keep,
            "margin": plan.tiling.margin,
            "block": plan.tiling.block,
            "pixels_kept_per_computed": round(plan.tiling.kept_share, 4),
            **summary,
        }
        reading = {key: str(value) for key, value in self.job.reading.items() if value not in (None, False)}
        return {
            "geoseg": __version__,
            "fingerprint": fingerprint,
            "scene": scene,
            "model": {"name": card.name, "version": card.version, "fingerprint": plan.model.fingerprint},
            "options": {
                **_plain(asdict(plan.options)),
                **_plain(asdict(self.job.products)),
                "scheduler": self.job.scheduler,
                "reading": reading,
            },
            "tiling": tiling,
            "execution": asdict(recipe.execution),
            "warnings": list(plan.warnings),
            **facts,
            "seconds": {"total": round(seconds, 3), **{k: round(v, 3) for k, v in sorted(clock.seconds.items())}},
            "versions": versions(),
        }


def describe(recipe: Recipe) -> str:
    """Return one line: device, why, and how the forward pass runs."""
    execution = recipe.execution
    layout = "channels last" if execution.channels_last else "channels first"
    rows, cols = recipe.tiling.largest_read()
    return f"{execution.device}, {execution.precision}, {layout}, windows of {cols} × {rows} px ({execution.reason})"


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    from importlib.metadata import version

    import rasterio

    names = ("torch", "segmentation-models-pytorch", "rasterio", "numpy", "shapely", "dask")
    return {**{name: version(name) for name in names}, "gdal": rasterio.__gdal_version__}


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def _move(staged: Path, output: Path, *, last: str) -> None:
    """Move finished files to their final names; the report last, since it says that all others are there."""
    for path in sorted(staged.iterdir(), key=lambda path: (path.name == last, path.name)):
        path.replace(output / path.name)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # other scenes are still in it


@dataclass(frozen=True)
class DemoResult:
    """Where the demo's files are, and how well the model did.

    Attributes
    ----------
    scene, truth
        The scene that was made, and its true class map.
    model
        The model's name.
    outputs
        Path per kind of output.
    accuracy
        See :func:`geoseg.demo.accuracy`.
    """

    scene: Path
    truth: Path
    model: str
    outputs: dict[str, Path]
    accuracy: dict[str, Any]


def run_demo(
    folder: Path, *, size: int = 2000, seed: int = 7, model: str | None = None, reporter: Reporter | None = None
) -> DemoResult:
    """Make a scene with known truth, segment it, and hold the class map against the truth.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    ModelError
        If the model cannot be loaded.
    """
    from geoseg.demo import accuracy, make_scene

    reporter = reporter or Silent()
    reporter.info(f"making a scene of {size} × {size} px in {folder}")
    made = make_scene(folder, size, seed=seed, overwrite=True)
    (result,) = run(Job([made.scene], folder, model, overwrite=True), reporter)
    if result.error is not None:
        raise result.error
    found = accuracy(made.truth, result.outputs["classes"])
    return DemoResult(made.scene, made.truth, result.report["model"]["name"], result.outputs, found)
