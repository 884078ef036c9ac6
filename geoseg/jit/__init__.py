"""A small just-in-time compiler for loops over numpy arrays, so cheap that nothing needs to be cached.

``@compiled`` turns a function of numbers and C-contiguous arrays into machine code when it is first called, once per
combination of argument types, through LLVM (llvmlite). In: plain Python. Out: numbers, and arrays written in place.
The compiler knows nothing of what is computed. May import: errors.

The functions stay plain Python, in a subset of it:

- numbers are int64, float64 and booleans; ``if``, ``while``, ``for … in range``, ``break``, ``continue``, and
  ``return`` of numbers or of a tuple of numbers;
- arrays of one or two dimensions are parameters: elements are read and written one by one (``a[i]``, ``a[i, j]``,
  counted from 0; indices are not checked), ``size`` and ``shape[k]`` are read; the caller allocates;
- calls of other compiled functions and of ``min``, ``max``, ``abs``, ``int``, ``float``, ``bool``, ``np.int64``,
  ``np.float64``, ``np.sqrt``, ``np.ceil``, ``np.floor``.

Anything else raises NotImplementedError with file and line on the first call. Calls release the GIL.

Numbers behave as numpy's int64 and float64 scalars do, without their warnings: integers wrap; ``x // 0`` and ``x % 0``
are 0 for integers; ``//`` and ``%`` round towards minus infinity and are refused for floats; shifts by a negative
number or by 64 and more give 0, or -1 for ``>>`` of a negative number; ``int`` of NaN, infinity and floats beyond int64
is the smallest int64, as numpy converts them on x86-64.

Why not numba: on a fresh machine it needs 14 s of CPU time to compile the kernels of ``polygonize`` and 1 s in every
process to be imported; here both together take about 1 s, the code is as fast, and it needs no cache on disk, which
read-only installations and cluster workers do not have. The kernels still run under ``numba.njit`` with identical
results (``pytest -m slow tests/polygonize/test_compiled.py``): the way out should a future llvmlite break this package.
"""

from __future__ import annotations

from geoseg.jit.machine import compiled

__all__ = ["compiled"]
