"""Memory settings of the process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from geoseg.models import keep_memory

CODE = """
import numpy as np, resource, sys
from geoseg.models import keep_memory
if sys.argv[1] == "keep":
    assert keep_memory()
np.ones(8_000_000, np.float32)  # the first one has to be faulted in anyway
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(8_000_000, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_freed_memory_is_not_faulted_in_again():
    faults = {
        mode: int(subprocess.run([sys.executable, "-c", CODE, mode], check=True, capture_output=True, text=True).stdout)
        for mode in ("keep", "default")
    }
    assert faults["keep"] * 3 + 30 < faults["default"]


def test_elsewhere_it_does_nothing(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_memory() is False
