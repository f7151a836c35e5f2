"""Code in Python that says how tests ended: it ends them all, or sets what is told of them.

Owns telling it from texts that hold such code, and from what runs only as a script. Pure; the
text is a stranger's.
"""

import ast
import warnings
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

HOOKS: Final = ("pytest_runtest_makereport", "pytest_sessionfinish")
"""What pytest asks when a test or all have ended; most only look on."""
_SET: Final = frozenset({"outcome", "exitstatus", "excinfo", "testsfailed", "wasxfail"})
_ENDING: Final = frozenset({"exit", "_exit"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Outcomes(NamedTuple):
    """Lines of a file.

    Attributes:
        ends: where code ends all tests, or sets with what they end.
        hooks: where a hook begins that sets what is told of tests.
    """

    ends: frozenset[int]
    hooks: frozenset[int]


def outcomes(text: str) -> Outcomes | None:
    """What a module makes of outcomes; None where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the text, about its escapes
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    nodes = list(_run(tree))
    ends = (one.lineno for one in nodes if isinstance(one, ast.expr | ast.stmt) and _ends(one))
    hooks = (one for one in nodes if isinstance(one, _Function) and one.name in HOOKS)
    return Outcomes(frozenset(ends), frozenset(one.lineno for one in hooks if _decides(one)))


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """All that can run while tests do."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += _within(one)


def _within(one: ast.AST) -> Iterable[ast.AST]:
    match one:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()])):
            return one.orelse
        case ast.With() if any(_called(item.context_expr) == "raises" for item in one.items):
            return ()  # the test is about the end
        case _:
            return ast.iter_child_nodes(one)


def _decides(hook: _Function) -> bool:
    """Whether a hook may tell otherwise than what came out."""
    nodes = list(_run(hook))
    if any(isinstance(one, ast.Yield | ast.YieldFrom) for one in nodes):
        answers = False  # with what it is given
    else:
        answers = any(isinstance(one, ast.Return) and not _is_none(one.value) for one in nodes)
    is_of_test = hook.name == HOOKS[0]
    return (is_of_test and answers) or any(_ends(one) or _replaces(one) for one in nodes)


def _ends(one: ast.AST) -> bool:
    match one:
        case ast.Call():
            return _called(one) in _ENDING
        case ast.Assign(targets=targets, value=value):
            return any(map(_is_set, targets)) and not _is_failing(value)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return _is_set(target)
        case _:
            return False


def _replaces(one: ast.AST) -> bool:
    match one:
        case ast.Call(args=[_, ast.Constant(value=name), *_]) if _called(one) == "setattr":
            return name in _SET
        case ast.Call():
            return _called(one) in ("force_result", "TestReport")
        case _:
            return False


def _is_set(target: ast.expr) -> bool:
    match target:
        case ast.Attribute(attr=name):
            return name in _SET
        case ast.Name(id=name):
            return name == "exitstatus"
        case _:
            return False


def _is_failing(value: ast.expr) -> bool:
    """Whether what is set is a failure, which no test gets better by."""
    match value:
        case ast.Constant(value=int(said)):
            return bool(said)
        case ast.Constant(value=said):
            return said == "failed"
        case ast.Attribute(attr=name):
            return name in ("TESTS_FAILED", "INTERNAL_ERROR")
        case _:
            return False


def _is_none(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _called(one: ast.expr) -> str:
    match one:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name
        case _:
            return ""
