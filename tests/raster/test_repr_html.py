"""A raster in a notebook."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rasterio.enums import Resampling

from geoseg.raster import open_raster


def picture(html):
    found = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    return None if found is None else Image.open(io.BytesIO(base64.b64decode(found[1])))


class Balanced(HTMLParser):
    """Checks that elements are closed in order, and collects the text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text = [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_grid_bands_and_picture(tmp_path, write, pixels):
    colors = pixels(4, 400, 600)
    colors[:, :200] = 0
    path = write(tmp_path / "scene.tif", colors, nodata=0, descriptions=("blue", "green", "red", "nir"))
    html = open_raster(path, scale=1e-4)._repr_html_()
    text = Balanced(html).text
    for expected in (" scene", "EPSG:32631", "blue", "nir", "uint16", "0.0001", "0", "400 x 600 px, 4 x uint16"):
        assert expected in text, expected
    image = np.asarray(picture(html))
    assert image.shape == (170, 256, 3)
    assert (image[:80] == 0xEC).all()
    assert (image[90:] != 0xEC).any()


def test_text_is_escaped(tmp_path, write, pixels):
    name = '<b>"x"&</b>'
    path = write(tmp_path / "scene.tif", pixels(1), descriptions=[name])
    raster = open_raster(path, name="scene", bands={name: 1})
    html = raster._repr_html_()
    assert "<b>" not in html
    assert name in "".join(Balanced(html).text)


def huge(path, **options):
    profile = {
        "driver": "GTiff", "height": 50_000, "width": 50_000, "count": 3, "dtype": "uint8", "SPARSE_OK": True,
        "tiled": True, "crs": "EPSG:32631", "transform": Affine(1, 0, 0, 0, -1, 0), "compress": "deflate", **options,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile):
        pass
    return path


def test_a_huge_file_is_not_read_without_overviews(tmp_path, monkeypatch):
    raster = open_raster(huge(tmp_path / "huge.tif"))
    monkeypatch.setattr(type(raster), "_read", lambda *_: pytest.fail("read"))
    html = raster._repr_html_()
    assert picture(html) is None
    assert "50000 x 50000 px, 3 x uint8" in Balanced(html).text


def test_a_huge_file_with_overviews_has_a_picture(tmp_path):
    path = huge(tmp_path / "huge.tif", nodata=0)
    with rasterio.open(path, "r+") as file:
        file.build_overviews([128], Resampling.nearest)
    assert picture(open_raster(path)._repr_html_()).size == (256, 256)


def test_what_fails_while_reading_does_not_break_the_repr(tmp_path, write, pixels):
    path = write(tmp_path / "scene.tif", pixels(2, 300, 300), tiled=True, blockxsize=64, blockysize=64)
    raster = open_raster(path)
    path.write_bytes(path.read_bytes()[:3000])
    html = raster._repr_html_()
    assert picture(html) is None
    assert "band2" in Balanced(html).text
    path.unlink()
    assert "band2" in Balanced(open_raster(write(path, pixels(2))).select([2])._repr_html_()).text


def test_dask_graphs_and_the_network_are_left_alone(pixels):
    import dask.array as da
    import xarray as xr

    def fail(*_):
        pytest.fail("computed")

    lazy = da.map_blocks(fail, chunks=((2,), (90,), (130,)), dtype="uint16", meta=np.empty((0, 0, 0), "uint16"))
    raster = open_raster(xr.DataArray(lazy, dims=("band", "y", "x"), name="lazy"))
    assert picture(raster._repr_html_()) is None
    eager = open_raster(xr.DataArray(pixels(2), dims=("band", "y", "x")))
    assert picture(eager._repr_html_()).size == (130, 90)
