"""An HTTP server of ranges that fails, stalls and cuts answers short at random."""

from __future__ import annotations

import random
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Flaky(ThreadingHTTPServer):
    """Serves one folder.

    Parameters
    ----------
    folder
        What is served.
    trouble
        Share of answers that go wrong, once armed.
    stall
        Seconds for which a stalled answer hangs.
    dead
        Ranges that never come: (first byte, last byte) that no answer may touch.
    wrong
        What goes wrong with one answer, and its number, from 0 on: ``("500", 3)``.
    """

    daemon_threads = True

    def __init__(
        self, folder: Path, *, trouble: float = 0.0, seed: int = 0, stall: float = 3.0, dead=None, wrong=None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.trouble, self.stall, self.dead = folder, trouble, stall, dead
        self.wrong = wrong
        self.chance, self.lock = random.Random(seed), threading.Lock()
        self.troubles: list[str] = []
        self.answers = 0

    def draw(self) -> str:
        with self.lock:
            self.answers += 1
            if self.wrong is not None and self.wrong[1] == self.answers - 1:
                self.troubles.append(self.wrong[0])
                return self.wrong[0]
            if self.chance.random() >= self.trouble:
                return "fine"
            kind = self.chance.choice(["500", "503", "reset", "truncate", "truncate", "stall"])
            self.troubles.append(kind)
            return kind


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Flaky

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.server.folder / self.path.lstrip("/").partition("?")[0]
        if not path.is_file():
            self._error(404)
            return
        data = path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2]) if asked and asked[2] else len(data) - 1, len(data) - 1)
        if first > last:
            self._error(416)
            return
        dead = self.server.dead
        kind = "500" if dead and body and asked and first <= dead[1] and last >= dead[0] else self.server.draw()
        if kind in ("500", "503"):
            self._error(int(kind))
            return
        if kind == "reset":
            self.close_connection = True
            return
        if kind == "stall":
            time.sleep(self.server.stall)
        part = data[first : last + 1]
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", "image/tiff")
        self.send_header("Content-Length", str(len(part)))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        if not body:
            return
        try:
            if kind == "truncate":
                self.wfile.write(part[: len(part) // 2])
                self.close_connection = True
            else:
                self.wfile.write(part)
        except OSError:
            self.close_connection = True

    def _error(self, code: int) -> None:
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serve(folder: Path, **how):
    """Run a server in a thread; yields it and its address."""
    server = Flaky(folder, **how)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
