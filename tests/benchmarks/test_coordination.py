"""The simulation behind `coordination`: virtual time, the same play each time, the arithmetic."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pygit2
import pytest

from benchmarks.coordination.backlog import make_backlog, make_repository
from benchmarks.coordination.crew import Crew
from benchmarks.coordination.measure import TEAMS, Estimate, Team
from benchmarks.coordination.parameters import Parameters, sweeps
from benchmarks.coordination.play import Seen, Setup, fresh_folder, measure, watch
from benchmarks.coordination.virtual import BEGINNING, LoopClock, Stalled, VirtualLoop
from longshift.domain import events
from longshift.domain.model import Goal

PARAMETERS = Parameters.read()
SMALL = replace(
    PARAMETERS,
    turns=4,
    warm_up_tasks=1.0,
    window_tasks=2.0,
    least_tasks=1,
    slice_tasks=5,
    shared_files=2,
    places=2,
)


def in_virtual_time(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work())


# Virtual time.


def test_hours_pass_at_once_and_in_order():
    async def work():
        order = []

        async def sleep(hours):
            await asyncio.sleep(hours * 3600)
            order.append(hours)

        await asyncio.gather(sleep(3), sleep(1), sleep(30))
        return order, LoopClock(asyncio.get_running_loop()).now()

    assert in_virtual_time(work) == ([1, 3, 30], BEGINNING + timedelta(hours=30))


def test_time_stands_still_while_anything_can_be_done():
    async def work():
        loop = asyncio.get_running_loop()
        told = []
        loop.call_later(0.001, told.append, "the timer")
        told += [await asyncio.to_thread(loop.time) for _ in range(3)]
        await asyncio.sleep(0)
        told.append(loop.time())
        await asyncio.sleep(1)
        return told

    assert in_virtual_time(work) == [0, 0, 0, 0, "the timer"]


def test_work_off_the_loop_comes_in_its_order_and_fails_where_it_is_waited_for():
    async def work():
        loop, told = asyncio.get_running_loop(), []
        first = loop.run_in_executor(None, told.append, "first")
        cancelled = loop.run_in_executor(None, told.append, "cancelled")
        broken = loop.run_in_executor(None, int, "no number")
        cancelled.cancel()
        told.append("nothing yet")
        await first
        with pytest.raises(ValueError, match="no number"):
            await broken
        return told

    assert in_virtual_time(work) == ["nothing yet", "first"]


def test_who_waits_by_the_clock_sees_the_moment_come():
    async def work():
        clock = LoopClock(asyncio.get_running_loop())
        moment = BEGINNING + timedelta(seconds=4000.000003)
        while (now := clock.now()) < moment:
            await clock.sleep((moment - now).total_seconds() / 2)
        return now - moment

    assert in_virtual_time(work) < timedelta(seconds=0.001)


def test_a_simulation_that_nothing_can_go_on_with_says_so():
    async def work():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stalled):
        in_virtual_time(work)


# What is measured.


def fact_at(at: float, kind: type[events.Event], **more: object) -> events.Recorded:
    said = {"run": "R1", "task": "T0", "attempt": 1, **more}
    known = {name: value for name, value in said.items() if name in kind.model_fields}
    return events.Recorded(seq=1, time=BEGINNING + timedelta(seconds=at), event=kind(**known))


ITEMS = make_backlog(PARAMETERS, 40, seed=1)
STARTED = fact_at(0, events.RunStarted, goal=Goal(text="All"), repo="/r", base="b", workers=2)


def add(item: int) -> events.Recorded:
    plan = {"title": f"Item {item}", "instructions": "Do it."}
    return fact_at(0, events.TaskAdded, task=f"T{item}", plan=plan)


def start(at: float, item: int = 0) -> events.Recorded:
    return fact_at(at, events.AttemptStarted, task=f"T{item}", base="b")


def land(at: float, item: int) -> events.Recorded:
    more = {"change": None, "commit": "c", "parent": "p", "paths": ()}
    return fact_at(at, events.TaskLanded, task=f"T{item}", **more)


def clash(at: float, *paths: str) -> events.Recorded:
    return fact_at(at, events.LandingConflict, task="T0", paths=paths, head="h")


ADDED = [STARTED, *map(add, range(5))]


@pytest.mark.parametrize(
    ("facts", "counted"),
    [
        ([start(0)], 0),
        ([start(0), land(99, 0)], 0),  # before the window
        ([start(0), land(100, 0)], 1),
        ([start(0), land(150, 0), land(299, 1)], 2),
        ([start(0), land(150, 0), land(300, 1)], 1),  # behind it
        ([start(50), land(149, 0), land(150, 1)], 1),  # it opens by the first start
    ],
)
def test_work_counts_that_was_finished_in_the_window(facts, counted):
    outcome = measure(Seen([*ADDED, *facts], 6.0), ITEMS, 100.0, 300.0)
    assert outcome.effective_workers == pytest.approx(counted * ITEMS[0].work_s / 200)
    assert outcome.landed == counted
    assert outcome.processor_share == 0.02


def test_a_task_counts_as_the_mean_of_all_that_were_begun():
    facts = [*ADDED, start(0), start(0, 1), start(250, 2), land(150, 0)]
    mean_s = sum(item.work_s for item in ITEMS[:3]) / 3
    outcome = measure(Seen(facts, 6.0), ITEMS, 100.0, 300.0)
    assert outcome.effective_workers == pytest.approx(mean_s / 200)


def test_conflicts_and_the_hottest_file_are_counted():
    clashes = [clash(10, "c"), clash(110, "a", "b"), clash(120, "a"), clash(130, "a")]
    outcome = measure(Seen([*ADDED, start(0), *clashes], 6.0), ITEMS, 100.0, 300.0)
    assert (outcome.conflicts, outcome.hottest_share) == (3, 0.75)


def test_all_are_busy_once_each_has_a_task():
    def busy_after_s(*facts: events.Recorded) -> float:
        return measure(Seen([*ADDED, *facts], 6.0), ITEMS, 100.0, 300.0).busy_after_s

    assert busy_after_s(start(5), start(9, 1)) == 9
    assert busy_after_s(start(5), land(6, 0), start(9, 1)) == float("inf")
    assert busy_after_s(start(5), land(6, 0), start(9, 1), start(20, 2)) == 20


@pytest.mark.parametrize(
    ("fact", "why"),
    [(fact_at(9, events.RunPaused, reason="No disk."), "No disk"), (start(9, 4), "empty")],
)
def test_a_run_that_came_to_a_stop_measures_nothing(fact, why):
    facts = [*ADDED, *(start(0, item) for item in range(4)), fact]
    with pytest.raises(RuntimeError, match=why):
        measure(Seen(facts, 6.0), ITEMS, 100.0, 300.0)


def test_an_estimate_is_the_mean_and_its_standard_error():
    assert Estimate.of([1.0, 2.0, 3.0]) == Estimate(2.0, pytest.approx(1 / 3**0.5))
    assert Estimate.of([4.0]) == Estimate(4.0, 0.0)


def test_parameters_scale_and_stay_usable():
    assert {"choosing_share", "overlap", "crash_rate"} <= {one.name for one in sweeps()}
    assert {name for one in sweeps() for name in one.teams} == {one.name for one in TEAMS}
    quarter = PARAMETERS.scaled("tasks_a_turn", 0.01)
    assert quarter.tasks_a_turn == 1
    assert PARAMETERS.scaled("overlap", 4).overlap == pytest.approx(4 * PARAMETERS.overlap)


# Plays.


@pytest.fixture
def folder():
    with fresh_folder() as folder:
        yield folder


def played(folder: Path, setup: Setup, size: int | None = None) -> list[dict[str, Any]]:
    """The facts of a play, but for the folder that it was played in."""
    items = make_backlog(setup.parameters, size or setup.items, setup.seed)
    crew = Crew(items, setup.parameters, random.Random(setup.seed))
    make_repository(folder / "repository", items, setup.parameters)
    seen = in_virtual_time(lambda: watch(setup, crew, folder))
    texts = (record.model_dump_json().replace(str(folder), "") for record in seen.facts)
    return [json.loads(text) for text in texts]


@pytest.mark.parametrize("team", TEAMS, ids=lambda team: team.name)
def test_the_same_seed_plays_the_same(team: Team):
    parameters = replace(SMALL, overlap=0.8, crash_rate=0.3)
    plays = []
    for seed in (7, 7, 8):
        with fresh_folder() as folder:
            plays.append(played(folder, team.setup(4, seed, parameters)))
    one, same, other = plays
    assert len(one) > 50
    assert one == same
    assert one != other


def test_a_whole_run_does_every_item_whatever_clashes_and_breaks_off(folder):
    parameters = replace(
        SMALL, window_tasks=100.0, overlap=1.0, shared_files=1, places=1, crash_rate=0.2
    )
    facts = played(folder, Setup("planner-worker-judge", 4, 1, parameters), size=12)
    names = [record["event"]["event"] for record in facts]
    assert facts[-1]["event"]["outcome"] == "done"
    assert names.count("task.landed") == 12
    assert names.count("landing.conflict") > 3
    assert names.count("attempt.failed") > 0
    repository = pygit2.Repository(str(folder / "repository"))
    head = repository.get(facts[-1]["event"]["head"])
    table = (head.tree / "shared" / "table0.py").data.decode()
    assert sorted(line for line in table.splitlines() if line.startswith("entry_")) == sorted(
        f"entry_{number} = {number}" for number in range(12)
    )
