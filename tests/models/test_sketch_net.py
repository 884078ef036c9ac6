"""The network of sketches: what it computes, how it exports, and what cards may not ask for."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from geoseg.classes import MapClass
from geoseg.errors import ModelError
from geoseg.models import BandSpec, ModelCard, ValueScaling, load_model, save_model
from geoseg.models.build import build_architecture
from geoseg.models.networks.builtin import SKETCH_NET
from geoseg.models.networks.sketch import ANSWERS, Layout, SketchNet, _box
from geoseg.models.networks.sketch_card import kwargs_of, layout_of
from geoseg.models.networks.temperature import without_temperature

PLAIN = Layout(3, (0, 1), ((1, 0),), (3,), (), 0, answers=False, prior=False, hidden=4, classes=3)
WITH_BASE = Layout(6, (0, 1, 2, 3, 4, 5), ((1, 0),), (), (0, 1, 2, 3, 4, 5), 6, answers=False, prior=True, hidden=0,
                   classes=2)  # fmt: skip


@contextmanager
def torch_threads(count):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def card_of(layout, inside=None, **changes):
    names = [band.name for band in inside.bands] if inside else ["red", "green", "height"]
    kwargs = kwargs_of(layout, inside) | changes
    return ModelCard(
        name="sketched", architecture=SKETCH_NET, hyperparameters={"kwargs": kwargs},
        bands=tuple(BandSpec(name=name) for name in names),
        value_scaling=tuple(ValueScaling(type="min-max", minimum=-0.5, maximum=255) for _ in names),
        classes=tuple(MapClass(i, f"class {i}", "#123456") for i in range(layout.classes)),
        stride=16, margin=64 if inside else 16, min_window=16, bytes_per_pixel=100.0,
    )  # fmt: skip


def test_a_card_gives_back_its_layout():
    assert layout_of(card_of(PLAIN)) == PLAIN
    assert layout_of(card_of(replace(PLAIN, smooth=True))).smooth
    assert layout_of(card_of(WITH_BASE, load_model("landcover").card)) == WITH_BASE


def test_ratios_are_free_of_scale_and_means_leave_out_missing_pixels():
    net = SketchNet(PLAIN).eval()
    net.floor.fill_(1e-6)
    x = torch.rand(1, 3, 16, 16) + 0.1
    x[:, :, :, 5] = 0
    found, doubled = net.describe(x)[0], net.describe(2 * x)[0]
    ratio = (x[0, 1] - x[0, 0]) / (x[0, 1] + x[0, 0]).clamp_min(1e-9)
    assert found[3] == pytest.approx(ratio, abs=1e-4)
    assert doubled[3] == pytest.approx(found[3], abs=1e-4)
    # Column 4 has neighbours without data to its right.
    mean = found[0, 7:10, 3:5].mean()
    assert found[4, 8, 4] == pytest.approx(float(mean), abs=1e-5)
    assert (found[:4, :, 5] == 0).all()


def test_smooth_maps_are_means_of_the_valid_neighbours_probabilities():
    net = SketchNet(replace(PLAIN, windows=()), None).eval()
    x = torch.rand(1, 3, 16, 20)
    x[:, :, 4:7, 9] = 0
    shares = torch.softmax(net(x), 1)[0].detach().numpy()
    smooth = SketchNet(replace(PLAIN, windows=(), smooth=True), None).eval()
    smooth.load_state_dict(net.state_dict())
    found = torch.softmax(smooth(x), 1)[0].detach().numpy()
    valid = (x[0] != 0).any(0).numpy()
    for row, col in [(0, 0), (5, 8), (9, 9), (15, 19), (3, 10)]:
        near = [(min(max(row + i, 0), 15), min(max(col + j, 0), 19)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        mean = np.mean([shares[:, r, c] for r, c in near if valid[r, c]], 0)
        assert found[:, row, col] == pytest.approx(mean, abs=1e-4)
    with torch.inference_mode():  # as machine code
        assert torch.softmax(smooth(x[..., :16]), 1)[0, :, 8, 8].numpy() == pytest.approx(found[:, 8, 8], abs=1e-4)


@pytest.mark.parametrize("side", [3, 5, 7, 9, 13])
def test_means_over_windows_are_those_of_pooling(side):
    x = torch.rand(2, 3, 20, 17)
    reach = (side // 2,) * 4
    wanted = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(x, reach, mode="replicate"), side, 1)
    assert torch.allclose(_box(x, side), wanted, atol=1e-5)


def test_the_pretrained_network_gets_the_input_that_it_was_trained_on():
    base = load_model("landcover")
    network = without_temperature(base.module())
    net = SketchNet(WITH_BASE, network).eval()
    reflectance = torch.rand(1, 6, 32, 32)
    reflectance[:, :, :8] = 0
    net.base_scale.fill_(0.5)
    net.base_shift.fill_(-0.01)
    x = torch.where(reflectance == 0, 0.0, (reflectance + 0.01) / 0.5)
    assert net.describe(x)[0, -6:] == pytest.approx(network(reflectance)[0].clamp(-20, 20), abs=1e-3)


def test_with_all_trust_the_pretrained_network_decides():
    base = load_model("landcover")
    network = without_temperature(base.module())
    net = SketchNet(WITH_BASE, network).eval()
    torch.nn.init.zeros_(net.first.weight)
    torch.nn.init.zeros_(net.first.bias)
    net.mixture.copy_(torch.tensor([[1.0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 1]])[..., None, None])
    x = torch.rand(1, 6, 32, 32)
    tree = torch.softmax(network(x).clamp(-20, 20), 1)[:, 0]
    assert torch.allclose(torch.softmax(net(x), 1)[:, 0], tree, atol=1e-3)


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"hidden": 16}, {"answers": True}, {"prior": False, "answers": True, "hidden": 5},
        {"pairs": (), "logs": (0, 2, 5)}, {"logs": (0, 1), "pairs": ((1, 0),)},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("threads", [1, 3])
def test_machine_code_computes_what_torch_does(changes, threads):
    base = without_temperature(load_model("landcover").module())
    layout = replace(WITH_BASE, **changes)
    torch.manual_seed(1)
    net = SketchNet(layout, base).eval()
    net.floor.fill_(0.02)
    net.center.uniform_(-1, 1)
    net.spread.uniform_(0.5, 2)
    if layout.prior:
        net.mixture.uniform_(0, 1)
        net.trust.fill_(0.7)
    x = torch.rand(2, 6, 48, 32)
    x[:, :, :9, :5] = 0
    said = net.answers(x)
    with torch.inference_mode(), torch_threads(threads):
        assert net._compiles(x)
        found = net._compiled(x, said)
        assert torch.equal(net._compiled(x[:, :, 16:, 16:], said[:, :, 16:, 16:]), found[:, :, 16:, 16:])
        assert torch.equal(net._compiled(x.contiguous(memory_format=torch.channels_last), said), found)
    assert torch.allclose(found, net._decide(x, said), atol=2e-4, rtol=1e-5)
    assert not net._compiles(x), "gradients are followed"
    with torch.inference_mode():
        assert not net._compiles(x[..., :24])


def test_it_is_saved_checked_and_loaded_like_any_model(tmp_path):
    base = load_model("landcover")
    network = without_temperature(base.module())
    net = SketchNet(WITH_BASE, network)
    model = save_model(tmp_path / "m", card_of(WITH_BASE, base.card), net)
    x = torch.rand(1, 6, 32, 48)
    assert torch.equal(load_model(tmp_path / "m").module()(x), net.eval()(x))
    assert model.card.stride == 16


@pytest.mark.parametrize("based", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_onnx_gives_the_same_scores(tmp_path, based):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    from geoseg.models.export.export import export_model

    base = load_model("landcover") if based else None
    layout = WITH_BASE if based else PLAIN
    network = SketchNet(layout, None if base is None else without_temperature(base.module()))
    save_model(tmp_path / "m", card_of(layout, None if base is None else base.card), network)
    export = export_model(tmp_path / "m", tmp_path / "m.onnx")
    assert max(difference for _, difference in export.differences) < 1e-3


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"logs": [0, 7]}, "logs must be"),
        ({"smooth": 1}, "smooth must be"),
        ({"logs": [0, 0]}, "logs must be"),
        ({"logs": "01"}, "logs must be"),
        ({"pairs": [[0, 2]]}, "pairs must be"),
        ({"pairs": [[0, 1]] * 300}, "pairs must be"),
        ({"pairs": [[0, True]]}, "pairs must be"),
        ({"windows": [3, 4]}, "odd sides"),
        ({"windows": [1001]}, "windows must be"),
        ({"windows": [3, 5, 7, 9, 11]}, "windows must be"),
        ({"hidden": 10**9}, "hidden must be"),
        ({"hidden": 1.5}, "hidden must be"),
        ({"hidden": True}, "hidden must be"),
        ({"prior": True}, "false without a base"),
        ({"answers": 1}, "true or false"),
        ({"base": []}, "base must be an object"),
        ({"base": {"bands": ["red", "blue"]}}, "the bands of base"),
        ({"base": {"bands": ["red"], "classes": []}}, "2 to 255 classes"),
        ({"base": {"bands": ["red"], "classes": ["a", "b"], "architecture": SKETCH_NET}}, "no sketch itself"),
        ({"base": {"bands": ["red"], "classes": ["a", "b"], "architecture": "Unet"}}, "hyperparameters of base"),
        ({"base": {"bands": ["red"], "classes": ["a", "b"], "architecture": "Unet",
                   "hyperparameters": {"encoder": "hf-hub:evil/model"}}}, "not a plain name"),
        ({"extra": 1}, "kwargs must be an object with"),
    ],
)  # fmt: skip
def test_cards_that_ask_for_too_much_are_refused(changes, text):
    with pytest.raises(ModelError, match=text):
        build_architecture(card_of(PLAIN, **changes))


def test_weights_of_another_network_are_refused(tmp_path):
    with pytest.raises(ModelError, match="do not fit"):
        save_model(tmp_path / "m", card_of(PLAIN), {"first.weight": torch.zeros(1)})


def test_groups_are_counted():
    assert sum(WITH_BASE.groups.values()) == WITH_BASE.features == WITH_BASE.inputs + 6
    assert WITH_BASE.groups[ANSWERS] == 6
    assert PLAIN.inputs == PLAIN.features == 3 + 1 + 6
    assert np.isfinite(list(PLAIN.groups.values())).all()
