"""pretrain(): unlabelled scenes -> a folder with an encoder."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg._version import __version__
from geoseg.errors import OptionError, OutputError
from geoseg.progress.reporters import Reporter, Silent
from geoseg.system.outputs import Inputs, local_path
from geoseg.train.options import TrainOptions, as_list, check_installed

if TYPE_CHECKING:
    import xarray as xr

    from geoseg.models import ModelCard
    from geoseg.raster import Raster
    from geoseg.train.data.label_images import Sources
    from geoseg.train.semi.scenes import Unlabelled

EPOCHS, WINDOWS, MASKED = 30, 512, 0.6
"""Epochs, windows per epoch, and share of each window that is hidden."""

# Default side of windows and of hidden squares, in pixels.
_WINDOW, _PATCHES_PER_SIDE, _LEAST_PATCH = 128, 16, 4

# Scenes that the facts list by name.
_LISTED = 40


def pretrain(
    scenes: str | os.PathLike[str] | Raster | xr.DataArray | Sequence[Any],
    output: str | os.PathLike[str],
    *,
    arch: str = "unet",
    encoder: str = "resnet18",
    weights: str | None = None,
    masked: float = MASKED,
    reading: Mapping[str, Any] | None = None,
    lr: float | None = None,
    epochs: int = EPOCHS,
    batch: int | None = None,
    window: int | None = None,
    windows: int = WINDOWS,
    seed: int = 0,
    precision: str = "auto",
    device: str = "auto",
    workers: int | None = None,
    memory: str | int | None = None,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Path:
    """Train an encoder on scenes without labels: it learns to fill in squares that are hidden.

    ``geoseg.train(…, encoder=…, weights=output)`` starts from it, on the same bands or others.

    Parameters
    ----------
    scenes
        As the images of :func:`geoseg.train`.
    output
        Folder to write: the encoder as safetensors, and a JSON file that describes it.
    arch
        Architecture whose decoder fills in; it is not kept.
    encoder, weights, lr, epochs, batch, seed, precision, device, workers, memory
        As of :func:`geoseg.train`.
    masked
        Share of each window that is hidden, between 0 and 1.
    reading
        Keyword arguments of :func:`open_raster` for every scene.
    window
        Side of windows in pixels; 128, or less for small scenes, if None.
    windows
        Windows per epoch.
    overwrite
        Replace an existing encoder.
    reporter
        Receives progress and messages; if None, warnings go to stderr.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    GeosegError
        If scenes or options cannot be used, or the output may not be written.

    Examples
    --------
    >>> from geoseg.train.pretrain import pretrain
    >>> pretrain("scene.tif", "my-encoder", epochs=1, windows=8, batch=4, window=64)  # doctest: +SKIP
    PosixPath('my-encoder')
    """
    if not 0 < masked < 1:
        raise OptionError(f"masked must lie between 0 and 1, got {masked:g}: 0.6 is usual")
    options = TrainOptions(
        arch=arch, encoder=encoder, weights=weights, lr=lr, epochs=epochs, batch=batch, window=window, windows=windows,
        seed=seed, precision=precision, device=device, workers=workers, memory=memory, validation=0.0,
    )  # fmt: skip
    target = local_path(output)
    check_installed()
    from geoseg.train.data.label_images import Sources

    Inputs(scenes, weights).check_folder(target)
    _check_output(target, overwrite=overwrite)
    images = as_list(scenes)
    if not images:
        raise OptionError("no scene given: name rasters or a folder of them")
    sources = Sources(images, (), reading=dict(reading or {}), unlabelled=images)
    with tempfile.TemporaryDirectory(prefix="geoseg-pretrain-", ignore_cleanup_errors=True) as folder:
        try:
            return _pretrained(sources, options, masked, target, Path(folder), reporter or Silent())
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing is kept") from None


def _check_output(output: Path, *, overwrite: bool) -> None:
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    from geoseg.train.start.weights import FACTS_FILE

    if not (output / FACTS_FILE).is_file():
        raise OutputError(f"{output} is in the way and no encoder; name a new folder")
    if not overwrite:
        raise OutputError(f"{output} already holds an encoder; name another folder, or replace it with --overwrite")


def _pretrained(
    sources: Sources, options: TrainOptions, masked: float, output: Path, folder: Path, reporter: Reporter
) -> Path:
    from lightning.pytorch.callbacks import Callback

    from geoseg.train.data.augment import Augment
    from geoseg.train.fit import Task, fit
    from geoseg.train.prepare import Prepared
    from geoseg.train.pretrain.masking import MaskedWindows, Reconstruction
    from geoseg.train.start.network import start_network
    from geoseg.train.validation.split import Split

    reporter.start(
        images=[str(image) for image in sources.images], output=str(output), epochs=options.epochs,
        encoder=options.encoder,
    )  # fmt: skip
    card, scenes, window = _opened(sources, options, reporter)
    reporter.info(f"{scenes.summary}; windows of {window} px")
    network, start = start_network(card, options, None, window)
    reporter.info(f"starting from {start}")
    patch = max(window // _PATCHES_PER_SIDE, _LEAST_PATCH)
    zoom = Augment(options.augment).zoom
    samples = MaskedWindows(scenes, window=window, patch=patch, masked=masked, zoom=zoom, seed=options.seed)
    losses: list[float] = []

    class Remember(Callback):
        """Keeps the loss of each epoch."""

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
            losses.append(float(trainer.callback_metrics["train_loss"]))

    prepared = Prepared(card, (), (), Split((), "no labels"), scenes.cell, window)
    task = Task(
        prepared, options, network, start, folder, "pretrain", scored=False, samples=samples, loss=Reconstruction(),
        names=tuple(scenes.names),
    )  # fmt: skip
    fitted = fit(task, reporter, callbacks=[Remember()])
    scenes.check_unchanged()
    names = scenes.names
    facts = {
        "geoseg": __version__,
        "encoder": options.encoder,
        "bands": [band.name for band in card.bands],
        "value_scaling": [step and step.to_json() for step in card.value_scaling],
        "method": f"masked reconstruction: {masked:.0%} of squares of {patch} px hidden",
        "start": start,
        "scenes": [*names[:_LISTED], *([f"and {len(names) - _LISTED} more"] if len(names) > _LISTED else [])],
        "epochs": fitted.epochs, "windows": fitted.windows, "window": window, "batch": fitted.batch, "lr": fitted.lr,
        "seed": options.seed, "loss": [round(loss, 5) for loss in losses],
    }  # fmt: skip
    _write(output, fitted.state, facts)
    reporter.info(
        f"{output}: error of what was hidden {losses[0]:.4f} in the first epoch, {losses[-1]:.4f} in the last; use it "
        f"with geoseg train --encoder {options.encoder} --weights {output}"
    )
    reporter.result(outputs={"encoder": str(output)}, metrics={"loss": losses[-1]})
    return output


def _opened(sources: Sources, options: TrainOptions, reporter: Reporter) -> tuple[ModelCard, Unlabelled, int]:
    """Return the card of a network that fills in the bands of the scenes, the scenes, and the side of windows."""
    import numpy as np

    from geoseg.classes import MapClass
    from geoseg.models import BandSpec, ModelCard
    from geoseg.models.card.stac import ENCODER_GEOMETRY
    from geoseg.models.networks.smp import smp_class
    from geoseg.tiling import round_up
    from geoseg.train.data.images import open_images
    from geoseg.train.data.label_counts import cell_side
    from geoseg.train.data.statistics import measure
    from geoseg.train.semi.scenes import check_valid, open_unlabelled
    from geoseg.train.validation.split import Parts

    rasters = open_images(sources.images, sources.reading, None)
    for raster in rasters:
        check_valid(raster)
    stride = ENCODER_GEOMETRY["stride"]
    largest = round_up(max(max(raster.shape) for raster in rasters), stride)
    window = round_up(options.window, stride) if options.window else min(_WINDOW, largest)
    cell = cell_side([raster.shape for raster in rasters], window)
    parts = []
    for raster in rasters:
        nowhere = np.zeros([-(-n // cell) for n in raster.shape], np.bool_)
        everywhere = np.ones((*nowhere.shape, 1), np.int64)
        parts.append(Parts(nowhere, nowhere, everywhere, np.zeros_like(everywhere)))
    bands = tuple(BandSpec(name=b.name, scale=b.scale, offset=b.offset) for b in rasters[0].bands)
    statistics = measure(rasters, bands, parts, cell, options.seed)
    card = ModelCard(
        name="encoder",
        architecture=smp_class(options.arch).__name__,
        hyperparameters={"encoder": options.encoder},
        bands=bands,
        value_scaling=statistics.scaling(),
        value_range=statistics.value_range(rasters[0].dtype),
        value_percentiles=statistics.percentiles,
        # One output for each band.
        classes=tuple(MapClass(i, band.name, "#808080") for i, band in enumerate(bands)),
        stride=stride,
        margin=stride,
        min_window=stride,
    )
    scenes, warnings = open_unlabelled(sources, card, (), window, reference=rasters[0])
    for warning in warnings[:5]:
        reporter.warning(warning)
    return card, scenes, window


def _write(output: Path, state: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    from geoseg.train.model_folder import replaced_folder
    from geoseg.train.start.weights import ENCODER_FILE, FACTS_FILE

    tensors = {
        name.removeprefix("encoder."): value.contiguous()
        for name, value in state.items()
        if name.startswith("encoder.")
    }
    with replaced_folder(output) as partial:
        partial.mkdir(parents=True)
        save_file(tensors, str(partial / ENCODER_FILE))
        (partial / FACTS_FILE).write_text(json.dumps(facts, indent=2, ensure_ascii=False), encoding="utf-8")
