"""Surroundings that fail under a run: full disks, missing objects, moved folders, odd clocks."""

import shutil
from pathlib import Path

import pytest

from longshift.engine.ports import DiskHand, write_effects
from longshift.errors import NeedsPerson, UsageError
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from longshift.review.shapes import WriteFile
from tests.support.disk import full_disk
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
from tests.support.repository_git import GitRepository


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "as a pack"])
def test_a_full_disk_is_told_where_objects_are_written(world: World, together: bool) -> None:
    store = ObjectStore.open(world.worktree)
    with pytest.raises(NeedsPerson, match="Free some space"), full_disk():  # noqa: PT012
        if together:
            with store.objects.gathering():
                store.objects.write_blob(b"whatever")
        else:
            store.objects.write_blob(b"whatever")
    left = [path for path in (store.git_dir / "objects").rglob("*") if path.is_file()]
    store.remove_stale_locks()
    assert store.objects.write_blob(b"whatever")  # and then there is room
    assert all("tmp_" in path.name or path.suffix == ".keep" or path.name == "alternates"
               for path in left)  # fmt: skip
    store.close()


def test_a_full_disk_leaves_the_persons_file_as_it_was(world: World) -> None:
    root = world.person.root
    with pytest.raises(NeedsPerson, match=r"a\.txt could not be written"), full_disk():
        write_effects(root, [WriteFile("a.txt", b"other\n", 0o100644)])
    assert (root / "a.txt").read_bytes() == TEXT
    assert not list(root.glob(".longshift-*"))


async def test_a_missing_object_is_named_and_the_run_can_go_on_once_it_is_back(
    world: World, tmp_path: Path
) -> None:
    world.play(planner(task("shout", "a.txt"), times=1), worker("shout", turn(edit("two", "TWO"))),
               flow("judge", turn(call("verdict", reason="x", decision="continue"))),
               *judge("done"))  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.ended()
        objects = world.worktree.state_dir / "objects.git" / "objects"
        shutil.copytree(objects, tmp_path / "objects")
    for folder in (objects, world.person.root / ".git" / "objects"):
        for pack in folder.glob("pack/*"):
            pack.unlink()
        for loose in folder.glob("??"):
            shutil.rmtree(loose)
    async with world.opened() as it:
        with pytest.raises(NeedsPerson, match=r"object [0-9a-f]{40} is missing"):
            await it.call("acceptChange", changeId="C1")
    shutil.copytree(tmp_path / "objects", objects, dirs_exist_ok=True)
    async with world.opened() as it:
        assert it.file() == TEXT.replace(b"two", b"TWO")


@pytest.mark.parametrize("how", ["moved", "copied"])
async def test_a_run_goes_along_with_its_repository(world: World, tmp_path: Path, how: str) -> None:
    held = flow("judge", turn(signal="judging", wait_for=["never"]), times=1)
    world.play(planner(task("shout", "a.txt")), worker("shout", turn(edit("two", "TWO"))),
               held, *judge("done"))  # fmt: skip
    async with world.opened() as it:
        await it.start()
        await it.signal("judging")
    there = tmp_path / "elsewhere"
    (shutil.move if how == "moved" else shutil.copytree)(world.person.root, there)
    elsewhere = World(GitRepository(there), world.server)
    async with elsewhere.opened() as it:
        await it.engine.resume("R1")
        assert (await it.ended()).outcome == "done"
        await it.call("acceptAll")
    assert (there / "a.txt").read_bytes() == TEXT.replace(b"two", b"TWO")
    if how == "copied":
        assert (world.person.root / "a.txt").read_bytes() == TEXT


async def test_another_worktree_that_stands_keeps_its_runs(world: World, tmp_path: Path) -> None:
    world.play(*judge("done"))
    async with world.opened() as it:
        await it.work()
    world.person.git("worktree", "add", "-q", str(tmp_path / "other"))
    other = Worktree.discover(tmp_path / "other")
    assert not other.is_home_of(str(world.worktree.root))
    assert world.worktree.is_home_of(str(world.worktree.root))
    async with World(GitRepository(other.root), world.server).opened() as it:
        with pytest.raises(UsageError, match="belongs to the worktree"):
            await it.call("acceptAll")


@pytest.mark.parametrize("how", ["suspend", "set_back"])
async def test_each_minute_awake_is_used_up_once(world: World, how: str) -> None:
    world.play(planner(task("shout", "a.txt")),
               worker("shout", turn(edit("two", "TWO"), signal="there", wait_for=["go"])),
               *judge("done"))  # fmt: skip
    async with world.opened() as it:
        await it.start(budget={"minutes": 30})
        await it.signal("there")
        world.clock.advance(minutes=10)
        began = it.run().running_since
        getattr(world.clock, how)(days=1)
        await it.engine.steer("R1", "Any fact.")
        await it.until(lambda run: run.running_since != began)
        world.clock.advance(minutes=5)
        assert it.run().seconds_at(world.clock.now()) == 15 * 60
        await it.raise_signal("go")
        await it.ended()
        assert it.run().seconds_at(world.clock.now()) == 15 * 60
    async with world.opened() as it:  # its journal says the same
        assert it.run().seconds_at(world.clock.now()) == 15 * 60


@pytest.mark.parametrize("how", ["suspend", "set_back"])
async def test_a_pause_is_the_first_that_is_heard_after_a_leap(world: World, how: str) -> None:
    waits = turn(edit("two", "TWO"), signal="there", wait_for=["go"])
    world.play(planner(task("shout", "a.txt")), worker("shout", waits), *judge("done"))
    async with world.opened() as it:
        await it.start()
        await it.signal("there")
        world.clock.advance(minutes=50)
        getattr(world.clock, how)(hours=1)
        run = await it.engine.pause("R1")
        assert (run.pause_cause, run.seconds_run) == ("person", 50 * 60)
        await it.engine.resume("R1")
        await it.raise_signal("go")
        await it.ended()


async def test_minutes_are_used_up_whenever_the_clock_is_set_back(world: World) -> None:
    waits = turn(edit("two", "TWO"), signal="there", wait_for=["go"])
    world.play(planner(task("shout", "a.txt")), worker("shout", waits))
    async with world.opened() as it:
        await it.start(budget={"minutes": 60})
        await it.signal("there")
        for spent_s in (31 * 60, 62 * 60):
            world.clock.advance(minutes=31)
            world.clock.set_back(hours=1)
            await it.engine.steer("R1", "Any fact.")
            await it.until(lambda run, spent_s=spent_s: run.seconds_run == spent_s)
        run = await it.ended()
        assert (run.outcome, run.exceeded and run.exceeded.kind) == ("out_of_budget", "minutes")


async def test_minutes_stay_used_up_if_the_clock_goes_back_while_no_process_runs(
    world: World,
) -> None:
    waits = turn(edit("two", "TWO"), signal="there", wait_for=["go"])
    world.play(planner(task("shout", "a.txt")), worker("shout", waits))
    async with world.opened() as it:
        await it.start(budget={"minutes": 60})
        await it.signal("there")
        world.clock.advance(minutes=10)
        await it.engine.add_constraint("the last fact")
        it.engine.shop.chronicle.record = _lost  # as if the process were killed here
        world.clock.set_back(hours=9)
    async with world.opened() as it:
        run = it.run()
        assert run.seconds_at(world.clock.now()) == 10 * 60
        assert run.task_seconds_at(run.tasks["T1"], world.clock.now()) == 10 * 60


async def _lost(*_: object) -> None:
    """Record nothing."""


async def test_what_is_left_of_a_start_and_of_forgetting_goes_at_the_next_start(
    world: World,
) -> None:
    store = ObjectStore.open(world.worktree)
    commit = world.person.git("rev-parse", "HEAD").strip()
    for begun, name in (("starting", "R1"), ("forgetting", "R2")):
        store.marks.put(begun, name)
        store.swap_head(name, None, commit)
        store.publish(name, base=commit, head=commit)
    store.close()
    async with world.opened() as it:
        assert not it.engine.shop.store.marks.left()
        assert it.engine.shop.store.head("R1") is it.engine.shop.store.head("R2") is None
    assert "longshift" not in world.person.git("for-each-ref")
    assert DiskHand(world.person.root)


def test_a_store_that_was_half_made_is_made_anew(world: World) -> None:
    half = world.worktree.state_dir / "objects.git"
    (half / "refs").mkdir(parents=True)
    (half / "HEAD.lock").write_bytes(b"")
    store = ObjectStore.open(world.worktree)
    assert store.objects.write_blob(b"x")
    assert not (half / "HEAD.lock").exists()
    assert [path.name for path in world.worktree.state_dir.iterdir()] == ["objects.git"]
    store.close()
