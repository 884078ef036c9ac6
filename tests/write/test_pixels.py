"""What CogSink writes is what rasterio reads, at every level, whatever the size, pieces and order."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import rasterio
from cog_rules import violations
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geoseg.classes import LAND_COVER, NODATA
from geoseg.tiling import Box
from geoseg.write import CogSink
from geoseg.write.overviews import count_values, halve_by_mean, halve_by_mode


def scene_of(height, width, seed, values=7):
    """Patches and noise, with holes of nodata as large as a tile and as small as a pixel."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, values, (-(-height // 37), -(-width // 37)), dtype=np.uint8)
    pixels = np.kron(patches, np.ones((37, 37), np.uint8))[:height, :width]
    noisy = rng.random((height, width)) < 0.05
    pixels[noisy] = rng.integers(0, values, int(noisy.sum()))
    pixels[rng.random((height, width)) < 0.02] = NODATA
    top, left = rng.integers(0, height), rng.integers(0, width)
    pixels[top : top + 1200, left : left + 1200] = NODATA
    return pixels


def cut(length, cuts):
    ends = sorted({0, length, *(value for value in cuts if value < length)})
    return list(itertools.pairwise(ends))


def write(path, geobox, pieces, **options):
    with CogSink(path, geobox, overwrite=True, **options) as sink:
        for box, values in pieces:
            sink.write(box, values)
    return path


def whole(pixels):
    return [(Box(0, 0, *pixels.shape), pixels)]


def levels_of(path):
    with rasterio.open(path) as source:
        count = len(source.overviews(1))
        levels = [source.read(1)]
    for number in range(count):
        with rasterio.open(path, overview_level=number) as source:
            levels.append(source.read(1))
    return levels


sizes = st.one_of(
    st.sampled_from([1, 2, 511, 512, 513, 1024, 1025, 2047, 2048, 2049]), st.integers(1, 600), st.integers(1, 2600)
)


@given(
    height=sizes, width=sizes, seed=st.integers(0, 99), threads=st.sampled_from([0, 1, 3]),
    row_cuts=st.lists(st.integers(1, 2600), max_size=3), col_cuts=st.lists(st.integers(1, 2600), max_size=3),
    kind=st.sampled_from(["classes", "confidence"]), order=st.randoms(use_true_random=False),
)  # fmt: skip
@settings(max_examples=16)
@example(1, 1, 0, 1, [], [], "classes", None)
@example(1, 5000, 1, 1, [], [700], "classes", None)
@example(4097, 1, 2, 1, [2048], [], "confidence", None)
@example(2600, 2600, 3, 3, [2048], [2048], "classes", None)
def test_gives_back_what_was_written(grid, height, width, seed, threads, row_cuts, col_cuts, kind, order):
    pixels = scene_of(height, width, seed)
    boxes = [
        Box(top, left, bottom - top, right - left)
        for top, bottom in cut(height, row_cuts)
        for left, right in cut(width, col_cuts)
    ]
    if order is not None:
        order.shuffle(boxes)
    pieces = [(box, pixels[box.within(Box(0, 0, height, width))]) for box in boxes]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.tif"
        write(path, grid(height, width), pieces, kind=kind, threads=threads)
        found = levels_of(path)
        np.testing.assert_array_equal(found[0], pixels)
        halve = halve_by_mode if kind == "classes" else halve_by_mean
        for before, after in itertools.pairwise(found):
            np.testing.assert_array_equal(after, halve(before))
        in_pieces = path.read_bytes()
        assert write(path, grid(height, width), whole(pixels), kind=kind, threads=0).read_bytes() == in_pieces
        assert violations(path) == []


@given(st.data())
@settings(max_examples=12)
def test_last_write_counts_where_pieces_overlap(grid, data):
    height, width = data.draw(st.integers(1, 2600)), data.draw(st.integers(1, 1100))
    expected = np.full((height, width), NODATA, np.uint8)
    pieces = []
    for value in data.draw(st.lists(st.sampled_from([0, 1, 2, NODATA]), min_size=1, max_size=5)):
        row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
        box = Box(row, col, data.draw(st.integers(1, height - row)), data.draw(st.integers(1, width - col)))
        if data.draw(st.booleans()):
            box = Box(0, 0, min(height, 2048), width)  # an area written whole, before or after its parts
        values = np.full((box.height, box.width), value, np.uint8)
        expected[box.row : box.bottom, box.col : box.right] = value
        pieces.append((box, values))
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "map.tif", grid(height, width), pieces)
        np.testing.assert_array_equal(levels_of(path)[0], expected)
        once = write(Path(folder) / "once.tif", grid(height, width), whole(expected))
        assert once.read_bytes() == path.read_bytes()


def test_caller_may_reuse_its_array(grid, tmp_path):
    values = np.zeros((2048, 2048), np.uint8)
    with CogSink(tmp_path / "map.tif", grid(2048, 4096)) as sink:
        for number in (0, 1):
            values[:] = number
            sink.write(Box(0, 2048 * number, 2048, 2048), values)
        values[:] = 9
    found = levels_of(tmp_path / "map.tif")[0]
    assert (found[:, :2048] == 0).all()
    assert (found[:, 2048:] == 1).all()


def test_more_partly_written_tiles_than_are_held(grid, tmp_path, monkeypatch):
    monkeypatch.setattr("geoseg.write.spool._MOST_PARTIAL", 2)
    pixels = scene_of(1500, 1700, 5)
    rows = [
        (Box(row, 0, 1, 1700), pixels[row : row + 1]) for row in np.random.default_rng(0).permutation(1500).tolist()
    ]
    path = write(tmp_path / "map.tif", grid(1500, 1700), rows[:100])
    found = levels_of(path)[0]
    seen = [box.row for box, _ in rows[:100]]
    np.testing.assert_array_equal(found[seen], pixels[seen])
    assert (np.delete(found, seen, axis=0) == NODATA).all()


def test_never_written_is_nodata_and_small(grid, tmp_path):
    path = tmp_path / "map.tif"
    with CogSink(path, grid(20_000, 30_000)) as sink:
        sink.write(Box(7000, 8000, 3, 5), np.full((3, 5), 4, np.uint8))
    assert path.stat().st_size < 2**21
    with rasterio.open(path) as source:
        assert source.read(1, window=((0, 600), (0, 600))).min() == NODATA
        found = source.read(1, window=((6990, 7010), (7990, 8010)))
    expected = np.full((20, 20), NODATA, np.uint8)
    expected[10:13, 10:15] = 4
    np.testing.assert_array_equal(found, expected)
    assert violations(path) == []


def test_nothing_written_at_all(grid, tmp_path):
    with CogSink(tmp_path / "map.tif", grid(600, 600)):
        pass
    assert all((level == NODATA).all() for level in levels_of(tmp_path / "map.tif"))
    assert violations(tmp_path / "map.tif") == []


@pytest.mark.parametrize(
    ("box", "values"),
    [
        (Box(0, 0, 4, 4), np.zeros((4, 5), np.uint8)),
        (Box(0, 0, 4, 4), np.zeros((4, 4), np.int16)),
        (Box(8, 8, 4, 4), np.zeros((4, 4), np.uint8)),
        (Box(-1, 0, 4, 4), np.zeros((4, 4), np.uint8)),
    ],
)
def test_pieces_that_do_not_fit_are_refused(grid, tmp_path, box, values):
    with pytest.raises(ValueError, match="does not fit"), CogSink(tmp_path / "map.tif", grid(10, 10)) as sink:
        sink.write(box, values)
    assert list(tmp_path.iterdir()) == []


def oracle(values, choose):
    height, width = values.shape
    out = np.full((-(-height // 2), -(-width // 2)), NODATA, np.uint8)
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            four = values[2 * row : 2 * row + 2, 2 * col : 2 * col + 2].ravel().tolist()
            valid = [value for value in four if value != NODATA]
            if valid:
                out[row, col] = choose(valid)
    return out


small = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**6))


def few_values(height, width, seed, values):
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([*values, NODATA], np.uint8), (height, width))


@given(small)
def test_mode_takes_the_most_frequent_and_of_equals_the_first(case):
    values = few_values(*case, values=(0, 1, 2, 254))

    def most_frequent(valid):
        counts = Counter(valid)  # keeps the order of first occurrence
        return max(counts, key=counts.__getitem__)  # max returns the first of equals

    np.testing.assert_array_equal(halve_by_mode(values), oracle(values, most_frequent))
    np.testing.assert_array_equal(halve_by_mode(np.asfortranarray(values)), halve_by_mode(values))


@given(small)
def test_mean_is_of_valid_pixels_rounded_half_up(case):
    values = few_values(*case, values=(0, 1, 50, 99, 100, 254))
    np.testing.assert_array_equal(
        halve_by_mean(values), oracle(values, lambda valid: int(np.floor(np.mean(valid) + 0.5)))
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 513), (513, 700), (512, 512), (2300, 4200)])
def test_is_a_valid_cog(grid, tmp_path, shape):
    path = write(tmp_path / "map.tif", grid(*shape), whole(scene_of(*shape, 0)), classes=LAND_COVER)
    assert violations(path) == []
    with rasterio.open(path) as source:
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.compression.name == "deflate"
        assert source.dtypes == ("uint8",)
        assert source.nodata == NODATA


def test_the_rules_are_able_to_fail(grid, tmp_path):
    pixels = scene_of(1100, 1100, 0)
    path = write(tmp_path / "map.tif", grid(*pixels.shape), whole(pixels))
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    assert any("trailer" in text for text in violations(path))
    profile = {"driver": "GTiff", "height": 1100, "width": 1100, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels, 1)
    assert "no structural metadata" in violations(path)


def test_big_tiff_is_the_same_but_for_its_directories(grid, tmp_path, monkeypatch):
    pixels = scene_of(1300, 2100, 8)
    monkeypatch.setattr("geoseg.write.tiff.CLASSIC_END", 0)
    path = write(tmp_path / "map.tif", grid(*pixels.shape), whole(pixels), classes=LAND_COVER)
    assert path.read_bytes()[:4] == b"II\x2b\0"
    np.testing.assert_array_equal(levels_of(path)[0], pixels)
    assert violations(path) == []
    with rasterio.open(path) as source:
        assert source.crs.to_epsg() == 32633
        assert source.colormap(1)[5][:3] == LAND_COVER[5].rgb


def test_offsets_beyond_4_gib(grid, tmp_path):
    """Tiles of a megabyte each in a file of holes: 5 GB long, a few kilobytes on disk."""
    from geoseg.write.sidecar import describe
    from geoseg.write.spool import compress
    from geoseg.write.tiff import Level, header, level_sizes, tile_grid

    side = 36_000
    levels = [
        Level(height, width, np.full(int(np.prod(tile_grid(height, width))), 1_000_000, np.uint64))
        for height, width in level_sizes(side, side)
    ]
    path = tmp_path / "big.tif"
    start = header(levels, describe(grid(side, side), (), "classes")[0])
    total = len(start) + sum(len(level.sizes) for level in levels) * 1_000_008
    assert total > 2**32
    pixels = scene_of(512, 512, 1)
    with path.open("wb") as file:
        file.write(start)
        file.seek(total - 1_000_004)  # the last tile of the full size ends the file, before its trailer
        file.write(compress(pixels))
        file.truncate(total)
    with rasterio.open(path) as source:
        assert source.profile["tiled"]
        assert source.shape == (side, side)
        corner = source.read(1, window=((35_840, side), (35_840, side)))
    np.testing.assert_array_equal(corner, pixels[:160, :160])


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 300), st.integers(0, 99))
def test_values_are_counted(low, high, size, seed):
    values = np.random.default_rng(seed).integers(min(low, high), max(low, high), (size, 7), np.uint8, endpoint=True)
    counts = count_values(values)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, np.bincount(values.ravel(), minlength=256))
