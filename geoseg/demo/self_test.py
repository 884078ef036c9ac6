"""``geoseg doctor``'s self-test: ``python -m geoseg.demo.self_test`` prints what it finds as JSON, a line per step.

Each step compares a result with the right one, which is known beforehand. See :mod:`geoseg.system.doctor.probe`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from geoseg.errors import GeosegError, one_line

# Reflectance × 10,000 of one pixel each in blue, green, red, nir, swir16, swir22, and its class by the model spectral.
_SPECTRA = {
    (200, 400, 250, 2800, 1200, 500): 0,  # tree
    (1400, 1500, 1600, 2000, 2100, 1900): 3,  # built
    (1500, 2000, 2600, 3200, 3900, 3500): 4,  # bare
    (500, 450, 250, 120, 60, 40): 5,  # water
}
_BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
_SIDE = 48
_PIXEL = 10.0

_REPORT = "report it with the text of geoseg doctor --support"
_REINSTALL = "install it again in a fresh environment: pip install --force-reinstall {}"


class WrongError(Exception):
    """A step's result is not the right one; the second argument is the remedy."""


def _say(**fact: Any) -> None:
    print(json.dumps(fact, default=str), flush=True)  # noqa: T201 - its output


def check_grids() -> str:
    """GDAL and PROJ: the meeting point of equator and a zone's central meridian, by both packages that bring PROJ."""
    import numpy as np
    import pyogrio
    import pyproj
    import rasterio
    import shapely
    from rasterio.warp import transform

    wanted = (500_000.0, 0.0)
    x, y = transform("EPSG:4326", "EPSG:32633", [15.0], [0.0])
    by_pyproj = pyproj.Transformer.from_crs(4326, 32633, always_xy=True).transform(15.0, 0.0)
    for name, found in (("rasterio", (x[0], y[0])), ("pyproj", by_pyproj)):
        if not np.allclose(found, wanted, atol=1e-3):
            raise WrongError(
                f"{name} puts 15° E, 0° N at {found} in EPSG:32633 instead of {wanted}",
                f"unset PROJ_DATA and PROJ_LIB; else {_REINSTALL.format(name)}",
            )
    if shapely.box(0, 0, 3, 4).buffer(1, join_style="mitre").area != 30.0:
        raise WrongError("shapely computes a wrong area", _REINSTALL.format("shapely"))
    return (
        f"GDAL {rasterio.__gdal_version__}, PROJ {pyproj.proj_version_str}, GEOS {shapely.geos_version_string}; "
        f"pyogrio has GDAL {pyogrio.__gdal_version_string__}; coordinates and areas are right"
    )


def check_torch() -> str:
    """Convolve a grid of numbers whose sums are known."""
    import torch

    _check_sums("cpu")
    return f"torch {torch.__version__}, {torch.get_num_threads()} threads; sums are right"


def _check_sums(device: str) -> None:
    import torch

    grid = torch.arange(64, dtype=torch.float32, device=device).view(1, 1, 8, 8)
    found = torch.nn.functional.conv2d(grid, torch.ones(1, 1, 3, 3, device=device)).sum().item()
    if found != 9 * 36 * 31.5:
        raise WrongError(f"torch sums to {found} instead of {9 * 36 * 31.5} on {device}", _REINSTALL.format("torch"))


def list_devices() -> str:
    """Report every device of every runtime, and why others are not used."""
    from geoseg.models.inference.device import choose_device, cuda_missing, device_name, devices
    from geoseg.models.runtimes.choices import is_installed

    names = devices()
    for name in names:
        text = device_name(name)
        if name.startswith("cuda"):
            import torch

            free, total = torch.cuda.mem_get_info(int(name.partition(":")[2]))
            text += f", {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
        _say(device=name, text=text)
    if (why := cuda_missing()) is not None:
        fact = _no_cuda(why)
        _say(device="cuda", **fact)
    if is_installed("openvino"):
        from geoseg.models.runtimes.openvino_convert import core

        for name in core().available_devices:
            _say(device=f"openvino:{name.lower()}", text=str(core().get_property(name, "FULL_DEVICE_NAME")).strip())
    else:
        _say(device="openvino", text='not installed; often faster on processors: pip install "geoseg[openvino]"',
             value=None)  # fmt: skip
    return f"geoseg would run {choose_device('auto')[1]}"


def _no_cuda(why: str) -> dict[str, Any]:
    """Return why CUDA is not used; a warning if there is an NVIDIA GPU that could be."""
    import shutil

    gpu = shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()
    if not gpu:
        return {"text": f"not used: {why}"}
    if "built without" in why:
        remedy = "install a torch that is built for it: uv pip install --torch-backend=auto torch"
    else:
        remedy = "nvidia-smi shows whether the driver works; in a container give it the GPU (docker run --gpus all …)"
    return {"text": f"an NVIDIA GPU is there and not used: {why}", "status": "warning", "remedy": remedy}


def check_device() -> str:
    """Compute the known sums on the device that would be used."""
    from geoseg.models.inference.device import choose_device

    device, _ = choose_device("auto")
    _check_sums(device)
    return f"sums are right on {device}"


def check_models() -> str:
    """Reproduce the answer that the default model's card holds."""
    from geoseg.models import DEFAULT_MODEL, check_model

    return f"{DEFAULT_MODEL}: {check_model(DEFAULT_MODEL)[-1]}"


def check_run() -> str:
    """Segment four fields whose classes are known: class map, confidence and polygons must be theirs."""
    import numpy as np
    import rasterio

    from geoseg.job import Job, Options, Products
    from geoseg.job.batch import run_one

    order = np.array([[0, 1], [2, 3]]).repeat(_SIDE // 2, 0).repeat(_SIDE // 2, 1)
    spectra, classes = np.array(list(_SPECTRA), np.uint16), np.array(list(_SPECTRA.values()), np.uint8)
    wanted = classes[order]
    with tempfile.TemporaryDirectory(prefix="geoseg-doctor-", ignore_cleanup_errors=True) as folder:
        scene = Path(folder) / "scene.tif"
        profile = {"driver": "GTiff", "height": _SIDE, "width": _SIDE, "count": len(_BANDS), "dtype": "uint16"}
        grid = rasterio.Affine(_PIXEL, 0, 500_000, 0, -_PIXEL, 5_400_000)
        with rasterio.open(scene, "w", **profile, crs="EPSG:32633", transform=grid) as file:
            file.write(np.moveaxis(spectra[order], -1, 0))
            file.descriptions = _BANDS
        options = Options(device="cpu", precision="fp32", runtime="torch", workers=1)
        result = run_one(
            Job([scene], Path(folder) / "out", "spectral", options=options, products=Products(preview=False))
        )
        with rasterio.open(result.outputs["classes"]) as file:
            wrong = int((file.read(1) != wanted).sum())
        if wrong:
            raise WrongError(
                f"{wrong} of {wanted.size} pixels have a wrong class", "report it with geoseg doctor --support"
            )
        areas = {facts["id"]: facts["area_m2"] for facts in result.report["classes"].values()}
        field = (_SIDE // 2 * _PIXEL) ** 2
        # On the ellipsoid: a UTM grid is smaller than the ground by 0.9996² at its central meridian.
        if not all(abs(areas[number] / field - 1) < 2e-3 for number in classes.tolist()):
            raise WrongError(f"polygons have areas {areas} instead of {field} m² each", _REPORT)
    return f"all {wanted.size:,} pixels have the right class, and 4 polygons the right area"


def steps() -> dict[str, Callable[[], str]]:
    """Return the steps by name, in order."""
    return {
        "GDAL, PROJ, GEOS": check_grids,
        "torch": check_torch,
        "devices": list_devices,
        "device": check_device,
        "model": check_models,
        "run": check_run,
    }


def main() -> None:
    """Run all steps; one that fails does not keep the others from running."""
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory(prefix="geoseg-doctor-cache-", ignore_cleanup_errors=True) as cache:
        os.environ["GEOSEG_CACHE"] = cache  # what is measured here says nothing about later runs
        for name, step in steps().items():
            _say(begin=name)
            start = time.perf_counter()
            try:
                fact: dict[str, Any] = {"text": step()}
            except WrongError as error:
                fact = {"text": error.args[0], "status": "error", "remedy": error.args[1]}
            except GeosegError as error:
                fact = {"text": str(error), "status": "error", "remedy": ""}
            except Exception as error:  # noqa: BLE001 - whatever is broken is to be told
                traceback.print_exc()
                package = error.name if isinstance(error, ImportError) and error.name else "geoseg"
                remedy = _REINSTALL.format(package.partition(".")[0])
                fact = {"text": f"{type(error).__name__}: {one_line(error)}", "status": "error", "remedy": remedy}
            _say(step=name, seconds=round(time.perf_counter() - start, 3), **fact)
    _say(end=True)


if __name__ == "__main__":
    main()
