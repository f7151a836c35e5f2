"""Decisions of the person: accept, reject, rework, and taking each of them back.

Owns the order intent → effect → fact towards the person's files and buffers. Must never write
there but what the decision names, and never record as accepted what does not stand there.
"""

from collections.abc import Sequence
from itertools import groupby

from longshift.crew.prompts import say
from longshift.domain import events
from longshift.domain.model import Constraint, HunkDecision, Rework, TaskPlan
from longshift.domain.state import Phase, Run
from longshift.engine.ports import sha256
from longshift.engine.room import Shop
from longshift.errors import NeedsPerson
from longshift.review.decisions import Target, chosen, constraint_text
from longshift.review.shapes import PendingHunk, WriteFile
from longshift.review.unified import hunk_diff


class Decisions:
    """Carries out a person's decisions on the hunks of any run."""

    def __init__(self, shop: Shop) -> None:
        """Decide on the shop's runs, writing through its hand."""
        self._shop = shop

    async def hunks(self, run: Run, change_id: str | None = None) -> tuple[PendingHunk, ...]:
        """The hunks of a run, or of one change, against what the person has now."""
        present = self._shop.hand.present()
        change = run.changes.get(change_id) if change_id else None
        if change is None:
            return await self._shop.off_loop(self._shop.proposals.of_run, run, present)
        found: list[PendingHunk] = []
        for path in change.paths:
            found += await self._shop.off_loop(self._shop.proposals.of_path, run, path, present)
        return tuple(found)

    async def decide(
        self, run: Run, target: Target, decision: HunkDecision, reason: str = ""
    ) -> str:
        """Carry out one decision.

        Returns:
            The state of the hunks it was about.

        Raises:
            UsageError: the target names nothing, or nothing that can take this decision.
            NeedsPerson: the text could not be written, or does not show what was accepted.
        """
        hunks = chosen(run, await self.hunks(run, target.change_id), target, decision)
        match decision:
            case "accepted":
                await self._write(run, [h for h in hunks if h.state == "pending"], decision)
                await self._confirm(run, hunks)
                await self._record(run, hunks, decision, reason)
            case "rejected":
                await self._reject(run, hunks, reason)
            case "rework":
                await self._rework(run, hunks, reason)
            case "pending":
                await self._undo(run, hunks)
        return decision

    async def decide_all(self, run: Run, decision: HunkDecision, path: str | None = None) -> int:
        """Accept or reject everything that is pending, of one path or of the whole run.

        Returns:
            How many hunks there were.
        """
        pending = [
            hunk
            for hunk in await self.hunks(run)
            if hunk.state == "pending" and path in (None, hunk.path, hunk.old_path)
        ]
        if decision == "accepted" and pending:
            await self._write(run, pending, decision)
            await self._confirm(run, pending)
        by_change = sorted(pending, key=lambda hunk: (int(hunk.change_id[1:]), hunk.path))
        for _, group in groupby(by_change, key=lambda hunk: hunk.change_id):
            hunks = list(group)
            if decision == "accepted":
                await self._record(run, hunks, decision, "")
            else:
                await self._reject(run, hunks, "")
        return len(pending)

    async def _write(self, run: Run, hunks: Sequence[PendingHunk], decision: HunkDecision) -> None:
        """Write hunks into, or take them out of, the person's text; the intent comes first."""
        if not hunks:
            return
        present = self._shop.hand.present()
        effects = await self._shop.off_loop(self._shop.proposals.file_effects, run, hunks, present)
        intents: list[events.DecisionIntended] = []
        for effect in effects:
            if isinstance(effect, WriteFile):
                before = await self._shop.off_loop(present.read, effect.path)
                data = before.data if before else None
                intents += _intents(run, hunks, effect, sha256(data), decision)
        await self._shop.chronicle.record(*intents)
        await self._shop.hand.apply(hunks, effects)

    async def _confirm(self, run: Run, hunks: Sequence[PendingHunk]) -> None:
        """Believe an acceptance only once the person's text shows it."""
        wanted = {hunk.key for hunk in hunks}
        for change_id in {hunk.change_id for hunk in hunks}:
            for hunk in await self.hunks(run, change_id):
                if hunk.key in wanted and hunk.state in ("pending", "stale"):
                    raise NeedsPerson(
                        f"Hunk {hunk.hunk} of {hunk.change_id} in {hunk.path} does not stand in "
                        "your text, so it was not recorded as accepted. Nothing was lost; accept "
                        "it again."
                    )

    async def _record(
        self, run: Run, hunks: Sequence[PendingHunk], decision: HunkDecision, reason: str
    ) -> None:
        await self._shop.chronicle.record(*_decided(run, hunks, decision, reason))

    async def _reject(self, run: Run, hunks: Sequence[PendingHunk], reason: str) -> None:
        change_id = hunks[0].change_id
        id_ = self._shop.chronicle.state.next_id("K")
        text = constraint_text(hunks, reason)
        constraint = Constraint(
            id=id_, text=text, source="rejection", run_id=run.id, change_id=change_id
        )
        await self._shop.chronicle.record(
            *_decided(run, hunks, "rejected", reason),
            events.ConstraintAdded(run=run.id, constraint=id_, detail=constraint),
        )

    async def _rework(self, run: Run, hunks: Sequence[PendingHunk], reason: str) -> None:
        """Have hunks done otherwise: a task with the person's words; an ended run is reopened."""
        first = int(run.next_task_id[1:])
        by_path = groupby(sorted(hunks, key=lambda h: (h.path, h.hunk)), key=lambda h: h.path)
        tasks = [
            _rework_task(run, f"T{first + number}", list(group), reason)
            for number, (_, group) in enumerate(by_path)
        ]
        await self._shop.chronicle.record(
            *reopening(run, "rework"), *_decided(run, hunks, "rework", reason), *tasks
        )

    async def _undo(self, run: Run, hunks: Sequence[PendingHunk]) -> None:
        accepted = [hunk for hunk in hunks if hunk.state == "accepted"]
        await self._write(run, accepted, "pending")
        lifted = [
            events.ConstraintLifted(run=run.id, constraint=constraint.id)
            for constraint in self._shop.chronicle.constraints()
            if constraint.run_id == run.id
            and constraint.change_id in {h.change_id for h in hunks if h.state == "rejected"}
        ]
        await self._shop.chronicle.record(*_decided(run, hunks, "pending", ""), *lifted)


def _rework_task(
    run: Run, task_id: str, hunks: Sequence[PendingHunk], words: str
) -> events.TaskAdded:
    change, path = hunks[0].change_id, hunks[0].path
    plan = TaskPlan(
        title=say("rework_title", title=hunks[0].title),
        instructions=say("rework_instructions", change=change, path=path, words=words),
        paths=(path,),
        acceptance=(say("rework_acceptance", path=path),),
    )
    rework = Rework(change_id=change, path=path, diff="\n".join(map(hunk_diff, hunks)), words=words)
    return events.TaskAdded(run=run.id, task=task_id, plan=plan, rework=rework)


def _intents(
    run: Run,
    hunks: Sequence[PendingHunk],
    effect: WriteFile,
    before_sha256: str | None,
    decision: HunkDecision,
) -> list[events.DecisionIntended]:
    named = [hunk for hunk in hunks if effect.path in (hunk.path, hunk.old_path)]
    return [
        events.DecisionIntended(
            run=run.id,
            change=decided.change,
            path=decided.path,
            hunks=decided.hunks,
            decision=decision,
            before_sha256=before_sha256,
            after_sha256=sha256(effect.data),
        )
        for decided in _decided(run, named, decision, "")
    ]


def reopening(run: Run, reason: str) -> list[events.RunResumed]:
    """The fact that makes an ended run go on; none where it has not ended."""
    if run.phase is not Phase.ENDED:
        return []
    return [events.RunResumed(run=run.id, reason=reason)]


def _decided(
    run: Run, hunks: Sequence[PendingHunk], decision: HunkDecision, reason: str
) -> list[events.ChangeDecided]:
    def key(hunk: PendingHunk) -> tuple[int, str]:
        return int(hunk.change_id[1:]), hunk.path

    return [
        events.ChangeDecided(
            run=run.id,
            change=f"C{number}",
            path=path,
            hunks=tuple(sorted(hunk.hunk for hunk in group)),
            decision=decision,
            reason=reason,
        )
        for (number, path), group in groupby(sorted(hunks, key=key), key=key)
    ]
