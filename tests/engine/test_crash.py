"""A process that dies between intent, effect and fact: the next one goes on from there."""

import asyncio
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from longshift.engine.owning.ownership import Guest, connect
from longshift.errors import NeedsPerson, UsageError
from tests.support import warm
from tests.support.disk import full_disk
from tests.support.engine_child import DEAD
from tests.support.engine_world import (
    TEXT,
    Open,
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

ROOT = Path(__file__).parents[2]
A_PAGE_OF_THE_LOG = 4_120
"""Bytes by which SQLite's log grows, so that one step more of a recovery has room each time."""
SHOUTED = TEXT.replace(b"two", b"TWO")


SAID = {
    "attempt.started": "What was under way begins anew: T1.",
    "landing.intended": "Landed T1, which was accepted before the end.",
    "swap:landing": "Landed T1, which was accepted before the end.",
    "swap:person": "Put the head back to ",
    "decision.intended": "The decision on a.txt was not carried out: decide again.",
    "write": "The decision on a.txt was carried out, and is on record now.",
}
"""What a person is told of a death at some points."""


def play(world: World) -> None:
    """One landing, a cycle that takes in what the person has typed meanwhile, an acceptance."""
    world.play(
        planner(task("shout", "a.txt"), times=1),
        worker("shout", turn(edit("two", "TWO"))),
        flow("judge", turn(call("verdict", reason="x", decision="continue")), times=1),
    )


def child(world: World, point: str, interpreter: tuple[str, ...] = ()) -> list[str]:
    """What starts a child; warm, unless an interpreter is named."""
    start = [*(interpreter or warm.interpreter()), "-m", "tests.support.engine_child"]
    return [*start, str(world.person.root),
            world.server.base_url, point]  # fmt: skip


@pytest.mark.parametrize(
    "point",
    [
        "run.started",
        "planner.started",
        "attempt.started",
        "landing.intended",
        "swap:landing",
        "task.landed",
        "judge.started",
        "head.moved",
        "swap:person",
        "decision.intended",
        "write",
    ],
)
async def test_what_was_under_way_is_finished_once(world: World, point: str) -> None:
    play(world)
    if point in ("head.moved", "swap:person"):  # something to take in at the second cycle
        world.play(
            planner(task("shout", "a.txt"), times=1),
            worker("shout", turn(edit("two", "TWO"))),
            flow("judge", turn(call("verdict", reason="x", decision="continue"), signal="judging",
                               wait_for=["typed"]), times=1),
        )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *child(world, point), cwd=ROOT, stderr=subprocess.PIPE
    )
    if point in ("head.moved", "swap:person"):
        await world.signal("judging")
        world.person.write({"typed.txt": b"typed\n"})
        await world.raise_signal("typed")
    _, errors = await process.communicate()
    assert process.returncode == DEAD, errors.decode()

    async with world.opened() as it:
        assert [one.event.run for one in it.engine.recovered] == ["R1"]
        assert SAID.get(point, "") in " ".join(it.run().recovered)
        await goes_on_and_ends(it)
    world.person.assert_sound()


async def goes_on_and_ends(it: Open) -> None:
    """What was under way is finished, and the run can be brought to its end as if nothing was."""
    run = it.run()
    assert not run.intent
    assert not run.deciding
    assert it.engine.shop.store.head("R1") == run.head
    if run.lifecycle == "paused":
        assert run.pause_cause == "interrupted"
        await it.engine.resume("R1")
        run = await it.ended()
    assert run.outcome == "done"
    assert list(run.changes) == ["C1"]
    assert it.file() == SHOUTED
    hunks = await it.engine.decisions.hunks(run)
    if any(hunk.state == "pending" for hunk in hunks):
        await it.call("acceptChange", changeId="C1")
    assert (it.world.person.root / "a.txt").read_bytes() == SHOUTED
    assert it.run().published == run.head


@pytest.mark.parametrize(
    "point", ["attempt.started", "landing.intended", "swap:landing", "decision.intended", "write"]
)
async def test_on_a_full_disk_it_is_finished_once_there_is_room(world: World, point: str) -> None:
    play(world)
    process = await asyncio.create_subprocess_exec(*child(world, point), cwd=ROOT)
    assert await process.wait() == DEAD
    world.trusted, refused = False, list[str]()
    for room in itertools.count(0, A_PAGE_OF_THE_LOG):
        try:
            with full_disk(room):
                async with world.opened():
                    break
        except NeedsPerson as error:
            refused.append(str(error))
    assert len(refused) > 1
    assert all("disk" in one or "File too large" in one for one in refused), refused
    async with world.opened() as it:
        assert SAID[point] in " ".join(it.run().recovered)
        await goes_on_and_ends(it)
    world.person.assert_sound()


@pytest.mark.parametrize(("resume", "goes_on"), [("auto", True), ("auto", False), ("ask", True)])
async def test_an_interrupted_run_goes_on_by_itself_only_where_it_may(
    world: World, resume: str, goes_on: bool
) -> None:
    play(world)
    world.settings = {"resume": resume, "workers": 3}
    held = {"signal": "there", "wait_for": ["never"]}
    world.play(flow("planner", turn(call("finish", summary="x"), **held), times=1))
    async with world.opened() as it:
        await it.start(models={"default": {"model": "another"}})
        await it.signal("there")
    world.settings, world.goes_on = {"resume": resume}, goes_on
    async with world.opened() as it:
        may = (resume, goes_on) == ("auto", True)
        assert (it.run().lifecycle == "paused") is not may
        if not may:
            await it.engine.resume("R1")
        run = await it.ended()
        assert (run.outcome, run.started.workers) == ("done", 3)
        asked = [one.model for one in world.server.requests if one.role != "other"]
        assert set(asked) == {"another"}


async def test_one_process_owns_and_the_others_send_it_their_commands(world: World) -> None:
    play(world)
    process = await asyncio.create_subprocess_exec(
        *child(world, "live", (sys.executable,)),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert await process.stdout.readline() == b"open\n"
        guest = await connect(world.worktree, world.surroundings())
        assert isinstance(guest, Guest)
        assert guest.owner.pid == process.pid
        described = await guest.call("describeRun", {"runId": "R1"})
        assert described["state"] == "ended"
        events = []
        async for line in guest.follow(0):
            events.append(line["event"])
            if line["event"] == "run.finished":
                break
        assert events[0] == "run.started"
        with pytest.raises(UsageError, match="no run R7"):
            await guest.call("stopRun", {"runId": "R7"})
        elsewhere = {"goal": "x", "repo": "file:///elsewhere"}
        with pytest.raises(UsageError, match="Nothing was started"):
            await guest.call("startGoal", elsewhere)
        process.kill()
        await process.communicate()
        await guest.close()
        async with world.opened() as it:  # the next one takes over
            assert it.run().outcome == "done"
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_a_run_is_driven_in_its_own_worktree_only(world: World, tmp_path: Path) -> None:
    world.play(*judge("done"))
    async with world.opened() as it:
        await it.work()
    other = tmp_path / "other"
    world.person.git("worktree", "add", "-q", str(other))
    elsewhere = World(type(world.person)(other), world.server)
    async with elsewhere.opened() as it:
        for command in ("resumeRun", "acceptAll", "rejectAll"):
            with pytest.raises(UsageError, match="belongs to the worktree"):
                await it.call(command)
