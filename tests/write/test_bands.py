"""COGs of several bands: GDAL's rules, names and units, and the same bytes from tiles and from pixels."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from geoseg.tiling import Box, Tiling
from geoseg.write import CogSink, write_cog
from geoseg.write.overviews import halve_by_mean
from geoseg.write.packed import pack, unpack
from geoseg.write.sidecar import geo_tags_of
from tests.write.cog_rules import violations
from tests.write.test_packed import grid, pixels

NAMES = ("tree", "grass & shrub", "eau <douce>")


def percents(height, width, seed=0):
    return np.stack([pixels(height, width, seed + number)[1] for number in range(len(NAMES))])


@pytest.mark.parametrize("shape", [(1, 1), (512, 700), (1500, 2600), (4100, 700)])
def test_a_file_of_bands_is_a_valid_cog_that_names_them(tmp_path, shape):
    values = percents(*shape)
    path = tmp_path / "map.tif"
    with CogSink(path, grid(*shape), kind="probabilities", bands=NAMES) as sink:
        for band, plane in enumerate(values):
            sink.write(Box(0, 0, *shape), plane, band)
    assert violations(path) == []
    with rasterio.open(path) as file:
        assert file.descriptions == NAMES
        assert file.units == ("percent",) * 3
        assert file.nodatavals == (255,) * 3
        assert file.dtypes == ("uint8",) * 3
        np.testing.assert_array_equal(file.read(), values)
        factors = file.overviews(2)
    for level in range(len(factors)):
        values = np.stack([halve_by_mean(plane) for plane in values])
        with rasterio.open(path, overview_level=level) as file:
            np.testing.assert_array_equal(file.read(), values)
    assert path.with_suffix(".qml").exists()


@pytest.mark.parametrize("side", [512, 2048])
@pytest.mark.parametrize("shape", [(1500, 2600), (300, 200)])
def test_tiles_of_packed_blocks_give_the_bytes_of_pixels(tmp_path, shape, side):
    values, scene = percents(*shape), Box(0, 0, *shape)
    with CogSink(tmp_path / "put.tif", grid(*shape), kind="probabilities", bands=NAMES) as sink:
        for box in reversed(list(Tiling(*shape, side, block=side).blocks())):
            part = values[:, *box.within(scene)]
            packed = unpack(pack(part[0], part[1], part, side=side))
            assert len(packed.probabilities) == 3
            for band, levels in enumerate(packed.probabilities):
                sink.put(box, levels, band)
    with CogSink(tmp_path / "write.tif", grid(*shape), kind="probabilities", bands=NAMES, threads=0) as sink:
        for row in range(0, shape[0], 700):  # neither whole areas nor whole tiles
            box = Box(row, 0, min(700, shape[0] - row), shape[1])
            for band in (2, 0, 1):
                sink.write(box, values[band][box.within(scene)], band)
    assert (tmp_path / "put.tif").read_bytes() == (tmp_path / "write.tif").read_bytes()


def test_a_block_with_probabilities_is_a_tiff_of_all_of_them(tmp_path):
    values = percents(96, 80)
    path = tmp_path / "block.tif"
    path.write_bytes(pack(values[0], values[1], values, side=96, geo_tags=geo_tags_of(grid(96, 80))[0]))
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(), [values[0], values[1], *values])


@pytest.mark.parametrize("chunks", [None, {"class": 1, "y": 64, "x": 700}])
def test_write_cog_takes_probabilities(tmp_path, chunks):
    from odc.geo.xr import xr_coords
    from xarray import DataArray

    values, box = percents(600, 700), grid(600, 700)
    array = DataArray(values, dims=("class", "y", "x"), coords={**xr_coords(box), "class": list(NAMES)})
    path = write_cog(array if chunks is None else array.chunk(chunks), tmp_path / "map.tif")
    with rasterio.open(path) as file:
        assert file.descriptions == NAMES
        assert file.crs.to_epsg() == 32633
        np.testing.assert_array_equal(file.read(), values)
    assert violations(path) == []
