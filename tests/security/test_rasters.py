"""Hostile rasters: each is refused in one line, and nothing is fetched, written or run."""

# ruff: noqa: E501  a line per case

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rasterio.vrt

from geoseg.errors import GeosegError, InputError
from geoseg.polygonize.source import FileSource
from geoseg.raster import open_raster
from geoseg.raster.gdal.datasets import open_dataset
from geoseg.raster.gdal.environment import environment
from geoseg.raster.gdal.library import NETWORK_DRIVERS
from geoseg.raster.gdal.untrusted import check_source
from geoseg.tiling import Box

SIZE = "rasterXSize='20' rasterYSize='10'"


def vrt(source: str, *, relative: int = 0, extra: str = "", band: str = "", attributes: str = "") -> str:
    return (
        f"<VRTDataset {SIZE} {attributes}>{extra}<VRTRasterBand dataType='Byte' band='1'>{band}<SimpleSource>"
        f"<SourceFilename relativeToVRT='{relative}'>{source}</SourceFilename><SourceBand>1</SourceBand>"
        "<SrcRect xOff='0' yOff='0' xSize='20' ySize='10'/><DstRect xOff='0' yOff='0' xSize='20' ySize='10'/>"
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )


def warped(source: str, transformer: str = "") -> str:
    return (
        f"<VRTDataset {SIZE} subClass='VRTWarpedDataset'><VRTRasterBand dataType='Byte' band='1' "
        "subClass='VRTWarpedRasterBand'/><BlockXSize>20</BlockXSize><BlockYSize>10</BlockYSize><GDALWarpOptions>"
        f"<SourceDataset relativeToVRT='0'>{source}</SourceDataset><Transformer><GenImgProjTransformer>{transformer}"
        "<DstGeoTransform>0,1,0,0,0,1</DstGeoTransform><DstInvGeoTransform>0,1,0,0,0,1</DstInvGeoTransform>"
        "</GenImgProjTransformer></Transformer><BandList><BandMapping src='1' dst='1'/></BandList></GDALWarpOptions>"
        "</VRTDataset>"
    )


GEOLOCATION = (
    "<GeoLocTransformer><Reversed>0</Reversed><Metadata><MDI key='X_DATASET'>{0}</MDI><MDI key='X_BAND'>1</MDI>"
    "<MDI key='Y_DATASET'>{0}</MDI><MDI key='Y_BAND'>1</MDI><MDI key='PIXEL_OFFSET'>0</MDI><MDI key='PIXEL_STEP'>1</MDI>"
    "<MDI key='LINE_OFFSET'>0</MDI><MDI key='LINE_STEP'>1</MDI></Metadata></GeoLocTransformer>"
)
RPC = "<RPCTransformer><Reversed>0</Reversed><DEMPath>{0}</DEMPath></RPCTransformer>"
PYTHON = (
    f"<VRTDataset {SIZE}><VRTRasterBand dataType='Byte' band='1' subClass='VRTDerivedRasterBand'>"
    "<PixelFunctionType>f</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>"
    "<PixelFunctionCode><![CDATA[\nimport pathlib\npathlib.Path({0!r}).touch()\ndef f(*a, **k): pass\n]]>"
    "</PixelFunctionCode></VRTRasterBand></VRTDataset>"
)
WMS = (
    "<GDAL_WMS><Service name='TMS'><ServerUrl>{0}/${{z}}/${{x}}/${{y}}</ServerUrl></Service><DataWindow>"
    "<UpperLeftX>0</UpperLeftX><UpperLeftY>9</UpperLeftY><LowerRightX>9</LowerRightX><LowerRightY>0</LowerRightY>"
    "<SizeX>20</SizeX><SizeY>10</SizeY></DataWindow><BandsCount>1</BandsCount></GDAL_WMS>"
)
STACIT = (
    '{{"type": "FeatureCollection", "stac_version": "1.0.0", "features": [{{"type": "Feature", "stac_version": "1.0.0",'
    '"id": "a", "properties": {{"proj:epsg": 32631, "proj:transform": [10, 0, 0, 0, -10, 0], "proj:shape": [10, 20]}},'
    '"assets": {{"a": {{"href": "{0}/a.tif"}}}}}}]}}'
)
ERS = 'DatasetHeader Begin\n\tDataSetType\t= {1}\n\tDataFile\t= "{0}"\n\tRasterInfo Begin\n\t\tCellType\t= Unsigned8BitInteger\n\t\tNrOfLines\t= 10\n\t\tNrOfCellsPerLine\t= 20\n\t\tNrOfBands\t= 1\n\tRasterInfo End\nDatasetHeader End\n'
RAW = (
    f"<VRTDataset {SIZE}><VRTRasterBand dataType='Byte' band='1' subClass='VRTRawRasterBand'>"
    "<SourceFilename relativeToVRT='{1}'>{0}</SourceFilename></VRTRasterBand></VRTDataset>"
)
PROCESSED = (
    "<VRTDataset subClass='VRTProcessedDataset'><Input><SourceFilename relativeToVRT='1'>tile.tif</SourceFilename>"
    "</Input><ProcessingSteps><Step><Algorithm>LocalScaleOffset</Algorithm><Argument name='{1}'>{0}</Argument>"
    "</Step></ProcessingSteps><VRTRasterBand dataType='Byte' band='1'/></VRTDataset>"
)
MRF = (
    "<MRF_META><CachedSource><Source>{0}</Source></CachedSource><Raster><Size x='20' y='10' c='1'/>"
    "<PageSize x='20' y='10' c='1'/></Raster></MRF_META>"
)


def remotes(url: str) -> dict[str, str]:
    """Every way to name a server."""
    bare = url.removeprefix("http://")
    return {
        "vsicurl": f"/vsicurl/{url}/a.tif",
        "vsicurl options": f"/vsicurl?url={url}/a.tif",
        "vsicurl streaming": f"/vsicurl_streaming/{url}/a.tif",
        "url": f"{url}/a.tif",
        "s3": "/vsis3/bucket/a.tif",
        "s3 streaming": "/vsis3_streaming/bucket/a.tif",
        "gs": "/vsigs/bucket/a.tif",
        "azure": "/vsiaz/bucket/a.tif",
        "adls": "/vsiadls/bucket/a.tif",
        "oss": "/vsioss/bucket/a.tif",
        "webhdfs": f"/vsiwebhdfs/{url}/webhdfs/v1/a.tif",
        "hdfs": f"/vsihdfs/hdfs://{bare}/a.tif",
        "zip": f"/vsizip/vsicurl/{url}/a.zip/a.tif",
        "zip braces": f"/vsizip/{{/vsicurl/{url}/a.zip}}/a.tif",
        "cached": f"/vsicached?file=%2Fv%73icurl/{url}/a.tif",
        "subfile": f"/vsisubfile/0_10,/vsicurl/{url}/a.tif",
        "sparse": f"/vsisparse//vsicurl/{url}/a.xml",
        "crypt": f"/vsicrypt/key=a,file=/vsicurl/{url}/a.tif",
        "wms": f"WMS:{url}/wms",
        "wmts": f"WMTS:{url}/wmts",
        "wcs": f"WCS:{url}/wcs",
        "stacit": f'STACIT:"{url}/a.json"',
        "stacta": f'STACTA:"{url}/a.json"',
        "zarr": f'ZARR:"/vsicurl/{url}/a.zarr"',
        "netcdf": f"NETCDF:{url}/a.nc:b",
        "gtiff dir": f"GTIFF_DIR:1:/vsicurl/{url}/a.tif",
        "vrt url": f"vrt:///vsicurl/{url}/a.tif",
        "derived": f"DERIVED_SUBDATASET:AMPLITUDE:/vsicurl/{url}/a.tif",
        "wms xml": WMS.format(url).replace("<", "&lt;"),
        "json": '{"type": "FeatureCollection"}',
    }


NAMES = tuple(remotes("http://x"))


def refuse(canary, source, text: str = "", *, opener=open_raster) -> None:
    with pytest.raises(InputError) as caught:
        opener(source)
    line = str(caught.value)
    assert isinstance(caught.value, GeosegError)
    assert "\n" not in line
    assert 20 < len(line) < 700
    assert text in line, line
    canary.silent()


@pytest.mark.parametrize("name", NAMES)
def test_named_in_a_vrt(canary, name):
    refuse(canary, canary.write("a.vrt", vrt(remotes(canary.url)[name])))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "url"])
def test_named_in_a_vrt_on_the_vrts_side(canary, name):
    """Relative references are joined with the folder, but not all."""
    refuse(canary, canary.write("a.tif", vrt(remotes(canary.url)[name], relative=1)))


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("zarr", "wms xml")])
def test_named_by_a_local_stac_item(canary, name):
    href = remotes(canary.url)[name].replace('"', '\\"')
    item = (
        f'{{"type": "Feature", "id": "a", "properties": {{}}, "assets": {{"a": {{"href": "{href}", '
        '"type": "image/tiff"}}}}}'
    )
    refuse(canary, canary.write("item.json", item.replace("}}}}}", "}}}")))


def places(url: str, egg: Path) -> dict[str, tuple[str, str, str]]:
    """Name of the file, its content, and part of the line that refuses it."""
    target = f"/vsicurl/{url}/a.tif"
    return {
        "warped": ("a.vrt", warped(target), "on the network"),
        "geolocation": ("a.vrt", warped("tile.tif", GEOLOCATION.format(target)), "on the network"),
        "geolocation, streaming": ("a.vrt", warped("tile.tif", GEOLOCATION.format(f"/vsisparse/{target}")), "network"),
        "height model": ("a.vrt", warped("tile.tif", RPC.format(target)), "on the network"),
        "cutline": ("a.vrt", warped("tile.tif").replace("<BandList>", f"<Option name='CUTLINEDSNAME'>{target}</Option><BandList>"), "network"),
        "any option": ("a.vrt", warped("tile.tif").replace("<BandList>", f"<Option name='NEW'>{target}</Option><BandList>"), "where none belongs"),
        "open option": ("a.vrt", vrt("tile.tif").replace("<SourceBand>", f"<OpenOptions><OOI key='A'>{target}</OOI></OpenOptions><SourceBand>"), "where none belongs"),
        "overview": ("a.vrt", vrt("tile.tif", relative=1, band=f"<Overview><SourceFilename>{target}</SourceFilename><SourceBand>1</SourceBand></Overview>"), "on the network"),
        "overview file": ("a.vrt", vrt("tile.tif", relative=1, extra=f"<Metadata domain='OVERVIEWS'><MDI key='OVERVIEW_FILE'>{target}</MDI></Metadata>"), "on the network"),
        "geolocation domain": ("a.vrt", vrt("tile.tif", relative=1, extra=f"<Metadata domain='GEOLOCATION'><MDI key='X_DATASET'>{target}</MDI></Metadata>"), "on the network"),
        "mask": ("a.vrt", vrt("tile.tif", relative=1, extra=f"<MaskBand><VRTRasterBand dataType='Byte'><SimpleSource><SourceFilename>{target}</SourceFilename></SimpleSource></VRTRasterBand></MaskBand>"), "on the network"),
        "crs": ("a.vrt", vrt("tile.tif", relative=1, extra=f"<SRS>{url}/crs</SRS>"), "where none belongs"),
        "crs attribute": ("a.vrt", vrt("tile.tif", relative=1, extra=f"<GCPList Projection='{url}/crs'/>"), "none belongs"),
        "processed input": ("a.vrt", PROCESSED.format("1", "a").replace("tile.tif", target), "on the network"),
        "processed argument": ("a.vrt", PROCESSED.format(target, "gain_dataset_filename_1"), "on the network"),
        "processed other argument": ("a.vrt", PROCESSED.format(target, "new"), "where none belongs"),
        "processed local argument": ("a.vrt", PROCESSED.format("WMTS:x", "offset_dataset_filename_1"), "connection string"),
        "attribute": ("a.vrt", vrt("tile.tif", relative=1, attributes=f"new='{target}'"), "where none belongs"),
        "text before": ("a.vrt", "hello " + vrt(target), "damaged"),
        "comment before": ("a.vrt", "<!-- x -->" + vrt(target), "on the network"),
        "element before": ("a.vrt", "<x/>" + vrt(target), "damaged"),
        "element around": ("a.vrt", f"<x>{vrt(target)}</x>", "around a VRTDataset"),
        "other case": ("a.vrt", vrt(target).replace("VRTDataset", "vrtdataset"), "around a VRTDataset"),
        "tags in other case": ("a.vrt", vrt(target).replace("SourceFilename", "SOURCEFILENAME"), "on the network"),
        "namespace": ("a.vrt", vrt(target).replace("<SourceFilename", "<SourceFilename xmlns='urn:x'"), "on the network"),
        "cdata": ("a.vrt", vrt(f"<![CDATA[{target}]]>"), "on the network"),
        "letters by number": ("a.vrt", vrt(target.replace("/", "&#x2f;")), "on the network"),
        "blanks around": ("a.vrt", vrt(f"\n\t{target}\n"), "on the network"),
        "declared encoding": ("a.vrt", '<?xml version="1.0" encoding="utf-7"?>' + vrt(target), "on the network"),
        "byte order mark": ("a.vrt", "\ufeff" + vrt(target), "on the network"),
        "upper case": ("a.vrt", vrt(target.upper()), "on the network"),
        "suffix tif": ("a.tif", vrt(target), "on the network"),
        "suffix png": ("a.png", vrt(target), "on the network"),
        "suffix jp2": ("a.jp2", vrt(target), "on the network"),
        "suffix ers": ("a.ers", vrt(target), "on the network"),
        "no suffix": ("scene", vrt(target), "on the network"),
        "document type": ("a.vrt", "<!DOCTYPE a [<!ENTITY b 'c'>]>" + vrt(target), "document type"),
        "entities": ("a.vrt", "<!DOCTYPE a [" + "".join(f"<!ENTITY e{i} '{'&e' + str(i - 1) + ';' * 10}'>" for i in range(1, 9)) + "]>" + vrt("x"), "document type"),
        "python": ("a.vrt", PYTHON.format(str(egg)), "never run"),
        "python as tif": ("a.tif", PYTHON.format(str(egg)), "never run"),
        "python of a module": ("a.vrt", PYTHON.format("x").partition("<PixelFunctionCode>")[0].replace(">f<", ">os.getcwd<") + "</VRTRasterBand></VRTDataset>", "never run"),
        "other language": ("a.vrt", PYTHON.format("x").replace(">Python<", ">lua<"), "never run"),
        "raw device": ("a.vrt", RAW.format("/dev/zero", 0), "raw bytes"),
        "raw file elsewhere": ("a.vrt", RAW.format("/etc/passwd", 0), "raw bytes"),
        "raw file above": ("a.vrt", RAW.format("../other", 1), "raw bytes"),
        "raw remote": ("a.vrt", RAW.format(target, 0), "on the network"),
        "device": ("a.vrt", vrt("/dev/zero"), "is a device"),
        "text file": ("a.vrt", vrt("/etc/passwd"), "not a raster"),
        "wms": ("a.xml", WMS.format(url), "a request to a server (GDAL_WMS)"),
        "wms as tif": ("a.tif", WMS.format(url), "a request to a server (GDAL_WMS)"),
        "wmts": ("a.tif", f"<GDAL_WMTS><GetCapabilitiesUrl>{url}/c</GetCapabilitiesUrl></GDAL_WMTS>", "a request to a server"),
        "tile index": ("a.tif", f"<GDALTileIndexDataset><IndexDataset>{target}</IndexDataset></GDALTileIndexDataset>", "a request to a server"),
        "wcs": ("a.tif", f"<WCS_GDAL><ServiceURL>{url}/c?</ServiceURL></WCS_GDAL>", "not a raster"),
        "mrf": ("a.mrf", MRF.format(target), "not a raster"),
        "stacit": ("a.tif", STACIT.format(f"/vsicurl/{url}"), "not a raster"),
        "ers": ("a.ers", ERS.format(f"WMTS:{url}/w", "Translated"), "outside its folder"),
        "ers by vsicurl": ("a.ers", ERS.format(target, "Translated"), "outside its folder"),
        "ers raw": ("a.ers", ERS.format("/etc/passwd", "ERStorage"), "outside its folder"),
        "ers above": ("a.ers", ERS.format("..\\\\x", "ERStorage"), "outside its folder"),
        "ers translated": ("a.ers", ERS.format("tile.tif", "Translated"), "points to another dataset"),
        "ers as tif": ("a.tif", ERS.format(target, "Translated"), "outside its folder"),
        "no bands": ("a.vrt", f"<VRTDataset {SIZE}/>", "has no bands"),
        "bands without end": ("a.vrt", f"<VRTDataset {SIZE}>" + "<VRTRasterBand dataType='Byte'/>" * 60_000 + "</VRTDataset>", "60000 bands"),
        "itself": ("a.vrt", vrt("a.vrt", relative=1), "refers to itself"),
        "deep xml": ("a.vrt", f"<VRTDataset {SIZE}>" + "<a>" * 100_000, "damaged"),
    }  # fmt: skip


@pytest.mark.parametrize("name", tuple(places("http://x", Path("x"))))
def test_places_in_files(canary, name):
    canary.tif()
    file, content, text = places(canary.url, canary.egg)[name]
    path = canary.write(file, content)
    refuse(canary, path, text)
    refuse(canary, path, text, opener=FileSource)


INSIDE = {
    "wms": WMS, "mrf": MRF.replace("{0}", "/vsicurl/{0}/a.tif"), "stacit": STACIT, "vrt": vrt("/vsicurl/{0}/a.tif"),
    "text": "hello", "tile index": "<GDALTileIndexDataset/>", "ers": ERS.replace("{1}", "Translated"),
    "wmts": "<GDAL_WMTS><GetCapabilitiesUrl>{0}/c</GetCapabilitiesUrl></GDAL_WMTS>", "python": PYTHON,
}  # fmt: skip


@pytest.mark.parametrize("name", INSIDE)
@pytest.mark.parametrize("via", ["vrt", "zip", "tar", "vrt of zip", "overview", "mask"])
def test_one_step_away(canary, name, via):
    """A hostile file that another one names, contains or has beside it."""
    content = INSIDE[name].format(str(canary.egg) if name == "python" else canary.url)
    if via == "vrt":
        canary.write("b.tif", content)
        source: str | Path = canary.write("a.vrt", vrt("b.tif", relative=1))
    elif via in ("overview", "mask"):
        canary.tif("a.tif")
        canary.write("a.tif.ovr" if via == "overview" else "a.tif.msk", content)
        source = canary.folder / "a.tif"
    elif via == "tar":
        with tarfile.open(canary.folder / "a.tar", "w") as archive:
            entry = tarfile.TarInfo("b.tif")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content.encode()))
        source = f"/vsitar/{canary.folder}/a.tar/b.tif"
    else:
        with zipfile.ZipFile(canary.folder / "a.zip", "w") as archive:
            archive.writestr("b.tif", content)
        source = f"/vsizip/{canary.folder}/a.zip/b.tif"
        if via == "vrt of zip":
            source = canary.write("a.vrt", vrt(source))
    refuse(canary, source)


# What the user may name, for polygonize opens what it is given.
PLAIN = (
    "vsicurl", "vsicurl options", "vsicurl streaming", "url", "s3", "s3 streaming", "gs", "azure", "adls", "oss", "zip",
    "zip braces",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PLAIN])
def test_given_to_polygonize_without_the_wish_for_the_network(canary, name):
    """What the user names is opened; connection strings, orders and strange file systems are not."""
    with pytest.raises(InputError):
        FileSource(remotes(canary.url)[name])
    assert not canary.requests


@pytest.mark.parametrize(
    ("given", "meant"),
    [('NETCDF:"a b/cube.nc":red', "a b/cube.nc#red"), ("netcdf:cube.nc:red", "cube.nc#red"),
     ('HDF5:"C:/a/cube.h5"://group/red', "C:/a/cube.h5#group/red")],
)  # fmt: skip
def test_what_gdal_calls_a_variable_is_told_as_geoseg_calls_it(canary, given, meant):
    refuse(canary, given, f"a variable of it, {meant}")


@pytest.mark.parametrize("suffix", ["", ".ovr", ".msk", ".aux.xml", ".hdr", ".prj"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes(canary, suffix):
    if suffix:
        canary.tif("a.tif")
    os.mkfifo(canary.folder / f"a.tif{suffix}")
    refuse(canary, canary.folder / "a.tif", "is a named pipe")
    refuse(canary, canary.folder / "a.tif", "is a named pipe", opener=FileSource)
    if not suffix:
        refuse(canary, canary.write("a.vrt", vrt("a.tif", relative=1)), "is a named pipe")
        refuse(canary, canary.write("b.vrt", RAW.format("a.tif", 1)), "is a named pipe")
        refuse(canary, f"/vsizip/{canary.folder}/a.tif/b.tif", "is a named pipe")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such devices")
def test_devices(canary, device):
    refuse(canary, device, "is a device")
    refuse(canary, device, "is a device", opener=FileSource)


def test_long_chains_and_circles(canary):
    canary.tif("0.tif")
    canary.write("0.vrt", vrt("0.tif", relative=1))
    for number in range(1, 2000):
        canary.write(f"{number}.vrt", vrt(f"{number - 1}.vrt", relative=1))
    assert open_raster(canary.folder / "20.vrt").read(Box(0, 0, 10, 20)).data.max() == 7
    refuse(canary, canary.folder / "1999.vrt", "more than 32 deep")
    canary.write("0.vrt", vrt("5.vrt", relative=1))
    refuse(canary, canary.folder / "3.vrt", "refers to itself")


def test_a_vrt_that_branches_is_checked_once_per_file(canary):
    canary.tif("0.tif")
    canary.write("0.vrt", vrt("0.tif", relative=1))
    for number in range(1, 25):
        twice = vrt(f"{number - 1}.vrt", relative=1)
        band = twice[twice.index("<VRTRasterBand") : twice.index("</VRTDataset>")]
        canary.write(
            f"{number}.vrt", twice.replace("</VRTDataset>", band.replace("band='1'", "band='2'") + "</VRTDataset>")
        )
    # 2^24 ways lead to 25 files.
    assert check_source(str(canary.folder / "24.vrt"), "24.vrt", remote=False)


def test_drivers_of_requests_are_gone(canary):
    with environment() as env:
        assert not {name for name in NETWORK_DRIVERS if name in env.drivers()}
        assert {"GTiff", "VRT", "netCDF", "HDF5"} <= set(env.drivers())


@pytest.mark.parametrize("first", ["rasterio", "geoseg"])
def test_drivers_go_whoever_registers_them(first):
    code = (
        "import rasterio\n"
        + ("rasterio.Env().__enter__()\n" if first == "rasterio" else "")
        + "from geoseg.raster.gdal.environment import environment\n"
        "with environment() as e: print('WMTS' in e.drivers(), 'GTI' in e.drivers(), 'GTiff' in e.drivers())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False", "True"]


def test_network_is_off_below_the_checks(canary):
    """Even what the checks would miss does not get out."""
    for path in remotes(canary.url).values():
        with environment("/data/a.tif"), pytest.raises(rasterio.errors.RasterioError):
            rasterio.io.DatasetReader(path, driver=["GTiff", "VRT"])
    path = canary.write("a.vrt", vrt(f"/vsicurl/{canary.url}/a.tif"))
    with environment(str(path)), pytest.raises(rasterio.errors.RasterioError):
        rasterio.io.DatasetReader(str(path), driver=["VRT"]).read()
    path = canary.write("p.vrt", PYTHON.format(str(canary.egg)))
    with environment(str(path)), pytest.raises(rasterio.errors.RasterioError):
        rasterio.io.DatasetReader(str(path), driver=["VRT"]).read()
    canary.silent()


@pytest.mark.parametrize("name", ["vsicurl", "vsicurl streaming", "s3", "gs", "azure"])
def test_the_canary_sings(canary, name):
    """Where the network is allowed, the same names do reach the server."""
    path = remotes(canary.url)[name].replace("a.tif", "sings.tif")
    with environment(path), pytest.raises(rasterio.errors.RasterioError):
        rasterio.io.DatasetReader(path, driver=["GTiff"])
    assert canary.requests


def test_the_users_network_returns_after(canary):
    canary.files["own.tif"] = canary.tif().read_bytes()
    with environment("/data/a.tif"):
        pass
    options = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    with rasterio.Env(**options), rasterio.open(f"/vsicurl/{canary.url}/own.tif") as data:
        assert data.width == 20


# --- what must still work


def test_local_mosaics_and_warps(canary):
    tile = canary.tif()
    canary.tif("deep/er/tile.tif")
    for name, text in {
        "relative": vrt("tile.tif", relative=1),
        "absolute": vrt(str(tile)),
        "below": vrt("deep/er/tile.tif", relative=1),
        "above": vrt("../given/tile.tif", relative=1),
        "raw": RAW.format("pixels.bin", 1),
        "addresses in free text": vrt(
            "tile.tif", relative=1, extra="<Metadata><MDI key='credit'>https://example.org /vsicurl/</MDI></Metadata>"
            "<Metadata domain='xml:XMP' format='xml'><a b='http://ns.adobe.com/x'/></Metadata>",
            band="<Description>see http://example.org</Description>",
        ),
    }.items():  # fmt: skip
        canary.write("pixels.bin", bytes([7]) * 200)
        raster = open_raster(canary.write(f"{name}.vrt", text))
        assert (raster.read(raster.box).data == 7).all(), name
    with rasterio.open(tile) as data, rasterio.vrt.WarpedVRT(data, crs="EPSG:4326") as turned:
        rasterio.shutil.copy(turned, canary.folder / "warped.vrt", driver="VRT")
    raster = open_raster(canary.folder / "warped.vrt")
    assert 7 in raster.read(raster.box).data


def test_archives(canary):
    tile = canary.tif()
    with zipfile.ZipFile(canary.folder / "a.zip", "w") as archive:
        archive.write(tile, "deep/tile.tif")
        archive.writestr("deep/a.vrt", vrt("tile.tif", relative=1))
        archive.writestr("deep/out.vrt", vrt(str(tile)))
    with tarfile.open(canary.folder / "a.tar.gz", "w:gz") as archive:
        archive.add(tile, "tile.tif")
    base = f"/vsizip/{canary.folder}/a.zip/deep"
    for source in (f"{base}/tile.tif", f"{base}/a.vrt", f"/vsitar/{canary.folder}/a.tar.gz/tile.tif"):
        raster = open_raster(source)
        assert (raster.read(raster.box).data == 7).all()
    refuse(canary, f"{base}/out.vrt", "outside its archive")


def test_remote_files_when_the_user_allows_them(canary):
    canary.files["far.tif"] = canary.tif().read_bytes()
    far = canary.write("far.vrt", vrt(f"/vsicurl/{canary.url}/far.tif"))
    refuse(canary, far, "on the network")
    for source in (far, f"{canary.url}/far.tif"):
        raster = open_raster(source, allow_remote=True)
        assert (raster.read(raster.box).data == 7).all()
    canary.files["far.vrt"] = vrt("far.tif", relative=1).encode()
    raster = open_raster(f"{canary.url}/far.vrt")
    assert (raster.read(raster.box).data == 7).all()
    canary.files["b.vrt"] = vrt("/etc/hostname").encode()
    canary.files["c.vrt"] = PYTHON.format(str(canary.egg)).encode()
    for name, text in (("b.vrt", "outside its archive or server"), ("c.vrt", "never run")):
        with pytest.raises(InputError, match=text):
            open_raster(f"{canary.url}/{name}", allow_remote=True)
    assert not list(canary.folder.glob("egg*"))


def test_every_real_scene_opens(shared_data):
    opened = 0
    for path in sorted((shared_data / "scenes").rglob("*")):
        if path.suffix.lower() in (".tif", ".tiff", ".jp2", ".vrt"):
            raster = open_raster(path)
            assert np.prod(raster.shape) > 0
            opened += 1
    assert opened > 20


def test_opening_a_plain_file_is_not_slower(canary):
    from time import perf_counter

    path = str(canary.tif())
    with environment(path):
        best = {}
        for name, opener in {
            "plain": lambda: rasterio.io.DatasetReader(path, driver=["GTiff", "VRT"], sharing=False),
            "gate": lambda: open_dataset(path),
        }.items():
            times = []
            for _ in range(30):
                start = perf_counter()
                opener().close()
                times.append(perf_counter() - start)
            best[name] = min(times)
    assert best["gate"] - best["plain"] < 2e-3
