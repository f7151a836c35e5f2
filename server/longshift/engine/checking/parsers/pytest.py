"""pytest and unittest: which tests fail, and the line of the assertion that failed.

Owns reading the sections of failures and the short summary. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from longshift.engine.checking.parsers.shape import Diagnostic, Output, number, one_line, same_path

_SECTION: Final = re.compile(
    r"(?P<side>_{3,}|_{1,2}(?=.{60})) (?!_ )(?:ERROR (?:at \w+ of |collecting ))?"
    r"(?P<name>\S.*?) (?P=side)_?$"
)
"""As wide as a terminal: a long name leaves one `_` on either side. `_ _ _` divides a section."""
_SUMMARY: Final = re.compile(
    r"(?:FAILED|ERROR|SUBFAILED\S*) (?P<path>[^:\s][^:]{0,400}?\.\w{1,8})(?P<rest>::.+| - .+)?$"
)
_PLACE: Final = re.compile(r"(?P<path>[^\s:][^:]{0,400}):(?P<line>\d{1,9}): ?(?P<what>.*)$")
_LINE: Final = re.compile(r"/[^:]{1,400}\.py:\d{1,9}: (?:assert\b|\w{0,60}(?:Error|Exception)\b)")
_RULE: Final = re.compile(r"={5,} .* ={5,}$|={10,}$")
_COVERAGE: Final = re.compile(r"(?:FAIL|ERROR:)\s.*Required test coverage|Coverage failure: total")
_ELSE: Final = re.compile(r"INTERNALERROR>|ERROR: (?:not found|file or directory not found|usage)")
_UNITTEST: Final = re.compile(r"(?:FAIL|ERROR): (?P<name>\w+) \((?P<where>[\w.]+)\)")
_FRAME: Final = re.compile(r'\s+File "(?P<path>[^"]{1,400})", line (?P<line>\d{1,9})')


@dataclass(slots=True)
class _Section:
    """One failure as it is told at length."""

    name: str
    places: list[tuple[str, int]]
    error: str = ""


def read(output: Output) -> Iterator[Diagnostic]:
    """Read pytest's report, whatever ran it."""
    sections = _sections(output)
    found = list(_summed_up(output, sections))
    named = {one.test for one in found}
    if not found:  # the summary was switched off or cut away
        found = [
            _failure(places[-1][0], places[-1][1], section.name, section.error)
            for section in sections
            if (places := section.places) and section.name not in named
        ]
    yield from found
    yield from _of_no_file(output, is_report=bool(found or sections))


def _sections(output: Output) -> list[_Section]:
    found: list[_Section] = []
    for at, line in enumerate(output.lines):
        head = _SECTION.match(line)
        if head:
            found.append(_Section(head["name"], []))
        elif _RULE.match(line):
            if found and found[-1].name:
                found.append(_Section("", []))  # what follows belongs to no test
        elif found and found[-1].name:
            _add(found[-1], line)
        elif _LINE.match(line):
            pass  # one line for each failure, and the summary names its test
        else:
            continue
        output.taken.add(at)
    return [section for section in found if section.name]


def _add(section: _Section, line: str) -> None:
    if line.startswith("E  ") and not section.error:
        section.error = one_line(line[1:])
        return
    place = _PLACE.match(line)
    if place:
        section.places.append((place["path"], number(place["line"])))


def _summed_up(output: Output, sections: Sequence[_Section]) -> Iterator[Diagnostic]:
    by_name: dict[str, list[_Section]] = {}
    for section in sections:
        by_name.setdefault(section.name, []).append(section)
    for at, line in output.free():
        summary = _SUMMARY.match(line)
        if summary is None:
            continue
        output.taken.add(at)
        path, (test, reason) = summary["path"], _test_of(summary["rest"] or "", by_name)
        alike = by_name.get(test.replace("::", ".") or path, [])
        section = alike.pop(0) if alike else _Section("", [])
        where = [line for name, line in section.places if same_path(name, path)]
        message = one_line(reason) or section.error
        yield _failure(path, where[-1] if where else 1, test, message)


def _test_of(rest: str, sections: Mapping[str, object]) -> tuple[str, str]:
    """The test and the reason, where the name of a test may hold what stands between them."""
    if not rest.startswith("::"):
        return "", rest.removeprefix(" - ")
    parts = rest[2:].split(" - ")
    for count in range(1, min(len(parts), 8)):
        name = " - ".join(parts[:count])
        if name.replace("::", ".") in sections:
            return name, " - ".join(parts[count:])
    name = parts[0]
    for count in range(2, min(len(parts), 8) + 1):
        if name.count("[") <= name.count("]"):
            break
        name = " - ".join(parts[:count])  # the values of a case may hold it too
    return name, " - ".join(parts[name.count(" - ") + 1 :])


def _failure(path: str, line: int, test: str, message: str) -> Diagnostic:
    return Diagnostic(
        path=path,
        line=line,
        message=one_line(f"{test}: {message}" if test else message or "can't be collected"),
        code="test-failed" if test else "collection-error",
        tool="pytest",
        test=f"{path}::{test}" if test else path,
    )


def _of_no_file(output: Output, *, is_report: bool) -> Iterator[Diagnostic]:
    """What fails beside tests; it must not be taken for one that is flaky."""
    for at, line in output.free():
        # Too little may be covered where no test fails.
        if _COVERAGE.match(line) or (is_report and _ELSE.match(line)):
            output.taken.add(at)
            yield Diagnostic("", 1, one_line(line), "pytest", tool="pytest", repeats=True)


def read_unittest(output: Output) -> Iterator[Diagnostic]:
    """Read unittest's report; Django's runner prints the same."""
    heads = [(at, found) for at, line in output.free() if (found := _UNITTEST.match(line))]
    for at, head in heads:
        output.taken.add(at)
        frame, message = None, ""
        for line in output.lines[at + 1 : at + 200]:
            if line.startswith("=====") or _UNITTEST.match(line):
                break
            if line.startswith("-----") and frame:
                break
            frame = _FRAME.match(line) or frame
            if line and not line.startswith((" ", "-", "Traceback")):
                message = line
        if frame is not None:
            where, name = head["where"], head["name"]
            test = where if where.endswith(f".{name}") else f"{where}.{name}"
            yield Diagnostic(
                path=frame["path"],
                line=number(frame["line"]),
                message=one_line(f"{head['name']}: {message}"),
                code="test-failed",
                tool="unittest",
                test=test,
            )
