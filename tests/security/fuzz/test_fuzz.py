"""Every fuzz target: a second in the usual tests, five minutes with ``-m fuzz``."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.security.fuzz.runner import campaign, guarded

TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in Path(__file__).parent.glob("fuzz_*.py"))


def _target(name):
    if name.startswith("onnx"):
        pytest.importorskip("onnx")
    return importlib.import_module(f"tests.security.fuzz.fuzz_{name}")


@pytest.mark.parametrize("name", TARGETS)
def test_a_short_campaign(name):
    module = _target(name)
    assert [guarded(module.target, data) for data in module.seeds()].count(None) >= 1
    finds = campaign(module.target, module.seeds(), 1.0, least=25, mutate=getattr(module, "mutate", None))
    assert not finds.kinds, str(finds)


@pytest.mark.fuzz
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TARGETS)
def test_five_minutes(name):
    module = _target(name)
    finds = campaign(module.target, module.seeds(), 300.0, seed=1, mutate=getattr(module, "mutate", None))
    print(finds)
    assert not finds.kinds, str(finds)


def test_the_runner_finds_defects():
    def broken(data: bytes) -> None:
        if b"null" in data:
            raise KeyError(data)

    assert [kind.partition(" ")[0] for kind in campaign(broken, [b'{"a": 1}'], 0.5).kinds] == ["KeyError"]
