"""Bounding boxes: snapped outward, clipped, right across the antimeridian."""

from __future__ import annotations

import math

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from geoseg.errors import InputError
from geoseg.raster import open_raster


@pytest.fixture(scope="module")
def scene(tmp_path_factory, write, pixels):
    return open_raster(write(tmp_path_factory.mktemp("crop") / "s.tif", pixels(1)))


@given(
    st.floats(499_000, 502_000), st.floats(4_998_500, 5_000_500), st.floats(0, 2500), st.floats(0, 2500)
)  # fmt: skip
def test_crop_covers_the_box_and_no_more(scene, west, south, width, height):
    bbox = (west, south, west + width, south + height)
    covers = scene.grid.bounds()
    wanted = (max(bbox[0], covers[0]), max(bbox[1], covers[1]), min(bbox[2], covers[2]), min(bbox[3], covers[3]))
    if wanted[2] - wanted[0] < -1e-3 or wanted[3] - wanted[1] < -1e-3:
        with pytest.raises(InputError, match="does not touch"):
            scene.crop(bbox)
        return
    if min(wanted[2] - wanted[0], wanted[3] - wanted[1]) < 1e-3:
        return  # touching at an edge: either answer is right
    got = scene.crop(bbox).grid.bounds()
    slack = 1e-4
    assert got[0] <= wanted[0] + slack
    assert got[1] <= wanted[1] + slack
    assert got[2] >= wanted[2] - slack
    assert got[3] >= wanted[3] - slack
    for side, want in zip(got, wanted, strict=True):
        assert abs(side - want) < 10 + slack


def test_crop_on_pixel_edges_takes_no_more(scene):
    part = scene.crop((500_100, 4_999_500, 500_200, 4_999_600))
    assert part.shape == (10, 10)
    np.testing.assert_array_equal(part.read(part.box).data, scene.read(scene.box).data[:, 40:50, 10:20])


def test_crop_in_degrees(scene):
    lon, lat = 3.005, 45.15
    part = scene.crop((lon, lat, lon + 0.002, lat + 0.002), "EPSG:4326")
    assert 14 <= part.shape[1] <= 22
    assert 20 <= part.shape[0] <= 26


@pytest.mark.parametrize(("start", "bbox"), [
    (170, (179, -5, -179, 5)), (170, (179, -5, 181, 5)), (-190, (179, -5, -179, 5)), (-190, (-181, -5, -179, 5)),
    (170, (-181, -5, -179, 5)),
])  # fmt: skip
def test_crop_across_the_antimeridian(tmp_path, write, pixels, start, bbox):
    path = write(tmp_path / "g.tif", pixels(1, 40, 40), crs="EPSG:4326", transform=Affine(0.5, 0, start, 0, -0.5, 10))
    part = open_raster(path, bbox=bbox)
    west, south, east, north = part.grid.bounds()
    assert (east - west, north - south) == (2, 10)
    assert math.isclose((west - 179) % 360, 0, abs_tol=1e-9)


def test_box_in_degrees_across_the_antimeridian_on_a_projected_scene(shared_data):
    raster = open_raster(shared_data / "scenes" / "edge" / "cog_dateline.tif")
    part = raster.crop((179.5, 51.5, -179.5, 52), "EPSG:4326")
    assert 690 < part.shape[1] < 730  # a degree is 69 km there, and leans
    assert 555 < part.shape[0] < 590
    assert part.read(part.box).data.shape == (1, *part.shape)
