"""From two texts to the edits that lead from one to the other.

Owns the choice of each edit's old text: it must stand exactly once in the file at the moment when
the edit is made, so that a file which is not what we read refuses the edit instead of taking it.
"""

import difflib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MOST_EDITS: Final = 12
_CLOSE_LINES: Final = 2


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `old_text`, which stands once, by `new_text`."""

    old_text: str
    new_text: str


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Lines [old_start, old_end) become lines [new_start, new_end)."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def edits_between(old: str, new: str) -> list[Edit]:
    """Edits that, made in order, turn `old` (not empty) into `new`."""
    old_lines, new_lines = _lines(old), _lines(new)
    hunks = _hunks(old_lines, new_lines)
    edits = _separate(old, old_lines, new_lines, hunks) if len(hunks) <= MOST_EDITS else None
    if edits is None:
        edits = _separate(old, old_lines, new_lines, [_Hunk(0, len(old_lines), 0, len(new_lines))])
    return edits or []


def hold_to_lines(old: str, new: str, first: int, last: int) -> str:
    """`old` with those changes towards `new` that lie in its lines `first` to `last`."""
    old_lines, new_lines = _lines(old), _lines(new)
    kept: list[str] = []
    for hunk in _smallest_hunks(old_lines, new_lines):
        inside = first - 1 <= hunk.old_start and hunk.old_end <= last
        kept += (
            new_lines[hunk.new_start : hunk.new_end]
            if inside
            else old_lines[hunk.old_start : hunk.old_end]
        )
    return "".join(kept)


def _smallest_hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[_Hunk]:
    """All lines as hunks, equal ones too; as many lines for as many others go one by one."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for _, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if old_end - old_start == new_end - new_start:
            for line in range(old_end - old_start):
                here, there = old_start + line, new_start + line
                yield _Hunk(here, here + 1, there, there + 1)
        else:
            yield _Hunk(old_start, old_end, new_start, new_end)


def _lines(text: str) -> list[str]:
    """Lines with their ends, split as editors and ruff number them: not at a form feed."""
    return list(io.StringIO(text, newline=""))


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[_Hunk]:
    """The differing runs of lines; runs that stand close together count as one."""
    hunks: list[_Hunk] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        if hunks and old_start - hunks[-1].old_end <= _CLOSE_LINES:
            first = hunks.pop()
            old_start, new_start = first.old_start, first.new_start  # noqa: PLW2901 - widened
        hunks.append(_Hunk(old_start, old_end, new_start, new_end))
    return hunks


def _separate(
    old: str, old_lines: Sequence[str], new_lines: Sequence[str], hunks: Sequence[_Hunk]
) -> list[Edit] | None:
    """One edit for each hunk; None where a hunk can't be told from other places."""
    edits: list[Edit] = []
    text = old
    for number, hunk in enumerate(hunks):
        floor = hunks[number - 1].old_end if number else 0
        ceiling = hunks[number + 1].old_start if number + 1 < len(hunks) else len(old_lines)
        start, end = hunk.old_start, hunk.old_end
        while not _stands_once("".join(old_lines[start:end]), text):
            if (start, end) == (floor, ceiling):
                return None
            start, end = max(floor, start - 1), min(ceiling, end + 1)
        before, after = old_lines[start : hunk.old_start], old_lines[hunk.old_end : end]
        middle = new_lines[hunk.new_start : hunk.new_end]
        edit = Edit("".join(old_lines[start:end]), "".join([*before, *middle, *after]))
        text = text.replace(edit.old_text, edit.new_text, 1)
        edits.append(edit)
    return edits


def _stands_once(part: str, text: str) -> bool:
    first = text.find(part)
    return bool(part) and first >= 0 and text.find(part, first + 1) < 0
