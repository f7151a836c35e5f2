"""Hunks that were accepted in another editor, whose text need not be saved.

Owns what becomes of them in the editors that do not show them. Pure.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from longshift.domain.model import Decision
from longshift.domain.state import Run
from longshift.review.shapes import PendingHunk


def with_elsewhere(
    run: Run, hunks: Iterable[PendingHunk], others: Collection[str]
) -> tuple[PendingHunk, ...]:
    """The hunks as they are for everybody.

    A hunk that was accepted and does not stand in a text was taken back there, by hand. That is not
    so where it was accepted in another editor that is still open: it stands in that one's text.

    Args:
        run: the run.
        hunks: of it, against one editor's text.
        others: the other editors that are open, by their words in `ChangeDecided`.
    """
    if not others:
        return tuple(hunks)
    return tuple(
        replace(hunk, state="accepted", edits=(), reason="")
        if _is_there(run, hunk, others)
        else hunk
        for hunk in hunks
    )


def _is_there(run: Run, hunk: PendingHunk, others: Collection[str]) -> bool:
    if hunk.state not in ("pending", "stale") or hunk.change_id not in run.changes:
        return False
    decided = run.changes[hunk.change_id].decisions.get(
        (hunk.path, hunk.hunk), Decision(decision="pending")
    )
    return decided.decision == "accepted" and decided.editor in others
