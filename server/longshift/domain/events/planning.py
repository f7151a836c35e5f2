"""What is to be done, and who says so: planners, equal agents, tasks, design notes."""

from typing import Literal

from longshift.domain.events.fact import OfRun
from longshift.domain.model import Rework, TaskPlan


class PlannerStarted(OfRun):
    """A planner, or a sub-planner with a slice of its own, began."""

    event: Literal["planner.started"] = "planner.started"
    planner: str
    parent: str | None = None
    scope: str = ""
    objective: str = ""


class PlannerFinished(OfRun):
    """A planner made all the tasks that it is going to make."""

    event: Literal["planner.finished"] = "planner.finished"
    planner: str
    outcome: Literal["finished", "failed", "interrupted"] = "finished"
    summary: str = ""
    evidence: str = ""
    heard: int | None = None
    """How many of the person's messages it was told of; None: it came to no end of its own, or it
    is not known, as of an older version."""


class DesignNoted(OfRun):
    """A planner decided something that holds for every task of the run.

    With an id that is known, it decides the same topic anew.
    """

    event: Literal["design.noted"] = "design.noted"
    note: str
    topic: str
    decision: str
    planner: str


class AgentStarted(OfRun):
    """One of several equal agents came to the run's list of tasks."""

    event: Literal["agent.started"] = "agent.started"
    agent: str


class AgentFinished(OfRun):
    """An equal agent takes no further task in this cycle."""

    event: Literal["agent.finished"] = "agent.finished"
    agent: str
    outcome: Literal["finished", "failed", "interrupted"] = "finished"
    """`failed`: it came to no end by itself, and may have left the list locked."""
    summary: str = ""


class TasksLocked(OfRun):
    """An equal agent has the list of tasks to itself (`flat-locked`)."""

    event: Literal["tasks.locked"] = "tasks.locked"
    agent: str
    waited_s: float = 0
    """How long it stood in line for it."""


class TasksUnlocked(OfRun):
    """The list of tasks is free again."""

    event: Literal["tasks.unlocked"] = "tasks.unlocked"
    agent: str
    """Who had it."""
    cause: Literal["released", "expired", "interrupted"] = "released"
    """`expired`: it was not released in its time. `interrupted`: nobody is left at work."""
    held_s: float = 0


class TaskAdded(OfRun):
    """A planner, an equal agent, or a person's rework, added a task."""

    event: Literal["task.added"] = "task.added"
    task: str
    plan: TaskPlan
    planner: str | None = None
    """The planner or equal agent that added it; None: the engine did."""
    rework: Rework | None = None


class TaskDropped(OfRun):
    """A task will not be done: the plan was dropped, or what it depends on failed."""

    event: Literal["task.dropped"] = "task.dropped"
    task: str
    reason: str
