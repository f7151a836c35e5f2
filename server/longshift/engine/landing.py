"""Landing: putting a worker's submission on its run's head.

Owns the run's head and the order intent → compare-and-swap → fact. No role merges for another:
what does not merge goes back to the worker that submitted it.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Final

from longshift.crew.desk import Conflict, Landed
from longshift.domain.events import LandingConflict, LandingIntended, TaskLanded
from longshift.domain.model import Handoff, Task
from longshift.engine.fading import faded, resolved, told
from longshift.engine.fitting import mark_stale
from longshift.engine.inspection import look, news
from longshift.engine.room import RunRoom, is_text
from longshift.errors import NeedsPerson, OutOfBounds, TellModel
from longshift.repository.files import FileEdit
from longshift.repository.landing import Conflict as MergeConflict
from longshift.repository.landing import Merged, Submission, merge_submission
from longshift.repository.links import new_ways_out
from longshift.repository.newcomers import check_landing
from longshift.repository.store import ObjectStore
from longshift.repository.workspace import Workspace
from longshift.screening.known import KNOWN
from longshift.screening.secrets import mask, placeholders

MARKER: Final = re.compile(rb"^(<{7} |>{7} |\|{7} )", re.MULTILINE)


class Lander:
    """Lands the submissions of one run, one at a time."""

    def __init__(self, room: RunRoom) -> None:
        """Land on the head of the room's run."""
        self._room = room
        self._one_at_a_time = asyncio.Lock()
        self._clashing: dict[str, tuple[str, ...]] = {}
        self._under_way: dict[str, asyncio.Task[Landed | Conflict]] = {}

    async def land(
        self, task: Task, attempt: int, workspace: Workspace, handoff: Handoff
    ) -> Landed | Conflict:
        """Land a workspace's edits, or move the workspace onto the head that they clash with.

        Raises:
            TellModel: conflict markers are left in the files that clashed before.
            OutOfBounds: the edits bring in a secret that this process knows, such as a key in
                use, or put a placeholder where a secret stood; or with them a link of the
                repository would lead out of it, or a new file would be another one's in another
                spelling.
            NeedsPerson: the head or the journal can't be written.
        """
        self._refuse_markers(task.id, workspace.edits)
        await self._room.off_loop(_refuse_secrets, self._room.store, workspace)
        landing = asyncio.create_task(self._land(task, attempt, workspace, handoff))
        self._under_way[task.id] = landing
        landing.add_done_callback(lambda _: self._under_way.pop(task.id, None))
        # A stop must not come between the intent and the fact: what is begun is finished.
        return await asyncio.shield(landing)

    async def settle(self, task_id: str) -> None:
        """Wait until nothing of a task is on its way to the head any more."""
        landing = self._under_way.get(task_id)
        if landing is not None:
            await asyncio.gather(landing, return_exceptions=True)

    async def _land(
        self, task: Task, attempt: int, workspace: Workspace, handoff: Handoff
    ) -> Landed | Conflict:
        submission = Submission(workspace.commit, dict(workspace.edits), self._message(task))
        async with self._one_at_a_time:
            head = self._room.run.head
            merged = await self._room.off_loop(
                merge_submission, self._room.store, head, submission, when=self._room.when()
            )
            if isinstance(merged, MergeConflict):
                return await self._send_back(task, attempt, workspace, merged)
            await self._room.off_loop(self._refuse_clashes, head, merged)
            self._clashing.pop(task.id, None)
            landed = await self._put_on_head(task, attempt, merged, handoff)
        if landed.change is not None:
            await mark_stale(self._room.shop, self._room.run_id, landed.change)
        return landed

    async def _put_on_head(
        self, task: Task, attempt: int, merged: Merged, handoff: Handoff
    ) -> Landed:
        # Before it lands, so that landing and findings are one record: the next agent sees both.
        paths = tuple(path for path in merged.paths if is_text(path))
        defects = await look(self._room, merged.commit, paths)
        chronicle, run = self._room.chronicle, self._room.run
        gone: list[str] = []
        if said := told(run):
            gone = await self._room.off_loop(faded, self._room.store, said, merged.commit, paths)
        moves = merged.commit != run.head
        change = chronicle.state.next_id("C") if moves else None
        intent = LandingIntended(
            run=run.id,
            task=task.id,
            attempt=attempt,
            change=change,
            commit=merged.commit,
            parent=run.head,
            paths=paths,
            handoff=handoff,
        )
        await chronicle.record(intent)
        if moves and not await self._room.off_loop(
            self._room.store.swap_head, run.id, run.head, merged.commit
        ):
            raise NeedsPerson(
                f"The head of {run.id} was moved by someone else while {task.id} landed. What it "
                "made is kept as a commit. Restart Longshift: it puts the head back in order."
            )
        landed = TaskLanded(**intent.model_dump(exclude={"event"}))
        found = news(self._room, merged.commit, paths, defects)
        await chronicle.record(landed, *found, *resolved(self._room.run, gone))
        return Landed(merged.commit, change)

    async def _send_back(
        self, task: Task, attempt: int, workspace: Workspace, conflict: MergeConflict
    ) -> Conflict:
        await self._room.chronicle.record(
            LandingConflict(
                run=self._room.run.id,
                task=task.id,
                attempt=attempt,
                paths=conflict.paths,
                head=conflict.head,
            )
        )
        workspace.rebase_onto(conflict.head, conflict.edits)
        self._clashing[task.id] = conflict.paths
        return Conflict(conflict.paths, conflict.notes)

    def _refuse_markers(self, task_id: str, edits: Mapping[str, FileEdit | None]) -> None:
        for path in self._clashing.get(task_id, ()):
            edit = edits.get(path)
            if edit is not None and MARKER.search(edit.data):
                raise TellModel("markers_left", paths=[path])

    def _refuse_clashes(self, head: str, merged: Merged) -> None:
        """Refuse what is harmless by itself, and not together with what landed meanwhile."""
        check_landing(self._room.store, head, merged.commit, merged.paths)
        links = new_ways_out(self._room.store, head, merged.commit, merged.paths)
        if links:
            raise OutOfBounds("path", "links_lead_out", paths=links)

    def _message(self, task: Task) -> str:
        run = self._room.run
        return f"{task.plan.title}\n\nLongshift-Run: {run.id}\nLongshift-Task: {task.id}\n"


def _refuse_secrets(store: ObjectStore, workspace: Workspace) -> None:
    """Let no secret of this machine land, nor a placeholder in the place of one."""
    bringing, overwriting = [], []
    for path, edit in workspace.edits.items():
        if edit is None:
            continue
        version = store.read_file(workspace.commit, path)
        old, new = _text(version.data if version else b""), _text(edit.data)
        if _count_known(path) or _count_known(new) > _count_known(old):
            bringing.append(mask(path))
        if placeholders(new) - placeholders(old):
            overwriting.append(path)
    if bringing:
        raise OutOfBounds("secret", "secret_submitted", paths=sorted(bringing))
    if overwriting:
        raise OutOfBounds("secret", "placeholder_submitted", paths=sorted(overwriting))


def _count_known(text: str) -> int:
    return sum(1 for _ in KNOWN.find(text))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
