"""The scan of what an attempt adds: stubs, silenced diagnostics, tests that no longer test.

Owns which added lines count. A line that stood anywhere in the changed files before is moved, not
added; a pattern inside a string is a string; an abstract body is no stub. Pure, and meant to run
away from the loop: its time grows with the files that were changed.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from posixpath import splitext
from typing import Final

from longshift.crew.gates.languages import BY_SUFFIX, Kind, Language
from longshift.crew.gates.python_stubs import stub_lines
from longshift.repository.hunks import line_hunks

LARGEST: Final = 500_000
"""Most characters of a file that is looked at; what is longer was made by a machine."""
_TEST_PATH: Final = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|testing)/|(?:^|/)test_|[._-](?:test|spec)\.\w+$"
    r"|(?:Test|Tests|Spec)\.\w+$|_test\.\w+$",
)


@dataclass(frozen=True, slots=True)
class FileChange:
    """One text file before and after an attempt; "" where it is not there."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a submission must not bring without a word."""

    kind: Kind
    path: str
    line: int
    """Counted from 1; 0: it speaks of what is gone."""
    text: str


def scan(changes: Iterable[FileChange]) -> list[Hit]:
    """Find what an attempt added, or took from its tests."""
    looked_at = [_Looked(change, language) for change, language in _in_known_languages(changes)]
    stood = Counter(text for one in looked_at for text in one.removed)
    found: list[Hit] = []
    for one in looked_at:
        for number, text in one.added:
            if stood[text.strip()]:
                stood[text.strip()] -= 1
            else:
                found += one.hits(number, text)
    return [*found, *_lost_tests(looked_at)]


def _in_known_languages(changes: Iterable[FileChange]) -> Iterable[tuple[FileChange, Language]]:
    for change in changes:
        language = BY_SUFFIX.get(splitext(change.path)[1].lower())
        if language is not None and max(len(change.old), len(change.new)) <= LARGEST:
            yield change, language


class _Looked:
    """One changed file, and its difference by lines."""

    def __init__(self, change: FileChange, language: Language) -> None:
        self.path = change.path
        self.language = language
        hunks = line_hunks(change.old, change.new)
        self.added: Sequence[tuple[int, str]] = [
            (hunk.new_start + place + 1, line)
            for hunk in hunks
            for place, line in enumerate(hunk.new_lines)
        ]
        self.removed = [line.strip() for hunk in hunks for line in hunk.old_lines]
        self.is_test = is_test_path(change.path)
        self._stubs: frozenset[int] = frozenset()
        if self.added and change.path.endswith(".py"):
            self._stubs = stub_lines(change.new)

    def hits(self, number: int, text: str) -> Iterable[Hit]:
        """What one added line brings."""
        if number in self._stubs:
            yield Hit("stub", self.path, number, text.strip())
        for kind, pattern in _patterns(self.language):
            match = pattern.search(text)
            if match and not in_string(text, match.start()):
                yield Hit(kind, self.path, number, text.strip())


def is_test_path(path: str) -> bool:
    """Whether a file holds tests, by the customs of any language."""
    return bool(_TEST_PATH.search(path))


@cache
def _patterns(language: Language) -> Sequence[tuple[Kind, re.Pattern[str]]]:
    return language.patterns()


def in_string(text: str, position: int) -> bool:
    """Whether a place of a line lies within quotes; near enough for what is looked for here."""
    before = text[:position]
    return any(before.count(quote) % 2 for quote in "\"'`")


def _lost_tests(looked_at: Sequence[_Looked]) -> Iterable[Hit]:
    """Tests that are gone, or checks where no test is; over all files, for tests move about."""
    files = [one for one in looked_at if one.is_test]
    gone, come = Counter[str](), Counter[str]()
    checks = 0
    for one in files:
        test, check = re.compile(one.language.test), re.compile(one.language.check)
        added = [line for _, line in one.added]
        gone.update(_named(test, one.removed))
        come.update(_named(test, added))
        checks += sum(map(bool, map(check.search, added)))
        checks -= sum(map(bool, map(check.search, one.removed)))
    lost = list((gone - come).elements())
    if lost and gone.total() > come.total():
        for name in lost:
            yield Hit("skipped_test", _place_of(name, files), 0, name)
    elif checks < 0:
        yield Hit("skipped_test", _losing_checks(files), 0, str(-checks))


def _named(test: re.Pattern[str], lines: Iterable[str]) -> Iterable[str]:
    matches = (test.search(line) for line in lines)
    return [next(filter(None, match.groups()), "") for match in matches if match]


def _place_of(name: str, files: Sequence[_Looked]) -> str:
    return next(one.path for one in files if any(name in line for line in one.removed))


def _losing_checks(files: Sequence[_Looked]) -> str:
    def balance(one: _Looked) -> int:
        check = re.compile(one.language.check)
        added = sum(1 for _, line in one.added if check.search(line))
        return added - sum(1 for line in one.removed if check.search(line))

    return min(files, key=balance).path


def by_kind(hits: Iterable[Hit]) -> Mapping[Kind, Sequence[Hit]]:
    """Hits in groups, each group in the order of the hits."""
    groups: dict[Kind, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.kind, []).append(hit)
    return groups


def as_changes(files: Iterable[tuple[str, bytes | None, bytes | None]]) -> list[FileChange]:
    """Files by path, old and new content; those that are no text are left out."""
    changes = []
    for path, old, new in files:
        try:
            changes.append(FileChange(path, (old or b"").decode(), (new or b"").decode()))
        except UnicodeDecodeError:
            continue
    return changes
