"""A scene that changes during its run gives an error and no output; a run never replaces its own input."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import rasterio

from geoseg.errors import ChangedError, GeosegError, OutputError
from geoseg.job import Job, Options, Products
from geoseg.job.batch import run
from tests.recorder import Recorder

BANDS = {"blue": (500, 200), "green": (450, 400), "red": (250, 250), "nir": (120, 2800), "swir16": (60, 1200),
         "swir22": (40, 500)}  # fmt: skip
FAST = Options(device="cpu", precision="fp32", window=64, block=64, workers=1)
PLAIN = Products(polygons=False, preview=False)


def write(path, *, flipped=False):
    """Write water on the left and forest on the right, or the other way round."""
    left = (np.arange(256) < 128) != flipped
    with rasterio.open(
        path, "w", driver="GTiff", width=256, height=256, count=6, dtype="uint16", crs="EPSG:32633",
        transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5.4e6),
    ) as file:  # fmt: skip
        for number, (name, (water, forest)) in enumerate(BANDS.items(), 1):
            file.write(np.where(left, water, forest).astype("uint16") + np.zeros((256, 1), "uint16"), number)
            file.set_band_description(number, name)
    return path


class Rewriting(Recorder):
    """Calls something once, at a stage of the run."""

    def __init__(self, stage, change):
        super().__init__()
        self.stage, self.change = stage, change
        self.wait = 1 if stage == "write" else 2  # during the blocks, but after the first

    def progress(self, done, total, message="", **fields):
        if message.startswith(self.stage):
            self.wait -= 1
            if self.wait == 0:
                self.change()
        super().progress(done, total, message, **fields)


def named(folder):
    """Return the files in a folder, but for unfinished blocks."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".geoseg")


@pytest.mark.parametrize("stage", ["segment", "write"])
@pytest.mark.parametrize("partial", [False, True])
def test_a_scene_that_is_rewritten_during_the_run_gives_nothing(tmp_path, stage, partial):
    scene, out = write(tmp_path / "scene.tif"), tmp_path / "out"
    job = Job([scene], out, "spectral", options=FAST, products=PLAIN, allow_partial=partial)
    (result,) = run(job, Rewriting(stage, lambda: write(scene, flipped=True)))
    assert result.status == "failed"
    assert isinstance(result.error, ChangedError)
    assert str(scene) in str(result.error)
    assert "run again" in str(result.error)
    assert "\n" not in str(result.error)
    assert named(out) == []

    (again,) = run(job)  # nothing of the first version is used
    expected, name = tmp_path / "expected", scene.name
    (tmp_path / "copy").mkdir()
    shutil.copy2(scene, tmp_path / "copy" / name)
    (fresh,) = run(Job([tmp_path / "copy" / name], expected, "spectral", options=FAST, products=PLAIN))
    assert again.status == fresh.status == "done"
    for kind in ("classes", "confidence"):
        assert again.outputs[kind].read_bytes() == fresh.outputs[kind].read_bytes()
    assert not (out / ".geoseg").exists()


def test_the_other_scenes_go_on(tmp_path):
    bad, good = write(tmp_path / "bad.tif"), write(tmp_path / "good.tif")
    job = Job([bad, good], tmp_path / "out", "spectral", options=FAST, products=PLAIN)
    results = run(job, Rewriting("segment bad", lambda: write(bad, flipped=True)))
    assert [result.status for result in results] == ["failed", "done"]
    assert not list((tmp_path / "out").glob("bad_*"))


def test_worker_processes_notice(tmp_path, dask_workers):
    scene = write(tmp_path / "scene.tif")
    job = Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN, scheduler=dask_workers)
    (result,) = run(job, Rewriting("segment", lambda: write(scene, flipped=True)))
    assert isinstance(result.error, ChangedError)
    assert named(tmp_path / "out") == []


def test_an_output_that_is_the_scene_is_refused(tmp_path):
    scene = write(tmp_path / "map_classes.tif")
    before = scene.read_bytes()
    (tmp_path / "map.tif").symlink_to(scene)
    (result,) = run(Job([tmp_path / "map.tif"], tmp_path, "spectral", options=FAST, products=PLAIN, overwrite=True))
    assert isinstance(result.error, OutputError)
    assert "input" in str(result.error)
    assert scene.read_bytes() == before


def test_a_tile_of_a_vrt_is_not_replaced(tmp_path):
    from rasterio.shutil import copy

    tile = write(tmp_path / "map_classes.tif")
    before = tile.read_bytes()
    copy(tile, tmp_path / "map.vrt", driver="VRT")
    (result,) = run(Job([tmp_path / "map.vrt"], tmp_path, "spectral", options=FAST, products=PLAIN, overwrite=True))
    assert isinstance(result.error, OutputError)
    assert tile.read_bytes() == before


def test_outputs_of_one_scene_do_not_replace_another(tmp_path):
    first, second = write(tmp_path / "a.tif"), write(tmp_path / "a_classes.tif")
    before = second.read_bytes()
    results = run(Job([first, second], tmp_path, "spectral", options=FAST, products=PLAIN, overwrite=True))
    assert [result.status for result in results] == ["failed", "done"]
    assert second.read_bytes() == before


@pytest.mark.parametrize("profile", ["scene.tif", "s3://bucket/trace.json"])
def test_the_timeline_is_an_output_too(tmp_path, profile, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = write(tmp_path / "scene.tif").read_bytes()
    with pytest.raises(GeosegError, match=r"input|not supported as output"):
        run(Job(["scene.tif"], "out", "spectral", profile=profile))
    assert (tmp_path / "scene.tif").read_bytes() == before
    assert named(tmp_path) == ["scene.tif"]
