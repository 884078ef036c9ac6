"""``.. collected-messages::``: every error, warning and note of geoseg, collected from its code when the site is built.

The texts come from ``scripts/collect_messages.py``, so the page cannot fall behind them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "collect_messages.py"


def collected() -> dict[str, list[str]]:
    """Return the texts by section."""
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, list[str]] = module.collected()
    return found


class CollectedMessages(SphinxDirective):
    """The directive."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return a section with a list for each kind of message."""
        sections: list[nodes.Node] = []
        for title, texts in collected().items():
            section = nodes.section(ids=[nodes.make_id(title)])
            section += nodes.title(title, title)
            entries = [nodes.list_item("", nodes.paragraph("", "", nodes.literal(text, text))) for text in texts]
            section += nodes.bullet_list("", *entries)
            sections.append(section)
        return sections


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("collected-messages", CollectedMessages)
    return {"parallel_read_safe": True}
