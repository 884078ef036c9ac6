"""What a GPU can do, and what geoseg makes of it: forward limits, copies, and a large scene with its breakdown.

    python tests/benchmarks/bench_gpu.py [--minutes 10] [--size 32768] [--output gpu.json]
    python tests/benchmarks/bench_gpu.py --quick        every line of this, on the CPU, in seconds: what tests run

In this order, so that what matters most is there when the time is over:

1. Forward limit in Mpx/s, of Unet(resnet18), Unet(resnet34) and Unet(mobilenetv4-small) with random weights, 6 classes,
   4 bands, on a batch that is on the device already: autocast (as geoseg runs), weights in half precision, channels
   first and last, CUDA graphs.
2. Copies in GB/s: uint16 up from pageable and pinned memory, uint8 down, and up while a forward pass runs.
3. A scene from file to finished maps, with what each part takes alone: decoding and writing on all cores, copies and
   forward pass at the rates above. Their longest is the limit of a run in which all overlap.
4. ``torch.compile`` with max-autotune, and TensorRT (if torch_tensorrt is installed), as long as there is time.

What fails is reported in its row and does not end the rest.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from bench_segment import WARM, make_scene, make_unet, read_squares, run_segment, run_write

NETWORKS = {
    "r18": ("resnet18", {}),
    "r34": ("resnet34", {}),
    "tiny": ("tu-mobilenetv4_conv_small_035", {"decoder_channels": (32, 24, 16, 12, 8)}),
}
HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Cuda:
    """The GPU."""

    name, compiler = "cuda", {"mode": "max-autotune"}

    def wait(self) -> None:
        """Wait until the device has done everything."""
        torch.cuda.synchronize()

    def pinned(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a copy in memory that the device reads itself."""
        return tensor.pin_memory()

    def beside(self) -> Any:
        """Return a context whose work runs beside that of others."""
        return torch.cuda.stream(torch.cuda.Stream())

    def graph(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Record a call; what is returned replays it."""
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for _ in range(3):
                call()
        torch.cuda.current_stream().wait_stream(side)
        recorded = torch.cuda.CUDAGraph()
        with torch.cuda.graph(recorded):
            call()
        return recorded.replay

    def describe(self) -> str:
        """Return name and memory."""
        free, total = torch.cuda.mem_get_info()
        return (
            f"{torch.cuda.get_device_name()}, {total / 1e9:.0f} GB ({free / 1e9:.0f} free), torch {torch.__version__}"
        )


class Fake(Cuda):
    """A CPU in the place of the GPU: runs the same lines, measures nothing of interest."""

    name, compiler = "cpu", {"backend": "eager"}

    def wait(self) -> None:
        """A CPU has done everything when it returns."""

    def pinned(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a copy."""
        return tensor.clone()

    def beside(self) -> Any:
        """Nothing runs beside it."""
        return nullcontext()

    def graph(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Return the call itself."""
        call()
        return call

    def describe(self) -> str:
        """Say that it is none."""
        return f"no GPU: CPU, torch {torch.__version__}"


@dataclass(frozen=True)
class Setting:
    """Device, windows (side and number per batch), seconds per measurement, and when to stop."""

    device: Cuda
    side: int
    batch: int
    seconds: float
    end: float

    @property
    def left(self) -> float:
        """Seconds until the time is over."""
        return self.end - time.monotonic()


def calls_per_second(call: Callable[[], Any], setting: Setting) -> float:
    """Rate of a call, after three to warm up."""
    for _ in range(3):
        call()
    setting.device.wait()
    count, start = 0, time.perf_counter()
    while count < 3 or time.perf_counter() - start < setting.seconds:
        for _ in range(3):
            call()
        count += 3
        setting.device.wait()
    return count / (time.perf_counter() - start)


def forward_call(module: Any, setting: Setting, way: str, precision: str, *, last: bool) -> Callable[[], Any]:
    """Return one forward pass in a way: autocast, half, graph, compile or tensorrt."""
    layout = torch.channels_last if last else torch.contiguous_format
    half, device = HALF.get(precision), setting.device
    weights = half if half is not None and way != "autocast" else torch.float32
    network = copy.deepcopy(module).to(device.name, weights).to(memory_format=layout).eval()
    x = torch.randn(setting.batch, 4, setting.side, setting.side, device=device.name, dtype=weights)
    x = x.to(memory_format=layout)
    if way == "compile":
        network = torch.compile(network, **device.compiler)
    elif way == "tensorrt":
        import torch_tensorrt

        network = torch_tensorrt.compile(network, ir="dynamo", inputs=[x], enabled_precisions={weights})

    def call() -> Any:
        with (
            torch.inference_mode(),
            torch.autocast(device.name, half or torch.bfloat16, way == "autocast" and bool(half)),
        ):
            return network(x)

    return device.graph(call) if way == "graph" else call


def forward_rate(modules: dict[str, Any], setting: Setting, row: tuple[str, str, str, bool]) -> float | str:
    """Mpx/s of a row (network, way, precision, channels last), or why there is none."""
    network, way, precision, last = row
    if setting.left < (120 if way in ("compile", "tensorrt") and setting.seconds > 1 else 2 * setting.seconds):
        return "no time left"
    try:
        rate = calls_per_second(forward_call(modules[network], setting, way, precision, last=last), setting)
    except Exception as error:  # noqa: BLE001 - whatever a compiler or driver raises, the rest is measured
        return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
    return rate * setting.batch * setting.side**2 / 1e6


def copies(module: Any, setting: Setting) -> dict[str, float]:
    """GB/s up and down, alone and beside a forward pass."""
    device = setting.device
    shape = (setting.batch, 4, setting.side, setting.side)
    pixels = torch.randint(0, 9000, shape, dtype=torch.int16)
    pinned, back = device.pinned(pixels), torch.zeros(shape[0], 2, *shape[2:], dtype=torch.uint8, device=device.name)
    target = device.pinned(torch.zeros(back.shape, dtype=torch.uint8))
    forward = forward_call(module, setting, "autocast", "bf16", last=True)

    def beside() -> None:
        with device.beside():
            moved.copy_(pinned, non_blocking=True)
        forward()

    moved = torch.empty(shape, dtype=torch.int16, device=device.name)
    size, small = pixels.nbytes / 1e9, back.nbytes / 1e9
    alone = calls_per_second(forward, setting)
    return {
        "up, pageable": size * calls_per_second(lambda: moved.copy_(pixels), setting),
        "up, pinned": size * calls_per_second(lambda: moved.copy_(pinned, non_blocking=True), setting),
        "down, pinned": small * calls_per_second(lambda: target.copy_(back, non_blocking=True), setting),
        "forward pass beside a copy / alone": calls_per_second(beside, setting) / alone,
    }


def scene_breakdown(folder: Path, model: str, size: int, rates: dict[str, float]) -> dict[str, Any]:
    """Run a scene from file to finished maps; return what it took, and each part alone."""
    scene, cores = folder / "scene.tif", os.cpu_count() or 1
    make_scene(scene, size, bands=4, patch=min(size, 2048))
    make_scene(folder / WARM, 600, bands=4, patch=600)
    start = time.perf_counter()
    read_squares(str(scene), 1024, cores)
    decode = time.perf_counter() - start
    run = run_segment(str(scene), model, str(folder / "out"), None)
    alone = {
        "decode, all cores": decode,
        "copy up, pinned": size**2 * 4 * 2 / 1e9 / rates["up, pinned"],
        "forward pass": run["computed"] / 1e6 / rates["forward"],
        "copy down": size**2 * 2 / 1e9 / rates["down, pinned"],
        "write, all cores": run_write(str(folder / "out"))["seconds"],
    }
    return {"alone": alone, "seconds": run["seconds"], "stages": run["stages"], "execution": run["execution"]}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything; print as it comes."""
    device = Fake() if options.quick else Cuda()
    setting = Setting(
        device, *((32, 1, 0.0) if options.quick else (1152, 8, 1.0)), time.monotonic() + options.minutes * 60
    )
    found: dict[str, Any] = {"device": device.describe(), "forward": {}}
    print(f"{found['device']}; windows of {setting.side}², {setting.batch} per batch\n")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        os.environ.setdefault("GEOSEG_CACHE", str(folder / "cache"))
        wanted = ["tiny"] if options.quick else list(NETWORKS)
        paths = {key: make_unet(folder / key, NETWORKS[key][0], 4, **NETWORKS[key][1]) for key in wanted}
        from geoseg.models import load_model

        modules = {key: load_model(path).module() for key, path in paths.items()}
        first = [(k, w, p, True) for k in wanted for p in HALF for w in ("autocast", "half", "graph")]
        first += [(k, "autocast", p, last) for k in wanted for p, last in (("fp32", True), ("bf16", False))]
        later = [(k, w, "bf16" if w == "compile" else "fp16", True) for w in ("tensorrt", "compile") for k in wanted]
        rate = partial(print_rate, modules, setting, found)
        print("| network | way | precision | channels last | Mpx/s |\n|---|---|---|---|---|")
        for row in first:
            rate(row)
        chosen = "tiny" if options.quick else "r18"
        found["copies"] = copies(modules[chosen], setting)
        for what, value in found["copies"].items():
            print(f"{what}: {value:.2f}" + ("" if "beside" in what else " GB/s"))
        best = max(
            v for k, v in found["forward"].items() if isinstance(v, float) and k.startswith(f"{chosen} autocast")
        )
        size = 600 if options.quick else options.size
        scene = found["scene"] = scene_breakdown(folder, paths[chosen], size, found["copies"] | {"forward": best})
        print(f"\n{chosen}, {size}² × 4 uint16: {scene['seconds']:.1f} s, stages {json.dumps(scene['stages'])}")
        print(f"{json.dumps(scene['execution'])}\n\n| alone | seconds |\n|---|---|")
        for what, seconds in scene["alone"].items():
            print(f"| {what} | {seconds:.2f} |")
        print(f"| whole run / longest | {scene['seconds'] / max(scene['alone'].values()):.2f} |\n", flush=True)
        for row in later:
            rate(row)
    return found


def print_rate(
    modules: dict[str, Any], setting: Setting, found: dict[str, Any], row: tuple[str, str, str, bool]
) -> None:
    """Measure, keep and print a row."""
    value = found["forward"][" ".join(map(str, row))] = forward_rate(modules, setting, row)
    print("| " + " | ".join([*map(str, row), f"{value:.1f}" if isinstance(value, float) else value]) + " |", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--size", type=int, default=32768, help="side of the scene in pixels; 32768 is 1.07 Gpx")
    parser.add_argument("--quick", action="store_true", help="small and on the CPU, to see that it runs")
    parser.add_argument("--folder", help="where the scene is made: 15 GB for the default size")
    parser.add_argument("--output", help="file for all numbers as JSON")
    options = parser.parse_args()
    if not options.quick and not torch.cuda.is_available():
        raise SystemExit("no CUDA device was found; --quick runs everything on the CPU")
    found = measure(options)
    if options.output:
        Path(options.output).write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
