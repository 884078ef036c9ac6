"""Outputs are local paths, and never one of the inputs, however either is spelled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from geoseg.errors import OutputError
from geoseg.system.outputs import Inputs, local_path

REMOTE = (
    "s3://bucket/out", "S3://bucket/out.tif", "gs://bucket/a.gpkg", "az://container/a", "abfss://c@host/a",
    "http://host/a.json", "https://host/a", "ftp://host/a", "simplecache::s3://bucket/a", "memory://a",
    "/vsis3/bucket/a.tif", "/vsimem/a.tif", "/vsigs/bucket", "/vsizip/a.zip/b.tif", "file:///tmp/a", " s3://bucket/a",
)  # fmt: skip


@pytest.mark.parametrize("text", REMOTE)
@pytest.mark.parametrize("kind", [str, Path])  # Path turns s3:// into s3:/
def test_remote_outputs_are_refused(text, kind):
    with pytest.raises(OutputError, match=r"not supported as output.*(local folder|plain path)") as caught:
        local_path(kind(text))
    assert "\n" not in str(caught.value)
    if kind is str and "vsi" not in text:
        assert text in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["C:\\maps\\a.tif", "c:/maps/a.tif", "out", "./out", "/tmp/out", "a:b.tif", "run 12: x.tif", "vsis3", "/data/vsis3",
     "~/s3", "s3/bucket", "\\\\server\\share\\a.tif", "/vsi/a"],
)  # fmt: skip
def test_local_outputs_pass(text):
    assert local_path(text) == Path(text)


def test_an_output_that_is_an_input_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scene = tmp_path / "scene.tif"
    scene.write_bytes(b"pixels")
    (tmp_path / "sub").mkdir()
    (tmp_path / "soft.tif").symlink_to(scene)
    os.link(scene, tmp_path / "hard.tif")
    (tmp_path / "folder").symlink_to(tmp_path, target_is_directory=True)
    inputs = Inputs([str(scene), None, 5], "https://host/scene.tif", "missing.tif")
    for name in (scene, "scene.tif", "./sub/../scene.tif", "soft.tif", "hard.tif", "folder/scene.tif"):
        with pytest.raises(OutputError, match=r"input.*would be replaced"):
            inputs.check(name)
        with pytest.raises(OutputError, match=r"input.*would be replaced"):
            Inputs(name).check(scene)
    (tmp_path / "copy.tif").write_bytes(b"pixels")
    inputs.check("copy.tif", "new.tif", "missing.tif", tmp_path / "sub" / "scene.tif")


def test_case_of_names_is_that_of_the_file_system(tmp_path):
    scene = tmp_path / "scene.tif"
    scene.write_bytes(b"pixels")
    other = tmp_path / "SCENE.TIF"
    if other.exists():
        with pytest.raises(OutputError, match="same file"):
            Inputs(scene).check(other)
    else:
        Inputs(scene).check(other)


def test_a_folder_that_holds_an_input_is_not_replaced(tmp_path):
    folder = tmp_path / "images" / "2024"
    folder.mkdir(parents=True)
    (folder / "a.tif").touch()
    (tmp_path / "link.tif").symlink_to(folder / "a.tif")
    for given in (folder / "a.tif", folder, tmp_path / "link.tif", [[folder / "a.tif"]]):
        inputs = Inputs(given)
        with pytest.raises(OutputError, match="would be replaced"):
            inputs.check_folder(tmp_path / "images")
        inputs.check_folder(tmp_path / "model")
        inputs.check_folder(folder / "model")
