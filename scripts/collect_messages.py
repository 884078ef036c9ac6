"""Collect every error, warning and note of geoseg: ``python scripts/collect_messages.py`` prints them as one page.

The documentation shows the same page (docs/_ext/collected_messages.py). It is read as a whole, so that messages keep
one voice. Values stand as the code names them: ``{path}``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "geoseg"

REPORTERS = {"warning": "Warnings", "warn": "Warnings", "info": "Notes"}
ERRORS = {
    "UsageError": "Wrong usage, exit code 2",
    "fail": "Wrong usage, exit code 2",
    "OptionError": "Options",
    "InputError": "Scenes, labels and other input",
    "ReadError": "Scenes, labels and other input",
    "ChangedError": "Scenes, labels and other input",
    "ContractError": "Scene and model do not fit",
    "ModelError": "Models",
    "DeviceMemoryError": "Models",
    "CompressionError": "Models",
    "AdaptationError": "Models",
    "ClusterError": "Clusters",
    "OutputError": "Output",
    "GeosegError": "Other errors",
}
ORDER = [*dict.fromkeys(ERRORS.values()), "Warnings", "Notes"]


def text_of(node: ast.expr, known: dict[str, ast.expr]) -> str | None:
    """Return the text of an expression, values as ``{name}``; None if it holds no text of its own."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                inner = text_of(part.value, known) if isinstance(part.value, ast.Name) else None
                shown = ast.unparse(part.value).replace("\n", " ")
                parts.append(inner if inner is not None and "{" not in inner else f"{{{name_of(part.value, shown)}}}")
            else:
                parts.append(text_of(part, known) or "")
        return "".join(parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = text_of(node.left, known), text_of(node.right, known)
        return "".join(side or "{…}" for side in sides) if any(sides) else None
    if isinstance(node, ast.IfExp):
        sides = text_of(node.body, known), text_of(node.orelse, known)
        return " / ".join(side for side in sides if side) or None
    if isinstance(node, ast.Name) and node.id in known:
        return text_of(known[node.id], {name: value for name, value in known.items() if name != node.id})
    return None


def name_of(node: ast.expr, shown: str) -> str:
    """Return a short word for a value: the last name of ``self.card.name``, else the expression if it is short."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        arguments = [argument for argument in node.args if isinstance(argument, ast.Name | ast.Attribute)]
        return name_of(arguments[0], "…") if arguments else name_of(node.func, "…")
    return shown if len(shown) <= 24 else "…"


def called(node: ast.Call) -> str:
    """Return the last name of what is called."""
    function = node.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def messages(path: Path) -> Iterator[tuple[str, str]]:
    """Yield section and text of each message of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Module)]
    seen: set[tuple[int, int]] = set()
    for scope in reversed(scopes):  # functions before the module, inner ones first
        known = {
            node.targets[0].id: node.value
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(scope):
            if not isinstance(node, ast.Call) or (node.lineno, node.col_offset) in seen:
                continue
            kind = called(node)
            section = ERRORS.get(kind) or REPORTERS.get(kind)
            if section is None or not node.args:
                continue
            seen.add((node.lineno, node.col_offset))
            if (text := text_of(node.args[0], known)) and " " in text:
                yield section, " ".join(text.split())


def collected() -> dict[str, list[str]]:
    """Return the texts by section, sorted, each once."""
    found: dict[str, set[str]] = {section: set() for section in ORDER}
    for path in sorted(PACKAGE.rglob("*.py")):
        for section, text in messages(path):
            found[section].add(text)
    return {section: sorted(texts) for section, texts in found.items()}


if __name__ == "__main__":
    for section, texts in collected().items():
        print(f"{section}\n{'-' * len(section)}")
        print("\n".join(texts), end="\n\n")
