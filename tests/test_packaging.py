"""What packages geoseg for others agrees with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from geoseg import __version__

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / ".packaging" / "conda" / "recipe.yaml"
pytestmark = pytest.mark.skipif(not RECIPE.exists(), reason="the source distribution has no recipe")

# Names on conda-forge that are not those on PyPI.
_CONDA = {"torch": "pytorch", "zlib-ng": "python-zlib-ng"}


def requirement(text: str) -> tuple[str, str]:
    """Name and bounds of a requirement, without extras and blanks."""
    name, bounds = re.fullmatch(r"([\w.-]+)(?:\[[^\]]*\])?\s*(.*)", text.strip()).groups()
    return name, bounds.replace(" ", "")


def test_the_recipe_has_the_dependencies_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = dict(map(requirement, project["dependencies"]))
    wanted = {_CONDA.get(name, name): bounds for name, bounds in wanted.items()}
    wanted["distributed"] = wanted["dask"]  # dask[distributed]
    text = RECIPE.read_text("utf-8")
    run = text.partition("  run:\n")[2].partition("\n\n")[0]
    listed = dict(requirement(line.removeprefix("    - ")) for line in run.splitlines())
    assert listed.pop("python").startswith(">=")
    assert listed == wanted
    assert f'python_min: "{project["requires-python"].removeprefix(">=")}"' in text
    assert f'version: "{__version__}"' in text


def test_workflows_store_no_secret_and_ask_for_few_rights():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text("utf-8")
        assert "\npermissions:\n  contents: read\n" in text, path.name
        assert "secrets." not in text, path.name
        assert text.count("actions/checkout@") == text.count("persist-credentials: false"), path.name
        for used in re.findall(r"uses: (.+)", text):  # a tag can be moved
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v[0-9.]+", used), used


def test_the_image_runs_without_rights_and_checks_its_health():
    text = (ROOT / ".packaging" / "Dockerfile").read_text("utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 1000", last, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .*"geoseg", "doctor"', last, re.MULTILINE)
    for copied in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for name in copied.split()[:-1]:
            assert (ROOT / name).exists()
