"""The examples in docstrings of geoseg.models run and print what they show."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = (
    "card.card",
    "card.scaling",
    "check",
    "export.export",
    "export.options",
    "folder",
    "inference.calibrate",
    "inference.execution",
    "model",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"geoseg.models.{name}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_public_names_have_examples():
    import geoseg.models

    without = {"check_bands", "check_contract", "keep_memory", "measured_rate", "user_models"}
    for name in set(geoseg.models.__all__) - without - {"DEFAULT_MODEL"}:
        assert ">>>" in (getattr(geoseg.models, name).__doc__ or ""), name
