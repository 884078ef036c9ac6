"""Errors that the system causes are named as what they are."""

from __future__ import annotations

import pickle

import pytest

from geoseg.errors import ContractError, InputError, known_cause


def _caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory: give a smaller --memory or --window"),
        (RuntimeError("can't start new thread"), "out of memory"),
        (ImportError("libtorch.so: failed to map segment from shared object"), "out of memory"),
        (_caused(ValueError("no"), MemoryError()), "out of memory"),
        (OSError("Could not find/load shared object file"), "llvmlite cannot be loaded"),
        (UnicodeEncodeError("utf-8", "a\udcff.tif", 1, 2, "surrogates not allowed"), "not valid Unicode text"),
        (PermissionError(13, "Permission denied", "a.tif"), "a.tif: Permission denied"),
        (OSError(36, "File name too long", "a" * 300), "File name too long"),
    ],
)
def test_what_the_system_caused(error, words):
    assert words in known_cause(error)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError(1), OSError("x"), OSError(5, "Input/output error")])
def test_what_it_did_not_is_a_fault(error):
    assert known_cause(error) is None


def test_errors_travel_between_processes():
    for error in (InputError("a\x1b"), ContractError("a\nb", suggested_options={"scale": "1"})):
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
