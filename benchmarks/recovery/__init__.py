"""How long it takes to go on after a crash, by the length of the run that was under way.

Measures all of it: lease, store, journal, fold, what recovery does to a run with attempts and
landings under way, until the engine can be asked. Beside it, a bare reading of the same rows.
"""

import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw

from benchmarks.recovery.history import make_journal
from benchmarks.result import Chart, Line, Result
from longshift.engine.outfitting import Surroundings
from longshift.engine.owning.ownership import Owner, connect
from longshift.engine.ports import DiskHand, SystemClock
from longshift.repository.worktree import Worktree
from tests.support.repository_git import GitRepository

EVENTS: Final = 100_000
LENGTHS: Final = (1_000, 10_000, EVENTS)
MOST_SECONDS: Final = 2.0
"""For `EVENTS` of them, on the machine that measures."""


def run(*, quick: bool = False) -> Result:
    """Recover runs of several lengths, each from a copy of a journal that broke off.

    Args:
        quick: short runs, for a test that the benchmark runs.
    """
    rounds, lengths = (1, (300, 1_000)) if quick else (5, LENGTHS)
    times: dict[int, list[float]] = {}
    bare: dict[int, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        person = GitRepository.create(Path(folder) / "person")
        commit = person.commit({"a.txt": b"one\n"})
        worktree = Worktree.discover(person.root)
        kept = Path(folder) / "kept"
        for length in lengths:
            shutil.rmtree(worktree.state_dir, ignore_errors=True)
            asyncio.run(make_journal(worktree, commit, length))
            shutil.rmtree(kept, ignore_errors=True)
            worktree.state_dir.rename(kept)
            # Side by side, so that a slow moment of the machine falls on both.
            for _ in range(rounds):
                shutil.copytree(kept, worktree.state_dir)
                bare.setdefault(length, []).append(_bare(worktree.state_dir / "journal.sqlite"))
                times.setdefault(length, []).append(asyncio.run(_recovered(worktree, length)))
                shutil.rmtree(worktree.state_dir)
    longest = lengths[-1]
    middle = {length: statistics.median(taken) for length, taken in times.items()}
    return Result(
        name="recovery",
        figures={
            "recovery_over_reading_time": _ratio(times[longest], bare[longest]),
            "seconds_for_longest": middle[longest],
        },
        conditions={
            "events": longest,
            "rounds": rounds,
            "bare_reading_s": round(statistics.median(bare[longest]), 3),
        },
        limits={}
        if quick
        else {
            "recovery_over_reading_time": ("max", 9.0),
            "seconds_for_longest": ("max", MOST_SECONDS),
        },
        charts=(
            Chart(
                "recovery",
                "Going on after a crash, by the length of the run",
                "events of the run",
                "seconds",
                (Line("until commands are answered", tuple(map(float, middle)),
                      tuple(middle.values())),),
                True,
            ),
        ),
    )  # fmt: skip


def _ratio(over: Sequence[float], under: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(over, under, strict=True))


def _bare(path: Path) -> float:
    """Seconds to read every row and its JSON, and do nothing with them."""
    begun = time.perf_counter()
    db = apsw.Connection(str(path))
    for _, _, _, _, body in db.execute("SELECT seq, time, run, event, body FROM events"):
        json.loads(body)
    db.close()
    return time.perf_counter() - begun


async def _recovered(worktree: Worktree, length: int) -> float:
    surroundings = Surroundings(
        environ={}, clock=SystemClock(), hand=DiskHand(worktree.root), editor=None
    )
    begun = time.perf_counter()
    owner = await connect(worktree, surroundings)
    taken = time.perf_counter() - begun
    assert isinstance(owner, Owner), owner
    run = owner.engine.state.runs["R1"]
    assert run.lifecycle == "paused", run.lifecycle
    assert not run.intent
    assert owner.engine.state.seq > length
    await owner.close()
    return taken
