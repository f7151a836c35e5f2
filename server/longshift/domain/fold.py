"""The fold: what is, from what has happened.

Pure: `apply(state, record)` returns a new state and refuses, with a reason, an event that cannot
happen in the old one. The engine appends an event only after it has been applied here, so what
stands in a journal always folds.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from longshift.domain import events as e
from longshift.domain.copies import replace
from longshift.domain.fold_agents import (
    claim,
    finish_agent,
    interrupted,
    lock,
    start_agent,
    unlock,
)
from longshift.domain.fold_cycles import heard_anew, start_cycle, take_finding, take_verdict
from longshift.domain.fold_tasks import (
    add_task,
    conflict,
    drop_task,
    fail_attempt,
    finish_planner,
    intend,
    land,
    newest,
    note_design,
    predict,
    put,
    reserve,
    start_attempt,
    start_planner,
)
from longshift.domain.model import (
    Budget,
    Constraint,
    Decision,
    HeadStep,
    Question,
    Said,
    TaskState,
    Usage,
)
from longshift.domain.queue import UNMADE, Queue, rebuilt
from longshift.domain.state import Phase, Run, State
from longshift.domain.tally import INDIFFERENT, Tally
from longshift.domain.transitions import PHASES, WORKING_ONLY, Refused, known, name_of


def fold(records: Iterable[e.Recorded], state: State | None = None) -> State:
    """Rebuild the state from its events, oldest first.

    Raises:
        Refused: an event cannot have happened where it stands.
    """
    state = state or State()
    tallies: dict[str, Tally] = {}
    seq, time = state.seq, state.time
    for record in records:
        event = record.event
        _refuse_late(record, seq)
        seq, time = record.seq, record.time
        if type(event) is e.ModelCalled and event.run in state.runs:
            if event.run not in tallies:
                tallies[event.run] = Tally()
            tallies[event.run].add(event)
        else:
            if tallies and type(event) not in INDIFFERENT:
                state, tallies = _booked(state, tallies), {}
            state = apply(state, record)
            if isinstance(event, e.RunStarted):
                state = _with_queue(state, event.run, UNMADE)
    state = State(seq, time, state.runs, state.constraints)
    return _with_queues_made(_booked(state, tallies))


def _refuse_late(record: e.Recorded, last: int) -> None:
    if record.seq <= last:
        raise Refused(f"event {record.seq} comes after event {last}")


def _with_queues_made(state: State) -> State:
    for run in state.runs.values():
        if run.queue is UNMADE:
            made = rebuilt(run.tasks, ordered=run.started.overlap == "order")
            state = _with_queue(state, run.id, made)
    return state


def _with_queue(state: State, run_id: str, queue: Queue) -> State:
    run = replace(state.runs[run_id], queue=queue)
    return replace(state, runs=put(state.runs, run_id, run))


def _booked(state: State, tallies: Mapping[str, Tally]) -> State:
    """The state with calls that were taken in and not booked."""
    runs = {**state.runs, **{id_: tally.into(state.runs[id_]) for id_, tally in tallies.items()}}
    return replace(state, runs=runs) if tallies else state


def apply(state: State, record: e.Recorded) -> State:
    """Take one event in.

    Raises:
        Refused: the event cannot happen in this state.
    """
    _refuse_late(record, state.seq)
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
                budget=event.budget,
                checkout=event.checkout,
                running_since=record.time,
            )
            return _with_run(state, record, run)
        case e.ConstraintAdded() | e.ConstraintLifted():
            return State(record.seq, record.time, state.runs, _constraints(state, event))
        case e.ModelCalled():  # the most frequent by far, and it moves nothing
            return _with_run(state, record, _count(known(state.runs, event.run, "run"), event))
        case _:
            run = known(state.runs, event.run, "run")
            return _with_run(state, record, _apply_to_run(_move(run, event), event, record.time))


def _with_run(state: State, record: e.Recorded, run: Run) -> State:
    return State(record.seq, record.time, put(state.runs, run.id, run), state.constraints)


def _constraints(
    state: State, event: e.ConstraintAdded | e.ConstraintLifted
) -> Mapping[str, Constraint]:
    if isinstance(event, e.ConstraintAdded):
        if event.constraint in state.constraints:
            raise Refused(f"constraint {event.constraint} was added before")
        return put(state.constraints, event.constraint, event.detail)
    held = known(state.constraints, event.constraint, "constraint")
    if held.lifted:
        raise Refused(f"constraint {event.constraint} was lifted before")
    return put(state.constraints, event.constraint, held.model_copy(update={"lifted": True}))


def _move(run: Run, event: e.OfRun) -> Run:
    """Check the event against the tables and move the run's phase and the task it names."""
    if isinstance(event, WORKING_ONLY) and run.phase is not Phase.WORKING:
        raise Refused(f"{name_of(event)} while run {run.id} is {run.phase}")
    moves_phase = type(event) in _MOVING
    phase = PHASES.get((run.phase, type(event)))
    if isinstance(event, e.RunResumed):
        if phase is None and not run.paused:
            raise Refused(f"run {run.id} is neither paused nor ended")
        phase = phase or run.phase
    elif moves_phase and phase is None:
        raise Refused(f"{name_of(event)} while run {run.id} is {run.phase}")
    return run if phase in (None, run.phase) else replace(run, phase=phase)


_MOVING: Final = frozenset(kind for _, kind in PHASES)


def _count(run: Run, event: e.ModelCalled) -> Run:
    """Book a call: for the run, its role, its model and, where a worker made it, its task."""
    used = event.usage
    by_task = run.usage_by_task
    if event.role == "worker":
        by_task = _added(by_task, event.agent.partition(".")[0], used)
    return replace(
        run,
        usage=run.usage.plus(used),
        usage_by_role=_added(run.usage_by_role, event.role, used),
        usage_by_model=_added(run.usage_by_model, event.model, used),
        usage_by_task=by_task,
        prices=_prices(run.prices, event),
    )


def _prices(prices: Mapping[str, str], event: e.ModelCalled) -> Mapping[str, str]:
    if not event.prices or prices.get(event.model) == event.prices:
        return prices
    return put(prices, event.model, event.prices)


def _added(usages: Mapping[str, Usage], key: str, used: Usage) -> Mapping[str, Usage]:
    before = usages.get(key)
    return put(usages, key, used if before is None else before.plus(used))


def _apply_to_run(run: Run, event: e.Event, time: datetime) -> Run:  # noqa: C901, PLR0911, PLR0912 - one table of cases, each a line
    match event:  # the most frequent first: they are gone through in turn
        case e.CommandRan() | e.ConversationOpened() | e.CheckRan():
            return run  # on record, and nothing follows from it
        case e.TaskAdded():
            # A rework is a person's word: what it undoes is no going to and fro of the run's.
            return add_task(heard_anew(run) if event.rework is not None else run, event)
        case e.AttemptStarted():
            run = claim(run, event.agent) if event.agent else run
            return start_attempt(run, event, time)
        case e.LandingIntended():
            return intend(run, event)
        case e.TaskLanded():
            return land(run, event, time)
        case e.RunPaused():
            return _pause(run, event, time)
        case e.RunResumed():
            return _resume(run, event, time)
        case e.RunRecovered():
            return replace(run, recovered=event.done)
        case e.RunFinished():
            return _finish(run, event, time)
        case e.RunSteered():
            return _steer(run, event)
        case e.CycleStarted():
            return start_cycle(run, event)
        case e.HeadMoved():
            return _move_head(run, event)
        case e.HeadPublished():
            return replace(run, published=event.head)
        case e.PlannerStarted():
            return start_planner(run, event)
        case e.PlannerFinished():
            return finish_planner(run, event)
        case e.DesignNoted():
            return note_design(run, event)
        case e.AgentStarted():
            return start_agent(run, event)
        case e.AgentFinished():
            return finish_agent(run, event)
        case e.TasksLocked():
            return lock(run, event, time)
        case e.TasksUnlocked():
            return unlock(run, event)
        case e.TaskDropped():
            return drop_task(run, event)
        case e.AttemptFailed():
            return fail_attempt(run, event, time)
        case e.LandingConflict():
            return conflict(run, event)
        case e.FileReserved():
            return reserve(run, event)
        case e.ConflictPredicted():
            return predict(run, event)
        case e.JudgeStarted():
            return _start_judge(run)
        case e.VerdictReached():
            return take_verdict(run, event)
        case e.FindingReported() | e.FindingResolved() | e.FindingDismissed():
            return take_finding(run, event)
        case e.DecisionIntended():
            return replace(run, deciding=(*run.deciding, event))
        case e.ChangeDecided():
            return _decide(run, event)
        case e.ChangeStale():
            change = known(run.changes, event.change, "change")
            paths = tuple(dict.fromkeys((*change.stale_paths, event.path)))
            change = change.model_copy(update={"stale_paths": paths})
            return replace(run, changes=put(run.changes, change.id, change))
        case e.QuestionAsked() | e.QuestionAnswered():
            return _take_question(run, event)
        case e.SandboxOpened():
            return replace(run, sandbox=event)
        case e.GuardRefused():
            return replace(run, refusals=run.refusals + 1)
        case e.BudgetWarned():
            return replace(run, warned=run.warned | {(event.task, event.kind, event.percent)})
        case e.BudgetExceeded():
            if event.task is not None:
                return replace(run, spent_tasks=put(run.spent_tasks, event.task, event))
            return replace(run, exceeded=event)
        case e.RunStarted() | e.ModelCalled() | e.ConstraintAdded() | e.ConstraintLifted():
            raise Refused(f"{name_of(event)} is not of one run's course")


def _steer(run: Run, event: e.RunSteered) -> Run:
    said = (*run.messages, Said(text=event.message))
    return heard_anew(replace(run, messages=said, unheard=_nobody_plans(run)))


def _nobody_plans(run: Run) -> bool:
    """Whether what the person says now reaches nobody who makes tasks."""
    planned = any(one.state == "running" for one in run.planners.values())
    return not planned and not run.agents_at_work


def _pause(run: Run, event: e.RunPaused, time: datetime) -> Run:
    # A pause that ends by itself can become a person's, which does not.
    taken_over = run.paused and run.pause_cause == "endpoint" and event.cause != "endpoint"
    if run.phase is Phase.ENDED or (run.paused and not taken_over):
        raise Refused(f"run {run.id} is {run.lifecycle}")
    # Where the clock was set back, that moment is after `time`: it is of the clock before.
    seconds = run.seconds_at(time if event.since is None else event.since)
    return replace(
        run,
        paused=True,
        pause_reason=event.reason,
        pause_cause=event.cause,
        running_since=None,
        seconds_run=seconds,
    )


def _resume(run: Run, event: e.RunResumed, time: datetime) -> Run:
    if run.outcome is not None:
        run = heard_anew(run)
    return replace(
        run,
        checkout=event.checkout or run.checkout,
        paused=False,
        pause_reason="",
        pause_cause=None,
        recovered=(),
        running_since=time,
        outcome=None,
        outcome_reason="",
        outcome_rule="",
        outcome_figures={},
        exceeded=_still_exceeded(run, event.budget),
        goes_on=run.outcome == "out_of_budget" and event.budget is not None,
        **_rebudgeted(run, event.budget),
    )


def _still_exceeded(run: Run, budget: Budget | None) -> e.BudgetExceeded | None:
    """What is used up stays so through a pause, unless its limit is another now.

    A run that had ended is to be tried anew: it is reopened for what the person asks for.
    """
    spent = run.exceeded
    if spent is None or run.outcome is not None:
        return None
    moved = budget is not None and getattr(budget, spent.kind) != getattr(run.budget, spent.kind)
    return None if moved else spent


def _rebudgeted(run: Run, budget: Budget | None) -> dict[str, Any]:
    """What follows from new limits: of each that differs, warnings are due anew."""
    if budget is None:
        return {}
    changed = {
        (of_task, name)
        for of_task, old, new in (
            (False, run.budget, budget),
            (True, run.budget.task, budget.task),
        )
        for name in type(new).model_fields
        if getattr(old, name) != getattr(new, name)
    }
    warned = (one for one in run.warned if (one[0] is not None, one[1]) not in changed)
    spent = {id_: one for id_, one in run.spent_tasks.items() if (True, one.kind) not in changed}
    return {"budget": budget, "warned": frozenset(warned), "spent_tasks": spent}


def _finish(run: Run, event: e.RunFinished, time: datetime) -> Run:
    if run.count(TaskState.RUNNING):
        raise Refused(f"run {run.id} still has attempts running")
    # A planner or agent that was still at work has no more to say: none may hold up a reopened run.
    planners = {
        id_: one.model_copy(update={"state": "interrupted"}) if one.state == "running" else one
        for id_, one in run.planners.items()
    }
    return replace(
        run,
        planners=planners,
        agents=interrupted(run.agents),
        list_lock=None,
        paused=False,
        pause_reason="",
        pause_cause=None,
        running_since=None,
        seconds_run=run.seconds_at(time),
        outcome=event.outcome,
        outcome_reason=event.reason,
        outcome_rule=event.rule,
        outcome_figures=event.figures,
    )


def _move_head(run: Run, event: e.HeadMoved) -> Run:
    if run.phase in (Phase.WORKING, Phase.JUDGING):
        raise Refused(f"the head takes the person's text between cycles, not while {run.phase}")
    steps = run.steps
    # Where the person has all that landed, the head stays, and yet what was theirs is settled.
    if (event.head, event.taken) != (run.head, run.taken):
        step = HeadStep(parent=run.head, commit=event.head, change_id=None, paths=event.paths)
        steps = steps.plus(step)
    return replace(
        run,
        head=event.head,
        taken=event.taken,
        checkout=event.checkout or run.checkout,
        steps=steps,
    )


def _start_judge(run: Run) -> Run:
    planning = any(planner.state == "running" for planner in run.planners.values())
    if planning or run.agents_at_work or run.count(TaskState.RUNNING):
        raise Refused(f"the judge of run {run.id} cannot start while others are at work")
    return run


def _decide(run: Run, event: e.ChangeDecided) -> Run:
    change = known(run.changes, event.change, "change")
    if event.path not in change.paths:
        raise Refused(f"change {change.id} does not touch {event.path}")
    decided = Decision(
        decision=event.decision, reason=event.reason, text=event.text, editor=event.editor
    )
    decisions = {**change.decisions, **{(event.path, hunk): decided for hunk in event.hunks}}
    change = change.model_copy(update={"decisions": decisions})
    deciding = tuple(i for i in run.deciding if (i.change, i.path) != (change.id, event.path))
    return replace(run, changes=put(run.changes, change.id, change), deciding=deciding)


def _take_question(run: Run, event: e.QuestionAsked | e.QuestionAnswered) -> Run:
    if isinstance(event, e.QuestionAsked):
        if event.question in run.questions:
            raise Refused(f"question {event.question} was asked before")
        question = Question(
            id=event.question, text=event.text, options=event.options, asked_by=event.asked_by
        )
        questions = put(run.questions, question.id, question)
        return replace(run, questions=questions, newest=newest(run, question.id))
    question = known(run.questions, event.question, "question")
    answered = question.model_copy(update={"answer": event.answer})
    said = Said(text=event.answer, question=question.text, to=question.asked_by)
    missed = question.asked_by != "judge" and _nobody_plans(run)
    return replace(
        heard_anew(run),
        unheard=run.unheard or missed,
        questions=put(run.questions, question.id, answered),
        messages=(*run.messages, said),
    )
