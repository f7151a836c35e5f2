"""From a person's word to the hunks that it speaks of, and what a rejection leads to.

Pure but for the blobs that `rejected_edits` reads. Never records anything and never writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from longshift.domain.model import HunkDecision
from longshift.domain.state import Run
from longshift.errors import UsageError
from longshift.repository.files import FileEdit
from longshift.review.proposals import Proposals
from longshift.review.shapes import HunkState, PendingHunk
from longshift.review.takeout import take_out
from longshift.review.words import hunk_of, landed_word

TAKES: Final[Mapping[HunkDecision, frozenset[HunkState]]] = {
    "accepted": frozenset({"pending", "accepted"}),  # accepted: the buffer holds it already
    "rejected": frozenset({"pending", "stale", "rework"}),
    "rework": frozenset({"pending", "stale", "rejected"}),
    "pending": frozenset({"accepted", "rejected", "rework"}),
}
"""The states in which a hunk can take a decision; `pending` takes an earlier one back."""
_MOST_DIGITS: Final = 9
"""Of a hunk's number; Python refuses to read one of thousands."""
_NAMES: Final[Mapping[HunkDecision, str]] = {
    "accepted": "be accepted",
    "rejected": "be rejected",
    "rework": "be reworked",
    "pending": "be undone",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a person names: a change, one path of it, or one hunk."""

    change_id: str
    path: str | None = None
    hunk: int | None = None


@dataclass(frozen=True, slots=True)
class RejectedEdits:
    """The head without what was rejected.

    Attributes:
        edits: by path, the file to put at the head; None deletes it.
        clashes: rejected hunks that later landings built on, as they landed; they stay, for a
            task to take out.
    """

    edits: Mapping[str, FileEdit | None]
    clashes: tuple[PendingHunk, ...]


def parse_target(text: str) -> Target:
    """Parse `CHANGE[:PATH[:HUNK]]`; a path may hold colons, a number after the last is a hunk.

    Raises:
        UsageError: it is of no such form.
    """
    change_id, _, rest = text.partition(":")
    if not (change_id[:1] == "C" and change_id[1:].isdecimal()):
        raise UsageError(
            f"{text!r} names no change. Nothing was decided. Write CHANGE, CHANGE:PATH or "
            "CHANGE:PATH:HUNK, as in C1:src/a.py:2."
        )
    path, colon, number = rest.rpartition(":")
    if colon and number.isdecimal() and len(number) <= _MOST_DIGITS:
        return Target(change_id, path, int(number))
    return Target(change_id, rest or None)


def chosen(
    run: Run, hunks: Sequence[PendingHunk], target: Target, decision: HunkDecision
) -> tuple[PendingHunk, ...]:
    """Choose the hunks that a decision speaks of.

    Args:
        run: the run.
        hunks: at least all hunks of the change, from `Proposals`.
        target: what the person named.
        decision: what they said; of several hunks, those that can't take it are passed over.

    Returns:
        At least one hunk, in the given order.

    Raises:
        UsageError: there is no such change, path or hunk, or none that can take the decision.
    """
    mine = _named(run, hunks, target)
    if target.hunk is not None:
        if mine[0].state not in TAKES[decision]:
            raise UsageError(_refusal(mine[0], decision))
        return tuple(mine)
    able = [hunk for hunk in mine if hunk.state in TAKES[decision]]
    if decision == "accepted":
        able = [h for h in able if h.state == "pending" or not _is_recorded(run, h)]
    if decision == "pending":
        able = [hunk for hunk in able if _is_recorded(run, hunk) or hunk.undo]
    if not able:
        raise UsageError(
            f"Nothing of {_place(target)} can {_NAMES[decision]}: "
            + "; ".join(dict.fromkeys(_standing(hunk) for hunk in mine))
            + ". Nothing was changed."
        )
    return tuple(able)


def fingerprint(hunk: PendingHunk) -> str:
    """What a person has seen of a hunk when it was shown to them, wherever it stands by now."""
    seen = (hunk.state, hunk.kind, hunk.file, hunk.old_path, hunk.flag, hunk.reason)
    texts = (hunk.old_text, hunk.new_text)
    return sha256(repr((seen, texts)).encode("utf-8", "surrogatepass")).hexdigest()


def refuse_unseen(hunks: Sequence[PendingHunk], shown: str | None) -> None:
    """Refuse a decision on a hunk that is not, any more, what the person was shown.

    Args:
        hunks: what would be decided on.
        shown: the fingerprint of what they saw; None: nothing is known of that.

    Raises:
        UsageError: there is another hunk there now.
    """
    for hunk in hunks if shown is not None else ():
        if fingerprint(hunk) != shown:
            raise UsageError(
                f"Hunk {hunk.hunk} of {hunk.change_id} in {hunk.path} is not what you were shown "
                "any more: your text or the run has changed. Nothing was decided. Look again."
            )


def split_protected(
    hunks: Sequence[PendingHunk], *, named: bool
) -> tuple[tuple[PendingHunk, ...], tuple[PendingHunk, ...]]:
    """Part what an acceptance may write from what takes a word of its own.

    Args:
        hunks: chosen ones; what the person's text has already is not written, so it passes.
        named: whether the person named the file, or said that protected ones are meant too.

    Returns:
        The hunks to accept, and those to leave as they are.
    """
    left = tuple(h for h in hunks if h.flag and h.state == "pending" and not named)
    return tuple(hunk for hunk in hunks if hunk not in left), left


def is_undoable(hunk: PendingHunk) -> bool:
    """Whether an accepted hunk can be taken back and no text of the person's goes with it."""
    if hunk.undo:
        return True
    if hunk.settled or hunk.kind == "edit":
        return False
    has_lines = hunk.kind in ("create", "rename") and bool(hunk.old_text or hunk.new_text)
    return not has_lines


def rejected_edits(run: Run, proposals: Proposals) -> RejectedEdits:
    """What taking the rejected hunks out of the head does to its files."""
    edits: dict[str, FileEdit | None] = {}
    clashes: list[PendingHunk] = []
    if not _has_rejections(run):
        return RejectedEdits(edits, ())
    for path in proposals.paths(run):
        side = proposals.side(run, path)
        taken_out = take_out(side, run)
        edits |= taken_out.edits
        clashes += [
            hunk_of(side, run, ref, landed_word(side, ref, "rejected")) for ref in taken_out.clashes
        ]
    return RejectedEdits(edits, tuple(clashes))


def _named(run: Run, hunks: Sequence[PendingHunk], target: Target) -> list[PendingHunk]:
    change = run.changes.get(target.change_id)
    if change is None:
        raise UsageError(
            f"There is no change {target.change_id} in {run.id}, which has "
            f"{_listed(run.changes) or 'none'}. Nothing was decided."
        )
    of_change = [hunk for hunk in hunks if hunk.change_id == change.id]
    of_path = [h for h in of_change if target.path in (None, h.path, h.file)]
    if not of_path:
        raise UsageError(
            f"{change.id} has no hunk in {target.path or run.id}; it has hunks in "
            f"{_listed(hunk.path for hunk in of_change) or 'no file'}. Nothing was decided."
        )
    mine = [hunk for hunk in of_path if target.hunk in (None, hunk.hunk)]
    if not mine:
        raise UsageError(
            f"{change.id} has no hunk {target.hunk} in {target.path}, but "
            f"{_listed(str(hunk.hunk) for hunk in of_path)}. Nothing was decided."
        )
    return mine


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _refusal(hunk: PendingHunk, decision: HunkDecision) -> str:
    advice = {
        "stale": "Ask for rework, or edit by hand",
        "rejected": "Undo the rejection first",
        "rework": "Its rework comes as a change of its own",
        "accepted": "Undo it first",
    }.get(hunk.state, "Decide on the hunk that is pending there now")
    return (
        f"{_standing(hunk)}, so it can't {_NAMES[decision]}. Your text was not changed. {advice}."
    )


def _standing(hunk: PendingHunk) -> str:
    reason = f" ({hunk.reason})" if hunk.reason else ""
    return f"hunk {hunk.hunk} of {hunk.change_id} in {hunk.path} is {hunk.state}{reason}"


def _place(target: Target) -> str:
    return f"{target.change_id} in {target.path}" if target.path else target.change_id


def _is_recorded(run: Run, hunk: PendingHunk) -> bool:
    decision = run.changes[hunk.change_id].decisions.get((hunk.path, hunk.hunk))
    return decision is not None and decision.decision != "pending"


def _has_rejections(run: Run) -> bool:
    return any(
        decision.decision == "rejected"
        for change in run.changes.values()
        for decision in change.decisions.values()
    )
