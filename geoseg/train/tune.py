"""Search of learning rate, loss, encoder and window in short trials before the training, with optuna.

Tree-structured Parzen estimator (Bergstra et al. 2011, Algorithms for hyper-parameter optimization); trials that fall
behind the median of the others are stopped early.
"""

from __future__ import annotations

import json
import shutil
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
from geoseg.train.start.network import start_network

if TYPE_CHECKING:
    import optuna

    from geoseg.models import Model
    from geoseg.train.options import TrainOptions
    from geoseg.train.prepare import Prepared

# Tried beside the one asked for; small, since trials are short.
_ENCODERS = ("resnet18", "mobilenet_v2", "efficientnet-b0")
_LOSSES = ("ce", "ce+dice", "focal+dice", "ce+lovasz")


def search(
    prepared: Prepared, options: TrainOptions, base: Model | None, *, trials: int, folder: Path, reporter: Reporter
) -> tuple[TrainOptions, int, dict[str, Any]]:
    """Return the best options, the window's side in pixels, and a record of the search for the card.

    Raises
    ------
    OptionError
        If there is no validation part, optuna is not installed, or no trial was finished.
    GeosegError
        If every trial fails: the error of the first.
    """
    try:
        import optuna
    except ModuleNotFoundError:
        raise OptionError('--tune needs more packages: pip install "geoseg[train]"') from None
    if not prepared.validated:
        raise OptionError(
            "--tune compares trials on the validation part, but there is none: leave out --validation 0, or label more "
            "places"
        )
    record_file = folder / "tuning.json"
    if record_file.is_file():
        record = json.loads(record_file.read_text(encoding="utf-8"))
        return _with(options, record["best"]), int(record["best"]["window"]), record
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    epochs = max(options.epochs // 3, 1)
    errors: list[GeosegError] = []

    def objective(trial: optuna.Trial) -> float:
        reporter.progress(trial.number, trials, f"tune: trial {trial.number + 1}")
        choice = _suggested(trial, options, prepared)
        trial_options = replace(_with(options, choice), epochs=epochs)
        trial_folder = folder / f"trial{trial.number}"
        try:
            setup = reconfigured(prepared, trial_options, int(choice["window"]))
            score = _score(setup, trial_options, base, trial_folder, _pruning(trial))
        except GeosegError as error:
            errors.append(error)
            reporter.info(f"trial {trial.number + 1}: {_listing(choice)}: {error}")
            return 0.0
        finally:
            shutil.rmtree(trial_folder, ignore_errors=True)
        reporter.info(f"trial {trial.number + 1}: {_listing(choice)}: mIoU {score:.4f}")
        return score

    sampler = optuna.samplers.TPESampler(seed=options.seed)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=optuna.pruners.MedianPruner())
    study.optimize(objective, n_trials=trials)
    reporter.progress(trials, trials, "tune: done")
    finished = [t for t in study.trials if t.state == optuna.trial.TrialState.COMPLETE]
    if len(errors) >= len(finished):
        raise errors[0] if errors else OptionError("--tune: no trial was finished; use more trials")
    listed = [
        {**_rounded(t.user_attrs["choice"]), "mean_iou": t.value and round(t.value, 4), "state": t.state.name.lower()}
        for t in study.trials
    ]
    record = {"trials": listed, "epochs_each": epochs, "best": _rounded(study.best_trial.user_attrs["choice"])}
    _write(record_file, record)
    reporter.info(f"best of {trials} trials: {_listing(record['best'])}: mIoU {study.best_value:.4f}")
    return _with(options, record["best"]), int(record["best"]["window"]), record


def _suggested(trial: optuna.Trial, options: TrainOptions, prepared: Prepared) -> dict[str, Any]:
    stride, least = prepared.card.stride, prepared.card.min_window
    halves = {prepared.window, max(prepared.window // 2 // stride * stride, least)}
    # Pretrained weights are for one encoder, and need a lower learning rate.
    pretrained = bool(options.base or options.weights)
    encoders = [options.encoder] if pretrained else list(dict.fromkeys((options.encoder, *_ENCODERS)))
    losses = list(dict.fromkeys((options.loss, *_LOSSES)))
    choice = {
        "lr": trial.suggest_float("lr", 1e-5 if pretrained else 1e-4, 1e-3 if pretrained else 1e-2, log=True),
        "loss": trial.suggest_categorical("loss", losses),
        "encoder": trial.suggest_categorical("encoder", encoders),
        "window": trial.suggest_categorical("window", sorted(halves)),
    }
    trial.set_user_attr("choice", choice)
    return choice


def _with(options: TrainOptions, choice: dict[str, Any]) -> TrainOptions:
    return replace(options, lr=float(choice["lr"]), loss=choice["loss"], encoder=choice["encoder"])


def reconfigured(prepared: Prepared, options: TrainOptions, window: int) -> Prepared:
    """Return ``prepared`` with another encoder and window; the split stays as it is."""
    if options.base:
        return replace(prepared, window=window)
    parameters = prepared.card.hyperparameters | {"encoder": options.encoder}
    return replace(prepared, window=window, card=card_with(prepared.card, hyperparameters=parameters))


def _score(prepared: Prepared, options: TrainOptions, base: Model | None, folder: Path, callback: Callback) -> float:
    from geoseg.evaluate.metrics import scores

    network, start = start_network(prepared.card, options, base, prepared.window)
    fitted = fit(Task(prepared, options, network, start, folder), _Quiet(), callbacks=[callback])
    assert fitted.matrix is not None
    return float(scores(fitted.matrix).mean_iou)


class _Quiet(Silent):
    """A reporter for trials: their scores are reported afterwards."""

    def warning(self, message: str) -> None:
        """Ignore warnings, too."""


def _pruning(trial: optuna.Trial) -> Callback:
    class Prune(Callback):
        def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
            import optuna

            trial.report(float(trainer.callback_metrics["val_miou"]), trainer.current_epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

    return Prune()


def _rounded(choice: dict[str, Any]) -> dict[str, Any]:
    return {**choice, "lr": float(f"{choice['lr']:.3g}")}


def _listing(choice: dict[str, Any]) -> str:
    return f"lr {choice['lr']:.2g}, loss {choice['loss']}, {choice['encoder']}, window {choice['window']}"


def _write(path: Path, record: dict[str, Any]) -> None:
    with complete(path) as part:
        part.write_text(json.dumps(record, indent=2), encoding="utf-8")
