"""What to do next: a pure function of a run's state.

Owns scheduling between tasks; the rules that end a run are in `domain.stopping`. Never awaits,
reads a clock or touches disk: the engine performs what is decided here, and asks again after every
event.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final, Literal

from longshift.domain import equals
from longshift.domain.model import Outcome, Task, TaskState, VerdictDecision
from longshift.domain.queue import in_the_way, newest_places, places
from longshift.domain.state import Phase, Run
from longshift.domain.stopping import (
    Figures,
    RuleName,
    Stop,
    ended_by,
    out_of_budget,
    out_of_cycles,
    wants_second_judge,
)

CycleMode = Literal["plan", "replan", "retry"]
ATTEMPTS_PER_TASK = 3
"""A task is tried again at most twice; an interrupted attempt does not count."""
MOST_NAMED = 20
"""Tasks that one is told to wait for."""
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

    look: int = 1
    """2: a second judge, for the first one's `done` was marginal."""
    because: str = ""
    """What made it so, in words."""


@dataclass(frozen=True, slots=True)
class FinishRun:
    """End the run."""

    outcome: Outcome
    reason: str
    rule: RuleName
    figures: Figures = field(default_factory=dict)


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
            return [_out_of_budget(run)] if run.exceeded else [_judge(run)]
        case Phase.JUDGED:
            step = _after_verdict(run)
            # The first judge has spoken and is about to be gone: one at a time.
            return [] if judging and isinstance(step, StartJudge) else [step]


def over_time(run: Run, now: datetime) -> bool:
    """Whether the run has used up its minutes; zero minutes: no limit."""
    minutes = run.budget.minutes
    return minutes > 0 and run.seconds_at(now) >= minutes * 60


def waits_behind(run: Run, task_id: str) -> list[str]:
    """The older unfinished tasks on the same paths, behind which a waiting task is ordered.

    Oldest first, and of many the newest: with thousands on one file, who waits for the last of
    them waits for all.
    """
    behind = in_the_way(run.queue, run.tasks, run.tasks[task_id])
    return [run.tasks.at(place).id for place in newest_places(behind, MOST_NAMED)]


def ready_tasks(run: Run) -> Iterator[Task]:
    """Waiting tasks that may start now, oldest first."""
    return (run.tasks.at(place) for place in places(run.queue.ready))


def is_ready(run: Run, task_id: str) -> bool:
    """Whether a task may start now."""
    return bool(run.queue.ready >> run.tasks.place(task_id) & 1)


def failures_counted(task: Task) -> int:
    """Failed attempts that count against the task: the worker's own, no interruption."""
    return sum(a.state == "failed" and a.failure != "interrupted" for a in task.attempts)


def _work(run: Run) -> list[Next]:
    busy = run.count(TaskState.RUNNING)
    if run.exceeded:
        return [] if busy or _planning(run) else [_out_of_budget(run)]
    nexts: list[Next] = [] if _planner_begun(run) else [StartPlanner()]
    if run.queue.doomed:
        return [*nexts, *_drops(run)]
    free = max(0, run.started.workers - busy)
    nexts += [StartAttempt(t.id, len(t.attempts) + 1) for t in islice(ready_tasks(run), free)]
    if not nexts and not busy and not _planning(run):
        nexts.append(StartJudge())
    return nexts


def _work_of_equals(run: Run) -> list[Next]:
    at_work = run.agents_at_work or run.count(TaskState.RUNNING)
    if run.exceeded:
        return [] if at_work else [_out_of_budget(run)]
    if run.queue.doomed:
        return list(_drops(run))
    if (count := equals.to_start(run, run.queue.ready.bit_count())) > 0:
        return [StartAgents(count)]
    if at_work:
        return []
    untaken = "No agent took it, though it was on the list and nothing stood before it."
    return [DropTask(task.id, untaken) for task in ready_tasks(run)] or [StartJudge()]


def _drops(run: Run) -> Iterator[DropTask]:
    """The waiting tasks that depend on one which will never land."""
    for task in (run.tasks.at(place) for place in places(run.queue.doomed)):
        states = ((id_, run.tasks[id_].state) for id_ in task.plan.depends_on)
        lost = next(one for one in states if one[1] in (TaskState.FAILED, TaskState.DROPPED))
        yield DropTask(task.id, f"{lost[0]}, which it depends on, {lost[1]}")


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


def _judge(run: Run) -> StartJudge:
    """Who is to judge the head now: after an interruption, whoever was at it."""
    second = run.cycles[-1].verdict is not None
    return StartJudge(2, wants_second_judge(run)) if second else StartJudge()


def _after_verdict(run: Run) -> Next:
    last = run.cycles[-1].verdict
    assert last is not None, "a judged cycle has its verdict"
    # The person may have asked for more while the judge was at work: a rework, a finding to fix.
    # What the judge wants done once more waits as well.
    asked = run.unheard or run.count(TaskState.WAITING) > len(last.tasks)
    marginal = wants_second_judge(run) if last.decision == "done" and not asked else ""
    if marginal and not run.exceeded:
        return StartJudge(2, marginal)
    settled = last.decision in ("done", "give_up") and not asked and not marginal
    if run.exceeded and not settled:
        waiting = f"The judge said done, and a second one had to agree: {marginal}. "
        return _finish(out_of_budget(run, waiting if marginal else ""))
    stop = out_of_cycles(run) if asked else ended_by(run)
    mode = MODES[last.decision]
    mode = "plan" if mode == "retry" and _wants_planner(run) else mode
    return _finish(stop) if stop else BeginCycle(run.cycle + 1, mode)


def _first_cycle(run: Run) -> BeginCycle:
    """The first cycle plans; that of a reopened run does the tasks that wait for it.

    Where a budget has cut planning itself off, it goes on beside them.
    """
    cut_off = run.goes_on and run.cycle > 0 and not _begun(run)
    waiting = run.cycle > 0 and run.count(TaskState.WAITING) > 0
    plans = cut_off or not waiting or _wants_planner(run)
    return BeginCycle(run.cycle + 1, "plan" if plans else "retry")


def _wants_planner(run: Run) -> bool:
    """Whether the person waits to be heard, and a cycle of retries has nobody who would.

    Equal agents hear what is said to the run, but come only where there is a task to take.
    """
    return run.unheard and not (equals.are_equal(run) and run.queue.ready)


def _out_of_budget(run: Run) -> FinishRun:
    return _finish(out_of_budget(run))


def _finish(stop: Stop) -> FinishRun:
    return FinishRun(stop.outcome, stop.reason, stop.rule, stop.figures)
