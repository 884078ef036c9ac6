"""Models of several inputs: the card, the contract before a run, and that what is masked changes no byte."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import geoseg
from geoseg.classes import NODATA, MapClass
from geoseg.errors import ContractError, InputError, ModelError, OptionError
from geoseg.models import Model, ModelCard, ValueScaling, check_contract, open_inputs
from geoseg.models.build import build_architecture
from geoseg.models.card.inputs import InputSpec, channels_of, layout_of, spread_fields
from geoseg.models.networks.inputs import weights_of
from geoseg.models.networks.smp import PIXEL_NET
from geoseg.segment.block import make_recipe, segment_block
from geoseg.segment.plan import Options, make_plan

CLASSES = [MapClass(0, "land", "#999966"), MapClass(1, "water", "#3366cc"), MapClass(2, "wood", "#006600")]
SENSORS = (
    InputSpec(name="optical", bands=("red", "nir"), optional=True, resolution=(10, 10), value_range=(0, 10_000)),
    InputSpec(name="sar", bands=("vv",), optional=True, resolution=(20, 20), value_range=(-40, 10)),
)
SERIES = (
    InputSpec(name="date", bands=("red", "nir"), steps=3, dates="day-of-year", optional=True, days=(60, 300),
              value_range=(0, 10_000)),
)  # fmt: skip
CHANGE = (InputSpec(name="before", bands=("red",)), InputSpec(name="after", bands=("red",)))
KINDS = [(SENSORS, "early"), (SENSORS, "late"), (SENSORS, "gated"), (SERIES, "attention"), (SERIES, "convgru"),
         (SERIES, "early"), (CHANGE, "difference"), (CHANGE, "concatenation"), (CHANGE, "early")]  # fmt: skip


def card_of(inputs, fusion, *, architecture=PIXEL_NET, encoder=None, **fields):
    units = {spec.name: [(0.0001, 0.0)] * len(spec.bands) for spec in inputs}
    scalings = {spec.name: [ValueScaling(type="z-score", mean=1000, stddev=500)] * len(spec.bands) for spec in inputs}
    more = {"stride": 32, "margin": 32, "min_window": 32} if encoder else {}
    return ModelCard(
        name="several", architecture=architecture, inputs=inputs, classes=CLASSES,
        hyperparameters={"fusion": fusion, **({"encoder": encoder} if encoder else {})},
        **spread_fields(inputs, units, scalings), **more, **fields,
    )  # fmt: skip


def model_of(inputs, fusion, **fields):
    torch.manual_seed(1)
    card = card_of(inputs, fusion, **fields)
    return Model(card, module=build_architecture(card).eval())


# --- the card

NAMES = st.from_regex(r"[a-z][a-z0-9_\-]{0,8}", fullmatch=True)
SPECS = st.builds(
    lambda name, bands, steps, dates, optional: InputSpec(
        name=name, bands=tuple(bands), steps=steps if dates else 1, dates=dates, optional=optional
    ),
    NAMES,
    st.lists(NAMES.filter(lambda name: name not in ("valid", "day")), min_size=1, max_size=4, unique=True),
    st.integers(1, 5),
    st.sampled_from([None, "day-of-year", "days-since-first"]),
    st.booleans(),
)


@settings(max_examples=25)
@given(inputs=st.lists(SPECS, min_size=1, max_size=3, unique_by=lambda spec: spec.name))
def test_card_round_trip(inputs):
    slots = [slot for spec in inputs for slot in spec.slots]
    if len(set(slots)) < len(slots):  # "a" in three steps and "a1"
        with pytest.raises(ModelError, match="twice"):
            card_of(tuple(inputs), "early")
        return
    card = card_of(tuple(inputs), "early")
    again = ModelCard.from_item(json.loads(card.to_json()))
    assert again.inputs == card.inputs
    assert again.bands == card.bands
    assert again.value_scaling == card.value_scaling
    assert ModelCard.from_item(again.to_item()) == again
    assert [entry["name"] for entry in again.to_item()["properties"]["mlm:input"]] == [spec.name for spec in inputs]
    layout = layout_of(card.inputs)
    names = channels_of(card.inputs)
    assert [names[slot.valid].endswith(":valid") for slot in layout] == [True] * len(layout)
    assert layout[-1].stop == len(names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p["geoseg:inputs"][0].update(steps=2), "2 steps and no encoding"),
        (lambda p: p["geoseg:inputs"][0].update(dates="weeks"), "dates 'weeks'"),
        (lambda p: p["geoseg:inputs"][0].update(color="red"), "unknown field 'color'"),
        (lambda p: p["geoseg:inputs"][0].update(name="../x"), "String should match"),
        (lambda p: p["geoseg:inputs"].pop(), "mlm:input has 2 entries, geoseg:inputs 1"),
        (lambda p: p.update({"geoseg:inputs": "no"}), "list of objects"),
        (lambda p: p["mlm:input"][0].update(bands=["optical:red", "optical:valid"]), "be valid or day"),
        (lambda p: p["mlm:input"][1].update(pre_processing_function={"format": "python"}), "never runs"),
        (lambda p: p["mlm:input"][1].update(value_scaling=[{"type": "scale", "value": 1}] * 3), "give one per band"),
    ],
)
def test_damaged_cards_are_refused(change, message):
    item = card_of(SENSORS, "early").to_item()
    change(item["properties"])
    with pytest.raises(ModelError, match=message):
        ModelCard.from_item(item)


def test_card_as_text():
    text = card_of(SERIES, "attention").describe()
    assert "date: red, nir (up to 3 dates, told as day-of-year; may have gaps)" in text


@pytest.mark.parametrize("fusion", ["gated", "attention", "__init__", None, 3])
def test_unknown_fusions_are_refused(fusion):
    with pytest.raises(ModelError, match="use difference, concatenation, early"):
        build_architecture(card_of(CHANGE, fusion))


# --- the networks


def channels(inputs, seed, side=32):
    """Random channels: each optional slot is masked in places, the second one altogether."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, len(channels_of(inputs)), side, side, generator=generator)
    for number, slot in enumerate(layout_of(inputs)):
        mask = torch.rand(2, 1, side, side, generator=generator) < 0.7
        x[:, slot.valid : slot.valid + 1] = (mask & (number != 1)).float() if slot.optional else 1
        if slot.dated:
            x[:, slot.valid + 1] = number / 3
    return x


@pytest.mark.parametrize(("inputs", "fusion"), KINDS)
def test_masked_pixels_change_no_byte(inputs, fusion):
    network = model_of(inputs, fusion).module()
    x = channels(inputs, 0)
    other = x.clone()
    for slot in layout_of(inputs):
        hidden = x[:, slot.valid : slot.valid + 1] == 0
        other[:, slot.data] = torch.where(hidden, 1e4 * torch.randn(1), x[:, slot.data])
        if slot.dated:
            other[:, slot.valid + 1] = torch.where(hidden[:, 0], 7.0, x[:, slot.valid + 1])
    with torch.inference_mode():
        logits = network(x)
        assert logits.shape == (2, 3, 32, 32)
        assert torch.isfinite(logits).all()
        assert torch.equal(network(other), logits)
        assert inputs is CHANGE or not torch.equal(other, x)


@pytest.mark.parametrize(("inputs", "fusion"), [(SENSORS, "gated"), (SERIES, "attention"), (SERIES, "convgru")])
def test_masked_pixels_change_no_byte_over_an_encoder(inputs, fusion):
    network = model_of(inputs, fusion, architecture="Unet", encoder="tu-mobilenetv3_small_050").module()
    x = channels(inputs, 0, side=64)
    other = x.clone()
    for slot in layout_of(inputs):
        hidden = x[:, slot.valid : slot.valid + 1] == 0
        other[:, slot.data] = torch.where(hidden, 1e4, x[:, slot.data])
    with torch.inference_mode():
        assert torch.equal(network(other), network(x))


@pytest.mark.parametrize("fusion", ["difference", "concatenation"])
def test_change_of_a_scene_with_itself(fusion):
    """The difference network says the same everywhere, and the same if the dates are swapped."""
    network = model_of(CHANGE, fusion).module()
    x = channels(CHANGE, 0)
    swapped = x[:, [2, 3, 0, 1]]
    x_same = x[:, [0, 1, 0, 1]]
    with torch.inference_mode():
        if fusion == "difference":
            assert torch.equal(network(x), network(swapped))
            same = network(x_same)
            assert torch.equal(same, same[:, :, :1, :1].expand_as(same))
        else:
            assert not torch.equal(network(x), network(swapped))


@given(
    valid=st.lists(st.booleans(), min_size=1, max_size=6),
    scores=st.lists(st.floats(-50, 50, width=32), min_size=6, max_size=6),
)
def test_weights_are_those_of_valid_slots(valid, scores):
    mask = torch.tensor(valid)[None]
    weights = weights_of(torch.tensor(scores[: len(valid)])[None], mask)
    assert (weights[~mask] == 0).all()
    if any(valid):
        expected = torch.softmax(torch.tensor(scores[: len(valid)])[mask[0]], 0)
        torch.testing.assert_close(weights[mask], expected)
    else:
        assert not weights.any()


def test_training_is_not_disturbed_by_missing_dates():
    """Dates without data take no part in the statistics of batch normalisation, whatever they hold."""
    states = []
    for fill in (0.0, 1e3):
        network = model_of(SERIES, "attention").module().train()
        x = channels(SERIES, 0)
        x[:, layout_of(SERIES)[1].data] = fill
        network(x)
        states.append({name: value.clone() for name, value in network.state_dict().items()})
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


# --- scenes


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)

    def write(name, data, pixel=10.0, names=(), **profile):
        with rasterio.open(
            folder / name, "w", driver="GTiff", count=len(data), height=data.shape[1], width=data.shape[2],
            dtype=data.dtype, crs="EPSG:32633", transform=rasterio.Affine(pixel, 0, 5e5, 0, -pixel, 5.4e6), **profile,
        ) as file:  # fmt: skip
            file.write(data)
            for number, text in enumerate(names, 1):
                file.set_band_description(number, text)

    for day in ("20240301", "20240601", "20240901", "20241220"):
        data = rng.integers(100, 4000, (2, 96, 80), dtype=np.uint16)
        data[:, :30, :40] *= int(day != "20240601")
        write(f"S_{day}.tif", data, names=("red", "nir"), nodata=0)
    write("sar.tif", rng.normal(-12, 3, (1, 48, 30)).astype(np.float32), 20.0, ("vv",))
    write("coarse.tif", rng.normal(-12, 3, (1, 10, 10)).astype(np.float32), 100.0, ("vv",))
    write("linear.tif", rng.gamma(5, 1000, (1, 48, 40)).astype(np.float32), 20.0, ("vv",))
    return folder


def dates(scenes, *days):
    return [str(scenes / f"S_{day}.tif") for day in days]


def computed(source, model, **options):
    options = Options(device="cpu", precision="fp32", runtime="torch", **options)
    plan = make_plan(source, model, options)
    recipe = make_recipe(plan)
    whole = np.full(plan.raster.shape, 99, np.uint8), np.full(plan.raster.shape, 99, np.uint8)
    for index in range(plan.tiling.block_count):
        result = segment_block(recipe, index)
        rows, cols = result.box.within(plan.raster.box)
        whole[0][rows, cols], whole[1][rows, cols] = result.classes, result.confidence
    return *whole, plan


@pytest.mark.parametrize(("inputs", "fusion"), [(SENSORS, "gated"), (SERIES, "convgru")])
def test_windows_equal_one_pass(scenes, inputs, fusion):
    """Windows and blocks of a run give the pixels of one pass over the whole scene."""
    model = model_of(inputs, fusion)
    source = {"optical": scenes / "S_20240601.tif", "sar": scenes / "sar.tif"}
    if inputs is SERIES:
        source = {"date": dates(scenes, "20240301", "20240601")}
    classes, confidence, plan = computed(source, model, window=16, block=32)
    again, _, _ = computed(source, model, window=32, block=64)
    assert np.array_equal(classes, again)
    pixels = plan.raster.read(plan.raster.box)
    scaled = np.stack([
        np.where(pixels.valid, band.astype(np.float32) * np.float32(step.a) + np.float32(step.b), 0)
        for band, step in zip(pixels.data, model.card.affine(plan.raster.bands), strict=True)
    ]).astype(np.float32)  # fmt: skip
    with torch.inference_mode():
        expected = torch.softmax(model.module()(torch.from_numpy(scaled)[None]), 1)[0].numpy()
    assert np.array_equal(classes == NODATA, ~pixels.valid)
    certain = pixels.valid & (np.sort(expected, 0)[-1] - np.sort(expected, 0)[-2] > 1e-3)
    assert certain.mean() > 0.5
    assert np.array_equal(classes[certain], expected.argmax(0)[certain])
    assert (np.abs(confidence[certain] / 100 - expected.max(0)[certain]) < 0.011).all()


def test_the_order_of_dates_does_not_matter(scenes):
    model = model_of(SERIES, "attention")
    days = ["20240301", "20240601", "20240901"]
    first = computed({"date": dates(scenes, *days)}, model)
    other = computed({"date": dates(scenes, *days[::-1])}, model)
    assert np.array_equal(first[0], other[0])
    assert np.array_equal(first[1], other[1])
    assert first[2].raster.fingerprint() == other[2].raster.fingerprint()
    fewer = computed({"date": dates(scenes, *days[:2])}, model)
    assert not np.array_equal(first[1], fewer[1])
    assert "2 of up to 3 dates are given, the others are masked" in fewer[2].warnings


def test_a_missing_sensor_is_told(scenes):
    model = model_of(SENSORS, "gated")
    raster = open_inputs(model, {"optical": scenes / "S_20240301.tif"})
    assert raster.notes == ("input sar is missing and masked",)
    assert geoseg.segment(raster, model, device="cpu", precision="fp32", runtime="torch").classes.shape == (96, 80)


@pytest.mark.parametrize(
    ("inputs", "given", "error", "message"),
    [
        (SENSORS, {"optical": "S_20240301.tif", "dem": "sar.tif"}, ContractError, "no input .dem.: it has optical"),
        (SENSORS, {"optical": "sar.tif"}, ContractError, "optical: .*sar.tif lacks bands red, nir; it has vv"),
        (SENSORS, {}, InputError, "no raster is given"),
        (CHANGE, {"before": "S_20240301.tif"}, ContractError, "needs the input after .*geoseg change BEFORE AFTER"),
        (SERIES, {"date": ["S_20240301.tif"] * 2}, InputError, "both of 2024-03-01"),
        (SERIES, {"date": ["sar.tif"]}, InputError, "has no date in its name"),
        (SERIES, {"date": ["S_20240301.tif", "S_20240601.tif", "S_20240901.tif", "S_20241220.tif"]}, ContractError,
         "4 dates are given, model 'several' takes at most 3"),
    ],
)  # fmt: skip
def test_the_contract_on_inputs(scenes, monkeypatch, inputs, given, error, message):
    monkeypatch.chdir(scenes)
    with pytest.raises(error, match=message):
        open_inputs(model_of(inputs, "early"), given)


def test_options_of_one_file_are_refused(scenes):
    with pytest.raises(OptionError, match="scale is given, but model 'several' has several inputs"):
        open_inputs(model_of(SENSORS, "early"), {"optical": scenes / "S_20240301.tif"}, {"scale": 0.1})


def test_one_scene_for_a_model_of_several(scenes):
    with pytest.raises(ContractError, match=r"takes several inputs .*--source optical=FILE"):
        make_plan(scenes / "S_20240301.tif", model_of(SENSORS, "early"))


@pytest.mark.parametrize(
    ("inputs", "given", "message"),
    [
        (SENSORS, {"optical": "S_20240301.tif", "sar": "coarse.tif"}, "sar' has pixels of 100 m"),
        (
            SERIES,
            {"date": ["S_20240301.tif", "S_20241220.tif"]},
            "2024-12-20'.* was trained on days of the year 60–300",
        ),
    ],
)
def test_odd_inputs_are_warned_of(scenes, monkeypatch, inputs, given, message):
    monkeypatch.chdir(scenes)
    model = model_of(inputs, "early")
    raster = open_inputs(model, given)
    warnings = " ".join(check_contract(model.card, raster, raster.sample()))
    assert message.split(".*")[0] in warnings
    assert message.split(".*")[-1] in warnings


def test_power_for_a_model_of_decibels_is_warned_of(tmp_path):
    card = card_of(SENSORS, "early")
    scalings = [ValueScaling(type="z-score", mean=-12, stddev=5) if b.name == "sar:vv" else v
                for b, v in zip(card.bands, card.value_scaling, strict=True)]  # fmt: skip
    model = Model(card.model_copy(update={"value_scaling": tuple(scalings)}), module=model_of(SENSORS, "early").module)
    decibels = np.random.default_rng(3).normal(-12, 4, (1, 40, 40)).astype(np.float32)
    told = []
    for name, values in (("db", decibels), ("power", 10 ** (decibels / 10))):
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", driver="GTiff", width=40, height=40, count=1, dtype="float32",
            crs="EPSG:32633", transform=rasterio.Affine(20, 0, 5e5, 0, -20, 5.4e6),
        ) as file:  # fmt: skip
            file.write(values.astype(np.float32))
            file.descriptions = ("vv",)
        raster = open_inputs(model, {"sar": tmp_path / f"{name}.tif"})
        told.append(any("no negative values" in line for line in check_contract(model.card, raster, raster.sample())))
    assert told == [False, True]


def test_a_season_goes_on_over_new_year(scenes):
    (spec,) = SERIES
    winter = [spec.model_copy(update={"days": (1, 40)})]
    told = []
    for name in ("2023-12-20", "2023-11-20"):
        model = model_of(winter, "early")
        raster = open_inputs(model, {"date": [f"{name}={scenes / 'S_20240301.tif'}"]})
        told.append(any("trained on days" in line for line in check_contract(model.card, raster, raster.sample())))
    assert told == [False, True]


def test_days_that_no_band_can_hold_are_refused(scenes):
    (spec,) = SERIES
    model = model_of([spec.model_copy(update={"dates": "days-since-first"})], "early")
    path = scenes / "S_20240301.tif"
    with pytest.raises(ContractError, match=r"reach from 1650-06-01 to 2024-06-01, 136,601 days; .* at most 65,535"):
        open_inputs(model, {"date": [f"2024-06-01={path}", f"1650-06-01={path}"]})


def test_other_units_of_one_sensor_are_refused(scenes):
    model = model_of(SENSORS, "early")
    raster = open_inputs(model, {"optical": scenes / "S_20240301.tif", "sar": scenes / "linear.tif"})
    with pytest.raises(ContractError, match=r"sar.*the model expects -40…10"):
        check_contract(model.card, raster, raster.sample())


@settings(max_examples=10)
@given(
    encoding=st.sampled_from(["day-of-year", "days-since-first"]), days=st.lists(st.dates(), min_size=1, unique=True)
)
def test_dates_are_encoded(encoding, days):
    spec = InputSpec(name="date", bands=("red",), steps=1, dates=encoding)
    days = sorted(days)
    codes = spec.encode(days)
    if encoding == "days-since-first":
        assert codes == [(day - days[0]).days for day in days]
    else:
        assert all(1 <= code <= 366 for code in codes)
