"""Texts of VRTs: mosaics, masks, warps, pansharpening, derived and raw bands."""

from __future__ import annotations

import geoseg
from geoseg.tiling import Box
from tests.security.fuzz.sandbox import Sandbox
from tests.security.fuzz.scenes import tif
from tests.security.fuzz.structures import xml_mutation

_BOX = Sandbox()
tif(_BOX.folder / "tile.tif", dtype="uint8")
tif(_BOX.folder / "pan.tif", dtype="uint8", side=40)
_BOX.write("raw.bin", bytes(range(200)) * 2)
mutate = xml_mutation((
    f"{_BOX.url}/x.tif", f"/vsicurl/{_BOX.url}/x.tif", f"/vsicurl_streaming/{_BOX.url}/x", f"WMS:{_BOX.url}",
    "scene.vrt",
    "tile.tif", "pan.tif", "raw.bin", "vrt://tile.tif", "/vsistdin/", "/vsizip/tile.tif",
    "DERIVED_SUBDATASET:LOGAMPLITUDE:tile.tif",
    str(_BOX.egg), "VRTRawRasterBand", "VRTDerivedRasterBand", "VRTWarpedRasterBand", "VRTPansharpenedDataset", "sum",
    "expression", "Python", "Float64", "CInt16", "Int64", "EPSG:4326", 'LOCAL_CS["x"]', "100000", "Alpha", "Palette",
    "<VRTDataset/>", "65535", "x0=1;y", "LINEAR", "cubic",
))  # fmt: skip


def target(data: bytes) -> None:
    path = _BOX.write("scene.vrt", data)
    with _BOX.watched():
        raster = geoseg.open_raster(path)
        repr(raster).encode()
        raster.fingerprint()
        height, width = raster.shape
        if len(raster.bands) <= 64:
            raster.read(Box(0, 0, min(height, 16), min(width, 16)))


_HEAD = (
    '<VRTDataset rasterXSize="20" rasterYSize="20"{}><SRS>EPSG:32631</SRS>'
    "<GeoTransform>500000, 10, 0, 5000000, 0, -10</GeoTransform>"
    '<Metadata><MDI key="a">b</MDI></Metadata>'
)
_SOURCE = (
    '<{0}><SourceFilename relativeToVRT="1" shared="0">tile.tif</SourceFilename><SourceBand>1</SourceBand>'
    '<SourceProperties RasterXSize="20" RasterYSize="20" DataType="Byte" BlockXSize="20" BlockYSize="20"/>'
    '<SrcRect xOff="0" yOff="0" xSize="20" ySize="20"/><DstRect xOff="0" yOff="0" xSize="20" ySize="20"/>{1}</{0}>'
)


def seeds() -> list[bytes]:
    simple, complex_ = _SOURCE.format("SimpleSource", ""), _SOURCE.format(
        "ComplexSource", "<ScaleOffset>1</ScaleOffset><ScaleRatio>2</ScaleRatio><NODATA>7</NODATA><LUT>0:0,9:1</LUT>"
    )  # fmt: skip
    averaged = _SOURCE.format("AveragedSource", "")
    band = (
        '<VRTRasterBand dataType="Byte" band="1"{}><Description>red</Description><NoDataValue>0</NoDataValue>'
        "<ColorInterp>{}</ColorInterp><Scale>2</Scale><Offset>1</Offset><UnitType>m</UnitType>{}</VRTRasterBand>"
    )
    table = (
        '<ColorTable><Entry c1="1" c2="2" c3="3" c4="255"/></ColorTable><CategoryNames>'
        "<Category>a</Category></CategoryNames>"
    )
    derived = "<PixelFunctionType>sum</PixelFunctionType><SourceTransferType>Float32</SourceTransferType>"
    raw = (
        '<SourceFilename relativeToVRT="1">raw.bin</SourceFilename><ImageOffset>0</ImageOffset>'
        "<PixelOffset>1</PixelOffset><LineOffset>20</LineOffset><ByteOrder>LSB</ByteOrder>"
    )
    mask = f"<MaskBand>{band.format('', 'Gray', simple)}</MaskBand>"
    warped = (
        "<BlockXSize>20</BlockXSize><GDALWarpOptions><WarpMemoryLimit>6e7</WarpMemoryLimit><ResampleAlg>Near</ResampleAlg>"
        '<WorkingDataType>Byte</WorkingDataType><Option name="INIT_DEST">0</Option>'
        '<SourceDataset relativeToVRT="1">tile.tif</SourceDataset><Transformer><GenImgProjTransformer>'
        "<SrcGeoTransform>5e5,10,0,5e6,0,-10</SrcGeoTransform><SrcInvGeoTransform>-5e4,0.1,0,5e5,0,-0.1</SrcInvGeoTransform>"
        "<DstGeoTransform>5e5,10,0,5e6,0,-10</DstGeoTransform><DstInvGeoTransform>-5e4,0.1,0,5e5,0,-0.1</DstInvGeoTransform>"
        '</GenImgProjTransformer></Transformer><BandList><BandMapping src="1" dst="1"/></BandList></GDALWarpOptions>'
    )
    sharp = (
        "<PansharpeningOptions><Algorithm>WeightedBrovey</Algorithm><AlgorithmOptions><Weights>1</Weights></AlgorithmOptions>"
        "<Resampling>Cubic</Resampling><NumThreads>1</NumThreads><PanchroBand>"
        '<SourceFilename relativeToVRT="1">pan.tif</SourceFilename><SourceBand>1</SourceBand></PanchroBand>'
        '<SpectralBand dstBand="1"><SourceFilename relativeToVRT="1">tile.tif</SourceFilename>'
        "<SourceBand>1</SourceBand>"
        "</SpectralBand></PansharpeningOptions>"
    )
    plain = _HEAD.format("")
    texts = [
        plain + band.format("", "Red", simple + complex_) + band.format("", "Alpha", averaged),
        plain + band.format("", "Palette", table + simple) + mask,
        plain + band.format(' subClass="VRTDerivedRasterBand"', "Gray", derived + simple * 2),
        plain + band.format(' subClass="VRTRawRasterBand"', "Gray", raw),
        plain.replace("VRTDataset ", 'VRTDataset subClass="VRTWarpedDataset" ')
        + '<VRTRasterBand dataType="Byte" band="1" subClass="VRTWarpedRasterBand"/>' + warped,
        '<VRTDataset subClass="VRTPansharpenedDataset" rasterXSize="40" rasterYSize="40">'
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTPansharpenedRasterBand"/>' + sharp,
    ]  # fmt: skip
    return [f"{text}</VRTDataset>".encode() for text in texts]
