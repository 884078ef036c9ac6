"""Finding, checking and making the Python that has geoseg."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

import pytest
from geoseg_qgis import environment, installation
from geoseg_qgis.install_progress import Gauge, size_of
from geoseg_qgis.runner import RunError

from tests.qgis_plugin.conftest import PLUGIN, wait_for


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
    monkeypatch.setattr(installation.sys, "platform", "linux")
    cpu = installation.make_recipe(installation.Wish(package="geoseg[train]"))
    assert [step[1] for step in cpu.steps] == ["venv", "pip"]
    assert "--torch-backend cpu geoseg" in cpu.describe()
    cuda = installation.make_recipe(
        installation.Wish(device="cuda", package="geoseg[train]", proxy="http://me:pw@host:1")
    )
    assert "--torch-backend auto geoseg" in cuda.describe()
    assert cuda.env["HTTPS_PROXY"] == "http://me:pw@host:1"
    assert "pw" not in cuda.describe()
    assert cuda.size != cpu.size
    assert "--torch-backend" not in installation.make_recipe(installation.Wish(device="index")).describe()
    # The ordinary index has the CPU build for these systems, and every network that has a mirror reaches it.
    for system in ("win32", "darwin"):
        monkeypatch.setattr(installation.sys, "platform", system)
        assert "--torch-backend" not in installation.make_recipe(installation.Wish()).describe()
        assert "--torch-backend auto" in installation.make_recipe(installation.Wish(device="cuda")).describe()
    monkeypatch.setattr(installation.sys, "platform", "linux")
    monkeypatch.setattr(installation, "find_uv", str)
    bare = installation.make_recipe(installation.Wish(base=sys.executable))
    assert bare.steps[0][:4] == (sys.executable, "-I", "-m", "venv")
    assert bare.steps[1][-1] == "uv"
    monkeypatch.setattr(installation, "find_base", lambda _: "")
    with pytest.raises(RunError, match="neither uv nor Python"):
        installation.make_recipe(installation.Wish())
    with pytest.raises(RunError, match="holds no wheels"):
        installation.make_recipe(installation.Wish(wheels=str(tmp_path)))
    with pytest.raises(RunError, match="no package is named"):
        installation.make_recipe(installation.Wish(package=" ", base=sys.executable))


def test_certificates_are_those_of_the_system(monkeypatch, tmp_path):
    """uv refuses the certificate of a company's proxy that the system trusts, unless it is told to ask the system."""
    monkeypatch.delenv("PIP_CERT", raising=False)
    recipe = installation.make_recipe(installation.Wish(base=sys.executable, certificates=str(tmp_path / "ca.pem")))
    assert recipe.env["UV_SYSTEM_CERTS"] == recipe.env["UV_NATIVE_TLS"] == "true"
    assert recipe.env["PIP_CERT"] == str(tmp_path / "ca.pem")
    monkeypatch.setenv("PIP_CERT", "/chosen/by/user.pem")
    recipe = installation.make_recipe(installation.Wish(base=sys.executable, certificates=str(tmp_path / "ca.pem")))
    assert recipe.env["PIP_CERT"] == "/chosen/by/user.pem"


def test_geoseg_comes_from_the_plugin_and_not_from_the_index(monkeypatch, tmp_path, wheels):
    assert Path(installation.own_source()).samefile(PLUGIN.parent), "a checkout installs itself"
    assert (
        f"geoseg[train,openvino] @ {PLUGIN.parent.as_uri()}" in installation.make_recipe(installation.Wish()).steps[-1]
    )
    plugin = tmp_path / "plugins" / "geoseg_qgis"
    (plugin / "wheels").mkdir(parents=True)
    monkeypatch.setattr(installation, "_HERE", plugin)
    assert installation.own_source() == ""
    assert installation.make_recipe(installation.Wish()).steps[-1][-1] == "geoseg[train,openvino]"
    wheel = next(wheels().glob("*.whl")).rename(plugin / "wheels" / "geoseg-9.9-py3-none-any.whl")
    assert installation.make_recipe(installation.Wish()).steps[-1][-1] == f"geoseg[train,openvino] @ {wheel.as_uri()}"


def test_requirements(tmp_path):
    assert installation.requirement(" geoseg[train]==1.0 ") == "geoseg[train]==1.0"
    assert installation.requirement("geoseg @ https://host/x.whl") == "geoseg @ https://host/x.whl"
    for wrong in (tmp_path, tmp_path / "geoseg-1-py3-none-any.whl"):
        with pytest.raises(RunError, match="neither a wheel"):
            installation.requirement(str(wrong))


def test_without_uv_and_python_uv_is_fetched_into_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "find_uv", str)
    monkeypatch.setattr(installation, "find_base", lambda _: "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/qgis/lib")
    recipe = installation.make_recipe(installation.Wish(helper=sys.executable))
    assert recipe.steps[0][:4] == (sys.executable, "-m", "pip", "install")
    assert recipe.steps[1][0] == recipe.steps[2][0] == str(environment.bundled_uv())
    target = Path(recipe.steps[0][recipe.steps[0].index("--target") + 1])
    assert environment.bundled_uv().parents[1] == target
    assert sys.prefix not in str(target), "nothing is installed into QGIS's Python"
    # QGIS's own Python runs with QGIS's paths, what it fetched without.
    assert recipe.own_env[0]["LD_LIBRARY_PATH"] == "/qgis/lib"
    assert "LD_LIBRARY_PATH" not in recipe.env


def _script(folder, text):
    path = folder / "installer.py"
    path.write_text(text, "utf-8")
    return (sys.executable, str(path))


def test_a_blocked_index_of_torch_is_named_and_another_way_offered(tmp_path, wheels):
    recipe = installation.make_recipe(installation.Wish(wheels=str(wheels()), base=sys.executable))
    text = """
import sys
print("error: Request failed after 3 retries", file=sys.stderr)
print("  cause: Failed to fetch: https://torch.example/whl/cpu/torch/", file=sys.stderr)
print("  cause: failed to lookup address information", file=sys.stderr)
sys.exit(2)
"""
    work, _ = _install(dataclasses.replace(recipe, steps=(_script(tmp_path, text),)))
    assert work.error == "torch.example cannot be reached: failed to lookup address information"
    assert work.other == "index"


def test_downloads_are_kept_until_it_works(tmp_path, wheels):
    recipe = installation.make_recipe(installation.Wish(wheels=str(wheels()), base=sys.executable))
    text = f"import sys\nopen({str(recipe.downloads / 'part')!r}, 'w').write('x')\nsys.exit('error: connection reset')"
    work, _ = _install(dataclasses.replace(recipe, steps=(_script(tmp_path, text),)))
    assert work.error == "connection reset"
    assert (recipe.downloads / "part").is_file()
    work, _ = _install(recipe)
    assert not work.error
    assert not recipe.downloads.exists()


def test_the_gauge(tmp_path):
    gauge = Gauge(tmp_path, 1000.0)
    try:
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "file").write_bytes(b"x" * 500)
        assert size_of(str(tmp_path)) == 500
        gauge.take("Resolved 57 packages in 2.1s")
        wait_for(lambda: gauge.done == 500)
        assert gauge.phase == "download"
        half = gauge.percent
        assert 40 < half < 52
        gauge.take("Prepared 57 packages in 30 s")
        assert gauge.percent >= 90
        gauge._history, gauge.phase = [(0.0, 0.0), (5.0, 1e8), (10.0, 2e8)], "download"
        gauge.total = 1e9
        assert gauge.seconds_left == pytest.approx(40)
    finally:
        gauge.stop()


def test_qgis_own_python_is_no_base(tmp_path):
    names = environment.base_pythons()
    assert names
    assert not set(environment.base_pythons([str(Path(name).parent) for name in names])) & set(names)


def test_the_search_for_a_base_runs_in_a_thread_and_is_not_repeated(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(environment, "base_pythons", lambda _: [str(tmp_path / "python3.9"), sys.executable])
    (tmp_path / "python3.9").touch()

    class Old(environment.Child):
        def __init__(self, command, **options):
            started.append(command[0])
            code = "print('it is 3.9.1')" if command[0] != sys.executable else "print('ok')"
            super().__init__([sys.executable, "-I", "-c", code], **options)

    monkeypatch.setattr(environment, "Child", Old)
    search = environment.BaseSearch()
    wait_for(lambda: search.ended)
    assert started == [str(tmp_path / "python3.9"), sys.executable]
    assert environment.find_base() == sys.executable
    assert len(started) == 2, "the answers are kept"
    os.utime(tmp_path / "python3.9", (1, 1))
    assert environment.find_base() == sys.executable
    assert len(started) == 3, "a file that has changed is asked again"
    assert "cannot be run" in environment.check_base(str(tmp_path / "nothing"))


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
