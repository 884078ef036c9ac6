"""Writes the translators' template from the source: python qgis_plugin/update_ts.py [--check].

Finds every ``tr("…")`` by Python's own parser, so strings over several lines are found whole. Existing translations in
other ``.ts`` files beside it are the translators' business (Qt Linguist, ``lrelease``).
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from xml.sax.saxutils import escape

PACKAGE = Path(__file__).resolve().parent / "geoseg_qgis"
TARGET = PACKAGE / "i18n" / "geoseg_qgis.ts"
CONTEXT = "GeoSeg"


def messages() -> dict[str, list[tuple[str, int]]]:
    """Return every text that is shown, with the places that show it.

    Raises
    ------
    SystemExit
        If a text is put together where it is shown: translators would never see it.
    """
    found: dict[str, list[tuple[str, int]]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
                (text,) = node.args
                if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
                    sys.exit(f"{path}:{node.lineno}: tr() takes a literal")
                found.setdefault(text.value, []).append((str(path.relative_to(PACKAGE).as_posix()), node.lineno))
    return found


def template() -> str:
    """Return the template as Qt's XML. Line numbers are left out: they change with every edit."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE TS>", '<TS version="2.1" sourcelanguage="en">']
    lines += ["<context>", f"    <name>{CONTEXT}</name>"]
    for text, places in messages().items():
        files = sorted({name for name, _ in places})
        lines += ["    <message>", *(f'        <location filename="../{name}"/>' for name in files)]
        lines += [f"        <source>{escape(text)}</source>", '        <translation type="unfinished"></translation>']
        lines.append("    </message>")
    return "\n".join([*lines, "</context>", "</TS>"]) + "\n"


def main() -> None:
    """Write the template, or with ``--check`` say whether it is up to date."""
    text = template()
    if "--check" in sys.argv[1:]:
        if not TARGET.is_file() or TARGET.read_text("utf-8") != text:
            sys.exit(f"{TARGET.name} is behind the source: run python qgis_plugin/update_ts.py")
        return
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, "utf-8")
    print(f"{TARGET}: {text.count('<message>')} texts")


if __name__ == "__main__":
    main()
