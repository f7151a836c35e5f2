"""Accepting a hunk with lines of the person's own, and what the engine says of hunks one by one."""

from dataclasses import dataclass

import pytest

from longshift.domain import events
from longshift.engine.deciding.intents import finish_decision
from longshift.engine.ports import sha256
from longshift.errors import NeedsPerson, UsageError
from tests.engine.test_person import BufferHand, disk, hunks
from tests.support.engine_world import TEXT, World, edit, judge, planner, task, turn, worker, write

HUNK = {"changeId": "C1", "path": "a.txt", "hunk": 1}
DEED = [
    planner(task("shout", "a.txt", "new.txt")),
    worker(
        "shout",
        turn(edit("one\ntwo", "ONE\nTWO"), edit("five", "FIVE"), write("new.txt", "n\nm\n")),
    ),
]


@dataclass(frozen=True)
class Own:
    """The person's lines, and what the file begins with afterwards."""

    text: str
    after: bytes


OWN = [
    Own("eins\n", b"eins\n"),
    Own("eins", b"eins\n"),  # never glued to what follows
    Own("ONE\nTWO\n", b"ONE\nTWO\n"),  # as proposed
    Own("ONE\nzwei\nTWO\n", b"ONE\nzwei\nTWO\n"),
    Own("one\ntwo\ntwo and a half\n", b"one\ntwo\ntwo and a half\n"),  # what stood there, and more
    Own("zero\none\ntwo\n", b"zero\none\ntwo\n"),
    Own("one\n", b"one\n"),
    Own("ONE\ntwo\n", b"ONE\ntwo\n"),
    Own("\n", b"\n"),
]


@pytest.mark.parametrize("in_buffer", [False, True], ids=["disk", "buffer"])
@pytest.mark.parametrize("own", OWN, ids=lambda own: repr(own.text))
async def test_own_lines_stand_are_recorded_and_are_taken_back(
    world: World, own: Own, in_buffer: bool
) -> None:
    world.play(*DEED, *judge("done"))
    hand = BufferHand(world.person.root)
    world.hand = hand if in_buffer else None

    def text() -> bytes:
        return hand.buffers["a.txt"].encode() if in_buffer else disk(world)

    async with world.opened() as it:
        if in_buffer:
            hand.buffers["a.txt"] = TEXT.decode()
        await it.work()
        answer = await it.call("acceptChange", **HUNK, text=own.text)
        assert answer["state"] == "accepted"
        assert text() == TEXT.replace(b"one\ntwo\n", own.after)
        assert (await hunks(it))["C1:a.txt:1"] == "accepted"
        assert (await hunks(it))["C1:a.txt:2"] == "pending"
        # The others go on to be placed around it.
        await it.call("acceptChange", **{**HUNK, "hunk": 2})
        assert text() == TEXT.replace(b"one\ntwo\n", own.after).replace(b"five", b"FIVE")
        assert (await it.call("undoDecision", **HUNK))["state"] == "pending"
        assert text() == TEXT.replace(b"five", b"FIVE")
        assert (await hunks(it))["C1:a.txt:1"] == "pending"
    async with world.opened() as it:
        assert (await hunks(it))["C1:a.txt:2"] == "accepted"


async def test_own_lines_that_were_changed_since_are_not_taken_back(world: World) -> None:
    world.play(*DEED, *judge("done"))
    async with world.opened() as it:
        await it.work()
        await it.call("acceptChange", **HUNK, text="eins\nzwei\n")
        world.person.write({"a.txt": disk(world).replace(b"zwei", b"deux")})
        assert (await hunks(it))["C1:a.txt:1"] == "accepted"
        with pytest.raises(UsageError, match="Edit the lines by hand"):
            await it.call("undoDecision", **HUNK)
        assert disk(world) == TEXT.replace(b"one\ntwo", b"eins\ndeux")


async def test_a_new_file_with_own_lines(world: World) -> None:
    world.play(*DEED, *judge("done"))
    new = {**HUNK, "path": "new.txt"}
    async with world.opened() as it:
        await it.work()
        await it.call("acceptChange", **new, text="mine\n")
        assert disk(world, "new.txt") == b"mine\n"
        world.person.write({"new.txt": b"mine, all mine\n"})
        with pytest.raises(UsageError, match="Edit the lines by hand"):
            await it.call("undoDecision", **new)
        assert disk(world, "new.txt") == b"mine, all mine\n"
        world.person.write({"new.txt": b"mine\n"})
        await it.call("undoDecision", **new)
        assert not (world.person.root / "new.txt").exists()


async def test_undoing_a_new_file_keeps_what_was_written_into_it(world: World) -> None:
    world.play(*DEED, *judge("done"))
    new = {**HUNK, "path": "new.txt"}
    async with world.opened() as it:
        await it.work()
        await it.call("acceptChange", **new)
        world.person.write({"new.txt": b"n\nm\nand more\n"})
        await it.call("undoDecision", **new)
        assert disk(world, "new.txt") == b"and more\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"text": ""}, "the lines to put there are empty"),
        ({"text": "one\ntwo\n"}, "are what stands there already"),
        ({"text": "x\n", "hunk": None}, "goes with a path and a hunk"),
        ({"text": "key = 'AKIAIOSFODNN7EXAMPLF'\n"}, "looks like a secret"),
        ({"text": "x\n", "hunk": 9}, "no hunk 9"),
        ({"text": "x\n", "shown": "another"}, "not what you were shown any more"),
        ({"shown": "another"}, "not what you were shown any more"),
    ],
)
async def test_refusals_leave_everything_as_it_was(
    world: World, arguments: dict[str, object], why: str
) -> None:
    world.play(*DEED, *judge("done"))
    async with world.opened() as it:
        await it.work()
        with pytest.raises(UsageError, match=why):
            await it.call("acceptChange", **{**HUNK, **arguments})
        assert disk(world) == TEXT
        assert set((await hunks(it)).values()) == {"pending"}


async def test_an_editor_that_refuses_leaves_the_hunk_pending(world: World) -> None:
    world.play(*DEED, *judge("done"))
    world.hand = BufferHand(world.person.root, refuses=True)
    async with world.opened() as it:
        await it.work()
        with pytest.raises(NeedsPerson, match="refused"):
            await it.call("acceptChange", **HUNK, text="eins\n")
        assert (await hunks(it))["C1:a.txt:1"] == "pending"
        assert not it.run().deciding


async def test_recovery_knows_the_own_lines(world: World) -> None:
    """The process died after it had written, before it recorded."""
    world.play(*DEED, *judge("done"))
    async with world.opened() as it:
        await it.work()
        after = TEXT.replace(b"one\ntwo", b"eins")
        intent = events.DecisionIntended(
            run="R1", change="C1", path="a.txt", hunks=(1,), decision="accepted",
            before_sha256=sha256(TEXT), after_sha256=sha256(after), text="eins\n",
        )  # fmt: skip
        await it.engine.shop.chronicle.record(intent)
        world.person.write({"a.txt": after})
        await finish_decision(it.engine.shop, "R1", intent)
        assert (await hunks(it))["C1:a.txt:1"] == "accepted"
        await it.call("undoDecision", **HUNK)
        assert disk(world) == TEXT


async def test_the_next_cycle_builds_on_own_lines(world: World) -> None:
    world.play(
        planner(task("shout", "a.txt"), times=1),
        worker("shout", turn(edit("one", "ONE"))),
        *judge("done"),
    )
    async with world.opened() as it:
        await it.work()
        await it.call("acceptChange", **HUNK, text="eins\n")
        world.play(worker("Rework", turn(edit("eins", "Eins"))), *judge("done"))
        world.play(
            planner(task("again", "a.txt")),
            worker("again", turn(edit("eins", "Eins"))),
            *judge("done"),
        )
        await it.work("Again")
        assert it.file(run_id="R2") == TEXT.replace(b"one", b"Eins")
        assert (await hunks(it))["C1:a.txt:1"] == "accepted"


async def test_hunks_are_listed_in_order_and_shown_with_why(world: World) -> None:
    world.play(*DEED, *judge("done"))
    async with world.opened() as it:
        await it.work()
        listed = (await it.call("listHunks"))["hunks"]
        assert isinstance(listed, list)
        assert [(row["path"], row["hunk"]) for row in listed] == [
            ("a.txt", 1), ("a.txt", 2), ("new.txt", 1),
        ]  # fmt: skip
        shown = await it.call("showHunk", changeId="C1", path="a.txt", hunk=2)
        assert shown["shown"] == listed[1]["shown"]
        assert shown["lines"] == "FIVE\n"
        assert shown["diff"] == (
            "--- a/a.txt\n+++ b/a.txt\n@@ -2,7 +2,7 @@\n two\n three\n four\n"
            "-five\n+FIVE\n six\n seven\n eight\n"
        )
        assert shown["why"] == "C1, T1: shout\nDo: shout.\nDid shout."
        world.person.write({"a.txt": b"zero\n" + TEXT})
        moved = (await it.call("listHunks"))["hunks"]
        assert isinstance(moved, list)
        assert [row["shown"] for row in moved] == [row["shown"] for row in listed]
        assert moved[1]["line"] == listed[1]["line"] + 1
        with pytest.raises(UsageError, match="no hunk 7"):
            await it.call("showHunk", changeId="C1", path="a.txt", hunk=7)
