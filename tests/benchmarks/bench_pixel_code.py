"""Layers on single pixels as machine code against torch: the last ones of ``landcover``, or those of a sketch.

    python tests/benchmarks/bench_pixel_code.py [--model SKETCH] [--side 1024]

One window, single precision, as many streams of one thread as there are cores; both ways by turns in one process.
Prints the megapixels per second of each, their ratio, and the largest difference of their logits.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import torch

from geoseg.models import keep_memory, load_model
from geoseg.models.networks.landcover import LandcoverNet
from geoseg.models.networks.sketch import SketchNet

PASSES = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="landcover")
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    keep_memory()
    torch.set_num_threads(1)
    net = load_model(options.model).module().eval()
    scene = 0.4 * torch.rand(1, 6, options.side, options.side, generator=torch.Generator().manual_seed(0))
    kind = SketchNet if any(isinstance(part, SketchNet) for part in net.modules()) else LandcoverNet
    streams, compiles = os.cpu_count() or 1, kind._compiles
    ways = {"torch": lambda _net, _scene: False, "machine code": compiles}

    def passes(_: int) -> torch.Tensor:
        with torch.inference_mode():
            for _ in range(PASSES):
                logits = net(scene)
            return logits

    rates: dict[str, list[float]] = {name: [] for name in ways}
    logits = {}
    with ThreadPoolExecutor(streams) as pool:
        for number in range(options.rounds + 1):
            for name, way in ways.items():
                kind._compiles = way
                start = time.perf_counter()
                *_, logits[name] = pool.map(passes, range(streams))
                seconds = time.perf_counter() - start
                if number:  # the first round compiles
                    rates[name].append(streams * PASSES * scene[0, 0].numel() / 1e6 / seconds)
    kind._compiles = compiles
    for name, values in rates.items():
        print(f"{name:<13}{statistics.median(values):6.2f} Mpx/s ({min(values):.2f}–{max(values):.2f})")
    ratios = [b / a for a, b in zip(*rates.values(), strict=True)]
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}), {streams} streams")
    print(f"largest difference of logits {(logits['torch'] - logits['machine code']).abs().max():.1e}")


if __name__ == "__main__":
    main()
