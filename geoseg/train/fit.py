"""The training loop: Lightning with checkpoints, early stopping and logs; smaller batches if memory runs out."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from geoseg.errors import ModelError, OptionError
from geoseg.models.card.inputs import layout_of
from geoseg.models.inference.device import choose_device, supports
from geoseg.models.inference.memory_footprint import bytes_per_pixel
from geoseg.progress.reporters import Reporter
from geoseg.segment.plan import Options
from geoseg.system.resources import cpu_count
from geoseg.train.data.augment import Augment
from geoseg.train.data.loading import Epochs, Loader
from geoseg.train.data.samples import Samples, ScoredWindows, TrainingWindows
from geoseg.train.learner import Learner
from geoseg.train.losses import Loss, SoftLoss, parse_class_weights
from geoseg.train.options import BOXES, parse_also
from geoseg.train.reporting import Course, ReportProgress, WindowLocation
from geoseg.train.run import CHECKPOINT
from geoseg.train.second_head import SecondHead
from geoseg.train.semi.adversary import Adversary
from geoseg.train.semi.teacher import MeanTeacher
from geoseg.train.semi.views import WithUnlabelled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from geoseg.train.options import TrainOptions
    from geoseg.train.prepare import Prepared

# Peak memory of a training step over that of a forward pass: it keeps all activations for the backward pass, and their
# gradients. Measured: 2.8 for Unet(resnet18) on a CPU (4 × 512² × 6 bands); the rest is for deeper networks.
_TRAINING = 4.0

# Each labelled window comes with two views of an unlabelled one: one more to learn from, and one for the teacher.
_WITH_UNLABELLED = 2.25

# Discriminators of scenes see one view more.
_ADVERSARIAL = 1.0

_MOST_BATCH, _MOST_WINDOWS = 16, 4000

# Minimum batches per epoch: with fewer, the running statistics of batch normalisation do not converge.
_LEAST_BATCHES = 16

# Windows per epoch for few labels, unless there are more places: 64 of 64 px take half a second on two cores.
_FEW_WINDOWS = 64

_NAMES = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


@dataclass(frozen=True, eq=False)
class Fitted:
    """Result of the training loop.

    Attributes
    ----------
    state
        Weights of the best epoch.
    matrix
        Its confusion matrix on the validation part, None without validation.
    epoch, epochs
        The best epoch, counted from 0, and the number of epochs run.
    batch, accumulate, windows
        Final :class:`Sizes`.
    lr
        Maximum learning rate.
    start
        Origin of the initial weights.
    pseudo
        Share of the unlabelled pixels that had a pseudo-label in that epoch; None without unlabelled scenes.
    scores
        Scores of objects on the validation part: of a detector in that epoch, of a network of cores and rims once it is
        trained; None for other networks and without validation.
    """

    state: dict[str, torch.Tensor]
    matrix: NDArray[Any] | None
    epoch: int
    epochs: int
    batch: int
    accumulate: int
    windows: int
    lr: float
    start: str
    pseudo: float | None = None
    scores: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """A network, its training data, and the folder for checkpoints and logs.

    Without ``scored`` no epoch is scored on the validation part, and the last one is the result. What is learned from
    are ``samples``, or windows around the labels; ``loss`` is that of the options if None; ``names`` are those of the
    images in messages, by default of the labelled ones. ``validation`` are windows to score on, by default those of
    ``prepared``; ``learner`` is how the network learns and is scored.
    """

    prepared: Prepared
    options: TrainOptions
    network: nn.Module
    start: str
    folder: Path
    stage: str = "train"
    scored: bool = True
    samples: Samples | None = None
    loss: nn.Module | None = None
    names: tuple[str, ...] = ()
    validation: ScoredWindows | None = None
    learner: type[Learner] = Learner


@dataclass(frozen=True)
class Sizes:
    """Windows per batch, batches per optimizer step, and windows per epoch (whole batches on every device)."""

    batch: int
    accumulate: int
    windows: int

    @classmethod
    def of(cls, task: Task, device: str) -> Sizes:
        """Return the sizes asked for, or those that fit into memory and cover the labels."""
        options = task.options
        batch = options.batch or usual_batch(task, device)
        return cls._whole(batch, options.accumulate, options.windows or _usual_windows(task.prepared, batch), options)

    def halved(self, options: TrainOptions) -> Sizes:
        """Return sizes with half the batch and as many windows per optimizer step."""
        batch = self.batch // 2
        return self._whole(batch, math.ceil(self.accumulate * self.batch / batch), self.windows, options)

    @classmethod
    def _whole(cls, batch: int, accumulate: int, windows: int, options: TrainOptions) -> Sizes:
        per_batch = batch * options.devices
        return cls(batch, accumulate, math.ceil(windows / per_batch) * per_batch)


def fit(task: Task, reporter: Reporter, *, resume: bool = False, callbacks: Sequence[Callback] = ()) -> Fitted:
    """Train a network; halve the batch whenever memory runs out.

    Parameters
    ----------
    task
        Network and data.
    reporter
        Receives progress and messages.
    resume
        Continue from the last checkpoint in the folder.
    callbacks
        Further Lightning callbacks.

    Raises
    ------
    ModelError
        If the loss is not finite, or memory does not suffice for one window.
    KeyboardInterrupt
        If the user stops it; the last finished epoch stays in the folder.
    """
    options, device = task.options, choose_device(task.options.device)
    reporter.info(f"training {device[1]}")
    first = {name: value.clone() for name, value in task.network.state_dict().items()}
    sizes = Sizes.of(task, device[0])
    while True:
        try:
            return _run(task, reporter, device[0], sizes, resume=resume, callbacks=callbacks)
        except (RuntimeError, ValueError, MemoryError) as error:
            if "more than 1 value per channel" in str(error):
                raise OptionError(
                    f"this architecture normalises over a batch and cannot train on {sizes.batch} window of "
                    f"{task.prepared.window} px at a time: use --batch 2 or more, or a larger --window"
                ) from None
            if not out_of_memory(error):
                raise
            if sizes.batch == 1:
                raise ModelError(
                    f"out of memory with a single window of {task.prepared.window} px: use a smaller --window or "
                    "--encoder"
                ) from None
        sizes = sizes.halved(options)
        reporter.warning(f"out of memory: continuing with --batch {sizes.batch} --accumulate {sizes.accumulate}")
        if device[0].startswith("cuda"):
            torch.cuda.empty_cache()
        resume = (task.folder / CHECKPOINT).is_file()
        task.network.load_state_dict(first)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on any device."""
    text = str(error).lower()
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or "out of memory" in text or "can't allocate memory" in text


def usual_batch(task: Task, device: str) -> int:
    """Return the windows per batch that fit into memory, at most 16."""
    prepared = task.prepared
    side = prepared.window
    forward = bytes_per_pixel(task.network, len(prepared.card.bands), side) or 900.0
    budget = Options(memory=task.options.memory).budget
    if device.startswith("cuda") and task.options.memory is None:
        budget = int(torch.cuda.mem_get_info(device)[0] * 0.7)
    windows = 1.0
    if prepared.unlabelled is not None:
        windows = _WITH_UNLABELLED + _ADVERSARIAL * bool(task.options.adversarial)
    fitting = int(budget // (side * side * forward * _TRAINING * windows))
    return max(min(fitting, _MOST_BATCH if device != "cpu" else _MOST_BATCH // 2), 1)


def _usual_windows(prepared: Prepared, batch: int) -> int:
    """Return how many windows cover the labelled training pixels once, within bounds."""
    if prepared.few:
        return min(max(prepared.places, _FEW_WINDOWS), _LEAST_BATCHES * batch)
    labelled = int(prepared.split.training().sum())
    return min(max(labelled // prepared.window**2, _LEAST_BATCHES * batch), _MOST_WINDOWS)


def usual_rate(options: TrainOptions) -> float:
    """Return the maximum learning rate: lower for pretrained weights, lowest for fine-tuning."""
    if options.lr is not None:
        return options.lr
    if options.task == BOXES:
        # From random weights a FCOS had, of the crowns in blocks held out, an AP50 of 0.23 after 400 steps with this
        # rate, and of at most 0.08 within 240 steps with a third of it.
        return 1e-4 if options.weights else 1e-3
    return 1e-4 if options.base else 3e-4 if options.weights else 1e-3


def _precision(wanted: str, device: str) -> Any:
    if wanted == "auto":
        if not device.startswith("cuda"):
            return _NAMES["fp32"]
        wanted = "bf16" if supports(device, "bf16") else "fp16"
    if not supports(device, wanted):
        raise OptionError(f"precision {wanted} is not supported on {device}: use auto or fp32")
    return _NAMES[wanted]


def _devices(device: str, number: int) -> dict[str, Any]:
    if device.startswith("cuda"):
        if number > torch.cuda.device_count():
            raise OptionError(
                f"devices is {number}, but there are {torch.cuda.device_count()} CUDA devices: use at most so many"
            )
        chosen: Any = number if number > 1 else [int(device.partition(":")[2] or 0)]
        kind = "gpu"
    else:
        chosen, kind = number, device
    # Spawned processes work in notebooks and on every platform; forks and re-run commands do not.
    return {"accelerator": kind, "devices": chosen} | ({"strategy": "ddp_spawn"} if number > 1 else {})


def _run(
    task: Task,
    reporter: Reporter,
    device: str,
    sizes: Sizes,
    *,
    resume: bool,
    callbacks: Sequence[Callback],
) -> Fitted:
    options, prepared = task.options, task.prepared
    train, validate = _loaders(task, sizes)
    lr = usual_rate(options)
    batches = sizes.windows // options.devices // sizes.batch
    loss = task.loss or _loss(task)
    learner = task.learner(
        task.network,
        loss,
        lr=lr,
        weight_decay=options.weight_decay,
        steps=math.ceil(batches / sizes.accumulate) * options.epochs,
        classes=len(prepared.card.classes),
        seed=options.seed,
        locate=WindowLocation(task.names or tuple(scene.raster.name for scene in prepared.scenes)),
        teacher=_teacher(task),
        adversary=_adversary(task),
        second=_second(task),
    )
    checkpoint = _checkpoint(task.folder, learner.monitor if validate is not None else None)
    checks = 0 if validate is None else len(validate)
    course = Course(options.epochs, batches, sizes.batch * options.devices, checks)
    hooks: list[Callback] = [checkpoint, ReportProgress(reporter, task.stage, course)]
    if options.patience and validate is not None:
        hooks.append(EarlyStopping(learner.monitor, mode="max", patience=options.patience, check_finite=False))
    with warnings.catch_warnings():
        # Lightning advises against settings that are deliberate here.
        warnings.simplefilter("ignore")
        for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
            logging.getLogger(name).setLevel(logging.ERROR)
        trainer = pl.Trainer(
            **_devices(device, options.devices),
            precision=_precision(options.precision, device),
            max_epochs=options.epochs,
            accumulate_grad_batches=sizes.accumulate,
            gradient_clip_val=1.0,
            callbacks=[*hooks, *callbacks],
            logger=_loggers(task.folder),
            default_root_dir=str(task.folder),
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            limit_val_batches=None if validate is not None else 0,
            log_every_n_steps=10,
            use_distributed_sampler=False,
        )
        last = task.folder / CHECKPOINT
        _guarded_fit(trainer, learner, train, validate, last if resume and last.is_file() else None)
    return _result(checkpoint, task, sizes, lr, trainer.current_epoch)


def _guarded_fit(
    trainer: pl.Trainer, learner: Learner, train: Loader, validate: Loader | None, last: Path | None
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(learner, train, validate, ckpt_path=str(last) if last else None, weights_only=True)
    except SystemExit:
        # Lightning exits like this after Ctrl-C, and leaves the signal ignored.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler or signal.default_int_handler)
        raise KeyboardInterrupt from None
    finally:
        for logger in trainer.loggers:
            logger.finalize("done")


def _loaders(task: Task, sizes: Sizes) -> tuple[Loader, Loader | None]:
    prepared, options = task.prepared, task.options
    workers = min(4, cpu_count()) if options.workers is None else options.workers
    samples = task.samples or _training_samples(prepared, options)
    train = Loader(samples, sizes.batch, workers, sampler=Epochs(sizes.windows))
    if not prepared.validated or not task.scored:
        return train, None
    tiles = task.validation or prepared.validation_windows()
    return train, Loader(tiles, 1, workers, count=len(tiles))


def _loss(task: Task) -> nn.Module:
    prepared, options = task.prepared, task.options
    names = [c.name for c in prepared.card.classes]
    loss = Loss(options.loss, parse_class_weights(options.class_weights, names, prepared.split.training()))
    return SoftLoss(loss) if prepared.scenes[0].soft is not None else loss


def _training_samples(prepared: Prepared, options: TrainOptions) -> Samples:
    augment = Augment(options.augment, layout_of(prepared.card.inputs), options.input_dropout)
    drawn = TrainingWindows(prepared.scenes, prepared.sampler(prepared.window, augment), augment, options.seed)
    if prepared.unlabelled is None:
        return drawn
    sampler = prepared.unlabelled.sampler(prepared.window, augment.zoom)
    return WithUnlabelled(drawn, prepared.unlabelled, sampler, options.seed)


def _teacher(task: Task) -> MeanTeacher | None:
    options = task.options
    if task.prepared.unlabelled is None:
        return None
    return MeanTeacher(task.network, decay=options.ema, threshold=options.threshold, weight=options.unlabelled_weight)


def _adversary(task: Task) -> Adversary | None:
    weight, unlabelled = task.options.adversarial, task.prepared.unlabelled
    if not weight:
        return None
    torch.manual_seed(task.options.seed)
    return Adversary(len(task.prepared.card.classes), weight=weight, scenes=unlabelled is not None)


def _second(task: Task) -> SecondHead | None:
    if task.options.also is None:
        return None
    torch.manual_seed(task.options.seed)
    return SecondHead(task.network, parse_also(task.options.also)[0])


def _checkpoint(folder: Path, monitor: str | None) -> ModelCheckpoint:
    return ModelCheckpoint(
        dirpath=folder,
        filename="best",
        monitor=monitor,
        mode="max",
        save_top_k=1,
        save_last=True,
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )


def _loggers(folder: Path) -> list[Any]:
    # A resumed run logs into a new folder: the loggers would delete the logs of the first part.
    logs = folder / "logs"
    version = f"run{len(list(logs.iterdir())) + 1 if logs.is_dir() else 1}"
    loggers: list[Any] = [CSVLogger(folder, name="logs", version=version)]
    # tensorboard is optional: the CSV file holds the same numbers.
    with contextlib.suppress(ModuleNotFoundError):
        loggers.append(TensorBoardLogger(folder, name="logs", version=version, default_hp_metric=False))
    return loggers


def _result(checkpoint: ModelCheckpoint, task: Task, sizes: Sizes, lr: float, epochs: int) -> Fitted:
    path = checkpoint.best_model_path or checkpoint.last_model_path or str(task.folder / CHECKPOINT)
    content = torch.load(path, map_location="cpu", weights_only=True)
    prefix = "network." if task.prepared.unlabelled is None else "teacher.network."
    state = {
        name.removeprefix(prefix): value for name, value in content["state_dict"].items() if name.startswith(prefix)
    }
    matrix = content["geoseg"]["matrix"]
    return Fitted(
        state=state,
        matrix=None if matrix is None else matrix.numpy(),
        epoch=int(content["geoseg"]["epoch"]),
        epochs=epochs,
        batch=sizes.batch,
        accumulate=sizes.accumulate,
        windows=sizes.windows,
        lr=lr,
        start=task.start,
        pseudo=content["geoseg"].get("pseudo"),
        scores=content["geoseg"].get("scores"),
    )
