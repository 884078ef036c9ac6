"""Memory, speed and quality of ``geoseg detect``'s last step, on made-up crowns that touch.

    python tests/benchmarks/bench_detect.py scale [--size 20000]
    python tests/benchmarks/bench_detect.py train DIR [--epochs 30]
    python tests/benchmarks/bench_detect.py seams DIR [--size 2048] [--window 256] [--stitch trim]
    python tests/benchmarks/bench_detect.py share DIR [--size 2048]

``scale`` finds the objects of a class map of cores and rims with 5,000 objects per megapixel (2 million at 20,000²)
and prints seconds, CPU seconds of all threads, peak memory and the size of the file. ``train`` trains a small U-Net on
1024² pixels of crowns. ``seams`` detects with it in another place and prints the scores of all crowns, and precision
and recall of those whose centre is within 10 pixels of a border of the model's windows, and of the others. ``share``
prints the CPU time of the last step beside that of the forward passes, at about 1,000 objects per megapixel.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from crowns import ORIGIN, PIXEL, crowns, frame_of, image_of, profile
from process_memory import peak_bytes

NEAR = 10
"""Crowns whose centre is so many pixels from a border of windows are at a seam."""

BANDS = ("red", "green", "blue")


def write_image(path: Path, ids: np.ndarray, seed: int) -> Path:
    """Write the image of crowns."""
    import rasterio

    with rasterio.open(path, "w", **profile(len(ids), 3)) as file:
        file.write(image_of(ids, seed))
        for number, name in enumerate(BANDS, 1):
            file.set_band_description(number, name)
    return path


def scale(size: int) -> None:
    """Find the objects of a large class map."""
    import rasterio
    from rasterio.windows import Window

    from geoseg.classes import MapClass
    from geoseg.polygonize.objects import ObjectFilter, ObjectMap, ObjectReading, write_objects
    from geoseg.polygonize.source import open_source
    from geoseg.train.data.instances import cores

    side = 2800
    ids = crowns(side, 0, 13.0)
    classes = np.where(ids < 0, 0, np.where(cores(ids), 2, 1)).astype(np.uint8)
    percent = np.where(ids < 0, 8, 60 + ids % 40).astype(np.uint8)
    tree = (MapClass(1, "tree", "#117733"),)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        paths = [Path(name) / "classes.tif", Path(name) / "percent.tif"]
        for path, pattern in zip(paths, (classes, percent), strict=True):
            with rasterio.open(path, "w", nodata=255, **profile(size, 1)) as file:
                for row in range(0, size, 512):
                    rows = np.arange(row, min(row + 512, size)) % side
                    data = np.tile(pattern[rows], (1, -(-size // side)))[None, :, :size]
                    file.write(data, window=Window(0, row, size, len(rows)))
        before = peak_bytes()
        wall, cpu = time.perf_counter(), time.process_time()
        sources = [open_source(path) for path in paths]
        found = ObjectMap(sources[0], sources[1], ObjectReading(tree, ((2, 1),), ((1, 1),), reach=16))
        summary = write_objects(found, Path(name) / "objects.gpkg", ObjectFilter())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        count, weight = summary.counts.objects[1], summary.path.stat().st_size
    print(
        f"{size}²: {count:,} objects in {wall:.1f} s, CPU {cpu:.1f} s ({cpu / count * 1e6:.1f} µs an object); peak "
        f"{peak_bytes() / 1e6:.0f} MB, {before / 1e6:.0f} MB before; GeoPackage {weight / 1e6:.0f} MB"
    )


def train(folder: Path, epochs: int) -> None:
    """Train on one place."""
    import geoseg

    ids = crowns(1024, 1)
    with tempfile.TemporaryDirectory() as name:
        image = write_image(Path(name) / "crowns.tif", ids, 2)
        geoseg.train(
            image, frame_of(ids), folder, task="instances", epochs=epochs, encoder="tu-mobilenetv3_small_100",
            window=128, windows=96, batch=8, lr=2e-3, overwrite=True,
        )  # fmt: skip


def hits(found: Any, truth: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return which objects found and which true ones have a partner with an IoU above 0.5; there is at most one."""
    import shapely

    one, two = found.geometry.to_numpy(), truth.geometry.to_numpy()
    left, right = shapely.STRtree(two).query(one, predicate="intersects")
    shared = shapely.area(shapely.intersection(one[left], two[right]))
    iou = shared / (shapely.area(one[left]) + shapely.area(two[right]) - shared)
    good = iou > 0.5
    return np.isin(np.arange(len(one)), left[good]), np.isin(np.arange(len(two)), right[good])


def seams(folder: Path, size: int, window: int, stitch: str) -> None:
    """Compare the crowns at borders of windows with the others."""
    import geopandas as gpd

    import geoseg
    from geoseg.job import Options
    from geoseg.segment.plan import make_plan

    ids = crowns(size, 11)
    truth = frame_of(ids)
    with tempfile.TemporaryDirectory() as name:
        image = write_image(Path(name) / "crowns.tif", ids, 12)
        options = Options(device="cpu", window=window, stitch=stitch)
        path, reference = Path(name) / "found.gpkg", Path(name) / "reference.gpkg"
        geoseg.detect(image, folder, path=path, options=options)
        truth.to_file(reference)
        print(geoseg.evaluate(path, reference))
        keep = make_plan(image, geoseg.load_model(folder), options).tiling.keep
        found = gpd.read_file(path, layer="objects")
    right, hit = hits(found, truth)

    def near(frame: Any) -> Any:
        x = (frame.geometry.centroid.x.to_numpy() - ORIGIN[0]) / PIXEL % keep
        y = (ORIGIN[1] - frame.geometry.centroid.y.to_numpy()) / PIXEL % keep
        return (np.minimum(x, keep - x) < NEAR) | (np.minimum(y, keep - y) < NEAR)

    for label, one, two in (
        ("at seams", near(found), near(truth)),
        ("elsewhere", ~near(found), ~near(truth)),
    ):
        precision, recall = right[one].mean(), hit[two].mean()
        f1 = 2 * precision * recall / (precision + recall)
        print(
            f"{label}: {two.sum():,} crowns, {one.sum():,} found, precision {precision:.3f}, recall {recall:.3f}, "
            f"F1 {f1:.3f} at IoU 0.5; windows keep {keep} px"
        )


def share(folder: Path, size: int, window: int) -> None:
    """Compare the CPU time of the last step with that of the forward passes."""
    import segmentation_models_pytorch as smp

    import geoseg
    from geoseg.job import Options, Products, scene_running
    from geoseg.job.objects import DetectOptions
    from geoseg.models import Model

    spent: dict[str, float] = {}
    inner = scene_running.write_object_products

    def measured(*arguments: Any, **options: Any) -> Any:
        begin = time.process_time()
        facts = inner(*arguments, **options)
        spent["last step"] = time.process_time() - begin
        return facts

    scene_running.write_object_products = measured
    model, pixels = geoseg.load_model(folder), size**2 / 1e6
    plain = Model(model.card, module=smp.Unet("resnet18", encoder_weights=None, classes=len(model.card.classes)))
    options = Options(device="cpu", precision="fp32", runtime="torch", window=window)
    wanted = Products(polygons=False, preview=False, objects=DetectOptions())
    with tempfile.TemporaryDirectory() as name:
        image = write_image(Path(name) / "crowns.tif", crowns(size, 21, 29.0), 22)
        job = geoseg.Job([image], Path(name) / "out", model, options=options, products=wanted)
        geoseg.run(job)  # measures the fastest settings, compiles
        shutil.rmtree(Path(name) / "out")
        begin = time.process_time()
        (result,) = geoseg.run(job)
        spent["forward"] = time.process_time() - begin - spent["last step"]
        lazy = geoseg.segment(image, plain, device="cpu", precision="fp32", runtime="torch", window=window)
        begin = time.process_time()
        lazy.classes.compute()
        spent["forward of Unet(resnet18)"] = time.process_time() - begin
    count = result.report["objects"]
    print(f"{count:,} objects in {pixels:.1f} Mpx ({count / pixels:.0f} per Mpx), CPU seconds per Mpx:")
    for what, seconds in spent.items():
        print(f"  {what} {seconds / pixels:.3f} (last step: {spent['last step'] / seconds:.1%} of it)")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("scale", "train", "seams", "share"))
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--size", type=int)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--stitch", default="trim")
    given = parser.parse_args()
    if given.what == "scale":
        scale(given.size or 20_000)
    elif given.what == "train":
        train(given.folder, given.epochs)
    elif given.what == "seams":
        seams(given.folder, given.size or 2048, given.window, given.stitch)
    else:
        share(given.folder, given.size or 2048, given.window)


if __name__ == "__main__":
    main()
