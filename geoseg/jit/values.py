"""Lower expressions, conditions and calls to LLVM IR; ``lower`` does the statements."""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

from geoseg.jit.syntax import CASTS, ROUNDING, ArrayType, Syntax, Type, is_shape, wider

Value: TypeAlias = tuple[str, str]
"""Type of a number (``"i"``, ``"f"``, ``"b"``) and its SSA name or literal in LLVM IR."""

LLVM = {"i": "i64", "f": "double", "b": "i1"}
ELEMENTS = {"b1": "i8", "u1": "i8", "i1": "i8", "u2": "i16", "i2": "i16", "u4": "i32", "i4": "i32", "i8": "i64",
            "f4": "float", "f8": "double"}  # fmt: skip
_INTEGERS: dict[type, str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
}  # fmt: skip
_FLOATS: dict[type, str] = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_COMPARISONS: dict[type, tuple[str, str]] = {
    ast.Eq: ("eq", "oeq"), ast.NotEq: ("ne", "une"), ast.Lt: ("slt", "olt"), ast.LtE: ("sle", "ole"),
    ast.Gt: ("sgt", "ogt"), ast.GtE: ("sge", "oge"),
}  # fmt: skip
DECLARED = [f"declare double @llvm.{name}.f64(double)" for name in (*ROUNDING, "fabs")]
DECLARED.append("declare i64 @llvm.abs.i64(i64, i1)")
_INT64_MIN = str(-(2**63))
_TWO_TO_63 = f"0x{struct.pack('>d', 2.0**63).hex().upper()}"


def flat(types: Iterable[Type]) -> list[str]:
    """Return the LLVM parameter types; an array is passed as its address and its shape."""
    llvm_types = []
    for kind in types:
        llvm_types += ["ptr", *["i64"] * kind.ndim] if isinstance(kind, ArrayType) else [LLVM[kind]]
    return llvm_types


def struct_of(returns: tuple[str, ...]) -> str:
    """Return the LLVM type of a function's result."""
    if len(returns) < 2:
        return LLVM[returns[0]] if returns else "void"
    return "{" + ", ".join(LLVM[kind] for kind in returns) + "}"


class Functions(Protocol):
    """The functions of a module, see ``lower.Module``."""

    def function(self, kernel: Any, types: tuple[Type, ...]) -> tuple[str, tuple[str, ...]]:
        """Return the LLVM name of a function and its return types."""


class Values:
    """Writes the expressions of one function as LLVM instructions, basic block by basic block.

    Local variables are stack slots (``alloca``); LLVM's ``mem2reg`` turns them into registers.
    """

    def __init__(self, module: Functions, syntax: Syntax) -> None:
        self.module = module
        self.syntax = syntax
        self._lines: list[str] = []
        self._slots: list[str] = []
        self._count = 0
        self.open = True  # the current basic block has no terminator yet
        self._loops: list[tuple[str, str]] = []

    def emit(self, text: str) -> None:
        """Append an instruction; code after a terminator is unreachable and dropped."""
        if self.open:
            self._lines.append("  " + text)

    def define(self, text: str) -> str:
        """Append an instruction that computes a value; return its SSA name."""
        self._count += 1
        name = f"%t{self._count}"
        self.emit(f"{name} = {text}")
        return name

    def labels(self, count: int) -> list[str]:
        """Return new block labels."""
        self._count += 1
        return [f"L{self._count}.{k}" for k in range(count)]

    def enter(self, label: str) -> None:
        """Branch from the current block to a new one and begin it."""
        self.jump(label)
        self._lines.append(f"{label}:")
        self.open = True

    def jump(self, label: str) -> None:
        """End the block with a branch to ``label``."""
        self.emit(f"br label %{label}")
        self.open = False

    def slot(self, kind: str) -> str:
        """Allocate a temporary on the stack; return its address."""
        self._count += 1
        name = f"%s{self._count}"
        self._slots.append(f"  {name} = alloca {LLVM[kind]}")
        return name

    def begin(self, label: str) -> None:
        """Begin a block; the one before has its terminator already."""
        self._lines.append(f"{label}:")
        self.open = True

    # Conditions

    def branch(self, node: ast.expr, yes: str, no: str) -> None:
        """Branch on a condition, with the short-circuit evaluation of ``and`` and ``or``."""
        if isinstance(node, ast.BoolOp):
            for item in node.values[:-1]:
                (further,) = self.labels(1)
                if isinstance(node.op, ast.And):
                    self.branch(item, further, no)
                else:
                    self.branch(item, yes, further)
                self.begin(further)
            self.branch(node.values[-1], yes, no)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.branch(node.operand, no, yes)
        else:
            self.emit(f"br i1 {self.cast(self.value(node), 'b')}, label %{yes}, label %{no}")
            self.open = False

    # Numbers

    def value(self, node: ast.expr) -> Value:
        """Evaluate an expression."""
        constant = self.syntax.constant(node)
        if constant is not None:
            return _literal(constant)
        if isinstance(node, ast.Name) and node.id in self.syntax.locals:
            kind = self.syntax.locals[node.id]
            return kind, self.define(f"load {LLVM[kind]}, ptr %v.{node.id}")
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
            return self._select(node)
        if isinstance(node, ast.Call):
            return self._called(node)
        raise self.syntax.unsupported(node, "this expression")

    def _size(self, node: ast.Attribute) -> Value:
        name, kind = self.syntax.array(node.value)
        if kind.ndim == 1:
            return "i", f"%{name}.n0"
        return "i", self.define(f"mul nsw i64 %{name}.n0, %{name}.n1")

    def _subscript(self, node: ast.Subscript) -> Value:
        if is_shape(node):
            assert isinstance(node.value, ast.Attribute)
            name, kind = self.syntax.array(node.value.value)
            axis = self.syntax.constant(node.slice)
            if axis not in range(kind.ndim):
                raise self.syntax.unsupported(node, f"this axis of an array of {kind.ndim} dimensions")
            return "i", f"%{name}.n{axis}"
        return self.load_element(*self.element(node))

    def element(self, node: ast.expr) -> tuple[str, str]:
        """Return the address and the dtype of an array's element."""
        if not isinstance(node, ast.Subscript):
            raise self.syntax.unsupported(node, "assignment to this target")
        name, kind = self.syntax.array(node.value)
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if len(indices) != kind.ndim:
            raise self.syntax.unsupported(node, f"this index of an array of {kind.ndim} dimensions")
        at = self.cast(self.value(indices[0]), "i")
        for k, index in enumerate(indices[1:], 1):
            row = self.define(f"mul nsw i64 {at}, %{name}.n{k}")
            at = self.define(f"add nsw i64 {row}, {self.cast(self.value(index), 'i')}")
        return self.define(f"getelementptr inbounds {ELEMENTS[kind.dtype]}, ptr %{name}.p, i64 {at}"), kind.dtype

    def load_element(self, address: str, dtype: str) -> Value:
        """Read an element as int64 or float64."""
        element = ELEMENTS[dtype]
        raw = self.define(f"load {element}, ptr {address}")
        if dtype[0] == "f":
            return "f", raw if dtype == "f8" else self.define(f"fpext float {raw} to double")
        if dtype == "i8":
            return "i", raw
        return "i", self.define(f"{'sext' if dtype[0] == 'i' else 'zext'} {element} {raw} to i64")

    def store_element(self, address: str, dtype: str, value: Value) -> None:
        """Write an element, converted to the array's dtype."""
        kind, element = "f" if dtype[0] == "f" else "i", ELEMENTS[dtype]
        text = self.cast(value, kind)
        if dtype == "f4":
            text = self.define(f"fptrunc double {text} to float")
        elif element not in {"i64", "double"}:
            text = self.define(f"trunc i64 {text} to {element}")
        self.emit(f"store {element} {text}, ptr {address}")

    def cast(self, value: Value, kind: str) -> str:
        """Convert a number as ``np.int64``, ``np.float64`` and ``bool`` do.

        NaN, infinity and floats outside int64 become the smallest int64, as numpy on x86-64 converts them; LLVM's own
        ``fptosi`` leaves them undefined.
        """
        before, name = value
        if before == kind:
            return name
        if kind == "b":
            compare = "icmp ne i64" if before == "i" else "fcmp une double"
            return self.define(f"{compare} {name}, {'0' if before == 'i' else '0.0'}")
        if before + kind == "fi":
            magnitude = self.define(f"call double @llvm.fabs.f64(double {name})")
            in_range = self.define(f"fcmp olt double {magnitude}, {_TWO_TO_63}")
            converted = self.define(f"fptosi double {name} to i64")
            return self.define(f"select i1 {in_range}, i64 {converted}, i64 {_INT64_MIN}")
        change = {"bi": "zext", "bf": "uitofp", "if": "sitofp"}[before + kind]
        return self.define(f"{change} {LLVM[before]} {name} to {LLVM[kind]}")

    def binary(self, left: Value, right: Value, node: ast.BinOp | ast.AugAssign) -> Value:
        """Apply a binary operator as numpy does to int64 and float64 scalars."""
        operator = type(node.op)
        kind = "f" if operator is ast.Div else wider(["i", left[0], right[0]])
        assert kind is not None
        a, b = self.cast(left, kind), self.cast(right, kind)
        if kind == "f":
            if operator not in _FLOATS:
                raise self.syntax.unsupported(node, "this operator on floats")
            return "f", self.define(f"{_FLOATS[operator]} double {a}, {b}")
        if operator in {ast.FloorDiv, ast.Mod}:
            return self._floor_divide(a, b, remainder=operator is ast.Mod)
        if operator in {ast.LShift, ast.RShift}:
            return self._shift(a, b, left=operator is ast.LShift)
        if operator not in _INTEGERS:
            raise self.syntax.unsupported(node, "this operator")
        return "i", self.define(f"{_INTEGERS[operator]} i64 {a}, {b}")

    def _floor_divide(self, a: str, b: str, *, remainder: bool) -> Value:
        """Divide towards minus infinity; x // 0 and x % 0 are 0, and the smallest int64 // -1 wraps to itself.

        The processor divides towards zero and traps on both special cases, so divisors 0 and -1 multiply instead. LLVM
        drops the branch where it knows the divisor.
        """
        slot = self.slot("i")
        special, usual, after = self.labels(3)
        following = self.define(f"add i64 {b}, 1")
        zero_or_minus_one = self.define(f"icmp ult i64 {following}, 2")
        self.emit(f"br i1 {zero_or_minus_one}, label %{special}, label %{usual}")
        self.begin(special)
        self.emit(f"store i64 {'0' if remainder else self.define(f'mul i64 {a}, {b}')}, ptr {slot}")
        self.jump(after)
        self.begin(usual)
        rest = self.define(f"srem i64 {a}, {b}")
        signs = self.define(f"xor i64 {rest}, {b}")
        differ = self.define(f"icmp slt i64 {signs}, 0")
        inexact = self.define(f"icmp ne i64 {rest}, 0")
        rounded_up = self.define(f"and i1 {differ}, {inexact}")
        if remainder:
            correction = self.define(f"select i1 {rounded_up}, i64 {b}, i64 0")
            result = self.define(f"add i64 {rest}, {correction}")
        else:
            quotient = self.define(f"sdiv i64 {a}, {b}")
            correction = self.define(f"sext i1 {rounded_up} to i64")
            result = self.define(f"add i64 {quotient}, {correction}")
        self.emit(f"store i64 {result}, ptr {slot}")
        self.jump(after)
        self.begin(after)
        return "i", self.define(f"load i64, ptr {slot}")

    def _shift(self, a: str, b: str, *, left: bool) -> Value:
        """Shift; by a negative number or by 64 and more, only the sign is left: 0, or -1 for ``>>`` of negatives."""
        in_range = self.define(f"icmp ult i64 {b}, 64")
        if left:
            shifted = self.define(f"shl i64 {a}, {b}")
            return "i", self.define(f"select i1 {in_range}, i64 {shifted}, i64 0")
        count = self.define(f"select i1 {in_range}, i64 {b}, i64 63")
        return "i", self.define(f"ashr i64 {a}, {count}")

    def _unary(self, node: ast.UnaryOp) -> Value:
        kind, name = self.value(node.operand)
        if kind == "f" and isinstance(node.op, ast.USub):
            return "f", self.define(f"fneg double {name}")
        name = self.cast((kind, name), "i")
        if isinstance(node.op, ast.USub):
            return "i", self.define(f"sub i64 0, {name}")
        if isinstance(node.op, ast.Invert):
            return "i", self.define(f"xor i64 {name}, -1")
        raise self.syntax.unsupported(node, "this operator")

    def _compare(self, node: ast.Compare) -> Value:
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In) and isinstance(node.comparators[0], ast.Tuple):
            value = self.value(node.left)
            results = [self._compare_pair(value, self.value(item), ast.Eq) for item in node.comparators[0].elts]
            return "b", self._reduce("or", results)
        values = [self.value(item) for item in (node.left, *node.comparators)]
        results = []
        for left, right, operator in zip(values, values[1:], node.ops, strict=False):
            if type(operator) not in _COMPARISONS:
                raise self.syntax.unsupported(node, "this comparison")
            results.append(self._compare_pair(left, right, type(operator)))
        return "b", self._reduce("and", results)

    def _compare_pair(self, left: Value, right: Value, operator: type) -> str:
        kind = wider(["i", left[0], right[0]])
        assert kind is not None
        compare, ordered = _COMPARISONS[operator]
        how = f"fcmp {ordered}" if kind == "f" else f"icmp {compare}"
        return self.define(f"{how} {LLVM[kind]} {self.cast(left, kind)}, {self.cast(right, kind)}")

    def _reduce(self, operator: str, conditions: list[str]) -> str:
        result = conditions[0]
        for condition in conditions[1:]:
            result = self.define(f"{operator} i1 {result}, {condition}")
        return result

    def _select(self, node: ast.IfExp | ast.BoolOp | ast.UnaryOp) -> Value:
        """Evaluate condition of two expressions, never both."""
        kind = self.syntax.type_of(node)
        assert kind is not None
        slot = self.slot(kind)
        yes, no, after = self.labels(3)
        self.branch(node.test if isinstance(node, ast.IfExp) else node, yes, no)
        for label, truth in ((yes, True), (no, False)):
            self.begin(label)
            if isinstance(node, ast.IfExp):
                value = self.cast(self.value(node.body if truth else node.orelse), kind)
            else:
                value = "true" if truth else "false"
            self.emit(f"store {LLVM[kind]} {value}, ptr {slot}")
            self.jump(after)
        self.begin(after)
        return kind, self.define(f"load {LLVM[kind]}, ptr {slot}")

    # Calls

    def call(self, node: ast.Call) -> tuple[str, tuple[str, ...]]:
        """Call a compiled function; return its result and the types of it."""
        kernel = self.syntax.callee(node)[1]
        if kernel is None:
            raise self.syntax.unsupported(node, "this call")
        types = tuple(kind for kind in self.syntax.arguments(node) if kind is not None)
        name, returns = self.module.function(kernel, types)
        arguments = []
        for item, kind in zip(node.args, types, strict=True):
            if isinstance(kind, ArrayType):
                array, _ = self.syntax.array(item)
                arguments += [f"ptr %{array}.p", *(f"i64 %{array}.n{k}" for k in range(kind.ndim))]
            else:
                arguments.append(f"{LLVM[kind]} {self.cast(self.value(item), kind)}")
        text = f"call {struct_of(returns)} {name}({', '.join(arguments)})"
        if returns:
            return self.define(text), returns
        self.emit(text)
        return "", returns

    def _called(self, node: ast.Call) -> Value:
        name, kernel = self.syntax.callee(node)
        if kernel is not None:
            result, returns = self.call(node)
            if len(returns) != 1:
                raise self.syntax.unsupported(node, "a call that does not return one number")
            return returns[0], result
        values = [self.value(item) for item in node.args]
        if name in CASTS:
            return CASTS[name], self.cast(values[0], CASTS[name])
        if name in ROUNDING:
            return "f", self.define(f"call double @llvm.{name}.f64(double {self.cast(values[0], 'f')})")
        if name == "abs":
            if values[0][0] == "f":
                return "f", self.define(f"call double @llvm.fabs.f64(double {values[0][1]})")
            return "i", self.define(f"call i64 @llvm.abs.i64(i64 {self.cast(values[0], 'i')}, i1 false)")
        if name in {"min", "max"}:
            return self._min_max(values, "lt" if name == "min" else "gt")
        raise self.syntax.unsupported(node, "this call")

    def _min_max(self, values: list[Value], relation: str) -> Value:
        kind = wider(["i", *(value[0] for value in values)])
        assert kind is not None
        names = [self.cast(value, kind) for value in values]
        best = names[0]
        for name in names[1:]:
            how = f"fcmp o{relation}" if kind == "f" else f"icmp s{relation}"
            better = self.define(f"{how} {LLVM[kind]} {name}, {best}")
            best = self.define(f"select i1 {better}, {LLVM[kind]} {name}, {LLVM[kind]} {best}")
        return kind, best


def _literal(value: float) -> Value:
    if isinstance(value, bool):
        return "b", "true" if value else "false"
    if isinstance(value, int):
        return "i", str(value)
    return "f", f"0x{struct.pack('>d', value).hex().upper()}"
