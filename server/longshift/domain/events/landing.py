"""Attempts at tasks, and how they reach the head."""

from typing import Literal

from longshift.domain.events.fact import OfRun
from longshift.domain.model import AttemptFailure, Handoff


class AttemptStarted(OfRun):
    """A worker began to try a task, or an equal agent claimed it."""

    event: Literal["attempt.started"] = "attempt.started"
    task: str
    attempt: int
    base: str
    agent: str = ""
    """The equal agent that claimed it; "": a worker of its own was started."""


class AttemptFailed(OfRun):
    """An attempt ended without landing."""

    event: Literal["attempt.failed"] = "attempt.failed"
    task: str
    attempt: int
    failure: AttemptFailure
    reason: str
    retry: bool
    """True: the task waits for another attempt. False: the task failed."""
    handoff: Handoff = Handoff()
    """What was tried, for the next attempt: written by the engine, for no worker handed it in."""


class Landing(OfRun):
    """What an intended and a done landing say alike."""

    task: str
    attempt: int
    change: str | None
    """None: the submission changes nothing against the head."""
    commit: str
    parent: str
    paths: tuple[str, ...]
    handoff: Handoff = Handoff()


class LandingIntended(Landing):
    """Intent: the commit is written and the head is about to be moved to it."""

    event: Literal["landing.intended"] = "landing.intended"


class TaskLanded(Landing):
    """Done: the head stands on the task's commit, and its change can be reviewed."""

    event: Literal["task.landed"] = "task.landed"


class LandingConflict(OfRun):
    """A submission did not merge; the same worker resolves it."""

    event: Literal["landing.conflict"] = "landing.conflict"
    task: str
    attempt: int
    paths: tuple[str, ...]
    head: str


class FileReserved(OfRun):
    """A file goes to one task at a time: it drew many conflicts, or this task clashed again.

    Others that touch it wait with their landings until the task has landed or its attempt is over.
    """

    event: Literal["file.reserved"] = "file.reserved"
    task: str
    paths: tuple[str, ...]


class ConflictPredicted(OfRun):
    """Two tasks that are being worked on have edited the same lines; who lands last resolves."""

    event: Literal["conflict.predicted"] = "conflict.predicted"
    path: str
    tasks: tuple[str, str]
