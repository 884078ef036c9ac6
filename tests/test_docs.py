"""The documentation says what is true: links lead somewhere, every command is described, the README stays short."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

import geoseg
from geoseg.cli import cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the source distribution has no docs")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """A page without its fenced code."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_files_and_headings(page):
    broken = []
    for link in LINK.findall(prose(page)):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        where = (page.parent / target).resolve() if target else page
        if not where.is_relative_to(ROOT) or not where.exists():
            broken.append(target)
        elif anchor and anchor not in anchors(where):
            broken.append(f"{target}#{anchor}")
    assert not broken


def test_the_readme_is_short_and_has_the_commands_that_are_run_from_it():
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.split()) <= 900
    assert "pip install . && geoseg demo" in text
    assert 'pip install -e ".[test]" && pytest' in text


def test_files_named_by_the_architecture_page_exist():
    text = prose(ROOT / "docs" / "architecture.md").partition("### Inside the larger packages")[0]
    named = re.findall(r"`((?:\w+/)+\w+\.py)", text)
    missing = [name for name in named if not ((ROOT / name).exists() or (ROOT / "geoseg" / name).exists())]
    assert named
    assert not missing


def extension(name: str) -> ModuleType:
    """One of the site's own Sphinx extensions."""
    pytest.importorskip("sphinx", reason="the extra docs is not installed")
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def every_command(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    """All that can be called, hidden or not, found without the extension."""
    context = click.Context(group)
    for child in group.list_commands(context):
        command = group.get_command(context, child)
        assert command is not None
        yield f"{name} {child}", command
        if isinstance(command, click.Group):
            yield from every_command(command, f"{name} {child}")


def test_every_command_and_option_is_in_the_reference():
    reference = extension("command_reference")
    sections = {found[0]: "\n".join(reference.section(*found)) for found in reference.commands(cli, "geoseg")}
    for name, command in every_command(cli, "geoseg"):
        # A hidden command is what its group runs where none is named.
        text = sections[name.rpartition(" ")[0] if command.hidden else name]
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert all(re.search(rf"option:: .*{re.escape(flag)}\b", text) for flag in option.opts), (name, option)
    assert "geoseg segment" in sections
    assert "MAP REFERENCE" in sections["geoseg evaluate"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("A_B *c* |d|", r"A\_B \*c\* \|d\|"),
        ("See --scale.", "See \\ ``--scale``\\ ."),
        ("run `geoseg x --y` now", "run \\ ``geoseg x --y``\\  now"),
        ("0…1, a-b", "0…1, a-b"),
    ],
)
def test_help_text_stands_for_itself_in_restructured_text(text, expected):
    assert extension("command_reference").escaped(text) == expected


def test_every_public_name_has_one_description():
    public = extension("public_names")
    doors = tuple(re.findall(r'^    "(geoseg[\w.]*)",$', (ROOT / "docs" / "conf.py").read_text("utf-8"), re.MULTILINE))
    assert doors[0] == "geoseg"
    homes = public.documented(doors)
    for name in set(geoseg.__all__) - {"__version__"}:
        assert homes[public.defined_at(getattr(geoseg, name))] == f"geoseg.{name}"
    pages = "\n".join(path.read_text("utf-8") for path in (ROOT / "docs" / "api").glob("*.rst"))
    described = set(re.findall(r"public-names:: (\S+)", pages))
    assert set(doors) - described <= {"geoseg.progress"}  # named on the page of geoseg.job


def command_lines() -> Iterator[tuple[str, str]]:
    """Every line that calls geoseg in the pages' shell blocks, with its page."""
    for page in PAGES:
        for block in re.findall(r"^```(?:sh|bash|shell)\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            for line in block.replace("\\\n", " ").splitlines():
                for part in re.split(r"&&|\||;|\$\(", line.partition(" #")[0]):
                    words = part.strip().split(maxsplit=1)
                    if words[:1] == ["geoseg"]:
                        yield page.name, part.strip().removesuffix(')"')


COMMAND_LINES = sorted(set(command_lines()))


@pytest.mark.parametrize(("page", "line"), COMMAND_LINES, ids=[f"{page}: {line}" for page, line in COMMAND_LINES])
def test_commands_of_the_pages_are_understood(page, line):
    """The command exists, and so do its options; values that stand for others (…) are left alone."""
    import shlex

    words = shlex.split(line, comments=True)[1:]
    words = [word for word in words if word not in ("--debug", "--die-with-parent", "…")]
    if ">" in words:
        words = words[: words.index(">")]
    command, context = cli, click.Context(cli, info_name="geoseg")
    while isinstance(command, click.Group):
        context = command.make_context(command.name or "geoseg", list(words), parent=context, resilient_parsing=True)
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None, name
    command.make_context(command.name, list(words), parent=context)


def test_messages_of_the_page_are_those_of_the_code():
    found = extension("collected_messages").collected() if importlib.util.find_spec("sphinx") else _script().collected()
    texts = [text for section in found.values() for text in section]
    assert len(texts) > 500
    assert "{label}: no such file; check the path" in texts
    assert "out of memory" not in " ".join(found["Notes"])
    # One voice: a package is asked for in words that every shell understands, cmd.exe too, and nothing ends in a stop.
    for text in texts:
        assert "pip install '" not in text
        assert not text.endswith((". ", "!", "\n"))
        assert "  " not in text


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("collect_messages", ROOT / "scripts" / "collect_messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
