"""The state machine: what is allowed folds, what is not is refused with a reason."""

import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from longshift.domain import events as e
from longshift.domain.decide import MOST_NAMED, StartAttempt, decide, waits_behind
from longshift.domain.fold import apply, fold
from longshift.domain.model import Task, TaskState
from longshift.domain.queue import UNFINISHED, places
from longshift.domain.state import Phase, Run, State
from longshift.domain.transitions import PHASES, TASKS, WORKING_ONLY, Refused
from tests.support.domain_history import NOON, History
from tests.support.examples import examples

JOURNALS = sorted((Path(__file__).parents[1] / "journals").glob("*.jsonl"))
TO_PHASE = {
    Phase.READY: "",
    Phase.WORKING: "begin",
    Phase.JUDGING: "begin; judge",
    Phase.JUDGED: "begin; judge; say continue",
    Phase.ENDED: "end",
}
TO_TASK = {
    TaskState.WAITING: "begin; add A",
    TaskState.RUNNING: "begin; add A; try A",
    TaskState.LANDED: "begin; add A; try A; land A",
    TaskState.FAILED: "begin; add A; try A; fail A",
    TaskState.DROPPED: "begin; add A; drop A",
}
WORDS = {
    e.CycleStarted: "begin",
    e.JudgeStarted: "judge",
    e.VerdictReached: "say continue",
    e.RunFinished: "end",
    e.RunResumed: "resume",
    e.PlannerStarted: "planning",
    e.AgentStarted: "agents 1",
}
TASK_WORDS = {
    e.AttemptStarted: "try A",
    e.TaskDropped: "drop A",
    e.AttemptFailed: "fail A",
    e.LandingConflict: "conflict A",
    e.TaskLanded: "land A",
}


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("event", WORDS)
def test_a_run_moves_by_the_table_alone(phase: Phase, event: type[e.OfRun]) -> None:
    told = History().tell(TO_PHASE[phase])
    assert told.run.phase is phase
    follows = PHASES.get((phase, event))
    allowed = follows is not None or (event in WORKING_ONLY and phase is Phase.WORKING)
    if allowed:
        told.tell(WORDS[event])
        assert told.run.phase is (follows or phase)
        return
    before = told.state
    with pytest.raises(Refused, match="R1"):
        told.tell(WORDS[event])
    assert told.state is before


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("event", TASK_WORDS)
def test_a_task_moves_by_the_table_alone(state: TaskState, event: type[e.OfRun]) -> None:
    told = History().tell(TO_TASK[state])
    assert told.run.tasks["T1"].state is state
    follows = TASKS.get((state, event))
    if follows is None:
        with pytest.raises(Refused, match="T1"):
            told.tell(TASK_WORDS[event])
    else:
        assert told.tell(TASK_WORDS[event]).run.tasks["T1"].state is follows


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        ("begin; add A after A", "no task"),
        ("begin; add A; try A; land A; land A", "landing.intended while task T1 is landed"),
        ("begin; add A; try A; land A; judge; begin", "while run R1 is judging"),
        ("begin; add A; try A; judge", "while others are at work"),
        ("begin; add A; try A; end", "attempts running"),
        ("resume", "neither paused nor ended"),
        ("pause; pause", "is paused"),
        ("end; pause", "is ended"),
        ("end; add A", "is ended"),
        ("begin; move", "between cycles"),
        ("resolve", "no finding"),
        ("begin; add A; claim A A1", "no agent"),
        ("begin; agents 1; add A; leave A1; claim A A1", "agent A1 is finished"),
        ("begin; agents 1; leave A1; leave A1", "agent A1 is finished"),
        ("begin; agents 1; judge", "while others are at work"),
        ("begin; agents 2; lock A1; lock A2", "is locked by A1"),
        ("begin; agents 2; lock A1; unlock A2", "not locked by A2"),
        ("begin; lock A1", "no agent"),
        ("find; resolve; resolve", "is resolved"),
    ],
)
def test_what_cannot_happen_is_refused_with_a_reason(history: str, reason: str) -> None:
    with pytest.raises((Refused, KeyError), match=reason):
        History().tell(history)


@pytest.mark.parametrize(
    ("history", "version"),
    [
        ("begin; agents 2", 0),
        ("begin; agents 2; lock A1; unlock A1; leave A1", 0),
        ("begin; agents 2; add A; add B", 2),
        ("begin; agents 2; add A; claim A A1", 2),
        ("begin; agents 2; add A; claim A A1; conflict A", 2),
        ("begin; agents 2; add A; claim A A1; land A", 3),
        ("begin; agents 2; add A; claim A A1; fail A", 3),
        ("begin; agents 2; add A; claim A A1; retry A; claim A A1", 4),
        ("begin; agents 2; add A; drop A", 2),
    ],
)
def test_each_change_of_the_list_makes_one_version(history: str, version: int) -> None:
    assert History().tell(history).run.list_version == version


def test_late_and_foreign_landings_are_refused() -> None:
    told = History().tell("begin; add A; try A; retry A; try A")
    run = told.run
    late = e.TaskLanded(run="R1", task="T1", attempt=1, change="C1", commit="c", parent=run.head,
                        paths=())  # fmt: skip
    for event, reason in (
        (late, "not the current one"),
        (late.model_copy(update={"attempt": 2}), "was not intended"),
        (late.model_copy(update={"run": "R2"}), "no run R2"),
        (late.model_copy(update={"task": "T9"}), "no task T9"),
    ):
        with pytest.raises(Refused, match=reason):
            apply(told.state, e.Recorded(seq=told.state.seq + 1, time=NOON, event=event))
    with pytest.raises(Refused, match="comes after"):
        apply(told.state, told.records[-1])


def left_of(run: Run) -> list[Task]:
    return [task for task in run.tasks.values() if task.state in UNFINISHED]


def named(run: Run, tasks: int) -> list[str]:
    return [run.tasks.at(place).id for place in places(tasks)]


def older_on_its_paths(run: Run, task: Task) -> list[Task]:
    older = left_of(run)[: [one.id for one in left_of(run)].index(task.id)]
    return [
        other
        for other in older
        if any(meet(one, two) for one in task.plan.paths for two in other.plan.paths)
    ]


def meet(one: str, two: str) -> bool:
    """Whether two paths are the same, or one is a folder on the way to the other."""
    parts, others = ([] if path == "*.py" else path.split("/") for path in (one, two))
    shared = min(len(parts), len(others))
    return parts[:shared] == others[:shared]


def is_ready(run: Run, task: Task) -> bool:
    landed = all(run.tasks[id_].state is TaskState.LANDED for id_ in task.plan.depends_on)
    return landed and not older_on_its_paths(run, task)


def is_doomed(run: Run, task: Task) -> bool:
    lost = (TaskState.FAILED, TaskState.DROPPED)
    return any(run.tasks[id_].state in lost for id_ in task.plan.depends_on)


class Machine(RuleBasedStateMachine):
    """Any order of steps: those that the state allows fold, the others change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.told = History(workers=2)
        self.names: list[str] = []

    @rule(step=st.sampled_from(
        ["begin", "planning", "plan", "judge", "say done", "say continue", "say replan", "pause",
         "resume", "end", "find", "resolve", "exceed calls", "move", "agents 1", "leave A1",
         "leave A2 failed", "lock A1", "lock A2", "unlock A1", "unlock A2 expired"]
    ))  # fmt: skip
    def of_run(self, step: str) -> None:
        self._try(step)

    @rule(
        paths=st.sampled_from(["", "x", "src", "src/a", "src/a/b", "src/c x", "*.py", "src/a x"]),
        data=st.data(),
    )
    def add(self, paths: str, data: st.DataObject) -> None:
        after = data.draw(st.sampled_from(["", *self.names]))
        name = f"A{len(self.told.run.tasks)}"
        if self._try(f"add {name} {paths} {f'after {after}' if after else ''}"):
            self.names.append(name)

    @precondition(lambda self: self.names)
    @rule(
        step=st.sampled_from(["try", "land", "fail", "retry", "interrupt", "drop", "conflict",
                              "say retry"]),
        data=st.data(),
    )  # fmt: skip
    def of_task(self, step: str, data: st.DataObject) -> None:
        self._try(f"{step} {data.draw(st.sampled_from(self.names))}")

    @rule()
    def go_on(self) -> None:
        """Whatever is decided can be done, one step after the other."""
        for step in decide(self.told.run, judging=False):
            verb, *words = self.told.name(step).split()
            if isinstance(step, StartAttempt):
                words[0] = words[0].removesuffix(str(step.number))
            self.told.tell(" ".join([verb, *words[-1:]]) if verb != "end" else verb)

    def _try(self, step: str) -> bool:
        before = self.told.state
        try:
            self.told.tell(step)
        except Refused:
            if self.told.state is not before:  # the first half of a landing stands
                assert self.told.state.seq == before.seq + 1
            return False
        return True

    @invariant()
    def the_journal_says_the_same(self) -> None:
        lines = [record.model_dump_json() for record in self.told.records]
        assert fold(map(e.Recorded.model_validate_json, lines)) == self.told.state

    @invariant()
    def every_task_is_counted_where_it_stands(self) -> None:
        run = self.told.run
        states = [task.state for task in run.tasks.values()]
        assert {state: run.count(state) for state in TaskState} == {
            state: states.count(state) for state in TaskState
        }
        assert [task.id for task in run.to_do] == [task.id for task in left_of(run)]
        assert {task.id for task in run.at_work} == {
            task.id for task in run.tasks.values() if task.state is TaskState.RUNNING
        }

    @invariant()
    def the_queue_says_what_going_over_all_tasks_says(self) -> None:
        run = self.told.run
        waiting = [task for task in left_of(run) if task.state is TaskState.WAITING]
        assert named(run, run.queue.ready) == [t.id for t in waiting if is_ready(run, t)]
        assert named(run, run.queue.doomed) == [t.id for t in waiting if is_doomed(run, t)]
        for task in waiting:
            older = [other.id for other in older_on_its_paths(run, task)]
            assert waits_behind(run, task.id) == older[-MOST_NAMED:]

    @invariant()
    def no_id_is_given_twice(self) -> None:
        run = self.told.run
        taken = {*run.changes, *run.findings, *(i.change for i in run.intent.values())}
        assert not taken & {self.told.state.next_id(letter) for letter in "CFQ"}

    @invariant()
    def what_is_decided_fits(self) -> None:
        run = self.told.run
        steps = decide(run, judging=False)
        starts = [step for step in steps if isinstance(step, StartAttempt)]
        assert run.count(TaskState.RUNNING) + len(starts) <= max(
            run.started.workers, run.count(TaskState.RUNNING)
        )
        assert not (steps and (run.paused or run.phase is Phase.ENDED))


Machine.TestCase.settings = settings(
    max_examples=examples(40), stateful_step_count=25, deadline=None
)
TestMachine = Machine.TestCase


@pytest.mark.parametrize("journal", JOURNALS, ids=lambda path: path.stem)
def test_an_old_journal_replays(journal: Path) -> None:
    lines = journal.read_text(encoding="utf-8").splitlines()
    records = [e.Recorded.model_validate_json(line) for line in lines]
    state = fold(records)
    expected = json.loads(journal.with_suffix(".expected.json").read_text(encoding="utf-8"))
    assert summary(state) == expected
    one_by_one = State()
    for record in records:  # many are booked together, which must come to the same
        one_by_one = apply(one_by_one, record)
    assert one_by_one == state
    again = [e.Recorded.model_validate_json(record.model_dump_json()) for record in records]
    assert fold(again) == state


def test_recorded_journals_hold_every_event_of_a_run() -> None:
    """A new event belongs into a recorded journal, so that it is replayed for ever."""
    kinds = {member.model_fields["event"].default for member in get_args(get_args(e.Event)[0])}
    lines = [json.loads(line) for path in JOURNALS for line in path.read_text().splitlines()]
    assert kinds - {line["event"]["event"] for line in lines} <= RARE


RARE = {"task.dropped", "finding.resolved"}
"""Events that the recorded runs did not meet."""


def summary(state: State) -> dict[str, object]:
    """What must come out of a journal for ever."""
    holding = [one.id for one in state.constraints.values() if not one.lifted]
    return {run.id: _summary(run) for run in state.runs.values()} | {"constraints": holding}


def _summary(run: Run) -> dict[str, object]:
    return {
        "lifecycle": run.lifecycle,
        "outcome": run.outcome,
        "cycles": run.cycle,
        "head": run.head,
        "conflicts": run.conflicts,
        "tasks": {task.id: str(task.state) for task in run.tasks.values()},
        "changes": {
            change.id: {f"{p}:{hunk}": d.decision for (p, hunk), d in change.decisions.items()}
            for change in run.changes.values()
        },
        "findings": {one.id: one.state for one in run.findings.values()},
        "calls": run.usage.calls,
    }


DIAGRAM = Path(__file__).parents[2] / "docs" / "state.md"


def test_the_diagram_is_drawn_from_the_tables() -> None:
    assert DIAGRAM.read_text(encoding="utf-8") == page()


def page() -> str:
    """The page of the state diagrams; `python -m pytest` tells when it is out of date."""
    return "\n".join(
        [
            "# How a run and its tasks move",
            "",
            "Drawn from the tables in `longshift.domain.transitions`; a test keeps it true.",
            "",
            "## A run",
            "",
            *_mermaid("ready", PHASES),
            "",
            "A run can be paused in every phase but `ended`, and goes on in the same phase.",
            "",
            "## A task",
            "",
            *_mermaid("waiting", TASKS),
            "",
            "An attempt that may be tried again puts its task back to `waiting`,",
            "and so does a verdict `retry` that names it.",
            "",
        ]
    )


def _mermaid(start: str, table: object) -> list[str]:
    arrows = [
        f"    {before} --> {after}: {event.model_fields['event'].default}"
        for (before, event), after in table.items()
    ]
    return ["```mermaid", "stateDiagram-v2", f"    [*] --> {start}", *arrows, "```"]
