"""What Windows and macOS do differently, as far as Linux can emulate it."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.cli.streams import Interrupts
from geoseg.errors import InputError
from geoseg.job import batch, scene_list
from geoseg.raster.bands.names import scene_name
from geoseg.system.files import name_key

RESERVED = {"con", "prn", "aux", "nul", *(f"com{k}" for k in range(10)), *(f"lpt{k}" for k in range(10))}


@given(st.text(max_size=200))
def test_names_of_scenes_are_names_of_files_everywhere(text):
    name = scene_name(text)
    assert name
    assert not set(name) & set('<>:"/\\|?*\0')
    assert name[-1] not in ". "
    assert name.partition(".")[0].lower() not in RESERVED
    assert len(name.encode()) <= 180


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_names_that_are_one_file(platform):
    assert name_key("Lac.L1C", platform) == name_key("LAC.l1c", platform)
    assert name_key("caf\u00e9", platform) == name_key("cafe\u0301", platform)
    assert name_key("a", platform) != name_key("b", platform)
    assert name_key("Lac", "linux") != name_key("LAC", "linux")


def test_two_scenes_whose_outputs_would_be_one_file(tmp_path, reflectance, monkeypatch):
    from geoseg.job import Job, Options, Products, run
    from tests.recorder import Recorder

    scenes = [reflectance(tmp_path / name / file, 20, 20) for name, file in (("a", "Lake.tif"), ("b", "LAKE.tif"))]
    monkeypatch.setattr(batch, "name_key", lambda name: name_key(name, "win32"))
    products = Products(polygons=False, preview=False)
    job = Job(scenes, tmp_path / "out", "spectral", options=Options(device="cpu", precision="fp32"), products=products)
    first, second = run(job, Recorder())
    assert first.status == "done", first.error
    assert isinstance(second.error, InputError)
    assert "would both write" in str(second.error)


def test_a_list_with_names_that_differ_in_case_only(monkeypatch):
    entries = [scene_list.SceneEntry(Path(f"{k}.tif"), name) for k, name in enumerate(("Lake", "LAKE"))]
    scene_list.check_duplicates(entries)
    monkeypatch.setattr(scene_list, "name_key", lambda name: name_key(name, "darwin"))
    with pytest.raises(InputError, match="listed twice"):
        scene_list.check_duplicates(entries)


def test_windows_line_ends_in_a_list(tmp_path):
    """Also with the byte order mark that Windows' editors write."""
    path = tmp_path / "scenes.txt"
    path.write_bytes(b"\xef\xbb\xbfa.tif\r\nb.tif\r\n\r\n")
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).touch()
    assert [Path(entry.source).name for entry in scene_list.read_scenes(path)] == ["a.tif", "b.tif"]


def test_signals_that_a_system_does_not_have(monkeypatch):
    taken = []
    monkeypatch.setattr(signal, "signal", lambda number, _: taken.append(number))
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_DFL)
    monkeypatch.delattr(signal, "SIGHUP", raising=False)
    monkeypatch.setattr(signal, "SIGBREAK", 21, raising=False)
    Interrupts().install()
    assert taken == [signal.SIGTERM, 21]


def _keys(pipe) -> None:
    pipe.send([name_key("Lac", platform) for platform in ("linux", "win32")])


def test_a_process_that_is_started_and_not_forked():
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_keys, args=(there,))
    process.start()
    assert here.recv() == ["Lac", "lac"]
    process.join(60)
    assert process.exitcode == 0
