"""Answers of a pretrained network that are kept, for a program that maps the same view again and again.

While a sketch is drawn, each save changes the small classifier and neither the visible part nor the pretrained network
below it, whose forward passes take most of the time. Answers are kept under the SHA-256 of the network and its input:
what comes back is bit for bit what would have been computed. Nothing is kept unless :func:`keep_answers` was called, as
the process does that stays warm for QGIS.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

MOST_BYTES = 128 * 2**20
"""Memory that kept answers take at most: a view of 2000² pixels of 6 classes takes 96 MB."""


class KeptAnswers:
    """Tensors by key, the least recently used forgotten first. Thread-safe.

    Parameters
    ----------
    limit
        Bytes of all tensors together, at most.

    Examples
    --------
    >>> import torch
    >>> from geoseg.models.inference.answers import KeptAnswers
    >>> kept = KeptAnswers(limit=32)
    >>> for key in "abc":
    ...     kept.put(key, torch.zeros(4))
    >>> [kept.get(key) is not None for key in "abc"]
    [False, True, True]
    """

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._tensors: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> torch.Tensor | None:
        """Return what is kept under a key; None if nothing is."""
        with self._lock:
            if key in self._tensors:
                self._tensors.move_to_end(key)
            return self._tensors.get(key)

    def put(self, key: str, tensor: torch.Tensor) -> None:
        """Keep a tensor that nobody changes any more."""
        with self._lock:
            if tensor.nbytes > self.limit or key in self._tensors:
                return
            self._tensors[key] = tensor
            self._bytes += tensor.nbytes
            while self._bytes > self.limit:
                self._bytes -= self._tensors.popitem(last=False)[1].nbytes


class _Process:
    """What this process keeps, and whether that is in use."""

    kept: KeptAnswers | None = None
    suspended = 0


def keep_answers(limit: int = MOST_BYTES) -> None:
    """Keep answers from now on, in this process; a limit of 0 keeps none any more."""
    _Process.kept = KeptAnswers(limit) if limit else None


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Compute everything meanwhile, in all threads: speed is being measured."""
    _Process.suspended += 1
    try:
        yield
    finally:
        _Process.suspended -= 1


def answers_of(
    x: torch.Tensor, network: torch.nn.Module, settings: Sequence[torch.Tensor], compute: Callable[[], torch.Tensor]
) -> torch.Tensor:
    """Return what ``compute()`` returns, computed or kept.

    Parameters
    ----------
    x
        The input; only answers on a CPU in inference mode are kept.
    network, settings
        What else decides the answer: layers and weights, and further numbers.
    compute
        Computes the answer.
    """
    kept = _Process.kept
    exported = torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
    usable = x.device.type == "cpu" and torch.is_inference_mode_enabled() and not exported
    if kept is None or _Process.suspended or not usable:
        return compute()
    key = _key(x, network, settings)
    found = kept.get(key)
    if found is None:
        found = compute()
        kept.put(key, found)
    return found


def _key(x: torch.Tensor, network: torch.nn.Module, settings: Sequence[torch.Tensor]) -> str:
    # Results differ in their last bits with memory layout, number of threads and precision.
    precision = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    digest = hashlib.sha256(f"{network!r} {tuple(x.shape)} {x.stride()} {precision} {torch.get_num_threads()}".encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(_bytes(tensor))
    for tensor in (*settings, x):
        digest.update(_bytes(tensor))
    return digest.hexdigest()


def _bytes(tensor: torch.Tensor) -> memoryview:
    if tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
        tensor = tensor.permute(0, 2, 3, 1)  # as it lies in memory
    return tensor.detach().contiguous().flatten().view(torch.uint8).numpy().data
