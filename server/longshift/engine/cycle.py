"""The start of a cycle: the head takes in what the person has now.

Owns the merge of the person's text into the head and the removal of what they rejected. The
person's side always wins: workers build on what the person has, never the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from longshift.crew.prompts import say
from longshift.domain import events
from longshift.domain.budgets import cycle_facts
from longshift.domain.decide import BeginCycle
from longshift.domain.model import TaskPlan
from longshift.domain.state import Run
from longshift.engine.landing.fading import faded, resolved, told
from longshift.engine.landing.inspection import inspect_all
from longshift.engine.room import RunRoom, Shop, is_text
from longshift.errors import NeedsPerson
from longshift.repository.files import FileEdit
from longshift.repository.merge import FavouredMerge, merge_trees_favouring
from longshift.repository.snapshot import Snapshot, take_snapshot
from longshift.repository.store import ObjectStore
from longshift.review.decisions import RejectedEdits, rejected_edits
from longshift.review.shapes import (
    DeleteFile,
    PendingHunk,
    PresentFile,
    RenameFile,
    WriteFile,
)
from longshift.review.unified import hunk_diff
from longshift.screening import detector
from longshift.screening.files import SecretFiles
from longshift.settings import Settings


async def snapshot(shop: Shop, settings: Settings, message: str) -> Snapshot:
    """Commit what the person has at this moment, unsaved buffers included."""
    await shop.off_loop(detector.load)  # by now, what agents do is looked at by it, too
    return await shop.off_loop(
        take_snapshot,
        shop.worktree,
        shop.store,
        unsaved=await shop.hand.unsaved(),
        exclude=settings.exclude,
        why_secret=SecretFiles(settings.allow_secret_files).why_left_out,
        message=message,
        when=shop.when(),
    )


async def begin_cycle(room: RunRoom, begin: BeginCycle) -> None:
    """Move the head onto the person's present text, then record that the cycle has begun.

    The first cycle finds the head where the run has just started it, so nothing is moved.
    """
    if begin.cycle == 1:
        await room.chronicle.record(*await _started(room, begin, room.run.head))
        await inspect_all(room)
        return
    run = room.run
    rejected = await room.off_loop(rejected_edits, run, room.shop.proposals)
    head = await room.off_loop(_without_rejected, room, rejected)
    taken = await snapshot(room.shop, room.settings, f"What the person had, {run.id}")
    merged = await room.off_loop(
        merge_trees_favouring,
        room.store,
        run.taken,
        taken.commit,
        head,
        message=f"Take in the person's text\n\nLongshift-Run: {run.id}\n",
        when=room.when(),
    )
    onto = await room.off_loop(_with_what_fits, room, merged, taken.commit)
    base = await room.off_loop(_kept_name, room, taken.commit, head)
    moved = await room.off_loop(_move, room, onto, base)
    gone = await room.off_loop(faded, room.store, told(run), onto, moved[0].paths)
    clashes = _clash_tasks(room, rejected)
    started = await _started(room, begin, moved[0].head)
    await room.chronicle.record(*clashes, *moved, *resolved(room.run, gone), *started)


async def _started(room: RunRoom, begin: BeginCycle, head: str) -> list[events.Event]:
    tree = await room.off_loop(room.store.objects.tree_of, head)
    return [
        events.CycleStarted(run=room.run_id, cycle=begin.cycle, mode=begin.mode, tree=str(tree)),
        *cycle_facts(room.run, begin.cycle),
    ]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What the person had at a snapshot, as review reads it."""

    store: ObjectStore
    commit: str

    def read(self, path: str) -> PresentFile | None:
        """Give the file at a path; None where nothing stood there."""
        version = self.store.read_file(self.commit, path)
        return None if version is None else PresentFile(data=version.data, mode=version.mode)

    def as_edit(self, path: str) -> FileEdit | None:
        """Give the same as an edit that puts it there; None: it is to be gone."""
        version = self.store.read_file(self.commit, path)
        return None if version is None else FileEdit(version.data, version.mode)


def _with_what_fits(room: RunRoom, merged: FavouredMerge, taken: str) -> str:
    """Give each file that the person changed their text with every hunk that fits it.

    Git knows of no hunks: neighbouring edits are a clash to it, and a file that they accepted is
    one that both sides made. A hunk that is pending before the merge must be pending after it.
    Where a hunk no longer fits, git's merge stands if there was no clash: it may hold part of it.
    """
    proposals, run = room.shop.proposals, _before_rework(room.run)
    person = _Snapshot(room.store, taken)
    changed = {
        path
        for difference in room.store.differences(run.taken, taken)
        for path in (difference.path, difference.old_path)
    }
    edits: dict[str, FileEdit | None] = {}
    for path in proposals.paths(run):
        if changed.isdisjoint(proposals.every_name(run, path)):
            continue
        names = {path, *proposals.names(run, path)}
        hunks = proposals.of_path(run, path, person)
        if names.isdisjoint(merged.lost) and any(hunk.state == "stale" for hunk in hunks):
            continue
        edits |= {name: person.as_edit(name) for name in names}
        edits |= _fitting(room, path, [h for h in hunks if h.state == "pending"], person, merged)
    held = _Snapshot(room.store, merged.commit)
    edits = {path: edit for path, edit in edits.items() if edit != held.as_edit(path)}
    if not edits:
        return merged.commit
    message = f"Keep what fits the person's text\n\nLongshift-Run: {run.id}\n"
    return room.store.commit_edits(merged.commit, edits, message, when=room.when())


def _fitting(
    room: RunRoom,
    path: str,
    hunks: Sequence[PendingHunk],
    person: _Snapshot,
    merged: FavouredMerge,
) -> dict[str, FileEdit | None]:
    """What pending hunks do to one file of the person's, as edits of the head."""
    edits: dict[str, FileEdit | None] = {}
    for effect in room.shop.proposals.file_effects(room.run, hunks, person):
        match effect:
            case WriteFile(path=written, data=data, mode=mode):
                if written != path and room.store.read_file(merged.commit, path) is not None:
                    # The head has moved it, which is to be done otherwise: not pending, nor undone.
                    edits[written], written = None, path
                edits[written] = FileEdit(data, mode)
            case RenameFile(old_path=old, path=new):
                edits |= {old: None, new: person.as_edit(old)}
            case DeleteFile(path=gone):
                edits[gone] = None
    return edits


def _before_rework(run: Run) -> Run:
    """The run without what is asked to be done otherwise: until it is, the head holds it."""
    changes = {
        change.id: change.model_copy(
            update={
                "decisions": {
                    key: said for key, said in change.decisions.items() if said.decision != "rework"
                }
            }
        )
        for change in run.changes.values()
    }
    return replace(run, changes=changes)


def _kept_name(room: RunRoom, taken: str, head: str) -> str:
    """A commit with the snapshot's content that the head's history holds.

    Where there was nothing to merge, the snapshot is no parent of the head, and the next pruning
    would take it from under the run.
    """
    tree_of = room.store.objects.tree_of
    for held in (room.run.taken, head):
        if tree_of(held) == tree_of(taken):
            return held
    return taken


def _without_rejected(room: RunRoom, rejected: RejectedEdits) -> str:
    if not rejected.edits:
        return room.run.head
    message = f"Take out what was rejected\n\nLongshift-Run: {room.run_id}\n"
    return room.store.commit_edits(room.run.head, rejected.edits, message, when=room.when())


def _move(room: RunRoom, head: str, taken: str) -> list[events.HeadMoved]:
    """Swap the head, and say so. After a crash in between, recovery puts the ref back."""
    run = room.run
    if head != run.head and not room.store.swap_head(run.id, run.head, head):
        raise NeedsPerson(
            f"The head of {run.id} was moved by someone else. Nothing is lost: its commits are "
            "kept. Restart Longshift: it puts the head back in order."
        )
    paths = {
        path
        for difference in room.store.differences(run.head, head)
        for path in (difference.path, difference.old_path)
        if path is not None and is_text(path)
    }
    return [
        events.HeadMoved(
            run=run.id,
            head=head,
            taken=taken,
            paths=tuple(sorted(paths)),
            checkout=room.shop.worktree.head_commit(),
        )
    ]


def _clash_tasks(room: RunRoom, rejected: RejectedEdits) -> list[events.TaskAdded]:
    """One task for each rejected hunk that later landings built on: it can't just be cut out."""
    run = room.run
    number = int(run.next_task_id[1:])
    return [
        events.TaskAdded(
            run=run.id,
            task=f"T{number + offset}",
            plan=TaskPlan(
                title=say("rejection_clash_title", path=hunk.path),
                instructions=say(
                    "rejection_clash_instructions", path=hunk.path, hunk=hunk_diff(hunk)
                ),
                paths=(hunk.path,),
            ),
        )
        for offset, hunk in enumerate(rejected.clashes)
    ]
