"""The JSON of an exported program -> steps, checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from geoseg.errors import ModelError, one_line
from geoseg.models.programs.archive import DTYPES, Archive
from geoseg.models.programs.operators import check_mode, operator_of

PROBE_SIDE = 512
"""Side of the window, in pixels, for which sizes are computed where the program leaves it free."""

_MAX_STEPS = 200_000

_MAX_TEXT = 40

_FORMATS = {1: "contiguous_format", 2: "channels_last", 4: "preserve_format"}

# What ends a network, and operators after which values still mean the same.
_ENDS = {"softmax": "softmax", "_softmax": "softmax", "sigmoid": "sigmoid", "sigmoid_": "sigmoid"}
_TRANSPARENT = (
    "_to_copy", "to", "clone", "contiguous", "detach", "alias", "slice", "view", "reshape", "upsample_bilinear2d",
    "upsample_nearest2d", "upsample_bicubic2d", "float", "half", "squeeze", "unsqueeze", "permute",
)  # fmt: skip


class Ref(NamedTuple):
    """A value by its name."""

    name: str


class OwnDevice:
    """Stands for the device on which the program runs."""


@dataclass(frozen=True)
class Step:
    """One operator: what it takes, what it is called, and which values nobody needs after it."""

    target: str
    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outputs: tuple[str | tuple[str, ...], ...]
    frees: tuple[str, ...]

    def __deepcopy__(self, _memo: Any) -> Step:
        return self


@dataclass(frozen=True)
class ProgramShape:
    """What a program takes and returns.

    Attributes
    ----------
    bands, classes
        Number of channels in and out; ``classes`` is 1 for one score of a class against the rest.
    batch
        Windows that it takes at a time; None for any number.
    sides
        Height and width that it takes; None for sides that are free.
    multiple
        What height and width must be multiples of, as far as the program says so.
    activation
        ``"softmax"``, ``"sigmoid"``, or ``""`` for logits.
    """

    bands: int
    classes: int
    batch: int | None
    sides: tuple[int | None, int | None]
    multiple: int
    activation: str


class ProgramReader:
    """Reads the JSON of a program."""

    def __init__(self, archive: Archive, label: str) -> None:
        self.label = label
        try:
            module = archive.program["graph_module"]
            self._graph, signature = module["graph"], module["signature"]
            self._nodes: Sequence[Mapping[str, Any]] = self._graph["nodes"]
            self.weights: dict[str, torch.Tensor] = {}
            self.constants: dict[str, Any] = {}
            self.input = self._inputs(signature["input_specs"], archive)
            self.output = self._outputs(signature["output_specs"])
            meta = self._graph["tensor_values"][self.input]
            sizes = [self._size(entry) for entry in meta["sizes"]]
            self.dtype = getattr(torch, DTYPES[meta["dtype"]])
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ModelError(f"{label}: a damaged PT2 archive: its program lacks {one_line(error)[:80]}") from None
        if len(self._nodes) > _MAX_STEPS:
            raise ModelError(f"{label}: its program has {len(self._nodes):,} steps, more than {_MAX_STEPS:,}")
        if len(sizes) != 4 or sizes[1][0] is None or not self.dtype.is_floating_point:
            raise ModelError(
                f"{label}: its program takes {DTYPES[meta['dtype']]} of {len(sizes)} axes; geoseg runs those that take "
                "float32 (batch, bands, height, width) of a fixed number of bands"
            )
        self.batch, self.bands = sizes[0][0], sizes[1][0]
        self.sides = (sizes[2][0], sizes[3][0])
        self.multiple = math.lcm(sizes[2][1], sizes[3][1])

    def _inputs(self, specs: Sequence[Mapping[str, Any]], archive: Archive) -> str:
        users = []
        for spec in specs:
            (kind, value), = spec.items()  # fmt: skip
            if kind == "user_input":
                users.append(value["arg"])
            elif kind in ("parameter", "buffer", "tensor_constant"):
                name = value[f"{kind}_name"]
                if name not in archive.tensors:
                    raise ModelError(f"{self.label}: a damaged PT2 archive: it has no weight {name[:60]!r}")
                self.weights[value["arg"]["name"]] = archive.tensors[name]
            elif kind == "constant_input":
                (_, self.constants[value["name"]]), = value["value"].items()  # fmt: skip
            else:
                raise ModelError(f"{self.label}: takes {kind.replace('_', ' ')}, and only tensors are read from files")
        tensors = [arg["as_tensor"]["name"] for arg in users if "as_tensor" in arg]
        if len(users) != 1 or len(tensors) != 1:
            raise ModelError(f"{self.label}: its program takes {len(users)} inputs; export it with one, the pixels")
        return str(tensors[0])

    def _outputs(self, specs: Sequence[Mapping[str, Any]]) -> str:
        kinds = [next(iter(spec)) for spec in specs]
        if other := [kind for kind in kinds if kind != "user_output"]:
            raise ModelError(
                f"{self.label}: its program also returns {other[0].replace('_', ' ')}, which is of training; call "
                "eval() before torch.export.export"
            )
        args = [spec["user_output"]["arg"] for spec in specs]
        if len(args) != 1 or "as_tensor" not in args[0]:
            raise ModelError(
                f"{self.label}: its program returns {len(args)} values; export it with one, the scores of the classes"
            )
        return str(args[0]["as_tensor"]["name"])

    def _size(self, entry: Mapping[str, Any]) -> tuple[int | None, int]:
        """Return a side of the input, None if it is free, and the factor that it must be a multiple of.

        Expressions are texts such as ``s0``, ``32*_h`` or ``Mul(Integer(32), Symbol('_h'))``; only the factor is read.
        """
        if "as_int" in entry:
            return int(entry["as_int"]), 1
        text = str(entry["as_expr"]["expr_str"])
        found = re.fullmatch(r"(?:Mul\(Integer\((\d{1,4})\), .*|(\d{1,4})\*\w+)", text)
        return None, int(found[1] or found[2]) if found else 1

    def steps(self) -> tuple[Step, ...]:
        """Return the operators, in order.

        Raises
        ------
        ModelError
            If one is not allowed, or takes what only code can be made of.
        """
        made = []
        for node in self._nodes:
            try:
                made.append(self._step(node))
            except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
                raise ModelError(
                    f"{self.label}: a damaged PT2 archive: one of its steps cannot be read ({one_line(error)[:80]})"
                ) from None
        return _with_frees([step for step in made if step is not None], keep={self.output, *self.weights})

    def _step(self, node: Mapping[str, Any]) -> Step | None:
        target = str(node["target"])
        call = operator_of(target, self.label)
        if call is None:
            return None
        given = {entry["name"]: self._argument(entry["arg"]) for entry in node["inputs"]}
        check_mode(target, given, self.label)
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        schema = getattr(call, "_schema", None)
        if schema is None:  # of sizes: in order
            args = [self._argument(entry["arg"]) for entry in node["inputs"]]
        else:
            for argument in schema.arguments:
                if argument.name not in given:
                    continue
                if argument.kwarg_only or len(args) < list(schema.arguments).index(argument):
                    kwargs[argument.name] = given.pop(argument.name)
                else:
                    args.append(given.pop(argument.name))
            # reshape takes the same as view, under another name.
            if given:
                args += given.values()
        outputs = tuple(self._names(entry) for entry in node["outputs"])
        return Step(target, call, tuple(args), kwargs, outputs, ())

    def _names(self, output: Mapping[str, Any]) -> str | tuple[str, ...]:
        (kind, value), = output.items()  # fmt: skip
        if kind == "as_tensor":
            return str(value["name"])
        if kind == "as_tensors":
            return tuple(str(one["name"]) for one in value)
        if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
            return str(value.get("as_name", ""))
        if kind in ("as_none", "as_int", "as_float", "as_bool"):
            return ""
        raise ModelError(f"{self.label}: a step returns {kind.removeprefix('as_')}, which is not run from files")

    def _argument(self, argument: Mapping[str, Any]) -> Any:
        (kind, value), = argument.items()  # fmt: skip
        simple = _SIMPLE.get(kind)
        if simple is not None:
            return simple(value)
        if kind == "as_string" and isinstance(value, str) and len(value) <= _MAX_TEXT:
            return value
        raise ModelError(
            f"{self.label}: a step takes {kind.removeprefix('as_').replace('_', ' ')}, which is not run from files"
        )

    def shape(self, result: torch.Tensor) -> ProgramShape:
        """Return what the program takes and returns, from what it returned for one window."""
        sides = [side or PROBE_SIDE for side in self.sides]
        fits = result.dim() == 4 and result.shape[0] == (self.batch or 1) and result.is_floating_point()
        fits = fits and all(
            have <= side and side % have == 0 for have, side in zip(result.shape[2:], sides, strict=True)
        )
        if not fits:
            raise ModelError(
                f"{self.label}: its program returns {str(result.dtype).removeprefix('torch.')} "
                f"{' × '.join(map(str, result.shape))} for a window of {sides[1]} × {sides[0]} px; it must return "
                "scores (batch, classes, height, width)"
            )
        classes = int(result.shape[1])
        activation = self._activation()
        if activation == "softmax" and classes == 1:
            raise ModelError(f"{self.label}: ends in a softmax over one class, which is 1 everywhere; export logits")
        return ProgramShape(self.bands, classes, self.batch, self.sides, self.multiple, activation)

    def _activation(self) -> str:
        """Return the activation that made the output, through operators that only move or rescale it."""
        makers = {}
        for node in self._nodes:
            for output in node["outputs"]:
                if "as_tensor" in output:
                    makers[output["as_tensor"]["name"]] = node
        name = self.output
        for _ in range(len(self._nodes) + 1):
            if name not in makers:
                return ""
            node = makers[name]
            operator = node["target"].removeprefix("torch.ops.aten.").partition(".")[0]
            first = node["inputs"][0]["arg"] if node["inputs"] else {}
            if operator in _ENDS:
                dims = [entry["arg"].get("as_int") for entry in node["inputs"] if entry["name"] == "dim"]
                if _ENDS[operator] == "softmax" and dims not in ([1], [-3]):
                    raise ModelError(
                        f"{self.label}: its softmax runs over another axis than the classes; export logits"
                    )
                return _ENDS[operator]
            if operator not in _TRANSPARENT or "as_tensor" not in first:
                return ""
            name = first["as_tensor"]["name"]
        return ""


def _with_frees(steps: list[Step], keep: set[str]) -> tuple[Step, ...]:
    """Return the steps with the names that nobody needs after each."""
    needed = set(keep)
    found = []
    for step in reversed(steps):
        used = set(_refs([*step.args, *step.kwargs.values()]))
        made = {name for names in step.outputs for name in ((names,) if isinstance(names, str) else names)}
        frees = (used | made) - needed
        needed |= used
        found.append(Step(step.target, step.call, step.args, step.kwargs, step.outputs, tuple(sorted(frees))))
    return tuple(reversed(found))


def _refs(values: Sequence[Any]) -> list[str]:
    return [
        name
        for value in values
        for name in ([value.name] if isinstance(value, Ref) else _refs(value) if isinstance(value, list) else [])
    ]


def _float(value: Any) -> float:
    return float(value)  # "Infinity", "-Infinity" and "NaN" are texts


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) >= 2**63:
        raise ValueError(f"{str(value)[:20]} is no whole number")
    return value


def _symbol(value: Mapping[str, Any]) -> Any:
    (kind, inner), = value.items()  # fmt: skip
    return Ref(str(inner)) if kind == "as_name" else inner


def _optional(value: Mapping[str, Any]) -> Any:
    return Ref(str(value["as_tensor"]["name"])) if "as_tensor" in value else None


def _dtype(value: Any) -> torch.dtype:
    return getattr(torch, DTYPES[value])  # type: ignore[no-any-return]


def _strided(value: Any) -> torch.layout:
    if value != 7:
        raise ValueError("a tensor is sparse")
    return torch.strided


def _memory_format(value: Any) -> torch.memory_format:
    return getattr(torch, _FORMATS[value])  # type: ignore[no-any-return]


_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "as_none": lambda _: None,
    "as_tensor": lambda value: Ref(str(value["name"])),
    "as_tensors": lambda value: [Ref(str(one["name"])) for one in value],
    "as_optional_tensor": _optional,
    "as_optional_tensors": lambda value: [_optional(one) for one in value],
    "as_int": _whole,
    "as_ints": lambda value: [_whole(one) for one in value],
    "as_float": _float,
    "as_floats": lambda value: [_float(one) for one in value],
    "as_bool": bool,
    "as_bools": lambda value: [bool(one) for one in value],
    "as_sym_int": _symbol,
    "as_sym_ints": lambda value: [_symbol(one) for one in value],
    "as_sym_float": _symbol,
    "as_sym_floats": lambda value: [_symbol(one) for one in value],
    "as_sym_bool": _symbol,
    "as_scalar_type": _dtype,
    "as_memory_format": _memory_format,
    "as_layout": _strided,
    "as_device": lambda _: OwnDevice(),
}
