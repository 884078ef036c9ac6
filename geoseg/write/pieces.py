"""Arrays in pieces, as they are computed: every chunk that several arrays or pieces need is computed once."""

from __future__ import annotations

import queue
import sys
import threading
import uuid
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoseg.errors import Stopped
from geoseg.system.resources import cpu_count
from geoseg.tiling import Box

Piece = tuple[int, Box, NDArray[Any]]
"""Number of the array, position of the piece, and its values (…, h, w)."""

# Pieces that may wait for the writer, per core: more would only take memory.
_WAITING = 2


def pieces(arrays: Sequence[Any]) -> Generator[Piece, None, None]:
    """Yield arrays (…, y, x) in pieces and any order; dask arrays are computed together, in one pass.

    Computed are a few chunks at a time by the scheduler that is active. On a cluster, pieces wait on the workers until
    they are written.
    """
    lazy = {}
    for number, array in enumerate(arrays):
        if isinstance(array, np.ndarray):
            yield number, Box(0, 0, *array.shape[-2:]), array
        else:
            lazy[number] = array.rechunk({0: -1}) if array.ndim == 3 else array
    if not lazy:
        return
    client = _active_client()
    yield from _threaded(lazy) if client is None else _on_cluster(client, lazy)


def _active_client() -> Any:
    distributed: Any = sys.modules.get("distributed")  # imported wherever a cluster is in use
    with suppress(ValueError, AttributeError):  # no cluster is active
        return distributed.get_client()
    return None


def _boxes(array: Any) -> NDArray[np.object_]:
    """Return the box of every chunk, by its row and column."""
    heights, widths = array.chunks[-2:]
    rows, cols = (np.cumsum([0, *sizes]) for sizes in (heights, widths))
    boxes = np.empty((len(heights), len(widths)), object)
    for i, height in enumerate(heights):
        for j, width in enumerate(widths):
            boxes[i, j] = Box(int(rows[i]), int(cols[j]), int(height), int(width))
    return boxes


def _threaded(arrays: dict[int, Any]) -> Generator[Piece, None, None]:
    """Compute in a thread that hands over pieces, and waits while many of them are not yet written."""
    from dask.base import compute

    ready: queue.Queue[Piece | BaseException | None] = queue.Queue(_WAITING * cpu_count())
    stopped = threading.Event()

    def put(item: Piece | BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.2)
                return
        raise Stopped

    def run() -> None:
        try:
            compute(*(_handing_over(number, array, put) for number, array in arrays.items()))
            put(None)
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised where the pieces are taken
            with suppress(Stopped):
                put(error)

    thread = threading.Thread(target=run, name="geoseg-pieces", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()


def _handing_over(number: int, array: Any, put: Any) -> Any:
    """Return an array that hands over each chunk of another when it is computed, and is next to nothing itself."""
    boxes = _boxes(array)
    chunks = tuple((1,) * len(sizes) for sizes in array.chunks)

    def hand_over(values: Any, block_id: tuple[int, ...]) -> NDArray[np.bool_]:
        put((number, boxes[block_id[-2:]], np.asarray(values)))
        return np.ones((1,) * len(chunks), bool)

    name = f"hand-over-{uuid.uuid4().hex}"
    return array.map_blocks(hand_over, chunks=chunks, dtype=bool, meta=np.empty((0,) * len(chunks), bool), name=name)


def _on_cluster(client: Any, arrays: dict[int, Any]) -> Generator[Piece, None, None]:
    """Compute in one graph, and fetch each piece as soon as it is there."""
    from distributed import as_completed

    places, delayed = [], []
    for number, array in arrays.items():
        blocks = array.to_delayed().reshape(array.numblocks[-2:])
        for place, box in np.ndenumerate(_boxes(array)):
            places.append((number, box))
            delayed.append(blocks[place])
    futures = client.compute(delayed)
    where = {future.key: place for future, place in zip(futures, places, strict=True)}
    waiting = as_completed(futures, with_results=True, raise_errors=True)
    del futures  # a worker forgets a piece once it is fetched
    for future, values in waiting:
        yield (*where[future.key], np.asarray(values))
