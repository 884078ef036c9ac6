"""What several dates and sensors gain over the best single one, and what a missing one costs: mIoU on known truth.

    python tests/benchmarks/bench_inputs.py --seeds 3

The demo's landscape through a year: crops of two kinds green up and ripen, meadows dry, trees lose their leaves; all
noise is the same at every date, so that a series gains nothing by averaging it away. Clouds hide a fifth of each date.
A radar image of 20 m pixels has the speckle of five looks. Networks are trained on one landscape and mapped on another
by ``geoseg.train`` and ``geoseg.segment``; scores are over pixels that are valid in every map that is compared. One
line per seed is appended to ``--log``. With ``--arch pixel``, the default, a seed takes about ten minutes of one core;
``--arch unet`` about an hour.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

import geoseg
from geoseg.classes import LAND_COVER, NODATA
from geoseg.demo.landscape import CROP, GRASS, TREE, Landscape, make_landscape
from geoseg.demo.noise import scatter, smooth
from geoseg.demo.scene import _expose
from geoseg.demo.spectra import BANDS, FIRST, SHARES
from geoseg.evaluate.metrics import confusion, scores

DATES = ("2024-03-20", "2024-05-15", "2024-07-20", "2024-09-25")
# Steps from the greenest surface of a class at each date.
SEASONS = {"winter crop": (2, 0, 4, 5), "summer crop": (5, 4, 0, 2), "grass": (2, 0, 1, 2), "tree": (2, 0, 0, 1)}
CLOUDS = 0.2
# Backscatter in dB, VV and VH, of the six classes; crops vary by field.
RADAR = np.array([(-8, -13), (-12, -18), (-11, -17), (-3, -10), (-14, -22), (-20, -28)], np.float32)
LOOKS = 5


def at_date(land: Landscape, number: int) -> Landscape:
    """The landscape with the surfaces of one date."""
    surface = land.surface.copy()
    kind = scatter(land.patch, salt=7) < 0.5
    jitter = np.floor(scatter(land.patch, salt=8) * 3).astype(int) - 1
    for class_id, names in ((CROP, ("winter crop", "summer crop")), (GRASS, ("grass",)), (TREE, ("tree",))):
        here, last = land.classes == class_id, len(SHARES[class_id]) - 1
        step = np.where(kind, SEASONS[names[0]][number], SEASONS[names[-1]][number]) + jitter
        surface[here] = (FIRST[class_id] + np.clip(step, 0, last))[here]
    return replace(land, surface=surface)


def write(path: Path, data: np.ndarray, pixel: float, names: tuple[str, ...], nodata: float) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", count=len(data), height=data.shape[1], width=data.shape[2], dtype=data.dtype,
        crs="EPSG:32633", transform=rasterio.Affine(pixel, 0, 5e5, 0, -pixel, 5.4e6), nodata=nodata,
    ) as file:  # fmt: skip
        file.write(data)
        for index, name in enumerate(names, 1):
            file.set_band_description(index, name)
    return path


def make_place(folder: Path, size: int, seed: int) -> dict[str, Any]:
    """Write the dates, the radar image and the truth of one landscape."""
    folder.mkdir(parents=True)
    land = make_landscape(size, np.random.default_rng(seed))
    rng = np.random.default_rng(seed + 1000)
    dates = []
    for number, day in enumerate(DATES):
        reflectance = np.stack(list(_expose(at_date(land, number), np.random.default_rng(seed + 2000))))
        digital = np.clip(np.rint(reflectance * 10_000), 1, 65535).astype(np.uint16)
        cover = smooth(rng, size, size / 6)
        digital[:, cover > np.quantile(cover, 1 - CLOUDS)] = 0
        dates.append(write(folder / f"optical_{day}.tif", digital, 10, BANDS, 0))
    db = RADAR[land.classes].transpose(2, 0, 1) + (4 * scatter(land.patch, salt=9) - 2) * (land.classes == CROP)
    power = 10 ** (db / 10)
    coarse = power.reshape(2, size // 2, 2, size // 2, 2).mean((2, 4))
    speckled = coarse * rng.gamma(LOOKS, 1 / LOOKS, coarse.shape)
    radar = write(folder / "radar.tif", (10 * np.log10(speckled)).astype(np.float32), 20, ("vv", "vh"), -9999)
    truth = write(folder / "truth.tif", land.classes[None], 10, (), NODATA)
    return {"dates": dates, "radar": radar, "truth": truth, "classes": land.classes}


def train(images: Any, place: dict[str, Any], folder: Path, options: argparse.Namespace, seed: int, **more: Any) -> Any:
    names = ",".join(f"{item.id}={item.name.replace('/', ' ')}" for item in LAND_COVER)
    return geoseg.train(
        images, place["truth"], folder, classes=names, arch=options.arch, encoder=options.encoder, window=64,
        windows=options.windows, batch=8, epochs=options.epochs, lr=options.lr, seed=seed, validation=0.1,
        augment=options.augment, workers=1, **more,
    )  # fmt: skip


def mapped(source: Any, model: Any) -> np.ndarray:
    return geoseg.segment(source, model, device="cpu", precision="fp32", runtime="torch").classes.to_numpy()


def miou(maps: dict[str, np.ndarray], truth: np.ndarray) -> dict[str, float]:
    """Mean IoU of each map over the pixels that all have."""
    valid = np.logical_and.reduce([found != NODATA for found in maps.values()])
    return {name: round(scores(confusion(found[valid], truth[valid], 6)).mean_iou, 4) for name, found in maps.items()}


def run_dates(folder: Path, options: argparse.Namespace, seed: int) -> dict[str, float]:
    """Single dates, series, and series of which one date is missing."""
    here, there = places(folder, options, seed)
    maps: dict[str, np.ndarray] = {}
    for day, image, other in zip(DATES, here["dates"], there["dates"], strict=True):
        if day not in options.single:
            continue
        maps[day] = mapped(other, train(image, here, folder / day, options, seed))
    for fusion in options.series:
        series = train({"date": here["dates"]}, here, folder / fusion, options, seed, fusion=fusion)
        maps[fusion] = mapped({"date": there["dates"]}, series)
        for number, day in enumerate(DATES):
            rest = [path for place, path in enumerate(there["dates"]) if place != number]
            maps[f"{fusion} without {day}"] = mapped({"date": rest}, series)
    return miou(maps, there["classes"])


def run_sensors(folder: Path, options: argparse.Namespace, seed: int) -> dict[str, float]:
    """One optical date, radar, both, and both of which one is missing."""
    here, there = places(folder, options, seed)
    optical, other = here["dates"][1], there["dates"][1]
    maps = {
        "optical": mapped(other, train(optical, here, folder / "optical", options, seed)),
        "radar": mapped(there["radar"], train(here["radar"], here, folder / "radar", options, seed)),
    }
    for fusion in options.sensors:
        both = {"optical": optical, "radar": here["radar"]}
        model = train(both, here, folder / fusion, options, seed, fusion=fusion)
        maps[fusion] = mapped({"optical": other, "radar": there["radar"]}, model)
        maps[f"{fusion} without radar"] = mapped({"optical": other}, model)
        fine = geoseg.open_raster(there["radar"], resolution=10)
        maps[f"{fusion} without optical"] = mapped({"radar": fine}, model)
    whole = len(there["classes"])
    return miou(
        {name: np.kron(m, np.ones((whole // len(m),) * 2, np.uint8)) for name, m in maps.items()}, there["classes"]
    )


def places(folder: Path, options: argparse.Namespace, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    made = (make_place(folder / name, options.size, 10 * seed + n) for n, name in enumerate(("train", "test"), 1))
    return next(made), next(made)


def main() -> None:
    """Read the command line; train, map, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--arch", default="pixel")
    parser.add_argument("--encoder", default="tu-mobilenetv3_small_050")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--windows", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--augment", type=float, default=0.5)
    parser.add_argument("--single", nargs="*", default=list(DATES), help="Dates that are mapped alone.")
    parser.add_argument("--series", nargs="*", default=["attention"])
    parser.add_argument("--sensors", nargs="*", default=["gated"])
    parser.add_argument("--parts", nargs="*", default=["dates", "sensors"])
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="geoseg-inputs-") as folder:
            parts = {"dates": run_dates, "sensors": run_sensors}
            found: dict[str, Any] = {name: parts[name](Path(folder) / name, options, seed) for name in options.parts}
        found |= {"seed": seed, "arch": options.arch, "seconds": round(time.perf_counter() - started)}
        print(json.dumps(found, indent=1), flush=True)
        if options.log is not None:
            with options.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
