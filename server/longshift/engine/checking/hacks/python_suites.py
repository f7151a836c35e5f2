"""The tests of a Python file, from its syntax tree.

Owns which assertions count: those that are reached, can fail, and whose failing is not swallowed.
Pure; the text is a stranger's, so that a file which does not parse is none.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from longshift.engine.checking.hacks.tested import Skip, Test

_CHECKING: Final = re.compile(r"^_*(?:assert|check|verify|expect|ensure|fail(?:If|Unless)?$)")
_RAISING: Final = frozenset({"raises", "warns", "deprecated_call"})
_ANY_ERROR: Final = frozenset({"Exception", "BaseException", "AssertionError"})
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
"""Where a line ends for the parser."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Around(NamedTuple):
    """What stands around a test, and what that makes of it."""

    prefix: str
    skip: Skip
    hidden: str = ""

    def under(self, skip: Skip) -> "_Around":
        """The same under one thing more."""
        return self._replace(skip=_worse(self.skip, skip))


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
        return list(_in_body(tree.body, _Around("", _skip_of_block(tree.body)), lines))
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


def _in_body(body: Sequence[ast.stmt], around: _Around, lines: Sequence[str]) -> Iterator[Test]:
    for one in body:
        if isinstance(one, ast.ClassDef):
            skip = _worse(around.skip, _skip_of(one.decorator_list), _skip_of_block(one.body))
            hidden = around.hidden or _hides(one)
            inner = _Around(f"{around.prefix}{one.name}.", skip, hidden)
            yield from _in_body(one.body, inner, lines)
        elif isinstance(one, _Function) and one.name.startswith("test"):
            yield _test(one, around, lines)
        elif isinstance(one, ast.If):
            met, unmet = _when(one.test)
            yield from _in_body(one.body, around.under(met), lines)
            yield from _in_body(one.orelse, around.under(unmet), lines)
        elif isinstance(one, ast.Try | ast.With):
            yield from _in_body(one.body, around, lines)


def _hides(one: ast.ClassDef) -> str:
    """What of a class keeps pytest from taking it for one of tests; "" where that can't be told."""
    if any(_name(base) != "object" for base in one.bases):
        return ""  # perhaps of unittest's
    if not one.name.startswith("Test"):
        return one.name
    constructed = any(isinstance(it, _Function) and it.name == "__init__" for it in one.body)
    return f"{one.name}.__init__" if constructed else ""


def _when(test: ast.expr) -> tuple[Skip, Skip]:
    """What a condition makes of the tests below it, and below its `else`."""
    if _always_true(test):
        return "", "always"
    if _never_true(test):
        return "always", ""
    return "sometimes", "sometimes"


def _test(one: _Function, around: _Around, lines: Sequence[str]) -> Test:
    return Test(
        name=f"{around.prefix}{one.name}",
        short=one.name,
        line=one.lineno,
        skipped=_worse(around.skip, _skip_of(one.decorator_list), _skip_within(one.body)),
        body="\n".join(lines[one.lineno - 1 : one.end_lineno]),
        reads=_read_checks,
        cases=_cases(one.decorator_list),
        hidden=around.hidden,
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


def _never_true(test: ast.expr) -> bool:
    match test:
        case ast.Constant(value=value):
            return not value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _always_true(operand)
        case ast.BoolOp(op=ast.And(), values=values):
            return any(map(_never_true, values))
        case ast.BoolOp(op=ast.Or(), values=values):
            return all(map(_never_true, values))
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
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
        if isinstance(one, ast.Expr | ast.Assign | ast.If | ast.Try):
            found.append(_skip_within([one]))
    return _worse(*found)


def _skip_within(body: Sequence[ast.stmt]) -> Skip:
    """Whether code calls a skip at once, or under a condition."""
    return _worse(*map(_skip_by, body))


def _skip_by(one: ast.stmt) -> Skip:
    match one:
        case ast.Expr(value=ast.Call(func=function)) if _is_skip(function):
            return "always"
        case ast.Expr(value=ast.Call(func=function)) | ast.Assign(value=ast.Call(func=function)):
            return "sometimes" if _name(function) == "importorskip" else ""
        case ast.Raise(exc=ast.expr() as raised):
            return "always" if "Skip" in ast.unparse(raised) else ""
        case ast.If(test=test, body=body, orelse=orelse):
            asked = zip(_when(test), (body, orelse), strict=True)
            return _worse(*(_below(how, _skip_within(block)) for how, block in asked))
        case ast.Try(body=body, handlers=handlers):
            tried = [_skip_within(block) for block in (body, *(each.body for each in handlers))]
            return "sometimes" if any(tried) else ""
        case _:
            return ""


def _below(how: Skip, skip: Skip) -> Skip:
    """What a skip comes to where it stands under a condition, by what that makes of a test."""
    return "" if how == "always" or not skip else how or skip


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
