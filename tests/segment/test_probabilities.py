"""Probabilities of a scene: an oracle in one pass, and the same bytes however the scene is cut."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import geoseg
from geoseg.errors import OptionError
from geoseg.models import Execution, Model
from geoseg.raster import open_raster
from geoseg.segment.block import segment_block
from geoseg.segment.lazy import to_dataset
from geoseg.segment.plan import Options, make_plan
from geoseg.segment.recipe import Recipe
from geoseg.tiling import Tiling

CLASSES = 5


class Soft(torch.nn.Module):
    """Logits with a context of two pixels, exact in float32 whatever the order of summation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(1, CLASSES, 5, padding=2)
        generator = torch.Generator().manual_seed(0)
        for parameter in self.conv.parameters():
            whole = torch.randint(-16, 17, parameter.shape, generator=generator)
            parameter.data = whole / 64

    def forward(self, x):
        return self.conv(x)


@pytest.fixture(scope="module")
def soft(card):
    return Model(card("soft", classes=CLASSES), module=Soft())


def recipe_of(array, model, *, keep, margin=2, block=64, stitch="trim", batch=1, probabilities=tuple(range(CLASSES))):
    raster = open_raster(array)
    tiling = Tiling(*raster.shape, keep, margin, block)
    return Recipe(raster, model, tiling, stitch, Execution(batch=batch), probabilities=probabilities)


def whole(recipe):
    """All layers of all blocks, put together."""
    layers = np.full((2 + len(recipe.probabilities), recipe.tiling.height, recipe.tiling.width), 7, np.uint8)
    for index in range(recipe.tiling.block_count):
        result = segment_block(recipe, index)
        here = result.box.within(recipe.tiling.scene)
        layers[:, *here] = np.concatenate([[result.classes, result.confidence], result.probabilities])
    return layers


sizes = st.integers(1, 40)


@settings(max_examples=40)
@given(sizes, sizes, st.integers(1, 20), st.integers(2, 12), st.integers(1, 45), st.integers(0, 9))
def test_trimmed_windows_equal_a_softmax_of_the_whole_scene(soft, scene, height, width, keep, margin, block, seed):
    array = scene(height, width, seed=seed, nodata=0)
    valid = array.values[0] != 0
    with torch.inference_mode():
        logits = soft.module()(torch.from_numpy(array.values[None].astype(np.float32)))[0].numpy().astype(np.float64)
    exps = np.exp(logits - logits.max(0))
    expected = 100 * exps / exps.sum(0)
    classes, confidence, *percents = whole(recipe_of(array, soft, keep=keep, margin=margin, block=block))
    percents = np.array(percents)
    assert (percents[:, ~valid] == 255).all()
    assert np.abs(percents - expected)[:, valid].max(initial=0) < 1
    assert (percents.sum(0, dtype=int)[valid] == 100).all()
    assert np.array_equal(classes[valid], logits.argmax(0)[valid]), "the largest probability wins"
    winners = np.take_along_axis(percents, np.where(valid, classes, 0)[None].astype(int), 0)[0]
    assert np.array_equal(winners[valid], confidence[valid])


@settings(max_examples=30)
@given(sizes, sizes, st.integers(2, 20), st.integers(0, 8), st.integers(1, 45), st.integers(1, 45), st.data())
def test_probabilities_do_not_depend_on_blocks_and_leave_the_rest_alone(
    soft, scene, height, width, keep, margin, one, other, data
):
    stitch = data.draw(st.sampled_from(["trim", "linear", "gaussian"]))
    wanted = tuple(data.draw(st.permutations(range(CLASSES)))[: data.draw(st.integers(1, CLASSES))])
    array = scene(height, width, seed=data.draw(st.integers(0, 9)), nodata=0)
    common = {"keep": keep, "margin": margin, "stitch": stitch}
    first = whole(recipe_of(array, soft, block=one, **common))
    second = whole(recipe_of(array, soft, block=other, batch=2, probabilities=wanted, **common))
    plain = whole(recipe_of(array, soft, block=one, probabilities=(), **common))
    assert np.array_equal(first[:2], plain)
    assert np.array_equal(second[:2], plain)
    assert np.array_equal(second[2:], first[2:][list(wanted)])
    valid = array.values[0] != 0
    assert (first[2:].sum(0, dtype=int)[valid] == 100).all()


@pytest.mark.parametrize("names", ["all", ["class 3", "class 0"]])
def test_the_lazy_dataset_names_the_classes(soft, scene, names):
    array = scene(50, 70, nodata=0)
    dataset = geoseg.segment(array, soft, block=32, device="cpu", precision="fp32", probabilities=names)
    positions = tuple(range(CLASSES)) if names == "all" else (3, 0)
    assert dataset.probabilities.dims == ("class", "y", "x")
    assert dataset.probabilities["class"].values.tolist() == [f"class {position}" for position in positions]
    assert dataset.probabilities.dtype == np.uint8
    assert dataset.probabilities.odc.geobox == dataset.odc.geobox
    assert dataset.probabilities.odc.nodata == 255
    assert dataset.probabilities.chunks[1:] == dataset.classes.chunks
    computed = dataset.compute(scheduler="threads")
    expected = whole(recipe_of(array, soft, keep=64, block=64, probabilities=positions))
    assert np.array_equal(computed.probabilities, expected[2:])
    assert np.array_equal(computed.classes, expected[0])
    assert "probabilities" not in to_dataset(recipe_of(array, soft, keep=64, probabilities=()))


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["class 1", "forest"], "'forest' is not a class of model 'soft'; use 'all' or names from: class 0, class 1"),
        ("forest", "'forest' is not a class"),
        (["class 1", "class 1"], "'class 1' is given twice"),
        ([], "no class is given"),
    ],
)
def test_names_that_are_no_classes_are_refused(soft, scene, names, says):
    with pytest.raises(OptionError, match=says) as caught:
        geoseg.segment(scene(8, 8), soft, probabilities=names)
    assert "\n" not in str(caught.value)


def test_a_plan_counts_probabilities(soft, scene):
    array = scene(300, 400)
    plain, every = (make_plan(array, soft, Options(probabilities=names)) for names in (None, "all"))
    pixels = 300 * 400
    assert every.window_bytes >= plain.window_bytes + CLASSES * pixels
    assert every.block_bytes >= plain.block_bytes + CLASSES * pixels
    assert every.disk >= plain.disk + CLASSES * pixels


def test_the_example_of_segment_runs():
    results = doctest.testmod(importlib.import_module("geoseg.segment.lazy"))
    assert results.attempted > 5
    assert not results.failed
