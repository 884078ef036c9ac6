"""A just-in-time compiler for loops over arrays, small enough that a first call costs a fraction of a second.

``@compiled`` turns a function of numbers and contiguous arrays into machine code when it is first called, once per
combination of argument types, by way of LLVM (llvmlite). The functions stay plain Python and mean what Python says, on
a subset of it:

- integers (of 64 bits, and wrapping like those of numpy), floats and truth values; ``if``, ``while``,
  ``for … in range``, ``break``, ``continue``, ``return`` of numbers or of a tuple of numbers;
- arrays of one or two dimensions, as parameters, read and written element by element (``a[i]``, ``a[i, j]``, within
  their bounds, which nothing checks), and asked for ``size`` and ``shape[k]``;
- calls of other compiled functions and of ``min``, ``max``, ``abs``, ``int``, ``float``, ``bool``, ``np.int64``,
  ``np.int32``, ``np.float64``, ``np.sqrt``, ``np.ceil``, ``np.floor``.

Anything else is refused when it is compiled, with file and line. Arrays are made by the caller. Calls release the GIL.

Why not numba, for which these very functions were written: on a fresh machine it took 14 s of processor time to compile
this package's kernels, whatever its options, because it infers types among all that it knows and optimises a function
anew in each one that calls it; and one second in every process after that to be imported. Here both take about one
second together, the code is as fast and computes the same bits, and with no cache on disk a read-only installation, or
the workers of a cluster, start no slower than the rest.
"""

from __future__ import annotations

from geoseg.jit.machine import compiled

__all__ = ["compiled"]
