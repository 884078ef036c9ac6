"""Batches that threads read ahead.

Threads, not processes: GDAL, numpy and torch release the GIL while they work, so threads keep a device busy. Forked
workers deadlock on the locks of GDAL and torch; spawned ones take seconds and memory each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import torch

from geoseg.classes import NODATA
from geoseg.raster import release_handles
from geoseg.system.threads import map_ahead
from geoseg.train.data.samples import Samples, Target, TrainingSample, ViewPair


class Batch(NamedTuple):
    """Input float32 (N, bands, h, w), labels int64 (N, h, w); image, row and column of each window, int64 (N, 3).

    With soft targets the labels are those of :class:`~geoseg.train.data.samples.TrainingSample`, stacked; so are the
    views of unlabelled windows. Detectors have the objects of each window.
    """

    x: torch.Tensor
    y: torch.Tensor
    where: torch.Tensor
    pair: ViewPair | None = None
    targets: tuple[Target, ...] | None = None


def collate(samples: Sequence[TrainingSample]) -> Batch:
    """Stack samples of one size into a batch."""
    pairs = [sample.pair for sample in samples if sample.pair is not None]
    return Batch(
        torch.stack([sample.x for sample in samples]),
        torch.stack([sample.y for sample in samples]),
        torch.tensor([sample.where for sample in samples]),
        ViewPair(*map(torch.stack, zip(*pairs, strict=True))) if pairs else None,
        tuple(sample.target for sample in samples if sample.target is not None) or None,
    )


class Epochs:
    """Sample numbers: each epoch has its own, each process its share of them.

    Lightning calls :meth:`set_epoch`, also when it resumes, so that a resumed run reads the same samples.
    """

    def __init__(self, samples: int) -> None:
        self.samples, self.epoch = samples, 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch."""
        self.epoch = epoch

    def numbers(self) -> range:
        """Return the sample numbers of this epoch and process."""
        rank, world = _process()
        start = self.epoch * self.samples
        return range(start + rank, start + self.samples, world)


class Loader:
    """Iterates over batches of samples that threads read ahead.

    Parameters
    ----------
    samples
        The dataset.
    batch
        Samples per batch, for training; validation batches have one sample.
    workers
        Threads that read; 0 reads in the calling thread.
    sampler
        Sample numbers, for training; None reads each of ``count`` samples once, for validation.
    count
        Number of samples, for validation.
    """

    def __init__(
        self, samples: Samples, batch: int, workers: int, *, sampler: Epochs | None = None, count: int = 0
    ) -> None:
        self.samples, self.batch, self.workers = samples, batch, workers
        self._epochs, self.count = sampler, count
        if sampler is not None:
            # Lightning looks for set_epoch here; it takes a loader without this attribute as not shuffled.
            self.sampler = sampler

    def __len__(self) -> int:
        if self._epochs is not None:
            return len(self._epochs.numbers()) // self.batch
        return math.ceil(self.count / _process()[1])

    def __iter__(self) -> Iterator[Batch]:
        if self._epochs is None:
            rank, world = _process()
            # One window at a time: those at the borders of an image have other sizes.
            numbers = range(rank, self.count, world)
            yield from (collate([sample]) for sample in self._read(numbers))
            if len(numbers) < len(self):
                # Processes synchronise at every step, so all need as many; the spare one has no labels to count.
                spare = collate([self.samples[0]])
                yield spare._replace(y=torch.full_like(spare.y, NODATA))
            return
        read = self._read(self._epochs.numbers())
        while len(samples := list(itertools.islice(read, self.batch))) == self.batch:
            yield collate(samples)

    def _read(self, numbers: Sequence[int]) -> Iterator[TrainingSample]:
        if not self.workers:
            yield from (self.samples[number] for number in numbers)
            return
        try:
            with ThreadPoolExecutor(self.workers, "geoseg-read", torch.set_num_threads, (1,)) as pool:
                yield from map_ahead(pool, self.samples.__getitem__, numbers, 2 * self.batch + self.workers + 1)
        finally:
            release_handles()


def _process() -> tuple[int, int]:
    """Return the rank of this process and the number of processes that train together."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
