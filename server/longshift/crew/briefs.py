"""What each role is started with, and how its work can end.

Owns the values that the engine hands to `plan`, `choose`, `work` and `judge`, and the closed
unions that come back. Must never hold words for a model: `opening` makes the first message from a
brief.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from longshift.crew.prompts import Library, library
from longshift.domain.contention import Contended
from longshift.domain.model import (
    Attempt,
    Constraint,
    DesignNote,
    Finding,
    Goal,
    Handoff,
    Task,
    Verdict,
    VerdictDecision,
)

Gates = Literal["enforce", "advise", "off"]
"""How the gates on add_task, submit and verdict act.

`enforce`: a call that a gate holds back is refused (`submit`: once an attempt). `advise`: it is
refused once, and made again it passes. `off`: no gate speaks.
"""

CycleMode = Literal["plan", "replan", "retry"]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How many calls of the model one conversation may take, one grace call not counted."""

    planner: int = 40
    sub_planner: int = 25
    worker: int = 80
    judge: int = 25
    agent: int = 40
    """Of an equal agent, to choose one task."""
    integrator: int = 40
    """For one submission."""
    after_conflict: int = 20
    """At least so many are left to a worker when its submission conflicts."""


READING_ALL: Final = CallLimits(planner=2_000, sub_planner=2_000, judge=2_000, agent=2_000)
"""Of the built-in model, whose calls cost nothing: it reads each file of a scope, one by one."""


@dataclass(frozen=True, slots=True)
class StaleNote:
    """One file in which a landed task did not fit the person's own text."""

    task: str
    path: str


@dataclass(frozen=True, slots=True)
class PlannerBrief:
    """What a planner starts from."""

    goal: Goal
    planner_id: str
    cycle: int
    mode: CycleMode = "plan"
    constraints: Sequence[Constraint] = ()
    """Those that hold now; lifted ones are left out by the engine."""
    designs: Sequence[DesignNote] = ()
    """What planners have decided for all tasks."""
    scope: str = ""
    """A sub-planner's slice in its planner's words; "" for the planner of the whole goal."""
    objective: str = ""
    """What a sub-planner is to reach; "" for the planner of the whole goal."""
    earlier: Sequence[Task] = ()
    """This run's tasks so far, with how their attempts went."""
    findings: Sequence[Finding] = ()
    """The open ones."""
    verdict: Verdict | None = None
    """The last cycle's; None in the first cycle."""
    contended: Sequence[Contended] = ()
    """Files on which many submissions have clashed."""
    stale: Sequence[StaleNote] = ()
    """What the last cycle landed where the person had written something else meanwhile."""
    agents_md: str | None = None
    """The repository's own words to agents, written by people, the nearest last; None: none."""
    overview: str = ""
    """A map of the repository: files, each with its main definitions; "": none is shown."""
    whole: bool = False
    """Whether its lists are shown whole, however long: to a model that reads them by rule."""
    gates: Gates = "enforce"
    limits: CallLimits = CallLimits()
    prompts: Library = field(default_factory=library)
    """The prompts that hold for the run."""

    @property
    def is_sub_planner(self) -> bool:
        """Whether another planner delegated this slice."""
        return bool(self.scope or self.objective)


@dataclass(frozen=True, slots=True)
class AgentBrief:
    """What an equal agent starts from when it is to choose a task."""

    goal: Goal
    agent_id: str
    cycle: int
    mode: CycleMode = "plan"
    constraints: Sequence[Constraint] = ()
    earlier: Collection[Task] = ()
    """This run's tasks so far; it is not told of them, but asks for the list."""
    findings: Sequence[Finding] = ()
    """The open ones."""
    verdict: Verdict | None = None
    """The last cycle's; None in the first cycle."""
    stale: Sequence[StaleNote] = ()
    agents_md: str | None = None
    overview: str = ""
    gates: Gates = "enforce"
    limits: CallLimits = CallLimits()
    prompts: Library = field(default_factory=library)
    """The prompts that hold for the run."""


@dataclass(frozen=True, slots=True)
class ReworkNote:
    """A person's wish to have one hunk done otherwise."""

    change: str
    path: str
    hunk: str
    """The hunk as a unified diff."""
    words: str
    """What the person said; "" where nothing was said."""
    present: str = ""
    """The person's own text at the hunk's place, where it is another than the workspace's."""


@dataclass(frozen=True, slots=True)
class WorkerBrief:
    """What a worker starts from; its workspace comes with the desk."""

    goal: Goal
    task: Task
    constraints: Sequence[Constraint] = ()
    designs: Sequence[DesignNote] = ()
    earlier_attempts: Sequence[Attempt] = ()
    """Ended attempts at this task, oldest first."""
    rework: ReworkNote | None = None
    agents_md: str | None = None
    overview: str = ""
    gates: Gates = "enforce"
    limits: CallLimits = CallLimits()
    prompts: Library = field(default_factory=library)
    """The prompts that hold for the run."""


@dataclass(frozen=True, slots=True)
class IntegratorBrief:
    """What the integrator starts from: one submission, laid over the run's head."""

    goal: Goal
    task: Task
    handoff: Handoff
    """The worker's."""
    constraints: Sequence[Constraint] = ()
    designs: Sequence[DesignNote] = ()
    clashes: Sequence[str] = ()
    """Paths in which the submission clashes with the head."""
    notes: Sequence[str] = ()
    """What conflict markers can't show."""
    diff: str = ""
    """Unified, from the head to the workspace; the crew cuts what is too long for a message."""
    limits: CallLimits = CallLimits()
    prompts: Library = field(default_factory=library)
    """The prompts that hold for the run."""


@dataclass(frozen=True, slots=True)
class JudgeBrief:
    """What a judge starts from."""

    goal: Goal
    cycle: int
    tasks: Sequence[Task]
    constraints: Sequence[Constraint] = ()
    designs: Sequence[DesignNote] = ()
    changed_paths: Sequence[str] = ()
    """Paths that differ between the run's base and its head."""
    findings: Sequence[Finding] = ()
    """The open ones."""
    dismissed: Sequence[Finding] = ()
    """Those that a person has dismissed, in this run or an earlier one of the repository."""
    diff_stat: str = ""
    """One line a path with added and removed lines, as `git diff --stat` prints."""
    diff: str = ""
    """Unified, from the run's base to its head; the crew cuts what is too long for a message."""
    whole: bool = False
    """Whether its lists are shown whole, however long: to a model that reads them by rule."""
    gates: Gates = "enforce"
    limits: CallLimits = CallLimits()
    prompts: Library = field(default_factory=library)
    """The prompts that hold for the run."""


UnfinishedCause = Literal[
    "turn_limit",
    "repetition",
    "no_edits",
    "undone_edits",
    "no_tool_calls",
    "empty_replies",
    "cut_off",
    "refused",
    "bad_arguments",
    "unknown_tools",
    "too_many_calls",
]
"""Why a conversation was ended from outside; `crew.limits` says after how much of it."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A conversation that ended without its terminal tool."""

    cause: UnfinishedCause
    reason: str
    """A sentence for a person."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A planner that finished; its tasks went over the desk as it added them."""

    summary: str
    evidence: str


@dataclass(frozen=True, slots=True)
class WorkLanded:
    """A worker whose submission landed."""

    handoff: Handoff
    commit: str
    change: str | None


@dataclass(frozen=True, slots=True)
class WorkGivenUp:
    """A worker that gave up, which is an ordinary outcome."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorkUnfinished:
    """A worker that came to no end by itself."""

    failure: Literal["turn_limit", "model", "conflict"]
    """`model`: it repeated itself, changed nothing or called no tool; `conflict`: it conflicted too
    often."""
    reason: str
    """A sentence for a person."""


@dataclass(frozen=True, slots=True)
class WorkSentBack:
    """An integrator that wants a worker to do its work otherwise."""

    reason: str


@dataclass(frozen=True, slots=True)
class TaskChosen:
    """An equal agent that starts on the task that it has claimed."""

    task_id: str


@dataclass(frozen=True, slots=True)
class NothingChosen:
    """An equal agent that takes no task any more."""

    summary: str


@dataclass(frozen=True, slots=True)
class VerdictGiven:
    """A judge's verdict; `tasks` is empty unless the decision is `retry`."""

    decision: VerdictDecision
    reason: str
    tasks: tuple[str, ...] = ()


PlannerOutcome = Planned | Unfinished
IntegratorOutcome = WorkLanded | WorkSentBack | WorkUnfinished
AgentOutcome = TaskChosen | NothingChosen | Unfinished
WorkerOutcome = WorkLanded | WorkGivenUp | WorkUnfinished
JudgeOutcome = VerdictGiven | Unfinished
