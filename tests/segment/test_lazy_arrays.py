"""``geoseg.segment`` of a dask-backed array computes only what a block needs."""

from __future__ import annotations

import dask.array as da
import numpy as np
import xarray as xr

import geoseg


def test_a_block_computes_only_the_chunks_that_it_reads(identity_model):
    seen = []

    def chunk(block_id):
        seen.append(block_id[1:])
        return np.full((1, 32, 32), sum(block_id) % 6, np.uint8)

    lazy = da.map_blocks(chunk, chunks=((1,), (32,) * 4, (32,) * 4), dtype="uint8", meta=np.empty((0, 0, 0), "uint8"))
    array = xr.DataArray(lazy, dims=("band", "y", "x"))
    result = geoseg.segment(array, identity_model(), device="cpu", precision="fp32", block=64, window=64, margin=0)
    seen.clear()  # samples for the check of units
    part = result.classes[:64, :64].compute(scheduler="synchronous")
    assert set(seen) == {(row, col) for row in range(2) for col in range(2)}
    expected = np.kron(np.add.outer(np.arange(2), np.arange(2)) % 6, np.ones((32, 32)))
    np.testing.assert_array_equal(part, expected)
