"""What an endpoint's prompt cache sees of a long conversation, as it was really sent."""

from itertools import pairwise

import pytest

from tests.support.engine_world import TEXT, World, call, judge, planner, task, turn, worker

TURNS = 40


def common(one: bytes, other: bytes) -> bytes:
    """With what both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return one[: next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_each_request_begins_with_the_one_before(world: World, api: str) -> None:
    world.settings["models"] = {
        "default": {"model": "scripted", "base_url": world.server.base_url, "api": api}
    }
    world.person.commit({"long.txt": TEXT * 40, "AGENTS.md": b"Mind the prefix.\n"})
    looks = [
        turn(call("read_file", path="long.txt", start_line=number + 1), text="Looking.")
        for number in range(TURNS)
    ]
    tasks = [task("look", "long.txt"), task("glance", "a.txt")]
    world.play(planner(*tasks), worker("look", *looks), worker("glance", looks[0]), *judge("done"))
    async with world.opened() as it:
        run = await it.work()
    assert run.outcome == "done"
    requests = [request.raw for request in world.server.by_role("worker")]
    long = [raw for raw in requests if b"Do: look" in raw]
    short = next(raw for raw in requests if b"Do: glance" in raw)
    assert len(long) == TURNS + 1
    shares = [len(common(one, after)) / len(one) for one, after in pairwise(long)]
    assert min(shares) >= 0.95
    # Workers that never meet begin alike too: tools, the role's prompt, the repository's words.
    assert b"Mind the prefix." in common(long[0], short)
