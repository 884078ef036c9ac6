"""Real rasters and the traps in them."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from geoseg.raster import open_raster
from geoseg.tiling import Box

RGB = ["red", "green", "blue"]


_ALPHA = "band 4 is transparency (alpha) and masks the pixels where it is 0"


@pytest.mark.parametrize(
    ("path", "names", "share"),
    [
        ("aerial/OSBS_029.tif", RGB, 0.987), ("aerial/australia.tif", RGB, 1.0),
        ("drone/dummy_fotomap_small.tif", RGB, 1.0), ("edge/cog_dateline.tif", ["band1"], 1.0),
        ("edge/cog_nodata_nan.tif", ["Gamma0_VV"], 0.489), ("edge/cog_rgba.tif", RGB, 0.887),
        ("edge/cog_scale_epsg4326.tif", ["band1", "band2"], 0.965), ("edge/pix4d_alpha_nodata.tif", RGB, 0.876),
        ("edge/scene_band1.tif", ["band1"], None), ("elevation/dsm.tif", ["band1"], None),
        ("elevation/dtm.tif", ["band1"], 0.996),
        ("naip/m_4709963_se_14_1_20140720.tif", ["red", "green", "blue", "nir"], 0.996),
        ("sentinel1/S1A__IW___A_20150309T173017_VV_grd_mli_geo_norm_db.tif", ["vv"], None),
        ("sentinel2_fields/inference-img.tif", [f"band{i}" for i in range(1, 9)], 1.0),
        ("sentinel2_fields/mask.tif", ["band1"], 0.793),
    ],
)  # fmt: skip
def test_single_files(shared_data, path, names, share):
    file = shared_data / "scenes" / path
    raster = open_raster(file)
    assert [band.name for band in raster.bands] == names
    got = raster.read(raster.box)
    with rasterio.open(file) as data:
        indexes = list(range(1, len(names) + 1))
        values, valid = data.read(indexes), (data.read_masks(indexes) > 0).all(axis=0)
        assert raster.transform == data.transform
        assert raster.crs == data.crs.to_string()
        masked = "alpha" in [color.name for color in data.colorinterp]
        assert [note.partition(": ")[2] for note in raster.notes] == [_ALPHA] * masked
    if np.issubdtype(values.dtype, np.floating):
        valid &= np.isfinite(values).all(axis=0)
    np.testing.assert_array_equal(got.valid, valid)
    np.testing.assert_array_equal(got.data[:, valid], values[:, valid])
    if share is not None:
        assert got.valid.mean() == pytest.approx(share, abs=0.001)


def test_every_tile_of_the_training_set_opens(shared_data):
    folder = shared_data / "landcover-hls"
    wanted = ["coastal", "blue", "green", "red", "nir", "swir16", "swir22"]
    for file in sorted((folder / "images").glob("*.tif"))[::20]:
        raster = open_raster(file)
        assert raster.shape == (128, 128)
        assert [band.name for band in raster.bands] == wanted
        assert {(band.dtype, band.scale, band.scaled) for band in raster.bands} == {("int16", 0.0001, True)}


def test_scale_in_the_file(shared_data):
    band = open_raster(shared_data / "scenes/edge/cog_scale_epsg4326.tif").bands[0]
    assert (band.scale, band.offset, band.nodata, band.scaled) == (0.0001, 1000.0, 0.0, True)


def test_sundarbans_is_one_scene_with_its_black_border_out(shared_data):
    raster = open_raster(shared_data / "scenes/sentinel2_l2a_sundarbans")
    assert raster.name == "2020-01-27-00_00_2020-01-27-23_59_Sentinel-2_L2A"
    assert sorted(band.name for band in raster.bands) == sorted(
        [
            "coastal",
            "blue",
            "green",
            "red",
            "rededge071",
            "rededge075",
            "rededge078",
            "nir",
            "nir08",
            "nir09",
            "swir16",
            "swir22",
        ]
    )
    assert raster.shape == (954, 298)
    got = raster.select(["blue"]).read(raster.box)
    assert (~got.valid).sum() == 20316
    np.testing.assert_array_equal(got.valid, got.data[0] != 0)
    assert len(raster.notes) == 2
    assert raster.notes[1].endswith("bands read as Sentinel-2, as its names say")
    files = sorted((shared_data / "scenes/sentinel2_l2a_sundarbans").glob("*.tiff"))
    assert open_raster(files, stack=True) == raster


def test_wildfire_dates(shared_data):
    folders = sorted((shared_data / "scenes/sentinel2_l2a_wildfire").iterdir())
    assert [len(open_raster(folder).bands) for folder in folders if folder.is_dir()] == [10, 12]


def test_l1c_with_commas_in_its_names(shared_data):
    raster = open_raster(shared_data / "scenes/sentinel2_l1c")
    assert raster.name == "2018-10-13_Sentinel-2B_L1C"
    assert [band.name for band in raster.bands][1:4] == ["blue", "green", "red"]
    assert raster.read(Box(0, 0, 64, 64)).data.shape == (8, 64, 64)
    masked = open_raster(shared_data / "scenes/sentinel2_l1c", nodata=255)
    assert 0 < masked.sample().valid.mean() < 1


def test_two_files_of_one_scene(shared_data):
    folder = shared_data / "scenes/edge"
    stack = open_raster([folder / "scene_band1.tif", folder / "scene_band2.tif"], bands="red=1,nir=2")
    assert stack.name == "scene"
    assert [band.name for band in stack.bands] == ["red", "nir"]
    np.testing.assert_array_equal(stack.read(stack.box).data[1], rasterio.open(folder / "scene_band2.tif").read(1))


def test_naip_years_lie_on_grids_that_differ_by_a_metre(shared_data):
    folder = shared_data / "scenes/naip"
    stack = open_raster(folder, stack=True)
    assert len(stack.bands) == 12
    assert sum("another grid" in note for note in stack.notes) == 1
    got = stack.read(Box(100, 100, 200, 200))
    assert got.valid.mean() > 0.99
