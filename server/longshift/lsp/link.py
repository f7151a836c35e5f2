"""How a repository is reached: as its owner, or as the guest of the process that owns it.

Owns the difference, so that nobody else asks which it is, but for one thing: a guest's buffers
are not the owner's (see `Session`). Must never let a guest write to the journal.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from pydantic import ValidationError

from longshift.domain.events import EVENT, Recorded
from longshift.domain.fold import apply
from longshift.domain.state import State
from longshift.domain.transitions import Refused
from longshift.engine.describe import Json
from longshift.engine.engine import Surroundings
from longshift.engine.ownership import Guest, Owner, connect
from longshift.errors import LongshiftError
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from longshift.review.proposals import Proposals
from longshift.review.shapes import PendingHunk

logger = logging.getLogger(__name__)

Listener = Callable[[Recorded], None]


class Link(Protocol):
    """A repository's runs, whoever drives them."""

    is_owner: bool
    proposals: Proposals
    store: ObjectStore

    @property
    def state(self) -> State:
        """Everything that is known of the runs."""

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Carry a command out."""

    def expect(self, run_id: str, hunk: PendingHunk, text: str) -> None:
        """Say what the buffer will read once the editor has applied a hunk."""

    async def close(self) -> None:
        """Let go; an owner pauses what runs, durably."""


async def open_link(
    worktree: Worktree,
    surroundings: Surroundings,
    listener: Listener,
    on_lost: Callable[[], None],
) -> Link:
    """Take the repository, or reach who has it.

    Args:
        worktree: the person's.
        surroundings: what the engine takes from this process.
        listener: told of every fact, in the loop's thread; a guest's first, of older ones too.
        on_lost: called once, when the owner that a guest speaks to is gone.

    Raises:
        NeedsPerson: neither is possible.
    """
    found = await connect(worktree, surroundings)
    if isinstance(found, Owner):
        return OwnerLink(found, listener)
    return await GuestLink.open(found, worktree, listener, on_lost)


class OwnerLink:
    """This process drives the runs."""

    is_owner = True

    def __init__(self, owner: Owner, listener: Listener) -> None:
        """Hold an owner."""
        self._owner = owner
        self.proposals = owner.engine.shop.proposals
        self.store = owner.engine.shop.store
        self._stop_listening = owner.engine.listen(listener)

    @property
    def state(self) -> State:
        """Everything that is known of the runs."""
        return self._owner.engine.state

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Carry a command out here."""
        return await self._owner.call(command, arguments)

    def expect(self, run_id: str, hunk: PendingHunk, text: str) -> None:
        """Say what the buffer will read once the editor has applied a hunk."""
        data = text.encode("utf-8", "surrogateescape")
        self._owner.engine.decisions.expect(run_id, hunk, data)

    async def close(self) -> None:
        """Pause what runs, and give the repository free."""
        await self._owner.close("The editor was closed.")
        self._stop_listening()


class GuestLink:
    """Another process drives the runs; this one follows their facts and only looks."""

    is_owner = False

    def __init__(self, guest: Guest, worktree: Worktree, store: ObjectStore) -> None:
        """Hold a guest; `open` is the way in."""
        self._guest = guest
        self.worktree = worktree
        self.store = store
        self.proposals = Proposals(store)
        self._state = State()
        self._following: asyncio.Task[None] | None = None
        self._speaking = asyncio.Lock()

    @classmethod
    async def open(
        cls, guest: Guest, worktree: Worktree, listener: Listener, on_lost: Callable[[], None]
    ) -> "GuestLink":
        """Learn what has happened so far, then follow."""
        link = cls(guest, worktree, await asyncio.to_thread(ObjectStore.open, worktree))
        link._following = asyncio.create_task(link._follow(listener, on_lost), name="follow")
        return link

    @property
    def state(self) -> State:
        """Everything that has arrived here."""
        return self._state

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Send a command to the owner, one at a time."""
        async with self._speaking:
            return await self._guest.call(command, arguments)

    def expect(self, run_id: str, hunk: PendingHunk, text: str) -> None:
        """Nothing: the owner looks at the saved file, and its own accepting writes it."""

    async def close(self) -> None:
        """Hang up; the owner goes on."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        await self._guest.close()
        await asyncio.to_thread(self.store.close)

    async def _follow(self, listener: Listener, on_lost: Callable[[], None]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            try:
                async for line in self._guest.follow(0):
                    self._take(line, listener)
            except (LongshiftError, OSError, ValidationError, Refused) as error:
                logger.warning("The owner's facts can't be followed any more: %s", error)
            on_lost()

    def _take(self, line: Mapping[str, object], listener: Listener) -> None:
        body = {name: value for name, value in line.items() if name not in ("seq", "time")}
        recorded = Recorded.model_validate(
            {"seq": line["seq"], "time": line["time"], "event": EVENT.validate_python(body)}
        )
        self._state = apply(self._state, recorded)
        listener(recorded)
