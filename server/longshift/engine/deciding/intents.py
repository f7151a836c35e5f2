"""Decisions that change a file: what is intended is on record first, and recovery ends it.

Owns the comparison of a file with what a decision was about to make of it. Never writes there.
"""

from collections.abc import Sequence

from longshift.domain import events
from longshift.domain.model import Decision, HunkDecision
from longshift.domain.state import Run
from longshift.engine.deciding.facts import decided_facts
from longshift.engine.editors.hands import acting_word
from longshift.engine.ports import StillPresent, file_bytes, sha256
from longshift.engine.room import Shop
from longshift.review.shapes import DeleteFile, Effect, PendingHunk, RenameFile, WriteFile


def intents_of(
    run: Run,
    hunks: Sequence[PendingHunk],
    effects: Sequence[Effect],
    present: StillPresent,
    decision: HunkDecision,
    text: str | None,
) -> list[events.DecisionIntended]:
    """One intent for each change and path whose file is about to be another."""
    after = _files_after(effects, present)
    intents: list[events.DecisionIntended] = []
    for decided in decided_facts(run, hunks, decision, ""):
        hunk = next(h for h in hunks if (h.change_id, h.path) == (decided.change, decided.path))
        place = next((p for p in (hunk.file, hunk.path, hunk.old_path) if p in after), None)
        if place is not None:
            intents.append(
                events.DecisionIntended(
                    run=run.id,
                    change=decided.change,
                    path=decided.path,
                    hunks=decided.hunks,
                    decision=decision,
                    before_sha256=sha256(file_bytes(present.read(place))),
                    after_sha256=sha256(after[place]),
                    file=place,
                    text=text,
                )
            )
    return intents


def _files_after(effects: Sequence[Effect], present: StillPresent) -> dict[str, bytes | None]:
    """What each touched path will hold; None: no file."""
    after: dict[str, bytes | None] = {}
    for effect in effects:
        match effect:
            case WriteFile(path, data):
                after[path] = data
            case RenameFile(old_path, path):
                after[path] = file_bytes(present.read(old_path))
                after[old_path] = None
            case DeleteFile(path):
                after[path] = None
    return after


def touched(effects: Sequence[Effect]) -> list[str]:
    """The paths where effects change something, sorted."""
    paths = {effect.path for effect in effects}
    paths |= {effect.old_path for effect in effects if isinstance(effect, RenameFile)}
    return sorted(paths)


async def finish_decision(shop: Shop, run_id: str, intent: events.DecisionIntended) -> str:
    """Record of a decision that was begun whether the person's file shows it.

    Returns:
        What was found, as a sentence for the log.
    """
    path = intent.file or intent.path
    present = await shop.off_loop(shop.hand.present().read, path)
    shows = sha256(file_bytes(present)) == intent.after_sha256
    known = shop.chronicle.run(run_id).changes[intent.change].decisions
    now: dict[Decision, list[int]] = {}
    for hunk in intent.hunks:
        before = known.get((intent.path, hunk), Decision(decision="pending"))
        after = Decision(decision=intent.decision, text=intent.text, editor=acting_word())
        now.setdefault(after if shows else before, []).append(hunk)
    decided = [
        events.ChangeDecided(
            run=run_id,
            change=intent.change,
            path=intent.path,
            hunks=tuple(hunks),
            decision=one.decision,
            reason=one.reason,
            text=one.text,
            editor=one.editor,
        )
        for one, hunks in now.items()
    ]
    await shop.chronicle.record(*decided)
    now_is = "was carried out, and is on record now" if shows else "was not carried out"
    return f"The decision on {path} {now_is}{'' if shows else ': decide again'}."
