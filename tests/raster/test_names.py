"""Common names of bands, and the names of scenes."""

from __future__ import annotations

import pytest

from geoseg.errors import ContractError, OptionError
from geoseg.raster import open_raster
from geoseg.raster.bands import names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Blue", "blue"), ("NIR", "nir"), ("SWIR1", "swir16"), ("SWIR 1", "swir16"), ("swir_2", "swir22"),
        ("B02", None), ("B8A", None), ("B8", None), ("B2 (blue)", "blue"), ("green_i", None), ("Green I", None),
        ("Band 4 - Red", "red"), ("nir08", "nir08"), ("Coastal Aerosol", "coastal"), ("red edge 2", "rededge075"),
        ("Near-Infrared", "nir"), ("SR_B4", None), ("Band 4", None), ("B4", None), ("", None), (None, None),
        ("Gamma0_VV", None), ("red green ratio", None), ("temperature", None),
        ("Red edge 1 (705 nm)", "rededge071"), ("Red edge-717", "rededge"),
        ("Vegetation red edge 2 - 740", "rededge075"),
        ("Short-wave infrared 1 (1610 nm)", "swir16"), ("SWIR 1 (1.57-1.65)", "swir16"), ("Shortwave infrared", None),
        ("thermal infrared", None), ("mid infrared", None), ("far red", None), ("Deep blue", None), ("NIR 2", None),
        ("NIR-2 (860-1040)", None), ("Green I (513-549 nm)", None), ("Green II", "green"), ("NIR narrow 865", "nir08"),
        ("Narrow NIR (865 nm)", "nir08"), ("NIR 0.85-0.88", "nir"), ("Near infrared (842 nm)", "nir"),
        ("Aerosol Optical Thickness", None), ("SR_QA_AEROSOL", None), ("Coastal aerosol (443nm)", "coastal"),
        ("red_stdDev", None), ("red mask", None), ("red_median", "red"), ("blue (490 nm)", "blue"),
        ("Blue-475", "blue"),
    ],
)  # fmt: skip
def test_names_in_descriptions(text, name):
    assert names.from_text(text) == name


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("2020-01-27-00_00_Sentinel-2_L2A_B02_(Raw)", "B02"), ("2018-10-13, Sentinel-2B L1C, B03", "B03"),
        ("T31UFT_20200101_B8A_20m", "B8A"), ("LC08_L2SP_195_20200101_SR_B5", "B5"), ("LE07_x_B6_VCID_1", "B6_VCID_1"),
        ("CBERS_4_MUX_20171121_057_094_L2_BAND7", "B7"), ("VNP09GA.A2020001.h18v04.M05", "M05"), ("plot_M05", None),
        ("scene_red", "red"), ("scene_band1", None), ("scene", None), ("red_and_blue", None),
        ("x_transparent_reflectance_red edge", "rededge"), ("ortho_red_edge_1", "rededge071"), ("x_red_1", "red"),
        ("x_thermal_infrared", None), ("x_short_wave_infrared_1", "swir16"), ("x_red_mask", None),
    ],
)  # fmt: skip
def test_names_in_file_names(stem, name):
    assert names.from_filename(stem) == name


def test_names_of_scenes_are_safe_as_file_names():
    assert names.scene_name("2018-10-13, Sentinel-2B L1C") == "2018-10-13_Sentinel-2B_L1C"
    assert names.scene_name("a/b\\c:d*?") == "a_b_c_d"
    assert names.scene_name("NUL") == "NUL_"
    assert names.scene_name("...") == "scene"
    assert names.scene_name("x" * 500) == "x" * 120
    assert names.scene_name("\u6c34" * 120) == "\u6c34" * 60  # 180 bytes
    assert names.scene_name("a\udcff\x1b[2J;!:b") == "a_2J_b"
    assert names.shared_name(["s_B02", "s_B03"]) == "s"
    assert names.shared_name(["x, B02", "x, B11"]) == "x"
    assert names.shared_name(["one", "two"]) is None
    assert names.unique(["blue", "blue", "blue_2"]) == ["blue", "blue_2", "blue_2_2"]


def test_bands_choose_order_and_rename(tmp_path, write, pixels):
    array = pixels(3)
    path = write(tmp_path / "s.tif", array, descriptions=["Blue", "B04", "my index"])
    raster = open_raster(path)
    assert [band.name for band in raster.bands] == ["blue", "B04", "my_index"]
    for bands, found in {
        "B4,blue": (["B04", "blue"], [1, 0]),
        "red=b04,blue": (["red", "blue"], [1, 0]),
        "3,1": (["my_index", "blue"], [2, 0]),
        "nir=3,BLUE": (["nir", "blue"], [2, 0]),
        "swir16=my index": (["swir16"], [2]),
    }.items():
        chosen = open_raster(path, bands=bands)
        assert [band.name for band in chosen.bands] == found[0]
        assert (chosen.read(chosen.box).data == array[found[1]]).all()
    assert [b.name for b in open_raster(path, bands=[3, "blue"]).bands] == ["my_index", "blue"]
    assert [b.name for b in open_raster(path, bands={"green": 1, "nir": "B04"}).bands] == ["green", "nir"]
    assert [b.name for b in raster.select(["b04", 1]).bands] == ["B04", "blue"]


def test_bands_that_are_not_there(tmp_path, write, pixels):
    path = write(tmp_path / "s.tif", pixels(2), descriptions=["Blue", "Red"])
    with pytest.raises(ContractError, match="no band 'nir'; it has 1 blue, 2 red; say which"):
        open_raster(path).select(["nir"])
    with pytest.raises(ContractError, match="number 3; it has 1 blue, 2 red"):
        open_raster(path, bands="nir=3")
    for wrong in ("", "=1", "nir=0", "nir=", "a=1,a=2", [], 7):
        with pytest.raises(OptionError, match="band"):
            open_raster(path, bands=wrong)


def test_nothing_is_guessed_from_position(tmp_path, write, pixels):
    path = write(tmp_path / "rgbn.tif", pixels(4, dtype="uint8"), photometric="RGB", alpha="UNSPECIFIED")
    assert [band.name for band in open_raster(path).bands] == ["red", "green", "blue", "band4"]
