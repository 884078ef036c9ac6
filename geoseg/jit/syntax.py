"""Syntax trees of functions that are to be compiled, and the types of what stands in them; see ``jit``."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np


class ArrayType(NamedTuple):
    """An array's element type as numpy writes it (``i4``, ``u1``, ``f8``…) and its number of dimensions."""

    dtype: str
    ndim: int

    @property
    def element(self) -> str:
        """Type of its elements once they are read."""
        return "f" if self.dtype[0] == "f" else "i"


Type: TypeAlias = str | ArrayType
"""``"i"`` integer, ``"f"`` float, ``"b"`` truth value, or an array."""

CASTS = {"int": "i", "int64": "i", "int32": "i", "float": "f", "float64": "f", "bool": "b"}
ROUNDING = ("sqrt", "ceil", "floor")


def wider(kinds: Iterable[str | None]) -> str | None:
    """Return the type that holds values of all of these; None stands for not known yet."""
    known = [kind for kind in kinds if kind is not None]
    return max(known, key="bif".index) if known else None


class Syntax:
    """A function's syntax tree, with the types of its names.

    Parameters
    ----------
    function
        What is compiled.
    types
        Of its parameters.
    callee
        Says whether a global is a compiled function.
    returned
        Types that a compiled function returns for these types of arguments.

    Attributes
    ----------
    tree, parameters
        The function, and the types of its parameters.
    locals
        Types of the names that it assigns, parameters that are numbers included.
    returns
        Types that it returns; empty if nothing.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        types: tuple[Type, ...],
        callee: type,
        returned: Callable[[Any, tuple[Type, ...]], tuple[str, ...]],
    ) -> None:
        self._function = function
        self._callee = callee
        self._returned = returned
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        self.tree = tree
        self.parameters = dict(zip((item.arg for item in tree.args.args), types, strict=True))
        self.locals: dict[str, str] = {k: v for k, v in self.parameters.items() if isinstance(v, str)}
        self.returns: tuple[str, ...] = ()
        self._infer()

    def refused(self, node: ast.AST, what: str) -> NotImplementedError:
        """Return the error for what is outside the subset, with file and line."""
        code = self._function.__code__
        line = code.co_firstlineno + getattr(node, "lineno", 1) - 1
        return NotImplementedError(f"{code.co_filename}:{line}: {what} cannot be compiled: {ast.unparse(node)}")

    def called(self, node: ast.Call) -> tuple[str, Any]:
        """Return the plain name of what is called, and the compiled function if it is one."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        found = self._function.__globals__.get(name)
        return name, found if isinstance(found, self._callee) else None

    def constant(self, node: ast.AST) -> float | None:
        """Return the value of a number that is known beforehand, else None."""
        found: Any = None
        if isinstance(node, ast.Constant):
            found = node.value
        elif isinstance(node, ast.Name) and node.id not in self.parameters and node.id not in self.locals:
            found = self._function.__globals__.get(node.id)
        elif isinstance(node, ast.Attribute) and node.attr == "inf":
            found = np.inf
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            base, power = self.constant(node.left), self.constant(node.right)
            found = None if base is None or power is None else base**power
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.constant(node.operand)
            found = None if inner is None else -inner
        return found if isinstance(found, int | float) else None

    def array(self, node: ast.AST) -> tuple[str, ArrayType]:
        """Return name and type of a parameter that is an array."""
        kind = self.parameters.get(node.id) if isinstance(node, ast.Name) else None
        if not isinstance(kind, ArrayType):
            raise self.refused(node, "an array that is no parameter")
        assert isinstance(node, ast.Name)
        return node.id, kind

    def arguments(self, node: ast.Call) -> tuple[Type | None, ...]:
        """Types of a call's arguments."""
        kinds: list[Type | None] = []
        for item in node.args:
            kind = self.parameters.get(item.id) if isinstance(item, ast.Name) else None
            if not isinstance(kind, ArrayType):
                found = self.type_of(item)
                kind = "i" if found == "b" else found
            kinds.append(kind)
        return tuple(kinds)

    def results(self, node: ast.Call) -> tuple[str | None, ...]:
        """Types that a call of a compiled function returns."""
        kinds = self.arguments(node)
        known = tuple(kind for kind in kinds if kind is not None)
        return self._returned(self.called(node)[1], known) if len(known) == len(kinds) else ()

    def type_of(self, node: ast.AST) -> str | None:
        """Type of an expression; None where it depends on a name that has none yet."""
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
            found = wider([self.type_of(node.left), self.type_of(node.right)])
            return "f" if isinstance(node.op, ast.Div) else None if found is None else wider(["i", found])
        if isinstance(node, ast.IfExp):
            return wider([self.type_of(node.body), self.type_of(node.orelse)])
        if isinstance(node, ast.Call):
            return self._type_of_call(node)
        raise self.refused(node, "this expression")

    def _type_of_call(self, node: ast.Call) -> str | None:
        name, kernel = self.called(node)
        if kernel is not None:
            results = self.results(node)
            return results[0] if results else None
        if name in CASTS:
            return CASTS[name]
        if name in ROUNDING:
            return "f"
        if name in {"min", "max", "abs"}:
            return wider(["i", *(self.type_of(item) for item in node.args)])
        raise self.refused(node, "this call")

    def _infer(self) -> None:
        """Give every assigned name the widest type of what is assigned to it."""
        # A name that is assigned is local, also where it stands before its first type is known.
        for _ in range(20):
            before = dict(self.locals), self.returns
            for node in ast.walk(self.tree):
                self._infer_statement(node)
            if (dict(self.locals), self.returns) == before:
                return
        raise self.refused(self.tree, "a function whose types do not settle")

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
            found = [wider(pair) for pair in zip(before, kinds, strict=True)]
            self.returns = tuple(kind for kind in found if kind is not None) if all(found) else self.returns

    def _assigned(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._widen(target.id, self.type_of(value))
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, other in zip(target.elts, value.elts, strict=True):
                self._assigned(one, other)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Call):
            for one, kind in zip(target.elts, self.results(value), strict=False):
                if isinstance(one, ast.Name):
                    self._widen(one.id, kind)

    def _widen(self, name: str, kind: str | None) -> None:
        found = wider([self.locals.get(name), kind])
        if found is not None:
            self.locals[name] = found


def is_shape(node: ast.AST) -> bool:
    """Whether this is ``array.shape[k]``."""
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
