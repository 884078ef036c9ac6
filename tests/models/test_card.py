"""Cards: STAC items and back, defects, and the arithmetic of scale, offset and value scaling."""

from __future__ import annotations

import copy
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.classes import MapClass
from geoseg.errors import ModelError
from geoseg.models import BandSpec, ModelCard, ValueScaling
from tests.models.conftest import band, make_card


def test_round_trip_through_json(card, tmp_path):
    card.write(tmp_path / "model.json")
    again = ModelCard.read(tmp_path)
    assert again.model_dump() == card.model_dump()
    assert again.to_item() == card.to_item()
    assert not list(tmp_path.glob("*.part"))


def test_item_has_all_that_stac_mlm_requires(card):
    item = card.to_item()
    properties = item["properties"]
    assert item["type"] == "Feature"
    assert item["stac_version"] == "1.1.0"
    assert {"id", "geometry", "links", "assets", "stac_extensions"} <= set(item)
    assert {"datetime", "mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"} <= set(properties)
    # The schema allows no mlm:* fields of our own.
    known = {"name", "architecture", "tasks", "input", "output", "framework", "hyperparameters"}
    assert {key[4:] for key in properties if key.startswith("mlm:")} <= known
    source, result = properties["mlm:input"][0], properties["mlm:output"][0]
    assert source["bands"] == ["red", "green", "nir"]
    assert source["input"]["shape"] == [-1, 3, -1, -1]
    assert source["value_scaling"][0] == {"type": "z-score", "mean": 500, "stddev": 200}
    assert result["classification:classes"][1] == {
        "value": 1, "name": "grass-shrub", "title": "grass/shrub", "description": "grass/shrub", "color_hint": "A3CF62",
    }  # fmt: skip
    assert [asset["roles"] for asset in item["assets"].values()] == [["mlm:model", "code"]]
    (asset,) = item["assets"].values()
    assert asset["raster:bands"][0] == {"name": "red", "scale": 1e-4, "offset": 0.0}
    assert asset["eo:bands"][2] == {"name": "nir", "common_name": "nir"}
    assert json.loads(json.dumps(item)) == item


def test_unknown_fields_survive(card):
    item = card.to_item()
    item["collection"] = "my-models"
    item["properties"]["sci:doi"] = "10.1000/xyz"
    item["properties"]["mlm:accelerator"] = "cuda"
    item["properties"]["mlm:input"][0]["description"] = "surface reflectance"
    item["properties"]["mlm:output"][0]["classification:classes"][2]["percentage"] = 12.5
    item["assets"]["code"]["eo:bands"][0]["center_wavelength"] = 0.665
    item["assets"]["thumbnail"] = {"href": "x.png", "roles": ["thumbnail"]}
    assert ModelCard.from_item(copy.deepcopy(item)).to_item() == item


def test_card_of_another_maker_is_read():
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": ["https://stac-extensions.github.io/mlm/v1.3.0/schema.json"],
        "id": "x",
        "properties": {
            "mlm:name": "Field boundaries v2",
            "mlm:architecture": "U-Net",
            "mlm:tasks": ["semantic-segmentation"],
            "mlm:hyperparameters": {"encoder": "resnet18"},
            "mlm:input": [
                {"bands": ["B04", {"name": "B08"}], "input": {}, "value_scaling": [{"type": "scale", "value": 3000}]}
            ],
            "mlm:output": [{"classification:classes": [{"value": 0, "name": "no"}, {"value": 1, "name": "field"}]}],
        },
        "assets": {
            "w": {
                "href": "w.safetensors",
                "roles": ["mlm:model"],
                "raster:bands": [{"name": "B04", "scale": 0.0001}, {"name": "B08", "scale": 0.0001, "offset": -0.1}],
                "eo:bands": [{"name": "B04", "common_name": "red"}, {"name": "B08", "common_name": "nir"}],
            }
        },
    }  # fmt: skip
    card = ModelCard.from_item(item)
    assert card.bands == (BandSpec(name="red", scale=1e-4), BandSpec(name="nir", scale=1e-4, offset=-0.1))
    assert [step.value for step in card.value_scaling] == [3000, 3000]
    assert (card.stride, card.margin) == (32, 64)
    assert [c.color for c in card.classes] == ["#117733", "#ddcc77"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("type",), "Collection", "not a STAC item"),
        (("stac_extensions",), [], "does not name the MLM extension"),
        (("properties", "mlm:output"), None, "mlm:output has 0 entries"),
        (("properties", "mlm:tasks"), ["object-detection"], "runs 'semantic-segmentation' only"),
        (("properties", "mlm:name"), "../x", "is not a valid name"),
        (("properties", "mlm:input", 0, "bands"), [], "names no bands"),
        (("properties", "mlm:input", 0, "bands", 1), "red", "'red' occurs twice"),
        (("properties", "mlm:input", 0, "resize_type"), "crop", "does not resample"),
        (("properties", "mlm:input", 0, "value_scaling"), [{"type": "z-score", "mean": 0}], "z-score needs stddev"),
        (("properties", "mlm:input", 0, "value_scaling", 0, "stddev"), 0, "must not be 0"),
        (("properties", "mlm:input", 0, "value_scaling"), [None, None], "2 entries for 3 bands"),
        (("properties", "mlm:input", 0, "value_scaling", 0, "type"), "magic", "'magic' is unknown"),
        (("properties", "mlm:output", 0, "classification:classes"), [], "no classification:classes"),
        (("properties", "mlm:output", 0, "classification:classes", 1, "value"), 7, "must be 0, 1, 2"),
        (("properties", "mlm:output", 0, "classification:classes", 1, "color_hint"), "red", "write it as #rrggbb"),
        (("assets",), {}, "no asset has the role 'mlm:model'"),
        (("properties", "geoseg:stride"), 0, "greater than or equal to 1"),
        (("properties", "geoseg:margin"), "wide", "margin"),
    ],
)
def test_each_defect_is_one_clear_line(card, path, value, message):
    item = card.to_item()
    *parents, last = path
    holder = item
    for key in parents:
        holder = holder[key]
    holder[last] = value
    with pytest.raises(ModelError) as caught:
        ModelCard.from_item(item)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["python", "docker", "uri"])
@pytest.mark.parametrize("where", ["pre", "post", "scaling", "band"])
def test_code_in_a_card_is_refused(card, kind, where):
    item = card.to_item()
    source, result = item["properties"]["mlm:input"][0], item["properties"]["mlm:output"][0]
    code = {"format": kind, "expression": "os:system"}
    if where == "pre":
        source["pre_processing_function"] = code
    elif where == "post":
        result["post_processing_function"] = code
    elif where == "scaling":
        source["value_scaling"] = [{"type": "processing", **code}]
    else:
        source["bands"][0] = {"name": "red", **code}
    with pytest.raises(ModelError, match=f"type '{kind}', which is code"):
        ModelCard.from_item(item)


def test_more_classes_than_a_class_map_holds():
    classes = tuple(MapClass(i, str(i), "#000000") for i in range(256))
    assert len(make_card(classes=classes[:255]).classes) == 255
    with pytest.raises(ModelError, match=r"256 classes.*at most 255"):
        make_card(classes=classes)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not valid JSON"), ("[]", "must be a JSON object"), ("\udcff", "cannot be read")]
)
def test_files_that_are_no_cards(tmp_path, text, message):
    (tmp_path / "model.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match=message):
        ModelCard.read(tmp_path)
    with pytest.raises(ModelError, match="no model card at"):
        ModelCard.read(tmp_path / "absent")


number = st.floats(-1e4, 1e4)
positive = st.floats(1e-3, 1e4)
SCALINGS = st.one_of(
    st.none(),
    st.builds(lambda lo, d: ValueScaling(type="min-max", minimum=lo, maximum=lo + d), number, positive),
    st.builds(lambda m, s: ValueScaling(type="z-score", mean=m, stddev=s), number, positive),
    st.builds(lambda lo, d: ValueScaling(type="clip", minimum=lo, maximum=lo + d), number, positive),
    st.builds(lambda v: ValueScaling(type="clip-min", minimum=v), number),
    st.builds(lambda v: ValueScaling(type="clip-max", maximum=v), number),
    st.builds(lambda v: ValueScaling(type="offset", value=v), number),
    st.builds(lambda v: ValueScaling(type="scale", value=v), positive),
)


def by_hand(step, value):
    match step and step.type:
        case None:
            return value
        case "min-max":
            return (value - step.minimum) / (step.maximum - step.minimum)
        case "z-score":
            return (value - step.mean) / step.stddev
        case "offset":
            return value - step.value
        case "scale":
            return value / step.value
        case _:
            lo = -np.inf if step.minimum is None else step.minimum
            hi = np.inf if step.maximum is None else step.maximum
            return np.clip(value, lo, hi)


@given(
    step=SCALINGS,
    dn=st.integers(-(2**15), 2**16),
    file=st.tuples(positive, number),
    own=st.tuples(positive, number),
    scaled=st.booleans(),
)
def test_affine_equals_the_steps_one_by_one(step, dn, file, own, scaled):
    card = make_card(
        bands=(BandSpec(name="x", scale=own[0], offset=own[1]),), value_scaling=() if step is None else (step,)
    )
    ((a, b, lo, hi),) = card.affine([band("x", *file, scaled)])
    value = (dn * file[0] + file[1] - own[1]) / own[0] if scaled else float(dn)
    expected = by_hand(step, value)
    # Errors scale with what is subtracted on the way.
    size = abs(a * dn) + abs(b) + abs(expected)
    assert min(max(a * dn + b, lo), hi) == pytest.approx(expected, abs=1e-9 * size + 1e-12)


def test_wrong_number_of_bands(card):
    with pytest.raises(ModelError, match="takes 3 bands, 1 were given"):
        card.affine([band()])


def test_metrics_are_described_briefly():
    metrics = {
        "miou": 0.5,
        "protocol": "5 folds",
        "by_fold": [0.4, 0.6],
        "confusion": [[1, 2, 3], [4, 5, 6]],
        "per_class": {"tree": {"iou": 0.71, "sd": 0.1}, "crop": {"iou": 0.2, "sd": 0.1}},
        "folded": {"miou": 0.25, "parts": {"a": 1.0}},
    }
    lines = [line[16:] for line in make_card(metrics=metrics).describe().splitlines()]
    assert lines[lines.index("protocol: 5 folds") :] == [
        "protocol: 5 folds",
        "miou 0.5, by_fold [0.4, 0.6], confusion 2 × 3 (see --json)",
        "per_class, iou: tree 0.71; crop 0.2",
        "folded miou 0.25",
        "folded parts a 1",
    ]


def test_reading_cards_does_not_import_torch():
    code = (
        "import sys, geoseg.models as m; m.list_models(); m.measured_rate(m.load_model('spectral'), (64, 64)); "
        "m.load_model('spectral').card.describe(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
