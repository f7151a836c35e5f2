"""What a person, or a judge's oversight, does to the facts that the rules go by."""

from typing import Any

import pytest

from longshift.domain import events as e
from longshift.domain.budgets import used_up
from longshift.domain.decide import BeginCycle, FinishRun, Next, StartJudge, decide
from longshift.domain.model import Rework, TaskPlan
from tests.support.stopping_facts import Facts
from tests.support.stopping_spec import Cycle, Spec

LINES = [f"{word} two three" for word in ("ONE", "UNO", "EINS", "UN", "EN", "YKSI")]


def told(**fields: Any) -> tuple[Facts, Next]:
    """A run of which nothing has happened, and what is decided then."""
    facts = Facts(Spec(name="", kind="", why="", rule="", outcome="done", cycle=(), **fields))
    [step] = decide(facts.run, judging=False)
    return facts, step


def move_head(facts: Facts, files: dict[str, str], *, taken: bool) -> None:
    """The head takes the person's text in between two cycles: what they accepted, or took out."""
    facts.files = dict(files)
    head = facts.trees.commit(files)
    facts.take(e.HeadMoved(run="R1", head=head, taken=head if taken else facts.run.taken))


def test_what_a_person_rejects_is_no_return_of_the_runs() -> None:
    facts, step = told()
    step = facts.play(step, Cycle(write={"a.txt": LINES[0]}))
    for words in LINES[1:3]:
        before = facts.files.copy()
        step = facts.play(step, Cycle(write={"a.txt": words}))
        move_head(facts, before, taken=False)
        step = facts.play(step, Cycle())
    assert isinstance(step, BeginCycle)


def growing(*, accepts: bool) -> Next:
    facts, step = told()
    for number, findings in enumerate(range(2, 6), 1):
        sees = tuple(f"odd{n} warning a.txt:1" for n in range(findings))
        step = facts.play(step, Cycle(write={"b.txt": f"P*{60 * number}"}, sees=sees))
        if accepts and number == 3:
            for change in facts.run.changes.values():
                one = {"change": change.id, "path": "b.txt", "hunks": (0,), "decision": "accepted"}
                facts.take(e.ChangeDecided(run="R1", **one))
            move_head(facts, facts.files, taken=True)
    return step


@pytest.mark.parametrize("accepts", [False, True])
def test_to_accept_what_landed_makes_no_drift_of_it(accepts: bool) -> None:
    assert isinstance(growing(accepts=accepts), BeginCycle)


def test_a_finding_that_one_of_two_judges_overlooks_was_never_gone() -> None:
    facts, step = told()
    step = facts.play(step, Cycle(write={"b.txt": "P*300"}, sees=("odd warning a.txt:1",)))
    for number in range(1, 4):
        step = facts.work(step, Cycle(write={"b.txt": f"P*{300 + number}"}, says="done"))
        assert isinstance(step, StartJudge)
        step = facts.judge_again(step, Cycle(sees=("odd warning a.txt:1",), second="continue"))
        assert isinstance(step, BeginCycle)
        assert (facts.run.cycles[-1].came_back, facts.run.cycles[-1].resolved) == ((), ())


def test_done_on_failing_checks_takes_a_second_judge() -> None:
    facts, step = told()
    assert isinstance(step, BeginCycle)
    facts.take(
        e.CycleStarted(run="R1", cycle=1, mode="plan"),
        e.PlannerStarted(run="R1", planner="P1"),
        e.PlannerFinished(run="R1", planner="P1"),
        e.JudgeStarted(run="R1", cycle=1),
        verdict("done", checks="failed"),
    )
    assert decide(facts.run, judging=False) == [StartJudge(2, "checks fail on this head")]


def verdict(decision: str, **fields: Any) -> e.VerdictReached:
    return e.VerdictReached(run="R1", cycle=1, decision=decision, reason="All of it is.", **fields)


def test_a_task_that_the_person_asked_for_is_done_beside_those_to_retry() -> None:
    facts, step = told()
    step = facts.play(step, Cycle())
    step = facts.work(step, Cycle(give_up=("a.txt",), says="retry", again=("a.txt",)))
    # As if it were said while the judge was still at work.
    facts.take(e.TaskAdded(run="R1", task="T2", plan=TaskPlan(title="b", instructions="")))
    [step] = decide(facts.run, judging=False)
    assert isinstance(step, BeginCycle)


def heard(number: int | None, *, others: bool = False) -> bool:
    """Whether none of two messages is left when a planner ends that was told of so many."""
    facts, _ = told()
    facts.take(e.CycleStarted(run="R1", cycle=1, mode="plan"))
    facts.take(e.PlannerStarted(run="R1", planner="P1"))
    facts.take(e.PlannerStarted(run="R1", planner="P2", parent="P1"))
    facts.take(*(e.RunSteered(run="R1", message=word) for word in ("one", "two")))
    assert not facts.run.unheard
    if not others:
        facts.take(e.PlannerFinished(run="R1", planner="P2"))
    facts.take(e.PlannerFinished(run="R1", planner="P1", heard=number))
    return not facts.run.unheard


def test_what_a_planner_was_told_too_late_is_for_the_next() -> None:
    assert [heard(2), heard(None), heard(1, others=True)] == [True] * 3
    assert not heard(1)


def finished(facts: Facts, step: FinishRun) -> e.RunFinished:
    run = facts.run
    done = {
        "cycles": run.cycle,
        "tasks": e.TaskCounts(landed=0, failed=1),
        "conflicts": 0,
        "usage": run.usage,
        "head": run.head,
    }
    return e.RunFinished(run="R1", outcome=step.outcome, reason=step.reason, rule=step.rule, **done)


@pytest.mark.parametrize(("asked_by", "waits"), [("P1", True), ("judge", False)])
def test_an_answer_that_came_when_nobody_planned_is_heard(asked_by: str, waits: bool) -> None:
    facts, step = told()
    facts.play(step, Cycle(write={"a.txt": LINES[0]}))
    facts.take(
        e.QuestionAsked(run="R1", question="Q1", text="Which?", asked_by=asked_by),
        e.QuestionAnswered(run="R1", question="Q1", answer="This."),
    )
    assert facts.run.unheard is waits


def test_a_run_that_was_steered_when_it_had_ended_plans_first() -> None:
    facts, step = told()
    step = facts.play(step, Cycle(give_up=("a.txt",), says="give_up"))
    assert isinstance(step, FinishRun)
    assert "longshift steer R1" in step.reason
    facts.take(
        finished(facts, step),
        e.RunSteered(run="R1", message="By hand, then."),
        e.RunResumed(run="R1"),
    )
    assert decide(facts.run, judging=False) == [BeginCycle(2, "plan")]


def test_a_rule_that_speaks_in_the_last_cycle_leaves_none_to_go_on_with() -> None:
    facts, step = told(most_cycles=2)
    for _ in range(2):
        step = facts.play(step, Cycle())
    assert isinstance(step, FinishRun)
    facts.take(finished(facts, step))
    share = used_up(facts.run)
    assert share is not None
    assert (share.kind, share.used, share.limit) == ("cycles", 2, 2)


def test_what_a_rework_takes_out_again_is_no_oscillation() -> None:
    facts, step = told()
    paths = ("a.txt", "b.txt")
    before = facts.files.copy()
    step = facts.play(step, Cycle(write={path: f"{LINES[0]} {path}" for path in paths}))
    for number, path in enumerate(paths, 1):
        change = facts.run.changes[f"C{number}"]
        asked = Rework(change_id=change.id, path=path, diff="", words="Take it out.")
        task = facts.run.next_task_id
        plan = TaskPlan(title=path, instructions="", paths=(path,))
        facts.take(e.TaskAdded(run="R1", task=task, plan=plan, rework=asked))
        facts._tasks[f"{path}#2"] = task
        words = " ".join(before[path].split())
        step = facts.play(BeginCycle(number + 1, "retry"), Cycle(write={f"{path}#2": words}))
        assert isinstance(step, BeginCycle), step


@pytest.mark.parametrize("touches", [False, True])
def test_a_warning_in_a_file_that_nobody_touched_has_not_come_back(touches: bool) -> None:
    """A judge may mention it, forget it, and mention it again."""
    facts, step = told()
    for number in range(5):
        write = {"b.txt": f"P*{9 + number}"} | ({"a.txt": f"one n{number}"} if touches else {})
        sees = () if number % 2 else ("odd warning a.txt:1",)
        step = facts.play(step, Cycle(write=write, sees=sees))
        if isinstance(step, FinishRun):
            break
    assert isinstance(step, FinishRun) is touches


def test_cycles_that_cost_no_more_than_one_of_two_before_are_not_dear() -> None:
    facts, step = told()
    for landings in (20, 1, 5, 5):
        write = {f"a.txt#{n}": f"P*{landings} {n}" for n in range(landings)}
        step = facts.play(step, Cycle(write=write))
    assert isinstance(step, BeginCycle), step
