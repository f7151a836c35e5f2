"""What reaches a planner while it plans: what workers hand in late, and what others decide.

Owns to whom news go, each once. A planner that begins sees in its first message all that happened
before; so nothing of this outlasts a process, and what comes when no planner is at work waits for
the next cycle's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from longshift.crew.desk import News
from longshift.domain import events
from longshift.domain.model import Handoff, Task
from longshift.domain.state import Run
from longshift.engine.room import RunRoom

MOST_AT_ONCE: Final = 10
"""Tasks that one step tells of; the others follow at the next ones."""


class Newsroom:
    """The news of one run."""

    def __init__(self, room: RunRoom) -> None:
        """Begin with nothing to tell."""
        self._room = room
        self._tasks: list[str] = []
        """Those whose workers handed in something to tell, oldest first."""
        self._notes: dict[str, list[str]] = {}
        """By each planner at its desk, the design notes that it has not been told."""

    def heed(self, event: events.Event) -> None:
        """Take a fact of the run in; called after each."""
        match event:
            case events.TaskLanded() if _tells(event.handoff):
                self._note_task(event.task)
            case events.AttemptFailed(retry=False):
                self._note_task(event.task)
            case events.DesignNoted():
                for planner_id, untold in self._notes.items():
                    if planner_id != event.planner and event.note not in untold:
                        untold.append(event.note)

    @contextmanager
    def at_desk(self, planner_id: str) -> Iterator[None]:
        """While a planner is at its desk, which sees the run as it is when it comes."""
        self._notes[planner_id] = []
        self._tasks = [id_ for id_ in self._tasks if self._addressee(id_) != planner_id]
        try:
            yield
        finally:
            del self._notes[planner_id]

    def take(self, planner_id: str) -> News:
        """Hand over what a planner has not been told; of tasks a few at once."""
        run = self._room.run
        notes, self._notes[planner_id] = self._notes[planner_id], []
        told: list[Task] = []
        left: list[str] = []
        for id_ in self._tasks:
            addressee = self._addressee(id_)
            if addressee == planner_id and len(told) < MOST_AT_ONCE:
                told.append(run.tasks[id_])
            elif addressee is not None:
                left.append(id_)
        self._tasks = left
        return News(tuple(told), tuple(run.designs[id_] for id_ in notes))

    def _note_task(self, task_id: str) -> None:
        if self._addressee(task_id) is not None:
            self._tasks.append(task_id)

    def _addressee(self, task_id: str) -> str | None:
        return _addressee_of(self._room.run, task_id)


def _addressee_of(run: Run, task_id: str) -> str | None:
    """The planner at work whom a task's news concern; None: none is.

    That is who made the task or, where that one has ended, the nearest above it; in the end the
    planner of the whole goal.
    """
    planner = run.planners.get(run.tasks[task_id].planner or "")
    while planner is not None and planner.state != "running":
        planner = run.planners.get(planner.parent or "")
    if planner is not None:
        return planner.id
    return next(
        (p.id for p in run.planners.values() if p.state == "running" and not p.parent), None
    )


def _tells(handoff: Handoff) -> bool:
    return bool(handoff.concerns or handoff.deviations or handoff.findings)
