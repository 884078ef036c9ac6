"""``.. command-reference:: MODULE:COMMAND``: every command of a click program with its help and options.

The page is made from the commands themselves when the site is built, so it cannot fall behind them. A hidden command
of a group is what the group runs where no command is named (``geoseg evaluate MAP REFERENCE``): its usage and options
stand under the group's own heading.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

Found = tuple[str, click.Command, click.Context]


def commands(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[Found]:
    """Yield a command and all below it, as full name, command and context."""
    context = click.Context(command, info_name=name.rpartition(" ")[2], parent=parent, **command.context_settings)
    yield name, command, context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from commands(found, f"{name} {child}", context)


def shown(command: click.Command, context: click.Context) -> tuple[click.Command, click.Context]:
    """Return the command whose help a group shows as its own, or the command itself."""
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and found.hidden:
                return found, click.Context(found, info_name=context.info_name, parent=context.parent)
    return command, context


def escaped(text: str) -> str:
    """Return help text as reStructuredText: `code` and --options become ``code``, other marks stand for themselves."""
    parts = []
    for quoted, option, plain in re.findall(r"`([^`]+)`|(?<![\w-])(--[a-z][a-z-]*)|([^`-]+|.)", text):
        code = quoted or option
        parts.append(f"\\ ``{code}``\\ " if code else re.sub(r"([\\*_|`<>])", r"\\\1", plain))
    return "".join(parts).removeprefix("\\ ")


def described(text: str) -> Iterator[str]:
    r"""Yield the lines of a command's help; a paragraph marked ``\b`` stays as it is written."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in paragraph.splitlines()]
        if lines[0] == "\b":
            yield from ("::", "", *(f"    {line}" for line in lines[1:]), "")
        else:
            yield from (escaped(" ".join(lines)), "")


def section(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield one command as lines of reStructuredText."""
    command, context = shown(command, context)
    yield from (name, "-" * len(name), "")
    yield from described(command.help or "")
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (".. code-block:: text", "", f"    {name} {usage}", "")
    yield from (f".. program:: {name}", "")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or not record[1]:  # hidden, or an argument, whose name stands in the usage
            continue
        names, text = record
        extra = re.search(r"\s*(\[[^\[\]]*\])$", text)
        body = escaped(text[: extra.start()] if extra else text)
        yield from (f".. option:: {names}", "", f"    {body}" + (f" *{escaped(extra[1])}*" if extra else ""), "")


class CommandReference(SphinxDirective):
    """A section for each command."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        module, _, attribute = self.arguments[0].partition(":")
        program: Any = getattr(importlib.import_module(module), attribute)
        lines = [line for found in commands(program, module.partition(".")[0]) for line in section(*found)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("command-reference", CommandReference)
    return {"version": "1", "parallel_read_safe": True}
