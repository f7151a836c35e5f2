"""The integrator between all workers and the head, where a run has one.

Owns the line in front of it: one submission at a time for the whole run, its worker waiting
meanwhile. Must never land by itself: what it hands in lands as any submission does.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from longshift import telemetry
from longshift.crew.briefs import IntegratorBrief, WorkLanded
from longshift.crew.desk import Conflict, Landed, SentBack
from longshift.crew.integrator import integrate
from longshift.domain.events import LandingConflict
from longshift.domain.model import Handoff, Task
from longshift.engine.activities import Note
from longshift.engine.desks.desk import AgentDesk
from longshift.engine.landing.lander import Lander
from longshift.engine.room import RunRoom
from longshift.engine.spending import Spending
from longshift.repository.files import Edits
from longshift.repository.landing import Conflict as MergeConflict
from longshift.repository.landing import Submission, merge_submission
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace


class Landing(Protocol):
    """The way of a submission to the head."""

    async def land(
        self, task: Task, attempt: int, workspace: Workspace, handoff: Handoff, note: Note, /
    ) -> Landed | Conflict | SentBack:
        """Land a workspace's edits, or hand them back; as `Lander.land`."""

    def heed(self) -> None:
        """Look again who may land."""

    async def settle(self, task_id: str) -> None:
        """Wait until nothing of a task is on its way to the head any more."""

    async def close(self) -> None:
        """Wait until nothing is on its way to the head any more."""


@dataclass(frozen=True, slots=True)
class _Laid:
    """A submission, laid over a head."""

    head: str
    edits: Edits
    clashes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class IntegratingDesk(AgentDesk):
    """The desk of the integrator, for one submission."""

    def __init__(
        self,
        room: RunRoom,
        spending: Spending,
        lander: Lander,
        task: Task,
        workspace: Workspace,
        handoff: Handoff,
    ) -> None:
        """Sit the integrator down to a submission of a task's newest attempt."""
        self._number = task.attempts[-1].number
        name = f"integrator.{task.id}.{self._number}"
        super().__init__(room, spending, "integrator", name, workspace)
        self._lander = lander
        self._task = task
        self._handoff = handoff
        self._state = workspace.state

    async def submit(self, handoff: Handoff) -> Landed | Conflict:
        """Land the workspace, with what its worker and the integrator say of it."""
        if self._workspace.state == self._state:
            said = self._handoff
        else:
            said = _joined(self._handoff, handoff)
        with self._doing("line"):
            land = self._lander.land
            return await land(self._task, self._number, self._workspace, said, self._note)


class Integrating:
    """Lands the submissions of one run through its integrator."""

    def __init__(self, room: RunRoom, spending: Spending, lander: Lander) -> None:
        """Stand before the lander of the room's run."""
        self._room = room
        self._spending = spending
        self._lander = lander
        self._one_at_a_time = asyncio.Lock()

    async def land(
        self,
        task: Task,
        attempt: int,
        workspace: Workspace,
        handoff: Handoff,
        _note: Note,
    ) -> Landed | SentBack:
        """Let the integrator land a workspace's edits, or send them back.

        Who submitted stands in line all the while: it is the integrator that lands.
        Sent back, the workspace stands on the present head, with conflict markers where it clashes.

        Raises:
            NeedsPerson: a budget is spent, a model is out of reach, or the head can't be written.
        """
        async with self._one_at_a_time:
            room = self._room
            laid = await room.for_agent(_lay, room.store, room.run.head, workspace, room.when())
            if laid.clashes:
                await room.chronicle.record(
                    LandingConflict(
                        run=room.run_id,
                        task=task.id,
                        attempt=attempt,
                        paths=laid.clashes,
                        head=laid.head,
                    )
                )
            joined = room.workspace(laid.head)
            joined.rebase_onto(laid.head, laid.edits)
            desk = IntegratingDesk(room, self._spending, self._lander, task, joined, handoff)
            with telemetry.agent("integrator", desk.agent, room.run_id):
                outcome = await integrate(desk, await self._brief(task, handoff, laid, joined))
            if isinstance(outcome, WorkLanded):
                return Landed(outcome.commit, outcome.change)
            workspace.rebase_onto(laid.head, laid.edits)
            return SentBack(outcome.reason, laid.clashes, laid.notes)

    def heed(self) -> None:
        """Look again who may land."""
        self._lander.heed()

    async def settle(self, task_id: str) -> None:
        """Wait until nothing of a task is on its way to the head any more."""
        await self._lander.settle(task_id)

    async def close(self) -> None:
        """Wait until nothing is on its way to the head any more."""
        await self._lander.close()

    async def _brief(
        self, task: Task, handoff: Handoff, laid: _Laid, joined: Workspace
    ) -> IntegratorBrief:
        room = self._room
        return IntegratorBrief(
            goal=room.run.started.goal,
            task=task,
            handoff=handoff,
            constraints=room.chronicle.constraints(),
            designs=tuple(room.run.designs.values()),
            clashes=laid.clashes,
            notes=laid.notes,
            diff=await room.for_agent(joined.diff),
            prompts=room.prompts,
        )


def _lay(store: ObjectStore, head: str, workspace: Workspace, when: int) -> _Laid:
    """Lay a submission over a head; blocking."""
    if head == workspace.commit:
        return _Laid(head, dict(workspace.edits))
    submission = Submission(workspace.commit, dict(workspace.edits), "")
    merged = merge_submission(store, head, submission, when=when)
    if isinstance(merged, MergeConflict):
        return _Laid(head, merged.edits, merged.paths, merged.notes)
    versions = {path: store.read_file(merged.commit, path) for path in merged.paths}
    return _Laid(head, {path: one.as_edit() if one else None for path, one in versions.items()})


def _joined(worker: Handoff, integrator: Handoff) -> Handoff:
    """What is said of a submission that the integrator has edited: its own word where it counts."""
    return Handoff(
        summary=worker.summary,
        concerns=_both(worker.concerns, integrator.concerns),
        deviations=_both(worker.deviations, integrator.deviations or integrator.summary),
        findings=(*worker.findings, *integrator.findings),
        commands=(*worker.commands, *integrator.commands),
        evidence=integrator.evidence,
    )


def _both(one: str, other: str) -> str:
    return "\n".join(text for text in (one, other) if text)
