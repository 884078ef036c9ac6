"""How much memory a forward pass takes, counted without computing it."""

from __future__ import annotations

import copy
import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class _Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Adds up the bytes of tensors as they are made and takes them off as they die."""

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
        key = storage._cdata  # noqa: SLF001 - identity of a storage: views and in-place results share it
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
    """Return the peak of a forward pass in float32, input and output included, per input pixel.

    Runs the network on torch's meta device: shapes only, no numbers, so it takes no time and no memory.

    Parameters
    ----------
    module
        The network.
    bands, side
        Its input: (1, bands, side, side).

    Returns
    -------
    Bytes per pixel; None if the network does something that has no meaning without numbers.
    """
    try:
        ghost = copy.deepcopy(module).to("meta").eval()
        with torch.no_grad(), _Ledger() as ledger:
            x = torch.empty((1, bands, side, side), device="meta")
            ghost(x)
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return None
    return ledger.peak / side**2 if ledger.peak else None
