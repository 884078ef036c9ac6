"""Foreign text: whatever it holds, one visible line comes out, and JSON stays the same value."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.errors.printable import LONGEST, printable
from geoseg.system.text import escaped_json, printable_json, printable_lines, rounded

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # with lone surrogates
HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(ANY_TEXT)
def test_one_line_without_control_characters(text):
    line = printable(text)
    assert not {unicodedata.category(one) for one in line} & HARMFUL
    line.encode("utf-8")
    assert len(line.splitlines()) <= 1
    assert printable(line) == line


@given(
    st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u115f\u1160\u3164\uffa0\u2800"))
)
def test_visible_text_stays(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x\x1b[2Jerror: forged\nerror: second", r"x\x1b[2Jerror: forged\nerror: second"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\r\tb", r"a\r\tb"),
        ("gpj.\u202efit", r"gpj.\u202efit"),
        ("wa\u200bter", r"wa\u200bter"),
        ("\udcff.tif", r"\udcff.tif"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("a\u2028b\u3164", r"a\u2028b\u3164"),
        (r"C:\maps\é 水 😀", r"C:\maps\é 水 😀"),
    ],
)
def test_examples(text, line):
    assert printable(text) == line


def test_long_text_keeps_both_ends():
    line = printable("a" * 10_000 + "b" * 10_000)
    assert line.startswith("aaa")
    assert line.endswith("bbb")
    assert f"({20_000 - LONGEST:,} more characters)" in line
    assert len(line) < LONGEST + 40
    assert printable("a" * 10_000, None) == "a" * 10_000


@given(ANY_TEXT)
def test_lines_are_those_of_the_text(text):
    assert printable_lines(text).count("\n") == text.count("\n")
    assert not {unicodedata.category(one) for one in printable_lines(text) if one not in "\n\t"} & HARMFUL


@given(
    st.dictionaries(ANY_TEXT, st.one_of(ANY_TEXT, st.lists(ANY_TEXT))), st.sampled_from(["utf-8", "ascii", "cp1252"])
)
def test_json_keeps_its_value_and_fits_the_stream(value, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    line = printable_json(value, stream=stream)
    line.encode(encoding if encoding != "cp1252" else "ascii")
    assert not {unicodedata.category(one) for one in line} & HARMFUL
    # A pair of surrogates that stand apart in Python is one character in JSON.
    assert json.loads(line) == json.loads(json.dumps(value))
    indented = escaped_json(json.dumps(value, indent=2, ensure_ascii=False), stream=stream)
    assert json.loads(indented) == json.loads(json.dumps(value))


@given(st.floats(-1e12, 1e12))
def test_rounded_values_have_three_digits_and_can_be_given_to_an_option(value):
    text = rounded(value)
    assert float(text) == pytest.approx(value, rel=5.1e-3, abs=0)
    assert f"{float(text):.3g}" == f"{value:.3g}"
    assert "e+" not in text
