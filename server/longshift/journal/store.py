"""The append-only journal of one repository: every fact of every run, in order.

Owns what is promised of a fact once it is appended: it is on the disk, in its place, under a
sequence number that is never given twice. Must never change or reorder a fact.
"""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import apsw

from longshift.domain.events import EVENT, Event, Recorded
from longshift.journal import schema
from longshift.journal.reader import JournalReader
from longshift.journal.writer import Append, Forget, KeptMessage, Row, Statistics, Writer

T = TypeVar("T")

__all__ = ["Journal", "JournalReader", "Statistics"]


class Journal:
    """The writer. One process at a time has one: whoever holds the repository's `Lease`.

    Appends that wait at the same moment share one transaction at `synchronous=FULL`, so many
    producers are as fast as if nothing were written through. An append that fails raises in its
    caller and leaves the journal usable.
    """

    def __init__(self, db: apsw.Connection, path: Path, *, clock: Callable[[], datetime]) -> None:
        """Start writing on a connection from `schema.open_writer`; `open` is the usual way."""
        self._path = path
        self._clock = clock
        self._followers: set[_Bell] = set()
        self._failure: Exception | None = None
        self._kept: list[KeptMessage] = []
        self._keeping = threading.Lock()
        self._writer = Writer(db, path, self._ring)

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], datetime]) -> Self:
        """Open the journal, making or migrating it where needed.

        Args:
            path: the file, `journal.sqlite` in the repository's state folder.
            clock: says the present moment, with its time zone.

        Raises:
            NeedsPerson: the file is damaged, foreign, locked, from a newer schema or can't be
                written.
        """
        db = schema.open_writer(path)
        try:
            return cls(db, path, clock=clock)
        except apsw.Error as error:
            db.close()
            raise schema.explain(error, path) from error

    async def append(self, *events: Event) -> tuple[Recorded, ...]:
        """Write facts, all or none, behind everything that was appended before.

        They are on the disk when this returns. Cancelling the caller does not take them back: a
        fact that was handed over is written.

        Returns:
            The facts in the order given, with consecutive sequence numbers and one time.

        Raises:
            NeedsPerson: they could not be written; none of them was.
            ValueError: a fact would not read back as it is; none was written.
        """
        if not events:
            return ()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        facts = _Facts(events, self._now())
        self._writer.submit(Append(done, loop, facts.rows, self._take_kept()))
        return facts.recorded(await done)

    def keep(self, run: str, conversation: str, number: int, message: str) -> None:
        """Keep a message of a conversation; it is written with the next facts, or at the end.

        Messages are no facts: nothing follows from them, and who reads the facts never meets them.

        Args:
            run: the run's id.
            conversation: whose: `P1`, `T1.2`, `judge.1`.
            number: its place, from 0. A number that was given before takes back the message at
                that place and all behind it.
            message: as JSON.
        """
        with self._keeping:
            self._kept.append((run, conversation, number, message))

    def append_now(self, *events: Event) -> tuple[Recorded, ...]:
        """Do what `append` does, blocking: for recovery, and where no loop runs."""
        if not events:
            return ()
        done: concurrent.futures.Future[int] = concurrent.futures.Future()
        facts = _Facts(events, self._now())
        self._writer.submit(Append(done, None, facts.rows, self._take_kept()))
        return facts.recorded(done.result())

    async def forget(self, run: str) -> int:
        """Remove a run's facts from the file and its log, overwriting them.

        Their numbers are not given again. Where a reader still looks at the old pages, the log is
        emptied as soon as it is done, at the latest when the journal is closed.

        Returns:
            How many facts there were.

        Raises:
            NeedsPerson: they could not be removed; all are still there.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        with self._keeping:
            self._kept = [kept for kept in self._kept if kept[0] != run]
        self._writer.submit(Forget(done, loop, run))
        return await done

    async def follow(self, after: int = 0, *, run: str | None = None) -> AsyncIterator[Recorded]:
        """Yield what stands behind number `after`, then each fact as it is committed.

        Read from the file page by page, so a slow follower costs no memory and holds nobody up.
        Never ends by itself, except that closing the journal ends it.

        Raises:
            Exception: what `fail` was given, once everything is told.
        """
        bell = _Bell()
        self._followers.add(bell)
        try:
            with JournalReader.open(self._path) as reader:
                while True:
                    closing = bell.closing
                    bell.rung.clear()
                    last = await _finished(reader.last_seq)
                    while page := await _finished(partial(reader.page, after, last, run)):
                        for recorded in page:
                            yield recorded
                        after = page[-1].seq
                    if self._failure is not None:
                        raise self._failure
                    if closing:
                        return
                    await bell.rung.wait()
        finally:
            self._followers.discard(bell)

    def fail(self, error: Exception) -> None:
        """End every follower, present and later, with an error: nothing more will be written."""
        self._failure = error
        self._ring()

    def reader(self) -> JournalReader:
        """Open a reader of the same file, for another thread."""
        return JournalReader.open(self._path)

    def statistics(self) -> Statistics:
        """Count what was written since the journal was opened."""
        return self._writer.statistics()

    async def close(self) -> None:
        """Write what was handed over, then let go of the file. May be called twice."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Do what `close` does, blocking."""
        if kept := self._take_kept():
            done: concurrent.futures.Future[int] = concurrent.futures.Future()
            with contextlib.suppress(RuntimeError):  # it was closed before
                self._writer.submit(Append(done, None, (), kept))
        self._writer.close()
        for bell in tuple(self._followers):
            bell.closing = True
        self._ring()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _take_kept(self) -> list[KeptMessage]:
        with self._keeping:
            kept, self._kept = self._kept, []
        return kept

    def _now(self) -> datetime:
        # On the caller's thread, so that a simulated clock is read in the simulation's order.
        time = self._clock()
        if time.tzinfo is None:
            raise ValueError("the journal's clock must say its time zone")
        return time if time.tzinfo is UTC else time.astimezone(UTC)

    def _ring(self) -> None:
        for bell in tuple(self._followers):
            bell.ring()


class _Bell:
    """Wakes one follower, from any thread."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()
        self.closing = False
        self._loop = asyncio.get_running_loop()

    def ring(self) -> None:
        # A loop that was closed meanwhile has no follower left to wake.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.rung.set)


class _Facts:
    """Facts on their way into the journal, proved to read back as they are."""

    __slots__ = ("_events", "_time", "rows")

    def __init__(self, events: tuple[Event, ...], time: datetime) -> None:
        proved = [_prove(event) for event in events]
        moment = time.isoformat()
        self.rows: list[Row] = [(moment, event.run, event.event, body) for event, body in proved]
        self._events = [event for event, _ in proved]
        self._time = time

    def recorded(self, first: int) -> tuple[Recorded, ...]:
        return tuple(
            [
                Recorded(seq=seq, time=self._time, event=event)
                for seq, event in enumerate(self._events, start=first)
            ]
        )


def _prove(event: Event) -> tuple[Event, str]:
    """The fact as it will be read, and its JSON.

    A row that does not parse would stop every later start, so what is not read back is not written.

    Raises:
        ValueError: it can't be written as JSON, or does not read back.
    """
    body = event.model_dump_json(warnings=False)  # whatever it would warn of does not read back
    return EVENT.validate_json(body), body


async def _finished(work: Callable[[], T]) -> T:
    """Do blocking work in a thread, to its end even if the caller is cancelled.

    A connection that is still being read from can't be closed, and the reader is closed next.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise
