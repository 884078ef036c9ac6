"""Every error a user can meet. Each message says what, which value, and what to do about it, in one line.

May import nothing of geoseg.
"""

from __future__ import annotations

import errno
import os

from geoseg.errors.printable import printable
from geoseg.errors.secrets import without_secrets


class GeosegError(Exception):
    """Base of all errors that geoseg raises on purpose; the command line prints them as one line ``error: …``.

    Examples
    --------
    >>> import geoseg
    >>> try:
    ...     geoseg.open_raster("missing.tif")
    ... except geoseg.GeosegError as error:
    ...     print(error)
    missing.tif: no such file...
    """

    def __str__(self) -> str:
        """Return the message on one line: what it quotes cannot control a terminal and opens no door."""
        return printable(without_secrets(super().__str__()), None)


class OptionError(GeosegError):
    """An option's value is impossible, alone or beside the others."""


class InputError(GeosegError):
    """A scene or file cannot be used as it is."""


class ReadError(InputError):
    """Pixels could not be read although the file opened: truncated, corrupt or lost. Names the window."""


class ChangedError(InputError):
    """A file was changed, replaced or deleted while it was read, so a result would mix two versions."""


class ContractError(InputError):
    """The scene does not match what the model card asks for: bands, values, resolution.

    Attributes
    ----------
    suggested_options
        Options that would mend it, as far as can be told: ``{"bands": "blue=1,…"}``, ``{"scale": "0.0001"}``.
    """

    def __init__(self, message: str, *, suggested_options: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.suggested_options = suggested_options or {}


class ModelError(GeosegError):
    """A model folder, card or its weights are missing, damaged, unsafe or misbehave."""


class DeviceMemoryError(ModelError):
    """The memory of the device (GPU) does not hold one window; other programs may have it for the moment."""


class CompressionError(GeosegError):
    """A smaller model loses more than allowed, or gains nothing, and is not kept."""


class AdaptationError(GeosegError):
    """An adapted model is worse than the one it was made from, and is not kept."""


class ClusterError(GeosegError):
    """The dask scheduler or its workers are lost, do not answer, or do not fit this installation.

    Attributes
    ----------
    job_script
        The script that a batch system did not take or could not run; empty for other errors.
    """

    def __init__(self, message: str, *, job_script: str = "") -> None:
        super().__init__(message)
        self.job_script = job_script


class OutputError(GeosegError):
    """A result cannot be written: exists, not writable, disk full, unknown format."""


class Stopped(Exception):  # noqa: N818 - not an error: the user asked for it
    """Raised inside a block when the caller no longer wants it."""


def one_line(error: BaseException) -> str:
    """Condense an error's text to one line, to be quoted in a message.

    GDAL's own text is taken from the cause where rasterio's only points to it; an error without text gives its type.
    """
    while (cause := error.__cause__ or error.__context__) is not None and "previous exception" in str(error):
        error = cause
    return without_secrets(" ".join(str(error).split())).rstrip(".") or type(error).__name__


_OUT_OF_MEMORY = ("failed to map segment", "cannot allocate memory", "can't allocate memory", "can't start new thread")


def known_cause(error: BaseException) -> str | None:
    """Return the message for an error that the system caused, wherever it struck; None if it is geoseg's own fault.

    Memory ran out, the working folder is gone, a file name is no text, or the system refused a file.
    """
    if _is_out_of_memory(error):
        return "out of memory: give a smaller --memory or --window"
    if "could not find/load shared object" in str(error).lower():  # llvmlite hides the reason
        return "llvmlite cannot be loaded: out of memory (see ulimit -v), or its installation is damaged"
    if isinstance(error, UnicodeEncodeError) and any("\ud800" <= one <= "\udfff" for one in error.object):
        return f"{error.object[:500]}: not valid Unicode text, as a file name that is not UTF-8; rename it"
    if not isinstance(error, OSError) or error.errno is None:
        return None
    if error.errno == errno.ENOENT and not _working_folder_exists():
        return "the working folder has been deleted or moved: change to one that exists (cd) and run again"
    if error.filename is None:
        return None
    return f"{error.filename}: {error.strerror or error}"


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out for this error or one that led to it: a library that did not load, a thread."""
    if error is None:
        return False
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _OUT_OF_MEMORY):
        return True
    return _is_out_of_memory(error.__cause__ or error.__context__)


def _working_folder_exists() -> bool:
    try:
        return bool(os.getcwd())  # noqa: PTH109 - this module imports no more than it must
    except OSError:
        return False
