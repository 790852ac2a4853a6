# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Finds in the charm's source every text that a status of a unit or the application may have.

A text is a pattern: each part of it that the source computes is a hole, `{}`. Constants and local
variables with one string are followed; other variables are holes.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
KINDS = {
    "active": "active",
    "waiting": "waiting",
    "blocked": "blocked",
    "ActiveStatus": "active",
    "WaitingStatus": "waiting",
    "BlockedStatus": "blocked",
    "MaintenanceStatus": "maintenance",
}
"""By the name of a function that makes a status: the status's kind."""
WRITTEN = "StatusText"
"""The type of words that another function makes a status of."""
_THROUGH = frozenset({"escaped", "begin"})
"""Functions whose result is their first argument, shortened or escaped."""
_HOLES = re.compile(r"(\{\})+")
_VARIABLES = re.compile(r"\$\{[^}]*\}")
HOLE = "{}"
_CARRIED = frozenset({HOLE, f"{HOLE}: {HOLE}"})
"""Patterns that say nothing by themselves."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Made:
    """A call that makes a status."""

    place: str
    """FILE:FUNCTION below src."""
    kind: str
    text: str

    @property
    def carries(self) -> bool:
        """Whether all its words come from elsewhere."""
        return self.text in _CARRIED


@cache
def made() -> tuple[Made, ...]:
    """Every call in src that makes a status, in order."""
    found: list[Made] = []
    for path in sorted(SRC.rglob("*.py")):
        name = str(path.relative_to(SRC))
        if name != "values/status.py":
            found += _module(name).made()
    return tuple(found)


@cache
def of_dispatch() -> tuple[Made, ...]:
    """What `dispatch` says before Python runs."""
    script = (ROOT / "dispatch").read_text()
    kinds = re.findall(r"^\s*status-set (\w+) \"\$why\"", script, re.MULTILINE)
    texts = re.findall(r"^\s*why=\"(.*)\"$", script, re.MULTILINE)
    return tuple(
        Made("dispatch", kind, _VARIABLES.sub(HOLE, text))
        for kind, text in zip(kinds, texts, strict=True)
    )


@cache
def returned(place: str) -> tuple[str, ...]:
    """The texts that a function returns, yields, adds to a list, or gives as `problem`.

    `place` is FILE:FUNCTION below src. Raises KeyError if there is no such function.
    """
    file, _, name = place.partition(":")
    path = SRC / file
    if not path.is_file():
        raise KeyError(place)
    return tuple(dict.fromkeys(_module(file).returned(name)))


@cache
def writers() -> tuple[str, ...]:
    """FILE:FUNCTION below src of each function that says by its type that it writes statuses."""
    files = (str(path.relative_to(SRC)) for path in sorted(SRC.rglob("*.py")))
    return tuple(f"{file}:{name}" for file in files for name in _module(file).writers())


@dataclass
class _Scope:
    """A function, and what its local names are bound to: None if it is not a plain expression."""

    qualified: str
    node: Function
    bound: dict[str, list[tuple[int, ast.expr | None]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def value(self, name: ast.Name) -> ast.expr | None:
        """Its value, if it is bound only once before its use."""
        bound = [value for line, value in self.bound.get(name.id, ()) if line < name.lineno]
        return bound[0] if len(bound) == 1 else None


def _is_text(value: ast.expr | None) -> bool:
    constant = isinstance(value, ast.Constant) and isinstance(value.value, str)
    return constant or isinstance(value, ast.JoinedStr)


class _Module:
    """One file of the source."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tree = _parsed(name)

    @cached_property
    def _scopes(self) -> dict[str, _Scope]:
        return {scope.qualified: scope for scope in _scopes(self._tree, "")}

    def made(self) -> Iterator[Made]:
        """The calls of this file."""
        for scope in self._scopes.values():
            for node in _own_nodes(scope.node):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                if kind := KINDS.get(_called(node)):
                    text = _tidy(self._text(node.args[0], scope))
                    yield Made(f"{self._name}:{scope.qualified}", kind, text)

    def writers(self) -> Iterator[str]:
        """The functions that return a `StatusText`, or several."""
        for name, scope in self._scopes.items():
            if scope.node.returns and WRITTEN in ast.unparse(scope.node.returns):
                yield name

    def returned(self, name: str) -> Iterator[str]:
        """The texts that come out of a function. Raises KeyError if there is none of that name."""
        scope = self._scopes[name]
        for outlet in _outlets(scope.node):
            for text in self._texts(outlet, scope):
                tidy = _tidy(text).strip()
                if " " in tidy and tidy not in _CARRIED:
                    yield tidy

    def _text(self, node: ast.expr, scope: _Scope) -> str:
        """A string expression as a pattern."""
        match node:
            case ast.Constant(value=str() | int() as value):
                return str(value)
            case ast.JoinedStr(values=values):
                return "".join(self._text(value, scope) for value in values)
            case ast.FormattedValue(value=value, format_spec=None, conversion=-1):
                return self._text(value, scope)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._text(left, scope) + self._text(right, scope)
            case ast.Call(args=[first, *_]) if _called(node) in _THROUGH:
                return self._text(first, scope)
            case ast.Name():
                return self._of_name(node, scope)
            case _:
                return HOLE

    def _of_name(self, name: ast.Name, scope: _Scope) -> str:
        value = scope.value(name)
        if value is not None and _is_text(value):
            return self._text(value, scope)
        known = None if name.id in scope.bound else constant(self._name, name.id)
        return HOLE if known is None else known

    def _texts(self, node: ast.AST | None, scope: _Scope) -> Iterator[str]:
        """All texts that an expression may have, or hold."""
        match node:
            case ast.Constant(value=str()) | ast.JoinedStr() | ast.BinOp():
                yield self._text(node, scope)
            case ast.Name():
                yield from self._texts(scope.value(node), scope)
            case _:
                for part in _parts(node):
                    yield from self._texts(part, scope)


def _parts(node: ast.AST | None) -> Sequence[ast.AST]:
    """The expressions within another one that may be its value, or an element of its value."""
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            return (body, orelse)
        case ast.Call():
            return (*node.args, *(keyword.value for keyword in node.keywords))
        case ast.ListComp(elt=part) | ast.GeneratorExp(elt=part) | ast.Starred(value=part):
            return (part,)
        case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            return parts
        case _:
            return ()


@cache
def _module(file: str) -> _Module:
    return _Module(file)


def constant(file: str, name: str) -> str | None:
    """The string or number that a file of src gives a name, there or in what it imports."""
    for node in _parsed(file).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=ast.Constant(value=value)):
                if target == name and isinstance(value, str | int):
                    return str(value)
            case ast.ImportFrom(module=str() as module, names=names, level=0):
                for alias in names:
                    origin = Path(*module.split(".")).with_suffix(".py")
                    if (alias.asname or alias.name) == name and (SRC / origin).is_file():
                        return constant(str(origin), alias.name)
            case _:
                continue
    return None


@cache
def _parsed(file: str) -> ast.Module:
    return ast.parse((SRC / file).read_text())


def _scopes(node: ast.AST, prefix: str) -> Iterator[_Scope]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            scope = _Scope(f"{prefix}{child.name}", child)
            for part in ast.walk(child):
                for target, line, value in _bindings(part):
                    scope.bound[target].append((line, value))
            yield scope
            yield from _scopes(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _scopes(child, f"{prefix}{child.name}.")


def _bindings(node: ast.AST) -> Iterator[tuple[str, int, ast.expr | None]]:
    """The names that a statement binds, where, and to what."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, node.lineno, value
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            yield name, node.lineno, value
        case ast.NamedExpr(target=ast.Name(id=name)):
            yield name, node.lineno - 1, None
        case ast.Assign(targets=targets):
            yield from _unpacked(targets, node.lineno)
        case ast.For(target=target) | ast.comprehension(target=target):
            yield from _unpacked([target], target.lineno - 1)
        case ast.arg(arg=name):
            yield name, 0, None
        case _:
            return


def _unpacked(targets: Sequence[ast.expr], line: int) -> Iterator[tuple[str, int, None]]:
    for target in targets:
        for part in ast.walk(target):
            if isinstance(part, ast.Name):
                yield part.id, line, None


def _own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions within it."""
    todo: list[ast.AST] = list(ast.iter_child_nodes(function))
    while todo:
        node = todo.pop(0)
        if isinstance(node, Function):
            continue
        yield node
        todo[:0] = ast.iter_child_nodes(node)


def _outlets(function: Function) -> Iterator[ast.expr | None]:
    """The expressions whose values leave a function."""
    for node in _own_nodes(function):
        match node:
            case ast.Return(value=value) | ast.Yield(value=value) | ast.YieldFrom(value=value):
                yield value
            case ast.AugAssign(value=value) | ast.keyword(arg="problem", value=value):
                yield value
            case ast.Call(func=ast.Attribute(attr="append"), args=[value]):
                yield value
            case _:
                continue


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _tidy(text: str) -> str:
    """The pattern with one hole where several follow one another."""
    return _HOLES.sub(HOLE, text)
