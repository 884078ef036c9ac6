"""The zip: reproducible, complete, nothing that does not belong; what the plugin repository's scanners say; Qt 6."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.qgis_plugin.conftest import PLUGIN


def _build(folder: Path) -> Path:
    call = [sys.executable, str(PLUGIN / "build_zip.py"), "--without-wheel", str(folder)]
    subprocess.run(call, check=True, capture_output=True)
    (found,) = folder.glob("*.zip")
    return found


def test_the_zip_is_reproducible_and_complete(tmp_path):
    first, second = _build(tmp_path / "a"), _build(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        metadata = archive.read("geoseg_qgis/metadata.txt").decode()
    assert {name.split("/")[0] for name in names} == {"geoseg_qgis"}
    for wanted in ("__init__.py", "LICENSE", "metadata.txt", "icon.svg", "help/index.html", "i18n/geoseg_qgis.ts"):
        assert f"geoseg_qgis/{wanted}" in names
    assert not any("__pycache__" in name or "/." in name or name.endswith(".pyc") for name in names)
    assert "qgisMinimumVersion=3.22" in metadata
    assert "qgisMaximumVersion=4.99" in metadata
    assert first.stat().st_size < 2 * 2**20


@pytest.mark.skipif(not importlib.util.find_spec("hatchling"), reason="hatchling is not installed")
def test_the_zip_with_geoseg_carries_its_wheel(tmp_path):
    for folder in ("a", "b"):
        call = [sys.executable, str(PLUGIN / "build_zip.py"), str(tmp_path / folder)]
        subprocess.run(call, check=True, capture_output=True)
    names = {path.name for path in (tmp_path / "a").glob("*.zip")}
    (full,) = (name for name in names if "with-geoseg" in name)
    assert len(names) == 2
    assert (tmp_path / "a" / full).read_bytes() == (tmp_path / "b" / full).read_bytes()
    assert (tmp_path / "a" / full).stat().st_size < 25 * 2**20
    with zipfile.ZipFile(tmp_path / "a" / full) as archive:
        (wheel,) = (name for name in archive.namelist() if name.endswith(".whl"))
        archive.extract(wheel, tmp_path)
    with zipfile.ZipFile(tmp_path / wheel) as archive:
        inside = archive.namelist()
        (facts,) = (archive.read(name).decode() for name in inside if name.endswith("METADATA"))
    assert "geoseg/__main__.py" in inside
    assert "Provides-Extra: train" in facts
    # The plugin repository takes no binary files, and a wheel is one to its scanner.
    with zipfile.ZipFile(next((tmp_path / "a").glob("geoseg_qgis-*[0-9].zip"))) as archive:
        assert not any(name.endswith(".whl") for name in archive.namelist())


def test_versions_are_one():
    text = (PLUGIN.parent / "geoseg" / "_version.py").read_text("utf-8")
    metadata = (PLUGIN / "geoseg_qgis" / "metadata.txt").read_text("utf-8")
    version = next(line.partition("=")[2] for line in metadata.splitlines() if line.startswith("version="))
    assert f'__version__ = "{version}"' in text


def test_licences_are_one():
    assert (PLUGIN / "geoseg_qgis" / "LICENSE").read_bytes() == (PLUGIN.parent / "LICENSE").read_bytes()


def test_pictures_of_the_help_are_there():
    folder = PLUGIN / "geoseg_qgis" / "help"
    text = (folder / "index.html").read_text("utf-8")
    named = {part.split('"')[0] for part in text.split('src="')[1:]}
    assert named
    assert {path.name for path in folder.glob("*.png")} == named
    for anchor in ("segment", "polygonize", "evaluate", "train", "sketch", "next", "inspect"):
        assert f'id="{anchor}"' in text


@pytest.mark.skipif(not importlib.util.find_spec("bandit"), reason="bandit is not installed")
def test_bandit_finds_nothing():
    call = [sys.executable, "-m", "bandit", "-q", "-r", str(PLUGIN / "geoseg_qgis"), "-f", "json"]
    found = subprocess.run(call, capture_output=True, text=True, check=False)
    assert json.loads(found.stdout)["results"] == []


@pytest.mark.skipif(not importlib.util.find_spec("detect_secrets"), reason="detect-secrets is not installed")
def test_no_secrets():
    call = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", str(PLUGIN / "geoseg_qgis")]
    found = subprocess.run(call, capture_output=True, text=True, check=True)
    assert json.loads(found.stdout)["results"] == {}


@pytest.mark.skipif(not importlib.util.find_spec("PyQt6"), reason="PyQt6 is not installed")
def test_widgets_under_qt6():
    call = [sys.executable, str(Path(__file__).with_name("qt6.py"))]
    found = subprocess.run(call, capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 0, found.stderr
