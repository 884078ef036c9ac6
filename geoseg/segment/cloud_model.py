"""Clouds found by a model: its class map as the quality band of a raster.

The map is computed block by block where pixels are read, on windows that depend on the model alone, so that what is
masked does not depend on memory, order or how the scene is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoseg.classes import NODATA
from geoseg.errors import ContractError, OptionError
from geoseg.models import load_model
from geoseg.models.clouds import mapped
from geoseg.models.runtimes.choices import own_runtime
from geoseg.raster.clouds.kinds import MASKED, Rule
from geoseg.raster.clouds.option import AUTO, NONE, PRODUCTS, note_of
from geoseg.raster.clouds.quality import Quality
from geoseg.segment.block import make_recipe, segment_block
from geoseg.segment.plan import Options, make_plan
from geoseg.segment.recipe import Recipe
from geoseg.system.kept_blocks import KeptBlocks
from geoseg.tiling import Box, round_up

if TYPE_CHECKING:
    from geoseg.models import Model
    from geoseg.raster import Raster
    from geoseg.raster.types import BandSource, ReadRequest

# Side of the part of a window that is kept, in pixels; and bytes of blocks that stay in memory.
_KEEP, _KEPT = 512, 2**27


@dataclass(frozen=True, eq=False)
class CloudMapSource:
    """One band: the class map of a scene by a model, 255 where the scene has no data.

    Attributes
    ----------
    work
        How a block is computed.
    """

    work: Recipe

    @property
    def label(self) -> str:
        """Name of the model."""
        return f"model {self.work.model.card.name}"

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks that are computed."""
        return self.work.tiling.block, self.work.tiling.block

    @property
    def sources(self) -> tuple[BandSource, ...]:
        """The files that are read."""
        return self.work.raster.leaves

    def recipe(self) -> str:
        """Return text that changes whenever the map might change."""
        one = self.work
        return repr((one.raster.fingerprint(), one.model.fingerprint, one.tiling.keep, one.tiling.margin))

    def overview(self, factor: float) -> int | None:
        """Return None: a map at a reduced size needs all pixels."""
        del factor
        return None

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` with classes, and clear ``request.valid`` outside of the scene.

        Raises
        ------
        ReadError, ModelError
            As computing a block does.
        """
        raster, box = self.work.raster, request.box
        placed = Box(box.row - raster.origin[0], box.col - raster.origin[1], box.height, box.width)
        inside = placed.intersection(raster.box)
        whole: NDArray[np.uint8] = np.full((placed.height, placed.width), NODATA, np.uint8)
        if inside.area:
            for index in self.work.tiling.blocks_in(inside):
                block = self.work.tiling.block_box(index)
                part = block.intersection(inside)
                whole[part.within(placed)] = _classes(self.work, index)[part.within(block)]
        height, width = request.shape
        rows = ((np.arange(height) + 0.5) * placed.height / height).astype(int)
        cols = ((np.arange(width) + 0.5) * placed.width / width).astype(int)
        request.out[...] = whole[np.ix_(rows, cols)]


_MAPS: KeptBlocks[NDArray[np.uint8]] = KeptBlocks(lambda classes: classes.nbytes, _KEPT)


def _classes(work: Recipe, index: int) -> NDArray[np.uint8]:
    """Return the classes of a block, which is computed once while it is kept."""
    key = (work.raster.fingerprint(), work.model.fingerprint, index)
    return _MAPS.get(key, lambda: segment_block(work, index).classes)


def split_clouds(
    reading: Mapping[str, Any] | None, *, several: bool = False
) -> tuple[dict[str, Any], str | Model | None]:
    """Return options of :func:`geoseg.open_raster`, and the model that ``mask_clouds`` names, if it names one.

    Raises
    ------
    OptionError
        If it names one for scenes of several inputs.
    """
    options = dict(reading or {})
    wanted = options.get("mask_clouds")
    if wanted is None or (isinstance(wanted, str) and wanted.strip().lower() in (AUTO, NONE, *PRODUCTS)):
        return options, None
    if several:
        raise OptionError("mask-clouds MODEL does not go with several inputs: use their quality bands, or none")
    return {**options, "mask_clouds": NONE}, wanted


def masked_by(raster: Raster, model: str | Model, device: str = "auto") -> Raster:
    """Return a raster in which pixels are missing that a model maps as clouds, shadows or snow.

    Parameters
    ----------
    raster
        The scene, with the bands of the model.
    model
        A segmentation model with such classes, as :func:`geoseg.models.load_model` takes it.
    device
        Where it runs.

    Raises
    ------
    ContractError
        If the model has no such class, or the scene does not fit it.
    """
    loaded = load_model(model)
    codes = mapped(loaded.card)
    if not codes:
        raise ContractError(
            f"model {loaded.card.name!r} masks no clouds: none of its classes is cloud, shadow or snow "
            f"({', '.join(item.name for item in loaded.card.classes)}); name another with --mask-clouds, such as water"
        )
    if loaded.card.inputs or loaded.card.boxes is not None:
        raise ContractError(f"model {loaded.card.name!r} cannot mask clouds: it takes one scene and maps classes")
    stride, margin = loaded.card.stride, loaded.card.margin
    side = loaded.card.window or round_up(_KEEP, stride) + 2 * margin
    options = Options(window=side, device=device, precision="fp32", runtime=own_runtime(loaded))
    plan = make_plan(replace(raster, quality=None), loaded, options)
    source = CloudMapSource(make_recipe(plan))
    rules = (Rule(1, tuple(codes.items())),)
    quality = Quality(f"model {loaded.card.name}", source, rules, frozenset(codes) & frozenset(MASKED), "uint8", True)
    notes = (*raster.notes, *plan.warnings_of(raster.name), note_of(quality, raster.name))
    return replace(raster, quality=quality, notes=tuple(dict.fromkeys(notes)))
