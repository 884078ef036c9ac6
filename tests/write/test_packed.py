"""A packed block is a TIFF; a class map of packed blocks has the very bytes of one written pixel by pixel."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from geoseg.classes import LAND_COVER
from geoseg.tiling import Box, Tiling
from geoseg.write import CogSink
from geoseg.write.overviews import halve_by_mean, halve_by_mode
from geoseg.write.packed import pack, unpack
from geoseg.write.sidecar import geo_tags_of
from geoseg.write.spool import compress


def pixels(height, width, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 6, (-(-height // 7), -(-width // 7)), dtype=np.uint8)
    classes = small.repeat(7, 0).repeat(7, 1)[:height, :width].copy()
    classes[: height // 3, width // 2 :] = 255
    confidence = np.where(classes == 255, 255, rng.integers(30, 101, classes.shape)).astype(np.uint8)
    return classes, confidence


def grid(height, width):
    return GeoBox((height, width), Affine(10, 0, 500000, 0, -10, 5400000), "EPSG:32633")


@pytest.mark.parametrize("kind", [0, 1])
def test_a_tile_is_deflate_to_any_reader_and_not_larger_than_zlibs_runs(kind):
    tile = pixels(512, 512)[kind].tobytes()
    blob = compress(np.frombuffer(tile, np.uint8).reshape(512, 512))
    runs = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    assert zlib.decompress(blob) == tile
    assert len(blob) <= 1.01 * len(runs.compress(tile) + runs.flush())


@pytest.mark.parametrize("shape", [(1024, 1024), (1024, 300), (1, 1), (513, 1000), (40, 40)])
@pytest.mark.parametrize("side", [1024, 96])
def test_a_block_comes_back_and_gdal_reads_it(tmp_path, shape, side):
    if max(shape) > side:
        pytest.skip("a block is not larger than its side")
    classes, confidence = pixels(*shape)
    path = tmp_path / "block.tif"
    path.write_bytes(pack(classes, confidence, side=side, geo_tags=geo_tags_of(grid(*shape))[0]))
    with rasterio.open(path) as file:
        assert file.count == 2
        assert file.nodata == 255
        assert file.crs.to_epsg() == 32633
        assert file.transform == Affine(10, 0, 500000, 0, -10, 5400000)
        np.testing.assert_array_equal(file.read(1), classes)
        np.testing.assert_array_equal(file.read(2), confidence)
        overviews = file.overviews(1)
    assert len(overviews) == (side % 512 == 0 and max(shape) > 512)
    if overviews:
        with rasterio.open(path, overview_level=0) as file:
            np.testing.assert_array_equal(file.read(1), halve_by_mode(classes))
            np.testing.assert_array_equal(file.read(2), halve_by_mean(confidence))
    np.testing.assert_array_equal(unpack(path.read_bytes()).pixels, np.bincount(classes.ravel(), minlength=256))


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:1000], lambda data: b"", "flip"])
def test_damage_is_noticed(damage):
    data = pack(*pixels(100, 100), side=1024)
    if damage == "flip":
        broken = bytearray(data)
        broken[len(data) // 2] ^= 1
        broken = bytes(broken)
    else:
        broken = damage(data)
    with pytest.raises(ValueError, match="checksum"):
        unpack(broken)


@pytest.mark.parametrize("side", [512, 1024, 2048])
@pytest.mark.parametrize("shape", [(1500, 2600), (4100, 700), (512, 512), (300, 200)])
def test_a_map_of_packed_blocks_has_the_bytes_of_one_that_was_written(tmp_path, shape, side):
    both, scene = pixels(*shape), Box(0, 0, *shape)
    boxes = list(Tiling(*shape, side, block=side).blocks())
    blocks = {box: unpack(pack(*[values[box.within(scene)] for values in both], side=side)) for box in boxes}
    for kind, values in zip(("classes", "confidence"), both, strict=True):
        names = LAND_COVER if kind == "classes" else ()
        with CogSink(tmp_path / "put.tif", grid(*shape), kind=kind, classes=names, overwrite=True) as sink:
            for box in reversed(boxes):
                sink.put(box, getattr(blocks[box], kind))
        with CogSink(tmp_path / "write.tif", grid(*shape), kind=kind, classes=names, overwrite=True) as sink:
            sink.write(scene, values)
        assert (tmp_path / "put.tif").read_bytes() == (tmp_path / "write.tif").read_bytes()


def test_tiles_replace_what_was_written_before(tmp_path):
    """Overviews too: those that the tiles do not bring are made anew."""
    old, new = pixels(2048, 2048, 1), pixels(2048, 2048, 2)
    scene = Box(0, 0, 2048, 2048)
    with CogSink(tmp_path / "a.tif", grid(2048, 2048)) as sink:
        sink.write(scene, old[0])
        for box in Tiling(2048, 2048, 1024, block=1024).blocks():
            part = box.within(scene)
            sink.put(box, unpack(pack(new[0][part], new[1][part], side=1024)).classes)
    with CogSink(tmp_path / "b.tif", grid(2048, 2048)) as sink:
        sink.write(scene, new[0])
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
