"""Whatever goes wrong, there is a complete file or none, and one line that says why."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import rasterio

from geoseg.classes import LAND_COVER
from geoseg.errors import OutputError
from geoseg.tiling import Box
from geoseg.write import CogSink, finish_together

NOISE = np.random.default_rng(0).integers(0, 200, (2048, 2048), dtype=np.uint8)


def make(path, geobox, value=3, **options):
    with CogSink(path, geobox, **options) as sink:
        sink.write(Box(0, 0, *geobox.shape), np.full(tuple(geobox.shape), value, np.uint8))
    return path


@pytest.mark.parametrize("error", [ValueError("oops"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("threads", [0, 1])
def test_nothing_is_left_after_an_exception(grid, tmp_path, error, threads):
    def go():
        with CogSink(tmp_path / "map.tif", grid(8192, 8192), classes=LAND_COVER, threads=threads) as sink:
            for number in range(4):  # more than the pool has begun: waiting work is dropped, not waited for
                sink.write(Box(0, 2048 * number, 2048, 2048), NOISE)
            raise error

    started = time.monotonic()
    with pytest.raises(type(error)):
        go()
    assert list(tmp_path.iterdir()) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("geoseg-write")]
    assert time.monotonic() - started < 60


def test_nothing_is_left_when_finishing_is_interrupted(grid, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("geoseg.write.sink.header", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "map.tif", grid(700, 700), classes=LAND_COVER)
    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_kept(grid, tmp_path):
    path = make(tmp_path / "map.tif", grid(4, 4))
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"map\.tif exists"):
        make(path, grid(4, 4), 5)
    with pytest.raises(ValueError, match="oops"), CogSink(path, grid(4, 4), overwrite=True):
        raise ValueError("oops")
    assert path.read_bytes() == before


def test_file_that_appears_meanwhile_is_kept(grid, tmp_path):
    path = tmp_path / "map.tif"

    def go():
        with CogSink(path, grid(4, 4)):
            path.write_text("mine")

    with pytest.raises(OutputError, match="exists"):
        go()
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_overwriting_leaves_nothing_of_the_old_file(grid, tmp_path):
    path = make(tmp_path / "map.tif", grid(4, 4), classes=LAND_COVER)
    (tmp_path / "map.tif.ovr").write_text("overviews of the old pixels")
    make(path, grid(5, 6), 7, overwrite=True)
    assert {item.name for item in tmp_path.iterdir()} == {"map.tif", "map.qml"}
    with rasterio.open(path) as source:
        assert (source.read(1) == 7).all()
        assert source.shape == (5, 6)


def test_folders_are_made(grid, tmp_path):
    assert make(tmp_path / "a" / "b" / "map.tif", grid(4, 4)).is_file()


def test_folder_in_place_of_the_file(grid, tmp_path):
    (tmp_path / "map.tif").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        make(tmp_path / "map.tif", grid(4, 4), overwrite=True)
    assert [item.name for item in tmp_path.iterdir()] == ["map.tif"]


def test_file_in_place_of_the_folder(grid, tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        make(tmp_path / "a" / "map.tif", grid(4, 4))
    assert "\n" not in str(caught.value)


def test_unwritable_folder(grid, tmp_path, monkeypatch):
    if os.name == "posix" and os.geteuid():
        tmp_path.chmod(0o500)
    else:  # nothing is unwritable for root

        def refused(*_, **__):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr("geoseg.write.spool.tempfile.TemporaryFile", refused)
    with pytest.raises(OutputError, match=r"map\.tif cannot be written: Permission denied"):
        make(tmp_path / "map.tif", grid(4, 4))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=[256, 9000])
def small_disk(request, tmp_path):
    """A file system of so many KiB: full while pixels come in, or only while the file is put together."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("only root on Linux may mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("threads", [0, 1])
def test_disk_full(grid, small_disk, threads):
    def go():
        path = small_disk / "map.tif"
        with CogSink(path, grid(2048, 6144), classes=LAND_COVER, threads=threads) as sink:
            for number in range(3):
                sink.write(Box(0, 2048 * number, 2048, 2048), NOISE // 8 if number == 0 else NOISE // 50)

    with pytest.raises(OutputError, match="disk full") as caught:
        go()
    assert "\n" not in str(caught.value)
    assert list(small_disk.iterdir()) == []
    # The room of the unnamed file is given back as well.
    (small_disk / "other").write_bytes(b"\1" * 200_000)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_disk_full_at_any_write(grid, tmp_path, monkeypatch, after):
    """Where no file system can be mounted: the spool's file refuses."""
    from geoseg.write.spool import Spool

    put, left = Spool.put, [after]

    def refusing(self, key, pixels):
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        put(self, key, pixels)

    monkeypatch.setattr(Spool, "put", refusing)
    with pytest.raises(OutputError, match="disk full while writing"):
        make(tmp_path / "map.tif", grid(1500, 1500))
    assert list(tmp_path.iterdir()) == []


def test_going_on_after_a_failed_write_does_not_make_a_file(grid, tmp_path, monkeypatch):
    from geoseg.write.spool import Spool

    def go():
        with CogSink(tmp_path / "map.tif", grid(600, 600), threads=0) as sink:
            with monkeypatch.context() as patch:
                patch.setattr(Spool, "put", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
                with pytest.raises(OutputError, match="broken"):
                    sink.write(Box(0, 0, 600, 600), np.zeros((600, 600), np.uint8))
            sink.write(Box(0, 0, 5, 5), np.zeros((5, 5), np.uint8))

    with pytest.raises(OutputError, match="incomplete"):
        go()
    assert list(tmp_path.iterdir()) == []


def test_sinks_that_finish_together_appear_together(grid, tmp_path, monkeypatch):
    def both():
        with CogSink(tmp_path / "a.tif", grid(600, 600)) as a, CogSink(tmp_path / "b.tif", grid(600, 600)) as b:
            for sink in (a, b):
                sink.write(Box(0, 0, 600, 600), np.zeros((600, 600), np.uint8))
            finish_together(a, b)

    from geoseg.write import sink as module

    def failing(geobox, classes, kind, bands):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "describe", failing)
        with pytest.raises(OutputError, match="disk full"):
            both()
    assert list(tmp_path.iterdir()) == []
    both()
    assert {item.name for item in tmp_path.iterdir()} == {"a.tif", "a.qml", "b.tif", "b.qml"}


def test_nothing_is_left_by_a_killed_process(tmp_path):
    code = """
import os, sys, numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from geoseg.tiling import Box
from geoseg.write import CogSink
with CogSink(sys.argv[1], GeoBox((4096, 4096), Affine.identity(), None)) as sink:
    sink.write(Box(0, 0, 2048, 2048), np.zeros((2048, 2048), np.uint8))
    os._exit(9)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "map.tif")], check=False)
    assert done.returncode == 9
    if sys.platform != "win32":
        assert list(tmp_path.iterdir()) == []
    assert not (tmp_path / "map.tif").exists()


def test_needs_a_with_block(grid, tmp_path):
    sink = CogSink(tmp_path / "map.tif", grid(4, 4))
    with pytest.raises(ValueError, match="context manager"):
        sink.write(Box(0, 0, 4, 4), np.zeros((4, 4), np.uint8))
