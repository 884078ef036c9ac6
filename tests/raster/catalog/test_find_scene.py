"""From a catalogue to pixels: what is asked, what is chosen, what is read, and what goes wrong."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import rasterio
import shapely

from geoseg.errors import InputError, OptionError
from geoseg.raster import open_raster, release_handles
from geoseg.raster.burn import burn
from geoseg.raster.catalog import Search, find_scene
from geoseg.raster.catalog.api import period_of
from geoseg.raster.catalog.catalogs import Catalog, catalog_of
from geoseg.raster.catalog.client import Query, login_of, search
from geoseg.raster.catalog.place import read_place
from geoseg.raster.clouds.report import masked_clouds

NORTH = 5_800_000.0
SUMMER = "2026-06/2026-08"
FORMS = ("earth-search", "planetary-computer", "cdse", "bare")


def degrees(west, south, east, north):
    from pyproj import Transformer

    x, y = Transformer.from_crs(32633, 4326, always_xy=True).transform([west, east], [south, north])
    return f"{x[0]},{y[0]},{x[1]},{y[1]}"


# Inside the tile at 500000, and over it and the one east of it.
ONE = degrees(500_100, NORTH - 540, 500_540, NORTH - 100)
BOTH = degrees(500_100, NORTH - 540, 501_100, NORTH - 100)


def find(server, aoi=ONE, when=SUMMER, **more):
    bands = more.pop("model_bands", ("red", "nir"))
    return find_scene(Search(aoi, when, server.catalog(), **more), model_bands=bands)


@pytest.mark.parametrize("form", FORMS)
def test_an_item_reads_as_its_files(server, add, form):
    """Every shape of an item: the same pixels, units and nodata as the files opened as a stack."""
    add("T33_20260610", form=form)
    found = find(server)
    files = [server.folder / f"T33_20260610_{band}.tif" for band in ("red", "nir")]
    local = open_raster(files, scale=0.0001, offset=-0.1, bbox=read_place(ONE).bounds, bbox_crs="EPSG:4326")
    got, wanted = found.raster.read(found.raster.box), local.read(local.box)
    np.testing.assert_array_equal(got.data, wanted.data)
    np.testing.assert_array_equal(got.valid, wanted.valid)
    assert found.raster.geobox == local.geobox
    assert [(b.name, b.scale, b.offset, b.nodata) for b in found.raster.bands] == [
        ("red", 1e-4, -0.1, 0), ("nir", 1e-4, -0.1, 0),
    ]  # fmt: skip
    assert found.raster.name == "T33_20260610"
    # Of the item only the files of these bands were opened.
    assert {path.partition("?")[0] for _, path, _ in server.asked if "/files/" in path} == {
        f"/files/T33_20260610_{band}.tif" for band in ("red", "nir")
    }
    noted = any("baseline 05.11" in note for note in found.raster.notes)
    assert noted == (form == "planetary-computer")


def test_signed_addresses_are_read_and_never_shown(server, add):
    item = add("signed")
    server.secret = "sig=s3cr3t"
    for asset in item["assets"].values():
        asset["href"] += "?se=2026-07-01&sig=s3cr3t"
    found = find(server)
    assert found.raster.read(found.raster.box).valid.any()
    shown = repr((found.raster, found.raster.sources, found.notes, found.collection(), found.raster.inputs[0].recipe()))
    assert "s3cr3t" not in shown
    assert found.collection()["features"][0]["assets"]["red"]["href"] == f"{server.url}/files/signed_red.tif"
    release_handles()
    server.secret = "sig=another"
    with rasterio.Env(GDAL_HTTP_MAX_RETRY=0):
        server.items[0]["assets"]["red"]["href"] += "expired"  # another address, which GDAL has not cached
        with pytest.raises(InputError, match=r"signed_red\.tif\?….*signature has expired") as failed:
            find(server)
    assert "s3cr3t" not in str(failed.value)


def test_files_of_the_planetary_computer_are_signed_by_gdal(server, add, monkeypatch):
    item = add("pc", form="planetary-computer")
    server.secret = "token=good"

    def token(handler):
        handler.json({"msft:expiry": "2099-01-01T00:00:00Z", "token": "token=good"})

    server.trouble["/sas/sentinel-2-c1-l2a"] = token
    monkeypatch.setenv("VSICURL_PC_SAS_TOKEN_URL", f"{server.url}/sas/")
    monkeypatch.setattr(Catalog, "signs", lambda _self, href: href.startswith(server.url))
    found = find(server)
    got = found.raster.read(found.raster.box)
    local = open_raster([server.folder / f"pc_{b}.tif" for b in ("red", "nir")]).crop(
        read_place(ONE).bounds, "EPSG:4326"
    )
    np.testing.assert_array_equal(got.data, local.read(local.box).data)
    assert found.raster.sources[0] == item["assets"]["B04"]["href"]


@pytest.mark.parametrize(
    ("flag", "collection", "offset", "note"),
    [
        (True, "sentinel-2-l2a", 0.0, "has been subtracted"),
        (False, "sentinel-2-l2a", -0.1, "wrongly for some scenes"),
        (False, "sentinel-2-c1-l2a", -0.1, ""),
        (None, "sentinel-2-c1-l2a", -0.1, ""),
    ],
)
def test_earth_search_says_whether_the_offset_is_in_the_pixels(server, add, tmp_path, flag, collection, offset, note):
    item = add("offset", collection=collection)
    if flag is not None:
        item["properties"]["earthsearch:boa_offset_applied"] = flag
    path = tmp_path / "item.json"
    path.write_text(json.dumps(item))
    raster = open_raster(path, allow_remote=True)
    assert {(band.scale, band.offset) for band in raster.bands} == {(1e-4, offset)}
    assert any(note in one for one in raster.notes) or not note


def test_near_infrared_of_landsat(server, add):
    """The catalogues call it nir08, as STAC does; geoseg and its models nir, as by its code."""
    item = add("LC09", form="cdse")
    item["properties"] |= {"platform": "landsat-9", "constellation": None, "instruments": ["oli", "tirs"]}
    item["assets"] = {
        name: {**item["assets"][f"{code}_10m"], "bands": [{"name": f"OLI_{code}", "eo:common_name": name}]}
        for name, code in (("red", "B04"), ("nir08", "B08"))
    }
    assert [band.name for band in find(server).raster.bands] == ["red", "nir"]
    item["properties"]["platform"] = "sentinel-2a"
    with pytest.raises(InputError, match="no band nir"):
        find(server)


# Choice -------------------------------------------------------------------------------------------------------------


def test_the_clearest_of_the_fewest_is_taken(server, add):
    add("a", cloud=9.0)
    add("b", cloud=4.0)
    add("b2", cloud=4.0, when="2026-07-16T10:00:00Z")  # the middle of the period
    add("east", west=500_640.0, cloud=0.0)
    add("late", cloud=0.0, when="2026-09-02T10:00:00Z")
    add("cloudy", cloud=90.0)
    found = find(server)
    assert [item.id for item in found.items] == ["b2"]
    assert found.covered == pytest.approx(1, abs=1e-4)
    assert found.searched == (4, 3)
    both = find(server, BOTH)
    assert [item.id for item in both.items] == ["east", "b2"]
    five = find(server, composite="median", observations=2)
    assert [item.id for item in five.items] == ["b", "b2"]


def test_tiles_become_one_map_on_the_pixels_of_the_clearest(server, add):
    add("west", cloud=9.0, seed=1)
    add("east", west=500_640.0, cloud=4.0, seed=2)
    found = find(server, BOTH)
    names = [server.folder / f"{tile}_red.tif" for tile in ("west", "east")]
    whole = np.concatenate([rasterio.open(name).read(1) for name in names], axis=1)
    got = found.raster.read(found.raster.box)
    col, row = ~rasterio.Affine(10, 0, 500_000, 0, -10, NORTH) * (found.raster.transform.c, found.raster.transform.f)
    part = whole[round(row) : round(row) + got.data.shape[1], round(col) : round(col) + got.data.shape[2]]
    np.testing.assert_array_equal(got.data[0], part)
    np.testing.assert_array_equal(got.valid, part > 0)
    assert len(found.raster.sources) == 4  # two bands of two tiles
    assert found.raster.remote


def test_a_median_of_dates(server, add):
    for number, day in enumerate((3, 13, 23)):
        add(f"d{day}", seed=number, when=f"2026-06-{day:02d}T10:00:00Z", cloud=float(number))
    found = find(server, composite="median", observations=5)
    assert len(found.items) == 3
    stack = np.stack([rasterio.open(server.folder / f"d{day}_nir.tif").read(1) for day in (3, 13, 23)])
    got = found.raster.read(found.raster.box)
    col, row = ~rasterio.Affine(10, 0, 500_000, 0, -10, NORTH) * (found.raster.transform.c, found.raster.transform.f)
    rows, cols = slice(round(row), round(row) + got.valid.shape[0]), slice(round(col), round(col) + got.valid.shape[1])
    np.testing.assert_array_equal(got.data[1], np.median(stack[:, rows, cols], axis=0).astype("uint16"))
    assert [band.name for band in found.raster.bands] == ["red", "nir"]


def test_polygons_are_cut_out(server, add):
    add("tile")
    shape = shapely.Polygon([(500_105, NORTH - 500), (500_500, NORTH - 450), (500_300, NORTH - 110)])
    found = find(server, f"SRID=32633;{shape.wkt}")
    raster = found.raster
    inside = burn(np.array([shape]), raster.transform, raster.shape) == 0
    whole = raster.read(raster.box)
    np.testing.assert_array_equal(whole.valid, inside)  # the nodata corner of the tile is elsewhere
    for box in (raster.box, type(raster.box)(5, 7, 20, 11)):
        rows, cols = slice(box.row, box.bottom), slice(box.col, box.right)
        part = raster.read(box)
        np.testing.assert_array_equal(part.valid, inside[rows, cols])
        np.testing.assert_array_equal(part.data[:, part.valid], whole.data[:, rows, cols][:, part.valid])
    local = open_raster(server.folder / "tile_red.tif").crop(raster.grid.bounds())
    np.testing.assert_array_equal(whole.data[0][inside], local.read(local.box).data[0][inside])
    assert raster.quicklook(16).valid.any()
    assert find(server, f"SRID=32633;{shape.buffer(-20).wkt}").raster.fingerprint() != raster.fingerprint()


def test_two_utm_zones(server, add):
    """The place lies on a tile of each zone: the second is resampled to the first, and a note says so."""
    from pyproj import Transformer

    x, y = Transformer.from_crs(32633, 32632, always_xy=True).transform(500_640.0, NORTH)
    add("z33", cloud=1.0)
    add("z32", cloud=2.0, west=round(x), north=round(y), epsg=32632)
    found = find(server, degrees(500_200, NORTH - 300, 500_900, NORTH - 250))
    assert [item.id for item in found.items] == ["z33", "z32"]
    assert found.raster.grid.crs.to_epsg() == 32633
    assert any("another CRS" in note for note in found.raster.notes)
    assert found.raster.read(found.raster.box).valid.mean() > 0.9


# The search ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("methods", "paging"), [(("GET",), "link"), (("GET", "POST"), "body"), (("POST",), "full")])
def test_every_page_is_read(server, add, methods, paging):
    """The oracle is pystac-client, and the list itself."""
    for number in range(10):
        add(f"i{number}", bands=("red",))
    server.methods, server.paging = methods, paging
    start, end = period_of(SUMMER)
    found = search(
        catalog_of(server.catalog()),
        Query(read_place(ONE).bounds, f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}"),
    )
    assert [item["id"] for item in found] == [f"i{number}" for number in range(10)]
    client = pytest.importorskip("pystac_client").Client.open(f"{server.url}/api")
    theirs = client.search(
        collections=["sentinel-2-c1-l2a"], bbox=read_place(ONE).bounds, datetime=SUMMER, method=methods[-1]
    )
    assert [item.id for item in theirs.items()] == [item["id"] for item in found]


def test_clouds_are_filtered_by_the_catalogue_where_it_can(server, add):
    add("clear", cloud=1.0)
    add("cloudy", cloud=70.0)
    server.filters = True
    assert [item.id for item in find(server).items] == ["clear"]
    [body] = [body for method, _, body in server.asked if method == "POST"]
    assert body["query"] == {"eo:cloud_cover": {"lte": 20.0}}


def test_logins_go_to_the_catalogue_alone(server, add, monkeypatch, tmp_path):
    add("tile")
    server.token = "Bearer t0ken"
    with pytest.raises(InputError, match=r"HTTP 401\): the catalogue wants a login; set GEOSEG_STAC_TOKEN"):
        find(server)
    monkeypatch.setenv("GEOSEG_STAC_TOKEN", "0ld")
    with pytest.raises(InputError, match="it has expired or is not valid") as failed:
        find(server)
    assert "0ld" not in str(failed.value)
    monkeypatch.setenv("GEOSEG_STAC_TOKEN", "t0ken")
    found = find(server)
    assert not any("Authorization" in headers for _, path, headers in server.asked if path.startswith("/files"))
    assert "t0ken" not in json.dumps(found.collection())
    for address, sent in (("https://host/api", True), ("http://host/api", False),
                          (catalog_of("sentinel-2").url, False)):  # fmt: skip
        assert (login_of(address) is not None) == sent
    monkeypatch.delenv("GEOSEG_STAC_TOKEN")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password w0rd\n")
    os.chmod(netrc, 0o600)  # noqa: PTH101
    monkeypatch.setenv("NETRC", str(netrc))
    server.token = "Basic bWU6dzByZA=="
    assert len(find(server).items) == 1


# What goes wrong ----------------------------------------------------------------------------------------------------


def _broken_off(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"type": "FeatureCollection", "features": [')
    handler.close_connection = True


def _elsewhere(handler):
    handler.send_response(302)
    handler.send_header("Location", "http://localhost.invalid/api")
    handler.end_headers()


@pytest.mark.parametrize(
    ("path", "answer", "message"),
    [
        ("/api", lambda h: h.send_error(503), "answers with HTTP 503.*try again later"),
        ("/api", lambda h: h.send_error(404), "no such page"),
        ("/api", lambda h: h.json([1]), "answers with a list"),
        ("/api", lambda h: h.json({"type": "Catalog", "links": []}), "no search link"),
        ("/api", _broken_off, "broke off after 43 bytes"),
        ("/api", _elsewhere, "leads to another host, localhost.invalid"),
        ("/api/search", _broken_off, "broke off"),
        ("/api/search", lambda h: h.send_error(403), "refuses the login"),
        ("/api/search", lambda h: h.json({"code": "x"}), "something else than items"),
        ("/api/search", lambda h: h.json({"description": "bad bbox"}, 400), r"HTTP 400 \(bad bbox\)"),
        (
            "/api/search",
            lambda h: h.json({"features": [], "links": [{"rel": "next", "href": "http://elsewhere.invalid/"}]}),
            "leads to another host, elsewhere.invalid",
        ),
        (
            "/api/search",
            lambda h: h.json({"features": [], "links": [{"rel": "next", "href": "/api/search", "method": "POST"}]}),
            "lead in a circle",
        ),
        (
            "/api/search",
            lambda h: h.json({"features": [{"id": str(n)} for n in range(10_001)], "links": []}),
            "more than 10,000 items.*shorter period",
        ),
    ],
)
def test_a_catalogue_in_trouble(server, add, path, answer, message):
    add("tile")
    server.trouble[path] = answer
    with pytest.raises(InputError, match=message) as failed:
        find(server)
    assert "\n" not in str(failed.value)


def test_a_passing_error_is_tried_again(server, add):
    add("tile")

    def once(handler):
        del server.trouble["/api/search"]
        handler.send_error(502)

    server.trouble["/api/search"] = once
    assert len(find(server).items) == 1


def test_a_catalogue_that_is_down(server):
    port = server.server_address[1]
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match=r"cannot be reached.*check the address"):
        find_scene(Search(ONE, SUMMER, f"http://127.0.0.1:{port}/api#x"))


def test_nothing_found(server, add):
    with pytest.raises(InputError, match="has no item there in that time; widen --when"):
        find(server)
    add("cloudy", cloud=64.2)
    with pytest.raises(
        InputError, match=r"all 1 items .* more than 20 % clouds, the clearest 64.2 %; raise --max-cloud"
    ):
        find(server)
    server.items[0]["bbox"] = [-180, -90, 180, 90]
    with pytest.raises(InputError, match="none overlaps it"):
        find(server, "0,0,1,1")


def test_part_of_a_place_is_said(server, add):
    add("tile")
    found = find(server, degrees(500_320, NORTH - 500, 500_960, NORTH - 100))
    assert found.covered == pytest.approx(0.5, abs=0.01)
    assert any(note.startswith("the items found cover 50") for note in found.notes)


def test_items_of_all_kinds(server, add):
    """What cannot be used is left out and counted; what is listed twice is one."""
    good = add("good")
    lacking = add("lacking", bands=("red",), cloud=0.0)
    server.items += [
        good,
        {**good, "properties": {**good["properties"], "updated": "2026-07-01", "eo:cloud_cover": 3.0}},
        {**lacking, "id": "undated", "properties": {}},
        {**lacking, "id": "nowhere", "geometry": None, "bbox": None},
        {**lacking, "id": "flat", "geometry": {"type": "Point", "coordinates": [15, 52]}},
        {**lacking, "id": None},
        {**good, "id": "local", "assets": {key: {**asset, "href": "file:///etc/passwd"}
                                           for key, asset in good["assets"].items()}},
        {**good, "id": "scaled", "assets": {key: {**asset, "raster:bands": [{"scale": "x"}]}
                                            for key, asset in good["assets"].items()}},
    ]  # fmt: skip
    server.page_size = 100
    found = find(server)
    assert [(item.id, item.cloud) for item in found.items] == [("good", 3.0)]
    text = "\n".join(found.notes)
    for part in ("good: listed twice", "lacking: no band nir", "undated: no date", "no usable footprint", "no id",
                 "local: refers to file:///etc/passwd, which is no address", "states scale 'x'"):  # fmt: skip
        assert part in text, part
    server.items = [lacking]
    with pytest.raises(InputError, match=r"lacking: no band nir"):
        find(server)


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_as_many_items_as_are_read(server, add, count):
    """The clearest of thousands of one tile, which are all without projection; each is one page entry of the server."""
    tile = add("tile", form="bare", cloud=15.0)
    server.items = [
        {**tile, "id": f"i{number}", "properties": {**tile["properties"], "eo:cloud_cover": 5.0 + number % 7}}
        for number in range(count - 1)
    ]
    server.items.insert(count // 2, {**tile, "id": "clearest", "properties": {**tile["properties"],
                                                                              "eo:cloud_cover": 4.0}})  # fmt: skip
    server.page_size = 1000
    found = find(server)
    assert [item.id for item in found.items] == ["clearest"]
    assert found.searched == (count, count)


def test_a_file_that_was_uploaded_by_half(server, add, geoseg, tmp_path, reflectance):
    """Its header is whole, its last pixels are not: one line, and no map under its final name."""
    bands = ("blue", "green", "red", "nir", "swir16", "swir22")
    with rasterio.open(reflectance(tmp_path / "spectra.tif", 64, 64, nodata=False)) as file:
        add("tile", bands=bands, data=file.read() + 1000)
    path = server.folder / "tile_nir.tif"
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    out = tmp_path / "out"
    code, _, err = geoseg(
        "segment", "--aoi", ONE, "--when", SUMMER, "--catalog", server.catalog(), "-m", "spectral", "-o", out,
        "--progress", "none",
    )  # fmt: skip
    assert code == 1
    assert "tile_nir.tif" in err
    assert not list(out.glob("*_classes.tif")) + list(out.glob("*_polygons.gpkg"))


def test_a_missing_file_is_named(server, add):
    add("tile")
    (server.folder / "tile_nir.tif").unlink()
    with pytest.raises(InputError, match=r"sentinel-2-c1-l2a: http.*tile_nir\.tif: cannot be opened"):
        find(server)


@pytest.mark.parametrize("when", ["", "2026-13", "summer", "2026-08/2026-06", "2026-06-31", "2026-06/"])
def test_what_is_no_period(when):
    with pytest.raises(OptionError, match="when"):
        Search("1,2,3,4", when, "sentinel-2")


def test_impossible_options():
    for more in ({"max_cloud": 101}, {"composite": "mode"}, {"observations": 0}):
        with pytest.raises(OptionError):
            Search("1,2,3,4", "2026", "sentinel-2", **more)
    for text in ("sentinel2", "https://host/api", "ftp://host#x", "https://host/api?key=abc"):
        with pytest.raises(InputError, match="is unknown: give one of sentinel-2") as failed:
            catalog_of(text)
        assert "abc" not in str(failed.value)


# The command line ---------------------------------------------------------------------------------------------------


def test_segment_a_place(server, add, geoseg, tmp_path, reflectance):
    bands = ("blue", "green", "red", "nir", "swir16", "swir22")
    with rasterio.open(reflectance(tmp_path / "spectra.tif", 64, 64, nodata=False)) as file:
        add("tile", bands=bands, data=file.read() + 1000)
    shape = shapely.Polygon([(500_105, NORTH - 500), (500_500, NORTH - 450), (500_300, NORTH - 110)])
    place = ("--aoi", f"SRID=32633;{shape.wkt}", "--when", SUMMER, "--catalog", server.catalog())
    fast = ("-m", "spectral", "--device", "cpu", "--precision", "fp32", "--runtime", "torch", "--progress", "none")
    out = tmp_path / "out"
    code, text, err = geoseg("segment", *place, *fast, "-o", out, "--dry-run")
    assert code == 0, err
    assert "tile  2026-06-10 10:20  5 % clouds" in text
    assert "items       1 of 1 in the period" in text
    assert "place       100 % covered" in text
    assert "fetch       about" in text
    assert "time" in text
    assert not out.exists()

    code, _, err = geoseg("segment", *place, *fast, "-o", out)
    assert code == 0, err
    stack = [server.folder / f"tile_{band}.tif" for band in bands]
    names = ("--bands", ",".join(f"{band}={number}" for number, band in enumerate(bands, 1)))
    units = ("--scale", "1/10000", "--offset", "-0.1", *names)
    code, _, err = geoseg("segment", "--stack", *stack, *units, *fast, "-o", tmp_path / "local")
    assert code == 0, err
    with (
        rasterio.open(out / "tile_classes.tif") as ours,
        rasterio.open(next((tmp_path / "local").glob("*_classes.tif"))) as local,
    ):
        window = local.window(*ours.bounds)
        expected = local.read(1, window=window)
        inside = burn(np.array([shape]), ours.transform, ours.shape) == 0
        np.testing.assert_array_equal(ours.read(1), np.where(inside, expected, 255))
        assert len(np.unique(expected[inside])) > 2
    items = json.loads((out / "tile_items.json").read_text("utf-8"))
    assert [item["id"] for item in items["features"]] == ["tile"]
    report = json.loads((out / "tile_report.json").read_text("utf-8"))
    assert report["scene"]["sources"] == [f"{server.url}/files/tile_{band}.tif" for band in bands]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--aoi", "1,2,3,4"), "--aoi needs --when and --catalog"),
        (("--catalog", "naip", "--aoi", "1,2,3,4"), "needs --when"),
        (("a.tif", "--aoi", "1,2,3,4", "--when", "2026", "--catalog", "naip"), "leave out SCENE"),
        (("--bbox", "1,2,3,4", "--aoi", "1,2,3,4", "--when", "2026", "--catalog", "naip"), "leave out --bbox"),
    ],
)
def test_options_that_do_not_go_together(geoseg, tmp_path, options, message):
    code, _, err = geoseg("segment", *options, "-o", tmp_path)
    assert code == 2
    assert message in err


@pytest.fixture
def add_quality(server):
    """Put a quality band beside the bands of an item, as its catalogue calls it; what it leaves is returned."""

    def put(item, form):
        rng = np.random.default_rng(8)
        name = item["id"]
        side = 64 if form == "landsat" else 32  # SCL has pixels of 20 m
        if form == "landsat":
            values = rng.choice([21824, 21952, 22280, 23888, 30048], (side, side)).astype("uint16")
            kept = np.isin(values, [21824, 21952])
        else:
            values = rng.integers(0, 12, (side, side)).astype("uint8")
            kept = ~np.isin(values, [0, 3, 8, 9, 10, 11])
        with rasterio.open(server.folder / f"{name}_red.tif") as red:
            profile = red.profile | {"dtype": values.dtype, "height": side, "width": side, "nodata": None,
                                     "transform": red.transform @ rasterio.Affine.scale(64 / side)}  # fmt: skip
        stem = f"{name}_{'QA_PIXEL' if form == 'landsat' else 'SCL'}"
        with rasterio.open(server.folder / f"{stem}.tif", "w", **profile) as file:
            file.write(values, 1)
        href = f"{server.url}/files/{stem}.tif"
        kind = "image/tiff; application=geotiff; profile=cloud-optimized"
        key = {"earth-search": "scl", "planetary-computer": "SCL", "cdse": "SCL_20m", "landsat": "qa_pixel"}[form]
        item["assets"][key] = {"href": href, "type": kind, "roles": ["data"], "gsd": 20}
        if form == "cdse":
            item["assets"]["SCL_60m"] = {"href": f"{server.url}/files/none.tif", "type": kind, "gsd": 60}
        return kept.repeat(64 // side, 0).repeat(64 // side, 1)

    return put


@pytest.mark.parametrize("form", ["earth-search", "planetary-computer", "cdse", "landsat"])
def test_an_item_is_masked_as_its_files(server, add, add_quality, form):
    """Pixel for pixel, the mask included, as the same files in a folder; and as numpy says."""
    item = add("T33_20260610", form="earth-search" if form == "landsat" else form)
    kept = add_quality(item, form)
    found = find(server)
    raster = found.raster
    files = sorted(server.folder.glob("T33_20260610_*.tif"))
    local = open_raster(
        files, bands=["red", "nir"], scale=0.0001, offset=-0.1, bbox=read_place(ONE).bounds, bbox_crs="EPSG:4326"
    )
    got, wanted = raster.read(raster.box), local.read(local.box)
    np.testing.assert_array_equal(got.data, wanted.data)
    np.testing.assert_array_equal(got.valid, wanted.valid)
    whole = open_raster([server.folder / f"T33_20260610_{band}.tif" for band in ("red", "nir")])
    row, col = raster.origin
    placed = (slice(row, row + raster.shape[0]), slice(col, col + raster.shape[1]))
    np.testing.assert_array_equal(got.valid, (whole.read(whole.box).valid & kept)[placed])
    assert 0.1 < got.valid.mean() < 0.9
    assert any("missing pixels, by" in note for note in raster.notes)
    (said,) = masked_clouds(raster)
    assert said["source"].endswith("_QA_PIXEL.tif" if form == "landsat" else "_SCL.tif")
    bare = find_scene(
        Search(ONE, SUMMER, server.catalog()), model_bands=("red", "nir"), mask_clouds="none"
    ).raster  # fmt: skip
    np.testing.assert_array_equal(bare.read(bare.box).valid, whole.read(whole.box).valid[placed])
    assert bare.fingerprint() != raster.fingerprint()


def test_items_that_are_joined_are_masked_each(server, add, add_quality):
    """Where the clearest item has a cloud, the next one is taken."""
    one, two = add("A_20260610", cloud=1.0, seed=1), add("B_20260612", cloud=3.0, seed=2)
    kept = add_quality(one, "earth-search")
    raster = find(server, observations=2).raster
    assert two["id"] == "B_20260612"
    files = [[server.folder / f"{name}_{band}.tif" for band in ("red", "nir")] for name in ("A_20260610", "B_20260612")]
    first, second = (open_raster(each) for each in files)
    got = raster.read(raster.box).data
    place = read_place(ONE).bounds
    want = np.where(kept, first.read(first.box).data, second.read(second.box).data)
    cut = first.crop(place, "EPSG:4326").origin
    np.testing.assert_array_equal(got, want[:, cut[0] : cut[0] + got.shape[1], cut[1] : cut[1] + got.shape[2]])
    assert [entry["name"] for entry in masked_clouds(raster)] == ["A_20260610"]
