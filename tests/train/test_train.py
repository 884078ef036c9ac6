"""From labelled images to a model folder that works."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import inspect
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import geoseg
from geoseg.errors import ChangedError, GeosegError, InputError, ModelError, OptionError, OutputError
from geoseg.models import check_model, load_model
from geoseg.models.networks.temperature import without_temperature
from geoseg.train.api import train
from geoseg.train.data.label_images import Sources
from geoseg.train.options import TrainOptions
from geoseg.train.prepare import prepare


def test_the_signature_has_every_option_with_its_default():
    parameters = inspect.signature(train).parameters
    for option in dataclasses.fields(TrainOptions):
        parameter = parameters[option.name]
        assert (parameter.default, parameter.annotation) == (option.default, option.type)
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert re.search(rf"^    {option.name}$", train.__doc__, re.MULTILINE), f"{option.name} is not documented"


@pytest.fixture(scope="module")
def trained(place, small, tmp_path_factory, hearing):
    """Train for eight short epochs: enough to separate three classes of plain spectra."""
    output, heard = tmp_path_factory.mktemp("trained") / "three-classes", hearing()
    options = small | {"epochs": 8, "windows": 20, "loss": "ce", "classes": "wood:#00ff00,field,water"}
    model = geoseg.train(place.image, place.labels, output, licence="CC-BY-4.0", reporter=heard, **options)
    return model, output, heard


def test_the_written_folder_segments_a_scene(trained, place):
    model, output, _ = trained
    assert model == load_model(output)
    assert any("forward pass" in line for line in check_model(output))
    assert {path.name for path in output.iterdir()} == {"logs", "metrics.json", "model.json", "weights.safetensors"}
    assert not list(output.parent.glob("*.training"))
    # Windows near the training size: after so short a training the encoder's global means depend on it.
    result = geoseg.segment(
        geoseg.open_raster(place.image), model=str(output), window=128, device="cpu", precision="fp32"
    ).compute()
    found = result.classes.values
    assert (found == place.classes).mean() > 0.85


def test_the_card_documents_the_training(trained, place):
    model, output, _ = trained
    card = model.card
    assert [band.name for band in card.bands] == ["blue", "green", "red", "nir"]
    assert (card.classes[0].name, card.classes[0].color) == ("wood", "#00ff00")
    assert (card.name, card.license) == ("three-classes", "CC-BY-4.0")
    assert card.value_range == (0.0, 10000.0)
    low, high = card.resolution
    assert low < 10 < high
    training = card.hyperparameters["training"]
    assert training["seed"] == 0
    assert not {"threshold", "ema", "unlabelled_weight", "pseudo_labelled"} & set(training), "nothing was unlabelled"
    assert "blocks of 640 m" in training["split_made"]
    assert any("scene" in line for line in card.training_data)
    metrics = json.loads((output / "metrics.json").read_text("utf-8"))
    counts = np.array(metrics["confusion_matrix"]["counts"])
    assert counts.sum() == metrics["pixels"] == card.metrics["validation"]["pixels"]
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    assert metrics["mean_iou"] == pytest.approx((counts.diagonal() / union).mean(), abs=1e-4)
    assert metrics["mean_iou"] > 0.7
    # The scaling is that of the training part: near what the whole image says, not of some other image.
    for scaling, band in zip(card.value_scaling, place.bands, strict=True):
        assert scaling.type == "z-score"
        assert scaling.mean == pytest.approx(band.mean(), rel=0.25)
        assert scaling.stddev == pytest.approx(band.std(), rel=0.25)


def test_the_confidence_is_calibrated_on_the_validation_part(trained):
    model, output, heard = trained
    full = json.loads((output / "metrics.json").read_text("utf-8"))["calibration"]
    short = model.card.metrics["calibration"]
    assert full["pixels"] == short["pixels"] == model.card.metrics["validation"]["pixels"]
    assert full["accuracy"] == pytest.approx(model.card.metrics["validation"]["overall_accuracy"], abs=0.01)
    better = full["after"]["log_loss"] < full["before"]["log_loss"]
    assert model.card.temperature == short["temperature"]
    assert (model.card.temperature is not None) == better
    (line,) = (message for message in heard.all("info") if "calibrated" in message)
    assert line.startswith("confidence calibrated: temperature" if better else "no temperature fits")


def test_the_card_says_what_half_precision_costs(trained):
    model, _, _ = trained
    facts = model.card.metrics["half_precision"]
    assert set(facts) <= {"windows", "pixels", "bf16", "fp16"}
    assert facts["pixels"] <= model.card.metrics["validation"]["pixels"]
    assert 0 <= facts["bf16"]["other_classes"] < 0.1
    assert abs(facts["bf16"]["mean_iou_loss"]) <= 2 * facts["bf16"]["other_classes"] * len(model.card.classes)


def test_reported_events(trained):
    _, output, heard = trained
    (start,) = heard.all("start")
    assert (start["epochs"], start["output"]) == (8, str(output))
    assert heard.events[0][0] == "start"
    done, total, message = [p for p in heard.all("progress") if p[2].startswith("train")][-1]
    assert done == total == 8 * 5
    assert "epoch 8/8" in message
    (result,) = heard.all("result")
    assert result["outputs"]["model"] == str(output)
    assert 0 < result["classes"]["wood"]["iou"] <= 1
    with next(output.glob("logs/*/metrics.csv")).open() as file:
        rows = list(csv.DictReader(file))
    best = max(float(row["val_miou"]) for row in rows if row["val_miou"])
    assert best == pytest.approx(result["metrics"]["mean_iou"], abs=1e-3)
    if importlib.util.find_spec("tensorboard"):
        assert list(output.glob("logs/*/events.out.tfevents*"))


def _state(model):
    return {name: value.clone() for name, value in without_temperature(model.module()).state_dict().items()}


def _same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_resumed_run_equals_an_unbroken_one(place, small, tmp_path, monkeypatch, heard):
    whole = geoseg.train(place.image, place.labels, tmp_path / "whole", **small)

    from geoseg.train import fit

    class Stop(fit.ReportProgress):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fit, "ReportProgress", Stop)
        with pytest.raises(KeyboardInterrupt, match="--resume"):
            geoseg.train(place.image, place.labels, tmp_path / "cut", **small)
    assert not (tmp_path / "cut").exists()
    with pytest.raises(OutputError, match="interrupted training: continue it with --resume"):
        geoseg.train(place.image, place.labels, tmp_path / "cut", **small)
    with pytest.raises(OptionError, match="had another lr"):
        geoseg.train(place.image, place.labels, tmp_path / "cut", resume=True, **(small | {"lr": 1e-4}))
    resumed = geoseg.train(place.image, place.labels, tmp_path / "cut", resume=True, reporter=heard, **small)
    assert _same(_state(whole), _state(resumed))
    assert not any("epoch 1/2:" in line for line in heard.all("info")), "the first epoch was not done again"
    assert not list(tmp_path.glob("*.training"))


@pytest.mark.parametrize("which", ["scene.tif", "labels.tif", "labels.gpkg"])
def test_images_and_labels_that_change_give_no_model(place, polygons, small, tmp_path, monkeypatch, which):
    from geoseg.train import fit

    files = {path.name: Path(shutil.copy(path, tmp_path)) for path in (place.image, place.labels, polygons.path)}
    labels = files["labels.gpkg" if which.endswith("gpkg") else "labels.tif"]

    class Touch(fit.ReportProgress):
        def on_train_epoch_start(self, trainer, pl_module):
            super().on_train_epoch_start(trainer, pl_module)
            if trainer.current_epoch == small["epochs"] - 1:
                os.utime(files[which])

    with monkeypatch.context() as patch:
        patch.setattr(fit, "ReportProgress", Touch)
        with pytest.raises(ChangedError, match=rf"{which}.*run again"):
            geoseg.train(files["scene.tif"], labels, tmp_path / "model", **small)
    assert not (tmp_path / "model").exists()
    with pytest.raises(InputError, match="images or labels have changed since"):
        geoseg.train(files["scene.tif"], labels, tmp_path / "model", resume=True, **small)


def test_polygons_with_groups_and_partly_labelled(place, polygons, small, tmp_path, heard):
    # Every other polygon without a class: the rest of the image is unlabelled.
    frame = polygons.frame.iloc[::2].copy()
    frame.loc[frame.index[0], "class_name"] = None
    model = geoseg.train(
        place.image, frame, tmp_path / "m", group_field="zone", window=32, reporter=heard,
        **{k: v for k, v in small.items() if k not in ("window", "block_size")},
    )  # fmt: skip
    assert [c.name for c in model.card.classes] == list(polygons.names)
    assert "groups held out for validation" in model.card.hyperparameters["training"]["split_made"]
    assert any("1 polygons without a class" in line for line in heard.all("warning"))
    learned = next(line for line in heard.all("info") if "pixels for training" in line).split(": ")[1]
    assert sum(int(part.rsplit(" ", 1)[1].replace(",", "")) for part in learned.split(", ")) < 256 * 192


def test_fine_tuning_keeps_the_card_and_moves_the_weights(trained, place, polygons, small, tmp_path, heard):
    model, output, _ = trained
    few = polygons.frame.iloc[:4]
    options = small | {"epochs": 1, "validation": 0.0, "base": str(output), "lr": None}
    del options["block_size"]
    tuned = geoseg.train(place.image, few, tmp_path / "tuned", reporter=heard, **options)
    assert tuned.card.bands == model.card.bands
    assert tuned.card.value_scaling == model.card.value_scaling
    assert tuned.card.classes == model.card.classes
    assert tuned.card.hyperparameters["encoder"] == small["encoder"]
    assert "Fine-tuned from three-classes" in tuned.card.description
    assert not tuned.card.metrics
    before, after = _state(model), _state(tuned)
    weights = [name for name in before if name.endswith("weight")]
    # One epoch at a low rate: moved, not thrown away.
    moved = max(float((before[n] - after[n]).abs().max()) for n in weights)
    assert 0 < moved < 0.01
    # New classes beside the old: rows of known ones stay.
    renamed = geoseg.train(place.image, polygons.frame, classes="water,wood,field=moor", **options)
    assert [c.name for c in renamed.card.classes] == ["water", "wood", "moor"]
    head = next(n for n in before if n.startswith("segmentation_head") and n.endswith("weight"))
    new = _state(renamed)[head]
    assert torch.allclose(new[0], before[head][2], atol=0.02)
    assert not torch.allclose(new[2], before[head][1], atol=0.02)


def test_memory_that_runs_out_halves_the_batch(place, small, tmp_path, monkeypatch, heard):
    from geoseg.train import learner

    step = learner.Learner.training_step
    sizes = []

    def greedy(self, batch, batch_idx):
        sizes.append(len(batch.x))
        if len(batch.x) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return step(self, batch, batch_idx)

    monkeypatch.setattr(learner.Learner, "training_step", greedy)
    model = geoseg.train(
        place.image, place.labels, tmp_path / "m", reporter=heard, **(small | {"batch": 8, "windows": 8, "epochs": 1})
    )
    assert sizes[:3] == [8, 4, 2]
    assert set(sizes[2:]) == {2}
    assert any("--batch 4 --accumulate 2" in line for line in heard.all("warning"))
    training = model.card.hyperparameters["training"]
    assert (training["batch"], training["accumulate"]) == (2, 4)
    monkeypatch.setattr(learner.Learner, "training_step", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(ModelError, match="single window of 64 px"):
        geoseg.train(place.image, place.labels, **(small | {"batch": 1}))


def test_a_lost_loss_names_batch_and_image(place, small, tmp_path, monkeypatch):
    from geoseg.train import learner

    forward = learner.Learner.forward
    monkeypatch.setattr(learner.Learner, "forward", lambda self, x: forward(self, x) * float("nan"))
    with pytest.raises(ModelError, match=r"loss became nan in epoch 1, batch 1 \(image scene, row \d+, column \d+"):
        geoseg.train(place.image, place.labels, tmp_path / "m", **small)
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_the_card_records_the_search(place, small, heard, monkeypatch):
    from geoseg.train import tune

    monkeypatch.setattr(tune, "_ENCODERS", ())  # the small one only
    model = geoseg.train(place.image, place.labels, tune=2, reporter=heard, **(small | {"epochs": 1, "windows": 4}))
    tuning = model.card.hyperparameters["training"]["tuning"]
    assert len(tuning["trials"]) == 2
    best = max(tuning["trials"], key=lambda trial: trial["mean_iou"])
    assert tuning["best"]["lr"] == best["lr"]
    assert model.card.hyperparameters["encoder"] == tuning["best"]["encoder"]
    assert model.card.hyperparameters["training"]["window"] == tuning["best"]["window"]
    with pytest.raises(OptionError, match="--validation 0"):
        geoseg.train(place.image, place.labels, tune=2, **(small | {"validation": 0.0}))


class _Bad:
    """Mistakes of users: changed arguments, and the message expected."""

    def __init__(self, place, polygons, write, folder) -> None:
        self.place, self.polygons, self.write, self.folder = place, polygons, write, folder

    def labels_elsewhere(self):
        far = self.polygons.frame.copy()
        far.geometry = far.translate(900_000, 0)
        return {"labels": far}, "do not overlap the image"

    def value_outside(self):
        return {"classes": "0=wood,1=field"}, r"label value 2 \(\d+ pixels\) is none of the classes wood, field"

    def class_absent(self):
        return {"classes": "wood,field,water,ice"}, "class 'ice' has no labels"

    def other_bands(self):
        other = self.write(self.folder / "other.tif", self.place.bands[:3], ("blue", "green", "red"))
        return {
            "images": [self.place.image, other]
        }, "has bands blue, green, red, the first image .* has blue, green, red"

    def no_such_field(self):
        return {"labels": self.polygons.frame, "class_field": "kind"}, "there is no field 'kind'"

    def field_of_a_raster(self):
        return {"class_field": "kind"}, "the labels are rasters"

    def split_too_coarse(self):
        return {"block_size": 5000.0}, "would leave a part empty"

    def one_class(self):
        alike = self.write(self.folder / "alike.tif", np.ones((256, 192), np.uint8))
        return {"labels": alike}, "all that is labelled"

    def nothing_labelled(self):
        empty = self.write(self.folder / "empty.tif", np.full((256, 192), 255, np.uint8), nodata=255)
        return {"labels": empty}, "no pixel of the images is labelled"

    def no_valid_pixel(self):
        black = self.write(self.folder / "black.tif", self.place.bands * 0, ("blue", "green", "red", "nir"), nodata=0)
        return {"images": black}, "no training label is on a valid pixel"

    def unknown_architecture(self):
        return {"arch": "unett"}, "architecture 'unett' is unknown: use one of Unet"

    def unknown_encoder(self):
        return {"encoder": "resnet17"}, "resnet17.*cannot be built"

    def unknown_model(self):
        return {"base": "nowhere"}, "no model is called 'nowhere'"

    def rules_to_train_on(self):
        return {"base": "spectral"}, "is made of rules and has no weights"

    def no_such_image(self):
        return {"images": "gone.tif"}, "gone.tif: no such file"

    def no_such_labels(self):
        return {"labels": "gone.tif"}, "gone.tif: no such file"

    def empty_folder(self):
        (self.folder / "none").mkdir()
        return {"images": self.folder / "none"}, "this folder has no rasters"


CASES = [name for name in vars(_Bad) if not name.startswith("_")]


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line(case, place, polygons, write, small, tmp_path):
    (tmp_path / "in").mkdir()
    changes, message = getattr(_Bad(place, polygons, write, tmp_path / "in"), case)()
    arguments = {"images": place.image, "labels": place.labels} | small | changes
    output = tmp_path / "out" / "m"
    output.parent.mkdir()
    with pytest.raises(GeosegError, match=message) as caught:
        geoseg.train(output=output, **arguments)
    assert "\n" not in str(caught.value)
    assert not list(output.parent.iterdir())


def test_outputs_are_not_replaced_unasked(trained, place, small, tmp_path):
    _, output, _ = trained
    with pytest.raises(OutputError, match="already holds a model"):
        geoseg.train(place.image, place.labels, output, **small)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="holds other files"):
            geoseg.train(place.image, place.labels, tmp_path / "photos", overwrite=overwrite, **small)
    assert (tmp_path / "photos" / "a.jpg").exists()


def test_a_class_missing_in_one_part(place, write, small, tmp_path, heard):
    rare = place.classes.copy()
    rare[rare == 2] = 255
    rare[:16, :16] = 2
    labels = write(tmp_path / "rare.tif", rare, nodata=255)
    # The class has one patch, which is in one part only: in training, whatever the seed.
    for seed in range(8):
        prepared = prepare(Sources([place.image], [labels]), TrainOptions(**(small | {"seed": seed})), None, heard)
        assert prepared.split.training()[2]
        assert not prepared.split.held()[2]
        said = heard.all("warning")[-1]
        assert said.startswith("no validation labels of class 2: the scores do not cover it")
