"""Parse the functions to compile and infer the types of their variables."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from geoseg.errors import GeosegError


class ArrayType(NamedTuple):
    """An array's dtype as numpy abbreviates it (``i4``, ``u1``, ``f8``, …) and its number of dimensions."""

    dtype: str
    ndim: int

    @property
    def element(self) -> str:
        """Type of an element once it is loaded."""
        return "f" if self.dtype[0] == "f" else "i"


Type: TypeAlias = str | ArrayType
"""``"i"`` int64, ``"f"`` float64, ``"b"`` boolean, or an array."""

CASTS = {"int": "i", "int64": "i", "float": "f", "float64": "f", "bool": "b"}
ROUNDING = ("sqrt", "ceil", "floor")


def wider(kinds: Iterable[str | None]) -> str | None:
    """Return the narrowest type that all of these convert to; None stands for one not inferred yet."""
    known = [kind for kind in kinds if kind is not None]
    return max(known, key="bif".index) if known else None


class Syntax:
    """A function's syntax tree with the types of its variables.

    Parameters
    ----------
    function
        The Python function to compile.
    types
        Types of its parameters.
    kernel_type
        Class of compiled functions; globals of this class may be called.
    return_types_of
        Infers the return types of another compiled function from the types of its arguments.

    Attributes
    ----------
    tree, parameters
        The function's definition, and the types of its parameters.
    locals
        Types of its local variables, including parameters that are numbers.
    returns
        Types of the numbers that it returns; empty if it returns none.

    Raises
    ------
    GeosegError
        If the function's source is not installed.
    NotImplementedError
        If it uses Python beyond the subset.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        types: tuple[Type, ...],
        kernel_type: type,
        return_types_of: Callable[[Any, tuple[Type, ...]], tuple[str, ...]],
    ) -> None:
        self._function = function
        self._kernel_type = kernel_type
        self._return_types_of = return_types_of
        tree = ast.parse(_source(function)).body[0]
        assert isinstance(tree, ast.FunctionDef)
        self.tree = tree
        self.parameters = dict(zip((item.arg for item in tree.args.args), types, strict=True))
        self.locals: dict[str, str] = {k: v for k, v in self.parameters.items() if isinstance(v, str)}
        self.returns: tuple[str, ...] = ()
        self._infer()

    def unsupported(self, node: ast.AST, what: str) -> NotImplementedError:
        """Return the error for code beyond the subset, with its file and line."""
        code = self._function.__code__
        line = code.co_firstlineno + getattr(node, "lineno", 1) - 1
        return NotImplementedError(f"{code.co_filename}:{line}: {what} cannot be compiled: {ast.unparse(node)}")

    def callee(self, node: ast.Call) -> tuple[str, Any]:
        """Return the name of the function called, and the compiled function if it is one."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        kernel = self._function.__globals__.get(name)
        return name, kernel if isinstance(kernel, self._kernel_type) else None

    def constant(self, node: ast.AST) -> float | None:
        """Return the value of a constant expression, None for any other."""
        value: Any = None
        if isinstance(node, ast.Constant):
            value = node.value
        elif isinstance(node, ast.Name) and node.id not in self.parameters and node.id not in self.locals:
            value = self._function.__globals__.get(node.id)
        elif isinstance(node, ast.Attribute) and node.attr == "inf":
            value = np.inf
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            base, power = self.constant(node.left), self.constant(node.right)
            value = None if base is None or power is None else base**power
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.constant(node.operand)
            value = None if inner is None else -inner
        return value if isinstance(value, int | float) else None

    def array(self, node: ast.AST) -> tuple[str, ArrayType]:
        """Return name and type of a parameter that is an array."""
        kind = self.parameters.get(node.id) if isinstance(node, ast.Name) else None
        if not isinstance(kind, ArrayType):
            raise self.unsupported(node, "an array that is not a parameter")
        assert isinstance(node, ast.Name)
        return node.id, kind

    def arguments(self, node: ast.Call) -> tuple[Type | None, ...]:
        """Infer the types of a call's arguments."""
        kinds: list[Type | None] = []
        for item in node.args:
            kind = self.parameters.get(item.id) if isinstance(item, ast.Name) else None
            if not isinstance(kind, ArrayType):
                number = self.type_of(item)
                kind = "i" if number == "b" else number
            kinds.append(kind)
        return tuple(kinds)

    def call_results(self, node: ast.Call) -> tuple[str | None, ...]:
        """Infer the types that a call of a compiled function returns; empty while an argument's is unknown."""
        kinds = self.arguments(node)
        known = tuple(kind for kind in kinds if kind is not None)
        return self._return_types_of(self.callee(node)[1], known) if len(known) == len(kinds) else ()

    def type_of(self, node: ast.AST) -> str | None:
        """Infer the type of an expression; None while it depends on a variable without one."""
        constant = self.constant(node)
        if constant is not None:
            return "b" if isinstance(constant, bool) else "f" if isinstance(constant, float) else "i"
        if isinstance(node, ast.Name):
            return self.locals.get(node.id)
        if isinstance(node, ast.Subscript):
            return "i" if is_shape(node) else self.array(node.value)[1].element
        if isinstance(node, ast.Attribute):
            return "i"
        if isinstance(node, ast.BoolOp | ast.Compare):
            return "b"
        if isinstance(node, ast.UnaryOp):
            return "b" if isinstance(node.op, ast.Not) else wider(["i", self.type_of(node.operand)])
        if isinstance(node, ast.BinOp):
            operands = wider([self.type_of(node.left), self.type_of(node.right)])
            return "f" if isinstance(node.op, ast.Div) else None if operands is None else wider(["i", operands])
        if isinstance(node, ast.IfExp):
            return wider([self.type_of(node.body), self.type_of(node.orelse)])
        if isinstance(node, ast.Call):
            return self._type_of_call(node)
        raise self.unsupported(node, "this expression")

    def _type_of_call(self, node: ast.Call) -> str | None:
        name, kernel = self.callee(node)
        if kernel is not None:
            results = self.call_results(node)
            return results[0] if results else None
        if name in CASTS:
            return CASTS[name]
        if name in ROUNDING:
            return "f"
        if name in {"min", "max", "abs"}:
            return wider(["i", *(self.type_of(item) for item in node.args)])
        raise self.unsupported(node, "this call")

    def _infer(self) -> None:
        """Give every variable the widest of the types assigned to it, repeating until nothing changes."""
        for _ in range(20):
            before = dict(self.locals), self.returns
            for node in ast.walk(self.tree):
                self._infer_statement(node)
            if (dict(self.locals), self.returns) == before:
                return
        raise self.unsupported(self.tree, "a function whose types are circular")

    def _infer_statement(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assigned(target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assigned(node.target, node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            self._widen(node.target.id, self.type_of(ast.BinOp(node.target, node.op, node.value)))
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            self._widen(node.target.id, "i")
        elif isinstance(node, ast.Return) and node.value is not None:
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            kinds = [self.type_of(value) for value in values]
            before = self.returns or (None,) * len(kinds)
            widened = [wider(pair) for pair in zip(before, kinds, strict=True)]
            self.returns = tuple(kind for kind in widened if kind is not None) if all(widened) else self.returns

    def _assigned(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._widen(target.id, self.type_of(value))
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, other in zip(target.elts, value.elts, strict=True):
                self._assigned(one, other)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Call):
            for one, kind in zip(target.elts, self.call_results(value), strict=False):
                if isinstance(one, ast.Name):
                    self._widen(one.id, kind)

    def _widen(self, name: str, kind: str | None) -> None:
        widened = wider([self.locals.get(name), kind])
        if widened is not None:
            self.locals[name] = widened


def is_shape(node: ast.AST) -> bool:
    """Whether an expression is ``array.shape[k]``."""
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape"


def _source(function: Callable[..., Any]) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:  # only bytecode is there: .pyc without .py, or a frozen program
        raise GeosegError(
            f"{function.__module__}.{function.__qualname__} is compiled from its Python source, which is not "
            f"installed; install {function.__module__.partition('.')[0]} with its .py files, not as bytecode alone"
        ) from error
