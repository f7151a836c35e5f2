"""Which events move what: the one table of a run's phases and of a task's states.

Owns every allowed move, and the refusal of all others. `docs/state.md` is drawn from here.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

from longshift.domain import events as e
from longshift.domain.model import (
    TaskState,
)
from longshift.domain.state import Phase

PHASES: Final[Mapping[tuple[Phase, type[e.OfRun]], Phase]] = {
    (Phase.READY, e.CycleStarted): Phase.WORKING,
    (Phase.WORKING, e.JudgeStarted): Phase.JUDGING,
    (Phase.JUDGING, e.JudgeStarted): Phase.JUDGING,  # again, after an interruption
    (Phase.JUDGING, e.VerdictReached): Phase.JUDGED,
    (Phase.JUDGED, e.CycleStarted): Phase.WORKING,
    (Phase.JUDGED, e.JudgeStarted): Phase.JUDGING,  # a second judge, after a marginal `done`
    (Phase.READY, e.RunFinished): Phase.ENDED,
    (Phase.WORKING, e.RunFinished): Phase.ENDED,
    (Phase.JUDGING, e.RunFinished): Phase.ENDED,
    (Phase.JUDGED, e.RunFinished): Phase.ENDED,
    (Phase.ENDED, e.RunResumed): Phase.READY,  # reopened: a rework, or a raised budget
}
"""Events that move a run's phase; a pair that is missing here is refused."""

TASKS: Final[Mapping[tuple[TaskState, type[e.OfRun]], TaskState]] = {
    (TaskState.WAITING, e.AttemptStarted): TaskState.RUNNING,
    (TaskState.WAITING, e.TaskDropped): TaskState.DROPPED,
    (TaskState.RUNNING, e.AttemptFailed): TaskState.FAILED,  # or WAITING, where it says retry
    (TaskState.RUNNING, e.LandingIntended): TaskState.RUNNING,
    (TaskState.RUNNING, e.LandingConflict): TaskState.RUNNING,
    (TaskState.RUNNING, e.TaskLanded): TaskState.LANDED,
}
"""Events that move a task; a pair that is missing here is refused."""

WORKING_ONLY: Final = (
    e.PlannerStarted,
    e.DesignNoted,
    e.AgentStarted,
    e.AttemptStarted,
    e.LandingIntended,
    e.TaskLanded,
    e.LandingConflict,
    e.FileReserved,
    e.ConflictPredicted,
)
"""Events of planners, equal agents and workers, who exist in no other phase."""


class Refused(ValueError):
    """The event cannot happen in this state; the message says why."""


Item = TypeVar("Item")


def known(mapping: Mapping[str, Item], key: str, what: str) -> Item:
    """The value of a key; an event that names another is refused."""
    if key not in mapping:
        raise Refused(f"there is no {what} {key}")
    return mapping[key]


def name_of(event: e.Fact) -> str:
    """An event's name."""
    return str(getattr(event, "event", type(event).__name__))
