"""Sources warped to another grid, as GDAL's warped VRT.

rasterio's ``WarpedVRT`` cannot be used here: with ``tolerance=0`` it does not open (rasterio 1.4), and with its
approximation of the transformation the value of a pixel depends on the window that is read. The XML also selects bands,
each with its own nodata value. Format: https://gdal.org/drivers/raster/vrt_warped.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rasterio.crs import CRS

if TYPE_CHECKING:
    from affine import Affine

_TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "uint64": "UInt64", "int64": "Int64", "float32": "Float32", "float64": "Float64",
}  # fmt: skip
_ALGORITHMS = {"nearest": "NearestNeighbour", "bilinear": "Bilinear"}


@dataclass(frozen=True)
class Warp:
    """How to warp a source to another grid.

    Attributes
    ----------
    crs, transform, height, width
        The target grid; ``crs`` as text that PROJ understands.
    source_crs, source_transform
        Those of the source, which the file may lack or which may have been fitted.
    resampling
        ``"bilinear"`` for measurements, ``"nearest"`` for classes and masks.
    scale
        Target pixels per source pixel along columns and rows, at most 1.
    """

    crs: str
    transform: Affine
    height: int
    width: int
    source_crs: str
    source_transform: Affine
    resampling: str
    scale: tuple[float, float]


@dataclass(frozen=True)
class WarpedBands:
    """The bands of one warped dataset, and how missing pixels are marked.

    Attributes
    ----------
    bands
        1-based numbers in the file; they become bands 1 … n.
    nodata
        Nodata value of each band, also used outside the file. If None, the dataset has an alpha band n + 1 that is 0
        where pixels are missing.
    dtype
        Type of values: ``"uint16"``.
    alpha, alpha_max
        1-based number of the file's band that is 0 where pixels are missing, 0 if none; and its value elsewhere.
    """

    bands: tuple[int, ...]
    nodata: tuple[float, ...] | None
    dtype: str
    alpha: int = 0
    alpha_max: int = 255


def warped_vrt(path: str, warp: Warp, bands: WarpedBands) -> str:
    """Return the XML of the warped dataset, which GDAL opens like a file."""
    count = len(bands.bands) + (bands.nodata is None)
    root = ET.Element(
        "VRTDataset", rasterXSize=str(warp.width), rasterYSize=str(warp.height), subClass="VRTWarpedDataset"
    )
    target, source = _wkt(warp.crs), _wkt(warp.source_crs)
    _add(root, "SRS", target)
    _add(root, "GeoTransform", _numbers(warp.transform))
    for number in range(1, count + 1):
        band = _add(root, "VRTRasterBand")
        band.attrib |= {"dataType": _TYPES[bands.dtype], "band": str(number), "subClass": "VRTWarpedRasterBand"}
        if bands.nodata is None:
            if number == count:
                _add(band, "ColorInterp", "Alpha")
        else:
            _add(band, "NoDataValue", repr(bands.nodata[number - 1]))
    # The warper works block by block: fixed blocks, whatever the request.
    _add(root, "BlockXSize", str(min(512, warp.width)))
    _add(root, "BlockYSize", str(min(512, warp.height)))
    options = _add(root, "GDALWarpOptions")
    _add(options, "WarpMemoryLimit", "67108864")
    _add(options, "ResampleAlg", _ALGORITHMS[warp.resampling])
    _add(options, "WorkingDataType", _TYPES[bands.dtype])
    settings = {
        "INIT_DEST": "0" if bands.nodata is None else "NO_DATA",
        "UNIFIED_SRC_NODATA": "NO",
        # A fixed kernel: otherwise GDAL derives its size from the window being warped.
        "XSCALE": repr(warp.scale[0]),
        "YSCALE": repr(warp.scale[1]),
    }
    if bands.alpha:
        settings["SRC_ALPHA_MAX"] = str(bands.alpha_max)
    for name, value in settings.items():
        _add(options, "Option", value).set("name", name)
    _add(options, "SourceDataset", path).set("relativeToVRT", "0")
    _add_transformer(options, warp, source, target)
    _add_bands(options, bands, count)
    return ET.tostring(root, encoding="unicode")


def _add_transformer(options: ET.Element, warp: Warp, source: str, target: str) -> None:
    # Exact, without ApproxTransformer, so that a pixel does not depend on the box it is read in.
    transformer = _add(_add(options, "Transformer"), "GenImgProjTransformer")
    _add(transformer, "SrcGeoTransform", _numbers(warp.source_transform))
    _add(transformer, "SrcInvGeoTransform", _numbers(~warp.source_transform))
    _add(transformer, "DstGeoTransform", _numbers(warp.transform))
    _add(transformer, "DstInvGeoTransform", _numbers(~warp.transform))
    if source != target:
        projection = _add(_add(transformer, "ReprojectTransformer"), "ReprojectionTransformer")
        _add(projection, "SourceSRS", source)
        _add(projection, "TargetSRS", target)


def _add_bands(options: ET.Element, bands: WarpedBands, count: int) -> None:
    listing = _add(options, "BandList")
    for number, band in enumerate(bands.bands, start=1):
        mapping = _add(listing, "BandMapping")
        mapping.attrib |= {"src": str(band), "dst": str(number)}
        if bands.nodata is not None:
            for place in ("Src", "Dst"):
                _add(mapping, f"{place}NoDataReal", repr(bands.nodata[number - 1]))
                _add(mapping, f"{place}NoDataImag", "0")
    if bands.alpha:
        _add(options, "SrcAlphaBand", str(bands.alpha))
    if bands.nodata is None:
        _add(options, "DstAlphaBand", str(count))


def _add(parent: ET.Element, tag: str, text: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, tag)
    element.text = text
    return element


def _wkt(crs: str) -> str:
    return str(CRS.from_user_input(crs).to_wkt())


def _numbers(transform: Affine) -> str:
    """Return a transform as text, in GDAL's order and at full precision."""
    return ", ".join(repr(float(value)) for value in transform.to_gdal())
