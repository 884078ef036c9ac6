"""``.. public-names:: PACKAGE``: what a package's ``__all__`` names, each with its signature and docstring.

A name that several packages offer is described by the first of ``public_doors`` (conf.py) and linked from the others.
References to the module in which a name is defined lead to the page that describes it.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from pydantic import BaseModel
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective


def defined_at(value: Any) -> str | None:
    """Return module and name of a class or function where it is defined."""
    home, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    return f"{home}.{name}" if home and name and not isinstance(value, str) else None


def documented(doors: tuple[str, ...]) -> dict[str, str]:
    """Return the name under which each public class and function is described, by where it is defined."""
    found: dict[str, str] = {}
    for door in doors:
        module = importlib.import_module(door)
        for name in module.__all__:
            home = defined_at(getattr(module, name))
            if home is not None:
                found.setdefault(home, f"{door}.{name}")
    return found


def directive_for(value: Any) -> str:
    """Return the autodoc directive that fits a value."""
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, Exception) else "autoclass"
    return "autofunction"


def constant(full: str, value: object) -> list[str]:
    """Return the lines of a constant: its value, and what its module says below it."""
    name = full.rpartition(".")[2]
    inside = [module for module in sorted(sys.modules) if module.startswith("geoseg.")]
    docs = (ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name), []) for module in inside)
    text = next((lines for lines in docs if any(lines)), [])
    return [f".. py:data:: {full}", f"   :value: {value!r}", "", *(f"   {line}" for line in text), ""]


class PublicNames(SphinxDirective):
    """Descriptions of a package's public names; ``:also:`` adds others by their full names."""

    required_arguments = 1
    option_spec = {"also": directives.unchanged, "names": directives.unchanged}  # noqa: RUF012  as docutils has it

    def run(self) -> list[nodes.Node]:
        """Return them."""
        door = self.arguments[0]
        module = importlib.import_module(door)
        homes = documented(self.config.public_doors)
        names = self.options.get("names", " ".join(getattr(module, "__all__", ()))).split()
        lines, links = [], []
        for full in [*(f"{door}.{name}" for name in names), *self.options.get("also", "").split()]:
            value = getattr(importlib.import_module(full.rpartition(".")[0]), full.rpartition(".")[2])
            shown_as = homes.get(defined_at(value) or "", full)
            if isinstance(value, str) and full.endswith("__version__"):
                continue
            if shown_as != full:
                links.append(f":py:obj:`{shown_as}`")
                continue
            if not callable(value):
                lines += constant(full, value)
                continue
            kind = directive_for(value)
            lines += [f".. {kind}:: {full}", *(["   :members:"] if kind.endswith(("class", "exception")) else []), ""]
        also = [f"Also here: {', '.join(links)}.", ""] if links else []
        return self.parse_text_to_nodes("\n".join(also + lines))


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element) -> nodes.Element | None:
    """Lead a reference to a name's defining module, or a bare name, to its description."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].lstrip(".~")
    homes = app.config.public_homes
    found = homes.get(target)
    if found is None and "." not in target:
        found = next((shown_as for home, shown_as in homes.items() if home.endswith(f".{target}")), None)
    if found is None:
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", found, node, text)


def signature(_: Sphinx, what: str, __: str, value: Any, ___: Any, text: str, returns: str) -> tuple[str, str] | None:
    """Write defaults that are made anew as ``...``, and a pydantic model's fields as its source has them."""
    if what == "class" and issubclass(value, BaseModel):
        fields = [
            f"{key}: {value.__annotations__[key]}" + ("" if field.is_required() else f" = {default_of(field)}")
            for key, field in value.model_fields.items()
            if not field.exclude
        ]
        return f"(*, {', '.join(fields)})", ""
    return (text.replace("<factory>", "..."), returns) if text and "<factory>" in text else None


def join_names(_: Sphinx, __: str, ___: str, ____: Any, _____: Any, lines: list[str]) -> None:
    """Keep ``a, b`` as one entry of a field list: Sphinx takes the word before a space for a type."""
    for i, line in enumerate(lines):
        if match := re.match(r":ivar (\w+(?:, \w+)+):", line):
            lines[i] = line.replace(match[1], match[1].replace(", ", ",\u200b"), 1)


def skip_tuple_fields(_: Sphinx, __: str, ___: str, value: Any, ____: bool, _____: Any) -> bool | None:  # noqa: FBT001
    """Leave out what Python itself says of a named tuple's fields."""
    return True if str(getattr(value, "__doc__", "")).startswith("Alias for field number") else None


def default_of(field: Any) -> str:
    """Return a field's default as text."""
    return "..." if field.default_factory is not None else repr(field.default)


def find_homes(app: Sphinx) -> None:
    """Read the packages once."""
    app.config.public_homes = documented(app.config.public_doors)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register directive and resolver."""
    app.add_config_value("public_doors", (), "env")
    app.add_config_value("public_homes", {}, "")
    app.add_directive("public-names", PublicNames)
    app.connect("builder-inited", find_homes)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", skip_tuple_fields)
    app.connect("autodoc-process-docstring", join_names, priority=600)  # after napoleon
    app.connect("missing-reference", resolve)
    return {"version": "1", "parallel_read_safe": True}
