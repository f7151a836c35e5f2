"""ruff's other forms: the full one with its excerpt, and workflow commands (`::error file=…`).

Its concise form, mypy's and pyright's are the general one (`general.py`); JSON is `documents.py`.
Pure.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from longshift.engine.checking.parsers.shape import (
    Diagnostic,
    Output,
    number,
    one_line,
    severity_of,
)

_HEAD: Final = re.compile(
    r"(?P<code>[A-Z]{1,8}\d{2,6}|invalid-syntax|[a-z]+(?:-[a-z]+)+):? (?:\[\*\] )?(?P<message>\S.*)"
)
_ARROW: Final = re.compile(r"\s*--> (?P<path>[^:]{1,400}):(?P<line>\d{1,9}):\d{1,9}$")
_TITLE: Final = re.compile(r"(?P<tool>\w[\w -]{0,30}) \((?P<code>[\w-]{1,60})\)$")
_PLACE: Final = re.compile(r"^[^\s:]{1,400}:\d{1,9}(?::\d{1,9})?: (?:[A-Z]{1,8}\d{2,6} )?")


def read_full(output: Output) -> Iterator[Diagnostic]:
    """Read ruff's default form: the rule and its words, and below it where."""
    lines = output.lines
    for at in range(len(lines) - 1):
        arrow = _ARROW.match(lines[at + 1])
        head = _HEAD.match(lines[at]) if arrow else None
        if head is None or arrow is None or at in output.taken:
            continue
        output.taken |= {at, at + 1}
        yield Diagnostic(
            path=arrow["path"],
            line=number(arrow["line"]),
            message=one_line(head["message"]),
            code=head["code"],
            tool="ruff",
            repeats=True,
        )


def read_workflow(output: Output) -> Iterator[Diagnostic]:
    """Read the commands by which tools speak to GitHub's runner."""
    for at, line in output.free():
        if not line.startswith("::"):
            continue
        command, found, message = line[2:].partition("::")
        level, _, keys = command.partition(" ")
        if not found or level not in ("error", "warning", "notice"):
            continue
        given = dict(_key(part) for part in keys.split(","))
        if not given.get("file"):
            continue
        output.taken.add(at)
        title = _TITLE.match(given.get("title", ""))
        message = _PLACE.sub("", unquote(message), count=1)
        yield Diagnostic(
            path=given["file"],
            line=number(given.get("line", "1")),
            end_line=number(given["endLine"]) if given.get("endLine") else None,
            message=one_line(message),
            code=title["code"] if title else given.get("title", "")[:60] or "workflow",
            severity=severity_of(level),
            tool=title["tool"].lower() if title else "",
            repeats=title is not None and title["tool"].lower() == "ruff",
        )


def _key(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip(), unquote(value.strip())
