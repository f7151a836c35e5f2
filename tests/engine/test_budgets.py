"""Budgets: what is on record of each call, what is refused, what is said before, what goes on."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest

from longshift.domain import events as e
from longshift.domain.model import TaskState, Usage
from longshift.errors import UsageError
from tests.support.engine_world import (
    Open,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    status,
    task,
    turn,
    worker,
)

PRICES = {"input_usd_per_mtok": 2.0, "output_usd_per_mtok": 8.0}
LOOKING = [call("list_files", glob=f"{n}*") for n in range(30)]
"""Calls that do not repeat themselves."""


def facts(it: Open, *kinds: type[e.Event]) -> list[e.Event]:
    with it.engine.journal.reader() as reader:
        return [one.event for one in reader.read() if isinstance(one.event, kinds)]


def in_order(it: Open) -> Iterator[str]:
    for one in facts(it, e.BudgetWarned, e.BudgetExceeded):
        what = f"{one.percent}" if isinstance(one, e.BudgetWarned) else "exceeded"
        yield f"{one.task or 'run'} {one.kind} {what}"


def priced(world: World) -> None:
    world.settings["models"] = {
        "default": {
            "model": "scripted", "base_url": world.server.base_url, "api_key_env": "KEY", **PRICES
        }
    }  # fmt: skip


def busy(tasks: int, **more: object) -> list[dict[str, object]]:
    """A planner with so many tasks, and workers that never come to an end."""
    return [
        planner(*[task(f"job {n}", f"f{n}.txt") for n in range(tasks)]),
        flow("worker", *[turn(one, **more) for one in LOOKING], then="repeat"),
    ]


@pytest.mark.parametrize(
    ("budget", "more"),
    [
        ({"calls": 37}, {}),
        ({"calls": 12}, {"faults": [status(500, times=2, **{"retry-after": "0"})]}),
        ({"usd": 0.08}, {}),
    ],
)
async def test_fifty_workers_never_pass_a_budget(
    world: World, budget: dict[str, float], more: dict[str, object]
) -> None:
    priced(world)
    world.play(*busy(50, **more))
    async with world.opened() as it:
        run = await it.work(workers=50, budget=budget)
        assert run.outcome == "out_of_budget"
        (kind,) = budget
        told = list(in_order(it))
        assert told[-4:] == [f"run {kind} {what}" for what in ("50", "80", "100", "exceeded")]
        calls = facts(it, e.ModelCalled)
        assert len(calls) == run.usage.calls == world.asked
        total = Usage()
        for one in calls:
            total = total.plus(one.usage)
        assert total == run.usage
        assert run.usage.known_usd == it.engine.shop.chronicle.run("R1").usage.cost_usd
        spent = {"calls": run.usage.calls, "tokens": run.usage.tokens, "usd": run.usage.cost_usd}
        assert spent[kind] <= Decimal(str(budget[kind]))
        if kind == "calls":
            assert world.asked == budget["calls"]
        failures = {a.failure for t in run.tasks.values() for a in t.attempts}
        assert failures <= {"interrupted"}


async def test_a_tasks_budget_fails_the_task_and_the_run_goes_on(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt"), task("dawdle", "b.txt")),
        worker("shout", turn(edit("two", "TWO"))),
        flow("worker", *map(turn, LOOKING), match="Do: dawdle"),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work(budget={"task": {"calls": 5}}, overlap="allow")
        assert run.outcome == "done"
        (attempt,) = run.tasks["T2"].attempts
        assert (run.tasks["T2"].state, attempt.failure) == (TaskState.FAILED, "budget")
        assert "budget.task.calls" in attempt.reason
        assert run.usage_by_task["T2"].calls == 5
        assert list(in_order(it)) == [f"T2 calls {n}" for n in (50, 80, 100, "exceeded")]
        assert run.tasks["T1"].state is TaskState.LANDED


async def test_a_tasks_minutes_end_its_attempt_and_leave_out_pauses(world: World) -> None:
    world.play(
        planner(task("dawdle", "b.txt"), times=1),
        flow("worker", turn(call("list_files"), signal="there", wait_for=["go"])),
        *judge("give_up", "give_up"),  # once more, for a planner is to hear what the person said
        flow("planner", turn(call("finish", summary="Nothing to do.", evidence="T1"))),
    )
    async with world.opened() as it:
        await it.start(budget={"task": {"minutes": 5}})
        await it.signal("there")
        world.clock.advance(minutes=2)
        await it.engine.pause("R1")
        world.clock.advance(hours=3)
        await it.engine.resume("R1")
        world.clock.advance(minutes=1)
        await it.engine.steer("R1", "any fact")
        await it.until(lambda run: run.warned)
        assert it.run().tasks["T1"].state is TaskState.RUNNING
        world.clock.advance(minutes=2)
        await it.engine.steer("R1", "any fact")
        run = await it.ended()
        await it.raise_signal("go")
        assert run.outcome == "gave_up"
        assert run.tasks["T1"].attempts[0].failure == "budget"
        assert "budget.task.minutes" in run.tasks["T1"].attempts[0].reason
        assert list(in_order(it)) == [f"T1 minutes {n}" for n in (50, 80, 100, "exceeded")]


RAISES = {
    "by the command": ({"calls": 3}, {}, {"calls": 40}),
    "in the settings": ({}, {"budget": {"calls": 40}}, {}),
    "of cycles": ({"cycles": 1}, {}, {"cycles": 3}),
}


@pytest.mark.parametrize(("at_first", "later", "limits"), RAISES.values(), ids=RAISES)
async def test_a_run_that_a_budget_ended_goes_on_once_it_is_raised(
    world: World,
    at_first: dict[str, object],
    later: dict[str, object],
    limits: dict[str, object],
) -> None:
    world.play(
        planner(task("shout", "a.txt"), times=1),
        worker("shout", turn(edit("two", "TWO"))),
        *judge("continue" if "cycles" in at_first else "done", "done"),
    )
    world.editor = {"budget": {"calls": 3}}
    async with world.opened() as it:
        run = await it.work(budget={"calls": 40, **at_first} if at_first else {})
        assert run.outcome == "out_of_budget"
        with pytest.raises(UsageError, match="allows no more"):
            await it.engine.resume("R1")
        assert it.run() == run
    world.editor = later
    async with world.opened() as it:
        if later:
            await it.engine.resume("R1")
        else:
            await it.call("resumeRun", budget=limits)
        run = await it.ended()
        assert (run.outcome, run.exceeded) == ("done", None)
        assert run.tasks["T1"].state is TaskState.LANDED
        assert {a.failure for a in run.tasks["T1"].attempts} <= {"interrupted", None}
        assert run.usage.calls == world.asked == len(facts(it, e.ModelCalled))
        with pytest.raises(UsageError, match="nothing to resume"):
            await it.engine.resume("R1")


async def test_a_paused_run_can_be_given_more_while_its_agents_wait(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt")),
        worker("shout", turn(edit("two", "TWO"), signal="edited", wait_for=["go"])),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start(budget={"calls": 3})
        await it.signal("edited")
        with pytest.raises(UsageError, match="Pause it first"):
            await it.call("resumeRun", budget={"calls": 9})
        await it.engine.pause("R1")
        await it.raise_signal("go")
        with pytest.raises(UsageError, match=r"budget\.cals"):
            await it.call("resumeRun", budget={"cals": 9})
        await it.call("resumeRun", budget={"calls": 9, "task": {"calls": 8}})
        run = await it.ended()
        assert (run.outcome, run.budget.calls, run.budget.task.calls) == ("done", 9, 8)
        assert [len(t.attempts) for t in run.tasks.values()] == [1]


async def test_each_try_is_on_record_with_what_it_was_and_what_it_cost(world: World) -> None:
    priced(world)
    usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100,
             "prompt_tokens_details": {"cached_tokens": 600}}  # fmt: skip
    broken = status(500, **{"retry-after": "0"})
    world.play(
        flow("planner", turn(call("list_files"), faults=[broken], usage="none"),
             turn(call("finish", summary="x"), usage=usage)),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        await it.work()
        failed, estimated, counted, _ = facts(it, e.ModelCalled)
    assert {one.agent for one in (failed, estimated, counted)} == {"P1"}
    assert failed.usage == Usage(calls=1)
    assert (estimated.estimated, estimated.usage.estimated_calls) == (True, 1)
    assert (counted.estimated, counted.usage.cached_tokens) == (False, 600)
    assert counted.usage.cost_usd == Decimal("0.0028")
    assert (counted.prices, counted.model) == ("the settings", "scripted")


async def test_a_killed_process_leaves_tasks_their_usage_and_charges_no_time(world: World) -> None:
    held = turn(LOOKING[1], signal="there", wait_for=["go"])
    world.play(
        planner(task("dawdle", "b.txt")),
        flow("worker", turn(LOOKING[0]), held, times=1),
        flow("worker", *map(turn, LOOKING)),
        *judge("give_up"),
    )
    async with world.opened() as it:
        await it.start(budget={"minutes": 60, "task": {"minutes": 30, "calls": 4}})
        await it.signal("there")
        world.clock.advance(minutes=10)
        await it.engine.add_constraint("the last fact")
        it.engine.shop.chronicle.record = _lost  # as if the process were killed here
        world.clock.advance(hours=9)
    async with world.opened() as it:
        run = it.run()
        assert run.seconds_at(world.clock.now()) == 600
        assert run.task_seconds_at(run.tasks["T1"], world.clock.now()) == 600
        await it.engine.resume("R1")
        await it.raise_signal("go")
        run = await it.ended()
        assert [a.failure for a in run.tasks["T1"].attempts] == ["interrupted", "budget"]
        assert (run.outcome, run.usage_by_task["T1"].calls) == ("gave_up", 4)


async def _lost(*_: e.Event) -> None:
    await asyncio.sleep(0)
