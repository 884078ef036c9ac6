"""How near `geoseg train` comes to the bare training step, and what validation costs.

    python tests/benchmarks/bench_train.py [--window 128] [--batch 16] [--batches 24] [--epochs 2] [--compile]

Unet(resnet18) with random weights learns windows of a scene of 6 bands uint16 (deflate with predictor 2, tiles of 512)
with a class raster, as `geoseg train` does it: read, scaled, augmented, collated by threads, steps by Lightning.
Compared are, in one process and by turns:

* the bare step: the same network, loss, optimizer, precision and clipping on one batch that is in memory already;
* the step within `geoseg train`: the median, and the whole epoch divided by its steps, without the first batches;
* validation of an epoch with the epoch itself (20 % of the ground are held out, the default);
* the processor time of reading and augmenting a window with that of a bare step per window, which other programs on the
  machine do not change: on a CPU both share the cores;
* with ``--compile``: the bare step through ``torch.compile``, and how long compiling takes.

Fails (exit code 1) below 0.9 of the bare step, or if validation costs more than the epoch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from bench_segment import make_scene
from lightning.pytorch.callbacks import Callback

SKIPPED = 4
"""Batches at the start of an epoch that do not count: threads begin to read then."""


class Stopwatch(Callback):
    """Notes when batches and validations begin and end."""

    def __init__(self) -> None:
        self.steps: list[list[float]] = []
        self.validations: list[float] = []
        self.epochs: list[float] = []
        self._since = self._epoch = 0.0

    def on_train_epoch_start(self, *_: Any) -> None:
        """Begin an epoch."""
        self.steps.append([])
        self._epoch = time.perf_counter()

    def on_train_batch_end(self, *_: Any) -> None:
        """Note a batch; the first of an epoch is counted from the epoch's start."""
        self.steps[-1].append(time.perf_counter())

    def on_validation_start(self, *_: Any) -> None:
        """Begin a validation, which follows the last batch of an epoch."""
        self._since = time.perf_counter()
        self.epochs.append(self._since - self._epoch)

    def on_validation_end(self, *_: Any) -> None:
        """End a validation."""
        self.validations.append(time.perf_counter() - self._since)


def make_data(folder: Path, size: int) -> tuple[list[str], list[str]]:
    """A scene, and labels that a network can learn: classes by the demo's infrared."""
    import numpy as np
    import rasterio

    images, labels = folder / "images", folder / "labels"
    images.mkdir()
    labels.mkdir()
    scene = images / "scene.tif"
    make_scene(scene, size, patch=min(size, 1024))
    with rasterio.open(scene) as file:
        nir, profile = file.read(4), file.profile
    classes = np.digitize(nir, np.quantile(nir[::8, ::8], (0.25, 0.5, 0.75))).astype(np.uint8)
    with rasterio.open(labels / scene.name, "w", **profile | {"count": 1, "dtype": "uint8", "predictor": 1}) as file:
        file.write(classes, 1)
    return [str(images)], [str(labels)]


def make_task(folder: Path, options: argparse.Namespace) -> Any:
    """Return what `geoseg train` would train."""
    from geoseg.progress.reporters import Silent
    from geoseg.train.data.label_images import Sources
    from geoseg.train.fit import Task
    from geoseg.train.options import TrainOptions
    from geoseg.train.prepare import prepare
    from geoseg.train.start.network import start_network

    images, labels = make_data(folder, options.size)
    chosen = TrainOptions(
        encoder="resnet18", window=options.window, batch=options.batch, windows=options.batch * options.batches,
        epochs=options.epochs, patience=None, device=options.device, precision=options.precision, seed=0,
    )  # fmt: skip
    prepared = prepare(Sources(images, labels), chosen, None, Silent())
    network, start = start_network(prepared.card, chosen, None, prepared.window)
    return Task(prepared, chosen, network, start, folder / "run")


def bare_step(task: Any, compiled: bool = False) -> Any:
    """Return a function that does one step on a batch in memory: what no training loop can be faster than."""
    import copy

    from geoseg.models.inference.device import choose_device
    from geoseg.train.data.augment import Augment
    from geoseg.train.data.loading import collate
    from geoseg.train.data.samples import TrainingWindows
    from geoseg.train.fit import _precision
    from geoseg.train.losses import Loss

    options, prepared = task.options, task.prepared
    device = choose_device(options.device)[0]
    half = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(_precision(options.precision, device))
    windows = TrainingWindows(prepared.scenes, prepared.sampler(prepared.window, Augment(1)), Augment(1), 0)
    batch = collate([windows[number] for number in range(options.batch)])
    x, y = batch.x.to(device), batch.y.to(device)
    network = copy.deepcopy(task.network).to(device).train()
    loss = Loss(options.loss).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    called = torch.compile(network) if compiled else network

    def step() -> float:
        with torch.autocast(device.partition(":")[0], half or torch.bfloat16, enabled=half is not None):
            value = loss(called(x), y)
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return float(value.detach())  # geoseg checks each loss, too

    return step


def seconds_per_step(step: Any, count: int) -> float:
    """Median seconds of some steps, after two to warm up."""
    times = []
    for number in range(count + 2):
        start = time.perf_counter()
        step()
        if number > 1:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def processor_times(task: Any, step: Any, count: int = 32) -> tuple[float, float]:
    """Processor seconds of loading a window, and of a bare step per window."""
    from geoseg.train.data.augment import Augment
    from geoseg.train.data.samples import TrainingWindows

    augment = Augment(task.options.augment)
    windows = TrainingWindows(task.prepared.scenes, task.prepared.sampler(task.prepared.window, augment), augment, 1)
    start = time.process_time()
    for number in range(count):
        windows[number]
    middle = time.process_time()
    step()
    return (middle - start) / count, (time.process_time() - middle) / task.options.batch


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Train by turns with bare steps; return seconds per step, ratios and what validation costs."""
    from geoseg.progress.reporters import Silent
    from geoseg.train.fit import fit

    with tempfile.TemporaryDirectory() as name:
        task = make_task(Path(name), options)
        step = bare_step(task)
        before = seconds_per_step(step, max(options.batches // 3, 2))
        loading, computing = processor_times(task, step)
        watch = Stopwatch()
        fit(task, Silent(), callbacks=[watch])
        bare = statistics.mean([before, seconds_per_step(step, max(options.batches // 3, 2))])
        gaps = [b - a for times in watch.steps for a, b in zip(times[SKIPPED:], times[SKIPPED + 1 :], strict=False)]
        whole = statistics.mean(gaps)
        found = {
            "loading": loading, "computing": computing, "bare": bare,
            "step": statistics.median(gaps), "epoch step": whole,
            "rate": options.batch * options.window**2 / whole, "ratio": bare / whole,
            "ratio of medians": bare / statistics.median(gaps),
            "epoch": statistics.median(watch.epochs), "validation": statistics.median(watch.validations),
            "validation windows": len(task.prepared.validation_windows()),
        }  # fmt: skip
        if options.compile:
            start = time.perf_counter()
            fast = bare_step(task, compiled=True)
            fast()
            found["compiling"] = time.perf_counter() - start
            found["compiled"] = seconds_per_step(fast, max(options.batches // 3, 2))
    return found


def main() -> int:
    """Read the command line; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("window", 128), ("batch", 16), ("batches", 24), ("epochs", 2), ("size", 2048)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", action="store_true", help="also the bare step through torch.compile")
    options = parser.parse_args()
    found = measure(options)
    shape = f"{options.batch} × {options.window}² × 6 bands"
    print(f"Unet(resnet18), {shape}, read from deflate\n\n| what | seconds | ratio |\n|---|---|---|")
    print(f"| bare step, batch in memory | {found['bare']:.3f} | |")
    print(f"| step of `geoseg train`, median | {found['step']:.3f} | {found['ratio of medians']:.2f} of bare |")
    print(f"| … mean, {found['rate'] / 1e6:.2f} Mpx/s | {found['epoch step']:.3f} | {found['ratio']:.2f} (≥ 0.90) |")
    part = found["loading"] / found["computing"]
    print(f"| processor time: loading a window / its share of a step | {found['loading']:.4f} | {part:.2f} (≤ 0.11) |")
    share = found["validation"] / found["epoch"]
    print(f"| epoch of {options.batches} steps | {found['epoch']:.2f} | |")
    print(f"| its validation, {found['validation windows']} windows | {found['validation']:.2f} | {share:.2f} (≤ 1) |")
    if options.compile:
        gain = found["bare"] / found["compiled"]
        print(f"| bare step, compiled in {found['compiling']:.0f} s | {found['compiled']:.3f} | {gain:.2f} × |")
    print(json.dumps(found))
    return int(found["ratio"] < 0.9 or share > 1)


if __name__ == "__main__":
    sys.exit(main())
