"""Every conversation is kept whole, masked, and gone with its run."""

import json

from tests.support.engine_world import World, call, edit, flow, judge, planner, task, turn, worker
from tests.support.fake_keys import github_token

TOKEN = github_token()


def kept(it, name: str) -> list[list[dict[str, object]]]:
    with it.engine.journal.reader() as reader:
        return [list(map(json.loads, part)) for part in reader.conversation("R1", name)]


async def test_each_conversation_is_kept_as_it_was_sent_and_ends_with_its_last_result(
    world: World,
) -> None:
    world.play(planner(task("Shout", "a.txt"), times=1), worker("Shout", turn(edit("two", "TWO"))),
               *judge("continue", "done"))  # fmt: skip
    async with world.opened() as it:
        await it.work()
        with it.engine.journal.reader() as reader:
            names = reader.conversations("R1")
        parts = kept(it, "T1.1")
        judges = [kept(it, name) for name in ("judge.1", "judge.2")]
    assert names == ["P1", "T1.1", "judge.1", "P2", "judge.2"]
    (messages,) = parts
    sent = world.server.by_role("worker")[-1].messages
    assert messages[: len(sent)] == sent
    assert [message["role"] for message in messages[len(sent) :]] == ["assistant", "tool"]
    assert json.loads(messages[-1]["content"])["status"] == "landed"
    assert [len(one) for one in judges] == [1, 1]


async def test_a_conversation_that_begins_again_is_kept_beside_the_first(world: World) -> None:
    never = flow("worker", turn(call("read_file", path="a.txt"), signal="asked", wait_for=["no"]),
                 match="Shout", times=1)  # fmt: skip
    world.play(planner(task("Shout", "a.txt")), never, *judge("done"))
    async with world.opened() as it:
        await it.start()
        await it.signal("asked")
    async with world.opened() as it:
        assert [len(part) for part in kept(it, "T1.1")] == [2]  # what was sent and not answered


async def test_a_secret_is_masked_and_a_forgotten_run_leaves_no_word(world: World) -> None:
    world.person.commit({"a.txt": f"token = '{TOKEN}'\n".encode()})
    reads = turn(call("read_file", path="a.txt"))
    words = "an unmistakable sentence of the model's"
    world.play(planner(task("Look", "a.txt")), worker("Look", reads, turn(text=words)),
               *judge("done"))  # fmt: skip
    journal = world.worktree.state_dir / "journal.sqlite"

    def written() -> list[bytes]:
        files = (journal, journal.with_name("journal.sqlite-wal"))
        return [path.read_bytes() for path in files if path.exists()]

    async with world.opened() as it:
        await it.work()
        assert "[secret: " in json.dumps(kept(it, "T1.1"))
        assert all(TOKEN.encode() not in data for data in written())
        assert any(words.encode() in data for data in written())
        await it.engine.forget("R1")
    for data in written():
        assert TOKEN.encode() not in data
        assert words.encode() not in data
