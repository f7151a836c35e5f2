"""Equal agents around one list of tasks: with a lock, and with a version."""

import pytest

from tests.support.engine_world import (
    TEXT,
    Script,
    World,
    call,
    edit,
    flow,
    judge,
    task,
    turn,
    worker,
    write,
)

STRATEGIES = ("flat-locked", "optimistic")
READ, LOCK, UNLOCK, START = (
    call(name) for name in ("read_tasks", "lock_tasks", "unlock_tasks", "start_task")
)
LEAVE = call("leave", summary="Nothing is left.")


def agent(*turns: Script, id_: str = "", **more: object) -> Script:
    """What one equal agent, or any, does in one choice."""
    return flow("agent", *turns, match=f'"agent": ?"{id_}"' if id_ else "", **more)


def claim(id_: str) -> Script:
    return call("claim_task", task=id_)


def within(strategy: str, *calls: Script) -> list[Script]:
    """Calls that write to the list, as the strategy wants them."""
    return [LOCK, READ, *calls, UNLOCK] if strategy == "flat-locked" else [READ, *calls]


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_equal_agents_add_claim_and_do_tasks(world: World, strategy: str) -> None:
    tasks = (task("shout", "a.txt"), task("new", "new.txt"))
    world.play(
        agent(turn(*within(strategy, *tasks, claim("T1")), START), id_="A1", times=1),
        agent(turn(*within(strategy, claim("T2")), START), id_="A1", times=1),
        worker("shout", turn(edit("two", "TWO"))),
        worker("new", turn(write("new.txt", "fresh\n"))),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work(strategy=strategy, workers=1)
        assert (run.outcome, run.cycle, len(run.changes)) == ("done", 1, 2)
        assert it.file() == TEXT.replace(b"two", b"TWO")
        assert it.file("new.txt") == b"fresh\n"
        assert {t.attempts[-1].agent for t in run.tasks.values()} == {"A1"}
        assert [(a.id, a.state, a.claims) for a in run.agents.values()] == [("A1", "finished", 2)]
        assert (run.planners, run.list_lock) == ({}, None)
