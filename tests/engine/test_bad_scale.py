"""Too much, or nothing, of everything: limits with a clear fact each, and nobody goes short."""

import pytest

from longshift.domain import events as e
from longshift.domain.model import TaskState
from longshift.engine.desks import planning
from tests.support import engine_world
from tests.support.engine_world import (
    TEXT,
    Open,
    Script,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    task,
    turn,
    worker,
    write,
)
from tests.support.examples import examples

EACH = "${brief.task.id}"


def refusals(it: Open) -> list[e.GuardRefused]:
    with it.engine.journal.reader() as reader:
        events = [record.event for record in reader.read()]
    return [event for event in events if isinstance(event, e.GuardRefused)]


def parts(first: int, last: int) -> list[Script]:
    return [task(f"part {number}", f"part{number}") for number in range(first, last)]


def results(world: World, role: str) -> str:
    """All that the agents of a role were answered."""
    return "\n".join(
        str(message["content"])
        for request in world.server.requests
        for message in request.messages
        if request.role == role and message["role"] == "tool"
    )


async def test_a_planner_that_never_stops_adding_is_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST_TASKS", 100)
    monkeypatch.setattr(planning, "MOST_PLANNERS", 3)
    slices = [call("delegate", scope=f"part {n}", objective="More.") for n in range(4)]
    world.play(
        flow("planner", turn(*parts(0, 40)), match="Your slice", then="repeat"),
        flow("planner", turn(*parts(0, 4), *slices), then="repeat"),
        worker("part"),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work(workers=20)
        refused = refusals(it)
    assert run.outcome == "done"
    assert len(run.tasks) == 100
    assert {planner.state for planner in run.planners.values()} == {"failed"}
    assert len(run.planners) == 3
    # Each planner's first try is on record, and of what it goes on trying nothing more.
    assert {(one.guard, one.agent) for one in refused} == {("size", f"P{n}") for n in (1, 2, 3)}
    assert len(refused) == 3
    told = results(world, "planner")
    assert "has 100 tasks, the most it can have" in told
    assert "has 3 planners, the most it can have" in told


async def test_tasks_can_not_wait_for_each_other(world: World) -> None:
    world.play(
        planner(
            task("egg", "a.txt", depends_on=["T2"]),
            task("hen", "a.txt", depends_on=["T1"]),
            task("self", "a.txt", depends_on=["T1"]),
            task("first", "a.txt"),
            task("next", "b.txt", depends_on=["T1"]),
        ),
        worker("first", turn(edit("one", "ONE"))),
        worker("next", turn(write("b.txt", "next\n"))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
    assert [one.plan.title for one in run.tasks.values()] == ["first", "next"]
    assert run.count(TaskState.LANDED) == 2
    assert results(world, "planner").count("can depend only on tasks that were added before") == 3


async def test_a_task_on_files_that_are_not_there_comes_to_an_end(world: World) -> None:
    world.play(
        planner(task("lost", "no/such/file.py"), task("made", "no/such/folder/new.py")),
        worker(
            "lost",
            turn(call("read_file", path="no/such/file.py")),
            turn(edit("one", "ONE", "no/such/file.py")),
            turn(call("give_up", reason="There is no such file.")),
        ),
        worker("made", turn(write("no/such/folder/new.py", "new = 1\n"))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        assert it.file("no/such/folder/new.py") == b"new = 1\n"
    assert [one.state for one in run.tasks.values()] == ["failed", "landed"]
    assert run.tasks["T1"].attempts[0].reason == "There is no such file."


async def test_who_submits_nothing_moves_nothing(world: World) -> None:
    world.play(planner(task("idle", "a.txt")), worker("idle"), *judge("done"))
    async with world.opened() as it:
        run = await it.work()
        assert it.file() == TEXT
    assert (run.outcome, run.head, run.changes) == ("done", run.started.base, {})
    assert run.tasks["T1"].state == "landed"


async def test_who_never_submits_is_ended_and_its_task_too(world: World) -> None:
    world.play(
        planner(task("circle", "a.txt")),
        flow("worker", turn(call("list_files")), match="Do: circle", then="repeat"),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
    assert [attempt.failure for attempt in run.tasks["T1"].attempts] == ["model"] * 3
    assert run.tasks["T1"].state == "failed"


async def test_a_gigabyte_is_refused_before_it_is_made(world: World) -> None:
    grown = {"path": "a.txt", "old_text": "a", "new_text": "a" * 10_000, "replace_all": True}
    world.play(
        planner(task("grow", "a.txt")),
        worker("grow", turn(write("a.txt", "a" * 100_000)), turn(call("edit_file", **grown))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work()
        (refused,) = refusals(it)
        assert it.file() == b"a" * 100_000
    assert (refused.guard, refused.agent, refused.tool) == ("size", "T1.1", "edit_file")
    assert "1000000000 bytes" in refused.detail
    assert run.tasks["T1"].state == "landed"


@pytest.mark.timeout(300)
async def test_a_head_that_moves_a_thousand_times_keeps_nobody_from_landing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand times in `make long`, fifty otherwise."""
    monkeypatch.setattr(engine_world, "WITHIN_S", 280.0)
    of_each = examples(13)
    others = 1 + 4 * of_each
    plan = parts(0, of_each)
    slices = [call("delegate", scope=f"part {n}", objective="More.") for n in range(4)]
    finish = turn(call("finish", summary="Planned.", evidence="All of them."))
    world.play(
        flow(
            "planner",
            *(turn(*plan[n : n + 30]) for n in range(0, of_each, 30)),
            finish,
            match="Your slice",
        ),
        flow("planner", turn(task("slow", "a.txt"), task("quick", "a.txt"), *slices), finish),
        worker(
            "slow",
            turn(edit("one", "ONE")),
            turn(call("submit", summary="Too late."), wait_for=["moved"]),
            turn(write("a.txt", TEXT.decode().replace("one", "1 ONE"))),
        ),
        worker("quick", turn(edit("one", "1"))),
        flow(
            "worker",
            turn(write(EACH, "part\n"), call("submit", summary="Did a part.")),
            match="Do: part",
        ),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.start(workers=40, overlap="allow")
        await it.until(lambda run: run.count(TaskState.LANDED) == others)
        await it.raise_signal("moved")
        run = await it.ended()
        assert it.file() == TEXT.replace(b"one", b"1 ONE")
    assert run.outcome == "done"
    assert run.count(TaskState.LANDED) == others + 1
    (attempt,) = run.tasks["T1"].attempts
    assert (attempt.state, attempt.conflicts) == ("landed", 1)
    assert len(run.steps) == others + 1
