"""Losses that GDAL mentions while its call succeeds, as errors.

A TIFF whose tags cannot be read opens without its georeference, band names, nodata value or mask: libtiff warns that it
ignores them. A tile whose place in the file cannot be read counts as one that was never written, so that its pixels are
missing, or is looked for at the beginning of the file. Both happen where a connection fails for a moment and where the
end of a file is lost. rasterio raises errors for calls that fail, and logs all others: its loggers are heard here.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from typing import TYPE_CHECKING

from rasterio.errors import RasterioIOError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

# Tags of libtiff and GDAL on which pixels and their place depend, and directories: masks and overviews. A private tag
# of a camera that points nowhere costs nothing.
_LOST = re.compile(
    r'[^\s:]+: ?IO error during reading of "(?:Geo|GDAL|RPC|Tile|Strip|Bits|Sample|Extra|Color|Photometric|Planar)\w*"'
    r"|TIFFReadDirectory: ?Failed to read directory.*"
)

# What rasterio says of an error of GDAL in a call that may succeed nevertheless.
_SIGNALLED = re.compile(r"GDAL signalled an error: err_no=\d+, msg=(?P<quote>['\"])(?P<words>.*)(?P=quote)", re.DOTALL)

# What PROJ and the warper say of pixels for which there is no place in the other CRS.
_OUTSIDE = re.compile(r"PROJ|project|transform|coordinate|latitude|longitude", re.IGNORECASE)


class _Heard(threading.local):
    """What GDAL has said in this thread, as lists of those who listen."""

    def __init__(self) -> None:
        self.lists: list[list[str]] = []


_heard = _Heard()


def _listen(name: str) -> None:
    """Hear a logger of rasterio from the level on at which it logs errors; its handlers get what they would get."""
    logger = logging.getLogger(name)
    usual = logger.getEffectiveLevel

    def heed(record: logging.LogRecord) -> bool:
        if _heard.lists:  # of a file that is opened while others are read, only those who open it
            _heard.lists[-1].append(record.getMessage())
        return record.levelno >= usual()

    logger.getEffectiveLevel = lambda: min(logging.INFO, usual())  # type: ignore[method-assign]
    logger.addFilter(heed)


for _name in ("rasterio._env", "rasterio._err"):
    _listen(_name)


def losses_of_opening() -> AbstractContextManager[None]:
    """Return a context that raises an error if a dataset is opened in it of which GDAL could not read everything.

    Raises
    ------
    rasterio.errors.RasterioIOError
        With GDAL's words.
    """
    return _losses(_unread)


def losses_of_reading(*, warped: bool) -> AbstractContextManager[None]:
    """Return a context that raises an error if GDAL signals one while pixels are read, even if it then delivers them.

    Parameters
    ----------
    warped
        Whether they are warped: that some lie outside another CRS is no error.

    Raises
    ------
    rasterio.errors.RasterioIOError
        With GDAL's words.
    """
    return _losses(_signalled_on_ground if warped else _signalled)


@contextlib.contextmanager
def _losses(loss_in: Callable[[str], str | None]) -> Iterator[None]:
    """Raise the first loss that GDAL mentions in this thread; ``loss_in`` finds it in a message, or gives None."""
    heard: list[str] = []
    _heard.lists.append(heard)
    try:
        yield
    finally:
        _heard.lists.pop()
    for loss in map(loss_in, heard):
        if loss is not None:
            raise RasterioIOError(loss)


def _unread(text: str) -> str | None:
    found = _LOST.search(text)
    return None if found is None else found[0]


def _signalled(text: str) -> str | None:
    found = _SIGNALLED.search(text)
    return None if found is None else found["words"]


def _signalled_on_ground(text: str) -> str | None:
    words = _signalled(text)
    return None if words is None or _OUTSIDE.search(words) else words
