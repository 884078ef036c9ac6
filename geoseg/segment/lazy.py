"""``geoseg.segment``: class map, confidence and probabilities as a lazy xarray Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import NODATA
from geoseg.progress.reporters import Silent
from geoseg.segment.block import make_recipe, segment_block
from geoseg.segment.plan import Options, make_plan
from geoseg.segment.precision import precision_warning
from geoseg.segment.recipe import Recipe
from geoseg.segment.upstream import lazy_sources, parts_of, with_pixels, without_arrays

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
    runtime: str = "auto",
    memory: str | int | None = None,
    probabilities: str | Sequence[str] | None = None,
    resample: str | float = "auto",
) -> xr.Dataset:
    """Segment a raster lazily.

    The keywords are the fields of :class:`geoseg.job.Options`, with the same defaults, except for two that concern
    jobs, which compute blocks themselves: ``workers``, because the dask scheduler that computes the Dataset decides
    how many chunks run at a time, and ``compile``, because compiling takes up to a minute, which pays in a job of many
    blocks only.

    Parameters
    ----------
    raster
        A :class:`geoseg.Raster`, anything that :func:`geoseg.open_raster` takes, or an ``xarray.DataArray``
        (band, y, x), such as the median of a stack. For a model of several inputs a mapping,
        ``{"optical": "S2.tif", "sar": "S1.tif"}``: see :func:`geoseg.models.open_inputs`.
    model
        Name of a bundled or installed model, folder of a model, or a loaded model; the bundled default if None.
    window
        Side of the model's input in pixels, including margins. Chosen to suit model, memory and scene if None.
    margin
        Context on each side of a window that is read but not kept, in pixels; the model card's if None.
    stitch
        ``"trim"``, ``"linear"`` or ``"gaussian"``: see :mod:`geoseg.segment.stitch`.
    block
        Chunk side of the result in pixels. The values do not depend on it.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    precision
        ``"auto"``, ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    runtime
        Library that computes the network: ``"auto"``, ``"torch"``, ``"openvino"``, or ``"onnx"`` for ONNX models.
    memory
        Memory limit of one process, as ``"4GB"`` or in bytes.
    probabilities
        ``"all"`` or names of classes whose probabilities are wanted as well; None for none.
    resample
        Pixel size at which the model sees the raster, whose map keeps its own pixels: ``"auto"`` takes the nearest that
        the model was made for, where the raster's is none of them; ``"never"``; or metres.

    Returns
    -------
    Dataset on the raster's GeoBox, chunked, with nothing computed yet:

    ``classes``
        uint8 (y, x): class number, 255 = nodata. Class names and colours are in its ``attrs``.
    ``confidence``
        uint8 (y, x): percent of the winning class, 0…100, 255 = nodata.
    ``probabilities``
        Only if asked for. uint8 (class, y, x): percent of each class, 0…100, 255 = nodata; coordinate ``class`` holds
        the names in the order given. The percents of all classes of a pixel sum to 100, and the winning class has its
        confidence: other classes are rounded by the largest-remainder method
        (:func:`geoseg.models.inference.argmax.percents_of`). A subset has the same values as those classes have
        in ``"all"``.

    What is doubtful about the scene, such as pixels far from the model's, is told on stderr.

    Raises
    ------
    InputError, ContractError
        If the raster cannot be opened or does not match the model card.
    ModelError
        If the model cannot be loaded.
    OptionError
        If an option is invalid or a name in ``probabilities`` is not a class of the model.

    Examples
    --------
    >>> import geoseg, numpy as np, xarray as xr
    >>> from affine import Affine
    >>> from odc.geo.geobox import GeoBox
    >>> from odc.geo.xr import xr_coords
    >>> box = GeoBox((64, 96), Affine(10, 0, 500000, 0, -10, 5400000), "EPSG:32633")
    >>> bands = ["blue", "green", "red", "nir", "swir16", "swir22"]
    >>> water = np.array([500, 450, 250, 120, 60, 40], "uint16")  # reflectance × 10,000
    >>> pixels = np.broadcast_to(water[:, None, None], (6, 64, 96))
    >>> scene = xr.DataArray(pixels, dims=("band", "y", "x"), coords={**xr_coords(box), "band": bands})
    >>> result = geoseg.segment(scene, "spectral", probabilities=["water", "tree"])
    >>> result.classes.attrs["class_names"][int(result.classes[0, 0])]
    'water'
    >>> result.probabilities.dims, result.probabilities.shape
    (('class', 'y', 'x'), (2, 64, 96))
    """
    wanted = probabilities if probabilities is None or isinstance(probabilities, str) else tuple(probabilities)
    options = Options(
        window=window, margin=margin, stitch=stitch, block=block, device=device, precision=precision,
        runtime=runtime, memory=memory,
        probabilities=wanted, resample=resample,
    )  # fmt: skip
    plan = make_plan(raster, model, options)
    recipe = make_recipe(plan)
    doubts = precision_warning(plan, recipe.execution)
    plan = replace(plan, warnings=(*plan.warnings, doubts)) if doubts else plan
    for warning in plan.warnings_of(plan.raster.name):
        Silent().warning(warning)
    return to_dataset(recipe)


def to_dataset(recipe: Recipe) -> xr.Dataset:
    """Return the lazy Dataset of a recipe; see :func:`segment`."""
    import dask.array as da
    from dask.base import tokenize
    from dask.delayed import delayed
    from odc.geo.xr import wrap_xr

    tiling, geobox = recipe.tiling, recipe.raster.geobox
    rows = tuple(tiling.block_box(i * tiling.block_shape[1]).height for i in range(tiling.block_shape[0]))
    cols = tuple(tiling.block_box(i).width for i in range(tiling.block_shape[1]))
    # One node of the graph that all tasks refer to. Not traversed: dask would look for graphs inside.
    carried = replace(recipe, raster=without_arrays(recipe.raster))
    shared = delayed(carried, name=f"recipe-{tokenize(recipe)}", traverse=False)
    chunks = ((2 + len(recipe.probabilities),), rows, cols)
    meta = np.empty((0, 0, 0), np.uint8)
    if recipe.raster.computed:
        layers = _from_chunks(recipe, shared, chunks)
    else:
        layers = da.map_blocks(_block_layers, recipe=shared, chunks=chunks, dtype=np.uint8, meta=meta)
    classes = recipe.model.card.classes
    attrs: dict[str, Any] = {
        "class_values": [c.id for c in classes],
        "class_names": [c.name for c in classes],
        "class_colors": [c.color for c in classes],
        "model": recipe.model.card.name,
    }
    sources = list(recipe.raster.sources)  # which write_cog does not replace
    import xarray as xr

    variables = {
        "classes": wrap_xr(layers[0], geobox, nodata=NODATA, sources=sources, **attrs),
        "confidence": wrap_xr(layers[1], geobox, nodata=NODATA, units="percent", sources=sources),
    }
    if recipe.probabilities:
        dims = ("class", *geobox.dimensions)
        wrapped = wrap_xr(layers[2:], geobox, nodata=NODATA, dims=dims, axis=1, units="percent", sources=sources)
        names = [classes[position].name for position in recipe.probabilities]
        variables["probabilities"] = wrapped.assign_coords({"class": names})
    return xr.Dataset(variables)


def _from_chunks(recipe: Recipe, shared: Any, chunks: tuple[tuple[int, ...], ...]) -> Any:
    """Return the array of layers, each block a task of the chunks of the lazy arrays that it reads."""
    import dask.array as da
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    tiling, name = recipe.tiling, f"segment-{tokenize(recipe)}"
    tasks: dict[Any, Any] = {}
    for index, box in enumerate(tiling.blocks()):
        parts = parts_of(recipe.raster, tiling.read_box(box, overlapping=recipe.overlapping))
        places = [(part.source, part.origin) for part in parts]
        row, col = divmod(index, tiling.block_shape[1])
        tasks[name, 0, row, col] = (_layers_of_chunks, shared.key, index, places, [part.chunks for part in parts])
    sources = [source.array for source in lazy_sources(recipe.raster).values()]
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[shared, *sources])
    return da.Array(graph, name, chunks, dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8))


def _layers_of_chunks(recipe: Recipe, index: int, places: Sequence[Any], chunks: Sequence[Any]) -> NDArray[np.uint8]:
    """Return all layers of one block from the chunks of lazy arrays."""
    return _layers(replace(recipe, raster=with_pixels(recipe.raster, places, chunks)), index)


def _block_layers(*, recipe: Recipe, block_id: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return all layers of one chunk as one array (2 + probabilities, h, w), so that dask computes the block once."""
    return _layers(recipe, block_id[1] * recipe.tiling.block_shape[1] + block_id[2])


def _layers(recipe: Recipe, index: int) -> NDArray[np.uint8]:
    result = segment_block(recipe, index)
    return np.concatenate([[result.classes, result.confidence], result.probabilities])
