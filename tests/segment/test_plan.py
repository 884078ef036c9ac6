"""Windows and blocks are chosen to waste little, to fit the budget, and not to grow with the scene."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine

from geoseg.classes import LAND_COVER
from geoseg.errors import OptionError
from geoseg.models import BandSpec, ModelCard, load_model, save_model
from geoseg.segment import plan as plans
from geoseg.segment.plan import Options, make_plan


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A card that says what an Unet(resnet18) needs: stride 32, margin 64, 540 bytes of activations a pixel."""
    import segmentation_models_pytorch as smp

    torch.manual_seed(0)
    module = smp.Unet("resnet18", encoder_weights=None, in_channels=1, classes=6, decoder_channels=(16, 8, 8, 4, 4))
    card = ModelCard(
        name="net",
        architecture="Unet",
        title="A network",
        description="For sizes alone.",
        bands=(BandSpec(name="red"),),
        value_scaling=({"type": "z-score", "mean": 0.0, "stddev": 1.0},),
        classes=LAND_COVER,
        stride=32,
        margin=64,
        bytes_per_pixel=540.0,
    )
    folder = tmp_path_factory.mktemp("model") / "net"
    save_model(folder, card, module, arch="unet", encoder="resnet18", decoder_channels=(16, 8, 8, 4, 4))
    return load_model(folder)


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """Scenes of any size that take no space on the disk."""
    folder = tmp_path_factory.mktemp("scenes")

    def make(side):
        path = folder / f"{side}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", height=side, width=side, count=1, dtype="uint8", tiled=True, sparse_ok=True,
            crs="EPSG:32633", transform=Affine(10, 0, 500000, 0, -10, 5400000),
        ) as file:  # fmt: skip
            file.set_band_description(1, "red")
            file.write(np.ones((1, 16, 16), np.uint8), window=rasterio.windows.Window(0, 0, 16, 16))
        return path

    return make


@pytest.mark.parametrize(("side", "least"), [(4096, 0.79), (6000, 0.85), (10_000, 0.84), (60_000, 0.85)])
def test_context_costs_little(model, sparse, side, least):
    plan = make_plan(sparse(side), model, Options(memory="8GB"))
    assert plan.tiling.kept_share >= least


def test_larger_scenes_take_no_larger_windows_once_there_are_enough(model, sparse):
    small, large = (make_plan(sparse(side), model, Options(memory="8GB")) for side in (6000, 60_000))
    assert small.tiling.largest_read() == large.tiling.largest_read()
    assert small.memory == large.memory


@pytest.mark.parametrize("budget", ["1.5GB", "1.7GB", "2GB", "4GB", "8GB"])
@pytest.mark.parametrize("side", [700, 6000])
@pytest.mark.parametrize("stitch", ["trim", "gaussian"])
def test_a_plan_keeps_its_budget(model, sparse, budget, side, stitch):
    options = Options(memory=budget, stitch=stitch)
    assert make_plan(sparse(side), model, options).memory <= options.budget


def test_streams_are_given_up_before_the_budget(model, sparse):
    generous = make_plan(sparse(6000), model, Options(memory="8GB", device="cpu", precision="fp32", runtime="torch"))
    for budget in (generous.memory - generous.window_bytes // 2, generous.memory, generous.memory * 5 // 4):
        plan = make_plan(sparse(6000), model, Options(memory=budget, device="cpu", precision="fp32", runtime="torch"))
        streams = plan.execution().streams
        assert plan.memory + (streams - plan.streams) * plan.window_bytes <= budget


def test_two_streams_are_worth_smaller_windows(model, sparse, monkeypatch):
    windows = {}
    for cores in (1, 2):
        monkeypatch.setattr(plans, "cpu_count", lambda cores=cores: cores)
        plan = make_plan(sparse(6000), model, Options(memory="2.3GB"))
        assert plan.streams == cores
        windows[cores] = plan.tiling.largest_read()
    assert windows[2] < windows[1]
    monkeypatch.setattr(plans, "cpu_count", lambda: 2)
    plan = make_plan(sparse(6000), model, Options(memory="1.6GB"))
    assert plan.streams == 1  # rather than windows that are nearly all margin
    assert plan.tiling.keep == 512


def test_too_little_memory_says_how_much_is_needed(model, sparse):
    with pytest.raises(OptionError, match=r"give at least \d") as error:
        make_plan(sparse(6000), model, Options(memory="1.45GB", margin=1024))
    needed = str(error.value).rsplit("at least ", 1)[1].replace(" ", "")
    make_plan(sparse(6000), model, Options(memory=needed, margin=1024))
