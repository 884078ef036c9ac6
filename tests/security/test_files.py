"""Pipes, devices and endless files wherever a path is taken: one line at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from geoseg.errors import GeosegError, InputError
from geoseg.evaluate.reference import open_map
from geoseg.job.scene_list import read_scenes
from geoseg.models import ModelCard
from geoseg.raster import open_raster
from geoseg.raster.vectors import open_vector
from geoseg.system.files import check_regular_file, exists, is_file, is_folder
from geoseg.train.validation.groups import read_groups
from geoseg.write.sidecar import read_classes

READERS = {
    "scene": (open_raster, "a.tif"),
    "stac item": (open_raster, "a.json"),
    "metadata of a product": (lambda path: open_raster(path.parent), "MTD_MSIL2A.xml"),
    "metadata of a product, named": (open_raster, "MTD_MSIL2A.xml"),
    "list of scenes": (read_scenes, "a.txt"),
    "csv of scenes": (read_scenes, "a.csv"),
    "collection of scenes": (read_scenes, "a.json"),
    "card": (ModelCard.read, "model.json"),
    "folder of a card": (lambda path: ModelCard.read(path.parent), "model.json"),
    "labels": (open_vector, "a.gpkg"),
    "reference": (open_map, "a.tif"),
    "groups": (lambda path: read_groups(str(path), []), "a.csv"),
    "class names": (read_classes, "a.tif"),
}


@pytest.fixture(params=READERS)
def reader(request, canary):
    read, name = READERS[request.param]
    return read, canary.folder / name


def refuse(reader, text: str) -> None:
    read, path = reader
    with pytest.raises(GeosegError) as caught:
        read(path)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 700
    assert text in line, line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes(reader):
    os.mkfifo(reader[1])
    refuse(reader, "is a named pipe")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such devices")
def test_devices(reader):
    reader[1].symlink_to("/dev/zero")
    refuse(reader, "is a device")


@pytest.mark.parametrize(
    "name", ["stac item", "metadata of a product", "list of scenes", "csv of scenes", "card", "groups"]
)
def test_text_of_gigabytes(canary, name):
    read, file = READERS[name]
    path = canary.write(file, "{")
    os.truncate(path, 2**32)
    refuse((read, path), "more than")


def test_check_regular_file(tmp_path):
    check_regular_file(tmp_path)
    check_regular_file(tmp_path / "nothing")
    check_regular_file("a\0b")
    path = tmp_path / "a"
    path.write_bytes(bytes(10))
    check_regular_file(path, limit=10)
    with pytest.raises(InputError, match="more than"):
        check_regular_file(path, limit=9)


def test_text_that_is_no_path_does_not_exist(tmp_path):
    (tmp_path / "file").touch()
    assert exists(tmp_path)
    assert is_folder(tmp_path)
    assert not is_file(tmp_path)
    assert is_file(tmp_path / "file")
    for text in ("x" * 300, "x" * 10_000, "a\0b", "\ud800", str(tmp_path / "file" / "below"), str(tmp_path / "none")):
        assert not exists(text)
        assert not is_file(text)
        assert not is_folder(text)


def test_a_folder_that_may_not_be_searched_is_not_absent(monkeypatch):
    def refuse(path, **_):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(PermissionError):
        exists("locked/a.gpkg")
    for read, name in ((open_vector, "locked/a.gpkg"), (open_raster, "locked/a.tif"), (open_raster, "locked/a.json")):
        with pytest.raises(InputError, match=rf"{name}: cannot be read: Permission denied"):
            read(name)
