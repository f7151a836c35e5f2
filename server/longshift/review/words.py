"""What is said of each hunk, and how it becomes the hunk that a person sees.

Pure. Owns offsets in the present text, and the last word on hunks that have no lines left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from longshift.domain.model import Decision
from longshift.domain.state import Run
from longshift.repository.hunks import split_lines
from longshift.review.anchor import Placed
from longshift.review.shapes import Edit, HunkKind, HunkState, PendingHunk
from longshift.review.side import Side
from longshift.review.weave import Ref, Toggle


@dataclass(frozen=True, slots=True)
class Word:
    """All that is said of one hunk; fields as in `PendingHunk`."""

    state: HunkState
    kind: HunkKind
    reason: str = ""
    edits: tuple[Edit, ...] = ()
    undo: tuple[Edit, ...] = ()
    start_line: int = 0
    end_line: int = 0
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    old_path: str | None = None
    settled: bool = False


class Document:
    """The person's present text, with the offset of each line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = split_lines(text)
        self._offsets = [0, *accumulate(map(len, self.lines))]

    def edits(self, places: Sequence[tuple[Toggle, Placed]]) -> tuple[Edit, ...]:
        """The edits that put each toggle's new lines where it is placed.

        None where a line without a line end would be glued to one that follows.
        """
        if any(self._is_glued(toggle, at, places) for toggle, at in places):
            return ()
        return tuple(
            Edit(
                at.start,
                at.end,
                "".join(toggle.new),
                self._offsets[at.start],
                self._offsets[at.end],
                toggle.order,
            )
            for toggle, at in places
        )

    def _is_glued(
        self, toggle: Toggle, at: Placed, places: Sequence[tuple[Toggle, Placed]]
    ) -> bool:
        if not toggle.new or toggle.new[-1].endswith("\n"):
            return False
        gone = {line for _, one in places for line in range(one.start, one.end)}
        return not gone.issuperset(range(at.end, len(self.lines)))

    def word(
        self,
        state: HunkState,
        places: Sequence[tuple[Toggle, Placed]],
        kind: HunkKind,
        *,
        reverse: bool = False,
    ) -> Word:
        """A word on toggles that are placed; `reverse`: the toggles take the hunk out."""
        old = tuple(line for toggle, _ in places for line in toggle.old)
        new = tuple(line for toggle, _ in places for line in toggle.new)
        return Word(
            state,
            kind,
            start_line=min((at.start for _, at in places), default=0),
            end_line=max((at.end for _, at in places), default=0),
            old=new if reverse else old,
            new=old if reverse else new,
        )


def mode_word(taken: int, head: int, present: int | None) -> Word:
    """A word on a change of the executable bit."""
    old, new = (f"old mode {taken:o}\n",), (f"new mode {head:o}\n",)
    if present is None:
        return Word("stale", "mode", "the file is not there", old=old, new=new)
    if taken == head:
        return Word("superseded", "mode", "a later landing took it back", old=old, new=new)
    return Word("accepted" if present == head else "pending", "mode", old=old, new=new)


def name(side: Side, ref: Ref) -> str:
    """Call a hunk by its number and change, as people say it."""
    change, _, number = side.key(ref)
    return f"hunk {number} of {change}"


def hunks_of(side: Side, run: Run, words: Mapping[Ref, Word]) -> tuple[PendingHunk, ...]:
    """Make the hunks that a person sees, in order of place; says a word where none was said."""
    said = side.decisions(run)
    hunks = [
        (hunk_of(side, run, ref, words.get(ref) or _last_word(side, ref, said.get(ref))), ref)
        for ref in side.refs
    ]
    hunks.sort(key=lambda item: (item[0].start_line, item[0].end_line, item[1]))
    return tuple(hunk for hunk, _ in hunks)


def hunk_of(side: Side, run: Run, ref: Ref, word: Word) -> PendingHunk:
    """Make the hunk that a person sees from what is said of it."""
    change_id, path, number = side.key(ref)
    change = run.changes[change_id]
    counted = word.kind != "mode"
    return PendingHunk(
        change_id=change_id,
        task_id=change.task_id,
        title=change.title,
        path=path,
        file=side.path,
        old_path=word.old_path,
        kind=word.kind,
        hunk=number,
        of=side.by_step[ref.step].of,
        state=word.state,
        edits=word.edits,
        undo=word.undo,
        start_line=word.start_line,
        end_line=word.end_line,
        added=len(word.new) if counted else 0,
        removed=len(word.old) if counted else 0,
        old_text="".join(word.old),
        new_text="".join(word.new),
        reason=word.reason,
        flag=side.by_step[ref.step].flag,
        settled=word.settled,
    )


def landed_word(side: Side, ref: Ref, state: HunkState, reason: str = "") -> Word:
    """A word on a hunk as it landed, wherever its lines are by now."""
    landed = side.by_step[ref.step]
    hunk = landed.line_hunk(ref)
    old, new = (hunk.old_lines, hunk.new_lines) if hunk else ((), ())
    kind = "mode" if side.is_mode(ref) else landed.touch.kind
    return Word(state, kind, reason, old=old, new=new)


def _last_word(side: Side, ref: Ref, decision: Decision | None) -> Word:
    """A hunk without lines at the head or in the taken text: it is settled, or was overwritten."""
    if decision is not None and decision.decision != "pending":
        word = landed_word(side, ref, decision.decision, decision.reason)
        return replace(word, settled=True)
    if _is_settled(side, ref):
        return replace(landed_word(side, ref, "accepted", "your text has it"), settled=True)
    return landed_word(side, ref, "superseded", "later text took its place")


def _is_settled(side: Side, ref: Ref) -> bool:
    landed = side.by_step[ref.step]
    if side.is_mode(ref):
        after = landed.touch.after
        return side.taken is not None and after is not None and side.taken.mode == after.mode
    if ref.step >= side.since:
        return False
    if side.weave is not None and ref in side.weave.settled:
        return True
    match landed.touch.kind:
        case "create":
            return side.taken is not None
        case "delete":
            return side.taken is None
        case "rename":
            return not side.is_renamed
        case _:
            return side.taken == landed.touch.after
