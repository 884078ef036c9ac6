"""Unlabelled scenes in a training: views, the mean teacher, what is held out, what is refused."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.warp import Resampling, calculate_default_transform, reproject

import geoseg
from geoseg.classes import NODATA
from geoseg.errors import GeosegError, OptionError
from geoseg.models.networks.temperature import without_temperature
from geoseg.train.data.label_images import Sources
from geoseg.train.data.samples import ViewPair
from geoseg.train.options import TrainOptions
from geoseg.train.prepare import prepare
from geoseg.train.semi.scenes import Held, closed_cells
from geoseg.train.semi.teacher import MeanTeacher, rise
from geoseg.train.semi.views import WithUnlabelled, random_rectangle, strong_view

NAMES = ("blue", "green", "red", "nir")


@pytest.fixture(scope="module")
def prepared(place, small, hearing):
    """The scene with its labels, and the scene again without."""
    sources = Sources([place.image], [place.labels], unlabelled=[place.image])
    return prepare(sources, TrainOptions(**small), None, hearing())


# Views --------------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10_000), bands=st.integers(1, 6))
@settings(deadline=None, max_examples=30)
def test_a_strong_view_moves_no_pixel(seed, bands):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(bands, 16, 16, generator=generator)
    valid = torch.ones(16, 16, dtype=torch.bool)
    valid[:4] = False
    x = x * valid
    strong = strong_view(x, valid, generator)
    assert (strong[:, ~valid] == 0).all()
    kept = strong.flatten(1).abs().amax(1) > 0
    assert (~kept).sum() <= (1 if bands > 2 else 0)
    for before, after in zip(x[kept][:, valid], strong[kept][:, valid], strict=True):
        assert torch.corrcoef(torch.stack([before, after]))[0, 1] > 0.97, "gain, offset and a little noise"


@given(side=st.sampled_from([8, 32, 64, 96]), seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_half_of_a_window_is_pasted_as_one_rectangle(side, seed):
    mask = random_rectangle(side, torch.Generator().manual_seed(seed))
    rows, cols = mask.any(1), mask.any(0)
    assert mask.sum() == rows.sum() * cols.sum(), "a full rectangle"
    assert abs(float(mask.float().mean()) - 0.5) < 1 / side + 0.02


def test_both_views_are_of_one_place_and_repeatable(prepared, small):
    assert prepared.unlabelled is not None
    sampler = prepared.unlabelled.sampler(64, 1.25)
    labelled = [SimpleNamespace()] * 9
    one, two = (WithUnlabelled(labelled, prepared.unlabelled, sampler, 5) for _ in range(2))
    for number in range(4):
        pair, again = one.pair(number), two.pair(number)
        for a, b in zip(pair, again, strict=True):
            assert torch.equal(a, b)
        # Classes differ by much more than gain, offset and noise: the brightest band shows the same patches.
        weak, strong = pair.weak[3][pair.valid], pair.strong[3][pair.valid]
        if strong.abs().max() > 0:
            assert torch.corrcoef(torch.stack([weak, strong]))[0, 1] > 0.9
    assert not torch.equal(one.pair(0).weak, one.pair(1).weak)


# Teacher ------------------------------------------------------------------------------------------------------------


def network(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Conv2d(2, 4, 1), torch.nn.BatchNorm2d(4), torch.nn.Conv2d(4, 3, 1))


def test_the_teacher_is_an_average_of_the_students():
    student = network()
    teacher = MeanTeacher(student, decay=0.9, threshold=0.5, weight=1.0)
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    wanted = copy.deepcopy(student).state_dict()
    for step in range(1, 30):
        for parameter in student.parameters():
            parameter.data.add_(torch.randn_like(parameter))
        student(torch.randn(2, 2, 4, 4))  # moves the statistics of batch normalisation
        teacher.follow(student, step)
        decay = min(0.9, step / (step + 9))
        for name, value in student.state_dict().items():
            wanted[name] = decay * wanted[name] + (1 - decay) * value if value.is_floating_point() else value
    for name, value in teacher.network.state_dict().items():
        assert torch.allclose(value.double(), wanted[name].double(), atol=1e-5), name
    teacher.train()
    assert not any(module.training for module in teacher.modules())


def test_without_a_decay_the_student_is_its_own_teacher():
    student = network()
    teacher = MeanTeacher(student, decay=0.0, threshold=0.5, weight=1.0)
    for step in (1, 2):
        student[0].weight.data += 1
        teacher.follow(student, step)
        for name, value in teacher.network.state_dict().items():
            assert torch.equal(value, student.state_dict()[name])


@given(seed=st.integers(0, 1000), threshold=st.sampled_from([0.0, 0.4, 0.6, 0.99]), count=st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_pseudo_labels_are_confident_valid_and_follow_what_is_pasted(seed, threshold, count):
    generator = torch.Generator().manual_seed(seed)
    teacher = MeanTeacher(network(1), decay=0.9, threshold=threshold, weight=2.0)
    weak, strong = (torch.randn(count, 2, 8, 8, generator=generator) for _ in range(2))
    valid, cut = (torch.rand(count, 8, 8, generator=generator) < 0.7 for _ in range(2))
    pseudo = teacher.pseudo_labels(ViewPair(weak, strong, valid, cut))
    with torch.no_grad():
        shares = teacher(weak).softmax(1)
    sure = 0
    for n, row, col in np.ndindex(count, 8, 8):
        source = (n - 1) % count if cut[n, row, col] else n
        assert torch.equal(pseudo.x[n, :, row, col], strong[source, :, row, col])
        best = shares[source, :, row, col]
        known = bool(valid[source, row, col]) and float(best.max()) >= threshold
        assert int(pseudo.labels[n, row, col]) == (int(best.argmax()) if known else NODATA)
        sure += bool(valid[source, row, col])
    assert int(pseudo.valid) == sure
    logits = torch.randn(count, 3, 8, 8, generator=generator)
    picked = pseudo.labels != NODATA
    wanted = -(logits.log_softmax(1).permute(0, 2, 3, 1)[picked].gather(1, pseudo.labels[picked][:, None])).sum()
    found = teacher.loss(logits, pseudo, 1.0)
    assert float(found) == pytest.approx(2.0 * float(wanted) / max(sure, 1), rel=1e-4, abs=1e-5)
    assert float(teacher.loss(logits, pseudo, 0.0)) == pytest.approx(float(found) * rise(0.0), rel=1e-4)


# Held-out places ----------------------------------------------------------------------------------------------------


def held(raster, cell=8, seed=0):
    shape = [-(-n // cell) for n in raster.shape]
    return Held(raster, np.random.default_rng(seed).random(shape) < 0.1, cell)


def test_cells_of_the_labelled_file_itself_are_closed_exactly(place):
    raster = geoseg.open_raster(place.image)
    other = held(raster)
    assert np.array_equal(closed_cells(raster, 8, [other]), other.forbidden)


def test_places_are_closed_in_other_crs_and_resolution(place, tmp_path):
    with rasterio.open(place.image) as source:
        data = source.read()
        args = source.crs, "EPSG:4326", source.width, source.height
        transform, width, height = calculate_default_transform(*args, *source.bounds, resolution=0.00022)
        warped = np.zeros((4, height, width), data.dtype)
        reproject(
            data, warped, src_transform=source.transform, src_crs=source.crs, dst_transform=transform,
            dst_crs="EPSG:4326", resampling=Resampling.nearest,
        )  # fmt: skip
        profile = source.profile | {"crs": "EPSG:4326", "transform": transform, "width": width, "height": height}
        path = tmp_path / "degrees.tif"
        with rasterio.open(path, "w", **profile) as file:
            file.write(warped)
        first, crs = source.transform, source.crs
    raster, labelled = geoseg.open_raster(path), geoseg.open_raster(place.image)
    other = held(labelled)
    closed = closed_cells(raster, 16, [other])
    assert 0 < closed.mean() < 1
    # Every labelled pixel that is held out lies in a closed cell of the other image.
    rows, cols = np.nonzero(np.kron(other.forbidden, np.ones((8, 8), bool))[: labelled.shape[0], : labelled.shape[1]])
    xs, ys = first * (cols + 0.5, rows + 0.5)
    lon, lat = rasterio.warp.transform(crs, "EPSG:4326", xs, ys)
    col, row = ~transform * (np.array(lon), np.array(lat))
    assert closed[(row // 16).astype(int), (col // 16).astype(int)].all()


def test_another_file_without_crs_shares_no_place(place, write, tmp_path):
    one, two = (write(tmp_path / f"{n}.tif", place.bands, NAMES, crs=None) for n in "ab")
    labelled = geoseg.open_raster(one)
    assert closed_cells(geoseg.open_raster(one), 8, [held(labelled)]).any()
    assert not closed_cells(geoseg.open_raster(two), 8, [held(labelled)]).any()


def test_no_window_touches_what_is_held_out(prepared):
    sampler = prepared.unlabelled.sampler(64, 1.25)
    validation = np.kron(prepared.split.parts[0].validation, np.ones((prepared.cell,) * 2, bool))
    assert validation.any()
    rng = np.random.default_rng(0)
    for _ in range(200):
        _, box = sampler.draw(rng)
        assert not validation[box.row : box.bottom, box.col : box.right].any()
    assert prepared.unlabelled.shared == 1
    assert "1 of them labelled in part" in prepared.unlabelled.summary


# Training -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(place, polygons, small, tmp_path_factory, hearing):
    """A training on some of the polygons and on the whole scene, for two epochs."""
    output, heard = tmp_path_factory.mktemp("semi") / "m", hearing()
    options = small | {"threshold": 0.4}
    model = geoseg.train(place.image, polygons.frame, output, unlabelled=place.image, reporter=heard, **options)
    return SimpleNamespace(model=model, heard=heard, options=options)


def state(model):
    return without_temperature(model.module()).state_dict()


def test_the_card_says_what_was_used(trained, place):
    card = trained.model.card
    training = card.hyperparameters["training"]
    assert (training["threshold"], training["ema"], training["unlabelled_weight"]) == (0.4, 0.95, 1.0)
    assert 0 < training["pseudo_labelled"] <= 1
    assert "1 unlabelled image: scene; 1 of them labelled in part" in card.training_data
    epochs = [line for line in trained.heard.all("info") if line.startswith("epoch ")]
    assert len(epochs) == 2
    assert all("pseudo-labels on" in line for line in epochs)


@pytest.mark.slow
def test_a_resumed_run_equals_an_unbroken_one(trained, place, polygons, tmp_path, monkeypatch):
    from geoseg.train import fit

    class Stop(fit.ReportProgress):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch == 1:
                raise KeyboardInterrupt

    labels, more = polygons.frame, {"unlabelled": place.image} | trained.options
    with monkeypatch.context() as patch:
        patch.setattr(fit, "ReportProgress", Stop)
        with pytest.raises(KeyboardInterrupt, match="--resume"):
            geoseg.train(place.image, labels, tmp_path / "cut", **more)
    with pytest.raises(OptionError, match="had another unlabelled"):
        geoseg.train(place.image, labels, tmp_path / "cut", resume=True, **(more | {"unlabelled": []}))
    with pytest.raises(OptionError, match="had another threshold"):
        geoseg.train(place.image, labels, tmp_path / "cut", resume=True, **(more | {"threshold": 0.5}))
    resumed = geoseg.train(place.image, labels, tmp_path / "cut", resume=True, **more)
    whole, again = state(trained.model), state(resumed)
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_the_command_line_takes_unlabelled_scenes(place, tmp_path, capsys):
    from geoseg.cli import main

    command = ["train", "--images", str(place.image), "--labels", str(place.labels), "-o", str(tmp_path / "m")]
    command += ["--unlabelled", str(place.image), str(tmp_path / "*.tif"), "--progress", "none"]
    with pytest.raises(SystemExit) as done:
        main(command)
    assert done.value.code == 1
    line = capsys.readouterr().err
    assert line.startswith("error: ")
    assert "*.tif" in line
    assert line.count("\n") == 1


class _Bad:
    """Unlabelled scenes that cannot be used, and the message expected."""

    def __init__(self, place, write, folder) -> None:
        self.place, self.write, self.folder = place, write, folder

    def lacks_a_band(self):
        path = self.write(self.folder / "three.tif", self.place.bands[:3], NAMES[:3])
        return {"unlabelled": path}, r"three: has bands blue, green, red, the first image .* has blue, green, red, nir"

    def lacks_a_band_of_the_model(self):
        path = self.write(self.folder / "three.tif", self.place.bands[:3], NAMES[:3])
        return {"unlabelled": path, "base": str(self.folder / "base")}, "lacks band nir for model"

    def other_units(self):
        bands = (self.place.bands / 10_000).astype(np.float32)
        return {"unlabelled": self.write(self.folder / "units.tif", bands, NAMES)}, "'units' does not fit"

    def all_nodata(self):
        path = self.write(self.folder / "black.tif", self.place.bands * 0, NAMES, nodata=0)
        return {"unlabelled": path}, "black: a sample of this unlabelled scene has no valid pixel"

    def missing(self):
        return {"unlabelled": self.folder / "gone.tif"}, "gone.tif: no such file"

    def empty_path(self):
        return {"unlabelled": [""]}, "the path of an image is empty"

    def empty_folder(self):
        (self.folder / "none").mkdir()
        return {"unlabelled": [self.folder / "none"]}, "this folder has no rasters"

    def one_of_them_missing(self):
        return {"unlabelled": [self.place.image, self.folder / "gone.tif"]}, "gone.tif: no such file"

    def threshold(self):
        return {"unlabelled": self.place.image, "threshold": 1.0}, "threshold must lie from 0 to below 1, got 1: 0.8"

    def decay(self):
        return {"unlabelled": self.place.image, "ema": 1.5}, "ema must lie from 0 to below 1, got 1.5: 0.95 is usual"

    def weight(self):
        return {"unlabelled": self.place.image, "unlabelled_weight": 0.0}, "unlabelled-weight must be positive, got 0"

    def output_is_one_of_them(self):
        return {"unlabelled": self.place.image, "output": self.place.image.parent}, "holds the input"


CASES = [name for name in vars(_Bad) if not name.startswith("_")]


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line(case, trained, place, write, small, tmp_path):
    (tmp_path / "in").mkdir()
    if "model" in case:
        geoseg.models.save_model(tmp_path / "in" / "base", trained.model.card, state(trained.model))
    changes, message = getattr(_Bad(place, write, tmp_path / "in"), case)()
    arguments = {"images": place.image, "labels": place.labels, "output": tmp_path / "out" / "m"} | small | changes
    (tmp_path / "out").mkdir()
    with pytest.raises(GeosegError, match=message) as caught:
        geoseg.train(**arguments)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "out").iterdir())


def test_scenes_that_are_all_held_out_are_refused(place, small, hearing):
    sources = Sources([place.image], [place.labels], unlabelled=[place.image])
    prepared = prepare(sources, TrainOptions(**small), None, hearing())
    everywhere = [copy.copy(scene) for scene in prepared.unlabelled.scenes]
    for scene in everywhere:
        scene.closed[:] = True
    with pytest.raises(GeosegError, match="no window of 64 px of the unlabelled scenes lies beside the places held"):
        prepared.unlabelled.sampler(64, 1.25)
