"""Finding, checking and making the Python that has geoseg."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

import pytest
from geoseg_qgis import environment, installation
from geoseg_qgis.runner import RunError


@pytest.fixture(autouse=True)
def _own_places(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_QGIS_ENV", str(tmp_path / "Jörg Müller" / "env"))
    monkeypatch.delenv("GEOSEG_PYTHON", raising=False)


def _install(recipe, limit=60.0):
    work, log = installation.Installation(recipe, limit), []
    while not work.ended:
        log += [event["message"] for event in work.poll(0.1)]
    return work, log


def test_the_real_geoseg_is_probed():
    found = environment.probe(sys.executable)
    assert found.works, found.error
    assert {"python", "geoseg", "torch", "rasterio", "gdal", "models"} <= set(found.facts)
    assert found.device in {"CPU", found.facts["gpu"]}
    assert found.facts["protocol"] == "1"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gone", None, "there is no file"),
        ("qgis-bin.exe", "#!/bin/sh\n", "not a Python interpreter"),
        ("python3", "#!/bin/sh\nexit 7\n", "exit code 7"),
        ("python3", "#!/bin/sh\necho hello\n", "printed nothing"),
        ("python3", "#!/bin/sh\nsleep 60\n", "did not answer within 1 s"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="shell scripts")
def test_wrong_interpreters(tmp_path, name, text, message):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
        path.chmod(0o755)
    found = environment.probe(str(path), limit=1.0)
    assert not found.works
    assert message in found.error
    assert "\n" not in found.error


def test_a_file_that_is_not_a_program(tmp_path):
    path = tmp_path / "python"
    path.write_text("")
    path.chmod(0o644)
    assert os.name == "nt" or "not marked as a program" in environment.check_interpreter(str(path))
    assert "is a folder" in environment.check_interpreter(str(tmp_path))


@pytest.mark.skipif(not Path("/usr/bin/python3").is_file(), reason="a Python without geoseg")
def test_a_python_without_geoseg():
    found = environment.probe("/usr/bin/python3")
    assert found.error == "geoseg is not installed in it" or "or newer is needed" in found.error


def test_order_of_finding(monkeypatch, tmp_path):
    assert environment.find() == ""
    monkeypatch.setenv("GEOSEG_PYTHON", "/from/variable")
    assert environment.find() == "/from/variable"
    assert environment.find("/set/by/user") == "/set/by/user"


def test_the_managed_environment_lies_outside_profile_and_plugin(monkeypatch):
    monkeypatch.delenv("GEOSEG_QGIS_ENV")
    folder = str(environment.managed_folder()).lower()
    assert "qgis3" not in folder
    assert "plugins" not in folder
    assert "geoseg" in folder


@pytest.mark.parametrize("use_uv", [False, True])
def test_it_is_made_offline_from_wheels(wheels, use_uv):
    """In a folder with a space and an umlaut, as user names have them."""
    if use_uv and not environment.find_uv():
        pytest.skip("no uv here")
    wish = installation.Wish(wheels=str(wheels("räder 1")), use_uv=use_uv, base=sys.executable)
    recipe = installation.make_recipe(wish)
    assert "--no-index" in recipe.describe()
    assert "GB free" in recipe.describe()
    work, log = _install(recipe)
    assert not work.error, (work.error, log)
    assert work.probe.facts["geoseg"] == "9.9"
    python = environment.find()
    assert python == environment.venv_python(environment.managed_folder())
    assert environment.probe(python).works
    assert json.loads((environment.managed_folder() / environment.MARK).read_text())["geoseg"] == "9.9"
    installation.remove()
    assert environment.find() == ""


def test_one_that_does_not_run_is_not_kept(wheels):
    wish = installation.Wish(wheels=str(wheels(torch="raise ImportError('DLL load failed')")), base=sys.executable)
    work, _ = _install(installation.make_recipe(wish))
    assert work.error.endswith("ImportError: DLL load failed")
    assert environment.find() == ""
    assert not environment.managed_folder().exists()


def test_cancelling_removes_what_was_made(wheels):
    wish = installation.Wish(wheels=str(wheels()), use_uv=False, base=sys.executable)
    work = installation.Installation(installation.make_recipe(wish))
    while not environment.managed_folder().exists():
        work.poll(0.05)
    work.cancel()
    while not work.ended:
        work.poll(0.1)
    assert work.error == "cancelled"
    assert not environment.managed_folder().exists()


def test_cancelling_removes_what_is_no_environment_yet(wheels):
    recipe = installation.make_recipe(installation.Wish(wheels=str(wheels()), use_uv=False, base=sys.executable))
    bin_folder = recipe.folder / "bin"
    begins = (sys.executable, "-c", f"import os, time; os.makedirs({str(bin_folder)!r}); time.sleep(60)")
    work = installation.Installation(dataclasses.replace(recipe, steps=(begins, *recipe.steps[1:])))
    while not bin_folder.exists():
        work.poll(0.05)
    work.cancel()
    while not work.ended:
        work.poll(0.1)
    assert work.error == "cancelled"
    assert not recipe.folder.exists()


def test_a_missing_package_is_named(wheels):
    wish = installation.Wish(wheels=str(wheels()), package="nothing-like-this", base=sys.executable)
    work, log = _install(installation.make_recipe(wish))
    assert "nothing-like-this" in work.error
    assert any("venv" in line for line in log)


def test_foreign_folders_are_never_cleared(wheels):
    folder = environment.managed_folder()
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("years of work")
    work, _ = _install(installation.make_recipe(installation.Wish(wheels=str(wheels()), base=sys.executable)))
    assert "holds something else" in work.error
    assert (folder / "thesis.txt").is_file()


def test_recipes(tmp_path, monkeypatch):
    monkeypatch.setattr(installation, "find_uv", lambda: "/bin/uv")
    cpu = installation.make_recipe(installation.Wish())
    assert [step[1] for step in cpu.steps] == ["venv", "pip"]
    assert "--torch-backend cpu geoseg" in cpu.describe()
    cuda = installation.make_recipe(installation.Wish(device="cuda", proxy="http://me:pw@host:1"))
    assert "--torch-backend auto geoseg" in cuda.describe()
    assert cuda.env["HTTPS_PROXY"] == "http://me:pw@host:1"
    assert "pw" not in cuda.describe()
    assert cuda.size != cpu.size
    assert "--torch-backend" not in installation.make_recipe(installation.Wish(device="index")).describe()
    monkeypatch.setattr(installation, "find_uv", str)
    bare = installation.make_recipe(installation.Wish(base=sys.executable))
    assert bare.steps[0][:4] == (sys.executable, "-I", "-m", "venv")
    assert bare.steps[1][-1] == "uv"
    monkeypatch.setattr(installation, "base_pythons", lambda _: [])
    with pytest.raises(RunError, match="neither uv nor Python"):
        installation.make_recipe(installation.Wish())
    with pytest.raises(RunError, match="holds no wheels"):
        installation.make_recipe(installation.Wish(wheels=str(tmp_path)))
    with pytest.raises(RunError, match="no package is named"):
        installation.make_recipe(installation.Wish(package=" "))


def test_qgis_own_python_is_no_base(tmp_path):
    names = environment.base_pythons()
    assert names
    assert not set(environment.base_pythons([str(Path(name).parent) for name in names])) & set(names)


def test_diagnostics_tell_much_but_no_secrets(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy:1")
    monkeypatch.setenv("GDAL_HTTP_AUTH", "basic-secret")
    found = environment.Probe("/x/python", {"geoseg": "1.0"}, "geoseg is not installed in it")
    log = ["one", f"{Path.home()}/x"]
    text = environment.diagnostics("/x/python", found, {"QGIS": "3.22"}, log)
    for part in ("QGIS: 3.22", "/x/python", "not installed", "geoseg: 1.0", "managed environment", "one", "~/x"):
        assert part in text
    assert "secret" not in text
    assert str(Path.home()) not in text
