"""What comes next: short histories, and the steps that follow from them."""

from datetime import timedelta

import pytest

from longshift.domain.decide import decide, over_time, waits_behind
from longshift.domain.model import Budget
from tests.support.domain_history import NOON, History

IDLE = "begin; plan; judge; say continue;"


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        # planning
        ("", "cycle 1 plan"),
        ("begin", "plan"),
        ("begin; planning", ""),
        ("begin; plan interrupted", "plan"),
        ("begin; plan failed", "judge"),
        ("begin; plan", "judge"),
        # tasks start while the planner is still at work, as places free up
        ("begin; planning; add A; add B", "try A1; try B1"),
        ("begin; plan; add A; add B; add C", "try A1; try B1"),
        ("begin; plan; add A; add B; add C; try A", "try B1"),
        ("begin; plan; add A; add B; add C; try A; try B", ""),
        ("begin; plan; add A; try A; land A", "judge"),
        # dependencies
        ("begin; plan; add A; add B after A", "try A1"),
        ("begin; plan; add A; add B after A; try A", ""),
        ("begin; plan; add A; add B after A; try A; land A", "try B1"),
        ("begin; plan; add A; add B after A; try A; fail A", "drop B"),
        ("begin; plan; add A; add B after A; add C after B; drop A", "drop B"),
        ("begin; plan; add A; add B after A; add C after B; drop A; drop B", "drop C"),
        # overlap
        ("begin; plan; add A x.py; add B x.py", "try A1"),
        ("begin; plan; add A x.py; add B ./x.py", "try A1"),
        ("begin; plan; add A src; add B src/a/b.py", "try A1"),
        ("begin; plan; add A src/a/b.py; add B src/", "try A1"),
        ("begin; plan; add A src/*.py; add B src/z.py", "try A1"),
        ("begin; plan; add A .; add B z.py", "try A1"),
        ("begin; plan; add A z.py; add B *.py", "try A1"),
        ("begin; plan; add A src/a; add B src/ab", "try A1; try B1"),
        ("begin; plan; add A; add B", "try A1; try B1"),
        ("begin; plan; add A x; add B y; add C x; try A; land A", "try B1; try C1"),
        ("begin; plan; add A x; add B x; try A; fail A", "try B1"),
        # attempts
        ("begin; plan; add A; try A; retry A", "try A2"),
        ("begin; plan; add A; try A; interrupt A", "try A2"),
        ("begin; plan; add A; try A; fail A", "judge"),
        # judging; after a restart the journal says that one had started, and none is at work
        ("begin; plan; judge", "judge"),
        ("begin; plan; judge; say done", "end done"),
        ("begin; plan; judge; say give_up", "end gave_up"),
        ("begin; plan; judge; say continue", "cycle 2 plan"),
        ("begin; plan; judge; say replan", "cycle 2 replan"),
        ("begin; plan; add A; try A; fail A; judge; say retry A", "cycle 2 retry"),
        ("begin; plan; add A; try A; fail A; judge; say retry A; cycle retry", "try A2"),
        # what the person asks for while the judge is at work is not passed over
        ("begin; plan; judge; add A; say done", "cycle 2 retry"),
        ("begin; plan; judge; add A; say give_up", "cycle 2 retry"),
        ("begin; plan; judge; add A; say replan", "cycle 2 replan"),
        (f"{IDLE} begin; plan; judge; add A; say continue", "cycle 3 plan"),
        # a marginal done takes a second judge, whose word counts
        ("begin; plan; judge; find; say done", "second judge"),
        ("begin; plan; judge; find; say done; judge", "second judge"),
        ("begin; plan; judge; find; say done; judge; say done", "end done"),
        ("begin; plan; judge; find; say done; judge; say continue", "cycle 2 plan"),
        ("begin; plan; judge; find; say done; judge; say give_up", "end gave_up"),
        ("begin; plan; judge; find; resolve; say done", "end done"),
        ("begin; plan; judge; find; add A; say done", "cycle 2 retry"),
        ("begin; plan; judge; find; say done; add A", "cycle 2 retry"),
        ("begin; plan; judge; find; exceed tokens; say done", "end out_of_budget"),
        ("begin; plan; judge; find; say done; exceed tokens", "end out_of_budget"),
        ("begin; plan; judge; find; say done; judge; exceed tokens", "end out_of_budget"),
        ("begin; plan; judge; find; say continue; begin; plan; judge; say done", "second judge"),
        ("begin; plan; add A; try A; fail A; judge; say done", "second judge"),
        ("begin; plan; add A; try A; land A; judge; say done", "end done"),
        # no progress
        (f"{IDLE} begin; plan; judge; say continue", "end no_progress"),
        (f"{IDLE} begin; plan; judge; say retry", "end no_progress"),
        (f"{IDLE} begin; plan; add A; try A; land A; judge; say continue", "cycle 3 plan"),
        (f"{IDLE} begin; plan; judge; find; resolve; say continue", "cycle 3 plan"),
        (f"{IDLE} begin; plan; judge; say done", "end done"),
        # budgets
        ("begin; planning; exceed calls", ""),
        ("begin; plan; add A; exceed calls", "end out_of_budget"),
        ("begin; plan; add A; try A; exceed calls", ""),
        ("begin; plan; judge; exceed tokens", "end out_of_budget"),
        ("begin; plan; judge; exceed tokens; say continue", "end out_of_budget"),
        ("begin; plan; judge; exceed tokens; say done", "end done"),
        ("begin; plan; exceed calls; pause; resume", "end out_of_budget"),
        # pauses and endings
        ("pause", ""),
        ("begin; plan; add A; pause", ""),
        ("begin; plan; add A; pause; resume", "try A1"),
        ("begin; plan; end", ""),
        ("begin; planning; end; reopen; add A", "cycle 2 retry"),
        ("begin; planning; end; reopen; add A; cycle retry; try A; land A", "judge"),
        ("begin; plan; end; reopen", "cycle 2 plan"),
    ],
)
def test_what_may_be_started(history: str, expected: str) -> None:
    told = History(workers=2).tell(history)
    assert "; ".join(map(told.name, decide(told.run, judging=False))) == expected


@pytest.mark.parametrize(
    ("history", "started", "expected"),
    [
        ("begin; plan; judge; say continue", {"budget": Budget(cycles=1)}, "end out_of_budget"),
        ("begin; plan; judge; say done", {"budget": Budget(cycles=1)}, "end done"),
        ("begin; plan; judge; say continue", {"budget": Budget(cycles=2)}, "cycle 2 plan"),
        ("begin; plan; add A x; add B x", {"overlap": "allow"}, "try A1; try B1"),
        ("begin; plan; add A; add B; add C", {"workers": 1}, "try A1"),
    ],
)
def test_what_a_runs_settings_change(
    history: str, started: dict[str, object], expected: str
) -> None:
    told = History(**started).tell(history)
    assert "; ".join(map(told.name, decide(told.run, judging=False))) == expected


EQUALS = "begin; agents 2; add A; add B; add C;"
GONE = "leave A1; leave A2;"
TAKEN = f"begin; agents 2; add A; add B; {GONE} agents 1; claim A A3; land A;"


@pytest.mark.parametrize("strategy", ["flat-locked", "optimistic"])
@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("", "cycle 1 plan"),
        ("begin", "agents 2"),
        ("begin; agents 2", ""),
        ("begin; agents 1", ""),  # the one that is at work will take what there is
        ("begin; agents 2; leave A1", ""),
        (f"begin; agents 2; {GONE}", "judge"),
        # interrupted ones are replaced; those that broke down only while there is work
        ("begin; agents 2; leave A1 interrupted; leave A2 interrupted", "agents 2"),
        (f"begin; agents 2; {GONE.replace(';', ' failed;')}", "judge"),
        # nobody takes tasks but the agents
        (EQUALS, ""),
        (f"{EQUALS} claim A A1; claim B A2", ""),
        (f"{EQUALS} claim A A1; land A", ""),
        (f"{EQUALS} claim A A1; leave A2", "agents 1"),
        (f"{EQUALS} claim A A1; claim B A2; fail A model again; leave A1 failed", "agents 1"),
        (f"{EQUALS} leave A1; leave A2", "agents 2"),
        (f"{EQUALS} claim A A1; claim B A2; claim C A2; leave A1", ""),
        # no more than can be claimed now, nor than are about to claim
        ("begin; agents 2; add A; add B after A; claim A A1; leave A2", ""),
        ("begin; agents 2; add A x; add B x; claim A A1; leave A2", ""),
        ("begin; agents 2; add A; add B; leave A1", "agents 1"),
        ("begin; agents 2; add A; leave A1", ""),
        (f"begin; agents 2; add A; {GONE}", "agents 1"),
        # what nobody takes is dropped in the end, and what hangs on it
        (f"begin; agents 2; add A; {GONE} agents 1; leave A3", "agents 1"),
        (f"begin; agents 2; add A; {GONE} agents 1; leave A3; agents 1; leave A4", "drop A"),
        (f"begin; agents 2; add A; {GONE} agents 1; leave A3; agents 1", ""),
        (f"begin; agents 2; add A; add B after A; {GONE} drop A", "drop B"),
        (f"begin; agents 2; add A; {GONE} agents 1; leave A3; agents 1; leave A4; drop A", "judge"),
        # a claim begins the count anew
        (f"{TAKEN} leave A3; agents 1; leave A4", "agents 1"),
        # a cycle of retries starts no more than there are tasks
        ("begin; judge; say continue; cycle retry", "judge"),
        ("begin; judge; add A; say done", "cycle 2 retry"),
        ("begin; judge; add A; say done; cycle retry", "agents 1"),
        ("begin; judge; add A; say done; cycle retry; agents 1; claim A A1; land A", ""),
        (
            "begin; judge; add A; say done; cycle retry; agents 1; claim A A1; land A; leave A1",
            "judge",
        ),
        # budgets, pauses, endings
        (f"{EQUALS} claim A A1; exceed calls", ""),
        (f"{EQUALS} exceed calls; {GONE}", "end out_of_budget"),
        ("begin; exceed calls", "end out_of_budget"),
        (f"{EQUALS} {GONE} pause", ""),
        ("begin; agents 2; end; reopen; add A", "cycle 2 retry"),
        ("begin; agents 2; end; reopen; add A; cycle retry", "agents 1"),
        (f"begin; agents 2; {GONE} judge; say done", "end done"),
    ],
)
def test_what_equal_agents_may_be_started(history: str, expected: str, strategy: str) -> None:
    told = History(workers=2, strategy=strategy).tell(history)
    assert "; ".join(map(told.name, decide(told.run, judging=False))) == expected


def test_a_judge_that_is_at_work_is_waited_for() -> None:
    assert decide(History().tell("begin; plan; judge").run, judging=True) == []


def test_a_second_judge_waits_until_the_first_is_gone() -> None:
    told = History().tell("begin; plan; judge; find; say done")
    assert decide(told.run, judging=True) == []
    assert decide(told.run, judging=False) != []


def test_a_task_is_told_behind_which_it_waits() -> None:
    told = History().tell("begin; plan; add A src; add B x; add C src/a x; add D src")
    behind = {id_: waits_behind(told.run, id_) for id_ in told.run.tasks}
    assert behind == {"T1": [], "T2": [], "T3": ["T1", "T2"], "T4": ["T1", "T3"]}


def test_of_many_tasks_on_its_path_the_newest_are_named() -> None:
    told = History().tell("begin; plan; " + "; ".join(f"add A{n} x" for n in range(1, 40)))
    assert waits_behind(told.run, "T39") == [f"T{n}" for n in range(19, 39)]


def test_minutes_are_counted_without_pauses() -> None:
    told = History(budget=Budget(minutes=1)).tell("begin; pause; resume; pause")  # seconds 1 to 5
    assert told.run.seconds_run == 3
    assert not over_time(told.run, NOON + timedelta(days=1))
    told.tell("resume")  # second 6
    assert not over_time(told.run, NOON + timedelta(seconds=6 + 56))
    assert over_time(told.run, NOON + timedelta(seconds=6 + 57))
