"""Who may write to the list of tasks, which all equal agents share.

Owns the two rules that are measured: one lock for all (`flat-locked`), or a version that a write
must be based on (`optimistic`). The list itself is the run's own tasks. Must never let a write
pass by the rule: `check` and the record of the write stand in one step, with no wait between.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from longshift.domain import events
from longshift.domain.task_lock import Locked, TaskLock, Unlocked
from longshift.engine.activities import Doing
from longshift.engine.room import RunRoom
from longshift.engine.turns import Turn
from longshift.errors import TellModel

WAIT_S: Final = 300.0
"""How long one call stands in line for the lock before it is told who has it."""


class Sharing(Protocol):
    """A rule by which equal agents share the list."""

    def has_read(self, agent: str) -> None:
        """An agent was shown the list as it is now."""

    def check(self, agent: str) -> None:
        """Let an agent write to the list.

        Raises:
            TellModel: it may not, as things stand.
        """

    def has_written(self, agent: str) -> None:
        """An agent's write was recorded."""


class OneLock:
    """One lock for all, which its holder may forget to give back."""

    def __init__(self, room: RunRoom, lock: TaskLock) -> None:
        """Share the list of the room's run."""
        self._room = room
        self._lock = lock
        self._turns: dict[str, asyncio.Event] = {}

    def has_read(self, agent: str) -> None:
        """Reading needs no lock."""

    def check(self, agent: str) -> None:
        """Only who has the lock may write."""
        held = self._lock.holder(self._now_s())
        if held is None or held.agent != agent:
            raise TellModel("tasks_not_locked")

    def has_written(self, agent: str) -> None:
        """The lock stays with its holder."""

    @property
    def lease_s(self) -> float:
        """How long the lock holds that is not given back."""
        return self._lock.lease_s

    async def lock(self, agent: str) -> None:
        """Have the list to oneself: stand in line until it is one's turn.

        Raises:
            TellModel: it was not within `WAIT_S`.
        """
        until_s = self._now_s() + WAIT_S
        self._turns[agent] = asyncio.Event()
        self._note(agent, "lock")
        try:
            while True:
                await self._room.unpaused.wait()  # or time would stand still, and no wait end
                now_s = self._now_s()
                await self._take(self._lock.ask(agent, now_s))  # it keeps its place
                held = self._lock.holder(now_s)
                assert held is not None, "a free lock goes to whoever stands first in line"
                if held.agent == agent:
                    return
                if now_s >= until_s:
                    seconds = round(now_s - held.since_s)
                    raise TellModel("tasks_locked", agent=held.agent, seconds=max(0, seconds))
                await self._wait(agent, min(until_s, held.since_s + self.lease_s) - now_s)
        finally:
            self._note(agent, "tools")
            self._lock.leave(agent)
            del self._turns[agent]

    async def unlock(self, agent: str) -> bool:
        """Give the lock to whoever is next; False: it was not the agent's own any more."""
        had = self._is_holder(agent)
        await self._take(self._lock.release(agent, self._now_s()))
        return had

    def _note(self, agent: str, doing: Doing) -> None:
        self._room.shop.activities.note(self._room.run_id, agent, doing)

    async def _wait(self, agent: str, seconds: float) -> None:
        """Wait for one's turn, at most so long."""
        waits = [
            asyncio.ensure_future(self._turns[agent].wait()),
            asyncio.ensure_future(self._room.shop.clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    async def _take(self, changes: Sequence[Locked | Unlocked]) -> None:
        """Put on record what changed hands, and call whoever has the lock now."""
        facts = [self._fact(one) for one in changes]
        if not facts:
            return
        await self._room.chronicle.record(*facts)
        for one in changes:
            if isinstance(one, Locked) and one.agent in self._turns:
                self._turns[one.agent].set()

    def _fact(self, change: Locked | Unlocked) -> events.TasksLocked | events.TasksUnlocked:
        run_id = self._room.run_id
        match change:
            case Locked(agent, waited_s):
                return events.TasksLocked(run=run_id, agent=agent, waited_s=round(waited_s, 3))
            case Unlocked(agent, held_s, cause):
                return events.TasksUnlocked(
                    run=run_id, agent=agent, cause=cause, held_s=round(held_s, 3)
                )

    def _is_holder(self, agent: str) -> bool:
        held = self._lock.holder(self._now_s())
        return held is not None and held.agent == agent

    def _now_s(self) -> float:
        return self._room.run.seconds_at(self._room.shop.clock.now())


class OneVersion:
    """No lock: a write counts only if the list is still as its author read it."""

    def __init__(self, room: RunRoom) -> None:
        """Share the list of the room's run."""
        self._room = room
        self._read: dict[str, int] = {}
        """By agent, the version of the list that it knows."""

    def has_read(self, agent: str) -> None:
        """Its next write is based on the list as it is now."""
        self._read[agent] = self._room.run.list_version

    def check(self, agent: str) -> None:
        """Compare the version that the agent knows with the list's."""
        known, now = self._read.get(agent), self._room.run.list_version
        if known is None:
            raise TellModel("tasks_not_read")
        if known != now:
            raise TellModel("tasks_stale", version=known, newest=now)

    def has_written(self, agent: str) -> None:
        """It knows what it wrote itself, which was one version; not what others wrote since."""
        self._read[agent] += 1


@dataclass(frozen=True, slots=True)
class LockOf:
    """The one lock, as one agent has it."""

    shared: OneLock
    agent: str
    turn: Turn
    """Whose place among those at work is free for others while it stands in line."""

    async def take(self) -> float:
        """Have the list to oneself; for how many seconds, at most, comes back."""
        async with self.turn.away():
            await self.shared.lock(self.agent)
        return self.shared.lease_s

    async def give_back(self) -> bool:
        """Let the next in line have it."""
        return await self.shared.unlock(self.agent)
