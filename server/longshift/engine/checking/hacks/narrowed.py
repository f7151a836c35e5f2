"""Suppressions that now say less: those that went stand for narrower ones of the same tool.

Owns reading of whom a suppression speaks, of which findings, and of how much of a file. Pure; the
text is a stranger's.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from longshift.engine.checking.hacks.shape import LONGEST_LINE, Change

Came = Literal["", "narrower", "other"]

_CODES: Final = r"[\w@/:.-]{1,80}(?:\s{0,9},\s{0,9}[\w@/:.-]{1,80}){0,40}"
_PATTERN: Final = re.compile(
    rf"(?:(?P<noqa_file>(?:ruff|flake8):\s*)?(?P<noqa>noqa)(?:\s*:\s*(?P<noqa_codes>{_CODES}))?"
    rf"|(?P<types>(?:type|pyright):\s*ignore)(?:\[(?P<types_codes>{_CODES})\])?"
    r"|(?P<types_file>mypy:\s*ignore-errors)"
    rf"|(?P<pylint>pylint:\s*(?:skip-file|disable(?:-next)?(?:=(?P<pylint_codes>{_CODES}))?))"
    r"|(?P<eslint>(?:eslint|oxlint)-disable)(?P<eslint_line>-next-line|-line)?"
    rf"(?:\s+(?!--|\*/)(?P<eslint_codes>{_CODES}))?"
    r"|@(?P<ts>ts)-(?:ignore|(?P<ts_file>nocheck)|(?P<ts_codes>expect-error))"
    rf"|#(?P<rust_file>!)?\[\s*(?P<rust>(?:allow|expect)\()\s*(?P<rust_codes>{_CODES})"
    rf"|(?P<nolint>nolint)(?::(?P<nolint_codes>{_CODES}))?)"
)
_TOOLS: Final = ("noqa", "types", "pylint", "eslint", "ts", "rust", "nolint")
_ALL: Final = frozenset({"all", "ALL", "warnings"})
"""Names that stand for whatever could be said."""
_GROUPS: Final = {"unused": ("unused_", "dead_code"), "clippy::all": ("clippy::",)}
_COMMENT: Final = re.compile(r"\s*(?:#|//|/\*|\{/\*).*$|^\s*#!?\[.*\]\s*$")
MOST_BEHIND: Final = 6
"""Lines below a comment in which what it speaks of is looked for."""
MOST_ALIKE: Final = 20
"""Suppressions that went from lines alike, each of which is held against one that came."""


class _Said(NamedTuple):
    tool: str
    of_file: bool
    codes: frozenset[str] | None
    """None: all that could be said."""

    def covers(self, now: "_Said") -> bool:
        """Whether all that the other one silences was silenced by this one."""
        if self.tool != now.tool or (now.of_file and not self.of_file):
            return False
        if self.codes is None:
            return True
        return now.codes is not None and all(map(self._names, now.codes))

    def _names(self, code: str) -> bool:
        return any(_is_of(code, one) for one in self.codes or ())

    def is_as_wide(self, now: "_Said") -> bool:
        """Whether the other one names others, and no more of them."""
        if self.tool != now.tool or (now.of_file and not self.of_file):
            return False
        if self.codes is None or now.codes is None:
            return False
        return len(now.codes) <= len(self.codes)


class Narrowed:
    """The suppressions that went, by the lines that they spoke of."""

    def __init__(self, changes: Iterable[Change]) -> None:
        """Read them."""
        self._by_line: dict[str, list[list[_Said]]] = defaultdict(list)
        self._by_file: dict[str, list[_Said]] = defaultdict(list)
        for one in changes:
            lines = (one.old or "").splitlines() if one.removed else []
            for number, line in one.removed:
                said = list(_read(line))
                self._by_file[one.path] += [it for it in said if it.of_file]
                if said:
                    self._by_line[_about(lines, number, line)].append(said)

    def takes(self, one: Change, lines: Sequence[str], number: int, line: str) -> Came:
        """What one that came is to those that went: it says less, or as much of something else."""
        said = list(_read(line))
        if not said:
            return ""
        of_file = self._by_file[one.path]
        if _covered(said, of_file):
            return "narrower"
        went = self._by_line[_about(lines, number, line)]
        for at, before in enumerate(went[:MOST_ALIKE]):
            if _covered(said, [*before, *of_file]):
                del went[at]
                return "narrower"
        for at, before in enumerate(went[:MOST_ALIKE]):
            if all(any(it.covers(now) or it.is_as_wide(now) for it in before) for now in said):
                del went[at]
                return "other"
        return ""


def bare(line: str) -> str:
    """A line without its comment."""
    return _COMMENT.sub("", line[:LONGEST_LINE]).strip()


def _covered(said: Iterable[_Said], before: Sequence[_Said]) -> bool:
    return all(any(it.covers(now) for it in before) for now in said)


def _read(line: str) -> Iterator[_Said]:
    for found in _PATTERN.finditer(line):
        groups = found.groupdict()
        tool = next((one for one in _TOOLS if groups[one]), "types")
        codes = groups.get(f"{tool}_codes")
        of_file = bool(groups.get(f"{tool}_file"))
        if tool == "eslint":
            of_file = not groups["eslint_line"]
        elif tool == "pylint":
            of_file = not bare(line) and "-next" not in found.group()
        named = frozenset(re.split(r"\s*,\s*", codes)) if codes else _ALL
        yield _Said(tool, of_file, None if named & _ALL else named)


def _is_of(code: str, one: str) -> bool:
    """Whether a code is another, or one of the family that it names (`E` of `E501`)."""
    rest = code.removeprefix(one)
    within = rest != code and (rest.isdecimal() or rest[:1] in ("/", ":"))
    return code == one or within or code.startswith(_GROUPS.get(one, "\n"))


def _about(lines: Sequence[str], number: int, line: str) -> str:
    """What a suppression speaks of: the code before it, or else that below it."""
    below = lines[number : number + MOST_BEHIND]
    return next(filter(None, map(bare, (line, *below))), "")
