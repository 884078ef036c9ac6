"""Sampling: pixels from all over a scene, at a bounded cost."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geoseg.errors import ReadError
from geoseg.raster import open_raster
from geoseg.raster.sampling import read_sample, sample_boxes
from geoseg.raster.types import Pixels
from geoseg.tiling import Box

sizes = st.integers(1, 20_000)


@given(sizes, sizes, st.integers(1, 2048), st.integers(1, 2048), st.integers(25, 10**6), st.booleans())
def test_boxes_are_disjoint_inside_and_few(height, width, high, wide, most, strips):
    block = (high, width if strips else wide)
    boxes = sample_boxes((height, width), block, most)
    scene = Box(0, 0, height, width)
    assert all(scene.contains(box) and box.area for box in boxes)
    assert 1 <= len(boxes) <= 25
    assert sum(box.area for box in boxes) <= max(most, 5 * width)
    for number, one in enumerate(boxes):
        assert not any(one.intersection(other).area for other in boxes[number + 1 :])


@given(sizes, sizes, st.sampled_from([128, 256, 512, 1024]))
def test_each_square_lies_in_one_tile(height, width, tile):
    boxes = sample_boxes((height, width), (tile, tile), 10**6)
    if boxes != [Box(0, 0, height, width)] and tile < width:
        assert all(box.row // tile == (box.bottom - 1) // tile for box in boxes)
        assert all(box.col // tile == (box.right - 1) // tile for box in boxes)


@given(st.integers(3000, 20_000), st.integers(3000, 20_000), st.integers(1, 64))
def test_strips_are_read_as_whole_rows_spread_over_the_scene(height, width, strip):
    boxes = sample_boxes((height, width), (strip, width), 10**6)
    assert {box.width for box in boxes} == {width}
    assert all(box.row // strip == (box.bottom - 1) // strip for box in boxes)
    assert boxes[0].row < height / 4
    assert boxes[-1].bottom > height * 3 / 4


def test_a_large_scene_is_sampled_everywhere(tmp_path, write):
    """A ramp: percentiles of the sample are those of the scene."""
    ramp = np.add.outer(np.arange(3000), np.arange(2000)).astype("uint16")
    raster = open_raster(write(tmp_path / "ramp.tif", ramp[None], tiled=True, blockxsize=256, blockysize=256))
    sample = raster.sample()
    assert sample.data.shape == (1, 1, 25 * 128 * 128)
    assert sample.valid.shape == (1, 25 * 128 * 128)
    np.testing.assert_allclose(np.percentile(sample.data, (5, 50, 95)), np.percentile(ramp, (5, 50, 95)), rtol=0.15)


def test_cost_does_not_grow_with_the_scene(tmp_path, monkeypatch):
    path = tmp_path / "sparse.tif"
    profile = {
        "driver": "GTiff", "height": 200_000, "width": 200_000, "count": 1, "dtype": "uint8", "SPARSE_OK": True,
        "tiled": True, "BIGTIFF": "YES", "crs": "EPSG:32631", "transform": Affine(1, 0, 0, 0, -1, 0),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile):
        pass
    raster = open_raster(path)
    seen = []
    read = type(raster).read
    monkeypatch.setattr(type(raster), "read", lambda self, box: seen.append(box) or read(self, box))
    assert raster.sample(100_000).data.size <= 100_000
    assert sum(box.area for box in seen) <= 100_000


def test_boxes_that_cannot_be_read_are_left_out_unless_they_are_many():
    boxes = [Box(row, 0, 1, 4) for row in range(10)]

    def reader(broken):
        def read(box):
            if box.row in broken:
                raise ReadError("lost")
            return Pixels(np.full((2, 1, 4), box.row), np.full((1, 4), box.row % 2 == 0))

        return read

    sample = read_sample(reader({1, 2, 3, 4, 9}), boxes)
    assert sample.data[1, 0].tolist() == np.repeat([0, 5, 6, 7, 8], 4).tolist()
    assert sample.valid[0].tolist() == np.repeat([True, False, True, False, True], 4).tolist()
    with pytest.raises(ReadError):
        read_sample(reader({1, 2, 3, 4, 8, 9}), boxes)
