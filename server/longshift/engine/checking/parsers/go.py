"""`go vet`, `go build` and `go test` as text, and golangci-lint's lines.

Owns adding the package's folder where only a file's name is printed. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from longshift.engine.checking.parsers.shape import Diagnostic, Output, number, one_line

_VET: Final = re.compile(
    r"(?P<vet>vet: )?(?P<path>[^\s:][^:]{0,400}\.go):(?P<line>\d{1,9})(?P<column>:\d{1,9})?: "
    r"(?P<message>.+)"
)
_LINTER: Final = re.compile(r"\((?P<code>[a-z]\w{1,40})\)$")
_BEGINS: Final = re.compile(
    r"=== (?:RUN|CONT|NAME)\s+(?P<test>\S+)|\s*--- (?:PASS|SKIP): (?P<ended>\S+) \("
)
_FAILED: Final = re.compile(r"\s*--- FAIL: (?P<test>\S+) \(")
_SAID: Final = re.compile(
    r"\s+(?P<path>[\w.-]{1,200}\.go):(?P<line>\d{1,9}): ?(?P<message>.*)|"
    r"\s+Error Trace:\s+(?P<trace>[^\s:]{1,400}\.go):(?P<at>\d{1,9})"
)
_FRAME: Final = re.compile(r"\t(?P<path>[^:]{1,400}\.go):(?P<line>\d{1,9}) \+0x[0-9a-f]")
_NOT_OURS: Final = ("/go/src/", "/src/runtime/", "/src/testing/", "/pkg/mod/")
_FAR: Final = 200
"""Lines of a stack that are looked at."""
_RAN: Final = re.compile(r"FAIL\t(?P<package>\S+)\t[\d.]+s$")
_PACKAGE: Final = re.compile(r"(?:FAIL|ok  )\t(?P<package>\S+)")


def read(output: Output) -> Iterator[Diagnostic]:
    """Read what Go's tools print."""
    packages = _packages(output.lines)
    yield from _tests(output, packages)
    yield from _whole_packages(output, packages)
    tests_ran, is_built = any(packages[:1]), False
    for at, line in output.free():
        found = _VET.match(line)
        if found is None:
            is_built = line.startswith("# ")
            continue
        output.taken.add(at)
        linter = _LINTER.search(found["message"])
        if tests_ran and not (is_built or found["column"] or found["vet"] or linter):
            continue  # a log that a test has written has this form too
        yield Diagnostic(
            path=found["path"],
            line=number(found["line"]),
            message=one_line(found["message"]),
            code=linter["code"] if linter else "go",
            tool="go",
            repeats=True,
        )


def _tests(output: Output, packages: Sequence[str]) -> Iterator[Diagnostic]:
    failed = [(at, found["test"]) for at, line in output.free() if (found := _FAILED.match(line))]
    parents = {(packages[at], test.rpartition("/")[0]) for at, test in failed}
    above = _said_above(output, packages)
    for at, test in failed:
        output.taken.add(at)
        package = packages[at]
        said = _said_below(output, at) or above.get((package, test))
        if (package, test) in parents:
            continue  # it fails for what fails below it
        path, line_number, message = said or _panic(output.lines[at + 1 : at + _FAR])
        yield Diagnostic(
            path=_in_package(path, package),
            line=line_number,
            message=one_line(f"{test}: {message}"),
            code="test-failed",
            tool="go",
            test=f"{package}.{test}",
        )


def _whole_packages(output: Output, packages: Sequence[str]) -> Iterator[Diagnostic]:
    """Packages whose tests ran and failed with none to blame: `TestMain` failed, or all died."""
    blamed = {packages[at] for at, line in enumerate(output.lines) if _FAILED.match(line)}
    begins = 0
    for at, line in list(output.free()):
        found = _RAN.match(line)
        if found and found["package"] not in blamed:
            output.taken.add(at)
            package = found["package"]
            path, line_number, message = _panic(output.lines[max(begins, at - _FAR) : at])
            yield Diagnostic(
                path=path,
                line=line_number,
                message=one_line(f"{package}: {message}"),
                code="test-failed",
                tool="go",
                test=package,
            )
        if _PACKAGE.match(line):
            begins = at + 1


def _panic(lines: Sequence[str]) -> tuple[str, int, str]:
    """Where a program died, by the first call on its stack that is not of Go's own, and of what."""
    message = ""
    for line in lines:
        if _FAILED.match(line) or _PACKAGE.match(line):
            break
        if line.startswith("panic: "):
            message = message or line
        frame = _FRAME.match(line)
        if frame and not any(part in frame["path"] for part in _NOT_OURS):
            return frame["path"], number(frame["line"]), message or "fails"
    return "", 1, message or "fails"


def _packages(lines: Sequence[str]) -> list[str]:
    """The package that each line belongs to: it is named below what its tests print."""
    found, package = list[str](), ""
    for line in reversed(lines):
        named = _PACKAGE.match(line)
        package = named["package"] if named else package
        found.append(package)
    return found[::-1]


def _said_below(output: Output, at: int) -> tuple[str, int, str] | None:
    said = None
    for below, line in enumerate(output.lines[at + 1 : at + 60], at + 1):
        if not line.startswith((" ", "\t")) or _FAILED.match(line):
            break
        found = _SAID.match(line)
        if found:
            output.taken.add(below)
            said = said or _said(found)
    return said


def _said_above(
    output: Output, packages: Sequence[str]
) -> Mapping[tuple[str, str], tuple[str, int, str]]:
    """What each test of a package wrote first while it ran, as `go test -v` tells it.

    Nor is what a test wrote that did not fail a finding of anybody else's.
    """
    wrote: dict[tuple[str, str], tuple[str, int, str]] = {}
    test = ""
    for at, line in output.free():
        begins = _BEGINS.match(line)
        if begins:
            test = begins["test"] or begins["ended"]
        elif _FAILED.match(line) or _PACKAGE.match(line):
            test = ""
        elif test and (found := _SAID.match(line)):
            output.taken.add(at)
            wrote.setdefault((packages[at], test), _said(found))
    return wrote


def _said(found: re.Match[str]) -> tuple[str, int, str]:
    return (
        found["path"] or found["trace"],
        number(found["line"] or found["at"]),
        found["message"] or "fails",
    )


def _in_package(path: str, package: str) -> str:
    """A file's name in the last folder of its package; which of them it is, is found by files."""
    if not path or "/" in path or "/" not in package:
        return path
    return f"{package.rpartition('/')[2]}/{path}"
