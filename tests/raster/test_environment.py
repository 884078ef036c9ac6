"""GDAL's settings and open files."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from rasterio.env import get_gdal_config

from geoseg.raster import open_raster, release_handles
from geoseg.raster.gdal import environment
from geoseg.raster.sources import _block_bytes, _handles
from geoseg.tiling import Box

CACHE = (
    "from geoseg.raster.gdal import environment as e; import rasterio\n"
    "with e.environment(), rasterio.Env(): print(rasterio.env.get_gdal_config('GDAL_CACHEMAX'))"
)


def test_remote_files_get_retries_and_local_ones_are_left_alone():
    with environment.environment("/vsicurl/http://x/y.tif"):
        assert str(get_gdal_config("GDAL_HTTP_MAX_RETRY")) == "4"
        assert get_gdal_config("GDAL_DISABLE_READDIR_ON_OPEN") == "EMPTY_DIR"
    with environment.environment("/data/y.tif"):
        assert get_gdal_config("GDAL_DISABLE_READDIR_ON_OPEN") is None


def test_what_the_user_sets_stays(monkeypatch):
    with rasterio.Env(GDAL_HTTP_MAX_RETRY=9), environment.environment("https://x/y.tif"):
        assert str(get_gdal_config("GDAL_HTTP_MAX_RETRY")) == "9"
    monkeypatch.setenv("VSI_CACHE", "FALSE")
    with environment.environment("https://x/y.tif") as env:
        assert "VSI_CACHE" not in env.options


@pytest.mark.parametrize(("own", "found"), [(None, 128 * 2**20), ("64", None)])
def test_block_cache_is_small_unless_the_user_says(own, found):
    variables = {k: v for k, v in os.environ.items() if k != "GDAL_CACHEMAX"}
    if own is not None:
        variables["GDAL_CACHEMAX"] = own
    said = subprocess.run([sys.executable, "-c", CACHE], capture_output=True, text=True, check=True, env=variables)
    assert int(said.stdout) == (found or 64 * 2**20)


def test_opening_files_needs_neither_xarray_nor_odc():
    code = "import sys, geoseg.raster; print([m for m in ('xarray', 'odc.geo', 'dask', 'pandas') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_few_files_stay_open_and_all_can_be_closed(tmp_path, write, pixels, monkeypatch):
    monkeypatch.setattr(_handles, "most", 28)  # as of eight cores on macOS
    paths = [write(tmp_path / f"s_band{i}.tif", pixels(1, seed=i)) for i in range(40)]
    stack = open_raster(paths)
    first = stack.read(Box(0, 0, 9, 9)).data
    assert 0 < len(_handles.entries) <= 28
    release_handles()
    assert not _handles.entries
    assert (stack.read(Box(0, 0, 9, 9)).data == first).all()


@pytest.mark.parametrize(("interleave", "bands"), [("PIXEL", 3), ("BAND", 1), ("TILE", 1), (None, 1)])
def test_blocks_of_open_files_are_counted(interleave, bands):
    tags = {"INTERLEAVE": interleave} if interleave else {}
    data = SimpleNamespace(tags=lambda ns: tags, block_shapes=[(64, 32)] * 3, count=3, dtypes=["uint16"] * 3)
    assert _block_bytes(data) == 64 * 32 * 2 * bands


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_opens_its_own_files(tmp_path, write, pixels):
    raster = open_raster(write(tmp_path / "s.tif", pixels(1)))
    raster.read(Box(0, 0, 9, 9))
    assert _handles.entries
    child = os.fork()
    if child == 0:
        os._exit(len(_handles.entries))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_opening_files_says_nothing_where_warnings_are_logged(tmp_path):
    """In a notebook that logs warnings, GDAL's complaints about drivers that it does not have were the first line."""
    path = tmp_path / "scene.tif"
    profile = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", **profile, transform=rasterio.Affine(10, 0, 0, 0, -10, 0)) as file:
        file.write(np.ones((1, 8, 8), np.uint8))
    code = (
        "import logging, sys; logging.basicConfig(level=logging.WARNING); import geoseg\n"
        "raster = geoseg.open_raster(sys.argv[1]); raster.read(raster.box)"
    )
    said = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert said.stderr == ""
