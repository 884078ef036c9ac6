"""``sample_picture``: a model's map of the middle of a scene, beside it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from geoseg.errors import InputError, OutputError
from geoseg.job.batch import run
from geoseg.job.objects.options import DetectOptions
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.models import load_model
from geoseg.raster import open_raster
from geoseg.system.files import complete
from geoseg.tiling import Box

_SIDE = 1024
"""Side of the part that is mapped, in pixels."""


def sample_picture(model: str, scene: str, path: Path) -> Path:
    """Map the middle of a scene with a model and write both, side by side with the legend, as PNG.

    Parameters
    ----------
    model
        Name or folder of a model of classes or objects.
    scene
        What :func:`geoseg.open_raster` takes; it is held against the model's card as in every run.
    path
        The picture; an earlier one is replaced.

    Raises
    ------
    GeosegError
        If the scene cannot be read or does not fit the model, or the picture cannot be written.
    """
    raster = open_raster(scene)
    height, width = raster.shape
    box = Box(max((height - _SIDE) // 2, 0), max((width - _SIDE) // 2, 0), min(height, _SIDE), min(width, _SIDE))
    extent = raster.cut(box).grid.bounds()
    objects = DetectOptions() if load_model(model).card.boxes is not None else None
    with tempfile.TemporaryDirectory(prefix="geoseg-sample-", ignore_cleanup_errors=True) as folder:
        products = Products(polygons=False, preview=True, html=False, objects=objects)
        [result] = run(Job([scene], folder, model, reading={"bbox": extent}, products=products))
        made = result.outputs.get("preview")
        if made is None:
            raise InputError(f"{scene}: its middle could not be mapped ({result.error or 'no data there'})")
        try:
            with complete(path) as part:
                part.write_bytes(Path(made).read_bytes())
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path
