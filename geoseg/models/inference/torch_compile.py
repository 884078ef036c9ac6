"""torch.compile, where it is asked for and helps."""

from __future__ import annotations

from typing import cast

import torch

from geoseg.errors import ModelError


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
