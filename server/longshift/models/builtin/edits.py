"""From two texts to the edits that lead from one to the other.

Owns the choice of each edit's old text: it must stand exactly once in the file at the moment when
the edit is made, so that a file which is not what we read refuses the edit instead of taking it.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from longshift.repository.hunks import line_hunks

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
    hunks = _joined(_hunks(old_lines, new_lines))
    edits = _separate(old, old_lines, new_lines, hunks) if len(hunks) <= MOST_EDITS else None
    if edits is None:
        edits = _separate(old, old_lines, new_lines, [_Hunk(0, len(old_lines), 0, len(new_lines))])
    return edits or []


def hold_to_lines(old: str, new: str, first: int, last: int) -> str:
    """`old` with those changes towards `new` that lie in its lines `first` to `last`."""
    old_lines, new_lines = _lines(old), _lines(new)
    kept: list[str] = []
    position = 0
    for hunk in _smallest(_hunks(old_lines, new_lines)):
        kept += old_lines[position : hunk.old_start]
        inside = first - 1 <= hunk.old_start and hunk.old_end <= last
        kept += (
            new_lines[hunk.new_start : hunk.new_end]
            if inside
            else old_lines[hunk.old_start : hunk.old_end]
        )
        position = hunk.old_end
    return "".join([*kept, *old_lines[position:]])


def _smallest(hunks: Sequence[_Hunk]) -> Iterator[_Hunk]:
    """The same hunks; as many lines for as many others go one by one."""
    for hunk in hunks:
        if hunk.old_end - hunk.old_start == hunk.new_end - hunk.new_start:
            for line in range(hunk.old_end - hunk.old_start):
                here, there = hunk.old_start + line, hunk.new_start + line
                yield _Hunk(here, here + 1, there, there + 1)
        else:
            yield hunk


def _lines(text: str) -> list[str]:
    """Lines with their ends, split as editors and ruff number them: not at a form feed."""
    return list(io.StringIO(text, newline=""))


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[_Hunk]:
    """The differing runs of lines."""
    numbers: dict[str, int] = {}  # in place of the lines, which may end otherwise than git's

    def numbered(lines: Sequence[str]) -> str:
        return "".join(f"{numbers.setdefault(line, len(numbers))}\n" for line in lines)

    return [
        _Hunk(
            one.old_start,
            one.old_start + len(one.old_lines),
            one.new_start,
            one.new_start + len(one.new_lines),
        )
        for one in line_hunks(numbered(old), numbered(new))
    ]


def _joined(hunks: Sequence[_Hunk]) -> list[_Hunk]:
    """The same hunks; those that stand close together count as one."""
    joined: list[_Hunk] = []
    for hunk in hunks:
        if joined and hunk.old_start - joined[-1].old_end <= _CLOSE_LINES:
            first = joined.pop()
            joined.append(_Hunk(first.old_start, hunk.old_end, first.new_start, hunk.new_end))
        else:
            joined.append(hunk)
    return joined


def _separate(
    old: str, old_lines: Sequence[str], new_lines: Sequence[str], hunks: Sequence[_Hunk]
) -> list[Edit] | None:
    """One edit for each hunk; None where a hunk can't be told from other places."""
    edits: list[Edit] = []
    text = old
    for number, hunk in enumerate(hunks):
        floor = hunks[number - 1].old_end if number else 0
        ceiling = hunks[number + 1].old_start if number + 1 < len(hunks) else len(old_lines)
        start, end, more = hunk.old_start, hunk.old_end, 1
        while not _stands_once("".join(old_lines[start:end]), text):
            if (start, end) == (floor, ceiling):
                return None
            start, end = max(floor, start - more), min(ceiling, end + more)
            more *= 2  # each look goes over the whole text
        before, after = old_lines[start : hunk.old_start], old_lines[hunk.old_end : end]
        middle = new_lines[hunk.new_start : hunk.new_end]
        edit = Edit("".join(old_lines[start:end]), "".join([*before, *middle, *after]))
        text = text.replace(edit.old_text, edit.new_text, 1)
        edits.append(edit)
    return edits


def _stands_once(part: str, text: str) -> bool:
    first = text.find(part)
    return bool(part) and first >= 0 and text.find(part, first + 1) < 0
