"""Windows with the objects in them: random ones for training, and those of held-out places for scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from geoseg.classes import NODATA
from geoseg.train.boxes.targets import ImageObjects, leaves_open, turned
from geoseg.train.data.augment import Augment, dihedral
from geoseg.train.data.samples import Target, TrainingSample, ValidationWindows, input_of, resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.tiling import Box
    from geoseg.train.data.samples import LabelledScene
    from geoseg.train.data.windows import WindowSampler


class BoxWindows:
    """Endless random training windows; number ``i`` is the same in every process and on every machine.

    Parameters
    ----------
    scenes, objects
        Images, and the objects of each.
    sampler
        Draws locations.
    augment
        Augmentation. Objects whose centre a cloud covers are none.
    seed
        Random seed.
    masks
        Whether outlines are learned, too.
    """

    def __init__(
        self,
        scenes: Sequence[LabelledScene],
        objects: Sequence[ImageObjects],
        sampler: WindowSampler,
        augment: Augment,
        seed: int,
        *,
        masks: bool,
    ) -> None:
        self.scenes, self.objects, self.sampler = tuple(scenes), tuple(objects), sampler
        self.augment, self.seed, self._masks = augment, seed, masks
        self._partly = [leaves_open(scene.labels) for scene in self.scenes]

    def __getitem__(self, number: int) -> TrainingSample:
        rng = np.random.default_rng((self.seed, number))
        image, box = self.sampler.draw(rng)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        side = self.sampler.window
        x, valid = self._pixels(image, box)
        factor = side / box.width
        pixels, labels, mask = resized(torch.from_numpy(x), torch.zeros(valid.shape), torch.from_numpy(valid), side)
        seen = self.objects[image].seen(box, factor)
        boxes, classes = torch.from_numpy(seen.boxes), torch.from_numpy(seen.classes)
        outlines = self.objects[image].masks(seen.positions, box, side, factor) if self._masks else None
        if self.augment.strength:
            kind = int(torch.randint(8, (1,), generator=generator))
            pixels, labels, mask = (dihedral(tensor, kind) for tensor in (pixels, labels, mask))
            outlines = None if outlines is None else dihedral(outlines, kind).contiguous()
            boxes = turned(boxes, kind, side)
        pixels, labels = self.augment.values(pixels, labels.masked_fill(~mask, NODATA), mask, generator)
        middle = ((boxes[:, :2] + boxes[:, 2:]) / 2).long().clamp(0, side - 1)
        shown = labels[middle[:, 1], middle[:, 0]] != NODATA
        if outlines is not None:
            shown &= outlines.flatten(1).bool().any(1)  # any of bytes is a byte
            outlines = outlines[shown]
        target = Target(boxes[shown], classes[shown], outlines, torch.ones(int(shown.sum()), dtype=torch.bool))
        where = (image, box.row, box.col)
        return TrainingSample(pixels.contiguous(), torch.ones((1, 1), dtype=torch.uint8), where, target=target)

    def _pixels(self, image: int, box: Box) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return input (bands, h, w) and validity (h, w) of a box; what the labels leave open is missing in both.

        A detector learns that there is nothing where no object is told; so it must not see what nobody has looked at.
        """
        scene = self.scenes[image]
        if not self._partly[image]:
            return input_of(scene.raster, scene.affine, box)
        x, labels, _ = scene.read(box)
        known = labels != NODATA
        x[:, ~known] = 0
        return x, known


class ScoredBoxWindows:
    """Windows over held-out places; each object counts in the one window in whose keep region its centre lies.

    Parameters
    ----------
    windows
        Windows over the held-out cells.
    objects
        The objects of each image.
    """

    def __init__(self, windows: ValidationWindows, objects: Sequence[ImageObjects]) -> None:
        self._windows, self._objects = windows, tuple(objects)

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, number: int) -> TrainingSample:
        sample = self._windows[number]
        image, read, _ = self._windows.windows[number]
        # All valid pixels of held-out places are labelled: background, or an object.
        home = (sample.y != NODATA).to(torch.uint8)
        seen = self._objects[image].seen(read)
        rows, cols = np.floor(seen.centres - [read.row, read.col]).astype(np.int64).T
        inside = (rows >= 0) & (rows < home.shape[0]) & (cols >= 0) & (cols < home.shape[1])
        counted = np.zeros(len(rows), np.bool_)
        counted[inside] = home.numpy()[rows[inside], cols[inside]] == 1
        target = Target(torch.from_numpy(seen.boxes), torch.from_numpy(seen.classes), None, torch.from_numpy(counted))
        return sample._replace(y=home, target=target)
