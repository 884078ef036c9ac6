"""geoseg: rasters of any size in; georeferenced class maps and clean land-cover polygons out.

The whole public interface is on this page. Names are loaded on first use, so that ``import geoseg`` and
``geoseg --help`` cost milliseconds, not the seconds that torch takes.

Packages, top down; each imports only from the lines below it (``tests/test_architecture.py`` holds it)::

    __main__
    cli                     parse the command line, call one function, print
    demo                    a made-up scene with known truth, and the run over it
    change                  two class maps or scenes -> what changed
    train, job              labelled rasters -> a model;  scenes x model -> a folder
    evaluate, polygonize    a map against a reference;  a class map -> polygons
    segment                 windows of one scene -> a block's classes
    write, models           COGs, styles, class names;  cards, networks, inference
    raster, progress        anything GDAL reads -> bands on one GeoBox;  what a run reports
    classes, tiling, system, geodesy    values and helpers: classes, windows, files and resources, areas
    jit                     compiled loops
    errors, _version
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from geoseg._version import __version__

if TYPE_CHECKING:
    from geoseg.change import change
    from geoseg.errors import GeosegError
    from geoseg.evaluate import evaluate
    from geoseg.job import Job, SceneResult, run
    from geoseg.job.objects.api import detect
    from geoseg.job.objects.clicks import click
    from geoseg.models import ModelCard, load_model
    from geoseg.polygonize import polygonize
    from geoseg.raster import Raster, open_raster
    from geoseg.raster.composite import composite
    from geoseg.segment import segment
    from geoseg.train import train
    from geoseg.train.compress import compress_model
    from geoseg.train.sketch import sketch
    from geoseg.write import write_cog

_HOME = {
    "GeosegError": "geoseg.errors",
    "Job": "geoseg.job",
    "ModelCard": "geoseg.models",
    "Raster": "geoseg.raster",
    "SceneResult": "geoseg.job",
    "change": "geoseg.change",
    "click": "geoseg.job.objects.clicks",
    "composite": "geoseg.raster.composite",
    "compress_model": "geoseg.train.compress",
    "detect": "geoseg.job.objects.api",
    "evaluate": "geoseg.evaluate",
    "load_model": "geoseg.models",
    "open_raster": "geoseg.raster",
    "polygonize": "geoseg.polygonize",
    "run": "geoseg.job",
    "segment": "geoseg.segment",
    "sketch": "geoseg.train.sketch",
    "train": "geoseg.train",
    "write_cog": "geoseg.write",
}

__all__ = [
    "GeosegError",
    "Job",
    "ModelCard",
    "Raster",
    "SceneResult",
    "__version__",
    "change",
    "click",
    "composite",
    "compress_model",
    "detect",
    "evaluate",
    "load_model",
    "open_raster",
    "polygonize",
    "run",
    "segment",
    "sketch",
    "train",
    "write_cog",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'geoseg' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps ``geoseg.segment`` the function: importing a submodule of that name would put the module there."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
