"""The import order is one way, no two files import each other, and starting is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "geoseg"

# The order of geoseg/__init__.py, top down: a line may import from those below it, never from its own or those above.
LAYERS = [
    {"__init__", "__main__"},
    {"cli"},
    {"demo"},
    {"change"},
    {"train", "job"},
    {"evaluate", "polygonize"},
    {"segment"},
    {"write", "models"},
    {"raster", "progress"},
    {"classes", "tiling", "system", "geodesy"},
    {"jit"},
    {"errors", "_version"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

FILES = {
    ".".join(("geoseg", *(parts[:-1] if parts[-1] == "__init__" else parts))): path
    for path in sorted(PACKAGE.rglob("*.py"))
    for parts in [path.relative_to(PACKAGE).with_suffix("").parts]
}


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, in full: at its top, in functions, under TYPE_CHECKING, by relative names."""
    parts = ("geoseg", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*parts[: len(parts) - node.level + 1], node.module or ""]).strip(".")
            module = base if node.level else node.module or ""
            for alias in node.names:
                # `from package import module` imports the module, `from package import name` the package's __init__.
                yield f"{module}.{alias.name}" if f"{module}.{alias.name}" in FILES else module


GRAPH = {name: {other for other in imported(path) if other in FILES} - {name} for name, path in FILES.items()}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of nodes that reach one another (Tarjan 1972, SIAM J. Comput. 1(2), doi:10.1137/0201010)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set()}) == []


def test_no_circle_between_files():
    assert circles(GRAPH) == []


def test_no_circle_between_packages():
    def package(name: str) -> str:
        return [*name.split("."), "__init__"][1]

    graph: dict[str, set[str]] = {}
    for name, others in GRAPH.items():
        graph.setdefault(package(name), set()).update({package(other) for other in others} - {package(name)})
    assert circles(graph) == []


@pytest.mark.parametrize("name", sorted(FILES), ids=lambda name: name.removeprefix("geoseg."))
def test_imports_go_one_way(name):
    own = [*name.split("."), "__init__"][1]
    assert own in LEVEL, f"{own} has no place in the order: add it to LAYERS and to geoseg/__init__.py"
    for other in GRAPH[name]:
        theirs = [*other.split("."), "__init__"][1]
        assert theirs == own or LEVEL[theirs] > LEVEL[own], f"{name} imports {other}, which stands above it"


def test_the_order_is_written_at_the_door():
    import geoseg

    listed = [line for line in (geoseg.__doc__ or "").splitlines() if line.startswith("    ")]
    assert len(listed) == len(LAYERS)
    for line, layer in zip(listed, LAYERS, strict=True):
        names = {word.strip(",") for word in line[:40].split()}
        assert names >= layer - {"__init__"}, line


def test_the_top_has_few_entries():
    entries = [path.name for path in PACKAGE.iterdir() if not path.name.startswith("__pycache__")]
    assert len([name for name in entries if name != "py.typed"]) <= 21


@pytest.mark.parametrize("package", sorted({path.parent for path in FILES.values()}), ids=lambda path: path.name)
def test_packages_are_small_and_say_what_they_are(package):
    files = [path for path in package.glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= 16
    for path in files:
        assert len(path.read_text("utf-8").splitlines()) <= 450, f"{path.relative_to(PACKAGE)} is long: split it"
    doc = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8")))
    assert doc, f"{package.name}/__init__.py does not say what the package is for"
    if package != PACKAGE and package.name not in ("jit", "cli", "bundled"):
        assert len(doc.splitlines()) <= 10
        assert "May import" in doc or "may import" in doc


def _reaches(start: str, *, late: bool) -> set[str]:
    """Outside modules that importing a file imports; with ``late`` also those that its functions import."""
    seen, outside, todo = set(), set(), [start]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        tree = ast.parse(FILES[name].read_text("utf-8"))
        outside |= {other for other in (imported(FILES[name]) if late else _at_import(tree)) if other not in FILES}
        todo += GRAPH[name] if late else [other for other in _at_import(tree) if other in FILES]
    return outside


def _at_import(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in FILES else node.module


def test_polygonize_needs_neither_torch_nor_segment():
    for name, path in FILES.items():
        if name.split(".")[1:2] == ["polygonize"]:
            for other in imported(path):
                assert other.split(".")[0] not in ("torch", "torchvision", "segmentation_models_pytorch"), name
                assert not other.startswith("geoseg.segment"), name
    assert not any(other.split(".")[0] == "torch" for other in _reaches("geoseg.polygonize", late=True))


def test_the_compiler_knows_nothing_of_polygons():
    for name, path in FILES.items():
        if name.startswith("geoseg.jit"):
            own = {other for other in imported(path) if other.startswith("geoseg")}
            assert all(other.startswith(("geoseg.jit", "geoseg.errors")) for other in own), name


@pytest.mark.parametrize("module", ["geoseg", "geoseg.cli", "geoseg.job", "geoseg.segment.inspection", "geoseg.models"])
def test_importing_does_not_import_torch(module):
    assert not any(other.split(".")[0] == "torch" for other in _reaches(module, late=False))
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_public_names_are_what_they_say():
    import geoseg
    import geoseg.segment  # a submodule of the same name must not hide the function

    assert callable(geoseg.segment)
    for name in geoseg.__all__:
        assert getattr(geoseg, name)
