"""From a window to what a graph takes, and from what it returns to logits: layouts, types, sizes, activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ModelError
from geoseg.models.networks.onnx_contract import GraphContract, Port, Shape

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard

OUTPUT_KEY = "geoseg:output"
"""Metadata key of what the graph returns: ``probabilities`` or ``logits``."""

_INPUT_TYPES = ("float32", "float16", "float64", "uint8", "int8", "uint16", "int16", "int32", "int64", "uint32")

# Outputs may be smaller than the window by these factors; they are interpolated.
_FACTORS = (1, 2, 4, 8, 16, 32)

# Fixed sides up to this length are numbers of bands where the card does not tell; windows are larger.
_MAX_BANDS = 16

# Stands for the factor of an output whose size cannot be inferred.
_UNKNOWN = -1

# Smallest probability of which the logarithm is taken.
_TINY = 1e-30

# How far the sum over the classes may be from 1 after a softmax, in half precision or after interpolation.
_SUM_TOLERANCE = 0.02


@dataclass(frozen=True)
class InputForm:
    """How windows enter a graph.

    Attributes
    ----------
    name, dtype
        Of the input.
    axes
        Order of its axes, such as ``"NCHW"`` or ``"HWC"``.
    sides
        Height and width of its windows; None for sides that are free.
    probe
        Height and width for which sizes of outputs were inferred.
    batch
        Windows that it takes at a time; None for any number.
    """

    name: str
    dtype: str
    axes: str
    sides: tuple[int | None, int | None]
    probe: tuple[int | None, int | None]
    batch: int | None


@dataclass(frozen=True)
class OutputForm:
    """What a graph's output means.

    Attributes
    ----------
    name
        Of the output.
    kind
        ``"scores"``: a value for each class; ``"score"``: one value, of the second of two classes; ``"classes"``: the
        number of the class.
    activation
        Of scores: ``"softmax"``, ``"logsoftmax"``, ``"sigmoid"`` or ``""`` for logits.
    axes
        Order of its axes, such as ``"NCHW"`` or ``"NHW"``; None if it cannot be told before the first run.
    """

    name: str
    kind: str
    activation: str
    axes: str | None


@dataclass(frozen=True)
class Form:
    """How a graph serves a card: its input, and the one output that is the segmentation."""

    source: InputForm
    result: OutputForm
    bands: int
    classes: int

    @property
    def whole_numbers(self) -> bool:
        """Whether the input takes integers: digital numbers as they are."""
        return "float" not in self.source.dtype


# Reading the form ---------------------------------------------------------------------------------------------------


def form_of(contract: GraphContract, card: ModelCard) -> Form:
    """Return how a graph serves a card.

    Raises
    ------
    ModelError
        If its input or outputs do not fit the card's bands and classes; the message lists them.
    """
    label, bands, classes = f"model {card.name!r}", len(card.bands), len(card.classes)
    source = input_form(contract, bands, label)
    return Form(source, _output_form(contract, source, card, label), bands, classes)


def input_form(contract: GraphContract, bands: int | None, label: str) -> InputForm:
    """Return how windows of some number of bands, None if it is not known, enter a graph.

    Raises
    ------
    ModelError
        If the graph has several inputs, or one of another shape or type.
    """
    if len(contract.inputs) != 1:
        raise ModelError(
            f"{label}: its graph has {len(contract.inputs)} inputs ({_listed(contract.inputs)}); export it with "
            "exactly one, the pixels"
        )
    port = contract.inputs[0]
    if port.dtype not in _INPUT_TYPES:
        raise ModelError(f"{label}: the input of its graph is of type {port.dtype}; export it with float32 or uint8")
    shape = (None,) * 4 if port.shape is None else port.shape
    axes = _input_axes(shape, bands, last=contract.channels_last)
    if axes is None:
        wanted = "bands" if bands is None else bands
        raise ModelError(
            f"{label}: the input of its graph is {port}, the card requires (batch, {wanted}, height, width) or "
            f"(batch, height, width, {wanted})"
        )
    sides = dict(zip(axes, shape, strict=True))
    probe = dict(zip(axes, port.probe or shape, strict=True))
    return InputForm(port.name, port.dtype, axes, (sides["H"], sides["W"]), (probe["H"], probe["W"]), sides.get("N", 1))


def _input_axes(shape: Shape, bands: int | None, *, last: bool) -> str | None:
    if len(shape) == 2:
        return "HW" if bands in (None, 1) else None
    if len(shape) not in (3, 4):
        return None
    batch = "N" if len(shape) == 4 else ""
    first, final = shape[-3], shape[-1]
    if bands is None:
        last = last or (_short(final) and not _short(first))
        return batch + ("HWC" if last else "CHW")
    pairs = (("CHW", first, final), ("HWC", final, first))
    fitting = [axes for axes, side, _ in pairs if side == bands]
    if not fitting:
        fitting = [axes for axes, side, other in pairs if side is None and not _short(other)]
    if len(fitting) == 2:
        return batch + ("HWC" if last else "CHW")
    return batch + fitting[0] if fitting else None


def _short(side: int | None) -> bool:
    """Whether a side must be the bands, since it is too short for a window."""
    return side is not None and side <= _MAX_BANDS


def _output_form(contract: GraphContract, source: InputForm, card: ModelCard, label: str) -> OutputForm:
    classes = len(card.classes)
    named = _named_output(card)
    ranked = []
    for port in contract.outputs:
        fit = _fit(port, source, classes)
        if fit is not None:
            ranked.append((fit, port))
    if chosen := [port for _, port in ranked if port.name == named]:
        return _result(contract, chosen[0], source, card, label)
    best = min((fit for fit, _ in ranked), default=None)
    fitting = [port for fit, port in ranked if fit == best]
    if len(fitting) == 1:
        return _result(contract, fitting[0], source, card, label)
    if not fitting:
        raise ModelError(
            f"{label}: the output of its graph does not fit the card: it returns {_listed(contract.outputs)}, the card "
            f"requires {classes} scores for each pixel (batch, {classes}, height, width), one score for two classes, "
            "or one class number"
        )
    raise ModelError(
        f"{label}: {len(fitting)} outputs of its graph could be the segmentation: {_listed(fitting)}; name one in the "
        f'card: "mlm:output": [{{"name": "{fitting[0].name}", …}}]'
    )


def _named_output(card: ModelCard) -> str | None:
    """Return the output's name in the card's ``mlm:output``."""
    properties = card.item.get("properties")
    entries = properties.get("mlm:output") if isinstance(properties, dict) else None
    entry = entries[0] if isinstance(entries, list) and entries else None
    return entry.get("name") if isinstance(entry, dict) else None


def _fit(port: Port, source: InputForm, classes: int) -> tuple[int, int] | None:
    """Return how well an output fits, smaller is better; None if it cannot be the segmentation."""
    if port.probe is None:
        return 2, 0
    axes = output_axes(port.probe, source, classes, port)
    if axes is None:
        return None
    sides = dict(zip(axes, port.probe, strict=True))
    factors = {_factor(side, sides[axis]) for side, axis in zip(source.probe, "HW", strict=True)}
    known = factors - {_UNKNOWN}
    if 0 in known or len(known) > 1:
        return None
    return int(sides.get("C", 1) == 1), max(known, default=1)


def _factor(window: int | None, output: int | None) -> int:
    """Return by how much an output is smaller, and 0 if by no factor that is allowed."""
    if window is None or output is None:
        return _UNKNOWN
    return next((factor for factor in _FACTORS if output * factor == window), 0)


def output_axes(shape: Sequence[int | None], source: InputForm, classes: int, port: Port) -> str | None:
    """Return the order of an output's axes; None if it cannot be the segmentation."""
    number = "float" not in port.dtype
    single = source.batch == 1
    if len(shape) == 2:
        return "HW" if single else None
    if len(shape) == 3 and (number or port.activation == "argmax" or not (single and classes in (shape[0], shape[2]))):
        return "NHW" if "N" in source.axes or shape[0] in (1, None) else None
    if len(shape) not in (3, 4):
        return None
    batch = "N" if len(shape) == 4 else ""
    first, final = shape[-3], shape[-1]
    orders = ("HWC", "CHW") if source.axes.endswith("C") else ("CHW", "HWC")
    for wanted in (classes, 1, None):
        for axes in orders:
            side = first if axes == "CHW" else final
            if side == wanted and not (number and wanted not in (1, None)):
                return batch + axes
    return None


def _result(contract: GraphContract, port: Port, source: InputForm, card: ModelCard, label: str) -> OutputForm:
    classes = len(card.classes)
    axes = None if port.probe is None else output_axes(port.probe, source, classes, port)
    sides = dict(zip(axes, port.probe, strict=True)) if axes and port.probe else {}
    number = "float" not in port.dtype or port.activation == "argmax"
    activation = {"probabilities": "softmax", "logits": ""}.get(contract.metadata.get(OUTPUT_KEY, ""), port.activation)
    if number:
        return OutputForm(port.name, "classes", "argmax", axes)
    if sides and sides.get("C", 1) == 1:
        if activation == "softmax" and OUTPUT_KEY not in contract.metadata:
            raise ModelError(
                f"{label}: its graph ends in a softmax over one class, which is 1 everywhere; export logits"
            )
        if classes != 2:
            raise ModelError(
                f"{label}: its graph returns one score for each pixel, which tells two classes apart, but the card has "
                f"{classes}; list the background and the class"
            )
        return OutputForm(port.name, "score", "sigmoid" if activation in ("sigmoid", "softmax") else "", axes)
    return OutputForm(port.name, "scores", activation, axes)


def _listed(ports: Sequence[Port]) -> str:
    return ", ".join(map(str, ports[:8])) + (", …" if len(ports) > 8 else "") if ports else "none"


# Running ------------------------------------------------------------------------------------------------------------


def to_input(pixels: NDArray[np.float32], form: InputForm) -> NDArray[Any]:
    """Return what the graph takes for normalised pixels (N, bands, h, w), mirrored to its sides if those are fixed.

    Graphs without a batch axis take one window at a time.
    """
    missing = [(side or have) - have for side, have in zip(form.sides, pixels.shape[-2:], strict=True)]
    if any(missing):
        pixels = np.pad(pixels, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])), mode="symmetric")
    have = "NCHW"
    if "C" not in form.axes:
        pixels, have = pixels[:, 0], "NHW"
    order = form.axes if "N" in form.axes else f"N{form.axes}"
    array = _as_type(pixels, np.dtype(form.dtype)).transpose([have.index(axis) for axis in order])
    return np.ascontiguousarray(array if "N" in form.axes else array[0])


def _as_type(pixels: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return pixels in another type, rounded and limited to its range."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        # The largest float32 that does not wrap around: 2^31 − 1 would be rounded up.
        most = np.nextafter(np.float32(limits.max), np.float32(0)) if dtype.itemsize > 2 else limits.max
        return np.clip(np.rint(pixels), limits.min, most).astype(dtype)
    if dtype == np.float16:
        pixels = np.clip(pixels, np.finfo(np.float16).min, np.finfo(np.float16).max)
    return pixels.astype(dtype, copy=False)


def to_logits(array: NDArray[Any], form: Form, port: Port, window: tuple[int, int], name: str) -> torch.Tensor:
    """Return the logits float32 (N, classes, h, w) of one output.

    Parameters
    ----------
    array
        What the graph returned.
    form, port
        How the graph serves the card, and the output's contract.
    window
        Height and width of the windows that it was given; h and w are these.
    name
        The model's name, for error messages.

    Raises
    ------
    ModelError
        If the array has another shape than its form allows, class numbers outside the card's, or a softmax over
        something else than the classes.
    """
    import torch

    result = form.result
    axes = result.axes or output_axes(array.shape, form.source, form.classes, port)
    axes = axes if axes and len(axes) == array.ndim else None
    channels = form.classes if result.kind == "scores" else 1
    planes = None if axes is None else _planes(array, axes)
    factors = set() if planes is None else {_factor(*pair) for pair in zip(window, planes.shape[-2:], strict=True)}
    if planes is None or planes.shape[1] != channels or len(factors) != 1 or 0 in factors:
        raise ModelError(
            f"model {name!r}: output {result.name!r} has shape {tuple(array.shape)} for windows of {window[0]} × "
            f"{window[1]}; it must return (batch, {form.classes}, height, width)"
        )
    if result.kind == "classes":
        return _class_logits(planes, form.classes, window, name)
    values = torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))
    if result.activation == "softmax" and result.kind == "scores":
        _check_sum(planes, name)
    if values.shape[-2:] != window:
        values = torch.nn.functional.interpolate(values, window, mode="bilinear", align_corners=False)
    if result.kind == "score":
        return _two_logits(values, probability=result.activation == "sigmoid")
    if result.activation in ("softmax", "sigmoid"):
        # The caller takes a softmax, and softmax(log p) = p.
        return values.clamp_min_(_TINY).log_()
    return values


def _planes(array: NDArray[Any], axes: str) -> NDArray[Any]:
    """Return an array as (N, C, h, w)."""
    for axis in "NC":
        if axis not in axes:
            array, axes = array[None], axis + axes
    return array.transpose([axes.index(axis) for axis in "NCHW"])


def _two_logits(values: torch.Tensor, *, probability: bool) -> torch.Tensor:
    import torch

    if not probability:  # sigmoid(z) = softmax(0, z)
        return torch.cat([torch.zeros_like(values), values], 1)
    return torch.cat([1 - values, values], 1).clamp_min_(_TINY).log_()


def _class_logits(planes: NDArray[Any], classes: int, window: tuple[int, int], name: str) -> torch.Tensor:
    """Return logits that make each pixel's class certain."""
    import torch

    numbers = planes[:, 0]
    if numbers.dtype.kind == "f":
        numbers = np.rint(numbers)
    low, high = numbers.min(), numbers.max()
    if not (low >= 0 and high < classes):
        raise ModelError(
            f"model {name!r}: its graph returns class numbers {low}…{high}, the card has classes 0…{classes - 1}"
        )
    for axis, side in enumerate(window, 1):
        if numbers.shape[axis] != side:
            numbers = numbers.repeat(side // numbers.shape[axis], axis)
    which = torch.from_numpy(numbers.astype(np.int64))[:, None]
    logits = torch.full((len(numbers), classes, *window), float(np.log(_TINY)))
    return logits.scatter_(1, which, 0.0)


def _check_sum(planes: NDArray[Any], name: str) -> None:
    sums = planes[:, :, :: max(planes.shape[2] // 16, 1), :: max(planes.shape[3] // 16, 1)].sum(1, dtype=np.float64)
    if bool((np.abs(sums - 1) > _SUM_TOLERANCE).any()):
        raise ModelError(
            f"model {name!r}: its graph ends in a softmax, but the values of a pixel's classes do not sum to 1; the "
            'softmax runs over another axis: export logits, or set the metadata "geoseg:output" to "logits"'
        )
