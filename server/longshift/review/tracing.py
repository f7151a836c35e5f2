"""Where a line of one text stands in another.

Pure: lines and numbers, and the edits of hunks. Knows no run, no store and no finding.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from longshift.repository.hunks import LineHunk, split_lines
from longshift.review.shapes import PendingHunk


class Place(NamedTuple):
    """A line in another text."""

    line: int
    """Zero-based."""
    exact: bool
    """Whether it is that very line; else it is the nearest of those written in its stead."""


def moved(place: Place, hunks: Iterable[LineHunk]) -> Place | None:
    """Where a line stands after a difference; None: deleted, and nothing written in its stead."""
    shift = 0
    for hunk in hunks:
        if hunk.old_start > place.line:
            break
        if place.line < hunk.old_start + len(hunk.old_lines):
            if not hunk.new_lines:
                return None
            inside = min(place.line - hunk.old_start, len(hunk.new_lines) - 1)
            return Place(hunk.new_start + inside, exact=False)
        shift += len(hunk.new_lines) - len(hunk.old_lines)
    return Place(place.line + shift, exact=place.exact)


def with_hunks(
    lines: Sequence[str], hunks: Iterable[PendingHunk]
) -> tuple[list[int | PendingHunk], list[str]]:
    """A text with all its pending hunks.

    Args:
        lines: of the text that the hunks were computed against.
        hunks: its hunks, in any state.

    Returns:
        For each line of the result what it is from (a line of the text, or a hunk), and the lines.
    """
    edits = [(edit, hunk) for hunk in hunks if hunk.state == "pending" for edit in hunk.edits]
    edits.sort(key=lambda one: (one[0].start, one[0].end, one[0].order))
    origin: list[int | PendingHunk] = []
    proposed: list[str] = []
    at = 0
    for edit, hunk in edits:
        origin += range(at, edit.start_line)
        proposed += lines[at : edit.start_line]
        new = split_lines(edit.new_text)
        origin += [hunk] * len(new)
        proposed += new
        at = max(at, edit.end_line)
    return [*origin, *range(at, len(lines))], [*proposed, *lines[at:]]
