"""Memory settings of the process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from geoseg.models import keep_memory
from geoseg.models.inference import malloc
from geoseg.models.inference.malloc import stay_below, stay_near

CODE = """
import numpy as np, resource, sys
from geoseg.models import keep_memory
from geoseg.models.inference import malloc
if sys.argv[1] == "keep":
    assert keep_memory()
np.ones(8_000_000, np.float32)  # the first one has to be faulted in anyway
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(8_000_000, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


HELD = """
import numpy as np
from geoseg.models.inference import malloc
malloc.keep_memory()
blocks = [np.ones(1 << 18, np.float32) for _ in range(400)]
del blocks[::2]  # holes of 1 MB: 200 of the 400 MB
before = malloc._resident()
assert not malloc.stay_below(2 * before) and malloc._resident() > before - 10e6
assert malloc.stay_below(before)
after = malloc._resident()
print(before - after)
assert not malloc.stay_below(after // 2)  # there is no more to be had
blocks += [np.ones(1 << 18, np.float32) for _ in range(100)]
assert malloc.stay_below(after // 2)  # there may be now
"""

NEAR = """
import numpy as np
from geoseg.models.inference import malloc
blocks = [np.ones(1 << 18, np.float32) for _ in range(10)]
assert not malloc.stay_near(1)  # nothing is kept yet
malloc.keep_memory()
blocks = [np.ones(1 << 18, np.float32) for _ in range(400)]
del blocks[::2]
before = malloc._resident()
assert not malloc.stay_near(2 * before)
assert malloc.stay_near(before // 2)
print(before - malloc._resident())
assert not malloc.stay_near(before // 2)  # not twice in a row
malloc._last_trim -= malloc._PAUSE
assert malloc.stay_near(before // 2)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")


@glibc
def test_holes_are_given_back_near_the_budget_and_not_before():
    result = subprocess.run([sys.executable, "-c", HELD], check=True, capture_output=True, text=True)
    assert int(result.stdout) > 150e6


@glibc
def test_holes_are_given_back_above_what_was_expected_now_and_then():
    result = subprocess.run([sys.executable, "-c", NEAR], check=True, capture_output=True, text=True)
    assert int(result.stdout) > 150e6


@glibc
def test_freed_memory_is_not_faulted_in_again():
    faults = {
        mode: int(subprocess.run([sys.executable, "-c", CODE, mode], check=True, capture_output=True, text=True).stdout)
        for mode in ("keep", "default")
    }
    assert faults["keep"] * 3 + 30 < faults["default"]


def test_elsewhere_it_does_nothing(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(malloc, "_keeps", True)  # as after keep_memory() elsewhere in this process
    monkeypatch.setattr(malloc, "_last_trim", -malloc._PAUSE)
    assert keep_memory() is False
    assert stay_below(1) is False
    assert stay_near(1) is False
