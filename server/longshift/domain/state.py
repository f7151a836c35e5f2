"""How things stand: one repository's runs as frozen values.

Owns shapes only. They change by events alone, in `domain.fold`, by the moves that
`domain.transitions` allows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from longshift.domain import events as e
from longshift.domain.contention import Contention
from longshift.domain.model import (
    AgentRecord,
    Budget,
    Change,
    ChecksWord,
    Constraint,
    DesignNote,
    Finding,
    HeadStep,
    ListLock,
    Outcome,
    PauseCause,
    PlannerRecord,
    Question,
    Said,
    Task,
    TaskState,
    Usage,
    Verdict,
)
from longshift.domain.queue import Queue, places
from longshift.domain.table import Growing, Table


class Phase(StrEnum):
    """Where in its cycle a run stands."""

    READY = "ready"
    """No cycle is under way: the run was just started or reopened."""
    WORKING = "working"
    """Planners plan and workers work, both at once."""
    JUDGING = "judging"
    JUDGED = "judged"
    ENDED = "ended"


@dataclass(frozen=True)  # without slots: `copies.replace` is quicker so
class CycleRecord:
    """What one cycle brought; the stop rules read it.

    What stands below `verdict` is measured at the verdict, or counted up to it.
    """

    number: int
    mode: str
    landed: int = 0
    resolved: tuple[str, ...] = ()
    """Findings that were resolved, and not reported again since."""
    verdict: Verdict | None = None
    """The last one; a second judge's stands in place of the first's."""
    first_done: str = ""
    """The reason of a first judge's `done` that took a second judge; "": there is none."""
    looks: int = 0
    """How many judges came to a verdict."""
    start: str = ""
    """The head that it began with."""
    start_tree: str = ""
    """That head's tree; "": not known."""
    began_with: Usage = field(default_factory=Usage)
    """What the run had used when it began."""
    inside: int = 0
    """Landings that touch the goal's paths."""
    outside: int = 0
    """Landings that touch none of them, where the goal names any; of tests and documents aside."""
    lost: tuple[str, ...] = ()
    """Tasks that failed or were dropped, whenever they were added."""
    came_back: tuple[str, ...] = ()
    """Errors and warnings that were resolved in an earlier cycle and have come back."""
    standing: tuple[str, ...] = ()
    """The run's own open findings of severity error, by id."""
    weighty: int = 0
    """How many of its open findings are errors or warnings."""
    head: str = ""
    tree: str = ""
    taken: str = ""
    """What its difference is measured against: the commit last taken from the person."""
    diff_lines: int | None = None
    edits: int = 0
    undone: int = 0
    undone_paths: tuple[str, ...] = ()
    checks: ChecksWord = ""


@dataclass(frozen=True)  # without slots: `copies.replace` is quicker so
class Run:
    """One goal being worked on."""

    id: str
    started: e.RunStarted
    started_at: datetime
    head: str
    taken: str
    """The commit that holds what the run last took from the person."""
    budget: Budget = field(default_factory=Budget)
    """The limits that hold now: a resume may have raised those that the run was started with."""
    published: str | None = None
    checkout: str | None = None
    phase: Phase = Phase.READY
    paused: bool = False
    pause_reason: str = ""
    pause_cause: PauseCause | None = None
    recovered: tuple[str, ...] = ()
    """What was put in order after its process had ended without a word, until it is resumed."""
    running_since: datetime | None = None
    seconds_run: float = 0.0
    """Time spent running up to the last pause; since then, add `running_since`."""
    outcome: Outcome | None = None
    outcome_reason: str = ""
    outcome_rule: str = ""
    """Which rule ended it; "": none has, or it is not known."""
    outcome_figures: Mapping[str, int | float | str] = field(default_factory=dict)
    cycles: tuple[CycleRecord, ...] = ()
    counted_from: int = 0
    """Where in `cycles` the rules that end a run begin to count: a person's word is a new start."""
    unheard: bool = False
    """Whether they steered it when nobody planned, and nobody has begun to since."""
    planners: Mapping[str, PlannerRecord] = field(default_factory=dict)
    designs: Mapping[str, DesignNote] = field(default_factory=dict)
    """What planners have decided for all tasks, by the notes' ids, oldest first."""
    agents: Mapping[str, AgentRecord] = field(default_factory=dict)
    """Equal agents, of the strategies that have no planner."""
    idle_agents: int = 0
    """How many of them have ended without a task since one was claimed last, in this cycle."""
    list_version: int = 0
    """Grows with each change of the list of tasks: a task more, or one that changed its state."""
    list_lock: ListLock | None = None
    tasks: Table[str, Task] = field(default_factory=Table)
    task_counts: Mapping[TaskState, int] = field(default_factory=dict)
    """How many tasks stand in each state: asked after every fact, of thousands of tasks."""
    queue: Queue = field(default_factory=Queue)
    """The tasks that wait or run, and those that may start: asked for as often."""
    changes: Mapping[str, Change] = field(default_factory=Table)
    steps: Growing[HeadStep] = field(default_factory=Growing)
    findings: Mapping[str, Finding] = field(default_factory=Table)
    newest: Mapping[str, int] = field(default_factory=dict)
    """By their letter, the highest number of the ids of changes, findings, questions and notes."""
    questions: Mapping[str, Question] = field(default_factory=dict)
    messages: tuple[Said, ...] = ()
    """Steering messages and answers, oldest first: planners read on from where they were."""
    conflicts: int = 0
    contention: Contention = field(default_factory=Table)
    """The files on which submissions have clashed."""
    reserved: Mapping[str, str] = field(default_factory=dict)
    """By path, the task that a file goes to before any other."""
    predicted: tuple[tuple[str, tuple[str, str]], ...] = ()
    """Paths on which two tasks at work will clash, each with the two; the latest last."""
    usage: Usage = field(default_factory=Usage)
    usage_by_role: Mapping[str, Usage] = field(default_factory=dict)
    usage_by_model: Mapping[str, Usage] = field(default_factory=dict)
    prices: Mapping[str, str] = field(default_factory=dict)
    """Where the price of each model is from, in words; of one that is missing it is unknown."""
    usage_by_task: Mapping[str, Usage] = field(default_factory=Table)
    """What each task's attempts have used, all together."""
    sandbox: e.SandboxOpened | None = None
    """What holds its commands; None: a run of a version that did not record it."""
    refusals: int = 0
    """How often a guard kept an agent within its bounds."""
    warned: frozenset[tuple[str | None, str, int]] = frozenset()
    """The warnings given: the task (None: the run), the kind of budget and the percentage."""
    exceeded: e.BudgetExceeded | None = None
    """The budget of the whole run that is used up."""
    goes_on: bool = False
    """Whether it was reopened with a raised budget, and its next cycle has not begun."""
    spent_tasks: Mapping[str, e.BudgetExceeded] = field(default_factory=dict)
    """Tasks whose own budget is used up."""
    intent: Mapping[str, e.LandingIntended] = field(default_factory=dict)
    """Landings that were intended and not yet done, by task."""
    deciding: tuple[e.DecisionIntended, ...] = ()
    """Decisions whose effect was intended and is not recorded as done."""

    @property
    def cycle(self) -> int:
        """The number of the current cycle; 0 before the first."""
        return self.cycles[-1].number if self.cycles else 0

    @property
    def lifecycle(self) -> str:
        """`running`, `paused` or `ended`: the word that clients see."""
        if self.phase is Phase.ENDED:
            return "ended"
        return "paused" if self.paused else "running"

    @property
    def next_task_id(self) -> str:
        """The id of the next task of this run."""
        return f"T{len(self.tasks) + 1}"

    @property
    def next_planner_id(self) -> str:
        """The id of the next planner of this run."""
        return f"P{len(self.planners) + 1}"

    @property
    def next_agent_number(self) -> int:
        """The number of the next equal agent of this run."""
        return len(self.agents) + 1

    @property
    def agents_at_work(self) -> int:
        """How many equal agents are at work, those that are about to choose a task included."""
        return sum(agent.state == "running" for agent in self.agents.values())

    @property
    def at_work(self) -> Iterator[Task]:
        """The tasks that have an attempt under way."""
        return map(self.tasks.at, places(self.queue.running))

    @property
    def to_do(self) -> Iterator[Task]:
        """The tasks that wait or run, oldest first."""
        return map(self.tasks.at, places(self.queue.unfinished))

    def seconds_at(self, now: datetime) -> float:
        """Time spent running, pauses left out."""
        since = self.running_since
        return self.seconds_run + (max(0.0, (now - since).total_seconds()) if since else 0.0)

    def task_seconds_at(self, task: Task, now: datetime) -> float:
        """Time spent on a task, all its attempts together, pauses left out."""
        done = sum(attempt.seconds for attempt in task.attempts)
        if task.state is not TaskState.RUNNING:
            return done
        return done + max(0.0, self.seconds_at(now) - task.attempts[-1].begun_s)

    def count(self, state: TaskState) -> int:
        """How many tasks stand in that state."""
        return self.task_counts.get(state, 0)


@dataclass(frozen=True, slots=True)
class State:
    """Everything that one repository's journal says."""

    seq: int = 0
    time: datetime | None = None
    """When the last fact was written."""
    runs: Mapping[str, Run] = field(default_factory=dict)
    constraints: Mapping[str, Constraint] = field(default_factory=dict)

    def next_id(self, letter: str) -> str:
        """The next free id of runs, changes, findings, constraints, questions or design notes.

        Ids of these kinds are unique in the repository; a forgotten run's are not used again
        as long as a later one is known.
        """
        return f"{letter}{1 + max(self._numbers(letter), default=0)}"

    def _numbers(self, letter: str) -> Iterator[int]:
        match letter:
            case "R":
                yield from map(number_of, self.runs)
            case "K":
                yield from map(number_of, self.constraints)
            case "C" | "D" | "F" | "Q":
                yield from (run.newest.get(letter, 0) for run in self.runs.values())
            case _:
                raise ValueError(f"no ids begin with {letter!r}")


def number_of(id_: str) -> int:
    """The number in an id: 12 in `C12`."""
    return int(id_[1:])
