"""A file that changes while it is read is an error: blocks of two versions are never mixed."""

from __future__ import annotations

import os
import pickle
import zipfile

import numpy as np
import pytest
import rasterio
from rasterio.shutil import copy

import geoseg
from geoseg.errors import ChangedError
from geoseg.raster.files.members import check_unchanged, files_of
from geoseg.tiling import Box

TOP, BOTTOM = Box(0, 0, 8, 32), Box(24, 0, 8, 32)


def write(path, value, rows=32):
    profile = {"driver": "GTiff", "width": 32, "height": rows, "count": 1, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5e6), **profile) as file:
        file.write(np.full((1, rows, 32), value, np.uint8))
    return path


def in_place(path):
    content = path.read_bytes()
    path.write_bytes(content[:-64] + bytes(64))


def by_rename(path):
    write(path.with_name("new.tif"), 9).replace(path)


def grown(path):
    with path.open("ab") as file:
        file.write(b"more")


def touched(path):
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))


@pytest.mark.parametrize("change", [in_place, by_rename, grown, touched, lambda path: path.unlink()])
def test_the_next_read_notices(tmp_path, change):
    path = write(tmp_path / "scene.tif", 1)
    raster = geoseg.open_raster(path)
    assert (raster.read(TOP).data == 1).all()
    check_unchanged(raster)
    change(path)
    for read in (raster.read, pickle.loads(pickle.dumps(raster)).read):
        with pytest.raises(ChangedError, match=r"scene\.tif: was (changed|deleted).*run again") as caught:
            read(BOTTOM)
        assert "\n" not in str(caught.value)
    with pytest.raises(ChangedError):
        check_unchanged(raster)
    with pytest.raises(ChangedError):  # windows that cannot be read are left out of a sample, but not these
        raster.sample(64)


def test_an_unchanged_file_opened_again_is_the_same(tmp_path):
    path = write(tmp_path / "scene.tif", 1)
    raster = geoseg.open_raster(path)
    (tmp_path / "scene.tif.aux.xml").write_text("<PAMDataset/>")  # as QGIS writes for its statistics
    raster.read(BOTTOM)
    check_unchanged(raster)
    assert geoseg.open_raster(path).fingerprint() == raster.fingerprint()
    in_place(path)
    assert geoseg.open_raster(path).fingerprint() != raster.fingerprint()
    assert (geoseg.open_raster(path).read(BOTTOM).data[0, -1] == 0).any()


def members(tmp_path):
    """Return scenes of several files: what is opened, and each file that its pixels come from."""
    tile = write(tmp_path / "tile.tif", 1)
    inner, outer = tmp_path / "inner.vrt", tmp_path / "outer.vrt"
    copy(tile, inner, driver="VRT")
    outer.write_text(inner.read_text().replace("tile.tif", "inner.vrt"))
    masked = write(tmp_path / "masked.tif", 1)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(masked, "r+") as file:
        file.write_mask(np.ones((32, 32), bool))
    archive = tmp_path / "scene.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(tile, "a.tif")
    return {
        "VRT": (inner, tile),
        "VRT of a VRT": (outer, tile),
        "inner VRT": (outer, inner),
        "mask": (masked, tmp_path / "masked.tif.msk"),
        "archive": (f"/vsizip/{archive}/a.tif", archive),
    }


@pytest.mark.parametrize("name", ["VRT", "VRT of a VRT", "inner VRT", "mask", "archive"])
def test_every_file_that_pixels_come_from_counts(tmp_path, name):
    source, member = members(tmp_path)[name]
    raster = geoseg.open_raster(str(source))
    assert (raster.read(TOP).data == 1).all()
    assert str(member) in files_of(raster)
    touched(member)
    with pytest.raises(ChangedError, match=member.name):
        raster.read(BOTTOM)
    with pytest.raises(ChangedError, match=member.name):
        check_unchanged(raster)
    again = geoseg.open_raster(str(source))
    assert again.fingerprint() != raster.fingerprint()  # so that a run of the old files is not resumed
    again.read(BOTTOM)


def test_a_mosaic_of_many_tiles_is_checked_whole_at_the_end(tmp_path):
    tiles = []
    for number in range(40):
        path = write(tmp_path / f"{number:02d}.tif", 1, rows=1)
        tiles.append(
            f'<SimpleSource><SourceFilename relativeToVRT="1">{path.name}</SourceFilename><SourceBand>1</SourceBand>'
            f'<SrcRect xOff="0" yOff="0" xSize="32" ySize="1"/><DstRect xOff="0" yOff="{number}" xSize="32" ySize="1"/>'
            "</SimpleSource>"
        )
    vrt = tmp_path / "mosaic.vrt"
    vrt.write_text(
        '<VRTDataset rasterXSize="32" rasterYSize="40"><SRS>EPSG:32633</SRS>'
        "<GeoTransform>500000, 10, 0, 5000000, 0, -10</GeoTransform>"
        f'<VRTRasterBand dataType="Byte" band="1">{"".join(tiles)}</VRTRasterBand></VRTDataset>'
    )
    raster = geoseg.open_raster(vrt)
    assert (raster.read(raster.box).data == 1).all()
    assert len(files_of(raster)) == 41
    check_unchanged(raster)
    touched(tmp_path / "39.tif")
    with pytest.raises(ChangedError, match=r"39\.tif"):
        check_unchanged(raster)
