"""The lock of the list as agents wait for it: turns, leases, time-outs, pauses."""

import asyncio
from types import SimpleNamespace

import pytest

from longshift.domain import events as e
from longshift.domain.task_lock import TaskLock
from longshift.engine.activities import Activities
from longshift.engine.strategies import sharing
from longshift.engine.strategies.sharing import OneLock
from longshift.errors import TellModel
from tests.support.engine_world import NOON, FakeClock

LEASE_S = 100
WAIT_S = 350


class Waiting:
    """One lock, agents that wait for it by a test's clock, and the facts of it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.facts: list[str] = []
        self.unpaused = asyncio.Event()
        self.unpaused.set()
        run = SimpleNamespace(seconds_at=lambda now: (now - NOON).total_seconds())
        self.lock = OneLock(
            SimpleNamespace(
                run_id="R1",
                run=run,
                chronicle=SimpleNamespace(record=self._record),
                shop=SimpleNamespace(clock=self.clock, activities=Activities(self.clock.now)),
                unpaused=self.unpaused,
            ),
            TaskLock(LEASE_S),
        )

    async def _record(self, *facts: e.TasksLocked | e.TasksUnlocked) -> None:
        for fact in facts:
            said = fact.cause if isinstance(fact, e.TasksUnlocked) else "locked"
            self.facts.append(f"{fact.agent} {said}")

    async def in_line(self, *agents: str) -> list[asyncio.Task[None]]:
        """Let agents ask one after the other; they are in line when this returns."""
        tasks = []
        for number, agent in enumerate(agents, 1):
            tasks.append(asyncio.create_task(self.lock.lock(agent)))
            await self.clock.until_asleep(number)
        return tasks


async def test_a_wait_ends_with_the_release_of_whoever_was_before() -> None:
    it = Waiting()
    await it.lock.lock("A")
    b, c = await it.in_line("B", "C")
    assert await it.lock.unlock("A")
    await b
    assert not c.done()
    assert not await it.lock.unlock("A")
    assert await it.lock.unlock("B")
    await c
    assert it.facts == ["A locked", "A released", "B locked", "B released", "C locked"]


async def test_a_wait_that_takes_too_long_is_told_who_has_it_and_gives_up_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sharing, "WAIT_S", WAIT_S)
    it = Waiting()
    await it.lock.lock("A")
    waits = await it.in_line("B", "C", "D", "E")  # each will have it for a lease, and forget it
    for lease in range(3):
        it.clock.advance(seconds=LEASE_S)
        await waits[lease]
        await it.clock.until_asleep(3 - lease)
    it.clock.advance(seconds=WAIT_S - 3 * LEASE_S)
    with pytest.raises(TellModel) as told:
        await waits[3]
    assert told.value.inputs == {"agent": "D", "seconds": WAIT_S - 3 * LEASE_S}
    it.clock.advance(seconds=LEASE_S)
    await it.lock.lock("F")
    assert it.facts[-2:] == ["D expired", "F locked"]


async def test_whoever_is_ended_while_it_waits_is_passed_over() -> None:
    it = Waiting()
    await it.lock.lock("A")
    b, c = await it.in_line("B", "C")
    b.cancel()
    await asyncio.wait([b])
    await it.lock.unlock("A")
    await c
    assert it.facts == ["A locked", "A released", "C locked"]


async def test_whoever_sleeps_through_its_own_lease_gets_another() -> None:
    """As after the machine was asleep: it was handed the lock, and did not run until now."""
    it = Waiting()
    await it.lock.lock("A")
    [b] = await it.in_line("B")
    await it.lock.unlock("A")
    it.clock.advance(seconds=5 * LEASE_S)
    await b
    it.lock.check("B")
    assert it.facts[-3:] == ["B locked", "B expired", "B locked"]


async def test_nobody_waits_too_long_while_the_run_is_paused() -> None:
    it = Waiting()
    await it.lock.lock("A")
    [b] = await it.in_line("B")
    it.unpaused.clear()
    await it.lock.unlock("A")
    await asyncio.sleep(0)
    assert not b.done()
    it.unpaused.set()
    await b
    it.lock.check("B")
