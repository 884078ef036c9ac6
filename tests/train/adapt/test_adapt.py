"""Adapting a model: what each method changes, what is measured, what is refused."""

from __future__ import annotations

import importlib
import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import geoseg
from geoseg.classes import MapClass
from geoseg.cli import cli
from geoseg.errors import AdaptationError, GeosegError
from geoseg.models import BandSpec, Model, ModelCard, ValueScaling, check_model, save_model
from geoseg.models.card.percentiles import ValuePercentiles
from geoseg.models.networks.temperature import without_temperature
from geoseg.train.adapt import Adaptation, adapt, methods
from geoseg.train.adapt.verdict import Measured

NAMES = ("blue", "green", "red", "nir")


@pytest.fixture(scope="module")
def quick():
    """Options of an adaptation of a second."""
    return {
        "window": 64, "windows": 16, "batch": 4, "epochs": 1, "block_size": 640.0, "device": "cpu", "workers": 0
    }  # fmt: skip


@pytest.fixture(scope="module")
def original(place, tmp_path_factory):
    """A model that maps the scene well."""
    folder = tmp_path_factory.mktemp("original") / "m"
    model = geoseg.train(
        place.image, place.labels, folder, classes="wood,field,water", encoder="tu-mobilenetv3_small_050", window=64,
        batch=4, windows=20, epochs=6, device="cpu", workers=0, lr=3e-3, block_size=640.0, loss="ce",
    )  # fmt: skip
    return SimpleNamespace(folder=folder, model=model)


@pytest.fixture(scope="module")
def hazy(place, write):
    """Another scene of the same classes, seen through haze: less contrast, brighter."""
    rng = np.random.default_rng(7)
    classes = np.kron(rng.integers(0, 3, (16, 12)), np.ones((16, 16), int)).astype(np.uint8)
    spectra = np.array([place.bands[:, place.classes == k].mean(1) for k in range(3)])
    bands = np.moveaxis(spectra[classes], -1, 0) + rng.integers(-40, 40, (4, *classes.shape))
    image = write(place.folder / "hazy.tif", (bands * 0.5 + 600).astype(np.uint16), NAMES, nodata=0)
    return SimpleNamespace(image=image, labels=write(place.folder / "hazy_labels.tif", classes, nodata=255))


# Methods ------------------------------------------------------------------------------------------------------------


class _Fixed:
    """Windows with given values, (n, bands, h, w)."""

    def __init__(self, x) -> None:
        self.x, self.side = torch.as_tensor(x, dtype=torch.float32), 8

    def pair(self, number):
        x = self.x[number]
        return SimpleNamespace(weak=x, valid=torch.ones(x.shape[-2:], dtype=torch.bool))


def card_of(scalings, percentiles=None):
    return ModelCard(
        name="some", architecture="Unet", bands=[BandSpec(name=f"band{i}") for i in range(1, len(scalings) + 1)],
        classes=[MapClass(0, "a", "#000000"), MapClass(1, "b", "#ffffff")], value_scaling=scalings,
        value_percentiles=percentiles,
    )  # fmt: skip


@given(
    gain=st.floats(0.2, 5), offset=st.floats(-300, 300), mean=st.floats(50, 5000), deviation=st.floats(5, 900),
    seed=st.integers(0, 999),
)  # fmt: skip
@settings(deadline=None, max_examples=40)
def test_moments_undo_any_gain_and_offset(gain, offset, mean, deviation, seed):
    card = card_of([ValueScaling(type="z-score", mean=mean, stddev=deviation)])
    standard = np.random.default_rng(seed).normal(size=(4, 1, 8, 8))
    standard = (standard - standard.mean()) / standard.std()
    values = (standard * deviation + mean) * gain + offset
    found = methods.adapt_by_moments(card, torch.nn.Identity(), _Fixed((values - mean) / deviation), 4).card
    (scaling,) = found.value_scaling
    assert np.allclose((values - scaling.mean) / scaling.stddev, standard, atol=2e-3)


@pytest.mark.parametrize(
    "scaling",
    [
        ValueScaling(type="scale", value=10_000),
        ValueScaling(type="min-max", minimum=0, maximum=5000),
        ValueScaling(type="offset", value=100),
    ],
)
def test_moments_of_cards_with_other_scalings_come_from_their_percentiles(scaling):
    values = np.random.default_rng(0).uniform(500, 3000, (4, 1, 64, 64))
    percents = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)
    known = ValuePercentiles(
        percentiles=percents, center=[np.log(np.percentile(values, percents))], spread=[[0.5] * 7], floor=1.0
    )
    card = card_of([scaling], known)
    step = scaling.after(methods.card_transforms([None], 1)[0])
    dim = values * 0.4 + 120
    found = methods.adapt_by_moments(card, torch.nn.Identity(), _Fixed(dim * step.a + step.b), 4).card.value_scaling[0]
    assert np.allclose((dim - found.mean) / found.stddev, values * step.a + step.b, rtol=0.02, atol=0.02)


def test_moments_leave_a_constant_band_and_need_to_know_the_training_data():
    card = card_of([ValueScaling(type="z-score", mean=100, stddev=10)])
    found = methods.adapt_by_moments(card, torch.nn.Identity(), _Fixed(np.full((2, 1, 8, 8), 3.0)), 2).card
    assert found.value_scaling[0].stddev == pytest.approx(10)
    with pytest.raises(GeosegError, match="does not say what its training data were like"):
        methods.adapt_by_moments(card_of([ValueScaling(type="scale", value=2)]), torch.nn.Identity(), _Fixed([]), 0)
    clips = card_of([ValueScaling(type="clip", minimum=0, maximum=1)])
    with pytest.raises(GeosegError, match="clips or inverts its input"):
        methods.adapt_by_moments(clips, torch.nn.Identity(), _Fixed([]), 0)


def test_statistics_are_those_of_the_scenes():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Dropout(0.5), torch.nn.Conv2d(3, 2, 1))
    network.train()(torch.randn(4, 3, 8, 8) * 5)
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.randn(16, 3, 8, 8) * torch.tensor([1.0, 2.0, 3.0])[:, None, None] + 4
    made = methods.adapt_by_statistics(card_of([None] * 3), network, _Fixed(x), 16)
    norm = made.network[0]
    assert torch.allclose(norm.running_mean, x.mean((0, 2, 3)), atol=1e-4)
    assert torch.allclose(norm.running_var, x.var((0, 2, 3)), rtol=0.05)
    assert norm.momentum == 0.1
    assert not any(module.training for module in made.network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items()), "a copy is adapted"
    with pytest.raises(GeosegError, match="has no batch normalisation whose statistics"):
        methods.adapt_by_statistics(card_of([None] * 3), torch.nn.Conv2d(3, 2, 1), _Fixed(x), 16)


# Verdict ------------------------------------------------------------------------------------------------------------


def made(before, after, agreement=0.9, *, labelled=True):
    sides = [
        Measured(miou if labelled else None, 0.8 if labelled else None, stable, 0.9, shares)
        for miou, stable, shares in (before, after)
    ]
    return Adaptation(None, *sides, agreement, 9, 900, labelled, "done")


@pytest.mark.parametrize(
    ("before", "after", "agreement", "labelled", "why"),
    [
        ((0.6, 0.9, (0.5, 0.5)), (0.6, 0.1, (1, 0)), 0.1, True, None),
        ((0.6, 0.9, (0.5, 0.5)), (0.59, 0.9, (0.5, 0.5)), 0.9, True, "it loses 0.0100 of mean IoU against the labels"),
        ((0, 0.9, (0.5, 0.5)), (0, 0.897, (0.4, 0.6)), 0.9, False, None),
        ((0, 0.9, (0.5, 0.5)), (0, 0.88, (0.4, 0.6)), 0.9, False, "small disturbances change 2.0% more of its map"),
        ((0, 0.9, (0.5, 0.5)), (0, 0.99, (0.5, 0.5)), 0.4, False, "it gives 60% of the pixels another class"),
        (
            (0, 0.9, (0.9, 0.1)),
            (0, 0.95, (0.99, 0.01)),
            0.9,
            False,
            "class water shrinks from 10.0% to 1.0%",
        ),
    ],
)
def test_what_is_worse_is_said(before, after, agreement, labelled, why):
    result = made(before, after, agreement, labelled=labelled)
    found = result.why_worse(("land", "water"))
    assert found is None if why is None else found.startswith(why)
    if why is None:
        result.check_worth()
    else:
        with pytest.raises(AdaptationError, match=r"not kept: .*--keep"):
            result.check_worth(("land", "water"))
    assert ("proxy" in result.summary()) != labelled


# Whole runs ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cleared(original, hazy, quick, tmp_path_factory, hearing):
    """The model adapted to the haze, in the place of another model."""
    folder, heard = tmp_path_factory.mktemp("cleared") / "m", hearing()
    save_model(folder, original.model.card, without_temperature(original.model.module()))
    with pytest.raises(GeosegError, match="already holds a model"):
        adapt(original.folder, hazy.image, folder, **quick)
    made = adapt(
        original.folder,
        hazy.image,
        folder,
        labels=hazy.labels,
        overwrite=True,
        reporter=heard,
        method="moments",
        **quick,
    )
    return SimpleNamespace(made=made, heard=heard, folder=folder)


def test_haze_is_undone_by_the_value_scaling_alone(original, cleared):
    made, card = cleared.made, cleared.made.model.card
    assert made.gain > 0.05
    assert made.after.overall_accuracy > made.before.overall_accuracy
    facts = card.metrics["adaptation"]
    assert facts["method"] == "moments"
    assert facts["gain"] == pytest.approx(made.gain, abs=1e-4)
    assert facts["after"]["mean_iou"] == pytest.approx(made.after.mean_iou, abs=1e-4)
    assert "hazy" in card.training_data[-1]
    assert "validation" not in card.metrics, "scores of another model"
    assert any("against labels" in line for line in cleared.heard.all("info"))
    old, new = (without_temperature(m.module()).state_dict() for m in (original.model, made.model))
    assert all(torch.equal(old[name], new[name]) for name in old)
    assert card.value_scaling != original.model.card.value_scaling
    assert not list(cleared.folder.parent.glob(".*")), "nothing partial is left"


@pytest.mark.slow
def test_maps_gain_what_was_measured(original, cleared, hazy):
    assert any("forward pass" in line for line in check_model(cleared.folder))
    raster = geoseg.open_raster(hazy.image)
    with rasterio.open(hazy.labels) as file:
        truth = file.read(1)
    how = {"window": 128, "device": "cpu", "precision": "fp32", "runtime": "torch"}
    right = [
        (geoseg.segment(raster, model=m, **how).compute().classes.values == truth)
        for m in (original.model, cleared.made.model)
    ]
    assert right[1].mean() > right[0].mean() + 0.02


def test_without_labels_only_a_proxy_is_told(original, hazy, quick, tmp_path, heard):
    made = adapt(
        original.folder, hazy.image, tmp_path / "m", method="self-training", keep=True, reporter=heard, **quick
    )
    assert not made.labelled
    assert made.before.mean_iou is None
    assert 0.5 < made.agreement <= 1
    assert any("only a proxy" in line for line in heard.all("info"))
    assert "proxy" in made.model.card.metrics["adaptation"]["measured"]
    old, new = (without_temperature(m.module()).state_dict() for m in (original.model, made.model))
    moved = max(float((old[n] - new[n]).abs().max()) for n in old if n.endswith("weight"))
    assert 0 < moved < 0.05


def test_statistics_of_windows_smaller_than_a_run_has_are_warned_of(original, hazy, quick, tmp_path, heard):
    options = quick | {"method": "statistics", "labels": hazy.labels, "keep": True}
    adapt(original.folder, hazy.image, tmp_path / "m", reporter=heard, **options)
    assert any("only windows of 64 px fit beside the places held out" in line for line in heard.all("warning"))


def test_what_is_worse_is_not_written_unless_asked_for(original, place, quick, tmp_path, heard, monkeypatch):
    def broken(card, network, windows, count):
        worse = methods.adapt_by_statistics(card, network, windows, count)
        next(p for n, p in worse.network.named_parameters() if n.startswith("segmentation_head")).data.zero_()
        return worse

    monkeypatch.setattr(methods, "adapt_by_moments", broken)
    quick = quick | {"method": "moments"}
    arguments = (original.folder, place.image, tmp_path / "m")
    with pytest.raises(AdaptationError, match=r"not kept: it loses 0.*of mean IoU against the labels"):
        adapt(*arguments, labels=place.labels, **quick)
    with pytest.raises(AdaptationError, match="not kept: "):
        adapt(*arguments, **quick)
    assert not list(tmp_path.iterdir())
    made = adapt(*arguments, labels=place.labels, keep=True, reporter=heard, **quick)
    assert made.gain < 0
    assert any("kept as asked, although it loses" in line for line in heard.all("warning"))
    assert "Kept although it loses" in made.model.card.description


def test_the_command_line(monkeypatch):
    seen = {}

    def fake(model, scenes, output, **values):
        seen.update(model=model, scenes=scenes, output=str(output), **values)

    monkeypatch.setattr(importlib.import_module("geoseg.train.adapt"), "adapt", fake)
    words = ["adapt", "mine", "a.tif", "b.tif", "-o", "m", "--labels", "x.gpkg", "y.gpkg", "--method", "moments"]
    result = CliRunner().invoke(cli, [*words, "--keep", "--scale", "1/10000"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert (seen["model"], seen["scenes"], seen["labels"]) == ("mine", ["a.tif", "b.tif"], ["x.gpkg", "y.gpkg"])
    assert (seen["method"], seen["keep"], seen["reading"]) == ("moments", True, {"scale": 1e-4})
    missing = {name for name in inspect.signature(adapt).parameters if name not in seen}
    assert missing == set(), "each option of the function is one of the command"


# Bad input ----------------------------------------------------------------------------------------------------------


class _Bad:
    """Changed arguments, and the message expected."""

    def __init__(self, original, place, write, folder) -> None:
        self.original, self.place, self.write, self.folder = original, place, write, folder

    def output_is_the_model(self):
        return {"output": self.original.folder, "overwrite": True}, "is the input, and would be replaced"

    def lacks_a_band(self):
        return {"scenes": self.write(self.folder / "three.tif", self.place.bands[:3], NAMES[:3])}, "lacks band nir"

    def other_units(self):
        bands = (self.place.bands / 10_000).astype(np.float32)
        return {"scenes": self.write(self.folder / "units.tif", bands, NAMES)}, "'units' does not fit model"

    def all_nodata(self):
        path = self.write(self.folder / "black.tif", self.place.bands * 0, NAMES, nodata=0)
        return {"scenes": path}, "no valid pixel|no pixel of the images is labelled"

    def missing(self):
        return {"scenes": self.folder / "*.tif"}, r"\*.tif: no such file"

    def none(self):
        return {"scenes": []}, "no scene given"

    def too_small(self):
        path = self.write(self.folder / "tiny.tif", self.place.bands[:, :40, :40], NAMES)
        return {"scenes": path}, "would leave a part empty|no place can be held out|no window"

    def rules(self):
        return {"model": "spectral"}, "is made of rules and has no weights to adapt"

    def without_batch_normalisation(self):
        card = replace_bands(geoseg.load_model("landcover").card)
        model = Model(card, module=without_temperature(geoseg.load_model("landcover").module()))
        six = np.concatenate([self.place.bands, self.place.bands[2:]])
        names = [band.name for band in card.bands]
        return {
            "model": model, "method": "statistics", "scenes": self.write(self.folder / "six.tif", six, names)
        }, "has no batch normalisation whose statistics could be estimated anew: use --method moments"  # fmt: skip

    def unknown_method(self):
        return {"method": "magic"}, "method 'magic' is unknown: use statistics, moments or self-training"

    def no_validation(self):
        return {"validation": 0.0}, "validation 0 leaves nothing to measure"

    def labels_of_other_classes(self):
        labels = self.write(self.folder / "nine.tif", np.full((256, 192), 9, np.uint8))
        return {"labels": labels}, "label value 9 .* is none of the classes"

    def no_such_model(self):
        return {"model": "nowhere"}, "no model is called 'nowhere'"


def replace_bands(card):
    from geoseg.models.card.card import card_with

    return card_with(card, value_percentiles=None, value_range=None)


CASES = [name for name in vars(_Bad) if not name.startswith("_")]


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line(case, original, place, write, quick, tmp_path):
    (tmp_path / "in").mkdir()
    changes, message = getattr(_Bad(original, place, write, tmp_path / "in"), case)()
    arguments = {"model": original.folder, "scenes": place.image, "output": tmp_path / "out"} | quick | changes
    with pytest.raises(GeosegError, match=message) as caught:
        adapt(**arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert (original.folder / "model.json").is_file()


def test_onnx_graphs_are_refused(original, place, quick, tmp_path):
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    model = Model(original.model.card, module=original.model.module())
    model._form = SimpleNamespace()
    with pytest.raises(GeosegError, match="is an ONNX graph, which is not adapted"):
        adapt(model, place.image, tmp_path / "m", **quick)
