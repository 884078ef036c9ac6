"""``detect``: a raster and a model in, objects out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from geoseg.errors import OutputError
from geoseg.job.batch import run_one
from geoseg.job.objects.options import DetectOptions
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.raster import Raster
from geoseg.raster.files.members import files_of
from geoseg.segment.plan import Options
from geoseg.system.files import rename
from geoseg.system.outputs import Inputs

if TYPE_CHECKING:
    import geopandas

    from geoseg.models import Model
    from geoseg.progress.reporters import Reporter


class _Arguments(TypedDict, total=False):
    """The keyword arguments of ``detect``, for its overloads."""

    score: float | None
    classes: Sequence[str] | None
    min_area: float | None
    simplify: float | None
    regularize: str | None
    options: Options | None
    scheduler: Any
    overwrite: bool
    reporter: Reporter | None


@overload
def detect(
    raster: Any, model: str | Path | Model, *, path: None = None, **arguments: Unpack[_Arguments]
) -> geopandas.GeoDataFrame: ...


@overload
def detect(
    raster: Any, model: str | Path | Model, *, path: str | Path, **arguments: Unpack[_Arguments]
) -> dict[str, Any]: ...


def detect(
    raster: Any,
    model: str | Path | Model,
    *,
    path: str | Path | None = None,
    score: float | None = None,
    classes: Sequence[str] | None = None,
    min_area: float | None = None,
    simplify: float | None = None,
    regularize: str | None = None,
    options: Options | None = None,
    scheduler: Any = "threads",
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> geopandas.GeoDataFrame | dict[str, Any]:
    """Find the objects in a raster of any size: each one whole, also across the windows that the model sees.

    A model trained with ``task="instances"`` tells the cores of objects from their rims: each connected core is an
    object, and grows into the rim around it. One trained with ``task="boxes"`` finds the box of each object, or its
    outline; boxes of overlapping windows are merged, so that each object is there once. With any other model each
    connected region of a class is an object, and objects that touch are one.

    Parameters
    ----------
    raster
        A :class:`Raster` or anything that :func:`geoseg.open_raster` takes.
    model
        Name, folder or loaded model.
    path
        File to write, ``.gpkg``, ``.parquet`` or ``.fgb``; None returns a GeoDataFrame.
    score
        Lowest score, 0…1. The score of an object is the mean over its pixels of the probability that a pixel belongs to
        some object (with models of classes, of the confidence), summed in whole percents; of boxes the detector's. If
        None, the score with the best F1 in the model's validation (``metrics`` of its card), or 0.5 without one.
    classes
        Names of the classes of objects that are wanted; all but a background if None.
    min_area
        Objects of fewer square metres are left out.
    simplify
        Metres by which simplification may move borders, shared ones once for both neighbours; None keeps pixel edges.
    regularize
        ``"square"`` turns the edges of each object to its main directions, ``"circle"`` makes circles of what is round;
        objects that touch keep their common borders. Outlines move by at most ``simplify`` metres, or two pixels.
    options
        Windows, device, precision, memory; see :class:`geoseg.job.Options`. By default probabilities of overlapping
        windows are blended (``stitch="linear"``), which models without probabilities cannot; give ``Options()`` then.
    scheduler
        As in :class:`geoseg.Job`.
    overwrite
        Replace an existing file.
    reporter
        Receives progress and warnings; if None, warnings are printed on stderr.

    Returns
    -------
    GeoDataFrame, or with ``path`` the report as a dict
        Columns ``object_id`` (from 1), ``class_id``, ``class_name``, ``score`` (0…1), ``area_m2`` and ``perimeter_m``
        (on the ellipsoid), ``cut`` (whether the object reaches the edge of the scene's valid pixels), ``geometry``; of
        detectors also ``width_m``, ``height_m`` (longer and shorter side of the smallest rectangle around it) and
        ``angle`` (of the longer side, degrees clockwise from the raster's columns).

    Notes
    -----
    A run that is interrupted starts anew; ``geoseg.run(Job(…, products=Products(objects=DetectOptions())))`` resumes.

    Raises
    ------
    GeosegError
        If the raster cannot be read or does not fit the model, an option is invalid, or the file cannot be written.

    Examples
    --------
    >>> import geoseg
    >>> objects = geoseg.detect("scene.tif", "spectral", classes=["water"])
    >>> list(objects.columns[:4])
    ['object_id', 'class_id', 'class_name', 'score']
    """
    from geoseg.polygonize.files.write import checked_path

    target = None if path is None else checked_path(Path(path), overwrite=overwrite)
    if target is not None:
        Inputs(files_of(raster) if isinstance(raster, Raster) else raster).check(target)
    wanted = DetectOptions(score, None if classes is None else tuple(classes), regularize)
    suffix = "gpkg" if target is None else target.suffix.lower()[1:]
    products = Products(
        polygons=False, preview=False, format=suffix, min_area=min_area, simplify=simplify, objects=wanted
    )
    # Beside the file, so that it is renamed, not copied, when it is complete.
    with tempfile.TemporaryDirectory(
        prefix=".geoseg-", dir=None if target is None else target.parent, ignore_cleanup_errors=True
    ) as folder:
        job = Job(
            [raster], folder, model, options=options or Options(stitch="linear"), products=products, scheduler=scheduler
        )
        result = run_one(job, reporter)
        return _taken(result.outputs["objects"], target, result.report)


def _taken(written: Path, target: Path | None, report: dict[str, Any]) -> Any:
    if target is None:
        import geopandas

        return geopandas.read_file(written, layer="objects")
    try:
        rename(written, target)
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error
    return report
