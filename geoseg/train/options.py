"""The options of a training, checked once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from typing import Any

from geoseg.errors import OptionError
from geoseg.models.boxes.names import ENCODERS, detector_name
from geoseg.system.choices import DATE_ENCODINGS, FUSIONS, PRECISION_OPTIONS

LOSSES = ("ce", "dice", "focal", "lovasz")
"""Losses, to be used alone or as a sum: ``"ce+dice"``."""

SPLITS = ("blocks", "groups")
"""How places are chosen for validation."""

SEMI_OPTIONS = ("unlabelled_weight", "threshold", "ema")
"""Options that only count with unlabelled scenes."""

ADVERSARIAL = 0.01
"""Usual weight of the loss of discriminators (Hung et al. 2018, arXiv 1802.07934)."""

EDGES = "edges"
"""Where labelled pixels of different classes meet, as something that a second head learns."""

INSTANCES = "instances"
"""The task of telling objects apart, one polygon each."""

BOXES = "boxes"
"""The task of finding the box of each object, or its outline, by a detector."""

CHANGE = "change"
SEMANTIC = "semantic"
"""The task of telling what changed between two scenes."""

TASKS = (SEMANTIC, INSTANCES, BOXES, CHANGE)
"""What is learned: the class of each pixel, objects, their boxes, or change."""

PIXEL = "pixel"
"""The architecture of networks without context."""

INPUT_OPTIONS = ("fusion", "input_dropout", "date_encoding")
"""Options that only count with several inputs."""


def check_installed(what: str = "training") -> None:
    """Check that the packages of the extra ``train`` are there.

    Raises
    ------
    OptionError
        If they are not.
    """
    if find_spec("lightning") is None:
        raise OptionError(f'{what} needs more packages: pip install "geoseg[train]"')


# A resumed run may change these: they decide where and how long it runs, not what it learns from.
_FREE = {"epochs", "device", "devices", "workers", "memory", "patience"}


@dataclass(frozen=True)
class TrainOptions:
    """Options of a training apart from its images, labels and output; see :func:`geoseg.train` for each.

    Examples
    --------
    >>> from geoseg.train import TrainOptions
    >>> TrainOptions(loss="focal+dice", epochs=5).lr is None
    True
    >>> TrainOptions(loss="mse")
    Traceback (most recent call last):
    geoseg.errors.OptionError: loss 'mse' is unknown: use ce, dice, focal, lovasz, or a sum such as ce+dice
    """

    arch: str = "unet"
    encoder: str = "resnet18"
    weights: str | None = None
    base: str | None = None
    loss: str = "ce+dice"
    lr: float | None = None
    weight_decay: float = 1e-2
    epochs: int = 30
    batch: int | None = None
    accumulate: int = 1
    window: int | None = None
    windows: int | None = None
    class_weights: str | None = None
    augment: float = 1.0
    split: str = "blocks"
    block_size: float | None = None
    group_field: str | None = None
    groups: str | None = None
    validation: float = 0.2
    seed: int = 0
    precision: str = "auto"
    device: str = "auto"
    devices: int = 1
    patience: int | None = None
    workers: int | None = None
    memory: str | int | None = None
    background: str | None = None
    buffer: float | None = None
    unlabelled_weight: float = 1.0
    threshold: float = 0.8
    ema: float = 0.95
    task: str = SEMANTIC
    adversarial: float | None = None
    also: str | None = None
    fusion: str | None = None
    input_dropout: float = 0.25
    date_encoding: str = "day-of-year"

    def __post_init__(self) -> None:
        for option in fields(self):
            if getattr(self, option.name) == "":
                raise OptionError(f"{option.name.replace('_', '-')} is empty: give a value, or leave the option out")
        parse_loss(self.loss)
        at_least = {"epochs": 1, "batch": 1, "accumulate": 1, "window": 8, "windows": 1, "devices": 1, "patience": 1}
        for name, least in (at_least | {"workers": 0, "seed": 0}).items():
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
                raise OptionError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if self.lr is not None and not 0 < self.lr < 10:
            raise OptionError(
                f"lr must lie between 0 and 10, got {self.lr:g}: usual is 0.001, or 0.0001 for fine-tuning"
            )
        if not 0 <= self.weight_decay < 1:
            raise OptionError(f"weight-decay must lie in 0…1, got {self.weight_decay:g}")
        if not 0 <= self.augment <= 3:
            raise OptionError(f"augment must lie in 0…3, got {self.augment:g}: 1 is usual, 0 turns it off")
        if not 0 <= self.validation < 1:
            raise OptionError(
                f"validation must be a share from 0 to below 1, got {self.validation:g}: 0.2 is usual, 0 is none"
            )
        if not 0 < self.unlabelled_weight < float("inf"):
            raise OptionError(f"unlabelled-weight must be positive, got {self.unlabelled_weight:g}: 1 is usual")
        if self.adversarial is not None and not 0 < self.adversarial < float("inf"):
            raise OptionError(
                f"adversarial must be positive, got {self.adversarial:g}: {ADVERSARIAL:g} is usual, and without the "
                "option there is no discriminator"
            )
        for name, usual in (("threshold", "0.8"), ("ema", "0.95")):
            if not 0 <= getattr(self, name) < 1:
                raise OptionError(f"{name} must lie from 0 to below 1, got {getattr(self, name):g}: {usual} is usual")
        if self.also is not None:
            parse_also(self.also)
        if self.block_size is not None and not 0 < self.block_size < float("inf"):
            raise OptionError(f"block size must be positive, got {self.block_size:g}")
        if self.buffer is not None and not 0 < self.buffer < float("inf"):
            raise OptionError(f"buffer must be positive, got {self.buffer:g}; without it a point labels its pixel")
        if self.precision not in PRECISION_OPTIONS:
            raise OptionError(f"precision {self.precision!r} is unknown: use one of {', '.join(PRECISION_OPTIONS)}")
        if self.task not in TASKS:
            raise OptionError(f"task {self.task!r} is unknown: use {', '.join(TASKS[:-1])} or {TASKS[-1]}")
        self._check_inputs()
        if self.task in (INSTANCES, BOXES) and not self.background:
            object.__setattr__(self, "background", "background")
        if self.task == BOXES:
            self._check_boxes()
        self._check_split()

    def _check_boxes(self) -> None:
        # The default for classes stands for the default for boxes.
        arch = "faster-rcnn" if self.arch == "unet" else detector_name(self.arch)
        object.__setattr__(self, "arch", arch)
        if self.encoder not in ENCODERS:
            raise OptionError(f"encoder {self.encoder!r} is not one for boxes: use one of {', '.join(ENCODERS)}")
        if self.loss != "ce+dice" or self.class_weights:
            given = "class weights are" if self.class_weights else "loss is"
            raise OptionError(f"{given} given, but detectors have losses of their own: leave it out with task boxes")
        if self.base:
            raise OptionError(
                "task boxes cannot fine-tune a model with --from: start from its weights with --weights "
                "MODEL/weights.safetensors"
            )

    def _check_inputs(self) -> None:
        if not 0 <= self.input_dropout < 1:
            raise OptionError(
                f"input-dropout must lie from 0 to below 1, got {self.input_dropout:g}: 0.25 is usual, 0 makes every "
                "input necessary"
            )
        known = tuple(dict.fromkeys(name for names in FUSIONS.values() for name in names))
        for name, value, choices in (
            ("fusion", self.fusion, known),
            ("date encoding", self.date_encoding, DATE_ENCODINGS),
        ):
            if value is not None and value not in choices:
                raise OptionError(f"{name} {value!r} is unknown: use one of {', '.join(choices)}")

    def _check_split(self) -> None:
        if self.split not in SPLITS:
            raise OptionError(f"split {self.split!r} is unknown: use {' or '.join(SPLITS)}")
        if self.group_field and self.groups:
            raise OptionError("both a group field and a groups file are given: use one of them")
        if self.split == "groups" and not (self.group_field or self.groups):
            raise OptionError(
                "split groups needs groups: name a field of the polygons (--group-field), or a CSV file of image,group "
                "(--groups)"
            )
        if self.background is not None and (not self.background or self.background != self.background.strip()):
            raise OptionError(f"background {self.background!r} is no name of a class; write --background other")
        if self.task in (INSTANCES, BOXES) and self.group_field:
            raise OptionError(
                f"task {self.task} and a group field are both given: split by blocks or by groups of images"
            )
        if self.background and self.group_field:
            raise OptionError(
                "background and a group field are both given, but pixels outside all polygons belong to no group: "
                "split by blocks or by groups of images"
            )
        if self.base and self.weights:
            raise OptionError("both a model to fine-tune (--from) and --weights are given: use one of them")

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values."""
        return asdict(self)

    def differing(self, other: dict[str, Any]) -> list[str]:
        """Return the names of options that differ from ``other`` and change what is learned."""
        mine = self.as_dict()
        return [f.name for f in fields(self) if f.name not in _FREE and mine[f.name] != other.get(f.name, f.default)]


def parse_loss(text: str) -> tuple[str, ...]:
    """Return the parts of a loss: ``"ce+dice"`` → ``("ce", "dice")``.

    Raises
    ------
    OptionError
        If a part is unknown or given twice.
    """
    parts = tuple(part.strip().lower() for part in text.split("+"))
    for part in parts:
        if part not in LOSSES:
            raise OptionError(f"loss {part!r} is unknown: use {', '.join(LOSSES)}, or a sum such as ce+dice")
    if len(set(parts)) < len(parts):
        raise OptionError(f"loss {text!r} names one loss twice")
    return parts


def parse_also(text: str) -> tuple[str, str]:
    """Return name and path of what a second head learns: ``"height=dem.tif"``, or :data:`EDGES` without a path.

    Raises
    ------
    OptionError
        If the text is neither.

    Examples
    --------
    >>> from geoseg.train.options import parse_also
    >>> parse_also("height=dem.tif"), parse_also("edges")
    (('height', 'dem.tif'), ('edges', ''))
    """
    name, _, path = (part.strip() for part in text.partition("="))
    if text.strip() == EDGES or (name and path and name != EDGES):
        return name, path
    raise OptionError(f"also {text!r} is neither NAME=FILE, such as height=dem.tif, nor {EDGES}")


def as_list(value: Any) -> list[Any]:
    """Return an argument that may be one thing, or a list or tuple of them, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]
