"""What things are: the nouns of Longshift as frozen values.

Owns shapes only. How they change is in `domain.fold`; what happens next is in `domain.decide`.
Ids are strings: `R1` run, `T1` task (within a run), `C1` change, `F1` finding, `K1` constraint,
`Q1` question, `D1` design note, `P1` planner, `A1` equal agent (both within a run). Attempts are
numbered from 1 within their task.
Commits and paths are git's: full hexadecimal ids, and `/`-separated paths below the root.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

Strategy = Literal["planner-worker-judge", "optimistic", "flat-locked"]
Role = Literal["planner", "worker", "judge", "agent", "integrator"]
"""Who talks with a model; `agent`: one of several equal ones, while it chooses its task."""
Severity = Literal["error", "warning", "info", "hint"]
VerdictDecision = Literal["continue", "retry", "replan", "done", "give_up"]
HunkDecision = Literal["accepted", "rejected", "rework", "pending"]
"""What a person said of a hunk; `pending` takes an earlier decision back."""
Outcome = Literal["done", "gave_up", "out_of_budget", "no_progress", "stopped"]
AttemptFailure = Literal["gave_up", "turn_limit", "model", "conflict", "budget", "interrupted"]
PauseCause = Literal[
    "person", "interrupted", "checkout", "endpoint", "trouble", "handover", "closed"
]
"""`person`: they asked for it. `interrupted`: the process ended while the run was under way, so
that it may go on by itself where the settings say so. `checkout`: HEAD names other content.
`endpoint`: a model's endpoint is out of order; the run goes on by itself once it is well.
`trouble`: something that only a person can mend. `handover`: the editor that drove it was closed,
and another goes on with it at once. `closed`: the last editor was closed; the next one that opens
the repository goes on."""
BudgetKind = Literal["usd", "tokens", "calls", "minutes", "cycles"]
Line = Annotated[int, Field(ge=1)]
"""A line of a file, counted from 1 as people and compilers do."""


Amount = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""A decimal that is a number in JSON, as every reader of events expects."""


_set: Final = object.__setattr__


class Value(BaseModel):
    """A frozen value whose unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    _names: ClassVar[set[str]] = set()
    """Of all its fields; one set for all that have them all."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Take note of the fields."""
        cls._names = set(cls.model_fields)

    @classmethod
    def trusted(cls, **fields: object) -> Self:
        """Make one of all fields that were looked at before, without looking again."""
        made = cls.__new__(cls)
        _set(made, "__dict__", fields)
        _set(made, "__pydantic_fields_set__", cls._names)
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """What pydantic's gives, in a third of the time: the fold makes several for each fact."""
        assert not deep, "it is frozen, so that nothing of it need be copied"
        changed = update or {}
        made = self.__class__.__new__(self.__class__)
        _set(made, "__dict__", {**self.__dict__, **changed})
        _set(made, "__pydantic_fields_set__", self.__pydantic_fields_set__.union(changed))
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made


class Selection(Value):
    """The lines of one file that a goal speaks of, both ends included."""

    path: str
    start_line: Line
    end_line: Line


class Diagnostic(Value):
    """A diagnostic, of any server, that a goal asks to be dealt with."""

    path: str
    line: Line
    message: str
    code: str = ""
    source: str = ""


class Goal(Value):
    """What a person asks for, in their words, with an optional scope."""

    text: Annotated[str, Field(min_length=1)]
    paths: tuple[str, ...] = ()
    """Paths to stay within; empty: the whole repository."""
    selection: Selection | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    template: str | None = None
    """The goal template of `prompts/goals/` that the person chose, by its name."""


class TaskBudget(Value):
    """What one task may spend, all its attempts together. Zero everywhere means: no limit."""

    usd: Amount = Decimal(0)
    tokens: int = 0
    """Input and output tokens together."""
    calls: int = 0
    minutes: float = 0


class Budget(Value):
    """What a run may spend. Zero everywhere means: no limit."""

    usd: Amount = Decimal(0)
    tokens: int = 0
    """Input and output tokens together."""
    calls: int = 0
    """HTTP calls to models, retries included."""
    minutes: float = 0
    """Time spent running; paused time does not count."""
    cycles: int = 0
    task: TaskBudget = TaskBudget()


class StopRules(Value):
    """When code ends a run that goes nowhere. Zero everywhere means: that rule never speaks."""

    idle_cycles: int = 2
    """Cycles in a row that bring nothing."""
    stalled_cycles: int = 4
    """Cycles in a row in which the same errors stand, and the difference stays as large."""
    returns: int = 2
    """How often the run may come back to where it was."""
    diminishing: Amount = Decimal(4)
    """How many times as much a landing or resolved finding may cost as in earlier cycles."""
    drift_cycles: int = 3
    """Cycles in a row that go away from the goal."""
    second_judge: Literal["marginal", "never"] = "marginal"
    """When a `done` takes a second judge who agrees."""


ChecksWord = Literal["", "none", "not_run", "unrunnable", "failed", "passed"]
"""How the checks stand at a verdict's head: `none`: there are none; "": not known, as of a verdict
of an older version."""


class Usage(Value):
    """What calls to models have used; of one call or of many."""

    calls: int = 0
    input_tokens: int = 0
    """All tokens sent, the cached ones included."""
    output_tokens: int = 0
    """All tokens received, the reasoning ones included."""
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Amount | None = Decimal(0)
    """None: a call was made at an unknown price. Zero is a real price."""
    priced_usd: Amount = Decimal(0)
    """The cost of those calls whose price is known; said only where `cost_usd` is None."""
    estimated_calls: int = 0
    """Calls whose tokens are our estimate (bytes divided by four): the endpoint named none."""

    @property
    def tokens(self) -> int:
        """Sent and received together."""
        return self.input_tokens + self.output_tokens

    @property
    def known_usd(self) -> Decimal:
        """The cost as far as prices are known."""
        return self.priced_usd if self.cost_usd is None else self.cost_usd

    def plus(self, other: "Usage") -> "Usage":
        """Add up two usages; an unknown cost makes the sum unknown."""
        known = self.known_usd + other.known_usd
        unknown = self.cost_usd is None or other.cost_usd is None
        # Not looked at again: sums of what was looked at, several for each call of a model.
        return Usage.trusted(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cost_usd=None if unknown else known,
            priced_usd=known if unknown else Decimal(0),
            estimated_calls=self.estimated_calls + other.estimated_calls,
        )


class TaskState(StrEnum):
    """Where a task stands."""

    WAITING = "waiting"
    RUNNING = "running"
    LANDED = "landed"
    FAILED = "failed"
    DROPPED = "dropped"


class TaskPlan(Value):
    """What a planner says of a task: all that a worker is given to go by."""

    title: Annotated[str, Field(min_length=1)]
    instructions: str
    paths: tuple[str, ...] = ()
    """Paths that the task expects to touch; a folder stands for all below it."""
    acceptance: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


class CommandRun(Value):
    """A command that an attempt really ran, as its sandbox saw it."""

    command: str
    exit_status: int | None = None
    """None: it was killed, as by its time limit."""


class Handoff(Value):
    """What a worker reports with its submission, and what was measured beside it."""

    summary: str = ""
    concerns: str = ""
    deviations: str = ""
    findings: tuple[str, ...] = ()
    commands: tuple[CommandRun, ...] = ()
    """The last ones that were run, oldest first; measured, never the worker's word."""
    evidence: Literal["", "tested", "read"] = ""
    """`tested`: a command succeeded on the very files that were handed in; `read`: none did.
    Measured too; "": not known, as for an attempt of an older version."""


class Attempt(Value):
    """One worker's try at one task."""

    number: Annotated[int, Field(ge=1)]
    base: str
    """The commit that the attempt's workspace was made from."""
    state: Literal["running", "landed", "failed"] = "running"
    failure: AttemptFailure | None = None
    reason: str = ""
    handoff: Handoff = Handoff()
    conflicts: int = 0
    begun_s: float = 0
    """How many seconds the run had been running when the attempt began."""
    seconds: float = 0
    """How long it took, pauses of the run left out; 0 while it is under way."""
    agent: str = ""
    """The equal agent that claimed the task; "": a worker of its own was started."""


class Rework(Value):
    """What a person wants done otherwise."""

    change_id: str
    path: str
    diff: str
    """The hunks that they speak of, as a unified diff."""
    words: str = ""
    hunks: tuple[int, ...] = ()
    """Their numbers in the change and path."""


class Task(Value):
    """One unit of work for one worker."""

    id: str
    cycle: int
    planner: str | None
    """Or the equal agent; None: added by the engine, as a rework or a clash of rejected hunks."""
    plan: TaskPlan
    rework: Rework | None = None
    state: TaskState = TaskState.WAITING
    attempts: tuple[Attempt, ...] = ()
    change_ids: tuple[str, ...] = ()


class PlannerRecord(Value):
    """A planner or sub-planner of one cycle."""

    id: str
    cycle: int
    parent: str | None
    scope: str = ""
    objective: str = ""
    state: Literal["running", "finished", "failed", "interrupted"] = "running"
    summary: str = ""
    evidence: str = ""


class DesignNote(Value):
    """A decision that holds for every task of a run, made once."""

    id: str
    topic: str
    decision: str
    planner: str
    """Who decided it, last."""
    cycle: int
    """In which cycle."""


class AgentRecord(Value):
    """One of several equal agents, in one cycle."""

    id: str
    cycle: int
    state: Literal["running", "finished", "failed", "interrupted"] = "running"
    claims: int = 0
    """How many tasks it has claimed."""
    summary: str = ""


class ListLock(Value):
    """Who has the list of tasks to itself, and since when."""

    agent: str
    since: datetime


class Change(Value):
    """One landing's edits, as the person reviews them."""

    id: str
    task_id: str
    title: str
    commit: str
    parent: str
    paths: tuple[str, ...]
    decisions: Mapping[tuple[str, int], "Decision"] = {}
    """By path and hunk number; a hunk that is not here is undecided."""
    stale_paths: tuple[str, ...] = ()
    """Where it did not fit the text that the person had when it landed."""


class Decision(Value):
    """A person's word on one hunk."""

    decision: HunkDecision
    reason: str = ""
    text: str | None = None
    """The lines that the person put there in place of the hunk's own; None: they took those."""
    editor: str = ""
    """As in `ChangeDecided`."""


class HeadStep(Value):
    """One move of the run's head, in order: a landing, or the person's text taken in."""

    parent: str
    commit: str
    change_id: str | None
    """None: no landing; the person's text or a rejection moved the head."""
    paths: tuple[str, ...]


WITHOUT_EVIDENCE = "none was given"
"""The evidence of a judge's finding that names none; a check's finding has an empty one."""


class RelatedPlace(Value):
    """Another place that a finding speaks of, at the same head."""

    path: str
    line: Line
    message: str = ""


class Finding(Value):
    """One defect that a judge or a check reports, at a line of the run's head."""

    id: str
    path: str
    line: Line
    end_line: Line | None = None
    severity: Severity
    code: str
    message: str
    suggestion: str = ""
    evidence: str = ""
    origin: Literal["run", "base"] = "run"
    """`base`: off the run's difference; shown, and never in the way of `done`."""
    commit: str
    """The head that `path` and `line` speak of."""
    state: Literal["open", "resolved", "dismissed"] = "open"
    reason: str = ""
    related: tuple[RelatedPlace, ...] = ()
    check: str = ""
    """The command of the check that reports it; "": no check does."""
    cycle: int = 0
    """In which cycle it was reported, last; 0: not known, as for a finding of an older version."""
    fingerprint: str = ""
    """What tells it from other findings (`domain.fingerprints`); "": not known."""


class Constraint(Value):
    """A sentence that every later plan, task and verdict must obey until it is lifted."""

    id: str
    text: Annotated[str, Field(min_length=1)]
    source: Literal["person", "settings", "rejection"] = "person"
    run_id: str | None = None
    """The run whose rejected hunk it was made from."""
    change_id: str | None = None
    """That hunk's change: taking the rejection back lifts the constraint."""
    hunks: tuple[tuple[str, int], ...] = ()
    """The rejected hunks, by path and number."""
    lifted: bool = False


class Question(Value):
    """What a planner or judge asks the person; work goes on meanwhile."""

    id: str
    text: str
    options: tuple[str, ...] = ()
    asked_by: str
    answer: str | None = None


class Said(Value):
    """What a person says to the agents while a run is under way."""

    text: str
    question: str = ""
    """The agent's question that this answers, in the agent's words; "" where none was asked."""
    to: str = ""
    """Who asked it; "": nobody did."""


class Verdict(Value):
    """What the judge says at the end of a cycle."""

    cycle: int
    decision: VerdictDecision
    reason: str
    tasks: tuple[str, ...] = ()
    """The tasks to do again; only `retry` names any."""
