"""What has happened: the facts that the journal keeps, each frozen and tagged by name.

The names are CONTRACT section 3's, and a few of our own for what must survive a restart or be
answered for: intents (`landing.intended`, `decision.intended`), planners and their design notes,
equal agents and their lock, the judge's start, model calls, the sandbox, its commands, guards that
refused something, and moves of the head. A fact is never changed once written; a field that is
added later needs a default, so that an old journal replays on new code.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from longshift.domain.model import (
    Amount,
    AttemptFailure,
    Budget,
    BudgetKind,
    Constraint,
    Finding,
    Goal,
    Handoff,
    HunkDecision,
    Outcome,
    PauseCause,
    Rework,
    Role,
    Strategy,
    TaskPlan,
    Usage,
    Value,
    VerdictDecision,
)
from longshift.errors import Guard


class Fact(Value):
    """What all events share; `run` is None for what concerns the whole repository."""

    run: str | None


class OfRun(Fact):
    """An event of one run."""

    run: str


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
    overrides: str = "{}"
    """What was set for this run alone, as JSON: a resume in another process works alike."""


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
    """When work really came to a stop, where the process ended and nobody could say so at once;
    None: now."""


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


class JudgeStarted(OfRun):
    """The judge looks at the head."""

    event: Literal["judge.started"] = "judge.started"
    cycle: int


class VerdictReached(OfRun):
    """The judge, or the engine where the judge could not, said what comes next."""

    event: Literal["verdict"] = "verdict"
    cycle: int
    decision: VerdictDecision
    reason: str
    tasks: tuple[str, ...] = ()


class FindingReported(OfRun):
    """A judge or a check reported a defect.

    With an id that is known, it has come back after it was resolved, or weighs more than before.
    """

    event: Literal["finding.reported"] = "finding.reported"
    finding: str
    detail: Finding


class FindingResolved(OfRun):
    """A defect no longer stands at the head."""

    event: Literal["finding.resolved"] = "finding.resolved"
    finding: str


class FindingDismissed(OfRun):
    """A person said that a finding is none, or said why afterwards; it is not reported again."""

    event: Literal["finding.dismissed"] = "finding.dismissed"
    finding: str
    reason: str = ""


class DecisionIntended(OfRun):
    """Intent: hunks are about to be written into the person's file or buffer."""

    event: Literal["decision.intended"] = "decision.intended"
    change: str
    path: str
    hunks: tuple[int, ...]
    decision: HunkDecision
    before_sha256: str | None
    """Of the file's bytes before and after the effect; None: no such file."""
    after_sha256: str | None
    file: str | None = None
    """Where the effect takes place; None: at `path`."""
    text: str | None = None
    """As in `ChangeDecided`."""


class ChangeDecided(OfRun):
    """A person decided on hunks of one path, and what it does to the text has been done."""

    event: Literal["change.decided"] = "change.decided"
    change: str
    path: str
    hunks: tuple[int, ...]
    decision: HunkDecision
    reason: str = ""
    text: str | None = None
    """For one accepted hunk, the lines that the person put there in place of the hunk's own."""


class ChangeStale(OfRun):
    """Hunks of a landing did not fit what the person had then; their text stands."""

    event: Literal["change.stale"] = "change.stale"
    change: str
    path: str
    hunks: tuple[int, ...]
    reason: str


class ConstraintAdded(Fact):
    """A person gave a rule, or rejected a hunk, which makes one."""

    event: Literal["constraint.added"] = "constraint.added"
    run: str | None = None
    constraint: str
    detail: Constraint


class ConstraintLifted(Fact):
    """A person took a rule back."""

    event: Literal["constraint.lifted"] = "constraint.lifted"
    run: str | None = None
    constraint: str


class QuestionAsked(OfRun):
    """An agent asks the person; work goes on."""

    event: Literal["question.asked"] = "question.asked"
    question: str
    text: str
    options: tuple[str, ...] = ()
    asked_by: str


class QuestionAnswered(OfRun):
    """The person answered; it reaches the planner at its next step."""

    event: Literal["question.answered"] = "question.answered"
    question: str
    answer: str


class ConversationOpened(OfRun):
    """An agent's conversation with its model began: what it was told, by name and digest.

    Digests are SHA-256 in hexadecimal.
    """

    event: Literal["conversation.opened"] = "conversation.opened"
    role: Role
    agent: str
    """A planner's id, a task's id with the attempt (`T1.2`), an equal agent's id with the number of
    its choice (`A1.3`), `judge`, or `integrator.T1.2` of who looks at that attempt's work."""
    model: str
    effort: str | None = None
    """The reasoning effort that was asked for; None: the endpoint's default."""
    prompts: Mapping[str, str] = Field(default_factory=dict)
    """The prompt files of the role, by name: `version digest`, and `version digest+digest` where
    the person or the project overrides parts of one."""
    tools_digest: str = ""
    """Of the tools as they were told, descriptions and all."""
    prefix_digest: str = ""
    """Of the system prompt as it was rendered."""


class ModelCalled(OfRun):
    """One HTTP call to a model.

    In journals written before `outcome` was there, one event stands for an exchange with all its
    retries: `usage.calls` says how many.
    """

    event: Literal["model.called"] = "model.called"
    role: Role
    agent: str
    """Who asked, as in `ConversationOpened`."""
    model: str
    prompt: str = ""
    """The role's prompt and its version, `worker@1.1.0`; of a question beside the conversation its
    own, `compaction/summary@1.0.0`."""
    usage: Usage
    estimated: bool = False
    """Whether the tokens are our estimate (bytes divided by four): the endpoint named none."""
    prices: str = ""
    """Where the price comes from, such as `the settings`; empty: it is unknown."""
    latency_s: float
    finish_reason: str = ""
    outcome: str = ""
    """`answered`, or why no usable answer came: `rate_limited`, `failed`, `unreachable`,
    `malformed`, `refused`, `too_long`, `cancelled`. Empty in older journals."""


class SandboxOpened(OfRun):
    """What holds the commands of this run's models, from here on; recorded for each sitting."""

    event: Literal["sandbox.opened"] = "sandbox.opened"
    profile: str
    """What holds a command, in words; where none is run, why not."""
    commands: bool
    """Whether commands are run at all."""


class CommandRan(OfRun):
    """A command that a model or a check chose came to its end in the sandbox."""

    event: Literal["command.ran"] = "command.ran"
    agent: str
    """Who asked: a task's id with the attempt (`T1.2`), `judge`, or `check`."""
    command: str
    """Its first 2,000 characters, secrets masked."""
    exit_status: int | None
    """As a shell tells it; None: it was stopped for its time."""
    duration_s: float
    changed_paths: int = 0
    """How many files it changed, as far as that was taken over."""


class GuardRefused(OfRun):
    """A guard kept an agent from something that lies outside of its bounds."""

    event: Literal["guard.refused"] = "guard.refused"
    guard: Guard
    agent: str
    """Who tried: a planner's id, a task's id with the attempt (`T1.2`), or `judge`; `snapshot`
    where files of the person's stayed out of a run from the start."""
    tool: str
    """The tool that was called; empty where no call was made."""
    detail: str
    """What was tried and why it was refused: at most 500 characters, secrets masked, hidden
    characters made visible."""


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


Event = Annotated[
    RunStarted
    | RunResumed
    | RunPaused
    | RunFinished
    | RunSteered
    | CycleStarted
    | HeadMoved
    | HeadPublished
    | PlannerStarted
    | PlannerFinished
    | DesignNoted
    | AgentStarted
    | AgentFinished
    | TasksLocked
    | TasksUnlocked
    | TaskAdded
    | TaskDropped
    | AttemptStarted
    | AttemptFailed
    | LandingIntended
    | TaskLanded
    | LandingConflict
    | FileReserved
    | ConflictPredicted
    | JudgeStarted
    | VerdictReached
    | FindingReported
    | FindingResolved
    | FindingDismissed
    | DecisionIntended
    | ChangeDecided
    | ChangeStale
    | ConstraintAdded
    | ConstraintLifted
    | QuestionAsked
    | QuestionAnswered
    | ConversationOpened
    | ModelCalled
    | SandboxOpened
    | CommandRan
    | GuardRefused
    | BudgetWarned
    | BudgetExceeded,
    Field(discriminator="event"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Parses a fact from its JSON or its dict; raises pydantic's ValidationError."""


class Recorded(Value):
    """A fact with its place in the journal."""

    seq: Annotated[int, Field(ge=1)]
    time: datetime
    """When it was written, in UTC."""
    event: Event

    def as_line(self) -> dict[str, object]:
        """The JSON object that `run --json` and `log --json` print for it."""
        body = self.event.model_dump(mode="json")
        time = self.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {"seq": self.seq, "time": time, "run": body.pop("run"), "event": body.pop("event")}
        return head | body
