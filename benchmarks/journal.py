"""What durability costs the journal when many producers append at once.

Measures `Journal.append` itself, every call awaited by its producer until it is on the disk.
"""

import asyncio
import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import apsw

from benchmarks.result import Chart, Line, Result
from longshift.domain.events import TaskLanded
from longshift.domain.model import Handoff
from longshift.journal.schema import Synchronous, open_writer
from longshift.journal.store import Journal

PRODUCERS: Final = 500
CROWDS: Final = (1, 10, 100, 1_000)
"""Producers at once, for the curve."""


def run(*, quick: bool = False) -> Result:
    """Compare group commit with single appends, `FULL` with `NORMAL`, an idle loop with a busy one.

    Args:
        quick: fewer events and rounds, for a test that the benchmark runs.
    """
    rounds, each, single = (1, 2, 20) if quick else (7, 30, 300)
    alone: list[float] = []
    full: list[float] = []
    normal: list[float] = []
    busy: list[float] = []
    # Side by side, so that a slow moment of the machine falls on all of them.
    for _ in range(rounds):
        alone.append(_events_per_s(1, single, "FULL"))
        full.append(_events_per_s(PRODUCERS, each, "FULL"))
        normal.append(_events_per_s(PRODUCERS, each, "NORMAL"))
        busy.append(_events_per_s_beside_a_busy_thread(each))
    rates = {
        "single_full": statistics.median(alone),
        "group_full": statistics.median(full),
        "group_normal": statistics.median(normal),
        "group_full_busy": statistics.median(busy),
    }
    crowds = {many: _events_per_s(many, max(1, each * 50 // many), "FULL") for many in CROWDS}
    line = Line(
        "events, each synced to the disk", tuple(map(float, crowds)), tuple(crowds.values())
    )
    chart = Chart(
        "journal", "The journal, by who writes at once", "agents", "events a second", (line,), True
    )
    return Result(
        name="journal",
        figures={
            "group_over_single": statistics.median(
                fast / slow for slow, fast in zip(alone, full, strict=True)
            ),
            "full_over_normal_time": statistics.median(
                slow / fast for slow, fast in zip(normal, full, strict=True)
            ),
            "busy_over_idle_time": statistics.median(
                fast / slow for slow, fast in zip(busy, full, strict=True)
            ),
        },
        conditions={
            "producers": PRODUCERS,
            "events": PRODUCERS * each,
            "rounds": rounds,
            "sqlite": apsw.sqlite_lib_version(),
            **{f"{name}_events_per_s": round(rate) for name, rate in rates.items()},
        },
        # A quick run is too short for its figures to mean anything.
        limits={}
        if quick
        else {
            "group_over_single": ("min", 20),
            "full_over_normal_time": ("max", 1.3),
            "busy_over_idle_time": ("max", 8),
        },
        charts=(chart,),
    )


def _events_per_s_beside_a_busy_thread(each: int) -> float:
    """The same while another thread computes without pause and fights for the interpreter."""
    enough = threading.Event()

    def compute() -> None:
        while not enough.is_set():
            sum(range(200))

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        return _events_per_s(PRODUCERS, each, "FULL")
    finally:
        enough.set()
        thread.join()


def _events_per_s(producers: int, each: int, synchronous: Synchronous) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state", "journal.sqlite")
        db = open_writer(path, synchronous=synchronous)
        journal = Journal(db, path, clock=lambda: datetime.now(UTC))
        return producers * each / asyncio.run(_time_appends(journal, producers, each))


async def _time_appends(journal: Journal, producers: int, each: int) -> float:
    """Seconds until every producer has seen every one of its events on the disk."""
    fact = TaskLanded(
        run="R1",
        task="T12",
        attempt=1,
        change="C12",
        commit="a" * 40,
        parent="b" * 40,
        paths=("server/package/module.py", "tests/test_module.py"),
        handoff=Handoff(summary="Replaced the old formatting with f-strings in both files."),
    )

    async def produce() -> None:
        for _ in range(each):
            await journal.append(fact)

    await journal.append(fact)  # the first one pays for warming up
    start = time.perf_counter()
    await asyncio.gather(*(produce() for _ in range(producers)))
    took = time.perf_counter() - start
    await journal.close()
    return took
