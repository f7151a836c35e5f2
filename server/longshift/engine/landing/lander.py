"""Landing: putting workers' submissions on their run's head.

Owns the run's head and the order intent → compare-and-swap → fact. All that is ready at one moment
lands together: merged in order, each on the one before, written as one pack, intended in one
record, published by one swap. No role merges for another: what does not merge goes back to the
worker that submitted it, and nobody else waits for it.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from typing import Final

from longshift.crew.desk import Conflict, Landed
from longshift.domain.events import (
    Event,
    FileReserved,
    LandingConflict,
    LandingIntended,
    TaskLanded,
)
from longshift.domain.model import Handoff, Task
from longshift.domain.reserving import files_to_reserve, hears_early, is_hot
from longshift.engine.activities import Note
from longshift.engine.landing.admission import refuse_markers, refuse_secrets
from longshift.engine.landing.fading import resolved
from longshift.engine.landing.fitting import mark_stale
from longshift.engine.landing.inspection import news
from longshift.engine.landing.merging import Clash, Fit, Group, Merging, Waiting
from longshift.engine.room import RunRoom
from longshift.errors import NeedsPerson
from longshift.repository.landing import Submission
from longshift.repository.workspace import Workspace

MOST_TOGETHER: Final = 64
"""Submissions that land together: the first of them waits for the last."""
INTENTS_A_ROUND: Final = 8
"""Facts that are taken into the state in one round of the loop."""


class Lander:
    """Lands the submissions of one run. `close` it once nothing is submitted any more."""

    def __init__(self, room: RunRoom) -> None:
        """Land on the head of the room's run."""
        self._room = room
        self._merging = Merging(room.store)
        self._queue: deque[Waiting] = deque()
        self._landing: asyncio.Task[None] | None = None
        self._recording: set[asyncio.Task[None]] = set()
        self._clashing: dict[str, tuple[str, ...]] = {}
        self._under_way: dict[str, asyncio.Task[Landed | Conflict]] = {}

    async def land(
        self,
        task: Task,
        attempt: int,
        workspace: Workspace,
        handoff: Handoff,
        note: Note,
    ) -> Landed | Conflict:
        """Land a workspace's edits, or move the workspace onto the head that they clash with.

        Args:
            task: whose edits they are.
            attempt: its number.
            workspace: holds them.
            handoff: what is said of them.
            note: told when the submission leaves the line and lands.

        Raises:
            TellModel: conflict markers are left in the files that clashed before.
            OutOfBounds: the edits bring in a secret that this process knows, such as a key in
                use, or put a placeholder where a secret stood; or with them a link of the
                repository would lead out of it, or a new file would be another one's in another
                spelling.
            NeedsPerson: the head or the journal can't be written.
        """
        refuse_markers(self._clashing.get(task.id, ()), workspace.edits)
        await self._room.for_agent(refuse_secrets, self._room.store, workspace)
        landing = asyncio.create_task(self._land(task, attempt, workspace, handoff, note))
        self._under_way[task.id] = landing
        landing.add_done_callback(lambda _: self._under_way.pop(task.id, None))
        # A stop must not come between the intent and the fact: what is begun is finished.
        return await asyncio.shield(landing)

    def heed(self) -> None:
        """Look again who may land: an attempt that files were reserved for may be over."""
        if self._queue and (self._landing is None or self._landing.done()):
            self._landing = asyncio.create_task(self._land_all())

    async def settle(self, task_id: str) -> None:
        """Wait until nothing of a task is on its way to the head any more.

        What only waits for a file that goes to another task first is taken out of the queue.
        """
        landing = self._under_way.get(task_id)
        if landing is None:
            return
        for one in [one for one in self._queue if one.task.id == task_id]:
            if set(self._room.run.reserved) & set(one.submission.edits):
                self._queue.remove(one)
                one.answer.cancel()
        await asyncio.gather(landing, return_exceptions=True)

    async def close(self) -> None:
        """Wait until nothing is on its way to the head any more."""
        if self._landing is not None:
            await self._landing
        await asyncio.gather(*self._recording)

    async def _land(
        self, task: Task, attempt: int, workspace: Workspace, handoff: Handoff, note: Note
    ) -> Landed | Conflict:
        submission = Submission(workspace.commit, dict(workspace.edits), self._message(task))
        waiting = Waiting(task, attempt, workspace, handoff, submission, note)
        self._queue.append(waiting)
        self.heed()
        landed = await waiting.answer
        if isinstance(landed, Landed) and landed.change is not None:
            await mark_stale(self._room.shop, self._room.run_id, landed.change)
        return landed

    async def _land_all(self) -> None:
        """Land what waits, group by group; one at a time, for nothing else may move the head."""
        while self._queue:
            waiting, early = self._next_group(), self._next_early()
            if not waiting and not early:
                return  # all stand in line for files that are other tasks'
            try:
                if waiting:
                    await self._land_together(waiting)
                if early:
                    await self._tell_early(early)
            except Exception as error:  # noqa: BLE001 -- each of those who wait raises it
                for one in (*waiting, *early):
                    one.fail(error)
                self._queue = deque(one for one in self._queue if not one.answer.done())

    def _next_group(self) -> list[Waiting]:
        """Take those from the queue that may land now, in order.

        Invariant: where a file is reserved, only the task that it is reserved for. Who holds a
        file waits for nobody, so that no two can wait for each other. Those that were sent back
        often come first, and one at a time where a file draws many conflicts: the one that clashes
        holds it, and is sure to land.
        """
        run = self._room.run
        holders, taken = set(run.reserved.values()), set[str]()
        group, left = list[Waiting](), deque[Waiting]()
        for one in sorted(self._queue, key=lambda one: hears_early(run, one.task.id)):
            hot = {path for path in one.submission.edits if is_hot(run, path)}
            is_patient = not hears_early(run, one.task.id)
            waits = one.task.id not in holders and any(
                path in run.reserved or (is_patient and path in taken) for path in hot
            )
            if waits or len(group) == MOST_TOGETHER:
                left.append(one)
            else:
                group.append(one)
                taken |= hot
        self._queue = left
        return group

    def _next_early(self) -> list[Waiting]:
        """Those in line for another task's file who may hear at once that they clash.

        Each once for whom the file goes to: it is that one's landing which changes the answer.
        """
        run, found = self._room.run, list[Waiting]()
        for one in self._queue:
            edits = one.submission.edits
            holders = frozenset(run.reserved[path] for path in edits if path in run.reserved)
            if holders - one.stood_by and hears_early(run, one.task.id):
                one.stood_by |= holders
                found.append(one)
        return found

    async def _tell_early(self, waiting: Sequence[Waiting]) -> None:
        found = await self._room.off_loop(self._merging.foresee, waiting, self._room.run.head)
        clashes = [clash for clash in found if clash.waiting in self._queue]
        for clash in clashes:
            self._queue.remove(clash.waiting)
        await _one_a_round(self._send_back(clash) for clash in clashes)

    async def _land_together(self, waiting: Sequence[Waiting]) -> None:
        for one in waiting:
            one.note("landing")
        group = await self._room.off_loop(
            self._merging.merge, waiting, self._room.run, self._room.when()
        )
        for one, error in group.refused:
            one.fail(error)
        await _one_a_round(self._send_back(clash) for clash in group.clashes)
        if group.fits:
            await self._put_on_head(group)
        elif group.kept:  # what was written to merge what clashes after all
            await self._room.off_loop(self._room.store.release, group.kept)

    async def _put_on_head(self, group: Group) -> None:
        chronicle, run, store = self._room.chronicle, self._room.run, self._room.store
        intents = self._intents(group.fits)
        await _one_a_round(
            chronicle.record(*intents[first : first + INTENTS_A_ROUND])
            for first in range(0, len(intents), INTENTS_A_ROUND)
        )
        if group.head != run.head and not await self._room.off_loop(
            store.swap_head, run.id, run.head, group.head
        ):
            names = ", ".join(intent.task for intent in intents)
            raise NeedsPerson(
                f"The head of {run.id} was moved by someone else while {names} landed. What was "
                "made is kept as commits. Restart Longshift: it puts the head back in order."
            )
        if group.kept:
            await self._room.off_loop(store.release, group.kept)
        # Taken into the state in order, for each looks at the findings as the one before has left
        # them. The next group is merged while the journal takes these together.
        for fit, intent in zip(group.fits, intents, strict=True):
            recording = asyncio.create_task(self._record_landed(fit, intent))
            self._recording.add(recording)
            recording.add_done_callback(self._recording.discard)
            await asyncio.sleep(0)  # one a round of the loop, as in `_one_a_round`

    def _intents(self, fits: Sequence[Fit]) -> list[LandingIntended]:
        next_change = int(self._room.chronicle.state.next_id("C")[1:])
        intents: list[LandingIntended] = []
        for fit in fits:
            intents.append(
                LandingIntended(
                    run=self._room.run_id,
                    task=fit.waiting.task.id,
                    attempt=fit.waiting.attempt,
                    change=f"C{next_change}" if fit.moves else None,
                    commit=fit.merged.commit,
                    parent=fit.parent,
                    paths=fit.paths,
                    handoff=fit.waiting.handoff,
                )
            )
            next_change += fit.moves
        return intents

    async def _record_landed(self, fit: Fit, intent: LandingIntended) -> None:
        try:
            landed = TaskLanded(**intent.model_dump(exclude={"event"}))
            found = news(self._room, intent.commit, intent.paths, fit.defects)
            gone = resolved(self._room.run, fit.gone)
            await self._room.chronicle.record(landed, *found, *gone)
        except Exception as error:  # noqa: BLE001 -- its worker raises it
            fit.waiting.fail(error)
        else:
            self._clashing.pop(intent.task, None)
            fit.waiting.answer.set_result(Landed(intent.commit, intent.change))

    async def _send_back(self, clash: Clash) -> None:
        waiting, conflict = clash.waiting, clash.conflict
        run, task = self._room.run, waiting.task.id
        told: list[Event] = [
            LandingConflict(
                run=run.id,
                task=task,
                attempt=waiting.attempt,
                paths=conflict.paths,
                head=conflict.head,
            )
        ]
        # In one record, so that nobody else's landing comes between.
        if files := files_to_reserve(run, task, conflict.paths):
            told.append(FileReserved(run=run.id, task=task, paths=tuple(files)))
        await self._room.chronicle.record(*told)
        waiting.workspace.rebase_onto(conflict.head, conflict.edits)
        self._clashing[task] = conflict.paths
        waiting.answer.set_result(Conflict(conflict.paths, conflict.notes))

    def _message(self, task: Task) -> str:
        run = self._room.run
        return f"{task.plan.title}\n\nLongshift-Run: {run.id}\nLongshift-Task: {task.id}\n"


async def _one_a_round(works: Iterable[Coroutine[None, None, None]]) -> None:
    """Begin each in a round of the loop of its own, and wait for all.

    What a fact costs before it is on its way to the disk, dozens of them at once would cost an
    editor's key.
    """
    begun: list[asyncio.Task[None]] = []
    for work in works:
        begun.append(asyncio.create_task(work))
        await asyncio.sleep(0)
    await asyncio.gather(*begun)
