"""Sizes as people write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.errors import OptionError
from geoseg.system.resources import format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4 * 10**9), ("4 GB", 4 * 10**9), (" 4 gb ", 4 * 10**9), ("512MB", 512 * 10**6), ("1.5GiB", 3 * 2**29),
        ("4 GiB", 4 * 2**30), ("2g", 2 * 10**9), ("3M", 3 * 10**6), ("1TiB", 2**40), ("100", 100), ("2e9", 2 * 10**9),
        ("1e3 kB", 10**6), (123, 123), (1.5e9, 1_500_000_000), (np.int64(7), 7),
    ],
)  # fmt: skip
def test_sizes(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "GB", "nan", "inf", "-4GB", "0", "0.2", "4 apples", "1e999", "4GB4", "1,5GB", 0, -1, 0.0, float("nan"), True,
     float("inf"), None],
)  # fmt: skip
def test_not_a_size(text):
    with pytest.raises(OptionError) as caught:
        parse_bytes(text)
    assert repr(text) in str(caught.value)
    assert "4GB" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.integers(1, 10**15))
def test_what_is_written_is_read(size):
    assert abs(parse_bytes(format_bytes(size)) - size) <= max(size * 0.06, 1)
