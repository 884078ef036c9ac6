"""From finished blocks to files: rasters, polygons and picture, each under its contract name."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import NODATA
from geoseg.errors import OptionError
from geoseg.job.objects.options import DetectOptions
from geoseg.job.page.pictures import Pictures, scene_pictures
from geoseg.raster.quicklook import choose_bands
from geoseg.segment.recipe import Quicklook
from geoseg.system.choices import POLYGON_FORMATS
from geoseg.system.resources import cpu_count
from geoseg.tiling import Tiling
from geoseg.write.preview import Preview, step_of, write_preview
from geoseg.write.tiff import TILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.job.block_store import BlockStore
    from geoseg.progress.reporters import Reporter
    from geoseg.progress.timing import Clock
    from geoseg.raster import Raster
    from geoseg.segment.recipe import Recipe
    from geoseg.write import CogSink

WRITE_SIDE = 2048
"""Class maps are written in areas of this side: what a CogSink compresses and overviews in one go."""

_MOST_THREADS = 4
"""Threads of each map's writer: beyond, the file is what they wait for."""


@dataclass(frozen=True)
class Products:
    """Which results to write and how.

    Attributes
    ----------
    polygons, preview
        Whether to write them. Class map, confidence and report are always written.
    html
        Whether to write the report as a page for people, too; None writes it if the preview is written.
    format
        ``"gpkg"``, ``"parquet"`` or ``"fgb"``.
    min_area
        Regions smaller than this many square metres are merged into a neighbour, objects left out; None keeps all.
    simplify
        Tolerance in metres by which polygon borders may move; None keeps the pixel edges.
    objects
        Which objects to write, instead of class map, confidence and polygons; None for these.
    probabilities
        ``"all"`` or names of the model's classes whose probabilities are written, one band each; None for no such file.

    Examples
    --------
    >>> from geoseg.job import Products
    >>> Products(format="parquet", min_area=500).format
    'parquet'
    """

    polygons: bool = True
    preview: bool = True
    format: str = "gpkg"
    min_area: float | None = None
    simplify: float | None = None
    # Not in the repr, which identifies results: those of runs without probabilities must stay valid.
    probabilities: str | tuple[str, ...] | None = field(default=None, repr=False)
    objects: DetectOptions | None = field(default=None, repr=False)
    html: bool | None = field(default=None, repr=False)

    @property
    def page(self) -> bool:
        """Whether the report is written as a page."""
        return self.preview if self.html is None else self.html

    @property
    def pictures(self) -> bool:
        """Whether a reduced view of the scene is needed."""
        return self.preview or self.page

    def __post_init__(self) -> None:
        if self.format not in POLYGON_FORMATS:
            raise OptionError(f"format {self.format!r} is unknown: use one of {', '.join(POLYGON_FORMATS)}")
        for name in ("min_area", "simplify"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise OptionError(f"{name.replace('_', '-')} must be 0 or larger, got {value}")


@dataclass(frozen=True)
class Written:
    """What was written of a scene.

    Attributes
    ----------
    facts
        What the report says of it.
    pictures
        For its page; None if none is wanted.
    """

    facts: dict[str, Any]
    pictures: Pictures | None


def output_names(name: str, products: Products) -> dict[str, str]:
    """Return the contract's file name per kind of output for a scene called ``name``."""
    if products.objects is not None:
        found = {"objects": f"{name}_objects.{products.format}"}
        if products.preview:
            found["preview"] = f"{name}_objects_preview.png"
        if products.page:
            found["html"] = f"{name}_objects_report.html"
        return found | {"report": f"{name}_objects_report.json"}
    names = {"classes": f"{name}_classes.tif", "confidence": f"{name}_confidence.tif"}
    if products.probabilities is not None:
        names["probabilities"] = f"{name}_probabilities.tif"
    if products.polygons:
        names["polygons"] = f"{name}_polygons.{products.format}"
    if products.preview:
        names["preview"] = f"{name}_preview.png"
    if products.page:
        names["html"] = f"{name}_report.html"
    names["report"] = f"{name}_report.json"
    return names


def outputs_of(folder: Path, name: str, products: Products) -> dict[str, Path]:
    """Return the path in a local folder per kind of output for a scene called ``name``."""
    return {kind: folder / file for kind, file in output_names(name, products).items()}


def written_files(names: Iterable[str]) -> list[str]:
    """Return names of outputs, and of the files that are written beside rasters."""
    found: list[str] = []
    for name in names:
        found.append(name)
        if name.endswith(".tif"):
            found += [f"{name[:-4]}.qml", f"{name}.aux.xml"]
    return found


def write_products(
    recipe: Recipe,
    store: BlockStore,
    products: Products,
    folder: Path,
    clock: Clock,
    reporter: Reporter,
    *,
    memory: int | None = None,
) -> Written:
    """Write every output of one scene into ``folder``, but for report and page.

    Parameters
    ----------
    recipe, store
        The scene and its finished blocks; all of them.
    products
        What to write.
    folder
        Emptied first: what an interrupted run left in it is made anew.
    clock, reporter
        Told about time and progress per stage.
    memory
        Bytes that polygonizing may use; its own default if None.

    Returns
    -------
    Facts with ``classes``: per class name its id, colour, pixels, and with polygons their number and area in m².
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = recipe.raster.name
    paths = outputs_of(folder, name, products)
    with clock("write"):
        pixels = write_rasters(recipe, store, paths, reporter)
    classes: dict[str, dict[str, Any]] = {
        c.name: {"id": c.id, "color": c.color, "pixels": int(pixels[c.id])} for c in recipe.model.card.classes
    }
    facts: dict[str, Any] = {"classes": classes, "nodata_pixels": int(pixels[NODATA])}
    if products.polygons:
        with clock("polygonize"):
            _write_polygons(recipe, products, paths, classes, reporter, memory)
    pictures = None
    if products.pictures:
        with clock("preview"):
            preview = _preview(recipe, store, paths, pixels)
            if products.preview:
                write_preview(paths["preview"], preview)
        if products.page:
            with clock("html"):
                pictures = scene_pictures(recipe, preview, paths)
    return Written(facts, pictures)


def write_rasters(
    recipe: Recipe, store: BlockStore, paths: Mapping[str, Path], reporter: Reporter
) -> NDArray[np.int64]:
    """Write class map, confidence and probabilities; return the pixels per value of the class map."""
    from geoseg.write import CogSink, finish_together

    geobox, classes, threads = recipe.raster.geobox, recipe.model.card.classes, min(cpu_count(), _MOST_THREADS)
    sinks = [
        CogSink(paths["classes"], geobox, kind="classes", classes=classes, threads=threads),
        CogSink(paths["confidence"], geobox, kind="confidence", threads=threads),
    ]
    if recipe.probabilities:
        names = [classes[position].name for position in recipe.probabilities]
        sinks.append(CogSink(paths["probabilities"], geobox, kind="probabilities", bands=names, threads=threads))
    with ExitStack() as stack:
        for sink in sinks:
            stack.enter_context(sink)
        join = _put_tiles if recipe.tiling.block % TILE == 0 else _write_areas
        pixels = join(recipe, store, sinks, reporter)
        finish_together(*sinks)
    return pixels


def _put_tiles(recipe: Recipe, store: BlockStore, sinks: Sequence[CogSink], reporter: Reporter) -> NDArray[np.int64]:
    """Hand the blocks' compressed tiles on as they are."""
    pixels = np.zeros(256, np.int64)
    count = recipe.tiling.block_count
    for index, box in enumerate(recipe.tiling.blocks()):
        packed = store.packed(index)
        if packed is None:  # what is never written is nodata
            pixels[NODATA] += box.area
        else:
            pixels += packed.pixels
            sinks[0].put(box, packed.classes)
            sinks[1].put(box, packed.confidence)
            for band, tiles in enumerate(packed.probabilities):
                sinks[2].put(box, tiles, band)
        reporter.progress(index + 1, count, f"write {recipe.raster.name}")
    return pixels


def _write_areas(recipe: Recipe, store: BlockStore, sinks: Sequence[CogSink], reporter: Reporter) -> NDArray[np.int64]:
    """Cut blocks that are no whole tiles of the class map anew."""
    pixels = np.zeros(256, np.int64)
    areas = list(Tiling(recipe.tiling.height, recipe.tiling.width, WRITE_SIDE, block=WRITE_SIDE).blocks())
    for done, area in enumerate(areas, 1):
        classes, confidence = store.read(area, [1, 2])
        found = np.bincount(classes.ravel(), minlength=256)
        pixels += found
        if found[NODATA] < area.area:
            sinks[0].write(area, classes)
            sinks[1].write(area, confidence)
            for band in range(len(recipe.probabilities)):  # one at a time: a model may have hundreds of classes
                sinks[2].write(area, store.read(area, [3 + band])[0], band)
        reporter.progress(done, len(areas), f"write {recipe.raster.name}")
    return pixels


def _write_polygons(
    recipe: Recipe,
    products: Products,
    paths: Mapping[str, Path],
    classes: dict[str, dict[str, Any]],
    reporter: Reporter,
    memory: int | None,
) -> None:
    """Polygonize the finished class map and add number and area of polygons to ``classes``."""
    from geoseg.polygonize import polygonize

    card = recipe.model.card
    summary = polygonize(
        paths["classes"],
        paths["polygons"],
        confidence=paths["confidence"],
        names=card.classes,
        min_area=products.min_area,
        simplify=products.simplify,
        memory=memory,
        provenance=provenance_of(recipe),
        progress=lambda done, total: reporter.progress(done, total, f"polygonize {recipe.raster.name}"),
    )
    for note in summary.outlines:
        reporter.warning(f"{recipe.raster.name}: {note}")
    for c in card.classes:
        found = summary.classes.get(c.id)
        classes[c.name]["polygons"] = found.polygons if found else 0
        classes[c.name]["area_m2"] = round(found.area_m2, 2) if found else 0.0


def provenance_of(recipe: Recipe) -> dict[str, str]:
    """Return what layers say of their origin."""
    from geoseg._version import __version__

    card = recipe.model.card
    return {
        "scene": recipe.raster.name,
        "model": card.name,
        "model_version": card.version,
        "geoseg": __version__,
    }


def quicklook_of(raster: Raster, products: Products) -> Quicklook | None:
    """Return the reduced view that preview and page need."""
    if not products.pictures:
        return None
    return Quicklook(choose_bands([band.name for band in raster.bands]), step_of(*raster.shape))


def _preview(recipe: Recipe, store: BlockStore, paths: Mapping[str, Path], pixels: NDArray[np.int64]) -> Preview:
    assert recipe.quicklook is not None
    quicklook = store.read_quicklook(recipe.quicklook, recipe.raster.dtype)
    classes = every(paths["classes"], recipe.quicklook.step)
    card = recipe.model.card
    title = f"{recipe.raster.name}: scene, and classes by model {card.name}"
    counts = {value: int(count) for value, count in enumerate(pixels)}
    return Preview(
        quicklook, classes != NODATA, classes, card.classes, counts, recipe.quicklook.step, recipe.raster.geobox, title
    )


def every(path: Path, step: int) -> NDArray[np.uint8]:
    """Every ``step``-th pixel of a class map, read strip by strip."""
    from rasterio.windows import Window

    from geoseg.raster.gdal.datasets import open_dataset
    from geoseg.raster.gdal.environment import environment

    with environment(), open_dataset(str(path)) as file:
        height, width = file.shape
        rows = step * max(TILE // step, 1)
        # Copies: a view would keep the strip that it is of, and all of them are the whole map.
        strips = (
            file.read(1, window=Window(0, row, width, min(rows, height - row)))[::step, ::step].copy()
            for row in range(0, height, rows)
        )
        return np.concatenate(list(strips))
