"""Read the journal, beside its writer or without one.

Owns how a row becomes a fact again, and all facts the state. Must never write, and never skip a
row that it can't read: that is damage, told to the person with the number of the row.
"""

import contextlib
import gc
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias, cast

import apsw
from pydantic import TypeAdapter, ValidationError

from longshift.domain.events import EVENT, Event, Recorded
from longshift.domain.fold import fold
from longshift.domain.state import State
from longshift.domain.transitions import Refused
from longshift.errors import NeedsPerson
from longshift.journal import schema

MUCH: Final = 100_000
"""Objects made of facts, from which on no look for garbage goes over them."""
ROWS_A_PAGE: Final = 512
"""Rows fetched at a time: a long statement would keep the log from shrinking."""

_EVENTS: Final[TypeAdapter[list[Event]]] = TypeAdapter(list[Event])
_RUN: Final = re.compile(r"R\d{1,9}")

_Row: TypeAlias = tuple[int, str, str | None, str, str]
"""What the STRICT table holds: seq, time, run, event and body."""


class JournalReader:
    """A read-only view of the committed facts, beside a writer in this or another process.

    One for each thread. Sees what was committed when it looks, and never what is being written.
    """

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        """Read on a connection from `schema.open_reader`; `open` is the usual way."""
        self._db = db
        self._path = path

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the journal at `path` for reading only.

        Raises:
            NeedsPerson: there is none, or it can't be read.
        """
        return cls(schema.open_reader(path), path)

    def read(self, *, after: int = 0, run: str | None = None) -> Iterator[Recorded]:
        """Yield the facts behind number `after` that are committed when the reading begins.

        Args:
            after: the last sequence number that is already known; 0: from the start.
            run: only this run's facts, without those that concern the whole repository. None:
                all facts.

        Raises:
            NeedsPerson: a row is damaged; those before it were yielded.
        """
        last = self.last_seq()
        while page := self.page(after, last, run):
            yield from page
            after = page[-1].seq

    def state(self, heed: Callable[[Recorded], object] | None = None) -> State:
        """What is, from all facts that are committed.

        Args:
            heed: is shown each of them on the way.

        Raises:
            NeedsPerson: a row is damaged, or speaks of what can't have happened where it stands.
        """
        try:
            with _without_collecting():
                return fold(self.read() if heed is None else _shown(self.read(), heed))
        except Refused as error:
            reason = schema.brief(str(error))
            raise NeedsPerson(
                f"The facts in the journal at {self._path} contradict each other: {reason}. "
                "Nothing was changed or deleted. Restore the journal from a backup, or give its "
                "runs up with `longshift forget --all`."
            ) from error

    def page(self, after: int, last: int, run: str | None = None) -> list[Recorded]:
        """Read up to `ROWS_A_PAGE` facts behind number `after`, none behind `last`.

        Raises:
            NeedsPerson: a row is damaged.
        """
        query = "SELECT seq, time, run, event, body FROM events WHERE seq > ? AND seq <= ?"
        arguments: tuple[int | str, ...] = (after, last)
        if run is not None:
            query, arguments = f"{query} AND run = ?", (*arguments, run)
        query, arguments = f"{query} ORDER BY seq LIMIT ?", (*arguments, ROWS_A_PAGE)
        with self._explained():
            if not schema.is_readable(self._db, self._path):
                return []
            rows = cast("list[_Row]", self._db.execute(query, arguments).fetchall())
        return self._parse_all(rows) or [self._parse(row) for row in rows]

    def last_seq(self) -> int:
        """The number of the last fact that is there; 0 where there is none."""
        with self._explained():
            if not schema.is_readable(self._db, self._path):
                return 0
            last = self._db.execute("SELECT coalesce(max(seq), 0) FROM events").get
        assert isinstance(last, int)
        return last

    def conversations(self, run: str) -> list[str]:
        """The conversations of a run that were kept, in the order in which they began."""
        query = (
            "SELECT conversation FROM messages WHERE run = ? GROUP BY conversation ORDER BY min(id)"
        )
        with self._explained():
            if not schema.has_messages(self._db, self._path):
                return []
            return [str(name) for (name,) in self._db.execute(query, (run,)).fetchall()]

    def conversation(self, run: str, name: str) -> list[list[str]]:
        """A conversation: each of its parts as its messages, which are JSON.

        A part begins with what stood before it, where a conversation was shortened or begun anew.
        """
        query = (
            "SELECT number, body FROM messages JOIN texts USING (digest)"
            " WHERE run = ? AND conversation = ? ORDER BY id"
        )
        with self._explained():
            if not schema.has_messages(self._db, self._path):
                return []
            rows = self._db.execute(query, (run, name)).fetchall()
        parts: list[list[str]] = [[]]
        for number, body in cast("list[tuple[int, str]]", rows):
            if number < len(parts[-1]):
                parts.append(parts[-1][:number])
            parts[-1].append(body)
        return parts

    def check(self) -> None:
        """Go through the whole file, pages and rows; takes time in proportion to its size.

        Raises:
            NeedsPerson: something is damaged.
        """
        with self._explained():
            verdict = self._db.execute("PRAGMA quick_check(1)").get
            if verdict != "ok":
                raise apsw.CorruptError(str(verdict))
        for _ in self.read():
            pass

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (apsw.Error, UnicodeDecodeError) as error:
            raise schema.explain(error, self._path) from error

    def _parse_all(self, rows: list[_Row]) -> list[Recorded]:
        """Read rows together, which is quicker; none where one of them is damaged."""
        try:
            found = _EVENTS.validate_json(f"[{','.join([row[4] for row in rows])}]")
            moments = [datetime.fromisoformat(row[1]) for row in rows]
        except (ValueError, TypeError):  # which of them it is, is told row by row
            return []
        if [(one.run, one.event) for one in found] != [(row[2], row[3]) for row in rows]:
            return []
        return [
            Recorded.trusted(seq=row[0], time=moment, event=event)
            for row, moment, event in zip(rows, moments, found, strict=True)
        ]

    def _parse(self, row: _Row) -> Recorded:
        seq, time, run, name, body = row
        try:
            event = EVENT.validate_json(body)
            recorded = Recorded(seq=seq, time=datetime.fromisoformat(time), event=event)
        except (ValueError, TypeError) as error:  # in a damaged page, texts may be anything
            raise self._damaged(row, schema.brief(_summary(error))) from error
        if (event.run, event.event) != (run, name):
            raise self._damaged(
                row, f"its columns say {schema.brief(str(name))} of {schema.brief(str(run))}"
            )
        return recorded

    def _damaged(self, row: _Row, reason: str) -> NeedsPerson:
        seq, _, run, _, _ = row
        named = run if run is not None and _RUN.fullmatch(str(run)) else "--all"
        return NeedsPerson(
            f"Row {seq} of the journal at {self._path} can't be read: {reason}. Nothing was "
            "changed or deleted. If a newer Longshift wrote it, upgrade; if not, restore the "
            f"journal from a backup, or give the run up with `longshift forget {named}`."
        )


def _shown(facts: Iterable[Recorded], heed: Callable[[Recorded], object]) -> Iterator[Recorded]:
    for recorded in facts:
        heed(recorded)
        yield recorded


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage meanwhile: there is none in a fold, and each look goes over all of it.

    Nor afterwards, where much was read: it is there to stay.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > MUCH:
            gc.freeze()
        if was_enabled:
            gc.enable()


def _summary(error: ValueError | TypeError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{first['msg']}{f' at {where}' if where else ''}"
    return str(error)
