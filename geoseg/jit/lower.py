"""Lower typed syntax trees to LLVM IR: statements, functions and modules."""

from __future__ import annotations

import ast
from typing import Any

from geoseg.jit.syntax import ArrayType, Syntax, Type
from geoseg.jit.values import DECLARED, LLVM, Value, Values, flat, struct_of


class Module:
    """An LLVM module: an entry and every function that it calls, each once per combination of argument types."""

    def __init__(self, kernel_type: type) -> None:
        self.kernel_type = kernel_type
        self._names: dict[tuple[Any, tuple[Type, ...]], tuple[str, tuple[str, ...]]] = {}
        self._texts: list[str] = list(DECLARED)

    def function(self, kernel: Any, types: tuple[Type, ...]) -> tuple[str, tuple[str, ...]]:
        """Return the LLVM name of a function and its return types, lowering it on first use."""
        key = kernel, types
        if key not in self._names:
            syntax = Syntax(kernel.py_func, types, self.kernel_type, lambda *callee: self.function(*callee)[1])
            name = f"@f{len(self._names)}.{kernel.__name__}"
            self._names[key] = name, syntax.returns
            self._texts.append(_Function(self, syntax).text(name))
        return self._names[key]

    def add_entry(self, kernel: Any, types: tuple[Type, ...]) -> tuple[str, ...]:
        """Add ``entry``, which calls a function and stores its results at ``out``; return their types."""
        name, returns = self.function(kernel, types)
        parameters = ", ".join(f"{kind} %a{k}" for k, kind in enumerate(flat(types)))
        lines = [f"define void @entry({parameters}{', ' if parameters else ''}ptr %out) {{"]
        lines.append(f"  {'%r = ' if returns else ''}call {struct_of(returns)} {name}({parameters})")
        for k, kind in enumerate(returns):
            value = "%r"
            if len(returns) > 1:
                value = f"%v{k}"
                lines.append(f"  {value} = extractvalue {struct_of(returns)} %r, {k}")
            if kind == "b":
                lines.append(f"  %w{k} = zext i1 {value} to i64")
                value = f"%w{k}"
            lines.append(f"  %p{k} = getelementptr i64, ptr %out, i64 {k}")
            lines.append(f"  store {'double' if kind == 'f' else 'i64'} {value}, ptr %p{k}")
        self._texts.append("\n".join([*lines, "  ret void", "}"]))
        return returns

    def text(self) -> str:
        """Return the module as LLVM assembly."""
        return "\n".join(self._texts)


class _Function(Values):
    """Lowers the statements of one function."""

    def text(self, name: str) -> str:
        syntax = self.syntax
        parameters = []
        for parameter, kind in syntax.parameters.items():
            if isinstance(kind, ArrayType):
                parameters += [f"ptr %{parameter}.p", *(f"i64 %{parameter}.n{k}" for k in range(kind.ndim))]
            else:
                parameters.append(f"{LLVM[kind]} %{parameter}.in")
        for local, kind in syntax.locals.items():
            self._slots.append(f"  %v.{local} = alloca {LLVM[kind]}")
            if local in syntax.parameters:
                incoming = str(syntax.parameters[local]), f"%{local}.in"
                self.emit(f"store {LLVM[kind]} {self.cast(incoming, kind)}, ptr %v.{local}")
            else:
                self.emit(f"store {LLVM[kind]} zeroinitializer, ptr %v.{local}")
        self._block(syntax.tree.body)
        if self.open:
            self.emit("unreachable" if syntax.returns else "ret void")
        head = f"define internal {struct_of(syntax.returns)} {name}({', '.join(parameters)}) {{"
        return "\n".join([head, "entry:", *self._slots, *self._lines, "}"])

    # Statements

    def _block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if not self.open:
                return
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            self._assign(node.targets, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign([node.target], node.value)
        elif isinstance(node, ast.AugAssign):
            self._augment(node)
        elif isinstance(node, ast.If):
            self._if(node)
        elif isinstance(node, ast.While):
            self._while(node)
        elif isinstance(node, ast.For):
            self._for(node)
        elif isinstance(node, ast.Return):
            self._return(node)
        elif isinstance(node, ast.Break | ast.Continue):
            self.jump(self._loops[-1][isinstance(node, ast.Break)])
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self.call(node.value)
        elif not (isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))):
            raise self.syntax.unsupported(node, "this statement")

    def _assign(self, targets: list[ast.expr], value: ast.expr) -> None:
        for target in targets:
            if not isinstance(target, ast.Tuple):
                self._store(target, self.value(value))
                continue
            values = [self.value(item) for item in value.elts] if isinstance(value, ast.Tuple) else self.unpack(value)
            for item, item_value in zip(target.elts, values, strict=True):
                self._store(item, item_value)

    def unpack(self, node: ast.expr) -> list[Value]:
        if not isinstance(node, ast.Call):
            raise self.syntax.unsupported(node, "unpacking anything but a call's result")
        result, returns = self.call(node)
        struct = struct_of(returns)
        return [(kind, self.define(f"extractvalue {struct} {result}, {k}")) for k, kind in enumerate(returns)]

    def _augment(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._store(node.target, self.binary(self.value(node.target), self.value(node.value), node))
            return
        address, dtype = self.element(node.target)
        before = self.load_element(address, dtype)
        self.store_element(address, dtype, self.binary(before, self.value(node.value), node))

    def _store(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            kind = self.syntax.locals.get(target.id)
            if kind is None:
                raise self.syntax.unsupported(target, "assignment to an array")
            self.emit(f"store {LLVM[kind]} {self.cast(value, kind)}, ptr %v.{target.id}")
        else:
            self.store_element(*self.element(target), value)

    def _if(self, node: ast.If) -> None:
        yes, no, after = self.labels(3)
        self.branch(node.test, yes, no)
        self.enter(yes)
        self._block(node.body)
        self.jump(after)
        self.begin(no)
        self._block(node.orelse)
        self.jump(after)
        self.begin(after)

    def _while(self, node: ast.While) -> None:
        test, body, after = self.labels(3)
        self.enter(test)
        self.branch(node.test, body, after)
        self.begin(body)
        self._loops.append((test, after))
        self._block(node.body)
        self._loops.pop()
        self.jump(test)
        self.begin(after)

    def _for(self, node: ast.For) -> None:
        call = node.iter
        if not (isinstance(call, ast.Call) and self.syntax.callee(call)[0] == "range") or node.orelse:
            raise self.syntax.unsupported(node, "a loop over anything but range")
        bounds = [self.cast(self.value(item), "i") for item in call.args]
        low, high = bounds[:2] if len(bounds) > 1 else ("0", bounds[0])
        step = 1 if len(call.args) < 3 else self.syntax.constant(call.args[2])
        if not isinstance(step, int) or step == 0:
            raise self.syntax.unsupported(node, "a step that is zero or not constant")
        counter = self.slot("i")
        test, body, step_label, after = self.labels(4)
        self.emit(f"store i64 {low}, ptr {counter}")
        self.enter(test)
        current = self.define(f"load i64, ptr {counter}")
        in_range = self.define(f"icmp {'slt' if step > 0 else 'sgt'} i64 {current}, {high}")
        self.emit(f"br i1 {in_range}, label %{body}, label %{after}")
        self.begin(body)
        self._store(node.target, ("i", current))
        self._loops.append((step_label, after))
        self._block(node.body)
        self._loops.pop()
        self.enter(step_label)
        advanced = self.define(f"add nsw i64 {self.define(f'load i64, ptr {counter}')}, {step}")
        self.emit(f"store i64 {advanced}, ptr {counter}")
        self.jump(test)
        self.begin(after)

    def _return(self, node: ast.Return) -> None:
        returns = self.syntax.returns
        if node.value is None:
            self.emit("ret void")
        else:
            items = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            values = [self.cast(self.value(item), kind) for item, kind in zip(items, returns, strict=True)]
            result = values[0] if len(values) == 1 else "undef"
            for k, (value, kind) in enumerate(zip(values, returns, strict=True)):
                if len(values) > 1:
                    result = self.define(f"insertvalue {struct_of(returns)} {result}, {LLVM[kind]} {value}, {k}")
            self.emit(f"ret {struct_of(returns)} {result}")
        self.open = False
