"""Compiled functions: one version of machine code for each combination of argument types."""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from geoseg.jit.lower import Module
from geoseg.jit.syntax import ArrayType, Type
from geoseg.jit.values import ELEMENTS

_lock: Final = threading.RLock()


class Compiled:
    """A function that is compiled when it is first called with arguments of some types.

    Attributes
    ----------
    py_func
        The Python function; called by itself it returns the same results, slowly.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.py_func = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self._versions: dict[tuple[Type, ...], _Version] = {}

    def __call__(self, *args: Any) -> Any:
        """Run the version for the types of these arguments, compiling it on first use."""
        key = tuple(_type_of(arg) for arg in args)
        version = self._versions.get(key)
        if version is None:
            with _lock:
                version = self._versions.get(key)
                if version is None:
                    version = self._versions[key] = _Version(self, key)
        return version(args)


def compiled(function: Callable[..., Any]) -> Any:
    """Decorate a function so that calls run machine code.

    Parameters
    ----------
    function
        Plain Python in the subset that the package's docstring describes, whose source is installed.

    Returns
    -------
    Compiled
        Takes numbers and C-contiguous arrays of one or two dimensions; returns a number, a tuple of numbers or None.

    Raises
    ------
    GeosegError
        On the first call, if the function's source is not installed.
    NotImplementedError
        On the first call, if the function uses Python beyond the subset.
    TypeError
        If an array cannot be passed: gaps, foreign byte order, another dtype or number of dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from geoseg.jit import compiled
    >>> @compiled
    ... def total(values):
    ...     result = 0
    ...     for i in range(values.size):
    ...         result += values[i]
    ...     return result
    >>> total(np.arange(5))
    10
    """
    return Compiled(function)


class _Version:
    """Machine code for one combination of argument types."""

    def __init__(self, kernel: Compiled, types: tuple[Type, ...]) -> None:
        module = Module(Compiled)
        self._returns = module.add_entry(kernel, types)
        self._engine, address = machine_code(module.text())
        parameters: list[Any] = []
        for kind in types:
            if isinstance(kind, ArrayType):
                parameters += [ctypes.c_void_p, *[ctypes.c_int64] * kind.ndim]
            else:
                parameters.append(ctypes.c_double if kind == "f" else ctypes.c_int64)
        self._function = ctypes.CFUNCTYPE(None, *parameters, ctypes.c_void_p)(address)

    def __call__(self, args: tuple[Any, ...]) -> Any:
        values: list[Any] = []
        for arg in args:
            if isinstance(arg, np.ndarray):
                values += [arg.ctypes.data, *arg.shape]
            else:
                values.append(float(arg) if _is_float(arg) else int(arg))
        out = np.empty(max(len(self._returns), 1), np.int64)
        self._function(*values, out.ctypes.data)
        if not self._returns:
            return None
        results = [
            float(out[k : k + 1].view(np.float64)[0]) if kind == "f" else (bool if kind == "b" else int)(out[k])
            for k, kind in enumerate(self._returns)
        ]
        return results[0] if len(results) == 1 else tuple(results)


def _type_of(arg: Any) -> Type:
    if isinstance(arg, np.ndarray):
        dtype = arg.dtype.str[1:]
        if not (arg.flags.c_contiguous and arg.dtype.isnative and arg.ndim in (1, 2) and dtype in ELEMENTS):
            raise TypeError(
                "compiled functions take C-contiguous arrays of 1 or 2 dimensions and native integers up to int64 or "
                f"floats, got {arg.dtype} of shape {arg.shape} and strides {arg.strides}; copy or convert the array"
            )
        return ArrayType(dtype, arg.ndim)
    return "f" if _is_float(arg) else "i"


def _is_float(arg: Any) -> bool:
    return isinstance(arg, float | np.floating)


class Once:
    """A function whose results are kept, and which computes each of them once, however many threads ask for it at once.

    As a decorator; the arguments must be hashable. ``functools.cache`` alone would compile twice.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._lock = threading.Lock()
        self._kept = functools.cache(function)
        self.cache_clear = self._kept.cache_clear

    def __call__(self, *args: Any) -> Any:
        """Return the result for these arguments, computed on first use."""
        with self._lock:
            return self._kept(*args)


def machine_code(text: str) -> tuple[Any, int]:
    """Compile LLVM assembly; return the engine that owns the code and the address of its function ``entry``."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2, jit=True
    )
    module = llvm.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine, engine.get_function_address("entry")
