"""What Windows and macOS do differently, as far as Linux can emulate it."""

from __future__ import annotations

import mmap
import multiprocessing
import shutil
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.cli.streams import Interrupts
from geoseg.errors import InputError
from geoseg.job import batch, scene_list
from geoseg.raster.bands.names import scene_name
from geoseg.system import files, locks
from geoseg.system.files import complete, name_key, rename, write_text
from tests.windows_files import open_files_stay

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

PORTS = (f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³")
RESERVED = {"con", "prn", "aux", "nul", *PORTS}


@given(st.text(max_size=200))
def test_names_of_scenes_are_names_of_files_everywhere(text):
    name = scene_name(text)
    assert name
    assert not set(name) & set('<>:"/\\|?*\0')
    assert name[-1] not in ". "
    assert name.partition(".")[0].lower() not in RESERVED
    assert len(name.encode()) <= 180


@pytest.mark.parametrize("name", ["COM\u00b9", "lpt\u00b3.tif", "Aux.2024"])
def test_names_of_devices(name):
    """Windows takes superscript digits for digits here."""
    assert scene_name(name) == f"{name}_"


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


@pytest.fixture
def windows(monkeypatch):
    """Let geoseg.system believe that it runs on Windows; pauses take no time, and are counted."""
    pauses: list[float] = []
    monkeypatch.setattr(files, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(locks, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(files, "time", SimpleNamespace(sleep=pauses.append))
    return pauses


@pytest.fixture
def held(monkeypatch):
    """Let somebody have the next files open for so many attempts to move them: ``held(3)``."""
    replace, attempts = Path.replace, [0]

    def refused(path, target):
        attempts[0] -= 1
        if attempts[0] >= 0:
            raise PermissionError(13, "used by another process")
        return replace(path, target)

    def hold(times):
        attempts[0] = times

    monkeypatch.setattr(Path, "replace", refused)
    return hold


def test_a_file_that_a_scanner_holds_for_a_moment(tmp_path, windows, held):
    path = tmp_path / "report.json"
    path.write_text("old")
    held(3)
    write_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert len(windows) == 3
    held(3)
    with complete(path) as part:
        part.write_text("newer")
    assert path.read_text() == "newer"
    assert [item.name for item in tmp_path.iterdir()] == ["report.json"]


def test_a_file_that_is_held_for_good(tmp_path, windows, held):
    path, target = tmp_path / "a", tmp_path / "b"
    path.touch()
    held(10**6)
    with pytest.raises(PermissionError):
        rename(path, target)
    assert 1 <= sum(windows) <= 3
    assert path.exists()


def test_elsewhere_a_rename_is_tried_once(tmp_path, held, monkeypatch):
    monkeypatch.setattr(files, "sys", SimpleNamespace(platform="linux"))
    (tmp_path / "a").touch()
    held(1)
    with pytest.raises(PermissionError):
        rename(tmp_path / "a", tmp_path / "b")


def test_lines_end_alike_everywhere(tmp_path, monkeypatch):
    """Python ends lines as the system does, unless it is told."""
    monkeypatch.setattr("os.linesep", "\r\n")
    write_text(tmp_path / "status.json", "{\n}\n")
    assert (tmp_path / "status.json").read_bytes() == b"{\n}\n"


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_polygons_in_a_folder_with_an_exclamation_mark(tmp_path, scene, monkeypatch, links):
    """Where links may not be made, as by most users of Windows, the file is written elsewhere and moved."""
    import geopandas as gpd

    import geoseg

    def not_allowed(*_, **__):
        raise OSError(22, "A required privilege is not held by the client")

    if not links:
        monkeypatch.setattr(Path, "symlink_to", not_allowed)
    folder = tmp_path / "new!"
    folder.mkdir()
    for name in ("land.gpkg", "land.fgb"):
        summary = geoseg.polygonize(scene(12, 12), folder / name)
        assert len(gpd.read_file((folder / name).rename(tmp_path / name))) == summary.polygons
    assert list(folder.iterdir()) == []


@linux
def test_the_emulation_refuses_what_windows_does(tmp_path):
    path, folder = tmp_path / "a", tmp_path / "folder"
    folder.mkdir()
    (folder / "b").write_text("b")
    path.write_text("a")
    with open_files_stay() as refused:
        with path.open(), pytest.raises(PermissionError):
            path.unlink()
        with (folder / "b").open(), pytest.raises(PermissionError):
            folder.rename(tmp_path / "moved")
        with (folder / "b").open() as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            file.close()
            with pytest.raises(PermissionError):
                shutil.rmtree(folder)
            mapped.close()
        assert len(refused) == 3
        path.replace(tmp_path / "c")
        shutil.rmtree(folder)
    assert [item.name for item in tmp_path.iterdir()] == ["c"]


@linux
def test_no_command_moves_or_deletes_what_it_has_open(tmp_path, geoseg, reflectance, monkeypatch, windows):
    """Twice each: the second run replaces what the first wrote, in the same process, as in QGIS."""
    monkeypatch.chdir(tmp_path)
    scene, out = reflectance(tmp_path / "scene.tif"), tmp_path / "out"
    other = reflectance(tmp_path / "other.tif", seed=1)
    classes = out / "scene_classes.tif"
    lines = [
        ("segment", scene, other, "-o", out, "-m", "spectral", "--probabilities", "all"),
        ("polygonize", classes, "-o", "land.gpkg"),
        ("polygonize", classes, "-o", "land.parquet"),
        ("evaluate", classes, out / "other_classes.tif", "-o", "quality.json"),
        ("evaluate", "-m", "spectral", "--images", scene, "--labels", classes, "-o", "model.json"),
        ("evaluate", "land.gpkg", out / "scene_polygons.gpkg", "-o", "objects.json"),
        ("change", classes, out / "other_classes.tif", "-o", "changes"),
        ("composite", scene, other, "-o", "summer.tif"),
        ("detect", scene, "-m", "spectral", "-o", "objects"),
        ("next", out, "-o", "next.gpkg", "--scenes", scene),
    ]
    with open_files_stay() as refused:
        for line in lines * 2:
            code, _, err = geoseg(*line, "--overwrite")
            assert code == 0, (line, err)
            assert refused == [], line
        # Where an error leaves temporary files open, it is still the error that is told.
        code, _, err = geoseg("evaluate", "-m", "spectral", "--images", scene, "--labels", tmp_path / "quality.png")
        assert code == 1
        assert err.count("error:") == 1
    assert not list(tmp_path.glob("**/*.lock"))
    assert not list(tmp_path.glob("**/*.partial*"))


@linux
def test_a_model_that_takes_its_own_place(tmp_path, reflectance, windows):
    """A sketch that goes on from the folder that it is written to."""
    import geopandas as gpd
    import shapely

    import geoseg

    scene = reflectance(tmp_path / "scene.tif", 64, 64, nodata=False)
    bounds = geoseg.open_raster(scene).geobox.boundingbox
    boxes = [
        shapely.box(
            bounds.left + 80 * k + 10, bounds.top - 80 * j - 70, bounds.left + 80 * k + 70, bounds.top - 80 * j - 10
        )
        for k in range(8)
        for j in range(2)
    ]
    drawn = gpd.GeoDataFrame({"class_name": ["a", "b"] * 8}, geometry=boxes, crs="EPSG:32633")
    with open_files_stay() as refused:
        geoseg.sketch(scene, drawn, tmp_path / "mine", pretrained=None, quick=True)
        model = geoseg.sketch(scene, drawn, tmp_path / "mine", pretrained=None, previous=tmp_path / "mine", quick=True)
        geoseg.segment(scene, model=tmp_path / "mine").classes.compute()
        geoseg.sketch(scene, drawn, tmp_path / "mine", pretrained=None, previous=tmp_path / "mine", quick=True)
    assert refused == []
    assert [item.name for item in model.card.classes] == ["a", "b"]
