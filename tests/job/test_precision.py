"""Half precision that was asked for by name is compared with single precision on the scene."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import torch

import geoseg
from geoseg.models import Execution, Model
from geoseg.models.inference.agreement import Sample, compare
from geoseg.models.inference.predictor import Predictor
from geoseg.segment.plan import Options, make_plan
from geoseg.segment.precision import precision_warning


def differing(raster, model, precision):
    """Share of the pixels of a whole scene whose class differs from that in fp32; an oracle of the warning."""
    affine = model.card.affine(raster.bands)
    pixels = raster.read(raster.box)
    maps = [
        Predictor(model, affine, Execution(precision=how)).classify(pixels.data[None], pixels.valid[None])[0]
        for how in (precision, "fp32")
    ]
    return float((maps[0] != maps[1])[pixels.valid[None]].mean())


def test_a_map_that_half_precision_changes_is_warned_about(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif", 256, 256)
    model = _fragile(geoseg.load_model("landcover"))
    raster = geoseg.open_raster(scene).select([band.name for band in model.card.bands])
    share = differing(raster, model, "bf16")
    assert share > 0.01
    job = geoseg.Job(scenes=[scene], model=model, output=tmp_path / "out", options=Options(precision="bf16"))
    assert geoseg.run(job)
    report = json.loads((tmp_path / "out" / "scene_report.json").read_text())
    (warning,) = [line for line in report["warnings"] if "another class than in fp32" in line]
    assert float(re.search(r"gives ([\d.]+)% of a sample", warning)[1]) == pytest.approx(100 * share, abs=1)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_statistics_of_surroundings_keep_their_digits(tmp_path, reflectance, precision):
    """``landcover`` takes means, deviations and differences in fp32, whatever the precision: the map stays."""
    model = geoseg.load_model("landcover")
    raster = geoseg.open_raster(reflectance(tmp_path / "scene.tif", 128, 128))
    raster = raster.select([band.name for band in model.card.bands])
    affine, pixels = model.card.affine(raster.bands), raster.read(raster.box)
    exact, half = (Predictor(model, affine, Execution(precision=how)) for how in ("fp32", precision))
    agreement = compare(exact, half, Sample(pixels.data[None], pixels.valid[None], affine))
    assert agreement.same, agreement
    assert agreement.differing < 0.01, agreement


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_single_precision_and_auto_need_no_warning(tmp_path, reflectance, precision):
    plan = make_plan(reflectance(tmp_path / "scene.tif", 128, 128), "landcover", Options(precision=precision))
    assert precision_warning(plan, Execution(precision="fp32")) is None


def test_a_network_that_half_precision_does_not_change_is_not_warned_about(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif", 128, 128)
    plan = make_plan(scene, "spectral", Options(precision="bf16"))
    model = dataclasses.replace(plan, model=_coarse(plan.model))
    assert precision_warning(model, Execution(precision="bf16")) is None


def _fragile(model):
    """The model with a network that takes a small difference of large numbers, whose digits half precision loses."""

    class Network(torch.nn.Module):
        def forward(self, x):
            weight = 100 * torch.eye(len(model.card.classes), x.shape[1])[:, :, None, None]
            large = torch.nn.functional.conv2d(x + 30, weight)
            return large - large.mean(1, keepdim=True)

    return Model(model.card, module=Network().eval())


def _coarse(model):
    """The model with a network whose logits are powers of two, which no precision changes."""

    class Network(torch.nn.Module):
        def forward(self, x):
            near = (x[:, :1] > x[:, 1:2]).float()
            return torch.cat([near * 4, 2 - near, near.new_zeros(len(x), len(model.card.classes) - 2, *x.shape[2:])], 1)

    return Model(model.card, module=Network().eval())
