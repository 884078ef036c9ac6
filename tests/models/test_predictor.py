"""The predictor against plain torch and numpy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geoseg.errors import ModelError
from geoseg.models import BandTransform, Execution, load_model
from geoseg.models.inference.argmax import decide
from geoseg.models.inference.predictor import Predictor
from tests.models.conftest import identity_model

SAME = [(1.0, 0.0)] * 3


def windows(model, n=3, side=64, dtype=np.uint16, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 10000, (n, len(model.card.bands), side, side)).astype(dtype)


def by_torch(model, data, affine):
    a, b = (np.array([entry[i] for entry in affine])[:, None, None] for i in (0, 1))
    with torch.inference_mode():
        return torch.softmax(model.module()(torch.from_numpy((data * a + b).astype(np.float32))), 1)


@pytest.mark.parametrize("execution", [Execution(), Execution(channels_last=True), Execution(batch=2, threads=2)])
def test_equals_plain_torch(tiny_model, execution):
    data, affine = windows(tiny_model), [(1 / 2500, -2.0), (1 / 3000, -1.5), (1 / 2000, -2.5)]
    expected = by_torch(tiny_model, data, affine)
    predictor = Predictor(tiny_model, affine, execution)
    classes, confidence = predictor.classify(data)
    assert classes.dtype == confidence.dtype == np.uint8
    sure = (expected.topk(2, 1).values.diff(dim=1).abs() > 1e-4)[:, 0].numpy()
    assert sure.mean() > 0.99
    np.testing.assert_array_equal(classes[sure], expected.argmax(1).numpy()[sure])
    np.testing.assert_allclose(confidence, 100 * expected.amax(1).numpy(), atol=0.51)
    torch.testing.assert_close(predictor.scores(data), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_grouping_changes_no_byte(tiny_model, batch):
    data = windows(tiny_model, n=5)
    predictor = Predictor(tiny_model, [(1 / 5000, -1.0)] * 3, Execution(batch=batch))
    together = predictor.classify(data)
    for split in (1, 2, 4):
        parts = [predictor.classify(data[:split]), predictor.classify(data[split:])]
        for whole, (first, second) in zip(together, zip(*parts, strict=True), strict=True):
            np.testing.assert_array_equal(whole, np.concatenate([first, second]))
    scores = torch.cat([predictor.scores(data[i : i + 1]) for i in range(5)])
    assert torch.equal(predictor.scores(data), scores)


def test_threads_at_a_time_change_no_byte(tiny_model):
    data = windows(tiny_model, n=6)
    predictor = Predictor(tiny_model, [(1 / 5000, -1.0)] * 3, Execution(streams=2))
    expected = predictor.classify(data)[0]
    before = torch.get_num_threads()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda i: predictor.classify(data[i : i + 1])[0], range(6)))
    np.testing.assert_array_equal(np.concatenate(found), expected)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "dtype",
    [
        "uint8",
        "int8",
        "uint16",
        "int16",
        "uint32",
        "int32",
        "uint64",
        "int64",
        "float16",
        "float32",
        "float64",
        ">u2",
        ">f4",
    ],
)
def test_every_dtype_reaches_the_network_as_its_value(dtype):
    model = identity_model()
    data = np.array([[3, 120, 5], [7, 2, 100]]).T.reshape(1, 3, 1, 2).astype(dtype)
    predictor = Predictor(model, SAME, Execution())
    np.testing.assert_array_equal(predictor.classify(data)[0][0], [[1, 2]])
    data = np.full((1, 3, 2, 2), 60000 if np.dtype(dtype) == np.uint16 else 100).astype(dtype)
    expected = torch.softmax(torch.tensor([1.0, 2.0, 0.5]) * float(data[0, 0, 0, 0]) / 1e5, 0)
    scores = Predictor(model, [(1e-5, 0.0), (2e-5, 0.0), (5e-6, 0.0)], Execution()).scores(data)
    torch.testing.assert_close(scores[0, :, 0, 0], expected)


def test_views_and_read_only_arrays():
    base = np.arange(2 * 3 * 8 * 8, dtype=np.uint16).reshape(2, 3, 8, 8)
    predictor = Predictor(identity_model(), [(0.01, 0.0)] * 3, Execution())
    expected = predictor.scores(base[:, ::-1, 2:6, ::2].copy())
    base.flags.writeable = False
    assert torch.equal(predictor.scores(base[:, ::-1, 2:6, ::2]), expected)
    valid = np.zeros((8, 2, 8), bool).transpose(1, 0, 2)
    valid.flags.writeable = False
    predictor.classify(base, valid)


def test_clip_comes_after_the_affine():
    predictor = Predictor(
        identity_model(), [BandTransform(0.01, -1, 0, 2), (0.0, 0.0), BandTransform(0.01, 0, hi=1.5)], Execution()
    )
    data = np.array([0, 150, 1000]).reshape(1, 1, 1, 3).repeat(3, 1).astype(np.uint16)
    logits = predictor.scores(data).log()
    expected = torch.tensor([[0, 0.5, 2], [0, 0, 0], [0, 1.5, 1.5]])
    torch.testing.assert_close(logits[0, :, 0] - logits[0, 1:2, 0], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30])
def test_invalid_pixels_reach_the_network_as_zero(tiny_model, value):
    data = windows(tiny_model, n=2, dtype=np.float32)
    valid = np.ones((2, 64, 64), bool)
    valid[0, 10:20, 5:9] = False
    clean = data.copy()
    clean[0][:, 10:20, 5:9] = 5000  # becomes 0 under this scaling
    data[0][:, 10:20, 5:9] = value
    predictor = Predictor(tiny_model, [(1 / 5000, -1.0)] * 3, Execution())
    for found, expected in zip(predictor.classify(data, valid), predictor.classify(clean), strict=True):
        np.testing.assert_array_equal(found, expected)


class Broken(torch.nn.Module):
    """Logits with one pixel of a given value."""

    def __init__(self, value, pointwise=False):
        super().__init__()
        self.value, self.pointwise = value, pointwise

    def forward(self, x):
        y = x.clone()
        y[:, 1, 0, 3] = self.value
        return y


@pytest.mark.parametrize("pointwise", [False, True])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_not_numbers(value, pointwise):
    predictor = Predictor(identity_model(module=Broken(value, pointwise)), SAME, Execution())
    data = np.ones((1, 3, 4, 4), np.float32)
    for call in (predictor.classify, *([] if pointwise else [predictor.scores])):
        with pytest.raises(ModelError, match="'identity' returned NaN or infinity for 1 valid pixels"):
            call(data, np.ones((1, 4, 4), bool))
    valid = np.ones((1, 4, 4), bool)
    valid[0, 0, 3] = False
    classes, confidence = predictor.classify(data, valid)
    assert (classes[valid] == 0).all()
    assert (confidence[valid] == 33).all()


class Shapeless(torch.nn.Module):
    def forward(self, x):
        return x[:, :, ::2]


class Raising(torch.nn.Module):
    def forward(self, x):
        raise RuntimeError("sizes do not match\nand more")


def test_modules_that_break_the_contract():
    data = np.ones((1, 3, 4, 4), np.uint8)
    with pytest.raises(ModelError, match=r"returned \(1, 3, 2, 4\).*must return \(1, 3, 4, 4\)"):
        Predictor(identity_model(module=Shapeless()), SAME, Execution()).classify(data)
    with pytest.raises(ModelError, match=r"does not run on windows of 4 × 4: sizes do not match$"):
        Predictor(identity_model(module=Raising()), SAME, Execution()).classify(data)
    with pytest.raises(ModelError, match="sees 3 bands, the scaling has 2"):
        Predictor(identity_model(), SAME[:2], Execution())


class Greedy(torch.nn.Module):
    """Runs out of memory above a number of windows."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def forward(self, x):
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return x.clone()


def test_too_large_a_batch_is_halved_until_it_fits():
    data = windows(identity_model(), n=5, side=8)
    predictor = Predictor(identity_model(module=Greedy(1)), [(1e-4, 0.0)] * 3, Execution(batch=4))
    np.testing.assert_array_equal(predictor.classify(data)[0], data.argmax(1))
    assert predictor._batch == 1
    with pytest.raises(ModelError, match=r"8 × 8 pixels does not fit the memory of cpu; use a smaller --window"):
        Predictor(identity_model(module=Greedy(0)), SAME, Execution(batch=4)).classify(data)


@given(
    k=st.integers(2, 255), h=st.integers(1, 40), w=st.integers(1, 40), ties=st.booleans(),
    half=st.booleans(), last=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_decide_equals_argmax_and_softmax(k, h, w, ties, half, last, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, (2, k, h, w)).astype(np.float32)
    logits = logits.round() if ties else logits
    tensor = torch.from_numpy(logits).to(torch.bfloat16 if half else torch.float32)
    expected = torch.softmax(tensor.float(), 1).amax(1).numpy() * 100
    first = tensor.float().numpy().argmax(1)
    if last:
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    decision, finite = decide(tensor)
    assert finite
    np.testing.assert_array_equal(decision.classes.numpy(), first)
    np.testing.assert_allclose(decision.confidence.numpy(), expected, atol=0.5001)


def test_minus_infinity_is_a_class_that_never_wins():
    logits = torch.zeros(1, 3, 2, 2)
    logits[:, 0] = -torch.inf
    decision, finite = decide(logits, (0, 1, 2))
    assert finite
    assert (decision.classes == 1).all()
    assert (decision.confidence == 50).all()
    assert decision.percents[0, :, 0, 0].tolist() == [0, 50, 50]


def test_strips_equal_one_pass():
    """A network without context gives the same bytes in strips as through the general way."""
    model = load_model("spectral")
    data = windows(model, n=2, side=301)
    valid = np.random.default_rng(1).random((2, 301, 301)) > 0.3
    affine = [(1e-4, 0.0)] * 6
    strips, general = Predictor(model, affine, Execution()), Predictor(model, affine, Execution())
    assert strips._pointwise
    general._pointwise = False
    for one, other in zip(strips.classify(data, valid), general.classify(data, valid), strict=True):
        assert (one == other).mean() > 0.9999  # summation order differs at the last bit: a rare tie may fall either way
        assert np.abs(one.astype(int) - other.astype(int))[one != other].size < 10
