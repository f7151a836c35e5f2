"""What may stand where the journal was: facts, or a sentence that says what to do.

The property: a journal that was damaged, cut, replaced, or made by somebody else is opened and
read to an end, in facts or in `NeedsPerson`, and the reader leaves the file byte for byte as it
was. It matters because the journal is the only truth of a run: the person must be able to restore
it, and must not have it made worse by looking.
"""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshift.cli.session import journal_path, read_after, read_state
from longshift.domain.events import EVENT
from longshift.domain.state import State
from longshift.errors import NeedsPerson
from longshift.journal.store import Journal, JournalReader
from longshift.repository.worktree import Worktree
from tests.fuzz.replay import damaged, mutated, replayed, tries
from tests.support.repository_git import GitRepository

RECORDED = Path(__file__).parents[1] / "journals" / "eventful.jsonl"
FACTS = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]


def now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def worktree(tmp_path_factory: pytest.TempPathFactory) -> Worktree:
    person = GitRepository.create(tmp_path_factory.mktemp("repository"))
    return Worktree.discover(person.root)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal's file with every recorded fact, closed in good order."""
    path = tmp_path_factory.mktemp("sound") / "journal.sqlite"
    journal = Journal.open(path, clock=now)
    journal.append_now(*(EVENT.validate_python(fact["event"], strict=False) for fact in FACTS))
    journal.close_now()
    return path


@pytest.fixture
def emptied(worktree: Worktree) -> Iterator[Path]:
    """Where the journal is to be, in a state folder that has nothing else."""
    yield renewed(worktree)
    shutil.rmtree(worktree.state_dir)


def renewed(worktree: Worktree) -> Path:
    shutil.rmtree(worktree.state_dir, ignore_errors=True)
    worktree.state_dir.mkdir(parents=True)
    return journal_path(worktree)


def check(worktree: Worktree) -> None:
    """Look in every way that the product looks, then open it for writing."""
    path = journal_path(worktree)
    before = path.read_bytes() if path.is_file() else None
    look(lambda: isinstance(read_state(worktree), State))
    look(lambda: isinstance(read_after(worktree, 3), list))
    look(lambda: read_all(path))
    assert (path.read_bytes() if path.is_file() else None) == before
    look(lambda: Journal.open(path, clock=now).close_now())


def look(work: object) -> None:
    assert callable(work)
    try:
        work()
    except NeedsPerson as error:
        message = str(error)
        assert len(message) < 2000
        assert message.isprintable()
        assert any(word in message for word in NEXT_STEPS), message


NEXT_STEPS = ("Restore", "restore", "Move it away", "Upgrade", "upgrade", "Check the", "Start one",
              "end that process", "Report this")  # fmt: skip


def read_all(path: Path) -> None:
    with JournalReader.open(path) as reader:
        reader.last_seq()
        reader.check()


def test_the_sound_one_is_read(worktree: Worktree, emptied: Path, sound: Path) -> None:
    emptied.write_bytes(sound.read_bytes())
    state = read_state(worktree)
    assert state.seq == len(FACTS)
    check(worktree)
    assert read_state(worktree) == state


@tries(60)
@given(data=st.data())
def test_damaged_bytes(worktree: Worktree, sound: Path, data: st.DataObject) -> None:
    # Most damage is put where it matters: the header, the schema, the edges of pages.
    whole = sound.read_bytes()
    start = data.draw(st.sampled_from([0, 16, 40, 60, 96, 100, 4096 - 600, 4096, 8192]))
    part = data.draw(damaged(whole[start : start + 700]))
    renewed(worktree).write_bytes(whole[:start] + part + whole[start + 700 :])
    check(worktree)


@tries(40)
@given(
    turned=st.lists(st.tuples(st.integers(0, 2**16), st.sampled_from([1, 0x80, 0xFF])), min_size=1)
)
def test_bytes_turned_over(worktree: Worktree, sound: Path, turned: list[tuple[int, int]]) -> None:
    flipped = bytearray(sound.read_bytes())
    for place, mask in turned:
        flipped[place % len(flipped)] ^= mask
    renewed(worktree).write_bytes(flipped)
    check(worktree)


@tries(20)
@given(length=st.integers(0, 70_000), rest=st.binary(max_size=20))
def test_what_is_cut(worktree: Worktree, sound: Path, length: int, rest: bytes) -> None:
    renewed(worktree).write_bytes(sound.read_bytes()[:length] + rest)
    check(worktree)


ROWS = st.sampled_from(FACTS).flatmap(lambda fact: mutated(fact["event"]))


@tries(60)
@given(
    seq=st.integers(-1, 30) | st.sampled_from([2**63 - 1, -(2**63)]),
    time=st.sampled_from(["2026-01-02T12:00:00+00:00", "", "yesterday", "2026-01-02", "\x1b[2J",
                          "0001-01-01T00:00:00+14:00", "2026-01-02T12:00:00"]),
    body=ROWS.map(json.dumps) | st.text(max_size=20),
    named=st.sampled_from([None, "run.steered", "\x1b[2J"]),
)  # fmt: skip
def test_rows_that_are_not_facts(
    worktree: Worktree, sound: Path, seq: int, time: str, body: str, named: str | None
) -> None:
    path = renewed(worktree)
    path.write_bytes(sound.read_bytes())
    event = json.loads(body) if body.startswith("{") else {}
    run = event.get("run") if isinstance(event.get("run"), str) else None
    name = event.get("event") if isinstance(event.get("event"), str) else ""
    values = [value and value.encode("utf-8", "replace").decode()
              for value in (time, run, named or name, body)]  # fmt: skip
    db = apsw.Connection(str(path))
    db.execute("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?)", (seq, *values))
    db.close()
    check(worktree)


@replayed("journal")
def test_the_corpus_is_told(worktree: Worktree, emptied: Path, sound: Path, data: bytes) -> None:
    """Each file is SQL that somebody has done to a sound journal; `-- empty` starts from none."""
    if not data.startswith(b"-- empty"):
        emptied.write_bytes(sound.read_bytes())
    db = apsw.Connection(str(emptied))
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
    db.config(apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1)
    try:
        db.execute(data.decode())
    finally:
        db.close()
    check(worktree)


PLACES = ["folder", "pipe", "nothing", "link to nothing", "link to a folder", "empty", "text"]


@pytest.mark.parametrize("what", PLACES)
def test_what_else_may_be_in_its_place(
    worktree: Worktree, emptied: Path, what: str, tmp_path: Path
) -> None:
    match what:
        case "folder":
            emptied.mkdir()
        case "pipe":
            os.mkfifo(emptied)
        case "link to nothing":
            emptied.symlink_to(tmp_path / "gone" / "journal")
        case "link to a folder":
            emptied.symlink_to(tmp_path)
        case "empty":
            emptied.write_bytes(b"")
        case "text":
            emptied.write_bytes(b"SQLite format 3\0" + b"This is no database." * 500)
    check(worktree)


@pytest.mark.parametrize("what", ["noise", "folder", "a journal's log"])
def test_a_log_beside_it_that_is_none_of_its(
    worktree: Worktree, emptied: Path, sound: Path, what: str
) -> None:
    emptied.write_bytes(sound.read_bytes())
    log = emptied.with_name(emptied.name + "-wal")
    match what:
        case "noise":
            log.write_bytes(b"\x37\x7f\x06\x82" + bytes(range(256)) * 40)
        case "folder":
            log.mkdir()
        case _:
            log.write_bytes(sound.read_bytes())
    check(worktree)
