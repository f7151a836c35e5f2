"""Reports as JSON: SARIF of any tool, ruff, mypy, pyright, eslint, cargo, golangci-lint, go test.

Owns telling them apart by their shape. Nothing of a document is trusted: what is not as expected
is left out, whatever it is. Pure.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

from longshift.engine.checking.parsers.shape import (
    Diagnostic,
    Output,
    number,
    one_line,
    severity_of,
)

_DECODER: Final = json.JSONDecoder()
_OPENS: Final = re.compile(r"\s*[\[{]")
_GOES_ON: Final = re.compile(r"[\s\[{]+(?:\"|$)")
"""`[` also stands in front of a log's line."""
_Object = Mapping[str, object]
_NOTHING: Final[_Object] = {}


def read(output: Output) -> Iterator[Diagnostic]:
    """Read the documents of an output, wherever among its lines they stand."""
    said: dict[str, list[str]] = {}
    for first, last, document in list(_documents(output)):
        found, one = list(_of(document)), _object(document)
        if found or (isinstance(document, dict) and first == last):
            output.taken |= set(range(first, last + 1))
        if isinstance(one.get("Action"), str):
            said.setdefault(_text(one.get("Package")), []).append(_text(one.get("Output")))
        yield from found
    # What `go test -json` tells is its usual text, in pieces: others read it as such.
    for package in said.values():
        output.lines += "".join(package).split("\n")


def _documents(output: Output) -> Iterator[tuple[int, int, object]]:
    """Each document with its first and its last line: it begins with a line, and may take many."""
    text, next_line, next_free = output.text, 0, 0
    left = 4 * len(text)  # or each line that opens one could cost all that is below it
    for at, line in enumerate(text.split("\n")):  # it may be longer than any other is read
        begins, next_line = next_line, next_line + len(line) + 1
        opens = _OPENS.match(line)
        if opens is None or at < next_free:
            continue
        document, last = None, at
        if line.rstrip()[-1:] in ("}", "]"):
            document, _ = _parsed(line, opens.end() - 1)
        if document is None and left > 0 and _GOES_ON.match(line):
            begins += opens.end() - 1
            document, ends = _parsed(text, begins)
            if document is None:
                left -= max(ends - begins, len(text) // 50)
                continue
            last += text.count("\n", begins, ends)
        if document is not None:
            next_free = last + 1
            yield at, last, document


def _parsed(text: str, at: int) -> tuple[object, int]:
    """The document that begins there, and where it ends; None: there is none up to there."""
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        return None, error.pos
    except (ValueError, RecursionError):
        return None, len(text)


def _of(document: object) -> Iterator[Diagnostic]:
    if isinstance(document, list):
        for item in document:
            one = _object(item)
            yield from _eslint(one) if "messages" in one else _ruff(one)
        return
    one = _object(document)
    for key, reader in _BY_KEY.items():
        if key in one:
            yield from reader(one)
            return


def _ruff(one: _Object) -> Iterator[Diagnostic]:
    place, end = _object(one.get("location")), _object(one.get("end_location"))
    if place and one.get("filename"):
        yield Diagnostic(
            path=_text(one["filename"]),
            line=number(place.get("row")),
            end_line=number(end["row"]) if "row" in end else None,
            message=one_line(one.get("message")),
            code=_text(one.get("code"))[:80] or "invalid-syntax",
            tool="ruff",
            repeats=True,
        )


def _eslint(one: _Object) -> Iterator[Diagnostic]:
    for item in _list(one.get("messages")):
        said = _object(item)
        yield Diagnostic(
            path=_text(one.get("filePath")),
            line=number(said.get("line")),
            end_line=number(said["endLine"]) if said.get("endLine") else None,
            message=one_line(said.get("message")),
            code=_text(said.get("ruleId"))[:80] or "eslint",
            severity=severity_of(said.get("severity")),
            tool="eslint",
            repeats=True,
        )


def _mypy(one: _Object) -> Iterator[Diagnostic]:
    yield Diagnostic(
        path=_text(one.get("file")),
        line=number(one.get("line")),
        message=one_line(one.get("message")),
        code=_text(one.get("code"))[:80] or "mypy",
        severity=severity_of(one.get("severity")),
        tool="mypy",
        repeats=True,
    )


def _pyright(one: _Object) -> Iterator[Diagnostic]:
    for item in _list(one.get("generalDiagnostics")):
        said = _object(item)
        places = _object(said.get("range"))
        start, end = _object(places.get("start")), _object(places.get("end"))
        yield Diagnostic(
            path=_text(said.get("file")),
            line=_from_zero(start.get("line")),
            end_line=_from_zero(end.get("line")) if "line" in end else None,
            message=one_line(said.get("message")),
            code=_text(said.get("rule"))[:80] or "pyright",
            severity=severity_of(said.get("severity")),
            tool="pyright",
            repeats=True,
        )


def _from_zero(line: object) -> int:
    return number(line + 1) if isinstance(line, int) else 1


def _cargo(one: _Object) -> Iterator[Diagnostic]:
    said = _object(one.get("message"))
    spans = [_object(span) for span in _list(said.get("spans"))]
    span = next((span for span in spans if span.get("is_primary") is True), _NOTHING)
    if span:
        yield Diagnostic(
            path=_text(span.get("file_name")),
            line=number(span.get("line_start")),
            end_line=number(span.get("line_end")),
            message=one_line(said.get("message")),
            code=_text(_object(said.get("code")).get("code"))[:80] or "rustc",
            severity=severity_of(said.get("level")),
            tool="rustc",
            repeats=True,
        )


def _golangci(one: _Object) -> Iterator[Diagnostic]:
    for item in _list(one.get("Issues")):
        said = _object(item)
        place = _object(said.get("Pos"))
        yield Diagnostic(
            path=_text(place.get("Filename")),
            line=number(place.get("Line")),
            message=one_line(said.get("Text")),
            code=_text(said.get("FromLinter"))[:80] or "golangci-lint",
            severity=severity_of(said.get("Severity") or "error"),
            tool="golangci-lint",
            repeats=True,
        )


def _sarif(one: _Object) -> Iterator[Diagnostic]:
    for item in _list(one.get("runs")):
        run = _object(item)
        driver = _object(_object(run.get("tool")).get("driver"))
        levels = {
            _text(rule.get("id")): _object(rule.get("defaultConfiguration")).get("level")
            for rule in map(_object, _list(driver.get("rules")))
        }
        for result in map(_object, _list(run.get("results"))):
            yield from _sarif_result(result, _text(driver.get("name")).lower()[:60], levels)


def _sarif_result(result: _Object, tool: str, levels: Mapping[str, object]) -> Iterator[Diagnostic]:
    if result.get("suppressions") or result.get("baselineState") in ("unchanged", "absent"):
        return
    code = _text(result.get("ruleId")) or _text(_object(result.get("rule")).get("id"))
    first = _object(next(iter(_list(result.get("locations"))), None))
    place = _object(first.get("physicalLocation"))
    region = _object(place.get("region"))
    said = _object(result.get("message"))
    level = result.get("level") or levels.get(code) or "warning"
    yield Diagnostic(
        path=unquote(_text(_object(place.get("artifactLocation")).get("uri"))),
        line=number(region.get("startLine")),
        end_line=number(region["endLine"]) if "endLine" in region else None,
        message=one_line(said.get("text") or said.get("markdown")) or code,
        code=code[:80] or tool or "sarif",
        severity=severity_of(level),
        tool=tool,
        repeats=True,
    )


_BY_KEY: Final[Mapping[str, Callable[[_Object], Iterator[Diagnostic]]]] = {
    "runs": _sarif,
    "generalDiagnostics": _pyright,
    "Issues": _golangci,
    "filePath": _eslint,
    "location": _ruff,
    "reason": _cargo,
    "hint": _mypy,
}
"""By the key that only such a document has."""


def _object(value: object) -> _Object:
    return value if isinstance(value, dict) else _NOTHING


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
