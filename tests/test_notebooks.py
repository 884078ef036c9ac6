"""The notebooks as they are committed: complete outputs of one run, small, of no machine in particular, and listed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.skipif(not NOTEBOOKS, reason="the source distribution has no notebooks")

# Folders of a machine, names of users, addresses of objects.
_LOCAL = re.compile(r"/(?:home|root|Users|tmp|work|var)/\w|[A-Z]:\\\\Users|at 0x[0-9a-f]{6}")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param, json.loads(request.param.read_text("utf-8"))


def code_cells(content):
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


def test_holds_the_outputs_of_one_run(notebook):
    path, content = notebook
    cells = code_cells(content)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert pictures
    assert path.stat().st_size < 700_000


def test_names_no_machine(notebook):
    _, content = notebook
    for cell in code_cells(content):
        for output in cell["outputs"]:
            data = {kind: part for kind, part in output.get("data", {}).items() if not kind.startswith("image/")}
            for part in (output.get("text", ""), *data.values()):
                text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", "".join(map(str, part)))
                assert not _LOCAL.search(text), _LOCAL.search(text)


def test_is_listed(notebook):
    path, _ = notebook
    assert f"(../notebooks/{path.name})" in (ROOT / "docs" / "start.md").read_text("utf-8")
    assert f"(notebooks/{path.name})" in (ROOT / "README.md").read_text("utf-8")
