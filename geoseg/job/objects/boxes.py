"""From what a detector found in a scene's windows to the layer of objects, and what users should know about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoseg.job.objects.options import least_score, wanted_classes
from geoseg.job.outputs import Products, provenance_of

if TYPE_CHECKING:
    from geoseg.job.block_store import BlockStore
    from geoseg.job.objects.drawing import Canvas
    from geoseg.polygonize.boxes.api import BoxSummary
    from geoseg.progress.reporters import Reporter
    from geoseg.segment.recipe import Recipe


def write_box_objects(
    recipe: Recipe, store: BlockStore, products: Products, path: Path, canvas: Canvas | None, reporter: Reporter
) -> BoxSummary:
    """Write the objects of finished blocks, and warn where the detector may have found less than there is.

    Raises
    ------
    OutputError
        If a block is damaged, or the file cannot be written.
    """
    from geoseg.polygonize.boxes.api import BoxMap, write_boxes
    from geoseg.polygonize.objects import ObjectFilter
    from geoseg.polygonize.reshape import ReshapeOptions

    card, options, raster = recipe.model.card, products.objects, recipe.raster
    assert card.boxes is not None
    assert options is not None
    score = least_score(card, options)
    if score < card.boxes.least_score:
        reporter.info(f"model {card.name!r} returns scores from {card.boxes.least_score:g} on: none below are written")
    found = store.detections()
    # Where the lowest score that was returned is lower, nothing is missing that would be written.
    full = int((found.full >= score).sum())
    if full:
        limit = card.boxes.limit_of(*recipe.tiling.largest_read())
        side = max(recipe.tiling.largest_read())
        reporter.warning(
            f"{raster.name}: {full} windows of {side} px hold as many objects as model {card.name!r} returns at "
            f"most, {limit}: there may be more; use a smaller --window, or raise boxes.limit in the model's card"
        )
    summary = write_boxes(
        BoxMap(found, recipe.tiling, card.classes[1:], card.boxes.masks, raster.transform, raster.crs),
        path,
        ObjectFilter(
            score,
            products.min_area,
            tuple(item.id for item in wanted_classes(card, options)),
            ReshapeOptions(products.simplify, regularize=options.regularize),
        ),
        provenance=provenance_of(recipe),
        seen=None if canvas is None else canvas.add,
        progress=lambda done, total: reporter.progress(done, total, f"polygonize objects of {raster.name}"),
    )
    if summary.too_large:
        margin = recipe.tiling.margin
        reporter.warning(
            f"{raster.name}: {summary.too_large} objects end where their window did, so that they are cut: objects up "
            f"to {2 * margin} px are seen whole; use a larger --margin and --window"
        )
    return summary
