"""Property 2: an identity model returns the input; a class map does not depend on block size or scheduler."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

import geoseg
from geoseg.errors import ContractError, ModelError, OptionError
from geoseg.models import BandSpec, Execution, Model
from geoseg.raster import open_raster
from geoseg.segment import block as blocks
from geoseg.segment.block import segment_block
from geoseg.segment.lazy import to_dataset
from geoseg.segment.recipe import Recipe
from geoseg.tiling import Tiling


def whole(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """All blocks, put together."""
    shape = (recipe.tiling.height, recipe.tiling.width)
    classes, confidence = np.full(shape, 7, np.uint8), np.full(shape, 7, np.uint8)
    for index in range(recipe.tiling.block_count):
        result = segment_block(recipe, index)
        here = result.box.within(recipe.tiling.scene)
        classes[here], confidence[here] = result.classes, result.confidence
    return classes, confidence


def recipe_of(array, model, *, keep, margin=0, block=64, stride=1, stitch="trim", batch=1, least=1):
    raster = open_raster(array)
    tiling = Tiling(*raster.shape, keep, margin, block, stride, least)
    return Recipe(raster, model, tiling, stitch, Execution(batch=batch))


sizes = st.integers(1, 40)


@settings(max_examples=60)
@given(sizes, sizes, st.integers(1, 20), st.integers(0, 12), st.integers(1, 45), st.sampled_from([1, 4]), st.data())
def test_an_identity_model_returns_the_input(identity_model, scene, height, width, keep, margin, block, stride, data):
    stitch = data.draw(st.sampled_from(["trim", "linear", "gaussian"]))
    array = scene(height, width, seed=data.draw(st.integers(0, 9)))
    recipe = recipe_of(
        array, identity_model(stride=stride), keep=keep * stride, margin=margin * stride, block=block, stride=stride,
        stitch=stitch, batch=data.draw(st.integers(1, 3)),
    )  # fmt: skip
    classes, confidence = whole(recipe)
    assert np.array_equal(classes, array.values[0])
    assert (confidence == 100).all()


@settings(max_examples=60)
@given(sizes, sizes, st.integers(1, 20), st.integers(2, 12), st.integers(1, 45), st.integers(0, 9))
def test_trimmed_windows_equal_one_pass_when_the_margin_covers_the_context(
    neighbour_model, scene, height, width, keep, margin, block, seed
):
    array, model = scene(height, width, seed=seed), neighbour_model(radius=2)
    tiled, _ = whole(recipe_of(array, model, keep=keep, margin=margin, block=block))
    one_pass, _ = whole(recipe_of(array, model, keep=64, block=64))
    assert np.array_equal(tiled, one_pass)


def test_a_margin_below_the_context_shows(neighbour_model, scene):
    """The oracle above can fail: without a margin, seams are wrong."""
    array, model = scene(40, 40), neighbour_model(radius=2)
    tiled, _ = whole(recipe_of(array, model, keep=16, margin=0))
    one_pass, _ = whole(recipe_of(array, model, keep=64))
    assert not np.array_equal(tiled, one_pass)


@settings(max_examples=30)
@given(sizes, sizes, st.integers(2, 20), st.integers(0, 8), st.integers(1, 45), st.integers(1, 45), st.data())
def test_the_map_does_not_depend_on_blocks(neighbour_model, scene, height, width, keep, margin, one, other, data):
    """Also where windows disagree at their borders, and where part of the scene is invalid."""
    stitch = data.draw(st.sampled_from(["trim", "linear", "gaussian"]))
    array, model = scene(height, width, seed=data.draw(st.integers(0, 9)), nodata=0), neighbour_model(radius=3)
    first = whole(recipe_of(array, model, keep=keep, margin=margin, block=one, stitch=stitch))
    second = whole(recipe_of(array, model, keep=keep, margin=margin, block=other, stitch=stitch))
    assert np.array_equal(first, second)


def test_blended_confidence_is_the_same_to_the_last_bit(neighbour_model, scene):
    """Weighted sums were once added in an order that depended on the block: 62.5 % became 62 or 63."""
    array, model = scene(24, 25, seed=0, nodata=0), neighbour_model(radius=3)
    one, other = (whole(recipe_of(array, model, keep=2, margin=5, block=block, stitch="linear")) for block in (7, 25))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("stitch", ["trim", "linear", "gaussian"])
def test_invalid_pixels_are_255_and_empty_blocks_cost_nothing(identity_model, scene, stitch):
    array = scene(32, 48, nodata=0)
    array.values[:, :, 16:] = 0
    recipe = recipe_of(array, identity_model(), keep=16, block=16, stitch=stitch)
    results = [segment_block(recipe, index) for index in range(recipe.tiling.block_count)]
    assert [result.forwards for result in results] == [1, 0, 0, 1, 0, 0]
    classes, confidence = whole(recipe)
    invalid = array.values[0] == 0
    assert ((classes == 255) == invalid).all()
    assert ((confidence == 255) == invalid).all()
    assert np.array_equal(classes[~invalid], array.values[0][~invalid])


def test_before_each_forward_pass_memory_is_held_to_the_budget(identity_model, scene, monkeypatch):
    budgets = []
    monkeypatch.setattr(blocks, "stay_below", budgets.append)
    dataset = geoseg.segment(scene(40, 40), identity_model(), window=32, memory="1.5GB")
    dataset.compute()
    assert budgets == [1_500_000_000] * 4


def test_a_model_that_returns_nan_is_named(card, scene):
    class Nan(torch.nn.Module):
        def forward(self, x):
            return torch.full((len(x), 6, *x.shape[2:]), torch.nan)

    with pytest.raises(ModelError, match="'nan' returned NaN"):
        whole(recipe_of(scene(8, 8), Model(card("nan"), module=Nan()), keep=8))


def test_the_lazy_dataset_is_the_map_on_the_rasters_grid(neighbour_model, scene):
    array, model = scene(50, 70, nodata=0), neighbour_model()
    recipe = recipe_of(array, model, keep=16, margin=8, block=32)
    dataset = to_dataset(recipe)
    assert dataset.classes.chunks == ((32, 18), (32, 32, 6))
    assert dataset.odc.geobox == recipe.raster.geobox
    classes, confidence = whole(recipe)
    computed = dataset.compute(scheduler="threads")
    assert np.array_equal(computed.classes, classes)
    assert np.array_equal(computed.confidence, confidence)
    assert computed.classes.attrs["class_names"] == [c.name for c in model.card.classes]
    assert computed.classes.odc.nodata == 255


@pytest.mark.parametrize("stitch", ["trim", "linear", "gaussian"])
def test_segment_takes_arrays_and_chooses_everything(identity_model, scene, stitch):
    array = scene(37, 53)
    result = geoseg.segment(array, identity_model(), stitch=stitch, device="cpu", precision="fp32")
    assert np.array_equal(result.classes.values, array.values[0])


def test_segment_takes_a_lazy_array_that_the_user_computed(identity_model, scene):
    stack = [scene(40, 40, seed=seed) for seed in range(3)]
    import xarray as xr

    median = xr.concat(stack, "time").chunk(band=1, y=16, x=16).median("time")
    result = geoseg.segment(median, identity_model(), device="cpu", precision="fp32")
    assert np.array_equal(result.classes.compute().values, np.median([s.values[0] for s in stack], 0))


def test_processes_compute_the_same(tmp_path, dask_workers):
    """A recipe travels to other processes as a reference to files."""
    import rasterio

    path = tmp_path / "scene.tif"
    generator = np.random.default_rng(1)
    profile = {"driver": "GTiff", "width": 90, "height": 70, "count": 6, "dtype": "uint16", "crs": "EPSG:32633"}
    names = ("blue", "green", "red", "nir", "swir16", "swir22")
    with rasterio.open(path, "w", transform=rasterio.Affine(10, 0, 0, 0, -10, 0), **profile) as file:
        file.write(generator.integers(1, 3000, (6, 70, 90), dtype=np.uint16))
        for number, name in enumerate(names, 1):
            file.set_band_description(number, name)
    lazy = geoseg.segment(path, "spectral", block=32, device="cpu", precision="fp32")
    here = lazy.compute(scheduler="synchronous")
    there = dask_workers.compute(lazy).result()
    assert here.identical(there)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"stitch": "crop"}, OptionError, "use one of trim"),
        ({"window": 100}, OptionError, "must be a multiple of 32"),
        ({"window": 128, "margin": 64}, OptionError, "larger than twice the margin of 64, such as 160"),
        ({"margin": 33}, OptionError, "a multiple of 32, such as 64"),
        ({"memory": "lots"}, OptionError, "write it like 4GB"),
        ({"memory": "100MB"}, OptionError, "give 1.5GB or more"),
        ({"device": "abacus"}, OptionError, "abacus"),
        ({"precision": "fp8"}, OptionError, "fp8"),
    ],
)
def test_impossible_options_are_named(identity_model, scene, options, error, says):
    with pytest.raises(error, match=says):
        geoseg.segment(scene(64, 64), identity_model(stride=32, margin=64), **options)


def test_missing_bands_are_named(scene):
    with pytest.raises(ContractError, match="swir22"):
        geoseg.segment(scene(8, 8), "spectral")


def test_doubts_about_a_scene_are_told_before_anything_is_computed(tmp_path, reflectance, capsys):
    scene = reflectance(tmp_path / "scene.tif", transform=Affine(90, 0, 500000, 0, -90, 5400000))
    geoseg.segment(scene, "spectral")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: ")
    assert "has pixels of 90 m, model 'spectral' was made for 5–60 m: it is read at 60 m" in line
    geoseg.segment(reflectance(tmp_path / "fine.tif"), "spectral")
    assert capsys.readouterr().err == ""


def test_half_precision_that_changes_the_map_is_told(tmp_path, reflectance, card, capsys):
    class Network(torch.nn.Module):
        """Takes a small difference of large numbers, whose digits half precision loses."""

        def forward(self, x):
            large = torch.nn.functional.conv2d(x + 100_000, torch.eye(6)[:, :, None, None])
            return large - large.mean(1, keepdim=True)

    bands = tuple(BandSpec(name=name) for name in ("blue", "green", "red", "nir", "swir16", "swir22"))
    model = Model(card("fragile").model_copy(update={"bands": bands}), module=Network())
    geoseg.segment(reflectance(tmp_path / "scene.tif", 256, 256), model, precision="bf16")
    assert "of a sample of the scene another class than in fp32" in capsys.readouterr().err
