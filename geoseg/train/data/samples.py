"""Windows of pixels and labels as tensors: random ones for training, a partition of held-out cells for validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

from geoseg.classes import NODATA
from geoseg.tiling import Box, Tiling
from geoseg.train.data.augment import Augment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models import BandTransform
    from geoseg.raster import Raster
    from geoseg.train.data.labels import Labels
    from geoseg.train.data.quantity import Quantity
    from geoseg.train.data.soft_labels import SoftLabels
    from geoseg.train.data.windows import WindowSampler
    from geoseg.train.validation.split import Parts

# Draws until a window without any valid labelled pixel is accepted: it does not change the loss.
_DRAWS = 8


@dataclass(frozen=True, eq=False)
class LabelledScene:
    """An image with its labels.

    Attributes
    ----------
    raster
        The image, bands in the order of the card.
    labels
        Labels on its pixels.
    affine
        Transform of stored values to the network's input, per band.
    soft
        Soft targets on its pixels, if another model is to be learned from.
    quantity
        A quantity on its pixels, if a second head is to learn it.
    """

    raster: Raster
    labels: Labels
    affine: tuple[BandTransform, ...]
    soft: SoftLabels | None = None
    quantity: Quantity | None = None

    def read(self, box: Box) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.bool_]]:
        """Return the network's input (bands, h, w), labels (h, w) and validity (h, w) of a box.

        Parts outside the image are invalid. Invalid pixels are 0 in the input, as when a scene is segmented, and
        unlabelled.
        """
        x, valid = input_of(self.raster, self.affine, box)
        y = np.full(valid.shape, NODATA, np.uint8)
        inside = box.intersection(self.raster.box)
        if inside.area:
            rows, cols = inside.within(box)
            y[rows, cols] = np.where(valid[rows, cols], self.labels.read(inside), NODATA)
        return x, y, valid

    def targets(self, box: Box, labels: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Return labels (h, w) of a box as they are, or with further targets below them.

        These are the K percents of the soft targets, uint8 (1 + K, h, w), or the quantity, float32 (2, h, w).
        """
        inside = box.intersection(self.raster.box)
        if self.quantity is not None:
            values = np.full(labels.shape, NODATA, np.float32)
            if inside.area:
                values[inside.within(box)] = self.quantity.read(inside)
            return np.stack([labels.astype(np.float32), values])
        if self.soft is None:
            return labels
        percents = np.full((len(self.soft.orders[0]), *labels.shape), NODATA, np.uint8)
        if inside.area:
            rows, cols = inside.within(box)
            percents[:, rows, cols] = self.soft.percents(inside)
        return np.concatenate([labels[None], percents])


def input_of(
    raster: Raster, affine: Sequence[BandTransform], box: Box
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the network's input (bands, h, w) and validity (h, w) of a box.

    Parts outside the image are invalid, and invalid pixels are 0, as when a scene is segmented.
    """
    inside = box.intersection(raster.box)
    shape = (box.height, box.width)
    x, valid = np.zeros((len(affine), *shape), np.float32), np.zeros(shape, np.bool_)
    if inside.area:
        pixels = raster.read(inside)
        rows, cols = inside.within(box)
        for i, step in enumerate(affine):
            band = pixels.data[i].astype(np.float32) * np.float32(step.a) + np.float32(step.b)
            x[i, rows, cols] = np.where(pixels.valid, np.clip(band, step.lo, step.hi), 0)
        valid[rows, cols] = pixels.valid
    return x, valid


class ViewPair(NamedTuple):
    """Two views of an unlabelled window.

    Weak and strong float32 (bands, h, w), validity bool (h, w), and where another window is pasted, bool (h, w).
    """

    weak: torch.Tensor
    strong: torch.Tensor
    valid: torch.Tensor
    cut: torch.Tensor


class Target(NamedTuple):
    """The objects in a window.

    Boxes float32 (n, 4), left, top, right and bottom edge in pixels of the window; numbers of their classes int64 (n,),
    from 1; masks uint8 (n, h, w), or None; and which objects count when the window is scored, bool (n,).
    """

    boxes: torch.Tensor
    classes: torch.Tensor
    masks: torch.Tensor | None
    counted: torch.Tensor


class TrainingSample(NamedTuple):
    """Input float32 (bands, h, w), labels int64 (h, w), and the window's image, row and column.

    With soft targets the labels are uint8 (1 + K, h, w): below the labels the percent of each class, 255 where unknown;
    with a quantity float32 (2, h, w), likewise.
    With unlabelled scenes a window of these goes along, with detectors the objects in the window; their labels are
    uint8 (h, w): 1 where objects count when the window is scored.
    """

    x: torch.Tensor
    y: torch.Tensor
    where: tuple[int, int, int]
    pair: ViewPair | None = None
    target: Target | None = None


class Samples(Protocol):
    """A dataset of numbered samples."""

    def __getitem__(self, number: int) -> TrainingSample:
        """Return sample ``number``; called by several threads at once."""
        ...


class ScoredWindows(Samples, Protocol):
    """A dataset that is read once, for scores."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...


class TrainingWindows:
    """Endless random training windows; number ``i`` is the same in every process and on every machine.

    Parameters
    ----------
    scenes
        Images with labels.
    sampler
        Draws locations.
    augment
        Augmentation.
    seed
        Random seed.
    """

    def __init__(self, scenes: Sequence[LabelledScene], sampler: WindowSampler, augment: Augment, seed: int) -> None:
        self.scenes, self.sampler, self.augment, self.seed = tuple(scenes), sampler, augment, seed

    def __getitem__(self, number: int) -> TrainingSample:
        rng = np.random.default_rng((self.seed, number))
        for _ in range(_DRAWS):
            image, box = self.sampler.draw(rng)
            x, y, valid = self.scenes[image].read(box)
            if (y != NODATA).any():
                break
        targets = self.scenes[image].targets(box, y)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        side = self.sampler.window
        pixels, labels, mask = resized(torch.from_numpy(x), torch.from_numpy(targets), torch.from_numpy(valid), side)
        pixels, labels = self.augment(pixels, labels.long() if labels.ndim == 2 else labels, mask, generator)
        return TrainingSample(pixels, labels, (image, box.row, box.col))


def resized(
    x: torch.Tensor, y: torch.Tensor, valid: torch.Tensor, side: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Resample input (C, h, w) bilinearly, labels (…, h, w) and validity (h, w) by the nearest pixel, to ``side``²."""
    if x.shape[-2:] == (side, side):
        return x, y, valid
    shrinks = x.shape[-1] > side
    pixels = F.interpolate(x[None], (side, side), mode="bilinear", antialias=shrinks, align_corners=False)[0]
    both = torch.cat([valid[None].to(y.dtype), y.reshape(-1, *valid.shape)])[None].float()
    moved = F.interpolate(both, (side, side), mode="nearest-exact")[0]
    mask = moved[0] > 0
    return pixels * mask, moved[1:].to(y.dtype).reshape(*y.shape[:-2], side, side), mask


class ValidationWindows:
    """Windows over all validation cells: each labelled pixel of these is counted in exactly one.

    Labels outside a window's keep region or outside validation cells are NODATA.
    """

    def __init__(
        self,
        scenes: Sequence[LabelledScene],
        parts: Sequence[Parts],
        *,
        cell: int,
        window: int,
        margin: int,
        stride: int,
    ) -> None:
        self.scenes, self.cell = tuple(scenes), cell
        self.validation = tuple(part.validation for part in parts)
        self.windows: list[tuple[int, Box, Box]] = []
        for image, (scene, part) in enumerate(zip(scenes, parts, strict=True)):
            for read, keep in self._tiles(scene.raster.shape, window, margin, stride):
                if part.held[_cells(keep, cell)].any():
                    self.windows.append((image, read, keep))
        # Windows at the borders of an image are smaller: equal sizes in a row save memory allocations.
        self.windows.sort(key=lambda entry: (entry[1].height, entry[1].width))

    @staticmethod
    def _tiles(shape: tuple[int, int], window: int, margin: int, stride: int) -> Iterator[tuple[Box, Box]]:
        keep = max((window - 2 * margin) // stride * stride, stride)
        if max(shape) <= window:
            keep, margin = window, 0
        tiling = Tiling(*shape, keep=keep, margin=margin, block=max(shape), stride=stride, least=stride)
        for tile in tiling.windows():
            yield tile.read, tile.keep

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, number: int) -> TrainingSample:
        image, read, keep = self.windows[number]
        x, y, _ = self.scenes[image].read(read)
        held = self.validation[image][_cells(keep, self.cell)]
        held = np.repeat(np.repeat(held, self.cell, 0), self.cell, 1)
        row, col = keep.row % self.cell, keep.col % self.cell
        wanted = np.full(y.shape, NODATA, np.uint8)
        inside = keep.within(read)
        wanted[inside] = np.where(held[row : row + keep.height, col : col + keep.width], y[inside], NODATA)
        return TrainingSample(torch.from_numpy(x), torch.from_numpy(wanted).long(), (image, read.row, read.col))


def _cells(box: Box, side: int) -> tuple[slice, slice]:
    return slice(box.row // side, -(-box.bottom // side)), slice(box.col // side, -(-box.right // side))
