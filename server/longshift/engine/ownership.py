"""Owning a repository, or speaking to the process that does.

Owns the choice between the two: whoever gets the lease drives the runs and opens a door for the
others; everyone else sends commands through that door. Must never let two processes drive.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from longshift.engine.commands import execute
from longshift.engine.describe import Json
from longshift.engine.engine import Engine, Surroundings
from longshift.errors import NeedsPerson
from longshift.journal.control import ControlClient, ControlServer
from longshift.journal.lease import Lease, OwnerAlive
from longshift.repository.worktree import Worktree

WAITS: Final = 40
WAIT_S: Final = 0.05
"""How often, and for how long each time, an owner without an open door is waited for."""


class Owner:
    """This process owns the repository: its engine, and the door for everyone else."""

    def __init__(self, engine: Engine, door: ControlServer) -> None:
        """Hold what `connect` has opened."""
        self.engine = engine
        self._door = door

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Carry a command out here."""
        return await execute(self.engine, command, arguments)

    async def follow(self, after: int) -> AsyncIterator[Json]:
        """Every fact behind a sequence number, and each as it happens, as `run --json` has it."""
        async for record in self.engine.journal.follow(after):
            yield record.as_line()

    async def close(self, reason: str = "Longshift was closed.") -> None:
        """Close the door, pause what runs, and give the repository free."""
        await self._door.close()
        await self.engine.close(reason)


class Guest:
    """Another process owns the repository; commands go to it."""

    def __init__(self, client: ControlClient, owner: OwnerAlive, worktree: Worktree) -> None:
        """Speak through a connected client, from a worktree of the same repository."""
        self._client = client
        self._worktree = worktree
        self.owner = owner

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Send a command to the owner."""
        # The owner may live in another worktree, and a goal is for the files of this one.
        here = {"repo": self._worktree.root.as_uri()} if command == "startGoal" else {}
        return await self._client.call(command, {**here, **arguments})

    async def follow(self, after: int) -> AsyncIterator[Json]:
        """Every fact behind a sequence number, and each as it happens."""
        assert self.owner.address is not None, "connected, so there is an address"
        client = await ControlClient.connect(self.owner.address)
        async with client:
            async for line in client.follow(after):
                yield line

    async def close(self, reason: str = "") -> None:
        """Hang up; the owner goes on."""
        del reason
        await self._client.close()


@dataclass(frozen=True, slots=True)
class Busy:
    """Another process owns the repository and can't be spoken to."""

    owner: OwnerAlive
    state_dir: Path

    def explain(self) -> NeedsPerson:
        """What a person is told."""
        return NeedsPerson(
            f"Another Longshift (process {self.owner.pid}) owns this repository and does not "
            f"answer. Nothing was done. End that process, then try again; its state is kept in "
            f"{self.state_dir}."
        )


async def connect(worktree: Worktree, surroundings: Surroundings) -> Owner | Guest:
    """Take the repository, or reach the process that has it.

    Raises:
        NeedsPerson: neither is possible; says why.
    """
    taken = await _take_or_visit(worktree, surroundings)
    if isinstance(taken, Guest):
        return taken
    return await _open(worktree, taken, surroundings)


async def _take_or_visit(worktree: Worktree, surroundings: Surroundings) -> Lease | Guest:
    """The lease, or a way to who has it; one that is just starting or ending is waited for."""
    for waits_left in range(WAITS, -1, -1):
        lease = await asyncio.to_thread(
            Lease.acquire, worktree.state_dir, clock=surroundings.clock.now
        )
        if not isinstance(lease, OwnerAlive):
            return lease
        try:
            return await _visit(lease, worktree)
        except NeedsPerson:
            if waits_left == 0:
                raise
        await asyncio.sleep(WAIT_S)
    raise AssertionError("the last try returns or raises")


async def _open(worktree: Worktree, lease: Lease, surroundings: Surroundings) -> Owner:
    try:
        engine = await Engine.open(worktree, lease, surroundings)
    except BaseException:
        lease.release()
        raise
    door = ControlServer(worktree.state_dir, partial(execute, engine), engine.journal.follow)
    try:
        lease.announce(await door.start())
    except BaseException:
        await engine.close()
        raise
    return Owner(engine, door)


async def _visit(owner: OwnerAlive, worktree: Worktree) -> Guest:
    if owner.address is None:
        raise Busy(owner, worktree.state_dir).explain()
    try:
        return Guest(await ControlClient.connect(owner.address), owner, worktree)
    except (NeedsPerson, OSError) as error:
        raise Busy(owner, worktree.state_dir).explain() from error
