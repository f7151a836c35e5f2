"""What events do to a run's planners, tasks and attempts: the half of the fold that workers move.

Owns the fence against late attempts: an event of an attempt that is not the current one is
refused. Pure, like all of the fold; `domain.fold` calls it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, TypeVar

from longshift.domain import events as e
from longshift.domain.contention import with_conflict, with_landing
from longshift.domain.copies import replace
from longshift.domain.designs import may_revise, standing_note
from longshift.domain.model import (
    Attempt,
    Change,
    DesignNote,
    HeadStep,
    PlannerRecord,
    Task,
    TaskState,
)
from longshift.domain.queue import entered, moved, rebuilt
from longshift.domain.scope import strays, touches
from longshift.domain.state import Phase, Run, number_of
from longshift.domain.table import Table
from longshift.domain.transitions import TASKS, Refused, known, name_of

MOST_PREDICTED: Final = 200
"""Conflicts foreseen that are remembered: it is for a person to look at."""


def start_planner(run: Run, event: e.PlannerStarted) -> Run:
    """A planner or sub-planner begins."""
    if event.planner in run.planners:
        raise Refused(f"planner {event.planner} was started before")
    if event.parent is not None:
        known(run.planners, event.parent, "planner")
    planner = PlannerRecord(
        id=event.planner,
        cycle=run.cycle,
        parent=event.parent,
        scope=event.scope,
        objective=event.objective,
    )
    return replace(run, planners=put(run.planners, planner.id, planner), unheard=False)


def finish_planner(run: Run, event: e.PlannerFinished) -> Run:
    """A planner has made its tasks, or was ended."""
    planner = known(run.planners, event.planner, "planner")
    if planner.state != "running":
        raise Refused(f"planner {planner.id} is {planner.state}")
    update = {"state": event.outcome, "summary": event.summary, "evidence": event.evidence}
    planners = put(run.planners, planner.id, planner.model_copy(update=update))
    # What they said while it gave its last reply is for whoever still plans, else for the next.
    missed = event.heard is not None and event.heard < len(run.messages)
    alone = not any(one.state == "running" for one in planners.values())
    return replace(run, planners=planners, unheard=run.unheard or (missed and alone))


def note_design(run: Run, event: e.DesignNoted) -> Run:
    """A planner decides a topic, or decides it anew."""
    planner = known(run.planners, event.planner, "planner")
    if planner.state != "running":
        raise Refused(f"planner {planner.id} is {planner.state}")
    standing, before = standing_note(run, event.topic), run.designs.get(event.note)
    if standing is not None and standing.id != event.note:
        raise Refused(f"note {standing.id} stands on the topic of {event.note}")
    if before is not None and standing is None:
        raise Refused(f"note {event.note} is on another topic")
    if before is not None and not may_revise(run, planner.id, before):
        raise Refused(f"note {event.note} is not for planner {planner.id} to revise")
    note = DesignNote(
        id=event.note,
        topic=event.topic,
        decision=event.decision,
        planner=planner.id,
        cycle=run.cycle,
    )
    return replace(run, designs=put(run.designs, note.id, note), newest=newest(run, note.id))


def add_task(run: Run, event: e.TaskAdded) -> Run:
    """A task joins the list; it may only depend on older ones, so no circle can form."""
    if run.phase is Phase.ENDED:
        raise Refused(f"run {run.id} is ended")
    if event.task in run.tasks:
        raise Refused(f"task {event.task} was added before")
    for other in event.plan.depends_on:
        known(run.tasks, other, "task")  # only older tasks: dependencies cannot form a circle
    task = Task.trusted(
        id=event.task,
        cycle=run.cycle,
        planner=event.planner,
        plan=event.plan,
        rework=event.rework,
        state=TaskState.WAITING,
        attempts=(),
        change_ids=(),
    )
    return put_task(run, task)


def move_task(
    run: Run, event: e.TaskDropped | e.AttemptStarted | e.LandingIntended | e.LandingConflict
) -> Run:
    """A task's state moves as the table allows."""
    task = known(run.tasks, event.task, "task")
    state = TASKS.get((task.state, type(event)))
    if state is None:
        raise Refused(f"{name_of(event)} while task {task.id} is {task.state}")
    if state is task.state:
        return run
    return put_task(run, task.model_copy(update={"state": state}))


def start_attempt(run: Run, event: e.AttemptStarted, time: datetime) -> Run:
    """A worker begins a try at a task."""
    task = known(run.tasks, event.task, "task")
    state = TASKS.get((task.state, type(event)))
    if state is None:
        raise Refused(f"{name_of(event)} while task {task.id} is {task.state}")
    if event.attempt != len(task.attempts) + 1:
        raise Refused(f"attempt {event.attempt} of {task.id} after {len(task.attempts)}")
    begun_s = run.seconds_at(time)
    begun = Attempt(number=event.attempt, base=event.base, begun_s=begun_s, agent=event.agent)
    attempts = (*task.attempts, begun)
    return put_task(run, task.model_copy(update={"state": state, "attempts": attempts}))


def intend(run: Run, event: e.LandingIntended) -> Run:
    """A submission is about to be put on the head; its change's id is taken."""
    moved = move_task(run, event)
    return replace(
        moved, intent=put(run.intent, event.task, event), newest=newest(run, event.change)
    )


def fail_attempt(run: Run, event: e.AttemptFailed, time: datetime) -> Run:
    """A try came to nothing; its task waits again, or has failed."""
    task = _running(run, event)
    attempt = _ended(run, task, time).model_copy(
        update={
            "state": "failed",
            "failure": event.failure,
            "reason": event.reason,
            "handoff": event.handoff,
        }
    )
    state = TaskState.WAITING if event.retry else TASKS[task.state, e.AttemptFailed]
    update = {"state": state, "attempts": (*task.attempts[:-1], attempt)}
    run = replace(put_task(run, task.model_copy(update=update)), **_let_go(run, task.id))
    return run if state is TaskState.WAITING else _with_lost(run, task.id)


def drop_task(run: Run, event: e.TaskDropped) -> Run:
    """A task will not be done."""
    return _with_lost(move_task(run, event), event.task)


def _with_lost(run: Run, task_id: str) -> Run:
    """The run whose present cycle knows of a task that will not land."""
    cycles = (replace(last, lost=(*last.lost, task_id)) for last in run.cycles[-1:])
    return replace(run, cycles=(*run.cycles[:-1], *cycles))


def land(run: Run, event: e.TaskLanded, time: datetime) -> Run:
    """A try stands on the head: a new step, and a change for review unless nothing differed."""
    task = _running(run, event)
    intent = run.intent.get(task.id)
    if intent is None or intent.commit != event.commit:
        raise Refused(f"the landing of {task.id} was not intended")
    if event.parent != run.head:
        raise Refused(f"{task.id} landed on {event.parent}, and the head is {run.head}")
    attempt = _ended(run, task, time).model_copy(
        update={"state": "landed", "handoff": event.handoff}
    )
    update: dict[str, object] = {
        "state": TASKS[task.state, e.TaskLanded],
        "attempts": (*task.attempts[:-1], attempt),
    }
    changes, steps = run.changes, run.steps
    if event.change is not None:
        update["change_ids"] = (*task.change_ids, event.change)
        change = Change.trusted(
            id=event.change,
            task_id=task.id,
            title=task.plan.title,
            commit=event.commit,
            parent=event.parent,
            paths=event.paths,
            decisions={},
            stale_paths=(),
        )
        changes = put(changes, change.id, change)
        step = HeadStep.trusted(
            parent=event.parent, commit=event.commit, change_id=change.id, paths=event.paths
        )
        steps = steps.plus(step)
    counts, goal, last = event.change is not None, run.started.goal, run.cycles[-1]
    cycle = replace(
        last,
        landed=last.landed + counts,
        inside=last.inside + (counts and touches(goal, event.paths)),
        outside=last.outside + (counts and strays(goal, event.paths)),
    )
    return replace(
        put_task(run, task.model_copy(update=update)),
        **_let_go(run, task.id),
        head=event.commit,
        changes=changes,
        steps=steps,
        cycles=(*run.cycles[:-1], cycle),
        newest=newest(run, event.change),
        contention=with_landing(run.contention, event.paths),
    )


def conflict(run: Run, event: e.LandingConflict) -> Run:
    """A submission went back to its worker."""
    task = _running(run, event)
    attempt = task.attempts[-1]
    attempt = attempt.model_copy(update={"conflicts": attempt.conflicts + 1})
    task = task.model_copy(update={"attempts": (*task.attempts[:-1], attempt)})
    return replace(
        put_task(run, task),
        conflicts=run.conflicts + 1,
        contention=with_conflict(run.contention, event.paths),
    )


def reserve(run: Run, event: e.FileReserved) -> Run:
    """Files go to one task before any other, until its attempt is over."""
    known(run.tasks, event.task, "task")
    return replace(run, reserved={**run.reserved, **dict.fromkeys(event.paths, event.task)})


def predict(run: Run, event: e.ConflictPredicted) -> Run:
    """Two tasks at work will clash."""
    for task_id in event.tasks:
        known(run.tasks, task_id, "task")
    return replace(run, predicted=(*run.predicted, (event.path, event.tasks))[-MOST_PREDICTED:])


def _let_go(run: Run, task_id: str) -> Mapping[str, object]:
    """The fields of a run without what holds of a task only while it is worked on."""
    reserved, predicted = run.reserved, run.predicted
    if task_id in reserved.values():
        reserved = {path: holder for path, holder in reserved.items() if holder != task_id}
    if any(task_id in tasks for _, tasks in predicted):
        predicted = tuple(one for one in predicted if task_id not in one[1])
    return {"reserved": reserved, "predicted": predicted, "intent": _drop(run, task_id)}


def _ended(run: Run, task: Task, time: datetime) -> Attempt:
    """The attempt that is under way, with the time that it took."""
    attempt = task.attempts[-1]
    seconds = max(0.0, run.seconds_at(time) - attempt.begun_s)
    return attempt.model_copy(update={"seconds": seconds})


def _drop(run: Run, task_id: str) -> Mapping[str, e.LandingIntended]:
    return {key: intent for key, intent in run.intent.items() if key != task_id}


def _running(run: Run, event: e.AttemptFailed | e.TaskLanded | e.LandingConflict) -> Task:
    """The task whose current attempt the event speaks of: the fence against late ones."""
    task = known(run.tasks, event.task, "task")
    if (task.state, type(event)) not in TASKS:
        raise Refused(f"{name_of(event)} while task {task.id} is {task.state}")
    if task.attempts[-1].number != event.attempt:
        raise Refused(f"attempt {event.attempt} of {task.id} is not the current one")
    return task


def put_task(run: Run, task: Task) -> Run:
    """The run with one task added or moved, and counted; no finished one, which `reopen` does."""
    before = run.tasks.get(task.id)
    tasks = run.tasks.put(task.id, task)
    if before is not None and before.state is task.state:
        return replace(run, tasks=tasks)
    counts = dict(run.task_counts)
    counts[task.state] = counts.get(task.state, 0) + 1
    if before is None:
        queue = entered(run.queue, tasks, task, ordered=run.started.overlap == "order")
    else:
        counts[before.state] -= 1
        queue = moved(run.queue, tasks, task)
    return replace(
        run,
        tasks=tasks,
        task_counts=counts,
        queue=queue,
        list_version=run.list_version + 1,
    )


def reopen(run: Run, ids: Iterable[str]) -> Run:
    """The run with tasks that are to be done once more."""
    tasks, counts = run.tasks, dict(run.task_counts)
    for id_ in ids:
        task = known(tasks, id_, "task")
        counts[task.state] -= 1
        counts[TaskState.WAITING] = counts.get(TaskState.WAITING, 0) + 1
        tasks = tasks.put(id_, task.model_copy(update={"state": TaskState.WAITING}))
    queue = rebuilt(tasks, ordered=run.started.overlap == "order")
    version = run.list_version + 1
    return replace(run, tasks=tasks, task_counts=counts, queue=queue, list_version=version)


def newest(run: Run, id_: str | None) -> Mapping[str, int]:
    """The highest number of each kind of id, with one more that is in use."""
    if id_ is None:
        return run.newest
    return put(run.newest, id_[0], max(run.newest.get(id_[0], 0), number_of(id_)))


Item = TypeVar("Item")


def put(mapping: Mapping[str, Item], key: str, value: Item) -> Mapping[str, Item]:
    """The mapping with one value put in; the old one stays as it was."""
    return mapping.put(key, value) if isinstance(mapping, Table) else {**mapping, key: value}
