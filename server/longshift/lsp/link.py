"""How a repository is reached: as its owner, or as the guest of the process that owns it.

Owns the difference, so that nobody else asks which it is. Must never let a guest write to the
journal.
"""

import asyncio
import importlib
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from longshift.engine.owning.detached import ensure_engine
from longshift.engine.owning.reaching import reach
from longshift.engine.ports import SystemClock
from longshift.errors import LongshiftError, NeedsPerson
from longshift.journal.lease import Lease
from longshift.journal.wire import Json
from longshift.lsp.guest import GuestLink, Listener, Settings
from longshift.lsp.hand import EditorHand
from longshift.repository.worktree import Worktree
from longshift.review.shapes import PendingHunk

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.domain.state import State
    from longshift.engine.owning.ownership import Owner
    from longshift.repository.store import ObjectStore
    from longshift.review.proposals import Proposals

logger = logging.getLogger(__name__)


ENGINE: Final = "longshift.engine.owning.ownership"
TRIES: Final = 3
"""How often a guest looks for an owner that ends just then, before the person is told."""


class Link(Protocol):
    """A repository's runs, whoever drives them."""

    is_owner: bool
    proposals: "Proposals"
    store: "ObjectStore"

    @property
    def is_lost(self) -> bool:
        """Whether nothing more can be done through it: a new one is to be opened."""

    @property
    def is_ready(self) -> bool:
        """Whether the runs are known here: state, proposals and store are there only then."""

    @property
    def state(self) -> "State":
        """Everything that is known of the runs."""

    @property
    def recent(self) -> "Sequence[Recorded]":
        """What happened in this session before the runs were known here, in order."""

    async def ready(self) -> None:
        """Wait until the runs are known here.

        Raises:
            NeedsPerson: they can't be; the owner is gone, for one.
        """

    async def file_hunks(self, path: str) -> tuple[tuple[str, PendingHunk], ...]:
        """What `review.of_file.hunks_of` gives of a file, while the runs are not known here."""

    def sees(self, path: str) -> bool:
        """Whether who drives the runs sees what this editor shows of a file."""

    @property
    def others(self) -> Collection[str]:
        """The other editors that are open, by their words in facts."""

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Carry a command out."""

    def expect(self, run_id: str, hunk: PendingHunk, text: str) -> None:
        """Say what the buffer will read once the editor has applied a hunk."""

    async def close(self) -> None:
        """Let go; an owner pauses what runs, durably, or another editor goes on with it."""


@dataclass(frozen=True, slots=True)
class Side:
    """What an editor brings to its link.

    Attributes:
        hand: the editor's hand.
        settings: what the editor set.
        listener: told of every fact that happens from now on, in the loop's thread.
        on_lost: called once, when the owner that a guest speaks to is gone, or an owner can journal
            nothing more.
        tell: says a sentence to the person, which an owner has to say without being asked.
        restricted: whether the editor holds the workspace restricted.
        since: from when on a guest is to know what happened, beside how things stand.
    """

    hand: EditorHand
    settings: Settings
    listener: Listener
    on_lost: Callable[[], None]
    tell: Callable[[str], None]
    restricted: bool
    since: datetime


async def open_link(worktree: Worktree, side: Side, *, background: bool) -> Link:
    """Take the repository, or reach who has it.

    Args:
        worktree: the person's.
        side: this editor's.
        background: have a process of its own own it, which outlives this editor.

    Raises:
        NeedsPerson: neither is possible.
    """
    for tries_left in range(TRIES - 1, -1, -1):
        if background:
            await ensure_engine(worktree)
        found = await reach(worktree, SystemClock().now, side.tell)
        if isinstance(found, Lease) and background:
            found.release()  # whoever owned it ended in between: an engine is to take its place
            continue
        if isinstance(found, Lease):
            return await _own(worktree, found, side)
        try:
            return await GuestLink.open(
                found,
                worktree,
                side.hand,
                side.settings,
                side.listener,
                side.on_lost,
                restricted=side.restricted,
                since=side.since,
            )
        except (LongshiftError, OSError) as error:
            await found.close()
            if tries_left == 0:
                raise NeedsPerson(
                    f"The process that owns this repository was lost while it was being reached "
                    f"({error}). Nothing was done. Try again."
                ) from error
    raise NeedsPerson(
        "The engine in the background ended while it was being reached. Nothing was done. Its log "
        f"in {worktree.state_dir / 'logs'} says why; try again."
    )


async def _own(worktree: Worktree, lease: Lease, side: Side) -> "OwnerLink":
    try:
        await asyncio.to_thread(importlib.import_module, ENGINE)  # only an owner needs it
        from longshift.engine.engine import Surroundings
        from longshift.engine.owning.ownership import own
    except BaseException:
        lease.release()
        raise
    surroundings = Surroundings(
        environ=os.environ,
        clock=SystemClock(),
        hand=side.hand,
        editor=side.settings,
        goes_on=True,
        opens_again=True,
        is_restricted=side.restricted,
        tell=side.tell,
    )
    owner = await own(worktree, lease, surroundings)
    owner.engine.shop.chronicle.when_broken(lambda error: side.tell(str(error)))
    return OwnerLink(owner, side.listener, side.on_lost)


class OwnerLink:
    """This process drives the runs."""

    is_owner = True
    is_ready = True

    def __init__(self, owner: "Owner", listener: Listener, on_lost: Callable[[], None]) -> None:
        """Hold an owner."""
        self._owner = owner
        owner.engine.shop.chronicle.when_broken(lambda _error: on_lost())
        self.recent: Sequence[Recorded] = owner.engine.recovered
        self.proposals = owner.engine.shop.proposals
        self.store = owner.engine.shop.store
        self._stop_listening = owner.engine.listen(listener)

    @property
    def is_lost(self) -> bool:
        """Whether it can only be closed, and opened anew."""
        return self._owner.is_broken

    @property
    def state(self) -> "State":
        """Everything that is known of the runs."""
        return self._owner.engine.state

    async def ready(self) -> None:
        """They are known."""

    async def file_hunks(self, path: str) -> tuple[tuple[str, PendingHunk], ...]:
        """Nobody asks: the runs are known."""
        raise AssertionError(path)

    def sees(self, path: str) -> bool:
        """It is this editor's process."""
        del path
        return True

    @property
    def others(self) -> Collection[str]:
        """Those that are attached."""
        return self._owner.others

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Carry a command out here."""
        return await self._owner.call(command, arguments)

    def expect(self, run_id: str, hunk: PendingHunk, text: str) -> None:
        """Say what the buffer will read once the editor has applied a hunk."""
        data = text.encode("utf-8", "surrogateescape")
        self._owner.engine.decisions.expect(run_id, hunk, data)

    async def close(self) -> None:
        """Pause what runs, and give the repository free."""
        await self._owner.leave()
        self._stop_listening()
