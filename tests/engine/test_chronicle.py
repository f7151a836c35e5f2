"""The chronicle: state and journal in step, whatever goes wrong on the way."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from longshift.domain import events as e
from longshift.domain.fold import fold
from longshift.domain.model import Goal
from longshift.domain.state import State
from longshift.domain.transitions import Refused
from longshift.engine.chronicle import Chronicle
from longshift.engine.ports import DiskPresent, StillPresent, write_effects
from longshift.errors import NeedsPerson
from longshift.journal.store import Journal
from longshift.review.shapes import DeleteFile, RenameFile, WriteFile
from tests.support.engine_world import FakeClock

STARTED = e.RunStarted(run="R1", goal=Goal(text="g"), repo="/r", base="b0")


@pytest.fixture
async def journal(tmp_path: Path) -> Journal:
    async with Journal.open(tmp_path / "journal.sqlite", clock=FakeClock().now) as journal:
        yield journal


def read_back(journal: Journal) -> State:
    with journal.reader() as reader:
        return fold(reader.read())


async def test_what_cannot_be_written_changes_nothing_and_stops_nobody(journal: Journal) -> None:
    chronicle = Chronicle(journal, State(), FakeClock())
    told: list[str] = []
    chronicle.listen(lambda record: told.append(record.event.event))
    await chronicle.record(STARTED)
    for events, error in (
        ([e.RunSteered(run="R1", message="a lone \udc80")], ValueError),
        ([e.RunSteered(run="R1", message="x"), e.RunSteered(run="R9", message="y")], Refused),
    ):
        before = chronicle.state
        with pytest.raises(error):
            await chronicle.record(*events)
        assert chronicle.state is before
    await chronicle.record(e.RunSteered(run="R1", message="on"))
    assert told == ["run.started", "run.steered"]
    assert read_back(journal) == chronicle.state


async def test_a_caller_that_is_cancelled_does_not_take_back_its_facts(journal: Journal) -> None:
    chronicle = Chronicle(journal, State(), FakeClock())
    told: list[str] = []
    chronicle.listen(lambda record: told.append(record.event.event))
    recording = asyncio.create_task(chronicle.record(STARTED))
    await asyncio.sleep(0)  # it has handed its fact over, and waits for the disk
    recording.cancel()
    await asyncio.wait([recording])
    assert told == ["run.started"]
    await chronicle.record(e.RunSteered(run="R1", message="on"))
    assert read_back(journal) == chronicle.state


async def test_nothing_builds_on_a_journal_that_cannot_be_written(journal: Journal) -> None:
    chronicle = Chronicle(journal, State(), FakeClock())
    await journal.close()
    for event in (STARTED, e.RunSteered(run="R1", message="what never was on the disk")):
        with pytest.raises(RuntimeError, match="closed"):
            await chronicle.record(event)


def test_files_are_written_whole_and_keep_their_permissions(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o600)
    (tmp_path / "outside").symlink_to("/")
    write_effects(
        tmp_path,
        [
            WriteFile("a", b"new", 0o100644),
            WriteFile("deep/" + "n" * 250, b"#!", 0o100755),
            WriteFile("link", b"a", 0o120000),
            RenameFile("a", "moved/b"),
            DeleteFile("missing"),
        ],
    )
    assert (tmp_path / "moved/b").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "moved/b").stat().st_mode) == 0o600
    assert os.access(tmp_path / "deep" / ("n" * 250), os.X_OK)
    assert (tmp_path / "link").readlink() == Path("a")
    with pytest.raises(NeedsPerson, match="outside is a symbolic link"):
        write_effects(tmp_path, [WriteFile("outside/x", b"", 0o100644)])
    with pytest.raises(NeedsPerson, match="could not be written"):
        write_effects(tmp_path, [WriteFile("moved", b"", 0o100644)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "link", "moved", "outside"]


def test_a_decision_sees_one_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"first")
    present = StillPresent(DiskPresent(tmp_path))
    assert present.read("a").data == b"first"
    assert present.changed(DiskPresent(tmp_path), ["a"]) == []
    (tmp_path / "a").write_bytes(b"typed")
    assert present.read("a").data == b"first"
    assert present.changed(DiskPresent(tmp_path), ["a", "none"]) == ["a"]
