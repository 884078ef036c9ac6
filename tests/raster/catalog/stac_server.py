"""A STAC API on this machine: landing page, item search by GET and by POST in pages, and files with ranges."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


class StacServer(http.server.ThreadingHTTPServer):
    """Serves items and the files of one folder.

    ``methods`` are those of the search; ``paging`` says how the next page of a POST is named, by a part of the body or
    the ``full`` one; ``trouble`` answers in place of the API, by the path it is asked for.
    """

    daemon_threads = True

    def __init__(self, folder: Path):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.items = folder, []
        self.methods, self.paging, self.page_size = ("GET", "POST"), "body", 3
        self.filters, self.token, self.trouble = False, None, {}
        self.secret = None  # a signature that files ask for
        self.asked: list[tuple[str, str, dict]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def catalog(self, collection="sentinel-2-c1-l2a"):
        return f"{self.url}/api#{collection}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: StacServer

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._file(body=False)

    def do_GET(self):
        url = urlsplit(self.path)
        self.server.asked.append(("GET", self.path, dict(self.headers)))
        if url.path in self.server.trouble:
            self.server.trouble[url.path](self)
        elif url.path.startswith("/files/"):
            self._file(body=True)
        elif not self._welcome():
            pass
        elif url.path == "/api":
            self._landing()
        elif url.path == "/api/search":
            query = {key: value[0] for key, value in parse_qs(url.query).items()}
            box = [float(value) for value in query["bbox"].split(",")]
            self._search(query["collections"].split(","), box, query["datetime"], int(query.get("page", 0)), url.query)
        else:
            self.send_error(404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(("POST", self.path, body))
        if self.path in self.server.trouble:
            self.server.trouble[self.path](self)
        elif self._welcome():
            limit = body.get("query", {}).get("eo:cloud_cover", {}).get("lte")
            self._search(body["collections"], body["bbox"], body["datetime"], body.get("page", 0), body, limit)

    def _welcome(self):
        if self.server.token and self.headers.get("Authorization") != self.server.token:
            self.send_error(401)
            return False
        return True

    def _landing(self):
        links = [
            {"rel": "search", "href": "/api/search", "type": "application/geo+json", "method": one}
            for one in self.server.methods
        ]
        conforms = ["https://api.stacspec.org/v1.0.0/item-search"]
        conforms += ["https://api.stacspec.org/v1.0.0/item-search#query"] if self.server.filters else []
        self.json({"type": "Catalog", "id": "local", "stac_version": "1.0.0", "description": "",
                   "conformsTo": conforms, "links": links})  # fmt: skip

    def _search(self, collections, box, period, page, asked, most_cloud=None):
        start, end = period.split("/")
        west, south, east, north = box
        spans = [(west, east)] if west <= east else [(west, 180), (-180, east)]

        def matches(item):
            if item.get("collection") not in collections:
                return False
            left, bottom, right, top = item.get("bbox") or (-180, -90, 180, 90)
            when = (item.get("properties") or {}).get("datetime") or start
            cloud = (item.get("properties") or {}).get("eo:cloud_cover", 0)
            inside = any(left <= e and right >= w for w, e in spans) and bottom <= north and top >= south
            return inside and start <= when <= end and (most_cloud is None or cloud <= most_cloud)

        found = [item for item in self.server.items if matches(item)]
        size = self.server.page_size
        content = {"type": "FeatureCollection", "features": found[page * size : (page + 1) * size], "links": []}
        if len(found) > (page + 1) * size:
            content["links"].append(self._next(page + 1, asked))
        self.json(content)

    def _next(self, page, asked):
        if isinstance(asked, str):
            query = "&".join(part for part in asked.split("&") if not part.startswith("page="))
            return {"rel": "next", "href": f"{self.server.url}/api/search?{query}&page={page}"}
        link = {"rel": "next", "href": f"{self.server.url}/api/search", "method": "POST"}
        if self.server.paging == "full":
            return {**link, "body": {**asked, "page": page}}
        return {**link, "body": {"page": page}, "merge": True}

    def json(self, content, status=200):
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _file(self, *, body):
        url = urlsplit(self.path)
        if self.server.secret and self.server.secret not in url.query:
            self.send_error(403)
            return
        path = self.server.folder / url.path.removeprefix("/files/")
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        wanted = self.headers.get("Range")
        first, last = 0, len(content) - 1
        if wanted:
            start, stop = wanted.removeprefix("bytes=").split("-")
            first, last = int(start), min(int(stop), last) if stop else last
        part = content[first : last + 1]
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if body:
            self.wfile.write(part)


@contextmanager
def running(folder: Path):
    with StacServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
