"""The tests of a Python file, from its syntax tree.

Owns which assertions count: those that are reached, can fail, and whose failing is not swallowed.
Pure; the text is a stranger's, so that a file which does not parse is none.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Final

from longshift.engine.checking.hacks.tested import Skip, Test

_CHECKING: Final = re.compile(r"^_*(?:assert|check|verify|expect|ensure|fail(?:If|Unless)?$)")
_RAISING: Final = frozenset({"raises", "warns", "deprecated_call"})
_ANY_ERROR: Final = frozenset({"Exception", "BaseException", "AssertionError"})
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
"""Where a line ends for the parser."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_tests(text: str) -> list[Test] | None:
    """The tests of a module; None where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the text, about its escapes
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = _LINE_END.split(text)
    try:
        return list(_in_body(tree.body, "", _skip_of_block(tree.body), lines))
    except (RecursionError, ValueError):  # too deep, or a number too long to be written out
        return None


def _read_checks(body: str) -> list[str]:
    """What a function asserts; itself, where that can't be told."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(f"if 1:\n{body}" if body[:1].isspace() else body)
        function = next(one for one in ast.walk(tree) if isinstance(one, _Function))
        return list(_checks(function.body))
    except (SyntaxError, ValueError, RecursionError, MemoryError, StopIteration):
        return [body]


def _in_body(
    body: Sequence[ast.stmt], prefix: str, around: Skip, lines: Sequence[str]
) -> Iterator[Test]:
    for one in body:
        if isinstance(one, ast.ClassDef):
            skip = _worse(around, _skip_of(one.decorator_list), _skip_of_block(one.body))
            yield from _in_body(one.body, f"{prefix}{one.name}.", skip, lines)
        elif isinstance(one, _Function) and one.name.startswith("test"):
            yield _test(one, prefix, around, lines)
        elif isinstance(one, ast.If | ast.Try | ast.With):
            yield from _in_body(one.body, prefix, around, lines)


def _test(one: _Function, prefix: str, around: Skip, lines: Sequence[str]) -> Test:
    return Test(
        name=f"{prefix}{one.name}",
        short=one.name,
        line=one.lineno,
        skipped=_worse(around, _skip_of(one.decorator_list), _skip_within(one.body)),
        body="\n".join(lines[one.lineno - 1 : one.end_lineno]),
        reads=_read_checks,
        cases=_cases(one.decorator_list),
    )


def _checks(body: Sequence[ast.stmt]) -> Iterator[str]:
    for one in body:
        yield from _checks_of(one)
        if isinstance(one, ast.Return | ast.Raise | ast.Continue | ast.Break):
            return  # nothing below is reached


def _checks_of(one: ast.stmt) -> Iterator[str]:
    match one:
        case ast.Assert():
            if not _always_true(one.test):
                yield ast.unparse(one.test)
        case ast.If(test=ast.Constant(value=value)) if not value:
            yield from _checks(one.orelse)
        case ast.Try() if any(map(_swallows, one.handlers)):
            yield from _checks([*one.orelse, *one.finalbody])
        case ast.With() | ast.AsyncWith():
            contexts = [item.context_expr for item in one.items]
            yield from (check for context in contexts for check in _calls(context))
            if not any(map(_suppresses, contexts)):
                yield from _checks(one.body)
        case _ if _blocks(one):
            yield from (check for block in _blocks(one) for check in _checks(block))
        case _:
            yield from _calls(one)


def _blocks(one: ast.stmt) -> list[list[ast.stmt]]:
    """What stands within a statement, block by block."""
    handlers = [handler.body for handler in getattr(one, "handlers", ())]
    named = [getattr(one, name, []) for name in ("body", "orelse", "finalbody")]
    return [block for block in (*named, *handlers) if block]


def _calls(node: ast.AST) -> Iterator[str]:
    """Calls that check something: unittest's, mocks', pytest's, helpers by their names."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call):
            name = _name(one.func)
            if (_CHECKING.match(name) or name in _RAISING) and not _is_empty(one, name):
                yield ast.unparse(one)


def _is_empty(call: ast.Call, name: str) -> bool:
    """`self.assertTrue(True)`, `assertEqual(1, 1)`."""
    if name == "assertTrue":
        return bool(call.args) and _always_true(call.args[0])
    if name == "assertEqual" and len(call.args) > 1:
        return ast.dump(call.args[0]) == ast.dump(call.args[1])
    return False


def _always_true(test: ast.expr) -> bool:
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Tuple(elts=parts):  # `assert (a == b, "words")`
            return bool(parts)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(map(_always_true, values))
        case ast.BoolOp(op=ast.And(), values=values):
            return all(map(_always_true, values))
        case ast.UnaryOp(op=ast.Not(), operand=ast.Constant(value=value)):
            return not value
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            return ast.dump(left) == ast.dump(right)
        case _:
            return False


def _swallows(handler: ast.ExceptHandler) -> bool:
    kinds = [handler.type] if handler.type else []
    named = {_name(one) for kind in kinds for one in getattr(kind, "elts", [kind])}
    is_wide = not kinds or bool(named & _ANY_ERROR)
    return is_wide and not any(
        isinstance(one, ast.Raise | ast.Assert) or any(_calls(one)) for one in handler.body
    )


def _suppresses(context: ast.expr) -> bool:
    return (
        isinstance(context, ast.Call)
        and _name(context.func) == "suppress"
        and any(_name(one) in _ANY_ERROR for one in context.args)
    )


def _name(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _skip_of(decorators: Sequence[ast.expr]) -> Skip:
    return _worse(*map(_skip_of_mark, decorators))


def _skip_of_mark(mark: ast.expr) -> Skip:
    name = _name(mark.func if isinstance(mark, ast.Call) else mark)
    condition = mark.args[0] if isinstance(mark, ast.Call) and mark.args else None
    if name in ("skip", "expectedFailure"):
        return "always"
    if name == "xfail":
        is_text = isinstance(condition, ast.Constant) and isinstance(condition.value, str)
        return "always" if condition is None or is_text or _always_true(condition) else "sometimes"
    if name in ("skipif", "skipIf", "skipUnless"):
        truth = isinstance(condition, ast.Constant)
        return "always" if truth else "sometimes"
    return ""


def _skip_of_block(body: Sequence[ast.stmt]) -> Skip:
    """What a module or class says of all its tests."""
    found: list[Skip] = []
    for one in body:
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
            marks = getattr(one.value, "elts", [one.value])
            if one.targets[0].id == "pytestmark":
                found += map(_skip_of_mark, marks)
            elif one.targets[0].id == "__test__" and ast.unparse(one.value) == "False":
                found.append("always")
        elif isinstance(one, ast.Expr):
            found.append(_skip_within([one]))
    return _worse(*found)


def _skip_within(body: Sequence[ast.stmt]) -> Skip:
    """Whether code calls a skip at once, or under a condition."""
    for one in body:
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
            if _is_skip(one.value.func):
                return "always"
        elif isinstance(one, ast.Raise) and one.exc is not None:
            if "Skip" in ast.unparse(one.exc):
                return "always"
        elif isinstance(one, ast.If | ast.Try) and _skip_within(one.body):
            constant = isinstance(one, ast.If) and isinstance(one.test, ast.Constant)
            return "always" if constant else "sometimes"
    return ""


def _is_skip(function: ast.expr) -> bool:
    return ast.unparse(function) in ("pytest.skip", "pytest.xfail", "self.skipTest", "skip")


def _worse(*skips: Skip) -> Skip:
    return "always" if "always" in skips else "sometimes" if "sometimes" in skips else ""


def _cases(decorators: Sequence[ast.expr]) -> int:
    """How many times over the values given to `parametrize` run a test, where they are listed."""
    count = 1
    for one in decorators:
        if isinstance(one, ast.Call) and _name(one.func) == "parametrize" and len(one.args) > 1:
            listed = one.args[1]
            if isinstance(listed, ast.List | ast.Tuple):
                count *= max(1, len(listed.elts))
    return count
