"""Memory of windows and blocks, and the strips of blocks whose shared tiles fit into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geoseg.raster.shared_reads import cell_shape
from geoseg.segment.stitch import overlaps
from geoseg.tiling import Tiling, round_up

if TYPE_CHECKING:
    from geoseg.models import Model
    from geoseg.raster import Raster

# Decoded tiles that are kept because neighbouring blocks read them, too. For six bands, those that a strip of six
# blocks shares with the next row fit; tiles between strips are decoded twice, which costs less than memory that grows
# with the scene.
SHARED_BYTES = 128 * 10**6

# Activations of a large U-Net in float32, per pixel; for cards that do not say (Unet(resnet18) takes 540).
_TYPICAL_BYTES_PER_PIXEL = 900.0


def strip_columns(raster: Raster, tiling: Tiling, stitch: str) -> int:
    """Return the width in blocks of the strips in which a scene is computed: tiles that rows share stay decoded."""
    (rows, cols), (high, wide) = tiling.block_shape, cell_shape(raster)
    if not tiling.margin or rows == 1 or wide >= raster.shape[1]:
        return cols
    above, below = (tiling.read_box(tiling.block_box(i * cols), overlapping=overlaps(stitch)) for i in range(2))
    shared = round_up(above.bottom - below.row, high) + high  # however the tiles are aligned
    row_bytes = shared * tiling.block * (len(raster.bands) * raster.dtype.itemsize + 1)
    return max(int(SHARED_BYTES / row_bytes - 0.25), 1)  # a quarter is for tiles between blocks that are being read


def bytes_per_pixel(model: Model) -> float:
    """Peak memory of a forward pass in float32, in bytes per input pixel."""
    return model.card.bytes_per_pixel or _TYPICAL_BYTES_PER_PIXEL


def block_bytes(raster: Raster, model: Model, tiling: Tiling, stitch: str) -> int:
    """Memory of a block in flight, in bytes."""
    side = min(tiling.block, max(tiling.height, tiling.width))
    region = tiling.read_box(tiling.block_box(0), overlapping=overlaps(stitch))
    pixels = max(
        region.area, min(side + 2 * tiling.margin, tiling.height) * min(side + 2 * tiling.margin, tiling.width)
    )
    # The region as read, contiguous copies of its windows, and classes, confidence and their masks.
    total = pixels * (len(model.card.bands) * raster.dtype.itemsize * 2 + 6)
    if overlaps(stitch):
        total += pixels * (len(model.card.classes) + 3) * 4
    return total
