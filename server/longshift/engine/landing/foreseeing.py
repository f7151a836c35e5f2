"""Conflicts that can be seen coming: dry merges of what is at work on the same files.

Owns the register of who is editing what, and the fact that tells a person of two tasks that will
clash. Changes nothing: each of them goes on, and neither knows of the other (invariant 4).
"""

from typing import Final

from longshift.domain.events import ConflictPredicted
from longshift.engine.room import RunRoom
from longshift.repository.merge import are_texts
from longshift.repository.store import ObjectStore
from longshift.repository.text_merge import are_apart, merge_contents
from longshift.repository.workspace import Workspace

MOST_OTHERS: Final = 4
"""Tasks on the same file that one is held against at a time: of more, their own looks and their
landings tell. With 8 it was a seventh of what the turns of 200 agents cost."""
_Foreseen = tuple[str, tuple[str, str]]
"""A path, and the two tasks that will clash on it, the older one first."""
LARGEST_BYTES: Final = 1_000_000
"""A larger file is not merged for this alone."""


class Foresight:
    """Knows which workspaces of a run are being edited, and looks where they meet."""

    def __init__(self, room: RunRoom) -> None:
        """Watch the room's run."""
        self._room = room
        self._workspaces: dict[str, Workspace] = {}
        self._seen: dict[str, tuple[str, int]] = {}
        """By task, the commit and the state of its workspace when it was last looked at."""
        self._edited: dict[str, set[str]] = {}
        """By task, the paths that it has edited."""
        self._editing: dict[str, set[str]] = {}
        """By path, the tasks that have edited it."""

    def join(self, task_id: str, workspace: Workspace) -> None:
        """A task is being worked on."""
        self._workspaces[task_id] = workspace

    def leave(self, task_id: str) -> None:
        """Nobody works on a task any more."""
        self._workspaces.pop(task_id, None)
        self._seen.pop(task_id, None)
        for path in self._edited.pop(task_id, ()):
            self._editing[path].discard(task_id)
            if not self._editing[path]:
                del self._editing[path]

    async def look(self, task_id: str) -> None:
        """Hold what a task has edited since the last look against the others at work."""
        workspace = self._workspaces[task_id]
        state = (workspace.commit, workspace.state)
        if self._seen.get(task_id) == state:
            return
        self._seen[task_id] = state
        paths = workspace.changed_paths()
        self._edited.setdefault(task_id, set()).update(paths)
        for path in paths:
            self._editing.setdefault(path, set()).add(task_id)
        shared = {path: others for path in paths if (others := self._others(path, task_id))}
        if not shared:
            return
        found = await self._room.for_agent(self._clashing, task_id, shared)
        known = self._told()  # another look may have found the same meanwhile
        if new := [one for one in found if one not in known]:
            run = self._room.run_id
            await self._room.chronicle.record(
                *(ConflictPredicted(run=run, path=path, tasks=tasks) for path, tasks in new)
            )

    def _told(self) -> frozenset[_Foreseen]:
        return frozenset(self._room.run.predicted)

    def _others(self, path: str, task_id: str) -> list[str]:
        return sorted(self._editing[path] - {task_id})[:MOST_OTHERS]

    def _clashing(self, task_id: str, shared: dict[str, list[str]]) -> list[_Foreseen]:
        """The paths that two tasks will clash on and that nobody was told of; blocking."""
        found: list[_Foreseen] = []
        mine, known = self._workspaces.get(task_id), self._told()
        for path, others in shared.items():
            for other in others:
                first, second = sorted((task_id, other), key=lambda id_: int(id_[1:]))
                theirs = self._workspaces.get(other)
                if mine is None or theirs is None or (path, (first, second)) in known:
                    continue
                if _clash(self._room.store, path, mine, theirs):
                    found.append((path, (first, second)))
        return found


def _clash(store: ObjectStore, path: str, one: Workspace, other: Workspace) -> bool:
    """Whether two edits of one file, begun from the same version, can't be merged."""
    base = store.read_file(one.commit, path)
    if base != store.read_file(other.commit, path) or base is None:
        return False  # who came later is told by its own landing
    mine, theirs = one.edits.get(path), other.edits.get(path)
    if mine is None or theirs is None or not are_texts(base, mine, theirs):
        return mine != theirs
    if max(len(base.data), len(mine.data), len(theirs.data)) > LARGEST_BYTES:
        return False
    if mine == theirs or are_apart(base.data, mine.data, theirs.data):
        return False
    return merge_contents(store, base.data, mine.data, theirs.data) is None
