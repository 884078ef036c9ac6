"""Files that are complete or absent."""

from __future__ import annotations

import sys

import pytest

from geoseg.system import files
from geoseg.system.files import complete, fsync, fsync_folder, put, temporary_beside, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_temporary_names_are_unique_hidden_and_in_the_same_folder(tmp_path):
    target = tmp_path / "map.tif"
    made = {temporary_beside(target, ".tif") for _ in range(100)}
    assert len(made) == 100
    assert {path.parent for path in made} == {tmp_path}
    assert all(path.name.startswith(".map.tif.") and path.name.endswith(".partial.tif") for path in made)


def test_a_complete_file_replaces_the_old_one(tmp_path):
    target = tmp_path / "map.TIF"
    target.write_text("old")
    with complete(target) as part:
        assert part.suffix == ".tif", "GDAL chooses drivers by suffix"
        part.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["map.TIF"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "map.gpkg"
    target.write_text("old")

    def fail():
        with complete(target) as part:
            part.write_text("half")
            part.with_name(part.name + "-journal").write_text("SQLite's own temporary file")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["map.gpkg"]


def test_other_temporary_files_are_left_alone(tmp_path):
    other = temporary_beside(tmp_path / "map.tif", ".tif")
    other.touch()
    with complete(tmp_path / "map.tif") as part:
        part.touch()
    assert names(tmp_path) == sorted([other.name, "map.tif"])


def test_text_is_utf8_and_replaces_the_old_file(tmp_path):
    path = tmp_path / "manifest.json"
    for text in ("old", "größe ≥ 1\n"):
        write_text(path, text)
    assert path.read_bytes() == "größe ≥ 1\n".encode()
    assert names(tmp_path) == ["manifest.json"]


def test_syncing_changes_nothing(tmp_path):
    path = tmp_path / "block.tif"
    path.write_bytes(b"pixels")
    fsync(path)
    fsync_folder(tmp_path)
    fsync_folder(tmp_path / "none")  # where folders cannot be opened, nothing is done
    assert path.read_bytes() == b"pixels"
    with pytest.raises(FileNotFoundError):
        fsync(tmp_path / "none")


@pytest.mark.skipif(sys.platform == "win32", reason="replaces an open file")
def test_put_replaces(tmp_path):
    temporary, path = tmp_path / "t", tmp_path / "block.tif"
    path.write_text("same")
    temporary.write_text("same")
    put(temporary, path)
    assert names(tmp_path) == ["block.tif"]


def test_put_keeps_a_block_that_another_process_is_reading(tmp_path, monkeypatch):
    temporary, path = tmp_path / "t", tmp_path / "block.tif"
    temporary.write_text("block")

    def held(*_):
        raise PermissionError

    monkeypatch.setattr(type(path), "replace", held)
    with pytest.raises(PermissionError):
        put(temporary, path)
    path.write_text("block")
    put(temporary, path)
    assert names(tmp_path) == ["block.tif"]


@pytest.mark.parametrize("when", ["making", "renaming"])
def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch, when):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    real, moved = files.rename, []

    def interrupted(source, place):
        moved.append(place)
        if when == "renaming" and len(moved) == 2:
            raise KeyboardInterrupt
        real(source, place)

    monkeypatch.setattr(files, "rename", interrupted)

    def make(*, interrupt=False):
        with files.replaced_folder(target) as part:
            part.mkdir()
            (part / "new").touch()
            if interrupt:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(interrupt=when == "making")
    assert [one.name for one in tmp_path.rglob("*")] == ["model", "old"]
    make()
    assert [one.name for one in tmp_path.rglob("*")] == ["model", "new"]
