"""Blocks that several readers need: computed once while they are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

_Block = TypeVar("_Block")


class KeptBlocks(Generic[_Block]):
    """The blocks that were used last. Thread-safe; who asks for a block that is being computed waits for it.

    Parameters
    ----------
    size
        Returns the bytes of a block.
    limit
        Bytes that are kept.
    """

    def __init__(self, size: Callable[[_Block], int], limit: int) -> None:
        self._size, self._limit = size, limit
        self._lock = threading.Lock()
        self._blocks: OrderedDict[Hashable, Future[_Block]] = OrderedDict()
        self._held = 0

    def kept(self) -> list[_Block]:
        """Return the blocks that have been computed and are still kept."""
        with self._lock:
            return [one.result() for one in self._blocks.values() if one.done()]

    def get(self, key: Hashable, compute: Callable[[], _Block]) -> _Block:
        """Return the block with this key, computed by the first who asks; errors are not kept."""
        with self._lock:
            known = self._blocks.get(key)
            if known is None:
                own = self._blocks[key] = Future()
            else:
                self._blocks.move_to_end(key)
        if known is not None:
            return known.result()
        try:
            block = compute()
        except BaseException as error:
            with self._lock:
                self._blocks.pop(key, None)
            own.set_exception(error)
            raise
        own.set_result(block)
        with self._lock:
            self._held += self._size(block)
            for old in [one for one, future in self._blocks.items() if future.done() and one != key]:
                if self._held <= self._limit:
                    break
                self._held -= self._size(self._blocks.pop(old).result())
        return block
