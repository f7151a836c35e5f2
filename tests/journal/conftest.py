"""What the journal's tests share."""

import contextlib
import itertools
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from longshift.domain.events import RunSteered
from longshift.journal.store import Journal
from tests.support import journal_child


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that is a second later each time it is read, from whatever thread."""
    seconds = itertools.count()  # not a generator: two threads may not be inside one at once
    return lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
async def journal(path: Path, clock: Callable[[], datetime]) -> AsyncIterator[Journal]:
    async with Journal.open(path, clock=clock) as journal:
        yield journal


@pytest.fixture
def said() -> Callable[..., RunSteered]:
    """Make a small fact."""
    return lambda message, run="R1": RunSteered(run=run, message=str(message))


@pytest.fixture
def raw(path: Path) -> Callable[[], contextlib.AbstractContextManager[apsw.Connection]]:
    """Open the journal's file behind the journal's back."""

    @contextlib.contextmanager
    def opened() -> Iterator[apsw.Connection]:
        db = apsw.Connection(str(path))
        try:
            yield db
        finally:
            db.close()

    return opened


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A private folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="ls") as folder:
        yield Path(folder)


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process of `journal_child`; all are dead afterwards."""
    with contextlib.ExitStack() as started:

        def start(what: str, where: Path) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, journal_child.__file__, what, str(where)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            started.enter_context(process)  # waits, and closes the pipes
            started.callback(process.kill)
            return process

        yield start
