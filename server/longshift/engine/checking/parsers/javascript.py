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
_TAP: Final = re.compile(r"\s*not ok \d+ - (?P<test>.+)|\s*✖ (?P<other>.+?) \([\d.]+ms\)$")
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
    """Read failures of jest, vitest and node's own runner; where is told by the stack below."""
    seen: set[str] = set()
    for at, line in list(output.free()):
        found = _JEST.match(line) or _VITEST.match(line) or _TAP.match(line)
        if found is None:
            continue
        groups = found.groupdict()
        suite = groups["path"] if groups.get("suite") else ""  # it could not be loaded
        test = (groups.get("test") or groups.get("other") or suite).strip()
        place = _frame_below(output, at) or ((suite, 1) if suite else None)
        if not test or place is None or test in seen:
            continue
        seen.add(test)
        output.taken.add(at)
        path, number_ = place
        yield Diagnostic(
            path=groups.get("path") or path,
            line=number_,
            message=one_line(test),
            code="test-failed",
            tool="javascript",
            test=test,
        )


def _frame_below(output: Output, at: int) -> tuple[str, int] | None:
    """The first place that a stack names, of a file of tests before any other."""
    first: tuple[str, int] | None = None
    for line in output.lines[at + 1 : at + 60]:
        if _JEST.match(line) or _TAP.match(line) or _VITEST.match(line):
            break
        place = _place_in(line)
        if place and _TEST_FILE.search(place[0]):
            return place
        first = first or place
    return first


def _place_in(line: str) -> tuple[str, int] | None:
    """`path:line:column` anywhere in a line of a stack."""
    for word in _APART.split(line):
        parts = word.removeprefix("file://").split(":")
        if len(parts) in (2, 3) and parts[0].endswith(_SUFFIXES) and "node_modules/" not in word:
            return parts[0], number(parts[1])
    return None
