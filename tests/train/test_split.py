"""Nothing that is validated, nor the context of its prediction, is ever seen in training."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from geoseg.errors import InputError
from geoseg.raster.files.georeference import Grid
from geoseg.tiling import Box
from geoseg.train.data import label_counts
from geoseg.train.data.label_counts import box_sums, cell_side, count_labels, dilated
from geoseg.train.data.windows import WindowSampler
from geoseg.train.validation import groups, split


class _Array:
    """Labels in memory."""

    label = "array"

    def __init__(self, values) -> None:
        self.values = values

    def read(self, box: Box):
        part = self.values[box.row : box.bottom, box.col : box.right]
        return part.astype(np.int64), part != 255


def _raster(height, width, *, east=500000.0, north=5400000.0, pixel=10.0, crs="EPSG:32633", name="a"):
    from geoseg.raster import Raster

    grid = Grid(
        height, width, rasterio.Affine(pixel, 0, east, 0, -pixel, north), None if crs is None else CRS.from_string(crs)
    )
    return Raster(name, grid, (), (), (), ())


@settings(max_examples=30)
@given(height=st.integers(1, 70), width=st.integers(1, 70), side=st.sampled_from([8, 16]), seed=st.integers(0, 99))
def test_cells_count_every_label_once(height, width, side, seed):
    values = np.random.default_rng(seed).choice([0, 3, 7, 255], (height, width))
    found = count_labels(_Array(values), values.shape, side)
    assert found.totals() == {int(v): int((values == v).sum()) for v in np.unique(values[values != 255])}
    for row, col in np.ndindex(*found.counts.shape[:2]):
        cell = values[row * side : (row + 1) * side, col * side : (col + 1) * side]
        assert [(cell == v).sum() for v in found.values] == found.counts[row, col].tolist()


def test_chunks_do_not_show(monkeypatch):

    values = np.random.default_rng(0).choice([0, 3, 7, 255], (150, 90))
    whole = count_labels(_Array(values), values.shape, 8)
    monkeypatch.setattr(label_counts, "_CHUNK", 32)
    cut = count_labels(_Array(values), values.shape, 8)
    assert np.array_equal(whole.counts, cut.counts)


def test_cells_stay_bounded():
    side = cell_side([(100_000, 100_000)], 256)
    assert (100_000 / side) ** 2 < 600_000
    assert cell_side([(500, 500)], 256) == 32


@settings(max_examples=30)
@given(seed=st.integers(0, 999), reach=st.integers(0, 4))
def test_sums_and_dilation_equal_brute_force(seed, reach):
    rng = np.random.default_rng(seed)
    mask = rng.random((9, 7)) < 0.1
    wanted = np.zeros_like(mask)
    for row, col in np.argwhere(mask):
        wanted[max(row - reach, 0) : row + reach + 1, max(col - reach, 0) : col + reach + 1] = True
    assert np.array_equal(dilated(mask, reach), wanted)
    grid = rng.integers(0, 9, (9, 7))
    sums = box_sums(grid, (np.array([0, 2]), np.array([4, 9])), (np.array([1]), np.array([6])))
    assert sums.tolist() == [[grid[0:4, 1:6].sum()], [grid[2:9, 1:6].sum()]]


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(100, 300), st.integers(100, 300)),
    window=st.sampled_from([16, 32]),
    margin=st.sampled_from([0, 8, 16]),
    zoom=st.sampled_from([1.0, 1.25]),
)
def test_no_training_window_comes_near_validation(seed, shape, window, margin, zoom):
    rng = np.random.default_rng(seed)
    side = 8
    counts = rng.integers(0, 30, (-(-shape[0] // side), -(-shape[1] // side), 3))
    ground = split.ImageCounts(_raster(*shape), counts)
    try:
        found = split.by_blocks(
            [ground], side=side, window=window, margin=margin, share=0.25, seed=seed, size=None,
            trainable=lambda parts: _trainable(shape, parts, side, window),
        )  # fmt: skip
    except InputError:
        assume(False)
    held = np.repeat(np.repeat(found.parts[0].validation, side, 0), side, 1)[: shape[0], : shape[1]]
    assert held.any()
    near = held.copy()
    for row, col in np.argwhere(found.parts[0].validation) * side:
        near[max(row - margin, 0) : row + side + margin, max(col - margin, 0) : col + side + margin] = True
    sampler = WindowSampler([shape], found.parts, side, window, zoom)
    for _ in range(40):
        image, box = sampler.draw(rng)
        assert image == 0
        assert sampler.least <= box.height == box.width <= round(window * zoom)
        assert box.row >= 0
        assert box.bottom <= max(shape[0], box.height)
        assert not near[box.row : box.bottom, box.col : box.right].any()


def _trainable(shape, parts, side, window):
    try:
        return WindowSampler([shape], parts, side, window).class_chances > 0
    except InputError:
        return np.zeros(parts[0].training.shape[-1], bool)


def test_images_of_one_place_fall_into_the_same_parts():
    here = _raster(400, 400)
    shifted = _raster(300, 300, east=500403.0, north=5399207.0, name="b")
    coarse = _raster(120, 120, east=500000.0, north=5400000.0, pixel=30.0, name="c")
    other = _raster(200, 200, east=15.01, north=48.74, pixel=1e-4, crs="EPSG:4326", name="d")
    side, margin = 8, 16
    rasters = [here, shifted, coarse, other]
    grounds = [
        split.ImageCounts(r, np.ones((-(-r.shape[0] // side), -(-r.shape[1] // side), 2), np.int64)) for r in rasters
    ]
    found = split.by_blocks(
        grounds,
        side=side,
        window=32,
        margin=margin,
        share=0.3,
        seed=1,
        size=800.0,
        trainable=lambda _: np.ones(2, bool),
    )
    from pyproj import Transformer

    for image, (ground, part) in enumerate(zip(grounds, found.parts, strict=True)):
        for row, col in np.argwhere(~part.forbidden)[::7]:
            x, y = ground.raster.transform * ((col + 0.5) * side, (row + 0.5) * side)
            if image == 3:
                x, y = Transformer.from_crs(4326, 32633, always_xy=True).transform(x, y)
            for seen, held in zip(grounds, found.parts, strict=True):
                if seen.raster.grid.crs != here.grid.crs:
                    continue
                c, r = ~seen.raster.transform * (x, y)
                r, c = int(r // side), int(c // side)
                inside = 0 <= r < held.validation.shape[0] and 0 <= c < held.validation.shape[1]
                assert not (inside and held.validation[r, c]), "trained on ground that another image validates"


@settings(max_examples=10)
@given(blocks=st.integers(2, 40), classes=st.integers(1, 5), seed=st.integers(0, 999), share=st.floats(0.05, 0.9))
def test_choice_is_never_all_or_none_and_repeats(blocks, classes, seed, share):
    sums = np.random.default_rng(seed).integers(0, 100, (blocks, classes))
    held = split.choose(sums, share, seed)
    assert 0 < held.sum() < blocks
    assert np.array_equal(held, split.choose(sums, share, seed))


def test_choice_leaves_every_class_in_both_parts_where_it_can():
    sums = np.zeros((30, 3), np.int64)
    sums[:, 0] = 1000
    sums[[4, 17], 1] = 5  # only two blocks have it
    sums[[2, 8, 21], 2] = 50
    for seed in range(10):
        held = split.choose(sums, 0.2, seed)
        assert (sums[held].sum(0) > 0).all()
        assert (sums[~held].sum(0) > 0).all()


def test_rare_classes_are_drawn_more_often_than_they_occur():
    counts = np.zeros((20, 20, 2), np.int64)
    counts[..., 0] = 64
    counts[3, 4] = (0, 64)
    nowhere = np.zeros((20, 20), bool)
    sampler = WindowSampler([(160, 160)], [split.Parts(nowhere, nowhere, counts, counts * 0)], 8, 16)
    rng = np.random.default_rng(0)
    hits = sum(box.intersection(Box(24, 32, 8, 8)).area > 0 for _, box in (sampler.draw(rng) for _ in range(2000)))
    # In proportion to area a window of 16 px would meet the cell in under 3 % of draws.
    assert hits / 2000 > 0.035
    assert sampler.class_chances[1] == pytest.approx(1 / (1 + np.sqrt(399)))


def test_empty_parts_are_an_error_that_says_what_to_do():
    ground = split.ImageCounts(_raster(64, 64), np.ones((8, 8, 2), np.int64))
    with pytest.raises(InputError, match=r"would leave a part empty.*--validation 0"):
        split.by_blocks(
            [ground],
            side=8,
            window=64,
            margin=32,
            share=0.2,
            seed=0,
            size=None,
            trainable=lambda p: _trainable((64, 64), p, 8, 64),
        )


def test_groups_of_images(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("image,place\na.tif,north\nb,north\nc.tif,south\n", encoding="utf-8")
    rasters = [SimpleNamespace(sources=(f"/x/{n}.tif",), name=n) for n in "abc"]
    assert groups.read_groups(str(path), rasters) == ["north", "north", "south"]
    with pytest.raises(InputError, match=r"no group for image /x/d.tif"):
        groups.read_groups(str(path), [SimpleNamespace(sources=("/x/d.tif",), name="d")])
    grounds = [split.ImageCounts(_raster(64, 64, name=n), np.ones((8, 8, 2), np.int64)) for n in "abc"]
    found = groups.by_images(grounds, ["north", "north", "south"], reaches=[2, 2, 2], share=0.4, seed=0)
    held = [bool(part.validation.all()) for part in found.parts]
    assert held in ([True, True, False], [False, False, True])
    assert len(groups.overlaps(grounds, found)) == 2
    with pytest.raises(InputError, match="all labels are of one group"):
        groups.by_images(grounds, ["north"] * 3, reaches=[2, 2, 2], share=0.4, seed=0)
