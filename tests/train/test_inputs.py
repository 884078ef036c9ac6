"""Training on several sensors, on dates, and on scenes of change: from files to a map by the command line."""

from __future__ import annotations

import contextlib
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import torch
from hypothesis import given
from hypothesis import strategies as st

import geoseg
from geoseg.classes import NODATA
from geoseg.cli import main
from geoseg.errors import InputError, OptionError
from geoseg.models.card.inputs import InputSpec, layout_of
from geoseg.models.inference import calibrate
from geoseg.train.adapt import adapt
from geoseg.train.compress import measure
from geoseg.train.data.augment import Augment
from geoseg.train.data.stacks import InputOptions, open_stacks

SIDE = 128
QUICK = {
    "arch": "pixel",
    "window": 64,
    "batch": 4,
    "windows": 16,
    "epochs": 3,
    "lr": 0.02,
    "workers": 0,
    "augment": 0.5,
}
WORDS = [
    "--arch", "pixel", "--window", "64", "--batch", "4", "--windows", "16", "--epochs", "3", "--lr", "0.02",
    "--workers", "0", "--augment", "0.5", "--progress", "none",
]  # fmt: skip
MAPPING = ["--device", "cpu", "--precision", "fp32", "--runtime", "torch", "--no-polygons", "--no-preview"]


@pytest.fixture(scope="module")
def place(tmp_path_factory, write):
    """Three classes: optical tells two from the third, radar others; no date tells all, and the two dates do.

    ``before`` and ``after`` differ where ``changed`` is 1.
    """
    folder = tmp_path_factory.mktemp("several")
    rng = np.random.default_rng(5)
    classes = np.kron(rng.integers(0, 3, (8, 8)), np.ones((16, 16), int)).astype(np.uint8)

    def bands(*levels):
        return (np.array(levels)[:, classes] + rng.normal(0, 40, (len(levels), SIDE, SIDE))).clip(1)

    optical = bands((500, 500, 2000), (2500, 2500, 900)).astype(np.uint16)
    optical[:, :20, :30] = 0
    radar = (bands((50, 500, 500)) / 20 - 30).astype(np.float32)
    radar = radar.reshape(1, SIDE // 2, 2, SIDE // 2, 2).mean((2, 4)).astype(np.float32)
    changed = np.kron(rng.random((8, 8)) < 0.4, np.ones((16, 16), int)).astype(np.uint8)
    before = bands((500, 1000, 700)).astype(np.uint16)
    after = np.where(changed, 3000 - before, before).astype(np.uint16)
    files = {
        "optical": write(folder / "s2" / "A.tif", optical, ("red", "nir"), nodata=0),
        "radar": write(
            folder / "s1" / "radar.tif", radar, ("vv",), transform=rasterio.Affine(20, 0, 500000, 0, -20, 5400000)
        ),
        "spring": write(folder / "S_20240401.tif", bands((500, 500, 2000)).astype(np.uint16), ("red",), nodata=0),
        "autumn": write(folder / "S_20241001.tif", bands((500, 2000, 2000)).astype(np.uint16), ("red",), nodata=0),
        "before": write(folder / "old.tif", before, ("red",)),
        "after": write(folder / "new.tif", after, ("red",)),
        "labels": write(folder / "labels.tif", classes, nodata=255),
        "change": write(folder / "change.tif", changed, nodata=255),
    }
    return SimpleNamespace(folder=folder, classes=classes, changed=changed, **{k: str(v) for k, v in files.items()})


def run(*words, code=0):
    """Run the command line in this process; return what it printed."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text), pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert end.value.code == code, text.getvalue()
    return text.getvalue()


EXACT = ["--device", "cpu", "--precision", "fp32", "--runtime", "torch"]


def matrix_of(folder, truth, found):
    """The matrix of a report of ``evaluate -m``, and the one counted from the map."""
    report = json.loads((folder / "report.json").read_text("utf-8"))
    count = len(report["classes"])
    own = np.zeros((count, count), int)
    mapped = found != NODATA
    np.add.at(own, (truth[mapped], found[mapped]), 1)
    return report, own


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


# --- whole ways


@pytest.fixture(scope="module")
def sensors(place):
    run(
        "train", "--source", f"optical={place.folder}/s2/*.tif", "--source", f"sar={place.radar}", "--labels",
        place.labels, "-o", place.folder / "sensors", *WORDS,
    )  # fmt: skip
    return place.folder / "sensors"


def test_sensors_from_the_command_line(place, sensors, tmp_path):
    card = geoseg.load_model(sensors).card
    assert [(spec.name, spec.bands, spec.optional) for spec in card.inputs] == [
        ("optical", ("red", "nir"), True), ("sar", ("vv",), True)
    ]  # fmt: skip
    assert card.hyperparameters["fusion"] == "gated"
    assert card.inputs[1].resolution[0] == pytest.approx(20, rel=0.01)
    optical = card.value_scaling[0]
    seen = place.classes * 0 + 1
    seen[:20, :30] = 0
    assert 400 < optical.mean < 1500
    assert optical.stddev < 900  # zeros where it has no data are not counted
    assert -30 < card.value_scaling[3].mean < 0
    both = run("segment", "--source", f"optical={place.optical}", "--source", f"sar={place.radar}", "-m", sensors,
               "-o", tmp_path / "both", *MAPPING)  # fmt: skip
    assert "missing" not in both
    inner = np.zeros((SIDE, SIDE), bool)  # a coarser pixel across a border is a mixture
    inner.reshape(8, 16, 8, 16)[:, 2:14, :, 2:14] = True
    found = read(tmp_path / "both" / "A_classes.tif")
    assert (found[inner & (seen == 1)] == place.classes[inner & (seen == 1)]).mean() > 0.9
    assert (found != NODATA).all()  # radar alone sees the gap
    report = json.loads((tmp_path / "both" / "A_report.json").read_text("utf-8"))
    assert [(one["name"], one["missing"]) for one in report["scene"]["inputs"]] == [("optical", False), ("sar", False)]


def test_models_of_several_inputs_are_evaluated_on_labelled_places(place, sensors, tmp_path):
    given = ["--source", f"optical={place.folder}/s2/*.tif", "--source", f"sar={place.radar}"]
    run("evaluate", "-m", sensors, *given, "--labels", place.labels, "-o", tmp_path / "report.json", *EXACT)
    run("segment", *given[:1], f"optical={place.optical}", *given[2:], "-m", sensors, "-o", tmp_path, *MAPPING)
    report, own = matrix_of(tmp_path, place.classes, read(tmp_path / "A_classes.tif"))
    assert np.array_equal(report["confusion"]["pixels"], own)
    assert report["images"][0]["image"] == {"optical": place.optical, "sar": place.radar}
    word = run("evaluate", "-m", sensors, "--images", place.optical, "--labels", place.labels, *EXACT, code=1)
    assert "takes several inputs" in word
    word = run("evaluate", "-m", sensors, "--images", place.optical, *given, "--labels", place.labels, code=2)
    assert "another kind" in word


def test_inputs_are_inspected_together(place, sensors):
    told = json.loads(
        run(
            "inspect", "--source", f"optical={place.optical}", "--source", f"sar={place.radar}", "-m", sensors, "--json"
        )
    )
    assert told["fits"]
    assert told["raster"]["width"] == SIDE
    assert any("radar.tif: on another grid than optical, resampled to it" in line for line in told["warnings"])
    told = run("inspect", "--source", f"optical={place.optical}", "-m", sensors)
    assert "input sar is missing and masked" in told
    assert "fits        model sensors" in told
    assert "has no input 'radar'" in run("inspect", "--source", f"radar={place.radar}", "-m", sensors, code=1)
    assert "Missing argument 'SCENE…'" in run("inspect", "-m", sensors, code=2)


def test_a_missing_sensor_is_masked_and_told(place, sensors, tmp_path):
    told = run("segment", "--source", f"optical={place.optical}", "-m", sensors, "-o", tmp_path, *MAPPING)
    assert "input sar is missing and masked" in told
    report = json.loads((tmp_path / "A_report.json").read_text("utf-8"))
    assert [(one["name"], one["missing"]) for one in report["scene"]["inputs"]] == [("optical", False), ("sar", True)]
    assert any("input sar is missing and masked" in line for line in report["warnings"])
    found = read(tmp_path / "A_classes.tif")
    assert (found[:20, :30] == NODATA).all()
    third = (place.classes == 2) & (found != NODATA)
    assert (found[third] == 2).mean() > 0.8  # what optical tells alone


def test_what_a_warning_offers_goes_with_several_inputs(place, sensors, tmp_path, write):
    with rasterio.open(place.radar) as file:
        radar, transform = file.read(), file.transform
    radar[:, :20] = -9999
    filled = write(tmp_path / "filled.tif", radar, ("vv",), transform=transform)
    told = run("segment", "--source", f"optical={place.optical}", "--source", f"sar={filled}", "-m", sensors,
               "-o", tmp_path / "out", *MAPPING)  # fmt: skip
    assert "is -9999 in every band: if that is fill, declare it, with gdal_edit.py -a_nodata -9999 FILE" in told
    assert "--nodata" not in told


def test_wrong_uses_are_told_in_one_line(place, sensors, tmp_path):
    word = run("segment", place.optical, "-m", sensors, "-o", tmp_path, code=1)
    assert "takes several inputs" in word
    word = run("segment", "--source", f"optical={place.optical}", "-m", "landcover", "-o", tmp_path, code=1)
    assert "takes one scene" in word
    assert "NAME=FILE" in run("segment", "--source", "optical", "-m", sensors, "-o", tmp_path, code=2)
    assert "another kind" in run("segment", place.optical, "--dates", place.spring, "-o", tmp_path, code=2)
    assert "go together: give both." in run(
        "train", "--before", place.before, "--labels", place.labels, "-o", tmp_path, code=2
    )
    assert "Missing option '--images'" in run("train", "--labels", place.labels, "-o", tmp_path, code=2)
    assert not any(tmp_path.iterdir())


def test_models_of_several_inputs_are_adapted_distilled_and_exported(place, sensors, tmp_path, monkeypatch):
    given = {"optical": f"{place.folder}/s2/*.tif", "sar": place.radar}
    with pytest.raises(OptionError, match="moments does not go with several inputs"):
        adapt(sensors, given, tmp_path / "moments", method="moments")
    adapted = adapt(
        sensors, given, tmp_path / "adapted", method="self-training", labels=place.labels, keep=True, window=64,
        windows=4, epochs=1, batch=4, device="cpu", workers=0,
    )  # fmt: skip
    assert adapted.labelled
    assert adapted.before.mean_iou > 0.5
    monkeypatch.setattr(measure, "speeds", lambda *_args, **_options: (1.0, 2.0))
    monkeypatch.setattr(calibrate, "is_installed", lambda _: False)
    made = geoseg.compress_model(
        sensors, tmp_path / "small", images=given, distil=sensors, encoder="tu-mobilenetv3_small_050", window=64,
        batch=4, windows=4, epochs=1, device="cpu", workers=0, max_loss=0.99,
    )  # fmt: skip
    assert made.before.mean_iou == 1, "against the original's own classes"
    for folder in ("adapted", "small"):
        card = geoseg.load_model(tmp_path / folder).card
        assert [spec.name for spec in card.inputs] == ["optical", "sar"]
        assert card.hyperparameters["fusion"] == "gated"
    words = ["--source", f"optical={place.optical}", "--source", f"sar={place.radar}"]
    run("segment", *words, "-m", sensors, "-o", tmp_path / "net", *MAPPING)
    run("segment", *words, "-m", tmp_path / "small", "-o", tmp_path / "smaller", *MAPPING)
    run("model", "export", sensors, "-o", tmp_path / "sensors.pt2")
    run("segment", *words, "-m", tmp_path / "sensors.pt2", "-o", tmp_path / "program", *MAPPING)
    one, other = (read(tmp_path / folder / "A_classes.tif") for folder in ("net", "program"))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "command", [("adapt", "{m}"), ("model", "compress", "{m}", "--distil", "{m}", "--images"),
                ("train", "--from", "{m}", "--labels", "{l}", "--images")],
)  # fmt: skip
def test_single_images_for_a_model_of_several_inputs(place, sensors, tmp_path, command):
    words = [word.format(m=sensors, l=place.labels) for word in command]
    word = run(*words, place.optical, "-o", tmp_path / "out", code=1)
    assert "takes several inputs, not single images: give them with --source, --dates, or --before and --after" in word
    word = run(*words[:-1] if "--images" in words else words, "-o", tmp_path / "out", code=2)
    assert "give --source, --dates or --before and --after" in word
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("heights", [(2, 5), (5, 5)])
def test_low_and_constant_values_are_no_other_units(place, heights, tmp_path, write):
    values = np.random.default_rng(1).uniform(*heights, (1, SIDE, SIDE)).astype(np.float32)
    model = write(tmp_path / "low.tif", values, ("height",))
    quick = {**QUICK, "windows": 4, "epochs": 1, "validation": 0}
    geoseg.train({"optical": place.optical, "dem": str(model)}, place.labels, tmp_path / "model", **quick)
    (_, dem) = geoseg.load_model(tmp_path / "model").card.inputs
    assert dem.value_range is None if heights[0] == heights[1] else dem.value_range[1] < 2 * heights[1]
    run("segment", "--source", f"optical={place.optical}", "--source", f"dem={model}", "-m", tmp_path / "model", "-o",
        tmp_path / "out", *MAPPING)  # fmt: skip


def test_bands_that_not_all_dates_have_are_told(place, tmp_path, write):
    first = write(tmp_path / "S_20240301.tif", np.full((1, SIDE, SIDE), 500, np.uint16), ("red",))
    second = write(tmp_path / "S_20240601.tif", np.full((2, SIDE, SIDE), 500, np.uint16), ("red", "nir"))
    stacks = open_stacks({"date": [str(second), str(first)]}, {}, InputOptions())
    assert stacks.inputs[0].bands == ("red",)
    assert "S_20240601: has bands that the first date has not, left out: nir" in stacks.rasters[0].notes


def test_a_series_tells_what_no_date_does(place, tmp_path):
    model = geoseg.train({"date": [place.autumn, place.spring]}, place.labels, tmp_path / "series", **QUICK)
    (spec,) = model.card.inputs
    assert (spec.steps, spec.dates, spec.days, spec.optional) == (2, "day-of-year", (92, 275), True)
    assert model.card.value_scaling[0] == model.card.value_scaling[3]  # all dates share it
    told = run(
        "segment", "--dates", place.autumn, place.spring, "-m", tmp_path / "series", "-o", tmp_path / "a", *MAPPING
    )
    assert "masked" not in told
    found = read(tmp_path / "a" / "S_classes.tif")
    assert (found == place.classes).mean() > 0.95
    dates = ["--dates", place.autumn, place.spring]
    run("evaluate", "-m", tmp_path / "series", *dates, "--labels", place.labels, "-o", tmp_path / "report.json", *EXACT)
    report, own = matrix_of(tmp_path, place.classes, found)
    assert np.array_equal(report["confusion"]["pixels"], own)
    assert list(report["images"][0]["image"]["date"]) == ["2024-04-01", "2024-10-01"]
    told = run("segment", "--dates", place.autumn, "-m", tmp_path / "series", "-o", tmp_path / "b", *MAPPING)
    assert "1 of up to 2 dates are given, the others are masked" in told
    (single,) = (tmp_path / "b").glob("*_classes.tif")
    assert 0.5 < (read(single) == place.classes).mean() < 0.9


def test_change_networks(place, tmp_path):
    words = [
        "--before",
        place.before,
        "--after",
        place.after,
        "--labels",
        place.change,
        "--classes",
        "0=unchanged,1=change",
    ]
    run("train", "--task", "change", *words, "-o", tmp_path / "model", *WORDS, "--epochs", "8")
    card = geoseg.load_model(tmp_path / "model").card
    assert card.value_scaling[0] == card.value_scaling[2]  # what is the same at both dates looks the same
    assert "change-detection" in card.to_item()["properties"]["mlm:tasks"]
    scores = json.loads((tmp_path / "model" / "metrics.json").read_text("utf-8"))
    assert scores["change"]["iou"] == scores["classes"]["change"]["iou"] > 0.8
    told = run("change", place.before, place.after, "-m", tmp_path / "model", "-o", tmp_path / "out", "--device", "cpu",
               "--precision", "fp32", "--runtime", "torch")  # fmt: skip
    assert "changed:" in told
    raster = read(tmp_path / "out" / "old_new_change.tif")
    assert ((raster == 0) == (place.changed == 0)).mean() > 0.9
    pair = ["--before", place.before, "--after", place.after, "--labels", place.change]
    run("evaluate", "-m", tmp_path / "model", *pair, "-o", tmp_path / "report.json", *EXACT)
    report, own = matrix_of(tmp_path, place.changed, (raster >= 2).astype(np.uint8))
    assert np.array_equal(report["confusion"]["pixels"], own)
    layer = geoseg.change(place.before, place.after, model=tmp_path / "model", scheduler="threads")
    assert set(zip(layer.from_class, layer.to_class, strict=True)) == {("unchanged", "change")}
    assert layer.area_m2.sum() == pytest.approx(100 * (raster >= 2).sum(), rel=0.01)
    assert layer.confidence.between(50, 100).all()
    assert len(geoseg.change(place.before, place.before, model=tmp_path / "model")) == 0


# --- which files belong together


def options(**changes):
    return InputOptions(**{"dropout": 0.25, **changes})


def test_files_are_paired_by_name_or_place(tmp_path, write):
    def tile(folder, name, east, *, side=32, pixel=10.0):
        data = np.ones((1, side, side), np.uint8)
        return str(write(tmp_path / folder / name, data, transform=rasterio.Affine(pixel, 0, east, 0, -pixel, 5400000)))

    first = [tile("s2", f"tile{k}.tif", 500000 + 320 * k) for k in range(3)]
    named = [tile("s1", f"tile{k}.tif", 500000 + 320 * k) for k in (2, 0)]
    dem = tile("dem", "dem.tif", 499000, side=100, pixel=30.0)
    found = open_stacks({"optical": [tmp_path / "s2"], "sar": named, "dem": dem}, {}, options())
    assert [spec.name for spec in found.inputs] == ["optical", "sar", "dem"]
    sources = [raster.sources for raster in found.rasters]
    assert sources == [(first[0], named[1], dem), (first[1], dem), (first[2], named[0], dem)]
    assert "input sar is missing and masked" in found.rasters[1].notes

    elsewhere = tile("far", "x.tif", 900000)
    with pytest.raises(InputError, match=r"far: x\.tif and the others show none of the scenes"):
        open_stacks({"optical": first, "far": elsewhere}, {}, options())
    halves = [tile("half", f"h{k}.tif", 500000 + 160 * k, side=16) for k in range(2)]
    with pytest.raises(InputError, match=r"tile0: several rasters of sar show it \(h0, h1\); join them"):
        open_stacks({"optical": first[:1], "sar": halves}, {}, options())
    with pytest.raises(InputError, match="no file matches"):
        open_stacks({"optical": str(tmp_path / "none" / "*.tif")}, {}, options())
    with pytest.raises(InputError, match=r"tile1\.tif: no scene after shows the same place"):
        open_stacks({"before": first[:2], "after": first[:1]}, {}, options())


def test_dates_of_several_places(tmp_path, write):
    def scene(name, east):
        data = np.ones((1, 16, 16), np.uint8)
        return str(write(tmp_path / name, data, transform=rasterio.Affine(10, 0, east, 0, -10, 5400000)))

    here = [scene(f"a_{day}.tif", 500000) for day in ("20240601", "20240301", "20240901")]
    there = [scene(f"b_{day}.tif", 700000) for day in ("20240402", "20240815")]
    found = open_stacks({"date": [*here[:2], *there[::-1], here[2]]}, {}, options(dropout=0.0))
    assert [raster.sources for raster in found.rasters] == [(here[1], here[0], here[2]), tuple(there)]
    (spec,) = found.inputs
    assert (spec.steps, spec.optional) == (3, True)  # the second place has a gap
    (even,) = open_stacks({"date": here}, {}, options(dropout=0.0, encoding="days-since-first")).inputs
    assert (even.optional, even.dates) == (False, "days-since-first")
    with pytest.raises(InputError, match="both of 2024-06-01"):
        open_stacks({"date": [*here, scene("c_2024-06-01.tif", 500010)]}, {}, options())


@pytest.mark.parametrize(
    ("images", "more", "message"),
    [
        ("spring", {"fusion": "gated"}, "fusion gated needs scenes of several inputs"),
        ("spring", {"task": "change"}, "task change needs scenes of several inputs"),
        ({"date": ["spring", "autumn"]}, {"fusion": "gated"}, "fusion gated does not join date: use attention"),
        ({"before": "before", "after": "after"}, {}, "task change takes --before and --after"),
        ({"a": "spring", "b": "autumn"}, {"unlabelled": "before"}, "unlabelled images and several inputs"),
        ({"a": "spring", "b": "autumn"}, {"input_dropout": 1.0}, "input-dropout must lie"),
        ({"a": "spring", "b": "autumn"}, {"fusion": "mean"}, "fusion 'mean' is unknown"),
        ({"1a": "spring", "b": "autumn"}, {}, "input '1a': a name begins with a letter"),
        ({"date": "spring", "b": "autumn"}, {}, "cannot be called date"),
    ],
)
def test_impossible_options_are_refused(place, images, more, message):
    def path(value):
        return [getattr(place, one) for one in value] if isinstance(value, list) else getattr(place, value)

    given = {name: path(value) for name, value in images.items()} if isinstance(images, dict) else path(images)
    more = {name: path(value) if name == "unlabelled" else value for name, value in more.items()}
    with pytest.raises(OptionError, match=message):
        geoseg.train(given, place.labels, **{**QUICK, **more})


# --- augmentation

SPECS = (
    InputSpec(name="optical", bands=("red", "nir"), optional=True),
    InputSpec(name="date", bands=("red",), steps=2, dates="day-of-year", optional=True),
    InputSpec(name="dem", bands=("height",)),
)


@given(seed=st.integers(0, 10_000), strength=st.sampled_from([0.0, 1.0, 3.0]), drop=st.sampled_from([0.0, 0.5, 0.99]))
def test_augmentation_varies_data_only(seed, strength, drop):
    layout = layout_of(SPECS)
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(layout[-1].stop, 16, 16, generator=generator) + 1
    for number, slot in enumerate(layout):
        x[slot.valid] = (torch.rand(16, 16, generator=generator) < 0.8).float()
        if slot.dated:
            x[slot.valid + 1] = number / 4
        x[slot.data] *= x[slot.valid]
    valid = torch.stack([x[slot.valid] for slot in layout]).amax(0) > 0
    y = torch.randint(0, 3, (16, 16), generator=generator).masked_fill(~valid, NODATA)
    out, labels = Augment(strength, layout, drop)(x, y, valid, generator)
    there = [bool(out[slot.valid].any()) for slot in layout]
    assert any(there)
    assert there[-1]  # what is not optional stays
    for slot, present in zip(layout, there, strict=True):
        assert set(out[slot.valid].unique().tolist()) <= {0.0, 1.0}
        hidden = out[slot.valid] == 0
        assert not out[slot.data][:, hidden].any()
        if present:
            assert out[slot.valid].sum() == x[slot.valid].sum()
        if slot.dated and present:
            assert set(out[slot.valid + 1].unique().tolist()) <= set(x[slot.valid + 1].unique().tolist()) | {0.0}
    seen = torch.stack([out[slot.valid] for slot in layout]).amax(0) > 0
    assert (labels[~seen] == NODATA).all()
    if not drop:
        assert sorted(labels.flatten().tolist()) == sorted(y.flatten().tolist())
