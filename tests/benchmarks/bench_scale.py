"""What scheduling costs, whether memory is flat, and where a cluster breaks.

    python tests/benchmarks/bench_scale.py overhead [--blocks 10000] [--side 512] [--pool threads|dask]
    python tests/benchmarks/bench_scale.py memory   [--sizes 6000 60000] [--memory 2GB]
    python tests/benchmarks/bench_scale.py simulate [--tasks 1000 4000] [--workers 1 4 16 64]

``overhead`` computes the blocks of a sparse scene with a model that does next to nothing, through the dispatcher with
one thread (or one worker process of a dask cluster). What is not spent inside a block is overhead; so is, at most, the
processor time of the thread that dispatches while blocks are computed. Both are of one run, so that other load on the
machine weighs on both sides. A block is a window, so its time is that of reading, deciding and storing: what a real
model adds makes the share smaller.

``memory`` compares the peak resident memory of whole runs (class map, confidence, polygons) of a cheap model on 4 bands
uint16, each in a process of its own.

``simulate`` leaves out the pixels: tasks that do nothing go through the dispatcher and dask's scheduler to more and
more workers, with client, scheduler and workers in a process each. From what the scheduler's process spends on one task
follows how many tasks a second a scheduler hands out, and with it how long the
tasks of 1,000 workers must take so that they never wait; the rest is arithmetic, and printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import queue
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from process_memory import peak_bytes

MILLION, THOUSAND = 1_000_000, 1_000


def sparse_scene(path: Path, height: int, width: int, bands: int, filled: int = 0) -> Path:
    """A scene of any size that takes next to no disk: zeros, with content in every ``filled``-th tile of a row."""
    import rasterio
    from affine import Affine
    from rasterio.windows import Window

    profile = {
        "driver": "GTiff", "width": width, "height": height, "count": bands, "dtype": "uint16", "crs": "EPSG:32633",
        "transform": Affine(10, 0, 500000, 0, -10, 5400000), "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "deflate", "BIGTIFF": "YES", "SPARSE_OK": True,
    }  # fmt: skip
    rng = np.random.default_rng(0)
    patch = np.kron(rng.integers(0, 10_000, (bands, 64, 64)), np.ones((1, 8, 8))).astype(np.uint16)
    with rasterio.open(path, "w", **profile) as file:
        for number in range(1, bands + 1):
            file.set_band_description(number, f"band{number}")
        file.scales = (0.0001,) * bands
        if filled:
            for row in range(0, height - 511, 512 * filled):
                for col in range(0, width - 511, 512):
                    file.write(patch, window=Window(col, row, 512, 512))
    return path


def cheap_model(bands: int, classes: int = 6):
    """One multiplication per band and class: next to nothing."""
    import torch

    from geoseg.classes import MapClass, default_color
    from geoseg.models import BandSpec, Model, ModelCard

    torch.manual_seed(0)
    module = torch.nn.Conv2d(bands, classes, 1).eval()
    module.pointwise = True
    card = ModelCard(
        name="cheap",
        architecture="Conv2d",
        bands=tuple(BandSpec(name=f"band{i + 1}", scale=0.0001) for i in range(bands)),
        classes=tuple(MapClass(i, f"class {i}", default_color(i)) for i in range(classes)),
        bytes_per_pixel=40.0,
    )
    return Model(card, module=module)


def a_work(folder: Path, blocks: int, side: int):
    """Blocks of a sparse scene, about as many as asked for, as work for a pool."""
    from geoseg.models import Execution
    from geoseg.segment.block import make_recipe
    from geoseg.segment.plan import Options, make_plan

    rows = max(round(blocks**0.5), 1)
    scene = sparse_scene(folder / "sparse.tif", rows * side, -(-blocks // rows) * side, 1)
    plan = make_plan(str(scene), cheap_model(1), Options(window=side, block=side, device="cpu", precision="fp32"))
    return make_recipe(plan, execution=Execution())


class Counter:
    """A listener that counts."""

    def __init__(self) -> None:
        self.done, self.ended, self.seconds = 0, False, 0.0

    def block_done(self, summary) -> None:
        self.done += 1
        self.seconds += summary.seconds.get("whole", 0.0)

    def block_failed(self, failure) -> None:
        raise SystemExit(failure.cause)

    def block_retried(self, failure, attempt) -> None:
        """Nothing."""

    def blocks_ended(self) -> None:
        self.ended = True


def dispatch(pool, work, todo) -> tuple[float, float, float]:
    """Seconds, the processor's seconds of the thread that dispatches, and the seconds that blocks themselves took."""
    from geoseg.job.dispatch import Dispatcher

    calls: queue.SimpleQueue = queue.SimpleQueue()
    dispatcher, counter = Dispatcher(pool, 0, calls.put), Counter()
    start, busy = time.perf_counter(), time.thread_time()
    dispatcher.add(work, todo, counter)
    while not counter.ended:
        dispatcher.fill()
        calls.get()()
    assert counter.done == len(todo)
    return time.perf_counter() - start, time.thread_time() - busy, counter.seconds


def timed(compute, *given):
    """Compute one block or a group, and say in the summaries how long that took."""
    from dataclasses import replace

    start = time.perf_counter()
    found = compute(*given)
    seconds = time.perf_counter() - start
    if isinstance(found, list):
        return [replace(one, seconds={"whole": seconds / len(found)}) for one in found]
    return replace(found, seconds={"whole": seconds})


def overhead(blocks: int, side: int, kind: str) -> None:
    from geoseg.job import dask_pool, dispatch
    from geoseg.job.block_store import open_store

    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        recipe = a_work(folder, blocks, side)
        todo = list(range(recipe.tiling.block_count))
        client = stack.enter_context(processes(1, folder))[0] if kind == "dask" else None
        dispatch.compute_and_store = partial(timed, dispatch.compute_and_store)
        dask_pool._compute_group = partial(timed, dask_pool._compute_group)
        for what, few in (("warm", todo[: max(len(todo) // 100, 1)]), ("through", todo)):
            store = open_store(folder / what, recipe.tiling, recipe.raster.geobox, {"fingerprint": what})
            pool = dispatch.Threads(1) if client is None else dask_pool(client)
            wall, own, computed = dispatch(pool, dispatch.Work(recipe, store), few)
            pool.close()
    count = len(todo)
    print(f"{count} blocks of {side}² through {kind}, one computes at a time: {wall:.0f} s")
    print(f"  blocks themselves     {computed / count * 1e3:.3f} ms each")
    print(f"  between two of them   {(wall - computed) / count * 1e3:.3f} ms: {wall / computed - 1:.2%}")
    print(f"  dispatcher's thread   {own / count * 1e3:.3f} ms of processor: {own / computed:.2%}")
    print(f"  overhead at most      {(wall + own) / computed - 1:.2%} (wanted < 2 %)")


def dask_pool(client):
    from geoseg.job.dask_pool import Workers

    return Workers(client)


@contextmanager
def processes(many: int, folder: Path):
    """A client, and the processes of a scheduler and of so many workers, so that each one's share can be told."""
    import psutil
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    address = folder / "scheduler.json"
    address.unlink(missing_ok=True)
    options = ["--port", "0", "--no-dashboard", "--scheduler-file", str(address)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with ExitStack() as stack:

        def begin(*command: str) -> psutil.Process:
            process = stack.enter_context(subprocess.Popen([sys.executable, *command], **quiet))
            stack.callback(process.kill)
            return psutil.Process(process.pid)

        scheduler = begin("-m", "distributed.cli.dask_scheduler", *options)
        while not address.exists():
            if not scheduler.is_running() or scheduler.status() == psutil.STATUS_ZOMBIE:
                raise SystemExit("the dask scheduler did not start")
            time.sleep(0.1)
        workers = begin(__file__, "workers", str(address), str(folder / "workers"), str(many))
        client = stack.enter_context(Client(scheduler_file=str(address), set_as_default=False))
        client.wait_for_workers(many)
        yield client, scheduler, workers


async def serve(address: str, folder: str, many: int) -> None:
    """So many workers in one process."""
    from distributed import Worker

    common = {"scheduler_file": address, "nthreads": 1, "memory_limit": 0, "dashboard": False}
    workers = [await Worker(**common, local_directory=folder, name=str(number)) for number in range(many)]
    await asyncio.gather(*(worker.finished() for worker in workers))


# --- memory


def memory(sizes: list[int], budget: str) -> None:
    peaks = {}
    with tempfile.TemporaryDirectory() as name:
        for size in sizes:
            sparse_scene(Path(name) / f"s{size}.tif", size, size, 4, filled=max(size // 4096, 1))
            command = [sys.executable, __file__, "memory-child", name, str(size), budget]
            found = subprocess.run(command, capture_output=True, text=True, check=False)
            if found.returncode:
                raise SystemExit(found.stderr[-2000:])
            peaks[size] = json.loads(found.stdout.splitlines()[-1])
            print(f"  {size:>6}²  peak {peaks[size]['peak'] / 1e6:7.0f} MB, {peaks[size]['seconds']:.0f} s")
    ratio = peaks[sizes[-1]]["peak"] / peaks[sizes[0]]["peak"]
    print(f"memory of {sizes[-1]}² over {sizes[0]}²: {ratio:.3f} (wanted at most 1.15), budget {budget}")


def memory_child(folder: Path, size: int, budget: str) -> None:
    from geoseg.job.batch import run
    from geoseg.job.request import Job
    from geoseg.models import keep_memory
    from geoseg.segment.plan import Options

    keep_memory()
    start = time.perf_counter()
    options = Options(device="cpu", precision="fp32", memory=budget)
    (result,) = run(Job([str(folder / f"s{size}.tif")], folder / f"out{size}", cheap_model(4), options=options))
    if result.error:
        raise SystemExit(str(result.error))
    print(json.dumps({"peak": peak_bytes(), "seconds": time.perf_counter() - start}))


# --- simulation


def nothing(version: str, packed: bytes, indices: tuple[int, ...]):
    """Stand in for geoseg.job.dask_pool._compute_group, to measure the cost of a task that does nothing."""
    from geoseg.job.dispatch import BlockSummary

    return [BlockSummary(index, 1, 0, {}) for index in indices]


def simulate(counts: list[int], workers: list[int]) -> None:
    import psutil

    from geoseg.job import dask_pool
    from geoseg.job.block_store import BlockStore
    from geoseg.job.dispatch import Work
    from geoseg.system.storage.storage import storage_of

    dask_pool._compute_group = nothing
    dask_pool._MAX_GROUP = 1  # a task a block: the cost of a task is what is wanted
    with tempfile.TemporaryDirectory() as name:
        recipe = a_work(Path(name), 4, 64)
        work = Work(recipe, BlockStore(storage_of(name), recipe.tiling, recipe.raster.geobox))
        print("  workers   tasks   ms a task   ms of processor a task: scheduler   workers   client")
        cost = 0.0
        for many in workers:
            with processes(many, Path(name)) as (client, *others):
                measured = [*others, psutil.Process()]
                dispatch(dask_pool(client), work, list(range(200)))  # warms up
                for count in counts:
                    before = [sum(process.cpu_times()[:2]) for process in measured]
                    seconds, *_ = dispatch(dask_pool(client), work, list(range(count)))
                    after = [sum(process.cpu_times()[:2]) for process in measured]
                    own, theirs, ours = (1e3 * (b - a) / count for a, b in zip(before, after, strict=True))
                    cost = max(cost, own / 1e3)
                    line = f"  {many:>7}  {count:>6}   {1e3 * seconds / count:>9.2f}   {own:>33.2f}"
                    print(f"{line}   {theirs:>7.2f}   {ours:>6.2f}", flush=True)
        listing = seconds_to_list(Path(name))
    extrapolate(cost, listing)


def seconds_to_list(folder: Path, count: int = 20_000) -> float:
    """Seconds to find out which of so many blocks are finished, for each."""
    from geoseg.job.block_store import finished_blocks

    store = folder / "many"
    store.mkdir()
    for index in range(count):
        (store / f"{index:07d}.tag.empty").touch()
    start = time.perf_counter()
    assert len(finished_blocks(store, "tag")) == count
    return (time.perf_counter() - start) / count


def extrapolate(cost: float, listing: float) -> None:
    """Say where 1,000,000 blocks on 1,000 workers break."""
    from geoseg.job.dask_pool import group_seconds

    threads = 2 * THOUSAND
    rate = 1 / cost
    least = threads / rate
    group = group_seconds(threads)
    print(f"arithmetic for {MILLION:,} blocks on {THOUSAND:,} workers of 2 threads:")
    print(f"  a scheduler with a core of its own hands out 1 / {cost * 1e3:.2f} ms = {rate:.0f} tasks a second")
    print(f"  {threads} threads never wait if a task takes at least {threads} / {rate:.0f} = {least:.1f} s")
    verdict = "enough" if group > least else "NOT ENOUGH"
    print(f"  tasks are groups of blocks that take {group:.0f} s at that many threads: {verdict}")
    for block in (0.05, 1.0, 20.0):
        tasks = MILLION / max(group / block, 1)
        total = max(tasks * cost, MILLION * block / threads)
        busy = tasks * cost / total
        print(
            f"  blocks of {block:>5} s: {tasks:>9,.0f} tasks, {total / 3600:6.2f} h, scheduler busy {busy:4.0%} of it, "
            f"workers {MILLION * block / threads / total:4.0%}"
        )
    print(f"  in flight: {2 * threads + 2} tasks whatever the scene, so the scheduler's memory is flat")
    print(f"  to resume, a folder of {MILLION:,} blocks is listed in {MILLION * listing:.0f} s (local disk)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("overhead")
    one.add_argument("--blocks", type=int, default=10_000)
    one.add_argument("--side", type=int, default=512)
    one.add_argument("--pool", choices=["threads", "dask"], default="threads")
    two = commands.add_parser("memory")
    two.add_argument("--sizes", type=int, nargs="+", default=[6000, 60_000])
    two.add_argument("--memory", default="2GB")
    three = commands.add_parser("simulate")
    three.add_argument("--tasks", type=int, nargs="+", default=[1000, 4000])
    three.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16, 64])
    served = commands.add_parser("workers")
    served.add_argument("address")
    served.add_argument("folder")
    served.add_argument("many", type=int)
    child = commands.add_parser("memory-child")
    child.add_argument("folder", type=Path)
    child.add_argument("size", type=int)
    child.add_argument("budget")
    given = parser.parse_args()
    if given.command == "workers":
        asyncio.run(serve(given.address, given.folder, given.many))
    elif given.command == "overhead":
        overhead(given.blocks, given.side, given.pool)
    elif given.command == "memory":
        memory(given.sizes, given.memory)
    elif given.command == "simulate":
        simulate(given.tasks, given.workers)
    else:
        memory_child(given.folder, given.size, given.budget)


if __name__ == "__main__":
    main()
