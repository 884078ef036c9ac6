"""Scenes behind a network that fails, stalls and cuts answers short: the map is right, or the block is named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio

from tests.job.flaky import serve
from tests.job.processes import SMALL, Run, contents, succeed

pytestmark = pytest.mark.timeout(600)

# GDAL's own repetition is turned down, so that geoseg's has something to do, and stalls end soon.
IMPATIENT = {
    "GDAL_HTTP_TIMEOUT": "1", "GDAL_HTTP_MAX_RETRY": "0", "CPL_VSIL_CURL_CHUNK_SIZE": "16384", "VSI_CACHE": "FALSE",
    "GDAL_INGESTED_BYTES_AT_OPEN": "16384",
}  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory, reflectance):
    folder = tmp_path_factory.mktemp("served")
    reflectance(folder / "scene.tif", 256, 320, seed=9, compress="none")
    succeed(folder / "scene.tif", "-o", folder / "out", *SMALL, "--no-polygons")
    with rasterio.open(folder / "out" / "scene_classes.tif") as file:
        return folder, file.read(1)


def test_a_network_that_fails_now_and_then(served, tmp_path):
    """Whichever requests fail, the map is the same; which do depends on the threads, and most runs try blocks again."""
    folder, expected = served
    for seed in range(6):
        out = tmp_path / str(seed)
        with serve(folder, trouble=0.3, seed=seed, stall=2.0) as (server, address):
            run = succeed(f"{address}/scene.tif", "-o", out, *SMALL, "--no-polygons", "--retries", 8, env=IMPATIENT)
        with rasterio.open(out / "scene_classes.tif") as file:
            assert np.array_equal(file.read(1), expected), server.troubles
        if len(server.troubles) >= 5 and "tried again" in run.messages():
            return
    pytest.fail("GDAL alone got through: the server must fail more")


@pytest.mark.slow
def test_a_range_that_never_comes_is_named_and_the_rest_is_kept(served, tmp_path):
    folder, expected = served
    out = tmp_path / "out"
    size = (folder / "scene.tif").stat().st_size
    with serve(folder, trouble=0.0, dead=(size * 6 // 10, size * 6 // 10)) as (server, address):
        arguments = (f"{address}/scene.tif", "-o", out, *SMALL, "--no-polygons", "--retries", 1)
        run = Run(*arguments, env=IMPATIENT)
        assert run.wait() == 1
        (error,) = run.of("error")
        assert "failed for good: block " in error["message"]
        assert "(rows " in error["message"]
        assert "scene.tif: cannot read" in error["message"]
        assert "--allow-partial" in error["message"]
        assert [path.name for path in out.iterdir()] == [".geoseg"]

        partial = Run(*arguments, "--allow-partial", env=IMPATIENT)
        assert partial.wait() == 1
        (result,) = partial.of("result")
        assert result["status"] == "partial"
        with rasterio.open(out / "scene_classes.tif") as file:
            classes = file.read(1)
        report = json.loads((out / "scene_report.json").read_text("utf-8"))
        missing = np.zeros(expected.shape, bool)
        for block in report["failed_blocks"]:
            (top, bottom), (left, right) = block["rows"], block["columns"]
            missing[top : bottom + 1, left : right + 1] = True
        assert 0 < missing.mean() < 0.5
        assert (classes[missing] == 255).all()
        assert np.array_equal(classes[~missing], expected[~missing])
        assert "already" in partial.messages(), "finished blocks were computed again"

        server.dead = None
        last = succeed(*arguments, env=IMPATIENT)
        total = 20
        assert f"{total - len(report['failed_blocks'])} of {total} blocks are there already" in last.messages()
    with rasterio.open(out / "scene_classes.tif") as file:
        assert np.array_equal(file.read(1), expected)
    assert "failed_blocks" not in (out / "scene_report.json").read_text("utf-8")
    assert not (out / ".geoseg").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_many_troubles(served, tmp_path, seed):
    folder, _ = served
    with serve(folder, trouble=0.4, seed=100 + seed, stall=2.0) as (server, address):
        succeed(f"{address}/scene.tif", "-o", tmp_path / "out", *SMALL, "--retries", 20, env=IMPATIENT)
        assert len(server.troubles) > 10
    succeed(folder / "scene.tif", "-o", tmp_path / "direct", *SMALL)
    kinds = ("classes.tif", "confidence.tif")
    direct, there = contents(tmp_path / "direct"), contents(tmp_path / "out")
    assert all(direct[kind] == there[kind] for kind in kinds)
