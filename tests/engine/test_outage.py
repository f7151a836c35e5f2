"""An endpoint out of order pauses the run, burns nothing, and the run goes on by itself."""

import asyncio

import pytest

from longshift.models import breaker
from tests.support.engine_world import (
    TEXT,
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
    write,
)
from tests.support.repository_git import GitRepository


@pytest.fixture
def impatient(monkeypatch):
    """Tries follow at once."""
    monkeypatch.setattr(breaker, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("longshift.models.endpoint.FIRST_WAIT_S", 0.001)


def outage(times: int):
    return worker("Mend", turn(edit("one", "1"), faults=[status(503, times)]))


async def test_a_run_holds_its_breath_and_goes_on_by_itself(world, impatient):
    world.play(planner(task("Mend", "a.txt")), outage(7), *judge("done"))
    paused = []
    async with world.opened() as opened:
        opened.engine.listen(
            lambda record: paused.append(record.event.event) if "run." in record.event.event else 0
        )
        await opened.start()
        run = await opened.until(lambda run: run.outcome)
        assert run.outcome == "done"
        assert opened.file().startswith(b"1\n")
        attempts = run.tasks["T1"].attempts
    # Nothing was begun anew: the conversation kept its place while its endpoint was away.
    assert [attempt.state for attempt in attempts] == ["landed"]
    assert paused[1:3] == ["run.paused", "run.resumed"]
    assert run.usage.calls == world.asked


async def test_a_persons_pause_is_not_lifted_by_the_endpoint(world, monkeypatch):
    monkeypatch.setattr("longshift.models.endpoint.FIRST_WAIT_S", 0.001)
    world.play(planner(task("Mend", "a.txt")), outage(5), *judge("done"))
    async with world.opened() as opened:
        await opened.start()
        run = await opened.until(lambda run: run.paused)
        assert run.pause_cause == "endpoint"
        assert "503" in run.pause_reason
        await opened.call("pauseRun")
        driver, _ = opened.engine._drivers._driving["R1"]
        driver.room.models.try_now()
        await asyncio.sleep(0)
        assert opened.run().pause_cause == "person"
        await opened.call("resumeRun")
        run = await opened.until(lambda run: run.outcome)
    assert run.outcome == "done"


async def test_a_run_that_waits_for_its_endpoint_can_be_stopped(world, monkeypatch):
    monkeypatch.setattr("longshift.models.endpoint.FIRST_WAIT_S", 0.001)
    world.play(planner(task("Mend", "a.txt")), outage(999), *judge("done"))
    async with world.opened() as opened:
        await opened.start()
        await opened.until(lambda run: run.paused)
        asked = world.asked
        await opened.call("stopRun")
        assert opened.run().outcome == "stopped"
        assert world.asked == asked


@pytest.mark.parametrize("calls", [7, 8, 9])
async def test_a_run_that_waits_for_its_endpoint_ends_when_its_budget_does(world, impatient, calls):
    world.play(planner(task("Mend", "a.txt")), outage(999), *judge("done"))
    async with world.opened() as opened:
        run = await opened.work(budget={"calls": calls})
        with opened.engine.journal.reader() as reader:
            told = [one.event.event for one in reader.read()]
    assert (run.outcome, run.usage.calls, world.asked) == ("out_of_budget", calls, calls)
    assert told.count("budget.exceeded") == 1


async def test_garbage_ends_the_attempt_and_not_the_run(world, impatient):
    garbage = {"kind": "garbage", "times": 3}
    world.play(
        planner(task("Mend", "a.txt")),
        flow("worker", turn(edit("one", "1"), faults=[garbage]), match="Do: Mend", times=1),
        worker("Mend", turn(edit("one", "1"))),
        *judge("done"),
    )
    async with world.opened() as opened:
        run = await opened.work()
    first, second = run.tasks["T1"].attempts
    assert (first.failure, second.state, run.outcome) == ("model", "landed", "done")
    assert "no answer of a model" in first.reason


TASKS = 100


async def test_a_fifth_of_all_calls_may_fail_and_the_tree_is_the_same(
    server, tmp_path, monkeypatch
):
    """Of 429, 500, dropped connections, garbage and replies cut off, seeded."""
    monkeypatch.setattr("longshift.models.endpoint.FIRST_WAIT_S", 0.001)
    tasks = [task(f"Part {number:03}", f"{number:03}.txt") for number in range(TASKS)]
    plan = [turn(*tasks[first : first + 25]) for first in range(0, TASKS, 25)]
    plan.append(turn(call("finish", summary="Planned.", evidence="All of them.")))
    works = [
        worker(f"Part {number:03}", turn(write(f"{number:03}.txt", f"{number}\n")))
        for number in range(TASKS)
    ]
    trees = []
    for chaos in (None, {"seed": 7, "share": 0.2}):
        person = GitRepository.create(tmp_path / f"repository {len(trees)}")
        person.commit({"a.txt": TEXT})
        world = World(person, server, settings={"workers": 20})
        server.play({"flows": [flow("planner", *plan), *works, *judge("done")], "chaos": chaos})
        async with world.opened() as opened:
            await opened.start()
            run = await opened.until(lambda run: run.outcome)
            store = opened.engine.shop.store
            trees.append(await asyncio.to_thread(store.objects.tree_of, run.head))
        assert run.outcome == "done"
        assert len(run.changes) == TASKS
        assert run.usage.calls == world.asked
    assert world.asked > TASKS * 2 * 1.15
    assert trees[0] == trees[1]
