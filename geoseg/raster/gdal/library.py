"""The GDAL libraries of rasterio and pyogrio, through ctypes: remove drivers, set options of one thread.

rasterio and pyogrio offer neither. Wheels bring a GDAL each; conda's packages share one. Where a library cannot be
loaded this way, the functions here do nothing, and the checks of files in ``untrusted`` and ``vectors`` remain.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import logging
import os
import threading
from pathlib import Path
from typing import Any

import rasterio

NETWORK_DRIVERS = (
    "WMS", "WMTS", "WCS", "HTTP", "STACIT", "STACTA", "GTI", "EEDA", "EEDAI", "PLMOSAIC", "DAAS", "OGCAPI", "NGW",
    "PLScenes", "PLSCENES", "WFS", "OAPIF", "CSW", "Carto", "AmigoCloud", "Elasticsearch",
)  # fmt: skip
"""Drivers whose files are requests to servers, or lists of such files."""

ORDER_DRIVERS = ("OGR_VRT", "GDALG", "ADBC", "GPSBabel")
"""Vector drivers whose files are orders: run SQL, an algorithm, a database driver or a program."""

_LOCK = threading.Lock()
_removed: set[str] = set()


@functools.cache
def gdal(package: str) -> Any:
    """Return the GDAL that ``rasterio`` or ``pyogrio`` uses, or None if it cannot be reached."""
    extension = importlib.import_module({"rasterio": "rasterio._base", "pyogrio": "pyogrio._io"}[package])
    folder = Path(str(extension.__file__)).parents[1] / f"{package}.libs"
    # Elsewhere than on Windows, symbols are looked up in the libraries that the extension is linked to as well.
    for path in (str(extension.__file__), *map(str, sorted(folder.glob("*gdal*.dll")))):
        try:
            library = ctypes.CDLL(path)
            library.GDALGetDriverByName.restype = ctypes.c_void_p
            library.GDALGetDriverByName.argtypes = [ctypes.c_char_p]
            library.GDALDeregisterDriver.argtypes = [ctypes.c_void_p]
            library.CPLSetThreadLocalConfigOption.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
            library.CPLGetThreadLocalConfigOption.restype = ctypes.c_char_p
            library.CPLGetThreadLocalConfigOption.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
        except (OSError, AttributeError):
            continue
        return library
    return None


def is_shared() -> bool:
    """Return whether rasterio and pyogrio use one GDAL, or may do so."""
    first, second = gdal("rasterio"), gdal("pyogrio")
    if first is None or second is None:
        return True
    address = [ctypes.cast(library.GDALGetDriverByName, ctypes.c_void_p).value for library in (first, second)]
    return address[0] == address[1]


def remove_drivers(package: str) -> None:
    """Remove from this process the drivers whose files are orders or requests to servers; once per package."""
    if package in _removed:
        return
    with _LOCK:
        if package in _removed:
            return
        names: tuple[str, ...] = NETWORK_DRIVERS
        if package == "pyogrio":
            importlib.import_module("pyogrio")  # registers its drivers
            names += ORDER_DRIVERS
        else:
            _register_without(names)
        library = gdal(package)
        for name in names if library is not None else ():
            driver = library.GDALGetDriverByName(name.encode())
            if driver:
                library.GDALDeregisterDriver(driver)
        _removed.add(package)


def _register_without(names: tuple[str, ...]) -> None:
    """Register rasterio's drivers except some; has no effect if they are registered already."""
    from rasterio._env import del_gdal_config, get_gdal_config, set_gdal_config

    before = get_gdal_config("GDAL_SKIP")
    own = before or os.environ.get("GDAL_SKIP", "")
    set_gdal_config("GDAL_SKIP", f"{own} {' '.join(names)}".strip())
    logger = logging.getLogger("rasterio._env")
    logger.addFilter(_is_news)
    try:
        with rasterio.Env():
            pass
    finally:
        logger.removeFilter(_is_news)
        if before is None:
            del_gdal_config("GDAL_SKIP")
        else:
            set_gdal_config("GDAL_SKIP", before)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether it is not GDAL's complaint that it has no such driver to skip."""
    return "GDAL_SKIP" not in record.getMessage()


class ThreadOption:
    """An option of rasterio's GDAL for one thread, as a context.

    ``rasterio.Env`` sets options of the main thread for all threads: one that reads a local file there would take the
    network from those that read remote ones.
    """

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name.encode(), value.encode()
        self._before: list[bytes | None] = []

    def __enter__(self) -> None:
        library = gdal("rasterio")
        self._before.append(library.CPLGetThreadLocalConfigOption(self._name, None))
        library.CPLSetThreadLocalConfigOption(self._name, self._value)

    def __exit__(self, *_: object) -> None:
        gdal("rasterio").CPLSetThreadLocalConfigOption(self._name, self._before.pop())
