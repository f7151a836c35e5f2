"""What the journal's file looks like, and how it is opened.

Owns the schema's versions, the connection settings on which durability rests, and the words in
which SQLite's errors reach a person. Must never repair, truncate or delete a file that it does
not understand: a damaged journal is left as it is for the person to decide.
"""

import contextlib
import functools
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import apsw

from longshift.errors import NeedsPerson

Synchronous = Literal["FULL", "NORMAL"]

OLDEST_SOUND_SQLITE: Final = (3, 51, 3)
"""Before it, a checkpoint that resets the WAL while another connection writes may lose pages."""

BUSY_TIMEOUT_MS: Final = 2000
"""How long to wait for another process's short locks: opening, recovering, checkpointing."""

APPLICATION_ID: Final = 0x4C534846
"""`LSHF` in the file's header, so that another program's database is never taken for ours."""


@dataclass(frozen=True)
class Migration:
    """One step of the schema: `why` is the version's one line of history."""

    version: int
    why: str
    statements: tuple[str, ...]


MIGRATIONS: Final = (
    Migration(
        1,
        "facts in the order in which they happened; a sequence number is never given twice",
        (
            f"PRAGMA application_id = {APPLICATION_ID}",
            """
            CREATE TABLE events (
                seq INTEGER PRIMARY KEY AUTOINCREMENT,
                time TEXT NOT NULL,
                run TEXT,
                event TEXT NOT NULL,
                body TEXT NOT NULL
            ) STRICT
            """,
        ),
    ),
    Migration(
        2,
        "one run is read or forgotten without going through all the others",
        ("CREATE INDEX events_by_run ON events (run)",),
    ),
    Migration(
        3,
        "each conversation is kept whole, beside the facts; a text that many share, once",
        (
            """
            CREATE TABLE texts (
                digest TEXT PRIMARY KEY,
                body TEXT NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE messages (
                id INTEGER PRIMARY KEY,
                run TEXT NOT NULL,
                conversation TEXT NOT NULL,
                number INTEGER NOT NULL,
                digest TEXT NOT NULL
            ) STRICT
            """,
            "CREATE INDEX messages_by_conversation ON messages (run, conversation)",
            "CREATE INDEX messages_by_digest ON messages (digest)",
        ),
    ),
    Migration(
        4,
        "a text is put at the end of its table, not between others: a third of the writing",
        (
            "DROP INDEX messages_by_conversation",
            "DROP INDEX messages_by_digest",
            "ALTER TABLE texts RENAME TO texts_3",
            "ALTER TABLE messages RENAME TO messages_3",
            """
            CREATE TABLE texts (
                digest BLOB PRIMARY KEY,
                body TEXT NOT NULL
            ) STRICT
            """,
            """
            CREATE TABLE messages (
                id INTEGER PRIMARY KEY,
                run TEXT NOT NULL,
                conversation TEXT NOT NULL,
                number INTEGER NOT NULL,
                digest BLOB NOT NULL
            ) STRICT
            """,
            "CREATE INDEX messages_by_conversation ON messages (run, conversation)",
            "INSERT INTO texts SELECT unhex(digest), body FROM texts_3",
            """
            INSERT INTO messages
            SELECT id, run, conversation, number, unhex(digest) FROM messages_3
            """,
            "DROP TABLE texts_3",
            "DROP TABLE messages_3",
        ),
    ),
)
_LONGEST_TOLD: Final = 200
CURRENT: Final = MIGRATIONS[-1].version


def open_writer(path: Path, *, synchronous: Synchronous = "FULL") -> apsw.Connection:
    """Open the journal for writing; make or migrate it where needed.

    Args:
        path: the file; its folder is made, for its owner alone, where it is missing.
        synchronous: `FULL` makes a commit survive a loss of power. `NORMAL` exists to be
            measured against it.

    Raises:
        NeedsPerson: the file is damaged, foreign, locked, of a newer schema, or can't be written.
    """
    require_sound_sqlite(apsw.sqlite_lib_version())
    try:
        _make_private(path)
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    except (apsw.Error, OSError) as error:
        raise explain(error, path) from error
    try:
        _require_known(db, path)
        _configure(db, path, synchronous)
        migrate(db)
    except (apsw.Error, UnicodeDecodeError) as error:
        db.close()
        raise explain(error, path) from error
    except NeedsPerson:
        db.close()
        raise
    return db


def open_reader(path: Path) -> apsw.Connection:
    """Open the journal for reading only, beside a writer or without one.

    Raises:
        NeedsPerson: there is no such file, or it can't be read.
    """
    require_sound_sqlite(apsw.sqlite_lib_version())
    if not path.is_file():
        raise NeedsPerson(
            f"There is no journal at {path}: no run was started in this repository, or its runs "
            'were forgotten. Start one with `longshift run "GOAL"`.'
        )
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    try:
        db = apsw.Connection(f"{path.absolute().as_uri()}?mode=ro", flags=flags)
    except apsw.Error as error:
        raise explain(error, path) from error
    db.set_busy_timeout(BUSY_TIMEOUT_MS)
    return db


def is_readable(db: apsw.Connection, path: Path) -> bool:
    """Whether the schema is there: False while another process is just making the file.

    Raises:
        NeedsPerson: the file is another program's, of a newer schema, or its tables are not ours.
    """
    _require_known(db, path)
    return _integer(db, "PRAGMA user_version") > 0


def has_messages(db: apsw.Connection, path: Path) -> bool:
    """Whether conversations can be read: an older schema, not migrated yet, has none."""
    return is_readable(db, path) and _integer(db, "PRAGMA user_version") >= 3


def migrate(db: apsw.Connection, *, to: int = CURRENT) -> None:
    """Bring the schema up to version `to`, each step in a transaction of its own."""
    for migration in MIGRATIONS[:to]:
        with db:
            # Read inside the transaction: another process may have migrated meanwhile.
            if _integer(db, "PRAGMA user_version") >= migration.version:
                continue
            for statement in migration.statements:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {migration.version}")


def require_sound_sqlite(version: str) -> None:
    """Refuse an SQLite, given as `3.51.3`, that may lose committed facts.

    Raises:
        NeedsPerson: it is older than `OLDEST_SOUND_SQLITE`.
    """
    if tuple(int(part) for part in version.split(".")) < OLDEST_SOUND_SQLITE:
        wanted = ".".join(map(str, OLDEST_SOUND_SQLITE))
        raise NeedsPerson(
            f"SQLite {version} may lose committed data when it resets its log, so no journal was "
            f"opened. Install an `apsw` that brings SQLite {wanted} or newer: "
            "`pip install --upgrade apsw`."
        )


def explain(error: Exception, path: Path) -> NeedsPerson:
    """Put an error of SQLite or of the file system into words for a person."""
    if isinstance(error, NeedsPerson):
        return error
    kind = next((kind for kind in EXPLANATIONS if isinstance(error, kind)), Exception)
    happened, next_step = EXPLANATIONS[kind]
    detail = brief(str(error).removeprefix(f"{type(error).__name__}: "))
    return NeedsPerson(
        f"The journal at {path} {happened} ({detail}). Everything journalled before is kept as "
        f"it was. {next_step}"
    )


def brief(text: str) -> str:
    """Words about a file that may be damaged, on one line and without what can't be printed."""
    words = " ".join(text.split())
    plain = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words
    )
    return plain if len(plain) <= _LONGEST_TOLD else plain[: _LONGEST_TOLD - 1] + "…"


_DAMAGED: Final = (
    "is damaged",
    "Restore it from a backup, or move it away with its `-wal` file to start with an empty one.",
)
_UNWRITABLE: Final = (
    "can't be opened or written",
    "Check the permissions of the file and of its folder, and that the disk is not read-only.",
)
EXPLANATIONS: Final[Mapping[type[Exception], tuple[str, str]]] = {
    apsw.FullError: (
        "could not grow: the disk is full",
        "Free some space, then resume the run.",
    ),
    apsw.BusyError: (
        "is locked by another process",
        "Find who holds it with `longshift status`, end that process, and try again.",
    ),
    apsw.LockedError: (
        "is locked by another process",
        "Find who holds it with `longshift status`, end that process, and try again.",
    ),
    apsw.CorruptError: _DAMAGED,
    apsw.NotADBError: _DAMAGED,
    UnicodeDecodeError: _DAMAGED,
    apsw.ConstraintError: (
        "was written by a second process at the same time",
        "End the other process, then resume the run; nothing of the two was mixed.",
    ),
    apsw.TooBigError: ("can't take a fact of this size", "Split the goal into smaller ones."),
    apsw.CantOpenError: _UNWRITABLE,
    apsw.ReadOnlyError: _UNWRITABLE,
    apsw.PermissionsError: _UNWRITABLE,
    apsw.IOError: (
        "could not be read or written",
        "Check the disk's health and space, then resume the run.",
    ),
    OSError: _UNWRITABLE,
    Exception: ("could not be used", "Report this as a defect, with the text in parentheses."),
}
"""What happened and what to do next, by the error's class; the first that fits is taken."""


def _make_private(path: Path) -> None:
    """Make the file and its folder where missing, and close both to everybody else.

    SQLite gives its `-wal` and `-shm` files the permissions of the file itself.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _restrict(path.parent, 0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    _restrict(path, 0o600)


def _restrict(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(mode)


def _require_known(db: apsw.Connection, path: Path) -> None:
    if _integer(db, "PRAGMA page_count") == 0:
        return  # a new file
    application = _integer(db, "PRAGMA application_id")
    version = _integer(db, "PRAGMA user_version")
    if application != APPLICATION_ID and (application or version or _has_tables(db)):
        raise NeedsPerson(
            f"{path} is a database of another program. It was left as it is. Move it away, then "
            "try again."
        )
    if version > CURRENT:
        raise NeedsPerson(
            f"The journal at {path} has schema {version}, written by a newer Longshift; this one "
            f"knows up to {CURRENT}. It was left as it is. Upgrade with "
            "`pip install --upgrade longshift`."
        )
    if _layout(db) != _expected_layout(version):
        # A view or a trigger in a journal would be run by whoever reads it, perhaps without end.
        detail = apsw.CorruptError(f"its tables are not those of schema {version}")
        raise explain(detail, path)


def _layout(db: apsw.Connection) -> frozenset[str]:
    """What was made in the file, without what SQLite makes for itself."""
    query = "SELECT type, sql FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'"
    return frozenset(_in_a_row(f"{kind} {sql}") for kind, sql in db.execute(query))


@functools.cache
def _expected_layout(version: int) -> frozenset[str]:
    with contextlib.closing(apsw.Connection(":memory:")) as db:
        migrate(db, to=max(0, version))
        return _layout(db)


def _in_a_row(sql: str) -> str:
    return " ".join(sql.split())


def _configure(db: apsw.Connection, path: Path, synchronous: Synchronous) -> None:
    db.set_busy_timeout(BUSY_TIMEOUT_MS)
    if db.pragma("journal_mode", "wal") != "wal":
        raise NeedsPerson(
            f"The file system of {path} has no shared memory between processes, which the journal "
            "needs; network file systems often have none. Nothing was started. Put the repository "
            "on a local disk."
        )
    db.pragma("synchronous", synchronous)
    # What macOS calls fsync does not reach the platter; a no-op elsewhere.
    db.pragma("fullfsync", True)
    db.pragma("checkpoint_fullfsync", True)
    # `forget` promises that nothing of a run stays in free pages.
    db.pragma("secure_delete", True)
    db.pragma("trusted_schema", False)


def _has_tables(db: apsw.Connection) -> bool:
    return _integer(db, "SELECT count(*) FROM sqlite_schema") > 0


def _integer(db: apsw.Connection, query: str) -> int:
    value = db.execute(query).get
    assert isinstance(value, int)
    return value
