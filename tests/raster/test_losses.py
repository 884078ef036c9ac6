"""Files of which GDAL cannot read everything and says so only in passing: an error, never another scene."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import rasterio

import geoseg
from geoseg.errors import GeosegError, InputError, ReadError
from geoseg.tiling import Box
from tests.job.flaky import serve


def write(path, *, internal_mask: bool = False, overviews: bool = False, side: int = 128):
    """Write a scene whose tags lie behind its pixels, as they do in a file that was described after it was written."""
    draws = np.random.default_rng(3)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        with rasterio.open(
            path, "w", driver="GTiff", width=side, height=side, count=4, dtype="uint16", tiled=True, blockxsize=64,
            blockysize=64, nodata=None if internal_mask else 0, crs="EPSG:32633",
            transform=rasterio.Affine(10, 0, 500000, 0, -10, 5400000),
        ) as file:  # fmt: skip
            file.write(draws.integers(0, 9, (4, side, side)).astype("uint16"))
            file.descriptions = ("blue", "green", "red", "nir")
            file.scales = [0.0001] * 4
            file.update_tags(HISTORY="x" * 20_000)  # more than one request
            if internal_mask:
                file.write_mask(draws.integers(0, 2, (side, side)).astype("uint8") * 255)
        if overviews:
            with rasterio.open(path, "r+") as file:
                file.build_overviews([2, 4])
    return path


def seen(source: str):
    """Return all that geoseg takes from a scene."""
    raster = geoseg.open_raster(source)
    bands = [(band.name, band.dtype, band.nodata, band.scale) for band in raster.bands]
    pixels = [raster.read(Box(0, column, raster.shape[0], 64)) for column in range(0, raster.shape[1], 64)]
    data = np.concatenate([part.data for part in pixels], -1)
    return raster.grid, bands, data.tobytes(), np.concatenate([part.valid for part in pixels], -1).tobytes()


@pytest.mark.parametrize(
    ("kind", "extra"), [("truncate", "nodata"), ("truncate", "mask"), ("truncate", "overviews"), ("reset", "mask")]
)
def test_each_request_may_fail(tmp_path, monkeypatch, kind, extra):
    for name, value in {
        "CPL_VSIL_CURL_CHUNK_SIZE": "16384", "VSI_CACHE": "FALSE", "GDAL_INGESTED_BYTES_AT_OPEN": "16384",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    truth = seen(write(tmp_path / "scene.tif", internal_mask=extra == "mask", overviews=extra == "overviews"))
    raised = 0
    for number in range(100):
        with serve(tmp_path, wrong=(kind, number)) as (server, address):
            # Names of their own: the numbers of ports come again, and GDAL remembers addresses.
            source = f"{address}/scene.tif?{kind}{extra}{number}"
            try:
                found = seen(source)
            except GeosegError:
                raised += 1
                found = seen(source)  # the next try sees what is there, not what GDAL remembers of the last
            assert found == truth, (kind, number)
            if not server.troubles:
                break
    else:
        pytest.fail("the requests do not come to an end")
    assert raised >= 2 or kind == "reset"  # curl itself tries again where a connection breaks


def test_a_file_without_its_end(tmp_path):
    """Its pixels are whole; where they lie and what they are is lost."""
    path = write(tmp_path / "scene.tif")
    whole = path.read_bytes()
    lost = 0
    for cut in range(len(whole) - 21_000, len(whole), 500):
        path.write_bytes(whole[:cut])
        with pytest.raises(GeosegError, match="truncated or corrupt"):
            seen(path)
        lost += 1
    assert lost > 40


@pytest.mark.parametrize("tag", [324, 325])
def test_places_of_tiles_that_cannot_be_read(tmp_path, tag):
    """A tile without a place is missing to GDAL; one whose place is lost is not, however often it is read."""
    path = tmp_path / "scene.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=640, height=640, count=1, dtype="uint8", tiled=True, blockxsize=64,
        blockysize=64, nodata=0, crs="EPSG:32633", transform=rasterio.Affine(10, 0, 500000, 0, -10, 5400000),
    ) as file:  # fmt: skip
        file.write(np.full((1, 640, 640), 7, np.uint8))
    point_nowhere(path, tag)
    raster = geoseg.open_raster(path)
    for _ in range(3):
        with pytest.raises(ReadError, match="cannot read rows 0–63, columns 0–63"):
            raster.read(Box(0, 0, 64, 64))


def test_a_private_tag_that_points_nowhere_costs_nothing(tmp_path):
    path = write(tmp_path / "scene.tif")
    truth = seen(path)
    # HISTORY and the names of bands lie in GDAL's own tag; 305 is the program that wrote the file.
    with rasterio.open(path, "r+") as file:
        file.update_tags(TIFFTAG_SOFTWARE="a camera of long ago")
    point_nowhere(path, 305)
    assert seen(path) == truth


def test_metadata_that_points_nowhere(tmp_path):
    path = write(tmp_path / "scene.tif")
    point_nowhere(path, 42112)
    with pytest.raises(
        InputError, match=r"scene\.tif: cannot be opened as a raster \(.*GDALMetadata.*truncated or corrupt"
    ):
        geoseg.open_raster(path)


@pytest.fixture
def beside(tmp_path):
    """A scene with a mask, overviews and metadata in files beside it."""
    path, draws = tmp_path / "scene.tif", np.random.default_rng(4)
    profile = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 500000, 0, -10, 5400000)}
    with rasterio.open(path, "w", driver="GTiff", width=512, height=512, count=1, dtype="uint8", **profile) as file:
        file.write(draws.integers(1, 9, (1, 512, 512)).astype("uint8"))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(draws.integers(0, 2, (512, 512)).astype("uint8") * 255)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4])
    band = "<Description>nir</Description><NoDataValue>3</NoDataValue>"
    path.with_name("scene.tif.aux.xml").write_text(
        f'<PAMDataset>\n  <PAMRasterBand band="1">{band}</PAMRasterBand>\n</PAMDataset>\n'
    )
    return path


def test_mask_overviews_and_metadata_beside_a_file(beside):
    assert {path.name for path in beside.parent.iterdir()} >= {"scene.tif.ovr", "scene.tif.msk", "scene.tif.aux.xml"}
    raster = geoseg.open_raster(beside)
    with rasterio.open(beside) as file:
        expected = (file.read_masks(1) > 0) & (file.read(1) != 3)
    with rasterio.open(f"{beside}.msk") as file:
        expected &= file.read(1) > 0
    assert (raster.bands[0].name, raster.bands[0].nodata) == ("nir", 3)
    assert np.array_equal(raster.read(raster.box).valid, expected)
    assert 0.3 < expected.mean() < 0.5


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("suffix", [".msk", ".aux.xml"])
def test_what_lies_beside_a_file_without_its_end(beside, suffix, share):
    other = beside.with_name(beside.name + suffix)
    content = other.read_bytes()
    other.write_bytes(content[: int(share * len(content))])
    with pytest.raises(GeosegError, match="truncated"):
        seen(beside)


def point_nowhere(path, tag: int) -> None:
    """Let a tag of a TIFF's first directory point behind the end of the file."""
    content = bytearray(path.read_bytes())
    (directory,) = struct.unpack("<I", content[4:8])
    (count,) = struct.unpack("<H", content[directory : directory + 2])
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack("<H", content[entry : entry + 2])[0] == tag:
            content[entry + 8 : entry + 12] = struct.pack("<I", len(content) + 1000)
            path.write_bytes(content)
            return
    raise AssertionError(f"no tag {tag}")
