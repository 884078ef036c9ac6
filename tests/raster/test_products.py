"""Products as their makers deliver them: bands by name, values in physical units, quality bands.

The samples are built here from the published formats; none is a file of the maker. Expected values are computed anew.
"""

from __future__ import annotations

import json
import math
import pickle
import tarfile
import zipfile
from datetime import date

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine

from geoseg.errors import InputError, OptionError, ReadError
from geoseg.raster import open_raster
from geoseg.raster.scenes.dimap import sun_distance
from geoseg.tiling import Box

UTM = Affine(10, 0, 500_000, 0, -10, 5_000_000)
SIDE = 40


def physical(raster):
    """Values of a raster in physical units, NaN where they are missing, computed here."""
    got = raster.read(raster.box)
    scale, offset = (np.array([getattr(b, key) for b in raster.bands])[:, None, None] for key in ("scale", "offset"))
    return np.where(got.valid, got.data * scale + offset, np.nan)


def packed(folder, kind):
    """The folder as an archive, with the folder's name in it, as portals hand products out."""
    path = folder.with_name(f"{folder.name.removesuffix('.SAFE')}.{kind}")
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(p for p in folder.rglob("*") if p.is_file()):
                archive.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(path, "w") as archive:  # USGS: files at the top
            for file in sorted(p for p in folder.rglob("*") if p.is_file()):
                archive.add(file, file.relative_to(folder))
    return path


# Sentinel-2

L1C = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-1C_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd">
<n1:General_Info><Product_Info><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<Product_Organisation><Granule_List><Granule imageFormat="JPEG2000">{images}</Granule></Granule_List>
</Product_Organisation></Product_Info><Product_Image_Characteristics>
<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>{offsets}
</Product_Image_Characteristics></n1:General_Info></n1:Level-1C_User_Product>"""
CODES = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
NAMES = (
    "coastal", "blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir", "nir08", "nir09", "cirrus",
    "swir16", "swir22",
)  # fmt: skip


@pytest.fixture
def level_1c(tmp_path, write, pixels):
    def make(baseline):
        folder = tmp_path / f"S2B_MSIL1C_20240601T101559_N{baseline}_R065_T32TNT_20240601T122334.SAFE"
        granule = "GRANULE/L1C_T32TNT_A037803_20240601T102015"
        (folder / granule / "IMG_DATA").mkdir(parents=True)
        (folder / granule / "QI_DATA").mkdir()
        images, stored = [], {}
        for number, code in enumerate(CODES):
            metres = 10 if code in ("B02", "B03", "B04", "B08") else 60 if code in ("B01", "B09", "B10") else 20
            side = 120 // metres * 10
            stored[code] = pixels(1, side, side, seed=number)
            stem = f"{granule}/IMG_DATA/T32TNT_20240601T101559_{code}"
            write(folder / f"{stem}.jp2", stored[code], driver="JP2OpenJPEG", QUALITY=100, REVERSIBLE=True,
                  transform=UTM * Affine.scale(metres // 10))  # fmt: skip
            images.append(f"<IMAGE_FILE>{stem}</IMAGE_FILE>")
        new = int(baseline) >= 400
        each = "".join(f'<RADIO_ADD_OFFSET band_id="{n}">-1000</RADIO_ADD_OFFSET>' for n in range(13))
        offsets = f"<Radiometric_Offset_List>{each}</Radiometric_Offset_List>" if new else ""
        mask = np.zeros((3, 20, 20), np.uint8)
        if new:
            mask[0, :5], mask[2, -5:] = 1, 1
            write(folder / granule / "QI_DATA" / "MSK_CLASSI_B00.jp2", mask, driver="JP2OpenJPEG", QUALITY=100,
                  REVERSIBLE=True, transform=UTM * Affine.scale(6))  # fmt: skip
        text = L1C.format(baseline=f"{int(baseline) / 100:05.2f}", images="".join(images), offsets=offsets)
        (folder / "MTD_MSIL1C.xml").write_text(text, "utf-8")
        return folder, stored, new

    return make


@pytest.mark.parametrize("baseline", ["0209", "0400", "0510"])
def test_sentinel_2_level_1c(level_1c, baseline):
    folder, stored, new = level_1c(baseline)
    raster = open_raster(folder, mask_clouds="none")
    assert [band.name for band in raster.bands] == list(NAMES)
    assert raster.shape == (120, 120)
    values = physical(raster)
    expected = (stored["B08"][0].astype(float) - (1000 if new else 0)) / 10_000
    np.testing.assert_allclose(values[7], expected, atol=1e-9)
    quality = open_raster(folder).quality
    assert (quality is not None) == new


@pytest.mark.parametrize("baseline", ["0209", "0510"])
def test_a_zip_of_a_product_reads_as_its_folder(level_1c, baseline):
    folder, _, new = level_1c(baseline)
    archive = packed(folder, "zip")
    left, right = open_raster(folder), open_raster(archive)
    assert (left.name, left.bands, left.grid) == (right.name, right.bands, right.grid)
    one, other = left.read(left.box), right.read(right.box)
    np.testing.assert_array_equal(one.data, other.data)
    np.testing.assert_array_equal(one.valid, other.valid)
    assert one.valid.all() != new  # clouds and snow of the new baseline


def test_archives_that_hold_no_product(tmp_path, level_1c):
    folder, _, _ = level_1c("0510")
    (tmp_path / "no.zip").write_bytes(b"PK no zip")
    with zipfile.ZipFile(tmp_path / "text.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with zipfile.ZipFile(tmp_path / "cut.zip", "w") as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file() and "B04" not in p.name):
            archive.write(file, file.relative_to(folder.parent))
    with zipfile.ZipFile(tmp_path / "up.zip", "w") as archive:
        text = (folder / "MTD_MSIL1C.xml").read_text("utf-8").replace("GRANULE/L1C_T32TNT", "../../../etc")
        archive.writestr("A.SAFE/MTD_MSIL1C.xml", text)
    (tmp_path / "a.tar.gz").write_bytes(b"\x1f\x8b")
    for name, message in (
        ("no.zip", "not an archive that can be read"),
        ("text.zip", "no product that is known in this archive"),
        ("cut.zip", "band B04 of the product is missing"),
        ("up.zip", "outside the product; rejected"),
        ("a.tar.gz", "unpack it first"),
    ):
        with pytest.raises(InputError, match=message):
            open_raster(tmp_path / name)


# Landsat

TITLE = {"1": "LC08_L1TP_190024_20240601_20240605_02_T1", "2": "LC08_L2SP_190024_20240601_20240605_02_T1"}


def landsat_groups(level):
    """Metadata of Landsat 8 with the groups and keys that are read, and some of the others."""
    title = TITLE[level]
    numbers = range(1, 12) if level == "1" else range(1, 8)
    files = {f"FILE_NAME_BAND_{n}": f"{title}_{'' if level == '1' else 'SR_'}B{n}.TIF" for n in numbers}
    if level == "2":
        files["FILE_NAME_BAND_ST_B10"] = f"{title}_ST_B10.TIF"
        files["FILE_NAME_THERMAL_RADIANCE"] = f"{title}_ST_TRAD.TIF"
    files["FILE_NAME_QUALITY_L1_PIXEL"] = f"{title}_QA_PIXEL.TIF"
    level1 = {f"RADIANCE_MULT_BAND_{n}": "1.2E-02" if n < 10 else "3.3420E-04" for n in range(1, 12)}
    level1 |= {f"RADIANCE_ADD_BAND_{n}": "-60.1" if n < 10 else "0.10000" for n in range(1, 12)}
    level1 |= {f"REFLECTANCE_MULT_BAND_{n}": "2.0000E-05" for n in range(1, 10)}
    level1 |= {f"REFLECTANCE_ADD_BAND_{n}": "-0.100000" for n in range(1, 10)}
    groups = {
        "PRODUCT_CONTENTS": {
            "LANDSAT_PRODUCT_ID": title, "PROCESSING_LEVEL": title[5:9], "COLLECTION_NUMBER": "02", **files,
        },
        "IMAGE_ATTRIBUTES": {"SPACECRAFT_ID": "LANDSAT_8", "SENSOR_ID": "OLI_TIRS", "SUN_ELEVATION": "58.70000000"},
        "LEVEL1_RADIOMETRIC_RESCALING": level1,
    }  # fmt: skip
    if level == "2":
        groups["LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"] = {
            **{f"REFLECTANCE_MULT_BAND_{n}": "2.75e-05" for n in range(1, 8)},
            **{f"REFLECTANCE_ADD_BAND_{n}": "-0.2" for n in range(1, 8)},
        }
        groups["LEVEL2_SURFACE_TEMPERATURE_PARAMETERS"] = {
            "TEMPERATURE_MULT_BAND_ST_B10": "0.00341802", "TEMPERATURE_ADD_BAND_ST_B10": "149.0",
        }  # fmt: skip
    return groups


def as_text(groups, kind):
    if kind == "json":
        return json.dumps({"LANDSAT_METADATA_FILE": groups})
    if kind == "xml":
        inner = "".join(
            f"<{group}>{''.join(f'<{k}>{v}</{k}>' for k, v in entries.items())}</{group}>"
            for group, entries in groups.items()
        )
        return f'<?xml version="1.0" encoding="UTF-8"?><LANDSAT_METADATA_FILE>{inner}</LANDSAT_METADATA_FILE>'
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, entries in groups.items():
        quoted = ((k, v if v.replace(".", "").lstrip("-").isdigit() else f'"{v}"') for k, v in entries.items())
        lines += [f"  GROUP = {group}", *(f"    {k} = {v}" for k, v in quoted), f"  END_GROUP = {group}"]
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END"])


@pytest.fixture
def landsat(tmp_path, write, pixels):
    def make(level, kind):
        folder = tmp_path / f"{TITLE[level]}_{kind}"
        folder.mkdir()
        groups = landsat_groups(level)
        stored = {}
        for number, (key, name) in enumerate(groups["PRODUCT_CONTENTS"].items()):
            if not name.endswith(".TIF"):
                continue
            array = pixels(1, SIDE, SIDE, seed=number) + np.uint16(8000)
            array[0, :4] = 0
            if key == "FILE_NAME_QUALITY_L1_PIXEL":
                array[:] = 21824
                array[0, -4:] = 22280  # cloud
            if key == "FILE_NAME_BAND_8":
                write(folder / name, pixels(1, 2 * SIDE, 2 * SIDE), transform=UTM * Affine.scale(0.5))
                continue
            stored[name] = array[0]
            write(folder / name, array)
        (folder / f"{TITLE[level]}_MTL.{kind}").write_text(as_text(groups, kind), "utf-8")
        (folder / f"{TITLE[level]}_ANG.txt").write_text("angles", "utf-8")
        return folder, stored

    return make


@pytest.mark.parametrize("kind", ["json", "xml", "txt"])
def test_landsat_level_2(landsat, kind):
    folder, stored = landsat("2", kind)
    raster = open_raster(folder)
    assert [b.name for b in raster.bands] == ["coastal", "blue", "green", "red", "nir", "swir16", "swir22", "lwir11"]
    values = physical(raster)
    red, heat = (stored[f"{TITLE['2']}_{name}.TIF"].astype(float) for name in ("SR_B4", "ST_B10"))
    inside = slice(4, SIDE - 4)  # fill above, clouds below
    np.testing.assert_allclose(values[3][inside], red[inside] * 0.0000275 - 0.2, rtol=1e-12)
    np.testing.assert_allclose(values[7][inside], heat[inside] * 0.00341802 + 149, rtol=1e-12)
    assert np.isnan(values[:, :4]).all()
    assert np.isnan(values[:, -4:]).all()
    assert raster.quality is not None
    assert raster.name == TITLE["2"]
    tar = open_raster(packed(folder, "tar"))
    assert (tar.name, tar.bands) == (raster.name, raster.bands)
    np.testing.assert_array_equal(physical(tar), values)
    assert open_raster(folder / f"{TITLE['2']}_MTL.{kind}").bands == raster.bands


@pytest.mark.slow
def test_a_run_over_an_archive(landsat, geoseg, tmp_path):
    """The map of a tar is that of its folder, and carries the product's name."""
    folder, _ = landsat("2", "xml")
    options = ("-m", "spectral", "--device", "cpu", "--precision", "fp32", "--runtime", "torch", "--progress", "none")
    maps = []
    for source, out in ((folder, tmp_path / "a"), (packed(folder, "tar"), tmp_path / "b")):
        code, _, err = geoseg("segment", source, *options, "--no-polygons", "-o", out)
        assert code == 0, err
        with rasterio.open(out / f"{TITLE['2']}_classes.tif") as file:
            maps.append(file.read(1))
    np.testing.assert_array_equal(*maps)
    assert (maps[0][4:-4] != 255).all()
    assert (maps[0][:4] == 255).all()


def test_landsat_level_1(landsat):
    folder, stored = landsat("1", "txt")
    raster = open_raster(folder, mask_clouds="none")
    assert [b.name for b in raster.bands] == [
        "coastal", "blue", "green", "red", "nir", "swir16", "swir22", "cirrus", "lwir11", "lwir12",
    ]  # fmt: skip
    assert raster.shape == (SIDE, SIDE)  # not the finer pixels of the panchromatic band
    values, sine = physical(raster), math.sin(math.radians(58.7))
    nir, heat = (stored[f"{TITLE['1']}_B{n}.TIF"][4:].astype(float) for n in (5, 11))
    np.testing.assert_allclose(values[4, 4:], (nir * 2e-5 - 0.1) / sine, rtol=1e-12)
    np.testing.assert_allclose(values[9, 4:], heat * 3.342e-4 + 0.1, rtol=1e-12)
    assert any("panchromatic" in note for note in raster.notes)
    assert any("radiance" in note for note in raster.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"', '"ELSEWHERE"', "REFLECTANCE_MULT_BAND_1 of LEVEL2.* is missing"),
        ('"REFLECTANCE_MULT_BAND_1": "2.75e-05"', '"REFLECTANCE_MULT_BAND_1": "nan"', "'nan', not a finite number"),
        ('"PROCESSING_LEVEL": "L2SP"', '"PROCESSING_LEVEL": "ARD"', "no metadata of Landsat Collection 2"),
        ("_SR_B1.TIF", "_SR_B1_lost.TIF", "file of the product is missing"),
        (f'"{TITLE["2"]}_SR_B1.TIF"', '"../../etc/passwd.TIF"', "outside the product"),
        ("{", "[", "not JSON"),
    ],
)
def test_damaged_landsat_metadata(landsat, old, new, message):
    folder, _ = landsat("2", "json")
    path = folder / f"{TITLE['2']}_MTL.json"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(InputError, match=message):
        open_raster(folder)


def test_two_products_in_one_folder(landsat):
    folder, _ = landsat("2", "json")
    (folder / "LC08_other_MTL.json").write_text("{}", "utf-8")
    with pytest.raises(InputError, match="holds 2 products"):
        open_raster(folder)


# Radar


def test_sentinel_1_geocoded(tmp_path, write, pixels):
    stem = "S1A_IW_20240601T052345_DVP_RTC30_G_gpuned_1A2B"
    folder = tmp_path / stem
    folder.mkdir()
    for name in ("VV", "VH", "inc_map", "ls_map", "rgb"):
        write(folder / f"{stem}_{name}.tif", pixels(1, SIDE, SIDE, "float32"), nodata=0)
    raster = open_raster(folder)
    assert [band.name for band in raster.bands] == ["vh", "vv"]
    assert open_raster(folder / f"{stem}_VV.tif").bands[0].name == "vv"
    both = write(tmp_path / "radar.tif", pixels(2, SIDE, SIDE, "float32"), descriptions=("VV", "VH"))
    assert [band.name for band in open_raster(both).bands] == ["VV", "VH"]  # found as vv and vh, too
    assert open_raster(both).select(["vh"]).bands[0].name == "VH"


def test_sentinel_1_in_radar_geometry_is_refused(tmp_path):
    folder = tmp_path / "S1A_IW_GRDH_1SDV_20240601T052345_20240601T052410_054123_069511_1A2B.SAFE"
    (folder / "measurement").mkdir(parents=True)
    (folder / "manifest.safe").write_text("<xfdu/>", "utf-8")
    with pytest.raises(InputError, match="radar geometry must be geocoded first"):
        open_raster(folder)


# Planet, NAIP, HLS, MODIS

PLANET = """<?xml version="1.0" encoding="UTF-8"?>
<ps:EarthObservation xmlns:ps="http://schemas.planet.com/ps/v1/planet_product_metadata_geocorrected_level">
{}</ps:EarthObservation>"""
PLANET_BAND = """<ps:bandSpecificMetadata><ps:bandNumber>{}</ps:bandNumber>
<ps:radiometricScaleFactor>0.01</ps:radiometricScaleFactor>
<ps:reflectanceCoefficient>{}</ps:reflectanceCoefficient></ps:bandSpecificMetadata>"""
EIGHT = ["coastal", "blue", "green_i", "green", "yellow", "red", "rededge", "nir"]
FOUR = ["blue", "green", "red", "nir"]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("AnalyticMS", FOUR), ("AnalyticMS_clip", FOUR), ("AnalyticMS_SR", FOUR), ("AnalyticMS_8b", EIGHT),
        ("AnalyticMS_SR_8b_harmonized_clip", EIGHT),
    ],
)  # fmt: skip
def test_planetscope(tmp_path, write, pixels, name, names):
    stem = "20240601_101031_12_24a1_3B"
    stored = pixels(len(names), SIDE, SIDE)
    stored[:, 0] = 0
    path = write(tmp_path / f"{stem}_{name}.tif", stored)
    factors = 2e-5 * (1 + np.arange(len(names)) / 10)
    bands = "".join(PLANET_BAND.format(n, repr(float(f))) for n, f in enumerate(factors, 1))
    kind = "_8b" if len(names) == 8 else ""
    (tmp_path / f"{stem}_AnalyticMS{kind}_metadata{'_clip' * ('clip' in name)}.xml").write_text(PLANET.format(bands))
    mask = np.zeros((8, SIDE, SIDE), np.uint8)
    mask[0], mask[5, -3:] = 1, 1
    write(tmp_path / f"{stem}_udm2{'_clip' * name.endswith('_clip')}.tif", mask)
    for source in (path, tmp_path):
        raster = open_raster(source)
        assert [band.name for band in raster.bands] == names
        values = physical(raster)
        factor = np.full(len(names), 1e-4) if "_SR" in name else factors
        np.testing.assert_allclose(values[:, 1:-3], stored[:, 1:-3] * factor[:, None, None], rtol=1e-12)
        assert np.isnan(values[:, 0]).all()
        assert np.isnan(values[:, -3:]).all()


def test_planetscope_without_or_with_wrong_metadata(tmp_path, write, pixels):
    path = write(tmp_path / "20240601_101031_12_24a1_3B_AnalyticMS.tif", pixels(4, SIDE, SIDE))
    raster = open_raster(path)
    assert not raster.bands[0].scaled
    assert any("they are counts" in note for note in raster.notes)
    metadata = tmp_path / "20240601_101031_12_24a1_3B_AnalyticMS_metadata.xml"
    metadata.write_text(PLANET.format(PLANET_BAND.format(1, 2e-5)))
    with pytest.raises(InputError, match="coefficients of 1 bands, not of 4"):
        open_raster(path)
    metadata.write_text(PLANET.format(PLANET_BAND.format(1, "none")))
    with pytest.raises(InputError, match="no reflectance coefficient of band 1"):
        open_raster(path)
    metadata.unlink()
    write(path, pixels(3, SIDE, SIDE))  # bands were taken out: which is which is not known
    assert [band.name for band in open_raster(path).bands] == ["band1", "band2", "band3"]


def test_naip(tmp_path, write, pixels):
    path = write(tmp_path / "m_3812118_ne_10_060_20200521.tif", pixels(4, SIDE, SIDE, "uint8"))
    assert [band.name for band in open_raster(path).bands] == ["red", "green", "blue", "nir"]
    write(path, pixels(3, SIDE, SIDE, "uint8"))
    assert "nir" not in [band.name for band in open_raster(path).bands]


def test_modis_and_hls_as_geotiff(tmp_path, write, pixels):
    modis, hls = tmp_path / "modis", tmp_path / "HLS.L30.T33UUU.2024153T101031.v2.0"
    modis.mkdir()
    hls.mkdir()
    for number in (1, 2, 4):  # as AppEEARS names them
        name = f"MOD09A1.061_sur_refl_b0{number}_doy2024153000000_aid0001.tif"
        write(modis / name, pixels(1, SIDE, SIDE, "int16"), scales=(1e-4,), offsets=(0.0,), nodata=-28672)
    raster = open_raster(modis)
    assert [(b.name, b.scale, b.nodata) for b in raster.bands] == [
        ("red", 1e-4, -28672), ("nir", 1e-4, -28672), ("green", 1e-4, -28672)
    ]  # fmt: skip
    for code in ("B02", "B04", "B05", "B10", "SZA", "VAA"):
        scale = 0.01 if code in ("B10", "SZA", "VAA") else 1e-4
        path = hls / f"{hls.name}.{code}.tif"
        write(path, pixels(1, SIDE, SIDE, "int16"), scales=(scale,), offsets=(0.0,), nodata=-9999)
    write(hls / f"{hls.name}.Fmask.tif", np.full((1, SIDE, SIDE), 2, np.uint8))
    raster = open_raster(hls)
    assert [(b.name, b.scale) for b in raster.bands] == [
        ("blue", 1e-4), ("red", 1e-4), ("nir", 1e-4), ("lwir11", 0.01)
    ]  # fmt: skip
    assert not raster.read(raster.box).valid.any()  # all cloud


@pytest.mark.parametrize("name", ["MOD09A1.A2024153.h18v03.061.2024162.hdf", "cube.nc"])
def test_files_of_several_arrays_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x0e\x03\x13\x01" + bytes(100))
    with pytest.raises(InputError, match=r"gdal_translate SUBDATASET band\.tif"):
        open_raster(tmp_path / name)


# Pléiades and SPOT

DIMAP = """<?xml version="1.0" encoding="UTF-8"?>
<Dimap_Document><Metadata_Identification><METADATA_FORMAT version="2.15">DIMAP</METADATA_FORMAT>
</Metadata_Identification><Processing_Information><Product_Settings>
<SPECTRAL_PROCESSING>{spectral}</SPECTRAL_PROCESSING><Radiometric_Settings>
<RADIOMETRIC_PROCESSING>{processing}</RADIOMETRIC_PROCESSING></Radiometric_Settings></Product_Settings>
</Processing_Information><Raster_Data><Data_Access><DATA_FILE_TILES>true</DATA_FILE_TILES>{files}</Data_Access>
<Raster_Display><Band_Display_Order><RED_CHANNEL>B2</RED_CHANNEL><GREEN_CHANNEL>B1</GREEN_CHANNEL>
<BLUE_CHANNEL>B0</BLUE_CHANNEL></Band_Display_Order><Special_Value><SPECIAL_VALUE_COUNT>0</SPECIAL_VALUE_COUNT>
<SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT></Special_Value></Raster_Display></Raster_Data>
<Radiometric_Data><Radiometric_Calibration><Instrument_Calibration><Band_Measurement_List>{bands}
</Band_Measurement_List></Instrument_Calibration></Radiometric_Calibration></Radiometric_Data>
<Geometric_Data><Use_Area>{places}</Use_Area></Geometric_Data></Dimap_Document>"""
PLACE = """<Located_Geometric_Values><LOCATION_TYPE>{}</LOCATION_TYPE><TIME>2024-06-01T10:20:30.5Z</TIME>
<Solar_Incidences><SUN_AZIMUTH>150</SUN_AZIMUTH><SUN_ELEVATION>{}</SUN_ELEVATION></Solar_Incidences>
</Located_Geometric_Values>"""
GAINS = {"B0": 9.17, "B1": 9.2, "B2": 10.4, "B3": 15.6}
SUNS = {"B0": 1915.0, "B1": 1830.0, "B2": 1594.0, "B3": 1060.0}


def measured(processing):
    text = ""
    for band, gain in GAINS.items():
        text += f"""<Band_Radiance><BAND_ID>{band}</BAND_ID><MEASURE_DESC>L=DN/GAIN+BIAS</MEASURE_DESC>
            <GAIN>{gain}</GAIN><BIAS>0.5</BIAS></Band_Radiance>"""
        text += f"<Band_Solar_Irradiance><BAND_ID>{band}</BAND_ID><VALUE>{SUNS[band]}</VALUE></Band_Solar_Irradiance>"
        if processing == "REFLECTANCE":
            text += f"""<Band_Reflectance><BAND_ID>{band}</BAND_ID><GAIN>10000</GAIN><BIAS>0</BIAS>
                </Band_Reflectance>"""
    return text


@pytest.fixture
def dimap(tmp_path, write, pixels):
    """A product of two by two tiles, and what is stored in all of them."""

    def make(processing="BASIC", spectral="PMS", drop=""):
        folder = tmp_path / "IMG_PHR1A_PMS_001"
        folder.mkdir()
        stored = pixels(4, 70, 90)
        stored[:, :3] = 0
        entries = ""
        for row, (top, bottom) in enumerate(((0, 40), (40, 70)), 1):
            for col, (left, right) in enumerate(((0, 50), (50, 90)), 1):
                name = f"IMG_PHR1A_PMS_202406011020305_ORT_001_R{row}C{col}.TIF"
                write(folder / name, stored[:, top:bottom, left:right], transform=UTM * Affine.translation(left, top))
                entries += f'<Data_File tile_R="{row}" tile_C="{col}"><DATA_FILE_PATH href="{name}"/></Data_File>'
        text = DIMAP.format(
            spectral=spectral, processing=processing, files=f"<Data_Files>{entries}</Data_Files>",
            bands=measured(processing),
            places=PLACE.format("TopCenter", 57) + PLACE.format("Center", 58.7) + PLACE.format("BottomCenter", 60),
        )  # fmt: skip
        path = folder / "DIM_PHR1A_PMS_202406011020305_ORT_001.XML"
        path.write_text(text.replace(drop, "") if drop else text, "utf-8")
        return path, stored

    return make


def test_pleiades_of_several_tiles(dimap):
    path, stored = dimap()
    raster = open_raster(path.parent)
    assert [band.name for band in raster.bands] == ["red", "green", "blue", "nir"]
    assert raster.shape == (70, 90)
    assert raster.name == "PHR1A_PMS_202406011020305_ORT_001"
    values = physical(raster)
    # Distance of the sun on 1 June 2024 after Spencer (1971), another series than the one in use.
    angle = 2 * math.pi * 152 / 366
    inverse = (
        1.00011 + 0.034221 * math.cos(angle) + 0.00128 * math.sin(angle) + 0.000719 * math.cos(2 * angle)
        + 0.000077 * math.sin(2 * angle)
    )  # fmt: skip
    for position, band in enumerate(("B2", "B1", "B0", "B3")):
        radiance = stored[position].astype(float) / GAINS[band] + 0.5
        expected = math.pi * radiance / inverse / (SUNS[band] * math.sin(math.radians(58.7)))
        np.testing.assert_allclose(values[position, 3:], expected[3:], rtol=1e-3)
    assert np.isnan(values[:, :3]).all()
    assert open_raster(path).bands == raster.bands
    assert open_raster(packed(path.parent, "zip")).bands == raster.bands
    with pytest.raises(OptionError, match="stored in tiles"):
        open_raster(path, resolution=20)


def test_distance_of_the_sun():
    """Perihelion and aphelion of 2020, by the Astronomical Almanac."""
    assert sun_distance(date(2020, 1, 5)) == pytest.approx(0.98324, abs=2e-4)
    assert sun_distance(date(2020, 7, 4)) == pytest.approx(1.01669, abs=2e-4)


def test_pleiades_as_reflectance_and_as_a_picture(dimap, tmp_path):
    path, stored = dimap("REFLECTANCE", "PMS-N")
    raster = open_raster(path)
    assert [band.name for band in raster.bands] == ["band1", "band2", "band3", "band4"]  # three are told, four stored
    text = path.read_text("utf-8").replace("PMS-N", "PMS")
    path.write_text(text, "utf-8")
    np.testing.assert_allclose(physical(open_raster(path))[:, 3:], stored[:, 3:] / 10_000, rtol=1e-12)
    path.write_text(text.replace(">REFLECTANCE<", ">LINEAR_STRETCH<"), "utf-8")
    raster = open_raster(path)
    assert not raster.bands[0].scaled
    assert any("no units" in note for note in raster.notes)
    path.write_text(text.replace(">REFLECTANCE<", ">BASIC<").replace("1915.0", "999"), "utf-8")
    raster = open_raster(path)
    assert any("radiance" in note for note in raster.notes)
    np.testing.assert_allclose(physical(raster)[2, 3:], stored[2, 3:] / 9.17 + 0.5, rtol=1e-12)


def test_pleiades_neo_in_two_files(tmp_path, write, pixels):
    """Colours and near infrared of Pléiades Neo are in files of their own, each with its list of bands."""
    folder = tmp_path / "IMG_PNEO3"
    folder.mkdir()
    stored, groups = pixels(6, SIDE, SIDE), ""
    for name, ids, part in (("RGB", ("R", "G", "B"), stored[:3]), ("NED", ("NIR", "RE", "DB"), stored[3:])):
        write(folder / f"IMG_PNEO3_{name}_R1C1.TIF", part)
        listed = "".join(
            f"<Raster_Index><BAND_ID>{one}</BAND_ID><BAND_INDEX>{n}</BAND_INDEX></Raster_Index>"
            for n, one in enumerate(ids, 1)
        )
        groups += f"""<Data_Files><Data_File tile_R="1" tile_C="1"><DATA_FILE_PATH href="IMG_PNEO3_{name}_R1C1.TIF"/>
            </Data_File><Raster_Display><Raster_Index_List>{listed}</Raster_Index_List></Raster_Display></Data_Files>"""
    text = DIMAP.format(spectral="MS-FS", processing="DISPLAY", files=groups, bands="", places="")
    (folder / "DIM_PNEO3.XML").write_text(text, "utf-8")
    raster = open_raster(folder)
    assert [band.name for band in raster.bands] == ["red", "green", "blue", "nir", "rededge", "coastal"]
    np.testing.assert_array_equal(raster.read(raster.box).data, stored)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<GAIN>9.17", "<GAIN>0", "not a positive number"),
        ("<GAIN>9.17", "<GAIN>much", "'much', not a finite number"),
        ('href="IMG_PHR1A', 'href="../IMG_PHR1A', "not in the product; rejected"),
        ("R2C2.TIF", "R2C3.TIF", "image of the product is missing"),
        ("Data_Files", "Files", "no DIMAP of version 2"),
        (">58.7<", ">-3<", "below the horizon"),
    ],
)
def test_damaged_dimap(dimap, old, new, message):
    path, _ = dimap()
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(InputError, match=message):
        open_raster(path)


def test_a_band_that_was_cut_off(landsat):
    folder, _ = landsat("2", "json")
    band = folder / f"{TITLE['2']}_SR_B4.TIF"
    band.write_bytes(band.read_bytes()[:-600])
    raster = open_raster(folder)
    with pytest.raises(ReadError, match=r"SR_B4\.TIF.*copy or download it again"):
        raster.read(raster.box)


# EOPF


@pytest.mark.parametrize("version", [2, 3])
def test_eopf_zarr(tmp_path, pixels, version):
    pytest.importorskip("zarr", reason="the extra zarr is not installed")
    path = tmp_path / "S2B_MSIL2A_20240601T101559_N0510_R065_T32TNT_20240601T122334.zarr"
    stored, tree = {}, {}
    groups = {10: ("b02", "b03", "b04", "b08"), 20: ("b02", "b04", "b05", "b11"), 60: ("b01", "b02")}

    def grid(metres):
        side = 240 // metres
        x, y = 500_000 + metres * (np.arange(side) + 0.5), 5_000_000 - metres * (np.arange(side) + 0.5)
        return side, {"y": y, "x": x}

    for metres, codes in groups.items():
        side, coordinates = grid(metres)
        variables = {}
        for number, code in enumerate(codes):
            values = pixels(1, side, side, seed=metres + number)[0] + np.uint16(1000)
            values[0] = 0
            stored[code, metres] = values
            own = {"scale_factor": 0.0001, "add_offset": -0.1, "fill_value": 0, "long_name": f"BOA reflectance {code}"}
            variables[code] = (("y", "x"), values, {"_eopf_attrs": own, "proj:epsg": 32631})
        tree[f"measurements/reflectance/r{metres}m"] = xr.Dataset(variables, coords=coordinates)
    side, coordinates = grid(20)
    classes = np.full((side, side), 4, np.uint8)
    classes[-2:] = 9
    masks = xr.Dataset({"scl": (("y", "x"), classes)}, coords=coordinates)
    tree["conditions/mask/l2a_classification/r20m"] = masks
    xr.Dataset(attrs={"other_metadata": {"horizontal_CRS_code": "EPSG:32631"}}).to_zarr(path, zarr_format=version)
    for group, data in tree.items():
        data.to_zarr(path, group=group, mode="a", zarr_format=version)

    raster = open_raster(path)
    assert raster.name == path.stem
    assert [band.name for band in raster.bands] == [
        "blue", "green", "red", "nir", "rededge071", "swir16", "coastal"
    ]  # fmt: skip
    assert raster.grid.crs.to_epsg() == 32631
    assert raster.transform == UTM
    values = physical(open_raster(path, mask_clouds="none"))
    np.testing.assert_allclose(values[0, 6:], stored["b02", 10][6:] * 1e-4 - 0.1, atol=1e-9)
    # Finer pixels lie between the centres of coarse ones: a quarter of the way from one to the next.
    coarse = stored["b11", 20].astype(float)
    between = 0.75 * coarse[:, :-1] + 0.25 * coarse[:, 1:]
    expected = np.rint(0.75 * between[3:-1] + 0.25 * between[4:]) * 1e-4 - 0.1
    np.testing.assert_allclose(values[5, 7:-2:2, 1:-1:2], expected, atol=1e-4 + 1e-9)
    clear = raster.read(raster.box).valid
    assert not clear[-4:].any()
    assert clear[6:-4].all()
    lazy = pickle.loads(pickle.dumps(raster)).to_xarray().compute(scheduler="synchronous").values
    np.testing.assert_allclose(lazy[5][clear], values[5][clear], rtol=1e-6)
    part = raster.cut(Box(7, 5, 9, 8))
    np.testing.assert_array_equal(part.read(part.box).data, raster.read(raster.box).data[:, 7:16, 5:13])
    sub = open_raster(path / "measurements" / "reflectance" / "r20m")
    assert {band.name for band in sub.bands} == {"b02", "b04", "b05", "b11"}  # a group alone is any array
    with pytest.raises(OptionError, match="qa does not apply"):
        open_raster(path, mask_clouds="qa")


def test_a_zarr_store_of_groups(tmp_path, pixels):
    pytest.importorskip("zarr", reason="the extra zarr is not installed")
    path = tmp_path / "cube.zarr"
    xr.Dataset().to_zarr(path)
    xr.Dataset({"B04": (("y", "x"), pixels(1, 8, 8)[0])}).to_zarr(path, group="inner", mode="a")
    with pytest.raises(InputError, match=r"only groups: name one of them.*inner"):
        open_raster(path)
    assert open_raster(path / "inner").shape == (8, 8)
