"""Output from a cluster is identical to that of one process."""

from __future__ import annotations

import json

import dask.array
import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine

from geoseg.errors import ClusterError, InputError, OptionError
from geoseg.polygonize import polygonize, stream
from geoseg.system.cluster import deployment

SHAPE = 300, 170
EVERYTHING = {"min_area": 900, "keep": [1], "simplify": 15, "smooth": True, "connectivity": 8}


@pytest.fixture(scope="module")
def values():
    generator = np.random.default_rng(5)
    blobs = np.kron(generator.integers(0, 5, (20, 17), dtype=np.uint8), np.ones((15, 10), np.uint8))
    return np.where(generator.random(SHAPE) < 0.1, generator.integers(0, 5, SHAPE), blobs).astype(np.uint8)


def write(path, data):
    profile = {"driver": "GTiff", "count": 1, "height": SHAPE[0], "width": SHAPE[1], "crs": "EPSG:32633"}
    transform = Affine(10, 0, 500000, 0, -10, 5400000)
    with rasterio.open(path, "w", dtype=data.dtype, transform=transform, nodata=4, **profile) as file:
        file.write(data, 1)
    return path


@pytest.fixture(scope="module")
def map_(tmp_path_factory, values):
    return write(tmp_path_factory.mktemp("map") / "map.tif", values)


@pytest.fixture(scope="module")
def confidence(tmp_path_factory):
    percent = np.random.default_rng(6).integers(0, 101, SHAPE, dtype=np.uint8)
    return write(tmp_path_factory.mktemp("map") / "confidence.tif", percent)


@pytest.fixture(autouse=True)
def _short_strips(monkeypatch):
    monkeypatch.setattr(stream, "strip_rows", lambda *_: 23)


@pytest.mark.parametrize(
    "options", [{}, {"min_area": 900, "regularize": "square"}, {"simplify": 12}, EVERYTHING], ids=str
)
@pytest.mark.parametrize("suffix", [".gpkg", ".parquet"])
def test_same_bytes_as_in_one_process(tmp_path, map_, confidence, dask_workers, options, suffix):
    here, there = tmp_path / f"here{suffix}", tmp_path / f"there{suffix}"
    polygonize(map_, here, confidence=confidence, **options)
    summary = polygonize(map_, there, confidence=confidence, scheduler=dask_workers, **options)
    assert here.read_bytes() == there.read_bytes()
    assert summary.polygons > 50


def test_names_are_relative_to_here_alone(map_, dask_workers, monkeypatch):
    monkeypatch.chdir(map_.parent)
    assert len(polygonize("map.tif", scheduler=dask_workers)) == len(polygonize(map_))


@pytest.mark.parametrize("persisted", [False, True])
def test_dask_arrays_stay_on_the_cluster(values, dask_workers, persisted):
    data = dask.array.from_array(values, chunks=(64, 50))
    lazy = xr.DataArray(dask_workers.persist(data) if persisted else data, dims=("y", "x"))
    found = polygonize(lazy, scheduler=dask_workers, **EVERYTHING)
    expected = polygonize(xr.DataArray(values, dims=("y", "x")), **EVERYTHING)
    assert found.geometry.to_wkb().equals(expected.geometry.to_wkb())
    assert found.drop(columns="geometry").equals(expected.drop(columns="geometry"))


def test_arrays_in_memory_are_refused(values, dask_workers):
    with pytest.raises(OptionError, match="leave scheduler out"):
        polygonize(xr.DataArray(values, dims=("y", "x")), scheduler=dask_workers)


def test_errors_of_workers_are_those_of_this_process(tmp_path, dask_workers):
    generator = np.random.default_rng(0)
    path = tmp_path / "cut.tif"
    data = generator.integers(0, 99, SHAPE).astype(np.float32) + 0.25
    write(path, data)
    with pytest.raises(InputError, match="--round"):
        polygonize(path, tmp_path / "out.gpkg", scheduler=dask_workers)
    path.write_bytes(path.read_bytes()[:90_000])
    with pytest.raises(InputError, match="cannot be read"):
        polygonize(path, tmp_path / "out.gpkg", scheduler=dask_workers, rounded=True)
    assert [item.name for item in tmp_path.iterdir()] == ["cut.tif"]


@pytest.mark.parametrize(
    ("scheduler", "error", "text"),
    [("nonsense", OptionError, "is unknown"), ("tcp://127.0.0.1:1", ClusterError, "no dask scheduler answers")],
)
def test_schedulers_that_are_not_there(tmp_path, map_, scheduler, error, text, monkeypatch):
    monkeypatch.setattr(deployment, "_CONNECT", 1.0)
    with pytest.raises(error, match=text):
        polygonize(map_, tmp_path / "out.gpkg", scheduler=scheduler)


def test_command_line_with_the_address_of_a_scheduler(tmp_path, map_, dask_workers, capsys):
    from geoseg.cli import main

    here, there = tmp_path / "here.fgb", tmp_path / "there.fgb"
    polygonize(map_, here)
    address = dask_workers.scheduler_info()["address"]
    with pytest.raises(SystemExit) as done:
        main(["polygonize", str(map_), "-o", str(there), "--scheduler", address, "--progress", "json"])
    assert done.value.code == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["event"] == "result"
    assert here.read_bytes() == there.read_bytes()
