"""The tests of a file: their names, what they check, and whether they are skipped.

Owns reading them: Python from its syntax tree, other languages by the lines that their customs
give away. Code that can't be reached and checks that can't fail count as none. Pure.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from posixpath import splitext
from typing import Final, Literal

from longshift.crew.gates.languages import BY_SUFFIX, Language
from longshift.crew.gates.scan import in_string
from longshift.engine.checking.hacks.python_suites import python_tests
from longshift.engine.checking.hacks.shape import LONGEST_LINE
from longshift.engine.checking.hacks.tested import Test

_Skip = Literal["", "always", "sometimes"]
LARGEST: Final = 500_000
"""Characters of a file that is read; what is longer was made by a machine."""


@dataclass(frozen=True, slots=True)
class _Custom:
    """How a language tells a test, where the table of the gates is too narrow."""

    test: re.Pattern[str]
    skip: re.Pattern[str]
    attributes: re.Pattern[str] | None = None
    """A line above that makes a function a test; None: its name does."""


_JS: Final = _Custom(
    re.compile(r"^\s*(?:x|f)?(?:it|test)(?:\.\w+)*\s*\(\s*([\"'`])(?P<name>.*?)\1"),
    re.compile(r"^\s*(?:x(?:it|test)\s*\(|(?:it|test)\.(?:skip|todo|failing|fixme)\b)"),
)
_RUST: Final = _Custom(
    re.compile(r"^\s*(?:pub )?(?:async )?fn\s+(?P<name>\w+)\s*\("),
    re.compile(r"^\s*#\[\s*ignore\b"),
    re.compile(r"^\s*#\[\s*(?:\w+::)*(?:test|rstest|test_case|case|quickcheck)\b"),
)
_GO: Final = _Custom(
    re.compile(r"^func\s+(?P<name>(?:Test|Fuzz|Example)\w*)\s*\("),
    re.compile(r"(?:^|[{;])\s*[tb]\.Skip(?:f|Now)?\("),
)
_CUSTOMS: Final = {
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"), _JS),
    **dict.fromkeys((".vue", ".svelte"), _JS),
    ".rs": _RUST,
    ".go": _GO,
}
_EMPTY_CHECK: Final = re.compile(
    r"expect\s*\(\s*(?P<one>true|false|1|\"\w*\"|'\w*')\s*\)\s*\.to(?:Be|Equal)\s*\(\s*(?P=one)\s*\)"
    r"|expect\s*\(\s*true\s*\)\.toBe(?:Truthy|Defined)\(|\bassert!?\s*\(\s*true\s*[,)]"
    r"|\bassert\.(?:ok|True|equal)\s*\(\s*(?:t,\s*)?true\s*(?:,\s*true\s*)?[,)]"
    r"|\bassert_eq!\s*\(\s*(?P<two>\w+)\s*,\s*(?P=two)\s*\)"
)
_CONDITION: Final = re.compile(r"\b(?:if|unless|when)\b")
_COMMENT: Final = re.compile(r"^\s*(?://|#(?!\[)|/?\*)")


def tests_of(path: str, text: str) -> Sequence[Test]:
    """The tests of a file, in their order; none where its language is not known."""
    suffix = splitext(path)[1].lower()
    language = BY_SUFFIX.get(suffix)
    if language is None or len(text) > LARGEST:
        return ()
    if suffix == ".py":
        found = python_tests(text)
        if found is not None:
            return found
    custom = _CUSTOMS.get(suffix) or _Custom(
        re.compile(language.test), re.compile(language.skipped_test)
    )
    return _by_lines([line[:LONGEST_LINE] for line in text.splitlines()], custom, language)


def _by_lines(lines: Sequence[str], custom: _Custom, language: Language) -> list[Test]:
    skip, reads = custom.skip, partial(_read_checks, re.compile(language.check))
    found: list[Test] = []
    for at, line in enumerate(lines):
        head = custom.test.match(line)
        above = _above(lines, at)
        if head is None or (custom.attributes and not any(map(custom.attributes.match, above))):
            continue
        name = head.groupdict().get("name") or next(filter(None, head.groups()), "")
        body = _body(lines, at)
        marked = any(map(skip.search, [*above, line])) or bool(skip.search(line[head.end() :]))
        skipped: _Skip = "always" if marked else _skipped_within(body[1:], skip)
        found.append(Test(name, name, at + 1, skipped, "\n".join(body), reads))
    return found


def _skipped_within(body: Sequence[str], skip: re.Pattern[str]) -> _Skip:
    """Whether a test's own lines skip it at once, or only some that stand deeper or ask first."""
    found = [line for line in body if skip.search(line) and not _COMMENT.match(line)]
    first = min((_depth(line) for line in body if line.strip()), default=0)
    if any(_depth(line) == first and not _asks(line) for line in found):
        return "always"
    return "sometimes" if found else ""


def _asks(line: str) -> bool:
    """Whether a line does what it does under a condition of its own."""
    return any(not in_string(line, found.start()) for found in _CONDITION.finditer(line))


def _read_checks(check: re.Pattern[str], body: str) -> Iterator[str]:
    for one in body.split("\n"):
        if check.search(one) and not _COMMENT.match(one) and not _EMPTY_CHECK.search(one):
            yield " ".join(one.split())


def _above(lines: Sequence[str], at: int) -> list[str]:
    """The attributes above a function."""
    found: list[str] = []
    while at > 0 and len(found) < 8 and lines[at - 1].lstrip().startswith(("#[", "@")):
        at -= 1
        found.append(lines[at])
    return found


def _body(lines: Sequence[str], at: int) -> list[str]:
    """A test's lines: all that stand deeper than its head."""
    depth = _depth(lines[at])
    found = [lines[at]]
    for line in lines[at + 1 :]:
        if line.strip() and _depth(line) <= depth:
            break
        found.append(line)
    return found


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
