"""Opening journals: old, new, foreign, damaged, locked."""

import shutil
import stat
from pathlib import Path

import apsw
import pytest

from longshift.errors import NeedsPerson
from longshift.journal import schema
from longshift.journal.store import Journal, JournalReader

DATA = Path(__file__).parent / "data"


def execute(path, *statements):
    db = apsw.Connection(str(path))
    for statement in statements:
        db.execute(statement)
    db.close()


def layout(path):
    db = apsw.Connection(str(path))
    found = db.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
    version = db.pragma("user_version")
    db.close()
    return found, version


def test_versions_are_consecutive_and_say_why():
    assert [m.version for m in schema.MIGRATIONS] == list(range(1, schema.CURRENT + 1))
    assert all(migration.why for migration in schema.MIGRATIONS)


@pytest.mark.parametrize("version", range(1, schema.CURRENT))
async def test_recorded_journals_of_older_versions_migrate(version, path, clock, said):
    path.parent.mkdir()
    shutil.copy(DATA / f"version{version}.sqlite", path)
    with JournalReader.open(path) as reader:
        before = list(reader.read())
    assert [recorded.event.event for recorded in before] == [
        "run.started",
        "run.steered",
        "run.finished",
        "constraint.lifted",
    ]
    async with Journal.open(path, clock=clock) as journal:
        with journal.reader() as reader:
            assert list(reader.read()) == before
            assert [recorded.seq for recorded in reader.read(run="R1")] == [1, 2, 4]
            reader.check()
        # Numbers 3 and 6 were given and then forgotten.
        (recorded,) = await journal.append(said("next"))
        assert recorded.seq == 7
    fresh = path.with_name("fresh.sqlite")
    await Journal.open(fresh, clock=clock).close()
    assert layout(path) == layout(fresh)


def test_conversations_of_an_older_journal_are_kept(path, clock):
    path.parent.mkdir()
    shutil.copy(DATA / "version3.sqlite", path)

    def told():
        with JournalReader.open(path) as reader:
            return {name: reader.conversation("R1", name) for name in reader.conversations("R1")}

    before = told()
    assert [len(part) for part in before["T1.1"]] == [3, 2]
    assert "Grüße" in before["T2.1"][0][2]
    schema.open_writer(path).close()
    assert told() == before


def test_the_writer_writes_through_and_overwrites_what_it_deletes(path):
    db = schema.open_writer(path)
    wanted = {"journal_mode": "wal", "synchronous": 2, "fullfsync": 1, "secure_delete": 1}
    assert {name: db.pragma(name) for name in wanted} == wanted
    db.close()


async def test_one_run_is_found_through_the_index(journal, said):
    await journal.append(said("a"))
    with journal.reader() as reader:
        plan = reader._db.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM events WHERE seq > 0 AND seq <= 9 AND run = 'R1'"
            " ORDER BY seq"
        ).fetchall()
    assert "events_by_run" in str(plan)
    assert "B-TREE" not in str(plan)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (("PRAGMA user_version = 99", f"PRAGMA application_id = {schema.APPLICATION_ID}"), "newer"),
        (("PRAGMA application_id = 77", "CREATE TABLE t (x)"), "another program"),
        (("CREATE TABLE events (x)",), "another program"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_alone(statements, expected, path, clock):
    path.parent.mkdir()
    execute(path, "CREATE TABLE placeholder (x)", "DROP TABLE placeholder", *statements)
    content = path.read_bytes()
    with pytest.raises(NeedsPerson, match=expected):
        Journal.open(path, clock=clock)
    with JournalReader.open(path) as reader, pytest.raises(NeedsPerson, match=expected):
        reader.last_seq()
    assert path.read_bytes() == content


async def test_a_damaged_file_is_refused_and_left_alone(path, clock):
    path.parent.mkdir()
    path.write_bytes(b"this was a journal once\n" * 1000)
    content = path.read_bytes()
    with pytest.raises(NeedsPerson, match=r"is damaged .*Restore it from a backup"):
        Journal.open(path, clock=clock)
    with JournalReader.open(path) as reader, pytest.raises(NeedsPerson, match="is damaged"):
        list(reader.read())
    assert path.read_bytes() == content


async def test_damaged_pages_are_found_by_the_check(path, clock, said):
    async with Journal.open(path, clock=clock) as journal:
        await journal.append(*(said("x" * 500) for _ in range(100)))
    with path.open("r+b") as file:
        file.seek(6 * 4096)
        file.write(b"\xff" * 8192)
    with JournalReader.open(path) as reader, pytest.raises(NeedsPerson, match="is damaged"):
        reader.check()


@pytest.mark.parametrize(
    "damage",
    [
        "body = 'no JSON'",
        "body = '{}'",
        """body = '{"run": "R1", "event": "run.steered"}'""",
        """body = '{"run": "R1", "event": "run.exploded"}'""",
        "run = 'R2'",
        "event = 'run.paused'",
        "time = 'yesterday'",
    ],
)
async def test_a_row_that_does_not_parse_is_damage_and_is_named(damage, journal, said, raw):
    await journal.append(said("a"), said("b"), said("c"))
    with raw() as db:
        db.execute(f"UPDATE events SET {damage} WHERE seq = 2")
    with journal.reader() as reader:
        for read in (lambda: list(reader.read()), reader.check):
            with pytest.raises(NeedsPerson, match=r"Row 2 .* Nothing was changed or deleted"):
                read()
        assert [recorded.seq for recorded in reader.read(after=2)] == [3]
        assert reader.last_seq() == 3


def test_a_locked_journal_is_refused(path, clock, monkeypatch):
    Journal.open(path, clock=clock).close_now()
    monkeypatch.setattr(schema, "BUSY_TIMEOUT_MS", 10)
    db = apsw.Connection(str(path))
    db.pragma("locking_mode", "exclusive")
    db.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(NeedsPerson, match="is locked by another process"):
            Journal.open(path, clock=clock)
    finally:
        db.close()


def test_a_folder_that_can_not_be_made_is_named(tmp_path, clock):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(NeedsPerson, match="can't be opened or written"):
        Journal.open(tmp_path / "state" / "journal.sqlite", clock=clock)


def test_a_missing_journal_can_not_be_read(path):
    with pytest.raises(NeedsPerson, match="no journal at"):
        JournalReader.open(path)
    assert not path.parent.exists()


def test_a_journal_that_is_just_being_made_reads_as_empty(path):
    path.parent.mkdir()
    path.touch()
    with JournalReader.open(path) as reader:
        assert (list(reader.read()), reader.last_seq()) == ([], 0)
        execute(path, "PRAGMA journal_mode = wal")
        assert (list(reader.read()), reader.last_seq()) == ([], 0)


def test_permissions_that_were_too_wide_are_narrowed(path, clock):
    path.parent.mkdir(mode=0o755)
    path.touch(mode=0o644)
    Journal.open(path, clock=clock).close_now()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("version", "is_sound"),
    [("3.51.2", False), ("3.9.99", False), ("3.51.3", True), ("3.52.0", True), ("4.0.0", True)],
)
def test_an_sqlite_that_may_lose_facts_is_refused(version, is_sound):
    if is_sound:
        schema.require_sound_sqlite(version)
    else:
        with pytest.raises(NeedsPerson, match=f"SQLite {version} may lose"):
            schema.require_sound_sqlite(version)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (apsw.FullError("FullError: database or disk is full"), "disk is full"),
        (apsw.IOError("IOError: disk I/O error"), "could not be read or written"),
        (apsw.ReadOnlyError("read only"), "can't be opened or written"),
        (PermissionError(13, "Permission denied"), "can't be opened or written"),
        (MemoryError("odd"), "could not be used"),
    ],
)
def test_every_error_says_what_happened_where_what_is_kept_and_what_to_do(error, expected):
    message = str(schema.explain(error, Path("/repo/journal.sqlite")))
    for part in (expected, "/repo/journal.sqlite", "is kept", ". "):
        assert part in message
    assert "Error:" not in message
