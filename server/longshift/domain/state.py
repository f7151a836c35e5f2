"""How things stand: the state as the fold over events, and the one table of allowed moves.

Owns every transition of a run and of a task. Pure: `apply(state, record)` returns a new state
and refuses, with a reason, an event that cannot happen in the old one. The engine appends an
event only after it has been applied here, so what stands in a journal always folds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from longshift.domain import events as e
from longshift.domain.model import (
    Attempt,
    Change,
    Constraint,
    Decision,
    Finding,
    HeadStep,
    Outcome,
    PauseCause,
    PlannerRecord,
    Question,
    Task,
    TaskState,
    Usage,
    Verdict,
)


class Phase(StrEnum):
    """Where in its cycle a run stands."""

    READY = "ready"
    """No cycle is under way: the run was just started or reopened."""
    WORKING = "working"
    """Planners plan and workers work, both at once."""
    JUDGING = "judging"
    JUDGED = "judged"
    ENDED = "ended"


PHASES: Final[Mapping[tuple[Phase, type[e.OfRun]], Phase]] = {
    (Phase.READY, e.CycleStarted): Phase.WORKING,
    (Phase.WORKING, e.JudgeStarted): Phase.JUDGING,
    (Phase.JUDGING, e.JudgeStarted): Phase.JUDGING,  # again, after an interruption
    (Phase.JUDGING, e.VerdictReached): Phase.JUDGED,
    (Phase.JUDGED, e.CycleStarted): Phase.WORKING,
    (Phase.READY, e.RunFinished): Phase.ENDED,
    (Phase.WORKING, e.RunFinished): Phase.ENDED,
    (Phase.JUDGING, e.RunFinished): Phase.ENDED,
    (Phase.JUDGED, e.RunFinished): Phase.ENDED,
    (Phase.ENDED, e.RunResumed): Phase.READY,  # rework reopens an ended run
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
    e.AttemptStarted,
    e.LandingIntended,
    e.TaskLanded,
    e.LandingConflict,
)
"""Events of planners and workers, who exist in no other phase."""


class Refused(ValueError):  # noqa: N818 - a word of the domain, raised as one
    """The event cannot happen in this state; the message says why."""


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """What one cycle brought; the stop rules read it."""

    number: int
    mode: str
    landed: int = 0
    resolved: int = 0
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One goal being worked on."""

    id: str
    started: e.RunStarted
    started_at: datetime
    head: str
    taken: str
    """The commit that holds what the run last took from the person."""
    published: str | None = None
    checkout: str | None = None
    phase: Phase = Phase.READY
    paused: bool = False
    pause_reason: str = ""
    pause_cause: PauseCause | None = None
    running_since: datetime | None = None
    seconds_run: float = 0.0
    """Time spent running up to the last pause; since then, add `running_since`."""
    outcome: Outcome | None = None
    outcome_reason: str = ""
    cycles: tuple[CycleRecord, ...] = ()
    planners: Mapping[str, PlannerRecord] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    steps: tuple[HeadStep, ...] = ()
    findings: Mapping[str, Finding] = field(default_factory=dict)
    questions: Mapping[str, Question] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    """Steering messages and answers, oldest first: planners read on from where they were."""
    conflicts: int = 0
    usage: Usage = field(default_factory=Usage)
    warned: frozenset[tuple[str, int]] = frozenset()
    exceeded: e.BudgetExceeded | None = None
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

    def seconds_at(self, now: datetime) -> float:
        """Time spent running, pauses left out."""
        since = self.running_since
        return self.seconds_run + (max(0.0, (now - since).total_seconds()) if since else 0.0)

    def count(self, state: TaskState) -> int:
        """How many tasks stand in that state."""
        return sum(task.state is state for task in self.tasks.values())


@dataclass(frozen=True, slots=True)
class State:
    """Everything that one repository's journal says."""

    seq: int = 0
    runs: Mapping[str, Run] = field(default_factory=dict)
    constraints: Mapping[str, Constraint] = field(default_factory=dict)

    def next_id(self, letter: str) -> str:
        """The next free id of runs, changes, findings, constraints or questions.

        Ids of these kinds are unique in the repository; a forgotten run's are not used again
        as long as a later one is known.
        """
        return f"{letter}{1 + max(map(_number, self._ids(letter)), default=0)}"

    def _ids(self, letter: str) -> Iterable[str]:
        match letter:
            case "R":
                return self.runs
            case "K":
                return self.constraints
            case "C":
                intents = (i.change for run in self.runs.values() for i in run.intent.values())
                landed = (id_ for run in self.runs.values() for id_ in run.changes)
                return [*landed, *filter(None, intents)]
            case "F":
                return [id_ for run in self.runs.values() for id_ in run.findings]
            case "Q":
                return [id_ for run in self.runs.values() for id_ in run.questions]
            case _:
                raise ValueError(f"no ids begin with {letter!r}")


def fold(records: Iterable[e.Recorded], state: State | None = None) -> State:
    """Rebuild the state from its events, oldest first.

    Raises:
        Refused: an event cannot have happened where it stands.
    """
    state = state or State()
    for record in records:
        state = apply(state, record)
    return state


def apply(state: State, record: e.Recorded) -> State:
    """Take one event in.

    Raises:
        Refused: the event cannot happen in this state.
    """
    if record.seq <= state.seq:
        raise Refused(f"event {record.seq} comes after event {state.seq}")
    event = record.event
    match event:
        case e.RunStarted():
            if event.run in state.runs:
                raise Refused(f"run {event.run} was started before")
            run = Run(
                id=event.run,
                started=event,
                started_at=record.time,
                head=event.base,
                taken=event.base,
                checkout=event.checkout,
                running_since=record.time,
            )
            return replace(state, seq=record.seq, runs=_put(state.runs, run.id, run))
        case e.ConstraintAdded() | e.ConstraintLifted():
            return replace(state, seq=record.seq, constraints=_constraints(state, event))
        case _:
            run = _known(state.runs, event.run, "run")
            run = _apply_to_run(_move(run, event), event, record.time)
            return replace(state, seq=record.seq, runs=_put(state.runs, run.id, run))


def _constraints(
    state: State, event: e.ConstraintAdded | e.ConstraintLifted
) -> Mapping[str, Constraint]:
    if isinstance(event, e.ConstraintAdded):
        if event.constraint in state.constraints:
            raise Refused(f"constraint {event.constraint} was added before")
        return _put(state.constraints, event.constraint, event.detail)
    known = _known(state.constraints, event.constraint, "constraint")
    if known.lifted:
        raise Refused(f"constraint {event.constraint} was lifted before")
    lifted = known.model_copy(update={"lifted": True})
    return _put(state.constraints, event.constraint, lifted)


def _move(run: Run, event: e.OfRun) -> Run:
    """Check the event against the tables and move the run's phase and the task it names."""
    if isinstance(event, WORKING_ONLY) and run.phase is not Phase.WORKING:
        raise Refused(f"{_name(event)} while run {run.id} is {run.phase}")
    moves_phase = any(kind is type(event) for _, kind in PHASES)
    phase = PHASES.get((run.phase, type(event)))
    if isinstance(event, e.RunResumed):
        if phase is None and not run.paused:
            raise Refused(f"run {run.id} is neither paused nor ended")
        phase = phase or run.phase
    elif moves_phase and phase is None:
        raise Refused(f"{_name(event)} while run {run.id} is {run.phase}")
    return replace(run, phase=phase or run.phase)


def _apply_to_run(run: Run, event: e.Event, time: datetime) -> Run:  # noqa: C901, PLR0911, PLR0912 - one table of cases, each a line
    match event:
        case e.RunPaused():
            return _pause(run, event, time)
        case e.RunResumed():
            return _resume(run, event, time)
        case e.RunFinished():
            return _finish(run, event, time)
        case e.RunSteered():
            return replace(run, messages=(*run.messages, event.message))
        case e.CycleStarted():
            return _start_cycle(run, event)
        case e.HeadMoved():
            return _move_head(run, event)
        case e.HeadPublished():
            return replace(run, published=event.head)
        case e.PlannerStarted():
            return _start_planner(run, event)
        case e.PlannerFinished():
            return _finish_planner(run, event)
        case e.TaskAdded():
            return _add_task(run, event)
        case e.TaskDropped():
            return _move_task(run, event)
        case e.AttemptStarted():
            return _start_attempt(run, event)
        case e.AttemptFailed():
            return _fail_attempt(run, event)
        case e.LandingIntended():
            return replace(_move_task(run, event), intent=_put(run.intent, event.task, event))
        case e.TaskLanded():
            return _land(run, event)
        case e.LandingConflict():
            return _conflict(run, event)
        case e.JudgeStarted():
            return run
        case e.VerdictReached():
            return _take_verdict(run, event)
        case e.FindingReported() | e.FindingResolved() | e.FindingDismissed():
            return _take_finding(run, event)
        case e.DecisionIntended():
            return replace(run, deciding=(*run.deciding, event))
        case e.ChangeDecided():
            return _decide(run, event)
        case e.QuestionAsked() | e.QuestionAnswered():
            return _take_question(run, event)
        case e.ModelCalled():
            return replace(run, usage=run.usage.plus(event.usage))
        case e.BudgetWarned():
            return replace(run, warned=run.warned | {(event.kind, event.percent)})
        case e.BudgetExceeded():
            return replace(run, exceeded=event)
        case e.RunStarted() | e.ConstraintAdded() | e.ConstraintLifted():
            raise Refused(f"{_name(event)} is not of one run's course")


def _pause(run: Run, event: e.RunPaused, time: datetime) -> Run:
    if run.phase is Phase.ENDED or run.paused:
        raise Refused(f"run {run.id} is {run.lifecycle}")
    seconds = run.seconds_at(time)
    return replace(
        run,
        paused=True,
        pause_reason=event.reason,
        pause_cause=event.cause,
        running_since=None,
        seconds_run=seconds,
    )


def _resume(run: Run, event: e.RunResumed, time: datetime) -> Run:
    return replace(
        run,
        checkout=event.checkout or run.checkout,
        paused=False,
        pause_reason="",
        pause_cause=None,
        running_since=time,
        outcome=None,
        outcome_reason="",
        exceeded=None,
    )


def _finish(run: Run, event: e.RunFinished, time: datetime) -> Run:
    if run.count(TaskState.RUNNING):
        raise Refused(f"run {run.id} still has attempts running")
    # A planner that was still at work has no more to say: none may hold up a reopened run.
    planners = {
        id_: one.model_copy(update={"state": "interrupted"}) if one.state == "running" else one
        for id_, one in run.planners.items()
    }
    return replace(
        run,
        planners=planners,
        paused=False,
        pause_reason="",
        pause_cause=None,
        running_since=None,
        seconds_run=run.seconds_at(time),
        outcome=event.outcome,
        outcome_reason=event.reason,
    )


def _start_cycle(run: Run, event: e.CycleStarted) -> Run:
    if event.cycle != run.cycle + 1:
        raise Refused(f"cycle {event.cycle} after cycle {run.cycle}")
    return replace(run, cycles=(*run.cycles, CycleRecord(event.cycle, event.mode)))


def _move_head(run: Run, event: e.HeadMoved) -> Run:
    if run.phase in (Phase.WORKING, Phase.JUDGING):
        raise Refused(f"the head takes the person's text between cycles, not while {run.phase}")
    steps = run.steps
    if event.head != run.head:
        step = HeadStep(parent=run.head, commit=event.head, change_id=None, paths=event.paths)
        steps = (*steps, step)
    return replace(
        run,
        head=event.head,
        taken=event.taken,
        checkout=event.checkout or run.checkout,
        steps=steps,
    )


def _start_planner(run: Run, event: e.PlannerStarted) -> Run:
    if event.planner in run.planners:
        raise Refused(f"planner {event.planner} was started before")
    if event.parent is not None:
        _known(run.planners, event.parent, "planner")
    planner = PlannerRecord(
        id=event.planner,
        cycle=run.cycle,
        parent=event.parent,
        scope=event.scope,
        objective=event.objective,
    )
    return replace(run, planners=_put(run.planners, planner.id, planner))


def _finish_planner(run: Run, event: e.PlannerFinished) -> Run:
    planner = _known(run.planners, event.planner, "planner")
    if planner.state != "running":
        raise Refused(f"planner {planner.id} is {planner.state}")
    update = {"state": event.outcome, "summary": event.summary, "evidence": event.evidence}
    return replace(run, planners=_put(run.planners, planner.id, planner.model_copy(update=update)))


def _add_task(run: Run, event: e.TaskAdded) -> Run:
    if run.phase is Phase.ENDED:
        raise Refused(f"run {run.id} is ended")
    if event.task in run.tasks:
        raise Refused(f"task {event.task} was added before")
    for other in event.plan.depends_on:
        _known(run.tasks, other, "task")  # only older tasks: dependencies cannot form a circle
    task = Task(
        id=event.task,
        cycle=run.cycle,
        planner=event.planner,
        plan=event.plan,
        rework=event.rework,
    )
    return replace(run, tasks=_put(run.tasks, task.id, task))


def _move_task(
    run: Run, event: e.TaskDropped | e.AttemptStarted | e.LandingIntended | e.LandingConflict
) -> Run:
    task = _known(run.tasks, event.task, "task")
    state = TASKS.get((task.state, type(event)))
    if state is None:
        raise Refused(f"{_name(event)} while task {task.id} is {task.state}")
    return _put_task(run, task.model_copy(update={"state": state}))


def _start_attempt(run: Run, event: e.AttemptStarted) -> Run:
    moved = _move_task(run, event)
    task = moved.tasks[event.task]
    if event.attempt != len(task.attempts) + 1:
        raise Refused(f"attempt {event.attempt} of {task.id} after {len(task.attempts)}")
    attempts = (*task.attempts, Attempt(number=event.attempt, base=event.base))
    return _put_task(moved, task.model_copy(update={"attempts": attempts}))


def _fail_attempt(run: Run, event: e.AttemptFailed) -> Run:
    task = _running(run, event)
    attempt = task.attempts[-1].model_copy(
        update={"state": "failed", "failure": event.failure, "reason": event.reason}
    )
    state = TaskState.WAITING if event.retry else TASKS[task.state, e.AttemptFailed]
    update = {"state": state, "attempts": (*task.attempts[:-1], attempt)}
    return replace(_put_task(run, task.model_copy(update=update)), intent=_drop(run, task.id))


def _land(run: Run, event: e.TaskLanded) -> Run:
    task = _running(run, event)
    intent = run.intent.get(task.id)
    if intent is None or intent.commit != event.commit:
        raise Refused(f"the landing of {task.id} was not intended")
    if event.parent != run.head:
        raise Refused(f"{task.id} landed on {event.parent}, and the head is {run.head}")
    attempt = task.attempts[-1].model_copy(update={"state": "landed", "handoff": event.handoff})
    update: dict[str, object] = {
        "state": TASKS[task.state, e.TaskLanded],
        "attempts": (*task.attempts[:-1], attempt),
    }
    changes, steps = run.changes, run.steps
    if event.change is not None:
        update["change_ids"] = (*task.change_ids, event.change)
        change = Change(
            id=event.change,
            task_id=task.id,
            title=task.plan.title,
            commit=event.commit,
            parent=event.parent,
            paths=event.paths,
        )
        changes = _put(changes, change.id, change)
        step = HeadStep(
            parent=event.parent, commit=event.commit, change_id=change.id, paths=event.paths
        )
        steps = (*steps, step)
    cycle = replace(run.cycles[-1], landed=run.cycles[-1].landed + (event.change is not None))
    return replace(
        _put_task(run, task.model_copy(update=update)),
        head=event.commit,
        changes=changes,
        steps=steps,
        cycles=(*run.cycles[:-1], cycle),
        intent=_drop(run, task.id),
    )


def _conflict(run: Run, event: e.LandingConflict) -> Run:
    task = _running(run, event)
    attempt = task.attempts[-1]
    attempt = attempt.model_copy(update={"conflicts": attempt.conflicts + 1})
    task = task.model_copy(update={"attempts": (*task.attempts[:-1], attempt)})
    return replace(_put_task(run, task), conflicts=run.conflicts + 1)


def _take_verdict(run: Run, event: e.VerdictReached) -> Run:
    if event.cycle != run.cycle:
        raise Refused(f"a verdict on cycle {event.cycle} in cycle {run.cycle}")
    verdict = Verdict(
        cycle=event.cycle, decision=event.decision, reason=event.reason, tasks=event.tasks
    )
    tasks = dict(run.tasks)
    for id_ in event.tasks:
        task = _known(run.tasks, id_, "task")
        if task.state is TaskState.RUNNING:
            raise Refused(f"a verdict sends {id_} round again while it is running")
        tasks[id_] = task.model_copy(update={"state": TaskState.WAITING})
    cycle = replace(run.cycles[-1], verdict=verdict)
    return replace(run, tasks=tasks, cycles=(*run.cycles[:-1], cycle))


def _take_finding(
    run: Run, event: e.FindingReported | e.FindingResolved | e.FindingDismissed
) -> Run:
    if isinstance(event, e.FindingReported):
        if event.finding in run.findings:
            raise Refused(f"finding {event.finding} was reported before")
        return replace(run, findings=_put(run.findings, event.finding, event.detail))
    finding = _known(run.findings, event.finding, "finding")
    if finding.state != "open":
        raise Refused(f"finding {finding.id} is {finding.state}")
    if isinstance(event, e.FindingDismissed):
        update = {"state": "dismissed", "reason": event.reason}
        cycles = run.cycles
    else:
        update = {"state": "resolved"}
        cycles = (
            *run.cycles[:-1],
            *(replace(last, resolved=last.resolved + 1) for last in run.cycles[-1:]),
        )
    findings = _put(run.findings, finding.id, finding.model_copy(update=update))
    return replace(run, findings=findings, cycles=cycles)


def _decide(run: Run, event: e.ChangeDecided) -> Run:
    change = _known(run.changes, event.change, "change")
    if event.path not in change.paths:
        raise Refused(f"change {change.id} does not touch {event.path}")
    decided = Decision(decision=event.decision, reason=event.reason)
    decisions = {**change.decisions, **{(event.path, hunk): decided for hunk in event.hunks}}
    change = change.model_copy(update={"decisions": decisions})
    deciding = tuple(i for i in run.deciding if (i.change, i.path) != (change.id, event.path))
    return replace(run, changes=_put(run.changes, change.id, change), deciding=deciding)


def _take_question(run: Run, event: e.QuestionAsked | e.QuestionAnswered) -> Run:
    if isinstance(event, e.QuestionAsked):
        if event.question in run.questions:
            raise Refused(f"question {event.question} was asked before")
        question = Question(
            id=event.question, text=event.text, options=event.options, asked_by=event.asked_by
        )
        return replace(run, questions=_put(run.questions, question.id, question))
    question = _known(run.questions, event.question, "question")
    answered = question.model_copy(update={"answer": event.answer})
    message = f"{question.text}\n{event.answer}"
    return replace(
        run,
        questions=_put(run.questions, question.id, answered),
        messages=(*run.messages, message),
    )


Item = TypeVar("Item")


def _put(mapping: Mapping[str, Item], key: str, value: Item) -> Mapping[str, Item]:
    return {**mapping, key: value}


def _put_task(run: Run, task: Task) -> Run:
    return replace(run, tasks=_put(run.tasks, task.id, task))


def _drop(run: Run, task_id: str) -> Mapping[str, e.LandingIntended]:
    return {key: intent for key, intent in run.intent.items() if key != task_id}


def _known(mapping: Mapping[str, Item], key: str, what: str) -> Item:
    if key not in mapping:
        raise Refused(f"there is no {what} {key}")
    return mapping[key]


def _running(run: Run, event: e.AttemptFailed | e.TaskLanded | e.LandingConflict) -> Task:
    """The task whose current attempt the event speaks of: the fence against late ones."""
    task = _known(run.tasks, event.task, "task")
    if (task.state, type(event)) not in TASKS:
        raise Refused(f"{_name(event)} while task {task.id} is {task.state}")
    if task.attempts[-1].number != event.attempt:
        raise Refused(f"attempt {event.attempt} of {task.id} is not the current one")
    return task


def _name(event: e.Fact) -> str:
    return str(getattr(event, "event", type(event).__name__))


def _number(id_: str) -> int:
    return int(id_[1:])
