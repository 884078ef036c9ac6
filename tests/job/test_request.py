"""The public interface of jobs: Job, Options, Products and what identifies results."""

from __future__ import annotations

import doctest
import inspect
from dataclasses import fields, replace
from pathlib import Path

import pytest

import geoseg
import geoseg.job.batch
import geoseg.job.request
from geoseg.errors import OptionError
from geoseg.job import Job, Options, Products, SceneResult, run
from geoseg.job.request import fingerprint_of, manifest_of, open_scene, read_report, request_of
from geoseg.models import DEFAULT_MODEL
from geoseg.polygonize.files.layer import FORMATS


def test_the_names_are_public():
    assert (geoseg.Job, geoseg.run, geoseg.SceneResult) == (Job, run, SceneResult)
    assert {"Job", "run", "SceneResult"} <= set(geoseg.__all__)


@pytest.mark.parametrize("name", ["run", "Job", "Options"])
def test_the_examples_run(name):
    (example,) = doctest.DocTestFinder(recurse=False).find(getattr(geoseg.job, name), name, globs={})
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


def test_options_are_the_keywords_of_segment():
    keywords = {
        name: parameter.default
        for name, parameter in inspect.signature(geoseg.segment).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    options = {field.name: field.default for field in fields(Options)}
    assert options == {**keywords, "workers": None, "compile": False}


def test_products_have_the_formats_of_polygonize():
    names = [suffix.removeprefix(".") for suffix in FORMATS]
    assert [Products(format=name).format for name in names] == names
    with pytest.raises(OptionError, match=f"use one of {', '.join(names)}$"):
        Products(format="shp")


def test_a_job_takes_text_paths_and_loaded_models(tmp_path):
    model = geoseg.load_model("spectral")
    job = Job([], str(tmp_path / "out"), model)
    assert job.storage.path == tmp_path / "out"
    assert request_of(job).model is model
    assert request_of(Job([], tmp_path)).model is geoseg.load_model(DEFAULT_MODEL)


@pytest.mark.parametrize("scenes", ["scene.tif", Path("scene.tif")])
def test_a_single_path_is_not_a_list_of_scenes(scenes, tmp_path):
    with pytest.raises(OptionError, match=r"give a list, \['scene.tif'\]"):
        Job(scenes, tmp_path)


@pytest.fixture
def request_and_raster(tmp_path, reflectance):
    request = request_of(Job([], tmp_path, "spectral"))
    return request, open_scene(reflectance(tmp_path / "scene.tif", 32, 32), request)


@pytest.mark.parametrize(
    ("changes", "blocks", "results"),
    [
        ({"options": Options(memory="2GB", workers=3)}, True, True),
        ({"overwrite": True, "retries": 0, "allow_partial": True, "scheduler": "local"}, True, True),
        ({"products": Products(min_area=5.0)}, True, False),
        ({"products": Products(preview=False)}, False, False),
        ({"options": Options(stitch="linear")}, False, False),
        ({"options": Options(block=512)}, False, False),
        ({"options": Options(precision="fp32")}, False, False),
    ],
)
def test_what_blocks_and_results_depend_on(request_and_raster, changes, blocks, results):
    request, raster = request_and_raster
    changed = replace(request, **changes)
    assert (manifest_of(raster, changed) == manifest_of(raster, request)) is blocks
    assert (fingerprint_of(raster, changed) == fingerprint_of(raster, request)) is results


def test_unreadable_reports_are_empty(tmp_path):
    path = tmp_path / "a_report.json"
    assert read_report(tmp_path, path.name) == {}
    for content in (b"{", b"[1]", b"\xff"):
        path.write_bytes(content)
        assert read_report(tmp_path, path.name) == {}
    path.write_text('{"scene": {}}')
    assert read_report(tmp_path, path.name) == {"scene": {}}


@pytest.mark.parametrize("workers", [(3, 3), (-1, 2), (4, 1)])
def test_workers_that_are_no_range(workers):
    with pytest.raises(OptionError, match="give the least and the most"):
        Job(["x.tif"], "out", scheduler="slurm", workers=workers)


def test_a_range_of_workers_needs_a_batch_system():
    with pytest.raises(OptionError, match=r"workers 0\.\.4: only slurm, pbs, lsf, kubernetes can follow"):
        Job(["x.tif"], "out", workers=(0, 4))
    staffing = Job(["x.tif"], "out", scheduler="slurm", workers=(0, 4), max_wait=60.0).staffing
    assert (staffing.least, staffing.most, staffing.max_wait, staffing.adaptive) == (0, 4, 60.0, True)
