"""The course of a run: its start and end, its cycles, its head, its budgets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from longshift.domain.events.fact import OfRun
from longshift.domain.model import (
    Amount,
    Budget,
    BudgetKind,
    Goal,
    Outcome,
    PauseCause,
    StopRules,
    Strategy,
    Usage,
    Value,
)


class RunStarted(OfRun):
    """A person's goal became a run."""

    event: Literal["run.started"] = "run.started"
    goal: Goal
    repo: str
    """The worktree's root, an absolute path: a run belongs to one worktree."""
    base: str
    """The snapshot commit that the run stands on."""
    checkout: str | None = None
    """What HEAD named at the start, to notice a checkout of other content."""
    strategy: Strategy = "planner-worker-judge"
    integrator: bool = False
    workers: int = 8
    budget: Budget = Budget()
    overlap: Literal["order", "allow"] = "order"
    stop: StopRules = StopRules()
    """When it is ended for going nowhere."""
    overrides: str = "{}"
    """What was set for this run alone, as JSON: a resume in another process works alike."""
    models: Mapping[str, str] = {}
    """By role, the model at the start. One that is set nowhere any more is missed when the run goes
    on, and not replaced by the built-in one."""


class RunResumed(OfRun):
    """A paused run goes on, or an ended one is reopened for rework."""

    event: Literal["run.resumed"] = "run.resumed"
    reason: str = ""
    checkout: str | None = None
    """What HEAD names now: a checkout that the person has seen does not pause the run again."""
    budget: Budget | None = None
    """The limits that hold from here on; None: those that held before."""


class RunPaused(OfRun):
    """No agent takes a further step until the run is resumed."""

    event: Literal["run.paused"] = "run.paused"
    reason: str = ""
    cause: PauseCause = "person"
    since: datetime | None = None
    """When work really came to a stop, where the process ended and nobody could say so at once, or
    the clock leapt: by the clock before, so after this event where it was set back; None: now."""


class RunRecovered(OfRun):
    """The process before ended without a word; this one has put in order what it left."""

    event: Literal["run.recovered"] = "run.recovered"
    done: tuple[str, ...]
    """What was finished or undone, a sentence each; empty: nothing was half done."""


class TaskCounts(Value):
    """How the tasks of a run ended."""

    landed: int
    failed: int


class RunFinished(OfRun):
    """The run ended; a rework opens it again, and a raised budget where that was used up."""

    event: Literal["run.finished"] = "run.finished"
    outcome: Outcome
    reason: str = ""
    cycles: int
    tasks: TaskCounts
    conflicts: int
    usage: Usage
    head: str
    rule: str = ""
    """Which rule of `domain.stopping` ended it, `person`, or "": an older version did."""
    figures: Mapping[str, int | float | str] = {}
    """What the rule went by, by name."""


class RunSteered(OfRun):
    """A person's message to the planner; it is read at the planner's next step."""

    event: Literal["run.steered"] = "run.steered"
    message: str


class CycleStarted(OfRun):
    """Plan, work, judge: once more, with fresh contexts."""

    event: Literal["cycle.started"] = "cycle.started"
    cycle: Annotated[int, Field(ge=1)]
    mode: Literal["plan", "replan", "retry"] = "plan"
    """`retry`: the tasks that the last verdict named run again, without planning."""
    tree: str = ""
    """The tree of the head that it begins with; "": not known, as of an older version."""


class HeadMoved(OfRun):
    """The head took in the person's present text, or lost what the person rejected."""

    event: Literal["head.moved"] = "head.moved"
    head: str
    taken: str
    """The snapshot of the person's text that the head now stands on."""
    paths: tuple[str, ...] = ()
    """Paths whose content at the head differs from before the move."""
    checkout: str | None = None


class HeadPublished(OfRun):
    """The person's repository holds the head, whole, under `refs/longshift/<run>/head`."""

    event: Literal["head.published"] = "head.published"
    head: str


class BudgetWarned(OfRun):
    """A share of a budget is used, or reserved for calls under way."""

    event: Literal["budget.warned"] = "budget.warned"
    kind: BudgetKind
    used: Amount
    limit: Amount
    percent: int
    task: str | None = None
    """The task whose own budget it is; None: the run's."""


class BudgetExceeded(OfRun):
    """A call was refused because the budget has no room for it."""

    event: Literal["budget.exceeded"] = "budget.exceeded"
    kind: BudgetKind
    used: Amount
    limit: Amount
    task: str | None = None
    """The task whose own budget it is; None: the run's."""
