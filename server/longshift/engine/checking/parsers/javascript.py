"""eslint (stylish, unix), tsc, and the runners of JavaScript's tests (jest, vitest, node).

Pure.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from longshift.engine.checking.parsers.shape import (
    Diagnostic,
    Output,
    number,
    one_line,
    same_path,
    severity_of,
)

_STYLISH: Final = re.compile(
    r"\s+(?P<line>\d{1,9}):\d{1,9}\s+(?P<severity>error|warning)\s+(?P<rest>\S.*)"
)
_RULE: Final = re.compile(r"(?P<message>.*\S)\s{2,}(?P<code>@?[\w/.-]{2,80})$")
_UNIX: Final = re.compile(
    r"(?P<path>[^\s:][^:]{0,400}):(?P<line>\d{1,9}):\d{1,9}: (?P<message>.*\S) "
    r"\[(?P<severity>Error|Warning)(?:/(?P<code>[^\]]{1,80}))?\]$"
)
_TSC: Final = re.compile(
    r"(?P<path>[^\s(][^(]{0,400})\((?P<line>\d{1,9}),\d{1,9}\): "
    r"(?P<severity>error|warning) (?P<code>TS\d{1,6}): (?P<message>.+)"
)
_TSC_PRETTY: Final = re.compile(
    r"(?P<path>[^\s:][^:]{0,400}):(?P<line>\d{1,9}):\d{1,9} - "
    r"(?P<severity>error|warning) (?P<code>TS\d{1,6}): (?P<message>.+)"
)
_JEST: Final = re.compile(r"\s{0,4}● (?P<test>\S.*)")
_VITEST: Final = re.compile(
    r"\s*FAIL\s+(?P<path>\S+)(?: > (?P<test>.+)| \[ (?P<suite>[^\]]{1,400}) \])?$"
)
_TAP: Final = re.compile(r"\s*not ok \d+ - (?P<test>.+)")
_SPEC: Final = re.compile(r"\s*✖ (?P<test>.+?) \([\d.]+ms\)$")
_ABOVE: Final = re.compile(r"test at (?P<path>\S{1,400}?):\d{1,9}:\d{1,9}$")
_ENDED: Final = re.compile(r"\s*(?:FAIL|PASS)\s+\S")
_FILE: Final = re.compile(
    r"\s*FAIL\s+(?:\S.*\s)?(?P<path>\S{1,400}\.[cm]?[jt]sx?)(?: \([\d.]{1,20} m?s\))?$"
)
_NO_TEST: Final = ("Console", "Cannot log after tests are done")
"""What jest marks like a test, and is none."""
_TOO_MANY: Final = re.compile(r"\s*ESLint found too many warnings\b")
_APART: Final = re.compile(r"[\s()'\"]+")
_SUFFIXES: Final = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")
_TEST_FILE: Final = re.compile(r"[._-](?:test|spec)\.|(?:^|/)(?:tests?|__tests__|specs?)/")


def read_eslint(output: Output) -> Iterator[Diagnostic]:
    """Read eslint's default form, a path and below it its lines, and the unix form."""
    path = ""
    for at, line in list(output.free()):
        found = _STYLISH.match(line) if path else None
        if found:
            rule = _RULE.match(found["rest"])
            message = rule["message"] if rule else found["rest"]
            code = rule["code"] if rule else "eslint"
            where, severity = path, found["severity"]
        elif found := _UNIX.match(line):
            where, severity = found["path"], found["severity"]
            message, code = found["message"], found["code"] or "eslint"
        else:
            path = line if line and line[0] not in " \t✖" and "." in line else ""
            continue
        output.taken.add(at)
        yield Diagnostic(
            path=where,
            line=number(found["line"]),
            message=one_line(message),
            code=code,
            severity=severity_of(severity),
            tool="eslint",
            repeats=True,
        )


def raised(output: Output, found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Make errors of eslint's warnings, where it says that it fails for their number."""
    fails = any(map(_TOO_MANY.match, output.lines))
    for one in found:
        raises = fails and one.tool == "eslint" and one.severity == "warning"
        yield replace(one, severity="error") if raises else one


def read_tsc(output: Output) -> Iterator[Diagnostic]:
    """Read the TypeScript compiler, with or without `--pretty`."""
    for at, line in output.free():
        found = _TSC.match(line) or _TSC_PRETTY.match(line)
        if found:
            output.taken.add(at)
            yield Diagnostic(
                path=found["path"],
                line=number(found["line"]),
                message=one_line(found["message"]),
                code=found["code"],
                severity=severity_of(found["severity"]),
                tool="tsc",
                repeats=True,
            )


def read_tests(output: Output) -> Iterator[Diagnostic]:
    """Read failures of jest, vitest and node's own runner; where is told by the stack below.

    A test is known by its name and its file: many files have a test that "renders".
    """
    seen: set[str] = set()
    for at, path, test in list(_failures(output)):
        place = _frame_below(output, at, path) or ((path, 1) if path else None)
        if place is None:
            continue
        own = path or (place[0] if _TEST_FILE.search(place[0]) else "")
        name = f"{own}::{test}" if own else test
        if own and same_path(test, own):
            name = own  # the whole file fails
        if name in seen:
            continue
        seen.add(name)
        output.taken.add(at)
        yield Diagnostic(
            path=place[0],
            line=place[1],
            message=one_line(test),
            code="test-failed",
            tool="javascript",
            test=name,
        )


def _failures(output: Output) -> Iterator[tuple[int, str, str]]:
    """The line, the file ("": only the stack tells it) and the test of each failure."""
    lines = output.lines
    # Node's runner tells them twice, and the second time under their files.
    told = next((at for at, line in enumerate(lines) if line == "✖ failing tests:"), 0)
    path = ""
    for at, line in output.free():
        if found := _JEST.match(line):
            if not found["test"].startswith(_NO_TEST):
                yield at, path, found["test"].strip()
        elif found := _SPEC.match(line):
            above = _ABOVE.match(lines[at - 1]) if at else None
            if at >= told:
                yield at, above["path"] if above else "", found["test"]
        elif found := _TAP.match(line):
            yield at, "", found["test"].strip()
        elif (found := _VITEST.match(line)) and (found["test"] or found["suite"]):
            yield at, found["path"], (found["test"] or found["path"]).strip()
        elif _ENDED.match(line):
            head = _FILE.match(line)  # whose failures jest tells below it
            path = head["path"] if head else ""


def _frame_below(output: Output, at: int, path: str) -> tuple[str, int] | None:
    """The first place that a stack names: of that file, or of a file of tests before any other."""
    first: tuple[str, int] | None = None
    for line in output.lines[at + 1 : at + 60]:
        if any(form.match(line) for form in (_JEST, _SPEC, _TAP, _VITEST, _ABOVE, _ENDED)):
            break
        place = _place_in(line)
        if place and (same_path(place[0], path) if path else _TEST_FILE.search(place[0])):
            return place
        first = first or place
    return None if path else first


def _place_in(line: str) -> tuple[str, int] | None:
    """`path:line:column` anywhere in a line of a stack."""
    for word in _APART.split(line):
        parts = word.removeprefix("file://").split(":")
        if len(parts) in (2, 3) and parts[0].endswith(_SUFFIXES) and "node_modules/" not in word:
            return parts[0], number(parts[1])
    return None
