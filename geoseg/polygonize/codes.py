"""Convert raw pixels to the padded integer codes that are traced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from geoseg.errors import InputError
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.source import RowSource

_INT32 = np.iinfo(np.int32)


class Coder:
    """Converts raw pixels to padded codes.

    Parameters
    ----------
    source
        The class map.
    nodata
        Value of pixels without a class; None takes the source's own.
    only, exclude
        Class ids to keep (None: all) and to leave out.
    rounded
        Round floats to the nearest whole number instead of refusing them.
    """

    def __init__(
        self,
        source: RowSource,
        nodata: float | None,
        only: Sequence[int] | None,
        exclude: Sequence[int],
        *,
        rounded: bool = False,
    ) -> None:
        self._rounded = rounded and source.dtype.kind == "f"
        self._name = source.name
        self._nodata = source.nodata if nodata is None else nodata
        if self._nodata is not None and source.dtype.kind in "iu" and self._nodata != int(self._nodata or 0):
            self._nodata = None  # NaN or 0.5 cannot occur among integers
        self._only = None if only is None else np.unique(np.asarray(only, np.int64))
        self._exclude = np.unique(np.asarray(exclude, np.int64))

    def code(self, data: Array, valid: Array | None, before: int, after: int) -> tuple[Array, int]:
        """Return padded codes (uint8 where they fit, else int32) and the code of absent pixels.

        Parameters
        ----------
        data
            Raw pixels (rows, columns).
        valid
            Mask of valid pixels, or None if nodata alone decides.
        before, after
            Rows of absent pixels to add above and below.

        Raises
        ------
        InputError
            If pixels are not integers within int32.
        """
        if data.dtype.kind == "b":
            data = data.astype(np.uint8)
        if data.dtype.kind not in "iuf":
            raise InputError(f"{self._name}: pixels are {data.dtype}; a class map holds whole numbers")
        absent = self._absent(data, valid)
        if self._rounded:
            data = np.rint(data)
        if data.dtype == np.uint8:
            code = self._unused(data, absent)
            if code is not None:
                return _padded(data, absent, np.uint8(code), before, after), code
        data = self._whole(data, absent)
        low = int(data.min(initial=0, where=~absent if absent is not None else True))
        code = low - 1 if low > _INT32.min else int(data.max(initial=0)) + 1
        if not _INT32.min <= code <= _INT32.max:
            raise InputError(f"{self._name}: pixel values use all of int32; declare one of them nodata (--nodata)")
        return _padded(data, absent, np.int32(code), before, after), code

    def _absent(self, data: Array, valid: Array | None) -> Array | None:
        if data.dtype == np.uint8:
            table = np.zeros(256, bool)
            if self._only is not None:
                table[:] = True
                table[self._only[(self._only >= 0) & (self._only < 256)]] = False
            table[self._exclude[(self._exclude >= 0) & (self._exclude < 256)]] = True
            if self._nodata is not None and 0 <= self._nodata < 256:
                table[int(self._nodata)] = True
            absent = table[data] if table.any() else None
        else:
            absent = ~np.isfinite(data) if data.dtype.kind == "f" else np.zeros(data.shape, bool)
            if self._nodata is not None:
                absent |= data == data.dtype.type(self._nodata) if _holds(data.dtype, self._nodata) else False
            if self._rounded:
                data = np.rint(data)
            if self._only is not None:
                absent |= ~np.isin(data, self._only)
            if self._exclude.size:
                absent |= np.isin(data, self._exclude)
        if valid is not None:
            absent = ~valid if absent is None else absent | ~valid
        return absent

    def _unused(self, data: Array, absent: Array | None) -> int | None:
        """Return a byte that no pixel has except absent ones, or None."""
        if absent is not None and self._nodata is not None and 0 <= self._nodata < 256:
            return int(self._nodata)
        for code in (255, 254, 0):
            if not (data == code).any():
                return code
        counts = np.bincount(data.ravel(), minlength=256)
        free = np.flatnonzero(counts == 0)
        return int(free[0]) if free.size else None

    def _whole(self, data: Array, absent: Array | None) -> Array:
        """Return the pixels, checked to be whole numbers within int32."""
        if data.dtype.kind == "f":
            known = data if absent is None else np.where(absent, 0, data)
            off = known != np.rint(known)
            if off.any():
                value = float(known[off][0])
                raise InputError(
                    f"{self._name}: pixels are {data.dtype} and not whole numbers (one is {value:g}); "
                    "round them with --round (rounded=True) if they are classes; else classify the raster first, or "
                    "choose a band of classes with --band"
                )
            data = known
        if data.dtype.kind == "f" or data.dtype.itemsize > 4 or data.dtype == np.uint32:
            known = data if absent is None else np.where(absent, data.dtype.type(0), data)
            if known.size and (known.max() > _INT32.max or known.min() < _INT32.min):
                value = int(known.max()) if known.max() > _INT32.max else int(known.min())
                raise InputError(f"{self._name}: class {value} does not fit int32, the widest class number supported")
            return known
        return data


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    if dtype.kind == "f":
        return True
    info = np.iinfo(dtype)
    return bool(info.min <= value <= info.max)


def _padded(data: Array, absent: Array | None, code: Any, before: int, after: int) -> Array:
    rows, columns = data.shape
    out = np.empty((before + rows + after, columns + 2), code.dtype)
    out[:before] = out[before + rows :] = code
    out[:, 0] = out[:, -1] = code
    inner = out[before : before + rows, 1:-1]
    inner[...] = data
    if absent is not None:
        inner[absent] = code
    return out
