"""torch.compile, where it is asked for and helps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from geoseg.errors import ModelError
from geoseg.models.inference.execution import Execution, measured_window

if TYPE_CHECKING:
    from geoseg.models.model import Model


def with_compile(model: Model, execution: Execution, shape: tuple[int, int], dtype: Any) -> Execution:
    """Return the execution with the network compiled if that is faster here and says the same; else as it was.

    The reason says what became of it, in both cases. Compiling takes up to a minute, and measuring some seconds.
    """
    from geoseg.models.inference.calibrate import _AGREEMENT, _GAIN, _Bench

    if getattr(model.module(), "pointwise", False):
        return _told(execution, "not compiled: the network has no context and is run in strips")
    bench = _Bench(model, measured_window(model.card, shape), np.dtype(dtype), 60.0)
    compiled = replace(execution, compile=True)
    try:
        before, after = bench.rate(execution), bench.rate(compiled)
    except ModelError as error:
        return _told(execution, f"not compiled: {error}")
    if np.mean(bench._classes[compiled] == bench._classes[execution]) < _AGREEMENT:  # noqa: SLF001 - its own family
        return _told(execution, "not compiled: it would give other classes")
    if after < before * _GAIN:
        return _told(execution, f"not compiled: {after / before:.2f} times as fast")
    return _told(replace(compiled, rate=after), f"compiled, {after / before:.2f} times as fast")


def _told(execution: Execution, line: str) -> Execution:
    return replace(execution, reason=f"{execution.reason}; {line}" if execution.reason else line)


def compile_module(module: torch.nn.Module, sample: torch.Tensor, name: str) -> torch.nn.Module:
    """Compile a network and run it once on ``sample``.

    Raises
    ------
    ModelError
        If it cannot be compiled here: no compiler for this device, or an operation that torch cannot compile.
    """
    try:
        compiled = torch.compile(module)
        with torch.inference_mode():
            compiled(sample)
    except Exception as error:  # noqa: BLE001 - dynamo and its backends raise anything
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        cause = lines[0][:200] if lines else type(error).__name__
        raise ModelError(f"model {name!r} cannot be compiled here ({cause}); run without --compile") from None
    return cast("torch.nn.Module", compiled)
