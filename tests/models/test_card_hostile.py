"""Cards with any value at any place: a card or a ModelError of one line, never anything else."""

from __future__ import annotations

import copy
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.classes import MapClass
from geoseg.errors import ModelError
from geoseg.models import BandSpec, ModelCard, ValueScaling, load_model
from geoseg.models.card.card import MAX_CARD_BYTES, Weights, card_of
from geoseg.models.weights import weights_path
from tests.models.conftest import make_card

FULL = ModelCard(
    name="water", title="Water", architecture="Unet", hyperparameters={"encoder": "resnet18"},
    bands=[BandSpec(name=name, scale=1e-4) for name in ("red", "nir")],
    classes=[MapClass(0, "land", "#999966"), MapClass(1, "water", "#3366cc")],
    value_scaling=[ValueScaling(type="z-score", mean=500, stddev=200)] * 2, value_range=(0, 10_000), stride=32,
    margin=64, min_window=32, window=256, resolution=(8, 12), bytes_per_pixel=500.0, metrics={"miou": {"a": 0.5}},
    training_data=["x"], known_failures=["z"], attribution=["y"],
    test_vector={"seed": 0, "side": 64, "mean": [0.1], "samples": [0.2]},
    weights=Weights(href="weights.safetensors", size=3, checksum="1220" + "0" * 64),
).to_item()  # fmt: skip


def _paths(value, path=()):
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from _paths(inner, (*path, key))


PATHS = [path for path in _paths(FULL) if path]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([2**31, -1, 10**400, "\ud800", "\x00", "\x1b[31m", "a" * 5000, "../x", "/dev/zero", "http://h/x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def _with(path, value):
    item = copy.deepcopy(FULL)
    place = item
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return item


def _check(item):
    """An item is a card, which must then be usable, or is refused in one line."""
    try:
        card = ModelCard.from_item(item)
    except ModelError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    again = card.to_item()
    assert json.dumps(ModelCard.from_item(again).to_item(), sort_keys=True) == json.dumps(again, sort_keys=True)
    card.describe().encode()
    card.to_json().encode()


@given(path=st.sampled_from(PATHS), value=VALUES)
def test_any_value_at_any_place(path, value):
    _check(_with(path, value))


@given(path=st.sampled_from(PATHS))
def test_any_place_missing(path):
    item = copy.deepcopy(FULL)
    place = item
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    _check(item)


P = ("properties",)
OUT = (*P, "mlm:output", 0, "classification:classes")
WEIGHTS = ("assets", "weights")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((*WEIGHTS, "roles"), 7, "roles of asset 'weights' must be names"),
        ((*WEIGHTS, "roles"), [7], "roles of asset 'weights' must be names"),
        (WEIGHTS, "x", "asset 'weights' must be an object"),
        ((*WEIGHTS, "href"), "a\x00.onnx", r"control character U\+0000"),
        ((*WEIGHTS, "href"), "a" * 5000 + ".onnx", "at most 1024 characters"),
        ((*WEIGHTS, "href"), 5, "href"),
        ((*WEIGHTS, "file:size"), -1, "greater than or equal to 0"),
        ((*P, "mlm:name"), 5, "mlm:name must be text"),
        ((*P, "title"), ["x"], "title must be text"),
        ((*P, "version"), {}, "version must be text"),
        ((*P, "mlm:tasks"), 5, "mlm:tasks is 5"),
        ((*P, "mlm:hyperparameters"), 5, "hyperparameters"),
        ((*P, "geoseg:stride"), 10**400, "more than 64 bits"),
        ((*P, "geoseg:min_window"), 2**31, "less than or equal to 65536"),
        ((*P, "geoseg:margin"), 2**31, "less than or equal to 65536"),
        ((*P, "geoseg:window"), 100, "must be a multiple of the stride 32"),
        ((*P, "geoseg:window"), 128, "larger than twice the margin 64"),
        ((*P, "geoseg:value_range"), [0, float("inf")], "finite"),
        ((*P, "geoseg:value_range"), [float("nan"), 1], "finite"),
        ((*P, "geoseg:metrics"), [1], "metrics"),
        ((*P, "mlm:input", 0, "value_scaling", 0, "mean"), 1e300, "too large"),
        ((*P, "mlm:input", 0, "bands", 0), "re\x1b[31md", r"control character U\+001B"),
        ((*OUT, 0, "value"), True, "no whole-number value"),
        ((*OUT, 0, "title"), "\ud800", "half a character"),
        ((*OUT, 0, "title"), "a\nb", r"control character U\+000A"),
        ((*OUT, 0, "title"), "water ", "'water' occurs twice"),
        ((*OUT, 0, "title"), "  ", "class 0 has no name"),
        ((*OUT, 0, "title"), ["a"], "name of class 0 must be text"),
        ((*OUT, 0, "color_hint"), 5, "write it as #rrggbb"),
    ],
)
def test_each_wrong_type_is_one_clear_line(path, value, message):
    with pytest.raises(ModelError, match=message) as raised:
        ModelCard.from_item(_with(path, value))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 6000


@pytest.mark.parametrize("item", [[], 5, None, "x", {}])
def test_items_that_are_none(item):
    with pytest.raises(ModelError, match="STAC item"):
        ModelCard.from_item(item)
    with pytest.raises(ModelError, match="STAC item"):
        card_of(json.dumps(item), "the card in x.onnx")


def test_deep_nesting():
    deep: dict = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(ModelError, match="levels deep"):
        ModelCard.from_item(_with((*P, "geoseg:metrics"), deep))
    for text in ("[" * 10**6, '{"a":' * 10**6, "1" * 5000):
        with pytest.raises(ModelError, match=r"not valid JSON|levels deep|STAC item"):
            card_of(text, "model card x")


@pytest.mark.parametrize(
    "href", ["../w.onnx", "/etc/w.onnx", "C:\\w.onnx", "https://h/w.onnx", "a/../../w.onnx", "w.pt"]
)
def test_hrefs_outside_the_folder(href, tmp_path):
    card = make_card(weights=Weights(href=href))
    with pytest.raises(ModelError, match=r"outside the model folder|not in the folder|are a pickle"):
        weights_path(tmp_path, card)


def test_names_too_long_for_the_file_system(tmp_path):
    card = make_card(weights=Weights(href="a" * 900 + ".onnx"))
    with pytest.raises(ModelError, match=r"cannot be read|are missing"):
        weights_path(tmp_path, card)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes and devices")
def test_cards_that_never_end(tmp_path):
    path = tmp_path / "model.json"
    with path.open("wb") as file:
        file.truncate(MAX_CARD_BYTES + 1)
    with pytest.raises(ModelError, match="larger than 16 MB"):
        load_model(tmp_path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(ModelError, match="not a regular file"):
        load_model(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ModelError, match="not a regular file"):
        ModelCard.read(tmp_path)


def test_test_vectors_of_absurd_size():
    import math

    from geoseg.models.card.known_answer import check_test_vector

    for side in (2**31, 0, -5, "x", float("inf"), None):
        assert check_test_vector(None, make_card(), {"seed": 0, "side": side, "mean": [], "samples": []}) == math.inf
