"""What one of many small scenes costs on a cluster, whether memory is flat, and where a batch of large ones ends.

    python tests/benchmarks/bench_batch.py measure  [--scenes 1000] [--side 256] [--workers 2] [--output s3://…]
    python tests/benchmarks/bench_batch.py simulate --client 0.05 --segment 0.6 --finish 0.25 [--scenes 1000]
                                                    [--mpx 120] [--nodes 50] [--threads 8]

``measure`` runs ``geoseg segment`` on copies of one scene with rules for a model, on worker processes of this machine,
and watches it from outside: seconds per scene, processor time of the client and of the workers per scene, and the
resident memory of each when a tenth, half and all of the scenes are done. ``--output`` names another place for results.

``simulate`` takes such costs and hands the blocks of large scenes to the threads of many nodes, in the order in which
geoseg does: a scene is opened by the client, its blocks go to whichever thread is free, and its results are made by a
thread of a worker or, for comparison, by the client alone. It prints how long that takes, how busy the nodes are, and
with how many of them they begin to wait for the client. Costs are seconds of one thread: ``--client`` per scene,
``--segment`` and ``--finish`` per megapixel (the sums of ``segment.*`` and of ``write``, ``polygonize`` and ``preview``
among the ``seconds`` of a report).
"""

from __future__ import annotations

import argparse
import heapq
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from geoseg.job.batch import _AHEAD, _MOST_WAITING

_AT = (0.1, 0.5, 1.0)


def measure(scenes: int, side: int, workers: int, output: str | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = _scene(folder / "scene.tif", side)
        (folder / "in").mkdir()
        paths = [folder / "in" / f"{number:06d}.tif" for number in range(scenes)]
        for path in paths:
            os.link(first, path)
        (folder / "list.txt").write_text("\n".join(map(str, paths)), "utf-8")
        command = [
            sys.executable, "-m", "geoseg", "segment", "--scenes", folder / "list.txt", "-o", output or folder / "out",
            "-m", "spectral", "--device", "cpu", "--precision", "fp32", "--window", side, "--block", side,
            "--scheduler", "local", "--workers", workers,
            "--progress", "json",
        ]  # fmt: skip
        with (folder / "log").open("w") as log:
            process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=log, text=True)
            _watch(process, scenes)
        if process.wait():
            raise SystemExit((folder / "log").read_text()[-2000:])


def _scene(path: Path, side: int) -> Path:
    """Patches of six reflectances of water and land."""
    import rasterio
    from affine import Affine

    rng = np.random.default_rng(0)
    spectra = np.array(
        [[500, 450, 250, 120, 60, 40], [200, 400, 250, 2800, 1200, 500], [600, 900, 900, 2400, 2300, 1400]]
    )
    which = np.kron(rng.integers(0, 3, (-(-side // 16),) * 2), np.ones((16, 16), int))[:side, :side]
    data = np.moveaxis(spectra[which], -1, 0) + rng.integers(0, 60, (6, side, side))
    profile = {
        "driver": "GTiff", "width": side, "height": side, "count": 6, "dtype": "uint16", "crs": "EPSG:32633",
        "transform": Affine(10, 0, 500000, 0, -10, 5400000), "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(data.astype(np.uint16))
        for number, name in enumerate(("blue", "green", "red", "nir", "swir16", "swir22"), 1):
            file.set_band_description(number, name)
    return path


def _watch(process: subprocess.Popen, scenes: int) -> None:
    """Count results as they are told, and print memory and time on the way."""
    client, marks = psutil.Process(process.pid), [max(round(scenes * share), 1) for share in _AT]
    done, begin, first, used = 0, 0.0, 0, (0.0, 0.0)
    for line in process.stdout:
        if '"event": "result"' not in line and '"event":"result"' not in line:
            continue
        done += 1
        children = [child for child in client.children(recursive=True) if child.memory_info().rss > 50e6]
        seconds = sum(client.cpu_times()[:2]), sum(sum(child.cpu_times()[:2]) for child in children)
        if not begin and done >= min(10, scenes // 10 + 1):  # start-up is not counted
            begin, first, used = time.perf_counter(), done, seconds
        if done in marks:
            memory = ", ".join(f"{child.memory_info().rss / 1e6:.0f}" for child in children)
            each = [(now - then) / max(done - first, 1) for now, then in zip(seconds, used, strict=True)]
            wall = (time.perf_counter() - begin) / max(done - first, 1)
            print(
                f"{done:6d} scenes: client {client.memory_info().rss / 1e6:.0f} MB, workers {memory} MB; "
                f"{wall:.3f} s per scene; processor: client {each[0]:.3f} s, workers {each[1]:.3f} s",
                flush=True,
            )


def run_time(
    scenes: int, mpx: float, threads: int, costs: tuple[float, float, float], *, here: bool, block: float = 4.2
) -> tuple[float, float]:
    """Return hours, and the share of the threads' time that they work."""
    client, piece, finish = costs[0], costs[1] * mpx / max(round(mpx / block), 1), costs[2] * mpx
    limit = _AHEAD if here else _MOST_WAITING
    free = [0.0] * threads  # when each thread is
    ready, ends = list[float](), list[float]()  # when results can be made, and when those that are begun will be
    opened = client_free = busy = latest = last = 0.0
    begun = left = written = 0
    while written < scenes:
        now = heapq.heappop(free)
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        if ready and ready[0] <= now:
            heapq.heappop(ready)
            end, busy, written = now + finish, busy + finish, written + 1
            heapq.heappush(ends, end)
            heapq.heappush(free, end)
            last = max(last, end)
            continue
        if not left and begun < scenes and len(ready) + len(ends) < limit:
            begun, left, latest = begun + 1, max(round(mpx / block), 1), 0.0
            opened += client
        if not left:  # until something changes
            heapq.heappush(free, max(min([*ready[:1], *ends[:1]], default=now), now) + 1e-6)
            continue
        end, busy, left = max(now, opened) + piece, busy + piece, left - 1
        latest = max(latest, end)
        heapq.heappush(free, end)
        if not left and here:
            client_free = max(client_free, latest) + finish
            heapq.heappush(ends, client_free)
            written, last = written + 1, client_free
        elif not left:
            heapq.heappush(ready, latest)
    return last / 3600, busy / (threads * last)


def simulate(scenes: int, mpx: float, nodes: int, threads: int, costs: tuple[float, float, float]) -> None:
    client, segment, finish = costs
    print(f"{scenes:,} scenes of {mpx:g} Mpx: the client {client:g} s each, workers {segment:g} + {finish:g} s per Mpx")
    for many in sorted({max(nodes // 10, 1), nodes, 4 * nodes, 20 * nodes}):
        for here in (True, False):
            hours, busy = run_time(scenes, mpx, many * threads, costs, here=here)
            where = "the client" if here else "workers"
            print(
                f"  {many:5d} nodes of {threads} threads, results by {where:10}: {hours:7.2f} h, they work {busy:4.0%}"
            )
    print(
        f"  the client keeps at most {mpx * (segment + finish) / client / threads:,.0f} nodes busy, and at most "
        f"{segment / finish / threads:,.1f} if it makes the results itself"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("measure")
    one.add_argument("--scenes", type=int, default=1000)
    one.add_argument("--side", type=int, default=256)
    one.add_argument("--workers", type=int, default=2)
    one.add_argument("--output")
    two = commands.add_parser("simulate")
    for name in ("client", "segment", "finish"):
        two.add_argument(f"--{name}", type=float, required=True)
    two.add_argument("--scenes", type=int, default=1000)
    two.add_argument("--mpx", type=float, default=120)
    two.add_argument("--nodes", type=int, default=50)
    two.add_argument("--threads", type=int, default=8)
    given = parser.parse_args()
    if given.command == "measure":
        measure(given.scenes, given.side, given.workers, given.output)
    else:
        costs = given.client, given.segment, given.finish
        simulate(given.scenes, given.mpx, given.nodes, given.threads, costs)


if __name__ == "__main__":
    main()
