"""Reading through shared cells gives the same pixels, decodes each cell once, and forgets what failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.errors import ReadError
from geoseg.raster import open_raster
from geoseg.raster.cache import SharedReads
from geoseg.tiling import Box


class Counting:
    """A raster that counts what is read, and fails when told to."""

    def __init__(self, raster, block_shape=(512, 512)):
        self._raster, self.block_shape = raster, block_shape
        self.reads, self.broken, self._lock = [], False, Lock()

    def __getattr__(self, name):
        return getattr(self._raster, name)

    def read(self, box):
        if self.broken:
            raise ReadError("lost")
        with self._lock:
            self.reads.append(box)
        return self._raster.read(box)


@settings(max_examples=30)
@given(
    st.integers(1, 1400), st.integers(1, 1400), st.sampled_from([(512, 512), (1, 5000), (256, 256), (16, 5000)]),
    st.integers(1, 3_000_000), st.data(),
)  # fmt: skip
def test_the_same_pixels(scene, height, width, tile, limit, data):
    raster = Counting(open_raster(scene(height, width, nodata=0)), tile)
    reader = SharedReads(raster, limit)
    for _ in range(3):
        row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
        box = Box(row, col, data.draw(st.integers(1, 700)), data.draw(st.integers(1, 700))).intersection(raster.box)
        found, wanted = reader.read(box), raster._raster.read(box)
        assert np.array_equal(found.data, wanted.data)
        assert np.array_equal(found.valid, wanted.valid)


def test_threads_share_what_one_of_them_reads(scene):
    raster = Counting(open_raster(scene(1500, 1500)))
    reader = SharedReads(raster, 10**9)
    boxes = [Box(r, c, 700, 700).intersection(raster.box) for r in range(0, 1500, 300) for c in range(0, 1500, 300)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(reader.read, boxes))
    assert len(raster.reads) == len(set(raster.reads)) == 9


def test_a_read_that_failed_is_tried_again(scene):
    raster = Counting(open_raster(scene(100, 100)))
    reader = SharedReads(raster, 10**9)
    raster.broken = True
    with pytest.raises(ReadError):
        reader.read(raster.box)
    raster.broken = False
    assert reader.read(raster.box).valid.all()
