"""Decisions of the person: accept, reject, rework, and taking each of them back.

Owns the order intent → effect → fact towards the person's files and buffers. Must never write
there but what the decision names, and never record as accepted what does not stand there.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from longshift.domain import events
from longshift.domain.model import Constraint, HunkDecision
from longshift.domain.state import Run
from longshift.engine.deciding.facts import (
    by_change,
    decided_facts,
    rejection_rule,
    reopening,
    rework_task,
)
from longshift.engine.deciding.intents import finish_decision, intents_of, touched
from longshift.engine.editors.hands import acting_word
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
from longshift.review.shapes import PendingHunk, Present, WriteFile
from longshift.screening.secrets import mask

MOST_EXPECTED: Final = 1_000
"""Texts that are expected at a time; an editor may resolve actions that nobody picks."""


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
        self.expect_fingerprint((run_id, *hunk.key), sha256(data))

    def expect_fingerprint(self, key: tuple[str, str, str, int], fingerprint: str | None) -> None:
        """The same by run, change, path and number, where the file's SHA-256 is known."""
        self._expected.pop(key, None)
        self._expected[key] = fingerprint
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
                ordered = sorted(pending, key=by_change)
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
        await self._shop.chronicle.record(
            *decided_facts(run, hunks, "accepted", reason, editor=acting_word())
        )

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
            await self._shop.chronicle.record(
                *decided_facts(run, hunks, "accepted", reason, own, acting_word())
            )
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
        intents = await self._shop.off_loop(
            intents_of, run, hunks, effects, present, decision, text
        )
        await self._shop.chronicle.record(*intents)
        for effect in effects:
            for hunk in hunks:
                if isinstance(effect, WriteFile) and effect.path in (hunk.file, hunk.old_path):
                    self.expect(run.id, hunk, effect.data)
        try:
            now = self._shop.hand.present()
            await self._shop.off_loop(_refuse_changed, present, now, touched(effects))
            await self._shop.hand.apply(hunks, effects)
        except BaseException:
            # What was written before it failed is told apart from what was not by the files.
            for intent in self._shop.chronicle.run(run.id).deciding:
                await finish_decision(self._shop, run.id, intent)
            raise

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
            *decided_facts(run, hunks, "rejected", reason), self._rule(run, hunks, reason)
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
            rework_task(run, f"T{first + number}", list(group), reason)
            for number, (_, group) in enumerate(by_path)
        ]
        await self._shop.chronicle.record(
            *reopening(run, "rework"), *decided_facts(run, hunks, "rework", reason), *tasks
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
        await self._shop.chronicle.record(*decided_facts(run, hunks, "pending", ""), *rules)

    def _undoable(self, run: Run, hunk: PendingHunk, present: StillPresent) -> PendingHunk:
        """An accepted hunk with what takes it out of the person's text.

        Raises:
            UsageError: nothing can without taking text of theirs along.
        """
        if hunk.settled and hunk.kind == "edit":
            hunk = replace(hunk, undo=self._shop.proposals.undo_alone(run, hunk, present))
        # A whole file's hunk has no lines of its own where a later one stands for all of them.
        if is_undoable(hunk) and (
            hunk.undo or self._shop.proposals.file_effects(run, [hunk], present)
        ):
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


def _refuse_changed(present: StillPresent, now: Present, paths: Sequence[str]) -> None:
    """Refuse to write over what the person has typed since the hunks were computed."""
    for path in present.changed(now, paths):
        raise NeedsPerson(
            f"{path} was changed while the decision was under way. Nothing was written; your "
            "text is as you left it. Decide again."
        )
