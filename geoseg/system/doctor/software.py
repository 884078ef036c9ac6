"""Versions of geoseg and what it stands on, read without importing any of it, and settings that change them."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from geoseg._version import __version__
from geoseg.system.doctor.entry import Entry

_FOLDERS = {
    "PROJ_DATA": "proj.db",
    "PROJ_LIB": "proj.db",
    "GDAL_DATA": "gdalvrt.xsd",
}
"""Variables that name a folder, and a file that it must hold."""

_TELLING = (
    "GEOSEG_CACHE", "GEOSEG_MODELS", "GDAL_DATA", "GDAL_DRIVER_PATH", "GDAL_SKIP", "GDAL_NUM_THREADS", "GDAL_CACHEMAX",
    "PROJ_DATA", "PROJ_LIB", "PROJ_NETWORK", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "PYTORCH_CUDA_ALLOC_CONF",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "LD_PRELOAD", "CONDA_DEFAULT_ENV", "LANG", "LC_ALL", "TMPDIR",
)  # fmt: skip

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[^\]]*\])?(?P<bounds>[^;]*)(?:;(?P<marker>.*))?")


def program_entries() -> list[Entry]:
    """Return geoseg, Python and the system."""
    return [
        Entry("geoseg", __version__),
        Entry("Python", f"{platform.python_version()} ({platform.python_implementation()}, {_bits()} bit)",
              platform.python_version()),
        Entry("system", platform.platform()),
    ]  # fmt: skip


def _bits() -> int:
    return 64 if sys.maxsize > 2**32 else 32


def library_entries() -> list[Entry]:
    """Return the version of every package that geoseg needs, and of those of its extras that are installed."""
    found, extras = [], {}
    for name, least, extra in _requirements():
        if extra and (name in extras or extra in ("test", "dev", "docs", "notebook")):
            continue
        try:
            have = version(name)
        except PackageNotFoundError:
            if not extra:
                found.append(
                    Entry(name, "not installed", None, "error", f'pip install "{name}>={least}"' if least else name)
                )
            continue
        entry = Entry(name, have)
        if least and _numbers(have) < _numbers(least):
            remedy = f'pip install --upgrade "{name}>={least}"'
            entry = Entry(name, f"{have} is older than {least}, the oldest that works", have, "error", remedy)
        if extra:
            extras[name] = entry
        else:
            found.append(entry)
    names = {entry.name for entry in found}
    return found + [entry for name, entry in extras.items() if name not in names]


def _requirements() -> Iterator[tuple[str, str, str]]:
    """Yield name, least version and extra of each requirement in geoseg's own metadata."""
    try:
        listed = requires("geoseg") or []
    except PackageNotFoundError:  # run from a folder of sources
        return
    for text in listed:
        if match := _REQUIREMENT.match(text):
            least = re.search(r">=\s*([\w.]+)", match["bounds"])
            extra = re.search(r"extra\s*==\s*['\"]([\w-]+)", match["marker"] or "")
            yield match["name"], least[1] if least else "", extra[1] if extra else ""


def _numbers(text: str) -> tuple[int, ...]:
    """Return ``"2.4.1+cu124"`` as (2, 4, 1): enough to compare with a least version."""
    return tuple(int(part) for part in re.match(r"\d*(?:\.\d+)*", text)[0].split(".") if part)  # type: ignore[index]


def environment_entries() -> list[Entry]:
    """Return the variables that change what the libraries do, as far as they are set, without those of passwords."""
    found = []
    for name in _TELLING:
        value = os.environ.get(name)
        if value is None:
            continue
        wanted = _FOLDERS.get(name)
        if wanted and not any((Path(one) / wanted).is_file() for one in value.split(os.pathsep)):
            remedy = f"unset it: rasterio and pyproj bring along what they need (Linux, macOS: unset {name})"
            found.append(Entry(name, f"{value} has no {wanted}", value, "warning", remedy))
        else:
            found.append(Entry(name, value))
    return found


def version_lines() -> list[str]:
    """Return what ``geoseg --version`` prints: geoseg's own version first, for programs, then what it stands on."""
    names = ("torch", "openvino", "onnxruntime", "segmentation-models-pytorch", "rasterio", "pyproj", "shapely", "dask")
    lines = [f"geoseg, version {__version__}"]
    lines += [f"  {entry.name:<10} {entry.text}" for entry in program_entries()[1:]]
    lines += [f"  {name:<10} {found}" for name, found in native_versions().items()]
    have = []
    for name in names:
        try:
            have.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return [*lines, f"  {'packages':<10} {', '.join(have)}"]


def native_versions() -> dict[str, str]:
    """Return the versions of GDAL, PROJ and GEOS; imports the packages that carry them."""
    found = {}
    try:
        import rasterio

        found["GDAL"] = rasterio.__gdal_version__
        import pyproj

        found["PROJ"] = pyproj.proj_version_str
        import shapely

        found["GEOS"] = shapely.geos_version_string
    except Exception as error:  # noqa: BLE001 - a version is no reason to fail
        found["broken"] = f"{type(error).__name__}: {error}"
    return found
