"""What the engine gives each role: the ports through which a role reaches the world.

Owns the Protocols and the values that pass over them. Must never hold a behaviour: the engine
implements these over journal, ledger, landing and sandbox, and the tests over scripts.

Every method may raise `NeedsPerson` (a budget is spent, a model is out of reach, the disk is full)
and is cancelled when the run is stopped; both end the role and pass through the crew untouched.
`TellModel` is told back to the model as the result of its call.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, ParamSpec, Protocol, TypeVar

from longshift.crew.roles import RolePrompt
from longshift.domain.model import (
    DesignNote,
    Handoff,
    RelatedPlace,
    Said,
    Severity,
    Task,
    TaskPlan,
)
from longshift.errors import Guard
from longshift.models.port import Message, ModelReply, ModelRequest
from longshift.repository.workspace import Workspace

P = ParamSpec("P")
T = TypeVar("T")


class Desk(Protocol):
    """What every role has."""

    @property
    def workspace(self) -> Workspace:
        """The files that the role sees; only a worker's tools edit it."""

    @property
    def can_run_commands(self) -> bool:
        """Whether `run_command` finds a sandbox here; the same for the whole conversation."""

    async def before_step(self) -> None:
        """Wait while the run is paused.

        Raises:
            CancelledError: the run was stopped.
        """

    async def tell_opened(self, prompt: RolePrompt, tools_digest: str) -> None:
        """Put on record that the agent's conversation begins, and what it is told.

        Args:
            prompt: its role's.
            tools_digest: of the tools as it is told of them; SHA-256 in hex.
        """

    @property
    def window_tokens(self) -> int:
        """How many tokens a conversation with the role's model can hold."""

    async def complete(self, request: ModelRequest, *, aside: str = "") -> ModelReply:
        """Ask the role's model; the budget, the usage and its events are the engine's.

        Args:
            request: what is asked.
            aside: the prompt and version of a question that stands beside the conversation and
                is no part of it; "": it is the conversation itself.
        """

    def keep_end(self, messages: Sequence[Message]) -> None:
        """Keep a conversation whole, its last results with it, that no model is sent any more."""

    async def off_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work on another thread, so that the loop thread is never held up."""

    async def tell_refused(self, guard: Guard, tool: str, detail: str) -> None:
        """Put on record that a guard kept this agent within its bounds.

        Args:
            guard: what stood in the way.
            tool: the tool that was called.
            detail: what was tried and why it was refused; of any length and content.
        """

    def take_messages(self) -> Sequence[Said]:
        """Hand over what a person said since it was last asked: steering, answers.

        Each message is handed over once. A worker never gets any.
        """

    def take_news(self) -> "News":
        """Hand over what other agents did since it was last asked; only planners get any."""


class ListDesk(Desk, Protocol):
    """What whoever adds tasks has."""

    def task_ids(self) -> Collection[str]:
        """All tasks of the run so far, those that others added included."""

    async def add_task(self, plan: TaskPlan) -> "AddedTask":
        """Put a task on the run's list."""


class PlannerDesk(ListDesk, Protocol):
    """What a planner or sub-planner has."""

    async def delegate(self, scope: str, objective: str) -> str:
        """Start a sub-planner on a slice, at once; its id (`P2`) comes back, not its result."""

    async def note_design(self, topic: str, decision: str) -> str:
        """Decide a topic for every task of the run, or anew what was this planner's to decide.

        The note's id (`D1`) comes back.

        Raises:
            TellModel: what stands on the topic is not this planner's, or there are too many notes.
        """

    async def ask_person(self, question: str, options: Sequence[str]) -> str:
        """Ask without waiting; the question's id (`Q1`) comes back, the answer as a message."""


class ChooserDesk(ListDesk, Protocol):
    """What an equal agent has while it chooses a task.

    Adding, claiming and releasing raise `TellModel` where the rule by which the agents share the
    list does not let this one write to it now.
    """

    @property
    def claimed(self) -> str | None:
        """The task that it has claimed in this conversation; None: none."""

    @property
    def lock(self) -> "ListLock | None":
        """The lock of the list; None: the agents share it by its version."""

    def read_tasks(self) -> "TaskList":
        """The list as it is now."""

    async def claim_task(self, task_id: str) -> None:
        """Take a task for oneself.

        Raises:
            TellModel: it can't be claimed now.
        """

    async def release_task(self) -> str:
        """Put the claimed task back, which counts as an attempt at it; its id comes back.

        Raises:
            TellModel: none is claimed.
        """


class ListLock(Protocol):
    """The one lock of the list, as one agent has it."""

    async def take(self) -> float:
        """Have the list to oneself, once it is one's turn; for how many seconds comes back.

        Raises:
            TellModel: another agent has it, for longer than one call waits.
        """

    async def give_back(self) -> bool:
        """Let the next in line have it; False: it was not one's own any more."""


class WorkerDesk(Desk, Protocol):
    """What a worker has; an integrator too."""

    async def submit(self, handoff: Handoff) -> "Landed | Conflict | SentBack":
        """Land the workspace's edits on the run's head.

        On a conflict, and where an integrator sends it back, the workspace has been moved onto
        the new head when this returns, with conflict markers in the named paths.
        """

    async def run_command(self, command: str, timeout_s: int) -> "CommandOutcome":
        """Run a shell command in the sandbox; what it changes is taken into the workspace.

        Raises:
            TellModel: there is no sandbox here; the sentence says so.
        """


class JudgeDesk(Desk, Protocol):
    """What a judge has; its workspace is the run's head."""

    async def run_checks(self) -> "Sequence[CheckOutcome]":
        """Run every configured check on the head; an empty sequence: none is configured."""

    async def report_finding(self, report: "FindingReport") -> "ReportedFinding":
        """Record a finding; the engine tells whether it lies on the run's difference.

        Raises:
            TellModel: the head has no such path or line.
        """

    async def ask_person(self, question: str, options: Sequence[str]) -> str:
        """Ask without waiting; the question's id (`Q1`) comes back, the answer as a message."""

    async def run_command(self, command: str, timeout_s: int) -> "CommandOutcome":
        """Run a shell command in the sandbox, on the head; what it changes is thrown away.

        Raises:
            TellModel: there is no sandbox here; the sentence says so.
        """

    def refusal_of_done(self) -> str | None:
        """Why the goal can't be called met as things stand; None: nothing stands against it."""


@dataclass(frozen=True, slots=True)
class News:
    """What other agents did while one is at its desk."""

    tasks: Sequence[Task] = ()
    """Those whose workers handed in something to tell, or failed."""
    designs: Sequence[DesignNote] = ()
    """Those that others have noted, as they stand."""


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task as the list shows it to equal agents."""

    task: Task
    ready: bool
    """Whether it can be claimed: it waits, and for nothing."""


@dataclass(frozen=True, slots=True)
class TaskList:
    """The list of tasks at one moment."""

    version: int
    count: int
    tasks: Iterator[ListedTask]
    """Those that are ready, the oldest first; then the others that are not done; then those that
    are, the newest first."""


@dataclass(frozen=True, slots=True)
class AddedTask:
    """A task that was put on the list."""

    task_id: str
    overlaps: tuple[str, ...] = ()
    """Tasks on the same paths that will run first, though the plan did not name them."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A submission that stands on the run's head."""

    commit: str
    change: str | None = None
    """The change's id; None: nothing differed from the head, so nothing was landed."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A submission that clashes with what others landed meanwhile."""

    paths: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What conflict markers can't show: a deletion against an edit, a rename, binary content."""


@dataclass(frozen=True, slots=True)
class SentBack:
    """A submission that the integrator did not land."""

    reason: str
    """In the integrator's words, or why it came to no end."""
    paths: tuple[str, ...] = ()
    """What clashes with the head."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What a command did."""

    exit_status: int | None
    """None: it was killed, as by its time limit."""
    output: str
    """Standard output and error as they came, perhaps cut by the sandbox."""
    truncated: bool = False
    timed_out: bool = False
    changed_paths: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Paths whose change was not taken over, each with the reason."""
    out_of_bounds: tuple[str, ...] = ()
    """The reasons among them that a guard gave."""


@dataclass(frozen=True, slots=True)
class FindingReport:
    """A finding as a judge or a check words it, before it has an id."""

    path: str
    line: int
    """Counted from 1, at the run's head."""
    message: str
    code: str
    severity: Severity
    end_line: int | None = None
    suggestion: str = ""
    evidence: str = ""
    related: tuple[RelatedPlace, ...] = ()
    """Other places that it speaks of, at the same head."""
    check: str = ""
    """The command of the check that says so; "": a judge does."""
    origin: Literal["run", "base"] | None = None
    """What a check measured against the base; None: where the finding lies says it."""


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """A finding that was recorded."""

    finding_id: str
    origin: Literal["run", "base"]
    """`base`: it lies off the run's difference and stands against nothing."""
    dismissed: bool = False
    """A person has said that it is none; it was not recorded again."""
    reason: str = ""
    """Why, in the person's words."""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What one configured check said of the head."""

    command: str
    exit_status: int | None
    """None: it could not be run or was killed."""
    output: str
    new_failure: bool
    """It fails at the head, and not so at the run's base."""
    findings: tuple[FindingReport, ...] = ()
    tries: int = 1
    """How often it ran on this head."""
    passed: int = 0
    """On how many of its tries it passed, if there were several."""
    flaky: bool = False
    """It fails on some tries and not on others, or by other tests each time."""
    stood_before: int = 0
    """How much of what it finds stood at the base too."""
    left_out: bool = False
    """It was found in the repository's files, and its program is not there."""
