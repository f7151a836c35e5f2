"""Runs from a goal to an end, with every part real but the model's mind."""

import shutil

from longshift.crew.prompts import library
from longshift.domain.events import ConversationOpened, ModelCalled
from longshift.domain.model import TaskState
from longshift.domain.state import Phase
from tests.support.engine_world import (
    TEXT,
    World,
    call,
    edit,
    flow,
    judge,
    planner,
    task,
    turn,
    worker,
)

PROMPTS = {
    role: f"{role}@{library().prompt(role).head.version}" for role in ("planner", "worker", "judge")
}


async def test_a_goal_becomes_a_reviewable_change(world: World) -> None:
    world.play(planner(task("shout", "a.txt")), worker("shout", turn(edit("two", "TWO"))),
               *judge("done"))  # fmt: skip
    async with world.opened() as it:
        run = await it.work()
        assert (run.outcome, run.cycle, list(run.changes)) == ("done", 1, ["C1"])
        assert it.file() == TEXT.replace(b"two", b"TWO")
        assert run.published == run.head
        assert world.person.git("rev-parse", "refs/longshift/R1/head").strip() == run.head
        assert (world.person.root / "a.txt").read_bytes() == TEXT
        assert world.person.git("status", "--porcelain") == ""
        world.person.assert_sound()
        with it.engine.journal.reader() as reader:
            told = [record.event for record in reader.read()]
        opened = [one for one in told if isinstance(one, ConversationOpened)]
        assert [(one.role, one.agent) for one in opened] == [
            ("planner", "P1"), ("worker", "T1.1"), ("judge", "judge"),
        ]  # fmt: skip
        versions = [f"{one.role}@{one.prompts[one.role].split()[0]}" for one in opened]
        assert versions == list(PROMPTS.values())
        calls = [one for one in told if isinstance(one, ModelCalled)]
        assert {(one.role, one.prompt) for one in calls} == set(PROMPTS.items())


async def test_the_head_is_published_while_the_judge_looks_at_it(world: World) -> None:
    verdict = turn(call("verdict", reason="Fine.", decision="done"), wait_for=["published"])
    world.play(planner(task("shout", "a.txt")), worker("shout", turn(edit("two", "TWO"))),
               flow("judge", verdict))  # fmt: skip
    async with world.opened() as it:
        await it.start()
        run = await it.until(lambda run: run.changes and run.published == run.head)
        assert run.phase is Phase.JUDGING
        await it.raise_signal("published")
        run = await it.ended()
        assert (run.outcome, run.published) == ("done", run.head)


async def test_two_workers_in_conflict_keep_both_intents(world: World) -> None:
    mine = [
        turn(edit("two", "two, loud"), signal="read by A", wait_for=["read by B"]),
        turn(call("submit", summary="A.")),
    ]
    theirs = [
        turn(edit("two", "two, fast"), signal="read by B", wait_for=["read by A"]),
        turn(call("submit", summary="B.")),
    ]
    resolved = [
        turn(
            call(
                "write_file", path="a.txt", content=TEXT.decode().replace("two", "two, loud, fast")
            )
        ),
        turn(call("submit", summary="Both.")),
    ]
    world.play(
        planner(task("loud", "a.txt"), task("fast", "a.txt")),
        flow("worker", *mine, *resolved, match="Do: loud"),
        flow("worker", *theirs, *resolved, match="Do: fast"),
        *judge("done"),
    )  # fmt: skip
    async with world.opened() as it:
        run = await it.work(overlap="allow")
        assert (run.outcome, run.conflicts, len(run.changes)) == ("done", 1, 2)
        assert it.file() == TEXT.replace(b"two", b"two, loud, fast")
        assert all(one.state is TaskState.LANDED for one in run.tasks.values())


async def test_a_state_folder_deleted_by_hand_harms_nothing(world: World) -> None:
    world.play(planner(task("shout", "a.txt")), worker("shout", turn(edit("two", "TWO"))),
               *judge("done"))  # fmt: skip
    for known in (["R1"], ["R2"]):  # the refs of R1 still stand, and are not taken
        async with world.opened() as it:
            await it.work()
            assert list(it.engine.state.runs) == known
        shutil.rmtree(world.person.root / ".git" / "longshift")
        world.person.assert_sound()
        assert world.person.git("status", "--porcelain") == ""
