"""Taking a repository's lease, or speaking to the process that has it.

Owns the choice between the two, and the way to the owner. Light: who only visits an owner needs no
engine. Must never drive a run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from longshift.errors import NeedsPerson
from longshift.journal.client import ANSWER_WITHIN_S, ControlClient, about_silence
from longshift.journal.lease import Lease, OwnerAlive, announced
from longshift.journal.wire import Json
from longshift.repository.worktree import Worktree

WAITS: Final = 1_200
WAIT_S: Final = 0.05
"""How often, and for how long each time, an owner without an open door is waited for: one that ends
lets its agents come to a stop first, and one that is there for a single command opens none."""
SILENT_AFTER_S: Final = 5.0
"""A command of which nothing is heard for so long is told of; most take a few milliseconds."""
DECIDED_WITHIN_S: Final = 90.0
"""A decision may wait for an editor that asks its person."""


class Guest:
    """Another process owns the repository; commands go to it."""

    def __init__(
        self,
        client: ControlClient,
        owner: OwnerAlive,
        worktree: Worktree,
        tell: Callable[[str], None],
    ) -> None:
        """Speak through a connected client, from a worktree of the same repository.

        Args:
            client: connected.
            owner: who is spoken to.
            worktree: the person's.
            tell: says a sentence to the person, where the owner lets a command wait.
        """
        self._client = client
        self._decides: ControlClient | None = None
        self._word: str | None = None
        self._worktree = worktree
        self.owner = owner
        self._tell = tell

    async def call(
        self,
        command: str,
        arguments: Mapping[str, object],
        *,
        within_s: float = ANSWER_WITHIN_S,
    ) -> Json:
        """Send a command to the owner; after `within_s` it is called silent."""
        # The owner may live in another worktree, and a goal is for the files of this one.
        here = {"repo": self._worktree.root.as_uri()} if command == "startGoal" else {}
        words = f"{about_silence(self.owner.pid)} Waiting for it."
        telling = asyncio.get_running_loop().call_later(SILENT_AFTER_S, self._tell, words)
        try:
            return await self._client.call(command, {**here, **arguments}, timeout_s=within_s)
        finally:
            telling.cancel()

    async def decide(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Send a decision, which may wait for an editor, so that nothing else waits behind it."""
        if self._decides is None:
            self._decides = await self._connected()
            if self._word is not None:
                await self._decides.call("speakFor", {"hand": self._word})
        return await self._decides.call(command, arguments, timeout_s=DECIDED_WITHIN_S)

    async def speak_for(self, word: str) -> None:
        """Have all commands carried out for the editor that lent a hand under a word."""
        self._word = word
        await self._client.call("speakFor", {"hand": word})

    async def _connected(self) -> ControlClient:
        assert self.owner.address is not None, "connected, so there is an address"
        return await ControlClient.connect(self.owner.address, self.owner.pid)

    async def rejoin(self) -> bool:
        """Speak to whoever owns the repository by now; False: nobody can be spoken to.

        Takes no ownership: who only follows a run must not become the one who drives it.
        """
        await self.close()
        self._decides = None
        owner = await asyncio.to_thread(announced, self._worktree.state_dir)
        if owner is None or owner.address is None:
            return False
        try:
            self._client = await ControlClient.connect(owner.address, owner.pid)
        except (NeedsPerson, OSError):  # what a killed owner left
            return False
        self.owner = owner
        return True

    async def follow(self, after: int) -> AsyncIterator[Json]:
        """Every fact behind a sequence number, and each as it happens."""
        client = await self._connected()
        async with client:
            async for line in client.follow(after):
                yield line

    async def close(self, reason: str = "") -> None:
        """Hang up; the owner goes on."""
        del reason
        await self._client.close()
        if self._decides is not None:
            await self._decides.close()


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


async def reach(
    worktree: Worktree, clock: Callable[[], datetime], tell: Callable[[str], None]
) -> Lease | Guest:
    """The lease, or a way to who has it; one that is just starting or ending is waited for.

    Args:
        worktree: the repository.
        clock: says when ownership was taken.
        tell: says a sentence to the person, where it takes long.

    Raises:
        NeedsPerson: neither is possible; says why.
    """
    for waits_left in range(WAITS, -1, -1):
        lease = await asyncio.to_thread(Lease.acquire, worktree.state_dir, clock=clock)
        if not isinstance(lease, OwnerAlive):
            return lease
        try:
            return await _visit(lease, worktree, tell)
        except NeedsPerson:
            if waits_left == 0:
                raise
            if waits_left == WAITS - round(SILENT_AFTER_S / WAIT_S):
                tell(f"{about_silence(lease.pid)} Waiting for it.")
        await asyncio.sleep(WAIT_S)
    raise AssertionError("the last try returns or raises")


async def _visit(owner: OwnerAlive, worktree: Worktree, tell: Callable[[str], None]) -> Guest:
    if owner.address is None:
        raise Busy(owner, worktree.state_dir).explain()
    try:
        client = await ControlClient.connect(owner.address, owner.pid)
        return Guest(client, owner, worktree, tell)
    except (NeedsPerson, OSError) as error:
        raise Busy(owner, worktree.state_dir).explain() from error
