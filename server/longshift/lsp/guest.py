"""The guest of the process that owns a repository: it follows the facts, and lends its editor.

Owns what is known of the runs in a process that does not drive them; until it is, the owner is
asked. Light: it loads what it takes to know the runs only then. Must never write to the journal.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from longshift.engine.owning.reaching import Guest
from longshift.errors import LongshiftError, NeedsPerson, UsageError
from longshift.journal.wire import Json
from longshift.lsp.hand import EditorHand
from longshift.lsp.lending import Lending
from longshift.repository.worktree import Worktree
from longshift.review.shapes import PendingHunk

if TYPE_CHECKING:
    from longshift.domain.events import Recorded
    from longshift.domain.state import State
    from longshift.repository.store import ObjectStore
    from longshift.review.proposals import Proposals

logger = logging.getLogger(__name__)

Listener = Callable[["Recorded"], None]
Settings = Mapping[str, object]

HUNK: Final = TypeAdapter(PendingHunk)
DECIDES: Final = frozenset(
    {
        "acceptChange",
        "rejectChange",
        "reworkChange",
        "undoDecision",
        "acceptAll",
        "rejectAll",
    }
)
"""Commands that may wait for an editor; nothing else of a guest's waits behind them."""
LOOKS: Final = frozenset(
    {
        "listRuns",
        "describeRun",
        "listConstraints",
        "showChange",
        "listHunks",
        "showHunk",
        "fileHunks",
    }
)
"""Commands after which nothing is otherwise than before."""
KNOWN_WITHIN_S: Final = 2.0


class GuestLink:
    """Another process drives the runs; this one follows their facts, and lends its editor."""

    is_owner = False

    def __init__(
        self,
        guest: Guest,
        worktree: Worktree,
        hand: EditorHand,
        lending: Lending | None,
        listener: Listener,
        on_lost: Callable[[], None],
        since: datetime,
    ) -> None:
        """Hold a guest; `open` is the way in."""
        self._guest = guest
        self._worktree = worktree
        self._hand = hand
        self._lending = lending
        self._others: frozenset[str] = lending.others if lending else frozenset()
        self._listener = listener
        self._on_lost = on_lost
        self.is_lost = False
        self._loading: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None
        self._speaking = asyncio.Lock()
        self._deciding = asyncio.Lock()
        self._told = asyncio.Event()
        self._since = since
        self._state: State | None = None
        self.recent: Sequence[Recorded] = ()
        self.store: ObjectStore
        self.proposals: Proposals

    @classmethod
    async def open(
        cls,
        guest: Guest,
        worktree: Worktree,
        hand: EditorHand,
        settings: Settings,
        listener: Listener,
        on_lost: Callable[[], None],
        *,
        restricted: bool,
        since: datetime,
    ) -> "GuestLink":
        """Lend the editor's hand, and learn behind what has happened so far.

        Raises:
            LongshiftError, OSError: the owner is gone.
        """
        lending = Lending(hand, None if restricted else settings, drives=not restricted)
        lost = _Once(on_lost)
        assert guest.owner.address is not None, "connected, so there is an address"
        is_lent = await lending.open(guest.owner.address, lost.call)
        try:
            if is_lent:
                await guest.speak_for(lending.secret)
        except BaseException:
            await lending.close()
            raise
        link = cls(guest, worktree, hand, lending if is_lent else None, listener, lost.call, since)
        lost.link = link
        return link

    @property
    def is_ready(self) -> bool:
        """Whether what had happened before is known here."""
        return self._state is not None

    @property
    def state(self) -> "State":
        """Everything that has arrived here."""
        assert self._state is not None, "`ready` was awaited"
        return self._state

    async def ready(self) -> None:
        """Learn what has happened so far."""
        self._load_soon()
        assert self._loading is not None, "it was just begun"
        await asyncio.wait([self._loading])
        if not self.is_ready:
            raise NeedsPerson(
                "The process that owned this repository ended while its runs were being read. "
                "Nothing was done. Try again."
            )

    async def file_hunks(self, path: str) -> tuple[tuple[str, PendingHunk], ...]:
        """Ask the owner, who sees what is open here."""
        try:
            found = (await self.call("fileHunks", {"path": path})).get("hunks")
        except UsageError as error:  # an owner of an earlier version; they show a moment later
            logger.info("%s", error)
            return ()
        try:
            return tuple(
                (str(one["runId"]), HUNK.validate_python(one["hunk"]))
                for one in (found if isinstance(found, list) else ())
            )
        except (ValidationError, KeyError, TypeError) as error:
            raise NeedsPerson(
                "The process that owns this repository answered with what are no hunks. Nothing "
                "was done. End it, and start it anew with the same version."
            ) from error

    def sees(self, path: str) -> bool:
        """Whether this editor's hand is lent, and the file with it."""
        return self._lending is not None and self._lending.lends(path)

    @property
    def others(self) -> Collection[str]:
        """Those that were there when this one came, or that have decided since."""
        return self._others

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Send a command to the owner, once it knows what is open here."""
        if self._lending is not None:
            await self._lending.tell()
        if command in DECIDES:
            async with self._deciding:
                result = await self._guest.decide(command, arguments)
        else:
            async with self._speaking:
                result = await self._guest.call(command, arguments)
        if command not in LOOKS and self.is_ready:
            await self._catch_up()
        return result

    async def _catch_up(self) -> None:
        """Wait until what has just been done is known here, so that the next question sees it."""
        try:
            async with asyncio.timeout(KNOWN_WITHIN_S), self._speaking:
                seq = (await self._guest.call("lastFact", {}))["seq"]
                while isinstance(seq, int) and self.state.seq < seq:
                    self._told.clear()
                    await self._told.wait()
        except (LongshiftError, KeyError, TimeoutError) as error:  # it is done, whatever is seen
            logger.info("What was done is not known here yet: %s", error)

    def expect(self, run_id: str, hunk: PendingHunk, text: str) -> None:
        """Say what the buffer will read once the editor has applied a hunk."""
        if self._lending is not None:
            self._lending.expect(run_id, hunk, text)

    async def close(self) -> None:
        """Hang up; the owner goes on."""
        if self._loading is not None:
            await asyncio.wait([self._loading])  # it is reading, and can't be broken off
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        if self._lending is not None:
            await self._lending.close()
        await self._guest.close()
        if self.is_ready:
            await asyncio.to_thread(self.store.close)

    def _load_soon(self) -> None:
        if self._loading is None:
            self._loading = asyncio.create_task(self._load(), name="learning")

    async def _load(self) -> None:
        try:
            found = await asyncio.to_thread(_known, self._worktree, self._since)
        except (LongshiftError, OSError) as error:
            logger.warning("The runs of this repository can't be read: %s", error)
            return
        self._state, self.recent, self.store, self.proposals = found
        self._following = asyncio.create_task(self._follow(self._state.seq), name="follow")

    async def _follow(self, after: int) -> None:
        from longshift.domain.transitions import Refused

        try:
            async for line in self._guest.follow(after):
                self._take(line)
        except (LongshiftError, OSError, ValidationError, Refused) as error:
            logger.warning("The owner's facts can't be followed any more: %s", error)
        self._on_lost()

    def _take(self, line: Mapping[str, object]) -> None:
        from longshift.domain.events import EVENT, ChangeDecided, Recorded
        from longshift.domain.fold import apply

        body = {name: value for name, value in line.items() if name not in ("seq", "time")}
        recorded = Recorded.model_validate(
            {"seq": line["seq"], "time": line["time"], "event": EVENT.validate_python(body)}
        )
        self._state = apply(self.state, recorded)
        self._told.set()
        if isinstance(recorded.event, ChangeDecided) and recorded.event.editor != self._hand.word:
            self._others |= {recorded.event.editor} - {""}
        self._listener(recorded)


class _Once:
    """Tells once that the owner is gone, whichever of its connections notices first."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.link: GuestLink | None = None
        self._on_lost = on_lost

    def call(self) -> None:
        # Before the link is made, whoever opens it is told by what fails.
        if self.link is not None and not self.link.is_lost:
            self.link.is_lost = True
            self._on_lost()


def _known(
    worktree: Worktree, since: datetime
) -> "tuple[State, list[Recorded], ObjectStore, Proposals]":
    """What the journal and the store have; blocking, and it imports what that takes."""
    from longshift.journal.reader import JournalReader
    from longshift.repository.store import ObjectStore
    from longshift.review.proposals import Proposals

    recent: list[Recorded] = []

    def heed(recorded: "Recorded") -> None:
        if recorded.time >= since:
            recent.append(recorded)

    with JournalReader.open(worktree.state_dir / "journal.sqlite") as reader:
        state = reader.state(heed)
    store = ObjectStore.open(worktree)
    return state, recent, store, Proposals(store)
