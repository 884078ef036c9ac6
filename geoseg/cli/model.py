"""``geoseg model``: list, show, check."""

from __future__ import annotations

import json

import click


@click.group()
def model() -> None:
    """List, show and check models."""


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array instead of a table.")
def list_(*, as_json: bool) -> None:
    """List bundled and installed models."""
    from geoseg.models import DEFAULT_MODEL, list_models

    cards = list_models()
    if as_json:
        rows = [
            {"name": c.name, "default": c.name == DEFAULT_MODEL, "title": c.title, "bands": [b.name for b in c.bands],
             "classes": {k.name: k.color for k in c.classes}}
            for c in cards
        ]  # fmt: skip
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for card in cards:
        mark = " (default)" if card.name == DEFAULT_MODEL else ""
        click.echo(f"{card.name}{mark}: {card.title}\n  bands   {', '.join(b.name for b in card.bands)}")
        click.echo(f"  classes {', '.join(c.name for c in card.classes)}")


@model.command()
@click.argument("name", metavar="MODEL")
@click.option("--json", "as_json", is_flag=True, help="The card as STAC MLM JSON.")
def show(name: str, *, as_json: bool) -> None:
    """Print a model's card."""
    from geoseg.models import load_model

    card = load_model(name).card
    click.echo(card.to_json() if as_json else card.describe())


@model.command()
@click.argument("name", metavar="MODEL")
def check(name: str) -> None:
    """Verify checksums, architecture and a forward pass."""
    from geoseg.models import check_model

    for line in check_model(name):
        click.echo(line)
