"""Pixels without a class, however a file marks them, are in no polygon: GDAL's mask and numpy are the oracles."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from geoseg.errors import InputError
from geoseg.evaluate.reference import open_map
from geoseg.polygonize import polygonize
from geoseg.raster import open_raster
from geoseg.tiling import Box

SHAPE = 48, 40
TRANSFORM = Affine(10, 0, 500000, 0, -10, 5400000)


@pytest.fixture
def values():
    return np.random.default_rng(4).integers(0, 5, SHAPE, dtype=np.uint8)


@pytest.fixture
def hidden():
    mask = np.random.default_rng(5).random(SHAPE) < 0.3
    mask[:9] = True
    return mask


def write(path, *bands, mask=None, internal=True, alpha=None, **profile):
    profile = {"crs": "EPSG:32633", "transform": TRANSFORM, "driver": "GTiff", **profile}
    height, width = bands[0].shape
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal):
        with rasterio.open(
            path, "w", height=height, width=width, count=len(bands), dtype=bands[0].dtype, **profile
        ) as file:
            if alpha:
                colors = [ColorInterp.gray, *[ColorInterp.undefined] * (len(bands) - 1)]
                colors[alpha - 1] = ColorInterp.alpha
                file.colorinterp = colors
            file.write(np.stack(bands))
        if mask is not None:
            with rasterio.open(path, "r+") as file:
                file.write_mask(np.where(mask, 0, 255).astype(np.uint8))
    return path


def covered(source, **options):
    """Return pixels of each class by the area of its polygons."""
    frame = polygonize(source, **options)
    areas = frame.geometry.area.groupby(frame.class_id).sum() / 100
    return {int(number): round(float(area)) for number, area in areas.items()}


def counted(values, valid):
    found, counts = np.unique(values[valid], return_counts=True)
    return {int(value): int(count) for value, count in zip(found, counts, strict=True)}


@pytest.mark.parametrize("internal", [True, False], ids=["mask in the file", ".msk beside it"])
@pytest.mark.parametrize("nodata", [None, 3, 255])
def test_a_mask_counts_beside_a_nodata_value(tmp_path, values, hidden, nodata, internal):
    path = write(tmp_path / "map.tif", values, mask=hidden, internal=internal, nodata=nodata)
    with rasterio.open(path) as file:
        assert np.array_equal(file.dataset_mask() > 0, ~hidden)  # GDAL's own answer ignores nodata here
    valid = ~hidden & (values != (-1 if nodata is None else nodata))
    assert covered(path) == counted(values, valid)
    # --nodata replaces the value, not the mask.
    assert covered(path, nodata=1) == counted(values, ~hidden & (values != 1))


@pytest.mark.parametrize("nodata", [None, 3])
def test_an_alpha_band_counts_and_needs_no_choice_of_band(tmp_path, values, hidden, nodata):
    alpha = np.where(hidden, 0, 255).astype(np.uint8)
    path = write(tmp_path / "map.tif", values, alpha, alpha=2, nodata=nodata)
    valid = ~hidden & (values != (-1 if nodata is None else nodata))
    assert covered(path) == covered(path, band=1) == counted(values, valid)


def test_nan_and_infinity_are_no_class(tmp_path, values, hidden):
    data = values.astype(np.float32)
    data[hidden] = np.nan
    data[-1] = np.inf
    path = write(tmp_path / "map.tif", data, nodata=2)
    assert covered(path) == counted(values, np.isfinite(data) & (data != 2))


@pytest.mark.parametrize("nodata", [None, 3])
@pytest.mark.parametrize("way", ["mask", "alpha"])
def test_every_reader_sees_the_same_pixels(tmp_path, values, hidden, nodata, way):
    if way == "mask":
        path = write(tmp_path / "map.tif", values, mask=hidden, nodata=nodata)
    else:
        alpha = np.where(hidden, 0, 255).astype(np.uint8)
        path = write(tmp_path / "map.tif", values, alpha, alpha=2, nodata=nodata)
    box = Box(0, 0, *SHAPE)
    scene = open_raster(path).read(box)
    classes, valid = open_map(path).read(box)
    assert np.array_equal(scene.valid, valid)
    assert covered(path) == counted(classes, valid)


@pytest.mark.parametrize("nodata", [-9999, 0.5, float("nan"), float("inf")])
def test_a_nodata_value_that_cannot_occur_hides_nothing(tmp_path, values, nodata):
    vrt = tmp_path / "map.vrt"
    write(tmp_path / "map.tif", values)
    vrt.write_text(
        f'<VRTDataset rasterXSize="{SHAPE[1]}" rasterYSize="{SHAPE[0]}"><GeoTransform>500000,10,0,5400000,0,-10'
        f'</GeoTransform><VRTRasterBand dataType="Byte" band="1"><NoDataValue>{nodata}</NoDataValue><SimpleSource>'
        '<SourceFilename relativeToVRT="1">map.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
        "</VRTRasterBand></VRTDataset>",
        encoding="utf-8",
    )
    assert covered(vrt) == counted(values, np.ones(SHAPE, bool))


def test_half_a_png_is_refused(tmp_path, values):
    path = tmp_path / "map.png"
    with rasterio.open(path, "w", driver="PNG", height=SHAPE[0], width=SHAPE[1], count=1, dtype="uint8") as file:
        file.write(values, 1)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="PNG file is truncated"):
        polygonize(path)
