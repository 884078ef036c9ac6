"""Smaller models: what they keep of the original, what is written, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import geoseg
from geoseg.cli import cli
from geoseg.errors import CompressionError, GeosegError, ModelError, OptionError, OutputError
from geoseg.models import Model, check_model, load_model
from geoseg.models.card.card import card_with
from geoseg.models.card.half_precision import measured_loss
from geoseg.models.networks.temperature import without_temperature
from geoseg.train.compress import Compression, CompressOptions, Measured, measure, run
from geoseg.train.compress.distillation import class_orders, student
from geoseg.train.compress.pruning import pruned
from tests.train.compress.conftest import ENCODER


def parameters(model: Model) -> int:
    return sum(parameter.numel() for parameter in model.module().parameters())


def classes_of(model: Model, bands: np.ndarray) -> np.ndarray:
    """The classes of a scene, whose sides are multiples of the stride, in one window."""
    steps = model.card.affine([type("Band", (), {"scale": 1.0, "offset": 0.0, "scaled": False})()] * len(bands))
    x = np.stack([band * step.a + step.b for band, step in zip(bands.astype(np.float32), steps, strict=True)])
    with torch.no_grad():
        return model.module()(torch.from_numpy(x)[None].float())[0].argmax(0).numpy()


# Pruning ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arch", "encoder"), [("Unet", "resnet18"), ("FPN", ENCODER), ("Linknet", "tu-mobilenetv4_conv_small_035")]
)
def test_a_pruned_network_has_fewer_parameters_and_is_rebuilt_from_its_folder(tmp_path, original, arch, encoder):
    pytest.importorskip("torch_pruning", reason="the extra compress is not installed")
    from geoseg.models import save_model
    from geoseg.models.build import build_architecture

    torch.manual_seed(0)
    card = card_with(
        original.card, architecture=arch, hyperparameters={"encoder": encoder}, weights=None, temperature=None
    )
    whole = Model(card, module=build_architecture(card).eval())
    small = pruned(whole, 0.4)
    assert parameters(small) < 0.6 * parameters(whole)
    saved = save_model(tmp_path / "small", small.card, small.module())
    x = torch.randn(2, 4, 96, 64)
    with torch.no_grad():
        assert torch.equal(saved.module()(x), small.module()(x))
        assert torch.equal(whole.module()(x), Model(card, module=whole.module()).module()(x))
    again = pruned(saved, 0.4)
    assert parameters(again) < parameters(small)


def test_the_less_is_pruned_the_more_the_network_agrees_with_the_original(original, place):
    pytest.importorskip("torch_pruning", reason="the extra compress is not installed")
    expected = classes_of(original, place.bands)
    agreement = [float((classes_of(pruned(original, share), place.bands) == expected).mean()) for share in (0.02, 0.6)]
    assert agreement[0] > max(0.9, agreement[1])


def test_a_pruned_model_is_an_ordinary_one(shrunk, original, place):
    made, model = shrunk.made, shrunk.made.model
    assert made.path == shrunk.folder / "small"
    assert made.before.mean_iou == 1.0  # against its own classes
    assert made.after.mean_iou > made.start.mean_iou
    assert made.after.parameters == parameters(model) < 0.4 * parameters(original)
    assert made.after.size == model.card.weights.size < 0.4 * original.card.weights.size
    assert any("reproduced" in line for line in check_model(model))
    result = geoseg.segment(place.image, model=model).classes.values
    agreement = (result == geoseg.segment(place.image, model=original).classes.values).mean()
    assert agreement > 0.5
    assert sorted(path.name for path in shrunk.folder.iterdir()) == ["small"]


def test_the_card_says_what_it_was_made_from_and_what_that_cost(shrunk, original):
    made, card = shrunk.made, shrunk.made.model.card
    facts = card.metrics["compression"]
    assert original.fingerprint in facts["made_from"]
    assert f"{original.card.name} {original.card.version}" in facts["made_from"]
    assert facts["loss"] == round(made.loss, 4)
    assert facts["before"]["rate"] == round(made.before.rate, 4)
    assert facts["after"]["rate"] == round(made.after.rate, 4)
    assert facts["windows"] == made.windows > 0
    assert isinstance(measured_loss(card.metrics, "bf16"), float)
    assert "pruned" in card.description.lower()
    assert card.license == original.card.license
    assert [band.name for band in card.bands] == [band.name for band in original.card.bands]
    assert "made_from" in card.describe()


def test_a_pruned_model_can_be_fine_tuned_to_other_classes(shrunk, place):
    small = geoseg.train(
        place.image, place.labels, base=str(shrunk.folder / "small"), classes="0=wood,1=open,2=open", window=64,
        batch=4, windows=4, epochs=1, device="cpu", workers=0, block_size=640.0,
    )  # fmt: skip
    assert [c.name for c in small.card.classes] == ["wood", "open"]
    assert 0 < parameters(shrunk.made.model) - parameters(small) < 100


def test_a_pruned_model_exports(shrunk, tmp_path):
    from geoseg.models.export.export import export_model

    exported = export_model(shrunk.made.model, tmp_path / "small.pt2")
    assert max(difference for _, difference in exported.differences) < 1e-3


# Distillation -------------------------------------------------------------------------------------------------------


def test_a_student_learns_what_its_teachers_say(original, place, quick, tmp_path, heard, monkeypatch, as_fast):
    monkeypatch.setattr(measure, "speeds", as_fast(1.0, 2.0))
    backwards = reversed_classes(original)
    made = geoseg.compress_model(
        original, tmp_path / "small", images=place.image, labels=place.labels, distil=[original, backwards],
        encoder="tu-mobilenetv4_conv_small_035", reporter=heard, **quick | {"epochs": 3},
    )  # fmt: skip
    assert made.after.mean_iou > made.start.mean_iou + 0.1
    # The teachers' classes were brought into one order: else two of the three would tie everywhere.
    assert made.before.mean_iou > 0.4
    card = made.model.card
    assert card.hyperparameters["encoder"] == "tu-mobilenetv4_conv_small_035"
    assert card.metrics["compression"]["reference"] == "labels"
    assert all(one.fingerprint in card.metrics["compression"]["made_from"] for one in (original, backwards))
    assert heard.all("result")[0]["outputs"] == {"model": str(tmp_path / "small")}


def reversed_classes(model: Model) -> Model:
    """The same network with its classes in reverse order."""
    import copy

    network = copy.deepcopy(without_temperature(model.module()))
    head = network.segmentation_head[0]
    head.weight.data, head.bias.data = head.weight.data.flip(0), head.bias.data.flip(0)
    classes = [replace(c, id=i) for i, c in enumerate(reversed(model.card.classes))]
    return Model(card_with(model.card, classes=tuple(classes), weights=None), module=network)


def test_classes_are_matched_by_name(original):
    assert class_orders([original, reversed_classes(original)], original) == [(0, 1, 2), (2, 1, 0)]
    other = card_with(original.card, classes=tuple(replace(c, name=f"{c.name}s") for c in original.card.classes))
    with pytest.raises(ModelError, match="has classes woods, fields, waters, model 'big' has wood, field, water"):
        class_orders([Model(other, module=original.module())], original)


def test_a_new_student_has_the_contract_of_its_model(original):
    card = student(original, CompressOptions(distil=("x",), arch="fpn")).card
    assert (card.architecture, card.hyperparameters["encoder"]) == ("FPN", "tu-mobilenetv4_conv_small_035")
    assert (card.bands, card.classes, card.value_scaling) == (
        original.card.bands, original.card.classes, original.card.value_scaling
    )  # fmt: skip
    assert student(original, CompressOptions(distil=("x",))) is original


# Refusal ------------------------------------------------------------------------------------------------------------


def result(**changes: object) -> Compression:
    before, after = Measured(0.6, 0.8, 1.0, 1000, 10), Measured(0.55, 0.8, 2.0, 500, 5)
    fields = {"path": None, "before": before, "start": before, "after": after, "reference": "labels"}
    return Compression(**fields | {"windows": 1, "pixels": 1} | changes)


def test_what_loses_too_much_or_gains_nothing_is_refused():
    made = result()
    made.check_worth(0.06)
    with pytest.raises(CompressionError, match=r"^not kept: it loses 0\.0500 of mean IoU .* --max-loss allows 0\.04"):
        made.check_worth(0.04)
    slow, large = (replace(made.after, **change) for change in ({"rate": 1.0}, {"size": 1000}))
    result(after=slow).check_worth(0.06)
    result(after=large).check_worth(0.06)
    with pytest.raises(CompressionError, match=r"nothing is gained, 1\.00 times the speed and 1\.0 kB instead"):
        result(after=replace(slow, size=1000)).check_worth(0.06)
    with pytest.raises(CompressionError):
        result(after=replace(made.after, mean_iou=float("nan"))).check_worth(0.9)


def test_a_refused_model_leaves_nothing_behind(original, place, quick, tmp_path, monkeypatch, as_fast):
    monkeypatch.setattr(measure, "speeds", as_fast(1.0, 1.0))
    old = tmp_path / "small"
    options = quick | {"epochs": 1, "windows": 4}
    args = ["model", "compress", str(original.folder), "--distil", str(original.folder), "-o", str(old),
            "--images", str(place.image), "--progress", "none"]  # fmt: skip
    for name, value in options.items():
        args += [f"--{name.replace('_', '-')}", str(value)]
    outcome = CliRunner().invoke(cli, args)
    assert isinstance(outcome.exception, CompressionError)
    assert "nothing is gained" in str(outcome.exception)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_compression_leaves_nothing_behind(original, place, quick, tmp_path, monkeypatch):
    def stop(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "fit", stop)
    with pytest.raises(KeyboardInterrupt, match="nothing is kept"):
        geoseg.compress_model(original, tmp_path / "small", images=place.image, distil=original, **quick)
    assert list(tmp_path.iterdir()) == []


# Bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({}, OptionError, "name one method, --prune SHARE, --distil TEACHER or --int8: none is given"),
        ({"prune": 0.3, "distil": "spectral"}, OptionError, "name one method, .*: both are given"),
        ({"prune": 0.0}, OptionError, "prune must be a share of the channels between 0 and 1, got 0"),
        ({"prune": 1.0}, OptionError, "prune must be a share"),
        ({"prune": float("nan")}, OptionError, "prune must be a share"),
        ({"prune": 0.3, "encoder": "resnet18"}, OptionError, "encoder is for --distil"),
        ({"distil": "spectral", "arch": ""}, OptionError, "arch is empty"),
        ({"distil": "spectral", "weights": "imagenet"}, OptionError, "weights are for a new network"),
        ({"prune": 0.3, "max_loss": -0.1}, OptionError, "max-loss must be a loss of mean IoU from 0 to below 1"),
        ({"prune": 0.3, "max_loss": float("nan")}, OptionError, "max-loss"),
        ({"prune": 0.3, "validation": 0.0}, OptionError, "validation must be above 0"),
        ({"prune": 0.3, "images": []}, OptionError, "no image given"),
        ({"prune": 0.3, "model": "spectral"}, ModelError, "'spectral' .* cannot be pruned: only .*--distil"),
        ({"prune": 0.3, "model": "landcover"}, ModelError, "'landcover' .* cannot be pruned: only .*--distil"),
        ({"distil": "spectral", "model": "spectral"}, ModelError, "made of rules and cannot be taught: .*--arch"),
        ({"distil": "landcover", "arch": "unet"}, ModelError, "teacher 'landcover' has classes .* the same names"),
        ({"distil": "spectral", "arch": "unett"}, OptionError, "architecture 'unett' is unknown"),
        ({"distil": "nowhere"}, ModelError, "no model is called 'nowhere'"),
    ],
)
def test_bad_options_are_named_in_one_line(original, place, tmp_path, changes, error, message):
    arguments = {"model": original, "images": place.image, "output": tmp_path / "small"} | changes
    with pytest.raises(error, match=message) as raised:
        geoseg.compress_model(arguments.pop("model"), arguments.pop("output"), **arguments)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_images_that_do_not_fit_are_named(original, place, write, tmp_path):
    image = write(tmp_path / "rgb.tif", place.bands[:3], ("blue", "green", "red"))
    with pytest.raises(GeosegError, match="nir"):
        geoseg.compress_model(original, tmp_path / "small", images=image, distil=original, encoder=ENCODER)
    assert not (tmp_path / "small").exists()


def test_existing_models_are_replaced_only_if_asked(original, place, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "model.json").write_text("{}", encoding="utf-8")
    with pytest.raises(OutputError, match="already holds a model; name another folder, or replace it with --overwrite"):
        geoseg.compress_model(original, folder, images=place.image, distil=original)
    with pytest.raises(OutputError, match="is the input"):
        geoseg.compress_model(original, original.folder, images=place.image, distil=original, overwrite=True)


def test_a_missing_extra_is_named(original, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch_pruning", None)
    with pytest.raises(OptionError, match=r'pip install "geoseg\[compress\]"'):
        pruned(original, 0.3)


def test_onnx_graphs_cannot_be_pruned_or_taught(original):
    weights = replace_href(original, "model.onnx")
    with pytest.raises(ModelError, match="is an ONNX graph and cannot be pruned"):
        pruned(weights, 0.3)
    with pytest.raises(ModelError, match="is an ONNX graph and cannot be taught"):
        student(weights, CompressOptions(distil=("x",)))


def replace_href(model: Model, href: str) -> Model:
    weights = model.card.weights.model_copy(update={"href": href})
    return Model(card_with(model.card, weights=weights), folder=model.folder)


def test_events_are_json_for_programs(shrunk, original):
    facts = json.loads(load_model(shrunk.folder / "small").card.to_json())
    widths = facts["properties"]["mlm:hyperparameters"]["widths"]
    assert all(isinstance(count, int) for sides in widths.values() for count in sides.values())
    assert original.card.hyperparameters.get("widths") is None
