"""Every bad input gives one clear line that names the file, says what is wrong and what to do."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.rpc import RPC

from geoseg.errors import GeosegError, InputError, OptionError, ReadError
from geoseg.raster import open_raster
from geoseg.tiling import Box


def refused(*arguments, error=InputError, **options):
    with pytest.raises(error) as caught:
        open_raster(*arguments, **options)
    return line(caught)


def line(caught):
    text = str(caught.value)
    assert isinstance(caught.value, GeosegError)
    assert "\n" not in text
    assert 20 < len(text) < 500, text
    return text


def test_missing_file(tmp_path):
    assert refused(tmp_path / "nothing.tif").endswith("nothing.tif: no such file; check the path")
    assert "no such file" in refused([tmp_path / "a.tif", tmp_path / "b.tif"])


def test_no_raster(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert "not a raster" in refused(tmp_path / "notes.txt")
    (tmp_path / "empty.tif").touch()
    assert "empty (0 bytes)" in refused(tmp_path / "empty.tif")
    (tmp_path / "noise.tif").write_bytes(bytes(range(256)) * 10)
    assert "not a raster" in refused(tmp_path / "noise.tif")
    (tmp_path / "cut.tif").write_bytes(b"II*\0\x08\0\0\0")
    assert "truncated or corrupt" in refused(tmp_path / "cut.tif")
    assert "cannot open a int" in refused(3)
    assert "name at least one" in refused([])


def test_truncated_file_names_file_and_box(tmp_path, write, pixels):
    for compress in ("deflate", None):
        path = write(tmp_path / f"cut {compress}.tif", pixels(2, 512, 512), tiled=True, blockxsize=128, blockysize=128,
                     compress=compress)  # fmt: skip
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
        raster = open_raster(path)
        raster.read(Box(0, 0, 64, 64))
        with pytest.raises(ReadError) as caught:
            raster.read(Box(400, 384, 112, 128))
        text = line(caught)
        assert path.name in text
        assert "rows 400–511, columns 384–511" in text
        assert "truncated" in text


def test_corrupt_block(tmp_path, write, pixels):
    path = write(
        tmp_path / "hurt.tif", pixels(1, 512, 512), tiled=True, blockxsize=128, blockysize=128, compress="deflate"
    )
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    raster = open_raster(path)
    with pytest.raises(ReadError):
        raster.read(raster.box)


@pytest.mark.parametrize(("driver", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("JP2OpenJPEG", "jp2")])
def test_truncated_pictures(tmp_path, write, pixels, driver, ending):
    path = write(tmp_path / f"cut.{ending}", pixels(3, 300, 300, "uint8"), driver=driver, crs=None, transform=None)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(InputError, match="truncated") as caught:
        (raster := open_raster(path)).read(raster.box)
    line(caught)


def test_file_lost_after_opening(tmp_path, write, pixels):
    path = write(tmp_path / "gone.tif", pixels(1))
    raster = open_raster(path)
    path.unlink()
    with pytest.raises(ReadError, match=r"gone\.tif"):
        raster.read(Box(0, 0, 3, 3))


def test_complex_numbers(tmp_path, write):
    path = write(tmp_path / "slc.tif", np.ones((1, 8, 8), "complex64"))
    assert "complex numbers (complex64); take amplitude" in refused(path)


def test_no_bands(tmp_path):
    path = tmp_path / "none.vrt"
    path.write_text('<VRTDataset rasterXSize="5" rasterYSize="5"></VRTDataset>')
    assert "has no bands" in refused(path)


def test_rpc_only(tmp_path, write, pixels):
    coefficients = [1.0] + [0.0] * 19
    rpc = RPC(
        height_off=0, height_scale=1, lat_off=10, lat_scale=1, line_off=1, line_scale=1, long_off=10, long_scale=1,
        samp_off=1, samp_scale=1, line_num_coeff=coefficients, line_den_coeff=coefficients,
        samp_num_coeff=coefficients, samp_den_coeff=coefficients,
    )  # fmt: skip
    path = tmp_path / "rpc.tif"
    with rasterio.open(path, "w", driver="GTiff", height=8, width=8, count=1, dtype="uint8") as file:
        file.write(np.ones((1, 8, 8), "uint8"))
        file.rpcs = rpc
    assert "gdalwarp -rpc" in refused(path)


def test_no_georeference_is_said(tmp_path, write, pixels):
    raster = open_raster(write(tmp_path / "p.png", pixels(3, dtype="uint8"), driver="PNG", crs=None, transform=None))
    assert raster.crs is None
    assert raster.transform == Affine.identity()
    assert "pixel coordinates" in raster.notes[0]


def test_stacks_that_do_not_belong_together(tmp_path, write, pixels):
    one = write(tmp_path / "one.tif", pixels(1))
    far = write(tmp_path / "far.tif", pixels(1), transform=Affine(10, 0, 9e5, 0, -10, 5e6))
    text = refused([one, far])
    assert "does not overlap" in text
    assert "far.tif" in text
    west = write(tmp_path / "west.tif", pixels(1, 90, 40))
    east = write(tmp_path / "east.tif", pixels(1, 90, 40), transform=Affine(10, 0, 500_900, 0, -10, 5_000_000))
    assert "east.tif: has no area in common" in refused([one, west, east])
    zone = write(tmp_path / "zone.tif", pixels(1), crs="EPSG:32733")
    assert "overlap" in refused([one, zone]) or "no place" in refused([one, zone])
    bare = write(tmp_path / "bare.tif", pixels(1), crs=None)
    assert "has no CRS while" in refused([one, bare])


def test_folders(tmp_path, write, pixels):
    assert "no raster in this folder" in refused(tmp_path)
    write(tmp_path / "one.tif", pixels(1))
    assert open_raster(tmp_path).name == "one"
    write(tmp_path / "two.tif", pixels(1, seed=1))
    text = refused(tmp_path)
    assert "not clearly the bands of one scene (one.tif, two.tif)" in text
    assert "--stack" in text
    assert len(open_raster(tmp_path, stack=True).bands) == 2
    scene = tmp_path / "scene"
    scene.mkdir()
    for band in ("B02", "B03", "B8A"):
        write(scene / f"T31_{band}_20m.tif", pixels(1))
    write(scene / "T31_SCL_20m.tif", pixels(1))
    raster = open_raster(scene)
    assert [band.name for band in raster.bands] == ["blue", "green", "nir08"]
    assert any("SCL" in note for note in raster.notes)


def test_options(tmp_path, write, pixels):
    path = write(tmp_path / "s.tif", pixels(2, dtype="uint8"))
    assert "cannot occur" in refused(path, nodata=-9999, error=OptionError)
    assert "3 values for 2 bands" in refused(path, scale=[1, 2, 3], error=OptionError)
    assert "other than 0" in refused(path, scale=0, error=OptionError)
    assert "positive number" in refused(path, resolution=-5, error=OptionError)
    assert "positive number" in refused(path, resolution="wide", error=OptionError)


def test_boxes_that_miss(tmp_path, write, pixels):
    path = write(tmp_path / "s.tif", pixels(1))
    text = refused(path, bbox=(0, 0, 1, 1))
    assert "does not touch the scene s, which covers (500000, 4999100, 501300, 5000000) in EPSG:32631" in text
    assert "is empty" in refused(path, bbox=(5, 5, 1, 1))
    assert "four numbers" in refused(path, bbox=(1, 2, 3))
    assert "four numbers" in refused(path, bbox="a,b,c,d")
    assert "not known" in refused(path, bbox=(1, 2, 3, 4), bbox_crs="EPSG:0")
    bare = write(tmp_path / "bare.tif", pixels(1), crs=None)
    assert "has no CRS" in refused(bare, bbox=(1, 2, 3, 4), bbox_crs="EPSG:4326")
