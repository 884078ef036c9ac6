"""Rules that hold for the plugin's source: old Pythons, Qt 6, translation, no packages."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.qgis_plugin.conftest import PLUGIN

FILES = sorted((PLUGIN / "geoseg_qgis").rglob("*.py"))
WITHOUT_QGIS = (
    "runner.py",
    "environment.py",
    "installation.py",
    "install_progress.py",
    "commands.py",
    "work.py",
    "uncertain.py",
    "change_report.py",
    "warm.py",
    "estimates.py",
    "clip.py",
    "words.py",
    "__init__.py",
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_python_3_9(path):
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
    has_future = any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in tree.body)
    assert has_future, "annotations must not be evaluated on Python 3.9"


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_but_the_standard_library_and_qgis(path):
    allowed = {*sys.stdlib_module_names, "qgis", "processing"}
    if path.name in WITHOUT_QGIS:
        allowed -= {"qgis", "processing"}
    if path.name == "clip.py":
        allowed.add("osgeo")  # every QGIS has it: Processing needs it
    names = set(_imported(path))
    assert {name.split(".")[0] for name in names} <= allowed
    # PyQt5 and PyQt6 are met through qgis.PyQt alone.
    assert not any(name.startswith("PyQt") for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_text_can_be_translated(path):
    """tr() of something that is put together at run time is never found by the translator's tools."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr":
            assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}"


def test_files_stay_readable():
    for path in FILES:
        assert len(path.read_text("utf-8").splitlines()) <= 400, path.name
