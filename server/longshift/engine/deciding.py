"""Decisions of the person: accept, reject, rework, and taking each of them back.

Owns the order intent → effect → fact towards the person's files and buffers. Must never write
there but what the decision names, and never record as accepted what does not stand there.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from longshift.crew.prompts import Plain, say
from longshift.domain import events
from longshift.domain.model import Constraint, Decision, HunkDecision, Rework, TaskPlan
from longshift.domain.state import Phase, Run
from longshift.engine.ports import StillPresent, file_bytes, sha256
from longshift.engine.room import Shop
from longshift.errors import NeedsPerson, UsageError
from longshift.review.decisions import (
    Target,
    chosen,
    is_undoable,
    refuse_unseen,
    split_protected,
)
from longshift.review.own_words import with_own_words
from longshift.review.shapes import DeleteFile, Effect, PendingHunk, RenameFile, WriteFile
from longshift.review.unified import hunk_diff
from longshift.screening.secrets import mask

MOST_EXPECTED: Final = 1_000
"""Texts that are expected at a time; an editor may resolve actions that nobody picks."""
QUOTED_HUNKS: Final = 3
QUOTED_CHARACTERS: Final = 100
"""How much of a rejected hunk its rule repeats, for all later prompts carry it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision.

    Attributes:
        state: of the hunks that it was about; `pending` where all of them were left.
        hunks: how many were decided on.
        left: the paths that were left, because they take a word of their own; sorted.
    """

    state: HunkDecision
    hunks: int
    left: tuple[str, ...] = ()


class Decisions:
    """Carries out a person's decisions on the hunks of any run, one at a time."""

    def __init__(self, shop: Shop) -> None:
        """Decide on the shop's runs, writing through its hand."""
        self._shop = shop
        self._one_at_a_time = asyncio.Lock()
        self._expected: dict[tuple[str, str, str, int], str | None] = {}
        self._edited: PendingHunk | None = None
        """The hunk that is being accepted with lines of the person's own."""

    def expect(self, run_id: str, hunk: PendingHunk, data: bytes) -> None:
        """Say what a file will be once a hunk is applied to it, and to nothing else.

        Beside lines that the person typed, an applied deletion reads like a line that they
        rewrote. Whoever made the edit knows better; the exact bytes are then taken for proof.
        """
        self._expected.pop((run_id, *hunk.key), None)
        self._expected[run_id, *hunk.key] = sha256(data)
        while len(self._expected) > MOST_EXPECTED:
            del self._expected[next(iter(self._expected))]

    async def looked_at(
        self, run: Run, change_id: str | None = None
    ) -> tuple[tuple[PendingHunk, ...], StillPresent]:
        """The same as `hunks`, with what they were computed against."""
        present = self._look()
        return await self._hunks_against(run, change_id, present), present

    async def hunks(self, run: Run, change_id: str | None = None) -> tuple[PendingHunk, ...]:
        """The hunks of a run, or of one change, against what the person has now."""
        return await self._hunks_against(run, change_id, self._look())

    async def decide(
        self,
        run: Run,
        target: Target,
        decision: HunkDecision,
        reason: str = "",
        *,
        protected: bool = False,
        shown: str | None = None,
        text: str | None = None,
    ) -> Decided:
        """Carry out one decision.

        Args:
            run: the run.
            target: what the person named; a path in it is a word of its own for that file.
            decision: what they said.
            reason: their words.
            protected: whether they said that files which take a word of their own are meant too.
            shown: the fingerprint of the one hunk that they were shown; another is refused.
            text: for one hunk that is accepted, the lines to put there in place of its own.

        Raises:
            UsageError: the target names nothing, or nothing that can take this decision; or the
                run is another worktree's; or the hunk is not what was shown, or can't be edited.
            NeedsPerson: the text could not be written, or does not show what was accepted.
        """
        async with self._one_at_a_time:
            run = await self._shop.own(run.id)
            present = self._look()
            hunks = chosen(
                run,
                await self._hunks_against(run, target.change_id, present),
                target,
                decision,
            )
            refuse_unseen(hunks, shown)
            left: Sequence[PendingHunk] = ()
            match decision:
                case "accepted":
                    named = protected or target.path is not None
                    hunks, left = split_protected(hunks, named=named)
                    if text is None:
                        await self._accept(run, hunks, present, reason)
                    else:
                        await self._accept_edited(run, hunks, present, reason, text)
                case "rejected":
                    await self._reject(run, hunks, reason)
                case "rework":
                    await self._rework(run, hunks, reason)
                case "pending":
                    await self._undo(run, hunks, present)
            return _outcome(decision, hunks, left)

    async def decide_all(
        self,
        run: Run,
        decision: HunkDecision,
        path: str | None = None,
        *,
        protected: bool = False,
    ) -> Decided:
        """Accept or reject everything that is pending, of one path or of the whole run.

        Accepting leaves the files that take a word of their own, unless `protected` is that word.

        Raises:
            UsageError: the run is another worktree's.
            NeedsPerson: a text could not be written; what was written before it is recorded.
        """
        async with self._one_at_a_time:
            run = await self._shop.own(run.id)
            present = self._look()
            pending = [
                hunk
                for hunk in await self._hunks_against(run, None, present)
                if hunk.state == "pending" and path in (None, hunk.path, hunk.file, hunk.old_path)
            ]
            accepted, left = split_protected(pending, named=protected)
            if decision == "accepted":
                await self._accept(run, accepted, present, "")
                return _outcome(decision, accepted, left)
            if pending:
                ordered = sorted(pending, key=_by_change)
                for _, group in groupby(ordered, key=lambda hunk: hunk.change_id):
                    await self._reject(run, list(group), "")
            return _outcome(decision, pending, ())

    def _look(self) -> StillPresent:
        return StillPresent(self._shop.hand.present())

    async def _hunks_against(
        self, run: Run, change_id: str | None, present: StillPresent
    ) -> tuple[PendingHunk, ...]:
        return await self._shop.off_loop(self._compute, run, change_id, present)

    def _compute(
        self, run: Run, change_id: str | None, present: StillPresent
    ) -> tuple[PendingHunk, ...]:
        proposals = self._shop.proposals
        if change_id is not None and change_id in run.changes:
            hunks = proposals.of_change(run, change_id, present)
        else:
            hunks = proposals.of_run(run, present)
        return tuple(self._with_expected(run, hunk, present) for hunk in hunks)

    def _with_expected(self, run: Run, hunk: PendingHunk, present: StillPresent) -> PendingHunk:
        expected = self._expected.get((run.id, *hunk.key))
        edited = self._edited is not None and self._edited.key == hunk.key
        # Lines of the person's own may hold those that the hunk would replace: it seems pending.
        if expected is None or not (hunk.state == "stale" or (edited and hunk.state == "pending")):
            return hunk
        if sha256(file_bytes(present.read(hunk.old_path or hunk.file))) != expected:
            return hunk
        return replace(hunk, state="accepted", reason="")

    async def _accept(
        self, run: Run, hunks: Sequence[PendingHunk], present: StillPresent, reason: str
    ) -> None:
        if not hunks:
            return
        await self._write(run, [h for h in hunks if h.state == "pending"], present, "accepted")
        await self._confirm(run, hunks)
        await self._shop.chronicle.record(*_decided(run, hunks, "accepted", reason))

    async def _accept_edited(
        self,
        run: Run,
        hunks: Sequence[PendingHunk],
        present: StillPresent,
        reason: str,
        text: str,
    ) -> None:
        """Accept one hunk with a person's lines in place of its own.

        They are journalled, so that taking the decision back, and an export, know them.
        """
        [hunk] = hunks
        if mask(text) != text:
            raise UsageError(
                f"The lines for {hunk.path} hold what looks like a secret, and decisions are "
                "journalled. Nothing was decided. Accept the hunk as it is, then put that in by "
                "hand."
            )
        before = await self._shop.off_loop(self._shop.proposals.text_at, run, hunk, present)
        edited = with_own_words(hunk, before, text)
        if edited is hunk:
            await self._accept(run, hunks, present, reason)
            return
        try:
            self._edited = edited
            own = edited.new_text
            await self._write(run, [edited], present, "accepted", own)
            await self._confirm(run, hunks)
            await self._shop.chronicle.record(*_decided(run, hunks, "accepted", reason, own))
        finally:
            self._edited = None

    async def _write(
        self,
        run: Run,
        hunks: Sequence[PendingHunk],
        present: StillPresent,
        decision: HunkDecision,
        text: str | None = None,
    ) -> None:
        """Write hunks into, or take them out of, the person's text; the intent comes first."""
        if not hunks:
            return
        effects = await self._shop.off_loop(self._shop.proposals.file_effects, run, hunks, present)
        intents = await self._shop.off_loop(_intents, run, hunks, effects, present, decision, text)
        await self._shop.chronicle.record(*intents)
        for effect in effects:
            for hunk in hunks:
                if isinstance(effect, WriteFile) and effect.path in (hunk.file, hunk.old_path):
                    self.expect(run.id, hunk, effect.data)
        try:
            await self._shop.off_loop(self._refuse_changed, present, _touched(effects))
            await self._shop.hand.apply(hunks, effects)
        except BaseException:
            # What was written before it failed is told apart from what was not by the files.
            for intent in self._shop.chronicle.run(run.id).deciding:
                await finish_decision(self._shop, run.id, intent)
            raise

    def _refuse_changed(self, present: StillPresent, paths: Sequence[str]) -> None:
        """Refuse to write over what the person has typed since the hunks were computed."""
        for path in present.changed(self._shop.hand.present(), paths):
            raise NeedsPerson(
                f"{path} was changed while the decision was under way. Nothing was written; your "
                "text is as you left it. Decide again."
            )

    async def _confirm(self, run: Run, hunks: Sequence[PendingHunk]) -> None:
        """Believe an acceptance only once the person's text shows it."""
        wanted = {hunk.key for hunk in hunks}
        missing = [
            hunk
            for change_id in sorted({hunk.change_id for hunk in hunks})
            for hunk in await self.hunks(run, change_id)
            if hunk.key in wanted and hunk.state in ("pending", "stale")
        ]
        if not missing:
            return
        for intent in self._shop.chronicle.run(run.id).deciding:
            await finish_decision(self._shop, run.id, intent)
        raise NeedsPerson(
            f"Hunk {missing[0].hunk} of {missing[0].change_id} in {missing[0].path} does not "
            "stand in your text, so it was not recorded as accepted. Nothing was lost; accept it "
            "again."
        )

    async def _reject(self, run: Run, hunks: Sequence[PendingHunk], reason: str) -> None:
        await self._shop.chronicle.record(
            *_decided(run, hunks, "rejected", reason), self._rule(run, hunks, reason)
        )

    def _rule(self, run: Run, hunks: Sequence[PendingHunk], reason: str) -> events.ConstraintAdded:
        """What a rejection forbids from now on."""
        constraint = Constraint(
            id=self._shop.chronicle.state.next_id("K"),
            text=rejection_rule(hunks, reason),
            source="rejection",
            run_id=run.id,
            change_id=hunks[0].change_id,
            hunks=tuple((hunk.path, hunk.hunk) for hunk in hunks),
        )
        return events.ConstraintAdded(run=run.id, constraint=constraint.id, detail=constraint)

    async def _rework(self, run: Run, hunks: Sequence[PendingHunk], reason: str) -> None:
        """Have hunks done otherwise: a task with the person's words; an ended run is reopened."""
        run = self._shop.chronicle.run(run.id)  # as it stands now: its next task may be another
        first = int(run.next_task_id[1:])
        by_path = groupby(sorted(hunks, key=lambda h: (h.path, h.hunk)), key=lambda h: h.path)
        tasks = [
            _rework_task(run, f"T{first + number}", list(group), reason)
            for number, (_, group) in enumerate(by_path)
        ]
        await self._shop.chronicle.record(
            *reopening(run, "rework"), *_decided(run, hunks, "rework", reason), *tasks
        )

    async def _undo(self, run: Run, hunks: Sequence[PendingHunk], present: StillPresent) -> None:
        accepted = [
            await self._shop.off_loop(self._undoable, run, hunk, present)
            for hunk in hunks
            if hunk.state == "accepted"
        ]
        await self._write(run, accepted, present, "pending")
        of_change = await self._hunks_against(run, hunks[0].change_id, present)
        rejected = {hunk.key for hunk in hunks if hunk.state == "rejected"}
        rules = self._rules_without(run, rejected, of_change)
        await self._shop.chronicle.record(*_decided(run, hunks, "pending", ""), *rules)

    def _undoable(self, run: Run, hunk: PendingHunk, present: StillPresent) -> PendingHunk:
        """An accepted hunk with what takes it out of the person's text.

        Raises:
            UsageError: nothing can without taking text of theirs along.
        """
        if hunk.settled and hunk.kind == "edit":
            hunk = replace(hunk, undo=self._shop.proposals.undo_alone(run, hunk, present))
        if is_undoable(hunk):
            return hunk
        raise UsageError(
            f"Hunk {hunk.hunk} of {hunk.change_id} in {hunk.path} can't be taken out by itself any "
            f"more: {'a later cycle builds on it' if hunk.settled else 'later text stands on it'}, "
            "or your own text is in its place. Nothing was changed. Edit the lines by hand; the "
            "run builds on what you have then."
        )

    def _rules_without(
        self, run: Run, freed: set[tuple[str, str, int]], of_change: Sequence[PendingHunk]
    ) -> list[events.Event]:
        """Lift what the rejection of some hunks forbade; what it forbade beside them holds on."""
        lifted: list[events.Event] = []
        still: list[PendingHunk] = []
        for rule in self._shop.chronicle.constraints():
            keys = {(rule.change_id, path, number) for path, number in rule.hunks}
            if rule.run_id == run.id and keys & freed:
                lifted.append(events.ConstraintLifted(run=run.id, constraint=rule.id))
                still += [hunk for hunk in of_change if hunk.key in keys - freed]
        return [*lifted, self._rule(run, still, still[0].reason)] if still else lifted


def _outcome(
    decision: HunkDecision, hunks: Sequence[PendingHunk], left: Sequence[PendingHunk]
) -> Decided:
    state = decision if hunks or not left else "pending"
    return Decided(state, len(hunks), tuple(sorted({hunk.path for hunk in left})))


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
        after = Decision(decision=intent.decision, text=intent.text)
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
        )
        for one, hunks in now.items()
    ]
    await shop.chronicle.record(*decided)
    return f"{run_id}: the decision on {path} was {'finished' if shows else 'not made'}"


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


def _rework_task(
    run: Run, task_id: str, hunks: Sequence[PendingHunk], words: str
) -> events.TaskAdded:
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


def _intents(
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
    for decided in _decided(run, hunks, decision, ""):
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


def _touched(effects: Sequence[Effect]) -> list[str]:
    paths = {effect.path for effect in effects}
    paths |= {effect.old_path for effect in effects if isinstance(effect, RenameFile)}
    return sorted(paths)


def _by_change(hunk: PendingHunk) -> tuple[int, str]:
    return int(hunk.change_id[1:]), hunk.path


def _decided(
    run: Run,
    hunks: Sequence[PendingHunk],
    decision: HunkDecision,
    reason: str,
    text: str | None = None,
) -> list[events.ChangeDecided]:
    return [
        events.ChangeDecided(
            run=run.id,
            change=f"C{number}",
            path=path,
            hunks=tuple(sorted(hunk.hunk for hunk in group)),
            decision=decision,
            reason=reason,
            text=text,
        )
        for (number, path), group in groupby(sorted(hunks, key=_by_change), key=_by_change)
    ]
