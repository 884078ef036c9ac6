"""A scene on a server with a delay beside the same file on the disk: what waiting costs a run.

    python tests/benchmarks/bench_http.py [--scene FOLDER] [--size 5490] [--latency 0.1] [--split] [--models …]

The scene is a COG of ``size``² pixels, six bands of uint16, in DEFLATE tiles of 512; its pixels are those of the files
in ``--scene`` (six single-band files, mirrored until the size is reached), else a made-up landscape. The server, a
process of its own, waits ``latency`` seconds before it answers each request. With ``--split`` each band is a file of
its own, as in items of Sentinel-2. Printed for each model: seconds of ``geoseg.run`` from the disk and from the server,
by turns, their ratio (the bar is 0.8), and the number of requests; and the same for reading all blocks alone.
"""

from __future__ import annotations

import argparse
import http.server
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

import geoseg
from geoseg.system.threads import ordered_map
from geoseg.tiling import Box

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")


def make_scene(folder: str | None, size: int, path: Path, *, split: bool) -> list[str]:
    """Write the scene as a COG, or one for each band, and return their names."""
    if folder is None:
        rng = np.random.default_rng(0)
        coarse = rng.integers(200, 4000, (6, size // 32 + 1, size // 32 + 1)).repeat(32, 1).repeat(32, 2)
        values = (coarse[:, :size, :size] + rng.integers(0, 128, (6, size, size))).astype(np.uint16)
    else:
        layers = []
        for code in ("B02", "B03", "B04", "B08", "B11", "B12"):
            with rasterio.open(next(p for p in sorted(Path(folder).iterdir()) if code in p.name)) as file:
                layers.append(np.maximum(file.read(1), 1))
        small = np.stack([np.rint(layer / 6.5535).astype(np.uint16) for layer in layers])
        rows, cols = (np.pad(np.arange(n), (0, size - n), "symmetric") for n in small.shape[1:])
        values = small[:, rows][:, :, cols]
    from rasterio.shutil import copy

    plain, made = path.with_suffix(".plain.tif"), []
    for bands in [[number] for number in range(6)] if split else [list(range(6))]:
        target = path.with_name(f"scene_{BANDS[bands[0]]}.tif") if split else path
        with rasterio.open(
            plain, "w", driver="GTiff", height=size, width=size, count=len(bands), dtype="uint16", crs="EPSG:32645",
            transform=from_origin(500_000, 2_400_000, 10, 10), tiled=True, blockxsize=512, blockysize=512,
        ) as file:  # fmt: skip
            file.write(values[bands])
            file.descriptions, file.scales = [BANDS[band] for band in bands], (1e-4,) * len(bands)
        copy(plain, target, driver="COG", compress="deflate", predictor=2, blocksize=512)
        made.append(target.name)
    plain.unlink()
    return made


class Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves byte ranges after a delay, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    latency = 0.0
    requests = 0
    lock = threading.Lock()

    def log_message(self, *args: object) -> None:
        """Print nothing."""

    def do_HEAD(self) -> None:
        """Answer with the size alone."""
        self.do_GET(body=False)

    def do_GET(self, *, body: bool = True) -> None:
        """Answer with the range that is asked for, or with the number of requests until now."""
        if self.path == "/requests":
            text = str(self.requests).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            return
        with self.lock:
            type(self).requests += 1
        time.sleep(self.latency)
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, stop = (int(found[1]), min(int(found[2] or size - 1), size - 1)) if found else (0, size - 1)
        self.send_response(206 if found else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(stop - start + 1))
        if found:
            self.send_header("Content-Range", f"bytes {start}-{stop}/{size}")
        self.end_headers()
        if body:
            with path.open("rb") as file:
                file.seek(start)
                self.wfile.write(file.read(stop - start + 1))


def serve(folder: str, latency: float) -> None:
    """Serve a folder, and print the port first."""
    Ranges.latency = latency
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, directory=folder))
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


def read_all(source: list[str], side: int, threads: int) -> None:
    """Read every block of a scene, as many at a time as a run does."""
    raster = geoseg.open_raster(source)
    height, width = raster.shape
    boxes = [
        Box(row, col, min(side, height - row), min(side, width - col))
        for row in range(0, height, side)
        for col in range(0, width, side)
    ]
    for pixels in ordered_map(raster.read, boxes, threads, ahead=threads + 1):
        assert pixels.data.shape[0] == 6


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene")
    parser.add_argument("--size", type=int, default=5490)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--models", nargs="*", default=["landcover", "spectral"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--split", action="store_true")
    parser.add_argument("--serve", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.latency)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = make_scene(options.scene, options.size, folder / "scene.tif", split=options.split)
        size = sum((folder / name).stat().st_size for name in names)
        print(f"{options.size}² x 6, {size / 1e6:.0f} MB, {len(names)} files, {options.latency:g} s before each answer")
        # Of another process, as servers are: in this one, answers would wait for the interpreter that reads.
        command = [sys.executable, __file__, "--serve", str(folder), "--latency", str(options.latency)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert server.stdout is not None
        root = f"http://127.0.0.1:{int(server.stdout.readline())}/"

        def asked() -> int:
            with urllib.request.urlopen(f"{root}requests") as answer:
                return int(answer.read())

        def compare(what: str, work: object) -> None:
            seconds: dict[str, list[float]] = {"disk": [], "server": []}
            before = 0
            for number in range(options.rounds):
                for place, start_of in (("disk", f"{folder}/"), ("server", root)):
                    source = [start_of + name for name in names]
                    before, start = asked(), time.perf_counter()
                    work(source, folder / f"{what}_{place}_{number}")  # type: ignore[operator]
                    seconds[place].append(time.perf_counter() - start)
            disk, far = min(seconds["disk"]), min(seconds["server"])
            print(
                f"{what}: disk {disk:.1f} s, server {far:.1f} s ({asked() - before} requests), ratio {disk / far:.2f}"
            )

        try:
            compare("reading 1024² blocks", lambda source, _: read_all(source, 1024, 4))
            for model in options.models:

                def segment(source: list[str], out: Path, model: str = model) -> None:
                    scene = source if options.split else source[0]
                    geoseg.run(geoseg.Job([scene], out, model))

                compare(model, segment)
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
