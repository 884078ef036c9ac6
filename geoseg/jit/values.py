"""Numbers and conditions in LLVM's text, see ``lower``."""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

from geoseg.jit.syntax import CASTS, ROUNDING, ArrayType, Syntax, Type, is_shape, wider

Value: TypeAlias = tuple[str, str]
"""A number's type and its name in LLVM's text."""

LLVM = {"i": "i64", "f": "double", "b": "i1"}
_ELEMENT = {"b1": "i8", "u1": "i8", "i1": "i8", "u2": "i16", "i2": "i16", "u4": "i32", "i4": "i32", "i8": "i64",
            "f4": "float", "f8": "double"}  # fmt: skip
_INTEGERS: dict[type, str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
    ast.LShift: "shl", ast.RShift: "ashr",
}  # fmt: skip
_FLOATS: dict[type, str] = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_COMPARISONS: dict[type, tuple[str, str]] = {
    ast.Eq: ("eq", "oeq"), ast.NotEq: ("ne", "une"), ast.Lt: ("slt", "olt"), ast.LtE: ("sle", "ole"),
    ast.Gt: ("sgt", "ogt"), ast.GtE: ("sge", "oge"),
}  # fmt: skip
DECLARED = [f"declare double @llvm.{name}.f64(double)" for name in (*ROUNDING, "fabs")]
DECLARED.append("declare i64 @llvm.abs.i64(i64, i1)")


def flat(types: Iterable[Type]) -> list[str]:
    """Types of parameters as LLVM takes them: of an array its address and its shape."""
    flat = []
    for kind in types:
        flat += ["ptr", *["i64"] * kind.ndim] if isinstance(kind, ArrayType) else [LLVM[kind]]
    return flat


def struct_of(returns: tuple[str, ...]) -> str:
    """Type of what a function returns."""
    if len(returns) < 2:
        return LLVM[returns[0]] if returns else "void"
    return "{" + ", ".join(LLVM[kind] for kind in returns) + "}"


class Functions(Protocol):
    """Knows the functions of a module."""

    def function(self, kernel: Any, types: tuple[Type, ...]) -> tuple[str, tuple[str, ...]]:
        """Return the name of a function and the types that it returns."""


class Values:
    """Writes expressions as LLVM's instructions, block after block.

    Local names live in memory; LLVM puts them into registers.
    """

    def __init__(self, module: Functions, syntax: Syntax) -> None:
        self.module = module
        self.syntax = syntax
        self._lines: list[str] = []
        self._slots: list[str] = []
        self._count = 0
        self.open = True  # whether the current block still lacks its last instruction
        self._loops: list[tuple[str, str]] = []

    def say(self, text: str) -> None:
        """Add an instruction, unless nothing leads here."""
        if self.open:
            self._lines.append("  " + text)

    def new(self, text: str) -> str:
        """Add an instruction that gives a value; return its name."""
        self._count += 1
        name = f"%t{self._count}"
        self.say(f"{name} = {text}")
        return name

    def labels(self, count: int) -> list[str]:
        """Return new labels."""
        self._count += 1
        return [f"L{self._count}.{k}" for k in range(count)]

    def start(self, label: str) -> None:
        """Begin a block that the one before runs into."""
        self.jump(label)
        self._lines.append(f"{label}:")
        self.open = True

    def jump(self, label: str) -> None:
        """End the block."""
        self.say(f"br label %{label}")
        self.open = False

    def slot(self, kind: str) -> str:
        """Return the address of a new nameless local."""
        self._count += 1
        name = f"%s{self._count}"
        self._slots.append(f"  {name} = alloca {LLVM[kind]}")
        return name

    def start_closed(self, label: str) -> None:
        """Begin a block that the one before does not run into."""
        self._lines.append(f"{label}:")
        self.open = True

    # Conditions

    def branch(self, node: ast.expr, yes: str, no: str) -> None:
        """Go to one of two labels, evaluating no more than Python would."""
        if isinstance(node, ast.BoolOp):
            for item in node.values[:-1]:
                (further,) = self.labels(1)
                if isinstance(node.op, ast.And):
                    self.branch(item, further, no)
                else:
                    self.branch(item, yes, further)
                self.start_closed(further)
            self.branch(node.values[-1], yes, no)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.branch(node.operand, no, yes)
        else:
            self.say(f"br i1 {self.cast(self.value(node), 'b')}, label %{yes}, label %{no}")
            self.open = False

    # Numbers

    def value(self, node: ast.expr) -> Value:
        """Evaluate an expression."""
        constant = self.syntax.constant(node)
        if constant is not None:
            return _literal(constant)
        if isinstance(node, ast.Name) and node.id in self.syntax.locals:
            kind = self.syntax.locals[node.id]
            return kind, self.new(f"load {LLVM[kind]}, ptr %v.{node.id}")
        if isinstance(node, ast.Attribute) and node.attr == "size":
            return self._size(node)
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        if isinstance(node, ast.BinOp):
            return self.binary(self.value(node.left), self.value(node.right), node)
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            return self._unary(node)
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.IfExp | ast.BoolOp | ast.UnaryOp):
            return self._choice(node)
        if isinstance(node, ast.Call):
            return self._called(node)
        raise self.syntax.refused(node, "this expression")

    def _size(self, node: ast.Attribute) -> Value:
        name, kind = self.syntax.array(node.value)
        if kind.ndim == 1:
            return "i", f"%{name}.n0"
        return "i", self.new(f"mul nsw i64 %{name}.n0, %{name}.n1")

    def _subscript(self, node: ast.Subscript) -> Value:
        if is_shape(node):
            assert isinstance(node.value, ast.Attribute)
            name, _ = self.syntax.array(node.value.value)
            return "i", f"%{name}.n{self.syntax.constant(node.slice)}"
        return self.load(*self.place(node))

    def place(self, node: ast.expr) -> tuple[str, str]:
        """Address and type of an array's element."""
        if not isinstance(node, ast.Subscript):
            raise self.syntax.refused(node, "assignment to this")
        name, kind = self.syntax.array(node.value)
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if len(indices) != kind.ndim:
            raise self.syntax.refused(node, f"this index of an array of {kind.ndim} dimensions")
        at = self.cast(self.value(indices[0]), "i")
        for k, index in enumerate(indices[1:], 1):
            row = self.new(f"mul nsw i64 {at}, %{name}.n{k}")
            at = self.new(f"add nsw i64 {row}, {self.cast(self.value(index), 'i')}")
        return self.new(f"getelementptr inbounds {_ELEMENT[kind.dtype]}, ptr %{name}.p, i64 {at}"), kind.dtype

    def load(self, place: str, dtype: str) -> Value:
        """Read an element."""
        element = _ELEMENT[dtype]
        found = self.new(f"load {element}, ptr {place}")
        if dtype[0] == "f":
            return "f", found if dtype == "f8" else self.new(f"fpext float {found} to double")
        if dtype == "i8":
            return "i", found
        return "i", self.new(f"{'sext' if dtype[0] == 'i' else 'zext'} {element} {found} to i64")

    def put(self, place: str, dtype: str, value: Value) -> None:
        """Write an element."""
        kind, element = "f" if dtype[0] == "f" else "i", _ELEMENT[dtype]
        text = self.cast(value, kind)
        if dtype == "f4":
            text = self.new(f"fptrunc double {text} to float")
        elif element not in {"i64", "double"}:
            text = self.new(f"trunc i64 {text} to {element}")
        self.say(f"store {element} {text}, ptr {place}")

    def cast(self, value: Value, kind: str) -> str:
        """Convert a number as ``int``, ``float`` and ``bool`` do."""
        before, name = value
        if before == kind:
            return name
        if kind == "b":
            compare = "icmp ne i64" if before == "i" else "fcmp une double"
            return self.new(f"{compare} {name}, {'0' if before == 'i' else '0.0'}")
        change = {"bi": "zext", "bf": "uitofp", "if": "sitofp", "fi": "fptosi"}[before + kind]
        return self.new(f"{change} {LLVM[before]} {name} to {LLVM[kind]}")

    def binary(self, left: Value, right: Value, node: ast.BinOp | ast.AugAssign) -> Value:
        """Apply an operator."""
        operator = type(node.op)
        kind = "f" if operator is ast.Div else wider(["i", left[0], right[0]])
        assert kind is not None
        a, b = self.cast(left, kind), self.cast(right, kind)
        if kind == "f":
            if operator not in _FLOATS:
                raise self.syntax.refused(node, "this operator on floats")
            return "f", self.new(f"{_FLOATS[operator]} double {a}, {b}")
        if operator in {ast.FloorDiv, ast.Mod}:
            return self._divided(a, b, remainder=operator is ast.Mod)
        if operator not in _INTEGERS:
            raise self.syntax.refused(node, "this operator")
        return "i", self.new(f"{_INTEGERS[operator]} i64 {a}, {b}")

    def _divided(self, a: str, b: str, *, remainder: bool) -> Value:
        """Divide downwards, as Python does; the machine divides towards zero."""
        rest = self.new(f"srem i64 {a}, {b}")
        signs = self.new(f"xor i64 {rest}, {b}")
        differ = self.new(f"icmp slt i64 {signs}, 0")
        some = self.new(f"icmp ne i64 {rest}, 0")
        mend = self.new(f"and i1 {differ}, {some}")
        if remainder:
            more = self.new(f"select i1 {mend}, i64 {b}, i64 0")
            return "i", self.new(f"add i64 {rest}, {more}")
        quotient = self.new(f"sdiv i64 {a}, {b}")
        less = self.new(f"sext i1 {mend} to i64")
        return "i", self.new(f"add i64 {quotient}, {less}")

    def _unary(self, node: ast.UnaryOp) -> Value:
        kind, name = self.value(node.operand)
        if kind == "f" and isinstance(node.op, ast.USub):
            return "f", self.new(f"fneg double {name}")
        name = self.cast((kind, name), "i")
        if isinstance(node.op, ast.USub):
            return "i", self.new(f"sub i64 0, {name}")
        if isinstance(node.op, ast.Invert):
            return "i", self.new(f"xor i64 {name}, -1")
        raise self.syntax.refused(node, "this operator")

    def _compare(self, node: ast.Compare) -> Value:
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In) and isinstance(node.comparators[0], ast.Tuple):
            value = self.value(node.left)
            found = [self._related(value, self.value(item), ast.Eq) for item in node.comparators[0].elts]
            return "b", self._joined("or", found)
        values = [self.value(item) for item in (node.left, *node.comparators)]
        found = []
        for left, right, operator in zip(values, values[1:], node.ops, strict=False):
            if type(operator) not in _COMPARISONS:
                raise self.syntax.refused(node, "this comparison")
            found.append(self._related(left, right, type(operator)))
        return "b", self._joined("and", found)

    def _related(self, left: Value, right: Value, operator: type) -> str:
        kind = wider(["i", left[0], right[0]])
        assert kind is not None
        compare, ordered = _COMPARISONS[operator]
        how = f"fcmp {ordered}" if kind == "f" else f"icmp {compare}"
        return self.new(f"{how} {LLVM[kind]} {self.cast(left, kind)}, {self.cast(right, kind)}")

    def _joined(self, operator: str, found: list[str]) -> str:
        whole = found[0]
        for one in found[1:]:
            whole = self.new(f"{operator} i1 {whole}, {one}")
        return whole

    def _choice(self, node: ast.IfExp | ast.BoolOp | ast.UnaryOp) -> Value:
        """Evaluate one of two expressions only."""
        kind = self.syntax.type_of(node)
        assert kind is not None
        slot = self.slot(kind)
        yes, no, after = self.labels(3)
        chosen = isinstance(node, ast.IfExp)
        self.branch(node.test if isinstance(node, ast.IfExp) else node, yes, no)
        for label, given in ((yes, True), (no, False)):
            self.start_closed(label)
            if isinstance(node, ast.IfExp) and chosen:
                value = self.cast(self.value(node.body if given else node.orelse), kind)
            else:
                value = "true" if given else "false"
            self.say(f"store {LLVM[kind]} {value}, ptr {slot}")
            self.jump(after)
        self.start_closed(after)
        return kind, self.new(f"load {LLVM[kind]}, ptr {slot}")

    # Calls

    def call(self, node: ast.Call) -> tuple[str, tuple[str, ...]]:
        """Call a compiled function; return its result and its types."""
        kernel = self.syntax.called(node)[1]
        if kernel is None:
            raise self.syntax.refused(node, "this call")
        types = tuple(kind for kind in self.syntax.arguments(node) if kind is not None)
        name, returns = self.module.function(kernel, types)
        given = []
        for item, kind in zip(node.args, types, strict=True):
            if isinstance(kind, ArrayType):
                array, _ = self.syntax.array(item)
                given += [f"ptr %{array}.p", *(f"i64 %{array}.n{k}" for k in range(kind.ndim))]
            else:
                given.append(f"{LLVM[kind]} {self.cast(self.value(item), kind)}")
        text = f"call {struct_of(returns)} {name}({', '.join(given)})"
        if returns:
            return self.new(text), returns
        self.say(text)
        return "", returns

    def _called(self, node: ast.Call) -> Value:
        name, kernel = self.syntax.called(node)
        if kernel is not None:
            found, returns = self.call(node)
            if len(returns) != 1:
                raise self.syntax.refused(node, "this call where a number is wanted")
            return returns[0], found
        values = [self.value(item) for item in node.args]
        if name in CASTS:
            return CASTS[name], self.cast(values[0], CASTS[name])
        if name in ROUNDING:
            return "f", self.new(f"call double @llvm.{name}.f64(double {self.cast(values[0], 'f')})")
        if name == "abs":
            if values[0][0] == "f":
                return "f", self.new(f"call double @llvm.fabs.f64(double {values[0][1]})")
            return "i", self.new(f"call i64 @llvm.abs.i64(i64 {self.cast(values[0], 'i')}, i1 false)")
        if name in {"min", "max"}:
            return self._extreme(values, "lt" if name == "min" else "gt")
        raise self.syntax.refused(node, "this call")

    def _extreme(self, values: list[Value], relation: str) -> Value:
        kind = wider(["i", *(value[0] for value in values)])
        assert kind is not None
        names = [self.cast(value, kind) for value in values]
        best = names[0]
        for name in names[1:]:
            how = f"fcmp o{relation}" if kind == "f" else f"icmp s{relation}"
            better = self.new(f"{how} {LLVM[kind]} {name}, {best}")
            best = self.new(f"select i1 {better}, {LLVM[kind]} {name}, {LLVM[kind]} {best}")
        return kind, best


def _literal(value: float) -> Value:
    if isinstance(value, bool):
        return "b", "true" if value else "false"
    if isinstance(value, int):
        return "i", str(value)
    return "f", f"0x{struct.pack('>d', value).hex().upper()}"
