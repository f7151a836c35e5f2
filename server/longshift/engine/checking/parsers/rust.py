"""rustc and cargo as text: errors with an arrow below them, the short form, and failing tests.

Pure.
"""

import re
from collections.abc import Iterator
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
        arrows = map(_ARROW.match, lines[at + 1 : at + 4])
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
    """Read failing tests, and where they panicked."""
    failed = {found["test"]: at for at, line in output.free() if (found := _FAILED.match(line))}
    if not failed:
        return
    test = ""
    panics: dict[str, tuple[str, int, str]] = {}
    for at, line in enumerate(output.lines):
        head = _STDOUT.match(line)
        test = head["test"] if head else test
        calm = _CALM.match(line) if test else None
        if calm:
            panics.setdefault(test, (calm["path"], number(calm["line"]), calm["message"]))
        found = _PANIC.match(line)
        if found:
            message = output.lines[at + 1] if at + 1 < len(output.lines) else ""
            panics.setdefault(found["test"], (found["path"], number(found["line"]), message))
            output.taken.add(at)
    for test, at in failed.items():
        output.taken.add(at)
        path, line_number, message = panics.get(test, ("", 1, "fails"))
        yield Diagnostic(
            path=path,
            line=line_number,
            message=one_line(f"{test}: {message}"),
            code="test-failed",
            tool="cargo",
            test=test,
        )
