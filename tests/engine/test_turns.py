"""Turns of workers: never more at it than there are places, and nobody is passed over."""

import asyncio

import pytest

from longshift.engine.turns import Turns
from tests.support.engine_world import World, judge, planner, task, turn, worker, write


async def test_no_more_are_at_it_than_there_are_places_and_each_comes_in_its_order() -> None:
    turns, at_it, most, order = Turns(3), 0, 0, list[int]()

    async def work(number: int) -> None:
        nonlocal at_it, most
        async with turns.one():
            at_it += 1
            most = max(most, at_it)
            order.append(number)
            await asyncio.sleep(0)
            at_it -= 1

    await asyncio.gather(*map(work, range(20)))
    assert (most, order) == (3, list(range(20)))


async def test_who_waits_for_something_holds_no_place() -> None:
    turns, answer, seen = Turns(1), asyncio.Event(), list[str]()

    async def ask() -> None:
        turn = turns.one()
        async with turn:
            async with turn.away():
                await answer.wait()
            seen.append("asked")

    async def work() -> None:
        async with turns.one():
            answer.set()
            await asyncio.sleep(0)  # the answer is there, and the place is not free yet
            seen.append("worked")

    await asyncio.gather(ask(), work())
    assert seen == ["worked", "asked"]


@pytest.mark.parametrize("at", ["waiting", "away", "at it"])
async def test_who_is_ended_leaves_the_place_to_others(at: str) -> None:
    turns, begun = Turns(1), asyncio.Event()
    held = turns.one()
    if at == "waiting":
        await held.take()

    async def work() -> None:
        turn = turns.one()
        if at == "waiting":
            begun.set()
        async with turn:
            if at == "at it":
                begun.set()
                await asyncio.Event().wait()
            async with turn.away():
                begun.set()
                await asyncio.Event().wait()

    ended = asyncio.create_task(work())
    await begun.wait()
    await asyncio.sleep(0)
    ended.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ended
    held.leave()
    async with asyncio.timeout(1), turns.one():
        pass
    assert not held.leave()


async def test_a_wait_that_failed_ends_without_a_place() -> None:
    turns = Turns(1)
    turn, other = turns.one(), turns.one()
    await turn.take()
    with pytest.raises(OSError, match="gone"):  # noqa: PT012 -- the other takes it meanwhile
        async with turn.away():
            await other.take()
            raise OSError("gone")
    assert not turn.leave()


async def test_many_more_workers_than_places_all_land(world: World) -> None:
    names = [f"part {number:02}." for number in range(30)]
    world.play(
        planner(*(task(name, f"{number}.txt") for number, name in enumerate(names))),
        *(
            worker(name.replace(".", r"\."), turn(write(f"{n}.txt", "new\n")))
            for n, name in enumerate(names)
        ),
        *judge("done"),
    )
    async with world.opened() as it:
        run = await it.work(workers=30)
    assert run.outcome == "done"
    assert {task.state for task in run.tasks.values()} == {"landed"}
