"""OpenVINO against torch: the same classes and confidences, and one-line errors for what it cannot do."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoseg.errors import ModelError, OptionError
from geoseg.models import BandTransform, Execution, Model, choose_execution, load_model
from geoseg.models.inference.predictor import Predictor
from geoseg.models.runtimes import choices, graph_file, openvino_convert
from geoseg.models.runtimes.graph_file import GraphBytes, load_graph, store_graph
from geoseg.models.runtimes.opening import open_predictor
from geoseg.system.folders import user_folder
from tests.models.conftest import identity_model, make_card

pytest.importorskip("openvino", reason="the extra openvino")

HERE = Execution(runtime="openvino", streams=2)
CLIPPED = [BandTransform(1e-3, -2.0, -1.5, 2.5), BandTransform(2e-3, -3.0), BandTransform(1e-3, 0.0, 0.0)]
PLAIN = [(1 / 2500, -2.0), (1 / 3000, -1.5), (1 / 2000, -2.5)]


class Small(torch.nn.Module):
    """A network with context and six classes, quick to convert."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.last = torch.nn.Conv2d(3, 8, 5, 2, 2), torch.nn.Conv2d(8, 6, 3, padding=1)

    def forward(self, x):
        hidden = torch.relu(self.first(x))
        return 3 * torch.nn.functional.interpolate(self.last(hidden), scale_factor=2.0, mode="bilinear")


@pytest.fixture(scope="module")
def small():
    return Model(make_card(name="small", stride=2), module=Small().eval())


@pytest.fixture(scope="module")
def bands():
    """A network that returns its input."""
    return identity_model()


def open_both(model, affine=PLAIN, **changes):
    return open_predictor(model, affine, HERE), Predictor(model, affine, Execution(**changes))


def windows(n=3, height=32, width=48, dtype="uint16", seed=0):
    rng = np.random.default_rng(seed)
    most = min(np.iinfo(dtype).max, 10000) if np.dtype(dtype).kind in "iu" else 10000
    return rng.integers(0, most, (n, 3, height, width)).astype(dtype)


# The same results ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("affine", [PLAIN, CLIPPED], ids=["plain", "clipped"])
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**31),
    size=st.sampled_from([(32, 48), (2, 30)]),
    dtype=st.sampled_from(["uint8", "uint16", "float32", "uint32", ">u2"]),
    share=st.sampled_from([1.0, 0.7, 0.0]),
)
def test_equals_torch(small, affine, seed, size, dtype, share):
    data = windows(2, *size, dtype=dtype, seed=seed)
    valid = np.random.default_rng(seed).random((2, *size)) < share
    ours, exact = open_both(small, affine)
    mine, theirs = ours.predict(data, valid), exact.predict(data, valid)
    scores = exact.scores(data, valid)
    torch.testing.assert_close(ours.scores(data, valid), scores, atol=1e-4, rtol=1e-3)
    sure = (scores.topk(2, 1).values.diff(dim=1).abs() > 1e-3)[:, 0].numpy()
    np.testing.assert_array_equal(mine.classes[sure], theirs.classes[sure])
    np.testing.assert_allclose(mine.confidence, theirs.confidence.astype(int), atol=1)
    assert mine.classes.dtype == mine.confidence.dtype == np.uint8
    assert mine.probabilities.shape == theirs.probabilities.shape


@given(seed=st.integers(0, 2**31))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_equal_logits_the_first_wins_and_halves_are_rounded_to_even(bands, seed):
    rng = np.random.default_rng(seed)
    data = rng.integers(-2, 3, (1, 3, 32, 48)).astype(np.float32)
    data[rng.random(data.shape) < 0.1] = -np.inf  # "never this class"
    data[:, 0][np.isneginf(data).all(1)] = 0.0
    ours, exact = open_both(bands, [(1.0, 0.0)] * 3)
    mine, theirs = ours.predict(data), exact.predict(data)
    np.testing.assert_array_equal(mine.classes, theirs.classes)
    np.testing.assert_allclose(mine.confidence, theirs.confidence.astype(int), atol=1)


def test_percents_and_classes_agree(small):
    ours, _ = open_both(small)
    whole, alone = ours.predict(windows(), None, (0, 1, 2, 3, 4, 5)), ours.predict(windows())
    assert (whole.probabilities.sum(1, dtype=int) == 100).all()
    np.testing.assert_array_equal(whole.classes, alone.classes)
    np.testing.assert_array_equal(whole.confidence, alone.confidence)


def test_neither_grouping_nor_streams_nor_threads_change_a_byte(small):
    data = windows(8)
    whole = open_both(small)[0].predict(data)
    for execution in (HERE, Execution(runtime="openvino"), Execution(runtime="openvino", threads=2)):
        predictor = open_predictor(small, PLAIN, execution)
        with ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(lambda i, by=predictor: by.predict(data[i : i + 1]), range(8)))
        for number, part in enumerate(parts):
            np.testing.assert_array_equal(part.classes[0], whole.classes[number])
            np.testing.assert_array_equal(part.confidence[0], whole.confidence[number])


def test_windows_of_several_sizes_at_a_time(small):
    """Graphs of other sizes give their memory back, and get it again."""
    ours, exact = open_both(small)
    sizes = [(32, 48), (16, 48), (32, 16)] * 6
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda size: ours.predict(windows(1, *size)), sizes))
    for size, prediction in zip(sizes, found, strict=True):
        assert (prediction.classes != exact.predict(windows(1, *size)).classes).mean() < 0.01


def test_the_temperature_is_in_the_graph(small):
    warm = Model(small.card.model_copy(update={"temperature": 3.0}), module=Small().eval())
    ours, exact = open_both(warm)
    assert ours.predict(windows()).confidence.mean() < open_both(small)[0].predict(windows()).confidence.mean() - 5
    np.testing.assert_allclose(ours.predict(windows()).confidence, exact.predict(windows()).confidence, atol=1)


@pytest.mark.parametrize("name", ["green"])
def test_bundled_networks(name):
    model = load_model(name)
    affine = [(1e-4, 0.0)] * len(model.card.bands)
    rng = np.random.default_rng(1)
    data = rng.integers(0, 4000, (1, len(model.card.bands), 8, 8)).repeat(8, 2).repeat(8, 3).astype(np.uint16)
    ours, exact = open_both(model, affine)
    assert (ours.predict(data).classes == exact.predict(data).classes).mean() > 0.999


# NaN ----------------------------------------------------------------------------------------------------------------


class Root(torch.nn.Module):
    """NaN where the first band is negative."""

    def forward(self, x):
        return torch.cat([x[:, :1].sqrt(), x[:, 1:]], 1)


@pytest.mark.parametrize("percents", [(), (0, 2)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_networks_that_return_no_numbers(bands, value, percents):
    ours, _ = open_both(bands, [(1.0, 0.0)] * 3)
    data = windows(1, dtype="float32")
    data[0, :, 3, 5] = value
    with pytest.raises(ModelError, match="returned NaN or infinity for 1 valid pixels"):
        ours.predict(data, None, percents)
    valid = np.ones((1, 32, 48), bool)
    valid[0, 3, 5] = False
    assert ours.predict(data, valid, percents).confidence.max() <= 100


def test_nan_inside_the_network_is_found():
    ours, _ = open_both(identity_model(module=Root().eval()), [(1.0, 0.0)] * 3)
    data = np.ones((1, 3, 32, 48), np.int16)
    data[0, 0, 2, 2:7] = -4
    with pytest.raises(ModelError, match="returned NaN or infinity for 5 valid pixels"):
        ours.predict(data)


def test_nan_of_a_half_precision_graph_is_told(monkeypatch, bands):
    ours, _ = open_both(bands, [(1.0, 0.0)] * 3)
    monkeypatch.setattr(ours, "execution", Execution(runtime="openvino", precision="bf16"))
    data = windows(1, dtype="float32")
    data[0, 1, 0, 0] = np.nan
    with pytest.raises(ModelError, match=r"valid pixels: .*; try --precision fp32"):
        ours.predict(data)


def test_nan_that_limits_would_hide(bands):
    ours, _ = open_both(bands, [BandTransform(1.0, 0.0, 0.0, 1.0)] * 3)
    data = windows(1, dtype="float32")
    data[0, 1, 0, 0] = np.nan
    with pytest.raises(ModelError, match="for 1 valid pixels"):
        ours.predict(data)


# Bad input ----------------------------------------------------------------------------------------------------------


def test_a_runtime_that_is_not_installed(monkeypatch, bands):
    monkeypatch.setattr(choices, "find_spec", lambda _: None)
    with pytest.raises(OptionError, match=r'runtime openvino is not installed: pip install "geoseg\[openvino\]"'):
        choose_execution(bands, (64, 64), dtype="uint16", runtime="openvino")
    with pytest.raises(OptionError, match=r'pip install "geoseg\[openvino\]"'):
        choose_execution(bands, (64, 64), dtype="uint16", device="npu")


def test_runtimes_and_devices_that_there_are_not(bands, monkeypatch):
    with pytest.raises(OptionError, match="runtime 'tensorflow' is unknown: use one of auto, torch, openvino, onnx"):
        choose_execution(bands, (64, 64), dtype="uint16", runtime="tensorflow")
    with pytest.raises(OptionError, match="runtime onnx runs ONNX models only, and 'identity' is made for torch"):
        choose_execution(bands, (64, 64), dtype="uint16", runtime="onnx")
    with pytest.raises(OptionError, match=r"device 'npu\.7' does not exist for runtime openvino here: use auto, cpu"):
        choose_execution(bands, (64, 64), dtype="uint16", device="npu.7")
    # Some processors do compute in fp16.
    monkeypatch.setattr("geoseg.models.runtimes.openvino_devices.openvino_supports", lambda *_: False)
    with pytest.raises(OptionError, match="precision fp16 is not supported by runtime openvino on the CPU"):
        choose_execution(bands, (64, 64), dtype="uint16", runtime="openvino", device="cpu", precision="fp16")
    with pytest.raises(OptionError, match="runtime 'tensorflow' is unknown"):
        Execution(runtime="tensorflow")


def test_a_network_that_cannot_be_converted():
    model = load_model("spectral")
    with pytest.raises(ModelError, match=r"'spectral' cannot be converted for OpenVINO: .*; use --runtime torch"):
        open_predictor(model, [(1e-4, 0.0)] * 6, HERE)


class Sided(torch.nn.Module):
    """Computes something else for windows of another size than the one it is traced with."""

    def forward(self, x):
        return x * float(x.shape[-1] if isinstance(x.shape[-1], int) else 1)


def test_a_graph_that_differs_from_torch_is_refused():
    with pytest.raises(ModelError, match="its logits would differ from torch's by"):
        open_predictor(identity_model(module=Sided().eval()), [(1.0, 0.0)] * 3, HERE)


def test_windows_that_the_network_does_not_take(small):
    with pytest.raises(ModelError, match="'small' does not run in OpenVINO on windows of 33 × 48"):
        open_both(small)[0].predict(windows(1, 33, 48))


def test_the_number_of_bands_is_checked(small):
    with pytest.raises(ModelError, match="sees 3 bands, the scaling has 2"):
        open_predictor(small, PLAIN[:2], HERE)


# The choice ---------------------------------------------------------------------------------------------------------


def test_chosen_by_name_and_remembered(bands):
    first = choose_execution(bands, (64, 64), dtype="uint16", runtime="openvino")
    assert first.runtime == "openvino"
    assert first.device == "cpu"
    assert first.rate > 0
    assert f"OpenVINO, {first.precision}" in first.reason
    assert first == choose_execution(bands, (64, 64), dtype="uint16", runtime="openvino")
    assert choose_execution(bands, (64, 64), dtype="uint16", runtime="torch").runtime == "torch"


# Graphs on disk -----------------------------------------------------------------------------------------------------

GRAPH = GraphBytes(b"<net/>", bytes(range(256)) * 40)


def stored_file():
    (path,) = (user_folder("cache") / "graphs").glob("*.graph")
    return path


def test_a_converted_graph_is_kept(monkeypatch, small, tmp_path):
    model = Model(small.card, folder=tmp_path, module=small.module())  # as if it came from a folder
    converted = []
    export = openvino_convert._exported
    monkeypatch.setattr(openvino_convert, "_exported", lambda model: converted.append(model) or export(model))
    expected = None
    for times in (1, 1, 2, 3, 4):
        monkeypatch.setattr(openvino_convert, "_GRAPHS", {})  # as in another process
        found = open_predictor(model, PLAIN, HERE).predict(windows())
        assert len(converted) == times
        expected = expected or found
        np.testing.assert_array_equal(found.classes, expected.classes)
        if len(converted) == 1 and times == 1 and found is not expected:
            stored_file().write_bytes(stored_file().read_bytes()[:-100])  # cut short
        elif times == 2:
            data = bytearray(stored_file().read_bytes())
            data[-5000 % len(data)] ^= 1
            stored_file().write_bytes(bytes(data))
        elif times == 3:  # made by another version of OpenVINO
            monkeypatch.setattr(openvino_convert, "package_version", lambda _: "2099.1")


def test_an_unreadable_graph_is_converted_again(small, monkeypatch, tmp_path):
    model = Model(small.card, folder=tmp_path, module=small.module())
    monkeypatch.setattr(openvino_convert, "_GRAPHS", {})
    store_graph(GRAPH, *openvino_convert._key(model))
    assert open_predictor(model, PLAIN, HERE).predict(windows()).classes.shape == (3, 32, 48)


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_goes_unnoticed(data):
    store_graph(GRAPH, "key")
    path = graph_file._path(("key",))
    whole = path.read_bytes()
    assert load_graph("key") == GRAPH
    damaged = bytearray(whole)
    if data.draw(st.booleans()):
        damaged[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    else:
        damaged = damaged[: data.draw(st.integers(0, len(whole) - 1))]
    path.write_bytes(bytes(damaged))
    assert load_graph("key") is None


def _store_often(seed):
    for _ in range(50):
        store_graph(GraphBytes(GRAPH.description, bytes([seed]) * 100_000), "shared")
        found = load_graph("shared")
        assert found is not None
        assert len(set(found.weights)) == 1


def test_two_processes_that_store_the_same_graph():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_store_often, [1, 2])
    assert not list(stored_file().parent.glob("*.partial*"))


def test_a_cache_that_cannot_be_written_is_no_error(small):
    folder = user_folder("cache")
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    store_graph(GRAPH, "key")
    assert load_graph("key") is None


# ONNX ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "softmax", "sigmoid", "logsoftmax"])
def test_onnx_models(tmp_path, end):
    pytest.importorskip("onnx", reason="the extra onnx")
    from tests.models.onnx_graphs import model_folder

    model = load_model(model_folder(tmp_path / "m", end=end))
    data, affine = windows(2), [(1 / 5000, -1.0)] * 3
    ours = open_predictor(model, affine, HERE)
    exact = open_predictor(model, affine, Execution(runtime="onnx"))
    np.testing.assert_array_equal(ours.predict(data).classes, exact.predict(data).classes)
    np.testing.assert_allclose(ours.predict(data).confidence, exact.predict(data).confidence.astype(int), atol=1)
    assert choices.own_runtime(model) == "onnx"
    with pytest.raises(OptionError, match="runtime torch does not run ONNX models such as"):
        choose_execution(model, (64, 64), dtype="uint16", runtime="torch")


def test_onnx_models_of_other_forms_stay_in_onnx_runtime(tmp_path):
    pytest.importorskip("onnx", reason="the extra onnx")
    from tests.models.onnx_graphs import model_folder

    model = load_model(model_folder(tmp_path / "m", layout="NHWC"))
    with pytest.raises(ModelError, match="its graph takes NHWC float32 and returns scores NHWC; use --runtime onnx"):
        open_predictor(model, [(1.0, 0.0)] * 3, HERE)
