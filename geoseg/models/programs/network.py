"""A program of ``torch.export`` as a torch module: its operators, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from geoseg.errors import ModelError, one_line
from geoseg.models.programs.archive import read_archive
from geoseg.models.programs.reader import PROBE_SIDE, OwnDevice, ProgramReader, ProgramShape, Ref

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard
    from geoseg.models.programs.archive import Archive

_MAX_VALUE_BYTES = 8 * 2**30
"""Largest value inside a program for a window of :data:`~geoseg.models.programs.reader.PROBE_SIDE`."""

# Smallest probability of which the logarithm is taken.
_TINY = 1e-30


class Program(torch.nn.Module):
    """Runs a program: float32 (N, bands, h, w), normalised → logits (N, classes, h, w).

    A network of one score for each pixel gives two classes, the rest and that one.

    Parameters
    ----------
    archive
        The program and its weights.
    label
        What error messages call it.

    Raises
    ------
    ModelError
        If it runs operators that are not allowed, was exported in training mode, takes or returns something else, or
        would not fit the memory.
    """

    def __init__(self, archive: Archive, label: str) -> None:
        super().__init__()
        self._label = label
        reader = ProgramReader(archive, label)
        self._input, self._output = reader.input, reader.output
        self._steps, self._dtype = reader.steps(), reader.dtype
        self._names: dict[str, str] = {}
        for number, (name, tensor) in enumerate(reader.weights.items()):
            own = f"weight_{number}"
            self._names[name] = own
            if tensor.is_floating_point():
                self.register_parameter(own, torch.nn.Parameter(tensor, requires_grad=False))
            else:
                self.register_buffer(own, tensor)
        self._constants = reader.constants
        # Tensors made in inference mode do not count what changes them.
        with torch.inference_mode(mode=False), torch.no_grad():
            self.shape = self._probed(reader)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of normalised pixels.

        Raises
        ------
        ModelError
            If windows have another size than the program takes.
        """
        for side, have in zip(self.shape.sides, x.shape[-2:], strict=True):
            if side is not None and side != have:
                raise ModelError(f"{self._label}: takes windows of {self.shape.sides[1]} × {self.shape.sides[0]} px")
        batch = self.shape.batch
        if batch is None:
            return self._logits(self._run(x), x)
        parts = []
        for start in range(0, len(x), batch):
            part = x[start : start + batch]
            if missing := batch - len(part):  # programs of a fixed batch size take no smaller one
                part = torch.cat([part, part[:1].expand(missing, *part.shape[1:])])
            parts.append(self._run(part))
        return self._logits(torch.cat(parts)[: len(x)], x)

    def _logits(self, values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        values = values.float()
        if values.shape[-2:] != x.shape[-2:]:
            values = torch.nn.functional.interpolate(values, x.shape[-2:], mode="bilinear", align_corners=False)
        if self.shape.classes == 1:
            if not self.shape.activation:  # sigmoid(z) = softmax(0, z)
                return torch.cat([torch.zeros_like(values), values], 1)
            values = torch.cat([1 - values, values], 1)
        # softmax(log p) = p
        return values.clamp_min(_TINY).log() if self.shape.activation else values

    def _run(self, x: torch.Tensor, seen: Callable[[Any, str], None] | None = None) -> torch.Tensor:
        values: dict[str, Any] = dict(self._constants)
        for name, own in self._names.items():
            values[name] = getattr(self, own)
        values[self._input] = x.to(self._dtype) if x.dtype != self._dtype and x.dtype == torch.float32 else x
        for step in self._steps:
            result = step.call(
                *[_filled(one, values, x.device) for one in step.args],
                **{key: _filled(one, values, x.device) for key, one in step.kwargs.items()},
            )
            parts = (result,) if len(step.outputs) == 1 else result
            for names, part in zip(step.outputs, parts, strict=False):
                if isinstance(names, tuple):
                    values.update(zip(names, part, strict=True))
                elif names:
                    values[names] = part
                if seen is not None:
                    seen(part, step.target)
            for name in step.frees:
                values.pop(name, None)
        found: torch.Tensor = values[self._output]
        return found

    def _changes(self) -> dict[str, int]:
        """Return how often each weight has been changed."""
        # As autograd counts it, which has no other door.
        return {name: value._version for name, value in self.state_dict(keep_vars=True).items()}  # noqa: SLF001

    def _probed(self, reader: ProgramReader) -> ProgramShape:
        """Run the program on tensors without content, which tells the sizes of all values and what they change."""
        sides = [side or PROBE_SIDE for side in reader.sides]

        def check(value: Any, target: str) -> None:
            for one in value if isinstance(value, list | tuple) else [value]:
                if isinstance(one, torch.Tensor) and one.numel() * one.element_size() > _MAX_VALUE_BYTES:
                    size = one.numel() * one.element_size()
                    raise ModelError(
                        f"{self._label}: its {target} would take {size / 1e9:,.3g} GB for one window; the file is "
                        "damaged or was made to exhaust the memory"
                    )

        real = dict(self._parameters), dict(self._buffers)
        shadows = {name: value.detach().to("meta") for name, value in self.state_dict(keep_vars=True).items()}
        try:
            for name, shadow in shadows.items():
                if name in self._parameters:
                    self._parameters[name] = torch.nn.Parameter(shadow, requires_grad=False)
                else:
                    self._buffers[name] = shadow
            before = self._changes()
            x = torch.zeros(reader.batch or 1, reader.bands, *sides, device="meta")
            result = self._run(x, check)
            after = self._changes()
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - of any operator
            raise ModelError(
                f"{self._label}: its program does not run on windows of {sides[1]} × {sides[0]} px: "
                f"{one_line(error)[:200]}"
            ) from None
        finally:
            self._parameters, self._buffers = real
        if before != after:
            raise ModelError(
                f"{self._label}: changes its own weights when it runs, so that answers would depend on the windows "
                "before; call eval() before torch.export.export"
            )
        return reader.shape(result)


def _filled(value: Any, values: Mapping[str, Any], device: torch.device) -> Any:
    if isinstance(value, Ref):
        return values[value.name]
    if isinstance(value, list):
        return [_filled(one, values, device) for one in value]
    return device if isinstance(value, OwnDevice) else value


def build_program(data: bytes, card: ModelCard) -> Program:
    """Return the network of a PT2 archive.

    Raises
    ------
    ModelError
        If it is unsafe, damaged, or takes or returns another number of bands or classes than the card says.
    """
    label = f"model {card.name!r}"
    program = Program(read_archive(data, label), label)
    for what, have, stated in (
        ("takes", program.shape.bands, len(card.bands)),
        ("returns scores of", max(program.shape.classes, 2), len(card.classes)),
    ):
        if have != stated:
            kind = "bands" if what == "takes" else "classes"
            raise ModelError(f"{label}: its program {what} {have} {kind}; the card has {stated}")
    return program
