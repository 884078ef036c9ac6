"""Compiled functions, and LLVM at work; see the package's text."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from geoseg.jit.lower import Module
from geoseg.jit.syntax import ArrayType, Type

_lock: Final = threading.RLock()


class Compiled:
    """A function that is compiled when it is called.

    Attributes
    ----------
    py_func
        The function itself; it gives the same result, slowly.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.py_func = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self._versions: dict[tuple[Type, ...], _Version] = {}

    def __call__(self, *args: Any) -> Any:
        """Run the version for these types, compiling it if there is none yet."""
        key = tuple(_type_of(arg) for arg in args)
        version = self._versions.get(key)
        if version is None:
            with _lock:
                version = self._versions.get(key)
                if version is None:
                    version = self._versions[key] = _Version(self, key)
        return version(args)


def compiled(function: Callable[..., Any]) -> Any:
    """Decorate a function to be compiled, see the package's text."""
    return Compiled(function)


class _Version:
    """Machine code for one combination of types."""

    def __init__(self, kernel: Compiled, types: tuple[Type, ...]) -> None:
        module = Module(Compiled)
        self._returns = module.add_entry(kernel, types)
        self._engine, address = _machine_code(module.text())
        kinds: list[Any] = []
        for kind in types:
            if isinstance(kind, ArrayType):
                kinds += [ctypes.c_void_p, *[ctypes.c_int64] * kind.ndim]
            else:
                kinds.append(ctypes.c_double if kind == "f" else ctypes.c_int64)
        self._function = ctypes.CFUNCTYPE(None, *kinds, ctypes.c_void_p)(address)

    def __call__(self, args: tuple[Any, ...]) -> Any:
        values: list[Any] = []
        for arg in args:
            if isinstance(arg, np.ndarray):
                values += [arg.ctypes.data, *arg.shape]
            else:
                values.append(arg if isinstance(arg, float) else int(arg))
        out = np.empty(max(len(self._returns), 1), np.int64)
        self._function(*values, out.ctypes.data)
        if not self._returns:
            return None
        found = [
            float(out[k : k + 1].view(np.float64)[0]) if kind == "f" else (bool if kind == "b" else int)(out[k])
            for k, kind in enumerate(self._returns)
        ]
        return found[0] if len(found) == 1 else tuple(found)


def _type_of(arg: Any) -> Type:
    if isinstance(arg, np.ndarray):
        if not (arg.flags.c_contiguous and arg.dtype.isnative and arg.ndim in (1, 2)):
            raise TypeError(
                f"compiled functions take contiguous arrays of 1 or 2 dimensions, got {arg.dtype} {arg.strides}"
            )
        return ArrayType(arg.dtype.str[1:], arg.ndim)
    if isinstance(arg, float):
        return "f"
    return "i"


def _machine_code(text: str) -> tuple[Any, int]:
    """Compile LLVM's text; return what keeps the code alive, and the address of its function ``entry``."""
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
