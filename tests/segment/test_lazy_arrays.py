"""``geoseg.segment`` of a dask-backed array computes only what a block needs, and every chunk once."""

from __future__ import annotations

import pickle
import threading
import uuid
from collections import Counter

import dask
import dask.array as da
import numpy as np
import pytest
import rasterio
import xarray as xr

import geoseg

SIDE, COUNT = 32, 8


class Counted:
    """A lazy array (1, 256, 256) in 64 chunks, and how often each was computed."""

    def __init__(self, chunks: int = COUNT) -> None:
        self.seen: Counter[tuple[int, int]] = Counter()
        self.lock = threading.Lock()
        sizes = (SIDE,) * chunks
        lazy = da.map_blocks(
            self._chunk, chunks=((1,), sizes, sizes), dtype="uint8", meta=np.empty((0, 0, 0), "uint8"), name="counted"
        )
        self.array = xr.DataArray(lazy, dims=("band", "y", "x"))
        self.chunks = chunks**2

    def _chunk(self, block_id):
        with self.lock:
            self.seen[block_id[1:]] += 1
        values = np.random.default_rng(block_id).integers(0, 6, (1, SIDE // 8, SIDE // 8))
        return np.kron(values, np.ones((1, 8, 8))).astype(np.uint8)

    @property
    def total(self) -> int:
        return self.seen.total()


def segment(source, model, **more):
    options = {"device": "cpu", "precision": "fp32", "block": 64, "window": 64, "margin": 8, **more}
    return geoseg.segment(source, model, **options)


def test_a_block_computes_only_the_chunks_that_it_reads(identity_model):
    counted = Counted(4)
    result = segment(counted.array, identity_model(), margin=0)
    counted.seen.clear()  # samples for the check of units
    part = result.classes[:64, :64].compute(scheduler="synchronous")
    assert set(counted.seen) == {(row, col) for row in range(2) for col in range(2)}
    np.testing.assert_array_equal(part, counted.array[0, :64, :64].values)


def test_planning_computes_few_chunks_and_each_once(identity_model):
    counted = Counted()
    segment(counted.array, identity_model())
    assert 1 <= counted.total <= 0.1 * counted.chunks
    assert max(counted.seen.values()) == 1


@pytest.mark.parametrize("stitch", ["trim", "linear"])
def test_windows_that_overlap_compute_no_chunk_twice(identity_model, stitch):
    counted = Counted()
    result = segment(counted.array, identity_model(), stitch=stitch)
    computed = result.compute(scheduler="threads")
    assert counted.total <= 1.2 * counted.chunks
    whole = segment(counted.array.compute(), identity_model(), stitch=stitch)
    for name in ("classes", "confidence"):
        np.testing.assert_array_equal(computed[name], whole[name].compute())


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_writing_a_dataset_computes_no_chunk_twice(identity_model, tmp_path, scheduler):
    counted = Counted()
    result = segment(counted.array, identity_model())
    with dask.config.set(scheduler=scheduler):
        paths = geoseg.write_cog(result, tmp_path / "map.tif")
    assert paths == {"classes": tmp_path / "map_classes.tif", "confidence": tmp_path / "map_confidence.tif"}
    assert counted.total <= 1.2 * counted.chunks
    for name, path in paths.items():
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(file.read(1), result[name].compute())


def test_bands_in_variables_of_their_own_and_a_part_of_the_scene(card, identity_model):
    """A Dataset has an array per band; a bounding box shifts rows and columns."""
    counted, other = Counted(), Counted()
    scene = xr.Dataset({"other": other.array[0] + 1, "band1": counted.array[0]})
    raster = geoseg.open_raster(scene, bbox=(40, 24, 200, 210))
    lazy = segment(raster, identity_model()).classes.compute().values
    np.testing.assert_array_equal(lazy, raster.read(raster.box).data[1])


BANDS = ["blue", "green", "red", "nir", "swir16", "swir22"]


def _file_chunk(block_id, folder):
    """A chunk of six bands that leaves a file for each time that it is computed, in whatever process."""
    (folder / f"{block_id[1]}-{block_id[2]}-{uuid.uuid4().hex}").touch()
    values = np.random.default_rng(block_id).integers(100, 3000, (6, SIDE // 8, SIDE // 8))
    return np.kron(values, np.ones((1, 8, 8))).astype(np.uint16)


def test_a_cluster_computes_no_chunk_twice(dask_workers, tmp_path):
    folder = tmp_path / "seen"
    folder.mkdir()
    sizes = (SIDE,) * COUNT
    lazy = da.map_blocks(
        _file_chunk, folder=folder, chunks=((6,), sizes, sizes), dtype="uint16", meta=np.empty((0, 0, 0), "uint16")
    )
    array = xr.DataArray(lazy, dims=("band", "y", "x"), coords={"band": BANDS})
    result = segment(array, "spectral")
    with dask_workers.as_current():
        paths = geoseg.write_cog(result, tmp_path / "map.tif")
    assert len(list(folder.iterdir())) <= 1.2 * COUNT**2
    with rasterio.open(paths["classes"]) as file:
        np.testing.assert_array_equal(file.read(1), result.classes.compute(scheduler="threads"))


def test_tasks_do_not_carry_the_graph():
    noise = da.random.default_rng(0).integers(100, 3000, (6, 1024, 1024), dtype="uint16", chunks=(6, 32, 32))
    result = segment(xr.DataArray(noise, dims=("band", "y", "x"), coords={"band": BANDS}), "spectral", block=512)
    (recipe,) = [value for key, value in dict(result.classes.data.dask).items() if str(key).startswith("recipe-")]
    assert len(pickle.dumps(recipe)) < 100_000
