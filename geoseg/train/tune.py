"""The search before a training: short trials over learning rate, loss, encoder and window, by optuna's TPE.

Bergstra et al. 2011 (Algorithms for hyper-parameter optimization); trials that fall behind the median of the others
are given up early.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from geoseg.errors import GeosegError, OptionError
from geoseg.models.card.card import card_with
from geoseg.progress.reporters import Reporter, Silent
from geoseg.system.files import complete
from geoseg.train.fit import Task, fit
from geoseg.train.network import start_network

if TYPE_CHECKING:
    import optuna

    from geoseg.models import Model
    from geoseg.train.options import TrainOptions
    from geoseg.train.prepare import Prepared

# Beside the one asked for; small ones, since a trial is short.
_ENCODERS = ("resnet18", "mobilenet_v2", "efficientnet-b0")
_LOSSES = ("ce", "ce+dice", "focal+dice", "ce+lovasz")


def search(
    prepared: Prepared, options: TrainOptions, base: Model | None, *, trials: int, folder: Path, report: Reporter
) -> tuple[TrainOptions, int, dict[str, Any]]:
    """Return the best options found, the window's side, and what was tried, for the card.

    Raises
    ------
    OptionError
        If there is no validation to judge by, or optuna is not installed.
    ModelError
        If no trial works.
    """
    try:
        import optuna
    except ModuleNotFoundError:
        raise OptionError("--tune needs optuna: install geoseg[train]") from None
    if not options.validation:
        raise OptionError("--tune judges by the validation part, and there is none: leave out --validation 0")
    done = folder / "tuning.json"
    if done.is_file():
        found = json.loads(done.read_text(encoding="utf-8"))
        return _chosen(options, found["best"]), int(found["best"]["window"]), found
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    epochs = max(options.epochs // 3, 1)
    errors: list[GeosegError] = []

    def objective(trial: optuna.Trial) -> float:
        report.progress(trial.number, trials, f"tune: trial {trial.number + 1}")
        wanted = _suggested(trial, options, prepared)
        tried = replace(_chosen(options, wanted), epochs=epochs)
        place = folder / f"trial{trial.number}"
        try:
            score = _score(prepared, tried, base, int(wanted["window"]), place, _pruning(trial))
        except GeosegError as error:
            errors.append(error)
            report.info(f"trial {trial.number + 1}: {_listing(wanted)}: {error}")
            return 0.0
        finally:
            shutil.rmtree(place, ignore_errors=True)
        report.info(f"trial {trial.number + 1}: {_listing(wanted)}: mIoU {score:.4f}")
        return score

    sampler = optuna.samplers.TPESampler(seed=options.seed)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=optuna.pruners.MedianPruner())
    study.optimize(objective, n_trials=trials)
    report.progress(trials, trials, "tune: done")
    finished = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    if len(errors) >= len(finished):
        raise errors[0] if errors else OptionError("--tune: no trial was finished; give more trials")
    listed = [
        {**_plain(t.user_attrs["wanted"]), "mean_iou": t.value and round(t.value, 4), "state": t.state.name.lower()}
        for t in study.trials
    ]
    found = {"trials": listed, "epochs_each": epochs, "best": _plain(study.best_trial.user_attrs["wanted"])}
    _write(done, found)
    report.info(f"best of {trials} trials: {_listing(found['best'])}: mIoU {study.best_value:.4f}")
    return _chosen(options, found["best"]), int(found["best"]["window"]), found


def _suggested(trial: optuna.Trial, options: TrainOptions, prepared: Prepared) -> dict[str, Any]:
    stride, least = prepared.card.stride, prepared.card.min_window
    halves = {prepared.window, max(prepared.window // 2 // stride * stride, least)}
    # The encoder is given by the weights where training starts from any.
    fixed = bool(options.base or options.weights)
    encoders = [options.encoder] if fixed else list(dict.fromkeys((options.encoder, *_ENCODERS)))
    losses = list(dict.fromkeys((options.loss, *_LOSSES)))
    wanted = {
        "lr": trial.suggest_float("lr", 1e-5 if fixed else 1e-4, 1e-3 if fixed else 1e-2, log=True),
        "loss": trial.suggest_categorical("loss", losses),
        "encoder": trial.suggest_categorical("encoder", encoders),
        "window": trial.suggest_categorical("window", sorted(halves)),
    }
    trial.set_user_attr("wanted", wanted)
    return wanted


def _chosen(options: TrainOptions, wanted: dict[str, Any]) -> TrainOptions:
    return replace(options, lr=float(wanted["lr"]), loss=wanted["loss"], encoder=wanted["encoder"])


def at(prepared: Prepared, options: TrainOptions, window: int) -> Prepared:
    """Return ``prepared`` for another encoder and window; split and validation stay as they are."""
    if options.base:
        return replace(prepared, window=window)
    parameters = prepared.card.hyperparameters | {"encoder": options.encoder}
    return replace(prepared, window=window, card=card_with(prepared.card, hyperparameters=parameters))


def _score(
    prepared: Prepared,
    options: TrainOptions,
    base: Model | None,
    window: int,
    folder: Path,
    callback: Callable[[], Callback],
) -> float:
    from geoseg.evaluate.metrics import scores

    tried = at(prepared, options, window)
    network, start = start_network(tried.card, options, base, window)
    fitted = fit(Task(tried, options, network, start, folder), _Quiet(), callbacks=[callback()])
    assert fitted.matrix is not None
    return float(scores(fitted.matrix).mean_iou)


class _Quiet(Silent):
    """Trials say nothing; their result is said."""

    def warning(self, message: str) -> None:
        """Say nothing."""


def _pruning(trial: optuna.Trial) -> Callable[[], Callback]:
    class Prune(Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
            import optuna

            trial.report(float(trainer.callback_metrics["val_miou"]), trainer.current_epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

    return Prune


def _plain(wanted: dict[str, Any]) -> dict[str, Any]:
    return {**wanted, "lr": float(f"{wanted['lr']:.3g}")}


def _listing(wanted: dict[str, Any]) -> str:
    return f"lr {wanted['lr']:.2g}, loss {wanted['loss']}, {wanted['encoder']}, window {wanted['window']}"


def _write(path: Path, found: dict[str, Any]) -> None:
    with complete(path) as part:
        part.write_text(json.dumps(found, indent=2), encoding="utf-8")
