"""geoseg beside the libraries of this field, on one scene with one set of weights, window and overlap.

    python tests/benchmarks/bench_peers.py --folder FOLDER [--peers naive monai …] [--size 4096] [--network r18|tiny]

Every peer gets an environment of its own from PyPI under FOLDER/env (made once; ``uv`` is used where it is installed)
and is run as its documentation shows (``peer_adapters.py``). A measurement is from the open file to the written class
map, in a process of its own, with imports and weights done; the contestants take turns, and medians are compared.
Deepness is no library but a plugin of QGIS: what it does with an ONNX model is done here by ``onnx``, with ONNX Runtime
and a loop. geoseg runs twice: with the peers' window and overlap in fp32, and as it is by default. A library that
cannot be had or does not run is listed with the reason.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

BASE = ["torch", "segmentation-models-pytorch", "rasterio", "safetensors", "numpy"]

PACKAGES = {
    "naive": [],
    "monai": ["monai"],
    "torchgeo": ["torchgeo", "requests"],  # which it imports without asking for it
    "terratorch": ["terratorch"],
    "geoai": ["geoai-py"],
    "rastervision": ["rastervision_pytorch_backend"],
    "onnx": ["onnx", "onnxscript", "onnxruntime"],
}

OURS, OURS_SAME = "geoseg", "geoseg, same windows, fp32"

NETWORKS = {
    "r18": ("resnet18", {}),
    "tiny": ("tu-mobilenetv4_conv_small_035", {"decoder_channels": (32, 24, 16, 12, 8)}),
}


def environment(folder: Path, peer: str) -> Path:
    """Make the peer's environment once; return its Python."""
    home = folder / "env" / peer
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if (home / "ready").exists():
        return python
    packages = BASE + PACKAGES[peer]
    uv = shutil.which("uv")
    if uv:
        commands = [
            [uv, "venv", "-q", "--clear", str(home)],
            [uv, "pip", "install", "-q", "--python", str(python), *packages],
        ]
    else:
        commands = [[sys.executable, "-m", "venv", str(home)], [str(python), "-m", "pip", "install", "-q", *packages]]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, text=True)
    (home / "ready").touch()
    return python


def run(command: list[str]) -> dict:
    """One measurement; the reason where there is none."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    if result.returncode or not lines:
        said = [line for line in result.stderr.splitlines() if line.strip()] or ["nothing was printed"]
        return {"failed": said[-1][:160]}
    return json.loads(lines[-1])


def agreement(one: Path, other: Path) -> float:
    """Share of pixels of the same class, a frame of 256 pixels left out: borders are everybody's own affair."""
    import rasterio

    with rasterio.open(one) as a, rasterio.open(other) as b:
        frame = slice(256, -256)
        return float((a.read(1)[frame, frame] == b.read(1)[frame, frame]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--peers", nargs="+", choices=list(PACKAGES), default=list(PACKAGES))
    parser.add_argument("--network", choices=list(NETWORKS), default="r18")
    for name, value in (("size", 4096), ("tile", 512), ("overlap", 128), ("batch", 4), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(HERE))
    from bench_segment import make_scene, make_unet
    from safetensors.torch import save_file

    from geoseg.models import load_model

    encoder, kwargs = NETWORKS[given.network]
    scene, weights = given.folder / f"scene{given.size}.tif", given.folder / f"{given.network}.safetensors"
    if not scene.exists():
        make_scene(scene, given.size, bands=4)
    model = make_unet(given.folder / given.network, encoder, 4, **kwargs)
    save_file(dict(load_model(model).module().state_dict()), weights)

    common = ["--scene", str(scene), "--weights", str(weights), "--encoder", encoder, "--kwargs", json.dumps(kwargs)]
    sizes = ["--tile", str(given.tile), "--overlap", str(given.overlap), "--batch", str(given.batch)]
    commands, failed = {}, {}
    for peer in given.peers:
        try:
            python = environment(given.folder, peer)
        except subprocess.CalledProcessError as error:
            failed[peer] = (error.stderr.strip().splitlines() or ["cannot be installed"])[-1][:160]
            continue
        out = ["--out", str(given.folder / f"out_{peer}.tif")]
        commands[peer] = [str(python), str(HERE / "peer_adapters.py"), peer, *common, *sizes, *out]
    same = ["--tile", str(given.tile), "--margin", str(given.overlap // 2)]
    for name, more in ((OURS, []), (OURS_SAME, same)):
        commands[name] = [sys.executable, str(HERE / "bench_peers_geoseg.py"), str(scene), model, *more]
        commands[name] += ["--out", str(given.folder / name)]

    found: dict[str, list[dict]] = {name: [] for name in commands}
    for _ in range(given.repeats):
        for name, command in commands.items():
            if name not in failed:
                result = run(command)
                if "failed" in result:
                    failed[name] = result["failed"]
                else:
                    found[name].append(result)
    report(given, found, failed)


def report(given: argparse.Namespace, found: dict[str, list[dict]], failed: dict[str, str]) -> None:
    seconds = {name: statistics.median(r["seconds"] for r in results) for name, results in found.items() if results}
    ours = seconds.get(OURS)
    maps = {name: given.folder / f"out_{name}.tif" for name in found}
    for name in (OURS, OURS_SAME):
        maps[name] = given.folder / name / f"scene{given.size}_classes.tif"
    reference = maps[OURS_SAME]
    print(
        f"Unet({NETWORKS[given.network][0]}), {given.size}² × 4 uint16, windows {given.tile}, overlap {given.overlap}\n"
    )
    print("| | Mpx/s | geoseg is | peak memory | same class as geoseg with its windows |\n|---|---|---|---|---|")
    for name in sorted(seconds, key=seconds.get):
        rate = given.size**2 / seconds[name] / 1e6
        peak = max(result["peak"] for result in found[name]) / 1e6
        same = f"{agreement(maps[name], reference):.2%}" if maps[name].exists() and reference.exists() else ""
        times = f"{seconds[name] / ours:.2f} ×" if ours else ""
        print(f"| {name} | {rate:.2f} | {times} | {peak:.0f} MB | {same} |")
    for name, reason in failed.items():
        print(f"| {name} | – | did not run: {reason} | | |")


if __name__ == "__main__":
    main()
