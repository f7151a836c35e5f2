r"""A hunk as a person edits it before they accept it: their lines in place of its own.

Pure. Owns what they are given to edit, and how their lines become an edit of their text. Never
changes a line outside of the hunk's own place, and never glues two lines together.
"""

from dataclasses import replace

from longshift.errors import UsageError
from longshift.repository.hunks import split_lines
from longshift.review.edits import apply_edits
from longshift.review.shapes import Edit, PendingHunk


def proposed_lines(hunk: PendingHunk, present: str) -> str | None:
    """What a person is given to edit; None where the hunk can't be edited.

    That is its place in the present text, from its first edit to its last, as accepting it would
    leave it.

    Args:
        hunk: computed against exactly this text.
        present: the person's text; "" where there is no such file yet.
    """
    if hunk.state != "pending" or hunk.kind not in ("edit", "create") or not hunk.edits:
        return None
    place = _place(hunk)
    tail = len(present) - place.end
    applied = apply_edits(present, hunk.edits)
    return applied[place.start : len(applied) - tail]


def with_own_words(hunk: PendingHunk, present: str, text: str) -> PendingHunk:
    """The hunk with a person's lines in place of its own.

    Args:
        hunk: computed against exactly this text.
        present: the person's text; "" where there is no such file yet.
        text: their lines; line ends become those of the present text.

    Returns:
        The hunk with one edit, or unchanged where the lines are what it proposes.

    Raises:
        UsageError: such a hunk can't be edited, or the lines leave the text as it is.
    """
    proposed = proposed_lines(hunk, present)
    name = f"Hunk {hunk.hunk} of {hunk.change_id} in {hunk.path}"
    if proposed is None:
        raise UsageError(
            f"{name} is {hunk.state}, of the kind {hunk.kind}, and can't be edited. Nothing was "
            "decided. Edit the file by hand, or ask for rework."
        )
    place = _place(hunk)
    here = present[place.start : place.end]
    text = _in_line_ends_of(present or proposed, text)
    if text and not text.endswith("\n") and place.end < len(present):
        text += "\n" if not _has_returns(present) else "\r\n"
    if not text or text == here:
        what = "are empty" if not text else "are what stands there already"
        raise UsageError(
            f"{name}: the lines to put there {what}. Nothing was decided. Reject the hunk, or "
            "write other lines."
        )
    if text == proposed:
        return hunk
    edit = Edit(place.start_line, place.end_line, text, place.start, place.end)
    return replace(
        hunk,
        edits=(edit,),
        start_line=place.start_line,
        end_line=place.end_line,
        old_text=here,
        new_text=text,
        removed=len(split_lines(here)),
        added=len(split_lines(text)),
    )


def _place(hunk: PendingHunk) -> Edit:
    """The lines from the first edit to the last, as an edit that removes them."""
    first, last = hunk.edits[0], hunk.edits[-1]
    return Edit(first.start_line, last.end_line, "", first.start, last.end)


def _in_line_ends_of(model: str, text: str) -> str:
    plain = text.replace("\r\n", "\n")
    return plain.replace("\n", "\r\n") if _has_returns(model) else plain


def _has_returns(text: str) -> bool:
    """Whether every line of a text ends in a carriage return and a line feed."""
    ends = text.count("\n")
    return bool(ends) and text.count("\r\n") == ends
