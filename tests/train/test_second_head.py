"""A second head: what it learns lies where the labels lie, and the model that is written is the first head alone."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.warp import Resampling, calculate_default_transform, reproject

import geoseg
from geoseg.classes import NODATA
from geoseg.errors import GeosegError, OptionError
from geoseg.models.build import build_architecture
from geoseg.models.networks.temperature import without_temperature
from geoseg.tiling import Box
from geoseg.train.data.augment import Augment
from geoseg.train.data.label_images import Sources
from geoseg.train.data.quantity import UNKNOWN
from geoseg.train.data.samples import TrainingWindows
from geoseg.train.options import TrainOptions, parse_also
from geoseg.train.prepare import prepare
from geoseg.train.second_head import SecondHead, edges_of

NAMES = ("blue", "green", "red", "nir")
HEIGHTS = np.array([18.0, 1.5, 0.0], np.float32)


@pytest.fixture(scope="module")
def heights(place, write):
    """A height for each class, and a part without one."""
    found = HEIGHTS[place.classes]
    found[:20, :30] = -9999
    return write(place.folder / "height.tif", found, nodata=-9999)


@pytest.fixture(scope="module")
def options(small, heights):
    return small | {"window": 32, "validation": 0.0, "also": f"height={heights}"}


@given(labels=arrays(np.uint8, st.tuples(*[st.integers(1, 9)] * 2), elements=st.sampled_from([0, 1, 2, NODATA])))
@settings(deadline=None, max_examples=60)
def test_edges_are_where_labelled_neighbours_differ(labels):
    wanted = np.full(labels.shape, UNKNOWN)
    for row, col in np.argwhere(labels != NODATA):
        around = [(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)]
        inside = [at for at in around if min(at) >= 0 and at[0] < labels.shape[0] and at[1] < labels.shape[1]]
        wanted[row, col] = any(labels[at] not in (NODATA, labels[row, col]) for at in inside)
    assert np.array_equal(edges_of(torch.from_numpy(labels)[None].long())[0].numpy(), wanted)


def prepared(place, options, heard):
    return prepare(Sources([place.image], [place.labels]), TrainOptions(**options), None, heard)


def test_values_are_those_of_the_file_standardised(place, options, heights, heard):
    quantity = prepared(place, options, heard).scenes[0].quantity
    found = quantity.read(Box(0, 0, 256, 192))
    with rasterio.open(heights) as file:
        stored = file.read(1, masked=True)
    known = stored.compressed()
    assert (quantity.mean, quantity.deviation) == pytest.approx((known.mean(), known.std()), rel=0.05)
    wanted = ((stored - quantity.mean) / quantity.deviation).filled(UNKNOWN)
    assert np.allclose(found, wanted, atol=1e-5)
    assert any("also learned: height" in line for line in heard.all("info"))


def test_another_crs_and_resolution(place, options, heights, heard, tmp_path):
    path = tmp_path / "other.tif"
    with rasterio.open(heights) as file:
        transform, width, height = calculate_default_transform(
            file.crs, "EPSG:4326", file.width, file.height, *file.bounds, resolution=0.00009
        )
        with rasterio.open(
            path, "w", driver="GTiff", count=1, width=width, height=height, dtype="float32", crs="EPSG:4326",
            transform=transform, nodata=-9999,
        ) as out:  # fmt: skip
            reproject(rasterio.band(file, 1), rasterio.band(out, 1), resampling=Resampling.nearest)
    quantity = prepared(place, options | {"also": f"height={path}"}, heard).scenes[0].quantity
    found = quantity.read(Box(0, 0, 256, 192)) * quantity.deviation + quantity.mean
    inner = np.zeros(place.classes.shape, bool)
    inner[40:240, 40:180] = True
    near = np.abs(found - HEIGHTS[place.classes]) < 0.5
    assert near[inner].mean() > 0.75, "but for pixels at borders of patches"


@pytest.mark.parametrize("strength", [0.0, 1.0, 3.0])
def test_values_move_with_labels_in_augmented_windows(place, options, heard, strength):
    made = prepared(place, options, heard)
    augment = Augment(strength)
    windows = TrainingWindows(made.scenes, made.sampler(32, augment), augment, seed=5)
    quantity, seen = made.scenes[0].quantity, 0
    wanted = (HEIGHTS - quantity.mean) / quantity.deviation
    for number in range(30):
        labels, values = windows[number].y
        assert labels.dtype == torch.float32
        both = (labels != NODATA) & (values != UNKNOWN)
        assert np.allclose(values[both], wanted[labels[both].long()], atol=1e-4)
        seen += int(both.sum())
    assert seen > 10_000


def state(model):
    return without_temperature(model.module()).state_dict()


@pytest.fixture(scope="module")
def trained(place, options, tmp_path_factory):
    return geoseg.train(place.image, place.labels, tmp_path_factory.mktemp("also") / "model", **options)


def logged(model, name):
    head, *rows = next(model.folder.glob("logs/*/metrics.csv")).read_text("utf-8").splitlines()
    at = head.split(",").index(name)
    return [float(row.split(",")[at]) for row in rows if row.split(",")[at]]


def test_the_model_is_an_ordinary_one(trained):
    assert state(trained).keys() == build_architecture(trained.card).state_dict().keys()
    assert trained.card.hyperparameters["training"]["also"] == "height=height.tif", "no folder of this machine"
    assert "adversarial" not in trained.card.hyperparameters["training"]
    again = geoseg.load_model(trained.folder)
    with torch.no_grad():
        assert again.module()(torch.zeros(1, 4, 64, 64)).shape == (1, 3, 64, 64)


@pytest.mark.slow
def test_a_resumed_run_equals_an_unbroken_one(trained, place, options, tmp_path, monkeypatch):
    from geoseg.train import fit

    class Stop(fit.ReportProgress):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fit, "ReportProgress", Stop)
        with pytest.raises(KeyboardInterrupt, match="--resume"):
            geoseg.train(place.image, place.labels, tmp_path / "cut", **options)
    with pytest.raises(OptionError, match="had another also"):
        geoseg.train(place.image, place.labels, tmp_path / "cut", resume=True, **(options | {"also": "edges"}))
    again = state(geoseg.train(place.image, place.labels, tmp_path / "cut", resume=True, **options))
    assert all(torch.equal(tensor, again[name]) for name, tensor in state(trained).items())


def test_edges_with_all_other_losses(place, options, tmp_path):
    more = {"also": "edges", "adversarial": 0.01, "unlabelled": place.image, "epochs": 1}
    model = geoseg.train(place.image, place.labels, tmp_path / "model", **(options | more))
    assert np.isfinite(logged(model, "also_loss")).all()
    assert model.card.hyperparameters["training"]["also"] == "edges"


def test_the_second_head_learns_and_teaches_the_features(place):
    """One network, one batch: the second loss alone changes the encoder, and falls."""
    import segmentation_models_pytorch as smp

    torch.manual_seed(0)
    network = smp.Unet("tu-mobilenetv3_small_050", encoder_weights=None, in_channels=4, classes=3)
    head = SecondHead(network, "height")
    x = torch.randn(2, 4, 32, 32)
    target = x[:, 0].clone()
    target[:, :4] = UNKNOWN
    steps = torch.optim.AdamW([*network.parameters(), *head.parameters()], 3e-3)
    first = next(network.encoder.parameters()).detach().clone()
    losses = []
    for _ in range(12):
        steps.zero_grad()
        logits, found = head.run(network, x)
        assert logits.shape == (2, 3, 32, 32)
        loss = head.loss(found, target)
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert not torch.equal(first, next(network.encoder.parameters()))
    assert not network.segmentation_head._forward_pre_hooks, "nothing is left on the network"
    assert head.loss(found, torch.full_like(target, UNKNOWN)).item() == 0


@pytest.mark.parametrize("text", ["height", "=dem.tif", "height=", "", "edges=dem.tif"])
def test_what_is_neither_name_and_file_nor_edges(text):
    with pytest.raises(OptionError, match=r"also|empty"):
        TrainOptions(also=text)
    if text:
        with pytest.raises(OptionError, match=r"is neither NAME=FILE, such as height=dem\.tif, nor edges"):
            parse_also(text)


class _Bad:
    """Quantities that cannot be learned, and the message expected."""

    def __init__(self, place, write, folder) -> None:
        self.place, self.write, self.folder = place, write, folder

    def nowhere(self):
        return "height=nowhere.tif", "nowhere.tif: no such file"

    def several_bands(self):
        return f"height={self.place.image}", r"has 4 bands; give a raster of height alone"

    def constant(self):
        path = self.write(self.folder / "flat.tif", np.full((256, 192), 7, np.float32))
        return f"height={path}", "height is 7 everywhere on the images"

    def elsewhere(self):
        there = rasterio.Affine(10, 0, 700000, 0, -10, 5400000)
        path = self.write(self.folder / "there.tif", np.ones((50, 50), np.float32), transform=there)
        return f"height={path}", "has no value of height on any of the images"

    def all_missing(self):
        path = self.write(self.folder / "none.tif", np.full((256, 192), -1, np.float32), nodata=-1)
        return f"height={path}", "has no value of height on any of the images"

    def classes(self):
        path = self.write(self.folder / "landcover_classes.tif", self.place.classes)
        return f"height={path}", "holds classes; height must be a measured quantity"


@pytest.mark.parametrize("case", [name for name in vars(_Bad) if not name.startswith("_")])
def test_bad_input_is_one_line(case, place, write, small, heard, tmp_path):
    also, message = getattr(_Bad(place, write, tmp_path), case)()
    with pytest.raises(GeosegError, match=message) as error:
        prepared(place, small | {"also": also, "validation": 0.0}, heard)
    assert "\n" not in str(error.value)


def test_a_network_without_such_a_head_is_refused():
    with pytest.raises(GeosegError, match="no place for a second head that learns height"):
        SecondHead(torch.nn.Conv2d(3, 2, 1), "height")
