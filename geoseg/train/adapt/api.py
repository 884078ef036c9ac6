"""adapt(): a model and unlabelled scenes -> a model folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError, ModelError, OptionError
from geoseg.progress.reporters import Reporter, Silent
from geoseg.system.outputs import Inputs, local_path
from geoseg.train.adapt.options import EPOCHS, METHODS, RATE, WINDOWS, AdaptOptions
from geoseg.train.options import TrainOptions, as_list, check_installed

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

    from geoseg.models import Model
    from geoseg.raster import Raster
    from geoseg.train.adapt.methods import Adapted
    from geoseg.train.adapt.verdict import Adaptation
    from geoseg.train.data.label_images import Sources
    from geoseg.train.prepare import Prepared


def adapt(
    model: str | os.PathLike[str] | Model,
    scenes: str | os.PathLike[str] | Raster | xr.DataArray | Sequence[Any] | Mapping[str, Any],
    output: str | os.PathLike[str],
    *,
    method: str = METHODS[0],
    labels: str | os.PathLike[str] | gpd.GeoDataFrame | Sequence[Any] | None = None,
    class_field: str | None = None,
    ignore: Sequence[str] = (),
    reading: Mapping[str, Any] | None = None,
    keep: bool = False,
    epochs: int = EPOCHS,
    lr: float = RATE,
    windows: int = WINDOWS,
    window: int | None = None,
    batch: int = 8,
    threshold: float = 0.9,
    block_size: float | None = None,
    groups: str | None = None,
    validation: float = 0.2,
    seed: int = 0,
    device: str = "auto",
    workers: int | None = None,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Adaptation:
    """Adapt a model to scenes of another place, season or sensor, without labels.

    Places are held out, which the adaptation does not see, and the model is measured there before and after: against
    labels if there are any, else by how far both agree and how stable their maps are under small disturbances. The
    latter only stands for accuracy. What is worse is not written, unless asked for.

    Parameters
    ----------
    model
        Name, folder or loaded model.
    scenes
        As the images of :func:`geoseg.train`, for a model of several inputs a mapping.
    output
        Model folder to write.
    method
        ``"statistics"`` estimates the statistics of batch normalisation anew (AdaBN, Li et al. 2016); ``"moments"``
        matches mean and deviation of each band to those of the training data, in the card's value scaling;
        ``"self-training"`` trains on what a mean teacher that starts as the model is sure of.
    labels
        Labels of the scenes, with the model's classes. They are only measured with, never learned from.
    class_field, ignore, reading
        As of :func:`geoseg.train`.
    keep
        Write the adapted model even if it is worse.
    epochs, lr, batch, threshold
        Of self-training, as of :func:`geoseg.train`.
    windows
        Windows that are looked at; with self-training in each epoch.
    window
        Side of windows in pixels; chosen if None.
    block_size, groups, validation
        Places held out, as of :func:`geoseg.train`; ``validation`` above 0.
    seed, device, workers
        As of :func:`geoseg.train`.
    overwrite
        Replace an existing model.
    reporter
        Receives progress and messages; if None, warnings go to stderr.

    Returns
    -------
    Adaptation
        What was measured before and after, and the model.

    Raises
    ------
    AdaptationError
        If the adapted model is worse; it is not written.
    GeosegError
        If model, scenes, labels or options cannot be used, or the output may not be written.

    Examples
    --------
    >>> from geoseg.train.adapt import adapt
    >>> made = adapt("landcover", "scene.tif", "adapted", window=64, block_size=640)  # doctest: +SKIP
    >>> made.labelled, made.model  # doctest: +SKIP
    (False, Model('adapted'))
    """
    training = TrainOptions(
        lr=lr, epochs=epochs, batch=batch, window=window, windows=windows, threshold=threshold,
        block_size=block_size, split="groups" if groups else "blocks", groups=groups, validation=validation, seed=seed,
        device=device, workers=workers,
    )  # fmt: skip
    options = AdaptOptions(method, keep=keep, training=training)
    target = local_path(output)
    check_installed("adapting")
    from geoseg.models import load_model
    from geoseg.raster.stacks.places import files_of
    from geoseg.train.data.label_images import Sources
    from geoseg.train.data.stacks import task_of
    from geoseg.train.run import check_output

    loaded = load_model(model)
    listed = [] if labels is None else as_list(labels)
    options = replace(options, training=replace(training, task=task_of(loaded.card)))
    Inputs(files_of(scenes), listed, groups, [loaded.folder]).check_folder(target)
    check_output(target, overwrite=overwrite)
    images = as_list(scenes)
    if not images:
        raise OptionError("no scene given: name rasters or a folder of them")
    sources = Sources(images, listed, class_field, None, tuple(ignore), dict(reading or {}), images)
    run = AdaptRun(loaded, options, sources, target, reporter or Silent())
    with tempfile.TemporaryDirectory(prefix="geoseg-adapt-", ignore_cleanup_errors=True) as folder:
        try:
            return run.made(Path(folder))
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing is kept") from None


@dataclass(frozen=True, eq=False)
class AdaptRun:
    """One adaptation."""

    model: Model
    options: AdaptOptions
    sources: Sources
    output: Path
    reporter: Reporter

    def made(self, folder: Path) -> Adaptation:
        """Return the result; ``folder`` is for what is needed meanwhile."""
        from geoseg.models.networks.temperature import without_temperature
        from geoseg.raster.stacks.places import files_of
        from geoseg.train.adapt.measure import measure
        from geoseg.train.adapt.methods import Adapted

        options, reporter, card = self.options, self.reporter, self.model.card
        self._check_adaptable()
        reporter.start(
            model=self.model.ref, output=str(self.output),
            images=[str(image) for image in files_of(self.sources.images)],
            method=options.method,
        )  # fmt: skip
        network = without_temperature(self.model.module())
        prepared = self._prepared()
        assert prepared.unlabelled is not None
        reporter.info(f"{prepared.unlabelled.summary}; windows of {prepared.window} px; {prepared.split.summary}")
        original = Adapted(card, network, "")
        adapted = self._adapted(prepared, original, folder)
        reporter.info(adapted.done)
        reporter.progress(0, 1, "measure on held-out windows")
        made = measure(prepared, original, adapted, labelled=bool(self.sources.labels))
        prepared.check_unchanged()
        for name, values in (("before", made.before), ("after", made.after)):
            reporter.info(f"{name + ':':<8} {values}")
        reporter.info(made.summary())
        return self._written(prepared, adapted, made)

    def _check_adaptable(self) -> None:
        model = self.model
        if model.is_onnx:
            raise ModelError(
                f"model {model.card.name!r} is an ONNX graph, which is not adapted: give the model that it was "
                "exported from"
            )
        if model.card.weights is None and model.folder is not None:
            raise ModelError(
                f"model {model.card.name!r} is made of rules and has no weights to adapt; name another model"
            )

    def _prepared(self) -> Prepared:
        from geoseg.train.data.images import open_images
        from geoseg.train.data.soft_labels import AnyClass
        from geoseg.train.prepare import prepare

        card, soft = self.model.card, []
        if not self.sources.labels:
            images = open_images(self.sources.images, self.sources.reading, card)
            soft = [AnyClass.on(image, len(card.classes)) for image in images]
        prepared = prepare(self.sources, self.options.training, self.model, self.reporter, soft, learns=False)
        if not prepared.validated:
            raise InputError(
                "no place can be held out, so what the adaptation gains cannot be measured: give more or larger scenes"
                + (", or more labels" if self.sources.labels else "")
            )
        assert prepared.unlabelled is not None
        # No label is learned from, so none of the scenes counts as labelled.
        return replace(prepared, unlabelled=replace(prepared.unlabelled, shared=0))

    def _adapted(self, prepared: Prepared, original: Adapted, folder: Path) -> Adapted:
        from geoseg.train.adapt import methods

        training, card, network = self.options.training, original.card, original.network
        if self.options.method == "self-training":
            return methods.adapt_by_self_training(card, network, prepared, self.options, folder, self.reporter)
        # As a scene is segmented: in small windows the padding at the borders reaches all of the deepest layers, whose
        # statistics then fit no larger window.
        windows = methods.Windows(prepared, 1.0, training.seed, prepared.validation_window)
        if self.options.method == "statistics" and windows.side < prepared.validation_window:
            self.reporter.warning(
                f"only windows of {windows.side} px fit beside the places held out, a run has "
                f"{prepared.validation_window} px: statistics of deep layers may not hold there; give larger scenes"
            )
        by = methods.adapt_by_moments if self.options.method == "moments" else methods.adapt_by_statistics
        return by(card, network, windows, training.windows or WINDOWS)

    def _written(self, prepared: Prepared, adapted: Adapted, made: Adaptation) -> Adaptation:
        """Write the adapted model, unless it is worse."""
        from geoseg.models import save_model
        from geoseg.train.adapt.card import adapted_card
        from geoseg.train.model_folder import replaced_folder

        names = tuple(c.name for c in adapted.card.classes)
        if not self.options.keep:
            made.check_worth(names)
        elif why := made.why_worse(names):
            self.reporter.warning(f"kept as asked, although {why}")
        card = adapted_card(adapted.card, self.model, prepared, made, self.options, self.output)
        with replaced_folder(self.output) as partial:
            save_model(partial, card, adapted.network)
        made = replace(made, path=self.output)
        self.reporter.result(
            outputs={"model": str(self.output)},
            metrics={
                "gain": made.gain, "labelled": made.labelled, "agreement": made.agreement,
                "before": asdict(made.before), "after": asdict(made.after),
            },
        )  # fmt: skip
        return made
