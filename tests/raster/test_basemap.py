"""A tiled map as a scene: pixels are the tiles', each is asked for once, and what goes wrong is said."""

from __future__ import annotations

import http.server
import io
import math
import re
import threading
import time

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geoseg.errors import InputError, OptionError
from geoseg.raster import open_raster
from geoseg.raster.basemap import Tiles, find_basemap
from geoseg.raster.basemap.mosaic import decoded
from geoseg.raster.basemap.template import HALF, Template, template_of

ZOOM = 18
PLACE = "13.3760,52.5160,13.3790,52.5175"  # 3 × 3 tiles and more of zoom 18
TERMS = "© Test, CC0"


def tile(row, col, side=256, mode="RGB", form="PNG"):
    """The picture of a tile: noise that tells which one it is."""
    rng = np.random.default_rng([row, col])
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = rng.integers(0, 256, (side, side, bands), dtype=np.uint8)
    if mode in ("RGBA", "LA"):
        pixels[..., -1] = 255
        pixels[: side // 4, :, -1] = 0
    picture = Image.fromarray(pixels[..., 0] if bands == 1 else pixels, mode)
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue(), pixels


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.times, self.trouble, self.mode, self.side = [], [], {}, "RGB", 256
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_):
        pass

    def answer(self, code, content=b"", **headers):
        self.send_response(code)
        for name, value in {"Content_Length": len(content), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.times.append(time.monotonic())
        trouble = self.server.trouble.get(self.path, self.server.trouble.get("*"))
        if trouble is not None and trouble(self):
            return
        _, col, row = (int(part.partition(".")[0].partition("?")[0]) for part in self.path.strip("/").split("/")[-3:])
        self.answer(200, tile(row, col, self.server.side, self.server.mode)[0])


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setattr("geoseg.raster.basemap.fetch._PAUSE", 0.0)
    monkeypatch.setattr("geoseg.raster.basemap.fetch._SECONDS", 1.0)
    monkeypatch.setattr("geoseg.raster.basemap.fetch.user_folder", lambda _: tmp_path / "cache")
    monkeypatch.setattr("geoseg.raster.basemap.mosaic.user_folder", lambda _: tmp_path / "cache")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def found(server, aoi=PLACE, zoom=ZOOM, ending="/{z}/{x}/{y}.png", **more):
    return find_basemap(Tiles(server.url + ending, aoi, zoom, **{"per_second": 50.0, "attribution": TERMS, **more}))


def whole(box, side=256, mode="RGB"):
    rows = [
        np.concatenate([tile(row, col, side, mode)[1] for col in range(box.col, box.right)], 1)
        for row in range(box.row, box.bottom)
    ]
    return np.moveaxis(np.concatenate(rows), -1, 0)


@pytest.mark.parametrize(("mode", "side"), [("RGB", 256), ("RGBA", 256), ("L", 512), ("LA", 256)])
def test_pixels_are_those_of_the_tiles(server, mode, side):
    server.mode, server.side = mode, side
    basemap = found(server)
    raster = basemap.fetch()
    pixels = raster.read(raster.box)
    every = whole(basemap.tiles, side, mode)
    span = 2 * HALF / 2**ZOOM
    col = round((raster.transform.c - (-HALF + basemap.tiles.col * span)) / span * side)
    row = round(((HALF - basemap.tiles.row * span) - raster.transform.f) / span * side)
    cut = every[:, row : row + raster.shape[0], col : col + raster.shape[1]]
    colors = np.repeat(cut[:1], 3, 0) if mode in ("L", "LA") else cut[:3]
    opaque = cut[-1] == 255 if mode in ("RGBA", "LA") else np.ones(raster.shape, bool)
    np.testing.assert_array_equal(pixels.data[:, opaque], colors[:, opaque])
    np.testing.assert_array_equal(pixels.valid, opaque)
    assert [band.name for band in raster.bands] == ["red", "green", "blue"]
    assert raster.crs == "EPSG:3857"
    assert raster.transform.a == pytest.approx(span / side)
    # The place is covered, by less than a pixel more.
    west, south, east, north = rasterio.warp.transform_bounds("EPSG:4326", "EPSG:3857", *map(float, PLACE.split(",")))
    left, bottom, right, top = raster.grid.bounds()
    pixel = raster.transform.a
    assert west - pixel < left <= west + 1e-6 < east - 1e-6 <= right < east + pixel
    assert south - pixel < bottom <= south + 1e-6 < north - 1e-6 <= top < north + pixel
    # Each tile once, nothing else.
    wanted = {f"/{ZOOM}/{c}/{r}.png" for r in range(basemap.tiles.row, basemap.tiles.bottom)
              for c in range(basemap.tiles.col, basemap.tiles.right)}  # fmt: skip
    assert sorted(server.asked) == sorted(wanted)
    size = 2 * HALF / 2**ZOOM / side * math.cos(math.radians(52.5167))  # of a sphere, 0.3 % less than on the ellipsoid
    said = next(re.search(r"pixels of ([0-9.]+) m on the ground: © Test, CC0", note) for note in raster.notes)
    assert float(said[1]) == pytest.approx(size, rel=5e-3)
    assert basemap.pixel_size(side) == pytest.approx(size, rel=4e-3)
    # A second run asks for nothing, and has the same scene.
    again = found(server).fetch()
    assert len(server.asked) == len(wanted)
    assert again.fingerprint() == raster.fingerprint()


def test_missing_tiles_are_nodata_and_said(server):
    basemap = found(server)
    hole = f"/{ZOOM}/{basemap.tiles.col}/{basemap.tiles.row + 1}.png"
    server.trouble[hole] = lambda handler: handler.answer(404) or True
    raster = basemap.fetch()
    valid = raster.read(raster.box).valid
    assert 0 < (~valid).sum() <= 256 * 256
    assert any(f"1 of {basemap.tiles.area} tiles are missing on the server and nodata" in note for note in raster.notes)
    server.trouble["*"] = lambda handler: handler.answer(404) or True
    with pytest.raises(InputError, match=r"has none of the .* tiles of zoom 17 there"):
        found(server, zoom=17).fetch()


def test_what_is_no_tile_is_refused_and_not_kept(server):
    html = b"<html>please log in</html>"
    server.trouble["*"] = lambda handler: handler.answer(200, html, Content_Type="image/png") or True
    with pytest.raises(InputError, match=r"tile 18/\d+/\d+ is no picture .*: it begins with '<html>please log in"):
        found(server).fetch()
    server.trouble["*"] = lambda handler: handler.answer(200, tile(1, 1)[0][:2000]) or True
    with pytest.raises(InputError, match="damaged picture"):
        found(server).fetch()
    server.trouble["*"] = lambda handler: handler.answer(200, tile(1, 1, side=300)[0]) or True
    with pytest.raises(InputError, match=r"has 300 × 300 pixels of uint8; tiles have 256 or 512"):
        found(server).fetch()
    server.trouble["*"] = lambda handler: handler.answer(200, b"\x89PNG\r\n\x1a\n" + bytes(9 * 2**20)) or True
    with pytest.raises(InputError, match="more than 8 MB"):
        found(server).fetch()
    server.trouble.clear()
    asked = len(server.asked)
    basemap = found(server)
    basemap.fetch()
    assert len(server.asked) - asked == basemap.tiles.area


def test_a_server_that_fails_stalls_or_refuses(server):
    basemap = found(server)
    first = f"/{ZOOM}/{basemap.tiles.col}/{basemap.tiles.row}.png"
    last = f"/{ZOOM}/{basemap.tiles.right - 1}/{basemap.tiles.bottom - 1}.png"
    left = {"busy": 2}

    def busy(handler):
        left["busy"] -= 1
        return left["busy"] >= 0 and (handler.answer(429, Retry_After=0) or True)

    server.trouble[first] = busy  # twice, then it works
    server.trouble[last] = lambda handler: time.sleep(1.5) or True
    with pytest.raises(InputError, match=r"cannot be reached \(.*\) for tile .* 4 times; .* are kept"):
        basemap.fetch()
    assert server.asked.count(first) == 3
    server.trouble.clear()
    asked = len(server.asked)
    basemap.fetch()
    assert server.asked[asked:] == [last]  # what came is not asked for again
    for code, hint in ((403, "does not allow this"), (400, "answers 400")):
        server.trouble["*"] = lambda handler, code=code: handler.answer(code) or True
        asked = len(server.asked)
        with pytest.raises(InputError, match=hint):
            found(server, zoom=16).fetch()
        assert len(server.asked) == asked + 1
    server.trouble["*"] = lambda handler: handler.answer(200, b"\x89PNG", Content_Length=9999) or True
    with pytest.raises(InputError, match=r"cannot be reached \(.*4 of 9999"):
        found(server, zoom=15).fetch()


def test_no_other_server_is_asked(server):
    def elsewhere(handler):
        return handler.answer(302, Location="http://localhost:9/1.png") or True

    def here(handler):
        return "moved" not in handler.path and (handler.answer(302, Location="/moved" + handler.path) or True)

    server.trouble["*"] = elsewhere
    with pytest.raises(InputError, match="leads to another server, localhost, which was not named"):
        found(server).fetch()
    server.trouble["*"] = here
    raster = found(server, zoom=15).fetch()
    assert raster.read(raster.box).valid.all()
    server.trouble.clear()
    secret = found(server, zoom=14, ending="/{z}/{x}/{y}.png?key=s3cr3t").fetch()
    assert server.asked[-1].endswith("?key=s3cr3t")
    assert "s3cr3t" not in repr((secret, secret.notes, secret.sources, secret.fingerprint()))


def test_the_limit_and_the_rate(server):
    with pytest.raises(InputError, match=r"needs (\d+) tiles of zoom 18, 5 are allowed.*--max-tiles"):
        found(server, max_tiles=5)
    assert server.asked == []
    found(server, per_second=20).fetch()
    gaps = np.diff(server.times)
    assert gaps.sum() >= (len(server.times) - 1) / 20 * 0.9
    for options in ({"zoom": 25}, {"max_tiles": 0}, {"per_second": 0.0}, {"per_second": 1000.0}):
        with pytest.raises(OptionError):
            found(server, **options)
    for place, why in (("179,1,-179,2", "antimeridian"), ("1,84,2,86", "where Web Mercator ends")):
        with pytest.raises(InputError, match=why):
            found(server, aoi=place, zoom=3)


@given(st.integers(0, 20), st.data())
def test_addresses_are_those_of_mercantile(zoom, data):
    """Tile, quadkey and box by the definitions that mercantile documents, the rows of TMS from the south."""
    count = 2**zoom
    col, row = data.draw(st.integers(0, count - 1)), data.draw(st.integers(0, count - 1))
    quadkey = ""
    for level in range(zoom, 0, -1):
        bit = 1 << (level - 1)
        quadkey += str((1 if col & bit else 0) + (2 if row & bit else 0))
    box = Template("http://h/{z}/{x}/{y}/{-y}?q={q}&b={bbox-epsg-3857}").address(zoom, col, row)
    path, _, query = box.partition("?")
    assert path == f"http://h/{zoom}/{col}/{row}/{count - 1 - row}"
    key, bounds = query.removeprefix("q=").split("&b=")
    assert key == quadkey
    west, south, east, north = map(float, bounds.split(","))
    assert east - west == pytest.approx(2 * HALF / count)
    assert west == pytest.approx(-HALF + col * 2 * HALF / count, abs=1e-6)
    assert north == pytest.approx(HALF - row * 2 * HALF / count, abs=1e-6)
    assert north - south == pytest.approx(2 * HALF / count)


def test_templates_and_descriptions(tmp_path):
    form = (
        "<GDAL_WMS><Service name='{}'><ServerUrl>https://h/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service>{}</GDAL_WMS>"
    )
    file = tmp_path / "map.xml"
    window = "<DataWindow><UpperLeftX>-20037508.34</UpperLeftX><YOrigin>{}</YOrigin></DataWindow>"
    for origin, row in (("top", "{y}"), ("bottom", "{-y}")):
        file.write_text(form.format("TMS", window.format(origin)))
        assert template_of(str(file)).text == f"https://h/{{z}}/{{x}}/{row}.png"
    file.write_text(form.format("WMS", ""))
    with pytest.raises(InputError, match=r"describes WMS.*bbox-epsg-3857"):
        template_of(str(file))
    file.write_text(form.format("TMS", "<Projection>EPSG:4326</Projection>"))
    with pytest.raises(InputError, match="not those of Web Mercator"):
        template_of(str(file))
    for text, why in (
        ("ftp://h/{z}/{x}/{y}", "no address of tiles"), ("https://h/map.png", "names no tile"),
        ("https://{s}.h/{z}/{x}/{y}", "{s} is unknown"), ("https://{x}.h/{z}/{y}", "holds a placeholder"),
        ("file:///etc/{z}/{x}/{y}", "no address of tiles"), ("https:///{z}/{x}/{y}", "no address of tiles"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=why):
            template_of(text)


def test_pictures_with_a_palette():
    picture = Image.fromarray(np.arange(256, dtype=np.uint8).repeat(256).reshape(256, 256), "L").convert("P")
    picture.putpalette([value for index in range(256) for value in (index, 255 - index, 7)])
    file = io.BytesIO()
    picture.save(file, "PNG")
    red, green, blue, opaque = decoded(file.getvalue(), "tile")
    np.testing.assert_array_equal(np.stack([red, green, blue], -1), np.asarray(picture.convert("RGB")))
    assert (opaque == 255).all()


def test_the_command(server, tmp_path, geoseg):
    arguments = ("segment", "--basemap", server.url + "/{z}/{x}/{y}.png", "--aoi", PLACE, "-m", "green", "-o",
                 tmp_path / "out", "--no-polygons", "--tiles-per-second", 50)  # fmt: skip
    code, out, _ = geoseg(*arguments, "--zoom", ZOOM, "--dry-run")
    assert code == 0
    assert "tiles of http://127.0.0.1" in out
    assert "pixels of 0.364 m" in out
    assert "check that its provider's terms allow this use" in out
    assert server.asked == []
    code, _, err = geoseg(*arguments)
    assert code == 2
    assert "--basemap needs --zoom" in err
    code, _, err = geoseg(*arguments, "--zoom", ZOOM, "--when", "2026")
    assert code == 2
    assert "leave out --when" in err
    code, _, err = geoseg(*arguments, "--zoom", ZOOM, "--attribution", TERMS)
    assert code == 0, err
    (path,) = (tmp_path / "out").glob("*_classes.tif")
    made = open_raster(path)
    assert made.crs == "EPSG:3857"
    assert path.name == "127.0.0.1_z18_classes.tif"
    report = (tmp_path / "out" / "127.0.0.1_z18_report.json").read_text("utf-8")
    assert TERMS in report
    assert "pixels of 0.364 m on the ground" in report
