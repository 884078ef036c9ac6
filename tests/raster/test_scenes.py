"""Scenes that are more than a file: .SAFE, STAC items, Zarr stores, URLs."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine

from geoseg.errors import InputError, ReadError
from geoseg.raster import open_raster
from geoseg.raster.scenes import zarr_store
from geoseg.raster.sources import read_all
from geoseg.raster.types import ReadRequest
from geoseg.tiling import Box

UTM = Affine(10, 0, 500_000, 0, -10, 5_000_000)
SAFE = """<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
<n1:General_Info><Product_Info><Product_Organisation><Granule_List><Granule>
{images}
</Granule></Granule_List></Product_Organisation></Product_Info>
<Product_Image_Characteristics>
<QUANTIFICATION_VALUES_LIST>
<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
</QUANTIFICATION_VALUES_LIST>
<BOA_ADD_OFFSET_VALUES_LIST>
<BOA_ADD_OFFSET band_id="1">-1000</BOA_ADD_OFFSET><BOA_ADD_OFFSET band_id="11">-900</BOA_ADD_OFFSET>
</BOA_ADD_OFFSET_VALUES_LIST>
</Product_Image_Characteristics></n1:General_Info></n1:Level-2A_User_Product>"""


@pytest.fixture
def product(tmp_path, write, pixels):
    folder = tmp_path / "S2A_MSIL2A_20240101T000000_N0510_R051_T31UFT_20240101T000000.SAFE"
    images = []
    for code, metres in (("B02", 10), ("B02", 20), ("B11", 20), ("TCI", 10), ("AOT", 10)):
        stem = f"GRANULE/L2A_T31UFT/IMG_DATA/R{metres}m/T31UFT_20240101_{code}_{metres}m"
        path = folder / f"{stem}.jp2"
        path.parent.mkdir(parents=True, exist_ok=True)
        step = metres // 10
        array = pixels(1, 120 // step, 120 // step, seed=len(images))
        array[0, :10, :10] = 0
        write(path, array, driver="JP2OpenJPEG", QUALITY=100, REVERSIBLE=True, transform=UTM * Affine.scale(step))
        images.append(f"<IMAGE_FILE>{stem}</IMAGE_FILE>")
    (folder / "MTD_MSIL2A.xml").write_text(SAFE.format(images="".join(images)))
    return folder


def test_safe(product):
    raster = open_raster(product)
    assert raster.name == product.name.removesuffix(".SAFE")
    blue, swir = raster.bands
    assert (blue.name, blue.scale, blue.offset, blue.nodata, blue.scaled) == ("blue", 1e-4, -0.1, 0, True)
    assert (swir.name, swir.offset) == ("swir16", -0.09)
    assert raster.shape == (120, 120)
    got = raster.read(raster.box)
    path = next(product.rglob("*B02_10m.jp2"))
    np.testing.assert_array_equal(got.data[0], rasterio.open(path).read(1))
    assert not got.valid[:10, :10].any()
    assert got.valid[25:, 25:].all()
    for other in (product / "MTD_MSIL2A.xml", product.parent):
        assert open_raster(other) == raster


def test_damaged_safe(product):
    next(product.rglob("*B11_20m.jp2")).unlink()
    with pytest.raises(InputError, match="band B11 of the product is missing"):
        open_raster(product)
    metadata = product / "MTD_MSIL2A.xml"
    text = metadata.read_text()
    metadata.write_text(text[: len(text) // 2])
    with pytest.raises(InputError, match="XML is damaged"):
        open_raster(product)
    metadata.write_text('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + text.split("?>")[1])
    with pytest.raises(InputError, match="document type"):
        open_raster(product)
    metadata.write_text(text.replace("GRANULE/L2A_T31UFT", "../../elsewhere"))
    with pytest.raises(InputError, match="outside the product"):
        open_raster(product)


@pytest.fixture
def item(tmp_path, write, pixels):
    write(tmp_path / "a.tif", pixels(1, seed=1))
    write(tmp_path / "b.tif", pixels(2, seed=2))
    tiff = {"type": "image/tiff; application=geotiff; profile=cloud-optimized", "roles": ["data"]}
    content = {
        "type": "Feature", "stac_version": "1.0.0", "id": "S2 item/1",
        "properties": {"constellation": "sentinel-2", "platform": None, "instruments": ["msi", 3]},
        "assets": {
            "thumbnail": {"href": "t.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
            "visual": {"href": "v.tif", **tiff},
            "metadata": {"href": "m.xml", "type": "application/xml"},
            "re2-jp2": {"href": "a.jp2", "type": "image/jp2",
                        "eo:bands": [{"name": "B06", "common_name": "rededge"}]},
            "re2": {"href": "./a.tif", **tiff, "eo:bands": [{"name": "B06", "common_name": "rededge"}],
                    "raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}]},
            "pair": {"href": "b.tif", **tiff, "bands": [
                {"name": "x", "eo:common_name": "nir", "raster:scale": 0.5, "nodata": "nan"}, {"name": "VH"}]},
        },
    }  # fmt: skip
    path = tmp_path / "item.json"
    path.write_text(json.dumps(content))
    return path


def test_stac_item(item, pixels):
    raster = open_raster(item)
    assert raster.name == "S2_item_1"
    assert [(b.name, b.scale, b.offset, b.nodata) for b in raster.bands] == [
        ("rededge075", 1e-4, -0.1, 0), ("nir", 0.5, 0, None), ("VH", 1, 0, None)
    ]  # fmt: skip
    np.testing.assert_array_equal(raster.read(raster.box).data, np.concatenate([pixels(1, seed=1), pixels(2, seed=2)]))


def test_stac_items_that_are_none(item):
    content = json.loads(item.read_text())
    content["assets"]["pair"]["href"] = "https://example.invalid/b.tif"
    item.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"refers to https://example.invalid/b.tif on the network; pass allow_remote"):
        open_raster(item)
    item.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InputError, match="not a STAC item"):
        open_raster(item)
    item.write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        open_raster(item)
    item.write_text('{"type": "Feature", "assets": {"a": {"href": "x.txt"}}}')
    with pytest.raises(InputError, match="no raster asset"):
        open_raster(item)


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """A file server that understands ranges, as GDAL needs."""

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self):
        self.asked.append(self.path)
        wanted = self.headers.get("Range")
        if not wanted:
            super().do_GET()
            return
        first, last = wanted.removeprefix("bytes=").split("-")
        try:
            content = open(self.translate_path(self.path), "rb").read()  # noqa: PTH123, SIM115
        except OSError:
            self.send_error(404)
            return
        part = content[int(first) : int(last) + 1] if last else content[int(first) :]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Ranges, directory=tmp_path)) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def test_url(tmp_path, server, write, pixels):
    array = pixels(2, 600, 600)
    write(tmp_path / "far.tif", array, tiled=True, blockxsize=128, blockysize=128, nodata=9)
    raster = open_raster(f"{server}/far.tif")
    got = raster.read(Box(100, 200, 150, 160))
    np.testing.assert_array_equal(got.data, array[:, 100:250, 200:360])
    assert raster.name == "far"
    assert raster.sources == (f"{server}/far.tif",)
    assert open_raster(f"/vsicurl/{server}/far.tif").shape == (600, 600)
    # No side files were looked for.
    assert {path for path in _Ranges.asked if "far" in path} <= {"/far.tif"}
    with pytest.raises(InputError, match="not allowed here"):
        open_raster(f"{server}/far.tif", allow_remote=False)
    with pytest.raises(InputError, match="check the address"):
        open_raster(f"{server}/nothing.tif")


class _Gathering(_Ranges):
    """Answers requests for pixels when two are waiting, or after a while."""

    waiting, most, gate = 0, 0, threading.Condition()

    def do_GET(self):
        cls = type(self)
        with cls.gate:
            cls.waiting += 1
            cls.most = max(cls.most, cls.waiting)
            cls.gate.notify_all()
            cls.gate.wait_for(lambda: cls.most > 1, timeout=0.2)
        super().do_GET()
        with cls.gate:
            cls.waiting -= 1


@pytest.mark.parametrize("in_environment", [False, True])
def test_files_on_a_server_are_read_at_the_same_time(tmp_path, write, pixels, in_environment):
    names = ["B02.tif", "B03.tif", "B04.tif"]
    array = pixels(3, 300, 300)
    for name, band in zip(names, array, strict=True):
        write(tmp_path / name, band[None], tiled=True, blockxsize=128, blockysize=128, nodata=int(band[7, 5]))
    local = open_raster([tmp_path / name for name in names])
    _Gathering.waiting = _Gathering.most = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Gathering, directory=tmp_path)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{running.server_address[1]}"
        # Options of the caller's environment hold for its own thread alone: there, one file after another.
        with rasterio.Env(GDAL_HTTP_TIMEOUT=10) if in_environment else nullcontext():
            raster = open_raster([f"{address}/{name}" for name in names])
            box = Box(3, 4, 250, 260)
            found, by_band = raster.read(box), raster.read_by_band(box)
        running.shutdown()
    assert (_Gathering.most > 1) != in_environment
    wanted = local.read(box)
    np.testing.assert_array_equal(found.data, wanted.data)
    np.testing.assert_array_equal(found.valid, wanted.valid)
    assert not wanted.valid.all()
    for got, expected in zip(by_band, local.read_by_band(box), strict=True):
        np.testing.assert_array_equal(got, expected)


@dataclass
class _Far:
    """A source on a server, which fails or clears a pixel."""

    label: str
    failure: Exception | None = None

    def read(self, request):
        if self.failure:
            raise self.failure
        request.out[...] = 1
        request.keep(np.arange(request.valid.shape[-1])[None] != int(self.label[-1]))


def test_of_several_failures_the_first_is_reported_and_masks_are_combined():
    def reads(*sources):
        valid = np.ones((2, 4), np.bool_)
        data = np.zeros((len(sources), 1, 2, 4), np.uint8)
        box = Box(0, 0, 2, 4)
        return valid, [
            (source, ReadRequest((1,), (None,), box, out, valid)) for source, out in zip(sources, data, strict=True)
        ]

    valid, pairs = reads(_Far("https://x/0"), _Far("near/1"), _Far("https://x/3"))
    read_all(pairs)
    np.testing.assert_array_equal(valid, [[False, False, True, False]] * 2)
    _, pairs = reads(_Far("https://x/0"), _Far("s3://x/1", ReadError("one")), _Far("s3://x/2", ReadError("two")))
    with pytest.raises(ReadError, match="one"):
        read_all(pairs)


def test_item_by_url_may_refer_to_urls(item, server):
    raster = open_raster(f"{server}/item.json")
    assert raster.sources[0] == f"{server}/a.tif"
    local = open_raster(item)
    np.testing.assert_array_equal(raster.read(raster.box).data, local.read(local.box).data)


def test_vrt_reaches_the_network_only_when_allowed(tmp_path, server, write, pixels):
    write(tmp_path / "far.tif", pixels(1))
    text = (
        '<VRTDataset rasterXSize="130" rasterYSize="90"><VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
        "<SourceFilename{more}>{name}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    near = tmp_path / "near.vrt"
    near.write_text(text.format(name="far.tif", more=' relativeToVRT="1"'))
    raster = open_raster(near)
    np.testing.assert_array_equal(raster.read(raster.box).data, pixels(1))
    far = tmp_path / "far.vrt"
    far.write_text(text.format(name=f"/vsicurl/{server}/far.tif", more=""))
    _Ranges.asked.clear()
    with pytest.raises(InputError, match="on the network; pass allow_remote=True"):
        open_raster(far)
    nested = tmp_path / "nested.vrt"
    nested.write_text(text.format(name="far.vrt", more=' relativeToVRT="1"'))
    with pytest.raises(InputError, match="on the network"):
        open_raster(nested)
    assert _Ranges.asked == []
    raster = open_raster(far, allow_remote=True)
    np.testing.assert_array_equal(raster.read(raster.box).data, pixels(1))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<GDAL_WMS><Service name='TMS'><ServerUrl>http://x</ServerUrl></Service></GDAL_WMS>", "a request to a server"),
        ("<GDALTileIndexDataset/>", "a request to a server"),
        ("<!DOCTYPE VRTDataset [<!ENTITY a 'b'>]><VRTDataset/>", "document type"),
        (("<VRTDataset rasterXSize='1' rasterYSize='1'><VRTRasterBand subClass='VRTDerivedRasterBand'>"
         "<PixelFunctionLanguage>Python</PixelFunctionLanguage></VRTRasterBand></VRTDataset>"), "is never run"),
        (("<VRTDataset rasterXSize='1' rasterYSize='1'><VRTRasterBand><SimpleSource><SourceFilename>WMTS:http:/x"
         "</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"), "connection string"),
        (("<VRTDataset rasterXSize='1' rasterYSize='1'><VRTRasterBand><SimpleSource><SourceFilename>"
         "&lt;GDAL_WMS/&gt;</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"), "a file name should be"),
        ("<VRTDataset", "damaged"),
    ],
)  # fmt: skip
def test_files_that_run_code_or_reach_the_network(tmp_path, content, said):
    path = tmp_path / "order.vrt"
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        open_raster(path)


@pytest.mark.parametrize("source", ["<VRTDataset/>", '{"a": 1}', "WMS:http:server", "PG:dbname=a"])
def test_sources_that_are_no_file(source):
    with pytest.raises(InputError, match="file, folder or URL"):
        open_raster(source)


def test_zarr(tmp_path, pixels, monkeypatch):
    pytest.importorskip("zarr", reason="the extra zarr is not installed")
    import odc.geo.xr  # noqa: F401
    from odc.geo.geobox import GeoBox
    from odc.geo.xr import xr_coords

    box = GeoBox((90, 130), UTM, "EPSG:32631")
    values = pixels(1)[0]
    values[3, 4] = 0
    data = xr.Dataset({"B04": (("y", "x"), values, {"scale_factor": 0.5, "_FillValue": 0})}, coords=xr_coords(box))
    data.attrs["grid_mapping"] = "spatial_ref"
    path = tmp_path / "cube.zarr"
    raw = data.copy()
    raw["B04"].attrs["grid_mapping"] = "spatial_ref"
    raw.to_zarr(path)
    raster = open_raster(path)
    assert raster.name == "cube"
    assert raster.geobox == box
    assert [(b.name, b.scale, b.nodata) for b in raster.bands] == [("B04", 0.5, 0)]
    got = raster.read(raster.box)
    np.testing.assert_array_equal(got.data[0], values)
    assert not got.valid[3, 4]


def test_zarr_without_its_package(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(InputError, match=r'pip install "geoseg\[zarr\]"'):
        zarr_store.open_zarr(str(tmp_path), remote=False)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (">10000<", ">nan<", "QUANTIFICATION_VALUE is 'nan', not a finite number"),
        (">10000<", ">inf<", "QUANTIFICATION_VALUE is 'inf'"),
        (">10000<", ">-5<", "QUANTIFICATION_VALUE is '-5', not a positive number"),
        (">10000<", ">0<", "QUANTIFICATION_VALUE is '0', not a positive number"),
        (">-1000<", ">abc<", "ADD_OFFSET is 'abc', not a finite number"),
        ('band_id="1"', 'band_id="²"', "band_id '²', not a number"),
        ("_B02_", "_B00_", "names no band files|is missing"),
    ],
)
def test_numbers_in_safe_metadata(product, old, new, message):
    path = next(product.glob("MTD_MSIL*.xml"))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    if new == "_B00_":
        assert "blue" not in [band.name for band in open_raster(product).bands]
        return
    with pytest.raises(InputError, match=message):
        open_raster(product)


def test_encodings_of_safe_metadata(product):
    path = next(product.glob("MTD_MSIL*.xml"))
    for encoding in ("x-none", "utf-7", "euc-jp"):
        path.write_bytes(b"<?xml version='1.0' encoding='" + encoding.encode() + b"'?><a/>")
        with pytest.raises(InputError, match=r"XML is damaged|names no band files"):
            open_raster(product)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"raster:bands": [{"scale": 10**400}]}, "states scale '1000.*', which is no usable number"),
        ({"raster:bands": [{"scale": 0}]}, "states scale '0'"),
        ({"raster:bands": [{"scale": "abc"}]}, "states scale 'abc'"),
        ({"raster:bands": [{"offset": "inf"}]}, "states offset 'inf'"),
        ({"raster:bands": [{"nodata": [1]}]}, "states nodata"),
        ({"roles": 5}, None), ({"roles": {"data": 1}}, None), ({"roles": [[]]}, None),
        ({"eo:bands": [{"name": 5, "common_name": ["red"]}]}, None), ({"eo:bands": 3, "bands": "x"}, None),
        ({"type": 7}, "no raster asset"), ({"href": 7}, "no raster asset"), ({"href": "a\0.tif"}, "a"),
        ({"href": "a" * 5000 + ".tif"}, "a"),
    ],
)  # fmt: skip
def test_odd_stac_items(tmp_path, write, pixels, changes, message):
    write(tmp_path / "a.tif", pixels(1))
    asset = {"href": "a.tif", "type": "image/tiff", "roles": ["data"]} | changes
    path = tmp_path / "item.json"
    path.write_text(json.dumps({"type": "Feature", "id": 5, "assets": {"x": asset}}))
    if message is None:
        assert len(open_raster(path).bands) == 1
        return
    with pytest.raises(InputError, match=message) as caught:
        open_raster(path)
    assert len(str(caught.value).splitlines()) == 1
