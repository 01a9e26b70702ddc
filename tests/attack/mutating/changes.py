"""The changes that can be made to a module."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{
        ast.In: ast.NotIn,
        ast.NotIn: ast.In,
        ast.Is: ast.IsNot,
        ast.IsNot: ast.Is,
        ast.And: ast.Or,
        ast.Or: ast.And,
    },
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult},
    **{ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd},
}
"""Operator -> what stands in its place."""

LEFT_OUT = ("annotation", "returns", "decorator_list")
"""Parts of code that change no result: types, and whether a dataclass is frozen."""


@dataclass(frozen=True)
class Change:
    """One change: the node with this number, in the order of `places`, becomes another."""

    number: int
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.line}: {self.before}  ->  {self.after}"


def changes(source: str) -> list[Change]:
    """Return all changes of a module.

    >>> [str(change) for change in changes("twice = lambda a: a + 1 if a < 2 else not a")]
    ['1: a < 2  ->  a <= 2', '1: a + 1  ->  a - 1', '1: not a  ->  a', '1: 2  ->  3', '1: 1  ->  2']
    """
    found = []
    for number, node in enumerate(places(ast.parse(source))):
        other = changed(node)
        found.append(Change(number, node.lineno, short(node), short(other)))
    return found


def short(node: ast.AST) -> str:
    """Return the text of a node, its end left out where it is long."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) < 90 else f"{text[:87]}..."


def places(tree: ast.Module) -> Iterator[ast.expr | ast.stmt]:
    """Yield the nodes that can be changed: no annotations, no text, and nothing that only type checkers see."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "field":
            continue
        if isinstance(node, ast.expr | ast.stmt) and changed(node) is not None:
            yield node
        for name, value in ast.iter_fields(node):
            if name in LEFT_OUT or isinstance(node, ast.JoinedStr):
                continue
            children = value if isinstance(value, list) else [value]
            waiting += [child for child in children if isinstance(child, ast.AST)]


def changed(node: ast.AST) -> ast.AST | None:
    """Return what stands in the place of a node; None for one that is left as it is."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OPERATORS:
        return _with(node, op=OPERATORS[type(node.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        return _with(node, ops=[OPERATORS[type(node.ops[0])](), *node.ops[1:]])
    if isinstance(node, ast.UnaryOp):
        return node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return _with(node, value=not node.value)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return _with(node, value=node.value + 1)
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return ast.Pass()
    return None


def _with(node: ast.AST, **fields: object) -> ast.AST:
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def source_with(source: str, change: Change | None) -> ast.Module:
    """Return a module with one change."""
    tree = ast.parse(source)
    if change is None:
        return tree
    wanted = list(places(tree))[change.number]

    class Putting(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if node is wanted:
                return ast.copy_location(changed(node) or node, node)
            self.generic_visit(node)
            return node

    Putting().visit(tree)
    return ast.fix_missing_locations(tree)
