"""Several models in one run: a role each, endpoints apart, and one that stands in for another."""

from collections.abc import Iterator

import pytest

from tests.scripted_model import ScriptedServer, running_server
from tests.support.engine_world import (
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


@pytest.fixture(scope="module")
def second() -> Iterator[ScriptedServer]:
    with running_server() as running:
        yield running


def asked(server: ScriptedServer) -> set[tuple[str, str]]:
    """Which roles asked for which models."""
    return {(one.role, one.model) for one in server.requests if one.role != "other"}


async def test_each_role_asks_its_own_model_wherever_that_is(
    world: World, second: ScriptedServer
) -> None:
    world.play(planner(task("Mend", "a.txt")), *judge("done"))
    second.play({"flows": [worker("Mend", turn(edit("one", "1")))]})
    world.settings["models"] = {
        "default": {"base_url": world.server.base_url},
        "planner": {"model": "large"},
        "worker": {"model": "quick", "base_url": second.base_url, "api": "responses"},
        "judge": {"model": "careful"},
    }
    async with world.opened() as it:
        run = await it.work()
        used = {model: usage.calls for model, usage in run.usage_by_model.items()}
    assert run.outcome == "done"
    assert asked(world.server) == {("planner", "large"), ("judge", "careful")}
    assert asked(second) == {("worker", "quick")}
    assert used == {"large": 2, "quick": 2, "careful": 1}


async def test_a_worker_goes_on_in_the_middle_of_its_task_with_the_model_that_stands_in(
    world: World, second: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one dialect to the other, with a conversation that holds the first one's reasoning."""
    monkeypatch.setattr("longshift.models.endpoint.FIRST_WAIT_S", 0.001)
    reads = turn(call("read_file", path="a.txt"), reasoning="only the first can read this")
    away = turn(edit("one", "never"), faults=[status(503, times=999)])
    world.play(flow("worker", reads, away, match="Do: Mend"))
    mends = worker("Mend", turn(), turn(edit("one", "1")))
    second.play({"flows": [planner(task("Mend", "a.txt")), mends, *judge("done")]})
    world.settings["models"] = {
        "default": {"model": "small", "base_url": second.base_url},
        "worker": {
            "model": "large",
            "base_url": world.server.base_url,
            "api": "responses",
            "fallback": {"model": "small", "base_url": second.base_url, "api": "chat"},
        },
    }
    async with world.opened() as it:
        run = await it.work()
        text = it.file()
    assert (run.outcome, [one.state for one in run.tasks["T1"].attempts]) == ("done", ["landed"])
    assert text is not None
    assert text.startswith(b"1\n")
    assert asked(world.server) == {("worker", "large")}
    first = second.by_role("worker")[0].messages
    # The whole conversation so far, and nothing of what only the other endpoint can read.
    assert [message["role"] for message in first] == ["system", "user", "assistant", "tool"]
    assert "reasoning_items" not in first[2]
    assert run.usage.calls == sum(
        one.role != "other" for server in (world.server, second) for one in server.requests
    )
