"""Memory of a forward pass, counted on torch's meta device without computing anything."""

from __future__ import annotations

import copy
import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class _AllocationCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # untyped in torch
    """Tracks the bytes held by tensors as they are created and freed, and the peak."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return out

    def _count(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata  # noqa: SLF001 - views and in-place results share a storage
        if key in self._known:
            return
        self._known.add(key)
        size = storage.nbytes()
        self.held += size
        self.peak = max(self.peak, self.held)
        weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.held -= size


def bytes_per_pixel(module: torch.nn.Module, bands: int, side: int) -> float | None:
    """Return the peak memory of a float32 forward pass, input and output included, per input pixel.

    The network runs on torch's meta device, which tracks shapes without data, so it costs neither time nor memory.

    Parameters
    ----------
    module
        The network.
    bands, side
        Shape of its input: (1, bands, side, side).

    Returns
    -------
    Bytes per pixel; None if the network needs data (its control flow depends on values, say).
    """
    try:
        shapes_only = copy.deepcopy(module).to("meta").eval()
        with torch.no_grad(), _AllocationCounter() as counter:
            x = torch.empty((1, bands, side, side), device="meta")
            shapes_only(x)
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return None
    return counter.peak / side**2 if counter.peak else None
