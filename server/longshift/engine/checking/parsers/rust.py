"""rustc and cargo as text: errors with an arrow below them, the short form, and failing tests.

Pure.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from longshift.engine.checking.parsers.shape import (
    Diagnostic,
    Output,
    number,
    one_line,
    severity_of,
)

_HEAD: Final = re.compile(
    r"(?P<severity>error|warning)(?:\[(?P<code>[\w:]{1,60})\])?: (?P<message>.+)"
)
_ARROW: Final = re.compile(r"\s*--> (?P<path>[^:]{1,400}):(?P<line>\d{1,9}):\d{1,9}$")
_SHORT: Final = re.compile(
    r"(?P<path>[^\s:][^:]{0,400}\.rs):(?P<line>\d{1,9}):\d{1,9}: "
    r"(?P<severity>error|warning)(?:\[(?P<code>[\w:]{1,60})\])?: (?P<message>.+)"
)
_LINT: Final = re.compile(r"`#\[(?:warn|deny|forbid)\((?P<code>[\w:]{1,60})\)\]`")
_CLIPPY: Final = re.compile(r"rust-clippy/\S*#(?P<code>\w{1,60})")
_FAILED: Final = re.compile(r"test (?P<test>\S+)(?: - should panic)? \.\.\. FAILED$")
_RUNNING: Final = re.compile(
    r"\s+Running (?:unittests \S+|(?P<path>\S+)) "
    r"\((?:\S*/)?(?P<binary>[^\s/]+?)(?:-[0-9a-f]{16})?\)$|"
    r"\s+Doc-tests (?P<crate>\S+)$"
)
"""A crate's own tests are told by its name, and others by their file."""
_BEGINS: Final = re.compile(r"running \d{1,9} tests?$")
_STDOUT: Final = re.compile(r"---- (?P<test>\S+) stdout ----$")
_CALM: Final = re.compile(
    r"note: (?P<message>test did not panic.*) at (?P<path>[^:]{1,400}):(?P<line>\d{1,9})"
)
_PANIC: Final = re.compile(
    r"thread '(?P<test>[^']{1,300})'(?: \(\d+\))? panicked at "
    r"(?P<path>[^:]{1,400}):(?P<line>\d{1,9})(?::\d{1,9})?:?"
)


def read(output: Output) -> Iterator[Diagnostic]:
    """Read the compiler and clippy."""
    lines = output.lines
    for at, line in list(output.free()):
        short = _SHORT.match(line)
        head = short or _HEAD.match(line)
        if head is None:
            continue
        # Further down it is the next one's.
        below = takewhile(lambda line: not _HEAD.match(line), lines[at + 1 : at + 4])
        arrows = map(_ARROW.match, below)
        place = short or next(filter(None, arrows), None)
        if place is None:
            continue
        output.taken.add(at)
        yield Diagnostic(
            path=place["path"],
            line=number(place["line"]),
            message=one_line(head["message"]),
            code=head["code"] or _lint_below(lines, at) or "rustc",
            severity=severity_of(head["severity"]),
            tool="rustc",
            repeats=True,
        )


def _lint_below(lines: list[str], at: int) -> str:
    for line in lines[at + 1 : at + 30]:
        if not line or _HEAD.match(line):
            return ""
        found = _LINT.search(line) or _CLIPPY.search(line)
        if found:
            return found["code"]
    return ""


def read_tests(output: Output) -> Iterator[Diagnostic]:
    """Read failing tests, and where they panicked; each of the binary that ran it."""
    binaries = _binaries(output.lines)
    failed = [(at, found["test"]) for at, line in output.free() if (found := _FAILED.match(line))]
    panics = _panics(output, binaries) if failed else {}
    for at, test in failed:
        output.taken.add(at)
        count, binary = binaries[at]
        path, line_number, message = panics.get((count, test), ("", 1, "fails"))
        yield Diagnostic(
            path=path,
            line=line_number,
            message=one_line(f"{test}: {message}"),
            code="test-failed",
            tool="cargo",
            test=f"{binary}::{test}" if binary else test,
        )


def _binaries(lines: Sequence[str]) -> list[tuple[int, str]]:
    """For each line the number of the binary whose tests it tells of, and its name."""
    found, count, name, next_name = list[tuple[int, str]](), 0, "", ""
    for line in lines:
        running = _RUNNING.match(line)
        if running:
            next_name = running["path"] or running["binary"] or running["crate"]
        elif _BEGINS.match(line):
            count, name, next_name = count + 1, next_name, ""
        found.append((count, name))
    return found


def _panics(
    output: Output, binaries: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], tuple[str, int, str]]:
    """Where the tests of each binary panicked, and with what words."""
    found: dict[tuple[int, str], tuple[str, int, str]] = {}
    test = ""
    for at, line in enumerate(output.lines):
        head = _STDOUT.match(line)
        test = head["test"] if head else test
        calm = _CALM.match(line) if test else None
        if calm:
            place = calm["path"], number(calm["line"]), calm["message"]
            found.setdefault((binaries[at][0], test), place)
        panic = _PANIC.match(line)
        if panic:
            message = output.lines[at + 1] if at + 1 < len(output.lines) else ""
            place = panic["path"], number(panic["line"]), message
            found.setdefault((binaries[at][0], panic["test"]), place)
            output.taken.add(at)
    return found
