"""Speed and memory of `segment`, as ratios taken side by side.

    python tests/benchmarks/bench_segment.py speed  [--size 4096] [--repeats 3] [--only r18] [--compress none]
    python tests/benchmarks/bench_segment.py runtimes [--side 1024] [--repeats 3] [--only r18]
    python tests/benchmarks/bench_segment.py memory [--sizes 6000 24000]

``speed`` compares, on one scene of 6 bands uint16 (deflate with predictor 2, or not compressed), from file to class map
and confidence:

* for an smp Unet(resnet18) with seeded random weights: geoseg's rate per pixel *computed*, and before with
  ``--runtime torch --precision fp32``, with the bare forward pass of the same network over tiles that are in memory
  already, in the best runtime, layout, window and number of streams of this processor (each is tried), in fp32 or,
  where geoseg took it, in half precision; and the same for a small network, Unet(mobilenetv4-small), of which more time
  is spent around the forward pass: with random weights, and with those of ``green`` on three bands of uint8;
* for `spectral`, of which a network is the smallest part: geoseg's time with the longer of the decoding of the file and
  the writing of the same maps, each alone on all cores (the file: the best of several ways to share it between
  threads), and with the sum of both and the bare forward pass: all three need the same cores.

Every measurement runs in a process of its own, the contestants in turns; medians are compared. ``memory`` compares the
peak resident memory of whole runs. ``runtimes`` compares torch with OpenVINO, raw windows to classes and confidence, by
turns in one process; each in fp32 and, where the processor has it, in bf16.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from process_memory import peak_bytes

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")

# A small scene beside the one to measure: a whole run of it loads all that a run needs.
WARM = "warm.tif"

# What is measured of a network: whole runs, the bare forward pass, whole runs by torch in fp32.
WAYS = ("", " forward", " before")


def make_scene(path: Path, size: int, bands: int = 6, patch: int = 2048, compress: str = "deflate") -> None:
    """A scene of any size: one patch of the demo landscape, repeated with another brightness."""
    import rasterio
    from affine import Affine
    from rasterio.windows import Window

    from geoseg.demo import make_scene as make_demo

    with tempfile.TemporaryDirectory() as folder:
        demo = make_demo(Path(folder), patch, seed=5)
        with rasterio.open(demo.scene) as file:
            data = file.read()[:bands]
    data = np.where(data == 0, 800, data).astype(np.uint16)
    profile = {
        "driver": "GTiff", "width": size, "height": size, "count": bands, "dtype": "uint16", "crs": "EPSG:32633",
        "transform": Affine(10, 0, 500000, 0, -10, 5400000), "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": compress, "interleave": "pixel", "BIGTIFF": "IF_SAFER", "NUM_THREADS": "ALL_CPUS",
    }  # fmt: skip
    if compress == "deflate":
        profile["predictor"] = 2
    if bands == 3:  # a picture: red, green and blue in 8 bits
        data, profile["dtype"] = np.clip(data[::-1] / 12, 1, 255).astype(np.uint8), "uint8"
        names, scales = BANDS[2::-1], (1.0,) * 3
    else:
        names, scales = BANDS[:bands], (0.0001,) * bands
    with rasterio.open(path, "w", **profile) as file:
        for row in range(0, size, patch):
            for col in range(0, size, patch):
                height, width = min(patch, size - row), min(patch, size - col)
                shift = (row // patch * 3 + col // patch) % 5 * 10
                file.write(data[:, :height, :width] + data.dtype.type(shift), window=Window(col, row, width, height))
        for number, name in enumerate(names, 1):
            file.set_band_description(number, name)
        file.scales = scales


def make_unet(folder: Path, encoder: str, bands: int, **kwargs: object) -> str:
    """An smp Unet with seeded weights, packaged as any user's model; returns its folder."""
    import segmentation_models_pytorch as smp
    import torch

    from geoseg.classes import LAND_COVER
    from geoseg.models import BandSpec, ModelCard, save_model

    torch.manual_seed(0)
    module = smp.Unet(encoder, encoder_weights=None, in_channels=bands, classes=len(LAND_COVER), **kwargs).eval()
    card = ModelCard(
        name=folder.name,
        architecture="Unet",
        title=f"Unet({encoder}), random weights",
        description="For measuring; its classes mean nothing.",
        bands=tuple(BandSpec(name=name, scale=0.0001) for name in BANDS[:bands]),
        value_scaling=({"type": "z-score", "mean": 1500.0, "stddev": 1000.0},) * bands,
        classes=LAND_COVER,
        stride=32,
        margin=64,
    )
    save_model(folder, card, module, arch="unet", encoder=encoder, **kwargs)
    return str(folder)


def make_tiny(folder: Path, bands: int = 4) -> str:
    """A small real network: what is around the forward pass weighs most."""
    return make_unet(folder / "tiny", "tu-mobilenetv4_conv_small_035", bands, decoder_channels=(32, 24, 16, 12, 8))


def child(*arguments: str) -> dict:
    """Run one measurement of this file in a process of its own and return what it printed."""
    result = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{result.stderr[-3000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def run_segment(scene: str, model: str, output: str, memory: str | None, runtime: str, precision: str) -> dict:
    """One whole run without polygons and picture."""
    from geoseg.job.batch import run
    from geoseg.job.outputs import Products
    from geoseg.job.request import Job
    from geoseg.models import keep_memory
    from geoseg.models.inference import calibrate
    from geoseg.segment.block import make_recipe, predictor_of
    from geoseg.segment.plan import Options, make_plan

    keep_memory()
    calibrate._LONG = 0.0  # as after runs of a minute: all runtimes are compared
    options = Options(memory=memory, runtime=runtime, precision=precision)
    products = Products(polygons=False, preview=False)
    # Imports, weights and calibration (cached for ever after) are not what is measured.
    predictor_of(make_recipe(make_plan(scene, model, options)))
    run(Job([str(Path(scene).with_name(WARM))], Path(output) / "warm", model, options=options, products=products))
    start, spent = time.perf_counter(), time.process_time()
    (result,) = run(Job([scene], Path(output), model, options=options, products=products))
    seconds, processor = time.perf_counter() - start, time.process_time() - spent
    if result.error:
        raise result.error
    report = result.report
    tiling = make_plan(scene, model, options).tiling
    return {
        "seconds": seconds, "processor": processor, "stages": report["seconds"],
        "computed": tiling.computed, "kept_share": tiling.kept_share,
        "scene_pixels": tiling.scene.area, "peak_mb": peak_bytes() / 1e6, "execution": report["execution"],
    }  # fmt: skip


def forward_once(module, batches: list, precision: str, threads: int, number: int) -> None:
    """One bare forward pass."""
    import torch

    torch.set_num_threads(threads)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        module(batches[number % len(batches)])


def compiled_way(module, batches: list, precision: str, streams: int):
    """The bare network as OpenVINO converts and runs it: a function as ``forward_once``, a request per stream."""
    from queue import SimpleQueue

    import openvino

    graph = openvino.convert_model(module, example_input=batches[0])
    graph.reshape(list(batches[0].shape))
    settings = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": 2, "ENABLE_CPU_PINNING": False,
    }  # fmt: skip
    compiled = openvino.Core().compile_model(graph, "CPU", settings)
    requests: SimpleQueue = SimpleQueue()
    for _ in range(streams):
        requests.put(compiled.create_infer_request())
    arrays = [batch.contiguous().numpy() for batch in batches]

    def work(number: int) -> None:
        request = requests.get()
        request.infer([arrays[number % len(arrays)]], share_inputs=True)
        requests.put(request)

    return work


def rate_of(work, streams: int, seconds: float) -> float:
    """Calls of ``work`` a second, from ``streams`` threads, after a first one to warm up."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(streams) as pool:
        list(pool.map(work, range(streams)))
        start = time.perf_counter()
        list(pool.map(work, range(streams)))
        count = max(int(seconds / (time.perf_counter() - start)), 1) * streams
        start = time.perf_counter()
        list(pool.map(work, range(count)))
        return count / (time.perf_counter() - start)


def run_forward(scene: str, model: str, seconds: float) -> dict:
    """The bare forward pass, best of runtimes, layouts, streams and window sizes, in fp32 and in half precision."""
    import rasterio
    import torch
    from rasterio.windows import Window

    from geoseg.models import keep_memory, load_model
    from geoseg.models.runtimes.choices import is_installed

    keep_memory()
    module = load_model(model).module()
    ways = {}
    for side in (512, 1152):
        with rasterio.open(scene) as file:
            tiles = [file.read(window=Window(i * side, 0, side, side)).astype(np.float32) / 1000 for i in range(3)]
        half = _bf16_pays(module, tiles[0])
        for channels_last in (False, True):
            layout = torch.channels_last if channels_last else torch.contiguous_format
            batches = [torch.from_numpy(tile[None]).to(memory_format=layout) for tile in tiles]
            for streams in (1, 2):
                forward = partial(forward_once, module, batches, "fp32", 2 // streams)
                layout_name = "NHWC" if channels_last else "NCHW"
                ways[f"torch {side} {layout_name} fp32 {streams}"] = side, channels_last, forward, streams
        if half:
            ways[f"torch {side} NHWC bf16 1"] = side, True, partial(forward_once, module, batches, "bf16", 2), 1
        if is_installed("openvino") and not getattr(module, "pointwise", False):
            for precision in ("fp32", "bf16") if half else ("fp32",):
                forward = compiled_way(module, batches, precision, 2)
                ways[f"OpenVINO {side} {precision} 2"] = side, False, forward, 2

    def measure(way: str, seconds: float) -> float:
        side, channels_last, forward, streams = ways[way]
        module.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
        return side**2 * rate_of(forward, streams, seconds)

    rates = {way: measure(way, seconds / 2) for way in ways}
    found = {}
    for precision in ("fp32", "bf16"):
        if of_this := [way for way in ways if precision in way]:
            best = max(of_this, key=rates.get)
            # The largest of many noisy numbers is the luckiest: once more, about as long as what it is compared with.
            found[precision] = {"best": best, "rate": measure(best, 4 * seconds)}
    return {"rates": rates, **found}


def _best_rate(found: list[dict], precision: str = "fp32") -> tuple[str, float]:
    """The way that was fastest in most rounds, and the median rate."""
    best = [r[precision] for r in found]
    return statistics.mode(b["best"] for b in best), statistics.median(b["rate"] for b in best)


def _bf16_pays(module, tile: np.ndarray) -> bool:
    """Whether bf16 is worth timing: a processor that emulates it takes ten times as long."""
    import torch

    small = [torch.from_numpy(tile[None, :, :128, :128].copy())]
    seconds = {}
    for precision in ("fp32", "bf16"):
        try:
            forward_once(module, small, precision, 2, 0)
            start = time.perf_counter()
            forward_once(module, small, precision, 2, 0)
        except RuntimeError:  # `spectral` computes in float32 only
            return False
        seconds[precision] = time.perf_counter() - start
    return seconds["bf16"] < 2 * seconds["fp32"]


def run_read(scene: str) -> dict:
    """The bare read: rasterio, with one thread and with all cores in several ways."""
    cores = os.cpu_count() or 1
    ways = {
        "one thread": partial(read_squares, scene, 2048, 1),
        f"GDAL with NUM_THREADS={cores}": partial(read_squares, scene, 2048, 1, NUM_THREADS=cores),
        f"{cores} files in squares of 512": partial(read_squares, scene, 512, cores),
        f"{cores} files in squares of 1024": partial(read_squares, scene, 1024, cores),
        f"{cores} files in squares of 1024, NUM_THREADS={cores}": partial(
            read_squares, scene, 1024, cores, NUM_THREADS=cores
        ),
    }
    times, processor = {}, {}
    for way, read in ways.items():
        start, spent = time.perf_counter(), time.process_time()
        read()
        times[way], processor[way] = time.perf_counter() - start, time.process_time() - spent
    return {"times": times, "processor": processor}


def read_squares(scene: str, side: int, threads: int, **options: object) -> None:
    """Decode the whole file into memory that is used again, each thread through a handle of its own."""
    import threading
    from concurrent.futures import ThreadPoolExecutor

    import rasterio
    from rasterio.windows import Window

    own = threading.local()
    with rasterio.open(scene) as file:
        height, width, shape, dtype = file.height, file.width, (file.count, side, side), file.dtypes[0]

    def read(place: tuple[int, int]) -> None:
        if not hasattr(own, "file"):
            own.file, own.pixels = rasterio.open(scene, sharing=False, **options), np.empty(shape, dtype)
        window = Window(place[1], place[0], min(side, width - place[1]), min(side, height - place[0]))
        own.file.read(window=window, out=own.pixels[:, : window.height, : window.width])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, [(row, col) for row in range(0, height, side) for col in range(0, width, side)]))


def run_write(output: str) -> dict:
    """The bare write on all cores: the maps of a run, from memory to finished files."""
    from concurrent.futures import ThreadPoolExecutor

    import rasterio

    from geoseg.classes import LAND_COVER
    from geoseg.raster import open_raster
    from geoseg.tiling import Box
    from geoseg.write import CogSink
    from geoseg.write.packed import pack, unpack

    folder, side, maps = Path(output), 1024, {}
    for kind in ("classes", "confidence"):
        with rasterio.open(folder / f"scene_{kind}.tif") as file:
            maps[kind] = file.read(1)
    geobox, cores = open_raster(folder / "scene_classes.tif").geobox, os.cpu_count() or 1
    boxes = [
        Box(row, col, side, side).intersection(Box(0, 0, *geobox.shape))
        for row in range(0, geobox.shape[0], side)
        for col in range(0, geobox.shape[1], side)
    ]

    def packed(box: Box) -> bytes:
        part = (slice(box.row, box.bottom), slice(box.col, box.right))
        return pack(*(np.ascontiguousarray(values[part]) for values in maps.values()), side=side)

    def finish(kind: str) -> None:
        named = LAND_COVER if kind == "classes" else ()
        with CogSink(folder / f"again_{kind}.tif", geobox, kind=kind, classes=named, threads=1) as sink:
            for box, block in zip(boxes, blocks, strict=True):
                sink.put(box, getattr(unpack(block), kind))

    start, spent = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(cores) as pool:
        blocks = list(pool.map(packed, boxes))
        list(pool.map(finish, maps))
    return {"seconds": time.perf_counter() - start, "processor": time.process_time() - spent}


def speed(size: int, repeats: int, only: str | None, compress: str) -> None:
    """Print the table of speeds and ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GEOSEG_CACHE"] = str(folder / "cache")  # calibrated here and now, not on some busy day before
        scene = str(folder / "scene.tif")
        make_scene(Path(scene), size, compress=compress)
        make_scene(folder / WARM, 600)
        picture = str(folder / "picture" / "scene.tif")
        Path(picture).parent.mkdir()
        make_scene(Path(picture), size, bands=3, compress=compress)
        make_scene(Path(picture).with_name(WARM), 600, bands=3)
        unet, tiny = make_unet(folder / "r18", "resnet18", 6), make_tiny(folder, 6)
        work = {
            "read": ["_read", scene],
            "spectral forward": ["_forward", scene, "spectral", "--seconds", "0.5"],
            "spectral": ["_segment", scene, "spectral", str(folder / "out")],
            "spectral write": ["_write", str(folder / "out")],
            "r18 forward": ["_forward", scene, unet, "--seconds", "2"],
            "r18": ["_segment", scene, unet, str(folder / "out")],
            "tiny forward": ["_forward", scene, tiny, "--seconds", "1"],
            "tiny": ["_segment", scene, tiny, str(folder / "out")],
            "green forward": ["_forward", picture, "green", "--seconds", "1"],
            "green": ["_segment", picture, "green", str(folder / "out")],
        }
        before = ["--runtime", "torch", "--precision", "fp32"]
        work |= {f"{name} before": [*work[name], *before] for name in ("r18", "tiny", "green")}
        needed = (None, "read") if only == "spectral" else (None,)
        work = {name: what for name, what in work.items() if only is None or name.split()[0] in (only, *needed)}
        found: dict[str, list[dict]] = {name: [] for name in work}
        for _ in range(repeats):
            for what, arguments in work.items():
                if arguments[0] == "_segment":
                    shutil.rmtree(folder / "out", ignore_errors=True)
                found[what].append(child(*arguments))
        report(f"{size}² × 6 bands uint16 {compress}", repeats, found)


def report(scene: str, repeats: int, found: dict[str, list[dict]]) -> None:
    """Print medians, ratios, and what they are made of."""
    rows = _cheap_rows(found) if "spectral" in found and "read" in found else []
    small = "Unet(mobilenetv4-small)"
    for model, title in (("r18", "Unet(resnet18)"), ("tiny", small), ("green", f"`green`, {small}")):
        if model in found:
            rows += _network_rows(title, 0.9 if model == "r18" else 0.75, *(found[model + w] for w in WAYS))
    print(f"\n{scene}, file to class map and confidence on disk, median of {repeats}\n")
    print("| what | measured | ratio |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()
    for model, runs in found.items():
        if "stages" in runs[-1]:
            print(f"{model}: {json.dumps(runs[-1]['stages'])}\n  {json.dumps(runs[-1]['execution'])}")
        elif "rates" in runs[-1]:
            print(f"{model}: " + json.dumps({k: round(v / 1e6, 2) for k, v in runs[-1]["rates"].items()}))


def _network_rows(
    title: str, aim: float, found: list[dict], forward: list[dict], before: list[dict]
) -> list[tuple[str, str, str]]:
    """Rows of a network: each ratio is taken round by round, since the machine is not the same one a minute later."""
    taken = statistics.mode(r["execution"]["precision"] for r in found)
    best, bare = _best_rate(forward, taken)
    rates, earlier = ([r["computed"] / r["seconds"] for r in runs] for runs in (found, before))
    shares = [rate / once[taken]["rate"] for rate, once in zip(rates, forward, strict=True)]
    gains = [rate / other for rate, other in zip(rates, earlier, strict=True)]
    execution = f"{found[-1]['execution']['runtime']} {taken}"
    return [
        (f"{title}, bare forward ({best})", f"{bare / 1e6:.2f} Mpx/s", ""),
        (f"{title}, geoseg, computed ({execution})", f"{statistics.median(rates) / 1e6:.2f} Mpx/s",
         f"{statistics.median(shares):.2f} of bare ({min(shares):.2f}–{max(shares):.2f}; ≥ {aim:.2f})"),
        (f"{title}, torch in fp32", f"{statistics.median(earlier) / 1e6:.2f} Mpx/s",
         f"{statistics.median(gains):.2f} times as fast now ({min(gains):.2f}–{max(gains):.2f})"),
        (f"{title}, pixels kept / computed", "", f"{found[0]['kept_share']:.3f} (≥ 0.80)"),
    ]  # fmt: skip


def _cheap_rows(found: dict[str, list[dict]]) -> list[tuple[str, str, str]]:
    """Rows of the model whose forward pass costs next to nothing."""
    times = {way: statistics.median(r["times"][way] for r in found["read"]) for way in found["read"][0]["times"]}
    best = min(times, key=times.get)
    written = statistics.median(r["seconds"] for r in found["spectral write"])
    forward = found["spectral"][0]["scene_pixels"] / _best_rate(found["spectral forward"])[1]
    spectral = statistics.median(r["seconds"] for r in found["spectral"])
    processor = statistics.median(r["processor"] for r in found["spectral"])
    longer, all_three = max(times[best], written), times[best] + written + forward
    one_thread = max(times["one thread"], forward)
    return [
        *((f"decoding, {way}", f"{seconds:.2f} s", "best" if way == best else "") for way, seconds in times.items()),
        ("writing the same maps, all cores", f"{written:.2f} s", ""),
        ("`spectral`, bare forward, all cores", f"{forward:.2f} s", ""),
        ("`spectral`, geoseg", f"{spectral:.2f} s", f"{spectral / longer:.2f} × the longer of decoding and writing"),
        ("", "", f"{spectral / one_thread:.2f} × the longer of decoding in one thread and the forward pass (≤ 1.50)"),
        (
            "… processor time",
            f"{processor:.2f} s",
            f"{spectral / all_three:.2f} × decoding, forward pass and writing, one after the other (≤ 1.15)",
        ),
    ]


def runtimes(side: int, repeats: int, only: str | None) -> None:
    """Print megapixels a second of each runtime on two streams of one thread, and how its map differs from fp32's."""
    from geoseg.errors import ModelError
    from geoseg.models import Execution, keep_memory, load_model
    from geoseg.models.inference.bench import Bench
    from geoseg.models.runtimes.openvino_devices import openvino_supports

    keep_memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = {
            "r18": lambda: make_unet(folder / "r18", "resnet18", 4),
            "tiny": lambda: make_tiny(folder),
            "landcover": lambda: "landcover",
            "green": lambda: "green",
        }
        print("| network | runtime | Mpx/s | other classes than torch in fp32, confidence off by |\n|---|---|---|---|")
        for label, make in models.items():
            if only not in (None, label):
                continue
            bench = Bench(load_model(make()), (side, side), np.dtype("uint8" if label == "green" else "uint16"), 1e9)
            torch = Execution(streams=2, channels_last=True)
            ways = [torch, Execution(streams=2, runtime="openvino")]
            if openvino_supports("cpu", "bf16"):  # torch emulates it elsewhere, ten times as slow
                ways += [replace(way, precision="bf16") for way in ways]
            try:
                rates = [[bench.timed(way) for way in ways] for _ in range(repeats)]
            except ModelError as error:
                print(f"| {label} | {error} | | |")
                continue
            for way, column in zip(ways, zip(*rates, strict=True), strict=True):
                found = "" if way == torch else str(bench.agreement(way))
                rate = f"{statistics.median(column):.2f} ({min(column):.2f}–{max(column):.2f})"
                print(f"| {label} | {way.runtime} {way.precision} | {rate} | {found} |", flush=True)


def memory(sizes: list[int], budget: str | None) -> None:
    """Print peak resident memory per scene size."""
    print("| scene | peak memory | ratio | seconds |\n|---|---|---|---|")
    first = None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = make_tiny(folder)
        make_scene(folder / WARM, 600)
        for size in sizes:
            scene = folder / f"{size}.tif"
            make_scene(scene, size, bands=4)
            more = ["--memory", budget] if budget else []
            result = child("_segment", str(scene), model, str(folder / str(size)), *more)
            first = first or result["peak_mb"]
            ratio, seconds = result["peak_mb"] / first, result["seconds"]
            print(f"| {size}² × 4 uint16 | {result['peak_mb']:.0f} MB | {ratio:.2f} | {seconds:.0f} |", flush=True)
            scene.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("speed")
    one.add_argument("--size", type=int, default=4096)
    one.add_argument("--repeats", type=int, default=3)
    one.add_argument("--compress", choices=["deflate", "none"], default="deflate", help="how the scene is stored")
    one.add_argument("--only", choices=["spectral", "r18", "tiny", "green"], help="one model alone")
    three = commands.add_parser("runtimes")
    three.add_argument("--side", type=int, default=1024)
    three.add_argument("--repeats", type=int, default=3)
    three.add_argument("--only", choices=["r18", "tiny", "landcover", "green"], help="one model alone")
    two = commands.add_parser("memory")
    two.add_argument("--sizes", type=int, nargs="+", default=[6000, 24000])
    two.add_argument("--memory")
    segment = commands.add_parser("_segment")
    for name in ("scene", "model", "output"):
        segment.add_argument(name)
    segment.add_argument("--memory")
    segment.add_argument("--runtime", default="auto")
    segment.add_argument("--precision", default="auto")
    forward = commands.add_parser("_forward")
    forward.add_argument("scene")
    forward.add_argument("model")
    forward.add_argument("--seconds", type=float, default=2)
    commands.add_parser("_read").add_argument("scene")
    commands.add_parser("_write").add_argument("output")
    options = parser.parse_args()
    if options.command == "speed":
        speed(options.size, options.repeats, options.only, options.compress)
    elif options.command == "runtimes":
        runtimes(options.side, options.repeats, options.only)
    elif options.command == "memory":
        memory(options.sizes, options.memory)
    elif options.command == "_segment":
        names = ("scene", "model", "output", "memory", "runtime", "precision")
        print(json.dumps(run_segment(*(getattr(options, name) for name in names))))
    elif options.command == "_forward":
        print(json.dumps(run_forward(options.scene, options.model, options.seconds)))
    elif options.command == "_write":
        print(json.dumps(run_write(options.output)))
    else:
        print(json.dumps(run_read(options.scene)))


if __name__ == "__main__":
    main()
