"""What to do next: a pure function of a run's state.

Owns scheduling between tasks and the rules that end a run. Never awaits, reads a clock or
touches disk: the engine performs what is decided here, and asks again after every event.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from typing import Final, Literal

from longshift.domain import equals
from longshift.domain.budgets import digits
from longshift.domain.model import Outcome, Task, TaskState, VerdictDecision
from longshift.domain.state import Phase, Run

CycleMode = Literal["plan", "replan", "retry"]
ATTEMPTS_PER_TASK = 3
"""A task is tried again at most twice; an interrupted attempt does not count."""
IDLE_CYCLES = 2
"""Cycles in a row that land nothing and resolve no finding before the run is stopped."""
MODES: Final[Mapping[VerdictDecision, CycleMode]] = {
    "continue": "plan",
    "replan": "replan",
    "retry": "retry",
    "done": "retry",  # the goal is met, but for what the person has asked for since
    "give_up": "retry",
}
"""How the cycle after a verdict goes."""


@dataclass(frozen=True, slots=True)
class BeginCycle:
    """Take the person's text in and start the next cycle."""

    cycle: int
    mode: CycleMode


@dataclass(frozen=True, slots=True)
class StartPlanner:
    """Start the planner that owns the whole goal of this cycle."""


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Give the task to a worker."""

    task_id: str
    number: int


@dataclass(frozen=True, slots=True)
class StartAgents:
    """Start so many equal agents, which choose their tasks themselves."""

    count: int


@dataclass(frozen=True, slots=True)
class DropTask:
    """The task can never run."""

    task_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class StartJudge:
    """Nothing is left to do in this cycle: judge the head."""


@dataclass(frozen=True, slots=True)
class FinishRun:
    """End the run."""

    outcome: Outcome
    reason: str


Next = BeginCycle | StartPlanner | StartAttempt | StartAgents | DropTask | StartJudge | FinishRun


def decide(run: Run, *, judging: bool) -> list[Next]:
    """Everything that may be started now, in order; empty: wait for what is under way.

    Args:
        run: the state of the run.
        judging: whether a judge is at work in this process; after a restart none is, although
            the journal says that one had started.
    """
    if run.paused:
        return []
    match run.phase:
        case Phase.ENDED:
            return []
        case Phase.READY:
            return [_first_cycle(run)]
        case Phase.WORKING if equals.are_equal(run):
            return _work_of_equals(run)
        case Phase.WORKING:
            return _work(run)
        case Phase.JUDGING if judging:
            return []
        case Phase.JUDGING:
            return [_out_of_budget(run)] if run.exceeded else [StartJudge()]
        case Phase.JUDGED:
            return [_after_verdict(run)]


def over_time(run: Run, now: datetime) -> bool:
    """Whether the run has used up its minutes; zero minutes: no limit."""
    minutes = run.budget.minutes
    return minutes > 0 and run.seconds_at(now) >= minutes * 60


def waits_behind(run: Run, task_id: str) -> list[str]:
    """The older unfinished tasks on the same paths, behind which a waiting task is ordered."""
    task = run.tasks[task_id]
    claimed = set(_claims(task))
    behind: list[str] = []
    for other in run.to_do:
        if other.id == task_id or run.started.overlap == "allow":
            break
        if any(_claimed(path, claimed) for path in other.plan.paths):
            behind.append(other.id)
    return behind


def ready_tasks(run: Run) -> Iterator[Task]:
    """Waiting tasks that may start now, oldest first.

    Invariant (overlap = "order"): of two unfinished tasks that name the same path, or a folder
    and a path in it, only the older one may run.
    """
    ordered = run.started.overlap == "order"
    claimed: set[str] = set()
    for task in run.to_do:
        free = not (ordered and any(_claimed(path, claimed) for path in task.plan.paths))
        if ordered:
            claimed.update(_claims(task))
        landed = all(run.tasks[o].state is TaskState.LANDED for o in task.plan.depends_on)
        if task.state is TaskState.WAITING and free and landed:
            yield task


def failures_counted(task: Task) -> int:
    """Failed attempts that count against the task: the worker's own, no interruption."""
    return sum(a.state == "failed" and a.failure != "interrupted" for a in task.attempts)


def _work(run: Run) -> list[Next]:
    busy = run.count(TaskState.RUNNING)
    if run.exceeded:
        return [] if busy or _planning(run) else [_out_of_budget(run)]
    nexts: list[Next] = [] if _planner_begun(run) else [StartPlanner()]
    if dropped := _drops(run):
        return [*nexts, *dropped]
    free = run.started.workers - busy
    if free > 0 and run.count(TaskState.WAITING):  # to look for ready tasks goes over all paths
        nexts += [StartAttempt(t.id, len(t.attempts) + 1) for t in islice(ready_tasks(run), free)]
    if not nexts and not busy and not _planning(run):
        nexts.append(StartJudge())
    return nexts


def _work_of_equals(run: Run) -> list[Next]:
    at_work = run.agents_at_work or run.count(TaskState.RUNNING)
    if run.exceeded:
        return [] if at_work else [_out_of_budget(run)]
    if dropped := _drops(run):
        return list(dropped)
    ready: list[Task] = []
    if run.agents_at_work < run.started.workers and run.count(TaskState.WAITING):
        ready = list(ready_tasks(run))
    if (count := equals.to_start(run, len(ready))) > 0:
        return [StartAgents(count)]
    if at_work:
        return []
    untaken = "No agent took it, though it was on the list and nothing stood before it."
    return [DropTask(task.id, untaken) for task in ready] or [StartJudge()]


def _drops(run: Run) -> list[DropTask]:
    if not (run.count(TaskState.FAILED) or run.count(TaskState.DROPPED)):
        return []
    return [DropTask(task.id, reason) for task, reason in _undoable(run)]


def _begun(run: Run) -> bool:
    """Whether this cycle has whoever makes its tasks."""
    return equals.have_begun(run) if equals.are_equal(run) else _planner_begun(run)


def _planner_begun(run: Run) -> bool:
    """Whether this cycle has its planner; a cycle of retries needs none.

    An interrupted planner does not count: after a restart another one takes over, and sees the
    tasks that the first has added.
    """
    if run.cycles[-1].mode == "retry":
        return True
    return any(
        planner.cycle == run.cycle and planner.parent is None and planner.state != "interrupted"
        for planner in run.planners.values()
    )


def _planning(run: Run) -> bool:
    return any(planner.state == "running" for planner in run.planners.values())


def _undoable(run: Run) -> Iterator[tuple[Task, str]]:
    """Waiting tasks that depend on one which will never land."""
    for task in run.to_do:
        if task.state is not TaskState.WAITING:
            continue
        for other in task.plan.depends_on:
            if run.tasks[other].state in (TaskState.FAILED, TaskState.DROPPED):
                yield task, f"{other}, which it depends on, {run.tasks[other].state}"
                break


def _claims(task: Task) -> Iterator[str]:
    for named in task.plan.paths:
        path = _plain(named)
        yield path
        for folder in _folders(path):
            yield folder + "/"  # marks "something below this folder is claimed"


def _claimed(named: str, claimed: set[str]) -> bool:
    path = _plain(named)
    if path in claimed or path + "/" in claimed:
        return True
    return any(folder in claimed for folder in _folders(path))


def _plain(path: str) -> str:
    """A path in one spelling; a pattern as the folder that all its matches are in, "" the root."""
    parts = (part for part in path.split("/") if part not in ("", "."))
    return "/".join(takewhile(lambda part: not set("*?[") & set(part), parts))


def _folders(path: str) -> Iterator[str]:
    parts = path.split("/") if path else []
    for length in range(len(parts)):
        yield "/".join(parts[:length])


def _after_verdict(run: Run) -> Next:
    last = run.cycles[-1].verdict
    assert last is not None, "a judged cycle has its verdict"
    # The person may have asked for more while the judge was at work: a rework, a finding to fix.
    asked = last.decision != "retry" and run.count(TaskState.WAITING) > 0
    if last.decision == "done" and not asked:
        return FinishRun("done", last.reason)
    if last.decision == "give_up" and not asked:
        return FinishRun("gave_up", last.reason)
    if run.exceeded:
        return _out_of_budget(run)
    if not asked and _is_idle(run):
        return FinishRun(
            "no_progress",
            f"{IDLE_CYCLES} cycles in a row landed nothing and resolved no finding; "
            f"the judge's last word: {last.reason}",
        )
    limit = run.budget.cycles
    if limit and run.cycle >= limit:
        return FinishRun(
            "out_of_budget",
            f"budget.cycles allows no more than {run.cycle}, and that many are done; raise it and "
            f"resume the run to go on. The judge's last word: {last.reason}",
        )
    return BeginCycle(run.cycle + 1, MODES[last.decision])


def _is_idle(run: Run) -> bool:
    latest = run.cycles[-IDLE_CYCLES:]
    # A cycle without a verdict was cut off: it had no chance to bring anything.
    brought = (c.landed or c.resolved or c.verdict is None for c in latest)
    return len(latest) == IDLE_CYCLES and not any(brought)


def _first_cycle(run: Run) -> BeginCycle:
    """The first cycle plans; that of a reopened run does the tasks that wait for it.

    Where a budget has cut planning itself off, it goes on beside them.
    """
    cut_off = run.goes_on and run.cycle > 0 and not _begun(run)
    waiting = run.cycle > 0 and run.count(TaskState.WAITING) > 0
    return BeginCycle(run.cycle + 1, "retry" if waiting and not cut_off else "plan")


def _out_of_budget(run: Run) -> FinishRun:
    spent = run.exceeded
    assert spent is not None, "called only once a budget is exceeded"
    return FinishRun(
        "out_of_budget",
        f"budget.{spent.kind} is used up: {digits(spent.used)} of {digits(spent.limit)}. "
        f"What landed stands at the run's head; raise budget.{spent.kind} and resume the run to "
        "go on.",
    )
