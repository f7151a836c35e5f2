"""Levels of eslint's rules, where its configuration is code: read without running it.

Owns holding them against those of whatever configured it before, in any form. A tool that comes
may be told what its project likes. Pure; the text is a stranger's.
"""

import re
from collections.abc import Iterator, Sequence
from posixpath import basename, dirname
from typing import Final, NamedTuple

from longshift.engine.checking.hacks.shape import DISABLED, Change, Hack, Moved

_FILES: Final = re.compile(
    r"(?:eslint\.config\.[cm]?[jt]s|\.eslintrc(?:\.(?:[cm]?js|ya?ml|json))?)$"
)
_RULE: Final = re.compile(
    r"(?:(?P<alone>^[ \t]{0,200})|[{,]\s{0,80})[\"']?(?P<rule>@?[\w/-]{1,120})[\"']?\s{0,20}:"
    r"\s{0,20}(?:\[\s{0,80}|-[ ])?(?P<level>[\"']?(?:off|warn|error)[\"']?|[012])(?=[,\]}\s]|$)",
    re.MULTILINE,
)
_LEVELS: Final = {"off": 0, "0": 0, "warn": 1, "1": 1, "error": 2, "2": 2}
LARGEST: Final = 500_000
MOST: Final = 2_000
"""Levels of a file that are read."""


def configures_eslint(path: str) -> bool:
    """Whether a file is one that eslint reads its rules from."""
    return bool(_FILES.match(basename(path)))


class Before:
    """What configured eslint before."""

    def __init__(self, changes: Sequence[Change], base: Sequence[str]) -> None:
        """Find it.

        Args:
            changes: the files that differ.
            base: every path of the old tree.
        """
        self._base = base
        told = [one for one in changes if _told_before(one)]
        paths = {*filter(configures_eslint, base), *(one.old_path or one.path for one in told)}
        self._folders = {dirname(path) for path in paths}
        self._went = [it for one in told for it in _levels(one.old or "", one.removed)]
        self.is_gone = any(one.new is None or one.old_path for one in told)
        self.texts = [one.old or "" for one in told]

    def stood(self, one: Change) -> bool:
        """Whether eslint was told anything of what a file now configures."""
        folder = dirname(one.old_path or one.path)
        if self.is_gone or folder in self._folders:
            return True
        above = any(not it or folder.startswith(f"{it}/") for it in self._folders)
        return above and any(path.startswith(f"{folder}/") for path in self._base)

    def lowered(self, one: Change) -> Iterator[Hack]:
        """The rules that a file asks for less than before."""
        if not self.stood(one):
            return
        now = list(_levels(one.new or "", None))
        went = Moved((f"{it.rule} {it.level}") for it in self._went)
        before: dict[str, int] = {}
        for it in self._went:
            before[it.rule] = max(it.level, before.get(it.rule, 0))
        highest: dict[str, int] = {}
        for it in now:
            last = it.rule.rpartition("/")[2] if "/" in it.rule else ""
            highest[last] = max(it.level, highest.get(last, 0))
        for it in _levels(one.new or "", one.added):
            if went.takes(f"{it.rule} {it.level}"):
                continue
            was = before.get(it.rule, 1)
            # A plugin's rule of the name does what eslint's own did, and asks for that one to go.
            replaced = highest.get(it.rule, 0) >= was
            if it.level < was and not replaced:
                how = "lowered" if it.rule in before else "turned off"
                message = f"The rule {it.rule} was {how}."
                yield Hack(one.path, it.line, DISABLED, message, names=(it.rule,))


class _Level(NamedTuple):
    line: int
    rule: str
    level: int


def _told_before(one: Change) -> bool:
    path = one.old_path or one.path
    in_package = basename(path) == "package.json" and '"eslintConfig"' in (one.old or "")
    return one.old is not None and (configures_eslint(path) or in_package)


def _levels(text: str, lines: Sequence[tuple[int, str]] | None) -> Iterator[_Level]:
    """The levels that a text sets in some of its lines, or in all."""
    if len(text) > LARGEST:
        return
    numbers = None if lines is None else {number for number, _ in lines}
    line, at = 1, 0
    for count, found in enumerate(_RULE.finditer(text)):
        if count == MOST:
            return
        first = line + text.count("\n", at, found.start("rule"))
        last = first + text.count("\n", found.start("rule"), found.start("level"))
        line, at = first, found.start("rule")
        # Rules have options with such values as well: within a line, only its name tells a rule.
        if found["alone"] is None and not re.search(r"[-/]", found["rule"]):
            continue
        if numbers is None or numbers & {first, last}:
            place = last if numbers and first not in numbers else first
            yield _Level(place, found["rule"], _LEVELS[found["level"].strip("\"'")])
