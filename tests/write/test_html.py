"""HTML pages: text stays text, charts are well-formed and to scale, nothing is fetched, no foreign script may run."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geoseg.classes import LAND_COVER, NODATA
from geoseg.write.html import charts
from geoseg.write.html.element import Html, element, join, pairs, table
from geoseg.write.html.page import page, section
from geoseg.write.html.pictures import class_picture, confidence_picture, photograph, ramp
from geoseg.write.html.viewer import Layer, View, map_figure

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x' &amp; \u202e"


class Parsed(HTMLParser):
    """Elements and text of a page, as a browser's parser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_stays_text(content, value):
    parsed = Parsed(element("p", content, [element("b", content), None], title=value))
    assert [tag for tag, _ in parsed.tags] == ["p", "b"]
    from geoseg.errors.printable import printable

    assert parsed.tags[0][1] == {"title": printable(value)}
    assert "".join(parsed.texts) == 2 * printable(content)


def test_only_what_was_made_here_is_html():
    assert join(["<b>", Html("<i></i>"), 7, None, [["x"]]]) == "&lt;b&gt;<i></i>7x"
    assert element("input", checked=True, disabled=False, data_x=None) == "<input checked>"


def test_hostile_text_adds_no_element():
    harmless, hostile = (
        page(text, section(text, pairs([(text, text)]), table(text, [text, text], [[text, text]]),
                           charts.bars(text, [charts.Bar(text, 1, text)])), script=True)
        for text in ("text", HOSTILE)
    )  # fmt: skip
    assert [tag for tag, _ in Parsed(hostile).tags] == [tag for tag, _ in Parsed(harmless).tags]
    assert hostile.count("<script") == 1
    assert not any(name.startswith("on") for _, attributes in Parsed(hostile).tags for name in attributes)


def test_the_policy_allows_the_one_script_and_no_address():
    text = page("title", script=True)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(a["content"] for tag, a in Parsed(text).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "script-src 'none'" in page("title").replace("&#x27;", "'")
    assert not re.search(r"(src|href|url\()\s*=?\s*[\"']?(https?:)?//", text)


SVG = "{http://www.w3.org/2000/svg}"


def shapes(svg: str, tag: str) -> list[dict[str, str]]:
    return [one.attrib for one in ET.fromstring(svg).iter(SVG + tag)]


def test_bars_are_to_scale():
    rows = [charts.Bar("a", 50, "50", "#112233"), charts.Bar("b", 25, "25"), charts.Bar("c", 0, "0"),
            charts.Bar("d", float("nan"), "–")]  # fmt: skip
    svg = charts.bars("areas", rows)
    widths = [float(one["width"]) for one in shapes(svg, "rect")]
    assert widths[1] / widths[0] == pytest.approx(0.5, abs=0.01)
    assert max(widths[2:]) < 1
    assert shapes(svg, "rect")[0]["fill"] == "#112233"
    assert ET.fromstring(svg).attrib["aria-label"] == "areas"


@given(st.lists(st.integers(0, 10**9), min_size=101, max_size=101))
def test_histogram_adds_up(counts):
    svg = charts.histogram("confidence", counts)
    heights = np.array([float(one["height"]) for one in shapes(svg, "rect")])
    sums = np.add.reduceat(np.array(counts, float), np.arange(0, 100, 5))  # the last one includes 100
    assert len(heights) == 20
    np.testing.assert_allclose(heights, 150 * sums / max(sums.max(), 1), atol=0.01)


def test_other_charts_are_well_formed():
    bins = [(k * 10, k * 10 + 10, None if k < 3 else k / 10, k / 45) for k in range(10)]
    assert len(shapes(charts.reliability("x", bins), "rect")) == 7 + 1  # and the frame
    points = [(0.5, 1.0), (0.95, 0.2)]
    circles = shapes(charts.curve("x", points, "IoU", (0.5, 1.0)), "circle")
    assert [float(one["cy"]) for one in circles] == [10, 10 + 280 * 0.8]


def decoded(url: str) -> Image.Image:
    kind, _, data = url.partition(",")
    assert re.fullmatch(r"data:image/(png|jpeg);base64", kind)
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_pictures_have_the_colours_of_the_classes():
    classes = np.array([[0, 5], [3, NODATA]], np.uint8)
    image = np.asarray(decoded(class_picture(classes, LAND_COVER)).convert("RGBA"))
    for (row, col), number in np.ndenumerate(classes):
        if number == NODATA:
            assert image[row, col, 3] == 0
        else:
            assert tuple(image[row, col]) == (*LAND_COVER[number].rgb, 255)


def test_confidence_is_shown_within_three_percent():
    confidence = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = np.asarray(decoded(confidence_picture(confidence)).convert("RGBA")).astype(int)
    for value in range(101):
        near = [ramp(level / 100) for level in range(0, 101, 5) if abs(level - value) <= 3]
        assert tuple(image[value // 16, value % 16, :3]) in near
    assert (image.reshape(-1, 4)[101:, 3] == 0).all()


def test_photographs():
    colors = np.full((20, 30, 3), (10, 200, 90), np.uint8)
    image = np.asarray(decoded(photograph(colors))).astype(int)
    assert image.shape == (20, 30, 3)
    assert np.abs(image - colors).max() < 6


def test_the_map_says_what_it_shows_and_can_be_used_by_keys():
    view = View(20, 30, 10.0, "m")
    parsed = Parsed(
        map_figure(view, "data:image/png;base64,", "the scene", [Layer("classes", "data:,", "tree 5 %", Html(""))])
    )
    images = [attributes for tag, attributes in parsed.tags if tag == "img"]
    assert [one["alt"] for one in images] == ["the scene", "tree 5 %"]
    assert any(attributes.get("tabindex") == "0" for _, attributes in parsed.tags)
    buttons = [attributes for tag, attributes in parsed.tags if tag == "button"]
    assert all(one["aria-label"] and one["type"] == "button" for one in buttons)
    labelled = sum(tag == "label" for tag, _ in parsed.tags)
    assert labelled == sum(tag == "input" for tag, _ in parsed.tags)


def luminance(color: str) -> float:
    channels = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_text():
    """WCAG 2.2 AA: 4.5 to 1; of the matrix's cells at any share, too."""
    from geoseg.evaluate.html_report import _shade

    style = page("title")
    colors = dict(re.findall(r"--(ink|soft|paper|wash|accent):(#\w+)", style))
    full = {name: "#ffffff" if value == "#fff" else value for name, value in colors.items()}
    for ink in ("ink", "soft", "accent"):
        for ground in ("paper", "wash"):
            assert contrast(full[ink], full[ground]) >= 4.5, (ink, ground)
    for share in np.linspace(0, 1, 101):
        for right in (True, False):
            ground, ink = re.fullmatch(
                r"background:(#\w{6});color:(#\w{3})", _shade(float(share), right=right)
            ).groups()
            assert contrast(ground, "#" + "".join(2 * digit for digit in ink[1:])) >= 4.5, (share, right)
