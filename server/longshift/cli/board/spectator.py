"""Looking on at a repository's runs, whoever drives them, and also where nobody does.

Owns what a watcher knows: the state, each run's vitals, and what the owner says that its agents do.
Reads the journal, follows the owner while there is one, and finds the next one by itself. Must
never take the lease: whoever only looks must not become the one who drives.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from longshift.cli.board.known import Known
from longshift.cli.session import journal_path
from longshift.cli.watching import recorded
from longshift.domain.events import Recorded
from longshift.domain.state import Run
from longshift.domain.transitions import Refused
from longshift.engine.activities import Activity
from longshift.engine.describe import Json
from longshift.errors import LongshiftError, NeedsPerson, UsageError
from longshift.journal.client import ControlClient, OwnerSilent, about_silence
from longshift.journal.lease import announced
from longshift.journal.reader import JournalReader
from longshift.repository.worktree import Worktree

LOOK_EVERY_S: Final = 1.0
"""How often the journal and the owner's record are looked at, and the owner is asked."""
SILENT_AFTER_S: Final = 2.0
"""An owner that has not said for so long what its agents do is called silent."""
_ACTIVITIES: Final = TypeAdapter(list[Activity])

OnFact = Callable[[Recorded, Run | None], None]


class Spectator:
    """What is known of a repository's runs at this moment. Belongs to one loop."""

    def __init__(self, worktree: Worktree, on_fact: OnFact = lambda _record, _run: None) -> None:
        """Know nothing yet; `read` and `follow` change that.

        Args:
            worktree: of the repository.
            on_fact: told of each fact that happens while it is followed.
        """
        self._worktree = worktree
        self._on_fact = on_fact
        self.known = Known()
        self.live: Mapping[tuple[str, str], Activity] | None = None
        """By run and agent, what the owner says; None: there is no owner that says anything."""
        self.owner: int | None = None
        """The process that drives the runs; None: nobody does."""
        self.is_silent = False
        """Whether that process does not answer."""
        self.changes = 0
        """Grows with everything that a frame would show."""
        self._client: ControlClient | None = None
        self._one_call = asyncio.Lock()

    def read(self) -> None:
        """Begin anew from the journal; blocking.

        Raises:
            NeedsPerson: it can't be read.
        """
        self.known = _read(journal_path(self._worktree))
        self.changes += 1

    async def look(self) -> None:
        """Read the journal, and ask the owner once, where there is one.

        Raises:
            NeedsPerson: the journal can't be read.
        """
        await asyncio.to_thread(self.read)
        owner = await asyncio.to_thread(announced, self._worktree.state_dir)
        if owner is None or owner.address is None:
            return
        with contextlib.suppress(LongshiftError):
            async with await ControlClient.connect(owner.address, owner.pid) as client:
                self.owner = owner.pid
                try:
                    await self._hear(await client.call("listAgents", timeout_s=SILENT_AFTER_S))
                except OwnerSilent:
                    self.is_silent = True

    async def follow(self) -> None:
        """Keep up with what happens, for ever."""
        while True:
            with contextlib.suppress(LongshiftError):  # it has just ended, or is about to begin
                await self._follow_owner()
            self._lose_owner()
            await self._catch_up()
            await asyncio.sleep(LOOK_EVERY_S)

    async def call(self, command: str, arguments: Mapping[str, object]) -> Json:
        """Have the owner carry a command out.

        Raises:
            LongshiftError: there is no owner, it does not answer, or it refused.
        """
        if self.is_silent and self.owner is not None:
            raise OwnerSilent(about_silence(self.owner))
        return await self._send(command, arguments)

    async def _send(self, command: str, arguments: Mapping[str, object]) -> Json:
        async with self._one_call:
            if self._client is None:
                raise NeedsPerson(
                    "No process drives this repository's runs, so there is nothing to do it to. "
                    "`longshift resume` goes on with one."
                )
            return await self._client.call(command, arguments)

    async def _follow_owner(self) -> None:
        owner = await asyncio.to_thread(announced, self._worktree.state_dir)
        if owner is None or owner.address is None:
            return
        async with (
            await ControlClient.connect(owner.address, owner.pid) as orders,
            await ControlClient.connect(owner.address, owner.pid) as facts,
        ):
            self._client, self.owner = orders, owner.pid
            self.changes += 1
            asking = asyncio.create_task(self._keep_asking(owner.address, owner.pid))
            try:
                async for line in facts.follow(self.known.state.seq):
                    await self._heed(recorded(line))
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    def _lose_owner(self) -> None:
        if self.owner is not None:
            self._client = self.owner = self.live = None
            self.is_silent = False
            self.changes += 1

    async def _keep_asking(self, address: str, pid: int) -> None:
        async with contextlib.AsyncExitStack() as stack:
            while True:
                try:
                    await self._ask()
                except OwnerSilent:  # it may go on yet; the connection is of no further use
                    again = await ControlClient.connect(address, pid)
                    self._client = await stack.enter_async_context(again)
                except UsageError:  # an older version, which does not know
                    return
                except LongshiftError:
                    return  # it is gone, which the facts' connection notices too
                else:
                    await asyncio.sleep(LOOK_EVERY_S)

    async def _ask(self) -> None:
        asked = asyncio.create_task(self._send("listAgents", {}))
        try:
            await asyncio.wait([asked], timeout=SILENT_AFTER_S)
            self._note_silence(is_silent=not asked.done())
            await self._hear(await asked)
        finally:
            asked.cancel()
        self._note_silence(is_silent=False)

    def _note_silence(self, *, is_silent: bool) -> None:
        if is_silent != self.is_silent:
            self.is_silent = is_silent
            self.changes += 1

    async def _hear(self, answer: Json) -> None:
        try:
            told_now = _ACTIVITIES.validate_python(
                [_activity(one) for one in _of(answer, "agents")]
            )
            runs = {one["runId"] for one in _of(answer, "runs")}
        except (ValidationError, KeyError):
            self.live = None
            return
        if not self.known.state.runs.keys() <= runs:  # no fact tells that a run was forgotten
            await asyncio.to_thread(self.read)
        live = {(one.run, one.agent): one for one in told_now}
        if live != self.live:
            self.live = live
            self.changes += 1

    async def _catch_up(self) -> None:
        """Take in what the journal has more, or read it anew where it has less: a run is gone."""
        path = journal_path(self._worktree)
        try:
            records = await asyncio.to_thread(_read_after, path, self.known.state.seq)
        except LongshiftError:
            return  # it is being made, or taken away
        if records is None:
            await asyncio.to_thread(self.read)
            return
        for record in records:
            await self._heed(record)

    async def _heed(self, record: Recorded) -> None:
        if record.seq <= self.known.state.seq:
            return
        try:
            run = self.known.take(record)
            self.changes += 1
        except Refused:  # ids are given anew once their run is forgotten
            await asyncio.to_thread(self.read)
            run = self.known.state.runs.get(record.event.run or "")
        self._on_fact(record, run)


def _read(path: Path) -> Known:
    if not path.exists():
        return Known()
    with JournalReader.open(path) as reader:
        try:
            return Known(reader.read())
        except Refused:
            reader.state()  # which says what a person can do
            raise


def _read_after(path: Path, seq: int) -> list[Recorded] | None:
    """The facts behind a number; None: the journal does not reach so far any more."""
    if not path.exists():
        return None if seq else []
    with JournalReader.open(path) as reader:
        if reader.last_seq() < seq:
            return None
        return list(reader.read(after=seq))


def _of(answer: Json, key: str) -> list[Json]:
    listed = answer.get(key)
    return listed if isinstance(listed, list) else []


def _activity(one: Json) -> Json:
    return {**{key: one[key] for key in ("agent", "role", "doing", "since")}, "run": one["runId"]}
