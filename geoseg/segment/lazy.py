"""``geoseg.segment``: class map and confidence as a lazy xarray Dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import NODATA
from geoseg.segment.block import Recipe, make_recipe, segment_block
from geoseg.segment.plan import Options, make_plan

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


def segment(
    raster: Any,
    model: Any = None,
    *,
    window: int | None = None,
    margin: int | None = None,
    stitch: str = "trim",
    block: int | None = None,
    device: str = "auto",
    precision: str = "auto",
    memory: str | int | None = None,
) -> xr.Dataset:
    """Segment a raster lazily.

    Parameters
    ----------
    raster
        A :class:`geoseg.Raster`, anything that :func:`geoseg.open_raster` takes, or an ``xarray.DataArray``
        (band, y, x) that was computed before: a median of a stack, say.
    model
        Name of a bundled or installed model, folder of a model, or a loaded model; the bundled default if None.
    window
        Side of what the model sees, in pixels, margins included. Chosen to fit model, memory and scene if None.
    margin
        Context on each side of a window that is read but not kept, in pixels; the model card's if None.
    stitch
        ``"trim"``, ``"linear"`` or ``"gaussian"``: see :mod:`geoseg.segment.stitch`.
    block
        Chunk side of the result in pixels. The result does not depend on it.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    precision
        ``"auto"``, ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    memory
        Budget of one process, as ``"4GB"`` or in bytes.

    Returns
    -------
    Dataset on the raster's GeoBox with ``classes`` (uint8, class number, 255 = nodata) and ``confidence`` (uint8,
    percent of the winning class, 255 = nodata), both (y, x), chunked, nothing computed yet. Class names and colours are
    in ``classes.attrs``.

    Raises
    ------
    InputError, ContractError
        If the raster cannot be opened or does not match the model card.
    ModelError
        If the model cannot be loaded.
    OptionError
        If an option's value is impossible.
    """
    options = Options(
        window=window, margin=margin, stitch=stitch, block=block, device=device, precision=precision, memory=memory
    )
    return to_dataset(make_recipe(make_plan(raster, model, options)))


def to_dataset(recipe: Recipe) -> xr.Dataset:
    """Return the lazy Dataset of a recipe; see :func:`segment`."""
    import dask.array as da
    from dask.base import tokenize
    from dask.delayed import delayed
    from odc.geo.xr import wrap_xr

    tiling, geobox = recipe.tiling, recipe.raster.geobox
    rows = tuple(tiling.block_box(i * tiling.block_shape[1]).height for i in range(tiling.block_shape[0]))
    cols = tuple(tiling.block_box(i).width for i in range(tiling.block_shape[1]))
    # One node of the graph that all tasks refer to. Not traversed: where the raster is a dask array, dask would
    # compute the whole of it for each block.
    shared = delayed(recipe, name=f"recipe-{tokenize(recipe)}", traverse=False)
    both = da.map_blocks(
        _block_of_both, recipe=shared, chunks=((2,), rows, cols), dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8)
    )
    classes = recipe.model.card.classes
    attrs: dict[str, Any] = {
        "class_values": [c.id for c in classes],
        "class_names": [c.name for c in classes],
        "class_colors": [c.color for c in classes],
        "model": recipe.model.card.name,
    }
    import xarray as xr

    return xr.Dataset(
        {
            "classes": wrap_xr(both[0], geobox, nodata=NODATA, **attrs),
            "confidence": wrap_xr(both[1], geobox, nodata=NODATA, units="percent"),
        }
    )


def _block_of_both(*, recipe: Recipe, block_id: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Classes and confidence of one chunk as one array (2, h, w): dask computes the block once for both."""
    result = segment_block(recipe, block_id[1] * recipe.tiling.block_shape[1] + block_id[2])
    return np.stack([result.classes, result.confidence])
