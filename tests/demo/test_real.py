"""``geoseg demo --real`` against a catalogue on this machine: real items' shapes, a scene of the demo's landscape."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from geoseg.demo.real import CREDIT, PLACE, run_real_demo
from geoseg.errors import InputError
from tests.raster.catalog.conftest import ALL_BANDS, SIDE, add, server

__all__ = ["add", "server"]


def place_in(epsg):
    """West and north of the demo's place, in metres."""
    west, south, east, north = map(float, PLACE.split(","))
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform((west + east) / 2, (south + north) / 2)
    return round(x, -1) - SIDE * 5, round(y, -1) + SIDE * 5


@pytest.fixture
def image(add):
    """An image in the middle of the place: half of it water, half of it trees; and a cloudier and an earlier one."""
    west, north = place_in(32633)
    pixels = np.empty((6, SIDE, SIDE), np.uint16)
    pixels[:] = np.array([200, 400, 250, 2800, 1200, 500])[:, None, None]  # trees: reflectance × 10,000
    pixels[:, :, SIDE // 2 :] = np.array([500, 450, 250, 120, 60, 40])[:, None, None]  # water
    add("S2B_cloudy", west=west, north=north, bands=tuple(ALL_BANDS), cloud=4.0, when="2024-06-01T10:00:00Z")
    add("S2A_winter", west=west, north=north, bands=tuple(ALL_BANDS), cloud=0.0, when="2024-02-01T10:00:00Z")
    add(
        "S2A_clear", west=west, north=north, bands=tuple(ALL_BANDS), cloud=0.5, when="2024-07-02T10:00:00Z",
        data=pixels + np.uint16(1000),  # items state an offset of -0.1
    )  # fmt: skip


@pytest.mark.usefixtures("image")
def test_the_clearest_image_of_the_season_is_mapped(server, tmp_path):
    result = run_real_demo(tmp_path, catalog=server.catalog(), model="spectral")
    assert (result.item, result.date, result.cloud) == ("S2A_clear", "2024-07-02", 0.5)
    assert set(result.outputs) == {"classes", "confidence", "polygons", "preview", "html", "report"}
    with rasterio.open(result.outputs["classes"]) as file:
        classes = file.read(1)
    assert set(np.unique(classes[20:40, 10:25])) == {0}
    assert set(np.unique(classes[20:40, 40:60])) == {5}
    assert result.shares["tree"] == pytest.approx(0.5, abs=0.02)
    assert sum(result.shares.values()) == pytest.approx(1)
    items = json.loads(
        (tmp_path / f"{result.outputs['classes'].name.removesuffix('_classes.tif')}_items.json").read_text()
    )
    assert [item["id"] for item in items["features"]] == ["S2A_clear"]


@pytest.mark.usefixtures("image")
def test_the_command_says_what_it_fetches_and_how_to_go_on(geoseg, server, tmp_path):
    code, out, err = geoseg("demo", tmp_path / "out", "--real", "--catalog", server.catalog(), "-m", "spectral", "-v")
    assert code == 0, err
    assert "fetching about " in err
    assert "S2A_clear, 2024-07-02, 0.5 % clouds" in out
    assert CREDIT in out
    assert f"geoseg segment --aoi {PLACE} --when 2024-05/2024-09 --catalog {server.catalog()} -o results" in out


def test_a_catalogue_that_has_nothing_or_is_not_there_is_said(server, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"nothing for .* in 2024-05/2024-09"):
        run_real_demo(out, catalog=server.catalog())
    with pytest.raises(InputError, match=r"127\.0\.0\.1"):
        run_real_demo(out, catalog="http://127.0.0.1:9/api#s")
    assert not list(out.glob("*"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--real", "--size", "300"], "--size cannot go with --real"),
        (["--real", "--size", "300", "--seed", "1"], "--size and --seed cannot go with --real"),
        (["--catalog", "sentinel-2"], "--catalog needs --real"),
    ],
)
def test_options_of_the_other_demo_are_refused(geoseg, options, told):
    code, _, err = geoseg("demo", *options)
    assert code == 2
    assert told in err
