"""What a tool reports, and the printed text that it is read from.

Owns both shapes. Pure; every byte is a stranger's, so texts are bounded here and each line is
looked at by itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from longshift.domain.model import Severity

MOST_READ: Final = 5_000
"""Diagnostics that are read out of one output."""
LARGEST_OUTPUT: Final = 1_100_000
"""Characters of an output that are read: a little more than a cage keeps."""
LONGEST_LINE: Final = 2_000
"""Characters of a line that are looked at. Patterns may go over a line more than once."""
MESSAGE_CHARACTERS: Final = 1_000
MOST_LINES: Final = 10_000_000
"""A line number above this is none."""
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;:]*[A-Za-z]|\r(?=\n)")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that a tool says is wrong.

    Attributes:
        path: as it was printed; "": of no file.
        line: from 1.
        message: one line, bounded.
        code: the tool's name for the kind of defect; the tool's own name where it has none.
        severity: the tool's, in our words.
        end_line: the last line that it speaks of; None: the same one.
        tool: which one said so.
        test: the failing test, as its runner names it; "": it is of no test. Such a test is known
            by its name: its message differs from run to run.
        repeats: whether the tool says the same each time that it sees the same files.
    """

    path: str
    line: int
    message: str
    code: str
    severity: Severity = "error"
    end_line: int | None = None
    tool: str = ""
    test: str = ""
    repeats: bool = False


@dataclass(slots=True)
class Output:
    """What a command printed, line by line, and which lines have been made sense of."""

    text: str
    lines: list[str] = field(init=False)
    taken: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Take escapes out, and cut what is too long."""
        self.text = _ESCAPES.sub("", self.text[:LARGEST_OUTPUT])
        self.lines = [line[:LONGEST_LINE].rstrip() for line in self.text.split("\n")]

    def free(self) -> Iterator[tuple[int, str]]:
        """Lines that nobody has read yet, with their place."""
        return ((at, line) for at, line in enumerate(self.lines) if at not in self.taken)


def number(text: object) -> int:
    """A line number out of what was printed; 1 where it is none."""
    if isinstance(text, bool) or not isinstance(text, int | str):
        return 1
    if isinstance(text, str) and not (text.isascii() and text.isdecimal() and len(text) <= 9):
        return 1
    return min(max(1, int(text)), MOST_LINES)


def one_line(text: object) -> str:
    """A message on one line, bounded; "" where it is no text."""
    if not isinstance(text, str):
        return ""
    return " ".join(text[: 4 * MESSAGE_CHARACTERS].split())[:MESSAGE_CHARACTERS]


def severity_of(word: object) -> Severity:
    """A tool's word for how bad it is, in ours; an error where it is not known."""
    return _WORDS.get(str(word).casefold()[:20], "error")


_WORDS: Final[dict[str, Severity]] = {
    "warning": "warning",
    "warn": "warning",
    "1": "warning",  # eslint
    "note": "info",
    "notice": "info",
    "info": "info",
    "information": "info",
    "help": "hint",
    "hint": "hint",
    "none": "info",  # SARIF
}


def same_path(one: str, other: str) -> bool:
    """Whether two paths are the same, or one is the other as seen from a folder above."""
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")
