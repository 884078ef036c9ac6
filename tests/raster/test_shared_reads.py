"""Reading through shared cells gives the same pixels, decodes each cell once, and forgets what failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.errors import ReadError
from geoseg.raster import open_raster
from geoseg.raster.shared_reads import SharedReads
from geoseg.tiling import Box, Tiling


class Counting:
    """A raster that counts what is read, and fails when told to."""

    def __init__(self, raster, block_shape=(512, 512), *, remote=False):
        self._raster, self.block_shape, self.remote = raster, block_shape, remote
        self.reads, self.broken, self._lock = [], False, Lock()

    def __getattr__(self, name):
        return getattr(self._raster, name)

    def read(self, box):
        if self.broken:
            raise ReadError("lost")
        with self._lock:
            self.reads.append(box)
        return self._raster.read(box)


def cells_of(box):
    """Cells of 512 that a read decodes."""
    return [(row, col) for row in range(box.row, box.bottom, 512) for col in range(box.col, box.right, 512)]


@settings(max_examples=30)
@given(
    st.integers(1, 1400), st.integers(1, 1400), st.sampled_from([(512, 512), (1, 5000), (256, 256), (16, 5000)]),
    st.integers(1, 3_000_000), st.booleans(), st.data(),
)  # fmt: skip
def test_the_same_pixels(scene, height, width, tile, limit, remote, data):
    raster = Counting(open_raster(scene(height, width, nodata=0)), tile, remote=remote)
    reader = SharedReads(raster, limit)
    for _ in range(3):
        row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
        box = Box(row, col, data.draw(st.integers(1, 700)), data.draw(st.integers(1, 700))).intersection(raster.box)
        found, wanted = reader.read(box, lambda _: data.draw(st.integers(1, 3))), raster._raster.read(box)
        assert np.array_equal(found.data, wanted.data)
        assert np.array_equal(found.valid, wanted.valid)


@pytest.mark.parametrize("remote", [False, True])
def test_threads_share_what_one_of_them_reads(scene, remote):
    raster = Counting(open_raster(scene(1500, 1500)), remote=remote)
    reader = SharedReads(raster, 10**9)
    boxes = [Box(r, c, 700, 700).intersection(raster.box) for r in range(0, 1500, 300) for c in range(0, 1500, 300)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(reader.read, uses=lambda _: 100), boxes))
    assert sum(box.area for box in raster.reads) == raster.box.area
    assert remote or len(raster.reads) == 9


def test_neighbouring_cells_come_from_a_server_in_one_read(scene):
    raster = Counting(open_raster(scene(1500, 1600)), remote=True)
    reader = SharedReads(raster, 10**9)
    reader.read(Box(600, 600, 10, 10), lambda _: 2)
    reader.read(raster.box, lambda _: 2)
    # The middle is known: above, left and right of it, below.
    assert raster.reads == [
        Box(512, 512, 512, 512), Box(0, 0, 512, 1600), Box(512, 0, 512, 512), Box(512, 1024, 512, 576),
        Box(1024, 0, 476, 1600),
    ]  # fmt: skip
    again = SharedReads(raster, 10**9)
    again.read(raster.box, lambda _: 1)
    assert raster.reads[5:] == [raster.box]
    assert not again._cells


@pytest.mark.parametrize("remote", [False, True])
def test_a_read_that_failed_is_tried_again(scene, remote):
    raster = Counting(open_raster(scene(100, 1100)), remote=remote)
    reader = SharedReads(raster, 10**9)
    raster.broken = True
    with pytest.raises(ReadError):
        reader.read(raster.box, lambda _: 1)
    raster.broken = False
    assert reader.read(raster.box, lambda _: 1).valid.all()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("remote", [False, True])
@pytest.mark.parametrize("strip", [0, 2])
def test_blocks_in_order_decode_each_cell_once_a_strip_and_leave_nothing(scene, strip, remote, threads):
    raster = Counting(open_raster(scene(1100, 1300)), (128, 128), remote=remote)
    raster_cells = 3 * 3  # of 512
    tiling = Tiling(1100, 1300, keep=256, margin=32, block=256, strip=strip)
    reader = SharedReads(raster, 10**9)

    def read(index):
        region, strip = tiling.read_box(tiling.block_box(index)), tiling.strip_of(index)
        return reader.read(region, partial(tiling.readers, strip=strip), group=strip.start)

    with ThreadPoolExecutor(threads) as pool:
        for index, found in zip(tiling.order(), pool.map(read, tiling.order()), strict=True):
            assert np.array_equal(found.data, raster._raster.read(tiling.read_box(tiling.block_box(index))).data)
    # Cells of 512 columns lie in one strip of 2 × 256, but for what is read of the next.
    decoded = [cell for box in raster.reads for cell in cells_of(box)]
    assert len(decoded) == raster_cells if not strip else raster_cells < len(decoded) <= 7 * 3
    assert not reader._cells
    assert reader._held == 0


def test_a_read_of_the_next_strip_does_not_take_the_place_of_one_of_this(scene):
    raster = Counting(open_raster(scene(512, 512)))
    reader = SharedReads(raster, 10**9)
    for group in (0, 1, 1, 0):  # two reads of each strip, by turns, as threads may come to them
        reader.read(raster.box, lambda _: 2, group=group)
    assert len(raster.reads) == 2
    assert not reader._cells


def test_what_does_not_fit_is_decoded_again(scene):
    raster = Counting(open_raster(scene(1024, 1024)))
    reader = SharedReads(raster, 1)
    for _ in range(2):
        reader.read(raster.box, lambda _: 2)
    assert len(raster.reads) > 4
    assert len(reader._cells) <= 1
