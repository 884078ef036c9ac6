"""The values in the middle of many dates, pixel by pixel, in vector registers.

numpy compares whole arrays, whose halves go through the cache between any two comparisons. Here a hundred bytes of
neighbouring pixels of all dates lie side by side in the fastest cache until they are in order; which of them are
compared is a table, so that one function serves any number of dates.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geoseg.jit.machine import Once, machine_code

_BYTES: Final = 128  # of a date that are in order at a time: two vectors of AVX-512, eight of Arm


def middles(
    dates: Sequence[NDArray[Any]], valid: Sequence[NDArray[np.bool_]]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.uint16]]:
    """Return the two values in the middle of the valid ones of each pixel: of an odd number twice the same.

    Releases the GIL.

    Parameters
    ----------
    dates
        Of each date, pixels (n,), of one type: integers, or floats of 32 or 64 bits, contiguous; at most 65,535 dates.
    valid
        Of each date, whether its pixels (n,) count. Valid floats must not be NaN.

    Returns
    -------
    low, high : (n,) of the type of the pixels
        Unspecified where no date is valid.
    count : (n,) uint16
        How many dates are valid.

    Raises
    ------
    ValueError
        If shapes or types differ, or an array has gaps.

    Examples
    --------
    >>> import numpy as np
    >>> dates = [np.array([5, 1]), np.array([9, 2]), np.array([7, 3])]
    >>> low, high, count = middles(dates, [np.array([True, True]), np.array([True, False]), np.array([True, True])])
    >>> low, high, count
    (array([7, 1]), array([7, 3]), array([3, 2], dtype=uint16))
    """
    size, dtype = dates[0].size, dates[0].dtype
    for arrays, kind in ((dates, dtype), (valid, np.dtype(np.bool_))):
        for one in arrays:
            if one.shape != (size,) or one.dtype != kind or (size and one.strides != (kind.itemsize,)):
                raise ValueError(f"{kind} ({size},) without gaps is needed, got {one.dtype} {one.shape} {one.strides}")
    if len(valid) != len(dates) or len(dates) > np.iinfo(np.uint16).max:
        raise ValueError(f"{len(dates)} dates, validity of {len(valid)}: as many are needed, and 65,535 at most")
    lanes = _BYTES // dtype.itemsize
    if 0 < size < lanes:  # the function computes whole blocks, the last one again from where it fits
        wide = [[np.pad(one, (0, lanes - size)) for one in arrays] for arrays in (dates, valid)]
        low, high, count = middles(*wide)
        return low[:size], high[:size], count[:size]
    low, high, count = np.empty(size, dtype), np.empty(size, dtype), np.empty(size, np.uint16)
    if size:
        table = _table(len(dates))
        rows = np.empty(len(dates) * _BYTES + 64, np.uint8)
        aligned = -rows.ctypes.data % 64 + rows.ctypes.data
        _compiled(dtype.str[1:])[1](
            _addresses(dates), _addresses(valid), len(dates), size, table.ctypes.data, len(table), aligned,
            low.ctypes.data, high.ctypes.data, count.ctypes.data,
        )  # fmt: skip
    return low, high, count


def _addresses(arrays: Sequence[NDArray[Any]]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*(one.ctypes.data for one in arrays))


@Once
def _compiled(dtype: str) -> tuple[Any, Callable[..., None]]:
    """Return the engine that owns the code, and its function."""
    engine, address = machine_code(_assembly(dtype))
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    kinds = [pointer, pointer, number, number, pointer, number, *[pointer] * 4]
    return engine, ctypes.CFUNCTYPE(None, *kinds)(address)


def _assembly(dtype: str) -> str:
    """Return LLVM assembly of the function for a numpy type, as ``u2`` or ``f4``."""
    family, size = dtype[0], int(dtype[1:])
    lanes = _BYTES // size
    kind = f"i{8 * size}" if family in "iu" else {4: "float", 8: "double"}[size]
    vector = f"<{lanes} x {kind}>"
    if family == "f":
        largest = "0x7FF0000000000000"
        declared = ""
        least = f"%less = fcmp olt {vector} %a, %b\n  %least = select <{lanes} x i1> %less, {vector} %a, {vector} %b"
        most = f"%most = select <{lanes} x i1> %less, {vector} %b, {vector} %a"
    else:
        largest = str(-1 if family == "u" else 2 ** (8 * size - 1) - 1)
        names = [f"llvm.{family if family == 'u' else 's'}{way}.v{lanes}{kind}" for way in ("min", "max")]
        declared = "\n".join(f"declare {vector} @{name}({vector}, {vector})" for name in names)
        least, most = (
            f"%{word} = call {vector} @{name}({vector} %a, {vector} %b)"
            for word, name in zip(("least", "most"), names, strict=True)
        )
    missing = f"<{', '.join([f'{kind} {largest}'] * lanes)}>"
    picked = "\n".join(
        f"""  %{row}.row = mul i64 %{row}, {lanes}
  %{row}.lane = add i64 %{row}.row, %l
  %{row}.from = getelementptr {kind}, ptr %rows, i64 %{row}.lane
  %{row}.value = load {kind}, ptr %{row}.from, align {size}
  %{row}.to = getelementptr {kind}, ptr %{out}, i64 %to
  store {kind} %{row}.value, ptr %{row}.to, align {size}"""
        for row, out in (("first", "low"), ("second", "high"))
    )
    return f"""
{declared}
define void @entry(ptr %dates, ptr %valid, i64 %count, i64 %size, ptr noalias %table, i64 %pairs, ptr noalias %rows,
                   ptr noalias %low, ptr noalias %high, ptr noalias %seen) {{
start:
  %last = sub i64 %size, {lanes}
  br label %block
block:
  %from = phi i64 [ 0, %start ], [ %next, %done ]
  br label %date
date:
  %d = phi i64 [ 0, %block ], [ %d.next, %date ]
  %n = phi <{lanes} x i16> [ zeroinitializer, %block ], [ %n.next, %date ]
  %value.at = getelementptr ptr, ptr %dates, i64 %d
  %value.p = load ptr, ptr %value.at
  %value.q = getelementptr {kind}, ptr %value.p, i64 %from
  %value = load {vector}, ptr %value.q, align {size}
  %valid.at = getelementptr ptr, ptr %valid, i64 %d
  %valid.p = load ptr, ptr %valid.at
  %valid.q = getelementptr i8, ptr %valid.p, i64 %from
  %byte = load <{lanes} x i8>, ptr %valid.q, align 1
  %has = icmp ne <{lanes} x i8> %byte, zeroinitializer
  %one = zext <{lanes} x i1> %has to <{lanes} x i16>
  %n.next = add <{lanes} x i16> %n, %one
  %kept = select <{lanes} x i1> %has, {vector} %value, {vector} {missing}
  %row = getelementptr {vector}, ptr %rows, i64 %d
  store {vector} %kept, ptr %row, align 64
  %d.next = add i64 %d, 1
  %d.more = icmp slt i64 %d.next, %count
  br i1 %d.more, label %date, label %sort
sort:
  %counts = getelementptr i16, ptr %seen, i64 %from
  store <{lanes} x i16> %n.next, ptr %counts, align 2
  %any = icmp sgt i64 %pairs, 0
  br i1 %any, label %pair, label %pick
pair:
  %k = phi i64 [ 0, %sort ], [ %k.next, %pair ]
  %place = getelementptr [2 x i32], ptr %table, i64 %k
  %ia = load i32, ptr %place
  %place.b = getelementptr i32, ptr %place, i64 1
  %ib = load i32, ptr %place.b
  %row.a = getelementptr {vector}, ptr %rows, i32 %ia
  %row.b = getelementptr {vector}, ptr %rows, i32 %ib
  %a = load {vector}, ptr %row.a, align 64
  %b = load {vector}, ptr %row.b, align 64
  {least}
  {most}
  store {vector} %least, ptr %row.a, align 64
  store {vector} %most, ptr %row.b, align 64
  %k.next = add i64 %k, 1
  %k.more = icmp slt i64 %k.next, %pairs
  br i1 %k.more, label %pair, label %pick
pick:
  br label %lane
lane:
  %l = phi i64 [ 0, %pick ], [ %l.next, %lane ]
  %to = add i64 %from, %l
  %c.at = getelementptr i16, ptr %seen, i64 %to
  %c = load i16, ptr %c.at, align 2
  %c.wide = zext i16 %c to i64
  %c.least = call i64 @llvm.umax.i64(i64 %c.wide, i64 1)
  %c.less = sub i64 %c.least, 1
  %first = lshr i64 %c.less, 1
  %second = lshr i64 %c.least, 1
{picked}
  %l.next = add i64 %l, 1
  %l.more = icmp slt i64 %l.next, {lanes}
  br i1 %l.more, label %lane, label %done
done:
  %step = add i64 %from, {lanes}
  %next = call i64 @llvm.smin.i64(i64 %step, i64 %last)
  %more = icmp slt i64 %step, %size
  br i1 %more, label %block, label %exit
exit:
  ret void
}}
declare i64 @llvm.umax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
"""


@functools.cache
def _table(count: int) -> NDArray[np.int32]:
    """Return the comparisons (n, 2) that bring the smaller half of ``count`` values into order, with the one above it.

    They are those of Batcher's merge exchange (see ``_merge_exchange``) that have a way to one of these places.
    """
    needed = set(range(count // 2 + 1))
    found = []
    for one, other in reversed(_merge_exchange(count)):
        if one in needed or other in needed:
            found.append((one, other))
            needed |= {one, other}
    return np.array(found[::-1], np.int32).reshape(-1, 2)


def _merge_exchange(count: int) -> tuple[tuple[int, int], ...]:
    """Return the comparators of Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, M)."""
    pairs = []
    top = 1 << max((count - 1).bit_length() - 1, 0)
    step = top
    while step:
        run, rest, gap = top, 0, step
        while True:
            pairs += [(one, one + gap) for one in range(count - gap) if one & step == rest]
            if run == step:
                break
            gap, run, rest = run - step, run // 2, step
        step //= 2
    return tuple(pairs)
