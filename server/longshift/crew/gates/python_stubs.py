"""Python's stubs, read from the syntax tree.

Owns which body is none: a function of nothing but a docstring, `pass`, `...` or a raised
NotImplementedError. A body is no stub where the language asks for none (abstract methods,
protocols, overloads), nor where a comment beside it says why.
"""

import ast
import warnings
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef

_FILE = "<submission>"
# What the parser has to say of somebody's escapes is for that somebody's linter.
warnings.filterwarnings("ignore", module=_FILE)

_WITHOUT_BODY = ("abstractmethod", "abstractproperty", "overload")
_ABSTRACT_CLASSES = ("Protocol", "ABC", "ABCMeta")


def stub_lines(source: str) -> frozenset[int]:
    """Lines, from 1, of the last statement of each stub; nothing where the source can't be read."""
    try:
        tree = ast.parse(source, _FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    lines = source.splitlines()
    return frozenset(
        line
        for function, owner in _functions(tree)
        if _is_stub(function) and not _may_be_empty(function, owner)
        for line in [function.body[-1].lineno]
        if line > len(lines) or "#" not in lines[line - 1]
    )


def _functions(tree: ast.Module) -> Iterator[tuple[Function, ast.ClassDef | None]]:
    waiting: list[tuple[ast.AST, ast.ClassDef | None]] = [(tree, None)]
    while waiting:
        node, owner = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield child, owner
            inside = child if isinstance(child, ast.ClassDef) else owner
            waiting.append((child, inside))


def _is_stub(function: Function) -> bool:
    body = function.body
    rest = body[1:] if _is_docstring(body[0]) else body
    return bool(rest) and all(map(_does_nothing, rest))


def _is_docstring(node: ast.stmt) -> bool:
    constant = node.value if isinstance(node, ast.Expr) else None
    return isinstance(constant, ast.Constant) and isinstance(constant.value, str)


def _does_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant(value=_)):
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError")):
            return True
        case ast.Raise(exc=ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
    return False


def _may_be_empty(function: Function, owner: ast.ClassDef | None) -> bool:
    if any(_last_name(one) in _WITHOUT_BODY for one in function.decorator_list):
        return True
    bases = [*owner.bases, *(word.value for word in owner.keywords)] if owner else []
    return any(_last_name(base) in _ABSTRACT_CLASSES for base in bases)


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return _last_name(inner)
    return ""
