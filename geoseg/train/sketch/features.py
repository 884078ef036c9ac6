"""Features of labelled pixels: read only around them, computed by the network that will segment the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from geoseg.models.inference.predictor import intra_op_threads
from geoseg.raster import release_handles
from geoseg.system.resources import cpu_count
from geoseg.system.threads import ordered_map
from geoseg.tiling import Box, round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from geoseg.models import BandTransform
    from geoseg.models.networks.sketch import SketchNet
    from geoseg.raster import Raster

# Sides of the cells that are computed around labels, in pixels: few large ones waste least on context where labels are
# dense, small ones where they are scattered.
_SIDES = (32, 64, 128, 256, 512)


def describe_pixels(
    network: SketchNet,
    raster: Raster,
    affine: Sequence[BandTransform],
    pixels: NDArray[np.int64],
    geometry: tuple[int, int],
    tick: Callable[[], None] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the features of pixels of a scene.

    Parameters
    ----------
    network
        Computes them.
    raster
        The scene, bands in the network's order.
    affine
        Transform of each band's stored values to the network's input.
    pixels
        (n,) row × width + column.
    geometry
        Stride and margin of the network in pixels.
    tick
        Called after each of :func:`cell_count` cells.

    Returns
    -------
    Features float32 (n, features), 0 where the scene has no data, and validity bool (n,).
    """
    found = np.zeros((len(pixels), network.layout.features), np.float32)
    valid = np.zeros(len(pixels), np.bool_)
    cells = list(_cells(pixels, raster.shape, geometry))

    def describe(cell: tuple[Box, NDArray[np.int64]]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        box, rows = cell
        down, across = np.divmod(pixels[rows], raster.shape[1])
        down, across = down - box.row, across - box.col
        x, mask = _input(raster, affine, box, geometry[0])
        # One thread each: threads that share a cell wait for one another, and spin while another program computes.
        with torch.inference_mode(), intra_op_threads(1, x.device):
            features = _described(network, x, torch.from_numpy(down), torch.from_numpy(across))
        return features.T.numpy(), mask[down, across]

    workers = cpu_count()
    try:
        for (_, rows), parts in zip(cells, ordered_map(describe, cells, workers, ahead=2 * workers), strict=True):
            found[rows], valid[rows] = parts
            if tick is not None:
                tick()
    finally:
        release_handles()
    return np.where(valid[:, None], found, 0), valid


def _described(network: SketchNet, x: torch.Tensor, rows: torch.Tensor, cols: torch.Tensor) -> torch.Tensor:
    """Return the features (features, n) of pixels of an input (1, bands, h, w).

    Only the pretrained network needs the whole margin: the pixels' own features are computed closely around them.
    """
    reach = network.layout.reach
    top, left = (max(int(at.min()) - reach, 0) for at in (rows, cols))
    own = network.own(x[:, :, top : int(rows.max()) + reach + 1, left : int(cols.max()) + reach + 1])
    found = own[0][:, rows - top, cols - left]
    said = network.answers(x)
    return found if said is None else torch.cat([found, said[0][:, rows, cols]])


def cell_count(pixels: NDArray[np.int64], shape: tuple[int, int], geometry: tuple[int, int]) -> int:
    """Return the number of cells in which the features of pixels are computed."""
    return len(np.unique(_numbers(pixels, shape, _side(pixels, shape, geometry))))


def _cells(
    pixels: NDArray[np.int64], shape: tuple[int, int], geometry: tuple[int, int]
) -> Iterator[tuple[Box, NDArray[np.int64]]]:
    """Yield boxes to read, and the positions in ``pixels`` of those whose features are taken from each."""
    if not len(pixels):
        return
    stride, margin = geometry
    side = _side(pixels, shape, geometry)
    numbers = _numbers(pixels, shape, side)
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(numbers[order]) != 0))
    across = -(-shape[1] // side)
    for rows in np.split(order, starts[1:]):
        row, col = divmod(int(numbers[rows[0]]), across)
        # As windows of a run: on multiples of the stride, and no context beyond the scene.
        top, left = (max(at * side - margin, 0) // stride * stride for at in (row, col))
        bottom, right = (
            min(at * side + side + margin, length) for at, length in ((row, shape[0]), (col, shape[1]))
        )  # fmt: skip
        yield Box(top, left, bottom - top, right - left), rows


def _numbers(pixels: NDArray[np.int64], shape: tuple[int, int], side: int) -> NDArray[np.int64]:
    row, col = np.divmod(pixels, shape[1])
    numbers: NDArray[np.int64] = row // side * -(-shape[1] // side) + col // side
    return numbers


def _side(pixels: NDArray[np.int64], shape: tuple[int, int], geometry: tuple[int, int]) -> int:
    """Return the side of cells that leaves the fewest pixels to compute."""
    sides = [round_up(side, geometry[0]) for side in _SIDES]
    return min(sides, key=lambda side: len(np.unique(_numbers(pixels, shape, side))) * (side + 2 * geometry[1]) ** 2)


def _input(
    raster: Raster, affine: Sequence[BandTransform], box: Box, stride: int
) -> tuple[torch.Tensor, NDArray[np.bool_]]:
    """Return the network's input (1, bands, h, w), padded to whole strides, and the validity (h, w) of a box."""
    pixels = raster.read(box)
    x = np.zeros((len(affine), *pixels.valid.shape), np.float32)
    for plane, band, step in zip(x, pixels.data, affine, strict=True):
        values = band.astype(np.float32) * np.float32(step.a) + np.float32(step.b)
        plane[:] = np.where(pixels.valid, np.clip(values, step.lo, step.hi), 0)
    below, right = (-length % stride for length in pixels.valid.shape)
    if below or right:
        x = np.pad(x, ((0, 0), (0, below), (0, right)), mode="symmetric")
    return torch.from_numpy(x[None]), pixels.valid
