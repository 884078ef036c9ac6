"""A map server on this computer, for tests: XYZ tiles, WMTS and WMS of a map of two halves, in web Mercator.

West of a meridian the map is ``WEST``, east of it ``EAST``: where that border comes out shows whether a picture of the
map lies where it should.
"""

from __future__ import annotations

import http.server
import math
import threading
from collections import Counter
from urllib.parse import parse_qs, urlsplit

from qgis.PyQt.QtCore import QBuffer, QByteArray, QIODevice
from qgis.PyQt.QtGui import QColor, QImage

WEST, EAST = (40, 90, 160), (180, 150, 90)
ZOOMS = 20
_EDGE = math.pi * 6_378_137.0
_TILE = 256
_SCALE = 2 * _EDGE / _TILE / 0.00028  # denominator of zoom level 0, at WMTS's 0.28 mm a pixel

_WMS = """<?xml version="1.0" encoding="UTF-8"?>
<WMS_Capabilities version="1.3.0" xmlns="http://www.opengis.net/wms" xmlns:xlink="http://www.w3.org/1999/xlink">
<Service><Name>WMS</Name><Title>Two halves</Title><AccessConstraints>For tests alone</AccessConstraints>
<OnlineResource xlink:href="{url}"/></Service>
<Capability><Request>
<GetCapabilities><Format>text/xml</Format>
<DCPType><HTTP><Get><OnlineResource xlink:href="{url}"/></Get></HTTP></DCPType>
</GetCapabilities>
<GetMap><Format>image/png</Format>
<DCPType><HTTP><Get><OnlineResource xlink:href="{url}"/></Get></HTTP></DCPType></GetMap>
</Request><Exception><Format>XML</Format></Exception>
<Layer><Title>All</Title><CRS>EPSG:3857</CRS>
<EX_GeographicBoundingBox><westBoundLongitude>-180</westBoundLongitude><eastBoundLongitude>180</eastBoundLongitude>
<southBoundLatitude>-85</southBoundLatitude><northBoundLatitude>85</northBoundLatitude></EX_GeographicBoundingBox>
<BoundingBox CRS="EPSG:3857" minx="-{edge}" miny="-{edge}" maxx="{edge}" maxy="{edge}"/>
<Layer queryable="0"><Name>map</Name><Title>Map</Title><CRS>EPSG:3857</CRS>
<BoundingBox CRS="EPSG:3857" minx="-{edge}" miny="-{edge}" maxx="{edge}" maxy="{edge}"/></Layer>
</Layer></Capability></WMS_Capabilities>"""

_WMTS = """<?xml version="1.0" encoding="UTF-8"?>
<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1"
 xmlns:xlink="http://www.w3.org/1999/xlink" version="1.0.0">
<ows:ServiceIdentification><ows:Title>Two halves</ows:Title><ows:ServiceType>OGC WMTS</ows:ServiceType>
<ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion></ows:ServiceIdentification>
<ows:OperationsMetadata><ows:Operation name="GetTile"><ows:DCP><ows:HTTP><ows:Get xlink:href="{url}?">
<ows:Constraint name="GetEncoding"><ows:AllowedValues><ows:Value>KVP</ows:Value></ows:AllowedValues></ows:Constraint>
</ows:Get></ows:HTTP></ows:DCP></ows:Operation></ows:OperationsMetadata>
<Contents><Layer><ows:Title>Map</ows:Title><ows:WGS84BoundingBox><ows:LowerCorner>-180 -85</ows:LowerCorner>
<ows:UpperCorner>180 85</ows:UpperCorner></ows:WGS84BoundingBox><ows:Identifier>map</ows:Identifier>
<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style><Format>image/png</Format>
<TileMatrixSetLink><TileMatrixSet>web</TileMatrixSet></TileMatrixSetLink></Layer>
<TileMatrixSet><ows:Identifier>web</ows:Identifier><ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>
{matrices}</TileMatrixSet></Contents></Capabilities>"""

_MATRIX = """<TileMatrix><ows:Identifier>{zoom}</ows:Identifier><ScaleDenominator>{scale}</ScaleDenominator>
<TopLeftCorner>-{edge} {edge}</TopLeftCorner><TileWidth>256</TileWidth><TileHeight>256</TileHeight>
<MatrixWidth>{count}</MatrixWidth><MatrixHeight>{count}</MatrixHeight></TileMatrix>"""


class MapServer(http.server.ThreadingHTTPServer):
    """Answers at ``xyz/{z}/{x}/{y}.png``, ``wms`` and ``wmts`` under :attr:`url`.

    Parameters
    ----------
    border
        Where east begins, in metres of web Mercator.
    """

    daemon_threads = True

    def __init__(self, border: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.border = border
        self.requests: Counter[str] = Counter()
        self.slow = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def picture(self, west: float, east: float, width: int, height: int) -> bytes:
        """Return a part of the map as PNG."""
        image = QImage(width, height, QImage.Format.Format_RGB32)
        image.fill(QColor(*WEST))
        first = max(round((self.border - west) / (east - west) * width), 0)
        for column in range(first, width):
            for row in range(height):
                image.setPixelColor(column, row, QColor(*EAST))
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")
        return bytes(data)

    def tile(self, zoom: int, column: int) -> bytes:
        """Return a tile; all of a column are the same."""
        side = 2 * _EDGE / 2**zoom
        return self.picture(column * side - _EDGE, (column + 1) * side - _EDGE, _TILE, _TILE)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: MapServer

    def do_GET(self) -> None:
        if self.server.slow.is_set():
            threading.Event().wait(0.5)
        parts = urlsplit(self.path)
        query = {name.lower(): values[0] for name, values in parse_qs(parts.query).items()}
        kind = parts.path.strip("/").split("/")[0]
        asked = query.get("request", "tile").lower()
        self.server.requests[f"{kind} {asked}"] += 1
        url = f"{self.server.url}/{kind}"
        if asked == "getcapabilities":
            matrices = "".join(
                _MATRIX.format(zoom=zoom, scale=_SCALE / 2**zoom, edge=_EDGE, count=2**zoom) for zoom in range(ZOOMS)
            )
            text = (_WMS if kind == "wms" else _WMTS).format(url=url, edge=_EDGE, matrices=matrices)
            self._answer("text/xml", text.encode())
        elif kind == "wms":
            west, _south, east, _north = (float(part) for part in query["bbox"].split(","))
            self._answer("image/png", self.server.picture(west, east, int(query["width"]), int(query["height"])))
        elif kind == "wmts":
            self._answer("image/png", self.server.tile(int(query["tilematrix"]), int(query["tilecol"])))
        else:
            zoom, column, _row = parts.path.removesuffix(".png").split("/")[-3:]
            self._answer("image/png", self.server.tile(int(zoom), int(column)))

    def _answer(self, kind: str, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_) -> None:
        pass


def sources(server: MapServer) -> dict[str, str]:
    """Return what QGIS's provider ``wms`` opens, by the kind of the service."""
    picture = "crs=EPSG:3857&dpiMode=7&format=image/png&layers=map"
    capabilities = f"{server.url}/wmts?SERVICE%3DWMTS%26REQUEST%3DGetCapabilities"
    return {
        "XYZ": f"type=xyz&url={server.url}/xyz/{{z}}/{{x}}/{{y}}.png&zmin=0&zmax={ZOOMS - 1}",
        "WMTS": f"{picture}&styles=default&tileMatrixSet=web&url={capabilities}",
        "WMS": f"{picture}&styles&url={server.url}/wms",
    }
