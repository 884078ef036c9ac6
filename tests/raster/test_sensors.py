"""The sensor of a scene is decided once, from names, tags and the set of codes, or not at all.

The expected names are written out here from the providers' band tables, not taken from the module under test.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from geoseg.raster import open_raster
from geoseg.raster.bands.sensors import SENSORS, code_in_name, code_of, name_bands

S2 = "coastal blue green red rededge071 rededge075 rededge078 nir nir08 nir09 cirrus swir16 swir22"
EE = "B1 B2 B3 B4 B5 B6 B7 B8 B8A B9 B10 B11 B12"
OLI = "coastal blue green red nir swir16 swir22 pan cirrus lwir11 lwir12"
OLI_CODES = "B1 B2 B3 B4 B5 B6 B7 B8 B9 B10 B11"


def padded(codes):
    return " ".join(code if code[1:] == "8A" else f"B{int(code[1:]):02d}" for code in codes.split())


KNOWN = [
    # stem, codes, names
    ("s2", EE, S2),
    ("scene", padded(EE), S2),
    ("scene", padded(EE).replace("B8A", "B08A"), S2),
    ("scene", "B2 B3 B4 B8 B11 B12", "blue green red nir swir16 swir22"),
    ("scene", "B02 B03 B04 B08 B11 B12", "blue green red nir swir16 swir22"),
    ("scene", "B8A B11", "nir08 swir16"),
    ("scene", "B2 B4 QA60", "blue red QA60"),
    ("scene", "B4 B8 MSK_CLDPRB", "red nir MSK_CLDPRB"),
    ("scene", "B04 B08 SCL", "red nir SCL"),
    ("scene", "B4_median B8_median B8A_median", "red nir nir08"),
    ("2020-01-27-00_00_2020-01-27-23_59_Sentinel-2_L2A_stack", "B05 B08", "rededge071 nir"),
    ("2018-10-13, Sentinel-2B L1C", "B01 B08", "coastal nir"),
    ("T31UFT_20200101T105441", "B05 B12", "rededge071 swir22"),
    ("S2A_MSIL2A_20200101T105441_N0213_R051_T31UFT", "B05", "rededge071"),
    ("S2B_31UFT_20200101_0_L2A", "B08", "nir"),
    ("sentinel2_2020", "B8", "nir"),
    ("COPERNICUS_S2_SR_HARMONIZED", "B8", "nir"),
    ("HLS.S30.T33TUL.2020120T100000.v2.0", "B05 B8A", "rededge071 nir08"),
    ("HLS.L30.T33TUL.2020120T100000.v2.0", "B02 B03 B04 B05 B06 B07", "blue green red nir swir16 swir22"),
    ("HLS.L30.T33TUL.2020120T100000.v2.0", "B09 B10 B11", "cirrus lwir11 lwir12"),
    ("LC08_044034_20200101", OLI_CODES, OLI),
    ("LC09_L1TP_190030_20240101_20240102_02_T1", "B5 B8", "nir pan"),
    ("LC80440342020001LGN00", "B5", "nir"),
    ("LO08_L1TP_190030_20240101", "B6", "swir16"),
    ("2020-01-01-00_00_2020-01-01-23_59_Landsat_8-9_L1_x_(Raw)", padded(OLI_CODES), OLI),
    ("landsat8_2020", "B8", "pan"),
    ("Landsat 9", "B10", "lwir11"),
    ("L8_20200101", "B5", "nir"),
    ("scene", "SR_B2 SR_B3 SR_B4 SR_B5 SR_B6 SR_B7 ST_B10", "blue green red nir swir16 swir22 lwir11"),
    ("scene", "SR_B1 SR_B5 SR_QA_AEROSOL", "coastal nir SR_QA_AEROSOL"),
    ("scene", "SR_B1 SR_B2 SR_B3 SR_B4 SR_B5 ST_B6 SR_B7", "blue green red nir swir16 lwir swir22"),
    ("LE07_L1TP_195028_20000101", "B1 B4 B5 B7 B8", "blue nir swir16 swir22 pan"),
    ("LE71950282000001EDC00", "B4", "nir"),
    ("scene", "B3 B6_VCID_1 B8", "red lwir pan"),
    ("Landsat_7", "B4", "nir"),
    ("LT05_L2SP_195028_20000101", "B1 B2 B3 B4 B5 B6 B7", "blue green red nir swir16 lwir swir22"),
    ("Landsat_4-5_TM_L1", "B03 B04", "red nir"),
    ("landsat-5", "B4", "nir"),
    ("LM05_L1TP_195028_19850101", "B1 B2 B3 B4", "green red nir nir08"),
    ("LM01_L1TP_210028_19730101", "B4 B5 B6 B7", "green red nir nir08"),
    ("Landsat_1-5_MSS_L1", "B01 B02 B03 B04", "green red nir nir08"),
    ("landsat", "B8", "pan"),  # Landsat 7, 8 and 9 agree
    ("MOD09A1.A2020001", "sur_refl_b01 sur_refl_b02 sur_refl_b03 sur_refl_b04", "red nir blue green"),
    ("scene", "sur_refl_b01 sur_refl_b06 sur_refl_b07", "red swir16 swir22"),
    ("MCD43A4", "Nadir_Reflectance_Band1 Nadir_Reflectance_Band2", "red nir"),
    ("MYD09GA", "B1 B2 B5", "red nir B5"),
    ("AST_L1T_00301012020", "B01 B02 B04", "green red swir16"),
    ("scene", "B01 B02 B3N B04", "green red nir swir16"),
    ("VNP09GA.A2020001", "I1 I2 I3", "red nir swir16"),
    ("VJ109GA", "M3 M4 M5 M7 M10 M11", "blue green red nir08 swir16 swir22"),
    ("CBERS_4_MUX_20171121_057_094_L2", "B5 B6 B7 B8", "blue green red nir"),
    ("CBERS_4_AWFI_20170420_146_129_L2", "B13 B14 B15 B16", "blue green red nir"),
    ("CBERS_4_PAN10M_20170427_161_109_L4", "B2 B3 B4", "green red nir"),
    ("CBERS_4_PAN5M_20170425_153_114_L4", "B1", "pan"),
    ("CBERS_4A_WPM_20200101_200_100_L4", "B0 B1 B2 B3 B4", "pan blue green red nir"),
    ("AMAZONIA_1_WFI_20220101_036_018_L4", "B1 B2 B3 B4", "blue green red nir"),
    ("S3A_OL_2_LFR", "Oa04 Oa06 Oa08 Oa17", "blue green red nir"),
    ("2024-01-01-00_00_Sentinel-3_OLCI_x_(Raw)", "B04 B06 B08 B17 B20 B21", "blue green red nir nir09 B21"),
    ("scene", "Oa08_reflectance Oa17_reflectance", "red nir"),
    ("20230101_100000_11_24b0_3B_AnalyticMS_SR", "B1 B2 B3 B4", "blue green red nir"),
    ("20230101_100000_11_24b0_3B_AnalyticMS_SR_8b", "B1 B2 B4 B6 B7 B8", "coastal blue green red rededge nir"),
    ("PSScene_x", "B1 B2 B3 B4 B5 B6 B7 B8", "coastal blue B3 green yellow red rededge nir"),
    ("WorldView-3_x", "B1 B2 B3 B4 B5 B6 B7 B8", "coastal blue green yellow red rededge nir B8"),
    ("Himawari9_x", "B01 B02 B03 B04", "blue green red nir"),
]

UNKNOWN = [
    ("scene", "B02 B03 B04 B08"),  # Sentinel-2 or, with pan, Landsat
    ("scene", "B2 B3 B4"),  # green, red, nir for Landsat 5
    ("scene", "B1 B2 B3 B4 B5 B6 B7"),
    ("scene", OLI_CODES),
    ("scene", "B5 B8 B11"),
    ("scene", "B8"),
    ("scene", "B11 B12"),  # thermal for ASTER
    ("scene", " ".join(f"B{i}" for i in range(1, 13))),  # numbered by software
    ("scene", " ".join(f"B{i}" for i in range(1, 14))),
    ("scene", "SR_B1 SR_B2 SR_B3 SR_B4 SR_B5 SR_B7"),  # Landsat 5, 7 or 8
    ("landsat", "B4 B5"),
    ("Landsat8_x", "B4 B8A B12"),  # contradiction
    ("LC08_044034_20200101", EE),
    ("LT05_x", "B8"),
    ("sentinel2_and_landsat8", "B4 B8"),
    ("Sentinel-2_like_MODIS", "B1 B2"),
    ("GF2_PMS1_E113", "B1 B2 B3 B4"),
    ("SPOT5_x", "B1 B2 B3"),
    ("GOES-16_ABI-L1b", "B1 B2 B3"),
    ("WV02_x", "B1 B2 B3 B4"),  # of four bands or of eight
    ("PSScene_x", "B1 B2 B3 B4"),
    ("CBERS_x", "B1 B2"),
    ("plots_M1", "M1 M2"),
    ("L8", "B5"),
    ("hotspots_2", "B8"),
]


@pytest.mark.parametrize(("stem", "codes", "names"), KNOWN)
def test_codes_of_a_known_sensor(stem, codes, names):
    reading = name_bands(codes.split(), [[stem]])
    assert " ".join(reading.names) == names
    assert reading.note.startswith("bands read as ")


@pytest.mark.parametrize(("stem", "codes"), UNKNOWN)
def test_codes_of_an_unknown_sensor_stay(stem, codes):
    reading = name_bands(codes.split(), [[stem]])
    assert " ".join(reading.names) == codes
    assert not reading.note.startswith("bands read as ")


def test_contradictions_are_told():
    assert "Landsat 8/9, which has no band B8A and B12" in name_bands(["B8A", "B12"], [["LC08_x"]]).note
    assert "mention Sentinel-2 and MODIS" in name_bands(["B1"], [["Sentinel-2 MODIS"]]).note


def test_the_nearest_name_counts():
    assert name_bands(["B5"], [["LC08_x"], ["sentinel2"]]).names == ("nir",)
    assert name_bands(["B5"], [["x"], ["sentinel2"], ["landsat8"]]).names == ("rededge071",)


def test_words_are_no_codes():
    words = ["blue", "VV", "band 4", "Band 5", "b", "index_B", ""]
    assert name_bands(words, [["LC08_x"]]).names == tuple(words)
    assert [code_of(word) for word in words] == [None] * len(words)


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.name)
def test_tables_are_well_formed(sensor):
    assert all(code_of(code) == code for code in sensor.codes)
    assert not sensor.mention.search("scene_2020_B4")


def test_codes_in_file_names():
    assert code_in_name("x_B02_10m") == "B02"
    assert code_in_name("x_B2_B8A") == "B8A"
    assert code_in_name("LE07_x_B6_VCID_2") == "B6_VCID_2"
    assert code_in_name("building_B20") is None
    assert code_in_name("2024_Sentinel-3_OLCI_B20_(Raw)") == "B20"
    assert code_in_name("scene_band2") is None


@pytest.mark.parametrize("name", ["LC08_x_{}.tif", "HLS.L30.T31UFT.2020.v2.0.{}.tif"])
def test_a_stack_is_decided_as_a_whole(tmp_path, write, pixels, name):
    codes = ("B4", "B5", "B6") if name.startswith("LC") else ("B04", "B05", "B06")
    files = [write(tmp_path / name.format(code), pixels(1, seed=i)) for i, code in enumerate(codes)]
    for source in (files, tmp_path):
        raster = open_raster(source)
        assert [band.name for band in raster.bands] == ["red", "nir", "swir16"]
        assert sum("bands read as Landsat 8/9" in note for note in raster.notes) == 1
        assert [b.name for b in open_raster(source, bands="a=B5,B04").bands] == ["a", "red"]


def test_a_stack_without_a_name(tmp_path, write, pixels):
    codes = ("B02", "B03", "B04", "B08", "B11", "B12")
    files = [write(tmp_path / f"{code}.tif", pixels(1, seed=i)) for i, code in enumerate(codes)]
    wanted = ["blue", "green", "red", "nir", "swir16", "swir22"]
    assert [band.name for band in open_raster(files).bands] == wanted
    raster = open_raster(files[:4])
    assert [band.name for band in raster.bands] == list(codes[:4])
    chosen = open_raster(files[:4], bands="blue=B02,nir=B8")
    assert [band.name for band in chosen.bands] == ["blue", "nir"]
    assert (chosen.read(chosen.box).data[1] == pixels(1, seed=3)).all()


@pytest.mark.parametrize("place", ["folder", "tag", "file"])
def test_evidence_beside_the_codes(tmp_path, write, pixels, place):
    import rasterio

    folder = tmp_path / ("Landsat-9" if place == "folder" else "x")
    folder.mkdir()
    path = write(folder / ("LC09_x.tif" if place == "file" else "x.tif"), pixels(2), descriptions=["B4", "B5"])
    if place == "tag":
        with rasterio.open(path, "r+") as file:
            file.update_tags(SPACECRAFT_ID="LANDSAT_9", HISTORY="compared with Sentinel-2")
    assert [band.name for band in open_raster(path).bands] == ["red", "nir"]


def test_arrays_are_decided_by_their_coordinates():
    def array(names, **attrs):
        return xr.DataArray(
            np.ones((len(names), 4, 5), "uint16"), dims=("band", "y", "x"), coords={"band": names}, attrs=attrs
        )

    def names(source):
        return [band.name for band in open_raster(source).bands]

    assert names(array(["B04", "B8A"])) == ["red", "nir08"]
    assert names(array(["B04", "B08"])) == ["B04", "B08"]
    assert names(array(["B04", "B05"], platform="LANDSAT_8")) == ["red", "nir"]
    assert names(array(["B04", "B05"]).assign_coords(platform="sentinel-2a")) == ["red", "rededge071"]
    data = xr.Dataset({name: array(["x"]).isel(band=0, drop=True) for name in ("B04", "B8A")})
    raster = open_raster(data)
    assert [band.name for band in raster.bands] == ["red", "nir08"]
    assert [band.name for band in open_raster(data, bands="nir=B8A").bands] == ["nir"]
    assert sum("bands read as" in note for note in raster.notes) == 1


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        ({"platform": "landsat-8"}, ["red", "nir", "own"]),
        ({"instruments": ["oli", "tirs"]}, ["red", "nir", "own"]),
        ({"constellation": "sentinel-2"}, ["red", "rededge071", "own"]),
        ({}, ["B04", "B05", "own"]),
        (None, ["B04", "B05", "own"]),
        ({"instruments": 5, "platform": ["x", None]}, ["B04", "B05", "own"]),
    ],
)
def test_a_stac_item(tmp_path, write, pixels, properties, names):
    tiff = {"type": "image/tiff", "roles": ["data"]}
    assets = {}
    for i, (key, bands) in enumerate(
        {"B04": [{"name": "B04"}], "B05": [], "x": [{"name": "B8A", "eo:common_name": "own"}]}.items()
    ):
        write(tmp_path / f"{i}.tif", pixels(1, seed=i))
        assets[key] = {"href": f"{i}.tif", **tiff, "bands": bands}
    if properties != {"constellation": "sentinel-2"}:
        assets["x"]["bands"] = [{"name": "x", "eo:common_name": "own"}]
    path = tmp_path / "item.json"
    path.write_text(json.dumps({"type": "Feature", "id": "i", "properties": properties, "assets": assets}))
    assert [band.name for band in open_raster(path).bands] == names
