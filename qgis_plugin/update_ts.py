"""Brings the translators' files up to date with the source: python qgis_plugin/update_ts.py [--check].

Finds every ``tr("…")`` by Python's own parser, so strings over several lines are found whole, and writes the template
``geoseg_qgis.ts`` and a file for each language. Translations that are there are kept; texts that are new are marked
unfinished, those that are gone are dropped. Then the ``.qm`` files that QGIS reads are compiled by Qt's ``lrelease``
(Debian: qttools5-dev-tools), if it is installed. ``--check`` writes nothing and fails if something is behind or
missing.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import escape

PACKAGE = Path(__file__).resolve().parent / "geoseg_qgis"
FOLDER = PACKAGE / "i18n"
TARGET = FOLDER / "geoseg_qgis.ts"
CONTEXT = "GeoSeg"
LANGUAGES = ("de", "es", "fr", "pt_BR")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


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


def language_file(language: str) -> Path:
    """Return the translators' file of a language."""
    return FOLDER / f"geoseg_qgis_{language}.ts"


def translations(path: Path) -> dict[str, str]:
    """Return the finished translations of a file by source text; empty if there is no file."""
    if not path.is_file():
        return {}
    found = {}
    for message in ET.parse(path).getroot().iter("message"):  # noqa: S314
        translation = message.find("translation")
        if translation is not None and translation.text and translation.get("type") != "unfinished":
            found[message.findtext("source") or ""] = translation.text
    return found


def content(language: str = "", known: dict[str, str] | None = None) -> str:
    """Return a file as Qt's XML: the template, or a language's. Line numbers are left out, as they always change."""
    head = f' language="{language}"' if language else ""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE TS>"]
    lines += [f'<TS version="2.1"{head} sourcelanguage="en">', "<context>", f"    <name>{CONTEXT}</name>"]
    for text, places in messages().items():
        files = sorted({name for name, _ in places})
        lines += ["    <message>", *(f'        <location filename="../{name}"/>' for name in files)]
        lines.append(f"        <source>{escape(text)}</source>")
        translated = (known or {}).get(text)
        if translated:
            lines.append(f"        <translation>{escape(translated)}</translation>")
        else:
            lines.append('        <translation type="unfinished"></translation>')
        lines.append("    </message>")
    return "\n".join([*lines, "</context>", "</TS>"]) + "\n"


def problems(language: str) -> list[str]:
    """Return what is wrong with a language: texts without translation, placeholders that differ."""
    known = translations(language_file(language))
    found = []
    for text in messages():
        translated = known.get(text)
        if translated is None:
            found.append(f"{language}: not translated: {text!r}")
        elif sorted(_PLACEHOLDER.findall(text)) != sorted(_PLACEHOLDER.findall(translated)):
            found.append(f"{language}: other placeholders than in {text!r}: {translated!r}")
    return found


def compile_all() -> None:
    """Compile the languages, if lrelease is there."""
    program = next((p for p in map(shutil.which, ("lrelease", "lrelease-qt5", "pyside6-lrelease")) if p), None)
    if program is None:
        print("lrelease is not installed: .qm files are left as they are")
        return
    for language in LANGUAGES:
        source = language_file(language)
        subprocess.run([program, "-silent", str(source), "-qm", str(source.with_suffix(".qm"))], check=True)  # noqa: S603


def check() -> None:
    """Fail if a file is behind the source, or a translation is missing or broken."""
    behind = [] if TARGET.is_file() and TARGET.read_text("utf-8") == content() else [TARGET.name]
    for language in LANGUAGES:
        path = language_file(language)
        if not path.is_file() or path.read_text("utf-8") != content(language, translations(path)):
            behind.append(path.name)
    if behind:
        sys.exit(f"{', '.join(behind)}: behind the source: run python qgis_plugin/update_ts.py")
    wrong = [text for language in LANGUAGES for text in problems(language)]
    if wrong:
        sys.exit("\n".join(wrong))


def main() -> None:
    """Write all files, or with ``--check`` say whether they are up to date."""
    if "--check" in sys.argv[1:]:
        check()
        return
    FOLDER.mkdir(exist_ok=True)
    TARGET.write_text(content(), "utf-8")
    for language in LANGUAGES:
        path = language_file(language)
        path.write_text(content(language, translations(path)), "utf-8")
    compile_all()
    wrong = [text for language in LANGUAGES for text in problems(language)]
    print("\n".join([f"{FOLDER}: {len(messages())} texts, {len(wrong)} to be translated", *wrong]))


if __name__ == "__main__":
    main()
