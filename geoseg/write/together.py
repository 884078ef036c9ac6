"""Several rasters that appear together or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoseg.write.sink import CogSink


def finish_together(*sinks: CogSink) -> None:
    """Complete several sinks at the same time, one thread each, so that none appears unless all are complete.

    Call it as the last statement inside their ``with`` blocks.

    Raises
    ------
    OutputError
        If one of them cannot be written.
    """
    with ThreadPoolExecutor(max(len(sinks), 1)) as pool:
        futures = [pool.submit(sink.complete) for sink in sinks]
        try:
            for future in futures:
                future.result()
        except BaseException:  # Ctrl-C too: the pool waits for its threads, which may have gigabytes to copy
            for sink in sinks:
                sink.cancel()
            raise
