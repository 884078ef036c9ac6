"""The import order is one way, and starting is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "geoseg"

# A module may import those on lower lines, never those above or beside on the same line.
LAYERS = [
    {"errors", "clock"},
    {"classes", "tiling", "sizes", "files"},
    {"raster", "stitch", "locks", "trace"},
    {"models", "progress"},
    {"plan"},
    {"segment"},
    {"write", "failures"},
    {"blocks", "deploy"},
    {"polygonize", "preview", "schedule", "inspection", "live", "inorder", "scenelist"},
    {"products", "demo", "evaluate", "cluster", "report"},
    {"setting", "computing"},
    {"scenerun", "summary", "status"},
    {"job"},
    {"train"},
    {"cli"},
    {"__main__", "__init__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def _imports(path: Path) -> set[str]:
    """Modules of geoseg that a file imports when it runs; imports for type checkers alone do not count."""
    tree = ast.parse(path.read_text("utf-8"))
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("geoseg."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("geoseg.")}
    return names


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    own = parts[0]
    assert own in LEVEL, f"{own} has no place in the order: add it to LAYERS"
    for name in _imports(path) - {own}:
        assert LEVEL[name] < LEVEL[own], f"{path.name} imports geoseg.{name}, which stands above {own}"


def test_polygonize_needs_neither_torch_nor_segment():
    for path in (PACKAGE / "polygonize").rglob("*.py"):
        text = path.read_text("utf-8")
        assert "import torch" not in text
        assert "geoseg.segment.block" not in text


@pytest.mark.parametrize("module", ["geoseg", "geoseg.cli", "geoseg.job.batch", "geoseg.job.inspection", "geoseg.models"])
def test_importing_does_not_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_public_names_are_what_they_say():
    import geoseg
    import geoseg.segment.block

    assert callable(geoseg.segment.block)
    for name in geoseg.__all__:
        assert getattr(geoseg, name)
