"""What an ended run leaves in memory: nothing that only a search for cycles would find.

Such a search waits until nobody types, and what hundreds of agents have read is large.
"""

import asyncio
import gc

import pytest

from longshift.engine.desks.desk import AgentDesk
from longshift.engine.room import RunRoom
from longshift.engine.run import RunDriver
from longshift.models.registry import Models
from tests.support.engine_world import (
    WITHIN_S,
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
)

SHOUT = worker("shout", turn(edit("two", "TWO")))
ADDED = task("shout", "a.txt")
TAKEN = [call("read_tasks"), ADDED, call("claim_task", task="T1"), call("start_task")]
PLAYS: dict[str, list[Script]] = {
    "planner-worker-judge": [planner(ADDED), SHOUT, *judge("done")],
    "optimistic": [flow("agent", turn(*TAKEN), times=1), SHOUT, *judge("done")],
}


def left() -> list[object]:
    of_a_run = (RunDriver, RunRoom, AgentDesk, Models)
    return [one for one in gc.get_objects() if isinstance(one, of_a_run)]


@pytest.mark.parametrize("strategy", PLAYS)
async def test_nothing_of_it_waits_for_the_collector(
    world: World, strategy: str, no_collector: None
) -> None:
    world.play(*PLAYS[strategy])
    async with world.opened() as it:
        run = await it.work(strategy=strategy, workers=1)
        assert [one.state for one in run.tasks.values()] == ["landed"]
    # The engine itself is still here, as it is while an editor is open.
    async with asyncio.timeout(WITHIN_S):
        while left():  # noqa: ASYNC110 -- its driver may be at its last step, and nothing tells
            await asyncio.sleep(0.01)
