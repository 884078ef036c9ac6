"""compress_model(): a model, or several, and images -> a smaller model folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import OptionError
from geoseg.progress.reporters import Reporter, Silent
from geoseg.system.outputs import Inputs, local_path
from geoseg.train.compress.options import CompressOptions
from geoseg.train.compress.verdict import Compression
from geoseg.train.options import TrainOptions, as_list, check_installed

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

    from geoseg.models import Model
    from geoseg.raster import Raster
    from geoseg.train.compress.run import Run
    from geoseg.train.compress.run_int8 import Int8Run
    from geoseg.train.data.label_images import Sources


def compress_model(
    model: str | os.PathLike[str] | Model,
    output: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | Raster | xr.DataArray | Sequence[Any] | Mapping[str, Any],
    labels: str | os.PathLike[str] | gpd.GeoDataFrame | Sequence[Any] | None = None,
    prune: float | None = None,
    distil: str | os.PathLike[str] | Model | Sequence[Any] = (),
    int8: bool = False,
    arch: str | None = None,
    encoder: str | None = None,
    weights: str | None = None,
    max_loss: float = 0.01,
    class_field: str | None = None,
    ignore: Sequence[str] = (),
    reading: Mapping[str, Any] | None = None,
    loss: str = "ce+dice",
    lr: float = 1e-3,
    epochs: int = 20,
    batch: int | None = None,
    window: int | None = None,
    windows: int | None = None,
    augment: float = 1.0,
    block_size: float | None = None,
    groups: str | None = None,
    validation: float = 0.2,
    seed: int = 0,
    device: str = "auto",
    workers: int | None = None,
    memory: str | int | None = None,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Compression:
    """Make a smaller, faster model from a trained one, and keep it only if it pays.

    With ``prune`` or ``distil`` the small network learns from the probabilities that the original, or its teachers,
    give on images, and from labels if there are any. With ``int8`` nothing is trained: weights and activations are
    rounded to 8-bit integers, whose ranges come from windows of the images, and layers that suffer stay in float32.
    Whole places are held out: mean IoU before and after is measured there, against the labels, or against the
    original's classes without labels. Nothing is written if more than ``max_loss`` is lost, or neither speed nor size
    is gained.

    Parameters
    ----------
    model
        The model to make smaller, by name, folder or loaded.
    output
        Model folder to write.
    images
        As of :func:`geoseg.train`, for a model of several inputs a mapping; they need no labels.
    labels
        Labels of the images, if there are any, with the model's classes; images without are left out.
    prune
        Share of the channels to remove from each layer, between 0 and 1: 0.3 leaves about half of the parameters. For
        networks of segmentation-models-pytorch; needs the extra ``compress``.
    distil
        One or several models to learn from, with the model's classes by name; of several, the mean of probabilities.
    int8
        Quantise to 8-bit integers (static, post-training). The result is an ONNX graph; needs the extra ``onnx``.
    arch, encoder
        With ``distil``: the network to teach, for the bands and classes of ``model``. If one is None it is
        ``"unet"``, or ``"tu-mobilenetv4_conv_small_035"``; if both are, the network of ``model`` itself is taught.
    weights
        Pretrained weights of a new network, as of :func:`geoseg.train`.
    max_loss
        Largest loss of mean IoU, from 0 to below 1.
    class_field, ignore, reading
        As of :func:`geoseg.train`.
    loss, lr, epochs, batch, window, windows, augment, seed
        Training, as of :func:`geoseg.train`. With ``int8``, ``windows`` are those that give the ranges, 32 by default.
    block_size, groups, validation
        Places held out, as of :func:`geoseg.train`.
    device, workers, memory
        As of :func:`geoseg.train`; speed is measured on ``device``.
    overwrite
        Replace an existing model.
    reporter
        Receives progress and messages; if None, warnings go to stderr.

    Returns
    -------
    Compression
        Scores, speed and size before and after, and the model.

    Raises
    ------
    CompressionError
        If the small model does not pay; it is not written.
    GeosegError
        If model, images, labels or options cannot be used, or the output may not be written.

    Examples
    --------
    >>> import geoseg
    >>> quick = {"window": 64, "batch": 4, "windows": 8, "epochs": 1, "block_size": 640, "max_loss": 0.9}
    >>> small = geoseg.compress_model(
    ...     "spectral", "small", distil="spectral", encoder="tu-mobilenetv3_small_050", images="scene.tif", **quick
    ... )  # doctest: +SKIP
    >>> small.model  # doctest: +SKIP
    Model('small')
    """
    training = TrainOptions(
        arch=arch or TrainOptions.arch, encoder=encoder or TrainOptions.encoder, weights=weights, loss=loss, lr=lr,
        epochs=epochs, batch=batch, window=window, windows=windows, augment=augment, block_size=block_size,
        split="groups" if groups else "blocks", groups=groups, validation=validation, seed=seed, device=device,
        workers=workers, memory=memory,
    )  # fmt: skip
    options = CompressOptions(prune, tuple(as_list(distil)), int8, arch, encoder, weights, max_loss, training)
    target = local_path(output)
    listed = [] if labels is None else as_list(labels)
    _check_installed(options)
    from geoseg.models import load_model
    from geoseg.raster.stacks.places import files_of
    from geoseg.train.data.label_images import Sources
    from geoseg.train.data.stacks import task_of
    from geoseg.train.run import check_output

    loaded, *teachers = (load_model(one) for one in (model, *options.distil))
    options = replace(options, training=replace(training, task=task_of(loaded.card)))
    Inputs(files_of(images), listed, weights, groups, [one.folder for one in (loaded, *teachers)]).check_folder(target)
    check_output(target, overwrite=overwrite)
    sources = Sources(as_list(images), listed, class_field, None, tuple(ignore), dict(reading or {}))
    if not sources.images:
        raise OptionError("no image given: name rasters or a folder of them with --images")
    run = _run(loaded, options, sources, target, reporter or Silent())
    with tempfile.TemporaryDirectory(prefix="geoseg-compress-", ignore_cleanup_errors=True) as folder:
        try:
            return run.made(Path(folder))
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing is kept") from None


def _check_installed(options: CompressOptions) -> None:
    if options.int8:
        from geoseg.models.export.trace import check_installed as check_exporting

        check_exporting()
    else:
        check_installed()


def _run(model: Model, options: CompressOptions, sources: Sources, output: Path, reporter: Reporter) -> Run | Int8Run:
    if options.int8:
        from geoseg.train.compress.run_int8 import Int8Run

        return Int8Run(model, options, sources, output, reporter)
    from geoseg.train.compress.run import Run

    return Run(model, options, sources, output, reporter)
