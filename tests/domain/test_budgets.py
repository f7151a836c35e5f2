"""What time, cycles and a raised budget do: pure rules over told histories."""

from datetime import timedelta
from decimal import Decimal

import pytest

from longshift.domain import events as e
from longshift.domain.budgets import (
    allows_more,
    cycle_facts,
    seconds_to_next,
    shares,
    task_shares,
    tasks_over_time,
    time_facts,
    used_up,
)
from longshift.domain.decide import decide
from longshift.domain.model import Budget, TaskBudget, Usage
from tests.support.domain_history import NOON, History

HOUR = Budget(minutes=60, task=TaskBudget(minutes=30, calls=4))
AT_WORK = "begin; add A; try A"  # at seconds 2 to 4


def words(facts: list[e.Event]) -> str:
    return ", ".join(
        f"{fact.task or 'run'} {getattr(fact, 'percent', 'exceeded')}" for fact in facts
    )


@pytest.mark.parametrize(
    ("history", "minutes", "told", "next_s"),
    [
        (AT_WORK, 10, "", 304),
        (AT_WORK, 16, "T1 50", 0),
        (AT_WORK, 31, "run 50, T1 50, T1 80, T1 100, T1 exceeded", 0),
        (
            AT_WORK,
            61,
            "run 50, run 80, run 100, run exceeded, T1 50, T1 80, T1 100, T1 exceeded",
            0,
        ),
        ("begin; add A; try A; land A", 31, "run 50", 0),
        ("begin; add A; try A; land A", 10, "", 1_201),
        ("begin; add A; try A; pause", 600, "", None),
        ("begin; exceed calls", 600, "", None),
    ],
)
def test_minutes_are_told_of_in_time_and_in_order(history, minutes, told, next_s):
    run = History(budget=HOUR).tell(history).run
    now = NOON + timedelta(minutes=minutes)
    assert words(time_facts(run, now)) == told
    left = seconds_to_next(run, now)
    assert left == (None if next_s is None else pytest.approx(next_s, abs=1))
    assert tasks_over_time(run, now) == (["T1"] if "T1 exceeded" in told else [])


def test_what_was_told_is_not_told_again_but_a_task_is_still_ended():
    told = History(budget=HOUR).tell(AT_WORK)
    now = NOON + timedelta(minutes=31)
    for fact in time_facts(told.run, now):
        told._take(fact)
    assert time_facts(told.run, now) == []
    assert tasks_over_time(told.run, now) == ["T1"]
    assert set(told.run.spent_tasks) == {"T1"}
    assert told.run.exceeded is None


def test_a_tasks_time_is_that_of_all_its_attempts_without_pauses():
    told = History().tell(f"{AT_WORK}; retry A; pause; resume; try A; land A")
    task = told.run.tasks["T1"]
    assert [attempt.seconds for attempt in task.attempts] == [1, 2]
    assert told.run.task_seconds_at(task, NOON + timedelta(days=1)) == 3


@pytest.mark.parametrize(
    ("limit", "cycle", "told"),
    [(10, 4, ""), (10, 5, "run 50"), (2, 2, "run 50, run 80, run 100"), (1, 1, ""), (0, 9, "")],
)
def test_cycles_are_told_of_as_they_begin(limit, cycle, told):
    run = History(budget=Budget(cycles=limit)).run
    assert words(cycle_facts(run, cycle)) == told


@pytest.mark.parametrize(
    ("history", "budget", "allowed"),
    [
        ("begin; exceed calls", Budget(calls=1), False),
        ("begin; exceed calls", Budget(calls=2), True),
        ("begin; exceed calls", Budget(calls=0), True),
        ("begin; exceed calls", Budget(calls=1, tokens=9), False),
    ],
)
def test_a_run_goes_on_once_its_budget_allows_more(history, budget, allowed):
    share = used_up(History(budget=Budget(calls=1)).tell(history).run)
    assert allows_more(budget, share) is allowed


@pytest.mark.parametrize(
    ("history", "budget", "exceeded"),
    [
        ("begin; exceed calls; pause", None, True),
        ("begin; exceed calls; pause", Budget(calls=1, tokens=9), True),
        ("begin; exceed calls; pause", Budget(calls=2), False),
        ("begin; exceed calls; end", None, False),
    ],
)
def test_a_pause_alone_gives_nothing_back(history, budget, exceeded):
    told = History(budget=Budget(calls=1)).tell(history)
    told._take(e.RunResumed(run="R1", budget=budget))
    assert (told.run.exceeded is not None) is exceeded


def test_new_limits_are_told_of_anew_and_others_are_not():
    told = History(budget=HOUR).tell(AT_WORK)
    for kind, task in (("calls", "T1"), ("minutes", "T1"), ("minutes", None)):
        told._take(e.BudgetWarned(run="R1", kind=kind, used=1, limit=1, percent=50, task=task))
        told._take(e.BudgetExceeded(run="R1", kind=kind, used=1, limit=1, task="T1"))
    told.tell("pause")
    raised = HOUR.model_copy(update={"minutes": 90})
    told._take(e.RunResumed(run="R1", budget=raised))
    assert (told.run.budget, told.run.warned) == (
        raised, {("T1", "calls", 50), ("T1", "minutes", 50)}
    )  # fmt: skip
    more = raised.model_copy(update={"task": TaskBudget(minutes=31, calls=4)})
    told.tell("pause")
    told._take(e.RunResumed(run="R1", budget=more))
    assert (told.run.warned, told.run.spent_tasks) == ({("T1", "calls", 50)}, {})


def test_usage_is_kept_by_role_model_and_task_and_one_unknown_cost_hides_no_known_one():
    told = History(budget=HOUR).tell(AT_WORK)
    for role, agent, model, cost in (
        ("planner", "P1", "m", Decimal("0.5")),
        ("worker", "T1.1", "m", None),
        ("worker", "T1.2", "n", Decimal("0.25")),
    ):
        usage = Usage(calls=1, input_tokens=3, output_tokens=1, cost_usd=cost)
        told._take(
            e.ModelCalled(run="R1", role=role, agent=agent, model=model, usage=usage, latency_s=0)
        )
    run = told.run
    assert (run.usage.calls, run.usage.cost_usd, run.usage.known_usd) == (3, None, Decimal("0.75"))
    by = {**run.usage_by_role, **run.usage_by_model, **run.usage_by_task}
    assert {name: usage.calls for name, usage in by.items()} == {
        "planner": 1, "worker": 2, "m": 2, "n": 1, "T1": 2
    }  # fmt: skip
    assert [(s.setting, s.percent) for s in task_shares(run, run.tasks["T1"], NOON)] == [
        ("budget.task.calls", 50), ("budget.task.minutes", 0)
    ]  # fmt: skip
    now = NOON + timedelta(minutes=30)
    assert [(s.setting, s.percent) for s in shares(run, now)] == [("budget.minutes", 49)]


@pytest.mark.parametrize(
    ("history", "mode"),
    [
        ("begin; add A; try A; interrupt A; plan", "retry"),
        ("begin; add A; planning", "plan"),
        ("begin; plan", "plan"),
    ],
)
def test_a_run_that_goes_on_does_what_was_cut_off(history, mode):
    told = History(budget=Budget(calls=1)).tell(f"{history}; exceed calls")
    told._take(
        e.RunFinished(run="R1", outcome="out_of_budget", cycles=1, conflicts=0, usage=Usage(),
                      tasks=e.TaskCounts(landed=0, failed=0), head="b0")
    )  # fmt: skip
    told._take(e.RunResumed(run="R1", budget=Budget()))
    (begin,) = decide(told.run, judging=False)
    assert (begin.cycle, begin.mode) == (2, mode)
