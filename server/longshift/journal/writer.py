"""The one thread that writes the journal.

Owns the order of writes and the group commit: whatever waits at the same moment goes into one
transaction. Must never interpret an event, and never outlives `close`.
"""

import asyncio
import concurrent.futures
import contextlib
import hashlib
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import apsw

from longshift.errors import NeedsPerson
from longshift.journal.schema import BUSY_TIMEOUT_MS, explain

Row: TypeAlias = tuple[str, str | None, str, str]
"""Time, run, event name and body: one fact as its columns hold it."""

KeptMessage: TypeAlias = tuple[str, str, int, str]
"""Run, conversation, number in the conversation, and the message as JSON."""

Value: TypeAlias = str | int | bytes | None

GATHERING_S: Final = 0.01
"""How long a group gathers where the one before was of several: many agents write at once, each
waits for a model far longer, and every transaction takes the interpreter lock from the loop about
ten times."""
MOST_JOBS_A_GROUP: Final = 4096
"""Bounds how long the first of a group waits for the last."""

# One statement takes many rows. Every statement hands the interpreter lock over and has to win it
# back, up to 5 ms each while another thread computes: a statement a row would make the journal 20
# times slower exactly when the loop is busy.
_INSERT_EVENTS: Final = "INSERT INTO events (seq, time, run, event, body)"
_INSERT_TEXTS: Final = "INSERT OR IGNORE INTO texts (digest, body)"
_INSERT_MESSAGES: Final = "INSERT INTO messages (run, conversation, number, digest)"
MOST_ROWS_A_STATEMENT: Final = 1024
"""SQLite takes 32,766 parameters in one."""
_DELETE_UNUSED_TEXTS: Final = """
    DELETE FROM texts WHERE digest NOT IN (SELECT digest FROM messages)
"""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Something to write, and the future that learns of it."""

    done: "asyncio.Future[int] | concurrent.futures.Future[int]"
    loop: asyncio.AbstractEventLoop | None
    """The loop of an asyncio future; None where a thread waits."""


@dataclass(frozen=True, slots=True, eq=False)
class Append(Job):
    """Add rows, all or none; answers the first row's sequence number."""

    rows: Sequence[Row]
    kept: Sequence[KeptMessage] = ()
    """Messages to keep with them."""


@dataclass(frozen=True, slots=True, eq=False)
class Forget(Job):
    """Remove a run's rows; answers how many there were."""

    run: str


@dataclass(frozen=True)
class Statistics:
    """What the writer has done since it was opened.

    Attributes:
        appends: calls that were written, each with all its events.
        events: rows that were written.
        transactions: commits that it took; each is one write through to the disk.
        largest_group: the most appends that shared a transaction.
    """

    appends: int = 0
    events: int = 0
    transactions: int = 0
    largest_group: int = 0


class Writer:
    """A thread that owns the writing connection until `close`."""

    def __init__(self, db: apsw.Connection, path: Path, on_commit: Callable[[], None]) -> None:
        """Start the thread.

        Args:
            db: an open connection; the writer closes it.
            path: the file behind it, to notice when someone takes it away.
            on_commit: called on the writer's thread after each group, before those who wait for
                it learn of it.
        """
        self._db = db
        self._path = path
        self._file = _identity(path)
        self._on_commit = on_commit
        self._next_seq = _last_seq(db) + 1
        self._statistics = Statistics()
        self._inbox: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        # Held while putting into the inbox, so that no job comes behind the last one.
        self._gate = threading.Lock()
        self._closed = False
        # Invariant: the log holds pages of a forgotten run while this is set.
        self._scrub_log = False
        # A daemon, so that a process that dies of an error elsewhere does not hang on it:
        # whatever was acknowledged is on the disk.
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job; jobs are written in the order in which they come.

        Raises:
            RuntimeError: the writer is closed.
        """
        with self._gate:
            if self._closed:
                raise RuntimeError("the journal is closed")
            self._inbox.put(job)

    def statistics(self) -> Statistics:
        """Count what was written so far."""
        return self._statistics

    def close(self) -> None:
        """Write what was queued, close the connection and end the thread. Blocks."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            for batch in self._batches():
                for kind, jobs in itertools.groupby(batch, key=type):
                    if kind is Append:
                        self._append([job for job in jobs if isinstance(job, Append)])
                    else:
                        self._forget([job for job in jobs if isinstance(job, Forget)])
                self._empty_log()
            self._empty_log()
        finally:
            self._db.close()

    def _batches(self) -> Iterator[list[Job]]:
        """Everything that waits, again and again, until the writer is closed."""
        batch: list[Job] = []
        while (job := self._inbox.get()) is not None:
            if len(batch) > 1:
                time.sleep(GATHERING_S)  # a lone writer never waits: no group came before
            batch = [job]
            while len(batch) < MOST_JOBS_A_GROUP and not self._inbox.empty():
                following = self._inbox.get()  # never blocks: nobody else takes from the inbox
                if following is None:
                    yield batch
                    return
                batch.append(following)
            yield batch

    def _append(self, group: Sequence[Append]) -> None:
        rows = [row for job in group for row in job.rows]
        try:
            self._insert(rows, [kept for job in group for kept in job.kept])
        except Exception as error:  # noqa: BLE001 -- whoever waits gets it; the thread must live
            self._refuse(group, error)
            return
        firsts = itertools.accumulate((len(job.rows) for job in group), initial=self._next_seq)
        answers = list(zip(group, firsts, strict=False))
        self._next_seq += len(rows)
        self._count(appends=len(group), events=len(rows))
        self._on_commit()
        _settle(answers)

    def _refuse(self, group: Sequence[Append], error: Exception) -> None:
        """Nothing of the group was written: give each a try of its own, then its error."""
        if len(group) == 1:
            _settle([(group[0], explain(error, self._path))])
            return
        for job in group:
            self._append([job])

    def _insert(self, rows: Sequence[Row], kept: Sequence[KeptMessage]) -> None:
        self._require_file()
        texts = {hashlib.sha256(text.encode()).digest(): text for *_, text in kept}
        digests = {text: digest for digest, text in texts.items()}
        messages = [(run, talk, number, digests[text]) for run, talk, number, text in kept]
        # Given, not taken: the primary key refuses what a second writer did meanwhile.
        numbered = [(self._next_seq + place, *row) for place, row in enumerate(rows)]
        statements = [
            *_statements(_INSERT_TEXTS, list(texts.items())),
            *_statements(_INSERT_MESSAGES, messages),
            *_statements(_INSERT_EVENTS, numbered),
        ]
        if len(statements) == 1:  # which is a transaction, without two more statements
            self._db.execute(*statements[0])
            return
        with _transaction(self._db):  # so one write through to the disk
            for statement in statements:
                self._db.execute(*statement)

    def _forget(self, group: Sequence[Forget]) -> None:
        for job in group:
            try:
                self._require_file()
                with _transaction(self._db):
                    self._db.execute("DELETE FROM messages WHERE run = ?", (job.run,))
                    self._db.execute(_DELETE_UNUSED_TEXTS)
                    self._db.execute("DELETE FROM events WHERE run = ?", (job.run,))
                    answer: int | Exception = self._db.changes()
                self._scrub_log = True
                self._empty_log()
            except Exception as error:  # noqa: BLE001 -- as in _append
                answer = explain(error, self._path)
            _settle([(job, answer)])

    def _empty_log(self) -> None:
        """Move the log into the file and cut it, as soon as no reader stands in the way."""
        if not self._scrub_log:
            return
        self._db.set_busy_timeout(0)
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._scrub_log = False
        except apsw.Error:
            # A reader looks at the old pages: tried again after the next batch, and at close.
            self._scrub_log = True
        finally:
            self._db.set_busy_timeout(BUSY_TIMEOUT_MS)

    def _require_file(self) -> None:
        """Writing into a file that has been deleted would lose facts without a word."""
        if _identity(self._path) != self._file:
            raise NeedsPerson(
                f"The journal at {self._path} was deleted or replaced while in use. What was "
                "written after that can't be kept. End this process and start again."
            )

    def _count(self, *, appends: int, events: int) -> None:
        was = self._statistics
        self._statistics = Statistics(
            appends=was.appends + appends,
            events=was.events + events,
            transactions=was.transactions + 1,
            largest_group=max(was.largest_group, appends),
        )


@contextlib.contextmanager
def _transaction(db: apsw.Connection) -> Iterator[None]:
    """All or nothing of what is executed inside.

    A connection's own `with` commits while it holds Python's one lock, so that every thread would
    wait for the disk with it: a tenth of a second, where the disk is busy.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # of some errors SQLite has undone it already
            db.execute("ROLLBACK")
        raise


def _statements(
    insert: str, rows: Sequence[tuple[Value, ...]]
) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """Insertions of all rows, and what each puts in its places."""
    for first in range(0, len(rows), MOST_ROWS_A_STATEMENT):
        several = rows[first : first + MOST_ROWS_A_STATEMENT]
        places = f"({', '.join('?' * len(several[0]))})"
        statement = f"{insert} VALUES {', '.join([places] * len(several))}"
        yield statement, tuple(itertools.chain.from_iterable(several))


def _settle(answers: Iterable[tuple[Job, int | Exception]]) -> None:
    """Tell those who wait, waking each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Job, int | Exception]]] = {}
    for job, answer in answers:
        if job.loop is None:
            _set(job, answer)
        else:
            by_loop.setdefault(job.loop, []).append((job, answer))
    for loop, group in by_loop.items():
        # A loop that was closed meanwhile has nobody left to tell; what is written stays.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_set_all, group)


def _set_all(group: Iterable[tuple[Job, int | Exception]]) -> None:
    for job, answer in group:
        _set(job, answer)


def _set(job: Job, answer: int | Exception) -> None:
    if job.done.done():
        return  # its caller was cancelled
    if isinstance(answer, Exception):
        job.done.set_exception(answer)
    else:
        job.done.set_result(answer)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _last_seq(db: apsw.Connection) -> int:
    """The highest number ever given, those of forgotten rows included."""
    query = (
        "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0), "
        "coalesce((SELECT max(seq) FROM events), 0))"
    )
    value = db.execute(query).get
    assert isinstance(value, int)
    return value
