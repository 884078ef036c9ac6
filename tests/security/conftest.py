"""A canary: what must not be fetched, written or run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine


@dataclass
class Canary:
    """A server that counts requests, a file that must not appear, and rasters to refer to."""

    folder: Path
    url: str
    requests: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def egg(self) -> Path:
        return self.folder / "egg"

    def silent(self) -> None:
        assert not self.requests
        assert not list(self.folder.glob("egg*"))

    def tif(self, name: str = "tile.tif", **profile) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        defaults = {
            "driver": "GTiff", "width": 20, "height": 10, "count": 1, "dtype": "uint8", "crs": "EPSG:32631",
            "transform": Affine(10, 0, 5e5, 0, -10, 5e6),
        }  # fmt: skip
        with rasterio.open(path, "w", **(defaults | profile)) as file:
            file.write(np.full((file.count, file.height, file.width), 7, file.dtypes[0]))
        return path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture(scope="session")
def _server() -> Iterator[Canary]:
    canary = Canary(Path(), "")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            canary.requests.append(self.path)
            body = canary.files.get(self.path.partition("?")[0].lstrip("/"))
            start, _, last = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
            if body is None:
                self.send_error(404)
                return
            part = body[int(start) : int(last) + 1] if start else body
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{int(start) + len(part) - 1}/{len(body)}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(part)

        do_HEAD = do_POST = do_GET  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    canary.url = f"http://127.0.0.1:{server.server_port}"
    yield canary
    server.shutdown()


@pytest.fixture
def canary(_server: Canary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Canary:
    """Cloud stores point to the server as well, and the user's environment allows what files must not do."""
    host = _server.url.removeprefix("http://")
    for name, value in {
        "AWS_S3_ENDPOINT": host, "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE", "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b", "OSS_ENDPOINT": host, "OSS_ACCESS_KEY_ID": "a", "OSS_SECRET_ACCESS_KEY": "b",
        "CPL_GS_ENDPOINT": f"{_server.url}/", "GS_ACCESS_KEY_ID": "a", "GS_SECRET_ACCESS_KEY": "b",
        "AZURE_STORAGE_CONNECTION_STRING":
            f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint={_server.url};",
        "GDAL_VRT_ENABLE_PYTHON": "YES", "GDAL_HTTP_TIMEOUT": "2", "NUMCODECS_ALLOW_UNSAFE_PICKLE_DECODE": "1",
        "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "YES", "OGR_SQLITE_LOAD_EXTENSIONS": "YES",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    _server.folder = tmp_path / "given"
    _server.folder.mkdir()
    _server.requests.clear()
    _server.files.clear()
    return _server
