"""From finished blocks to objects: polygons and picture under their contract names, and their counts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import NODATA
from geoseg.geodesy import pixel_sides
from geoseg.job.objects.options import DetectOptions, least_score, object_reading, wanted_classes
from geoseg.job.outputs import Products, Written, every, outputs_of, provenance_of, write_rasters
from geoseg.job.page.pictures import object_pictures
from geoseg.write.preview import write_preview

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from geoseg.job.block_store import BlockStore
    from geoseg.job.objects.drawing import Canvas
    from geoseg.polygonize.boxes.api import BoxSummary
    from geoseg.polygonize.objects import ObjectSummary
    from geoseg.progress.reporters import Reporter
    from geoseg.progress.timing import Clock
    from geoseg.segment.recipe import Recipe

_MEMORY = 1_500_000_000


def write_object_products(
    recipe: Recipe,
    store: BlockStore,
    products: Products,
    folder: Path,
    clock: Clock,
    reporter: Reporter,
    *,
    memory: int | None = None,
) -> Written:
    """Write the objects of one scene into ``folder``, but for report and page.

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
        Bytes that finding objects may use; 1.5 GB if None.

    Returns
    -------
    Facts with ``classes`` (per class of objects: their number, area in m², number of cut ones, number per km² of the
    scene's valid pixels), ``objects``, ``objects_left_out``, ``score`` (the lowest that is written) and
    ``nodata_pixels``.
    """
    shutil.rmtree(folder, ignore_errors=True)
    rasters = folder / "rasters"
    rasters.mkdir(parents=True)
    name = recipe.raster.name
    paths = {kind: rasters / f"{kind}.tif" for kind in ("classes", "confidence", "probabilities")}
    with clock("write"):
        pixels = write_rasters(recipe, store, paths, reporter)
    outputs = outputs_of(folder, name, products)
    with clock("preview"):
        canvas = _canvas(recipe, store, products, paths["classes"]) if products.pictures else None
    with clock("polygonize"):
        summary: BoxSummary | ObjectSummary
        if recipe.model.card.boxes is not None:
            from geoseg.job.objects.boxes import write_box_objects

            summary = write_box_objects(recipe, store, products, outputs["objects"], canvas, reporter)
        else:
            summary = _write_objects(recipe, products, (paths, outputs["objects"]), canvas, reporter, memory or _MEMORY)
            for note in summary.notes:
                reporter.warning(f"{name}: {note}")
    facts = _facts(recipe, products, summary, pixels)
    pictures = None
    if canvas is not None:
        with clock("preview"):
            preview = canvas.preview({name: one["objects"] for name, one in facts["classes"].items()})
            if products.preview:
                write_preview(outputs["preview"], preview)
        if products.page:
            with clock("html"):
                pictures = object_pictures(preview)
    shutil.rmtree(rasters, ignore_errors=True)
    return Written(facts, pictures)


def _options(products: Products) -> DetectOptions:
    assert products.objects is not None
    return products.objects


def _write_objects(
    recipe: Recipe,
    products: Products,
    files: tuple[dict[str, Path], Path],
    canvas: Canvas | None,
    reporter: Reporter,
    memory: int,
) -> ObjectSummary:
    from geoseg.polygonize.objects import ObjectFilter, ObjectMap, write_objects
    from geoseg.polygonize.reshape import ReshapeOptions
    from geoseg.polygonize.source import open_source

    card, options, (paths, output) = recipe.model.card, _options(products), files
    reading = object_reading(card, options)
    if recipe.inner is not None:
        # The map is that of other pixels, looked up for each of the scene's.
        outer, inner = recipe.raster.shape, recipe.inner.raster.shape
        reading = reading.split(outer[0] / inner[0], outer[1] / inner[1])
    shape = ReshapeOptions(products.simplify, regularize=options.regularize)
    wanted = wanted_classes(card, options)
    inverted = card.objects is not None
    sources = [open_source(paths[kind]) for kind in ("classes", "probabilities" if inverted else "confidence")]

    def seen(batch: pa.RecordBatch) -> None:
        if canvas is not None:
            canvas.add(batch)

    try:
        return write_objects(
            ObjectMap(sources[0], sources[1], reading, inverted=inverted),
            output,
            ObjectFilter(least_score(card, options), products.min_area, tuple(item.id for item in wanted), shape),
            memory=memory,
            provenance=provenance_of(recipe),
            seen=seen,
            progress=lambda done, total: reporter.progress(done, total, f"polygonize objects of {recipe.raster.name}"),
        )
    finally:
        for source in sources:
            source.close()


def _facts(
    recipe: Recipe, products: Products, summary: BoxSummary | ObjectSummary, pixels: NDArray[np.int64]
) -> dict[str, Any]:
    counts, raster = summary.counts, recipe.raster
    valid = int(pixels.sum() - pixels[NODATA])
    sides = pixel_sides(raster.crs, raster.transform, raster.shape)
    # By the pixel size at the scene's centre: a density needs no more.
    area = valid * sides[0] * sides[1] / 1e6 if sides else None
    classes = {}
    for item in wanted_classes(recipe.model.card, _options(products)):
        number = counts.objects.get(item.id, 0)
        classes[item.name] = {
            "id": item.id,
            "color": item.color,
            "objects": number,
            "cut": counts.cut.get(item.id, 0),
            "area_m2": round(counts.area.get(item.id, 0.0), 2),
            **({"per_km2": round(number / area, 3)} if area else {}),
        }
    return {
        "classes": classes,
        "objects": sum(counts.objects.values()),
        "objects_left_out": counts.left_out,
        "score": least_score(recipe.model.card, _options(products)),
        "nodata_pixels": int(pixels[NODATA]),
    }


def _canvas(recipe: Recipe, store: BlockStore, products: Products, classes: Path) -> Canvas:
    from geoseg.job.objects.drawing import Canvas

    assert recipe.quicklook is not None
    step = recipe.quicklook.step
    quicklook = store.read_quicklook(recipe.quicklook, recipe.raster.dtype)
    kinds = wanted_classes(recipe.model.card, _options(products))
    return Canvas(recipe, quicklook, every(classes, step) != NODATA, kinds)
