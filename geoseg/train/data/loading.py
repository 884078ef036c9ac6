"""Batches read ahead by threads.

Threads, not processes: GDAL, numpy and torch release the interpreter while they work, so threads keep a device fed;
forked workers deadlock on GDAL's and torch's locks, and spawned ones cost seconds and a copy of everything each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import torch

from geoseg.classes import NODATA
from geoseg.raster import release_handles
from geoseg.system.threads import map_ahead
from geoseg.train.data.samples import TrainingSample


class Samples(Protocol):
    """Anything with numbered samples."""

    def __getitem__(self, number: int) -> TrainingSample:
        """Return sample ``number``; called by several threads at once."""
        ...


class Batch(NamedTuple):
    """Input (N, bands, h, w) float32, labels (N, h, w) int64, and where each comes from (N, 3) int64."""

    x: torch.Tensor
    y: torch.Tensor
    where: torch.Tensor


def collate(samples: Sequence[TrainingSample]) -> Batch:
    """Return samples of one size as a batch."""
    return Batch(
        torch.stack([sample.x for sample in samples]),
        torch.stack([sample.y for sample in samples]),
        torch.tensor([sample.where for sample in samples]),
    )


class Epochs:
    """Numbers of samples: every epoch has its own, every process its share.

    Lightning calls :meth:`set_epoch`, also when it resumes, so that a resumed run goes on with the same samples.
    """

    def __init__(self, samples: int) -> None:
        self.samples, self.epoch = samples, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch."""
        self.epoch = epoch

    def numbers(self) -> range:
        """Return the numbers of this epoch that this process reads."""
        rank, world = _process()
        start = self.epoch * self.samples
        return range(start + rank, start + self.samples, world)


class Loader:
    """Iterates over batches of samples that threads read ahead.

    Parameters
    ----------
    samples
        Numbered samples.
    sampler
        Their numbers, for training; None takes each of ``count`` once, for validation.
    batch
        Samples of a batch. In validation a batch ends where the size of samples changes.
    workers
        Threads; 0 reads in the caller's.
    count
        Number of samples, for validation.
    """

    def __init__(
        self, samples: Samples, batch: int, workers: int, *, sampler: Epochs | None = None, count: int = 0
    ) -> None:
        self.samples, self.batch, self.workers = samples, batch, workers
        self._epochs, self.count = sampler, count
        if sampler is not None:
            # Where Lightning looks for set_epoch; what has no such attribute is no shuffled loader to it.
            self.sampler = sampler

    def __len__(self) -> int:
        if self._epochs is not None:
            return len(self._epochs.numbers()) // self.batch
        return math.ceil(self.count / _process()[1])

    def __iter__(self) -> Iterator[Batch]:
        if self._epochs is None:
            rank, world = _process()
            # One window at a time: those at borders differ in size, and validation computes no gradients.
            numbers = range(rank, self.count, world)
            yield from (collate([sample]) for sample in self._read(numbers))
            if len(numbers) < len(self):
                # Processes wait for one another at every step: all take as many, the last without a label to count.
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
    """Return the number of this process and of all that train together."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
