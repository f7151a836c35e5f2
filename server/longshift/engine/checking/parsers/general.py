"""`path:line:column: severity: code message`, as nearly every linter and compiler prints.

Owns this form and its near relatives: flake8, pylint, ruff, mypy, pyright, gcc, shellcheck, and
whatever a project's own script prints. Read last, from lines that no other form has taken. Pure.
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

_PLACE: Final = re.compile(
    r"\s{0,8}(?P<path>[^\s:][^:]{0,400}):(?P<line>\d{1,9})"
    r"(?::\d{1,9})?(?:-(?P<end>\d{1,9})(?::\d{1,9})?)?:?\s+(?:-\s+)?(?P<rest>\S.*)"
)
_SEVERITY: Final = re.compile(
    r"(?:fatal )?(?P<word>error|warning|note|notice|info|information|help|hint)\b"
    r"(?:\[(?P<code>[\w:.-]{1,60})\])?\s*:?\s*",
    re.IGNORECASE,
)
_WARNING: Final = re.compile(r"[A-Z]\w{0,40}Warning: ")
"""How Python prints a warning, and pytest a summary of them."""
_FRAME: Final = re.compile(r"\+0x[0-9a-f]+(?:\s|$)")
"""What follows a place in a Go program's stack: where the call stands in memory."""
_CODE: Final = re.compile(r"(?P<code>[A-Z]{1,8}\d{2,6})\b:?\s*")
_CODE_AT_END: Final = re.compile(
    r"\s[\[(](?P<code>-?[A-Za-z][A-Za-z0-9_/@-]*(?:\.[A-Za-z0-9_/@-]+)*)[\])]$"
)
"""A dash is told from a dot: what may be both is tried in every way there is."""
_CODE_IN_FRONT: Final = re.compile(r"\[(?P<code>[A-Za-z][\w-]{1,40}|[A-Z]\d{2,6})\]\s+")
_PYRIGHT: Final = re.compile(r"\s{4,}\S.*\((report[A-Z]\w{1,60})\)$")
"""Where pyright puts the code of a message that goes on."""
_STEADY: Final = ("ruff", "mypy", "pyright", "basedpyright", "flake8", "pylint", "shellcheck")
"""Tools of this form that say the same each time."""


def read(output: Output, command: str) -> Iterator[Diagnostic]:
    """Read what is left of an output."""
    tool = next((name for name in _STEADY if name in command.split()), "")
    for at, line in output.free():
        place = _PLACE.match(line)
        if place is None or place["path"].startswith(("http", "file")):
            continue
        if _FRAME.match(place["rest"]):
            continue
        message, code, severity = _told(place["rest"])
        if _WARNING.match(message):
            severity = "warning"
        output.taken.add(at)
        below = output.lines[at + 1 : at + 4] if not code else ()
        code = code or next((found[1] for line in below if (found := _PYRIGHT.match(line))), "")
        yield Diagnostic(
            path=place["path"].strip(),
            line=number(place["line"]),
            end_line=number(place["end"]) if place["end"] else None,
            message=message,
            code=code or tool or (command.split(maxsplit=1) or ["check"])[0][:60],
            severity=severity_of(severity) if severity else "error",
            tool=tool or _named_by(code),
            repeats=bool(tool) or bool(_named_by(code)),
        )


def _told(rest: str) -> tuple[str, str, str]:
    """The message, the code and the word for the severity; "" where there is none."""
    word = _SEVERITY.match(rest)
    text = rest[word.end() :] if word else rest
    code = (word["code"] or "") if word else ""
    if not code:
        found = _CODE.match(text) or _CODE_AT_END.search(text) or _CODE_IN_FRONT.match(text)
        code = found["code"] if found else ""
    return one_line(text if text.strip() else rest), code, word["word"] if word else ""


def _named_by(code: str) -> str:
    """Which tool only such a code can be of."""
    return "pyright" if code.startswith("report") and code[6:7].isupper() else ""
