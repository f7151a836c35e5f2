"""What is looked at, and what is found: one file before and after, and one thing made easier.

Owns the shapes, the codes, and which lines a change brought. Pure.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from longshift.crew.gates.scan import is_test_path
from longshift.domain.model import Severity
from longshift.repository.hunks import line_hunks

DELETED: Final = "tests-deleted"
SKIPPED: Final = "test-skipped"
WEAKENED: Final = "test-weakened"
DISABLED: Final = "check-disabled"
COVERAGE: Final = "coverage-lowered"
LONGEST_LINE: Final = 2_000
"""Characters of a line that are looked at. Patterns may go over a line more than once."""
CODES: Final = (DELETED, SKIPPED, WEAKENED, DISABLED, COVERAGE)


@dataclass(frozen=True)
class Change:
    """One text file between two commits.

    Attributes:
        path: where it is now; for one that is gone, where it was.
        old: its text before; None: it was not there.
        new: its text now; None: it is gone.
    """

    path: str
    old: str | None
    new: str | None
    old_path: str = ""

    @cached_property
    def is_test(self) -> bool:
        """Whether it holds tests, before or now."""
        return is_test_path(self.path) or is_test_path(self.old_path)

    @cached_property
    def added(self) -> Sequence[tuple[int, str]]:
        """The lines that it has more than before, with their numbers from 1."""
        return [
            (hunk.new_start + at + 1, line.rstrip("\n")[:LONGEST_LINE])
            for hunk in line_hunks(self.old or "", self.new or "")
            for at, line in enumerate(hunk.new_lines)
        ]

    @cached_property
    def removed(self) -> Sequence[tuple[int, str]]:
        """The lines that it has no more, with their numbers before."""
        return [
            (hunk.old_start + at + 1, line.rstrip("\n")[:LONGEST_LINE])
            for hunk in line_hunks(self.old or "", self.new or "")
            for at, line in enumerate(hunk.old_lines)
        ]

    def now(self, line: int) -> int:
        """Where a line of the old text would stand in the new one."""
        moved = 0
        for hunk in line_hunks(self.old or "", self.new or ""):
            if hunk.old_start + len(hunk.old_lines) < line:
                moved += len(hunk.new_lines) - len(hunk.old_lines)
            elif hunk.old_start < line:
                return min(hunk.new_start + 1, self._length)
        return max(1, min(line + moved, self._length))

    @property
    def _length(self) -> int:
        return max(1, len((self.new or "").splitlines()))


@dataclass(frozen=True, slots=True)
class Hack:
    """Something by which the work may look better than it is.

    Attributes:
        path: of the head, or of the base where the file is gone.
        line: from 1.
        code: one of `CODES`.
        message: what was done, to what.
        severity: an error where it is plain.
        is_gone: whether path and line speak of the base.
        names: what a person would call it by, besides the path.
    """

    path: str
    line: int
    code: str
    message: str
    severity: Severity = "error"
    is_gone: bool = False
    names: tuple[str, ...] = field(default=())


class Moved:
    """Texts that only changed their place: as often as one was taken away, it may come back."""

    def __init__(self, gone: Iterable[str]) -> None:
        """Count what is gone."""
        self._left = Counter(gone)

    def takes(self, text: str) -> bool:
        """Whether this one stood elsewhere before, and is accounted for by that."""
        if self._left[text] <= 0:
            return False
        self._left[text] -= 1
        return True


_WORD: Final = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`\n]*`|\d[\w.]*|[^\W\d]\w*")
_KEYWORDS: Final = frozenset(
    [
        "self", "assert", "def", "async", "await", "return", "with", "for", "in", "is", "not",
        "and", "or", "if", "else", "import", "from", "as", "None", "True", "False", "expect",
        "toBe", "toEqual", "it", "test", "describe", "const", "let", "var", "function", "func",
        "fn", "t", "mut", "use", "assert_eq", "assert_ne", "pytest", "mark", "parametrize",
        "new", "null", "true", "false", "nil", "err", "got", "want",
    ]
)  # fmt: skip
"""Words that say nothing of what is tested."""


def words(text: str) -> Iterator[tuple[str, bool]]:
    """The names and literals of code, each with whether it is a literal."""
    for found in _WORD.finditer(text):
        word = found.group()
        if word[0] in "\"'`":
            yield word[1:-1], True
        elif word[0].isdigit():
            yield word, True
        elif word not in _KEYWORDS:
            yield word, False


def quoted(names: Sequence[str], most: int = 5) -> str:
    """Names for a message, a few of them."""
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*(name[:120] for name in names[:most]), *more])
