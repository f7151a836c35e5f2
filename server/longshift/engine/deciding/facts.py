"""What decisions are on record: their facts, the rules that they make, and the tasks.

Pure but for the words, which are prompts. Never writes a text: `deciding` does, in between.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from longshift.crew.prompts import Plain, say
from longshift.domain import events
from longshift.domain.model import HunkDecision, Rework, TaskPlan
from longshift.domain.state import Phase, Run
from longshift.review.shapes import PendingHunk
from longshift.review.unified import hunk_diff

QUOTED_HUNKS: Final = 3
QUOTED_CHARACTERS: Final = 100
"""How much of a rejected hunk its rule repeats, for all later prompts carry it."""


def decided_facts(
    run: Run,
    hunks: Sequence[PendingHunk],
    decision: HunkDecision,
    reason: str,
    text: str | None = None,
    editor: str = "",
) -> list[events.ChangeDecided]:
    """One fact for each change and path that hunks were decided on in."""
    return [
        events.ChangeDecided(
            run=run.id,
            change=f"C{number}",
            path=path,
            hunks=tuple(sorted(hunk.hunk for hunk in group)),
            decision=decision,
            reason=reason,
            text=text,
            editor=editor,
        )
        for (number, path), group in groupby(sorted(hunks, key=by_change), key=by_change)
    ]


def by_change(hunk: PendingHunk) -> tuple[int, str]:
    """What orders hunks by change, then by path."""
    return int(hunk.change_id[1:]), hunk.path


def reopening(run: Run, reason: str) -> list[events.RunResumed]:
    """The fact that makes an ended run go on; none where it has not ended."""
    if run.phase is not Phase.ENDED:
        return []
    return [events.RunResumed(run=run.id, reason=reason)]


def rejection_rule(hunks: Sequence[PendingHunk], reason: str) -> str:
    """What rejecting hunks (of one change) forbids, in one sentence for every later prompt."""
    quoted: list[Plain] = [
        {
            "kind": hunk.kind,
            "path": hunk.path,
            "old_path": hunk.old_path,
            "removed": _excerpt(hunk.old_text),
            "added": _excerpt(hunk.new_text),
        }
        for hunk in hunks[:QUOTED_HUNKS]
    ]
    return say(
        "rejection_constraint",
        title=hunks[0].title,
        reason=" ".join(reason.split()),
        hunks=quoted,
        more=len(hunks) - len(quoted),
    )


def _excerpt(text: str) -> str:
    """Enough of some lines to know them again; empty only where there are none."""
    line = " ".join(text.split())
    short = line if len(line) <= QUOTED_CHARACTERS else line[: QUOTED_CHARACTERS - 1] + "…"
    return short or ("\n" if text else "")


def rework_task(
    run: Run, task_id: str, hunks: Sequence[PendingHunk], words: str
) -> events.TaskAdded:
    """The task that does hunks of one change and path otherwise."""
    change, path = hunks[0].change_id, hunks[0].path
    plan = TaskPlan(
        title=say("rework_title", title=hunks[0].title),
        instructions=say("rework_instructions", change=change, path=path, words=words),
        paths=(hunks[0].file,),
        acceptance=(say("rework_acceptance", path=path),),
    )
    rework = Rework(
        change_id=change,
        path=path,
        diff="\n".join(map(hunk_diff, hunks)),
        words=words,
        hunks=tuple(hunk.hunk for hunk in hunks),
    )
    return events.TaskAdded(run=run.id, task=task_id, plan=plan, rework=rework)
