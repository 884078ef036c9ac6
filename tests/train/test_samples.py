"""Windows as tensors: what a network sees, and that each validated pixel is counted once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.models import BandTransform
from geoseg.raster import open_raster
from geoseg.tiling import Box
from geoseg.train.data.augment import Augment
from geoseg.train.data.labels import Labels, place_rasters
from geoseg.train.data.loading import Epochs, Loader
from geoseg.train.data.samples import LabelledScene, TrainingWindows, ValidationWindows
from geoseg.train.data.windows import WindowSampler
from geoseg.train.validation.split import cut

CELL = 8


@pytest.fixture(scope="module")
def scene(place):
    raster = open_raster(place.image)
    source = place_rasters([str(place.labels)], raster.grid, "scene")
    labels = Labels(source, np.arange(3), np.arange(3, dtype=np.uint8))
    return LabelledScene(raster, labels, (BandTransform(0.01, -1.0, -5.0, 5.0),) * 4)


def test_pixels_reach_the_network_as_when_segmenting(scene, place):
    x, y, valid = scene.read(Box(-10, -20, 64, 64))
    inside = valid
    assert inside.sum() == 54 * 44
    assert np.array_equal(y[inside].reshape(54, 44), place.classes[:54, :44])
    wanted = np.clip(place.bands[:, :54, :44] * np.float32(0.01) - 1, -5, 5)
    assert np.allclose(x[:, inside].reshape(4, 54, 44), wanted, atol=1e-5)
    assert (x[:, ~inside] == 0).all()
    assert (y[~inside] == 255).all()


@settings(max_examples=15)
@given(
    seed=st.integers(0, 999), window=st.sampled_from([64, 96, 256]), margin=st.sampled_from([0, 32]),
    share=st.floats(0.05, 0.6),
)  # fmt: skip
def test_each_validated_pixel_is_in_exactly_one_window(scene, place, seed, window, margin, share):
    held = np.random.default_rng(seed).random((32, 24)) < share
    counts = np.ones((32, 24, 3), np.int64)
    parts = cut([held], [counts], [1])
    windows = ValidationWindows([scene], parts, cell=CELL, window=window, margin=margin, stride=32)
    seen = np.zeros(place.classes.shape, int)
    for number in range(len(windows)):
        x, y, (_, row, col), *_ = windows[number]
        assert x.shape[-1] % 32 == 0
        assert x.shape[-2] % 32 == 0
        at = np.argwhere(y.numpy() != 255) + np.array([row, col])
        seen[at[:, 0], at[:, 1]] += 1
        assert np.array_equal(place.classes[at[:, 0], at[:, 1]], y.numpy()[y.numpy() != 255])
    assert np.array_equal(seen, np.kron(held, np.ones((CELL, CELL), int)))


def test_window_number_i_is_the_same_whoever_reads_it(scene):
    parts = cut([np.zeros((32, 24), bool)], [np.ones((32, 24, 3), np.int64)], [1])
    augment = Augment(1.0)
    sampler = WindowSampler([(256, 192)], parts, CELL, 32, augment.zoom)
    windows = TrainingWindows([scene], sampler, augment, seed=5)
    alone = list(Loader(windows, 4, 0, sampler=Epochs(12)))
    threaded = list(Loader(windows, 4, 3, sampler=Epochs(12)))
    assert len(alone) == len(threaded) == 3
    for one, two in zip(alone, threaded, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one[:3], two[:3], strict=True))
        assert one.x.shape == (4, 4, 32, 32)
        assert one.y.shape == (4, 32, 32)
    later = Epochs(12)
    later.set_epoch(1)
    assert not torch.equal(next(iter(Loader(windows, 4, 0, sampler=later))).x, alone[0].x)
    other = TrainingWindows([scene], sampler, augment, seed=6)
    assert not torch.equal(other[0].x, windows[0].x)


def test_leaving_a_loader_early_ends_its_threads(scene):
    import threading

    parts = cut([np.zeros((32, 24), bool)], [np.ones((32, 24, 3), np.int64)], [1])
    windows = TrainingWindows([scene], WindowSampler([(256, 192)], parts, CELL, 32), Augment(0.0), seed=0)
    for _ in Loader(windows, 2, 2, sampler=Epochs(40)):
        break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("geoseg-read")]


def test_processes_take_as_many_steps_each(scene, monkeypatch):
    from geoseg.train.data import loading

    held = np.ones((32, 24), bool)
    parts = cut([held], [np.ones((32, 24, 3), np.int64)], [1])
    windows = ValidationWindows([scene], parts, cell=CELL, window=64, margin=0, stride=32)
    counted = []
    for rank in range(5):
        monkeypatch.setattr(loading, "_process", lambda rank=rank: (rank, 5))
        loader = Loader(windows, 1, 0, count=len(windows))
        batches = list(loader)
        assert len(batches) == len(loader) == 3
        counted.append(sum(int((batch.y != 255).sum()) for batch in batches))
    assert len(windows) == 12
    assert sum(counted) == 256 * 192
